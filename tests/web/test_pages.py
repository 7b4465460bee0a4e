"""Every page: behind the door, for the right role, telling strangers nothing."""

import re
from base64 import b64decode
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlalchemy import select

from tests import factories
from tests.visitors import Visitor, shown, signed_in, stranger
from tracing.casework import requested
from tracing.casework.references import reference_of
from tracing.extensions import db
from tracing.models import OutboxMessage
from tracing.security.programs import ROOT
from tracing.web.pages import OPEN_TO_ALL
from workflows.policies import Role
from workflows.states import Trigger

ELSEWHERE = {
    *("exchange.keys", "exchange.key_set"),
    "static",
    "home.language",
    "home.health",
    "watch.ready",
    "watch.figures",
}
SIGNING = {
    "signing.sign_in",
    "signing.give_password",
    "signing.sign_out",
    "signing.elsewhere",
    "signing.back",
    "signing.forgotten",
    "signing.invitation",
    "signing.new_password",
    "upkeep.link",
    "upkeep.use",
}
NEVER = reference_of(2026, "KE", 9_999_999)


def pages_of(app: Flask):
    """Return each address of a page; the operations of programs are tried elsewhere."""
    return [r for r in app.url_map.iter_rules() if not r.rule.startswith(ROOT)]


def get_rules(app: Flask):
    """Return each page that can be read, besides those of signing in."""
    return [
        rule
        for rule in pages_of(app)
        if "GET" in (rule.methods or ()) and rule.endpoint not in SIGNING
    ]


def address_of(rule, request) -> str:
    values = {
        "reference": request.reference,
        "step": "note",
        "code": request.requested.code,
        "filename": "app.css",
        "form": "csv",
        "name": "by-hand",
        "token": "x" * 32,
        "event": "1",
        "number": "1" if "<int" in rule.rule else request.mail_number,
    }
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda m: values[m[1]], rule.rule)


class TestTheDoor:
    def test_leads_whoever_is_not_signed_in_to_the_sign_in(self, app, of):
        request = factories.sent(of)
        visitor = stranger(app)
        behind = [r for r in get_rules(app) if r.endpoint not in OPEN_TO_ALL]
        assert len(behind) >= 12
        for rule in behind:
            response = visitor.get(address_of(rule, request))
            assert response.status_code == 303, rule
            assert response.location.startswith("/sign-in?next="), rule
            assert "АВ" not in response.text

    def test_leaves_open_what_is_named_and_nothing_else(self, app, of):
        request = factories.sent(of)
        visitor = stranger(app)
        assert OPEN_TO_ALL == ELSEWHERE | SIGNING
        for rule in get_rules(app):
            if rule.endpoint in ELSEWHERE:
                response = visitor.get(address_of(rule, request))
                # Without a worker the service is not ready, and says so.
                assert response.status_code in (200, 303, 503), rule
                assert "sign-in" not in (response.location or "")

    def test_is_shut_for_posts_too(self, app, of):
        request = factories.sent(of)
        visitor = stranger(app)
        visitor.get("/sign-in")
        for rule in pages_of(app):
            posts = "POST" in (rule.methods or ())
            if posts and rule.endpoint not in SIGNING:
                response = visitor.post(address_of(rule, request), {"version": "2"})
                assert response.status_code == 303, rule
                assert "/sign-in" in response.location
        db.session.expire_all()
        assert factories.triggers_of(request) == [Trigger.SUBMIT]

    def test_is_shut_again_for_whoever_is_switched_off(self, app, of):
        visitor = signed_in(app, of.officer)
        assert visitor.get("/queue").status_code == 200
        of.officer.active = False
        assert visitor.get("/queue").status_code == 303


class TestSigningIn:
    def test_with_the_password_opens_the_page_that_was_asked_for(self, app, of):
        person = factories.person(
            of.asked, Role.OFFICER, password=factories.PASSWORD, email="me@x.example"
        )
        assert person.active
        visitor = stranger(app)
        visitor.get("/sign-in?next=/queue")
        form = {"email": "me@x.example", "password": factories.PASSWORD}
        response = visitor.post("/sign-in?next=/queue", form)
        assert response.status_code in (302, 303)
        assert response.location.endswith("/queue")
        assert visitor.get("/queue").status_code == 200

    @pytest.mark.parametrize(
        "form",
        [
            {"email": "me@x.example", "password": "wrong-horse-battery-staple"},
            {"email": "nobody@x.example", "password": factories.PASSWORD},
            {"email": "' or 1=1 --", "password": "x"},
            {"email": "me\0@x.example", "password": "\0"},
            {"email": "me@x.example\n", "password": "x" * 100_000},
            {},
        ],
    )
    def test_with_anything_else_says_the_same_to_all(self, app, of, form):
        factories.person(
            of.asked, Role.OFFICER, password=factories.PASSWORD, email="me@x.example"
        )
        visitor = stranger(app)
        visitor.get("/sign-in")
        response = visitor.post("/sign-in", form)
        assert response.status_code in (200, 401, 422)
        assert "do not match an account" in shown(response.text)
        assert visitor.get("/queue").status_code == 303

    @pytest.mark.parametrize("back", ["//evil.example", "/\\evil.example", "http://e"])
    def test_never_leads_to_another_site(self, app, of, back):
        factories.person(
            of.asked, Role.OFFICER, password=factories.PASSWORD, email="me@x.example"
        )
        visitor = stranger(app)
        visitor.get("/sign-in")
        form = {"email": "me@x.example", "password": factories.PASSWORD}
        response = visitor.post("/sign-in", form, query_string={"next": back})
        assert re.match(r"/($|[^/\\])", response.location or "/")
        response = visitor.get("/language/fr", query_string={"back": back})
        assert response.location == "/"


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.ADMINISTRATOR])
def test_outgoing_messages_do_not_tell_whom_the_other_side_put_in_charge(app, of, role):
    request = factories.after(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    requested.assign(request.reference, of.actor(Trigger.ACKNOWLEDGE))
    factories.take(of, request, Trigger.ENQUIRE)
    mails = db.session.scalars(select(OutboxMessage)).all()
    theirs = [mail for mail in mails if mail.recipient == of.officer.email]
    for mail in mails:
        mail.last_error = f"550 {mail.recipient} is full"
    assert [mail for mail in theirs if mail.authority_id == of.asking.id]
    page = signed_in(app, factories.person(of.asking, role)).get("/outgoing").text
    assert of.officer.email not in page
    assert of.asked.name in page
    assert of.asked.email in page
    own = signed_in(app, factories.person(of.asked, role)).get("/outgoing").text
    assert of.investigator.email not in own


R = Role
CASE = {R.INVESTIGATOR, R.OFFICER, R.SUPERVISOR, R.AUDITOR}
FILE = {R.INVESTIGATOR, R.SUPERVISOR}
ALL = set(Role)
PAGES = {
    "/": ALL,
    "/queue": CASE,
    "/my-requests": CASE,
    "/trace-requests/new": FILE,
    "/points-of-contact": ALL,
    "/outgoing": {R.ADMINISTRATOR, R.SUPERVISOR},
    "/journal": {R.AUDITOR, R.SUPERVISOR},
    "/journal/checkpoints": {R.AUDITOR, R.SUPERVISOR},
    "/people": {R.ADMINISTRATOR},
    "/people/invite": {R.ADMINISTRATOR},
    "/account": ALL,
}


@pytest.mark.parametrize("role", list(Role))
def test_a_role_opens_the_pages_of_its_work_and_no_others(app, of, role):
    visitor = signed_in(app, factories.person(of.asking, role))
    for address, roles in PAGES.items():
        expected = 200 if role in roles else 403
        assert visitor.get(address).status_code == expected, address


@pytest.mark.parametrize("role", list(Role))
def test_the_way_around_leads_only_where_the_role_may_go(app, of, role):
    visitor = signed_in(app, factories.person(of.asking, role))
    page = visitor.get("/").text
    offered = re.findall(r'href="(/[^"]*)"', page.split("<main")[0])
    assert "/points-of-contact" in offered
    for address in offered:
        if not address.startswith("/static"):
            assert visitor.get(address).status_code in (200, 303), address


@pytest.mark.parametrize("role", list(Role))
def test_a_request_is_opened_by_the_roles_of_a_case(app, of, role):
    request = factories.sent(of)
    for home in (of.asking, of.asked):
        visitor = signed_in(app, factories.person(home, role))
        address = f"/trace-requests/{request.reference}"
        expected = 200 if role in CASE else 403
        assert visitor.get(address).status_code == expected


class TestAStranger:
    @pytest.fixture
    def visitor(self, app, of) -> Visitor:
        return signed_in(app, factories.person(None, Role.SUPERVISOR))

    def test_cannot_tell_a_foreign_reference_from_none(self, app, of, visitor):
        request = factories.sent(of)
        rules = [r for r in pages_of(app) if "<reference>" in r.rule]
        tried = 0
        for rule in rules:
            for method in {"GET", "POST"} & (rule.methods or set()):
                answers = []
                for reference in (request.reference, NEVER):
                    address = rule.rule.replace("<reference>", reference)
                    address = address.replace("<step>", "acknowledge")
                    ask = visitor.get if method == "GET" else visitor.post
                    response = ask(address)
                    body = re.sub(r"<time .*?</time>", "", response.text)
                    body = body.replace(reference, "…")
                    body = re.sub(r'name="csrf_token" value="[^"]*"', "", body)
                    answers.append((response.status_code, body))
                assert answers[0] == answers[1], (method, rule.rule)
                assert answers[0][0] == 404, (method, rule.rule)
                tried += 1
        assert tried >= 10

    def test_cannot_find_it_by_typing_it_or_by_the_link_of_a_mail(self, of, visitor):
        request = factories.sent(of)
        found = visitor.post("/find", {"reference": request.reference})
        assert found.status_code == 404
        assert visitor.get(f"/go/{request.mail_number}").status_code == 404

    def test_sees_nothing_of_it_in_any_list(self, of, visitor):
        request = factories.sent(of)
        for address in ("/", "/queue", "/my-requests", "/outgoing"):
            assert request.reference not in visitor.get(address).text


def test_a_draft_is_not_there_for_the_other_side(app, of):
    draft = factories.draft(of)
    visitor = signed_in(app, of.officer)
    for end in ("", "/edit", "/check", "/steps/note"):
        address = f"/trace-requests/{draft.reference}{end}"
        assert visitor.get(address).status_code in (403, 404)
        assert "АВ" not in visitor.get(address).text


def test_a_note_is_read_at_home_alone(app, of):
    request = factories.sent(of)
    factories.take(of, request, Trigger.NOTE)
    address = f"/trace-requests/{request.reference}"
    assert "Which years?" in signed_in(app, of.officer).get(address).text
    assert "Which years?" not in signed_in(app, of.investigator).get(address).text


def test_no_address_tells_a_serial_a_name_or_a_place(app, of):
    request = factories.after(of, *factories.WAY_TO[Trigger.CLOSE])
    factories.draft(of)
    rules = {rule.rule for rule in get_rules(app)}
    arguments = {
        name for rule in rules for name in re.findall(r"<(?:\w+:)?(\w+)>", rule)
    }
    assert arguments <= {
        *("reference", "step", "code", "number", "filename", "token", "form"),
        *("event", "name"),
    }
    for person in (of.investigator, of.officer):
        visitor = signed_in(app, person)
        for address in ("/", "/queue", "/my-requests", "/points-of-contact"):
            page = visitor.get(address).text
            for link in re.findall(r'(?:href|action|src)="([^"]*)"', page):
                # The number of a request holds digits by chance, never these.
                assert not re.search(r"04.7|%D0|Exampleson|Kibera", link), link
        page = visitor.get(f"/trace-requests/{request.reference}").text
        for link in re.findall(r'(?:href|action|src)="([^"]*)"', page):
            assert "Exampleson" not in link
            assert "%D0%90" not in link


@pytest.mark.parametrize(("code", "direction"), [("ar", "rtl"), ("fr", "ltr")])
def test_the_language_that_is_chosen_stays_chosen(app, of, code, direction):
    visitor = signed_in(app, of.officer)
    response = visitor.get(f"/language/{code}", query_string={"back": "/queue"})
    assert response.location == "/queue"
    page = visitor.get("/queue").text
    assert f'<html lang="{code}" dir="{direction}"' in page


@pytest.mark.parametrize(
    "address",
    [
        "/points-of-contact/%00",
        "/points-of-contact/%ff%fe",
        "/points-of-contact?country=%00%00&instrument=%00&language=%00&after=%00",
        "/queue?country=%00&state=%00&view=%00&rows=%00",
        "/my-requests?country=%F0%9F%98%80&state=draft&view=x&rows=99999999999999999999",
        "/language/%00?back=%00",
        "/trace-requests/%00",
        "/go/%00",
        "/go/2026-%D9%A0%D9%A0%D9%A0%D9%A0%D9%A0%D9%A0%D9%A0A",
        "/static/..%2f..%2fpyproject.toml",
        "/static/%2e%2e/wsgi.py",
    ],
)
def test_an_address_of_nonsense_is_answered_calmly(app, of, address):
    response = signed_in(app, of.officer).get(address)
    assert response.status_code in (200, 303, 400, 404)


@pytest.mark.parametrize("at", ["x", "\0", "a.b.c", "é", "W10.sig", "x" * 5000])
def test_a_broken_place_in_a_list_is_told_and_not_guessed(app, of, at):
    visitor = signed_in(app, of.officer)
    for address in ("/queue", "/my-requests"):
        assert visitor.get(address, query_string={"at": at}).status_code == 400


def test_the_place_of_another_authority_is_not_taken(app, of):
    rows = [factories.listed(of, due=factories.datetime.now(factories.UTC))] * 1
    for _ in range(30):
        rows.append(factories.listed(of, due=rows[0].due))
    page = signed_in(app, of.officer).get("/queue").text
    at = re.search(r'href="([^"]*at=[^"]*)"[^>]*rel="next"', page)
    assert at
    address = at[1].replace("&amp;", "&")
    assert signed_in(app, of.officer).get(address).status_code == 200
    # Nor does it tell anybody a number of the table, which counts those of all.
    place = parse_qs(urlsplit(address).query)["at"][0]
    assert rows[0].due.date().isoformat().encode() not in b64decode(place, b"-_")
    other = factories.person(None, Role.OFFICER)
    assert signed_in(app, other).get(address).status_code == 400


def test_a_reader_walks_the_queue_by_its_links_and_meets_each_request_once(app, of):
    due = factories.datetime.now(factories.UTC)
    expected = {factories.listed(of, due=due).reference for _ in range(60)}
    visitor, address, met = signed_in(app, of.officer), "/queue", []
    while address:
        page = visitor.get(address).text
        met += re.findall(r'scope="row".*?/trace-requests/([\w-]+)"', page)
        found = re.search(r'href="([^"]*)"[^>]*rel="next"', page)
        address = found[1].replace("&amp;", "&") if found else ""
    assert len(met) == 60
    assert set(met) == expected
