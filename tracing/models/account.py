"""Accounts: people, their roles, and the authority each works for."""

from datetime import datetime

from flask_security import AsaList, RoleMixin, UserMixin
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    false,
)
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracing.models.base import Base, Key
from tracing.models.directory import Authority
from tracing.models.sealed import Sealing, words
from workflows.policies import Role as RoleName

role_of_account = Table(
    "role_of_account",
    Base.metadata,
    Column("account_id", Integer, ForeignKey("account.id"), primary_key=True),
    Column("role_id", Integer, ForeignKey("role.id"), primary_key=True),
)


class Role(Base, RoleMixin):
    """One of the roles of `workflows.policies.Role`."""

    __tablename__ = "role"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(40), unique=True)


class Account(Base, UserMixin):
    """A person who signs in; belongs to one authority."""

    __tablename__ = "account"

    id: Mapped[Key]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    language: Mapped[str] = mapped_column(String(5), default="en")
    machine: Mapped[bool] = mapped_column(
        Boolean, default=False, server_default=false()
    )
    """A program of the authority: it comes with tokens and never signs in."""

    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    """Random; also the handle by which a security key knows the account."""

    tf_primary_method: Mapped[str | None] = mapped_column(String(64))
    tf_totp_secret: Mapped[str | None] = mapped_column(String(255))
    tf_phone_number: Mapped[str | None] = mapped_column(String(128))
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(
        MutableList.as_mutable(AsaList())
    )
    """Hashes; each goes when its code is used."""

    totp_step: Mapped[int | None] = mapped_column(BigInteger)
    """The half minute of the last code that was accepted: none is good twice."""

    authority: Mapped[Authority] = relationship(lazy="joined", innerjoin=True)
    roles: Mapped[list[RoleMixin]] = relationship(
        "Role", secondary=role_of_account, lazy="selectin"
    )

    @property
    def role_names(self) -> frozenset[RoleName]:
        """Return the roles as the policies know them."""
        return frozenset(RoleName(role.name) for role in self.roles)


class AccountSession(Base):
    """Somebody signed in at one browser; the cookie holds what is hashed here."""

    __tablename__ = "account_session"

    id: Mapped[Key]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    half: Mapped[bool] = mapped_column(Boolean, default=False)
    """The password was right; the second factor has not been shown."""

    lacks_keys: Mapped[bool] = mapped_column(Boolean, default=False)
    """An administrator who must add security keys before anything else."""

    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    factor_at: Mapped[datetime | None]
    """When a factor was last shown: what is delicate asks for a recent one."""

    device: Mapped[str] = mapped_column(String(200), default="")
    address: Mapped[str] = mapped_column(String(45), default="")
    challenge: Mapped[str | None] = mapped_column(String(128))
    """What a security key is asked to sign; good once."""

    pending_totp: Mapped[str | None] = mapped_column(String(255))
    """The encrypted key of an authenticator that is being set up."""

    account: Mapped[Account] = relationship(lazy="joined", innerjoin=True)


class AccountKey(Base):
    """A security key (WebAuthn) of an account; only the public half is known."""

    __tablename__ = "account_key"

    id: Mapped[Key]
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(64))
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(1024), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    transports: Mapped[str] = mapped_column(String(100), default="")
    backed_up: Mapped[bool] = mapped_column(Boolean, default=False)
    added_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class FailedAttempts(Base):
    """Wrong passwords or codes in a row, for one account, device or address."""

    __tablename__ = "failed_attempts"

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(64), unique=True)
    """A keyed hash: the table does not tell which addresses were tried."""

    count: Mapped[int] = mapped_column(Integer, default=0)
    last_at: Mapped[datetime]
    wait_until: Mapped[datetime | None]


class AccountToken(Base):
    """Something good once: an invitation, a new password, leave to reset a factor."""

    __tablename__ = "account_token"

    id: Mapped[Key]
    kind: Mapped[str] = mapped_column(String(20))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class AccountIdentity(Base):
    """An account as another service knows it: by issuer and subject, never by mail."""

    __tablename__ = "account_identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[Key]
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    added_at: Mapped[datetime]


class BreakGlass(Sealing, Base):
    """Leave to open one case in an emergency: asked by one person, given by another."""

    __tablename__ = "break_glass"
    __table_args__ = (Index("ix_break_glass_open", "asked_by_id", "until"),)

    id: Mapped[Key]
    reference: Mapped[str] = mapped_column(String(40))
    """As it was asked: nobody learns by asking whether there is such a request."""

    request_id: Mapped[int | None] = mapped_column(ForeignKey("trace_request.id"))
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    reason = words()
    asked_at: Mapped[datetime]
    given_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    given_at: Mapped[datetime | None]
    until: Mapped[datetime | None]

    asked_by: Mapped[Account] = relationship(foreign_keys=[asked_by_id])
    given_by: Mapped[Account | None] = relationship(foreign_keys=[given_by_id])

    @property
    def sealed_for(self) -> int:
        """Return nobody: it belongs to the platform."""
        return 0
