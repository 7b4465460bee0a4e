"""What registers tell us by themselves: that somebody's search has met a record of ours."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tracing.models.base import Base, Key, code_of
from tracing.models.sealed import Sealing, words
from workflows.vocabulary import LookupOutcome


class HitNotice(Sealing, Base):
    """One notice, told to the authority whose record it is about; kept once."""

    __tablename__ = "hit_notice"
    __table_args__ = (
        UniqueConstraint("register", "number"),
        Index("ix_hit_notice_authority", "authority_id", "id"),
    )

    id: Mapped[Key]
    register: Mapped[str] = mapped_column(String(40))
    number: Mapped[str] = mapped_column(String(100))
    """What the register calls it."""
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    label: Mapped[str] = mapped_column(String(200))
    record = words()
    searched_by = words()
    said_at: Mapped[str] = mapped_column(String(40))
    """When the record was met, in the words of the register."""
    received_at: Mapped[datetime]

    @property
    def sealed_for(self) -> int:
        """Return the authority whose record was met."""
        return self.authority_id


class NoticeSource(Base):
    """How far the notices of a register are read; the worker that reads has a lease."""

    __tablename__ = "notice_source"

    register: Mapped[str] = mapped_column(String(40), primary_key=True)
    cursor: Mapped[str] = mapped_column(String(100), default="")
    """The last notice that is kept here."""
    next_at: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    lease_until: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    outcome: Mapped[LookupOutcome | None] = mapped_column(code_of(LookupOutcome))
    """Why nothing came the last time; None: it has answered."""
    of_nobody: Mapped[int] = mapped_column(default=0)
    """Notices about records of no authority here: nobody could be told."""
