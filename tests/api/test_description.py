"""The description is that of the operations: neither lacks what the other has."""

import json
import re
from pathlib import Path

import pytest

from tests.visitors import signed_in, stranger
from tracing.accounts.tokens import Scope
from tracing.api import documents
from tracing.api.problems import CODES
from tracing.security.programs import ROOT

COPY = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
PAGE = COPY.with_name("api.md")


@pytest.fixture
def description(app):
    return documents.described(app)


def operations(description):
    for path, methods in description["paths"].items():
        for method, said in methods.items():
            if isinstance(said, dict) and "responses" in said:
                yield path, method.upper(), said


def test_every_operation_is_described_and_nothing_else(app, description):
    there = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(ROOT) and rule.endpoint != "api.nothing"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(path, method) for path, method, _ in operations(description)} == there


def test_every_operation_says_what_it_is_for_with_an_example(description):
    for path, method, said in operations(description):
        assert said["summary"].endswith("."), path
        assert Scope(said["x-scope"])
        (good,) = [code for code in said["responses"] if code < "300"]
        content = said["responses"][good]["content"]
        for one in content.values():
            assert "example" in one or one["schema"] == {"type": "string"}, path
        names = {p.get("name") for p in said.get("parameters", ())}
        assert ("Idempotency-Key" in names) is (method != "GET"), (path, method)


def test_the_copy_in_the_documents_is_the_description(description):
    kept = json.loads(COPY.read_text("utf-8"))
    assert kept == description, "write docs/openapi.json anew: tracing openapi"


def test_the_page_names_every_scope(description):
    text = PAGE.read_text("utf-8")
    assert all(f"`{scope}`" in text for scope in Scope)
    assert all(400 <= status < 600 for status, _words in CODES.values())


def test_the_description_is_drawn_for_who_is_signed_in_without_the_network(app, of):
    assert stranger(app).get("/interface").status_code == 303
    visitor = signed_in(app, of.investigator)
    page = visitor.get("/interface")
    assert page.status_code == 200
    for address in re.findall(r'(?:src|href|data-description)="([^"]+)"', page.text):
        assert address.startswith("/")
        assert visitor.get(address).status_code == 200
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert "<script>" not in page.text
