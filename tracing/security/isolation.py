"""The second wall between authorities: the database shows nobody what is another's.

The first wall is `casework.queries`, which every read starts from. Behind it PostgreSQL
filters by row-level security, and SQLite's reads get the same condition added here. For
whom a transaction works is told to the database once the person is known, from the
session alone, and forgotten with the transaction.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from flask import g, has_app_context
from sqlalchemy import Connection, Engine, and_, event, exists, or_
from sqlalchemy.orm import ORMExecuteState, with_loader_criteria

from tracing.extensions import db
from tracing.models import (
    Attachment,
    DueChange,
    DueWork,
    Erasure,
    ImportJob,
    Item,
    ItemRestriction,
    JournalCheckpoint,
    JournalEntry,
    JournalPayload,
    LegalHold,
    OutboxMessage,
    Person,
    ProvidedItem,
    RegistryEvent,
    RegistryHit,
    RegistryItem,
    RegistryMark,
    RegistryReview,
    RegistrySought,
    RequestEvent,
    TraceRequest,
)
from workflows.states import State

SITE: Final = "tracing_app"
WORKER: Final = "tracing_worker"
AUDITOR: Final = "tracing_auditor"
ROLES: Final = (SITE, WORKER, AUDITOR)
"""What a login to PostgreSQL is a member of: the pages, the worker, a reader."""

# Without a hint PostgreSQL reckons with a disk that turns, where a page far away costs
# four times as much; it then sorts a whole queue instead of walking its index.
_TELL: Final = (
    "SELECT set_config('app.authority', %s, true), set_config('app.user', %s, true),"
    " set_config('app.glass', %s, true), set_config('random_page_cost', '1.1', true)"
)


@dataclass(frozen=True, slots=True)
class Tenant:
    """For whom the database works: an authority, and a person of it."""

    authority: int
    user: int = 0
    glass: bool = False
    """In an emergency: what was given leave for is shown too."""


def work_for(authority: int, user: int = 0, *, glass: bool = False) -> None:
    """Let the database show what is this authority's, until the context ends."""
    _set(Tenant(authority, user, glass))


def stand_for(authority: int, user: int = 0) -> None:
    """Work for somebody who is on the way in; whoever is in already stays who it is."""
    if has_app_context() and g.get("tenant") is None:
        _set(Tenant(authority, user))


@contextmanager
def working_for(authority: int) -> Iterator[None]:
    """Work for an authority whose link was followed, then again for who it was."""
    before = tenant()
    _set(Tenant(authority))
    try:
        yield
    finally:
        _set(before)


def work_for_nobody() -> None:
    """Let the database show nothing that belongs to anybody."""
    if g.get("tenant") is not None:
        _set(None)


def break_glass() -> None:
    """Let an operator's transactions see what is asked for, or given leave for."""
    if (found := tenant()) is not None:
        _set(Tenant(found.authority, found.user, glass=True))


def tenant() -> Tenant | None:
    """Return for whom the work of now is done, for what goes on after it."""
    found: Tenant | None = g.get("tenant") if has_app_context() else None
    return found


def show_token(hashed: str) -> None:
    """Let this transaction read the row of the token a program came with."""
    connection = db.session.connection()
    if connection.dialect.name == "postgresql":
        said = "SELECT set_config('app.token', %s, true)"
        connection.exec_driver_sql(said, (hashed,))


def _set(tenant: Tenant | None) -> None:
    g.tenant = tenant
    if db.session.registry.has() and db.session().in_transaction():
        tell(db.session.connection(), tenant)


def tell(connection: Connection, tenant: Tenant | None) -> None:
    """Say to a transaction of PostgreSQL for whom it works."""
    if connection.dialect.name != "postgresql":
        return
    values = ("", "", "")
    if tenant is not None:
        user = str(tenant.user or "")
        values = (str(tenant.authority), user, "on" if tenant.glass else "")
    connection.exec_driver_sql(_TELL, values)


def guard(engine: Engine) -> None:
    """Tell every transaction for whom it works."""
    if engine.dialect.name != "postgresql":
        return

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if (found := tenant()) is not None:
            tell(connection, found)


def narrow(state: ORMExecuteState) -> None:
    """Add to a reading of SQLite what PostgreSQL adds by itself.

    What a row leads to is loaded as it is: the row itself was read with its condition.
    """
    if not state.is_select or state.is_column_load or state.is_relationship_load:
        return
    found = tenant()
    if found is None or found.glass or db.engine.dialect.name != "sqlite":
        return
    read = {mapper.class_ for mapper in state.all_mappers}
    models: set[Any] = {TraceRequest, *(read & _BEHIND)}
    for model in models:
        state.statement = state.statement.options(
            with_loader_criteria(model, _seen(model, found), include_aliases=True)
        )


_REQUEST: Final = TraceRequest.__table__.alias("its_request")
_BELOW: Final = frozenset(
    {
        *(DueChange, DueWork, Item, ItemRestriction, LegalHold),
        *(Person, ProvidedItem, RequestEvent),
    }
)
_OURS_OR_BELOW: Final = frozenset({Attachment, OutboxMessage})
_OF_A_CHAIN: Final = frozenset({JournalCheckpoint, JournalEntry, JournalPayload})
_OURS: Final = frozenset(
    {
        *(Erasure, ImportJob, RegistryEvent, RegistryHit, RegistryItem),
        *(RegistryMark, RegistryReview, RegistrySought),
    }
)
_BEHIND: Final = _BELOW | _OURS_OR_BELOW | _OF_A_CHAIN | _OURS


def _seen(model: Any, found: Tenant) -> Any:
    """Return the condition of the rows of a model that somebody sees."""
    if model is TraceRequest:
        return _own(model, found)
    # The sums keep the planner from taking an index: the reading has its own.
    if model in _OF_A_CHAIN:
        return model.chain_id + 0 == found.authority
    if model in _OURS:
        return model.authority_id + 0 == found.authority
    of_request = exists().where(
        _REQUEST.c.id == model.request_id, _own(_REQUEST.c, found)
    )
    if model in _BELOW:
        return of_request
    return or_(model.authority_id + 0 == found.authority, of_request)


def _own(request: Any, found: Tenant) -> Any:
    return or_(
        request.requesting_id + 0 == found.authority,
        and_(request.requested_id + 0 == found.authority, request.state != State.DRAFT),
    )


def init_app() -> None:
    """Stand behind every session and every connection of the application."""
    guard(db.engine)
    if not event.contains(db.session, "do_orm_execute", narrow):
        event.listen(db.session, "do_orm_execute", narrow)
