"""What both sides do: ask how it is going, remind, keep a note."""

from datetime import datetime

from tracing import crash
from tracing.casework import queries
from tracing.casework.apply import apply, check_version
from tracing.extensions import db, wake
from tracing.models import TraceRequest
from workflows.errors import TransitionNotAllowed
from workflows.facts import Text
from workflows.policies import Actor
from workflows.states import NEUTRAL, Trigger


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
    if trigger not in NEUTRAL:
        raise TransitionNotAllowed(f"{trigger} is not a step of both sides")
    request = queries.by_reference(reference, actor)
    check_version(request, version)
    apply(request, trigger, actor=actor, fact=fact, now=now)
    db.session.commit()
    crash.at("note.committed")
    wake()
    return request
