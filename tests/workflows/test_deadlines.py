"""Promises about what is due, when, and why."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from workflows.calendars import Calendar
from workflows.deadlines import (
    LONG_LATE_AFTER,
    Kind,
    Lateness,
    ReminderKind,
    days_late,
    end_of_day,
    lateness,
    reminders,
    schedule,
)
from workflows.office_hours import Office, parse
from workflows.regimes import Origin, ReminderStep, Unit, by_code
from workflows.states import Trigger

VIENNA = ZoneInfo("Europe/Vienna")
CALENDAR = Calendar(
    name="at",
    version="at-2026.1",
    holidays=frozenset({date(2026, 12, 25), date(2027, 1, 1), date(2027, 1, 6)}),
    working=frozenset({date(2026, 12, 19)}),
)
ITI = by_code("ITI_DEFAULT")
UNTOC = by_code("UNTOC_REQUESTED")
JUDICIAL = by_code("EU977_JUDICIAL")
EIGHT_HOURS = by_code("EU977_URGENT_DIRECT")
TEN_WORKING_DAYS = by_code("R41_REPLY")


@dataclass(frozen=True)
class Step:
    trigger: Trigger
    at: datetime
    fact: object = None


def at(day, hour=10, minute=0, zone=VIENNA):
    return datetime.combine(date.fromisoformat(day), time(hour, minute), zone)


def sent(day="2026-03-02", hour=10):
    return Step(Trigger.SUBMIT, at(day, hour))


def deferred(day, to):
    fact = SimpleNamespace(review_date=date.fromisoformat(to))
    return Step(Trigger.DEFER, at(day), fact)


def clarified(day, requested_by=None, hour=10):
    wish = requested_by and date.fromisoformat(requested_by)
    return Step(Trigger.CLARIFY, at(day, hour), SimpleNamespace(requested_by=wish))


def asked(day, hour=10):
    return Step(Trigger.ASK_CLARIFICATION, at(day, hour))


def due(kind, *history, regime=ITI, zone=VIENNA, calendar=CALENDAR, requested_by=None):
    found = schedule(history, regime, calendar, zone, requested_by=requested_by)
    return {deadline.kind: deadline for deadline in found}.get(kind)


def answer(*history, **more):
    return due(Kind.ANSWER, *history, **more)


def acknowledgement(*history, **more):
    return due(Kind.ACKNOWLEDGE, *history, **more)


def said(deadline):
    return [line.text % line.values for line in deadline.lines]


def test_nothing_is_due_before_the_request_is_sent():
    assert schedule((), ITI, CALENDAR, VIENNA) == ()
    assert (
        schedule((Step(Trigger.NOTE, at("2026-03-02")),), ITI, CALENDAR, VIENNA) == ()
    )


def test_an_instant_without_a_zone_is_refused():
    naive = Step(Trigger.SUBMIT, datetime(2026, 3, 2))  # noqa: DTZ001
    with pytest.raises(ValueError, match="zone"):
        schedule((naive,), ITI, CALENDAR, VIENNA)


DAYS = [
    ("sixty days", ITI, sent(), "2026-05-01"),
    ("over the year's end", ITI, sent("2026-12-01"), "2027-01-30"),
    ("over a leap day", ITI, sent("2028-01-01"), "2028-03-01"),
    ("late in the evening is still that day", ITI, sent(hour=23), "2026-05-01"),
    ("three days of the Directive", by_code("EU977_URGENT_INDIRECT"), sent(),
     "2026-03-05"),
    ("the seventh day may be a Sunday", by_code("EU977_NORMAL"),
     sent("2026-03-01"), "2026-03-08"),
    ("ten working days", TEN_WORKING_DAYS, sent(), "2026-03-16"),
    ("with a make-up day, over Christmas and New Year", TEN_WORKING_DAYS,
     sent("2026-12-18"), "2027-01-04"),
    ("the agreement not yet entered", by_code("CUSTOM"), sent(), "2026-05-01"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("regime", "start", "day"),
    [case[1:] for case in DAYS],
    ids=[case[0] for case in DAYS],
)
def test_a_limit_in_days_ends_with_its_last_local_day(regime, start, day):
    found = answer(start, regime=regime)
    assert found.day == date.fromisoformat(day)
    assert found.due == at(day, 23, 59) + timedelta(seconds=59)
    assert found.due.tzinfo is UTC
    assert not found.hours
    assert found.calendar_version == "at-2026.1"


def test_the_day_is_that_of_the_requested_authority():
    instant = datetime(2026, 3, 2, 11, tzinfo=UTC)
    kiritimati = ZoneInfo("Pacific/Kiritimati")
    found = answer(Step(Trigger.SUBMIT, instant), zone=kiritimati)
    assert found.day == date(2026, 5, 2)
    assert found.due == datetime(2026, 5, 2, 9, 59, 59, tzinfo=UTC)
    assert found.zone == "Pacific/Kiritimati"


def test_hours_are_elapsed_hours_over_a_change_of_the_clock():
    found = answer(sent("2026-03-29", 1), regime=EIGHT_HOURS)
    assert found.due == at("2026-03-29", 10)
    assert found.hours
    assert found.day == date(2026, 3, 29)


def test_a_regime_without_an_acknowledgement_asks_for_none():
    assert acknowledgement(sent(), regime=EIGHT_HOURS) is None


def test_the_acknowledgement_comes_first_and_is_due_before_the_answer():
    first, second = schedule([sent()], ITI, CALENDAR, VIENNA)
    assert (first.kind, second.kind) == (Kind.ACKNOWLEDGE, Kind.ANSWER)
    assert first.day == date(2026, 3, 9)
    assert first.due < second.due


RECEIPTS = [
    Trigger.ACKNOWLEDGE,
    Trigger.CLARIFY,
    Trigger.RECORD_SEARCH,
    Trigger.RESPOND,
    Trigger.WITHDRAW,
    Trigger.CLOSE,
]


@pytest.mark.parametrize("trigger", RECEIPTS)
def test_the_acknowledgement_is_met_when_the_request_is_acknowledged(trigger):
    step = Step(trigger, at("2026-03-04"))
    assert acknowledgement(sent(), step).met_at == step.at


@pytest.mark.parametrize("trigger", [Trigger.REMIND, Trigger.ENQUIRE, Trigger.NOTE])
def test_talk_does_not_acknowledge(trigger):
    assert acknowledgement(sent(), Step(trigger, at("2026-03-04"))).met_at is None


def test_a_question_does_not_acknowledge_but_stops_the_clock_of_it():
    found = acknowledgement(sent(), asked("2026-03-04"))
    assert found.met_at is None
    assert found.paused_since == at("2026-03-04")
    assert lateness(found, at("2026-04-04")) is Lateness.NOT_DUE


def test_what_was_acknowledged_stays_so_when_the_request_is_reopened():
    history = (
        sent(),
        Step(Trigger.ACKNOWLEDGE, at("2026-03-03")),
        Step(Trigger.WITHDRAW, at("2026-03-04")),
        Step(Trigger.REOPEN, at("2026-06-01")),
    )
    assert acknowledgement(*history).met_at == at("2026-03-03")


def test_what_was_withdrawn_unacknowledged_is_to_be_acknowledged_when_reopened():
    withdrawn = Step(Trigger.WITHDRAW, at("2026-03-04"))
    found = acknowledgement(sent(), withdrawn, Step(Trigger.REOPEN, at("2026-06-01")))
    assert found.met_at is None
    assert found.day == date(2026, 6, 8)


@pytest.mark.parametrize("trigger", [Trigger.RESPOND, Trigger.WITHDRAW, Trigger.CLOSE])
def test_the_answer_is_met_by_the_first_step_that_ends_it(trigger):
    end = Step(trigger, at("2026-04-01"))
    assert answer(sent(), end, Step(Trigger.CLOSE, at("2026-04-02"))).met_at == end.at


@pytest.mark.parametrize(
    ("trigger", "sentence"),
    [
        (Trigger.REOPEN, "Reopened on 2026-06-01."),
        (Trigger.QUERY_RESPONSE, "The response was queried on 2026-06-01."),
    ],
)
def test_a_reopening_and_a_query_start_a_new_period(trigger, sentence):
    responded = Step(Trigger.RESPOND, at("2026-04-01"))
    found = answer(sent(), responded, Step(trigger, at("2026-06-01")))
    assert found.day == date(2026, 7, 31)
    assert found.met_at is None
    assert sentence in said(found)


def test_only_the_last_sending_counts():
    assert answer(sent("2026-01-01"), sent("2026-03-02")).day == date(2026, 5, 1)


def test_history_may_come_in_any_order():
    history = (clarified("2026-03-08"), sent(), asked("2026-03-04"))
    assert answer(*history).day == date(2026, 5, 5)


PAUSES = [
    ("four days", ITI, [asked("2026-03-04"), clarified("2026-03-08")], "2026-05-05"),
    ("the same day", ITI, [asked("2026-03-04"), clarified("2026-03-04", hour=20)],
     "2026-05-01"),
    ("two questions", ITI,
     [asked("2026-03-04"), clarified("2026-03-05"), asked("2026-03-10"),
      clarified("2026-03-12")], "2026-05-04"),
    ("not under the Directive", by_code("EU977_NORMAL"),
     [asked("2026-03-04"), clarified("2026-03-08")], "2026-03-09"),
    ("working days", replace(TEN_WORKING_DAYS, paused_by_clarification=True),
     [asked("2026-03-06"), clarified("2026-03-10")], "2026-03-18"),
    ("an answer nobody asked for", ITI, [clarified("2026-03-08")], "2026-05-01"),
    ("after a deferral", ITI,
     [deferred("2026-03-04", "2026-06-01"), asked("2026-03-10"),
      clarified("2026-03-12")], "2026-06-03"),
    ("a deferral meanwhile", ITI,
     [asked("2026-03-04"), deferred("2026-03-10", "2026-06-01"),
      clarified("2026-03-12")], "2026-06-03"),
    ("nothing to move yet", replace(JUDICIAL, paused_by_clarification=True),
     [asked("2026-03-04"), clarified("2026-03-10"),
      deferred("2026-03-11", "2026-06-01")], "2026-06-01"),
    ("hours that were deferred are days",
     replace(EIGHT_HOURS, paused_by_clarification=True),
     [deferred("2026-03-02", "2026-03-10"), asked("2026-03-03"),
      clarified("2026-03-05")], "2026-03-12"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("regime", "steps", "day"),
    [case[1:] for case in PAUSES],
    ids=[case[0] for case in PAUSES],
)
def test_the_days_waited_for_clarification_are_added(regime, steps, day):
    assert answer(sent(), *steps, regime=regime).day == date.fromisoformat(day)


def test_hours_waited_are_added_to_hours():
    paused = replace(EIGHT_HOURS, paused_by_clarification=True)
    steps = (asked("2026-03-02", 11), clarified("2026-03-02", hour=14))
    found = answer(sent(), *steps, regime=paused)
    assert found.due == at("2026-03-02", 21)
    assert any(text.endswith("minutes waited: 180.") for text in said(found))


def test_an_open_question_is_shown_and_nothing_becomes_late_meanwhile():
    found = answer(sent(), asked("2026-03-04"))
    assert found.paused_since == at("2026-03-04")
    assert found.day == date(2026, 5, 1)
    assert "Waiting for clarification since 2026-03-04." in said(found)
    assert lateness(found, at("2027-01-01")) is Lateness.NOT_DUE
    assert days_late(found, at("2027-01-01")) == 0


def test_a_question_no_longer_waits_when_the_request_is_withdrawn():
    found = answer(
        sent(), asked("2026-03-04"), Step(Trigger.WITHDRAW, at("2026-03-05"))
    )
    assert found.paused_since is None
    assert found.met_at == at("2026-03-05")


@pytest.mark.parametrize("to", ["2026-03-20", "2026-09-01"], ids=["earlier", "later"])
def test_a_deferral_sets_its_date_and_the_old_one_stays_visible(to):
    found = answer(sent(), deferred("2026-03-10", to))
    assert found.day == date.fromisoformat(to)
    assert found.deferred_at == at("2026-03-10")
    assert f"Deferred from 2026-05-01 to {to}." in said(found)


def test_a_deferral_without_a_date_is_an_error():
    with pytest.raises(TypeError, match="review date"):
        answer(sent(), Step(Trigger.DEFER, at("2026-03-10")))


def test_an_open_limit_gets_its_date_from_the_deferral():
    assert answer(sent(), regime=JUDICIAL) is None
    found = answer(sent(), deferred("2026-03-03", "2026-04-01"), regime=JUDICIAL)
    assert found.day == date(2026, 4, 1)
    assert "No date was set before; deferred to 2026-04-01." in said(found)


APRIL = date(2026, 4, 1)


def test_the_date_of_the_requester_is_a_date_not_a_period():
    steps = (sent(), asked("2026-03-04"), clarified("2026-03-08"))
    assert answer(*steps, regime=UNTOC, requested_by=APRIL).day == APRIL


def test_a_clarification_may_carry_a_new_date():
    steps = (sent(), asked("2026-03-04"), clarified("2026-03-08", "2026-04-20"))
    found = answer(*steps, regime=UNTOC, requested_by=APRIL)
    assert found.day == date(2026, 4, 20)
    moved = "The requesting State moved its date from 2026-04-01 to 2026-04-20."
    assert moved in said(found)


def test_a_new_date_means_nothing_where_dates_are_not_the_rule():
    steps = (sent(), asked("2026-03-04"), clarified("2026-03-04", "2026-12-24"))
    assert answer(*steps).day == date(2026, 5, 1)


def test_without_a_date_of_the_requester_none_is_made_up():
    assert answer(sent(), regime=UNTOC) is None


QUERIES = [
    ("a date still to come stands", [], "2026-03-20", "2026-04-01"),
    ("a date passed gives as many days again", [], "2026-05-01", "2026-05-31"),
    ("as does a renewed one", [clarified("2026-03-22", "2026-04-11")], "2026-05-01",
     "2026-05-21"),
    ("an answer without a date changes nothing", [clarified("2026-03-22")],
     "2026-05-01", "2026-05-31"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "queried", "day"),
    [case[1:] for case in QUERIES],
    ids=[case[0] for case in QUERIES],
)
def test_a_query_under_the_requesters_date(steps, queried, day):
    history = (sent(), *steps, Step(Trigger.QUERY_RESPONSE, at(queried)))
    found = answer(*history, regime=UNTOC, requested_by=APRIL)
    assert found.day == date.fromisoformat(day)


def test_a_deadline_explains_itself_line_by_line():
    found = answer(
        sent(),
        asked("2026-03-04"),
        clarified("2026-03-08"),
        deferred("2026-03-10", "2026-06-01"),
        Step(Trigger.RESPOND, at("2026-05-20")),
    )
    assert said(found) == [
        "Received on 2026-03-02.",
        f"Limit in calendar days: 60; this is a default of this service ({ITI.source}).",
        "Clarification was asked on 2026-03-04 and given on 2026-03-08; days waited: 4.",
        "Deferred from 2026-05-05 to 2026-06-01.",
        "So due on 2026-06-01, by the end of the day.",
        "Done on 2026-05-20.",
    ]


def test_a_number_of_the_law_is_called_law_and_an_hour_is_shown():
    source = "Directive (EU) 2023/977 art 5(1)(a)"
    assert said(answer(sent(), regime=EIGHT_HOURS)) == [
        "Received on 2026-03-02.",
        f"Limit in hours: 8; this is law ({source}).",
        "So due at 2026-03-02 17:00:00+00:00.",
        (
            "If the answer will be later, the requested authority says so with the reasons"
            " as soon as it knows, and by 2026-03-02 17:00:00+00:00 at the latest"
            " (Directive (EU) 2023/977 art 5(2))."
        ),
    ]


STANDINGS = [
    ("the day before", "2026-04-30", 12, Lateness.NOT_DUE, 0),
    ("the first minute of the day", "2026-05-01", 0, Lateness.DUE_TODAY, 0),
    ("the last hour of the day", "2026-05-01", 23, Lateness.DUE_TODAY, 0),
    ("the first minute after", "2026-05-02", 0, Lateness.LATE, 1),
    ("the thirtieth day after", "2026-05-31", 23, Lateness.LATE, 30),
    ("the thirty-first day after", "2026-06-01", 0, Lateness.LONG_LATE, 31),
]


@pytest.mark.parametrize(
    ("day", "hour", "standing", "days"),
    [case[1:] for case in STANDINGS],
    ids=[case[0] for case in STANDINGS],
)
def test_lateness_is_counted_by_local_days(day, hour, standing, days):
    found = answer(sent())
    assert lateness(found, at(day, hour)) is standing
    assert days_late(found, at(day, hour)) == days


def test_the_last_second_of_the_day_is_in_time():
    found = answer(sent())
    last = found.due + timedelta(milliseconds=999)
    assert lateness(found, last) is Lateness.DUE_TODAY
    assert lateness(found, found.due + timedelta(seconds=1)) is Lateness.LATE


def test_hours_can_be_late_on_the_same_day():
    found = answer(sent(), regime=EIGHT_HOURS)
    assert lateness(found, at("2026-03-02", 18)) is Lateness.DUE_TODAY
    assert lateness(found, at("2026-03-02", 19)) is Lateness.LATE
    assert days_late(found, at("2026-03-02", 19)) == 0


def test_what_was_met_is_never_late_even_if_met_too_late():
    found = answer(sent(), Step(Trigger.RESPOND, at("2026-12-01")))
    assert lateness(found, at("2027-01-01")) is Lateness.NOT_DUE
    assert days_late(found, at("2027-01-01")) == 0


def planned(deadline, regime, start="2026-03-02"):
    return [
        (r.kind, r.at.astimezone(VIENNA).strftime("%m-%d %H:%M"), r.step)
        for r in reminders(deadline, regime, at(start))
    ]


BEFORE, ON_DAY = ReminderKind.BEFORE, ReminderKind.ON_DAY
AFTER, ESCALATE = ReminderKind.AFTER, ReminderKind.ESCALATE


def test_the_reminders_of_an_answer_are_those_of_the_regime_and_the_usual_ones():
    assert planned(answer(sent()), ITI) == [
        (BEFORE, "03-09 09:00", "answer:clock_start:+7d"),
        (BEFORE, "04-01 09:00", "answer:clock_start:+30d"),
        (BEFORE, "04-29 09:00", "answer:due:-2d"),
        (ON_DAY, "05-01 09:00", "answer:due:+0d"),
        (AFTER, "05-02 09:00", "answer:due:+1d"),
        (ESCALATE, "05-08 09:00", "answer:due:+7d"),
        (ESCALATE, "05-31 09:00", "answer:due:+30d"),
    ]


def test_the_reminders_of_an_acknowledgement_are_the_usual_ones():
    assert planned(acknowledgement(sent()), ITI) == [
        (BEFORE, "03-07 09:00", "acknowledge:due:-2d"),
        (ON_DAY, "03-09 09:00", "acknowledge:due:+0d"),
        (AFTER, "03-10 09:00", "acknowledge:due:+1d"),
        (ESCALATE, "03-16 09:00", "acknowledge:due:+7d"),
        (ESCALATE, "04-08 09:00", "acknowledge:due:+30d"),
    ]


def test_a_limit_in_hours_reminds_by_the_hour():
    assert planned(answer(sent(), regime=EIGHT_HOURS), EIGHT_HOURS) == [
        (BEFORE, "03-02 14:00", "answer:clock_start:+4h"),
        (BEFORE, "03-02 17:00", "answer:clock_start:+7h"),
        (ON_DAY, "03-02 18:00", "answer:due:+0d"),
        (AFTER, "03-03 18:00", "answer:due:+1d"),
        (ESCALATE, "03-09 18:00", "answer:due:+7d"),
        (ESCALATE, "04-01 19:00", "answer:due:+30d"),
    ]


def test_a_reminder_hours_before_the_end_of_a_day():
    regime = by_code("EU977_URGENT_INDIRECT")
    found = planned(answer(sent(), regime=regime), regime)
    assert (BEFORE, "03-04 23:59", "answer:due:-24h") in found


def test_a_reminder_after_the_day_says_so():
    after = ReminderStep(Origin.DUE, 3, Unit.CALENDAR_DAYS)
    found = planned(answer(sent()), replace(ITI, reminders=(after,)))
    assert (AFTER, "05-04 09:00", "answer:due:+3d") in found


def test_a_deferral_by_a_court_reminds_every_week_until_its_date():
    found = answer(sent(), deferred("2026-03-03", "2026-03-20"), regime=JUDICIAL)
    weekly = [r for r in planned(found, JUDICIAL) if "defer" in r[2]]
    assert weekly == [
        (BEFORE, "03-10 09:00", "answer:repeat_from_defer:+7d"),
        (BEFORE, "03-17 09:00", "answer:repeat_from_defer:+14d"),
    ]


def test_nothing_is_repeated_from_a_deferral_that_never_was():
    repeat = replace(ITI, reminders=JUDICIAL.reminders)
    assert not any("defer" in r[2] for r in planned(answer(sent()), repeat))


def test_nothing_reminds_before_the_request_was_sent():
    regime = replace(by_code("EU977_NORMAL"), answer_in=1)
    found = planned(answer(sent(), regime=regime), regime)
    assert found[0] == (ON_DAY, "03-03 09:00", "answer:due:+0d")


@pytest.mark.parametrize(
    "step", [Step(Trigger.RESPOND, at("2026-03-03")), asked("2026-03-03")]
)
def test_what_is_done_or_waits_for_the_other_side_is_not_reminded_of(step):
    assert planned(answer(sent(), step), ITI) == []


USUAL_DAYS = "Mon-Fri 08:00-16:00"


@pytest.mark.parametrize(
    ("hours", "sent_on", "said"),
    [
        # Due on Friday 2026-05-01.
        (USUAL_DAYS, "2026-04-01", [(BEFORE, "04-29 09:00"), (ON_DAY, "05-01 09:00")]),
        ("Mon-Fri 10:00-16:00", "2026-04-01",
         [(BEFORE, "04-28 10:00"), (ON_DAY, "05-01 10:00")]),
        ("Mon-Fri 06:00-08:00", "2026-04-01",
         [(BEFORE, "04-29 06:00"), (ON_DAY, "05-01 06:00")]),
        # Due on Sunday 2026-05-03: of two on the Friday before it one is enough.
        (USUAL_DAYS, "2026-04-03", [(BEFORE, "05-01 08:00")]),
        ("Mon-Thu 08:00-16:00", "2026-04-03", [(BEFORE, "04-30 08:00")]),
        # Due on Saturday 2026-05-02.
        (USUAL_DAYS, "2026-04-02", [(BEFORE, "04-30 09:00"), (BEFORE, "05-01 08:00")]),
    ],
)  # fmt: skip
def test_a_reminder_says_due_today_only_on_that_day(hours, sent_on, said):
    regime = replace(TEN_WORKING_DAYS, unit=Unit.CALENDAR_DAYS, answer_in=30,
                     ends_on_working_day=False, reminders=())  # fmt: skip
    found = answer(sent(sent_on), regime=regime)
    reader = Office(parse(hours), CALENDAR, VIENNA)
    plan = reminders(found, regime, at(sent_on), reader=reader)
    early = [r for r in plan if r.kind in (BEFORE, ON_DAY)]
    local = [(r.kind, r.at.astimezone(VIENNA).strftime("%m-%d %H:%M")) for r in early]
    assert local == said


MIDNIGHTS = [
    ("ordinary", "Europe/Vienna", "2026-07-01", "2026-07-01T21:59:59"),
    ("a quarter of an hour", "Asia/Kathmandu", "2026-07-01", "2026-07-01T18:14:59"),
    ("half an hour", "America/St_Johns", "2026-07-01", "2026-07-02T02:29:59"),
    ("first in the world", "Pacific/Kiritimati", "2026-07-01", "2026-07-01T09:59:59"),
    ("the clock goes forward at midnight", "America/Sao_Paulo", "2018-11-03",
     "2018-11-04T02:59:59"),
    ("the clock goes back at midnight", "America/Sao_Paulo", "2018-02-17",
     "2018-02-18T02:59:59"),
    ("the last hour of the day is skipped", "America/Scoresbysund",
     "2025-03-29", "2025-03-30T00:59:59"),
    ("the whole day is skipped", "Pacific/Apia", "2011-12-30", "2011-12-30T09:59:59"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "day", "instant"),
    [case[1:] for case in MIDNIGHTS],
    ids=[case[0] for case in MIDNIGHTS],
)
def test_a_day_ends_with_its_last_second(zone, day, instant):
    last = end_of_day(date.fromisoformat(day), ZoneInfo(zone))
    assert last == datetime.fromisoformat(instant).replace(tzinfo=UTC)


ZONES = st.sampled_from(
    [
        "Africa/Cairo",
        "America/Santiago",
        "America/Sao_Paulo",
        "America/Scoresbysund",
        "America/St_Johns",
        "Asia/Beirut",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Europe/Vienna",
        "Pacific/Apia",
        "Pacific/Chatham",
        "Pacific/Kiritimati",
        "UTC",
    ]
).map(ZoneInfo)
INSTANTS = st.datetimes(
    datetime(2009, 1, 1),  # noqa: DTZ001
    datetime(2032, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
REGIMES = st.sampled_from(
    [ITI, by_code("FP_DEFAULT"), EIGHT_HOURS, TEN_WORKING_DAYS, by_code("EU977_NORMAL")]
)
WAITS = st.timedeltas(timedelta(0), timedelta(days=40))


@given(ZONES, st.dates(date(2009, 1, 1), date(2032, 1, 1)))
def test_the_second_after_a_day_is_the_next_day(zone, day):
    last = end_of_day(day, zone)
    assert last.astimezone(zone).date() <= day
    assert (last + timedelta(seconds=1)).astimezone(zone).date() > day


def slowly(start, regime, calendar, zone):
    """Find the due day the way a clerk does: tick by tick, day by day."""
    if regime.unit is Unit.HOURS:
        return (start + regime.answer_in * timedelta(hours=1)).astimezone(zone).date()
    day, left = start.astimezone(zone).date(), regime.answer_in
    while left:
        day += timedelta(days=1)
        worked = day in calendar.working or not (
            day.weekday() in calendar.weekend or day in calendar.holidays
        )
        left -= regime.unit is Unit.CALENDAR_DAYS or worked
    return day


@given(INSTANTS, REGIMES, ZONES)
def test_the_day_due_agrees_with_a_pencil(start, regime, zone):
    found = answer(Step(Trigger.SUBMIT, start), regime=regime, zone=zone)
    assert found.day == slowly(start, regime, CALENDAR, zone)
    assert found.due > start


@given(INSTANTS, WAITS, REGIMES, ZONES)
def test_what_arrives_later_is_never_due_earlier(start, wait, regime, zone):
    for kind in Kind:
        first = due(kind, Step(Trigger.SUBMIT, start), regime=regime, zone=zone)
        second = due(kind, Step(Trigger.SUBMIT, start + wait), regime=regime, zone=zone)
        assert (first is None) == (second is None)
        assert first is None or first.due <= second.due


@given(INSTANTS, WAITS, WAITS, REGIMES, ZONES)
def test_a_pause_only_lengthens(start, until, wait, regime, zone):
    regime = replace(regime, paused_by_clarification=True)
    step = Step(Trigger.SUBMIT, start)
    question = Step(Trigger.ASK_CLARIFICATION, start + until)
    reply = Step(Trigger.CLARIFY, start + until + wait)
    plain = answer(step, regime=regime, zone=zone)
    paused = answer(step, question, reply, regime=regime, zone=zone)
    assert paused.due >= plain.due
    if regime.unit is Unit.CALENDAR_DAYS:
        days = reply.at.astimezone(zone).date() - question.at.astimezone(zone).date()
        assert paused.day == plain.day + days


@given(INSTANTS, WAITS, WAITS, ZONES)
def test_the_acknowledgement_is_due_before_the_answer(start, until, wait, zone):
    steps = [
        Step(Trigger.SUBMIT, start),
        Step(Trigger.ASK_CLARIFICATION, start + until),
        Step(Trigger.CLARIFY, start + until + wait),
    ]
    first, second = schedule(steps, ITI, CALENDAR, zone)
    assert first.due < second.due


@given(INSTANTS, INSTANTS, REGIMES, ZONES)
def test_lateness_and_days_late_tell_the_same_story(start, now, regime, zone):
    assume(now >= start)
    found = answer(Step(Trigger.SUBMIT, start), regime=regime, zone=zone)
    standing, days = lateness(found, now), days_late(found, now)
    assert days >= 0
    assert (standing is Lateness.LONG_LATE) == (days > LONG_LATE_AFTER)
    if standing in (Lateness.NOT_DUE, Lateness.DUE_TODAY):
        assert days == 0
    if regime.unit is not Unit.HOURS:
        assert (standing in (Lateness.LATE, Lateness.LONG_LATE)) == (days > 0)


@given(INSTANTS, REGIMES, ZONES)
def test_reminders_are_in_order_and_said_once(start, regime, zone):
    found = answer(Step(Trigger.SUBMIT, start), regime=regime, zone=zone)
    plan = reminders(found, regime, start)
    instants = [reminder.at for reminder in plan]
    assert instants == sorted(set(instants))
    assert instants[0] >= start
    assert len({reminder.step for reminder in plan}) == len(plan)
    assert plan[-1].kind is ESCALATE


@given(INSTANTS, REGIMES, ZONES, st.sampled_from([USUAL_DAYS, "Tue 22:00-23:00"]))
def test_in_office_hours_a_reminder_says_what_is_so_that_day(
    start, regime, zone, hours
):
    found = answer(Step(Trigger.SUBMIT, start), regime=regime, zone=zone)
    assume(not found.hours)
    reader = Office(parse(hours), CALENDAR, zone)
    for reminder in reminders(found, regime, start, reader=reader):
        day = reminder.at.astimezone(zone).date()
        assert (reminder.kind is ON_DAY) <= (day == found.day)
        assert (reminder.kind is BEFORE) <= (day < found.day)
