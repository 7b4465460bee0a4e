"""A look-up in another register: asked first, then sent; what it answered stays here."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracing.models.account import Account
from tracing.models.base import Base, Key, code_of
from tracing.models.directory import Authority
from tracing.models.sealed import Sealing, content, record, rows, words
from tracing.models.sealed import text as sealed
from tracing.models.trace_request import TraceRequest
from workflows.vocabulary import HandlingCode, LookupOutcome, Standing


class Task(StrEnum):
    """What is asked of a register."""

    SEARCH = "search"
    DETAIL = "detail"
    TRACE = "trace"


class Lookup(Sealing, Base):
    """One question to one register, by one officer, about one request.

    It waits while `outcome` is not known. For a register that is searched by hand it
    waits for a person, and `next_at` is empty.
    """

    __tablename__ = "lookup"
    __table_args__ = (
        Index("ix_lookup_claim", "outcome", "next_at", "id"),
        Index("ix_lookup_request", "request_id", "authority_id", "id"),
        Index("ix_lookup_quota", "authority_id", "register", "asked_at"),
    )

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(40), unique=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("trace_request.id"))
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    authority_code: Mapped[str] = mapped_column(String(40))
    register: Mapped[str] = mapped_column(String(40))
    label: Mapped[str] = mapped_column(String(200))
    years: Mapped[str] = mapped_column(String(100))
    at_home: Mapped[bool] = mapped_column(default=False)
    """Whether it is a register of the State that asks."""

    task: Mapped[Task] = mapped_column(code_of(Task))
    of_id: Mapped[int | None] = mapped_column(ForeignKey("lookup.id"), index=True)
    """The look-up it repeats, or whose candidate it asks for."""
    candidate: Mapped[str] = mapped_column(String(100), default="")
    handling: Mapped[HandlingCode] = mapped_column(code_of(HandlingCode))
    purpose = words()
    query = record()
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    asked_at: Mapped[datetime]

    next_at: Mapped[datetime | None]
    give_up_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    attempts: Mapped[int] = mapped_column(default=0)
    reference: Mapped[str] = mapped_column(String(120), default="")
    """What the register calls it, where the answer comes later."""

    outcome: Mapped[LookupOutcome | None] = mapped_column(code_of(LookupOutcome))
    answered_at: Mapped[datetime | None]
    why = sealed()
    candidates = rows()
    raw = content()
    raw_size: Mapped[int | None]
    """Bytes of the answer; where `raw` has fewer, the rest was not kept."""
    raw_hash: Mapped[str | None] = mapped_column(String(64))
    """SHA-256 of all that came."""
    position: Mapped[int | None]
    """Of the recorded search that it became, in the history of the request."""

    request: Mapped[TraceRequest] = relationship()
    asked_by: Mapped[Account] = relationship()
    of: Mapped["Lookup | None"] = relationship(remote_side="Lookup.id")

    @property
    def sealed_for(self) -> int:
        """Return the authority that asks."""
        return self.authority_id


class Verdict(Sealing, Base):
    """What a person has said of one candidate, and why; the newest one holds."""

    __tablename__ = "lookup_verdict"
    __table_args__ = (Index("ix_lookup_verdict_of", "lookup_id", "id"),)

    id: Mapped[Key]
    lookup_id: Mapped[int] = mapped_column(ForeignKey("lookup.id"))
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    candidate: Mapped[str] = mapped_column(String(100))
    standing: Mapped[Standing] = mapped_column(code_of(Standing))
    reason = words()
    decided_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[datetime]

    decided_by: Mapped[Account] = relationship()

    @property
    def sealed_for(self) -> int:
        """Return the authority that asks."""
        return self.authority_id


class Side(StrEnum):
    """Whose row of an introduction it is."""

    ASKING = "asking"
    OWNER = "owner"


class Meeting(StrEnum):
    """How an introduction stands."""

    ASKED = "asked"
    ACCEPTED = "accepted"
    DECLINED = "declined"


class Introduction(Sealing, Base):
    """Somebody who has met another authority's request asks to be introduced.

    Each side has a row of its own under one key, and sees no other; the worker carries
    from one to the other. `other_id`: who asks, for the owner at once; who owns it, for
    who asks, only when the owner has accepted.
    """

    __tablename__ = "introduction"
    __table_args__ = (
        UniqueConstraint("key", "side"),
        Index("ix_introduction_of", "authority_id", "request_id"),
        Index("ix_introduction_to_carry", "carried_at", "stage", "id"),
    )

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(40))
    side: Mapped[Side] = mapped_column(code_of(Side))
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    request_id: Mapped[int] = mapped_column(ForeignKey("trace_request.id"), index=True)
    """The request of this side's own."""
    lookup_id: Mapped[int | None] = mapped_column(ForeignKey("lookup.id"), index=True)
    candidate: Mapped[str] = mapped_column(String(100), default="")
    """What was met, for who asks: nobody reads from it whose it is."""
    stage: Mapped[Meeting] = mapped_column(code_of(Meeting), default=Meeting.ASKED)
    text = words()
    """Why who asks wants to be introduced."""
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    """Who of this side has asked, or answered."""
    other_id: Mapped[int | None] = mapped_column(ForeignKey("authority.id"))
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    carried_at: Mapped[datetime | None]
    """When the other side was told of what this one has said."""

    request: Mapped[TraceRequest] = relationship()
    account: Mapped[Account | None] = relationship()
    other: Mapped[Authority | None] = relationship(foreign_keys=[other_id])

    @property
    def sealed_for(self) -> int:
        """Return whose row it is."""
        return self.authority_id


class LookupGate(Base):
    """How a register does, for all workers: breaker, rate, last good answer."""

    __tablename__ = "lookup_gate"

    register: Mapped[str] = mapped_column(String(40), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    open_until: Mapped[datetime | None]
    """Until then it is not asked."""
    minute: Mapped[datetime | None]
    used: Mapped[int] = mapped_column(default=0)
    """How often it was asked in that minute."""
    last_at: Mapped[datetime | None]
    last_outcome: Mapped[LookupOutcome | None] = mapped_column(code_of(LookupOutcome))
    good_at: Mapped[datetime | None]
    test_asked_at: Mapped[datetime | None]
    tested_at: Mapped[datetime | None]
    test_outcome: Mapped[LookupOutcome | None] = mapped_column(code_of(LookupOutcome))
    """None after a test: it was reached."""
