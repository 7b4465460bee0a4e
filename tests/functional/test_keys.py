"""A security key, the real ceremony: Chromium with a virtual authenticator."""

import contextlib
from dataclasses import replace

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from tests import factories
from tests.browser import serving
from tests.functional.conftest import let_go
from tests.functional.navigators import LONG, Person
from tracing.extensions import db
from tracing.models import AccountKey
from workflows.policies import Role


@pytest.fixture
def settings(settings):
    return replace(settings, second_factor_required=True)


@pytest.fixture
def page(browser, app):
    """A tab with no key in it yet; keys need a site with a name."""
    with serving(app) as address:
        named = address.replace("127.0.0.1", "localhost")
        with contextlib.closing(browser.new_context(base_url=named)) as context:
            yield context.new_page()


class Keys:
    """The keys in the hand of whoever sits at a page."""

    def __init__(self, page):
        self.page = page
        self.devtools = page.context.new_cdp_session(page)
        self.devtools.send("WebAuthn.enable")
        self.plugged = None

    def plug_in(self, *, copied: bool = False) -> None:
        """Take a new key, and only that, into the hand."""
        if self.plugged:
            gone = {"authenticatorId": self.plugged}
            self.devtools.send("WebAuthn.removeVirtualAuthenticator", gone)
        options = {
            "protocol": "ctap2",
            "transport": "usb",
            "hasResidentKey": False,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
            "defaultBackupEligibility": copied,
        }
        made = self.devtools.send(
            "WebAuthn.addVirtualAuthenticator", {"options": options}
        )
        self.plugged = made["authenticatorId"]


def person(session, role):
    of = factories.sides()
    made = factories.person(of.asked, role, password=factories.PASSWORD)
    session.commit()
    email = made.email
    let_go()
    return email


def gives_password(someone: Person) -> None:
    someone.page.goto("/sign-in")
    someone.page.get_by_label("E-mail address").fill(someone.email)
    someone.page.get_by_label("Password").fill(factories.PASSWORD)
    someone.page.get_by_role("button", name="Sign in").click()


def adds_key(someone: Person, name: str) -> None:
    someone.page.get_by_label("Name of the key").fill(name)
    someone.page.get_by_role("button", name="Add the key").click()


def keys(app):
    with app.app_context():
        return db.session.scalars(select(AccountKey).order_by(AccountKey.id)).all()


def test_an_administrator_adds_two_keys_and_signs_in_with_either(page, app, session):
    admin = Person(page, person(session, Role.ADMINISTRATOR))
    page.set_default_timeout(LONG)
    hand = Keys(page)

    hand.plug_in()
    gives_password(admin)
    expect(page.get_by_role("heading", level=1)).to_have_text("Add a security key")
    adds_key(admin, "blue key")
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Keep these recovery codes"
    )
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Add a security key")
    hand.plug_in()
    adds_key(admin, "red key")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")
    assert [key.name for key in keys(app)] == ["blue key", "red key"]

    page.get_by_role("button", name="Sign out").click()
    gives_password(admin)
    expect(page.get_by_role("heading", level=1)).to_have_text("Use your security key")
    page.goto("/people")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    gives_password(admin)
    page.get_by_role("button", name="Use the key").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text(
        "Use your security key"
    )
    page.goto("/people")
    expect(page.get_by_role("heading", level=1)).to_have_text("People")
    blue, red = keys(app)
    assert blue.used_at is None
    assert red.used_at is not None
    assert red.sign_count > 0
    assert admin.complaints == []


def test_a_key_that_is_not_the_accounts_does_not_sign_in(page, app, session):
    officer = Person(page, person(session, Role.OFFICER))
    page.set_default_timeout(LONG)
    hand = Keys(page)
    hand.plug_in()
    gives_password(officer)
    page.get_by_role("link", name="Add a security key instead").click()
    adds_key(officer, "mine")
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_role("button", name="Sign out").click()

    hand.plug_in()
    gives_password(officer)
    page.get_by_role("button", name="Use the key").click()
    expect(page.get_by_text("The key did not answer. Try again.")).to_be_visible()
    page.goto("/queue")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_what_a_key_has_signed_is_good_once(page, app, session):
    officer = Person(page, person(session, Role.OFFICER))
    page.set_default_timeout(LONG)
    Keys(page).plug_in()
    gives_password(officer)
    page.get_by_role("link", name="Add a security key instead").click()
    adds_key(officer, "mine")
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_role("button", name="Sign out").click()

    signed = []
    page.on(
        "request",
        lambda request: (
            signed.append(request.post_data or "")
            if request.url.endswith("/second-factor/key?next=/")
            and request.method == "POST"
            else None
        ),
    )
    gives_password(officer)
    page.get_by_role("button", name="Use the key").click()
    expect(page.get_by_role("heading", name="Today")).to_be_visible()
    (body,) = signed

    page.get_by_role("button", name="Sign out").click()
    gives_password(officer)
    token = page.locator("form[data-key] [name=csrf_token]").input_value()
    again = page.evaluate(
        """async ([body, token]) => {
            const form = new URLSearchParams(body);
            form.set("csrf_token", token);
            const answer = await fetch("/second-factor/key", {method: "POST", body: form});
            return answer.status;
        }""",
        [body, token],
    )
    assert again == 422
    page.goto("/queue")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


class TestKeysAlone:
    @pytest.fixture
    def settings(self, settings):
        return replace(settings, keys_alone=True)

    def test_lets_nobody_in_by_anything_else(self, page, app, session):
        officer = Person(page, person(session, Role.OFFICER))
        page.set_default_timeout(LONG)
        title = page.get_by_role("heading", level=1)
        hand = Keys(page)
        hand.plug_in(copied=True)
        gives_password(officer)
        expect(title).to_have_text("Add a security key")
        adds_key(officer, "in a cloud")
        expect(page.get_by_text("This key can be copied.").first).to_be_visible()
        assert keys(app) == []

        hand.plug_in()
        adds_key(officer, "in the hand")
        expect(title).to_have_text("Your account")
        assert [key.name for key in keys(app)] == ["in the hand"]
        page.get_by_role("button", name="Sign out").click()
        gives_password(officer)
        expect(title).to_have_text("Use your security key")
        for name in ("Use the code of your authenticator", "Use a recovery code"):
            expect(page.get_by_role("link", name=name)).to_have_count(0)
        page.get_by_role("button", name="Use the key").click()
        expect(title).to_have_text("Today")
