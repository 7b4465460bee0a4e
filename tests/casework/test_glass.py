"""Breaking the glass: two operators, a reason, an hour, and both sides are told."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests import factories
from tests.visitors import shown, signed_in
from tracing.extensions import db
from tracing.models import BreakGlass, OutboxMessage
from workflows.policies import Role

REASON = "The authority asks for help: its answer shows the wrong photograph."


@pytest.fixture
def request_(session):
    made = factories.sent(factories.sides())
    session.commit()
    return made


@pytest.fixture
def operators(app, session):
    home = factories.authority()
    found = [signed_in(app, factories.person(home, Role.OPERATOR)) for _ in range(2)]
    for one in found:
        one.get("/emergency")
    return found


def ask(visitor, reference, reason=REASON):
    return visitor.post("/emergency", {"reference": reference, "reason": reason})


def asked():
    db.session.expire_all()
    return db.session.scalars(select(BreakGlass)).one()


def test_an_operator_opens_no_case(operators, request_):
    one, _ = operators
    for address in (
        f"/trace-requests/{request_.reference}",
        f"/go/{request_.mail_number}",
        "/queue",
        "/my-requests",
        "/people",
        "/outgoing",
    ):
        assert one.get(address).status_code in (403, 404), address
    assert one.get("/emergency/1").status_code == 404


def test_two_open_it_for_the_one_who_asked_and_for_an_hour(operators, request_):
    one, other = operators
    assert ask(one, request_.reference).status_code == 303
    number = asked().id
    assert one.get(f"/emergency/{number}").status_code == 404
    assert other.post(f"/emergency/{number}/give").status_code == 303
    page = one.get(f"/emergency/{number}")
    assert page.status_code == 200
    assert request_.reference in page.text
    assert "/step" not in page.text.split("<main")[1].split("</main")[0]
    assert other.get(f"/emergency/{number}").status_code == 404
    assert one.get(f"/trace-requests/{request_.reference}").status_code in (403, 404)
    asked().until = datetime.now(UTC) - timedelta(seconds=1)
    assert one.get(f"/emergency/{number}").status_code == 404


def test_both_authorities_are_told(operators, request_):
    one, other = operators
    before = {m.id for m in db.session.scalars(select(OutboxMessage))}
    ask(one, request_.reference)
    other.post(f"/emergency/{asked().id}/give")
    told = [m for m in db.session.scalars(select(OutboxMessage)) if m.id not in before]
    assert {m.event for m in told} == {"break_glass"}
    assert {m.recipient for m in told} == {
        request_.requesting.email,
        request_.requested.email,
    }
    assert not [m for m in told if "reason" in m.facts]


def test_nobody_gives_leave_to_themselves(operators, request_):
    one, _ = operators
    ask(one, request_.reference)
    assert one.post(f"/emergency/{asked().id}/give").status_code == 403
    assert asked().until is None


@pytest.mark.parametrize("reason", ["", "because", "x" * 2001, "x" * 30 + "\0"])
def test_a_reason_is_a_sentence(operators, request_, reason):
    one, _ = operators
    answer = ask(one, request_.reference, reason)
    assert answer.status_code == 422
    assert "the reason in a sentence" in shown(answer.text)
    assert not db.session.scalar(select(BreakGlass.id))


def test_asking_does_not_tell_whether_there_is_such_a_request(operators, request_):
    one, other = operators
    draft = factories.draft(factories.sides()).reference
    for reference in (request_.reference, draft):
        assert ask(one, reference).status_code == 303
    numbers = db.session.scalars(select(BreakGlass.id).order_by(BreakGlass.id)).all()
    given = [other.post(f"/emergency/{n}/give").status_code for n in numbers]
    assert given == [303, 404]


def test_leave_that_nobody_gave_in_a_day_is_no_longer_asked_for(
    app, operators, request_
):
    one, other = operators
    ask(one, request_.reference)
    row = asked()
    row.asked_at = datetime.now(UTC) - timedelta(hours=25)
    assert other.post(f"/emergency/{row.id}/give").status_code == 404


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPERATOR])
def test_no_other_role_takes_part(app, request_, role):
    visitor = signed_in(app, factories.person(request_.requested, role))
    visitor.get("/account")
    assert visitor.get("/emergency").status_code == 403
    assert ask(visitor, request_.reference).status_code == 403
    assert visitor.post("/emergency/1/give").status_code == 403


def test_it_asks_for_a_recent_factor(app, request_):
    home = factories.authority()
    late = signed_in(app, factories.person(home, Role.OPERATOR), minutes_ago=11)
    late.get("/account")
    assert ask(late, request_.reference).location.startswith("/confirm")
    with time_machine.travel(datetime.now(UTC), tick=False):
        assert not db.session.scalar(select(BreakGlass.id))
