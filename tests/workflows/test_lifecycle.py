"""Promises about the life of a request."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from workflows import lifecycle
from workflows.errors import FactMissing, TransitionNotAllowed
from workflows.facts import (
    Answers,
    Closure,
    Deferral,
    Disclosure,
    DisclosurePlan,
    Fact,
    Permission,
    PermissionRequest,
    Question,
    Questions,
    Reason,
    Refusal,
    RegisterSearched,
    Response,
    Search,
    Submission,
    Text,
)
from workflows.lifecycle import RULES, StateChanged, available, fire
from workflows.states import BESIDE, FINAL, Party, State, Trigger
from workflows.vocabulary import (
    ClosureUse,
    DisclosureGround,
    Ground,
    HandlingCode,
    InformationItem,
    Outcome,
    SearchResult,
    TriState,
    Use,
)

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

# The lifecycle as it was decided: step, from, to, by. Where the destination depends on
# the past or on the answer, this is where a request leads whose past is PAST below and
# whose answer is a refusal.
DECIDED = (
    ("submit", "draft", "submitted", "requesting"),
    ("acknowledge", "submitted", "acknowledged", "requested"),
    ("ask_clarification", "submitted", "clarification_requested", "requested"),
    ("ask_clarification", "acknowledged", "clarification_requested", "requested"),
    ("ask_clarification", "records_searched", "clarification_requested", "requested"),
    ("clarify", "clarification_requested", "acknowledged", "requesting"),
    ("record_search", "acknowledged", "records_searched", "requested"),
    ("record_search", "records_searched", "records_searched", "requested"),
    ("defer", "acknowledged", "acknowledged", "requested"),
    ("defer", "records_searched", "records_searched", "requested"),
    ("respond", "records_searched", "responded", "requested"),
    ("respond", "acknowledged", "responded", "requested"),
    ("query_response", "responded", "acknowledged", "requesting"),
    ("close", "responded", "closed", "requesting"),
    ("withdraw", "submitted", "withdrawn", "requesting"),
    ("withdraw", "acknowledged", "withdrawn", "requesting"),
    ("withdraw", "clarification_requested", "withdrawn", "requesting"),
    ("withdraw", "records_searched", "withdrawn", "requesting"),
    ("withdraw", "responded", "withdrawn", "requesting"),
    ("reopen", "closed", "acknowledged", "requesting"),
    ("reopen", "withdrawn", "acknowledged", "requesting"),
    ("enquire", "submitted", "submitted", "either"),
    ("enquire", "acknowledged", "acknowledged", "either"),
    ("enquire", "clarification_requested", "clarification_requested", "either"),
    ("enquire", "records_searched", "records_searched", "either"),
    ("enquire", "responded", "responded", "either"),
    ("remind", "submitted", "submitted", "either"),
    ("remind", "acknowledged", "acknowledged", "either"),
    ("remind", "clarification_requested", "clarification_requested", "either"),
    ("remind", "records_searched", "records_searched", "either"),
    ("remind", "responded", "responded", "either"),
    ("note", "submitted", "submitted", "either"),
    ("note", "acknowledged", "acknowledged", "either"),
    ("note", "clarification_requested", "clarification_requested", "either"),
    ("note", "records_searched", "records_searched", "either"),
    ("note", "responded", "responded", "either"),
)
# What is agreed on confidentiality stands beside the state, from the sending on.
DECIDED += tuple(
    (trigger, state.value, state.value, by)
    for trigger, by in (
        ("ask_permission", "either"),
        ("give_permission", "either"),
        ("refuse_permission", "either"),
        ("announce_disclosure", "either"),
        ("record_disclosure", "either"),
        ("cannot_keep", "requested"),
        ("lift_confidentiality", "requesting"),
    )
    for state in State
    if state is not State.DRAFT
)
LEGAL = {
    (Trigger(trigger), State(source), party): State(to)
    for trigger, source, to, by in DECIDED
    for party in Party
    if by in ("either", party)
}
MATRIX = list(itertools.product(Trigger, State, Party))
ILLEGAL = [cell for cell in MATRIX if cell not in LEGAL]

PAST = {
    State.DRAFT: (),
    State.SUBMITTED: (State.DRAFT,),
    State.ACKNOWLEDGED: (State.DRAFT, State.SUBMITTED),
    State.CLARIFICATION_REQUESTED: (State.DRAFT, State.SUBMITTED, State.ACKNOWLEDGED),
    State.RECORDS_SEARCHED: (State.DRAFT, State.SUBMITTED, State.ACKNOWLEDGED),
    State.RESPONDED: (
        *(State.DRAFT, State.SUBMITTED, State.ACKNOWLEDGED),
        State.RECORDS_SEARCHED,
    ),
    State.CLOSED: (
        *(State.DRAFT, State.SUBMITTED, State.ACKNOWLEDGED),
        *(State.RECORDS_SEARCHED, State.RESPONDED),
    ),
    State.WITHDRAWN: (State.DRAFT, State.SUBMITTED, State.ACKNOWLEDGED),
}

DETAILS = {name: "given" for outcome in Outcome for name in outcome.needs}


def answer(outcome: Outcome) -> Response:
    """Return a complete answer that names no chain of owners."""
    return Response(
        outcome=outcome,
        handling=HandlingCode.H0,
        registers=(RegisterSearched("Central register", "1990-2026"),),
        details=DETAILS,
        grounds=(Ground.G_NATIONAL_SECURITY,) if outcome.needs_ground else (),
        reason="The holder is protected." if outcome.needs_ground else "A copy.",
        consultation="By telephone on 2 March.",
    )


REFUSAL = answer(Outcome.REFUSED)
NOTHING_FOUND = answer(Outcome.NO_RECORD)
WITHOUT_CHAIN = [o for o in Outcome if not {"chain_events"} & {*o.needs}]

FACTS: dict[Trigger, Fact | None] = {
    Trigger.SUBMIT: Submission(confidentiality_guaranteed=True, authorised=True),
    Trigger.ACKNOWLEDGE: None,
    Trigger.ASK_CLARIFICATION: Questions((Question("Which side is the mark on?"),)),
    Trigger.CLARIFY: Answers(("On the left.",)),
    Trigger.RECORD_SEARCH: Search(
        "Central register", "1990-2026", "KE 4417", SearchResult.NO_RECORD
    ),
    Trigger.DEFER: Deferral(
        Ground.G_ONGOING_INVESTIGATION, "The trial is open.", date(2026, 6, 1)
    ),
    Trigger.RESPOND: REFUSAL,
    Trigger.QUERY_RESPONSE: Text("On which ground?"),
    Trigger.CLOSE: Closure(ClosureUse.PROCEEDINGS, TriState.NO),
    Trigger.WITHDRAW: Reason("The suspect confessed."),
    Trigger.REOPEN: Reason("The appeal was allowed."),
    Trigger.ENQUIRE: Text("How is it going?"),
    Trigger.REMIND: Text("The answer is due tomorrow."),
    Trigger.NOTE: Text("Spoke to the laboratory."),
    Trigger.ASK_PERMISSION: PermissionRequest(
        Use.JUDICIAL, (InformationItem.WHOLE,), "The trial opens in May."
    ),
    Trigger.GIVE_PERMISSION: Permission(asked=6),
    Trigger.REFUSE_PERMISSION: Refusal(asked=6, reason="The source is in danger."),
    Trigger.ANNOUNCE_DISCLOSURE: DisclosurePlan(
        DisclosureGround.COURT_ORDER,
        (InformationItem.WHOLE,),
        "The High Court",
        date(2026, 4, 1),
        "Order 7 of 2026.",
    ),
    Trigger.RECORD_DISCLOSURE: Disclosure("The High Court", date(2026, 4, 1), 8),
    Trigger.CANNOT_KEEP: Reason("Our register is public."),
    Trigger.LIFT_CONFIDENTIALITY: Reason("The arrest was made."),
}


def a_request(state: State, past: Sequence[State] | None = None) -> SimpleNamespace:
    """Return a request as the lifecycle sees one, with a likely past."""
    return SimpleNamespace(state=state, past=PAST[state] if past is None else past)


def step(
    subject: object, trigger: Trigger, by: Party, fact: Fact | None
) -> StateChanged:
    """Take a step now."""
    return fire(subject, trigger, by=by, at=NOW, fact=fact)  # type: ignore[arg-type]


def cell(value: object) -> str:
    """Name a coordinate of the matrix."""
    return str(value)


# ------------------------------------------------------------------------ the matrix


def test_the_matrix_has_336_cells_and_135_of_them_are_steps():
    assert len(MATRIX) == 336
    assert len(LEGAL) == 135
    assert len(ILLEGAL) == 201


@pytest.mark.parametrize(("trigger", "state", "by"), LEGAL, ids=cell)
def test_a_decided_step_leads_where_it_was_decided(trigger, state, by):
    request = a_request(state)
    change = step(request, trigger, by, FACTS[trigger])
    assert request.state is LEGAL[trigger, state, by]
    assert change == StateChanged(
        trigger, state, request.state, by, NOW, FACTS[trigger]
    )


@pytest.mark.parametrize(("trigger", "state", "by"), ILLEGAL, ids=cell)
def test_any_other_step_is_refused_in_words_and_changes_nothing(trigger, state, by):
    request = a_request(state)
    with pytest.raises(TransitionNotAllowed) as refused:
        step(request, trigger, by, FACTS[trigger])
    said = str(refused.value)
    if (trigger, state, by.other) in LEGAL:
        assert said == f"{trigger} is for the {by.other} authority, not the {by} one"
    else:
        possible = {t for t, source, party in LEGAL if (source, party) == (state, by)}
        assert said.startswith(f"{trigger} does not apply to a request that is {state}")
        listed = said.partition("possible now: ")[2]
        assert set(listed.split(", ")) == (possible or {"nothing"})
    assert vars(request) == vars(a_request(state))


@pytest.mark.parametrize("by", Party)
@pytest.mark.parametrize("state", State)
def test_what_is_offered_is_what_was_decided(state, by):
    decided = {t for t, source, party in LEGAL if (source, party) == (state, by)}
    offered = available(state, by)
    assert set(offered) == decided
    assert len(offered) == len(decided)


# ------------------------------------------------------------ what a step must carry


@pytest.mark.parametrize(("trigger", "state", "by"), LEGAL, ids=cell)
def test_a_step_with_another_steps_fact_is_refused(trigger, state, by):
    wanted = type(FACTS[trigger])
    others = [fact for fact in FACTS.values() if not isinstance(fact, wanted)]
    for wrong in others:
        request = a_request(state)
        with pytest.raises(FactMissing, match=trigger):
            step(request, trigger, by, wrong)
        assert vars(request) == vars(a_request(state))


def test_a_refused_fact_is_called_by_its_name():
    with pytest.raises(FactMissing, match="close must carry Closure"):
        step(a_request(State.RESPONDED), Trigger.CLOSE, Party.REQUESTING, None)


def test_an_acknowledgement_carries_nothing():
    with pytest.raises(FactMissing, match="acknowledge carries nothing"):
        step(
            a_request(State.SUBMITTED), Trigger.ACKNOWLEDGE, Party.REQUESTED, Text("?")
        )


# -------------------------------------------------- where the past or the answer decides


@pytest.mark.parametrize(
    ("interrupted", "back_to"),
    [
        (State.SUBMITTED, State.ACKNOWLEDGED),
        (State.ACKNOWLEDGED, State.ACKNOWLEDGED),
        (State.RECORDS_SEARCHED, State.RECORDS_SEARCHED),
    ],
)
def test_clarified_a_request_is_back_where_the_question_met_it(interrupted, back_to):
    request = a_request(interrupted)
    ask = FACTS[Trigger.ASK_CLARIFICATION]
    step(request, Trigger.ASK_CLARIFICATION, Party.REQUESTED, ask)
    request.past = (*PAST[interrupted], interrupted)
    step(request, Trigger.CLARIFY, Party.REQUESTING, FACTS[Trigger.CLARIFY])
    assert request.state is back_to


def test_a_search_before_the_last_question_does_not_count_as_interrupted():
    past = (State.RECORDS_SEARCHED, State.RESPONDED, State.ACKNOWLEDGED)
    request = a_request(State.CLARIFICATION_REQUESTED, past)
    step(request, Trigger.CLARIFY, Party.REQUESTING, FACTS[Trigger.CLARIFY])
    assert request.state is State.ACKNOWLEDGED


@pytest.mark.parametrize(
    ("past", "back_to"),
    [
        ((State.DRAFT, State.SUBMITTED), State.SUBMITTED),
        (
            (State.DRAFT, State.SUBMITTED, State.CLARIFICATION_REQUESTED),
            State.SUBMITTED,
        ),
        ((State.DRAFT, State.SUBMITTED, State.ACKNOWLEDGED), State.ACKNOWLEDGED),
        (PAST[State.CLOSED], State.ACKNOWLEDGED),
    ],
    ids=["only sent", "asked about, not acknowledged", "acknowledged", "answered"],
)
@pytest.mark.parametrize("ended", FINAL)
def test_a_reopened_request_need_not_be_acknowledged_twice(ended, past, back_to):
    request = a_request(ended, past)
    step(request, Trigger.REOPEN, Party.REQUESTING, FACTS[Trigger.REOPEN])
    assert request.state is back_to


WITHOUT_SEARCH = {Outcome.REFUSED, Outcome.WRONG_ADDRESSEE, Outcome.DUPLICATE}


@pytest.mark.parametrize("outcome", sorted(WITHOUT_SEARCH))
def test_an_answer_that_needs_no_search_may_follow_the_acknowledgement(outcome):
    request = a_request(State.ACKNOWLEDGED)
    step(request, Trigger.RESPOND, Party.REQUESTED, answer(outcome))
    assert request.state is State.RESPONDED


@pytest.mark.parametrize("outcome", sorted({*WITHOUT_CHAIN} - WITHOUT_SEARCH))
def test_any_other_answer_waits_for_a_recorded_search(outcome):
    request = a_request(State.ACKNOWLEDGED)
    with pytest.raises(TransitionNotAllowed, match="recorded search first"):
        step(request, Trigger.RESPOND, Party.REQUESTED, answer(outcome))
    assert vars(request) == vars(a_request(State.ACKNOWLEDGED))


@pytest.mark.parametrize("outcome", WITHOUT_CHAIN)
def test_after_a_search_any_answer_may_be_given(outcome):
    request = a_request(State.RECORDS_SEARCHED)
    step(request, Trigger.RESPOND, Party.REQUESTED, answer(outcome))
    assert request.state is State.RESPONDED


def test_after_a_queried_answer_a_new_search_comes_before_a_new_answer():
    request = a_request(State.RESPONDED)
    query = FACTS[Trigger.QUERY_RESPONSE]
    step(request, Trigger.QUERY_RESPONSE, Party.REQUESTING, query)
    request.past = (*PAST[State.RESPONDED], State.RESPONDED)
    with pytest.raises(TransitionNotAllowed):
        step(request, Trigger.RESPOND, Party.REQUESTED, NOTHING_FOUND)


# --------------------------------------------------------------------------- the table


def test_sources_and_destinations_are_states_and_no_text():
    # The library takes any text for a source, and never matches it.
    for row in RULES:
        assert all(isinstance(source, State) for source in row.sources)
        assert row.to is None or isinstance(row.to, State)


def test_every_step_has_a_row_and_every_row_a_name_for_people():
    assert {row.trigger for row in RULES} == set(Trigger)
    assert all(row.asked and row.told for row in RULES)


@pytest.mark.parametrize("trigger", Trigger)
@pytest.mark.parametrize("state", State)
def test_of_the_rows_of_a_step_the_last_alone_is_unconditional(trigger, state):
    rows = [row for row in RULES if row.trigger is trigger and state in row.sources]
    assert all(row.when is not None for row in rows[:-1])
    # Without an unconditional row the refusal speaks of a search: only an answer may.
    if rows and rows[-1].when is not None:
        assert (trigger, state) == (Trigger.RESPOND, State.ACKNOWLEDGED)


@pytest.mark.parametrize("trigger", Trigger)
def test_rows_of_a_step_agree_on_who_takes_it_and_what_it_carries(trigger):
    rows = lifecycle.rules_of(trigger)
    assert len({(row.by, row.carries, row.asked, row.told) for row in rows}) == 1


def test_the_machine_has_no_door_that_skips_the_rules():
    assert set(lifecycle._MACHINE.events) == set(Trigger)
    assert not lifecycle._MACHINE.models


def test_a_step_hangs_nothing_on_the_request():
    request = a_request(State.DRAFT)
    step(request, Trigger.SUBMIT, Party.REQUESTING, FACTS[Trigger.SUBMIT])
    assert set(vars(request)) == {"state", "past"}


def test_a_request_that_moves_while_it_is_judged_is_refused_in_our_words():
    class Restless:
        past = PAST[State.SUBMITTED]
        states = itertools.chain([State.SUBMITTED], itertools.repeat(State.DRAFT))
        state = property(lambda self: next(self.states))

    with pytest.raises(TransitionNotAllowed, match="acknowledge does not apply"):
        step(Restless(), Trigger.ACKNOWLEDGE, Party.REQUESTED, None)


# ----------------------------------------------------------------------- random lives


@dataclass
class Kept:
    """A request as it is stored: a state, and events that know before and after."""

    state: State = State.DRAFT
    events: list[StateChanged] = field(default_factory=list)

    @property
    def past(self) -> list[State]:
        """Return the states left, without the steps that stayed."""
        return [e.before for e in self.events if e.before is not e.after]


def accepted(request: Kept, trigger: Trigger, by: Party) -> bool:
    """Tell whether a copy of the request can take the step, with any complete fact."""
    copy = SimpleNamespace(state=request.state, past=request.past)
    try:
        step(copy, trigger, by, FACTS[trigger])
    except TransitionNotAllowed:
        return False
    return True


class Life(RuleBasedStateMachine):
    """A request that lives as chance would have it, within the rules."""

    def __init__(self) -> None:
        """Start as a draft."""
        super().__init__()
        self.request = Kept()
        self.left: list[State] = []

    @rule(data=st.data())
    def take_a_step(self, data: st.DataObject) -> None:
        """Take one of the steps that are open to either side."""
        steps = [(t, by) for by in Party for t in available(self.request.state, by)]
        trigger, by = data.draw(st.sampled_from(steps))
        fact = FACTS[trigger]
        if (trigger, self.request.state) == (Trigger.RESPOND, State.RECORDS_SEARCHED):
            fact = data.draw(st.sampled_from((REFUSAL, NOTHING_FOUND)))
        before = self.request.state
        change = step(self.request, trigger, by, fact)
        self.request.events.append(change)
        if self.request.state is not before:
            self.left.append(before)

    @invariant()
    def the_past_is_the_states_it_has_left(self) -> None:
        """Each state left is in the past, once for each time, in its order."""
        assert self.request.past == self.left

    @invariant()
    def the_state_can_be_rebuilt_from_what_happened(self) -> None:
        """Each event starts where the one before ended; the last one is now."""
        state = State.DRAFT
        for event in self.request.events:
            assert event.before is state
            state = event.after
        assert state is self.request.state

    @invariant()
    def only_reopening_leaves_an_end(self) -> None:
        """A request that has ended takes no step but one, and those beside."""
        taken = {e.trigger for e in self.request.events if e.before in FINAL}
        assert taken <= {Trigger.REOPEN, *BESIDE}

    @invariant()
    def an_acknowledgement_is_for_good(self) -> None:
        """Once acknowledged a request never waits for acknowledgement again."""
        assert not (
            State.ACKNOWLEDGED in self.request.past
            and self.request.state is State.SUBMITTED
        )

    @invariant()
    def a_negative_answer_was_looked_for(self) -> None:
        """Nothing is called unknown before a register was searched."""
        negative = [e for e in self.request.events if e.fact is NOTHING_FOUND]
        assert not negative or State.RECORDS_SEARCHED in self.request.past

    @invariant()
    def what_is_offered_is_what_is_accepted(self) -> None:
        """Each button works, and what has no button does not."""
        for by in Party:
            taken = {t for t in Trigger if accepted(self.request, t, by)}
            assert taken == set(available(self.request.state, by))


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
