"""What may leave the service: an export holds back what another State has restricted."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import exists, or_, select

from tracing.extensions import db
from tracing.models import Authority, ItemRestriction, RequestEvent, TraceRequest
from workflows import restrictions
from workflows.facts import Restriction
from workflows.restrictions import Fate
from workflows.states import Party, State, Trigger
from workflows.vocabulary import HandlingCode, InformationItem, Use

_ANSWER: Final = f'{{"action":"{Trigger.RESPOND.value}",'
_STEPS: Final = tuple(
    f'{{"action":"{trigger.value}",'
    for trigger in Trigger
    if trigger not in (Trigger.SUBMIT, Trigger.NOTE)
)
"""What an entry begins with that may hold words of the other side."""

_MAY_ASK: Final = (HandlingCode.H2, HandlingCode.H3)

Held = Callable[[str, bytes], bool]


# ------------------------------------------------------- what the asking side restricts


def of_request(request: TraceRequest) -> tuple[Restriction, ...]:
    """Return the restrictions of a request, the one on everything first."""
    whole = Restriction(
        InformationItem.WHOLE,
        request.handling or HandlingCode.H0,
        request.handling_text or "",
    )
    items = (
        Restriction(
            row.item, row.handling, row.text or "", tuple(map(Use, row.allows or ()))
        )
        for row in request.item_restrictions
    )
    return (whole, *items)


def kept_back(
    request: TraceRequest, authority_id: int, item: InformationItem
) -> HandlingCode | None:
    """Return the code that keeps an item of a request in the service, if one does.

    What an authority has asked itself is its own; who was asked needs permission for
    what the code withholds (Firearms Protocol 12(5), UNTOC 18(19)).
    """
    if request.requesting_id == authority_id:
        return None
    restriction = restrictions.on(item, of_request(request))
    if restrictions.fate(restriction, Use.EXPORT) is not Fate.ASKS:
        return None
    permitted = restrictions.permission(
        request.events, item, Use.EXPORT, by=Party.REQUESTED
    )
    return None if permitted else restriction.handling


# -------------------------------------------------------------- what a step has said


def said_outside(
    request: TraceRequest, event: RequestEvent, authority_id: int
) -> tuple[dict[str, Any] | None, dict[InformationItem, HandlingCode]]:
    """Return what a step said as far as an authority may take it out, and what stays.

    One's own words are free. Of the other side's an answer is judged item by item, all
    else by the code on the text of the request.
    """
    if event.authority_id == authority_id or not event.carried:
        return event.carried or None, {}
    if event.trigger is Trigger.RESPOND:
        return _answer_outside(request, event)
    if request.requesting_id == authority_id:
        return event.carried, {}
    item = InformationItem.TEXT
    restriction = restrictions.on(item, of_request(request))
    if restrictions.fate(restriction, Use.EXPORT) is not Fate.ASKS:
        return event.carried, {}
    asked = restrictions.permission(
        request.events, item, Use.EXPORT, by=Party.REQUESTED
    )
    given = asked.answered if asked else None
    if given is not None and event.position <= given.position:
        return event.carried, {}
    return None, {item: restriction.handling}


def _answer_outside(
    request: TraceRequest, event: RequestEvent
) -> tuple[dict[str, Any], dict[InformationItem, HandlingCode]]:
    codes = {
        item: restriction.handling
        for item, restriction in _asking_first(event.carried)
        if not restrictions.permission(
            request.events,
            item,
            Use.EXPORT,
            by=Party.REQUESTING,
            since=event.position,
        )
    }
    left = restrictions.without(event.carried, codes)
    said = {*restrictions.contents(event.carried), InformationItem.TEXT}
    return left, {item: code for item, code in codes.items() if item in said}


def _asking_first(
    carried: Mapping[str, Any],
) -> Iterator[tuple[InformationItem, Restriction]]:
    """Yield the items of an answer that its provider has to permit to export."""
    given = restrictions.of_answer(carried)
    for item in restrictions.ANSWER_ITEMS:
        restriction = restrictions.on(item, given)
        if restrictions.fate(restriction, Use.EXPORT) is Fate.ASKS:
            yield item, restriction


# ------------------------------------------------------------------ out of the journal


def held_back(authority_id: int) -> Held:
    """Return what tells of an entry, and of what it carried, whether that stays here.

    It stays where the other authority wrote it and has not permitted to export what it
    restricted: an answer by its items, the steps of who asked by the code on the text
    of the request (Firearms Protocol 12(5), UNTOC 18(19)).
    """
    own = db.session.scalar(select(Authority.code).where(Authority.id == authority_id))
    permitted, limits = _permitted(authority_id), dict(_limits(authority_id))

    def stays(record: str, payload: bytes) -> bool:
        if not record.startswith(_STEPS):
            return False
        try:
            said, step = json.loads(record), json.loads(payload)
            if said["by"] == own:
                return False
            about, position = said["object"], step["position"]
            if not record.startswith(_ANSWER):
                return bool(step["carried"]) and position > limits.get(about, position)
            kept = restrictions.kept_from_export(step["carried"])
        except (ValueError, LookupError, TypeError):
            # No step of ours: it goes, so that the check finds who forged it.
            return False
        return bool(kept) and (about, position) not in permitted

    return stays


def _permitted(authority_id: int) -> frozenset[tuple[str, int]]:
    """Return the answers whose export was permitted: reference and place in history."""
    found = db.session.scalars(
        select(TraceRequest).where(
            TraceRequest.requesting_id == authority_id,
            TraceRequest.events.any(RequestEvent.trigger == Trigger.GIVE_PERMISSION),
        )
    )
    return frozenset(
        (request.reference, event.position)
        for request in found
        for event in request.events
        if event.trigger is Trigger.RESPOND
        and restrictions.may_be_exported(request.events, event)
    )


def _limits(authority_id: int) -> Iterator[tuple[str, int]]:
    """Yield the requests an authority was asked whose text stays, each with a place.

    What was written up to that place in the history has been permitted; 0: nothing.
    """
    item = InformationItem.TEXT
    own = exists().where(
        ItemRestriction.request_id == TraceRequest.id,
        ItemRestriction.item == item,
        ItemRestriction.handling.in_(_MAY_ASK),
    )
    found = db.session.execute(
        select(TraceRequest.id, TraceRequest.reference).where(
            TraceRequest.requested_id == authority_id,
            TraceRequest.state != State.DRAFT,
            TraceRequest.erased_at.is_(None),
            or_(TraceRequest.handling.in_(_MAY_ASK), own),
        )
    ).all()
    for number, reference in found:
        request = db.session.get_one(TraceRequest, number)
        restriction = restrictions.on(item, of_request(request))
        if restrictions.fate(restriction, Use.EXPORT) is Fate.ASKS:
            asked = restrictions.permission(
                request.events, item, Use.EXPORT, by=Party.REQUESTED
            )
            given = asked.answered if asked else None
            yield reference, given.position if given else 0
        db.session.expunge(request)
