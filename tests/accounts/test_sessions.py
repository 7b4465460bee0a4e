"""Sessions: ids nobody can replay, limits that hold, and an end that is one."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import event, select

from tests import factories
from tests.accounts.desk import Desk, at_the_desk
from tests.visitors import shown, signed_in, stranger
from tracing.accounts import sessions
from tracing.extensions import db
from tracing.models import AccountSession
from workflows.policies import Role


@pytest.fixture
def officer(session):
    of = factories.sides()
    account = factories.person(
        of.asked, Role.OFFICER, password=factories.PASSWORD, email="officer@x.example"
    )
    session.commit()
    return account


def rows():
    db.session.expire_all()
    return db.session.scalars(select(AccountSession)).all()


def sid(visitor) -> str:
    with visitor.client.session_transaction() as held:
        return held.get(sessions.SID, "")


class TestTheId:
    def test_is_long_random_and_stored_as_a_hash_alone(self, app, officer):
        desk = at_the_desk(app, officer)
        (row,) = rows()
        token = sid(desk)
        assert len(token) == 43
        assert row.token_hash == sessions.hash_of(token)
        assert token not in repr(vars(row))

    def test_changes_when_someone_signs_in(self, app, officer):
        desk = Desk.of(app)
        desk.get("/sign-in")
        with desk.client.session_transaction() as held:
            held[sessions.SID] = "planted by somebody else"
        desk.signs_in(officer)
        assert sid(desk) not in ("", "planted by somebody else")
        assert desk.get("/queue").status_code == 200

    def test_is_of_no_use_when_invented(self, app, officer):
        visitor = stranger(app)
        for invented in ("x" * 43, "", sessions.hash_of("x")):
            with visitor.client.session_transaction() as held:
                held[sessions.SID] = invented
            assert visitor.get("/queue").status_code == 303

    def test_of_the_table_opens_nothing(self, app, officer):
        at_the_desk(app, officer)
        (row,) = rows()
        thief = stranger(app)
        with thief.client.session_transaction() as held:
            held[sessions.SID] = row.token_hash
        assert thief.get("/queue").status_code == 303

    def test_of_before_is_void_after_a_factor_was_shown_again(self, app, officer):
        visitor = signed_in(app, officer, minutes_ago=11)
        before = sid(visitor)
        visitor.get("/confirm")
        answer = visitor.post("/confirm", {"password": factories.PASSWORD})
        assert answer.status_code == 303
        assert sid(visitor) != before
        thief = stranger(app)
        with thief.client.session_transaction() as held:
            held[sessions.SID] = before
        assert thief.get("/queue").status_code == 303
        assert visitor.get("/queue").status_code == 200


class TestTheEnd:
    def test_comes_after_half_an_hour_without_a_click(self, app, officer):
        visitor = signed_in(app, officer)
        now = datetime.now(UTC)
        with time_machine.travel(now + timedelta(minutes=29), tick=False):
            assert visitor.get("/queue").status_code == 200
        with time_machine.travel(now + timedelta(minutes=58), tick=False):
            assert visitor.get("/queue").status_code == 200
        with time_machine.travel(now + timedelta(minutes=89), tick=False):
            assert visitor.get("/queue").status_code == 303

    def test_comes_sooner_for_an_administrator(self, app, officer):
        admin = factories.person(officer.authority, Role.ADMINISTRATOR)
        visitor = signed_in(app, admin)
        now = datetime.now(UTC)
        with time_machine.travel(now + timedelta(minutes=14), tick=False):
            assert visitor.get("/").status_code == 200
        with time_machine.travel(now + timedelta(minutes=30), tick=False):
            assert visitor.get("/").status_code == 303

    def test_comes_after_twelve_hours_whatever_one_clicks(self, app, officer):
        visitor = signed_in(app, officer)
        now = datetime.now(UTC)
        for minutes in range(0, 12 * 60, 20):
            with time_machine.travel(now + timedelta(minutes=minutes), tick=False):
                assert visitor.get("/queue").status_code == 200
        with time_machine.travel(now + timedelta(hours=12, seconds=1), tick=False):
            assert visitor.get("/queue").status_code == 303

    def test_comes_at_once_when_the_account_is_disabled(self, app, officer):
        visitor = signed_in(app, officer)
        assert visitor.get("/queue").status_code == 200
        officer.active = False
        assert visitor.get("/queue").status_code == 303

    def test_is_made_by_signing_out_and_an_old_cookie_does_not_undo_it(
        self, app, officer
    ):
        visitor = signed_in(app, officer)
        visitor.get("/queue")
        other_tab = stranger(app)
        with other_tab.client.session_transaction() as held:
            held[sessions.SID] = sid(visitor)
        assert other_tab.get("/queue").status_code == 200
        answer = visitor.post("/sign-out")
        assert answer.headers["Clear-Site-Data"]
        assert other_tab.get("/queue").status_code == 303
        assert not rows()

    def test_can_be_made_from_another_browser(self, app, officer):
        here, there = signed_in(app, officer), signed_in(app, officer)
        page = here.get("/account")
        number = re.search(r"/account/sessions/(\d+)/end", page.text)[1]
        assert there.get("/queue").status_code == 200
        assert here.post(f"/account/sessions/{number}/end").status_code == 303
        assert there.get("/queue").status_code == 303
        assert here.get("/queue").status_code == 200

    def test_can_be_made_for_all_others_at_once(self, app, officer):
        here, *others = (signed_in(app, officer) for _ in range(3))
        here.get("/account")
        here.post("/account/sessions/end-others")
        assert [one.get("/queue").status_code for one in others] == [303, 303]
        assert here.get("/queue").status_code == 200

    def test_is_not_in_the_hands_of_anyone_else(self, app, officer):
        visitor = signed_in(app, officer)
        number = rows()[0].id
        colleague = factories.person(officer.authority, Role.SUPERVISOR)
        other = signed_in(app, colleague)
        other.get("/account")
        own = other.post(f"/account/sessions/{number}/end")
        none = other.post("/account/sessions/999999/end")
        assert (own.status_code, own.location) == (none.status_code, none.location)
        assert visitor.get("/queue").status_code == 200

    def test_of_the_oldest_makes_room_for_a_sixth(self, app, officer):
        desks = [at_the_desk(app, officer) for _ in range(6)]
        assert len(rows()) == sessions.MOST
        assert desks[0].get("/queue").status_code == 303
        assert desks[-1].get("/queue").status_code == 200

    def test_of_a_whole_session_is_not_in_the_hands_of_a_password_alone(
        self, app, officer
    ):
        """Half sessions make room among themselves."""
        mine = at_the_desk(app, officer)
        mine.sets_up()
        for _ in range(6):
            at_the_desk(app, officer)
        assert mine.get("/queue").status_code == 200
        assert sum(row.half for row in rows()) == sessions.MOST
        # Once it is whole, it counts among the whole ones.
        last = at_the_desk(app, officer)
        last.key = mine.key
        whole = [signed_in(app, officer) for _ in range(4)]
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=2), tick=False):
            last.get("/second-factor/code")
            last.post("/second-factor/code", {"code": last.code()})
            assert last.get("/queue").status_code == 200
            assert mine.get("/queue").status_code == 303
            assert whole[0].get("/queue").status_code == 200

    def test_leaves_no_row_behind_for_ever(self, app, officer):
        signed_in(app, officer)
        with app.test_request_context():
            assert sessions.sweep(datetime.now(UTC)) == 0
            assert sessions.sweep(datetime.now(UTC) + timedelta(hours=13)) == 1


class TestThePrice:
    def statements(self, visitor, address):
        found = []

        def note(_c, _cursor, statement, *_rest):
            found.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            assert visitor.get(address).status_code == 200
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        return [s for s in found if not s.startswith(("BEGIN", "PRAGMA"))]

    def test_of_a_page_is_one_read_of_the_session_with_its_person(self, app, officer):
        visitor = signed_in(app, officer)
        visitor.get("/points-of-contact")
        asked = self.statements(visitor, "/points-of-contact")
        about = [s for s in asked if "account" in s.split("FROM", 1)[-1][:60]]
        assert sum("FROM account_session" in s for s in about) == 1
        assert not [s for s in about if "FROM account " in s]
        assert not [s for s in asked if s.startswith(("UPDATE", "INSERT", "DELETE"))]

    def test_is_a_write_once_a_minute_at_most(self, app, officer):
        visitor = signed_in(app, officer)
        later = datetime.now(UTC) + timedelta(seconds=61)
        with time_machine.travel(later, tick=False):
            first = self.statements(visitor, "/points-of-contact")
            second = self.statements(visitor, "/points-of-contact")
        assert sum(s.startswith("UPDATE account_session") for s in first) == 1
        assert not [s for s in second if s.startswith("UPDATE")]

    def test_is_nothing_for_a_visitor_who_has_not_signed_in(self, app, officer):
        visitor = stranger(app)
        visitor.get("/language/fr", query_string={"back": "/sign-in"})
        assert not rows()
        assert 'lang="fr"' in visitor.get("/sign-in").text


def test_the_page_tells_the_browser_and_which_is_this_one(app, officer):
    desk = at_the_desk(
        app, officer, agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
    )
    words = shown(desk.get("/account").text)
    assert "Firefox · Linux" in words
    assert "This one" in words


def test_the_language_outlives_signing_in(app, officer):
    desk = Desk.of(app)
    desk.get("/language/es", query_string={"back": "/sign-in"})
    desk.signs_in(officer)
    assert 'lang="es"' in desk.get("/").text


class TestBehindHttps:
    @pytest.fixture
    def settings(self, settings):
        return replace(settings, behind_https=True)

    def test_the_cookies_are_bound_to_the_host_and_to_https(self, app, officer):
        visitor = stranger(app)
        page = visitor.get("/sign-in", base_url="https://desk.example")
        cookie = page.headers["Set-Cookie"]
        assert cookie.startswith("__Host-s=")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(
            cookie.split("; ")
        )
