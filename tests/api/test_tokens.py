"""A token opens what its account may, where it is for that, until it is revoked."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests import factories
from tests.programs import Program, program
from tests.visitors import shown, signed_in
from tracing.accounts import tokens
from tracing.accounts.managing import Refused
from tracing.accounts.sessions import utc_now
from tracing.accounts.tokens import Scope, Wish
from tracing.extensions import db
from tracing.journal.kinds import Kind
from tracing.models import Account, ClientToken, JournalEntry
from workflows.policies import Role

WISH = Wish("Case system", (Scope.READ, Scope.DIRECTORY), 30)


@pytest.fixture
def admin(of):
    return factories.person(of.asking, Role.ADMINISTRATOR)


@pytest.fixture
def made(app, of, admin):
    """A token as an administrator makes it, and a program that has it."""
    row, token = tokens.make(
        factories.actor_of(admin), of.investigator.id, WISH, utc_now()
    )
    return row.id, Program(program(app, of.investigator).client, token)


def kinds():
    return set(db.session.scalars(select(JournalEntry.kind)))


def test_a_token_works_as_its_account_and_is_kept_as_a_hash(made, of):
    number, client = made
    me = client.get("me").json
    assert (me["id"], me["token"]) == (of.investigator.id, number)
    row = db.session.get_one(ClientToken, number)
    assert client.token not in repr(row.__dict__)
    assert row.used_at is not None
    assert Kind.TOKEN_MADE.value in kinds()


def test_a_revoked_token_opens_nothing_at_once(made, admin):
    number, client = made
    assert client.get("me").status_code == 200
    tokens.revoke(factories.actor_of(admin), number, utc_now())
    answer = client.get("me")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert Kind.TOKEN_REVOKED.value in kinds()


def test_what_is_no_token_opens_nothing(app, of, made):
    _number, client = made
    person = signed_in(app, of.investigator)
    assert person.get("/api/v1/me").status_code == 401
    for header in ("", "Basic YTpi", "Bearer x", f"Token {client.token}"):
        other = Program(client.client, "", {"Authorization": header})
        assert other.get("me").status_code == 401
    assert client.get(f"/queue?token={client.token}").status_code == 303


@pytest.mark.parametrize(
    "given",
    [
        {"expires_at": utc_now() - timedelta(seconds=1)},
        {"revoked_at": utc_now()},
        {"networks": ("192.0.2.0/24",)},
    ],
)
def test_a_token_that_is_over_or_comes_from_elsewhere_is_none(app, of, given):
    assert program(app, of.investigator, **given).get("me").status_code == 401


def test_a_token_is_good_from_its_network_and_while_its_account_is(app, of):
    client = program(app, of.investigator, networks=("127.0.0.0/8",))
    assert client.get("me").status_code == 200
    db.session.get_one(Account, of.investigator.id).active = False
    db.session.commit()
    assert client.get("me").status_code == 401


def test_a_token_does_only_what_it_is_for(app, of):
    client = program(app, of.investigator, Scope.DIRECTORY)
    assert client.get("authorities").status_code == 200
    answer = client.get("requests")
    assert (answer.status_code, answer.json["code"]) == (403, "scope_missing")


def test_two_tokens_are_active_at_once_and_no_third(of, admin):
    actor = factories.actor_of(admin)
    first, _token = tokens.make(actor, of.investigator.id, WISH, utc_now())
    tokens.make(actor, of.investigator.id, WISH, utc_now())
    with pytest.raises(Refused):
        tokens.make(actor, of.investigator.id, WISH, utc_now())
    db.session.rollback()
    tokens.revoke(actor, first.id, utc_now())
    assert tokens.make(actor, of.investigator.id, WISH, utc_now())


def test_an_administrator_makes_an_account_for_a_program_and_its_token(app, of, admin):
    visitor = signed_in(app, admin)
    form = {"name": "Customs platform", "roles": [Role.INVESTIGATOR.value]}
    assert visitor.post("/programs/account", form).status_code == 303
    robot = db.session.scalars(select(Account).where(Account.machine)).one()
    wish = {"label": "One", "account": robot.id, "scopes": ["directory"], "days": "30"}
    page = visitor.post("/programs", wish)
    token = tokens.PREFIX + page.text.split(tokens.PREFIX)[1].split("<")[0]
    assert (
        Program(program(app, of.investigator).client, token).get("me").json["machine"]
    )
    again = visitor.get("/programs").text
    assert token not in again
    assert "Customs platform" in shown(again)
    number = db.session.scalars(
        select(ClientToken.id).order_by(-ClientToken.id)
    ).first()
    assert visitor.post(f"/programs/{number}/revoke").status_code == 303
    assert "Revoked" in shown(visitor.get("/programs").text)


def test_a_token_is_made_only_after_a_recent_factor_and_for_ones_own(app, of, admin):
    old = signed_in(app, admin, minutes_ago=11)
    wish = {"label": "One", "account": of.officer.id, "scopes": ["directory"]}
    answer = old.post("/programs", wish | {"days": "30"})
    assert "/confirm" in answer.location
    fresh = signed_in(app, admin)
    assert fresh.post("/programs", wish | {"days": "30"}).status_code == 422
    assert db.session.scalars(select(ClientToken)).all() == []


def test_calls_beyond_the_rate_wait_and_are_told_how_long(app, of, settings):
    client = program(app, of.investigator)
    app.extensions["tracing.settings"] = replace(settings, api_calls_of_token=3)
    answers = [client.get("me") for _ in range(6)]
    late = [one for one in answers if one.status_code == 429]
    assert late
    assert answers[0].headers["RateLimit-Limit"] == "3"
    assert answers[0].headers["RateLimit-Remaining"] == "2"
    assert late[0].json["code"] == "too_many"
    assert 0 < int(late[0].headers["Retry-After"]) <= 60
    other = program(app, of.officer)
    assert other.get("me").status_code == 200
