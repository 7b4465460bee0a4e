"""A due date is explained to both sides in the same words, and to a machine."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from tests import factories
from tests.visitors import shown, signed_in
from tracing.casework import moving, requested
from tracing.casework.apply import schedule_of
from tracing.directory import agreements, versions
from tracing.directory.agreements import Terms
from tracing.directory.versions import Proposal
from tracing.extensions import db
from tracing.models import (
    ChangeKind,
    DueChange,
    DueWork,
    OutboxMessage,
    TraceRequest,
)
from tracing.notifications import render
from workflows.deadlines import Kind, schedule
from workflows.facts import Deferral
from workflows.policies import Role
from workflows.regimes import Unit
from workflows.states import Trigger
from workflows.vocabulary import Access, Ground, LegalBasis

SENT = datetime(2026, 11, 20, 5, 0, tzinfo=ZoneInfo("Asia/Riyadh"))
"""Friday morning in Riyadh, where it is the weekend: Thursday evening in Chicago."""

THERE = ZoneInfo("America/Chicago")


def agreed(one, two, *, now, **given):
    """An agreement on ten working days that both States have confirmed."""
    terms = Terms(
        **{
            "code": "SA_US_2026",
            "label": "Exchange of letters of 2026",
            "states": (one.asking.country, one.asked.country),
            "since": date(2026, 1, 1),
            "unit": Unit.WORKING_DAYS,
            "answer_in": 10,
            "acknowledge_in": 2,
            "source": "Exchange of letters, article 3",
            "why": "It entered into force.",
            "paused": True,
            "reminders": (2,),
            **given,
        }
    )
    row = agreements.enter(factories.actor_of(two[0]), terms, now)
    agreements.decide(factories.actor_of(two[1]), row.id, confirm=True, now=now)
    return row


@pytest.fixture
def case(session):
    """Saudi Arabia asks the United States: nine hours and another weekend away."""
    of = factories.sides(
        asking=factories.authority(country="SA", zone="Asia/Riyadh"),
        asked=factories.authority(country="US", zone="America/Chicago"),
    )
    heads = [
        factories.person(place, Role.ADMINISTRATOR) for place in (of.asking, of.asked)
    ]
    db.session.commit()
    return SimpleNamespace(of=of, heads=heads)


def day_by_hand():
    """The tenth working day after 19 November 2026, written out by hand.

    05:00 in Riyadh is 02:00 in UTC and 20:00 of the day before in Chicago: received on
    Thursday 19 November. Fri 20 is one; Mon 23 to Wed 25 two to four; Thu 26 is
    Thanksgiving; Fri 27 five; Mon 30 six; Tue 1 to Fri 4 December seven to ten.
    """
    return date(2026, 12, 4)


def counted(page):
    return shown(page[page.index("<h1") : page.index("</main>")])


def test_the_preview_the_stored_date_both_pages_and_the_mails_agree(app, case):
    of = case.of
    agreed(of, case.heads, now=SENT)
    draft = factories.draft(of, now=SENT)
    preview = signed_in(app, of.investigator).get(
        f"/trace-requests/{draft.reference}/dates"
    )
    assert "So it would be if you sent the request now" in shown(preview.text)
    assert "Exchange of letters of 2026" in shown(preview.text)
    sent = factories.take(of, draft, Trigger.SUBMIT, now=SENT)
    last = day_by_hand()
    assert sent.due.astimezone(THERE).date() == last
    assert (sent.regime, sent.regime_version) == ("SA_US_2026", 1)
    assert sent.calendar_version == "US 1"
    page = f"/trace-requests/{sent.reference}/dates"
    asker, answerer = (
        counted(signed_in(app, one).get(page).text)
        for one in (of.investigator, of.officer)
    )
    assert asker.replace("Back to the request", "") == answerer.replace(
        "Back to the request", ""
    )
    assert "Holiday: Thanksgiving" in asker
    assert "Friday 4 December 2026" in asker
    assert "So due on 4 December 2026" in asker
    assert "Default of this service: Exchange of letters, article 3" in asker
    db.session.rollback()
    mails = db.session.query(OutboxMessage).filter_by(event="submitted").all()
    assert mails
    for row in mails:
        assert row.facts["due"] == last.isoformat()


def test_what_is_exported_is_enough_to_count_again(app, case):
    of = case.of
    agreed(of, case.heads, now=SENT)
    sent = factories.sent(of, now=SENT)
    answer = signed_in(app, of.officer).get(
        f"/trace-requests/{sent.reference}/dates.json"
    )
    found = json.loads(answer.text)
    sent = db.session.get_one(TraceRequest, sent.id)
    regime = agreements.named(found["regime"]["code"], found["regime"]["version"])
    history = [
        SimpleNamespace(
            trigger=Trigger(one["step"]),
            at=datetime.fromisoformat(one["at"]),
            fact=None,
        )
        for one in found["history"]
    ]
    calendar = versions.named(found["calendar"]["version"], SENT)
    again = schedule(history, regime, calendar, ZoneInfo(found["zone"]))
    assert [one.due.isoformat() for one in again] == [
        one["due"] for one in found["deadlines"]
    ]
    assert again[-1].due == sent.due
    days = found["deadlines"][-1]["days"]
    assert [one["number"] for one in days if one["number"]] == list(range(1, 11))
    assert found["regime"]["law"] is False


def in_force(of, on):
    states = (of.asking.country, of.asked.country)
    found = agreements.in_force(states, on)
    return [(one.regime.code, one.regime.version) for one in found]


def test_an_older_version_of_an_agreement_counts_until_the_next_begins(session, case):
    of, next_on = case.of, date(2027, 1, 1)
    agreed(of, case.heads, now=SENT)
    later = agreed(of, case.heads, now=SENT, since=next_on)
    assert in_force(of, SENT.date()) == [("SA_US_2026", 1)]
    assert in_force(of, next_on) == [("SA_US_2026", 2)]
    head = factories.actor_of(case.heads[0])
    agreements.decide(head, later.id, confirm=False, now=SENT)
    assert in_force(of, next_on) == [("SA_US_2026", 1)], "the second never counted"


def test_the_end_of_an_agreement_does_not_revive_its_older_version(session, case):
    of = case.of
    agreed(of, case.heads, now=SENT)
    newer = agreed(of, case.heads, now=SENT)
    head = factories.actor_of(case.heads[0])
    agreements.decide(head, newer.id, confirm=False, now=SENT)
    assert in_force(of, SENT.date()) == []


# ------------------------------------------------------------- a calendar that changes


def holiday(on, **given):
    usual = {
        "kind": ChangeKind.HOLIDAY,
        "first": on,
        "last": on,
        "why": "A day of mourning.",
        "source": "Decree 12",
        "name": "Day of mourning",
    }
    return Proposal(**(usual | given))


def published(actor, place, given, now):
    row = versions.propose(actor, place, given, now)
    moving.work(now)
    db.session.refresh(row)
    versions.decide(actor, row.id, publish=True, now=now)
    return row


def test_a_new_holiday_is_counted_first_and_then_moves_dates_with_notices(app, case):
    of = case.of
    agreed(of, case.heads, now=SENT)
    sent = factories.sent(of, now=SENT)
    other = factories.sides(asked=factories.authority(country="US"))
    apart = factories.sent(other, now=SENT)
    before, apart_due = sent.due, apart.due
    later = SENT + timedelta(days=2)
    head = factories.actor_of(case.heads[1])
    row = versions.propose(head, "US", holiday(date(2026, 12, 2)), later)
    moving.work(later)
    db.session.refresh(row)
    assert (row.would_move, row.open_requests) == (1, 2)
    assert db.session.get_one(TraceRequest, sent.id).due == before
    versions.decide(head, row.id, publish=True, now=later)
    assert moving.work(later) == 1
    assert moving.work(later) == 0
    db.session.expire_all()
    sent = db.session.get_one(TraceRequest, sent.id)
    assert sent.due.astimezone(THERE).date() == date(2026, 12, 7)
    assert sent.calendar_version == "US 2"
    apart = db.session.get_one(TraceRequest, apart.id)
    assert (apart.due, apart.calendar_version) == (apart_due, "US 2")
    mails = db.session.query(OutboxMessage).filter_by(event="moved").all()
    told = {row.recipient for row in mails}
    assert {of.asking.email, of.asked.email} <= told
    assert {row.facts["due"] for row in mails} == {"2026-12-07"}
    words = render.render(mails[0], "https://tracing.example", "a@tracing.example")
    assert "The date has moved" in words.text
    owed = db.session.query(DueWork).filter_by(request_id=sent.id, deadline="answer")
    assert {row.deadline_value for row in owed} == {sent.due}
    for account in (of.investigator, of.officer):
        page = signed_in(app, account).get(f"/trace-requests/{sent.reference}/dates")
        text = shown(page.text)
        assert "because calendar US 2 followed US 1" in text
        assert "Holiday: Day of mourning" in text
    plan = schedule_of(db.session.get_one(TraceRequest, sent.id))
    assert plan[-1].due == sent.due


def test_many_moves_make_one_letter_for_each_mailbox(session, case):
    of = case.of
    agreed(of, case.heads, now=SENT)
    for _ in range(3):
        factories.sent(of, now=SENT)
    head = factories.actor_of(case.heads[1])
    later = SENT + timedelta(days=2)
    published(head, "US", holiday(date(2026, 12, 2)), later)
    assert moving.work(later, batch=2, each=2) == 3
    rows = db.session.query(OutboxMessage).filter(
        OutboxMessage.event.in_(("moved", "moved_many"))
    )
    assert sorted(row.recipient for row in rows) == sorted(
        (of.asking.email, of.asked.email)
    )
    assert {row.facts["count"] for row in rows} == {3}
    assert db.session.query(DueChange).filter_by(told=False).count() == 0


def test_two_sweeps_at_once_tell_of_a_move_once(app, case, monkeypatch):
    if db.engine.dialect.name != "postgresql":
        pytest.skip("another sweep waits there")
    of = case.of
    agreed(of, case.heads, now=SENT)
    factories.sent(of, now=SENT)
    head = factories.actor_of(case.heads[1])
    later = SENT + timedelta(days=2)
    published(head, "US", holiday(date(2026, 12, 2)), later)
    monkeypatch.setattr(moving, "tell", lambda *_given, **_more: 0)
    moving.work(later)
    monkeypatch.undo()
    untold = moving._untold()
    with app.app_context():
        assert moving.tell(later) == 0
    assert len(untold) == 1
    db.session.rollback()
    assert moving.tell(later) > 0
    assert moving.tell(later) == 0


def test_a_page_opened_before_the_move_is_told_that_it_is_old(app, case):
    of = case.of
    agreed(of, case.heads, now=SENT)
    sent = factories.sent(of, now=SENT)
    version = sent.version
    head = factories.actor_of(case.heads[1])
    published(head, "US", holiday(date(2026, 12, 2)), SENT + timedelta(days=2))
    moving.work(SENT + timedelta(days=2))
    db.session.expire_all()
    assert db.session.get_one(TraceRequest, sent.id).version == version + 1


# -------------------------------------------------------------------------- the Union


def union(**given):
    return factories.sides(
        asking=factories.authority(country="AT", zone="Europe/Vienna"),
        asked=factories.authority(country="PT", zone="Europe/Lisbon"),
        **given,
    )


DIRECTIVE = {"basis_legal_basis": "EU_2023_977"}
URGENT = {
    **DIRECTIVE,
    "header_urgency": "URGENT",
    "header_urgency_reason": "A shooting today.",
}


def test_urgent_and_directly_accessible_is_eight_hours_from_receipt(session):
    of = union()
    now = datetime(2026, 11, 20, 22, 0, tzinfo=ZoneInfo("Europe/Lisbon"))
    made = factories.sent(of, now=now, **URGENT)
    assert made.regime == "EU977_URGENT_INDIRECT"
    made = requested.acknowledge(
        made.reference,
        of.actor(Trigger.ACKNOWLEDGE),
        access=Access.DIRECT,
        now=now + timedelta(hours=1),
    )
    assert made.regime == "EU977_URGENT_DIRECT"
    assert made.due == now + timedelta(hours=8)
    plan = schedule_of(made)
    assert "this is law" in plan[-1].lines[1].text


def test_between_others_the_directive_binds_nobody_and_the_page_says_so(app, session):
    of = factories.sides()
    made = factories.draft(of, **DIRECTIVE)
    page = signed_in(app, of.investigator).get(
        f"/trace-requests/{made.reference}/check"
    )
    assert "binds Member States of the European Union only" in shown(page.text)
    made = factories.take(of, made, Trigger.SUBMIT)
    assert made.regime == "CUSTOM"


def test_leave_of_a_court_replaces_the_limit_and_is_told_at_once(session):
    of = union()
    now = datetime(2026, 11, 20, 9, 0, tzinfo=ZoneInfo("Europe/Lisbon"))
    made = factories.sent(of, now=now, **DIRECTIVE)
    requested.acknowledge(
        made.reference, of.actor(Trigger.ACKNOWLEDGE), now=now + timedelta(hours=1)
    )
    why = Deferral(
        Ground.G_JUDICIAL_AUTH_PENDING, "The court sits in January.", date(2027, 1, 15)
    )
    made = requested.defer(
        made.reference,
        of.actor(Trigger.DEFER),
        why,
        now=now + timedelta(hours=2),
    )
    answer = schedule_of(made)[-1]
    assert answer.kind is Kind.ANSWER
    assert answer.for_a_court
    assert answer.day == date(2027, 1, 15)
    assert any("art 5(2)" in str(line.values.get("source")) for line in answer.lines)
    mail = db.session.query(OutboxMessage).filter_by(event="deferred").first()
    assert mail.created_at == now + timedelta(hours=2)
    weekly = db.session.query(DueWork).filter(DueWork.step.like("%repeat_from_defer%"))
    assert weekly.count() == 7


def test_an_agreement_counts_only_once_the_other_side_has_confirmed_it(session, case):
    of = case.of
    terms = replace(
        Terms(
            code="SA_US_2026",
            label="Letters",
            states=("SA", "US"),
            since=date(2026, 1, 1),
            unit=Unit.CALENDAR_DAYS,
            answer_in=5,
            source="Letters, 2",
            why="New.",
        ),
        bases=(LegalBasis.ITI,),
    )
    row = agreements.enter(factories.actor_of(case.heads[0]), terms, SENT)
    assert factories.sent(of, now=SENT).regime == "ITI_DEFAULT"
    agreements.decide(factories.actor_of(case.heads[1]), row.id, confirm=True, now=SENT)
    first = factories.sent(of, now=SENT)
    assert (first.regime, first.regime_version) == ("SA_US_2026", 1)
    again = agreements.enter(
        factories.actor_of(case.heads[1]), replace(terms, answer_in=9), SENT
    )
    agreements.decide(
        factories.actor_of(case.heads[0]), again.id, confirm=True, now=SENT
    )
    assert factories.sent(of, now=SENT).regime_version == 2
    kept = db.session.get_one(TraceRequest, first.id)
    assert schedule_of(kept)[-1].number == 5


# ----------------------------------------------------------------------------- at work


def test_reminders_keep_to_the_hours_of_their_reader(session):
    of = factories.sides(asked=factories.authority(country="EG", zone="Africa/Cairo"))
    head = factories.person(of.asked, Role.ADMINISTRATOR)
    actor = factories.actor_of(head)
    versions.set_hours(
        actor,
        "Sun-Thu 10:00-14:00".replace("Sun-Thu", "Mon-Thu") + "; Sun 10:00-14:00",
        "",
        SENT,
    )
    made = factories.sent(of, now=SENT)
    rows = db.session.query(DueWork).filter_by(request_id=made.id).all()
    assert rows
    for row in rows:
        local = row.at.astimezone(ZoneInfo("Africa/Cairo"))
        assert local.weekday() not in (4, 5), (row.step, local)
        assert 10 <= local.hour < 14, (row.step, local)
