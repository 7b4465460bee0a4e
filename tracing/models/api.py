"""What programs of an authority come with: their tokens, calls and results."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracing.models.account import Account
from tracing.models.base import Base, CodeList, Key
from tracing.models.sealed import Sealing, content, record, words


class ClientToken(Base):
    """A token with which a program works as one account; its hash alone is kept."""

    __tablename__ = "client_token"
    __table_args__ = (Index("ix_client_token_account", "account_id", "expires_at"),)

    id: Mapped[Key]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    label: Mapped[str] = mapped_column(String(100))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[tuple[str, ...]] = mapped_column(CodeList)
    networks: Mapped[tuple[str, ...]] = mapped_column(CodeList, default=())
    """From where it may come; empty: from anywhere."""
    made_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    used_from: Mapped[str] = mapped_column(String(45), default="")

    account: Mapped[Account] = relationship(foreign_keys=[account_id])
    made_by: Mapped[Account] = relationship(foreign_keys=[made_by_id])


class ApiCall(Sealing, Base):
    """A call that acted, by its Idempotency-Key, and what was answered.

    The row comes with the effect, in one transaction; the answer a moment later.
    """

    __tablename__ = "api_call"
    __table_args__ = (UniqueConstraint("account_id", "route", "key_hash"),)

    id: Mapped[Key]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    route: Mapped[str] = mapped_column(String(80))
    key_hash: Mapped[str] = mapped_column(String(64))
    fingerprint: Mapped[str] = mapped_column(String(64))
    """Of method, path and body: the same key with another one is a mistake."""
    about: Mapped[str] = mapped_column(String(24), default="")
    at: Mapped[datetime] = mapped_column(index=True)
    status: Mapped[int | None]
    headers: Mapped[dict[str, Any] | None]
    answer = content()

    @property
    def sealed_for(self) -> int:
        """Return the authority that called."""
        return self.authority_id


class Webhook(Sealing, Base):
    """Where an account is told by itself what happens; each message is signed."""

    __tablename__ = "webhook"

    id: Mapped[Key]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    url: Mapped[str] = mapped_column(String(500))
    secret = words()
    made_at: Mapped[datetime]
    position: Mapped[int] = mapped_column(BigInteger)
    """Up to which entry of the authority's chain messages were made."""
    disabled_at: Mapped[datetime | None]
    disabled_why: Mapped[str] = mapped_column(String(40), default="")

    account: Mapped[Account] = relationship()

    @property
    def sealed_for(self) -> int:
        """Return the authority that is told."""
        return self.authority_id


class WebhookDelivery(Base):
    """One message: what it says, when it is due, and how it went."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("webhook_id", "seq"),
        Index("ix_webhook_delivery_due", "next_at", "id"),
    )

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(40), unique=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id"))
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    seq: Mapped[int] = mapped_column(BigInteger)
    step: Mapped[str] = mapped_column(String(40))
    about: Mapped[str] = mapped_column(String(24))
    after: Mapped[str] = mapped_column(String(40))
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[str] = mapped_column(String(24))
    next_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    tried_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    status: Mapped[int | None]
    why: Mapped[str] = mapped_column(String(80), default="")

    webhook: Mapped[Webhook] = relationship()


class ApiResult(Sealing, Base):
    """What a search has found, for who searched, for a short while."""

    __tablename__ = "api_result"

    id: Mapped[Key]
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    found = record()

    @property
    def sealed_for(self) -> int:
        """Return the authority that searched."""
        return self.authority_id
