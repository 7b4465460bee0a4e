"""The log: a line for each request, and no word of what people typed."""

import io
import json
import logging
import re

import pytest

from tests import factories
from tests.environ import SECRETS
from tests.visitors import signed_in, stranger
from tracing import logs
from workflows.policies import Role


@pytest.fixture(params=["json", "text"])
def written(request):
    """What goes to the log, in both forms, from the least important line on."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logs.formatter(request.param))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield request.param, out
    root.removeHandler(handler)
    root.setLevel(level)


CANARY = "CANARYbird"
SAYS = re.compile(r"canary|CANARY|Exampleson|Ewa|people\.example|2026-[A-Z]{2}-")


def test_what_people_type_is_in_no_line(app, session, written):
    kind, out = written
    of = factories.sides(name=f"{CANARY} Person")
    request = factories.sent(of)
    of.investigator.email = f"{CANARY.lower()}@people.example"
    session.commit()
    someone, nobody = signed_in(app, of.investigator), stranger(app)
    for address in (
        f"/?q={CANARY}",
        f"/trace-requests/{request.reference}",
        f"/trace-requests/{request.reference}?{CANARY}=1",
        f"/trace-requests/{CANARY}",
        f"/{CANARY}",
        f"/my-requests?q={CANARY}&sort={CANARY}",
        f"/points-of-contact?q={CANARY}",
        "/healthz",
        "/readyz",
    ):
        someone.get(address, headers={"User-Agent": CANARY, "Referer": f"/{CANARY}"})
        nobody.get(address)
    form = factories.complete_form(of.asked) | {
        "persons-persons-0-family_name": CANARY,
        "markings-serial": CANARY,
        "form_key": CANARY,
    }
    someone.post("/trace-requests/new", form)
    someone.post(f"/trace-requests/{request.reference}/note", {"text": CANARY})
    nobody.post("/sign-in", {"email": f"{CANARY}@people.example", "password": CANARY})
    said = out.getvalue()
    requests = [line for line in said.splitlines() if "route" in line]
    assert len(requests) >= 20
    assert not SAYS.search(said), SAYS.search(said)
    if kind == "json":
        for line in said.splitlines():
            json.loads(line)


def test_a_request_is_one_line_with_its_template(app, session, written):
    kind, out = written
    if kind == "text":
        pytest.skip("the same facts, as words")
    officer = factories.person(None, Role.OFFICER)
    visitor = signed_in(app, officer)
    out.truncate(0)
    out.seek(0)
    visitor.get("/trace-requests/2026-KE-0000001A?x=1")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    (found,) = [line for line in lines if line["event"] == "request"]
    assert found["route"] == "/trace-requests/<reference>"
    assert (found["method"], found["status"]) == ("GET", 400)
    assert found["level"] == "info"
    assert found["ms"] >= 0
    assert re.fullmatch(r"[0-9a-f]{16}", found["request_id"])
    assert re.match(r"\d{4}-\d\d-\d\dT.*\+00:00", found["time"])


def test_an_exception_is_told_by_its_kind_and_its_way(app, session, written):
    kind, out = written
    app.extensions["tracing.metrics"] = None  # breaks the page of figures

    def broken() -> str:
        raise ValueError(f"cannot read {CANARY} of a.b@people.example")

    app.view_functions["home.health"] = broken
    stranger(app).get("/healthz")
    said = out.getvalue()
    assert "ValueError" in said
    assert "in broken" in said
    assert not re.search(r"CANARYbird of|people\.example", said)
    if kind == "json":
        line = next(line for line in said.splitlines() if "unexpected" in line)
        assert "request_id" in json.loads(line)


def test_an_error_of_the_database_carries_no_values(app, session):
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    with pytest.raises(SQLAlchemyError) as raised:
        session.execute(text("SELECT nothing FROM nowhere WHERE a = :a"), {"a": CANARY})
    session.rollback()
    assert CANARY not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("no such mailbox a.b@c.example", "no such mailbox (address)"),
        ("request 2026-KE-0041732K is late", "request (reference) is late"),
        ("GET https://x.example/a?token=1 failed", "GET https://x.example/a failed"),
    ],
)
def test_other_lines_pass_a_sieve(text, left):
    assert logs.sifted(text) == left


def test_the_kind_is_chosen_by_a_setting(tmp_path):
    from tracing.config import SettingsError, load

    found = load(tmp_path, SECRETS | {"TRACING_LOG_FORMAT": "json"})
    assert isinstance(logs.formatter(found.log_format), logs.Json)
    with pytest.raises(SettingsError, match="text or json"):
        load(tmp_path, SECRETS | {"TRACING_LOG_FORMAT": "xml"})
