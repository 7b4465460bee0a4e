"""A file that comes in: believed in nothing, and a draft like any other."""

import io
import json
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from sqlalchemy import select

from tests import factories
from tests.exchange.documents import SECTIONS_OF_A_DRAFT, document
from tests.journal.conftest import entries
from tests.visitors import hidden, shown, signed_in
from tracing.casework import queries, sections
from tracing.exchange import files, importing, niem
from tracing.exchange.document import RESPONSE, Unfit, shape
from tracing.journal.kinds import Kind
from tracing.models import TraceRequest
from tracing.schemas.request import SECTIONS
from workflows.policies import Role
from workflows.states import State, Trigger

IMPORT = "/trace-requests/import"


@pytest.fixture
def drafts(session):
    """How many drafts there are."""
    return lambda: len(
        session.scalars(
            select(TraceRequest.id).where(TraceRequest.state == State.DRAFT)
        ).all()
    )


def send(visitor, body, **form):
    """Send a file; return the answer."""
    page = visitor.get(IMPORT).text
    data = {"form_key": hidden(page, "form_key"), **form}
    data["file"] = (io.BytesIO(body), "request.json")
    return visitor.post(IMPORT, data, content_type="multipart/form-data")


def made_of(answer, person):
    """The draft that a file led to."""
    reference = answer.location.split("/")[-2]
    return queries.by_reference(reference, factories.actor_of(person))


def bare(said, **changes):
    """A document without its signature."""
    return {k: v for k, v in (said | changes).items() if k != "signature"}


@pytest.mark.parametrize("form", ["json", "xml"])
def test_a_request_that_left_comes_back_without_loss(of, asking, taken, form, session):
    found = factories.draft(of, find_latitude="-1.2921", find_longitude="36.8")
    before = sections.read(found)
    said = taken(found, of.investigator)
    body = niem.write(said) if form == "xml" else json.dumps(said).encode()
    answer = send(asking, body)
    assert answer.status_code == 303
    again = made_of(answer, of.investigator)
    assert again.reference != said["request"]["reference"]
    assert sections.read(again) == before
    page = shown(asking.get(answer.location).text)
    assert "Signed by this installation, and unchanged since" in page


@tries(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SECTIONS_OF_A_DRAFT)
def test_whatever_a_draft_holds_goes_out_and_comes_in_the_same(of, taken, sections):
    actor = factories.actor_of(of.investigator)
    said, passes = document(sections), []
    said["request"]["requesting"]["code"] = of.asking.code
    for _time in range(2):
        given = {"form_key": uuid4().hex, "unvouched": True}
        made = importing.receive(json.dumps(said).encode(), actor, **given)
        found = queries.by_reference(made.reference, actor)
        said = taken(found, of.investigator)
        passes.append(said["request"].get("sections"))
    assert passes[0] == passes[1]


def test_the_journal_keeps_of_what_a_draft_was_made(of, asking, taken):
    said = taken(factories.sent(of), of.investigator)
    send(asking, json.dumps(said).encode())
    kept = entries(of.asking.id, Kind.DRAFTED)[-1].payload["imported"]
    assert kept["request"] == said["request"]["reference"]
    assert kept["signature"] == "own"


def test_a_changed_file_makes_nothing_though_somebody_answers_for_it(
    of, asking, taken, drafts
):
    said = taken(factories.sent(of), of.investigator)
    said["request"]["sections"]["item"]["make"] = "Another"
    answer = send(asking, json.dumps(said).encode(), unvouched="true")
    assert answer.status_code == 422
    assert "was changed since it was signed" in shown(answer.text)
    assert drafts() == 0


def test_a_file_nobody_vouches_for_needs_somebody_to_answer_for_it(
    of, asking, taken, drafts
):
    said = bare(taken(factories.sent(of), of.investigator))
    body = json.dumps(said).encode()
    answer = send(asking, body)
    assert answer.status_code == 422
    assert "Not signed" in shown(answer.text)
    assert 'name="unvouched"' in answer.text
    assert drafts() == 0
    assert send(asking, body, unvouched="true").status_code == 303
    assert drafts() == 1


def test_the_same_form_twice_makes_one_draft(of, asking, taken, drafts):
    body = json.dumps(taken(factories.sent(of), of.investigator)).encode()
    key = hidden(asking.get(IMPORT).text, "form_key")
    for _time in range(2):
        data = {"form_key": key, "file": (io.BytesIO(body), "a.json")}
        answer = asking.post(IMPORT, data, content_type="multipart/form-data")
        assert answer.status_code == 303
    assert drafts() == 1


def test_a_file_is_held_to_the_rules_of_the_form(of, asking, taken, drafts):
    said = bare(taken(factories.sent(of), of.investigator))
    said["request"]["sections"]["item"] |= {"make": "A" * 101, "colour": "red"}
    answer = send(asking, json.dumps(said).encode(), unvouched="true")
    assert answer.status_code == 422
    words = shown(answer.text)
    assert "Firearm, Make: Use at most 100 characters" in words
    assert "Leave this out" in words
    assert drafts() == 0


def test_a_date_that_has_passed_is_left_out_and_told(of, asking, taken):
    said = bare(taken(factories.sent(of), of.investigator))
    header = said["request"]["sections"]["header"]
    header |= {"requested_by": "2020-01-01", "requested_by_reason": "A trial."}
    answer = send(asking, json.dumps(said).encode(), unvouched="true")
    assert answer.status_code == 303
    assert made_of(answer, of.investigator).requested_by is None
    words = shown(asking.get(answer.location).text)
    assert "Left out: Date by which you need the answer" in words


def test_of_another_state_nothing_is_taken_over_that_it_does_not_let_pass_on(
    app, of, taken, drafts
):
    other = signed_in(app, factories.person(of.asked, Role.INVESTIGATOR))
    rows = {
        "basis_item_restrictions-0-item": "PERSONS",
        "basis_item_restrictions-0-handling": "H2",
    }
    said = taken(factories.draft(of, **rows), of.investigator)
    answer = send(other, json.dumps(said).encode())
    assert answer.status_code == 303
    page = asked = shown(other.get(answer.location).text)
    assert "does not permit to pass them on" in page
    assert "Exampleson" not in asked
    assert "this authority cannot be asked from here" in page
    whole = taken(factories.draft(of, basis_handling="H2"), of.investigator)
    answer = send(other, json.dumps(whole).encode())
    assert answer.status_code == 409
    assert drafts() == 3


def test_an_answer_makes_no_draft(of, asking, taken, drafts):
    made = factories.after(of, *factories.WAY_TO[Trigger.CLOSE])
    said = taken(made, of.investigator, kind=RESPONSE)
    answer = send(asking, json.dumps(said).encode())
    assert answer.status_code == 422
    assert "a draft is made of a request" in shown(answer.text)
    assert drafts() == 0


@pytest.mark.parametrize("body", [b"x", b"<a/>", b"{}", b"\xff\xfe<", b"\x00"])
def test_what_is_no_file_of_ours_is_told_so(of, asking, body, drafts):
    assert send(asking, body).status_code == 422
    assert asking.post(IMPORT, {}).status_code == 422
    assert drafts() == 0


EMPTY = (
    {"events": None},
    {"events": [{}]},
    {"withheld": None},
    {"signature": None},
    {"requested": None},
    {"sections": None},
    {"sections": {"basis": None}},
    {"sections": {"basis": {"item_restrictions": None}}},
    {"sections": {"basis": {"item_restrictions": [{}]}}},
    {
        "sections": {
            "basis": {
                "item_restrictions": [
                    {"item": "PERSONS", "handling": "H2", "allows": None}
                ]
            }
        }
    },
    {"sections": {"persons": {"persons": [{}]}}},
)


@pytest.mark.parametrize("said", EMPTY)
def test_nothing_where_something_may_stand_is_read_as_nothing(of, said, drafts):
    made, parts = document({}), {"requested", "sections"}
    made["request"] |= {k: v for k, v in said.items() if k in parts}
    made |= {k: v for k, v in said.items() if k not in parts}
    actor = factories.actor_of(of.investigator)
    given = {"form_key": uuid4().hex, "unvouched": True}
    importing.receive(json.dumps(made).encode(), actor, **given)
    assert drafts() == 1


@pytest.mark.parametrize("wrong", [{}, [None], 7, "x", [[]]])
@pytest.mark.parametrize("name", ["request", "requested", "requesting", "exported"])
def test_what_cannot_be_read_is_told_and_never_breaks(name, wrong):
    made = document({})
    (made if name in made else made["request"])[name] = wrong
    with pytest.raises(Unfit):
        files.read(json.dumps(made).encode())


def test_only_who_files_imports(answering):
    assert answering.get(IMPORT).status_code == 403
    assert answering.post(IMPORT, {}).status_code == 403


def test_every_section_comes_in_by_its_own_schema(of):
    parts = shape().fields["request"].schema.fields["sections"].schema.fields
    assert [(key, type(parts[key].schema)) for key in parts] == list(SECTIONS)
