"""Onward requests: the next State in the chain, linked to the one before.

What a provider said goes along item by item, with its handling code and the provider's
name; what the code withholds only with a permission, asked for on the request on which
it was provided (Firearms Protocol art. 12(5), UNTOC 18(19)).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tracing.casework import attachments, queries, sections
from tracing.casework.apply import utcnow
from tracing.casework.requesting import (
    Drawn,
    enter_draft,
    new_draft,
    under_a_number,
    use_form_key,
)
from tracing.directory import entries
from tracing.extensions import db
from tracing.journal.kinds import Kind as Entry
from tracing.models import Authority, ProvidedItem, RequestEvent, TraceRequest
from workflows import restrictions
from workflows.errors import TransitionNotAllowed
from workflows.facts import Restriction
from workflows.policies import Actor, party_of
from workflows.restrictions import Asked, Fate
from workflows.states import Party, Trigger
from workflows.vocabulary import (
    SUCCESSIVE,
    InformationItem,
    Outcome,
    RoutingBasis,
    Use,
)

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


@dataclass(frozen=True, slots=True)
class Carriable:
    """One item that a provider gave: what it says, its limits, where it comes from."""

    restriction: Restriction
    content: dict[str, Any]
    source: TraceRequest
    provider: Authority
    position: int
    provided_at: datetime
    conditions: str = ""

    @property
    def item(self) -> InformationItem:
        """Return which item it is."""
        return self.restriction.item

    @property
    def key(self) -> str:
        """Return what a form calls it."""
        return f"{self.source.reference}-{self.item.value}"

    @property
    def asks(self) -> bool:
        """Tell whether it goes onward only with the provider's permission."""
        return restrictions.fate(self.restriction, Use.ONWARD) is Fate.ASKS

    def permission(self, to: str) -> Asked | None:
        """Return the provider's permission to pass it on to a State."""
        return restrictions.permission(
            self.source.events,
            self.item,
            Use.ONWARD,
            by=Party.REQUESTING,
            to=to,
            since=self.position,
        )

    def permitted_to(self) -> list[str]:
        """Return the States it may go to by permission."""
        asked = {a.to for a in restrictions.permissions(self.source.events) if a.to}
        return sorted(to for to in asked if self.permission(to))


def carriables(parent: TraceRequest) -> list[Carriable]:
    """Return what may go along if its providers allow: the answer, then what it had."""
    found = []
    answer = last_response(parent)
    if answer is not None and parent.requested is not None:
        given = restrictions.of_answer(answer.carried)
        found += [
            Carriable(
                restrictions.on(item, given),
                content,
                parent,
                parent.requested,
                answer.position,
                answer.at,
            )
            for item, content in restrictions.contents(answer.carried).items()
        ]
    found += [
        Carriable(
            Restriction(row.item, row.handling, row.text, tuple(map(Use, row.allows))),
            row.content,
            row.source,
            row.provider,
            row.position,
            row.provided_at,
            row.conditions,
        )
        for row in parent.provided
    ]
    return found


def start(
    reference: str,
    actor: Actor,
    *,
    authority_id: int,
    form_key: str,
    carry: Collection[str] | None = None,
    now: datetime | None = None,
) -> TraceRequest:
    """Start a draft to the next authority with what may be carried over.

    The find and the item are the requester's own. Of what providers said go the items
    in `carry`, and one that may not is refused; without it, all that may.
    """
    at = now or utcnow()

    def begin(drawn: Drawn) -> TraceRequest:
        parent = queries.by_reference(reference, actor)
        if not may_go_onward(actor, parent):
            raise TransitionNotAllowed(
                "The answer does not point to another State, so there is no next"
                " request."
            )
        to = entries.open_for_requests(
            authority_id, besides=actor.authority_id, on=at.date()
        )
        taken = _taken(carriables(parent), carry, to.country)
        with db.session.no_autoflush:
            use_form_key(form_key, actor, reference=drawn[1], now=at)
            child = _child(parent, actor, to, taken, drawn, at)
        attachments.copy_to(child, parent, actor, now=at)
        carried = [
            {"from": one.source.reference, "item": one.item, "handling": one.handling}
            for one in child.provided
        ]
        enter_draft(Entry.DRAFTED, child, actor, carried=carried)
        db.session.commit()
        return child

    return under_a_number(actor, at, begin)


def _child(
    parent: TraceRequest,
    actor: Actor,
    to: Authority,
    taken: list[Carriable],
    drawn: Drawn,
    at: datetime,
) -> TraceRequest:
    """Return the draft with what is one's own, and what goes along."""
    values = sections.read(parent)
    child = new_draft(
        actor, now=at, recovery=parent.recovery, parent=parent, drawn=drawn
    )
    for key in CARRIED:
        schema = sections.SCHEMAS[key]()
        sections.write(child, key, schema.load(values[key], partial=True))
    child.requested = to
    # That an answer named this State is part of what its provider said.
    points = any(one.item is InformationItem.TRANSFERS for one in taken)
    child.routing_basis = RoutingBasis.PREVIOUS_REPLY if points else None
    child.urgency_reason = parent.urgency_reason
    child.requested_by = None
    child.requested_by_reason = None
    child.provided = [_provided(one, to.country) for one in taken]
    return child


def _taken(
    found: list[Carriable], carry: Collection[str] | None, to: str
) -> list[Carriable]:
    if carry is None:
        return [one for one in found if not one.asks or one.permission(to)]
    taken = [one for one in found if one.key in carry]
    for one in taken:
        restrictions.require_use(one.restriction, Use.ONWARD, one.permission(to))
    return taken


def _provided(one: Carriable, to: str) -> ProvidedItem:
    asked = one.permission(to)
    said = (one.conditions, asked.conditions if asked else "")
    return ProvidedItem(
        source=one.source,
        provider_id=one.provider.id,
        provided_at=one.provided_at,
        position=one.position,
        item=one.item,
        handling=one.restriction.handling,
        text=one.restriction.text,
        allows=one.restriction.allows,
        conditions="\n".join(dict.fromkeys(filter(None, said))),
        content=one.content,
    )
