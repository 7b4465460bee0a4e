"""Messages to the outside, and what becomes due."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tracing.models.base import Base, Key, code_of


class Delivery(StrEnum):
    """Where a message stands."""

    QUEUED = "queued"
    SENT = "sent"
    DEAD = "dead"


class OutboxMessage(Base):
    """One mail to one address; written with the change, sent by the worker."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index("ix_outbox_message_claim", "delivery", "next_at", "id"),
        Index("ix_outbox_message_authority", "authority_id", "id"),
    )

    id: Mapped[Key]
    message_id: Mapped[str] = mapped_column(String(120), unique=True)
    request_id: Mapped[int | None] = mapped_column(
        ForeignKey("trace_request.id"), index=True
    )
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    event: Mapped[str] = mapped_column(String(40))
    recipient: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(5))
    facts: Mapped[dict[str, Any]]
    reminder_key: Mapped[str | None] = mapped_column(String(200), unique=True)
    created_at: Mapped[datetime]
    delivery: Mapped[Delivery] = mapped_column(
        code_of(Delivery), default=Delivery.QUEUED
    )
    next_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)


class DueWork(Base):
    """A reminder owed at an instant; done once, found by what is owed."""

    __tablename__ = "due_work"
    __table_args__ = (
        Index("ix_due_work_owed", "done", "at", "id"),
        UniqueConstraint("request_id", "step", "deadline_value"),
    )

    id: Mapped[Key]
    request_id: Mapped[int] = mapped_column(ForeignKey("trace_request.id"))
    step: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(20))
    deadline: Mapped[str] = mapped_column(String(20))
    deadline_value: Mapped[datetime]
    at: Mapped[datetime]
    done: Mapped[bool] = mapped_column(default=False)
