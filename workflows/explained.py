"""A due date day by day: what each day was to whoever counted, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from workflows.calendars import ONE_DAY, Calendar, Day
from workflows.deadlines import Deadline
from workflows.office_hours import USUAL, Office, OfficeHours
from workflows.regimes import Clock, Regime, Unit

LONGEST: Final = 400
"""Days that are written out; what lasts longer is not read day by day."""


class What(StrEnum):
    """What became of a day."""

    START = "start"
    COUNTED = "counted"
    OFF = "off"
    WAITING = "waiting"
    GIVEN_BACK = "given_back"
    RUN_ON = "run_on"
    SET = "set"


@dataclass(frozen=True, slots=True)
class Row:
    """One day: what it is in the calendar, and how far the count has come with it.

    `number` counts days; of a limit in hours it is the minutes of this day, and `sum`
    the minutes up to its end.
    """

    day: Day
    what: What
    number: int | None = None
    sum: int | None = None


def days(
    deadline: Deadline,
    regime: Regime,
    calendar: Calendar,
    *,
    hours: OfficeHours = USUAL,
) -> tuple[Row, ...]:
    """Return every day from the start to the day due, in order."""
    zone = ZoneInfo(deadline.zone)
    first = deadline.start.astimezone(zone).date()
    if (deadline.day - first).days > LONGEST:
        return ()
    if deadline.number is None:
        return (
            Row(calendar.day(first), What.START),
            Row(calendar.day(deadline.day), What.SET),
        )
    if deadline.hours:
        return tuple(_hours(deadline, regime, calendar, hours))
    return tuple(_days(deadline, deadline.number, regime, calendar))


def _days(
    deadline: Deadline, limit: int, regime: Regime, calendar: Calendar
) -> Iterator[Row]:
    zone = ZoneInfo(deadline.zone)
    local = deadline.start.astimezone(zone).date()
    yield Row(calendar.day(local), What.START)
    waits = [
        (
            pause.asked.astimezone(zone).date(),
            pause.given.astimezone(zone).date() if pause.given else date.max,
        )
        for pause in deadline.pauses
    ]
    waited = sum(
        _units(regime, calendar, asked, given)
        for asked, given in waits
        if given != date.max
    )
    counted = 0
    while local < deadline.day:
        local += ONE_DAY
        day = calendar.day(local)
        if regime.unit is Unit.WORKING_DAYS and not day.is_worked:
            yield Row(day, What.OFF)
        elif counted < limit and any(asked < local <= given for asked, given in waits):
            waited -= 1
            yield Row(day, What.WAITING)
        elif counted < limit:
            counted += 1
            yield Row(day, What.COUNTED, counted)
        elif waited > 0:
            waited -= 1
            yield Row(day, What.GIVEN_BACK)
        else:
            yield Row(day, What.RUN_ON)


def _units(regime: Regime, calendar: Calendar, start: date, end: date) -> int:
    if regime.unit is Unit.WORKING_DAYS:
        return calendar.count_working_days(start, end)
    return (end - start).days


def _hours(
    deadline: Deadline, regime: Regime, calendar: Calendar, hours: OfficeHours
) -> Iterator[Row]:
    zone = ZoneInfo(deadline.zone)
    office = None
    if regime.clock is Clock.OFFICE_HOURS:
        office = Office(hours, calendar, zone).that_opens()

    def passed(start: datetime, end: datetime) -> timedelta:
        if end <= start:
            return timedelta()
        return office.between(start, end) if office else end - start

    local = deadline.start.astimezone(zone).date()
    total = 0
    while local <= deadline.day:
        begins = max(_midnight(local, zone), deadline.start)
        ends = min(_midnight(local + ONE_DAY, zone), deadline.due)
        spent = passed(begins, ends)
        for pause in deadline.pauses:
            given = pause.given or deadline.due
            spent -= passed(max(begins, pause.asked), min(ends, given))
        minutes = spent // timedelta(minutes=1)
        total += minutes
        day = calendar.day(local)
        if minutes or ends <= begins:
            yield Row(day, What.COUNTED, minutes, total)
        else:
            paused = any(pause.asked <= begins for pause in deadline.pauses)
            closed = office is not None and not office.between(begins, ends)
            what = What.OFF if closed or not paused else What.WAITING
            yield Row(day, what, 0, total)
        local += ONE_DAY


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
