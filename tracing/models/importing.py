"""An import of a file: what was chosen, how far it is, and what came of it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracing.models.account import Account
from tracing.models.base import Base, Key, Line, code_of
from workflows.vocabulary import N_


class ImportPhase(StrEnum):
    """Where an import stands."""

    CHOSEN = "chosen"
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    CANCELLED = "cancelled"

    @property
    def label(self) -> str:
        """Return it in words."""
        return _LABELS[self]

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more comes of it."""
        return self in (self.DONE, self.STOPPED, self.CANCELLED)


_LABELS = {
    ImportPhase.CHOSEN: N_("Not started"),
    ImportPhase.WAITING: N_("Waits for its turn"),
    ImportPhase.RUNNING: N_("Under way"),
    ImportPhase.DONE: N_("Done"),
    ImportPhase.STOPPED: N_("Stopped"),
    ImportPhase.CANCELLED: N_("Cancelled"),
}


class ImportJob(Base):
    """One file on its way into the records of an authority.

    How far it is (`at_byte`, `at_line`, `at_row`) is written in the transaction of the rows:
    killed at any moment, it goes on where the rows that are there end.
    """

    __tablename__ = "import_job"
    __table_args__ = (
        Index("ix_import_job_claim", "phase", "next_at", "id"),
        Index("ix_import_job_list", "authority_id", "id"),
        Index("ix_import_job_file", "authority_id", "file_hash"),
    )

    id: Mapped[Key]
    token: Mapped[str] = mapped_column(String(43), unique=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    """Who started it; none: the operator, from the command line."""
    what: Mapped[str] = mapped_column(String(40))
    """The kind of record."""
    phase: Mapped[ImportPhase] = mapped_column(code_of(ImportPhase))
    file_name: Mapped[Line]
    file_size: Mapped[int] = mapped_column(BigInteger)
    file_hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the file."""
    mapping: Mapped[str] = mapped_column(Text)
    mapping_hash: Mapped[str] = mapped_column(String(64), default="")
    encoding: Mapped[str] = mapped_column(String(40), default="")
    """In which it is read; empty for a workbook."""
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    why: Mapped[str | None] = mapped_column(Text)
    """Why it was stopped: what to do about it."""

    read_hash: Mapped[str] = mapped_column(String(64), default="")
    """Of what is read: the file, or the CSV made of a sheet."""
    read_size: Mapped[int] = mapped_column(BigInteger, default=0)
    at_byte: Mapped[int] = mapped_column(BigInteger, default=0)
    at_line: Mapped[int] = mapped_column(default=0)
    at_row: Mapped[int] = mapped_column(default=0)
    report_size: Mapped[int] = mapped_column(BigInteger, default=0)
    """Bytes of the report that belong to the rows up to here."""
    taken: Mapped[int] = mapped_column(default=0)
    """Rows that were understood."""
    added: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    told: Mapped[int] = mapped_column(default=0)
    """Events and further marks that were added."""
    bad: Mapped[int] = mapped_column(default=0)
    warnings: Mapped[int] = mapped_column(default=0)
    batches: Mapped[int] = mapped_column(default=0)

    next_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    attempts: Mapped[int] = mapped_column(default=0)
    """Turns of the worker since rows were last kept."""

    by: Mapped[Account | None] = relationship()
