"""What a new version of a calendar does to open requests: counted, moved, told.

The worker does all of it, a short transaction at a time. What is left to do is read
from the rows themselves, so whoever is stopped half-way is followed by somebody who
goes on. A request counts by its old version until it is moved.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import and_, bindparam, false, insert, or_, select, true, update
from sqlalchemy.orm import joinedload

from tracing.directory import agreements, versions
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind as Entry
from tracing.models import (
    Authority,
    CalendarVersion,
    DueChange,
    DueWork,
    OutboxMessage,
    RequestEvent,
    Standing,
    TraceRequest,
)
from tracing.models.trace_request import FAR
from tracing.notifications import compose, reminders
from workflows import deadlines
from workflows.calendars import Calendar
from workflows.deadlines import Deadline, Kind
from workflows.office_hours import USUAL, Office, OfficeHours, parse
from workflows.regimes import Regime
from workflows.states import Party, Trigger

BATCH: Final = 250
"""Requests in one transaction: nobody else waits longer than for these."""

EACH: Final = 10
"""Requests of which a mailbox is told one by one; of more in one letter."""

TOLD_AT_ONCE: Final = 2000
OLD: Final = "holidays "
_COLUMNS: Final = (
    TraceRequest.id,
    TraceRequest.reference,
    TraceRequest.version,
    TraceRequest.requesting_id,
    TraceRequest.requested_id,
    TraceRequest.requested_by,
    TraceRequest.regime,
    TraceRequest.regime_version,
    TraceRequest.hours_version,
    TraceRequest.calendar_version,
    TraceRequest.due,
    TraceRequest.acknowledge_due,
)
_COUNTED: Final = (
    Trigger.SUBMIT,
    Trigger.ACKNOWLEDGE,
    Trigger.ASK_CLARIFICATION,
    Trigger.CLARIFY,
    Trigger.RECORD_SEARCH,
    Trigger.DEFER,
    Trigger.RESPOND,
    Trigger.QUERY_RESPONSE,
    Trigger.CLOSE,
    Trigger.WITHDRAW,
    Trigger.REOPEN,
)
_WITH_FACTS: Final = (Trigger.CLARIFY, Trigger.DEFER)


class Step(NamedTuple):
    """One step as the schedule reads it; what it carried only where that counts."""

    trigger: Trigger
    at: datetime
    fact: object


@dataclass(frozen=True, slots=True)
class Recounted:
    """A request as the new calendar has it."""

    row: Any
    steps: list[Step]
    plan: tuple[Deadline, ...]

    def due(self, kind: Kind) -> datetime | None:
        """Return when something is due by the new calendar."""
        return next((d.due for d in self.plan if d.kind is kind), None)

    @property
    def moves(self) -> list[tuple[Kind, datetime, datetime]]:
        """Return what is due at another instant than before, and was not yet done."""
        found = []
        for kind, old in (
            (Kind.ACKNOWLEDGE, self.row.acknowledge_due),
            (Kind.ANSWER, self.row.due),
        ):
            new = self.due(kind)
            is_open = any(d.kind is kind and d.met_at is None for d in self.plan)
            if new is not None and old is not None and is_open and new != old:
                found.append((kind, old, new))
        return found


def work(now: datetime, *, batch: int = BATCH, each: int = EACH) -> int:
    """Do what new versions have left to do; return how many requests moved."""
    for number in _waiting(Standing.PROPOSED):
        count(db.session.get_one(CalendarVersion, number))
    moved = 0
    for number in _waiting(Standing.PUBLISHED):
        row = db.session.get_one(CalendarVersion, number)
        _follow(row, now)
        moved += move(row, now, batch=batch)
    tell(now, each=each)
    return moved


def _waiting(standing: Standing) -> Sequence[int]:
    done = CalendarVersion.applied_at
    if standing is Standing.PROPOSED:
        done = CalendarVersion.counted_at
    return db.session.scalars(
        select(CalendarVersion.id)
        .where(CalendarVersion.standing == standing, done.is_(None))
        .order_by(CalendarVersion.id)
    ).all()


def _follow(row: CalendarVersion, now: datetime) -> None:
    """Make a version of each part of a State that follows what the State has said."""
    published = row.published_at or now
    for place in versions.in_use():
        if not place.startswith(f"{row.place}-"):
            continue
        newest = versions.newest(place)
        if newest is None or newest.made_at >= published:
            continue
        db.session.add(versions.next_published(place, row, now))
    db.session.commit()


# -------------------------------------------------------------------------- counting


class Book:
    """What many requests are counted by: a calendar, and what was read once."""

    def __init__(self, calendar: Calendar) -> None:
        """Count by this calendar."""
        self.calendar = calendar
        self._regimes: dict[tuple[str, int], Regime] = {}
        self._hours: dict[tuple[int, int], OfficeHours] = {}
        self._zones: dict[int, ZoneInfo] = {}

    def regime(self, row: Any) -> Regime:
        """Return the regime a request runs under."""
        key = (row.regime, row.regime_version)
        if key not in self._regimes:
            self._regimes[key] = agreements.named(*key)
        return self._regimes[key]

    def hours(self, row: Any) -> OfficeHours:
        """Return the office hours a request is counted by."""
        key = (row.requested_id, row.hours_version)
        if key not in self._hours:
            said = versions.hours_of(*key) if row.hours_version else None
            self._hours[key] = parse(said.hours) if said and said.hours else USUAL
        return self._hours[key]

    def zone(self, row: Any) -> ZoneInfo:
        """Return the zone of the authority that answers."""
        if row.requested_id not in self._zones:
            authority = db.session.get_one(Authority, row.requested_id)
            self._zones[row.requested_id] = ZoneInfo(authority.zone)
        return self._zones[row.requested_id]

    def recount(self, rows: Sequence[Any]) -> list[Recounted]:
        """Compute the deadlines of these requests anew."""
        steps = _steps([row.id for row in rows])
        return [
            Recounted(
                row,
                steps[row.id],
                deadlines.schedule(
                    steps[row.id],
                    self.regime(row),
                    self.calendar,
                    self.zone(row),
                    requested_by=row.requested_by,
                    hours=self.hours(row),
                ),
            )
            for row in rows
        ]


def count(row: CalendarVersion) -> int:
    """Count how many open requests a proposed version would move."""
    book = Book(versions.calendar_of_row(row))
    number, place = row.id, row.place
    moved = total = 0
    for rows in _batches(place, book.calendar.version, lock=False):
        total += len(rows)
        moved += sum(bool(one.moves) for one in book.recount(rows))
        db.session.rollback()
    db.session.execute(
        update(CalendarVersion)
        .where(CalendarVersion.id == number)
        .values(would_move=moved, open_requests=total, counted_at=versions.utc_now())
    )
    db.session.commit()
    return moved


def _batches(
    place: str, version: str, batch: int = BATCH, *, lock: bool
) -> Iterator[Sequence[Any]]:
    """Yield the open requests that count by another version of this place."""
    after = 0
    country = place.partition("-")[0]
    asked = db.session.scalars(
        select(Authority.id).where(Authority.country == country)
    ).all()
    query = (
        select(*_COLUMNS)
        .where(
            TraceRequest.requested_id.in_(asked),
            TraceRequest.awaiting.is_(True),
            or_(
                TraceRequest.calendar_version.startswith(f"{place} "),
                # From before calendars had versions, when parts of States had none.
                and_(
                    true() if place == country else false(),
                    TraceRequest.calendar_version.startswith(OLD),
                ),
            ),
            TraceRequest.calendar_version != version,
        )
        .order_by(TraceRequest.id)
        .limit(batch)
    )
    if lock:
        query = query.with_for_update(of=TraceRequest)
    while rows := db.session.execute(query.where(TraceRequest.id > after)).all():
        after = rows[-1].id
        yield rows


def _steps(ids: Sequence[int]) -> dict[int, list[Step]]:
    """Return the histories; what a step carried is opened only where it counts."""
    of = RequestEvent.request_id.in_(ids)
    facts = {
        event.id: event.fact
        for event in db.session.scalars(
            select(RequestEvent).where(of, RequestEvent.trigger.in_(_WITH_FACTS))
        )
    }
    rows = db.session.execute(
        select(
            RequestEvent.id,
            RequestEvent.request_id,
            RequestEvent.trigger,
            RequestEvent.at,
        )
        .where(of, RequestEvent.trigger.in_(_COUNTED))
        .order_by(RequestEvent.request_id, RequestEvent.position)
    )
    found: dict[int, list[Step]] = defaultdict(list)
    for key, request_id, trigger, at in rows:
        found[request_id].append(Step(trigger, at, facts.get(key)))
    return found


# ---------------------------------------------------------------------------- moving


def move(row: CalendarVersion, now: datetime, *, batch: int = BATCH) -> int:
    """Let every open request of its place count by this version; return how many moved.

    A version that a newer one has followed moves nobody any more.
    """
    number, newest = row.id, versions.newest(row.place)
    moved = 0
    if newest is not None and newest.id == number:
        book = Book(versions.calendar_of_row(row))
        for rows in _batches(row.place, book.calendar.version, batch, lock=True):
            moved += _move(rows, book, now)
            db.session.commit()
    db.session.execute(
        update(CalendarVersion)
        .where(CalendarVersion.id == number)
        .values(applied_at=now, moved=CalendarVersion.moved + moved)
    )
    db.session.commit()
    return moved


def _move(rows: Sequence[Any], book: Book, now: datetime) -> int:
    calendar = book.calendar
    recounted = book.recount(rows)
    moved = [one for one in recounted if one.moves]
    stays = [one.row.id for one in recounted if not one.moves]
    if stays:
        db.session.execute(
            update(TraceRequest)
            .where(TraceRequest.id.in_(stays))
            .values(calendar_version=calendar.version)
            .execution_options(synchronize_session=False)
        )
    if not moved:
        return 0
    _write_dates(moved, calendar)
    changes = list(_changes(moved, calendar, now))
    db.session.execute(insert(DueChange), changes)
    _owe_anew(moved, book, now)
    journal.record_many([_entry(one, calendar) for one in moved])
    return len(moved)


def _write_dates(moved: Iterable[Recounted], calendar: Calendar) -> None:
    # The version of the row goes up: a page opened before says that it is old.
    db.session.connection().execute(
        update(TraceRequest)
        .where(TraceRequest.id == bindparam("key"))
        .values(
            due=bindparam("to_due"),
            acknowledge_due=bindparam("to_acknowledge"),
            calendar_version=calendar.version,
            version=TraceRequest.version + 1,
        ),
        [
            {
                "key": one.row.id,
                "to_due": one.due(Kind.ANSWER) or FAR,
                "to_acknowledge": one.due(Kind.ACKNOWLEDGE),
            }
            for one in moved
        ],
    )


def _changes(
    moved: Iterable[Recounted], calendar: Calendar, now: datetime
) -> Iterator[dict[str, Any]]:
    for one in moved:
        for kind, old, new in one.moves:
            yield {
                "request_id": one.row.id,
                "deadline": kind.value,
                "old_due": old,
                "new_due": new,
                "old_version": one.row.calendar_version,
                "new_version": calendar.version,
                "at": now,
                "told": False,
            }


def _owe_anew(moved: Sequence[Recounted], book: Book, now: datetime) -> None:
    ids = [one.row.id for one in moved]
    owed: dict[int, list[DueWork]] = defaultdict(list)
    for row in db.session.scalars(select(DueWork).where(DueWork.request_id.in_(ids))):
        owed[row.request_id].append(row)
    for one in moved:
        office = Office(book.hours(one.row), book.calendar, book.zone(one.row))
        reader = office.that_opens()
        plan = reminders.planned(one.steps, one.plan, book.regime(one.row), reader)
        rows = owed[one.row.id]
        db.session.add_all(reminders.due_work_for(one.row.id, plan, rows, now=now))


def _entry(one: Recounted, calendar: Calendar) -> journal.Doing:
    moves = [
        {"deadline": kind.value, "from": old.isoformat(), "to": new.isoformat()}
        for kind, old, new in one.moves
    ]
    said = {"calendar": calendar.version, "was": one.row.calendar_version}
    return journal.Doing(
        Entry.DUE_MOVED,
        None,
        one.row.reference,
        (one.row.requesting_id, one.row.requested_id),
        "",
        said | {"moves": moves},
    )


# --------------------------------------------------------------------------- telling


def tell(now: datetime, *, each: int = EACH) -> int:
    """Write to both sides of what moved; return how many letters.

    A mailbox that would get many letters gets one.
    """
    untold = _untold()
    if not untold:
        return 0
    ids = sorted({row.request_id for row in untold})
    counts = _counts(untold)
    letters = [
        letter
        for party, found in counts.items()
        for letter in _of_many(party, found, each, now)
    ]
    for start in range(0, len(ids), TOLD_AT_ONCE):
        letters += _one_by_one(ids[start : start + TOLD_AT_ONCE], counts, each, now)
    db.session.add_all(letters)
    for start in range(0, len(untold), TOLD_AT_ONCE):
        told = [row.id for row in untold[start : start + TOLD_AT_ONCE]]
        db.session.execute(
            update(DueChange)
            .where(DueChange.id.in_(told))
            .values(told=True)
            .execution_options(synchronize_session=False)
        )
    db.session.commit()
    return len(letters)


def _untold() -> Sequence[Any]:
    """Return what moved and no other sweep is telling of, with its sides."""
    return db.session.execute(
        select(
            DueChange.id,
            DueChange.request_id,
            TraceRequest.requesting_id,
            TraceRequest.requested_id,
            TraceRequest.confidential,
        )
        .join(TraceRequest, TraceRequest.id == DueChange.request_id)
        .where(DueChange.told.is_(False))
        .with_for_update(of=DueChange, skip_locked=True)
    ).all()


def _counts(untold: Sequence[Any]) -> dict[Party, Counter[int]]:
    """Return of how many requests each authority is to be told, by its side."""
    sides = {
        row.request_id: (row.requesting_id, row.requested_id)
        for row in untold
        if not row.confidential
    }
    by_requesting = Counter(one for one, _other in sides.values() if one)
    by_requested = Counter(other for _one, other in sides.values() if other)
    return {Party.REQUESTING: by_requesting, Party.REQUESTED: by_requested}


def _of_many(
    party: Party, counts: Mapping[int, int], each: int, now: datetime
) -> Iterator[OutboxMessage]:
    path = "/my-requests" if party is Party.REQUESTING else "/queue"
    many = {key: number for key, number in counts.items() if number > each}
    for authority in db.session.scalars(
        select(Authority).where(Authority.id.in_(many))
    ):
        recipient = compose.mailbox_of(authority)
        facts = {"path": path, "count": many[authority.id]}
        yield _letter(authority.id, None, recipient, "moved_many", facts, now)


def _one_by_one(
    ids: Sequence[int],
    counts: Mapping[Party, Mapping[int, int]],
    each: int,
    now: datetime,
) -> Iterator[OutboxMessage]:
    many = {
        party: [key for key, number in found.items() if number > each]
        for party, found in counts.items()
    }
    requests = db.session.scalars(
        select(TraceRequest)
        .where(
            TraceRequest.id.in_(ids),
            or_(
                TraceRequest.requesting_id.not_in(many[Party.REQUESTING]),
                TraceRequest.requested_id.not_in(many[Party.REQUESTED]),
                TraceRequest.confidential.is_(True),
            ),
        )
        .options(
            joinedload(TraceRequest.requesting),
            joinedload(TraceRequest.requested),
            joinedload(TraceRequest.filed_by),
            joinedload(TraceRequest.assigned_to),
        )
    )
    for request in requests:
        zone = ZoneInfo(request.requested.zone) if request.requested else None
        due = request.due.astimezone(zone).date() if request.due < FAR else None
        facts = compose.facts_of(request, due)
        sides = (
            (Party.REQUESTING, request.requesting_id),
            (Party.REQUESTED, request.requested_id),
        )
        for party, number in sides:
            # A confidential one is not counted among the many.
            alone = request.confidential or number not in many[party]
            if number is None or not alone:
                continue
            for recipient, event, told in compose.letters_to(
                request, party, "moved", facts
            ):
                yield _letter(number, request.id, recipient, event, told, now)


def _letter(
    authority_id: int,
    request_id: int | None,
    recipient: compose.Recipient,
    event: str,
    facts: Mapping[str, Any],
    now: datetime,
) -> OutboxMessage:
    return OutboxMessage(
        message_id=compose.new_message_id(current_app.config["MAIL_DOMAIN"]),
        request_id=request_id,
        authority_id=authority_id,
        event=event,
        recipient=recipient.address,
        language=recipient.language,
        facts=dict(facts),
        created_at=now,
        next_at=now,
    )
