"""Due dates by another way: a clerk who looks at the wall clock every quarter of an hour.

It shares nothing with what it checks but the calendar's word on single days. A case is
a zone, a calendar, a regime, a start, and questions that stop the clock.

    python -m bench.slow_clock 100000
"""

import sys
import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from workflows.calendars import Calendar
from workflows.deadlines import Kind, schedule
from workflows.office_hours import OfficeHours
from workflows.regimes import Clock, Regime, Unit, by_code
from workflows.states import Trigger

SEED: Final = 20261129
QUARTER: Final = timedelta(minutes=15)
ZONES: Final = (
    "Africa/Cairo",  # summer time again since 2023
    "Africa/Casablanca",  # clocks back for one month
    "Africa/Nairobi",
    "America/Caracas",  # half an hour forward in 2016
    "America/Santiago",  # forward at midnight
    "America/Sao_Paulo",  # gave summer time up in 2019
    "America/St_Johns",  # half an hour off
    "Antarctica/Troll",  # two hours forward
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kathmandu",  # 5:45
    "Asia/Pyongyang",  # half an hour in 2018
    "Asia/Tehran",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Europe/Istanbul",  # stayed in summer in 2016
    "Europe/Vienna",
    "Europe/Volgograd",  # changed its zone twice
    "Pacific/Apia",
    "Pacific/Chatham",  # 12:45 and 13:45
    "Pacific/Kiritimati",  # +14
    "Pacific/Niue",  # -11
    "Pacific/Tongatapu",
)
"""Where clocks do what a program may not expect."""

YEARS: Final = (2016, 2026)
HOURS: Final = (
    OfficeHours((((540, 1020),),) * 7),
    OfficeHours((((480, 750), (810, 1020)),) * 5 + ((), ())),
    OfficeHours((((0, 1440),),) * 7),
    OfficeHours((((60, 210),),) * 7),
    OfficeHours(((),) * 6 + (((720, 1440),),)),
)


@dataclass(frozen=True)
class Step:
    """One step of a history."""

    trigger: Trigger
    at: datetime
    fact: object = None


@dataclass(frozen=True)
class Case:
    """One due date to compute."""

    zone: str
    calendar: Calendar
    regime: Regime
    hours: OfficeHours
    steps: tuple[Step, ...]


@lru_cache(maxsize=64)
def wall(zone: str) -> tuple[list[datetime], list[tuple[date, int]]]:
    """Return every quarter of an hour of all years, and what the wall then shows."""
    there = ZoneInfo(zone)
    at = datetime(YEARS[0] - 1, 12, 1, tzinfo=UTC)
    end = datetime(YEARS[1] + 2, 12, 1, tzinfo=UTC)
    quarters, shown = [], []
    while at < end:
        local = at.astimezone(there)
        quarters.append(at)
        shown.append((local.date(), local.hour * 60 + local.minute))
        at += QUARTER
    return quarters, shown


def slowly(case: Case) -> datetime:
    """Return when the answer is due, counted with a pencil."""
    quarters, shown = wall(case.zone)
    start = case.steps[0].at
    if case.regime.unit is Unit.HOURS:
        return _hours_slowly(case, quarters, shown, start)
    return _days_slowly(case, quarters, shown, start)


def _waits(case: Case) -> list[tuple[datetime, datetime]]:
    at = [step.at for step in case.steps[1:]]
    return list(zip(at[::2], at[1::2], strict=True))


def _counts(case: Case, day: date, minute: int) -> bool:
    if case.regime.clock is Clock.ELAPSED:
        return True
    if not _is_worked(case.calendar, day):
        return False
    week = case.hours.week
    if not any(week[n] for n in range(7) if n not in case.calendar.weekend):
        week = HOURS[0].week
    spans = week[day.weekday()]
    if not spans and day in case.calendar.working:
        spans = next(some for some in week if some)
    return any(opens <= minute < closes for opens, closes in spans)


def _is_worked(calendar: Calendar, day: date) -> bool:
    if day in calendar.working:
        return True
    return day not in calendar.holidays and day.weekday() not in calendar.weekend


def _hours_slowly(
    case: Case,
    quarters: list[datetime],
    shown: list[tuple[date, int]],
    start: datetime,
) -> datetime:
    """Tick through the quarters; those of a wait are ticked through once more."""
    limit = case.regime.answer_in or 0
    need = limit * 4 + sum(
        sum(
            _counts(case, *shown[n])
            for n in range(
                bisect_left(quarters, asked), bisect_left(quarters, answered)
            )
        )
        for asked, answered in _waits(case)
    )
    place = bisect_left(quarters, start)
    while need:
        need -= _counts(case, *shown[place])
        place += 1
    return quarters[place]


def _days_slowly(
    case: Case,
    quarters: list[datetime],
    shown: list[tuple[date, int]],
    start: datetime,
) -> datetime:
    """Turn the leaves of a calendar, one for each day the wall has shown."""
    working = case.regime.unit is Unit.WORKING_DAYS
    there = ZoneInfo(case.zone)
    day = start.astimezone(there).date()
    need = case.regime.answer_in or 0
    for asked, answered in _waits(case):
        first, last = (one.astimezone(there).date() for one in (asked, answered))
        while first < last:
            first += timedelta(days=1)
            need += not working or _is_worked(case.calendar, first)
    while need:
        day += timedelta(days=1)
        need -= not working or _is_worked(case.calendar, day)
    if case.regime.ends_on_working_day and not working:
        while not _is_worked(case.calendar, day):
            day += timedelta(days=1)
    # The last quarter that still shows the day, or an earlier one if it was left out.
    place = bisect_left(quarters, start)
    last_place = place
    while shown[place][0] <= day or shown[place + 8][0] <= day:
        if shown[place][0] <= day:
            last_place = place
        place += 1
    return quarters[last_place] + QUARTER - timedelta(seconds=1)


def cases(seed: int = SEED) -> Iterator[Case]:
    """Yield cases without end; the same seed gives the same."""
    chance = Random(seed)
    pool = [_calendar(chance, number) for number in range(40)]
    base = by_code("CUSTOM")
    while True:
        unit = chance.choice(tuple(Unit))
        office = unit is Unit.HOURS and chance.random() < 0.7
        regime = replace(
            base,
            unit=unit,
            acknowledge_in=None,
            answer_in=chance.randint(1, 24 if unit is Unit.HOURS else 20),
            clock=Clock.OFFICE_HOURS if office else Clock.ELAPSED,
            paused_by_clarification=True,
            ends_on_working_day=chance.random() < 0.5,
        )
        at = datetime(YEARS[0], 1, 1, tzinfo=UTC)
        at += chance.randrange((YEARS[1] - YEARS[0]) * 365 * 96) * QUARTER
        steps = [Step(Trigger.SUBMIT, at)]
        for _ in range(chance.choice((0, 0, 0, 1, 2))):
            for trigger in (Trigger.ASK_CLARIFICATION, Trigger.CLARIFY):
                at += chance.randrange(1, 3 * 96) * QUARTER
                steps.append(Step(trigger, at))
        yield Case(
            chance.choice(ZONES),
            chance.choice(pool),
            regime,
            chance.choice(HOURS),
            tuple(steps),
        )


def _calendar(chance: Random, number: int) -> Calendar:
    days = [
        date(YEARS[0] - 1, 1, 1) + timedelta(days=n)
        for n in range((YEARS[1] - YEARS[0] + 4) * 366)
    ]
    weekend = chance.choice(({5, 6}, {4, 5}, {6}, {4}, set(), {4, 6}))
    return Calendar(
        name=str(number),
        version="1",
        weekend=frozenset(weekend),
        holidays=frozenset(chance.sample(days, 200)),
        working=frozenset(chance.sample(days, 60)),
    )


def quickly(case: Case) -> datetime:
    """Return when the answer is due, as the service computes it."""
    found = schedule(
        case.steps,
        case.regime,
        case.calendar,
        ZoneInfo(case.zone),
        hours=case.hours,
    )
    return next(one.due for one in found if one.kind is Kind.ANSWER)


def main(number: int) -> int:
    """Compare so many cases; return how many differ."""
    differ = 0
    begun = time.monotonic()
    for _, case in zip(range(number), cases(), strict=False):
        quick, slow = quickly(case), slowly(case)
        if quick != slow:
            differ += 1
            if differ < 10:
                print(f"{case.zone}: {quick} and not {slow}\n{case}", file=sys.stderr)
    took = time.monotonic() - begun
    print(f'{{"cases": {number}, "different": {differ}, "seconds": {took:.0f}}}')
    return differ


if __name__ == "__main__":
    sys.exit(1 if main(int(sys.argv[1])) else 0)
