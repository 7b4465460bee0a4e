"""What an address may carry: what a page does not take is told, on every page."""

import ast
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests import factories
from tests.programs import program
from tests.visitors import shown, signed_in, stranger
from tracing.security.programs import ROOT
from tracing.web import parameters
from workflows.policies import Role
from workflows.states import Trigger

CASE_ROLES = (Role.INVESTIGATOR, Role.OFFICER, Role.SUPERVISOR, Role.AUDITOR)
PAGES = Path(parameters.__file__).parent
LOOSE = {"signing.back"}
"""Another service leads here and may add what its standard lets it add."""


def address_of(rule):
    filled = re.sub(r"<int:\w+>", "1", rule.rule)
    return re.sub(r"<(?:\w+:)?\w+>", "note", filled)


@pytest.fixture
def everybody(app, of):
    """One person who may open every page there is, or nearly."""
    roles = set(Role) - {Role.OPERATOR}
    return signed_in(app, factories.person(of.asking, *roles))


def test_no_page_passes_over_what_it_does_not_know(app, everybody):
    asked, query, says = 0, "zzz[]=1", "does not know a part"
    for rule in app.url_map.iter_rules():
        if "GET" not in rule.methods or rule.endpoint in LOOSE:
            continue
        if rule.rule.startswith(ROOT):
            continue
        guest = rule.endpoint == "home.health" or rule.endpoint.startswith("signing.")
        visitor = stranger(app) if guest else everybody
        answer = visitor.get(f"{address_of(rule)}?{query}")
        if guest and answer.status_code == 303:
            answer = everybody.get(f"{address_of(rule)}?{query}")
        assert answer.status_code == 400, rule
        assert says in shown(answer.text), rule
        assert "zzz" not in shown(answer.text)
        asked += 1
    assert asked > 25


def test_no_operation_passes_over_what_it_does_not_know(app, of):
    client = program(app, factories.person(of.asking, *CASE_ROLES))
    asked = 0
    for rule in app.url_map.iter_rules():
        if "GET" not in rule.methods or not rule.rule.startswith(ROOT):
            continue
        if rule.endpoint == "api.nothing":
            continue
        answer = client.get(f"{address_of(rule)}?zzz[]=1")
        assert answer.json["code"] == "bad_query", rule
        assert "zzz" not in answer.json.get("detail", "")
        asked += 1
    assert asked > 10


def test_every_name_that_a_page_takes_is_taken_once(app, everybody):
    rules = {rule.endpoint: rule for rule in app.url_map.iter_rules()}
    for endpoint, row in parameters.TAKES.items():
        for name in row:
            if endpoint in LOOSE or endpoint.startswith("signing."):
                continue
            address = f"{address_of(rules[endpoint])}?{name}=1&{name}=1"
            if "GET" not in rules[endpoint].methods:
                continue
            answer = everybody.get(address)
            assert answer.status_code == 400, address
            assert "says the same thing twice" in shown(answer.text)


OUTSIDE = (
    "/queue?%00=1",
    "/queue?=",
    "/queue?rows=0",
    "/queue?rows=26",
    "/queue?rows=٢٥",
    "/queue?view=password_hash",
    "/queue?view=drafts",
    "/queue?state=draft",
    "/queue?state=nonsense",
    "/queue?country=XXX",
    "/queue?at=%00",
    "/my-requests?state=closed",
    "/my-requests?view=urgent",
    "/points-of-contact?instrument=nonsense",
    "/points-of-contact?after=" + "x" * 21,
    "/journal?person=-1",
    "/journal?before=" + "9" * 16,
    "/journal?since=20260101",
    "/people/1/rights?reference=" + "x" * 65,
    "/static/app.css?v=1",
)


def test_a_value_outside_its_list_or_its_bounds_is_told(everybody):
    for address in OUTSIDE:
        answer = everybody.get(address)
        assert answer.status_code == 400, address
        told = shown(answer.text)
        assert "Choose one on the page" in told or "does not know a part" in told


def test_an_empty_field_of_a_filter_says_nothing(everybody):
    for address in ("/queue?view=urgent&country=&state=", "/journal?person=&kind="):
        assert everybody.get(address).status_code == 200


def test_the_same_is_told_whether_or_not_the_request_exists(app, of):
    request = factories.after(of, Trigger.SUBMIT)
    third = signed_in(app, factories.person(None, Role.OFFICER))
    told = {
        re.sub(r"<time .*?</time>", "", third.get(f"/trace-requests/{name}?zzz").text)
        for name in (request.reference, "2026-KE-0000001X")
    }
    assert len({re.sub('back=[^"]*|csrf_token.*?>', "", page) for page in told}) == 1


def test_the_links_of_the_lists_are_taken(app, everybody, of):
    for _ in range(27):
        factories.listed(of, due=factories.datetime.now(factories.UTC))
    seen = set()
    for address in ("/", "/queue", "/my-requests", "/points-of-contact", "/journal"):
        page = everybody.get(address).text
        links = re.findall(r'(?:href|src)="(/[^"]*\?[^"]*)"', page)
        for link in {link.replace("&amp;", "&") for link in links} - seen:
            assert everybody.get(link).status_code < 400, link
            seen.add(link)
    names = {name for link in seen for name, _ in parse_qsl(urlsplit(link).query)}
    assert names >= {"view", "v", "back"}


def names_read(path):
    """Names that the code of a page reads from an address."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="args")),
                args=[ast.Constant(str(name)), *_],
            ):
                yield name
            case ast.Compare(
                left=ast.Constant(str(name)),
                comparators=[ast.Attribute(attr="args")],
            ):
                yield name


def test_each_name_that_a_page_reads_stands_in_the_table(app):
    read = {name for path in PAGES.rglob("*.py") for name in names_read(path)}
    taken = {name for row in parameters.TAKES.values() for name in row}
    assert {"view", "rows", "before", "download", "next"} <= read <= taken
    assert set(parameters.TAKES) <= {r.endpoint for r in app.url_map.iter_rules()}
