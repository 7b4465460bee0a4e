"""The pages of look-ups: asked, waited for by reload, read, recorded; how they do."""

import pytest

from tests import factories
from tests.lookups.conftest import settings_for, stand_in  # noqa: F401 - a fixture
from tests.visitors import hidden, shown, signed_in
from tracing.extensions import db
from tracing.lookups import registers, running
from tracing.lookups.json_service import Iarms
from tracing.lookups.registers import Register
from tracing.models import Lookup, TraceRequest
from workflows.policies import Role
from workflows.states import State, Trigger

WHY = {"purpose": "To answer it"}


@pytest.fixture
def desk(app, session, stand_in):  # noqa: F811
    """A desk with one register, and a request to look up."""
    lookup = Iarms(settings_for(stand_in), stand_in.folder)
    one = Register(
        name="iarms",
        adapter="iarms",
        label="The bureau",
        years="2013 to today",
        authorities=("*",),
        lookup=lookup,
    )
    known = dict(registers.all_of(app)) | {"iarms": one}
    app.extensions[registers.REGISTERS] = known
    of = factories.sides()
    steps = (Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    request = factories.after(of, *steps, markings_serial="EX 1234 7")
    return of, f"/trace-requests/{request.reference}"


def newest():
    db.session.rollback()
    return db.session.query(Lookup).order_by(Lookup.id.desc()).first()


def test_an_officer_asks_waits_reads_and_records(app, desk):
    of, page = desk
    officer = signed_in(app, of.officer)
    assert "Search all registers" in shown(officer.get(page).text)
    form = officer.get(f"{page}/look-ups").text
    assert "The bureau ( 2013 to today )" in shown(form)
    key = hidden(form, "form_key")
    asked = {**WHY, "register": ["iarms", "by-hand"], "form_key": key}
    assert officer.post(f"{page}/look-ups", asked).status_code == 303
    assert officer.post(f"{page}/look-ups", asked).status_code == 303
    text = shown(officer.get(page).text)
    assert text.count("Not asked yet") == 1
    assert "Waits for you" in text
    running.drain("worker")
    text = officer.get(page).text
    assert "Possible match" in shown(text)
    row = db.session.query(Lookup).filter_by(register="iarms").one()
    where = f"{page}/look-ups/{row.key}"
    answer = officer.get(where).text
    assert "iarms-A-1" in shown(answer)
    assert "Example Arms A1" in shown(answer)
    given = {"version": hidden(answer, "version"), "years": "2013", "note": "x"}
    assert officer.post(f"{where}/record", given).status_code == 303
    db.session.rollback()
    request = db.session.query(TraceRequest).one()
    assert request.state is State.RECORDS_SEARCHED
    assert "Recorded as a search" in shown(officer.get(page).text)


def test_what_a_search_by_hand_gave_is_typed_into_the_same_record(app, desk):
    of, page = desk
    officer = signed_in(app, of.officer)
    officer.post(f"{page}/look-ups", WHY | {"register": "by-hand"})
    where = f"{page}/look-ups/{newest().key}"
    for wrong in ({}, {"outcome": "X"}, {"outcome": "HIT", "register": "Ledger"}):
        answer = officer.post(f"{where}/by-hand", wrong)
        assert answer.status_code == 422
        assert "Not done" in shown(answer.text)
    right = {"outcome": "NO_HIT", "register": "Ledger", "years": "1950-1970"}
    assert officer.post(f"{where}/by-hand", right).status_code == 303
    assert "No record" in shown(officer.get(where).text)


def test_it_is_asked_once_more_and_in_full(app, desk):
    of, page = desk
    officer = signed_in(app, of.officer)
    officer.post(f"{page}/look-ups", WHY | {"register": "iarms"})
    running.drain("worker")
    first = newest()
    where = f"{page}/look-ups/{first.key}"
    assert officer.post(f"{where}/again", {}).status_code == 303
    assert newest().of_id == first.id
    full = {"candidate": "iarms-A-1"}
    assert officer.post(f"{where}/full", full).status_code == 303
    assert officer.post(f"{where}/full", {"candidate": "x"}).status_code == 422
    running.drain("worker")
    assert "stolen" in shown(officer.get(f"{page}/look-ups/{newest().key}").text)


def test_the_other_side_meets_nothing_of_it(app, desk):
    of, page = desk
    officer = signed_in(app, of.officer)
    officer.post(f"{page}/look-ups", WHY | {"register": "iarms"})
    running.drain("worker")
    other = signed_in(app, of.investigator)
    assert "The bureau" not in shown(other.get(page).text)
    assert other.get(f"{page}/look-ups/{newest().key}").status_code == 404


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"register": "iarms", "purpose": ""}, 422),
        ({"purpose": "To answer it"}, 422),
        ({"register": "nobody", "purpose": "To answer it"}, 404),
    ],
)
def test_a_form_that_lacks_something_is_refused_in_words(app, desk, form, status):
    of, page = desk
    answer = signed_in(app, of.officer).post(f"{page}/look-ups", form)
    assert answer.status_code == status


def test_an_administrator_sees_how_the_registers_do_and_has_one_tried(app, desk):
    of, page = desk
    signed_in(app, of.officer).post(f"{page}/look-ups", WHY | {"register": "iarms"})
    person = factories.person(of.asked, Role.ADMINISTRATOR)
    keeper = signed_in(app, person)
    assert "Not asked yet" in shown(keeper.get("/registers").text)
    assert keeper.post("/registers/iarms/test", {}).status_code == 303
    assert "Being tried" in shown(keeper.get("/registers").text)
    running.drain("worker")
    text = shown(keeper.get("/registers").text)
    assert "Reached" in text
    assert "Answers" in text
    assert keeper.post("/registers/nobody/test", {}).status_code == 404
