"""The pages of the national records, as an officer goes through them."""

import re

import pytest
from sqlalchemy import select

from tests import factories
from tests.casework.test_registry import recorded
from tests.journal.conftest import entries
from tests.visitors import hidden, shown, signed_in
from tracing.casework import registry, reviews, sightings
from tracing.casework.apply import utcnow
from tracing.extensions import db
from tracing.journal.kinds import Kind
from tracing.models import RegistryItem, RegistrySought
from workflows.policies import Role
from workflows.states import Trigger

FORM = {
    "source": "Licences, North",
    "kind": "FIREARM",
    "firearm_type": "PISTOL",
    "serial": "AB 1234 K",
    "make": "Example Arms",
    "status": "REGISTERED",
    "keep": "20",
}


@pytest.fixture
def of(session):
    return factories.sides()


@pytest.fixture
def visitor(app, of):
    found = signed_in(app, of.officer)
    found.get("/records")
    return found


@pytest.fixture
def item(of):
    return recorded(factories.actor_of(of.officer), status="STOLEN").id


def test_an_officer_adds_a_record_and_finds_it_by_a_worn_number(visitor, of):
    page = visitor.get("/records/new")
    key = hidden(page.text, "form_key")
    made = visitor.post("/records/new", FORM | {"form_key": key})
    assert made.status_code == 303
    again = visitor.post("/records/new", FORM | {"form_key": key})
    assert again.location == made.location
    found = visitor.post("/records", {"serial": "A8 1234 К", "make": "Example Arms"})
    assert found.status_code == 200
    assert made.location in found.text
    text = shown(found.text)
    assert "they look alike" in text
    assert "possible until a person confirms" in text
    [kept] = entries(of.asked.id, Kind.RECORDS_SEARCHED)
    assert kept.payload["query"]["serial"] == "A8 1234 К"


def test_no_record_and_not_all_searched_are_two_things(visitor):
    none = shown(visitor.post("/records", {"serial": "ZZ 999"}).text)
    assert "No record." in none
    cut = shown(visitor.post("/records", {"serial": "*9*"}).text)
    assert "This is not all" in cut
    assert "No record." not in cut


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "Enter a serial number"),
        ({"serial": "AB[1"}, "position 3"),
        ({"serial": "A" * 100}, "at most 64"),
        ({"serial": "AB1", "year": "20260"}, "Enter a year from"),
    ],
)
def test_what_cannot_be_searched_is_said(visitor, given, words):
    answer = visitor.post("/records", given)
    assert answer.status_code == 422
    assert words in shown(answer.text)


def test_what_happened_is_added_corrected_and_struck_out(visitor, item):
    here = f"/records/{item}"
    page = visitor.get(f"{here}/events/new")
    told = {
        "kind": "SALE",
        "happened_on": "2018-05-01",
        "precision": "MONTH",
        "parties-0-role": "DEALER",
        "parties-0-name": "Example Dealer",
        "version": hidden(page.text, "version"),
    }
    more = visitor.post(f"{here}/events/new", told | {"add": "parties"})
    assert more.status_code == 200
    assert "parties-1-name" in more.text
    assert visitor.post(f"{here}/events/new", told).status_code == 303
    assert visitor.post(f"{here}/events/new", told).status_code == 409
    text = shown(visitor.get(here).text)
    assert "May 2018" in text
    assert "Example Dealer" in text
    link = re.search(rf"{here}/events/\d+/correct", visitor.get(here).text)[0]
    form = visitor.get(link).text
    assert 'value="Example Dealer"' in form
    version = {"version": hidden(form, "version")}
    without = visitor.post(link, told | version)
    assert without.status_code == 422
    assert "Give the reason" in shown(without.text)
    struck = {"action": "strike", "why": "Another firearm."}
    assert visitor.post(link, struck | version).status_code == 303
    assert "(did not happen)" in shown(visitor.get(here).text)


def test_a_record_is_corrected_with_a_reason(visitor, item):
    page = visitor.get(f"/records/{item}/correct").text
    form = FORM | {"status": "STOLEN", "serial": "AB 1235 K"}
    form |= {"why": "Typing mistake.", "version": hidden(page, "version")}
    assert visitor.post(f"/records/{item}/correct", form).status_code == 303
    text = shown(visitor.get(f"/records/{item}").text)
    assert "was AB 1234 K" in text


def test_opening_a_record_is_in_the_journal_and_the_journal_opens(
    app, visitor, of, item
):
    visitor.get(f"/records/{item}")
    assert len(entries(of.asked.id, Kind.RECORD_READ)) == 1
    auditor = signed_in(app, factories.person(of.asked, Role.AUDITOR))
    assert f"record-{item}" in auditor.get("/journal").text


def test_what_is_shared_is_met_by_others_and_the_owner_is_told(app, visitor, of, item):
    page = visitor.get(f"/records/{item}").text
    shared = {"shared": "true", "version": hidden(page, "version")}
    assert visitor.post(f"/records/{item}/share", shared).status_code == 303
    assert "AB 1234 K" in shown(visitor.get("/records/shared").text)
    other = signed_in(app, factories.person(of.asking, Role.OFFICER))
    other.get("/records")
    found = other.post("/records", {"serial": "AB1234K", "others": "true"})
    assert "Authority" in shown(found.text)
    assert "Licences, North" not in found.text
    assert f"/records/{item}" not in found.text
    assert len(db.session.scalars(select(RegistrySought)).all()) == 2
    sightings.compare_all()
    told = visitor.get("/records/sightings").text
    assert of.asking.name in shown(told)
    seen = re.search(r"/records/sightings/\d+/seen", told)[0]
    assert "Somebody looks for a record" in shown(visitor.get("/records").text)
    assert visitor.post(seen).status_code == 303
    assert "Somebody looks for a record" not in shown(visitor.get("/records").text)


def test_the_request_behind_a_message_is_shown_to_who_sees_it_anyway(
    app, visitor, of, item
):
    officer = factories.actor_of(of.officer)
    registry.share(officer, item, shared=True)
    request = factories.after(of, Trigger.SUBMIT, markings_serial="AB 1234 K")
    sightings.compare_all()
    assert request.reference in visitor.get("/records/sightings").text


def test_two_people_end_a_record(app, of, item):
    found = db.session.get_one(RegistryItem, item)
    found.review_on = utcnow().date()
    db.session.commit()
    reviews.list_due()
    one, two = (
        signed_in(app, factories.person(of.asked, role))
        for role in (Role.SUPERVISOR, Role.ADMINISTRATOR)
    )
    page = one.get("/records/reviews").text
    ask = re.search(r"/records/reviews/\d+/erase", page)[0]
    assert one.post(ask, {"reason": " "}).status_code == 422
    assert one.post(ask, {"reason": "Its time is over."}).status_code == 303
    assert "Another person must erase it" in shown(one.get("/records/reviews").text)
    page = two.get("/records/reviews").text
    give = re.search(r"/records/reviews/\d+/give", page)[0]
    assert two.post(give).status_code == 303
    assert reviews.carry_out() == 1
    assert two.get("/records/reviews").status_code == 200
