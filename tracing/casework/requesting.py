"""What the requesting authority does: draft, send, clarify, read, close."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from tracing import crash
from tracing.casework import attachments, domestic, queries, sections, sightings
from tracing.casework.apply import apply, check_version, enter, utcnow
from tracing.casework.references import draw, reference_of
from tracing.directory import entries
from tracing.extensions import db, wake
from tracing.faults import AlreadyDone, Unavailable
from tracing.journal.kinds import Kind as Entry
from tracing.models import (
    Account,
    Authority,
    FormKey,
    Item,
    Recovery,
    TraceRequest,
)
from workflows import restrictions, retention
from workflows.errors import NotPermitted, TransitionNotAllowed
from workflows.facts import Answers, Closure, Reason, Restriction, Submission, Text
from workflows.policies import Actor, may_file
from workflows.states import Party, State, Trigger
from workflows.vocabulary import Use

DRAWS: Final = 10
log = logging.getLogger(__name__)


def use_form_key(key: str, actor: Actor, *, reference: str, now: datetime) -> None:
    """Keep the key of a form with its effect; the same form again is told so.

    The second of two clicks waits here for the first, and then finds its key.
    """
    # Both dialects have the clause; SQLAlchemy has no common word for it.
    postgres = db.engine.dialect.name == "postgresql"
    insert = (
        (postgresql if postgres else sqlite)
        .insert(FormKey)
        .values(key=key, account_id=actor.user_id, used_at=now, reference=reference)
    )
    kept = db.session.execute(insert.on_conflict_do_nothing().returning(FormKey.key))
    if kept.scalar() is None:
        raise _used(db.session.get(FormKey, key), actor)


def _used(used: FormKey | None, actor: Actor) -> Exception:
    # Whose it is, the database does not show to anybody else.
    if used is None or used.account_id != actor.user_id:
        return NotPermitted("This form belongs to someone else.")
    return AlreadyDone(used.reference)


T = TypeVar("T")
Drawn = tuple[int, str]
"""A number, and the reference it makes."""


def draw_reference(actor: Actor, now: datetime) -> Drawn:
    """Draw a number; whether another authority has it, only the database knows."""
    country = db.session.get_one(Authority, actor.authority_id).country
    number = draw()
    return number, reference_of(now.year, country, number)


def under_a_number(actor: Actor, now: datetime, start: Callable[[Drawn], T]) -> T:
    """Start something under a number, and commit; again, where somebody has it."""
    for _ in range(DRAWS):
        with db.session.no_autoflush:
            drawn = draw_reference(actor, now)
        try:
            return start(drawn)
        except IntegrityError as error:
            db.session.rollback()
            log.info("a number was drawn twice: %s", type(error.orig).__name__)
    raise Unavailable("no free number was found")


def require_filing(actor: Actor) -> None:
    """Refuse whoever may not file."""
    if not may_file(actor):
        raise NotPermitted("Your role does not allow this; the role investigator does.")


def new_draft(
    actor: Actor,
    *,
    now: datetime,
    recovery: Recovery | None = None,
    parent: TraceRequest | None = None,
    drawn: Drawn | None = None,
) -> TraceRequest:
    """Return a new empty draft in the session. The caller commits."""
    require_filing(actor)
    authority = db.session.get_one(Authority, actor.authority_id)
    number, reference = drawn or draw_reference(actor, now)
    request = TraceRequest(
        reference=reference,
        year=now.year,
        number=number,
        state=State.DRAFT,
        requesting=authority,
        filed_by=db.session.get_one(Account, actor.user_id),
        parent=parent,
        recovery=recovery or Recovery(authority_id=authority.id),
        item=Item(markings=[]),
        persons=[],
        events=[],
        created_at=now,
        changed_at=now,
        keep_until=retention.draft_until(now.date()),
    )
    request.settle()
    db.session.add(request)
    return request


def _write(request: TraceRequest, data: Mapping[str, Mapping[str, Any]]) -> None:
    _part_from_parent(request, data.get("find", {}))
    for key, values in data.items():
        sections.write(request, key, values)
    if request.requested_id is not None:
        # A new request has its sides before it has their numbers.
        request.requested = entries.open_for_requests(
            request.requested_id, besides=request.requesting.id, on=utcnow().date()
        )


def _part_from_parent(request: TraceRequest, find: Mapping[str, Any]) -> None:
    """Give a draft a find of its own before one shared with a sent request changes.

    What the sent one says of the find stays as it was.
    """
    if not _shares_with_sent(request):
        return
    wanted = {k: tuple(v) if isinstance(v, list) else v for k, v in find.items()}
    if sections.typed(request)["find"] != wanted:
        request.recovery = Recovery(authority_id=request.requesting.id)


def _shares_with_sent(request: TraceRequest) -> bool:
    """Tell whether a request that was sent is about the same find."""
    parent = request.parent
    if parent is not None and request.recovery is parent.recovery:
        return True
    if request in db.session.new:
        return False
    with db.session.no_autoflush:
        return queries.is_sent_find(request)


def draft(
    actor: Actor,
    data: Mapping[str, Mapping[str, Any]],
    *,
    form_key: str,
    places: Mapping[str, str] | None = None,
    now: datetime | None = None,
    imported: Mapping[str, Any] | None = None,
) -> str:
    """Start a draft from what the form holds so far, with the files that came.

    `places` says by token at which marking of the form a file stood; `imported`, of
    which exported request it is made and who vouches for that. Returns the reference.
    """
    require_filing(actor)
    at = now or utcnow()

    def start(drawn: Drawn) -> str:
        with db.session.no_autoflush:
            use_form_key(form_key, actor, reference=drawn[1], now=at)
            crash.at("draft.key")
            request = new_draft(actor, now=at, drawn=drawn)
            _write(request, data)
        _settle(request, actor, data, form_key, places)
        said = {} if imported is None else {"imported": dict(imported)}
        enter_draft(Entry.DRAFTED, request, actor, **said)
        crash.at("draft.written")
        db.session.commit()
        crash.at("draft.committed")
        return drawn[1]

    return under_a_number(actor, at, start)


def enter_draft(
    entry: Entry,
    request: TraceRequest,
    actor: Actor,
    before: sections.Values | None = None,
    **said: object,
) -> None:
    """Enter a draft as it is saved: what changed in it, and the mark of the whole."""
    changed = sections.changes(before or {}, sections.typed(request))
    content = sections.digest(request)
    enter(entry, request, actor, changed=changed, content=content, **said)


def save_draft(
    reference: str,
    actor: Actor,
    data: Mapping[str, Mapping[str, Any]],
    *,
    version: int,
    form_key: str = "",
    places: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> TraceRequest:
    """Save the draft; a page older than the record is refused."""
    request = queries.by_reference(reference, actor)
    require_filing(actor)
    if request.state is not State.DRAFT:
        raise TransitionNotAllowed("Only a draft can be changed; this one is sent.")
    check_version(request, version)
    before = sections.typed(request)
    _write(request, data)
    _settle(request, actor, data, form_key, places)
    request.changed_at = now or utcnow()
    request.keep_until = retention.draft_until(request.changed_at.date())
    enter_draft(Entry.SAVED, request, actor, before)
    db.session.commit()
    crash.at("draft.saved")
    return request


def _settle(
    request: TraceRequest,
    actor: Actor,
    data: Mapping[str, Mapping[str, Any]],
    form_key: str,
    places: Mapping[str, str] | None,
) -> None:
    if places is not None:
        attachments.settle(
            request,
            actor,
            form_key=form_key,
            places=places,
            markings=data.get("markings", {}),
        )


def submit(
    reference: str,
    actor: Actor,
    *,
    authorised: bool,
    version: int,
    now: datetime | None = None,
) -> TraceRequest:
    """Send the request once it is complete."""
    at = now or utcnow()
    request = queries.by_reference(reference, actor, people=False)
    if request.state is not State.DRAFT:
        raise AlreadyDone(request.reference)
    check_version(request, version)
    zone = ZoneInfo(request.requesting.zone)
    domestic.settle(request)
    sections.require_complete(request, at.astimezone(zone).date())
    _address(request, at)
    _require_provided(request)
    fact = Submission(
        confidentiality_guaranteed=bool(request.confidentiality_guaranteed),
        confidentiality_reason=request.confidentiality_reason or "",
        authorised=authorised,
    )
    sightings.seek(request.requesting_id, request=request)
    apply(request, Trigger.SUBMIT, actor=actor, fact=fact, now=at)
    db.session.commit()
    crash.at("submit.committed")
    wake()
    return request


def _address(request: TraceRequest, at: datetime) -> None:
    """Send it to the entry as it is now, or to the successor of who was dissolved."""
    standing = entries.open_for_requests(
        request.requested_id or 0, besides=request.requesting_id, on=at.date()
    )
    if standing is not request.requested:
        request.requested = standing
    request.requested_version = standing.version


def _require_provided(request: TraceRequest) -> None:
    """Refuse to send on what its provider has not permitted for this State.

    The addressee of a draft can change after it was started.
    """
    to = request.requested.country if request.requested else ""
    for row in request.provided:
        restriction = Restriction(
            row.item, row.handling, row.text, tuple(map(Use, row.allows))
        )
        permitted = restrictions.permission(
            row.source.events,
            row.item,
            Use.ONWARD,
            by=Party.REQUESTING,
            to=to,
            since=row.position,
        )
        restrictions.require_use(restriction, Use.ONWARD, permitted)


def leave_out(
    reference: str, actor: Actor, number: int, *, version: int | None = None
) -> TraceRequest:
    """Take out of an onward draft what another State provided."""
    request = queries.by_reference(reference, actor)
    require_filing(actor)
    if request.state is not State.DRAFT:
        raise TransitionNotAllowed("Only a draft can be changed; this one is sent.")
    check_version(request, version)
    kept = [row for row in request.provided if row.id != number]
    left = [row.item.value for row in request.provided if row.id == number]
    request.provided = kept
    request.changed_at = utcnow()
    enter_draft(Entry.SAVED, request, actor, sections.typed(request), left_out=left)
    db.session.commit()
    return request


def _step(
    reference: str,
    trigger: Trigger,
    actor: Actor,
    fact: Answers | Text | Closure | Reason,
    version: int | None,
    now: datetime | None,
    form_key: str = "",
) -> TraceRequest:
    request = queries.by_reference(reference, actor)
    check_version(request, version)
    if isinstance(fact, Answers) and request.state is State.CLARIFICATION_REQUESTED:
        fact.require_for(len(open_questions(request)))
    files = attachments.waiting_for_step(actor, form_key)
    apply(request, trigger, actor=actor, fact=fact, now=now)
    attachments.settle_step(request, request.events[-1], actor, files)
    db.session.commit()
    wake()
    return request


def open_questions(request: TraceRequest) -> list[dict[str, str]]:
    """Return the questions asked last: text, and the field each is about."""
    for event in reversed(request.events):
        if event.trigger is Trigger.ASK_CLARIFICATION:
            return list(event.carried["questions"])
    return []


def clarify(
    reference: str,
    actor: Actor,
    fact: Answers,
    *,
    version: int | None = None,
    form_key: str = "",
    now: datetime | None = None,
) -> TraceRequest:
    """Answer the questions, one by one, with the files that came with the form."""
    return _step(reference, Trigger.CLARIFY, actor, fact, version, now, form_key)


def query_response(
    reference: str,
    actor: Actor,
    fact: Text,
    *,
    version: int | None = None,
    now: datetime | None = None,
) -> TraceRequest:
    """Ask for the reasons of an answer, or what it means (ITI 23)."""
    return _step(reference, Trigger.QUERY_RESPONSE, actor, fact, version, now)


def close(
    reference: str,
    actor: Actor,
    fact: Closure,
    *,
    version: int | None = None,
    now: datetime | None = None,
) -> TraceRequest:
    """Close the request with what became of the trace."""
    return _step(reference, Trigger.CLOSE, actor, fact, version, now)


def withdraw(
    reference: str,
    actor: Actor,
    fact: Reason,
    *,
    version: int | None = None,
    now: datetime | None = None,
) -> TraceRequest:
    """Say that help is no longer needed (UNTOC 18(24))."""
    return _step(reference, Trigger.WITHDRAW, actor, fact, version, now)


def reopen(
    reference: str,
    actor: Actor,
    fact: Reason,
    *,
    version: int | None = None,
    now: datetime | None = None,
) -> TraceRequest:
    """Take up an ended request again."""
    return _step(reference, Trigger.REOPEN, actor, fact, version, now)
