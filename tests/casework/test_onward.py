"""The next State of the chain: what goes along, what stays, and how it is linked."""

from uuid import uuid4

import pytest
from sqlalchemy import func, select

from tests import factories
from tracing.casework import onward, requesting, sections
from tracing.extensions import db
from tracing.faults import AlreadyDone
from tracing.models import TraceRequest
from workflows.errors import NotVisible, TransitionNotAllowed
from workflows.policies import Role
from workflows.states import State, Trigger
from workflows.vocabulary import HandlingCode, RoutingBasis


@pytest.fixture
def third(session):
    return factories.authority(country="NP", zone="Asia/Kathmandu")


@pytest.fixture
def answered(of, third):
    def answered(handling=HandlingCode.H0):
        request = factories.after(of, *factories.WAY_TO[Trigger.RESPOND])
        fact = factories.exported(third, handling=handling)
        return factories.take(of, request, Trigger.RESPOND, fact)

    return answered


def start(of, request, to, key=None):
    actor = factories.actor_of(of.investigator)
    return onward.start(
        request.reference, actor, authority_id=to.id, form_key=key or uuid4().hex
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


def test_the_answer_goes_along_only_where_its_giver_allows(of, third, answered):
    told = start(of, answered(HandlingCode.H0), third).special_procedure or ""
    assert "Example Imports" in told
    kept = start(of, answered(HandlingCode.H2), third).special_procedure or ""
    assert "Example Imports" not in kept


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
