"""Every table, so that the metadata is whole."""

from tracing.models.account import Account, Role
from tracing.models.base import Base
from tracing.models.directory import Authority
from tracing.models.journal import (
    JournalChain,
    JournalCheckpoint,
    JournalEntry,
    JournalPayload,
)
from tracing.models.outbox import Delivery, DueWork, OutboxMessage
from tracing.models.trace_request import (
    FormKey,
    Item,
    Marking,
    Person,
    Recovery,
    RequestEvent,
    TraceRequest,
)

__all__ = [
    "Account",
    "Authority",
    "Base",
    "Delivery",
    "DueWork",
    "FormKey",
    "Item",
    "JournalChain",
    "JournalCheckpoint",
    "JournalEntry",
    "JournalPayload",
    "Marking",
    "OutboxMessage",
    "Person",
    "Recovery",
    "RequestEvent",
    "Role",
    "TraceRequest",
]
