"""Working days of an authority: a value made elsewhere, counted with here."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

ONE_DAY: Final = timedelta(days=1)
WEEK: Final = frozenset(range(7))


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """Weekend, holidays and make-up days, as known in one version.

    `working` are days worked although they fall on a weekend or holiday; `estimated`
    are holidays that still depend on the moon or on a decree.
    """

    name: str
    version: str
    weekend: frozenset[int] = frozenset({5, 6})
    holidays: frozenset[date] = frozenset()
    working: frozenset[date] = frozenset()
    estimated: frozenset[date] = frozenset()

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

    def next_working_day(self, day: date) -> date:
        """Return `day` if it is worked, else the first working day after it."""
        while not self.is_working_day(day):
            day += ONE_DAY
        return day

    def add_working_days(self, start: date, n: int) -> date:
        """Return the last of `n` working days after `start`; `start` is day zero."""
        if n < 0:
            raise ValueError("working days are counted forward only")
        day = start
        for _ in range(n):
            day = self.next_working_day(day + ONE_DAY)
        return day

    def count_working_days(self, after: date, until: date) -> int:
        """Count the working days later than `after`, up to and with `until`."""
        days = (after + ONE_DAY * n for n in range(1, (until - after).days + 1))
        return sum(map(self.is_working_day, days))
