"""Hours that count only while an office is open: wall clocks there, seconds in UTC.

An office opens and closes by the clock on its wall. Where clocks are put forward or
back, or a whole day is left out, what counts is what the wall has shown: an hour shown
twice counts twice, one never shown does not count.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from workflows.calendars import ONE_DAY, Calendar

Span: TypeAlias = tuple[int, int]
"""From and to, in minutes of the local day."""

MINUTES_A_DAY: Final = 24 * 60
ONE_MINUTE: Final = timedelta(minutes=1)
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOW: Final = "Write hours such as Mon-Fri 08:00-12:30 13:30-17:00; Sat 09:00-12:00."
PATIENCE: Final = 4000
"""Days after which an office that never opens is given up."""


@dataclass(frozen=True)
class OfficeHours:
    """When an office is open on each day of the week, Monday first."""

    week: tuple[tuple[Span, ...], ...]

    def __post_init__(self) -> None:
        if len(self.week) != 7 or not any(self.week):
            raise ValueError("an office is open on one of the seven days at least")
        for spans in self.week:
            ends = [minute for span in spans for minute in span]
            rising = all(one < two for one, two in itertools.pairwise(ends))
            if not rising or (ends and not 0 <= ends[0] <= ends[-1] <= MINUTES_A_DAY):
                raise ValueError("hours follow one another within one day")

    def on(self, day: date, calendar: Calendar) -> tuple[Span, ...]:
        """Return the hours of a day; a make-up day has those of the usual day."""
        if not calendar.is_working_day(day):
            return ()
        found = self.week[day.weekday()]
        if not found and day in calendar.working:
            return next(spans for spans in self.week if spans)
        return found

    def __str__(self) -> str:
        """Return the hours as `parse` reads them."""
        parts: list[str] = []
        day = 0
        while day < 7:
            last = day
            while last < 6 and self.week[last + 1] == self.week[day]:
                last += 1
            if self.week[day]:
                days = DAYS[day] if day == last else f"{DAYS[day]}-{DAYS[last]}"
                hours = " ".join(f"{_wall(a)}-{_wall(b)}" for a, b in self.week[day])
                parts.append(f"{days} {hours}")
            day = last + 1
        return "; ".join(parts)


def _wall(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


USUAL: Final = OfficeHours((((9 * 60, 17 * 60),),) * 7)
"""Nine to five on every day that is worked, where nobody has said otherwise."""

_PART: Final = re.compile(
    r"(?P<first>[A-Za-z]{3})(?:\s*-\s*(?P<last>[A-Za-z]{3}))?"
    r"(?P<hours>(?:\s+\d{2}:\d{2}\s*-\s*\d{2}:\d{2})+)"
)
_HOURS: Final = re.compile(r"(\d{2}):(\d{2})\s*-\s*(\d{2}):(\d{2})")


def parse(text: str) -> OfficeHours:
    """Return the hours that a text says, or raise what is wrong with it."""
    week: list[tuple[Span, ...]] = [()] * 7
    for part in filter(None, (one.strip() for one in text.split(";"))):
        found = _PART.fullmatch(part)
        if found is None:
            raise ValueError(f"{part!r} cannot be read. {HOW}")
        spans = tuple(_spans(found["hours"]))
        for number in _days(found["first"], found["last"] or found["first"]):
            if week[number]:
                raise ValueError(f"{DAYS[number]} stands twice. {HOW}")
            week[number] = spans
    try:
        return OfficeHours(tuple(week))
    except ValueError as error:
        raise ValueError(f"The {error}. {HOW}") from error


def _days(first: str, last: str) -> range:
    names = [name.lower() for name in DAYS]
    for name in (first, last):
        if name.lower() not in names:
            raise ValueError(f"There is no day {name!r}. {HOW}")
    one, two = names.index(first.lower()), names.index(last.lower())
    if two < one:
        raise ValueError(f"{first}-{last} runs backwards: a week begins on Mon. {HOW}")
    return range(one, two + 1)


def _spans(text: str) -> Iterator[Span]:
    for hours in _HOURS.findall(text):
        one, two, three, four = map(int, hours)
        if two > 59 or four > 59:
            raise ValueError(f"An hour has 60 minutes. {HOW}")
        yield one * 60 + two, three * 60 + four


@lru_cache(maxsize=8192)
def instants(
    day: date, spans: tuple[Span, ...], zone: ZoneInfo
) -> tuple[tuple[datetime, datetime], ...]:
    """Return in UTC when the wall clock of `zone` shows these hours of `day`."""
    if not spans:
        return ()
    opening = datetime.combine(day, time(), zone)
    closing = datetime.combine(day + ONE_DAY, time(), zone).replace(fold=1)
    offset = opening.utcoffset()
    if offset is None or offset != closing.utcoffset():
        return tuple(_read_minute_by_minute(day, spans, zone))
    start = datetime.combine(day, time(), UTC) - offset
    return tuple(
        (start + timedelta(minutes=one), start + timedelta(minutes=two))
        for one, two in spans
    )


def _read_minute_by_minute(
    day: date, spans: Sequence[Span], zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime]]:
    """Look at the wall clock each minute of a day on which it was changed."""
    noon = datetime.combine(day, time(12), UTC)
    begun: datetime | None = None
    for number in range(-2 * MINUTES_A_DAY, 2 * MINUTES_A_DAY):
        at = noon + number * ONE_MINUTE
        wall = at.astimezone(zone)
        minute = wall.hour * 60 + wall.minute
        is_open = wall.date() == day and any(a <= minute < b for a, b in spans)
        if is_open and begun is None:
            begun = at
        elif not is_open and begun is not None:
            yield begun, at
            begun = None


@dataclass(frozen=True)
class Office:
    """Where and when hours are counted: the hours, the calendar, the zone."""

    hours: OfficeHours
    calendar: Calendar
    zone: ZoneInfo

    def that_opens(self) -> "Office":
        """Return this office; with the usual hours if its own are all on days off."""
        worked = set(range(7)) - self.calendar.weekend
        if any(self.hours.week[number] for number in worked):
            return self
        return Office(USUAL, self.calendar, self.zone)

    def add(self, start: datetime, length: timedelta) -> datetime:
        """Return the instant at which the office was open for `length` since `start`.

        What ends with a day's last minute is due then, not on the next morning.
        """
        left = length
        # The day before as well: its wall may still show when this one has begun.
        day = start.astimezone(self.zone).date() - ONE_DAY
        if left <= timedelta():
            return start
        for _ in range(PATIENCE):
            for opens, closes in self._on(day):
                begun = max(opens, start)
                if closes <= begun:
                    continue
                if closes - begun >= left:
                    return begun + left
                left -= closes - begun
            day += ONE_DAY
        raise ValueError("the office does not open for so long")

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return how long the office was open from `start` to `end`."""
        found = timedelta()
        day = start.astimezone(self.zone).date() - ONE_DAY
        last = end.astimezone(self.zone).date() + ONE_DAY
        while day <= last:
            for opens, closes in self._on(day):
                found += max(min(closes, end) - max(opens, start), timedelta())
            day += ONE_DAY
        return found

    def open_from(self, at: datetime) -> datetime:
        """Return `at` if the office is open then, else when it opens next."""
        day = at.astimezone(self.zone).date() - ONE_DAY
        for _ in range(PATIENCE):
            for opens, closes in self._on(day):
                if at < closes:
                    return max(opens, at)
            day += ONE_DAY
        raise ValueError("the office does not open for so long")

    def open_before(self, at: datetime) -> datetime | None:
        """Return `at` if the office is open then, else when it opened last.

        None if it had not been open within a fortnight.
        """
        day = at.astimezone(self.zone).date() + ONE_DAY
        for _ in range(16):
            for opens, closes in reversed(self._on(day)):
                if opens <= at < closes:
                    return at
                if closes <= at:
                    return self._on(day)[0][0]
            day -= ONE_DAY
        return None

    def _on(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        return instants(day, self.hours.on(day, self.calendar), self.zone)
