"""Working days of an authority: a value made elsewhere, counted with here."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

ONE_DAY: Final = timedelta(days=1)
WEEK: Final = frozenset(range(7))


class DayKind(StrEnum):
    """What a day is to an authority."""

    WORKED = "worked"
    MADE_UP = "made_up"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a calendar, with the name of its feast if it has one."""

    day: date
    kind: DayKind
    name: str = ""
    estimated: bool = False

    @property
    def is_worked(self) -> bool:
        """Say whether the authority works on this day."""
        return self.kind in (DayKind.WORKED, DayKind.MADE_UP)


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """Weekend, holidays and make-up days, as known in one version.

    `working` are days worked although they fall on a weekend or holiday; `estimated`
    are holidays that still depend on the moon or on a decree; a day of `holidays`
    without a name is of a weekend that was another one at the time.
    """

    name: str
    version: str
    weekend: frozenset[int] = frozenset({5, 6})
    holidays: frozenset[date] = frozenset()
    working: frozenset[date] = frozenset()
    estimated: frozenset[date] = frozenset()
    names: Mapping[date, str] = field(default_factory=dict, compare=False)
    _years: dict[int, tuple[int, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if not self.weekend <= WEEK:
            raise ValueError("a weekend is made of days from 0 (Monday) to 6 (Sunday)")
        if self.weekend == WEEK:
            raise ValueError("a calendar without any working day cannot be counted in")

    def is_working_day(self, day: date) -> bool:
        """Say whether the authority works on `day`."""
        if day in self.working:
            return True
        return day.weekday() not in self.weekend and day not in self.holidays

    def day(self, day: date) -> Day:
        """Return what `day` is, for a reader who wants to know why."""
        name = self.names.get(day, "")
        if self.is_working_day(day):
            made_up = day in self.working
            return Day(day, DayKind.MADE_UP if made_up else DayKind.WORKED, name)
        feast = name and day in self.holidays
        kind = DayKind.HOLIDAY if feast else DayKind.WEEKEND
        return Day(day, kind, name, day in self.estimated)

    def next_working_day(self, day: date) -> date:
        """Return `day` if it is worked, else the first working day after it."""
        while not self.is_working_day(day):
            day += ONE_DAY
        return day

    def last_working_day(self, day: date) -> date:
        """Return `day` if it is worked, else the last working day before it."""
        while not self.is_working_day(day):
            day -= ONE_DAY
        return day

    def add_working_days(self, start: date, n: int) -> date:
        """Return the last of `n` working days after `start`; `start` is day zero."""
        if n < 0:
            raise ValueError("working days are counted forward only")
        if n == 0:
            return start
        year = start.year
        worked = self._worked(year)
        place = bisect_right(worked, start.toordinal()) + n - 1
        while place >= len(worked):
            place -= len(worked)
            year += 1
            worked = self._worked(year)
        return date.fromordinal(worked[place])

    def count_working_days(self, after: date, until: date) -> int:
        """Count the working days later than `after`, up to and with `until`."""
        if until <= after:
            return 0
        years = range(after.year, until.year + 1)
        upto = bisect_right(self._worked(until.year), until.toordinal())
        passed = bisect_right(self._worked(after.year), after.toordinal())
        return sum(len(self._worked(year)) for year in years[:-1]) + upto - passed

    def _worked(self, year: int) -> tuple[int, ...]:
        """Return the ordinals of a year's working days: made once, then looked up."""
        found = self._years.get(year)
        if found is None:
            first = date(year, 1, 1).toordinal()
            last = date(year, 12, 31).toordinal()
            found = tuple(
                number
                for number in range(first, last + 1)
                if self.is_working_day(date.fromordinal(number))
            )
            self._years[year] = found
        return found
