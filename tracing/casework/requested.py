"""What the requested authority does: acknowledge, ask, search, defer, answer."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tracing import crash
from tracing.casework import attachments, queries
from tracing.casework.apply import apply, check_version, enter, utcnow
from tracing.extensions import db, wake
from tracing.journal.kinds import Kind as Entry
from tracing.models import Account, TraceRequest
from workflows.errors import FactMissing, NotPermitted
from workflows.facts import Deferral, Questions, Response, Search
from workflows.policies import Actor, may_answer, party_of
from workflows.states import Party, Trigger


def _step(
    reference: str,
    trigger: Trigger,
    actor: Actor,
    fact: Questions | Search | Deferral | Response | None,
    version: int | None,
    now: datetime | None,
    form_key: str = "",
) -> TraceRequest:
    request = queries.by_reference(reference, actor)
    check_version(request, version)
    if isinstance(fact, Deferral):
        _require_later(fact, request, now or utcnow())
    apply(request, trigger, actor=actor, fact=fact, now=now)
    if form_key:
        attachments.settle_step(request, request.events[-1], actor, form_key)
    db.session.commit()
    crash.at("step.committed")
    wake()
    return request


def _require_later(fact: Deferral, request: TraceRequest, now: datetime) -> None:
    zone = ZoneInfo(request.requested.zone) if request.requested else UTC
    if fact.review_date <= now.astimezone(zone).date():
        raise FactMissing("Choose a date of review after today.")


def acknowledge(
    reference: str,
    actor: Actor,
    *,
    version: int | None = None,
    now: datetime | None = None,
) -> TraceRequest:
    """Confirm receipt (ITI 19)."""
    return _step(reference, Trigger.ACKNOWLEDGE, actor, None, version, now)


def ask_clarification(
    reference: str,
    actor: Actor,
    fact: Questions,
    *,
    version: int | None = None,
    now: datetime | None = None,
) -> TraceRequest:
    """Ask for what the request lacks (ITI 21)."""
    return _step(reference, Trigger.ASK_CLARIFICATION, actor, fact, version, now)


def record_search(
    reference: str,
    actor: Actor,
    fact: Search,
    *,
    version: int | None = None,
    now: datetime | None = None,
) -> TraceRequest:
    """Record that a register was searched, and what came of it."""
    return _step(reference, Trigger.RECORD_SEARCH, actor, fact, version, now)


def defer(
    reference: str,
    actor: Actor,
    fact: Deferral,
    *,
    version: int | None = None,
    now: datetime | None = None,
) -> TraceRequest:
    """Postpone the answer to a review date, on a ground (UNTOC 18(25))."""
    return _step(reference, Trigger.DEFER, actor, fact, version, now)


def respond(
    reference: str,
    actor: Actor,
    fact: Response,
    *,
    version: int | None = None,
    form_key: str = "",
    now: datetime | None = None,
) -> TraceRequest:
    """Answer (ITI 18-23), with the files that came with the form."""
    return _step(reference, Trigger.RESPOND, actor, fact, version, now, form_key)


def assign(reference: str, actor: Actor, *, version: int | None = None) -> TraceRequest:
    """Take a request into one's own hands; no step of its life."""
    request = queries.by_reference(reference, actor)
    check_version(request, version)
    if party_of(actor, request) is not Party.REQUESTED or not may_answer(actor):
        raise NotPermitted("Your role does not allow this; the role officer does.")
    request.assigned_to = db.session.get_one(Account, actor.user_id)
    enter(Entry.ASSIGNED, request, actor)
    db.session.commit()
    return request
