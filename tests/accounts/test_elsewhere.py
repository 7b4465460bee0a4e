"""Signing in by another service: by issuer and subject, and never past our own door."""

import html
import re
from dataclasses import replace

import pytest
from joserfc.jwk import RSAKey
from sqlalchemy import select

from tests import factories
from tests.accounts.desk import Desk
from tests.accounts.provider import CLIENT, SECRET, running_provider
from tests.journal.conftest import entries
from tests.visitors import signed_in, stranger
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import AccountIdentity, OutboxMessage
from workflows.policies import Role


@pytest.fixture
def provider():
    with running_provider() as provider:
        yield provider


@pytest.fixture
def settings(settings, provider):
    return replace(
        settings,
        second_factor_required=True,
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_name="Ministry",
    )


@pytest.fixture
def officer(session):
    made = factories.person(None, Role.OFFICER, email="officer@desk.example")
    session.commit()
    return made


def links(visitor, provider):
    """Press the button of the account's page, and go where its answer leads."""
    visitor.get("/account")
    page = visitor.post("/sign-in/link").text
    there = re.search(r'class="btn" href="([^"]+)"', page)[1]
    return visitor.get(provider.consent(html.unescape(there)))


@pytest.fixture
def linked(app, officer, provider):
    assert links(signed_in(app, officer), provider).location == "/account"
    return officer


def comes(app, provider, change=lambda address: address):
    visitor = stranger(app)
    start = visitor.get("/sign-in/elsewhere?next=/queue")
    return visitor, visitor.get(change(provider.consent(start.location)))


def test_the_sign_in_page_names_the_service(app, officer):
    assert "Sign in by Ministry" in stranger(app).get("/sign-in").text


def test_a_person_links_it_and_is_told(linked, provider):
    row = db.session.scalars(select(AccountIdentity)).one()
    assert (row.issuer, row.subject) == (provider.issuer, "person-1")
    assert row.account_id == linked.id
    assert db.session.scalars(select(OutboxMessage)).one().facts["news"] == "identity"


def test_it_stands_for_the_password_and_the_second_factor_is_still_asked_for(
    app, linked, provider
):
    visitor, answer = comes(app, provider)
    assert answer.location.startswith("/second-factor?next=")
    assert visitor.get("/queue").status_code == 303
    desk = Desk(visitor.client)
    desk.sets_up()
    assert desk.get("/queue").status_code == 200


def test_the_exchange_is_bound_to_this_visit(app, linked, provider):
    comes(app, provider)
    asked = provider.asked[-1]
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert len(asked["nonce"]) >= 16
    assert len(asked["state"]) >= 16
    assert asked["response_type"] == "code"


def refused(visitor, answer):
    return answer.status_code == 422 and visitor.get("/queue").status_code == 303


def test_an_address_alone_opens_nothing(app, officer, provider):
    """The provider says officer@desk.example, as the account does: not enough."""
    assert refused(*comes(app, provider))


def test_another_subject_is_another_person(app, linked, provider):
    provider.subject = "person-2"
    assert refused(*comes(app, provider))


def test_an_account_that_is_off_stays_off(app, linked, provider):
    linked.active = False
    assert refused(*comes(app, provider))


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another visit"},
        {"aud": "another client"},
        {"iss": "https://another.example"},
        {"exp": 1_000_000_000},
        {"sub": ""},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_a_token_that_does_not_hold_is_refused(app, linked, provider, claims):
    provider.claims = claims
    assert refused(*comes(app, provider))


def test_a_token_signed_by_another_is_refused(app, linked, provider):
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
    assert refused(*comes(app, provider))


def test_a_state_of_another_visit_is_refused(app, linked, provider):
    def another(address):
        return address.split("&state=")[0] + "&state=planted"

    assert refused(*comes(app, provider, another))


def test_a_code_is_good_once_and_for_one_browser(app, linked, provider):
    visitor = stranger(app)
    start = visitor.get("/sign-in/elsewhere")
    back = provider.consent(start.location)
    thief = stranger(app)
    assert refused(thief, thief.get(back))
    assert visitor.get(back).status_code == 302
    assert visitor.get(back).status_code == 422


def test_a_refusal_there_is_an_answer_here(app, linked, provider):
    visitor = stranger(app)
    start = visitor.get("/sign-in/elsewhere")
    state = provider.consent(start.location).split("state=")[1]
    answer = visitor.get(f"/sign-in/back?error=access_denied&state={state}")
    assert answer.status_code == 422
    assert "did not name an account" in answer.text


def test_an_identity_belongs_to_one_account(app, linked, provider):
    other = factories.person(linked.authority, Role.OFFICER)
    assert links(signed_in(app, other), provider).status_code == 422
    assert db.session.scalars(select(AccountIdentity)).one().account_id == linked.id


def test_no_link_of_somebody_else_begins_to_link(app, officer):
    visitor = signed_in(app, officer)
    visitor.get("/account")
    assert visitor.get("/sign-in/link").status_code == 405
    assert visitor.client.post("/sign-in/link").status_code == 400


def test_whoever_comes_back_and_is_not_let_in_is_entered(app, linked, provider):
    linked.active = False
    comes(app, provider)
    provider.subject = "person-2"
    comes(app, provider)
    provider.claims = {"nonce": "of another visit"}
    comes(app, provider)
    db.session.expire_all()
    (ours,) = entries(linked.authority_id, Kind.SIGN_IN_REFUSED)
    assert ours.payload == {"account": linked.id, "means": "other service"}
    assert len(entries(journal.SYSTEM, Kind.SIGN_IN_REFUSED)) == 2


def test_a_link_needs_a_recent_factor_and_can_be_removed(app, linked, provider):
    late = signed_in(app, linked, minutes_ago=11)
    late.get("/account")
    assert late.post("/sign-in/link").location == "/confirm?next=/account"
    visitor = signed_in(app, linked)
    visitor.get("/account")
    number = db.session.scalar(select(AccountIdentity.id))
    visitor.post(f"/account/identities/{number}/remove")
    assert refused(*comes(app, provider))


class TestWithoutAService:
    @pytest.fixture
    def settings(self, settings):
        return replace(settings, oidc_issuer="")

    def test_there_is_no_such_way(self, app, officer):
        visitor = stranger(app)
        assert "elsewhere" not in visitor.get("/sign-in").text
        assert visitor.get("/sign-in/elsewhere").status_code == 404
        assert visitor.get("/sign-in/back").status_code == 404
        visitor = signed_in(app, officer)
        visitor.get("/account")
        assert visitor.post("/sign-in/link").status_code == 404


class TestAServiceThatDoesNotAnswer:
    @pytest.fixture
    def settings(self, settings):
        return replace(settings, oidc_issuer="http://127.0.0.1:9")

    def test_leaves_the_password(self, app, officer):
        answer = stranger(app).get("/sign-in/elsewhere")
        assert answer.status_code == 422
        assert 'name="password"' in answer.text
