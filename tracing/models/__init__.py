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
from tracing.models.base import Base
from tracing.models.directory import Authority
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
    "AccountIdentity",
    "AccountKey",
    "AccountSession",
    "AccountToken",
    "Authority",
    "Base",
    "BreakGlass",
    "Delivery",
    "DueWork",
    "FailedAttempts",
    "FormKey",
    "Item",
    "Marking",
    "OutboxMessage",
    "Person",
    "Recovery",
    "RequestEvent",
    "Role",
    "TraceRequest",
]
