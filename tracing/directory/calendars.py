"""Calendars of States: what the library knows, and what somebody knows better.

A place is a State, `KE`, or a part of one whose own feasts count, `BR-SP`.
"""

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache, lru_cache
from importlib import metadata
from typing import Any, Final

from tracing.models import CalendarChange, ChangeKind
from workflows.calendars import ONE_DAY, WEEK, Calendar

SATURDAY_AND_SUNDAY: Final = frozenset({5, 6})
PART: Final = re.compile(r"[A-Za-z0-9]{1,9}")
"""What fits the name of a version; the library has some under long names as well."""

ESTIMATED: Final = " (estimated)"


@dataclass
class Days:
    """The days of some years one by one, while they are put together."""

    first: int
    last: int
    base: str
    free: set[date] = field(default_factory=set)
    names: dict[date, str] = field(default_factory=dict)
    estimated: set[date] = field(default_factory=set)
    weekend: set[date] = field(default_factory=set)

    def change(self, change: CalendarChange) -> None:
        """Let a change have the last word on its days."""
        weekend = frozenset(map(int, change.weekend.split()))
        for day in _between(change.first, change.last, self.first, self.last):
            match change.kind:
                case ChangeKind.HOLIDAY:
                    self.free.add(day)
                    self.names[day] = change.name
                    self.estimated.discard(day)
                    if change.estimated:
                        self.estimated.add(day)
                case ChangeKind.WORKING:
                    self.free.discard(day)
                    self.estimated.discard(day)
                    self.names[day] = change.name
                case ChangeKind.WEEKEND:
                    self._weekend(day, is_free=day.weekday() in weekend)

    def _weekend(self, day: date, *, is_free: bool) -> None:
        made_up = day in self.weekend and day not in self.free
        if is_free:
            self.weekend.add(day)
            if not made_up:
                self.free.add(day)
        else:
            self.weekend.discard(day)
            if day not in self.names:
                self.free.discard(day)

    def calendar(self, name: str, version: str) -> Calendar:
        """Return the value the rules count with.

        A State that moved its weekend within the years has as weekend what was one
        throughout; the rest of the old and the new one are single days off.
        """
        every = _days(self.first, self.last)
        weekend = WEEK - {day.weekday() for day in every if day not in self.weekend}
        off = {
            day
            for day in self.free
            if day.weekday() not in weekend or day in self.names
        }
        return Calendar(
            name=name,
            version=version,
            weekend=weekend,
            holidays=frozenset(off),
            working=frozenset(
                day
                for day in every
                if day.weekday() in weekend and day not in self.free
            ),
            estimated=frozenset(self.estimated & off),
            names=self.names,
        )


def _between(first: date, last: date, since: int, until: int) -> Iterator[date]:
    day = max(first, date(since, 1, 1))
    while day <= min(last, date(until, 12, 31)):
        yield day
        day += ONE_DAY


def _days(first: int, last: int) -> list[date]:
    start = date(first, 1, 1)
    count = (date(last + 1, 1, 1) - start).days
    return [start + timedelta(days=n) for n in range(count)]


def calendar_of(country: str, years: tuple[int, ...]) -> Calendar:
    """Return what the library says of a State, from the first to the last year."""
    return _calendar(country, min(years), max(years))


@lru_cache(maxsize=1024)
def _calendar(place: str, first: int, last: int) -> Calendar:
    found = library(place, first, last)
    return found.calendar(place, found.base)


def library(place: str, first: int, last: int) -> Days:
    """Return what the library knows of a place in these years."""
    # The library takes 0.2 s, and each State's file is read when it is first asked.
    country, _dash, subdivision = place.partition("-")
    base = f"holidays {metadata.version('holidays')} {place} {first}-{last}"
    days = Days(first, last, base)
    span = range(first, last + 1)
    try:
        with warnings.catch_warnings(record=True) as doubts:
            warnings.simplefilter("always")
            found = _country_holidays(country, subdivision, span)
    except NotImplementedError:
        days.base += ", State not known: Saturday and Sunday only"
        days.weekend = {
            day for day in _days(first, last) if day.weekday() in SATURDAY_AND_SUNDAY
        }
        days.free = set(days.weekend)
        return days
    if doubts:  # of some States the library knows moving feasts for some years only
        days.base += ", feasts incomplete"
    for day in _days(first, last):
        if found.is_weekend(day):
            days.weekend.add(day)
        if not found.is_working_day(day):
            days.free.add(day)
    for day, name in found.items():
        days.names[day] = name.replace(ESTIMATED, "")
        if ESTIMATED.strip() in name:
            days.estimated.add(day)
    return days


def _country_holidays(country: str, subdivision: str, span: range) -> Any:
    import holidays

    if country not in _supported():
        # Under other names the library has other things than States.
        raise NotImplementedError(country)
    return holidays.country_holidays(
        country, subdiv=subdivision or None, years=span, language="en_US"
    )


@cache
def _supported() -> Mapping[str, Iterable[str]]:
    import holidays

    return holidays.list_supported_countries()


@lru_cache(maxsize=512)
def subdivisions(country: str) -> tuple[str, ...]:
    """Return the parts of a State that have feasts of their own, by their codes."""
    return tuple(
        sorted(one for one in _supported().get(country, ()) if PART.fullmatch(one))
    )


def assembled(
    place: str, first: int, last: int, changes: Iterable[CalendarChange]
) -> Days:
    """Return the days of a place with all that is known better, in its order."""
    days = library(place, first, last)
    for change in changes:
        days.change(change)
    return days


def content_of(calendar: Calendar) -> dict[str, Any]:
    """Return a calendar as it is stored: whole, and readable without us."""
    return {
        "weekend": sorted(calendar.weekend),
        "holidays": [
            [day.isoformat(), calendar.names.get(day, "")]
            for day in sorted(calendar.holidays)
        ],
        "working": [
            [day.isoformat(), calendar.names.get(day, "")]
            for day in sorted(calendar.working)
        ],
        "estimated": [day.isoformat() for day in sorted(calendar.estimated)],
    }


def calendar_from(name: str, version: str, content: Mapping[str, Any]) -> Calendar:
    """Return a calendar from what was stored of it."""
    holidays = _read(content["holidays"])
    working = _read(content["working"])
    return Calendar(
        name=name,
        version=version,
        weekend=frozenset(content["weekend"]),
        holidays=frozenset(holidays),
        working=frozenset(working),
        estimated=frozenset(map(date.fromisoformat, content["estimated"])),
        names={day: said for day, said in (holidays | working).items() if said},
    )


def _read(rows: Iterable[tuple[str, str]]) -> dict[date, str]:
    return {date.fromisoformat(day): name for day, name in rows}
