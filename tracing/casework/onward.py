"""Onward requests: the next State in the chain, linked to the one before."""

from datetime import datetime

from tracing.casework import attachments, queries, sections
from tracing.casework.apply import utcnow
from tracing.casework.requesting import (
    draw_reference,
    enter_draft,
    new_draft,
    use_form_key,
)
from tracing.extensions import db
from tracing.journal.kinds import Kind as Entry
from tracing.models import Authority, RequestEvent, TraceRequest
from workflows import restrictions
from workflows.errors import TransitionNotAllowed
from workflows.policies import Actor, party_of
from workflows.states import Party, Trigger
from workflows.vocabulary import SUCCESSIVE, HandlingCode, Outcome, RoutingBasis

CARRIED = ("item", "markings", "persons", "basis", "domestic", "header")


def last_response(request: TraceRequest) -> RequestEvent | None:
    """Return the answer that counts: the last one."""
    return next(
        (e for e in reversed(request.events) if e.trigger is Trigger.RESPOND), None
    )


def next_state(request: TraceRequest) -> str | None:
    """Return the State an answer points to, if it names one."""
    answer = last_response(request)
    if answer is None or Outcome(answer.carried["outcome"]) not in SUCCESSIVE:
        return None
    details = answer.carried["details"]
    return details.get("onward_state") or details.get("transit_to") or None


def may_go_onward(actor: Actor, request: TraceRequest) -> bool:
    """Tell whether an answer leads to another State and the actor may ask it."""
    answer = last_response(request)
    return (
        party_of(actor, request) is Party.REQUESTING
        and answer is not None
        and Outcome(answer.carried["outcome"]) in SUCCESSIVE
    )


def start(
    reference: str,
    actor: Actor,
    *,
    authority_id: int,
    form_key: str,
    now: datetime | None = None,
) -> TraceRequest:
    """Start a draft to the next authority with what may be carried over.

    The find and the item are the requester's own; what the provider said goes
    along only where its handling code allows (Firearms Protocol art. 12(5)).
    """
    at = now or utcnow()
    parent = queries.by_reference(reference, actor)
    if not may_go_onward(actor, parent):
        raise TransitionNotAllowed(
            "The answer does not point to another State, so there is no next request."
        )
    answer = last_response(parent)
    assert answer is not None
    values = sections.read(parent)
    with db.session.no_autoflush:
        drawn = draw_reference(actor, at)
        use_form_key(form_key, actor, reference=drawn[1], now=at)
        child = new_draft(
            actor, now=at, recovery=parent.recovery, parent=parent, drawn=drawn
        )
        for key in CARRIED:
            schema = sections.SCHEMAS[key]()
            sections.write(child, key, schema.load(values[key], partial=True))
        child.requested = db.session.get_one(Authority, authority_id)
        child.routing_basis = RoutingBasis.PREVIOUS_REPLY
        child.urgency_reason = parent.urgency_reason
        child.requested_by = None
        child.requested_by_reason = None
        told = restrictions.carry_over(
            HandlingCode(answer.carried["handling"]), summary_of(answer)
        )
        if told:
            child.special_procedure = told
    attachments.copy_to(child, parent, actor, now=at)
    enter_draft(Entry.DRAFTED, child, actor)
    db.session.commit()
    return child


def summary_of(answer: RequestEvent) -> str:
    """Return the answer in one paragraph, as the next authority may read it."""
    outcome = Outcome(answer.carried["outcome"])
    details = ", ".join(
        f"{name.replace('_', ' ')}: {value}"
        for name, value in answer.carried["details"].items()
    )
    return f"Earlier answer: {outcome.label}. {details}".strip()


def may_carry_answer(answer: RequestEvent) -> bool:
    """Tell whether what the provider said may go along."""
    return restrictions.may_carry(HandlingCode(answer.carried["handling"]))
