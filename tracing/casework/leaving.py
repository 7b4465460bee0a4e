"""What may leave the service: an export holds back what another State has restricted."""

import json
from collections.abc import Callable
from typing import Final

from sqlalchemy import select

from tracing.extensions import db
from tracing.models import Authority, RequestEvent, TraceRequest
from workflows import restrictions
from workflows.states import Trigger

_ANSWER: Final = f'{{"action":"{Trigger.RESPOND.value}",'

Held = Callable[[str, bytes], bool]


def held_back(authority_id: int) -> Held:
    """Return what tells of an entry, and of what it carried, whether that stays here.

    It stays where another authority answered and has not permitted to export what it
    restricted (Firearms Protocol 12(5), UNTOC 18(19)).
    """
    own = db.session.scalar(select(Authority.code).where(Authority.id == authority_id))
    permitted = _permitted(authority_id)

    def stays(record: str, payload: bytes) -> bool:
        if not record.startswith(_ANSWER):
            return False
        try:
            said, step = json.loads(record), json.loads(payload)
            if said["by"] == own:
                return False
            place = said["object"], step["position"]
            kept = restrictions.kept_from_export(step["carried"])
        except (ValueError, LookupError, TypeError):
            # No answer of ours: it goes, so that the check finds who forged it.
            return False
        return bool(kept) and place not in permitted

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
