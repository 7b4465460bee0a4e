"""What the requested authority does: acknowledge, ask, search, defer, answer."""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import select

from tracing import crash
from tracing.casework import attachments, queries
from tracing.casework.apply import apply, check_version, enter, utcnow
from tracing.extensions import db, wake
from tracing.journal.kinds import Kind as Entry
from tracing.models import Account, TraceRequest
from tracing.notifications import compose
from workflows.errors import FactMissing, NotPermitted
from workflows.facts import Deferral, Questions, Receipt, Response, Search
from workflows.policies import (
    ANSWERERS,
    Actor,
    may_answer,
    may_hand_over,
    party_of,
)
from workflows.states import Party, Trigger
from workflows.vocabulary import Access


def _step(
    reference: str,
    trigger: Trigger,
    actor: Actor,
    fact: Questions | Search | Deferral | Receipt | Response | None,
    version: int | None,
    now: datetime | None,
    form_key: str = "",
) -> TraceRequest:
    request = queries.by_reference(reference, actor)
    check_version(request, version)
    if isinstance(fact, Deferral):
        _require_later(fact, request, now or utcnow())
    files = attachments.waiting_for_step(actor, form_key)
    apply(request, trigger, actor=actor, fact=fact, now=now)
    attachments.settle_step(request, request.events[-1], actor, files)
    db.session.commit()
    crash.at("step.committed")
    wake()
    return request


def _require_later(fact: Deferral, request: TraceRequest, now: datetime) -> None:
    zone = ZoneInfo(request.requested.zone) if request.requested else UTC
    if fact.review_date <= now.astimezone(zone).date():
        raise FactMissing("Choose a date of review after today.")


def asks_access(request: TraceRequest) -> bool:
    """Tell whether the limit depends on how the information is reached."""
    return request.regime == "EU977_URGENT_INDIRECT"


def acknowledge(
    reference: str,
    actor: Actor,
    *,
    access: Access | None = None,
    version: int | None = None,
    now: datetime | None = None,
) -> TraceRequest:
    """Confirm receipt (ITI 19), and say how the information is reached."""
    fact = None if access is None else Receipt(access)
    return _step(reference, Trigger.ACKNOWLEDGE, actor, fact, version, now)


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
    if party_of(actor, request) is not Party.REQUESTED or not may_answer(actor):
        raise NotPermitted("Your role does not allow this; the role officer does.")
    check_version(request, version)
    request.assigned_to = db.session.get_one(Account, actor.user_id)
    enter(Entry.ASSIGNED, request, actor)
    db.session.commit()
    return request


def answerers(actor: Actor) -> Sequence[Account]:
    """Return the people of one's authority who may answer requests."""
    found = db.session.scalars(
        select(Account)
        .where(Account.authority_id == actor.authority_id, Account.active.is_(True))
        .order_by(Account.name, Account.id)
    )
    return [a for a in found if not a.role_names.isdisjoint(ANSWERERS)]


def hand_over(
    reference: str,
    actor: Actor,
    account_id: int,
    *,
    version: int | None = None,
    now: datetime | None = None,
) -> TraceRequest:
    """Put a person in charge of a request, as a supervisor; no step of its life."""
    request = queries.by_reference(reference, actor)
    if not may_hand_over(actor, request):
        raise NotPermitted("Your role does not allow this; the role supervisor does.")
    check_version(request, version)
    chosen = next((a for a in answerers(actor) if a.id == account_id), None)
    if chosen is None:
        raise FactMissing("Choose who answers the request.")
    request.assigned_to = chosen
    at = now or utcnow()
    domain = current_app.config["MAIL_DOMAIN"]
    if chosen.id != actor.user_id:
        messages = compose.handed_over(request, chosen, now=at, domain=domain)
        db.session.add_all(messages)
    enter(Entry.ASSIGNED, request, actor, to=chosen.id)
    db.session.commit()
    wake()
    return request
