"""The versions of calendars and office hours, and which one counts for whom.

A request keeps the versions it was counted by. What the library says of a place is its
first version; it is written down with the first request that is counted by it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final
from weakref import WeakKeyDictionary

from marshmallow import ValidationError
from sqlalchemy import Engine, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from tracing.directory import calendars, countries
from tracing.extensions import db
from tracing.faults import Stale
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import (
    Authority,
    CalendarChange,
    CalendarVersion,
    ChangeKind,
    OfficeHoursVersion,
    Standing,
)
from workflows import office_hours
from workflows.calendars import WEEK, Calendar
from workflows.errors import NotPermitted, TransitionNotAllowed
from workflows.office_hours import USUAL, OfficeHours
from workflows.policies import Actor, Role

BEFORE: Final = 1
AHEAD: Final = 5
"""Years around the present one that a version covers."""

PLACE: Final = re.compile(rf"[A-Z]{{2}}(-{calendars.PART.pattern})?")
FIRST_YEAR: Final = 2020
LARGEST: Final = 2**31 - 1
"""The largest number of a row."""

LONGEST_CHANGE: Final = 366 * AHEAD


@dataclass(frozen=True, slots=True)
class Known:
    """What an authority counts by now: where, the calendar, the hours, their version."""

    place: str
    calendar: Calendar
    hours: OfficeHours = USUAL
    hours_version: int = 0


def span(now: datetime) -> tuple[int, int]:
    """Return the first and the last year that a version made now covers."""
    return now.year - BEFORE, now.year + AHEAD


# ----------------------------------------------------------------------- what counts


def known_of(authority: Authority, now: datetime) -> Known:
    """Return what counts for an authority now."""
    row = _newest_hours(authority.id)
    place = place_of(authority, row)
    hours = office_hours.parse(row.hours) if row and row.hours else USUAL
    return Known(place, current(place, now), hours, row.number if row else 0)


def place_of(authority: Authority, row: OfficeHoursVersion | None) -> str:
    """Return whose feasts an authority keeps."""
    part = row.subdivision if row else ""
    return f"{authority.country}-{part}" if part else authority.country


def current(place: str, now: datetime) -> Calendar:
    """Return the calendar of a place in its newest version that is published."""
    number = db.session.scalar(
        select(func.max(CalendarVersion.number)).where(
            CalendarVersion.place == place,
            CalendarVersion.standing == Standing.PUBLISHED,
        )
    )
    if number is None:
        return _first(place, now)
    return _stored(place, number) or _first(place, now)


def newest(place: str) -> CalendarVersion | None:
    """Return the newest published version of a place, if any is written down."""
    return db.session.scalar(
        select(CalendarVersion)
        .where(
            CalendarVersion.place == place,
            CalendarVersion.standing == Standing.PUBLISHED,
        )
        .order_by(CalendarVersion.number.desc())
        .limit(1)
    )


def named(version: str, now: datetime) -> Calendar | None:
    """Return the calendar that a request was counted by; None if it has no name."""
    place, _space, number = version.partition(" ")
    if not number.isdigit():
        return None
    return _stored(place, int(number)) or _first(place, now)


_KNOWN: Final[WeakKeyDictionary[Engine, dict[str, Calendar]]] = WeakKeyDictionary()
"""Of each database the calendars that were read: a version never changes."""


def _stored(place: str, number: int) -> Calendar | None:
    version = f"{place} {number}"
    found = _KNOWN.setdefault(db.engine, {}).get(version)
    if found is not None:
        return found
    row = db.session.scalar(
        select(CalendarVersion).where(
            CalendarVersion.place == place, CalendarVersion.number == number
        )
    )
    return calendar_of_row(row) if row is not None else None


def calendar_of_row(row: CalendarVersion) -> Calendar:
    """Return the value of a row."""
    version = f"{row.place} {row.number}"
    known = _KNOWN.setdefault(db.engine, {})
    if version not in known:
        made = calendars.calendar_from(row.place, version, row.content)
        if row.standing is Standing.PROPOSED:
            return made
        known[version] = made
    return known[version]


def _first(place: str, now: datetime) -> Calendar:
    """Return the first version of a place: of a part, with what its State has said."""
    changes = changes_of(place) if "-" in place else ()
    if not changes:
        return _of_library(place, *span(now))
    return calendars.assembled(place, *span(now), changes).calendar(place, f"{place} 1")


@lru_cache(maxsize=1024)
def _of_library(place: str, first: int, last: int) -> Calendar:
    return calendars.library(place, first, last).calendar(place, f"{place} 1")


def keep(calendar: Calendar, now: datetime) -> None:
    """Write down the first version of a place, if nobody has. The caller commits."""
    place, _space, number = calendar.version.partition(" ")
    if number != "1" or newest(place) is not None:
        return
    first, last = span(now)
    # Both dialects have the clause; SQLAlchemy has no common word for it.
    postgres = db.engine.dialect.name == "postgresql"
    made = (postgresql if postgres else sqlite).insert(CalendarVersion)
    db.session.execute(
        made.values(
            place=place,
            number=1,
            standing=Standing.PUBLISHED,
            base=calendars.calendar_of(place, (first, last)).version[:80],
            first_year=first,
            last_year=last,
            content=calendars.content_of(calendar),
            made_at=now,
            published_at=now,
            applied_at=now,
            made_by="",
            why="",
            source="",
        ).on_conflict_do_nothing(index_elements=["place", "number"])
    )


# ----------------------------------------------------------------------- office hours


def _newest_hours(authority_id: int) -> OfficeHoursVersion | None:
    return db.session.scalar(
        select(OfficeHoursVersion)
        .where(OfficeHoursVersion.authority_id == authority_id)
        .order_by(OfficeHoursVersion.number.desc())
        .limit(1)
    )


def hours_of(authority_id: int, number: int | None = None) -> OfficeHoursVersion | None:
    """Return the hours of an authority, the newest or those of a version."""
    if number is None:
        return _newest_hours(authority_id)
    return db.session.scalar(
        select(OfficeHoursVersion).where(
            OfficeHoursVersion.authority_id == authority_id,
            OfficeHoursVersion.number == number,
        )
    )


def set_hours(actor: Actor, hours: str, subdivision: str, now: datetime) -> None:
    """Say when the own authority works, and whose feasts it keeps, from now on."""
    if not actor.is_any(Role.ADMINISTRATOR):
        raise NotPermitted("The role administrator does this.")
    wrong: dict[str, list[str]] = {}
    authority = db.session.get_one(Authority, actor.authority_id)
    try:
        hours = str(office_hours.parse(hours)) if hours.strip() else ""
    except ValueError as error:
        wrong["hours"] = [str(error)]
    known = calendars.subdivisions(authority.country)
    if subdivision and subdivision not in known:
        wrong["subdivision"] = [_nearest(subdivision, known)]
    if wrong:
        raise ValidationError(wrong)
    before = _newest_hours(authority.id)
    row = OfficeHoursVersion(
        authority_id=authority.id,
        number=before.number + 1 if before else 1,
        hours=hours,
        subdivision=subdivision,
        made_by=actor.name,
        made_at=now,
    )
    db.session.add(row)
    said = {"hours": hours, "subdivision": subdivision, "number": row.number}
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        raise Stale("The hours changed since this page was opened.") from error
    journal.record(Kind.HOURS_CHANGED, actor, about=authority.code, payload=said)
    db.session.commit()


def _nearest(given: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(given.upper(), known, n=1, cutoff=0)
    if not near:
        return "No part of this State has feasts of its own; leave this empty."
    return f"There is no such part of the State; did you mean {near[0]}?"


# --------------------------------------------------------------------- new versions


@dataclass(frozen=True, slots=True)
class Proposal:
    """One change as somebody enters it, with why and from where it is known."""

    kind: ChangeKind
    first: date
    last: date
    why: str
    source: str
    name: str = ""
    estimated: bool = False
    weekend: frozenset[int] = frozenset()


def may_change(actor: Actor, place: str) -> bool:
    """Tell whether somebody enters what days a place has: its own State, or all."""
    if actor.is_any(Role.OPERATOR):
        return True
    country = db.session.get_one(Authority, actor.authority_id).country
    return actor.is_any(Role.ADMINISTRATOR) and place.partition("-")[0] == country


def places(country: str) -> tuple[str, ...]:
    """Return a State and its parts."""
    return (country, *(f"{country}-{one}" for one in calendars.subdivisions(country)))


def require_written(place: str) -> None:
    """Refuse what is not written as a State or a part of one."""
    if not PLACE.fullmatch(place):
        raise ValidationError({"place": ["Choose a State or a part of one."]})


def require_place(place: str) -> None:
    """Refuse what is neither a State nor a part of one."""
    require_written(place)
    country = place.partition("-")[0]
    if country not in countries.codes() or place not in places(country):
        raise ValidationError({"place": ["Choose a State or a part of one."]})


def require_change(actor: Actor, place: str) -> None:
    """Refuse who does not answer for the calendar of a place."""
    if not may_change(actor, place):
        raise NotPermitted("An administrator of an authority of that State does this.")


def _check(given: Proposal, now: datetime) -> None:
    wrong: dict[str, list[str]] = {}
    _first, last = span(now)
    if not FIRST_YEAR <= given.first.year <= last:
        wrong["first"] = [f"Enter a day between {FIRST_YEAR} and {last}."]
    if given.last < given.first:
        wrong["last"] = ["Enter a last day that is not before the first."]
    elif given.last.year > last:
        wrong["last"] = [f"Enter a day not later than {last}."]
    elif given.kind is not ChangeKind.WEEKEND and (given.last - given.first).days > 60:
        wrong["last"] = ["Enter at most 60 days at once."]
    if given.kind is ChangeKind.HOLIDAY and not given.name.strip():
        wrong["name"] = ["Enter what the day is called."]
    if given.kind is ChangeKind.WEEKEND and not 0 < len(given.weekend) < len(WEEK):
        wrong["weekend"] = ["Choose the days of the week that are free, not all seven."]
    if not given.why.strip():
        wrong["why"] = ["Enter why the calendar changes."]
    if not given.source.strip():
        wrong["source"] = ["Enter where it is written, such as a law or a gazette."]
    if wrong:
        raise ValidationError(wrong)


def propose(
    actor: Actor, place: str, given: Proposal, now: datetime
) -> CalendarVersion:
    """Write down a new version; it counts for nobody until it is published."""
    require_change(actor, place)
    require_place(place)
    _check(given, now)
    if open_proposal(place) is not None:
        raise TransitionNotAllowed(
            "A version of this calendar waits: publish or drop it first."
        )
    keep(current(place, now), now)
    row = _next(place, now)
    row.authority_id, row.made_by = actor.authority_id, actor.name
    row.why, row.source = given.why.strip(), given.source.strip()
    change = CalendarChange(
        place=place,
        kind=given.kind,
        first=given.first,
        last=given.last,
        name=given.name.strip(),
        estimated=given.estimated,
        weekend=" ".join(map(str, sorted(given.weekend))),
    )
    row.content = _content(row, (*changes_of(place), change))
    db.session.add(row)
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        raise TransitionNotAllowed(
            "Somebody else has just entered a version of this calendar."
        ) from error
    change.version_id = row.id
    db.session.add(change)
    said = {
        "why": row.why,
        "source": row.source,
        "kind": change.kind.value,
        "first": change.first,
        "last": change.last,
        "name": change.name,
    }
    about = f"{place} {row.number}"
    journal.record(Kind.CALENDAR_PROPOSED, actor, about=about, payload=said)
    db.session.commit()
    return row


def _next(place: str, now: datetime) -> CalendarVersion:
    first, last = span(now)
    before = newest(place)
    top = select(func.max(CalendarVersion.number)).where(CalendarVersion.place == place)
    return CalendarVersion(
        place=place,
        number=(db.session.scalar(top) or 0) + 1,
        standing=Standing.PROPOSED,
        base=calendars.calendar_of(place, (first, last)).version[:80],
        # What was counted by an older version is counted again by this one.
        first_year=min(first, before.first_year) if before else first,
        last_year=last,
        content={},
        made_at=now,
    )


def _content(row: CalendarVersion, changes: Sequence[CalendarChange]) -> dict[str, Any]:
    days = calendars.assembled(row.place, row.first_year, row.last_year, changes)
    return calendars.content_of(days.calendar(row.place, f"{row.place} {row.number}"))


def changes_of(place: str) -> list[CalendarChange]:
    """Return what is known better of a place, in the order in which it was said.

    What is entered for a State counts in its parts as well.
    """
    wider = {place, place.partition("-")[0]}
    return list(
        db.session.scalars(
            select(CalendarChange)
            .join(CalendarVersion, CalendarVersion.id == CalendarChange.version_id)
            .where(
                CalendarChange.place.in_(wider),
                CalendarVersion.standing == Standing.PUBLISHED,
            )
            .order_by(CalendarVersion.published_at, CalendarChange.id)
        )
    )


def open_proposal(place: str) -> CalendarVersion | None:
    """Return the version of a place that waits to be published."""
    return db.session.scalar(
        select(CalendarVersion).where(
            CalendarVersion.place == place,
            CalendarVersion.standing == Standing.PROPOSED,
        )
    )


def decide(actor: Actor, number: int, *, publish: bool, now: datetime) -> None:
    """Publish a version, or drop it; the worker then moves what it moves."""
    row = db.session.get(CalendarVersion, number) if number <= LARGEST else None
    if row is None or row.standing is not Standing.PROPOSED:
        raise TransitionNotAllowed("This version waits for nobody any more.")
    require_change(actor, row.place)
    if row.authority_id != actor.authority_id:
        raise TransitionNotAllowed(
            "The authority that entered this version publishes or drops it."
        )
    if publish and row.counted_at is None:
        raise TransitionNotAllowed(
            "It is still being counted how many requests move: wait a minute."
        )
    latest = newest(row.place)
    if publish and latest is not None and latest.number > row.number:
        # Nobody would count by it: what the State has said since is not in it.
        raise TransitionNotAllowed(
            "Somebody else has just entered a version of this calendar."
        )
    row.standing = Standing.PUBLISHED if publish else Standing.DROPPED
    row.published_at = now if publish else None
    kind = Kind.CALENDAR_PUBLISHED if publish else Kind.CALENDAR_DROPPED
    said = {"would_move": row.would_move, "open": row.open_requests}
    about = f"{row.place} {row.number}"
    journal.record(kind, actor, about=about, payload=said)
    db.session.commit()


def history_of(place: str, limit: int = 20) -> list[CalendarVersion]:
    """Return the versions of a place, the newest first."""
    return list(
        db.session.scalars(
            select(CalendarVersion)
            .where(CalendarVersion.place == place)
            .order_by(CalendarVersion.number.desc())
            .limit(limit)
        )
    )


def changes_in(rows: Sequence[CalendarVersion]) -> dict[int, CalendarChange]:
    """Return by version what it changes."""
    ids = [row.id for row in rows]
    found = db.session.scalars(
        select(CalendarChange).where(CalendarChange.version_id.in_(ids))
    )
    return {change.version_id: change for change in found}


def in_use() -> list[str]:
    """Return the places of which a version is written down."""
    return list(db.session.scalars(select(CalendarVersion.place).distinct()))


def renew(now: datetime) -> int:
    """Make a version where the library or the years have changed; return how many.

    Feasts that were estimated are announced, and another year comes into sight. The
    worker does so each day.
    """
    made = 0
    first, last = span(now)
    for place in in_use():
        newest_row = newest(place)
        base = calendars.calendar_of(place, (first, last)).version[:80]
        if newest_row is None or newest_row.base == base or open_proposal(place):
            continue
        row = _next(place, now)
        row.content = _content(row, changes_of(place))
        row.standing, row.published_at = Standing.PUBLISHED, now
        row.why, row.source = "renewed", base
        db.session.add(row)
        journal.record(
            Kind.CALENDAR_PUBLISHED, None, about=f"{place} {row.number}", payload={}
        )
        db.session.commit()
        made += 1
    return made


def next_published(place: str, of: CalendarVersion, now: datetime) -> CalendarVersion:
    """Return the next version of a part of a State, after its State has changed."""
    row = _next(place, now)
    row.content = _content(row, changes_of(place))
    row.standing, row.published_at = Standing.PUBLISHED, now
    row.made_by, row.why, row.source = of.made_by, of.why, of.source
    return row


def utc_now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)
