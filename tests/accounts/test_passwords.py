"""Passwords: long, not guessed first, the same on every keyboard, never rotated."""

import unicodedata
from datetime import timedelta
from importlib.metadata import version

import pytest

from tests import factories
from tests.accounts.desk import Desk
from tests.visitors import shown, signed_in
from tracing.accounts import passwords
from workflows.policies import Role

LONG = "seven quiet herons wade"


@pytest.fixture
def person(session):
    made = factories.person(
        None, Role.OFFICER, password=factories.PASSWORD, name="Wanjiru Kamau"
    )
    session.commit()
    return made


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "123456789012345",
        "qwertyuiopasdfgh",
        "iloveyouiloveyou",
        "aaaaaaaaaaaaaaaaaaaa",
        "abcdefghijklmnopq",
        "Password12345678",
        "letmeinletmeinletmein",
    ],
)
def test_what_is_guessed_first_is_refused(app, password):
    assert passwords.fault_of(password) == passwords.TOO_COMMON


@pytest.mark.parametrize("password", ["wanjirukamau2026", "kamauwanjirukamau"])
def test_one_s_own_name_is_no_password(person, password):
    assert passwords.fault_of(password, person) == passwords.TOO_COMMON


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("", passwords.TOO_SHORT),
        ("fourteen signs", passwords.TOO_SHORT),
        ("x" * 201, passwords.TOO_LONG),
        ("seven quiet\0 herons", passwords.NOT_A_TEXT),
    ],
)
def test_length_and_signs_have_bounds(app, password, fault):
    assert passwords.fault_of(password) == fault


@pytest.mark.parametrize(
    "password",
    [
        LONG,
        "correct horse battery staple",
        "семь тихих цапель бредут",
        "سبعة طيور هادئة في الماء",
        "七只安静的苍鹭在浅水中慢慢地涉行前进",
        "ab3k9-x8dm2-qq7wz",
        "seven herons " * 10 + "and one more that is odd",
    ],
)
def test_words_of_any_script_make_a_password_without_rules_of_composition(
    app, password
):
    assert passwords.fault_of(password) is None


def test_a_password_is_the_same_however_the_keyboard_composed_it(app, person, session):
    composed = unicodedata.normalize("NFC", "élève à la fenêtre ouverte")
    apart = unicodedata.normalize("NFD", composed)
    assert composed != apart
    person.password = passwords.hashed(composed)
    session.commit()
    desk = Desk.of(app)
    assert desk.signs_in(person, apart).status_code == 302


def test_argon2_guards_what_is_stored(person):
    assert person.password.startswith("$argon2id$")
    memory, rounds = (
        int(part.split("=")[1]) for part in person.password.split("$")[3].split(",")[:2]
    )
    assert memory >= 19 * 1024
    assert rounds >= 2


class TestChangingIt:
    def test_ends_the_other_sessions_and_keeps_this_one(self, app, person):
        here, there = signed_in(app, person), signed_in(app, person)
        here.get("/account/password")
        answer = here.post("/account/password", {"password": LONG})
        assert answer.location == "/account"
        assert here.get("/queue").status_code == 200
        assert there.get("/queue").status_code == 303
        assert Desk.of(app).signs_in(person, LONG).status_code == 302
        old = Desk.of(app).signs_in(person)
        assert old.status_code == 422

    def test_says_what_is_wrong_and_changes_nothing(self, app, person):
        visitor = signed_in(app, person)
        page = visitor.get("/account/password")
        assert 'autocomplete="new-password"' in page.text
        answer = visitor.post("/account/password", {"password": "passwordpassword"})
        assert answer.status_code == 422
        assert "guessed first" in shown(answer.text)
        assert Desk.of(app).signs_in(person).status_code == 302

    def test_is_never_asked_for_by_a_date(self, app, person):
        visitor = signed_in(app, person)
        assert "password" not in visitor.get("/").text.lower()


def test_the_age_of_the_list_is_that_of_the_list_which_is_installed():
    assert version("zxcvbn") == passwords.LIST_OF
    later = passwords.LIST_DATE + timedelta(days=10)
    assert passwords.list_age(later) == timedelta(days=10)
