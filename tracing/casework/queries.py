"""Reads of requests; every one starts from what the actor may see."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Select,
    String,
    Subquery,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import aliased, joinedload, lazyload, load_only, selectinload

from tracing.casework.references import is_reference
from tracing.directory import names
from tracing.extensions import db
from tracing.models import (
    Account,
    Authority,
    Item,
    Marking,
    OutboxMessage,
    Person,
    RequestEvent,
    TraceRequest,
)
from tracing.models.keys import answers
from tracing.security.fields import field_keys, marks_of
from workflows.errors import NotVisible
from workflows.markings import read
from workflows.matching import Ask, climb
from workflows.policies import CASE_ROLES, Actor, sees_all
from workflows.ranking import Possible, Traits
from workflows.states import State, Trigger
from workflows.vocabulary import FirearmType, ItemKind, MarkType, Outcome, Urgency

COUNT_LIMIT = 1000
"""Counts stop here: nobody needs to know whether it is 1 001 or 40 000."""


# A statement is built once for each shape and kept; what differs from one reading to
# the next is bound. Building one costs as much as running it.
_AUTHORITY: Final = bindparam("authority", type_=Integer)
_USER: Final = bindparam("user", type_=Integer)
_SEES_ALL: Final = bindparam("sees_all", type_=Boolean)
_NOW: Final = bindparam("now", type_=TraceRequest.due.type)
_REFERENCE: Final = bindparam("reference", type_=String)


# Whether a request exists for a person of the side that answers: the rule is
# `policies.has_in_hand` (UNTOC 18(20)), for one row, and for lists.
_KEPT: Final = aliased(TraceRequest)


def _in_hand(user: Any, everything: Any) -> ColumnElement[bool]:
    return or_(
        everything,
        TraceRequest.confidential.is_(False),
        TraceRequest.assigned_to_id == user,
    )


def _hidden(column: Any) -> Select[Any]:
    """Return a column of the few that the bound person must not meet."""
    hidden: Any = select(column).where(
        _KEPT.requested_id == _AUTHORITY,
        _KEPT.confidential,
        _KEPT.assigned_to_id.is_distinct_from(_USER),
    )
    return cast("Select[Any]", hidden)


def _visible(
    authority: Any = _AUTHORITY, user: Any = _USER, everything: Any = _SEES_ALL
) -> ColumnElement[bool]:
    """Return the condition of a request that exists for a person, bound or given."""
    return or_(
        TraceRequest.requesting_id == authority,
        and_(
            TraceRequest.requested_id == authority,
            TraceRequest.state != State.DRAFT,
            _in_hand(user, everything),
        ),
    )


def _who(actor: Actor) -> dict[str, object]:
    """Return what these conditions have to know of a person."""
    return {
        "authority": actor.authority_id,
        "user": actor.user_id,
        "sees_all": sees_all(actor),
    }


def known_to(actor: Actor) -> ColumnElement[bool]:
    """Return the condition of a request whose existence is not kept from the actor.

    For what needs no role of casework: what is kept, what there is of a person.
    """
    everything = literal(sees_all(actor), Boolean)
    return _visible(actor.authority_id, actor.user_id, everything)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Return the condition of what an actor may read, for statements others build."""
    if actor.roles.isdisjoint(CASE_ROLES):
        return TraceRequest.id.is_(None)
    return known_to(actor)


def references_hidden_from(actor: Actor) -> Select[Any]:
    """Return the references an authority keeps from one of its people.

    For what speaks of requests without being one, as the journal does.
    """
    return _hidden_from(actor, _KEPT.reference)


def is_kept_from(actor: Actor) -> bool:
    """Tell whether there are requests that the actor's authority keeps from it."""
    some = references_hidden_from(actor).limit(1)
    return db.session.scalar(some) is not None


def _hidden_from(actor: Actor, column: Any) -> Select[Any]:
    hidden = _hidden(column).params(**_who(actor))
    return hidden.where(_KEPT.id.is_(None)) if sees_all(actor) else hidden


def _found(
    statement: Select[TraceRequest], actor: Actor, **values: object
) -> TraceRequest:
    """Return what one reading finds for the actor, or nothing that tells of it."""
    if actor.roles.isdisjoint(CASE_ROLES):
        raise NotVisible("There is no such request.")
    found = db.session.scalar(statement, values | _who(actor))
    if found is None:
        raise NotVisible("There is no such request.")
    return found


def _person(which: Any) -> Any:
    """Load the name alone: the authority is a side's, and loaded as that."""
    return joinedload(which).options(
        load_only(Account.id, Account.name, Account.authority_id),
        lazyload(Account.authority),
        lazyload(Account.roles),
    )


@cache
def _whole(*, people: bool) -> Select[TraceRequest]:
    query = (
        select(TraceRequest)
        .where(TraceRequest.reference == _REFERENCE, _visible())
        .options(
            joinedload(TraceRequest.requesting),
            joinedload(TraceRequest.requested),
            joinedload(TraceRequest.recovery),
            joinedload(TraceRequest.item).selectinload(Item.markings),
            selectinload(TraceRequest.events),
            selectinload(TraceRequest.persons),
            selectinload(TraceRequest.item_restrictions),
        )
    )
    if people:
        both = _person(TraceRequest.filed_by), _person(TraceRequest.assigned_to)
        query = query.options(*both)
    return query


def by_reference(reference: str, actor: Actor, *, people: bool = True) -> TraceRequest:
    """Return one request with all a page shows, or nothing that tells of it.

    Without `people` the names of who filed it and who answers it stay unread.
    """
    if not is_reference(reference):
        raise NotVisible("There is no such request.")
    return _found(_whole(people=people), actor, reference=reference.upper())


def by_references(references: Iterable[str], actor: Actor) -> Sequence[TraceRequest]:
    """Return several requests with what a table shows; what is foreign is left out."""
    return db.session.scalars(
        select(TraceRequest)
        .where(TraceRequest.reference.in_(tuple(references)), visible_to(actor))
        .options(
            joinedload(TraceRequest.requesting),
            joinedload(TraceRequest.requested),
            joinedload(TraceRequest.recovery),
            joinedload(TraceRequest.item).selectinload(Item.markings),
            selectinload(TraceRequest.events),
            selectinload(TraceRequest.item_restrictions),
        )
        .order_by(TraceRequest.due, TraceRequest.id)
    ).all()


def by_mail_number(number: str, actor: Actor) -> TraceRequest:
    """Return the request of a mail's link, whose number leaves the State out."""
    year, _, rest = number.partition("-")
    if not is_reference(f"{year}-XX-{rest}"):
        raise NotVisible("There is no such request.")
    return _found(_BY_NUMBER, actor, year=int(year), number=int(rest[:7]))


_BY_NUMBER: Final = select(TraceRequest).where(
    TraceRequest.year == bindparam("year"),
    TraceRequest.number == bindparam("number"),
    _visible(),
)


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


class Listed(NamedTuple):
    """What a list shows of one request: its long texts stay where they are."""

    id: int
    reference: str
    state: State
    outcome: Outcome | None
    awaiting: bool
    due: datetime
    urgency: Urgency | None
    requesting: str
    """The State that asks, its code."""
    requested: str | None
    """The State that is asked, its code."""
    zone: str | None
    """Where it is asked: days are counted there."""
    kind: ItemKind | None
    firearm_type: FirearmType | None
    make: str | None
    model: str | None
    calibre: str | None
    serial: str | None
    assigned: str | None
    """The name of who answers it."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, and whether there is more on either side."""

    rows: Sequence[Listed]
    earlier: Place | None
    later: Place | None


def _queue(name: str, *, all_: bool) -> Select[TraceRequest]:
    query = select(TraceRequest).where(
        TraceRequest.requested_id == _AUTHORITY,
        TraceRequest.awaiting.is_(True),
    )
    if not all_:
        # Read from an index of its own, so that the list still is from its.
        query = query.where(TraceRequest.id.not_in(_hidden(_KEPT.id)))
    match name:
        case "mine":
            query = query.where(TraceRequest.assigned_to_id == _USER)
        case "unassigned":
            query = query.where(TraceRequest.assigned_to_id.is_(None))
        case "waiting":
            query = query.where(TraceRequest.state == State.CLARIFICATION_REQUESTED)
        case "late":
            query = query.where(TraceRequest.due < _NOW)
    return query


def _mine(name: str, *, all_: bool) -> Select[TraceRequest]:  # noqa: ARG001 - as above
    query = select(TraceRequest).where(TraceRequest.requesting_id == _AUTHORITY)
    match name:
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
            query = query.where(
                TraceRequest.awaiting.is_(True), TraceRequest.due < _NOW
            )
    return query.where(TraceRequest.open.is_(True))


LISTS: Final = {"queue": _queue, "mine": _mine}
_ASKING, _ASKED = aliased(Authority), aliased(Authority)
_SERIAL: Final = (
    select(Marking.text)
    .where(Marking.item_id == Item.id, Marking.type == MarkType.SERIAL)
    .order_by(Marking.position)
    .limit(1)
    .correlate(Item)
    .scalar_subquery()
)


def _as_listed(page: Subquery) -> Select[Any]:
    """Read what `Listed` has, in its order, of the requests of one page."""
    listed: Any = select(
        TraceRequest.id,
        TraceRequest.reference,
        TraceRequest.state,
        TraceRequest.outcome,
        TraceRequest.awaiting,
        TraceRequest.due,
        TraceRequest.urgency,
        _ASKING.country,
        _ASKED.country,
        _ASKED.zone,
        Item.kind,
        Item.firearm_type,
        Item.make,
        Item.model,
        Item.calibre,
        _SERIAL,
        Account.name,
    )
    return cast(
        "Select[Any]",
        listed.select_from(page)
        .join(TraceRequest, TraceRequest.id == page.c.id)
        .join(_ASKING, _ASKING.id == TraceRequest.requesting_id)
        .join(Item, Item.request_id == TraceRequest.id)
        .outerjoin(_ASKED, _ASKED.id == TraceRequest.requested_id)
        .outerjoin(Account, Account.id == TraceRequest.assigned_to_id),
    )


@cache
def _rows(
    kind: str,
    view: str,
    *,
    all_: bool,
    state: bool,
    country: bool,
    placed: bool,
    backwards: bool,
) -> Select[Any]:
    """Return the statement of one page: a shape of a list, its values still open."""
    query = LISTS[kind](view, all_=all_)
    if state:
        query = query.where(TraceRequest.state == bindparam("state"))
    if country:
        other = (
            TraceRequest.requesting_id if kind == "queue" else TraceRequest.requested_id
        )
        there = Authority.country == bindparam("country")
        query = query.where(other.in_(select(Authority.id).where(there)))
    if placed:
        key = tuple_(TraceRequest.due, TraceRequest.id)
        here = tuple_(
            bindparam("due", type_=TraceRequest.due.type),
            bindparam("id", type_=Integer),
        )
        query = query.where(key < here if backwards else key > here)
    order = (
        (TraceRequest.due.desc(), TraceRequest.id.desc())
        if backwards
        else (TraceRequest.due, TraceRequest.id)
    )
    size = bindparam("size", type_=Integer)
    # First the page from its index, then what it shows: joined before it is cut, a
    # planner may read all that is open.
    page = query.with_only_columns(TraceRequest.id).order_by(*order).limit(size)
    return _as_listed(page.subquery("page"))


def _values(actor: Actor, now: datetime) -> dict[str, object]:
    return _who(actor) | {"now": now}


def _page(
    kind: str, actor: Actor, view: View, place: Place | None, now: datetime, size: int
) -> Page:
    backwards = place is not None and place.backwards
    statement = _rows(
        kind,
        view.name,
        all_=sees_all(actor),
        state=view.state is not None,
        country=bool(view.country),
        placed=place is not None,
        backwards=backwards,
    )
    values = _values(actor, now) | {
        "state": view.state,
        "country": view.country,
        "size": size + 1,
    }
    if place is not None:
        values |= {"due": place.due, "id": place.id}
    rows = [Listed(*row) for row in db.session.execute(statement, values)]
    found = sorted(rows, key=lambda row: (row.due, row.id), reverse=backwards)
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
    return _page("queue", actor, view, place, now, size)


def mine(
    actor: Actor, view: View, place: Place | None, *, now: datetime, size: int = 25
) -> Page:
    """Return a page of the requests this authority has sent, by due date."""
    return _page("mine", actor, view, place, now, size)


Counted = tuple[str, str]
"""A list and one of its views."""


@cache
def _counting(wanted: tuple[Counted, ...], *, all_: bool) -> Any:
    parts = []
    for number, (kind, name) in enumerate(wanted):
        inner = (
            LISTS[kind](name, all_=all_)
            .with_only_columns(TraceRequest.id)
            # In the order of the list: behind its policies PostgreSQL would else read
            # the table until it has met so many, however few there are.
            .order_by(TraceRequest.due, TraceRequest.id)
            .limit(COUNT_LIMIT)
            .subquery()
        )
        counted = func.count().label("n")
        parts.append(
            select(
                literal(number, literal_execute=True).label("which"), counted
            ).select_from(inner)
        )
    return union_all(*parts)


def counts(
    actor: Actor, wanted: Sequence[Counted], *, now: datetime
) -> dict[Counted, int]:
    """Count views of lists, each up to COUNT_LIMIT, in one statement."""
    wanted = tuple(wanted)
    found = db.session.execute(
        _counting(wanted, all_=sees_all(actor)), _values(actor, now)
    ).all()
    return {wanted[row.which]: row.n for row in found}


def outgoing(
    actor: Actor, *, limit: int = 50, without: Sequence[str] = ()
) -> Sequence[OutboxMessage]:
    """Return the newest messages this authority's changes have caused."""
    return db.session.scalars(
        select(OutboxMessage)
        .where(
            OutboxMessage.authority_id == actor.authority_id,
            OutboxMessage.event.not_in(without),
            or_(
                OutboxMessage.request_id.is_(None),
                OutboxMessage.request_id.not_in(_hidden_from(actor, _KEPT.id)),
            ),
        )
        .order_by(OutboxMessage.id.desc())
        .limit(limit)
    ).all()


def addresses_shown(actor: Actor, messages: Iterable[OutboxMessage]) -> set[str]:
    """Return the addresses an actor may know: of the own house, and mailboxes of all.

    Whom another authority has put in charge is its own affair.
    """
    asked = {message.recipient for message in messages}
    people = select(Account.email).where(
        Account.authority_id == actor.authority_id, Account.email.in_(asked)
    )
    boxes = select(Authority.email).where(Authority.email.in_(asked))
    supervisors = select(Authority.supervisor_email).where(
        Authority.id == actor.authority_id
    )
    found = (db.session.scalars(which).all() for which in (people, boxes, supervisors))
    return {address for some in found for address in some}


def other_sides(actor: Actor, messages: Iterable[OutboxMessage]) -> dict[int, str]:
    """Return the name of the other authority of each message's request."""
    numbers = {one.request_id for one in messages if one.request_id is not None}
    other = case(
        (TraceRequest.requesting_id == actor.authority_id, TraceRequest.requested_id),
        else_=TraceRequest.requesting_id,
    )
    rows = db.session.execute(
        select(TraceRequest.id, Authority.name)
        .join(Authority, Authority.id == other)
        .where(TraceRequest.id.in_(numbers), known_to(actor))
    ).all()
    return {row.id: row.name for row in rows}


_COUNTRIES: Final = (
    select(Authority.country)
    .where(Authority.id != _AUTHORITY)
    .distinct()
    .order_by(Authority.country)
)


def countries_in(actor: Actor) -> Sequence[str]:
    """Return the States of the authorities one can exchange requests with."""
    return db.session.scalars(_COUNTRIES, {"authority": actor.authority_id}).all()


def is_named(name: str) -> ColumnElement[bool]:
    """Return the condition of a person of this name, alias or number of a document."""
    keys = field_keys()
    authorities = db.session.scalars(select(Authority.id)).all()
    names = marks_of(keys, "name", name, authorities)
    return or_(
        Person.name_mark.in_(names),
        Person.family_mark.in_(names),
        Person.alias_mark.in_(names),
        Person.id_mark.in_(marks_of(keys, "number", name, authorities)),
    )


def persons_named(
    actor: Actor, name: str, *, limit: int = 50
) -> Sequence[TraceRequest]:
    """Return the requests in which somebody of this name or document is named.

    Names are compared whole, in any order of their words: first and family name, the
    family name, or an alias. Nothing is opened for it: marks are compared, and every
    authority's are others.
    """
    if actor.roles.isdisjoint(CASE_ROLES):
        return ()
    return db.session.scalars(
        select(TraceRequest)
        .where(
            TraceRequest.id.in_(select(Person.request_id).where(is_named(name))),
            visible_to(actor),
        )
        .order_by(TraceRequest.id.desc())
        .limit(limit),
        {"authority": actor.authority_id},
    ).all()


MOST_ALIKE: Final = 200
"""Of one question; a number that more bear says nothing by itself."""


def marked_like(actor: Actor, text: str, of: Traits) -> list[Possible[str]]:
    """Return the requests about what may be the same item, the likeliest first.

    Each comes by its reference, with how its serial number was found and what agrees;
    possible, and no more, until a person confirms it.
    """
    seen = visible_to(actor)

    def rows(ask: Ask) -> Iterator[tuple[tuple[str, Traits], str]]:
        statement = (
            select(
                TraceRequest.reference,
                Marking.text,
                *(Item.make, Item.model, Item.calibre),
                *(Item.country_of_manufacture, Item.year),
            )
            .join(Item, Item.request_id == TraceRequest.id)
            .join(Marking, Marking.item_id == Item.id)
            .where(answers(Marking, ask), Marking.type == MarkType.SERIAL, seen)
            .order_by(Marking.id)
            .limit(MOST_ALIKE)
        )
        for row in db.session.execute(statement):
            reference, mark, make, model, calibre, country, year = row
            yield (reference, Traits(make, model, calibre, country, year)), mark

    found = climb(read(text), rows)
    return names.likeliest(
        of, ((reference, hit, traits) for (reference, traits), hit in found)
    )


MOST_ANSWERS: Final = 40
"""Of how many requests to one authority the usual time is taken: the newest."""


def days_to_answer(
    actor: Actor, authorities: Sequence[int], *, now: datetime, days: int = 365
) -> dict[int, int]:
    """Return in how many days each authority usually answers the actor's own.

    The middle of what the newest requests of a year took; nobody learns from it how
    fast an authority answers others. Each authority costs so many rows of one index.
    """
    if not authorities or actor.roles.isdisjoint(CASE_ROLES):
        return {}
    parts = [
        select(TraceRequest.id, TraceRequest.requested_id)
        .where(
            TraceRequest.requesting_id == actor.authority_id,
            TraceRequest.requested_id == authority,
            TraceRequest.created_at > now - timedelta(days=days),
            TraceRequest.state != State.DRAFT,
        )
        .order_by(TraceRequest.id.desc())
        .limit(MOST_ANSWERS)
        .subquery()
        for authority in authorities
    ]
    newest = [select(part.c.id, part.c.requested_id) for part in parts]
    asked = union_all(*newest).subquery()
    sent, answered = aliased(RequestEvent), aliased(RequestEvent)
    rows = db.session.execute(
        select(asked.c.requested_id, func.min(sent.at), func.min(answered.at))
        .join(sent, sent.request_id == asked.c.id)
        .join(answered, answered.request_id == asked.c.id)
        .where(sent.trigger == Trigger.SUBMIT, answered.trigger == Trigger.RESPOND)
        .group_by(asked.c.id, asked.c.requested_id)
    )
    waited: dict[int, list[int]] = {}
    for authority, at, until in rows:
        waited.setdefault(authority, []).append((until - at).days)
    return {one: sorted(found)[len(found) // 2] for one, found in waited.items()}


def of_same_find(request: TraceRequest, actor: Actor) -> Sequence[TraceRequest]:
    """Return the actor's other requests about the same find, the oldest first."""
    if request.requesting_id != actor.authority_id:
        return ()
    return db.session.scalars(
        select(TraceRequest)
        .where(
            TraceRequest.recovery_id == request.recovery_id,
            TraceRequest.requesting_id == actor.authority_id,
            TraceRequest.id != request.id,
            visible_to(actor),
        )
        .order_by(TraceRequest.id)
        .limit(20)
    ).all()


def is_sent_find(request: TraceRequest) -> bool:
    """Tell whether another request of the same authority and find was sent."""
    found = db.session.scalar(
        select(TraceRequest.id)
        .where(
            TraceRequest.recovery_id == request.recovery_id,
            TraceRequest.requesting_id == request.requesting_id,
            TraceRequest.id != request.id,
            TraceRequest.state != State.DRAFT,
        )
        .limit(1)
    )
    return found is not None
