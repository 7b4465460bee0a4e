"""A second factor before any data: codes good once, recovery codes, waits."""

import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests import factories
from tests.accounts.desk import Desk
from tests.visitors import shown, signed_in
from tests.web.test_pages import address_of, get_rules
from tracing.extensions import db
from tracing.models import Account, AccountSession, OutboxMessage
from tracing.web.pages import AFTER_THE_PASSWORD, OPEN_TO_ALL
from workflows.policies import Role

CASE_ROLES = [role for role in Role if role is not Role.ADMINISTRATOR]


@pytest.fixture
def settings(settings):
    return replace(settings, second_factor_required=True)


@pytest.fixture
def of(session):
    return factories.sides(password=factories.PASSWORD)


@pytest.fixture
def officer(of):
    return of.officer


def set_up(app, account) -> tuple[Desk, list[str]]:
    desk = Desk.of(app)
    desk.signs_in(account)
    return desk, desk.sets_up()


def fresh(account) -> Account:
    db.session.expire_all()
    return db.session.scalar(select(Account).where(Account.id == account.id))


@pytest.mark.parametrize("role", list(Role))
def test_no_role_sees_a_page_before_the_second_factor(app, of, role):
    request = factories.sent(of)
    person = factories.person(of.asked, role, password=factories.PASSWORD)
    desk = Desk.of(app)
    assert desk.signs_in(person).status_code == 302
    for rule in get_rules(app):
        if rule.endpoint in OPEN_TO_ALL | AFTER_THE_PASSWORD:
            continue
        answer = desk.get(address_of(rule, request))
        assert answer.status_code == 303, rule
        assert answer.location.startswith("/sign-in?next="), rule
    assert request.reference not in desk.get("/second-factor").text


@pytest.mark.parametrize("role", CASE_ROLES)
def test_every_role_sets_one_up_and_is_then_let_in(app, of, role):
    person = factories.person(of.asked, role, password=factories.PASSWORD)
    _desk, codes = set_up(app, person)
    assert len(codes) == 10
    assert all(re.fullmatch(r"([a-z2-7]{4}-){3}[a-z2-7]{4}", code) for code in codes)
    assert _desk.get("/").status_code == 200


class TestACode:
    def test_lets_in_whoever_gave_the_password(self, app, officer):
        first, _codes = set_up(app, officer)
        desk = Desk.of(app)
        desk.key = first.key
        asked = desk.signs_in(officer)
        assert asked.location.startswith("/second-factor/code")
        with time_machine.travel(time.time() + 60, tick=False):
            desk.get(asked.location)
            assert desk.get("/queue").status_code == 303
            desk.post("/second-factor/code", {"code": desk.code()})
            assert desk.get("/queue").status_code == 200

    def test_is_good_once(self, app, officer):
        first, _codes = set_up(app, officer)
        later = time.time() + 90
        with time_machine.travel(later, tick=False):
            answers = []
            for _ in range(2):
                desk = Desk.of(app)
                desk.key = first.key
                desk.signs_in(officer)
                desk.get("/second-factor/code")
                code = {"code": desk.code()}
                answers.append(desk.post("/second-factor/code", code).status_code)
        assert answers == [303, 422]

    def test_that_set_the_authenticator_up_does_not_sign_in_too(self, app, officer):
        now = time.time()
        with time_machine.travel(now, tick=False):
            first, _codes = set_up(app, officer)
            desk = Desk.of(app)
            desk.key = first.key
            desk.signs_in(officer)
            desk.get("/second-factor/code")
            answer = desk.post("/second-factor/code", {"code": desk.code()})
            assert answer.status_code == 422

    @pytest.mark.parametrize("minutes", [-2, 2])
    def test_of_another_time_is_not_accepted(self, app, officer, minutes):
        first, _codes = set_up(app, officer)
        desk = Desk.of(app)
        desk.key = first.key
        desk.signs_in(officer)
        desk.get("/second-factor/code")
        code = {"code": desk.code(time.time() + minutes * 60)}
        assert desk.post("/second-factor/code", code).status_code == 422

    @pytest.mark.parametrize(
        "code", ["", "000000", "١٢٣٤٥٦", "12345", "x" * 9999, "\0"]
    )
    def test_that_is_wrong_is_refused_in_words(self, app, officer, code):
        set_up(app, officer)
        desk = Desk.of(app)
        desk.signs_in(officer)
        desk.get("/second-factor/code")
        answer = desk.post("/second-factor/code", {"code": code})
        assert answer.status_code == 422
        assert "Enter the code that your authenticator shows now." in answer.text

    def test_comes_too_late_after_ten_minutes(self, app, officer):
        first, _codes = set_up(app, officer)
        desk = Desk.of(app)
        desk.key = first.key
        desk.signs_in(officer)
        desk.get("/second-factor/code")
        with time_machine.travel(time.time() + 601, tick=False):
            answer = desk.post("/second-factor/code", {"code": desk.code()})
            assert answer.location.startswith("/sign-in")

    def test_cannot_be_guessed_for_long(self, app, officer):
        first, _codes = set_up(app, officer)
        desk = Desk.of(app)
        desk.key = first.key
        desk.signs_in(officer)
        desk.get("/second-factor/code")
        tries = [
            desk.post("/second-factor/code", {"code": f"{n:06}"}).status_code
            for n in range(6)
        ]
        assert tries == [422] * 5 + [429]
        with time_machine.travel(time.time() + 30, tick=False):
            right = desk.post("/second-factor/code", {"code": desk.code()})
            assert right.status_code == 429
            assert "Wait" in shown(right.text)
        told = db.session.scalars(select(OutboxMessage.facts)).all()
        assert [facts["news"] for facts in told].count("many_failures") == 1


def test_whoever_has_one_cannot_set_up_another_with_the_password_alone(app, officer):
    set_up(app, officer)
    thief = Desk.of(app)
    thief.signs_in(officer)
    thief.get("/second-factor/code")
    for address in ("/second-factor", "/account/keys/new"):
        assert thief.get(address).status_code == 303
        assert thief.post(address).status_code == 303
    assert thief.post("/account/keys/options").status_code == 403
    before = fresh(officer).tf_totp_secret
    thief.post("/second-factor/confirm", {"code": "000000"})
    assert fresh(officer).tf_totp_secret == before


class TestRecoveryCodes:
    def lost(self, app, officer):
        desk = Desk.of(app)
        desk.signs_in(officer)
        desk.get("/second-factor/recovery")
        return desk

    def test_are_stored_as_hashes_alone(self, app, officer):
        _desk, codes = set_up(app, officer)
        stored = " ".join(fresh(officer).mf_recovery_codes)
        assert not [code for code in codes if code in stored]
        assert len(fresh(officer).mf_recovery_codes) == 10

    def test_let_in_once_each(self, app, officer):
        _desk, codes = set_up(app, officer)
        assert len(codes) == 10
        typed = f" {codes[3].upper().replace('-', ' ')} "
        answers = [
            self.lost(app, officer)
            .post("/second-factor/recovery", {"code": typed})
            .status_code
            for _ in range(2)
        ]
        assert answers == [303, 422]
        assert len(fresh(officer).mf_recovery_codes) == 9

    def test_are_void_once_new_ones_are_made(self, app, officer):
        desk, codes = set_up(app, officer)
        desk.get("/account")
        page = desk.post("/account/recovery-codes")
        new = re.findall(r'class="mark">([a-z2-7-]+)<', page.text)
        assert len(set(new) | set(codes)) == 20
        old = self.lost(app, officer).post(
            "/second-factor/recovery", {"code": codes[0]}
        )
        assert old.status_code == 422
        good = self.lost(app, officer).post("/second-factor/recovery", {"code": new[0]})
        assert good.status_code == 303


class TestADelicateStep:
    def test_asks_for_a_factor_that_is_older_than_ten_minutes(self, app, officer):
        visitor = signed_in(app, officer, minutes_ago=9)
        assert visitor.get("/account/password").status_code == 200
        visitor = signed_in(app, officer, minutes_ago=11)
        answer = visitor.get("/account/password")
        assert answer.location == "/confirm?next=/account/password"

    def test_changes_nothing_before(self, app, officer):
        visitor = signed_in(app, officer, minutes_ago=11)
        visitor.get("/account")
        answer = visitor.post("/account/password", {"password": "a" * 40})
        assert answer.location.startswith("/confirm")
        assert "Nothing was changed yet" in visitor.get("/confirm").text

    def test_goes_on_after_the_code(self, app, officer):
        desk, _codes = set_up(app, officer)
        with time_machine.travel(time.time() + 11 * 60, tick=False):
            assert desk.get("/account/password").status_code == 303
            desk.get("/confirm?next=/account/password")
            wrong = desk.post("/confirm?next=/account/password", {"code": "000000"})
            assert wrong.status_code == 422
            by_password = {"password": factories.PASSWORD}
            assert desk.post("/confirm", by_password).status_code == 400
            answer = desk.post("/confirm?next=/account/password", {"code": desk.code()})
            assert answer.location == "/account/password"
            assert desk.get("/account/password").status_code == 200


class TestAnAdministrator:
    @pytest.fixture
    def admin(self, of):
        return factories.person(
            of.asked, Role.ADMINISTRATOR, password=factories.PASSWORD
        )

    def test_is_led_to_a_security_key_and_not_to_an_authenticator(self, app, admin):
        desk = Desk.of(app)
        assert desk.signs_in(admin).location.startswith("/account/keys/new")
        assert "Your role needs 2 keys" in shown(desk.get("/account/keys/new").text)

    def test_without_two_keys_opens_nothing_else(self, app, admin):
        visitor = signed_in(app, admin)
        row = db.session.scalar(select(AccountSession))
        row.lacks_keys = True
        for address in ("/", "/account", "/points-of-contact", "/second-factor"):
            answer = visitor.get(address)
            assert answer.status_code == 303
            assert answer.location.startswith("/account/keys/new")
        for address, status in (("/account/keys/new", 200), ("/nope", 404)):
            answer = visitor.get(address)
            assert answer.status_code == status
            assert '<nav class="nav"' not in answer.text


def test_a_session_that_is_half_open_lives_ten_minutes(app, officer):
    visitor = signed_in(app, officer, half=True)
    assert visitor.get("/second-factor").status_code == 200
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11), tick=False):
        assert visitor.get("/second-factor").status_code == 303
