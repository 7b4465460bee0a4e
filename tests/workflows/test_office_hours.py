"""Promises about hours that count only while an office is open."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.slow_clock import HOURS, ZONES, cases, quickly, slowly
from workflows.calendars import Calendar
from workflows.office_hours import Office, OfficeHours, parse

PLAIN = Calendar(name="plain", version="1")
GULF = Calendar(
    name="gulf",
    version="1",
    weekend=frozenset({4, 5}),
    holidays=frozenset({date(2026, 12, 1)}),
)
NINE_TO_FIVE = parse("Mon-Sun 09:00-17:00")
NIGHT = parse("Mon-Sun 01:00-03:30")


def at(text, zone="UTC"):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


LIMITS = [
    ("within a day", "Europe/Vienna", PLAIN, NINE_TO_FIVE,
     "2026-03-02T10:00", 4, "2026-03-02T14:00"),
    ("the last minute is that day's", "Europe/Vienna", PLAIN, NINE_TO_FIVE,
     "2026-03-02T09:00", 8, "2026-03-02T17:00"),
    ("over the night", "Europe/Vienna", PLAIN, NINE_TO_FIVE,
     "2026-03-02T15:00", 8, "2026-03-03T15:00"),
    ("from before the opening", "Europe/Vienna", PLAIN, NINE_TO_FIVE,
     "2026-03-02T03:00", 1, "2026-03-02T10:00"),
    ("over a weekend of Friday and Saturday and a holiday", "Asia/Riyadh", GULF,
     NINE_TO_FIVE, "2026-11-26T16:00", 18, "2026-12-02T10:00"),
    ("over the night clocks go forward", "Europe/Vienna", PLAIN, NINE_TO_FIVE,
     "2026-03-27T16:00", 2, "2026-03-30T10:00"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "calendar", "hours", "start", "length", "end"),
    [case[1:] for case in LIMITS],
    ids=[case[0] for case in LIMITS],
)
def test_hours_count_while_the_office_is_open(
    zone, calendar, hours, start, length, end
):
    office = Office(hours, calendar, ZoneInfo(zone))
    due = office.add(at(start, zone), timedelta(hours=length))
    assert due.astimezone(ZoneInfo(zone)).isoformat()[:16] == end
    assert office.between(at(start, zone), due) == timedelta(hours=length)


def test_an_hour_that_is_shown_twice_counts_twice_and_one_never_shown_does_not():
    always = Calendar(name="x", version="1", weekend=frozenset())
    office = Office(NIGHT, always, ZoneInfo("Europe/Vienna"))

    def open_on(day):
        midnight = at(f"{day}T00:00", "Europe/Vienna")
        return office.between(midnight, midnight.astimezone(UTC) + timedelta(hours=12))

    assert open_on("2026-03-28") == timedelta(hours=2.5)
    assert open_on("2026-03-29") == timedelta(hours=1.5)
    assert open_on("2026-10-25") == timedelta(hours=3.5)


def test_a_make_up_day_has_the_hours_of_a_usual_day():
    saturday = date(2026, 12, 19)
    calendar = Calendar(name="x", version="1", working=frozenset({saturday}))
    hours = parse("Mon-Fri 08:00-16:00")
    assert hours.on(saturday, calendar) == ((480, 960),)
    assert hours.on(date(2026, 12, 20), calendar) == ()


def test_an_office_that_never_opens_has_the_usual_hours():
    sundays = parse("Sun 09:00-12:00")
    office = Office(sundays, PLAIN, ZoneInfo("UTC")).that_opens()
    assert office.add(at("2026-03-02T09:00"), timedelta(hours=8)) == at(
        "2026-03-02T17:00"
    )


@pytest.mark.parametrize(
    "text",
    [
        "Mon-Fri 08:00-12:30 13:30-17:00; Sat 09:00-12:00",
        "Sun-Sun 09:00-17:00",
        "Mon-Sun 00:00-24:00",
        "Tue 10:00-11:00",
    ],
)
def test_hours_are_read_as_they_are_written(text):
    assert str(parse(str(parse(text)))) == str(parse(text))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "open on one"),
        ("9 to 5", "cannot be read"),
        ("Mon-Fry 09:00-17:00", "no day 'Fry'"),
        ("Fri-Mon 09:00-17:00", "backwards"),
        ("Mon 17:00-09:00", "follow one another"),
        ("Mon 09:00-25:00", "within one day"),
        ("Mon 09:70-10:00", "60 minutes"),
        ("Mon 09:00-10:00; Mon-Tue 11:00-12:00", "stands twice"),
    ],
)
def test_hours_that_cannot_be_are_refused_with_an_example(text, why):
    with pytest.raises(ValueError, match=why) as refused:
        parse(text)
    assert "Mon-Fri 08:00-12:30" in str(refused.value)


def test_nobody_is_called_at_night():
    office = Office(parse("Mon-Fri 08:00-16:00"), PLAIN, ZoneInfo("Pacific/Kiritimati"))
    friday_evening = at("2026-03-06T20:00", "Pacific/Kiritimati")
    assert office.open_from(friday_evening) == at(
        "2026-03-09T08:00", "Pacific/Kiritimati"
    )
    assert office.open_before(friday_evening) == at(
        "2026-03-06T08:00", "Pacific/Kiritimati"
    )
    noon = at("2026-03-06T12:00", "Pacific/Kiritimati")
    assert office.open_from(noon) == office.open_before(noon) == noon


# ------------------------------------------------------- another way to the same date


def test_a_clerk_with_a_wall_clock_finds_the_same_dates():
    for case in islice(cases(), 250):
        assert quickly(case) == slowly(case), case


@given(
    st.datetimes(datetime(2016, 1, 1), datetime(2026, 1, 1)),  # noqa: DTZ001
    st.integers(1, 60 * 200),
    st.sampled_from(ZONES),
    st.sampled_from(HOURS[:4]),
)
def test_what_was_added_is_counted_back(naive, minutes, zone, hours):
    start = naive.replace(tzinfo=UTC)
    office = Office(hours, GULF, ZoneInfo(zone))
    end = office.add(start, timedelta(minutes=minutes))
    assert office.between(start, end) == timedelta(minutes=minutes)


def test_hours_are_of_one_week():
    with pytest.raises(ValueError, match="seven days"):
        OfficeHours((((0, 60),),) * 6)
