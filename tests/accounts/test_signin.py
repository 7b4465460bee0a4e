"""Signing in: password, second factor, and nothing that tells who has an account."""

import re
import time
from base64 import b32decode

import pytest
import time_machine
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from tests import factories
from tests.conftest import client_of
from workflows.policies import Role


@pytest.fixture
def officer(session):
    of = factories.sides(password=factories.PASSWORD)
    account = factories.person(
        of.asked,
        Role.OFFICER,
        password=factories.PASSWORD,
        email="officer@desk.example",
    )
    session.commit()
    return account.email


def sign_in(client, email, password=factories.PASSWORD):
    page = client.get("/sign-in")
    return post(client, page, "/sign-in", email=email, password=password)


def post(client, page, address, **fields):
    token = re.search(r'name="csrf_token" value="([^"]+)', page.text)[1]
    return client.post(address, data={"csrf_token": token, **fields})


def code_of(key, at):
    secret = b32decode(key.replace("-", ""))
    return TOTP(secret, 6, SHA1(), 30, enforce_key_length=False).generate(at).decode()


def test_the_right_password_opens_the_desk(client, officer):
    assert sign_in(client, officer).status_code == 302
    assert client.get("/queue").status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("officer@desk.example", "not-the-password-of-anyone"),
        ("nobody@desk.example", factories.PASSWORD),
        ("", ""),
    ],
    ids=["wrong password", "no such account", "nothing filled in"],
)
def test_a_failed_sign_in_does_not_say_which_part_was_wrong(
    client, officer, email, password
):
    answer = sign_in(client, email, password)
    assert "do not match an account" in answer.text
    assert client.get("/queue").status_code == 303


def test_an_account_that_is_switched_off_does_not_open(client, session, officer):
    from sqlalchemy import select

    from tracing.models import Account

    account = session.scalar(select(Account).where(Account.email == officer))
    account.active = False
    session.commit()
    sign_in(client, officer)
    assert client.get("/queue").status_code == 303


def test_a_second_factor_is_asked_for_once_it_is_set_up(app, client, officer):
    sign_in(client, officer)
    start = client.get("/second-factor")
    shown = post(client, start, "/second-factor", setup="authenticator")
    key = re.search(r'class="mark">([A-Z2-7-]+)<', shown.text)[1]
    now = time.time()
    post(client, shown, "/second-factor/confirm", code=code_of(key, now))

    other = client_of(app)
    asked = sign_in(other, officer)
    assert asked.status_code == 302
    assert "/second-factor/code" in asked.location
    with time_machine.travel(now + 60, tick=False):
        form = other.get(asked.location)
        wrong = post(other, form, "/second-factor/code", code="000000")
        assert "Enter the code that your authenticator shows now." in wrong.text
        assert other.get("/queue").status_code == 303

    third = client_of(app)
    form = third.get(sign_in(third, officer).location)
    with time_machine.travel(now + 90, tick=False):
        post(third, form, "/second-factor/code", code=code_of(key, now + 90))
        assert third.get("/queue").status_code == 200
