"""Promises about who may see and do what."""

from types import SimpleNamespace

import pytest

from workflows import policies
from workflows.errors import NotPermitted, NotVisible
from workflows.policies import (
    Actor,
    Role,
    may_answer,
    may_file,
    may_fire,
    may_see,
    party_of,
    possible,
    require,
)
from workflows.states import Party, State, Trigger

KENYA, ITALY, PERU = 1, 2, 3
SIDES = {"requesting": KENYA, "requested": ITALY, "foreign": PERU}
SENT = [state for state in State if state is not State.DRAFT]

# Role: does it see its authority's cases, does it ask, does it answer.
ROLES = {
    Role.INVESTIGATOR: (True, True, False),
    Role.OFFICER: (True, False, True),
    Role.SUPERVISOR: (True, True, True),
    Role.AUDITOR: (True, False, False),
    Role.MAINTAINER: (False, False, False),
    Role.ADMINISTRATOR: (False, False, False),
    Role.OPERATOR: (False, False, False),
}
SEES = [role for role, (sees, _, _) in ROLES.items() if sees]
BLIND = [role for role, (sees, _, _) in ROLES.items() if not sees]


def a_request(
    state: State, requested: int | None = ITALY, **given: object
) -> SimpleNamespace:
    """Return a request of Kenya to Italy."""
    usual = {"confidential": False, "assigned_to_id": None} | given
    return SimpleNamespace(
        state=state, requesting_id=KENYA, requested_id=requested, **usual
    )


def a_person(authority: int, *roles: Role) -> Actor:
    """Return a person at work for an authority."""
    return Actor(
        user_id=7,
        name="A. Person",
        authority_id=authority,
        authority_name="An authority",
        roles=frozenset(roles),
    )


def test_every_role_is_spoken_of():
    assert set(ROLES) == set(Role)
    assert all(role.label for role in Role)


@pytest.mark.parametrize("trigger", Trigger)
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("role", Role)
def test_a_role_does_what_it_is_for_on_its_own_side(role, side, trigger):
    _sees, asks, answers = ROLES[role]
    expected = {"requesting": asks, "requested": answers, "foreign": False}[side]
    actor = a_person(SIDES[side], role)
    assert may_fire(actor, trigger, a_request(State.SUBMITTED)) is expected


@pytest.mark.parametrize("role", Role)
def test_filing_and_answering_are_two_jobs(role):
    _sees, asks, answers = ROLES[role]
    assert may_file(a_person(KENYA, role)) is asks
    assert may_answer(a_person(KENYA, role)) is answers


# ---------------------------------------------------------------------- who sees what


@pytest.mark.parametrize("state", SENT)
@pytest.mark.parametrize("side", ["requesting", "requested"])
@pytest.mark.parametrize("role", Role)
def test_who_sees_a_request_that_was_sent(role, side, state):
    actor = a_person(SIDES[side], role)
    assert may_see(actor, a_request(state)) is (role in SEES)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("role", Role)
def test_a_foreign_authority_sees_nothing(role, state):
    stranger = a_person(PERU, role)
    request = a_request(state)
    assert party_of(stranger, request) is None
    assert not may_see(stranger, request)
    assert possible(stranger, request) == ()
    for trigger in Trigger:
        with pytest.raises(NotVisible):
            require(stranger, trigger, request)


@pytest.mark.parametrize("role", Role)
def test_a_draft_is_invisible_to_the_authority_it_is_meant_for(role):
    addressee = a_person(ITALY, role)
    request = a_request(State.DRAFT)
    assert party_of(addressee, request) is None
    assert not may_see(addressee, request)
    assert possible(addressee, request) == ()
    with pytest.raises(NotVisible):
        require(addressee, Trigger.ACKNOWLEDGE, request)


@pytest.mark.parametrize("role", SEES)
def test_a_draft_without_an_addressee_is_its_own_authoritys(role):
    request = a_request(State.DRAFT, requested=None)
    assert may_see(a_person(KENYA, role), request)
    assert not may_see(a_person(ITALY, role), request)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("authority", [KENYA, ITALY])
@pytest.mark.parametrize("role", BLIND)
def test_who_keeps_accounts_or_contact_points_does_not_see_cases(
    role, authority, state
):
    actor = a_person(authority, role)
    request = a_request(state)
    assert not may_see(actor, request)
    assert possible(actor, request) == ()
    with pytest.raises(NotVisible):
        require(actor, Trigger.NOTE, request)


def test_a_person_without_a_role_sees_nothing():
    nobody = a_person(KENYA)
    assert not may_see(nobody, a_request(State.SUBMITTED))
    assert not nobody.is_any(*Role)


def test_unseen_is_said_in_the_same_words_whatever_the_cause():
    said = set()
    for actor, state in [
        (a_person(PERU, Role.SUPERVISOR), State.SUBMITTED),
        (a_person(ITALY, Role.SUPERVISOR), State.DRAFT),
        (a_person(KENYA, Role.ADMINISTRATOR), State.SUBMITTED),
        (a_person(KENYA), State.SUBMITTED),
    ]:
        with pytest.raises(NotVisible) as refused:
            require(actor, Trigger.NOTE, a_request(state))
        said.add(str(refused.value))
    assert said == {"There is no such request."}


# ------------------------------------------- a request whose existence is confidential

ASSIGNED, ANOTHER = 7, 8
# Role: does it know of the request while it is nobody's, another's, its own.
KNOWS = {
    Role.OFFICER: (False, False, True),
    Role.INVESTIGATOR: (False, False, True),
    Role.AUDITOR: (False, False, True),
    Role.SUPERVISOR: (True, True, True),
}


@pytest.mark.parametrize("state", SENT)
@pytest.mark.parametrize("role", KNOWS)
def test_the_answering_side_tells_only_those_with_the_case_in_hand(role, state):
    person = a_person(ITALY, role)
    hands = (None, ANOTHER, ASSIGNED)
    for assigned, knows in zip(hands, KNOWS[role], strict=True):
        kept = a_request(state, confidential=True, assigned_to_id=assigned)
        assert may_see(person, kept) is knows
        if not knows:
            assert possible(person, kept) == ()
            with pytest.raises(NotVisible, match="There is no such request"):
                require(person, Trigger.NOTE, kept)


@pytest.mark.parametrize("role", SEES)
def test_the_side_that_asks_works_on_it_as_on_any_other(role):
    kept = a_request(State.SUBMITTED, confidential=True, assigned_to_id=ANOTHER)
    assert may_see(a_person(KENYA, role), kept)
    assert not may_see(a_person(PERU, role), kept)


def test_a_supervisor_of_the_answering_side_chooses_who_answers():
    kept = a_request(State.SUBMITTED, confidential=True)
    assert policies.may_hand_over(a_person(ITALY, Role.SUPERVISOR), kept)
    assert not policies.may_hand_over(a_person(KENYA, Role.SUPERVISOR), kept)
    assert not policies.may_hand_over(a_person(ITALY, Role.OFFICER), kept)


# ---------------------------------------------------------------------- who does what


@pytest.mark.parametrize("state", SENT)
@pytest.mark.parametrize("authority", [KENYA, ITALY])
def test_an_auditor_sees_and_does_nothing(authority, state):
    auditor = a_person(authority, Role.AUDITOR)
    request = a_request(state)
    assert may_see(auditor, request)
    assert possible(auditor, request) == ()
    for trigger in Trigger:
        with pytest.raises(NotPermitted):
            require(auditor, trigger, request)


@pytest.mark.parametrize(
    ("authority", "role", "who_may"),
    [(KENYA, Role.OFFICER, "investigator"), (ITALY, Role.INVESTIGATOR, "officer")],
)
def test_who_may_not_is_told_who_may(authority, role, who_may):
    with pytest.raises(NotPermitted, match=f"the role {who_may} or supervisor does"):
        require(a_person(authority, role), Trigger.NOTE, a_request(State.SUBMITTED))


@pytest.mark.parametrize(
    ("authority", "role", "side"),
    [
        (KENYA, Role.INVESTIGATOR, Party.REQUESTING),
        (KENYA, Role.SUPERVISOR, Party.REQUESTING),
        (ITALY, Role.OFFICER, Party.REQUESTED),
        (ITALY, Role.SUPERVISOR, Party.REQUESTED),
    ],
)
def test_who_may_is_told_the_side_of_the_table(authority, role, side):
    actor = a_person(authority, role)
    assert require(actor, Trigger.NOTE, a_request(State.SUBMITTED)) is side


def test_two_roles_do_the_work_of_both():
    both = a_person(KENYA, Role.ADMINISTRATOR, Role.INVESTIGATOR)
    assert may_see(both, a_request(State.DRAFT))
    assert require(both, Trigger.SUBMIT, a_request(State.DRAFT)) is Party.REQUESTING
    assert both.is_any(Role.AUDITOR, Role.ADMINISTRATOR)


PERMISSIONS = {"ask_permission", "give_permission", "refuse_permission"}
EITHER = PERMISSIONS | {"announce_disclosure", "record_disclosure"}
BUTTONS = [
    (KENYA, Role.INVESTIGATOR, State.DRAFT, {"submit"}),
    (KENYA, Role.OFFICER, State.DRAFT, set()),
    (
        *(ITALY, Role.OFFICER, State.SUBMITTED),
        {"acknowledge", "ask_clarification", "enquire", "remind", "note"}
        | EITHER
        | {"cannot_keep"},
    ),
    (
        *(KENYA, Role.INVESTIGATOR, State.SUBMITTED),
        {"withdraw", "enquire", "remind", "note"} | EITHER | {"lift_confidentiality"},
    ),
    (
        *(KENYA, Role.SUPERVISOR, State.RESPONDED),
        {"query_response", "close", "withdraw", "enquire", "remind", "note"}
        | EITHER
        | {"lift_confidentiality"},
    ),
    (ITALY, Role.INVESTIGATOR, State.SUBMITTED, set()),
    (ITALY, Role.SUPERVISOR, State.CLOSED, EITHER | {"cannot_keep"}),
    (
        *(KENYA, Role.INVESTIGATOR, State.CLOSED),
        {"reopen", "lift_confidentiality"} | EITHER,
    ),
]


@pytest.mark.parametrize(("authority", "role", "state", "buttons"), BUTTONS)
def test_the_buttons_are_what_this_person_can_do_now(authority, role, state, buttons):
    assert set(possible(a_person(authority, role), a_request(state))) == buttons


def test_an_operator_holds_no_other_role():
    assert policies.may_combine(frozenset({Role.OPERATOR}))
    assert policies.may_combine(frozenset(policies.WITHIN_AN_AUTHORITY))
    for role in policies.WITHIN_AN_AUTHORITY:
        assert not policies.may_combine(frozenset({Role.OPERATOR, role}))


@pytest.mark.parametrize("role", Role)
def test_what_is_explained_is_what_is_possible(role):
    for state in State:
        request = a_request(state)
        for authority in (KENYA, ITALY):
            actor = a_person(authority, role)
            try:
                steps = policies.explain(actor, request)
            except NotVisible:
                assert not policies.may_see(actor, request)
                continue
            allowed = {why.trigger for why in steps if why.allowed}
            assert allowed == set(policies.possible(actor, request))
