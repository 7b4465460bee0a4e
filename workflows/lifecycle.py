"""The life of a trace request: one table, one machine, two doors.

`RULES` follows ITI 14-23, Firearms Protocol art. 12 and UNTOC art. 18; what each
step must carry is in `facts`. Everything else asks `available()` and `fire()`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, cast

from transitions import EventData, Machine, MachineError

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
    Questions,
    Reason,
    Receipt,
    Refusal,
    Response,
    Search,
    Submission,
    Text,
)
from workflows.states import ASKABLE, FINAL, OPEN, SENT, WORKED, Party, State, Trigger
from workflows.vocabulary import N_, NO_SEARCH_NEEDED


class Subject(Protocol):
    """A request as the lifecycle sees it: its state and those it has left."""

    state: State

    @property
    def past(self) -> Sequence[State]:
        """Return the states left so far, oldest first."""


Condition = Callable[[Subject, Fact | None], bool]


def had_been_searched(subject: Subject, _fact: Fact | None) -> bool:
    """Tell whether the question interrupted a request already searched."""
    return bool(subject.past) and subject.past[-1] is State.RECORDS_SEARCHED


def had_been_acknowledged(subject: Subject, _fact: Fact | None) -> bool:
    """Tell whether the requested authority had ever acknowledged it."""
    return State.ACKNOWLEDGED in subject.past


def needs_no_search(_subject: Subject, fact: Fact | None) -> bool:
    """Tell whether the outcome may be given without looking into records."""
    return isinstance(fact, Response) and fact.outcome in NO_SEARCH_NEEDED


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table; `to` None keeps the state, `by` None is either side."""

    trigger: Trigger
    sources: tuple[State, ...]
    to: State | None
    by: Party | None
    carries: type[Fact] | None
    asked: str
    told: str
    when: Condition | None = None
    may_carry: type[Fact] | None = None


_ASKER, _ANSWERER = Party.REQUESTING, Party.REQUESTED
_T, _S = Trigger, State

RULES: Final = (
    # trigger, from, to, by, carries, what it is called on the button, in history, when
    Rule(_T.SUBMIT, (_S.DRAFT,), _S.SUBMITTED, _ASKER, Submission,
         N_("Send request"), N_("Request sent")),
    Rule(_T.ACKNOWLEDGE, (_S.SUBMITTED,), _S.ACKNOWLEDGED, _ANSWERER, None,
         N_("Acknowledge"), N_("Acknowledged"), may_carry=Receipt),
    Rule(_T.ASK_CLARIFICATION, ASKABLE, _S.CLARIFICATION_REQUESTED, _ANSWERER,
         Questions, N_("Ask for clarification"), N_("Clarification asked")),
    Rule(_T.CLARIFY, (_S.CLARIFICATION_REQUESTED,), _S.RECORDS_SEARCHED, _ASKER,
         Answers, N_("Clarify"), N_("Clarified"), had_been_searched),
    Rule(_T.CLARIFY, (_S.CLARIFICATION_REQUESTED,), _S.ACKNOWLEDGED, _ASKER,
         Answers, N_("Clarify"), N_("Clarified")),
    Rule(_T.RECORD_SEARCH, WORKED, _S.RECORDS_SEARCHED, _ANSWERER, Search,
         N_("Record a search"), N_("Records searched")),
    Rule(_T.DEFER, WORKED, None, _ANSWERER, Deferral,
         N_("Defer the answer"), N_("Answer deferred")),
    Rule(_T.RESPOND, (_S.RECORDS_SEARCHED,), _S.RESPONDED, _ANSWERER, Response,
         N_("Answer"), N_("Answered")),
    Rule(_T.RESPOND, (_S.ACKNOWLEDGED,), _S.RESPONDED, _ANSWERER, Response,
         N_("Answer"), N_("Answered"), needs_no_search),
    Rule(_T.QUERY_RESPONSE, (_S.RESPONDED,), _S.ACKNOWLEDGED, _ASKER, Text,
         N_("Ask about the answer"), N_("Asked about the answer")),
    Rule(_T.CLOSE, (_S.RESPONDED,), _S.CLOSED, _ASKER, Closure,
         N_("Close request"), N_("Closed")),
    Rule(_T.WITHDRAW, OPEN, _S.WITHDRAWN, _ASKER, Reason,
         N_("Withdraw"), N_("Withdrawn")),
    Rule(_T.REOPEN, FINAL, _S.ACKNOWLEDGED, _ASKER, Reason,
         N_("Reopen"), N_("Reopened"), had_been_acknowledged),
    Rule(_T.REOPEN, FINAL, _S.SUBMITTED, _ASKER, Reason,
         N_("Reopen"), N_("Reopened")),
    Rule(_T.ENQUIRE, OPEN, None, None, Text,
         N_("Ask how it is going"), N_("Progress enquiry")),
    Rule(_T.REMIND, OPEN, None, None, Text,
         N_("Send a reminder"), N_("Reminder")),
    Rule(_T.NOTE, OPEN, None, None, Text,
         N_("Write an internal note"), N_("Internal note")),
    # Firearms Protocol 12(5), UNTOC 18(5) and 18(19)-(20): beside the state, and as
    # long as somebody has the information; `restrictions` says when each is possible.
    Rule(_T.ASK_PERMISSION, SENT, None, None, PermissionRequest,
         N_("Ask for permission"), N_("Permission asked")),
    Rule(_T.GIVE_PERMISSION, SENT, None, None, Permission,
         N_("Give permission"), N_("Permission given")),
    Rule(_T.REFUSE_PERMISSION, SENT, None, None, Refusal,
         N_("Refuse permission"), N_("Permission refused")),
    Rule(_T.ANNOUNCE_DISCLOSURE, SENT, None, None, DisclosurePlan,
         N_("Give notice of a disclosure"), N_("Disclosure announced")),
    Rule(_T.RECORD_DISCLOSURE, SENT, None, None, Disclosure,
         N_("Record a disclosure"), N_("Disclosed")),
    Rule(_T.CANNOT_KEEP, SENT, None, _ANSWERER, Reason,
         N_("Say that it cannot be kept confidential"),
         N_("Cannot be kept confidential")),
    Rule(_T.LIFT_CONFIDENTIALITY, SENT, None, _ASKER, Reason,
         N_("Go on without confidentiality"), N_("No longer confidential")),
)  # fmt: skip
"""The whole life of a request. Of two rows for one step, the conditional is first."""


@dataclass(frozen=True, slots=True)
class StateChanged:
    """A step was taken."""

    trigger: Trigger
    before: State
    after: State
    by: Party
    at: datetime
    fact: Fact | None


def _condition(rule: Rule) -> list[Callable[[EventData], bool]]:
    if rule.when is None:
        return []
    when = rule.when

    def holds(event: EventData) -> bool:
        return when(cast(Subject, event.model), event.kwargs["fact"])

    return [holds]


# auto_transitions would add a to_<state>() that skips every rule; no model is
# registered because the machine would keep it alive and reset its state.
_MACHINE: Final = Machine(
    model=None,
    states=State,
    transitions=[
        {
            "trigger": rule.trigger.value,
            "source": list(rule.sources),
            "dest": "=" if rule.to is None else rule.to,
            "conditions": _condition(rule),
        }
        for rule in RULES
    ],
    initial=State.DRAFT,
    auto_transitions=False,
    send_event=True,
)


def rules_of(trigger: Trigger) -> tuple[Rule, ...]:
    """Return the rows of one step, the conditional first."""
    return tuple(rule for rule in RULES if rule.trigger is trigger)


def available(state: State, party: Party) -> tuple[Trigger, ...]:
    """Return the steps this side can take from this state, in the table's order."""
    found = (
        rule.trigger
        for rule in RULES
        if state in rule.sources and rule.by in (None, party)
    )
    return tuple(dict.fromkeys(found))


def _check_party(trigger: Trigger, state: State, by: Party) -> None:
    rows = [rule for rule in rules_of(trigger) if state in rule.sources]
    if not rows:
        possible = ", ".join(available(state, by)) or "nothing"
        raise TransitionNotAllowed(
            f"{trigger} does not apply to a request that is {state};"
            f" possible now: {possible}"
        )
    if rows[0].by not in (None, by):
        raise TransitionNotAllowed(
            f"{trigger} is for the {rows[0].by} authority, not the {by} one"
        )


def _check_fact(trigger: Trigger, fact: Fact | None) -> None:
    rule = rules_of(trigger)[0]
    carries, may_carry = rule.carries, rule.may_carry
    if may_carry is not None and isinstance(fact, may_carry):
        return
    if carries is None and fact is not None:
        raise FactMissing(f"{trigger} carries nothing")
    if carries is not None and not isinstance(fact, carries):
        raise FactMissing(f"{trigger} must carry {carries.__name__}")


def fire(
    subject: Subject,
    trigger: Trigger,
    *,
    by: Party,
    at: datetime,
    fact: Fact | None = None,
) -> StateChanged:
    """Take one step, or say in words why it cannot be taken."""
    before = subject.state
    _check_party(trigger, before, by)
    _check_fact(trigger, fact)
    try:
        moved = _MACHINE.events[trigger.value].trigger(subject, fact=fact)
    except MachineError as error:
        raise TransitionNotAllowed(f"{trigger} does not apply to {before}") from error
    if not moved:
        raise TransitionNotAllowed(
            f"{trigger} does not apply to a request that is {before}:"
            " this outcome needs a recorded search first"
        )
    return StateChanged(trigger, before, subject.state, by, at, fact)
