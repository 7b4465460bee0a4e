"""Guessing is slow, tells nothing, and locks nobody out whom the site knows."""

import statistics
import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests import factories
from tests.accounts.desk import Desk
from tests.visitors import bare, shown
from tracing.accounts import waits
from tracing.extensions import db
from tracing.models import FailedAttempts
from workflows.policies import Role

WRONG = "not the password of anyone"
HERE, THERE = "192.0.2.10", "198.51.100.20"


@pytest.fixture
def officer(session):
    made = factories.person(None, Role.OFFICER, password=factories.PASSWORD)
    session.commit()
    return made


def guesses(app, account, times, address=THERE):
    return [
        Desk.of(app).signs_in(account, WRONG, address).status_code for _ in range(times)
    ]


def test_after_five_failures_even_the_right_password_waits(app, officer):
    assert guesses(app, officer, 5) == [422] * 5
    answer = Desk.of(app).signs_in(officer, address=HERE)
    assert answer.status_code == 429
    assert "Wait" in shown(answer.text)
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=61), tick=False):
        assert Desk.of(app).signs_in(officer, address=HERE).status_code == 302


def test_the_wait_doubles_up_to_an_hour():
    minutes = [
        waits.pause_after(count, 5).total_seconds() / 60 for count in range(3, 15)
    ]
    assert minutes == [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_a_quarter_of_an_hour_without_a_failure_begins_anew(app, officer):
    guesses(app, officer, 4)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16), tick=False):
        assert guesses(app, officer, 4) == [422] * 4
        assert Desk.of(app).signs_in(officer, address=HERE).status_code == 302


def test_a_stranger_who_guesses_makes_nobody_wait_where_they_signed_in_before(
    app, officer
):
    mine = Desk.of(app)
    assert mine.signs_in(officer, address=HERE).status_code == 302
    mine.get("/account")
    assert mine.post("/sign-out").status_code == 303
    guesses(app, officer, 7)
    assert Desk.of(app).signs_in(officer, address=HERE).status_code == 429
    assert mine.signs_in(officer, address=HERE).status_code == 302


def test_a_browser_that_is_known_may_not_guess_for_ever_either(app, officer):
    mine = Desk.of(app)
    mine.signs_in(officer, address=HERE)
    mine.get("/account")
    mine.post("/sign-out")
    tries = [mine.signs_in(officer, WRONG, HERE).status_code for _ in range(6)]
    assert tries == [422] * 5 + [429]


def test_a_session_goes_on_whatever_strangers_try(app, officer):
    mine = Desk.of(app)
    mine.signs_in(officer, address=HERE)
    guesses(app, officer, 6)
    assert mine.get("/queue").status_code == 200


def test_wrong_codes_of_who_has_the_password_make_nobody_wait_elsewhere(app, officer):
    mine, thief = Desk.of(app), Desk.of(app)
    mine.signs_in(officer, address=HERE)
    mine.sets_up()
    mine.get("/account")
    mine.post("/sign-out")
    for n in range(3):
        thief.signs_in(officer, address=THERE)
        thief.get("/second-factor/code")
        tried = [
            thief.post("/second-factor/code", {"code": "000000"}).status_code
            for _ in range(3)
        ]
        # A new visit is no new start: nor is the browser known by the password.
        assert tried == [[422] * 3, [422, 422, 429], [429] * 3][n]
    later = datetime.now(UTC) + timedelta(seconds=31)
    with time_machine.travel(later, tick=False):
        mine.signs_in(officer, address=HERE)
        mine.get("/second-factor/code")
        answer = mine.post("/second-factor/code", {"code": mine.code()})
        assert answer.status_code == 303
    with time_machine.travel(later + timedelta(minutes=11), tick=False):
        mine.get("/confirm")
        assert mine.post("/confirm", {"code": mine.code()}).status_code == 303


def test_one_password_tried_on_many_accounts_is_stopped_at_twenty(app, officer):
    tried = [
        Desk.of(app).signs_in(f"person{n}@people.example", WRONG, THERE).status_code
        for n in range(22)
    ]
    assert tried == [422] * 20 + [429] * 2
    assert Desk.of(app).signs_in(officer, address=HERE).status_code == 302


def test_an_account_of_one_s_own_does_not_wipe_out_what_one_guessed(app, officer):
    guesses(app, "somebody@people.example", 4)
    assert Desk.of(app).signs_in(officer, address=THERE).status_code == 302
    db.session.expire_all()
    row = db.session.scalar(
        select(FailedAttempts).where(FailedAttempts.key == key(app))
    )
    assert row.count == 4


def key(app):
    with app.app_context():
        return waits.address_key(THERE)


def test_addresses_of_one_network_count_as_one(app, session):
    with app.app_context():
        one, other = (waits.address_key(f"2001:db8::{n}") for n in (1, "ffff"))
        assert one == other != waits.address_key("2001:db8:0:1::1")
        assert waits.address_key("127.0.0.1") is None
        assert waits.address_key("not an address") is None


def test_the_table_does_not_tell_who_was_tried(app, officer):
    guesses(app, officer, 1)
    stored = repr(
        [(row.key, row.count) for row in db.session.scalars(select(FailedAttempts))]
    )
    assert officer.email not in stored
    assert THERE not in stored


class TestNobodyLearnsWhoHasAnAccount:
    def accounts(self):
        known = factories.person(None, Role.OFFICER, password=factories.PASSWORD)
        off = factories.person(
            None, Role.OFFICER, password=factories.PASSWORD, active=False
        )
        invited = factories.person(None, Role.OFFICER)
        db.session.commit()
        return [known.email, off.email, invited.email, "nobody@people.example"]

    @pytest.mark.parametrize("password", [WRONG, factories.PASSWORD])
    def test_by_the_answer_to_a_sign_in(self, app, session, password):
        emails = self.accounts()
        if password != WRONG:
            emails = emails[1:]
        answers = []
        for email in emails:
            desk = Desk.of(app)
            answer = desk.signs_in(email, password)
            body = bare(answer.text, email)
            headers = [name for name, _ in answer.headers]
            answers.append((answer.status_code, body, headers))
        assert all(answer == answers[0] for answer in answers)

    def test_by_the_answer_to_a_forgotten_password(self, app, session):
        answers = []
        for email in self.accounts():
            desk = Desk.of(app)
            desk.get("/forgotten")
            answer = desk.post("/forgotten", {"email": email})
            answers.append((answer.status_code, bare(answer.text), len(answer.data)))
        assert all(answer == answers[0] for answer in answers)

    @pytest.mark.slow
    @pytest.mark.parametrize("address", ["/sign-in", "/forgotten"])
    def test_by_the_time_it_takes(self, app, session, address):
        known, off, _, nobody = self.accounts()
        took = {known: [], off: [], nobody: []}
        desk = Desk.of(app)
        desk.get(address)
        # Other work on the machine blurs a few: what is alike comes out so in the end.
        for turn in range(1, 201):
            for email, found in took.items():
                with app.app_context():
                    db.session.query(FailedAttempts).delete()
                    db.session.commit()
                start = time.process_time()
                desk.post(address, {"email": email, "password": WRONG})
                found.append(time.process_time() - start)
            medians = [statistics.median(found) for found in took.values()]
            if turn % 10 == 0 and max(medians) < 1.1 * min(medians):
                return
        pytest.fail(f"the medians of 200 tries differ: {medians}")
