"""A chain of requests of one authority: what each State took, and who is due next."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from tracing.casework import onward
from tracing.models import TraceRequest
from tracing.models.trace_request import FAR
from workflows.states import State, Trigger
from workflows.vocabulary import ChainEventType

SALES = frozenset({ChainEventType.SALE.value, ChainEventType.REGISTRATION.value})
"""Events after which somebody held it lawfully."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One State that was asked, in days of its own calendar."""

    state: str
    sent: date
    answered: date | None


def chain_of(request: TraceRequest) -> list[TraceRequest]:
    """Return the requests of a chain in order, without drafts, of one authority."""
    first = request
    while first.parent and first.parent.requesting_id == request.requesting_id:
        first = first.parent
    return [one for one in _below(first) if one.state is not State.DRAFT]


def _below(request: TraceRequest) -> Iterator[TraceRequest]:
    yield request
    for child in request.onward:
        yield from _below(child)


def legs_of(request: TraceRequest) -> list[Leg]:
    """Return what each State of the chain took."""
    return [leg for leg in map(_leg, chain_of(request)) if leg is not None]


def _leg(request: TraceRequest) -> Leg | None:
    if request.requested is None:
        return None
    zone = ZoneInfo(request.requested.zone)
    sent = answered = None
    for event in request.events:
        if event.trigger is Trigger.SUBMIT:
            sent = event.at.astimezone(zone).date()
        elif event.trigger is Trigger.RESPOND and answered is None:
            answered = event.at.astimezone(zone).date()
    return Leg(request.requested.country, sent, answered) if sent else None


def soonest_of(request: TraceRequest) -> TraceRequest | None:
    """Return the request further down the chain whose answer is due first."""
    waiting = (
        one
        for child in request.onward
        for one in _below(child)
        if one.awaiting and one.due < FAR
    )
    return min(waiting, key=lambda one: one.due, default=None)


def time_to_crime(request: TraceRequest) -> int | None:
    """Return the days from the last sale or registration that is known to the find."""
    found_on = request.recovery.found_on
    if found_on is None:
        return None
    answers = filter(None, map(onward.last_response, chain_of(request)))
    sales = [
        date.fromisoformat(event["on"])
        for answer in answers
        for event in answer.carried.get("chain", ())
        if event["type"] in SALES and event.get("on")
    ]
    lawful = [day for day in sales if day <= found_on]
    return (found_on - max(lawful)).days if lawful else None
