"""What both sides do: ask how it is going, remind, keep a note."""

from datetime import datetime

from tracing.casework import queries
from tracing.casework.apply import apply, check_version
from tracing.extensions import db, wake
from tracing.models import TraceRequest
from workflows.facts import Text
from workflows.policies import Actor
from workflows.states import Trigger


def write(
    trigger: Trigger,
    reference: str,
    actor: Actor,
    fact: Text,
    *,
    version: int | None = None,
    now: datetime | None = None,
) -> TraceRequest:
    """Enquire, remind or note: the state stays (UNTOC 18(24))."""
    request = queries.by_reference(reference, actor)
    check_version(request, version)
    apply(request, trigger, actor=actor, fact=fact, now=now)
    db.session.commit()
    wake()
    return request
