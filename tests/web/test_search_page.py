"""The search page: registers, candidates beside the item, decisions; before filing too."""

import json

import pytest

from tests import factories
from tests.lookups.shelves import Shelved, candidate, put_up
from tests.visitors import hidden, shown, signed_in
from tracing.extensions import db
from tracing.lookups import registers, running
from tracing.models import Lookup, TraceRequest
from workflows.policies import Role
from workflows.states import State, Trigger

WHY = {"purpose": "To answer it"}
SERIAL = {"markings_serial": "EX 1234 7"}
KEYS = {"serial": "EX 1234 7", "make": "Example Arms"}
NEAR = candidate(
    *("N-1", "EX 1243 7"),
    make="Sample Works",
    record="stolen",
    firearm_type="RIFLE",
    match="ONE_ERROR",
    lot="A-12",
)


@pytest.fixture
def desk(app, session, of, tmp_path):
    """Four registers beside the requests of others, and a request to answer."""
    others = registers.all_of(app)[registers.ELSEWHERE]
    found = put_up(
        app,
        tmp_path,
        near=(Shelved((NEAR,)), {"domestic": True}),
        empty=(Shelved(), {}),
        gone=(Shelved(gone=True), {}),
        low=(Shelved(), {"highest_handling": "H0"}),
    )
    found[registers.ELSEWHERE] = others
    steps = (Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    request = factories.after(of, *steps, basis_handling="H1", **SERIAL)
    return f"/trace-requests/{request.reference}"


@pytest.fixture
def officer(app, of):
    return signed_in(app, of.officer)


def ask(visitor, page, *names, **form):
    answer = visitor.post(f"{page}/look-ups", WHY | {"register": list(names)} | form)
    running.drain("worker")
    db.session.rollback()
    return answer


def key_of(register):
    db.session.rollback()
    query = db.session.query(Lookup).filter_by(register=register)
    return query.order_by(Lookup.id.desc()).first().key


def test_the_form_is_filled_in_and_says_who_may_not_be_asked(desk, officer):
    page = officer.get(f"{desk}/look-ups").text
    for value in ("EX 1234 7", "Example Arms", "A1", "9x18", "To answer trace request"):
        assert f'value="{value}' in page
    for name in ("near", "empty", "gone"):
        assert f'value="{name}" checked' in page
    assert 'value="low"' not in page
    assert "handling code H1 is above H0" in shown(page)


def test_what_is_sent_is_what_the_officer_has_written(desk, officer):
    ask(officer, desk, "empty", **KEYS | {"serial": "EX 12?4 7", "year": "1998"})
    row = db.session.query(Lookup).one()
    assert row.query["serial"] == "EX 12?4 7"
    assert row.query["year"] == 1998
    assert "model" not in row.query


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"serial": "EX [12"}, "problem"),
        ({"serial": "EX", "year": "twenty"}, "problem"),
        ({"serial": "EX", "purpose": "x"}, "Say in a few words"),
        ({"serial": "EX", "register": []}, "Choose at least one register"),
    ],
)
def test_what_cannot_be_searched_is_told_and_stays_in_the_form(
    desk, officer, form, words
):
    usual = {"register": ["empty"], "serial": "EX", "make": "Typed"}
    answer = officer.post(f"{desk}/look-ups", WHY | usual | form)
    assert answer.status_code == 422
    assert words in shown(answer.text)
    if form.get("make") is None:
        assert 'value="Typed"' in answer.text
    assert db.session.query(Lookup).count() == 0


def test_no_record_is_never_said_of_a_register_that_was_not_reached(desk, officer):
    ask(officer, desk, "near", "empty", "gone")
    text = shown(officer.get(f"{desk}/look-ups").text)
    assert "Answered in full: 2 of 3. With possible matches: 1. No record: 1." in text
    assert "Not reached or not answered: 1 (Register not available: 1)." in text
    assert "Answered in full: 2 of 3." in shown(officer.get(desk).text)


def test_a_candidate_stands_beside_the_item_place_by_place_and_field_by_field(
    desk, officer
):
    ask(officer, desk, "near")
    page = officer.get(f"{desk}/look-ups").text
    text = shown(page)
    assert "One character apart" in text
    assert "Position 6: \u206634\u2069 is \u206643\u2069 on the record" in text
    assert 'class="pairs" dir="ltr"' in page
    assert "Two neighbours changed places" in text
    assert "Sample Works" in text
    assert "Make Example Arms Sample Works Differs" in text
    assert "Model A1 A1 Agrees" in text
    assert "Year of manufacture Not given Not given Not given on both sides" in text
    assert "Stolen" in text


def test_what_a_register_says_besides_is_told_in_words_where_they_are_known(
    desk, officer
):
    ask(officer, desk, "near")
    pages = (f"{desk}/look-ups", f"{desk}/look-ups/{key_of('near')}")
    for text in (shown(officer.get(page).text) for page in pages):
        assert "Type of firearm Rifle" in text
        assert "lot A-12" in text
        for code in ("firearm_type", "RIFLE", "ONE_ERROR"):
            assert code not in text


def test_a_decision_needs_a_reason_and_is_shown_with_it(desk, of, officer):
    ask(officer, desk, "near")
    where = f"{desk}/look-ups/{key_of('near')}/decide"
    said = {"candidate": "N-1", "standing": "REJECTED"}
    for wrong in (said, {"reason": "Fits"}, said | {"standing": "POSSIBLE"}):
        answer = officer.post(where, wrong)
        assert answer.status_code == 422
        assert "Not done" in shown(answer.text)
    answer = officer.post(where, said | {"reason": "Another proof mark"})
    assert answer.status_code == 303
    text = shown(officer.get(f"{desk}/look-ups").text)
    assert "Rejected by a person" in text
    assert "Another proof mark" in text
    assert of.officer.name in text


def test_one_press_records_and_the_answer_is_filled_in(desk, officer):
    ask(officer, desk, "near", "empty", "gone")
    key = key_of("near")
    said = {"candidate": "N-1", "standing": "CONFIRMED", "reason": "All fits"}
    officer.post(f"{desk}/look-ups/{key}/decide", said)
    page = officer.get(f"{desk}/look-ups").text
    given = {"version": hidden(page, "version"), f"years-{key}": "1980-2026"}
    assert officer.post(f"{desk}/look-ups/record", given).status_code == 303
    assert officer.post(f"{desk}/look-ups/record", given).status_code == 409
    db.session.rollback()
    assert db.session.query(TraceRequest).one().state is State.RECORDS_SEARCHED
    form = officer.get(f"{desk}/steps/respond?outcome=REPORTED_STOLEN").text
    assert 'value="Register near"' in form
    assert 'value="1980-2026"' in form
    assert 'value="Register empty"' in form
    assert 'value="Register gone"' not in form
    assert "Filled in from the records you confirmed" in shown(form)


def test_a_page_that_is_open_learns_states_and_no_answers(desk, of, app, officer):
    officer.post(f"{desk}/look-ups", WHY | {"register": ["near", "gone"]})
    before = officer.get(f"{desk}/look-ups/states").json
    assert (before["open"], before["answered"]) == (2, 0)
    assert "live.js" in officer.get(f"{desk}/look-ups").text
    running.drain("worker")
    after = officer.get(f"{desk}/look-ups/states")
    assert (after.json["open"], after.json["answered"]) == (0, 2)
    words = {row["words"] for row in after.json["rows"].values()}
    assert words == {"Possible match, to be checked", "Register not available"}
    assert "EX 1243" not in json.dumps(after.json)
    assert "live.js" not in officer.get(f"{desk}/look-ups").text
    other = signed_in(app, of.investigator)
    assert other.get(f"{desk}/look-ups/states").json["rows"] == {}


class TestBeforeSending:
    @pytest.fixture
    def draft(self, desk, of):
        nothing = {"domestic_domestic_searches": None}
        found = factories.draft(of, **SERIAL, **nothing)
        db.session.commit()
        return f"/trace-requests/{found.reference}"

    @pytest.fixture
    def asker(self, app, of):
        return signed_in(app, of.investigator)

    def test_one_press_searches_and_what_is_found_stays_with_the_draft(
        self, of, asker, draft
    ):
        earlier = factories.sent(of, **SERIAL).reference
        theirs = factories.sides(asked=of.asked)
        theirs.asking.introduces = True
        factories.sent(theirs, **SERIAL)
        page = asker.get(f"{draft}/check").text
        assert "Enter the records you searched" in shown(page)
        start = page.index('id="before"')
        names = [n for n in ("near", registers.ELSEWHERE) if f'value="{n}"' in page]
        form = {"form_key": hidden(page[start:], "form_key")}
        ask(asker, draft, *names, **form)
        text = shown(asker.get(f"{draft}/look-ups").text)
        assert earlier in text
        assert "Another authority has asked about this item." in text
        assert theirs.asking.name not in text
        page = asker.get(f"{draft}/check").text
        assert "Nothing is missing." in shown(page)
        given = {"version": hidden(page, "version"), "authorised": "true"}
        assert asker.post(f"{draft}/submit", given).status_code == 303
        read = shown(asker.get(draft).text)
        assert "Register near, 1990-2026: Possible match" in read

    def test_an_introduction_goes_there_and_back(self, app, of, asker, draft):
        from tracing.casework import introductions

        theirs = factories.sides(asked=of.asked)
        keeper = signed_in(app, factories.person(theirs.asking, Role.SUPERVISOR))
        assert keeper.post("/kept/introductions", {"introduces": "true"}).status_code
        db.session.rollback()
        request = factories.sent(theirs, **SERIAL).reference
        ask(asker, draft, registers.ELSEWHERE)
        page = asker.get(f"{draft}/look-ups").text
        where = f"{draft}/look-ups/{key_of(registers.ELSEWHERE)}/introduction"
        met = {"candidate": hidden(page, "candidate")}
        assert asker.post(where, met).status_code == 422
        assert asker.post(where, met | {"text": "We ask too."}).status_code == 303
        introductions.carry()
        owner = signed_in(app, theirs.investigator)
        page = owner.get(f"/trace-requests/{request}").text
        assert "asks to be introduced" in shown(page)
        assert of.asking.name in shown(page)
        assert of.asking.email not in shown(page)
        answer = page[page.index("/introductions/") :].partition('"')[0]
        yes = {"answer": "accept"}
        way = f"/trace-requests/{request}{answer}"
        assert owner.post(way, yes).status_code == 303
        introductions.carry()
        db.session.rollback()
        assert of.asking.email in shown(owner.get(f"/trace-requests/{request}").text)
        assert theirs.asking.email in shown(asker.get(f"{draft}/look-ups").text)
