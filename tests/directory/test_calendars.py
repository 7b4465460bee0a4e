"""Calendars: what the library knows, as a value the rules can count with."""

from datetime import date, timedelta

import pytest

from tracing.directory import countries
from tracing.directory.calendars import calendar_of


def test_a_public_holiday_is_not_worked():
    calendar = calendar_of("KE", (2026, 2026))
    assert not calendar.is_working_day(date(2026, 12, 25))
    assert calendar.is_working_day(date(2026, 12, 24))


def test_egypt_works_on_sunday_and_rests_on_friday():
    calendar = calendar_of("EG", (2026, 2026))
    assert calendar.weekend == {4, 5}
    assert calendar.is_working_day(date(2026, 11, 22))
    assert not calendar.is_working_day(date(2026, 11, 20))


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        (date(2021, 6, 4), False),  # a Friday under the old weekend
        (date(2021, 6, 6), True),  # a Sunday under the old weekend
        (date(2024, 6, 7), True),  # a Friday under the new one
        (date(2024, 6, 9), False),  # a Sunday under the new one
        (date(2021, 6, 5), False),  # a Saturday, free under both
        (date(2024, 6, 8), False),
    ],
)
def test_a_weekend_that_moved_is_kept_as_it_was_at_the_time(day, worked):
    assert calendar_of("AE", (2020, 2024)).is_working_day(day) is worked


def test_a_make_up_day_is_worked_although_it_is_a_saturday():
    calendar = calendar_of("CN", (2025, 2025))
    assert date(2025, 2, 8) in calendar.working
    assert calendar.is_working_day(date(2025, 2, 8))


def test_a_feast_that_waits_for_the_moon_is_marked_as_estimated():
    calendar = calendar_of("EG", (2027, 2027))
    assert calendar.estimated
    assert calendar.estimated <= calendar.holidays


def test_the_version_says_where_the_days_come_from():
    calendar = calendar_of("KE", (2025, 2029))
    assert calendar.version.startswith("holidays ")
    assert calendar.version.endswith(" KE 2025-2029")


def test_a_state_the_library_does_not_know_has_a_weekend_and_says_so():
    calendar = calendar_of("XX", (2026, 2027))
    assert calendar.weekend == {5, 6}
    assert not calendar.holidays
    assert "not known" in calendar.version


@pytest.mark.parametrize("first", [1995, 2012, 2020, 2026])
def test_every_state_has_a_calendar_one_can_count_in(first):
    for code in countries.codes():
        calendar = calendar_of(code, (first, first + 4))
        assert len(calendar.version) <= 80, "the column of a request holds 80"
        start = date(first, 3, 1)
        assert calendar.add_working_days(start, 10) < start + timedelta(days=60)


def test_a_calendar_the_library_has_doubts_about_says_so():
    assert "incomplete" not in calendar_of("IN", (2026, 2028)).version
    assert calendar_of("IN", (2034, 2036)).version.endswith("feasts incomplete")


def test_the_same_span_is_made_once():
    assert calendar_of("NZ", (2026, 2027, 2028)) is calendar_of("NZ", (2028, 2026))
