"""Authorities and how to reach them; what an entry was before, and what keeps it true."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from tracing.models.base import Base, CodeList, Key


class Authority(Base):
    """A competent national authority (ITI 25, Firearms Protocol art. 13(2)).

    One row is one entry of the directory as it is now; a State has as many as it
    names, each for its functions and instruments.
    """

    __tablename__ = "authority"

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(String(20), unique=True)
    country: Mapped[str] = mapped_column(String(2), index=True)
    territory: Mapped[str] = mapped_column(String(6), default="", server_default="")
    """A part of the State with an authority of its own (ISO 3166-2)."""

    name: Mapped[str] = mapped_column(String(200))
    original_name: Mapped[str] = mapped_column(String(200), default="")
    unit: Mapped[str] = mapped_column(String(200), default="")
    zone: Mapped[str] = mapped_column(String(60))
    languages: Mapped[tuple[str, ...]] = mapped_column(CodeList, default=())
    functions: Mapped[tuple[str, ...]] = mapped_column(CodeList, default=())
    instruments: Mapped[tuple[str, ...]] = mapped_column(CodeList, default=())
    formats: Mapped[tuple[str, ...]] = mapped_column(
        CodeList, default=(), server_default=""
    )
    email: Mapped[str] = mapped_column(String(254))
    emails: Mapped[tuple[str, ...]] = mapped_column(
        CodeList(None, 1000), default=(), server_default=""
    )
    """Further mailboxes, the deputy's first: tried in this order."""

    supervisor_email: Mapped[str] = mapped_column(String(254), default="")
    phone: Mapped[str] = mapped_column(String(30), default="")
    phones: Mapped[tuple[str, ...]] = mapped_column(
        CodeList, default=(), server_default=""
    )
    """Further numbers, the deputy's first."""

    urgent_phone: Mapped[str] = mapped_column(String(30), default="")
    """Somebody answers at any hour."""

    fax: Mapped[str] = mapped_column(String(30), default="", server_default="")
    channels: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Secure channels, one on a line: its code, the address there, a fingerprint."""

    address: Mapped[str] = mapped_column(Text, default="")
    office_hours: Mapped[str] = mapped_column(String(200), default="")
    requirements: Mapped[str] = mapped_column(Text, default="")
    urgent_procedure: Mapped[str] = mapped_column(Text, default="", server_default="")
    interpol_route: Mapped[str] = mapped_column(String(20), default="")
    marking_practice: Mapped[str] = mapped_column(Text, default="", server_default="")
    """How this State marks what it makes and imports (ITI 31)."""

    source: Mapped[str] = mapped_column(String(200), default="")
    last_confirmed: Mapped[datetime | None]
    confirmed_by: Mapped[str] = mapped_column(
        String(200), default="", server_default=""
    )
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    successor: Mapped[str] = mapped_column(String(20), default="", server_default="")
    """The code of the authority that took over."""

    keep_years: Mapped[int | None]
    """Years a request is kept after its end; none: as the rule says."""

    introduces: Mapped[bool] = mapped_column(default=False)
    """Whether another authority that asks about the same item may be told so."""

    accepts_requests: Mapped[bool] = mapped_column(default=True)
    fictional: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    """Which version of the entry this is; those before are kept."""

    unreachable: Mapped[tuple[str, ...]] = mapped_column(
        CodeList(None, 1500), default=(), server_default=""
    )
    """Mailboxes from which mail came back."""

    @property
    def mailboxes(self) -> tuple[str, ...]:
        """Return the addresses of the entry, in the order in which they are tried."""
        # What was not written yet has no lists yet.
        return (self.email, *(self.emails or ()))

    @property
    def mailbox(self) -> str:
        """Return where mail goes: the first address from which none came back."""
        gone = self.unreachable or ()
        return next((one for one in self.mailboxes if one not in gone), self.email)


class AuthorityVersion(Base):
    """An entry as it was, until it changed; written with the change, and kept."""

    __tablename__ = "authority_version"
    __table_args__ = (UniqueConstraint("authority_id", "number"),)

    id: Mapped[Key]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    number: Mapped[int]
    entry: Mapped[dict[str, Any]]
    until: Mapped[datetime]
    why: Mapped[str] = mapped_column(String(200))


class MarkingPicture(Base):
    """How a State marks what it makes and imports, in a picture drawn anew."""

    __tablename__ = "marking_picture"

    id: Mapped[Key]
    token: Mapped[str] = mapped_column(String(32), unique=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(40))
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    small: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    sha256: Mapped[str] = mapped_column(String(64))
    width: Mapped[int]
    height: Mapped[int]
    added_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    added_at: Mapped[datetime]


class Proposal(Base):
    """A change of an entry that one person proposes and another decides."""

    __tablename__ = "directory_proposal"
    __table_args__ = (
        Index("ix_directory_proposal_open", "authority_id", "decision", "id"),
        Index("ix_directory_proposal_accepted", "decision", "done_at", "id"),
    )

    id: Mapped[Key]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    version: Mapped[int]
    """Of the entry, when it was proposed."""

    changes: Mapped[dict[str, Any]]
    """By field: the text of its cell as it was, and as it shall be."""

    why: Mapped[str] = mapped_column(Text)
    home_id: Mapped[int] = mapped_column(ForeignKey("authority.id"), index=True)
    """The authority of who proposes."""

    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    proposed_at: Mapped[datetime]
    decision: Mapped[str | None] = mapped_column(String(20))
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    """When the worker made the change, or found that it no longer fits."""


class DirectoryLink(Base):
    """A link sent to a mailbox of an entry, good once: of its token only the hash."""

    __tablename__ = "directory_link"
    __table_args__ = (Index("ix_directory_link_of", "authority_id", "kind", "id"),)

    id: Mapped[Key]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    kind: Mapped[str] = mapped_column(String(20))
    address: Mapped[str] = mapped_column(String(254))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class DirectoryWork(Base):
    """A step of an entry's upkeep that is owed at an instant; done once."""

    __tablename__ = "directory_work"
    __table_args__ = (
        Index("ix_directory_work_owed", "done", "at", "id"),
        UniqueConstraint("authority_id", "step", "since"),
    )

    id: Mapped[Key]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    step: Mapped[str] = mapped_column(String(20))
    since: Mapped[datetime]
    """The confirmation from which it is counted."""

    at: Mapped[datetime]
    done: Mapped[bool] = mapped_column(default=False)


class Bounce(Base):
    """Mail that came back from an address of an entry; once for each message."""

    __tablename__ = "bounce"

    id: Mapped[Key]
    message_number: Mapped[int] = mapped_column(unique=True)
    """Of the outbox, whose row may be erased before this one."""

    authority_id: Mapped[int | None] = mapped_column(
        ForeignKey("authority.id"), index=True
    )
    address: Mapped[str] = mapped_column(String(254))
    at: Mapped[datetime]
    source: Mapped[str] = mapped_column(String(10))
    why: Mapped[str] = mapped_column(String(300))
