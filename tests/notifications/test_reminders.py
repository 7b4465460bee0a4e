"""Reminders are owed once, to the right people, and cost only what is due."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, insert, select

from tests.notifications.people import NOW, account, authority, owed, request
from tracing.extensions import db
from tracing.models import DueWork, OutboxMessage, RequestEvent, Role, TraceRequest
from tracing.notifications import reminders
from workflows import regimes
from workflows.calendars import Calendar
from workflows.deadlines import Kind, Reminder, ReminderKind, schedule
from workflows.states import Party, State, Trigger

DUE = datetime(2026, 11, 26, 20, 59, 59, tzinfo=UTC)
LATER = DUE + timedelta(days=30)


def step(name, at, kind=ReminderKind.BEFORE):
    return Reminder(kind, at, Kind.ANSWER, name)


def planned(session, made, *plan, now=NOW):
    session.add_all(
        reminders.due_work_for(made.id, plan, reminders.rows_of(made), now=now)
    )
    session.flush()
    rows = session.scalars(select(DueWork).order_by(DueWork.id))
    return [(row.step, row.deadline_value, row.done) for row in rows]


def swept(session, now=NOW, **given):
    reminders.sweep(now, domain="tracing.example", **given)
    rows = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()
    return [(row.recipient, row.facts["reminder"]) for row in rows]


# ------------------------------------------------------------------- what is owed


def test_a_new_deadline_takes_the_place_of_the_old_one(session):
    made = request(session)
    before = NOW + timedelta(days=1)
    planned(session, made, (step("a", before), DUE), (step("b", before), DUE))
    found = planned(session, made, (step("a", LATER), LATER))
    assert found == [("a", LATER, False)]


def test_what_was_sent_stays_and_is_not_sent_anew(session):
    made = request(session)
    session.add(owed(made, step="a", deadline_value=DUE, done=True))
    ahead = NOW + timedelta(days=1)
    assert planned(session, made, (step("a", ahead), DUE)) == [("a", DUE, True)]


def test_what_a_changed_deadline_puts_into_the_past_is_not_owed(session):
    made = request(session)
    past = NOW - timedelta(days=1)
    assert planned(session, made, (step("a", past), DUE)) == []


def test_what_was_owed_before_the_change_is_still_owed(session):
    made = request(session)
    session.add(owed(made, step="a", at=NOW - timedelta(minutes=1)))
    past = NOW - timedelta(minutes=1)
    assert planned(session, made, (step("a", past), LATER)) == [("a", LATER, False)]


def test_the_same_plan_twice_changes_nothing(session):
    made = request(session)
    plan = (step("a", NOW + timedelta(days=1)), DUE)
    assert planned(session, made, plan) == planned(session, made, plan)


def test_a_change_owes_the_reminders_of_its_deadlines(session):
    made = request(session)
    event = RequestEvent(
        position=1,
        trigger=Trigger.SUBMIT,
        before=State.DRAFT,
        after=State.SUBMITTED,
        by=Party.REQUESTING,
        authority_id=made.requesting_id,
        actor_name="Person",
        at=NOW,
        carried={},
    )
    made.events.append(event)
    regime = regimes.by_code("FP_DEFAULT")
    calendar = Calendar(name="none", version="1")
    plan = schedule(made.events, regime, calendar, ZoneInfo("Africa/Nairobi"))
    reminders.plan_for(made, plan, regime)
    session.flush()
    rows = session.scalars(select(DueWork).order_by(DueWork.at)).all()
    assert {row.deadline for row in rows} == {"acknowledge", "answer"}
    assert all(row.at > NOW and not row.done for row in rows)
    reminders.plan_for(made, (), regime)
    session.flush()
    assert session.scalars(select(DueWork)).all() == []


# -------------------------------------------------------------------- who is told


def test_a_reminder_goes_to_the_mailbox_and_the_officer_once(session):
    asked = authority(country="BR", languages=("es",))
    officer = account(asked, language="fr")
    made = request(session, requested=asked, assigned_to=officer)
    session.add(owed(made))
    expected = [(asked.email, "answer:before"), (officer.email, "answer:before")]
    assert swept(session) == expected
    assert swept(session) == expected
    rows = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()
    assert [row.language for row in rows] == ["es", "fr"]
    assert rows[0].facts["due"] == "2026-11-26"
    assert "at" not in rows[0].facts
    assert rows[0].reminder_key.startswith(f"{asked.email}|{made.id}|answer:due:-2d|")
    assert session.scalar(select(DueWork.done)) is True


def test_what_is_not_yet_due_waits(session):
    session.add(owed(request(session), at=NOW + timedelta(seconds=1)))
    assert swept(session) == []


def test_an_escalation_goes_to_the_supervisors_address(session):
    made = request(session, requested=authority(supervisor_email="head@a.example"))
    session.add(owed(made, kind="escalate"))
    assert swept(session) == [("head@a.example", "answer:escalate")]


def test_without_that_address_it_goes_to_each_supervisor(session):
    asked = authority()
    role = session.scalar(select(Role).where(Role.name == "supervisor"))
    role = role or Role(name="supervisor")
    heads = [account(asked, roles=[role]) for _ in range(2)]
    session.add_all(
        (*heads, account(asked), account(asked, roles=[role], active=False))
    )
    session.add(owed(request(session, requested=asked), kind="escalate"))
    assert swept(session) == [(head.email, "answer:escalate") for head in heads]


def test_where_nobody_supervises_the_mailbox_is_told(session):
    asked = authority()
    session.add(owed(request(session, requested=asked), kind="escalate"))
    assert swept(session) == [(asked.email, "answer:escalate")]


@pytest.mark.parametrize(
    ("deadline", "given"),
    [
        ("answer", {"state": State.CLOSED, "open": False, "awaiting": False}),
        ("answer", {"state": State.RESPONDED, "awaiting": False}),
        ("acknowledge", {"state": State.ACKNOWLEDGED}),
    ],
)
def test_what_was_done_meanwhile_needs_no_reminder(session, deadline, given):
    session.add(owed(request(session, **given), deadline=deadline))
    assert swept(session) == []
    assert session.scalar(select(DueWork.done)) is True


def test_after_an_outage_one_mail_for_each_deadline_is_enough(session):
    made = request(session)
    days = [("before", 9), ("on_day", 7), ("after", 6)]
    for kind, ago in days:
        at = NOW - timedelta(days=ago)
        session.add(owed(made, step=kind, kind=kind, at=at))
        session.add(
            owed(made, step=f"a{kind}", kind=kind, at=at, deadline="acknowledge")
        )
    session.flush()
    found = swept(session, batch=2)
    assert [kind for _, kind in found] == ["answer:after", "acknowledge:after"]
    assert set(session.scalars(select(DueWork.done))) == {True}


def test_a_limit_of_hours_says_the_minute(session):
    value = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
    session.add(owed(request(session), deadline_value=value))
    swept(session)
    facts = session.scalars(select(OutboxMessage)).one().facts
    assert facts["at"] == "2026-11-23T14:30:00+00:00"


def test_a_long_address_still_has_a_key(session):
    address = f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 50}.example"
    session.add(owed(request(session, requested=authority(email=address))))
    swept(session)
    assert len(session.scalars(select(OutboxMessage)).one().reminder_key) <= 200


def test_a_key_that_is_known_writes_no_second_message(session):
    made = request(session)
    session.add(owed(made))
    swept(session)
    session.scalars(select(DueWork)).one().done = False
    session.commit()
    assert len(swept(session)) == 1


# -------------------------------------------------------------------------- costs


def many(session, n, due):
    """So many open requests, of which some have a reminder owed."""
    made = request(session)
    row = {
        column.name: getattr(made, column.name)
        for column in TraceRequest.__table__.columns
        if column.name not in ("id", "reference", "number")
    }
    rows = [
        {**row, "reference": f"2026-XX-{i:07d}K", "number": i}
        for i in range(1_000_000, 1_000_000 + n)
    ]
    session.execute(insert(TraceRequest), rows)
    ids = session.scalars(
        select(TraceRequest.id).where(TraceRequest.number >= 1_000_000)
    ).all()
    session.execute(
        insert(DueWork),
        [
            {
                "request_id": request_id,
                "step": "answer:due:-2d",
                "kind": "before",
                "deadline": "answer",
                "deadline_value": DUE,
                "at": NOW if position < due else LATER,
                "done": False,
            }
            for position, request_id in enumerate(ids)
        ],
    )
    session.commit()


def statements_of(session, due):
    many(session, due + 50, due)
    seen = []
    engine = db.engine

    def note(_connection, _cursor, statement, *_rest):
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert reminders.sweep(NOW, domain="tracing.example", batch=1000) == due
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len([s for s in seen if s.lstrip().lower().startswith(("select", "update"))])


@pytest.mark.parametrize("due", [5, 400])
def test_a_batch_costs_the_same_few_statements_whatever_its_size(session, due):
    assert statements_of(session, due) <= 5
