"""The journal: chains of entries, what they carry, and signed checkpoints."""

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from tracing.models.base import Base


class JournalChain(Base):
    """The head of one chain: an authority's by its number, the system's by 0."""

    __tablename__ = "journal_chain"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    origin: Mapped[str] = mapped_column(String(300))
    size: Mapped[int] = mapped_column(BigInteger)
    head: Mapped[bytes] = mapped_column(LargeBinary(32))


class JournalEntry(Base):
    """One entry; `record` is what was hashed, the columns beside it only find it."""

    __tablename__ = "journal_entry"
    __table_args__ = (
        Index("ix_journal_entry_about", "chain_id", "about", "seq"),
        Index("ix_journal_entry_actor", "chain_id", "actor_id", "seq"),
        Index("ix_journal_entry_kind", "chain_id", "kind", "seq"),
        Index("ix_journal_entry_at", "chain_id", "at", "seq"),
    )

    chain_id: Mapped[int] = mapped_column(
        ForeignKey("journal_chain.id"), primary_key=True
    )
    # With the chain it is the key: a chain cannot fork.
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[str] = mapped_column(String(24))
    kind: Mapped[str] = mapped_column(String(40))
    # No foreign key: an account may go, the entry stays.
    actor_id: Mapped[int | None]
    about: Mapped[str] = mapped_column(String(60))
    record: Mapped[str] = mapped_column(Text)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class JournalPayload(Base):
    """What an entry carried, with the salt of its commitment; both can be erased."""

    __tablename__ = "journal_payload"
    __table_args__ = (
        ForeignKeyConstraint(
            ("chain_id", "seq"), ("journal_entry.chain_id", "journal_entry.seq")
        ),
    )

    chain_id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    salt: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    payload: Mapped[str | None] = mapped_column(Text)
    erased_by: Mapped[int | None] = mapped_column(BigInteger)


class JournalCheckpoint(Base):
    """The signed head of a chain at one size, as text anybody can check."""

    __tablename__ = "journal_checkpoint"

    chain_id: Mapped[int] = mapped_column(
        ForeignKey("journal_chain.id"), primary_key=True
    )
    size: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[str] = mapped_column(String(24))
    # The roots of the full subtrees: the next checkpoint goes on from them.
    frontier: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[str] = mapped_column(Text)
