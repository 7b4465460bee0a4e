"""What both sides do: ask how it is going, remind, note; agree on confidentiality."""

from datetime import datetime

from tracing import crash
from tracing.casework import queries
from tracing.casework.apply import apply, check_version
from tracing.extensions import db, wake
from tracing.models import TraceRequest
from workflows.errors import TransitionNotAllowed
from workflows.facts import Fact, Text
from workflows.policies import Actor
from workflows.states import BESIDE, NEUTRAL, Trigger


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
    return _take(trigger, reference, actor, fact, version, now)


def agree(
    trigger: Trigger,
    reference: str,
    actor: Actor,
    fact: Fact,
    *,
    version: int | None = None,
    now: datetime | None = None,
) -> TraceRequest:
    """Ask for a permission, answer, give notice of a disclosure, record it.

    Firearms Protocol 12(5), UNTOC 18(5) and 18(19)-(20); the state stays.
    """
    if trigger not in BESIDE:
        raise TransitionNotAllowed(f"{trigger} is no step beside the state")
    return _take(trigger, reference, actor, fact, version, now)


def _take(
    trigger: Trigger,
    reference: str,
    actor: Actor,
    fact: Fact,
    version: int | None,
    now: datetime | None,
) -> TraceRequest:
    request = queries.by_reference(reference, actor)
    check_version(request, version)
    apply(request, trigger, actor=actor, fact=fact, now=now)
    db.session.commit()
    crash.at("note.committed")
    wake()
    return request
