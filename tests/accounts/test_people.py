"""An administrator and the people of the authority, and of no other."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import event, select

from tests import factories
from tests.journal.conftest import entries
from tests.visitors import bare, shown, signed_in
from tracing.accounts import managing, sessions
from tracing.accounts.actors import actor_of
from tracing.extensions import db
from tracing.journal.kinds import Kind
from tracing.models import Account, OutboxMessage
from workflows.policies import Role


@pytest.fixture
def of(session):
    return factories.sides()


@pytest.fixture
def admin(of):
    factories.person(of.asked, Role.ADMINISTRATOR, name="Second Admin")
    return factories.person(of.asked, Role.ADMINISTRATOR, name="First Admin")


@pytest.fixture
def visitor(app, admin):
    visitor = signed_in(app, admin)
    visitor.get("/people")
    return visitor


def fresh(account):
    db.session.expire_all()
    return db.session.scalar(select(Account).where(Account.id == account.id))


ACTS = (
    "roles",
    "disable",
    "enable",
    "end-sessions",
    "invite-again",
    "reset-second-factor",
)


def test_the_list_names_the_authority_s_people_and_no_others(of, visitor):
    page = shown(visitor.get("/people").text)
    assert of.officer.name in page
    assert of.officer.email in page
    assert of.investigator.name not in page


@pytest.mark.parametrize("role", [r for r in Role if r is not Role.ADMINISTRATOR])
def test_nobody_else_opens_these_pages(app, of, role):
    visitor = signed_in(app, factories.person(of.asked, role))
    number = of.officer.id
    visitor.get("/account")
    for address in ("", "/invite", f"/{number}", f"/{number}/rights"):
        assert visitor.get(f"/people{address}").status_code == 403
    for act in ACTS:
        assert visitor.post(f"/people/{number}/{act}").status_code == 403
    assert fresh(of.officer).active


def test_a_person_of_another_authority_is_as_if_there_were_none(of, visitor):
    foreign, nobody = of.investigator.id, 999_999_999
    pages = []
    for number in (foreign, nobody):
        answers = [
            visitor.get(f"/people/{number}"),
            visitor.get(f"/people/{number}/rights"),
        ]
        answers += [
            visitor.post(f"/people/{number}/{act}", {"roles": "officer"})
            for act in ACTS
        ]
        assert {answer.status_code for answer in answers} == {404}
        pages.append([bare(answer.text, f"/people/{number}") for answer in answers])
    assert pages[0] == pages[1]
    assert fresh(of.investigator).active


def test_every_change_asks_for_a_recent_factor(app, of, admin):
    visitor = signed_in(app, admin, minutes_ago=11)
    visitor.get("/people")
    for act in ACTS:
        back = f"/people/{of.officer.id}"
        answer = visitor.post(f"{back}/{act}", {"roles": "auditor", "back": back})
        assert answer.location == f"/confirm?next={back}", act
    assert visitor.get("/people/invite").location.startswith("/confirm")
    assert fresh(of.officer).role_names == {Role.OFFICER}


class TestRoles:
    def test_change_and_the_person_signs_in_again(self, app, of, visitor):
        person = signed_in(app, of.officer)
        form = {"roles": ["auditor", "supervisor"]}
        answer = visitor.post(f"/people/{of.officer.id}/roles", form)
        assert answer.status_code == 303
        assert fresh(of.officer).role_names == {Role.AUDITOR, Role.SUPERVISOR}
        assert person.get("/queue").status_code == 303
        (message,) = db.session.scalars(select(OutboxMessage))
        assert message.facts["news"] == "roles"
        assert message.recipient == of.officer.email

    def test_of_one_s_own_are_another_administrator_s_to_change(self, admin, visitor):
        form = {"roles": ["administrator", "supervisor"]}
        answer = visitor.post(f"/people/{admin.id}/roles", form)
        assert answer.status_code == 422
        assert "Another administrator must do this" in shown(answer.text)
        assert fresh(admin).role_names == {Role.ADMINISTRATOR}

    def test_cannot_all_be_taken(self, of, visitor):
        answer = visitor.post(f"/people/{of.officer.id}/roles", {"roles": ["king"]})
        assert answer.status_code == 422
        assert fresh(of.officer).role_names == {Role.OFFICER}


def test_a_disabled_account_is_out_at_once_and_can_come_back(app, of, visitor):
    person = signed_in(app, of.officer)
    visitor.post(f"/people/{of.officer.id}/disable")
    assert person.get("/queue").status_code == 303
    assert "Disabled" in shown(visitor.get("/people").text)
    visitor.post(f"/people/{of.officer.id}/enable")
    assert fresh(of.officer).active
    assert person.get("/queue").status_code == 303


def test_sessions_of_a_person_can_be_ended(app, of, visitor):
    person = signed_in(app, of.officer)
    visitor.post(f"/people/{of.officer.id}/end-sessions")
    assert person.get("/queue").status_code == 303


def test_one_administrator_always_stays(app, of):
    sole = factories.person(of.asking, Role.ADMINISTRATOR)
    helper = factories.person(of.asking, Role.ADMINISTRATOR)
    visitor = signed_in(app, helper)
    visitor.get("/people")
    assert visitor.post(f"/people/{sole.id}/disable").status_code == 303
    sole_again = visitor.post(f"/people/{helper.id}/disable")
    assert sole_again.status_code == 422
    assert fresh(helper).active


class TestALostSecondFactor:
    @pytest.fixture
    def settings(self, settings):
        return replace(settings, administrator_keys=0)

    def test_needs_two_administrators(self, app, of, admin, visitor):
        of.officer.tf_totp_secret = "a secret"
        of.officer.mf_recovery_codes = ["a hash"]
        person = signed_in(app, of.officer)
        address = f"/people/{of.officer.id}/reset-second-factor"
        visitor.post(address)
        visitor.post(address)
        assert fresh(of.officer).tf_totp_secret == "a secret"
        assert "You have asked for the reset" in shown(
            visitor.get(f"/people/{of.officer.id}").text
        )
        second = db.session.scalar(
            select(Account).where(Account.name == "Second Admin")
        )
        other = signed_in(app, second)
        assert "Confirm the reset" in other.get(f"/people/{of.officer.id}").text
        other.post(address)
        assert fresh(of.officer).tf_totp_secret is None
        assert not fresh(of.officer).mf_recovery_codes
        assert person.get("/queue").status_code == 303
        (message,) = db.session.scalars(select(OutboxMessage))
        assert message.facts["news"] == "factor_reset"


class TestWhy:
    def test_tells_what_the_roles_allow(self, of, visitor):
        words = shown(visitor.get(f"/people/{of.officer.id}/rights").text)
        assert "Answer requests and act for the requested side Yes" in words
        assert "File requests and act for the requesting side No" in words

    def test_tells_on_what_a_step_of_a_request_hangs(self, of, visitor):
        request = factories.sent(of)
        page = visitor.get(
            f"/people/{of.officer.id}/rights",
            query_string={"reference": request.reference},
        )
        words = shown(page.text)
        assert "the authority is the requested side" in words
        assert "Acknowledge Yes Yes Yes (" in words
        assert "Withdraw No No" in words

    def test_tells_nothing_of_a_request_the_person_cannot_see(self, of, visitor):
        foreign = factories.sent(factories.sides())
        pages = [
            bare(
                visitor.get(
                    f"/people/{of.officer.id}/rights",
                    query_string={"reference": reference},
                ).text,
                reference,
            )
            for reference in (foreign.reference, "2026-KE-9999999X")
        ]
        assert pages[0] == pages[1]
        assert "there is no such request" in shown(pages[0])


def test_two_administrators_who_demote_each_other_at_once_leave_one(app, of, admin):
    home = of.asked.id
    named = select(Account).where(Account.name == "Second Admin")
    other = db.session.scalars(named).one()
    pairs = [(actor_of(admin), other.id), (actor_of(other), admin.id)]
    db.session.commit()
    both_looked = threading.Barrier(2, timeout=1)
    refused = []

    def wait(_session):
        # Both have looked whether there is another, and neither has committed.
        with contextlib.suppress(threading.BrokenBarrierError):
            both_looked.wait()

    def demote(actor, whom):
        with app.app_context():
            try:
                managing.change_roles(whom, actor, [Role.OFFICER], sessions.utc_now())
            except managing.Refused as error:
                refused.append(error.words)
                db.session.rollback()

    event.listen(db.session, "before_commit", wait)
    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda pair: demote(*pair), pairs))
    finally:
        event.remove(db.session, "before_commit", wait)
    db.session.expire_all()
    people_ = db.session.scalars(select(Account).where(Account.authority_id == home))
    left = [one for one in people_ if Role.ADMINISTRATOR in one.role_names]
    assert len(left) == 1
    assert refused == [managing.LAST]


def test_an_invitation_sent_again_is_entered(of, visitor, admin):
    waiting = factories.person(of.asked, Role.OFFICER)
    assert visitor.post(f"/people/{waiting.id}/invite-again").status_code == 303
    said = [one.payload for one in entries(of.asked.id, Kind.ACCOUNT_CHANGED)]
    assert said == [{"account": waiting.id, "invited": "again"}]
