"""The one path of a change: lifecycle, history, deadlines, messages."""

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.orm.attributes import flag_modified

from tracing import crash
from tracing.casework import domestic, sections
from tracing.directory import agreements, versions
from tracing.directory.versions import Known
from tracing.extensions import db
from tracing.faults import Stale
from tracing.journal import journal
from tracing.journal.kinds import Kind as Entry
from tracing.models import RequestEvent, TraceRequest
from tracing.models.trace_request import FAR
from tracing.notifications import compose, reminders
from workflows import deadlines, lifecycle, policies, regimes, restrictions, retention
from workflows.deadlines import Deadline, Kind
from workflows.errors import TransitionNotAllowed
from workflows.facts import Fact, Response
from workflows.office_hours import USUAL, Office, parse
from workflows.policies import Actor
from workflows.states import BESIDE, FINAL, NEUTRAL, OPEN, Party, State, Trigger
from workflows.vocabulary import Access, LegalBasis, Urgency


def utcnow() -> datetime:
    """Return the present instant: the only clock of casework."""
    return datetime.now(UTC)


def carried(fact: Fact | None) -> dict[str, object]:
    """Return what a step carried, as an event keeps it."""
    given = {} if fact is None else dataclasses.asdict(fact)
    return {name: _plain(value) for name, value in given.items()}


def _plain(value: object) -> object:
    match value:
        case Mapping():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case StrEnum():
            return value.value
        case date() | time():
            return value.isoformat()
        case _:
            return value


def regime_of(request: TraceRequest) -> regimes.Regime:
    """Return the regime the request runs under: kept once it is sent.

    Whether information is directly accessible only the requested authority can say;
    from then on the shorter limit of the Directive holds.
    """
    if request.regime:
        found = agreements.named(request.regime, request.regime_version)
        indirect = found.code == "EU977_URGENT_INDIRECT"
        if indirect and is_direct(request.events):
            return regimes.by_code("EU977_URGENT_DIRECT")
        return found
    states, today = None, utcnow().date()
    if request.requested is not None:
        states = (request.requesting.country, request.requested.country)
    return regimes.choose(
        request.legal_basis or LegalBasis.OTHER,
        request.urgency or Urgency.ROUTINE,
        requested_by=request.requested_by is not None,
        states=states,
        agreements=agreements.in_force(states, today) if states else (),
        on=today,
    )


def is_direct(events: Iterable[RequestEvent]) -> bool:
    """Tell whether the requested authority said that it has direct access."""
    return any(
        event.trigger is Trigger.ACKNOWLEDGE
        and event.carried.get("access") == Access.DIRECT
        for event in events
    )


def known_of(request: TraceRequest, now: datetime) -> Known:
    """Return the calendar and hours a request is counted by: kept once it is sent."""
    assert request.requested is not None
    pinned = request.calendar_version
    calendar = versions.named(pinned, now) if pinned else None
    if pinned is None or calendar is None:
        return versions.known_of(request.requested, now)
    number = request.hours_version
    row = versions.hours_of(request.requested.id, number) if number else None
    hours = parse(row.hours) if row and row.hours else USUAL
    return Known(calendar.name, calendar, hours, request.hours_version)


def schedule_of(
    request: TraceRequest, known: Known | None = None
) -> tuple[Deadline, ...]:
    """Compute the deadlines from the history, on the requested side's calendar."""
    if request.requested is None or not request.events:
        return ()
    known = known or known_of(request, request.events[0].at)
    return deadlines.schedule(
        request.events,
        regime_of(request),
        known.calendar,
        ZoneInfo(request.requested.zone),
        requested_by=request.requested_by,
        hours=known.hours,
    )


def reader_of(request: TraceRequest) -> Office | None:
    """Return when the authority that is reminded is at work."""
    if request.requested is None:
        return None
    known = known_of(request, request.changed_at)
    there = ZoneInfo(request.requested.zone)
    return Office(known.hours, known.calendar, there).that_opens()


def deadline_of(plan: tuple[Deadline, ...], kind: Kind) -> Deadline | None:
    """Return the deadline of one kind, if the regime has it."""
    return next((d for d in plan if d.kind is kind), None)


def check_version(request: TraceRequest, version: int | None) -> None:
    """Refuse a page older than the record; None is a caller that just read it."""
    if version is not None and version != request.version:
        raise Stale("The request changed since this page was opened.")


def apply(
    request: TraceRequest,
    trigger: Trigger,
    *,
    actor: Actor,
    fact: Fact | None = None,
    now: datetime | None = None,
) -> None:
    """Move the request and keep all that follows from it. The caller commits."""
    at = now or utcnow()
    party = policies.require(actor, trigger, request)
    policies.require_grounds(actor, fact)
    if request.erased_at is not None:
        raise TransitionNotAllowed(
            "What it said of persons has been erased: file a new request."
        )
    restrictions.check(request, trigger, fact, by=party, zone=_zone_of(request, party))
    if trigger is Trigger.SUBMIT:
        domestic.fact_of(request)  # there is one, or the reason why not
    crash.at("step.begun")
    change = lifecycle.fire(request, trigger, by=party, at=at, fact=fact)
    crash.at("step.fired")
    # What has to be looked up, such as a calendar, writes no half of it before: a step
    # is one write, and raises the version of the request by one.
    with db.session.no_autoflush:
        plan = _take(request, change, actor=actor, fact=fact, party=party, at=at)
    crash.at("step.event")
    answer = deadline_of(plan, Kind.ANSWER)
    db.session.add_all(
        compose.messages_for(
            request,
            change,
            answer_due=answer.day if answer else None,
            now=at,
            domain=current_app.config["MAIL_DOMAIN"],
        )
    )
    crash.at("step.messages")
    first = len(request.events) == 1
    reader = reader_of(request)
    reminders.plan_for(request, plan, regime_of(request), first=first, reader=reader)
    crash.at("step.reminders")
    enter_step(request, actor)  # last: it takes the lock on the chains
    crash.at("step.entered")


def _take(
    request: TraceRequest,
    change: lifecycle.StateChanged,
    *,
    actor: Actor,
    fact: Fact | None,
    party: Party,
    at: datetime,
) -> tuple[Deadline, ...]:
    """Write a step and what follows from it on the request; return its deadlines."""
    request.events.append(
        RequestEvent(
            position=len(request.events) + 1,
            trigger=change.trigger,
            before=change.before,
            after=change.after,
            by=change.by,
            authority_id=actor.authority_id,
            actor_id=actor.user_id,
            actor_name=actor.name,
            at=at,
            carried=carried(fact),
        )
    )
    request.changed_at = at
    if isinstance(fact, Response):
        request.outcome = fact.outcome
    _settle_confidentiality(request, change.trigger)
    takes_on = party is Party.REQUESTED and change.trigger not in (*NEUTRAL, *BESIDE)
    if takes_on and request.assigned_to_id is None:
        request.assigned_to_id = actor.user_id
    request.settle()
    settle_retention(request, at.date())
    return settle_deadlines(request)


def _zone_of(request: TraceRequest, party: Party) -> ZoneInfo:
    side = request.requested if party is Party.REQUESTED else None
    return ZoneInfo((side or request.requesting).zone)


def _settle_confidentiality(request: TraceRequest, trigger: Trigger) -> None:
    """Keep the request from those who do not answer it, as long as that is asked."""
    match trigger:
        case Trigger.SUBMIT:
            request.confidential = bool(request.keep_request_confidential)
        case Trigger.LIFT_CONFIDENTIALITY:
            request.confidential = False


def enter_step(request: TraceRequest, actor: Actor) -> None:
    """Enter the newest step in the journal; a note, of its own authority alone."""
    step = request.events[-1]
    alone = step.trigger is Trigger.NOTE
    said = {
        "position": step.position,
        "before": step.before,
        "at": step.at,
        "carried": step.carried,
    }
    if step.trigger is Trigger.SUBMIT:
        said["content"] = sections.digest(request)
    journal.record(
        Entry(step.trigger.value),
        actor,
        about=request.reference,
        parties=() if alone else parties_of(request),
        after=step.after.value,
        payload=said,
    )


def enter(entry: Entry, request: TraceRequest, actor: Actor, **said: object) -> None:
    """Enter what is done to a request beside the steps of its life."""
    journal.record(
        entry,
        actor,
        about=request.reference,
        after=request.state.value if request.state is State.DRAFT else "",
        payload=said,
    )


def parties_of(request: TraceRequest) -> tuple[int, ...]:
    """Return both sides by number; of a draft the one that writes it."""
    asked = None if request.state is State.DRAFT else request.requested_id
    found = (request.requesting_id or request.requesting.id, asked)
    return tuple(number for number in found if number is not None)


def settle_deadlines(request: TraceRequest) -> tuple[Deadline, ...]:
    """Rebuild the due dates that lists sort by; the page computes its own."""
    if request.state is State.DRAFT:
        return ()
    regime = regime_of(request)
    request.regime, request.regime_version = regime.code, regime.version
    plan: tuple[Deadline, ...] = ()
    if request.requested is not None:
        known = known_of(request, request.changed_at)
        if request.calendar_version != known.calendar.version:
            versions.keep(known.calendar, request.changed_at)
        request.calendar_version = known.calendar.version
        request.hours_version = known.hours_version
        # The dates and what they were counted by are written together, or not at all.
        flag_modified(request, "calendar_version")
        plan = schedule_of(request, known)
    answer = deadline_of(plan, Kind.ANSWER)
    acknowledge = deadline_of(plan, Kind.ACKNOWLEDGE)
    request.due = answer.due if answer and request.state in OPEN else FAR
    request.acknowledge_due = acknowledge.due if acknowledge else None
    return plan


def settle_retention(request: TraceRequest, today: date) -> None:
    """Say until when the request is kept: from its end on, and not before."""
    if request.state not in FINAL:
        request.ended_on = request.review_on = request.keep_until = None
        return
    asked = request.requested.keep_years if request.requested else None
    request.ended_on = today
    request.review_on = retention.review_on(today)
    request.keep_until = retention.keep_until(
        today, request.requesting.keep_years, asked
    )


def usual_days(authority_id: int, *, now: datetime, days: int = 365) -> int | None:
    """Return the usual days to answer of an authority from its own figures."""
    since = now - timedelta(days=days)
    sent = (
        select(RequestEvent.request_id, func.min(RequestEvent.at).label("at"))
        .join(TraceRequest, TraceRequest.id == RequestEvent.request_id)
        .where(
            TraceRequest.requested_id == authority_id,
            RequestEvent.trigger == Trigger.SUBMIT,
            RequestEvent.at > since,
        )
        .group_by(RequestEvent.request_id)
        .limit(200)
        .subquery()
    )
    rows = db.session.execute(
        select(sent.c.at, func.min(RequestEvent.at))
        .join(RequestEvent, RequestEvent.request_id == sent.c.request_id)
        .where(RequestEvent.trigger == Trigger.RESPOND)
        .group_by(sent.c.request_id, sent.c.at)
    ).all()
    waited = sorted((answered - asked).days for asked, answered in rows)
    return waited[len(waited) // 2] if waited else None
