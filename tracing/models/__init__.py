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
from tracing.models.api import (
    ApiCall,
    ApiResult,
    ClientToken,
    Webhook,
    WebhookDelivery,
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
from tracing.models.lookup import Lookup, LookupGate, Task
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
    "ApiCall",
    "ApiResult",
    "Attachment",
    "Authority",
    "Base",
    "BreakGlass",
    "ClientToken",
    "Delivery",
    "DueWork",
    "Erasure",
    "FailedAttempts",
    "FileKind",
    "FormKey",
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
    "OutboxMessage",
    "Person",
    "ProvidedItem",
    "Recovery",
    "RequestEvent",
    "Role",
    "Scan",
    "Task",
    "TraceRequest",
    "Webhook",
    "WebhookDelivery",
]
