"""Who decides what is kept: reviews, holds, and erasures that two people decide."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, select

from tests import factories
from tests.journal.conftest import entries
from tests.visitors import shown, signed_in
from tracing.accounts.actors import actor_of
from tracing.casework import erasing, keeping
from tracing.cli.privacy import purge
from tracing.extensions import db
from tracing.journal.kinds import Kind
from tracing.models import Erasure, LegalHold, TraceRequest
from tracing.web.stepup import MINUTES
from workflows import retention
from workflows.policies import Role
from workflows.states import Trigger

T = Trigger
REASON = "A court has asked for the whole case, number 17."
TO_THE_END = (T.SUBMIT, T.ACKNOWLEDGE, T.RECORD_SEARCH, T.RESPOND, T.CLOSE)


@pytest.fixture
def of(session):
    return factories.sides()


@pytest.fixture
def case(of):
    """A request that ended a year ago."""
    made = factories.after(of, *TO_THE_END)
    made.review_on = datetime.now(UTC).date()
    db.session.commit()
    return made


def keepers(app, authority):
    roles = (Role.SUPERVISOR, Role.ADMINISTRATOR)
    made = [signed_in(app, factories.person(authority, role)) for role in roles]
    for one in made:
        one.get("/kept")
    return made


@pytest.fixture
def two(app, of):
    """A supervisor and an administrator of the authority that answered."""
    return keepers(app, of.asked)


@pytest.fixture
def askers(app, of):
    """The same of the authority that asked."""
    return keepers(app, of.asking)


def today():
    return datetime.now(UTC).date()


def hold(visitor, case, **given):
    until = (today() + timedelta(days=100)).isoformat()
    form = {"reference": case.reference, "reason": REASON, "until": until} | given
    return visitor.post("/kept/hold", form)


def again(case):
    db.session.expire_all()
    return db.session.get_one(TraceRequest, case.id)


def test_what_is_due_is_listed_and_still_needed_for_a_year(case, two, of):
    one, _ = two
    assert case.reference in one.get("/kept").text
    given = {"reference": case.reference}
    assert one.post("/kept/review", given).status_code == 303
    assert "Nothing is due for review" in one.get("/kept").text
    assert again(case).review_on == retention.review_on(today())
    (entry,) = entries(of.asked.id, Kind.REVIEWED)
    assert entry.said["object"] == case.reference


def test_the_list_goes_on_page_by_page(of, two, case):
    for n in range(30):
        row = factories.listed(of, due=case.due, state=case.state)
        row.ended_on = row.review_on = today() - timedelta(days=n % 3)
        row.keep_until = retention.keep_until(row.ended_on)
    db.session.commit()
    one, _ = two
    first = one.get("/kept").text
    assert "after=" in first
    link = first.split("after=")[1].split('"')[0]
    second = one.get(f"/kept?after={link}").text
    references = [r.reference for r in db.session.scalars(select(TraceRequest))]
    seen = [r for r in references if (r in first) + (r in second) == 1]
    assert len(seen) == len(references) == 31
    assert one.get("/kept?after=x.y").status_code == 400


def test_a_hold_keeps_it_until_two_people_lift_it(case, two):
    one, other = two
    assert hold(one, case).status_code == 303
    assert REASON in shown(other.get("/kept").text)
    day = datetime.combine(case.keep_until, datetime.min.time(), UTC)
    held = db.session.scalars(select(LegalHold)).one()
    held.until = case.keep_until
    db.session.commit()
    assert erasing.sweep(day) == []
    lift = f"/kept/hold/{held.id}/lift"
    assert one.post(lift).status_code == 303
    assert one.post(lift).status_code == 403
    assert erasing.sweep(day) == []
    assert other.post(lift).status_code == 303
    assert other.post(lift).status_code == 404
    assert erasing.sweep(day) == [case.reference]


def test_why_it_is_held_is_told_to_nobody_else(case, two, askers, of):
    one, other = two
    hold(one, case)
    lift = f"/kept/hold/{db.session.scalars(select(LegalHold.id)).one()}/lift"
    one.post(lift)
    other.post(lift)
    one.post("/kept/review", {"reference": case.reference})
    askers[0].post("/kept/erase", {"reference": case.reference})
    kinds = {Kind.HELD, Kind.LIFT_ASKED, Kind.HOLD_LIFTED, Kind.REVIEWED}
    assert {e.kind for e in entries(of.asked.id, *kinds)} == {k.value for k in kinds}
    assert entries(of.asking.id, *kinds) == []
    assert REASON in entries(of.asked.id, Kind.HELD)[0].text
    assert entries(of.asking.id, Kind.ERASURE_ASKED)
    assert entries(of.asked.id, Kind.ERASURE_ASKED) == []


@pytest.mark.parametrize(
    "given",
    [
        {"reason": "because"},
        {"reason": "x" * 2001},
        {"until": ""},
        {"until": "2020-01-01"},
        {"until": "9999-01-01"},
        {"until": "0000-13-40"},
    ],
)
def test_a_hold_has_a_reason_and_an_end_within_a_year(case, two, given):
    answer = hold(two[0], case, **given)
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert db.session.scalar(select(LegalHold.id)) is None


def test_one_asks_to_erase_and_another_does_it(case, askers, of):
    one, other = askers
    assert one.post("/kept/erase", {"reference": case.reference}).status_code == 303
    number = db.session.scalars(select(Erasure.id)).one()
    assert one.post(f"/kept/erase/{number}").status_code == 403
    assert again(case).persons
    assert case.reference in other.get("/kept").text
    assert other.post(f"/kept/erase/{number}").status_code == 303
    assert case.reference not in other.get("/kept").text
    assert size_of_the_log() != 0
    assert erasing.carry_out() == 1
    assert not size_of_the_log(), "what was written before is not in it any more"
    assert again(case).persons == []
    assert other.post(f"/kept/erase/{number}").status_code == 404
    done = db.session.scalars(select(Erasure)).one()
    assert done.finished_at is not None
    assert done.rule is retention.Data.ORDER
    assert entries(of.asking.id, Kind.ERASURE_GIVEN)[0].payload is None
    said = entries(of.asking.id, Kind.ERASED)[-1].payload
    assert said["why"] == f"asked by {done.asked_by_id}, given by {done.given_by_id}"


def size_of_the_log():
    """The bytes of SQLite's log; PostgreSQL has none that could be emptied."""
    file = db.engine.url.database
    if db.engine.dialect.name != "sqlite":
        return None
    return Path(f"{file}-wal").stat().st_size


def test_an_order_that_a_rule_came_before_does_not_wait_for_ever(case, askers):
    one, other = askers
    one.post("/kept/erase", {"reference": case.reference})
    number = db.session.scalars(select(Erasure.id)).one()
    other.post(f"/kept/erase/{number}")
    assert erasing.due(datetime.now(UTC)) == [case.reference]
    day = datetime.combine(case.keep_until, datetime.min.time(), UTC)
    assert erasing.erase(case.reference, day) is not None
    erasing.finish_all()
    assert erasing.oldest_undone() is not None
    assert erasing.carry_out() == 0
    assert erasing.oldest_undone() is None


def test_what_is_held_is_not_erased_by_order_either(case, askers):
    one, _ = askers
    hold(one, case)
    answer = one.post("/kept/erase", {"reference": case.reference})
    assert answer.status_code == 422
    assert "lift it first" in shown(answer.text)


def test_the_side_that_was_asked_does_not_take_the_evidence_away(case, two):
    one, _ = two
    assert "Erase now" not in one.get("/kept").text
    answer = one.post("/kept/erase", {"reference": case.reference})
    assert answer.status_code == 422
    assert "Only the side that asked" in shown(answer.text)
    assert db.session.scalar(select(Erasure.id)) is None


def test_a_confidential_request_is_not_listed_for_who_does_not_know_of_it(
    app, of, two, askers
):
    """UNTOC 18(20): an administrator of the side that was asked learns nothing."""
    case = factories.after(of, *TO_THE_END)
    case.review_on, case.confidential = today(), True
    db.session.commit()
    supervisor, administrator = two
    assert hold(supervisor, case).status_code == 303
    number = db.session.scalars(select(LegalHold.id)).one()
    assert case.reference in supervisor.get("/kept").text
    assert case.reference not in administrator.get("/kept").text
    given = {"reference": case.reference}
    for address in ("/kept/review", "/kept/erase", f"/kept/hold/{number}/lift"):
        assert administrator.post(address, given).status_code == 404, address
    assert hold(administrator, case).status_code == 404
    assert case.reference in askers[1].get("/kept").text


def test_it_asks_for_a_recent_factor(app, case, of):
    supervisor = factories.person(of.asked, Role.SUPERVISOR)
    late = signed_in(app, supervisor, minutes_ago=MINUTES + 1)
    late.get("/account")
    for address in ("/kept/erase", "/kept/erase/1", "/kept/hold/1/lift", "/kept/years"):
        answer = late.post(address, {"reference": case.reference, "years": "1"})
        assert answer.location.startswith("/confirm"), address
    assert again(case).persons


def test_fewer_years_bring_the_end_nearer_for_both_sides(case, two, of):
    one, _ = two
    assert one.post("/kept/years", {"years": "2"}).status_code == 303
    assert again(case).keep_until == retention.years_later(case.ended_on, 2)
    for years in ("0", "11", "x", "", "٢"):
        assert one.post("/kept/years", {"years": years}).status_code == 422


def test_new_years_and_the_dates_that_follow_from_them_are_one_change(case, of):
    version, before = case.version, again(case).keep_until
    stopped = RuntimeError("the power fails before the commit")

    def stop(_session):
        raise stopped

    actor = actor_of(factories.person(of.asking, Role.ADMINISTRATOR))
    db.session.commit()
    event.listen(db.session, "before_commit", stop)
    try:
        with pytest.raises(RuntimeError):
            keeping.set_years(actor, 2)
    finally:
        event.remove(db.session, "before_commit", stop)
    db.session.rollback()
    assert again(case).keep_until == before
    keeping.set_years(actor, 2)
    assert again(case).keep_until == retention.years_later(case.ended_on, 2)
    assert case.version == version
    assert entries(of.asking.id, Kind.KEEPING_CHANGED)[-1].payload["years"] == 2


@pytest.mark.parametrize("role", [Role.INVESTIGATOR, Role.OFFICER, Role.AUDITOR])
def test_no_other_role_decides(app, case, of, role):
    visitor = signed_in(app, factories.person(of.asked, role))
    visitor.get("/account")
    assert visitor.get("/kept").status_code == 403
    for address in ("/kept/erase", "/kept/review", "/kept/hold", "/kept/erase/1"):
        form = {"reference": case.reference, "until": "2099-01-01"}
        assert visitor.post(address, form).status_code == 403, address


def test_a_third_authority_learns_nothing(app, case):
    third = signed_in(app, factories.person(None, Role.SUPERVISOR))
    assert case.reference not in third.get("/kept").text
    never = "2026-KE-0000001" + "A"
    for reference in (case.reference, never):
        assert third.post("/kept/review", {"reference": reference}).status_code == 404
        assert third.post("/kept/erase", {"reference": reference}).status_code == 404
    assert hold(third, case).status_code == 404


def test_the_command_carries_out_what_was_decided(app, case, askers):
    one, other = askers
    one.post("/kept/erase", {"reference": case.reference})
    number = db.session.scalars(select(Erasure.id)).one()
    other.post(f"/kept/erase/{number}")
    db.session.remove()
    assert "1 erased" in app.test_cli_runner().invoke(purge).output


def test_the_command_says_what_is_due_and_erases_it(app, case):
    runner, reference = app.test_cli_runner(), case.reference
    case.keep_until = today()
    db.session.commit()
    db.session.remove()
    assert runner.invoke(purge, ["--dry-run"]).output.split() == [reference]
    assert "1 erased" in runner.invoke(purge, ["--vacuum"]).output
    assert "0 erased" in runner.invoke(purge).output
