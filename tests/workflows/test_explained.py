"""Promises about the days that are written out under a due date."""

from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from bench.slow_clock import Step, cases
from workflows.calendars import Calendar, DayKind
from workflows.deadlines import Kind, schedule
from workflows.explained import What, days
from workflows.office_hours import parse
from workflows.regimes import Clock, Unit, by_code
from workflows.states import Trigger

RIYADH = ZoneInfo("Asia/Riyadh")
CALENDAR = Calendar(
    name="SA",
    version="SA 3",
    weekend=frozenset({4, 5}),
    holidays=frozenset({date(2026, 12, 2)}),
    estimated=frozenset({date(2026, 12, 2)}),
    names={date(2026, 12, 2): "A feast"},
)
FIVE = replace(by_code("R41_REPLY"), answer_in=5)


def rows_of(steps, regime, calendar=CALENDAR, zone=RIYADH, **hours):
    found = schedule(steps, regime, calendar, zone, **hours)
    answer = next(one for one in found if one.kind is Kind.ANSWER)
    return answer, days(answer, regime, calendar, **hours)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=RIYADH)


def test_every_day_says_what_it_was():
    sent = Step(Trigger.SUBMIT, at("2026-11-26T10:00"))
    answer, rows = rows_of([sent], FIVE)
    assert answer.day == date(2026, 12, 6)
    assert [(str(row.day.day)[5:], row.what, row.number) for row in rows] == [
        ("11-26", What.START, None),
        ("11-27", What.OFF, None),
        ("11-28", What.OFF, None),
        ("11-29", What.COUNTED, 1),
        ("11-30", What.COUNTED, 2),
        ("12-01", What.COUNTED, 3),
        ("12-02", What.OFF, None),
        ("12-03", What.COUNTED, 4),
        ("12-04", What.OFF, None),
        ("12-05", What.OFF, None),
        ("12-06", What.COUNTED, 5),
    ]
    feast = rows[6].day
    assert (feast.kind, feast.name, feast.estimated) == (
        DayKind.HOLIDAY,
        "A feast",
        True,
    )


def test_days_of_waiting_are_shown_and_not_counted():
    regime = replace(FIVE, paused_by_clarification=True)
    steps = [
        Step(Trigger.SUBMIT, at("2026-11-22T10:00")),
        Step(Trigger.ASK_CLARIFICATION, at("2026-11-23T10:00")),
        Step(Trigger.CLARIFY, at("2026-11-25T10:00"), SimpleNamespace()),
    ]
    _answer, rows = rows_of(steps, regime)
    waited = [str(row.day.day) for row in rows if row.what is What.WAITING]
    assert waited == ["2026-11-24", "2026-11-25"]
    assert rows[-1].number == 5


def test_a_period_that_ends_on_a_day_off_runs_on_if_the_regime_says_so():
    regime = replace(
        by_code("CUSTOM"), acknowledge_in=None, answer_in=5, ends_on_working_day=True
    )
    sent = Step(Trigger.SUBMIT, at("2026-11-22T10:00"))
    answer, rows = rows_of([sent], regime)
    assert answer.day == date(2026, 11, 29)
    assert [row.what for row in rows[-2:]] == [What.RUN_ON] * 2
    assert "2026-11-27 is not worked" in answer.lines[2].text % answer.lines[2].values


def test_hours_are_shown_day_by_day():
    regime = replace(by_code("EU977_URGENT_DIRECT"), clock=Clock.OFFICE_HOURS)
    sent = Step(Trigger.SUBMIT, at("2026-11-26T15:30"))
    hours = parse("Mon-Sun 09:00-17:00")
    _answer, rows = rows_of([sent], regime, hours=hours)
    assert [(row.what, row.number, row.sum) for row in rows] == [
        (What.COUNTED, 90, 90),
        (What.OFF, 0, 90),
        (What.OFF, 0, 90),
        (What.COUNTED, 390, 480),
    ]


def test_a_date_that_was_set_is_not_counted_out():
    regime = by_code("UNTOC_REQUESTED")
    steps = [Step(Trigger.SUBMIT, at("2026-11-26T15:30"))]
    found = schedule(steps, regime, CALENDAR, RIYADH, requested_by=date(2027, 2, 1))
    rows = days(found[-1], regime, CALENDAR)
    assert [row.what for row in rows] == [What.START, What.SET]


@given(st.integers(0, 10_000))
def test_the_days_add_up_to_the_limit(seed):
    case = next(cases(seed))
    regime, zone = case.regime, ZoneInfo(case.zone)
    found = schedule(case.steps, regime, case.calendar, zone, hours=case.hours)
    answer = next(one for one in found if one.kind is Kind.ANSWER)
    rows = days(answer, regime, case.calendar, hours=case.hours)
    assert rows[-1].day.day == answer.day
    if regime.unit is Unit.HOURS:
        assert rows[-1].sum >= regime.answer_in * 60 - len(rows)
        return
    counted = [row.number for row in rows if row.number]
    assert counted == list(range(1, regime.answer_in + 1))
    if not regime.ends_on_working_day:
        assert rows[-1].what is not What.RUN_ON


def test_the_same_history_gives_the_same_days_years_later():
    case = next(cases(7))
    zone = ZoneInfo(case.zone)
    one, two = (
        schedule(case.steps, case.regime, case.calendar, zone, hours=case.hours)
        for _ in range(2)
    )
    assert one == two
    assert one[0].due.tzinfo is UTC
