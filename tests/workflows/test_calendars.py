"""Promises about working days."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.calendars import Calendar

PLAIN = Calendar(name="plain", version="1")
CHRISTMAS = Calendar(
    name="christmas",
    version="2026",
    holidays=frozenset({date(2026, 12, 25), date(2027, 1, 1)}),
    working=frozenset({date(2026, 12, 19)}),
)
GULF = Calendar(name="gulf", version="1", weekend=frozenset({4, 5}))

DAYS = [
    ("day zero is not counted", PLAIN, date(2026, 3, 2), 0, date(2026, 3, 2)),
    ("day zero may be a Sunday", PLAIN, date(2026, 3, 1), 0, date(2026, 3, 1)),
    ("the next day", PLAIN, date(2026, 3, 2), 1, date(2026, 3, 3)),
    ("over a weekend", PLAIN, date(2026, 3, 6), 1, date(2026, 3, 9)),
    ("from a Saturday", PLAIN, date(2026, 3, 7), 1, date(2026, 3, 9)),
    ("over Christmas", CHRISTMAS, date(2026, 12, 24), 1, date(2026, 12, 28)),
    ("over the year's end", CHRISTMAS, date(2026, 12, 31), 1, date(2027, 1, 4)),
    ("on a make-up Saturday", CHRISTMAS, date(2026, 12, 18), 1, date(2026, 12, 19)),
    ("a weekend of Friday and Saturday", GULF, date(2026, 3, 5), 1, date(2026, 3, 8)),
    ("to a leap day", PLAIN, date(2028, 2, 28), 1, date(2028, 2, 29)),
    ("over a leap day", PLAIN, date(2028, 2, 28), 2, date(2028, 3, 1)),
]


@pytest.mark.parametrize(
    ("calendar", "start", "n", "last"),
    [case[1:] for case in DAYS],
    ids=[case[0] for case in DAYS],
)
def test_working_days_are_counted(calendar, start, n, last):
    assert calendar.add_working_days(start, n) == last


def test_a_working_day_is_its_own_next_working_day():
    assert PLAIN.next_working_day(date(2026, 3, 6)) == date(2026, 3, 6)
    assert PLAIN.next_working_day(date(2026, 3, 7)) == date(2026, 3, 9)


def test_a_make_up_day_is_worked_even_on_a_holiday():
    day = date(2026, 5, 1)
    calendar = Calendar(
        name="x", version="1", holidays=frozenset({day}), working=frozenset({day})
    )
    assert calendar.is_working_day(day)


@pytest.mark.parametrize(
    "weekend", [range(7), (5, 7), (-1,)], ids=["no week left", "day 7", "day -1"]
)
def test_a_calendar_nobody_can_count_in_is_refused(weekend):
    with pytest.raises(ValueError, match=r"weekend|working day"):
        Calendar(name="x", version="1", weekend=frozenset(weekend))


def test_working_days_are_not_counted_backwards():
    with pytest.raises(ValueError, match="forward"):
        PLAIN.add_working_days(date(2026, 3, 2), -1)


NEAR = st.dates(date(2023, 12, 1), date(2024, 3, 31))
CALENDARS = st.builds(
    Calendar,
    name=st.just("any"),
    version=st.just("1"),
    weekend=st.frozensets(st.integers(0, 6), max_size=6),
    holidays=st.frozensets(NEAR, max_size=20),
    working=st.frozensets(NEAR, max_size=5),
)


def slowly(calendar, start, n):
    """Count the way a clerk does, with a pencil."""
    day = start
    while n:
        day = day + timedelta(1)
        weekend = day.weekday() in calendar.weekend
        if day in calendar.working or not (weekend or day in calendar.holidays):
            n -= 1
    return day


@given(CALENDARS, NEAR, st.integers(0, 40))
def test_counting_agrees_with_a_pencil(calendar, start, n):
    assert calendar.add_working_days(start, n) == slowly(calendar, start, n)


@given(CALENDARS, NEAR, st.integers(0, 40))
def test_what_was_added_is_counted_back(calendar, start, n):
    end = calendar.add_working_days(start, n)
    assert calendar.count_working_days(start, end) == n


@given(CALENDARS, NEAR, NEAR, st.integers(0, 20))
def test_a_later_start_never_ends_earlier(calendar, one, other, n):
    first, second = sorted((one, other))
    ends = [calendar.add_working_days(day, n) for day in (first, second)]
    assert ends == sorted(ends)


@given(CALENDARS, NEAR, st.integers(1, 20))
def test_the_last_day_is_worked(calendar, start, n):
    assert calendar.is_working_day(calendar.add_working_days(start, n))
