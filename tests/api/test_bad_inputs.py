"""Bad input at the interface: a problem document, nothing changed, and quickly."""

import base64
import time

import pytest

from tests import factories
from tests.api.drafts import draft_for
from tests.factories import files
from tests.programs import program
from tracing.accounts.sessions import utc_now
from tracing.accounts.tokens import Scope

JSON = "application/json"
BODIES = {
    "J01": (b"", JSON, 400, "bad_json"),
    "J02": (b"{recipient: 'XB'}", JSON, 400, "bad_json"),
    "J07": (b'{"weapon":{"year":NaN}}', JSON, 400, "bad_json"),
    "J08": (b'{"weapon":{"year":1e999}}', JSON, 400, "bad_json"),
    "J09": (b'{"weapon":{"year":' + b"9" * 5000 + b"}}", JSON, 400, "bad_json"),
    "J10": (b"[" * 2000 + b"]" * 2000, JSON, 400, "bad_json"),
    "J11": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, JSON, 400, "bad_json"),
    "J12": (b'[{"recipient":"XB"}]', JSON, 400, "bad_json"),
    "J14": (b"null", JSON, 400, "bad_json"),
    "J16": ('{"recipient":"XB"}'.encode("utf-16"), JSON, 400, "bad_json"),
    "J17": (base64.b64decode("eyJub3RlcyI6IsCvIn0="), JSON, 400, "bad_json"),
    "J18": (b"{}", "text/plain", 415, "unsupported_type"),
    "J21": (b'{"notes":"' + b"x" * 3_000_000 + b'"}', JSON, 413, "too_large"),
    "a key twice": (b'{"item":{},"item":{}}', JSON, 400, "bad_json"),
    "a form": (b"item=1", "application/x-www-form-urlencoded", 415, "unsupported_type"),
    "another charset": (b"{}", f"{JSON}; charset=utf-7", 415, "unsupported_type"),
}
LONGEST = 120


def is_a_problem(answer, status, code):
    said = answer.json
    assert (answer.status_code, said["code"]) == (status, code), answer.text
    assert answer.mimetype == "application/problem+json"
    assert said["type"].endswith(code)
    for words in (said["title"], *(e["detail"] for e in said.get("errors", ()))):
        assert len(words.split()) >= 2
        assert len(words) <= LONGEST
    return said


@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_answered_as_it_should_be(asking, everything, name):
    body, kind, status, code = BODIES[name]
    before, started = everything(), time.thread_time()
    answer = asking.post("requests", body, Content_Type=kind)
    assert time.thread_time() - started < 2
    is_a_problem(answer, status, code)
    assert "XB" not in answer.text
    assert everything() == before


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [
        ("item", "year", "1998"),
        ("item", "kind", {"$ne": ""}),
        ("item", "make", 7),
        ("basis", "confidentiality_guaranteed", "true"),
        ("basis", "illicit_limbs", "ILLICIT_LOCAL_LAW"),
        ("markings", "marks", {}),
        ("markings", "serial", "A\x00B"),
        ("persons", "persons", [{"role": "POSSESSOR", "born": "2024-W01-1"}]),
    ],
)
def test_a_field_is_of_its_kind(asking, of, everything, section, field, value):
    before = everything()
    answer = asking.post("requests", draft_for(of.asked, **{section: {field: value}}))
    said = is_a_problem(answer, 422, "invalid")
    (fault,) = said["errors"]
    assert fault["pointer"].startswith(f"/{section}/{field}")
    assert everything() == before


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        ("", "sender", "XC"),
        ("", "reference", "2026-KE-0000017M"),
        ("", "requesting_id", 1),
        ("find", "link", "javascript:alert(1)"),
        ("item", "<script>", "1"),
    ],
)
def test_what_is_no_field_is_refused_and_not_repeated(asking, of, place, name, value):
    body = draft_for(of.asked)
    (body[place] if place else body)[name] = value
    said = is_a_problem(asking.post("requests", body), 422, "invalid")
    (fault,) = said["errors"]
    assert fault["code"] == "unknown_field"
    assert fault["pointer"] == (f"/{place}" if place else "")


def test_the_same_key_of_two_authorities_is_two_keys(app, asking, of):
    far = factories.sides()
    other = program(app, far.investigator)
    one = asking.post("requests", draft_for(of.asked), Idempotency_Key="shared")
    two = other.post("requests", draft_for(far.asked), Idempotency_Key="shared")
    assert (one.status_code, two.status_code) == (201, 201)
    assert one.json["reference"] != two.json["reference"]


@pytest.mark.parametrize("text", ['"abc', "nosuch:x", "a' OR 1=1 --", "%_*", "ʼ" * 150])
def test_a_search_takes_any_text_as_plain_words(asking, text):
    answer = asking.post("searches", {"name": text})
    assert answer.status_code in (201, 422)
    if answer.status_code == 201:
        assert answer.json["items"] == []


def test_a_file_is_what_its_digest_says(asking, of):
    href = asking.post("requests", draft_for(of.asked)).json["href"]
    kind = {"Content_Type": "application/octet-stream"}
    wrong = asking.post(
        f"{href}/files", files.png((9, 9)), Content_Digest="sha-256=:AAAA:", **kind
    )
    is_a_problem(wrong, 422, "checksum")
    assert asking.get(f"{href}/files").json["items"] == []


def test_a_token_that_is_revoked_or_made_for_less_does_not_do_it(app, of):
    revoked = program(app, of.investigator, revoked_at=utc_now())
    is_a_problem(revoked.get("requests"), 401, "token_missing")
    reads = program(app, of.investigator, Scope.READ)
    is_a_problem(reads.post("requests", draft_for(of.asked)), 403, "scope_missing")


def test_a_body_of_unknown_length_or_packed_is_not_read(asking):
    packed = asking.post("requests", b"{}", Content_Encoding="gzip")
    is_a_problem(packed, 415, "unsupported_type")


@pytest.mark.parametrize("method", ["DELETE", "TRACE", "PUT"])
def test_an_address_says_which_methods_it_takes(asking, method):
    answer = asking.call(method, "requests")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    if method != "HEAD":
        is_a_problem(answer, 405, "method_not_allowed")
