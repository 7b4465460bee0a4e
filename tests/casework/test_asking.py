"""The form proposes whom to ask, and one find is asked of several States."""

import secrets
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from tests import factories
from tests.visitors import hidden, shown, signed_in
from tracing.casework import asking, queries, requesting
from tracing.directory import entries
from tracing.models import OutboxMessage, TraceRequest
from workflows.states import State, Trigger
from workflows.vocabulary import LegalBasis, RoutingBasis

IMPORTED = {
    "item_make": "Glock",
    "item_country_of_manufacture": "AT",
    "item_import_country": "US",
}


@pytest.fixture
def world(session):
    """Kenya asks; Austria and the United States have contacts."""
    of = factories.sides()
    austria = factories.authority(
        country="AT",
        name="Desk of Austria",
        languages=("de", "fr", "en"),
        functions=("FIREARMS",),
        instruments=("ITI25", "FP13"),
        interpol_route="YES",
    )
    usa = factories.authority(country="US", name="Desk of the USA", languages=("en",))
    of.asking.instruments = ("FP13",)
    session.commit()
    return of, austria, usa


def drafted(world, **changes) -> TraceRequest:
    of, _austria, _usa = world
    return factories.draft(of, **(IMPORTED | changes))


def actor_of(world):
    return factories.actor_of(world[0].investigator)


def test_the_marks_propose_authorities_with_what_fits_both(world):
    _of, austria, usa = world
    found = asking.suggestions(drafted(world), actor_of(world), factories.today())
    proposed = [(one.proposed.state, one.proposed.basis) for one in found.states]
    assert proposed == [
        ("US", RoutingBasis.IMPORT_MARK),
        ("AT", RoutingBasis.MAKER_COUNTRY),
    ]
    (america, _fit), (vienna, fit) = (one.contacts[0] for one in found.states)
    assert (america, vienna) == (usa, austria)
    assert fit.language == "en"
    assert fit.bases == (LegalBasis.FIREARMS_PROTOCOL, LegalBasis.ITI)


def test_the_contact_that_traces_firearms_comes_first(world, session):
    factories.authority(country="AT", name="A Ministry", functions=("MLA",))
    found = asking.suggestions(drafted(world), actor_of(world), factories.today())
    names = [one.name for one, _fit in found.states[1].contacts]
    assert names == ["Desk of Austria", "A Ministry"]


def test_an_earlier_answer_about_the_same_firearm_is_followed(world, session):
    of, _austria, usa = world
    first = factories.after(of, *factories.WAY_TO[Trigger.RESPOND])
    factories.take(of, first, Trigger.RESPOND, factories.exported(usa))
    made = factories.draft(of, item_country_of_manufacture="AT")
    found = asking.suggestions(made, actor_of(world), factories.today())
    assert found.states[0].proposed.state == "US"
    assert found.states[0].proposed.basis is RoutingBasis.PREVIOUS_REPLY


def test_a_button_of_the_form_takes_a_proposal_over(world, app, session):
    of, austria, _usa = world
    made = drafted(world)
    visitor = signed_in(app, of.investigator)
    page = visitor.get(f"/trace-requests/{made.reference}/edit")
    assert "The import mark names United States" in shown(page.text)
    assert "Desk of Austria" in page.text
    form = factories.complete_form(of.asked, **IMPORTED, header_language="fr")
    answer = visitor.post(
        f"/trace-requests/{made.reference}/edit",
        form
        | {
            "ask": f"{austria.id}:MAKER_COUNTRY",
            "version": hidden(page.text, "version"),
            "form_key": hidden(page.text, "form_key"),
        },
    )
    assert answer.status_code == 303
    session.expire_all()
    made = queries.by_reference(made.reference, actor_of(world))
    assert made.requested_id == austria.id
    assert made.routing_basis is RoutingBasis.MAKER_COUNTRY
    assert made.language == "en"


@pytest.mark.parametrize(
    "ask", ["", "x", "0:MAKER_COUNTRY", "999999:X", "٣:IMPORT_MARK"]
)
def test_a_button_that_nobody_drew_fills_nothing_in(world, app, session, ask):
    of = world[0]
    made = drafted(world)
    visitor = signed_in(app, of.investigator)
    page = visitor.get(f"/trace-requests/{made.reference}/edit")
    form = factories.complete_form(of.asked, **IMPORTED)
    form |= {"ask": ask, "version": hidden(page.text, "version")}
    where = f"/trace-requests/{made.reference}/edit"
    assert visitor.post(where, form).status_code == 303
    session.expire_all()
    made = queries.by_reference(made.reference, actor_of(world))
    assert made.requested_id == of.asked.id


def test_the_check_page_says_that_no_mark_leads_there(world, app):
    of = world[0]
    made = drafted(world)
    page = signed_in(app, of.investigator).get(
        f"/trace-requests/{made.reference}/check"
    )
    text = shown(page.text)
    assert "No mark leads to this State." in text
    assert "no mark of the country or place is given" in text


def test_several_states_are_asked_about_one_find_by_linked_requests(
    world, app, session
):
    of, austria, usa = world
    made = drafted(world, header_requested_id=str(austria.id))
    visitor = signed_in(app, of.investigator)
    where = f"/trace-requests/{made.reference}/also"
    form = {"ask": f"{usa.id}:IMPORT_MARK", "form_key": "linked"}
    answer = visitor.post(where, form)
    assert answer.status_code == 303
    again = visitor.post(where, form)
    assert again.headers["Location"] in answer.headers["Location"]
    session.expire_all()
    other = session.scalars(
        select(TraceRequest).order_by(TraceRequest.id.desc())
    ).first()
    assert other.recovery_id == made.recovery_id
    assert (other.requested_id, other.parent_id) == (usa.id, None)
    assert other.item.make == "Glock"
    assert other.routing_basis is RoutingBasis.IMPORT_MARK
    actor = actor_of(world)
    for one in (other, made):
        requesting.submit(one.reference, actor, authorised=True, version=one.version)
    page = shown(visitor.get(f"/trace-requests/{made.reference}").text)
    assert f"Same find {other.reference}" in page


def test_a_linked_draft_gets_its_own_find_once_the_other_is_sent(world, session):
    _of, austria, usa = world
    actor = actor_of(world)
    made = drafted(world, header_requested_id=str(austria.id))
    other = asking.also(
        made.reference,
        actor,
        authority_id=usa.id,
        basis=None,
        form_key=secrets.token_hex(8),
    )
    requesting.submit(made.reference, actor, authorised=True, version=made.version)
    data = factories.loaded(
        factories.complete_form(usa, **IMPORTED, find_place="Another place")
    )
    saved = requesting.save_draft(other.reference, actor, data, version=other.version)
    assert saved.recovery_id != made.recovery_id
    assert (made.recovery.place, saved.recovery.place) == (
        "Demonstration Town, Kibera road",
        "Another place",
    )


@pytest.mark.parametrize("ask", ["", "0:X", "999999:MAKER_COUNTRY"])
def test_a_linked_request_to_nobody_is_refused_in_words(world, app, ask):
    of = world[0]
    made = drafted(world)
    visitor = signed_in(app, of.investigator)
    answer = visitor.post(f"/trace-requests/{made.reference}/also", {"ask": ask})
    assert answer.status_code == 422
    assert "Choose an authority that takes trace requests." in shown(answer.text)


def test_a_retired_contact_is_not_offered_and_its_successor_gets_the_request(
    world, app, session
):
    of, austria, _usa = world
    made = drafted(world, header_requested_id=str(austria.id))
    heir = factories.authority(country="AT", code="AT-HEIR", name="New desk of Austria")
    austria.valid_to, austria.successor = (
        factories.today() - timedelta(days=1),
        heir.code,
    )
    session.commit()
    assert austria not in entries.addressees(besides=of.asking.id, on=factories.today())
    visitor = signed_in(app, of.investigator)
    page = visitor.get(f"/trace-requests/{made.reference}/check")
    assert "It took over from Desk of Austria" in shown(page.text)
    sent = requesting.submit(
        made.reference, actor_of(world), authorised=True, version=made.version
    )
    assert sent.requested is heir
    told = session.scalars(
        select(OutboxMessage.recipient).where(OutboxMessage.request_id == sent.id)
    ).all()
    assert heir.email in told
    assert austria.email not in told


def test_who_is_gone_without_a_successor_is_told_when_sending(world, app, session):
    of, austria, _usa = world
    made = drafted(world, header_requested_id=str(austria.id))
    austria.valid_to = factories.today() - timedelta(days=1)
    session.commit()
    visitor = signed_in(app, of.investigator)
    answer = visitor.post(
        f"/trace-requests/{made.reference}/submit",
        {"authorised": "true", "version": str(made.version)},
    )
    assert answer.status_code == 422
    assert "Choose an authority that takes trace requests." in shown(answer.text)
    session.expire_all()
    made = queries.by_reference(made.reference, actor_of(world))
    assert made.state is State.DRAFT


def test_a_circle_of_successors_ends(session):
    one = factories.authority(valid_to=date(2020, 1, 1), successor="KE-TWO")
    two = factories.authority(
        code="KE-TWO", valid_to=date(2020, 1, 1), successor=one.code
    )
    assert entries.standing_for(two, date(2026, 1, 1)) is None
    assert entries.standing_for(one, date(2019, 1, 1)) is one
