"""Reads of requests; every one starts from what the actor may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import joinedload, lazyload, load_only, selectinload

from tracing.casework.references import is_reference
from tracing.extensions import db
from tracing.models import Account, Authority, Item, OutboxMessage, TraceRequest
from workflows.errors import NotVisible
from workflows.policies import CASE_ROLES, Actor
from workflows.states import State
from workflows.vocabulary import Urgency

COUNT_LIMIT = 1000
"""Counts stop here: nobody needs to know whether it is 1 001 or 40 000."""


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Return the condition of a request that exists for the actor."""
    if actor.roles.isdisjoint(CASE_ROLES):
        return TraceRequest.id.is_(None)
    return or_(
        TraceRequest.requesting_id == actor.authority_id,
        and_(
            TraceRequest.requested_id == actor.authority_id,
            TraceRequest.state != State.DRAFT,
        ),
    )


def _person(which: Any) -> Any:
    """Load the name alone: the authority is a side's, and loaded as that."""
    return joinedload(which).options(
        load_only(Account.id, Account.name, Account.authority_id),
        lazyload(Account.authority),
        lazyload(Account.roles),
    )


def by_reference(reference: str, actor: Actor) -> TraceRequest:
    """Return one request with all a page shows, or nothing that tells of it."""
    if not is_reference(reference):
        raise NotVisible("There is no such request.")
    found = db.session.scalar(
        select(TraceRequest)
        .where(TraceRequest.reference == reference.upper(), visible_to(actor))
        .options(
            joinedload(TraceRequest.requesting),
            joinedload(TraceRequest.requested),
            joinedload(TraceRequest.recovery),
            joinedload(TraceRequest.item).selectinload(Item.markings),
            _person(TraceRequest.filed_by),
            _person(TraceRequest.assigned_to),
            selectinload(TraceRequest.events),
            selectinload(TraceRequest.persons),
        )
    )
    if found is None:
        raise NotVisible("There is no such request.")
    return found


def by_mail_number(number: str, actor: Actor) -> TraceRequest:
    """Return the request of a mail's link, whose number leaves the State out."""
    year, _, rest = number.partition("-")
    if not is_reference(f"{year}-XX-{rest}"):
        raise NotVisible("There is no such request.")
    found = db.session.scalar(
        select(TraceRequest).where(
            TraceRequest.year == int(year),
            TraceRequest.number == int(rest[:7]),
            visible_to(actor),
        )
    )
    if found is None:
        raise NotVisible("There is no such request.")
    return found


def state_of(reference: str, actor: Actor) -> State:
    """Return where a request stands, and nothing else of it."""
    found = db.session.scalar(
        select(TraceRequest.state).where(
            TraceRequest.reference == reference.upper(), visible_to(actor)
        )
    )
    if found is None:
        raise NotVisible("There is no such request.")
    return found


@dataclass(frozen=True, slots=True)
class View:
    """One way of looking at a list, and what narrows it further."""

    name: str = "urgent"
    country: str = ""
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of a list starts: after (or before) this row."""

    due: datetime
    id: int
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, and whether there is more on either side."""

    rows: Sequence[TraceRequest]
    earlier: Place | None
    later: Place | None


def _row_options() -> list[Any]:
    return [
        # What a row shows: the long texts of 25 requests stay where they are.
        load_only(
            TraceRequest.reference,
            TraceRequest.state,
            TraceRequest.awaiting,
            TraceRequest.due,
            TraceRequest.outcome,
            TraceRequest.urgency,
        ),
        joinedload(TraceRequest.requesting).load_only(
            Authority.country, Authority.zone
        ),
        joinedload(TraceRequest.requested).load_only(Authority.country, Authority.zone),
        joinedload(TraceRequest.item)
        .load_only(Item.kind, Item.firearm_type, Item.calibre, Item.make, Item.model)
        .selectinload(Item.markings),
        _person(TraceRequest.assigned_to),
    ]


def _queue(actor: Actor, view: View, now: datetime) -> Select[TraceRequest]:
    query = select(TraceRequest).where(
        TraceRequest.requested_id == actor.authority_id,
        TraceRequest.awaiting.is_(True),
    )
    match view.name:
        case "mine":
            query = query.where(TraceRequest.assigned_to_id == actor.user_id)
        case "unassigned":
            query = query.where(TraceRequest.assigned_to_id.is_(None))
        case "waiting":
            query = query.where(TraceRequest.state == State.CLARIFICATION_REQUESTED)
        case "late":
            query = query.where(TraceRequest.due < now)
        case "urgent_only":
            query = query.where(TraceRequest.urgency == Urgency.URGENT)
    return query


def _mine(actor: Actor, view: View, now: datetime) -> Select[TraceRequest]:
    query = select(TraceRequest).where(TraceRequest.requesting_id == actor.authority_id)
    match view.name:
        case "drafts":
            return query.where(
                TraceRequest.open.is_(False), TraceRequest.state == State.DRAFT
            )
        case "ended":
            return query.where(
                TraceRequest.open.is_(False), TraceRequest.state != State.DRAFT
            )
        case "needs":
            query = query.where(
                TraceRequest.state.in_((State.CLARIFICATION_REQUESTED, State.RESPONDED))
            )
        case "late":
            query = query.where(TraceRequest.awaiting.is_(True), TraceRequest.due < now)
    return query.where(TraceRequest.open.is_(True))


def _narrow(
    query: Select[TraceRequest], view: View, other: Any
) -> Select[TraceRequest]:
    if view.state is not None:
        query = query.where(TraceRequest.state == view.state)
    if view.country:
        ids = select(Authority.id).where(Authority.country == view.country)
        query = query.where(other.in_(ids))
    return query


def _page(query: Select[TraceRequest], place: Place | None, size: int) -> Page:
    key = tuple_(TraceRequest.due, TraceRequest.id)
    backwards = place is not None and place.backwards
    if place is not None:
        here = tuple_(literal(place.due, TraceRequest.due.type), place.id)
        query = query.where(key < here if backwards else key > here)
    order = (
        (TraceRequest.due.desc(), TraceRequest.id.desc())
        if backwards
        else (TraceRequest.due, TraceRequest.id)
    )
    found = db.session.scalars(
        query.order_by(*order).limit(size + 1).options(*_row_options())
    ).all()
    more = len(found) > size
    rows = list(reversed(found[:size])) if backwards else list(found[:size])
    if not rows:
        return Page((), None, None)
    has_earlier = more if backwards else place is not None
    has_later = True if backwards else more
    first, last = rows[0], rows[-1]
    return Page(
        rows,
        Place(first.due, first.id, backwards=True) if has_earlier else None,
        Place(last.due, last.id) if has_later else None,
    )


def queue(
    actor: Actor, view: View, place: Place | None, *, now: datetime, size: int = 25
) -> Page:
    """Return a page of the requests this authority has to answer, by due date."""
    query = _narrow(_queue(actor, view, now), view, TraceRequest.requesting_id)
    return _page(query, place, size)


def mine(
    actor: Actor, view: View, place: Place | None, *, now: datetime, size: int = 25
) -> Page:
    """Return a page of the requests this authority has sent, by due date."""
    query = _narrow(_mine(actor, view, now), view, TraceRequest.requested_id)
    return _page(query, place, size)


def counts(
    actor: Actor, kind: str, names: Sequence[str], *, now: datetime
) -> dict[str, int]:
    """Count each view, up to COUNT_LIMIT, in one statement."""
    base = _queue if kind == "queue" else _mine
    parts = []
    for name in names:
        inner = (
            base(actor, View(name), now)
            .with_only_columns(TraceRequest.id)
            .limit(COUNT_LIMIT)
            .subquery()
        )
        parts.append(
            select(literal(name).label("view"), func.count().label("n")).select_from(
                inner
            )
        )
    rows = db.session.execute(union_all(*parts)).all()
    return {row.view: row.n for row in rows}


def outgoing(
    actor: Actor, *, limit: int = 50, without: Sequence[str] = ()
) -> Sequence[OutboxMessage]:
    """Return the newest messages this authority's changes have caused."""
    return db.session.scalars(
        select(OutboxMessage)
        .where(
            OutboxMessage.authority_id == actor.authority_id,
            OutboxMessage.event.not_in(without),
        )
        .order_by(OutboxMessage.id.desc())
        .limit(limit)
    ).all()


def countries_in(actor: Actor) -> Sequence[str]:
    """Return the States of the authorities one can exchange requests with."""
    return db.session.scalars(
        select(Authority.country)
        .where(Authority.id != actor.authority_id)
        .distinct()
        .order_by(Authority.country)
    ).all()
