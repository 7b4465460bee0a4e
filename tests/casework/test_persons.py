"""One person's data: all of it, signed, with a reason, and entered in the journal."""

import json

import pytest
from flask import current_app
from sqlalchemy import select

from tests import factories
from tests.journal.conftest import entries
from tests.visitors import shown, signed_in
from tracing.accounts import letters
from tracing.casework import persons
from tracing.cli.privacy import export_person
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import READS, Kind
from tracing.models import OutboxMessage
from workflows.facts import Permission, PermissionRequest
from workflows.policies import Role
from workflows.states import Trigger
from workflows.vocabulary import InformationItem, Use

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


def visitor_of(app, side, *roles):
    """An administrator at the form."""
    visitor = signed_in(app, factories.person(side, Role.ADMINISTRATOR, *roles))
    visitor.get("/kept/person")
    return visitor


@pytest.fixture
def administrator(app, of):
    return visitor_of(app, of.asked)


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
    assert entries(of.asked.id, Kind.PERSON_EXPORTED)


def test_each_request_is_entered_on_both_sides_and_the_reason_at_home_alone(
    administrator, cases, of
):
    ask(administrator)
    told = {case.reference: {"persons": [case.persons[0].id]} for case in cases[:2]}
    for side in (of.asking, of.asked):
        found = entries(side.id, Kind.PERSON_EXPORTED)
        assert {one.said["object"]: one.payload for one in found} == told
        assert {one.said["by"] for one in found} == {of.asked.code}
    assert entries(of.asking.id, Kind.SEARCHED) == []
    why = entries(of.asked.id, Kind.SEARCHED)
    assert {one.said["object"] for one in why} == set(told)
    assert {one.payload["reason"] for one in why} == {REASON}
    assert Kind.PERSON_EXPORTED in READS


def test_what_stands_around_the_person_is_for_who_opens_cases(app, cases, of):
    """The role administrator opens none."""
    found = {}
    for roles in ((), (Role.OFFICER,)):
        visitor = visitor_of(app, of.asked, *roles)
        found[roles] = json.loads(ask(visitor).text)["occurrences"][0]
    bare, whole = found.values()
    assert {"find", "item", "basis"}.isdisjoint(bare)
    assert bare["person"] == whole["person"]
    assert whole["find"]["circumstances"].startswith("Found under a seat")


@pytest.mark.parametrize("item", [None, "PERSONS"])
def test_what_who_asked_restricts_stays_in_the_service(app, of, item):
    """Firearms Protocol 12(5), UNTOC 18(19): only with permission."""
    code = {"basis_handling": "H2"}
    if item is not None:
        rows = "basis_item_restrictions-0"
        code = {f"{rows}-item": item, f"{rows}-handling": "H2"}
    case = factories.after(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE, **code)

    def taken(side):
        visitor = visitor_of(app, side, Role.SUPERVISOR)
        (one,) = json.loads(ask(visitor).text)["occurrences"]
        return one.get("withheld"), "family_name" in one["person"], "find" in one

    codes = {"PERSONS": "H2"} | ({} if item else {"TEXT": "H2"})
    assert taken(of.asked) == (codes, False, bool(item))
    assert taken(of.asking) == (None, True, True)
    wanted = InformationItem(item or "WHOLE")
    officer = factories.actor_of(of.officer)
    said = PermissionRequest(Use.EXPORT, (wanted,), "For the person concerned.")
    factories.take(of, case, Trigger.ASK_PERMISSION, said, actor=officer)
    given = Permission(factories.last_event(case).position, "")
    asking = factories.actor_of(of.investigator)
    factories.take(of, case, Trigger.GIVE_PERMISSION, given, actor=asking)
    assert taken(of.asked) == (None, True, True)


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
    (entry,) = entries(of.asked.id, Kind.SEARCHED)
    assert entry.payload == {"found": 0}


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


def command(app, *given):
    db.session.commit()
    db.session.remove()
    return app.test_cli_runner().invoke(export_person, [*map(str, given)])


def test_the_command_writes_a_private_file_and_opens_no_case(app, cases, of, tmp_path):
    """Nobody of the authority did it: the system is named, and the authority told."""
    roles = (Role.ADMINISTRATOR, Role.SUPERVISOR)
    address, file = factories.person(of.asking, *roles).email, tmp_path / "person.json"
    asking, asked, mailbox = of.asking.id, of.asked.id, of.asking.email
    done = command(app, address, "Exampleson", file, "--reason", REASON)
    assert done.exit_code == 0, done.output
    assert file.stat().st_mode & 0o777 == 0o600
    found = json.loads(file.read_text())["occurrences"]
    assert len(found) == 3
    assert "find" not in found[0]
    for chain, count in ((journal.SYSTEM, 3), (asking, 3), (asked, 2)):
        taken = entries(chain, Kind.PERSON_EXPORTED)
        assert len(taken) == count
        assert {one.said["by"] for one in taken} == {journal.SYSTEM_NAME}
        assert all("actor" not in one.said for one in taken)
    assert len(entries(asking, Kind.SEARCHED)) == 3
    assert entries(asked, Kind.SEARCHED) == []
    told = db.session.scalars(
        select(OutboxMessage).where(OutboxMessage.event == letters.ACCOUNT)
    ).one()
    assert (told.recipient, told.facts["news"]) == (mailbox, "person_taken")


def test_the_command_works_for_no_account_that_is_shut(app, cases, of, tmp_path):
    account = factories.person(of.asking, Role.ADMINISTRATOR, active=False)
    file = tmp_path / "person.json"
    for address in (account.email, "nonsense"):
        done = command(app, address, "Exampleson", file, "--reason", REASON)
        assert done.exit_code == 1, done.output
    assert not file.exists()
