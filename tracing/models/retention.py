"""What stops an erasure, and what was erased."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracing.models.account import Account
from tracing.models.base import Base, Key, code_of
from tracing.models.sealed import Sealing, words
from workflows.retention import Data


class LegalHold(Sealing, Base):
    """A request that is kept although its time is over; lifted by two people."""

    __tablename__ = "legal_hold"

    id: Mapped[Key]
    request_id: Mapped[int] = mapped_column(ForeignKey("trace_request.id"), index=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"), index=True)
    reason = words()
    until: Mapped[date]
    set_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    set_at: Mapped[datetime]
    lift_asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    lifted_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    lifted_at: Mapped[datetime | None]

    @property
    def sealed_for(self) -> int:
        """Return the authority that holds."""
        return self.authority_id


class Erasure(Base):
    """An erasure: asked for by two people or due by its rule, done, finished.

    It is done with the change of the tables, and finished when the files are gone and
    it stands in the list that a restore needs.
    """

    __tablename__ = "erasure"
    __table_args__ = (
        Index("ix_erasure_open", "finished_at", "id"),
        Index("ix_erasure_authority", "authority_id", "id"),
    )

    id: Mapped[Key]
    reference: Mapped[str] = mapped_column(String(24), index=True)
    # Of the authority that asked; none: a rule did.
    authority_id: Mapped[int | None] = mapped_column(ForeignKey("authority.id"))
    rule: Mapped[Data] = mapped_column(code_of(Data))
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    asked_at: Mapped[datetime | None]
    given_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    given_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    # Numbers alone: persons, files, entries of the journal.
    persons: Mapped[list[Any]]
    files: Mapped[list[Any]]
    entries: Mapped[int] = mapped_column(default=0)
    certificate: Mapped[str | None] = mapped_column(Text)

    asked_by: Mapped[Account | None] = relationship(foreign_keys=[asked_by_id])
