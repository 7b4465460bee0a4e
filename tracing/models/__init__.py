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
from tracing.models.importing import ImportJob, ImportPhase
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
from tracing.models.names import Alias, Calibre, Make, Model, Plant
from tracing.models.notice import HitNotice, NoticeSource
from tracing.models.outbox import Delivery, DueWork, OutboxMessage
from tracing.models.registry import (
    RegistryEvent,
    RegistryHit,
    RegistryItem,
    RegistryMark,
    RegistryReview,
    RegistrySought,
    SharedRecord,
)
from tracing.models.retention import Erasure, LegalHold
from tracing.models.rules import (
    CalendarChange,
    CalendarVersion,
    ChangeKind,
    DueChange,
    OfficeHoursVersion,
    RegimeVersion,
    Standing,
)
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
    "Alias",
    "Attachment",
    "Authority",
    "Base",
    "BreakGlass",
    "CalendarChange",
    "CalendarVersion",
    "Calibre",
    "ChangeKind",
    "Delivery",
    "DueChange",
    "DueWork",
    "Erasure",
    "FailedAttempts",
    "FileKind",
    "FormKey",
    "HitNotice",
    "ImportJob",
    "ImportPhase",
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
    "Make",
    "Marking",
    "Meeting",
    "Model",
    "NoticeSource",
    "OfficeHoursVersion",
    "OutboxMessage",
    "Person",
    "Plant",
    "ProvidedItem",
    "Recovery",
    "RegimeVersion",
    "RegistryEvent",
    "RegistryHit",
    "RegistryItem",
    "RegistryMark",
    "RegistryReview",
    "RegistrySought",
    "RequestEvent",
    "Role",
    "Scan",
    "SharedRecord",
    "Side",
    "Standing",
    "Task",
    "TraceRequest",
    "Verdict",
]
