"""One person's data: all of it, signed, with a reason, and entered in the journal."""

import json

import pytest
from flask import current_app

from tests import factories
from tests.journal.conftest import entries
from tests.visitors import shown, signed_in
from tracing.casework import persons
from tracing.cli.privacy import export_person
from tracing.journal.kinds import Kind
from workflows.policies import Role
from workflows.states import Trigger

REASON = "The person has asked what is kept, letter of 3 May."


@pytest.fixture
def of(session):
    return factories.sides()


@pytest.fixture
def cases(of):
    """Two requests that name her, one that names another, and a draft."""
    other = {"persons_persons-0-family_name": "Otherson"}
    found = [factories.sent(of), factories.after(of, Trigger.SUBMIT)]
    return [*found, factories.sent(of, **other), factories.draft(of)]


@pytest.fixture
def administrator(app, of):
    visitor = signed_in(app, factories.person(of.asked, Role.ADMINISTRATOR))
    visitor.get("/kept/person")
    return visitor


def ask(visitor, name="Ewa Exampleson", reason=REASON):
    return visitor.post("/kept/person", {"name": name, "reason": reason})


def test_every_occurrence_the_authority_may_see_is_in_it(administrator, cases, of):
    answer = ask(administrator)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    said = json.loads(answer.text)
    wanted = sorted(case.reference for case in cases[:2])
    assert sorted(one["request"] for one in said["occurrences"]) == wanted
    first = said["occurrences"][0]
    assert first["person"]["family_name"] == "Exampleson"
    assert first["find"]["circumstances"].startswith("Found under a seat")
    (entry,) = entries(of.asked.id, Kind.PERSON_EXPORTED)
    assert entry.payload["requests"] == wanted
    assert entry.payload["reason"] == REASON
    assert "Exampleson" not in entry.text


def test_a_request_that_is_kept_from_the_administrator_is_not_in_it(app, of):
    case = factories.after(of, Trigger.SUBMIT, **factories.CONFIDENTIAL)
    told = {}
    for side in (of.asking, of.asked):
        visitor = signed_in(app, factories.person(side, Role.ADMINISTRATOR))
        visitor.get("/kept/person")
        said = json.loads(ask(visitor).text)["occurrences"]
        told[side.id] = [one["request"] for one in said]
    assert told == {of.asking.id: [case.reference], of.asked.id: []}


def test_the_file_is_signed(administrator, cases):
    settings = current_app.extensions["tracing.settings"]
    text = ask(administrator).text
    assert persons.is_signed(text, settings)
    assert not persons.is_signed(text.replace("Ewa", "Eva"), settings)


def test_nobody_of_that_name_is_an_answer_too(administrator, cases, of):
    assert json.loads(ask(administrator, "Nobody Known").text)["occurrences"] == []
    assert entries(of.asked.id, Kind.PERSON_EXPORTED)


@pytest.mark.parametrize(("name", "reason"), [("", REASON), ("Ewa", "because")])
def test_it_needs_a_name_and_a_reason(administrator, cases, name, reason):
    answer = ask(administrator, name, reason)
    assert answer.status_code == 422
    assert "There is a problem" in shown(answer.text)


@pytest.mark.parametrize("role", [r for r in Role if r is not Role.ADMINISTRATOR])
def test_no_other_role_takes_it(app, cases, of, role):
    visitor = signed_in(app, factories.person(of.asked, role))
    visitor.get("/account")
    assert visitor.get("/kept/person").status_code == 403
    assert ask(visitor).status_code == 403


def test_a_third_authority_gets_nothing_and_a_late_one_is_asked_who(app, cases, of):
    third = signed_in(app, factories.person(None, Role.ADMINISTRATOR))
    third.get("/kept/person")
    assert json.loads(ask(third).text)["occurrences"] == []
    keeper = factories.person(of.asked, Role.ADMINISTRATOR)
    late = signed_in(app, keeper, minutes_ago=11)
    late.get("/account")
    assert ask(late).location.startswith("/confirm")


def test_the_command_writes_a_private_file(app, cases, of, tmp_path):
    account = factories.person(of.asking, Role.ADMINISTRATOR)
    address, file = account.email, tmp_path / "person.json"
    from tracing.extensions import db

    db.session.commit()
    db.session.remove()
    given = [address, "Exampleson", str(file), "--reason", REASON]
    done = app.test_cli_runner().invoke(export_person, given)
    assert done.exit_code == 0, done.output
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(json.loads(file.read_text())["occurrences"]) == 3
