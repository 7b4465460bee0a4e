"""Every table, so that the metadata is whole."""

from tracing.models.account import (
    Account,
    AccountIdentity,
    AccountKey,
    AccountSession,
    AccountToken,
    BreakGlass,
    FailedAttempts,
    Role,
)
from tracing.models.attachment import Attachment, FileKind, Scan
from tracing.models.base import Base
from tracing.models.directory import Authority
from tracing.models.journal import (
    JournalChain,
    JournalCheckpoint,
    JournalEntry,
    JournalPayload,
)
from tracing.models.lookup import (
    Introduction,
    Lookup,
    LookupGate,
    Meeting,
    Side,
    Task,
    Verdict,
)
from tracing.models.outbox import Delivery, DueWork, OutboxMessage
from tracing.models.retention import Erasure, LegalHold
from tracing.models.trace_request import (
    FormKey,
    Item,
    ItemRestriction,
    Marking,
    Person,
    ProvidedItem,
    Recovery,
    RequestEvent,
    TraceRequest,
)

__all__ = [
    "Account",
    "AccountIdentity",
    "AccountKey",
    "AccountSession",
    "AccountToken",
    "Attachment",
    "Authority",
    "Base",
    "BreakGlass",
    "Delivery",
    "DueWork",
    "Erasure",
    "FailedAttempts",
    "FileKind",
    "FormKey",
    "Introduction",
    "Item",
    "ItemRestriction",
    "JournalChain",
    "JournalCheckpoint",
    "JournalEntry",
    "JournalPayload",
    "LegalHold",
    "Lookup",
    "LookupGate",
    "Marking",
    "Meeting",
    "OutboxMessage",
    "Person",
    "ProvidedItem",
    "Recovery",
    "RequestEvent",
    "Role",
    "Scan",
    "Side",
    "Task",
    "TraceRequest",
    "Verdict",
]
