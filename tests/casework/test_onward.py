"""The next State of the chain: what goes along, what stays, and how it is linked."""

from uuid import uuid4

import pytest
from sqlalchemy import func, select

from tests import factories
from tracing.casework import onward, requesting, sections
from tracing.extensions import db
from tracing.faults import AlreadyDone
from tracing.models import TraceRequest
from tracing.security import isolation
from workflows.errors import NotVisible, RestrictionHolds, TransitionNotAllowed
from workflows.facts import Permission, PermissionRequest
from workflows.policies import Role
from workflows.states import State, Trigger
from workflows.vocabulary import HandlingCode, InformationItem, RoutingBasis, Use


@pytest.fixture
def third(session):
    return factories.authority(country="NP", zone="Asia/Kathmandu")


@pytest.fixture
def answered(of, third):
    def answered(handling=HandlingCode.H0, items=()):
        request = factories.after(of, *factories.WAY_TO[Trigger.RESPOND])
        fact = factories.exported(third, handling=handling, items=items)
        return factories.take(of, request, Trigger.RESPOND, fact)

    return answered


def start(of, request, to, key=None, carry=None):
    actor = factories.actor_of(of.investigator)
    return onward.start(
        request.reference,
        actor,
        authority_id=to.id,
        form_key=key or uuid4().hex,
        carry=carry,
    )


def test_the_next_request_holds_all_that_is_ones_own(of, third, answered):
    parent = answered()
    assert onward.next_state(parent) == "NP"
    child = start(of, parent, third)
    assert child.state is State.DRAFT
    assert child.parent is parent
    assert child.requested is third
    assert child.routing_basis is RoutingBasis.PREVIOUS_REPLY
    mine, theirs = sections.read(child), sections.read(parent)
    for key in ("markings", "item", "find", "persons", "domestic"):
        assert mine[key] == theirs[key]


def test_it_can_be_sent_as_it_stands(of, third, answered):
    child = start(of, answered(), third)
    assert sections.missing(child, factories.today()) == {}
    officer = factories.person(third, Role.OFFICER)
    sides = factories.Sides(of.asking, third, of.investigator, officer)
    factories.take(sides, child, Trigger.SUBMIT)
    factories.take(sides, child, Trigger.ACKNOWLEDGE)
    assert child.state is State.ACKNOWLEDGED


def carried(child):
    """What the next State reads of the answer, by item."""
    return {row.item.value: row for row in child.provided}


def test_the_answer_goes_along_only_where_its_giver_allows(of, third, answered):
    told = carried(start(of, answered(HandlingCode.H0), third))
    assert told["TRANSFERS"].content["details"]["onward_state"] == "NP"
    assert told["ACQUIRER"].content["details"]["consignee"] == "Example Imports"
    assert carried(start(of, answered(HandlingCode.H2), third)) == {}


def test_what_goes_along_keeps_its_code_and_its_provider(of, third, answered):
    parent = answered(items=(factories.limited("ACQUIRER", "H1", "Ask the judge."),))
    row = carried(start(of, parent, third))["ACQUIRER"]
    assert (row.handling, row.text) == (HandlingCode.H1, "Ask the judge.")
    assert (row.provider, row.source) == (of.asked, parent)


def test_an_item_under_h2_is_refused_with_what_to_do(of, third, answered):
    parent = answered(items=(factories.limited("TRANSFERS", "H2"),))
    with pytest.raises(RestrictionHolds, match="ask the provider's permission"):
        start(of, parent, third, carry=[f"{parent.reference}-TRANSFERS"])
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(TraceRequest)) == 1


def test_that_the_answer_named_the_state_stays_with_it(of, third, answered):
    child = start(of, answered(items=(factories.limited("TRANSFERS", "H2"),)), third)
    assert child.routing_basis is None
    assert set(carried(child)) == {"ACQUIRER", "PERSONS"}


def test_a_name_under_h2_does_not_go_along_as_part_of_the_chain(of, third, answered):
    parent = answered(items=(factories.limited("ACQUIRER", "H2"),))
    child = start(of, parent, third)
    assert set(carried(child)) == {"TRANSFERS"}
    assert "Example Imports" not in repr([row.content for row in child.provided])


def permit(of, parent, to, *items, use=Use.ONWARD):
    """Ask for a permission, and get it."""
    fact = PermissionRequest(use, items, "To trace it.", to)
    factories.take(of, parent, Trigger.ASK_PERMISSION, fact)
    asked = factories.last_event(parent).position
    given = Permission(asked, "Not to the press.")
    factories.take(of, parent, Trigger.GIVE_PERMISSION, given)


def test_after_the_permission_it_goes_with_its_conditions(of, third, answered):
    parent = answered(HandlingCode.H2)
    permit(of, parent, "NP", InformationItem.TRANSFERS)
    row = carried(start(of, parent, third))
    assert set(row) == {"TRANSFERS"}
    assert row["TRANSFERS"].handling is HandlingCode.H2
    assert row["TRANSFERS"].conditions == "Not to the press."


def test_a_permission_is_for_one_state(of, third, answered):
    parent = answered(HandlingCode.H2)
    permit(of, parent, "IT", InformationItem.TRANSFERS)
    with pytest.raises(RestrictionHolds):
        start(of, parent, third, carry=[f"{parent.reference}-TRANSFERS"])


def test_a_draft_sent_to_another_state_than_permitted_is_refused(of, third, answered):
    parent = answered(HandlingCode.H2)
    permit(of, parent, "NP", InformationItem.TRANSFERS)
    child = start(of, parent, third)
    elsewhere = factories.authority(country="IT")
    data = factories.loaded(factories.complete_form(elsewhere))
    actor = factories.actor_of(of.investigator)
    requesting.save_draft(child.reference, actor, data, version=child.version)
    with pytest.raises(RestrictionHolds):
        factories.take(of, child, Trigger.SUBMIT)
    db.session.rollback()
    number = child.provided[0].id
    requesting.leave_out(child.reference, actor, number, version=child.version)
    assert child.provided == []
    factories.take(of, child, Trigger.SUBMIT)
    assert child.state is State.SUBMITTED


def test_on_the_next_leg_the_first_provider_is_asked_on_the_first_request(
    of, third, answered
):
    parent = answered(HandlingCode.H2)
    permit(of, parent, "NP", InformationItem.TRANSFERS)
    child = start(of, parent, third)
    officer = factories.person(third, Role.OFFICER)
    leg = factories.Sides(of.asking, third, of.investigator, officer)
    last = factories.authority(country="PE", zone="America/Lima")
    child.routing_basis = RoutingBasis.PREVIOUS_REPLY
    for step in factories.WAY_TO[Trigger.RESPOND]:
        factories.take(leg, child, step)
    factories.take(leg, child, Trigger.RESPOND, factories.exported(last))
    key = f"{parent.reference}-TRANSFERS"
    with pytest.raises(RestrictionHolds):
        start(leg, child, last, carry=[key])
    db.session.rollback()
    permit(of, parent, "PE", InformationItem.WHOLE)
    (row,) = start(leg, child, last, carry=[key]).provided
    assert (row.provider, row.source) == (of.asked, parent)


def test_the_third_state_does_not_see_the_first_request(of, third, answered):
    parent = answered()
    start(of, parent, third)
    officer = factories.actor_of(factories.person(third, Role.OFFICER))
    with pytest.raises(NotVisible):
        onward.start(
            parent.reference, officer, authority_id=of.asked.id, form_key=uuid4().hex
        )


def test_the_same_form_leads_to_the_same_draft(of, third, answered):
    parent = answered()
    child = start(of, parent, third, "k1")
    with pytest.raises(AlreadyDone) as told:
        start(of, parent, third, "k1")
    assert told.value.reference == child.reference
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(TraceRequest)) == 2


def test_an_answer_that_names_nobody_leads_nowhere(of, third):
    request = factories.after(of, *factories.WAY_TO[Trigger.CLOSE])
    assert onward.next_state(request) is None
    with pytest.raises(TransitionNotAllowed):
        start(of, request, third)


def test_the_authority_that_answered_cannot_ask_on_behalf(of, third, answered):
    parent = answered()
    officer = factories.actor_of(of.officer)
    assert not onward.may_go_onward(officer, parent)


def test_it_is_one_transaction(of, third, answered, commits):
    parent = answered()
    commits.clear()
    start(of, parent, third)
    assert len(commits) == 1


def test_what_is_changed_in_the_next_draft_leaves_the_sent_request_as_it_was(
    of, third, answered
):
    parent = answered()
    child = start(of, parent, third)
    data = factories.loaded(
        factories.complete_form(
            third, find_place="Another town", item_make="Another make"
        )
    )
    actor = factories.actor_of(of.investigator)
    requesting.save_draft(child.reference, actor, data, version=child.version)
    db.session.expire_all()
    assert sections.read(child)["find"]["place"] == "Another town"
    assert sections.read(parent)["find"]["place"].startswith("Demonstration Town")
    assert sections.read(parent)["item"]["make"] == "Example Arms"


def test_a_number_that_another_authority_has_is_drawn_again(
    app, of, third, answered, monkeypatch
):
    """As the pages do it: what is another's cannot be looked up before."""
    parent = answered().reference
    other = factories.sent(factories.sides())
    numbers = [other.number, other.number, next(factories.numbers)]
    monkeypatch.setattr(requesting, "draw", lambda: numbers.pop(0))
    actor, to = factories.actor_of(of.investigator), third.id
    db.session.commit()
    with app.test_request_context(method="POST"):
        isolation.work_for(actor.authority_id, actor.user_id)
        onward.start(parent, actor, authority_id=to, form_key=uuid4().hex)
    assert numbers == []
