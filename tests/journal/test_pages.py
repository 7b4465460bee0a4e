"""The journal on pages: for those who may, of one's own authority, and no other."""

import re

import pytest
from sqlalchemy import text

from tests import factories
from tests.factories import WAY_TO
from tests.journal import forger, second
from tests.journal.conftest import entries
from tests.visitors import shown, signed_in
from tracing.casework import persons
from tracing.extensions import db
from tracing.journal import checkpoints
from tracing.journal.kinds import Kind
from tracing.journal.verify import check_export, read_checkpoint
from workflows.facts import Answers, Permission, PermissionRequest
from workflows.policies import CASE_ROLES, Role
from workflows.states import Trigger
from workflows.vocabulary import HandlingCode, InformationItem, Use

READERS = {Role.AUDITOR, Role.SUPERVISOR}


@pytest.fixture
def request_(app, of):
    """A request that both sides have worked on and opened."""
    made = factories.after(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE, Trigger.NOTE)
    for person in (of.investigator, of.officer):
        signed_in(app, person).get(f"/trace-requests/{made.reference}")
    return made


@pytest.fixture
def auditor_of(app):
    def auditor_of(authority):
        return signed_in(app, factories.person(authority, Role.AUDITOR))

    return auditor_of


def address_of(request):
    return f"/trace-requests/{request.reference}/journal"


@pytest.mark.parametrize("role", list(Role))
def test_it_is_read_by_auditors_and_supervisors(app, of, request_, role):
    visitor = signed_in(app, factories.person(of.asking, role))
    expected = 200 if role in READERS else 403
    case = role in CASE_ROLES
    for address in ("/journal", "/journal/checkpoints"):
        assert visitor.get(address).status_code == expected
    found = visitor.get(address_of(request_)).status_code
    assert found == (expected if case else 404)
    assert visitor.post("/journal/export").status_code == expected
    page = visitor.get(f"/trace-requests/{request_.reference}")
    assert (address_of(request_) in page.text) is (role in READERS)


def test_each_side_reads_its_own_people_by_name_and_the_other_by_authority(
    of, request_, auditor_of
):
    asking = shown(auditor_of(of.asking).get(address_of(request_)).text)
    asked = shown(auditor_of(of.asked).get(address_of(request_)).text)
    for page, own, other in (
        (asking, of.investigator, of.officer),
        (asked, of.officer, of.investigator),
    ):
        assert own.name in page
        assert other.name not in page
        assert other.authority.name in page
        assert "Request opened" in page
        assert "Receipt confirmed" in page
    assert "Internal note written" in asked
    assert "Internal note written" not in asking


def test_who_has_seen_a_request_is_one_click_away(of, request_, auditor_of):
    visitor = auditor_of(of.asking)
    page = visitor.get(f"{address_of(request_)}?view=seen").text
    assert "Exampleson" in page
    assert of.investigator.name in page
    assert of.asked.name in page
    assert "Receipt confirmed" not in page


def test_who_has_seen_a_person_starts_from_the_person(app, of):
    two = {
        "persons_persons-1-role": "SUSPECT",
        "persons_persons-1-family_name": "Otherson",
        "persons_persons-1-sex": "UNKNOWN",
    }
    case = factories.after(of, Trigger.SUBMIT, **two)
    signed_in(app, of.officer).get(f"/trace-requests/{case.reference}")
    keeper = factories.actor_of(factories.person(of.asked, Role.ADMINISTRATOR))
    reference, authority = case.reference, of.asking
    supervisor = signed_in(app, factories.person(authority, Role.SUPERVISOR))
    persons.export(keeper, "Otherson", "Otherson has asked what is kept of him.")
    address = f"/trace-requests/{reference}/journal?person="
    page = supervisor.get(f"/trace-requests/{reference}").text
    assert all(f"{address}{number}" in page for number in (1, 2))
    first, second_ = (supervisor.get(f"{address}{n}").text for n in (1, 2))
    assert "Exampleson" in first
    assert "Otherson" not in first
    assert "Request opened" in first
    assert "Data of a person exported" not in first
    assert "Data of a person exported" in second_
    assert "Request opened" in second_
    assert supervisor.get(f"{address}3").status_code == 404
    assert supervisor.get(f"{address}0").status_code == 404
    assert supervisor.get(f"{address}x").status_code == 400


def test_a_third_authority_is_told_that_there_is_nothing(of, request_, auditor_of):
    visitor = auditor_of(None)
    assert visitor.get(address_of(request_)).status_code == 404
    page = visitor.get("/journal").text
    assert request_.reference not in page
    exported = visitor.post("/journal/export").text
    assert request_.reference not in exported
    page = visitor.get("/journal", query_string={"reference": request_.reference}).text
    assert page.count(request_.reference) == 1  # in the filter, as it was typed


@pytest.mark.parametrize(
    ("query", "shows", "hides"),
    [
        ({"kind": "acknowledge"}, "Receipt confirmed", "Request opened</"),
        ({"since": "2999-01-01"}, "No entries", "<tbody>"),
        ({"until": "2000-01-01"}, "No entries", "<tbody>"),
        ({"until": "9999-12-31", "since": "2000-01-01"}, "Receipt", "No entries"),
        ({"reference": "2026-KE-0000001X"}, "No entries", "<tbody>"),
        ({"before": "1"}, "No entries", "<tbody>"),
    ],
)
def test_filters_narrow(of, request_, auditor_of, query, shows, hides):
    response = auditor_of(of.asked).get("/journal", query_string=query)
    assert response.status_code == 200
    assert shows in shown(response.text)
    table = response.text.partition("<main")[2].partition("</form>")[2]
    assert hides not in table


@pytest.mark.parametrize(
    "query",
    [
        {"kind": "nonsense"},
        {"since": "x", "until": "2000-13-45"},
        {"since": "2026-02-01", "until": "2026-01-01"},
        {"person": "٣"},
        {"before": "²"},
        {"before": "9" * 30},
        {"reference": "\0"},
    ],
)
def test_nonsense_narrows_nothing_and_is_told(of, request_, auditor_of, query):
    response = auditor_of(of.asked).get("/journal", query_string=query)
    assert response.status_code == 400
    assert "could not read its address" in shown(response.text)


def test_a_person_narrows_to_what_that_person_did(of, request_, auditor_of):
    visitor = auditor_of(of.asked)
    page = visitor.get("/journal", query_string={"person": of.officer.id}).text
    rows = re.findall(r"<tr>\s*<th scope=\"row\".*?</tr>", page, re.DOTALL)
    assert rows
    assert all(of.officer.name in row for row in rows)
    foreign = {"person": of.investigator.id}
    assert "Receipt confirmed" in visitor.get("/journal", query_string=foreign).text


def test_the_links_lead_through_every_entry_once(of, request_, auditor_of):
    for n in range(70):
        factories.take(of, request_, Trigger.ENQUIRE, factories.Text(f"n {n}"))
    visitor, address, met = auditor_of(of.asked), "/journal?kind=enquire", []
    while address:
        page = visitor.get(address).text
        met += map(int, re.findall(r'<th scope="row"[^>]*>(\d+)<', page))
        following = re.search(r'href="([^"]*)"[^>]*rel="next"', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert met == [e.seq for e in entries(of.asked.id, Kind.ENQUIRE)][::-1]
    assert len(met) == 70


def test_every_page_that_shows_a_request_is_entered(app, of):
    """A draft that is not sent yet, and what an onward request would carry."""
    visitor = signed_in(app, of.investigator)
    visitor.get("/account")

    def reads(made):
        db.session.expire_all()
        found = entries(of.asking.id, Kind.READ)
        return [one for one in found if one.said["object"] == made.reference]

    draft = factories.draft(of)
    sent = visitor.post(f"/trace-requests/{draft.reference}/submit", {"version": "1"})
    assert sent.status_code == 422
    assert len(reads(draft)) == 1
    answered = factories.after(of, *WAY_TO[Trigger.RESPOND])
    factories.take(
        of, answered, Trigger.RESPOND, factories.exported(factories.authority())
    )
    address = f"/trace-requests/{answered.reference}/onward"
    assert visitor.get(address).status_code == 200
    assert visitor.post(address).status_code == 422
    assert len(reads(answered)) == 2


def test_looking_into_the_journal_is_entered_as_well(of, request_, auditor_of):
    visitor = auditor_of(of.asking)
    visitor.get("/journal")
    visitor.get(address_of(request_))
    visitor.post("/journal/export")
    found = entries(of.asking.id, Kind.JOURNAL_READ, Kind.JOURNAL_EXPORTED)
    assert [e.kind for e in found] == [
        "journal_read",
        "journal_read",
        "journal_exported",
    ]
    assert found[1].said["object"] == request_.reference
    assert entries(of.asked.id, Kind.JOURNAL_READ) == []


def test_an_export_is_whole_and_of_one_authority(of, request_, auditor_of, tmp_path):
    checkpoints.make_all()
    response = auditor_of(of.asking).post("/journal/export")
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    (tmp_path / "x").write_bytes(response.data)
    report = check_export(tmp_path / "x")
    assert (report.level, report.chain) == (0, of.asking.code)
    assert of.investigator.name in response.text
    assert of.officer.name not in response.text


def test_what_the_other_state_restricts_stays_in_the_service(of, auditor_of, tmp_path):
    """Firearms Protocol 12(5), UNTOC 18(19): the entry goes, what it said does not."""
    request = factories.after(of, *WAY_TO[Trigger.RESPOND])
    said = factories.answer(
        handling=HandlingCode.H2, text="The maker's ledger says so."
    )
    factories.take(of, request, Trigger.RESPOND, said)

    def export(side):
        content = auditor_of(side).post("/journal/export").data
        (tmp_path / "x").write_bytes(content)
        report = check_export(tmp_path / "x")
        assert (report.level, second.level(content)) == (0, 0)
        assert ("withheld" in "".join(report.lines())) == bool(report.withheld)
        return report.withheld, b"ledger says so" in content

    assert export(of.asking) == (1, False)
    assert export(of.asked) == (0, True)
    asked = PermissionRequest(Use.EXPORT, (InformationItem.WHOLE,), "For our archive.")
    factories.take(of, request, Trigger.ASK_PERMISSION, asked)
    assert export(of.asking) == (1, False)
    given = Permission(factories.last_event(request).position, "")
    factories.take(of, request, Trigger.GIVE_PERMISSION, given)
    assert export(of.asking) == (0, True)


def test_what_who_asked_writes_under_its_code_stays_in_the_service(of, auditor_of):
    """Clarifications and questions hold what the code of the request is about."""
    steps = (Trigger.SUBMIT, Trigger.ACKNOWLEDGE, Trigger.ASK_CLARIFICATION)
    case = factories.after(of, *steps, basis_handling="H2")
    said = Answers(("The left one, says the neighbour.", "None."))
    factories.take(of, case, Trigger.CLARIFY, said)
    free = factories.after(of, *steps, Trigger.CLARIFY)

    def export(side):
        content = auditor_of(side).post("/journal/export").data
        assert second.level(content) == 0
        return b"says the neighbour" in content, b"The left one." in content

    assert export(of.asking) == (True, True)
    assert export(of.asked) == (False, True)
    officer = factories.actor_of(of.officer)
    asked = PermissionRequest(Use.EXPORT, (InformationItem.TEXT,), "For our archive.")
    factories.take(of, case, Trigger.ASK_PERMISSION, asked, actor=officer)
    given = Permission(factories.last_event(case).position, "")
    actor = factories.actor_of(of.investigator)
    factories.take(of, case, Trigger.GIVE_PERMISSION, given, actor=actor)
    assert export(of.asked) == (True, True)
    factories.take(of, case, Trigger.ENQUIRE, factories.Text("Ask the neighbour."))
    content = auditor_of(of.asked).post("/journal/export").data
    assert b"Ask the neighbour" not in content
    assert free.reference.encode() in content


def test_checkpoints_are_listed_and_handed_out_to_their_authority(
    of, request_, auditor_of
):
    made = {c.chain_id: c for c in checkpoints.make_all()}
    visitor = auditor_of(of.asking)
    own = made[of.asking.id]
    page = visitor.get("/journal/checkpoints").text
    address = f"/journal/checkpoints/{own.size}"
    assert address in page
    response = visitor.get(address)
    assert read_checkpoint(response.text).size == own.size
    assert response.text.startswith(own.note.partition("\n")[0])
    for nonsense in ("0", "1", "99999", "²", "x", "9" * 40):
        found = visitor.get(f"/journal/checkpoints/{nonsense}")
        assert found.status_code == 404
    foreign = f"/journal/checkpoints/{made[of.asked.id].size}"
    if made[of.asked.id].size != own.size:
        assert visitor.get(foreign).status_code == 404


def test_a_changed_entry_is_shown_in_red_with_what_to_do(of, request_, auditor_of):
    visitor = auditor_of(of.asking)
    assert "The journal was changed" not in visitor.get("/journal").text
    forger.disarm()
    db.session.execute(
        text("UPDATE journal_payload SET payload = '{}' WHERE chain_id = :c AND seq=2"),
        {"c": of.asking.id},
    )
    for address in ("/journal", address_of(request_)):
        page = shown(visitor.get(address).text)
        assert "The journal was changed" in page
        assert "Entry 2 is not as it was written" in page
        assert "tell the operator" in page
