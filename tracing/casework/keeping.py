"""Whether what has ended is still needed: reviews, legal holds, orders to erase."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    exists,
    literal,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import aliased

from tracing.casework import erasing, queries
from tracing.casework.references import is_reference
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Authority, Erasure, LegalHold, TraceRequest
from workflows import retention
from workflows.errors import NotPermitted, NotVisible
from workflows.policies import Actor, require_keeping, require_known
from workflows.retention import Data
from workflows.states import FINAL
from workflows.vocabulary import N_

SIZE: Final = 25
MOST: Final = 100
AT_ONCE: Final = 500
"""Requests that one statement dates anew."""

REASON: Final = (20, 2000)
NO_REASON: Final = N_("Give the reason in a sentence.")
NO_END: Final = N_("Choose a last day after today and within a year.")
NOT_OURS: Final = N_("Only the side that asked can have a request erased early.")
HELD: Final = N_("A legal hold keeps this request: lift it first.")
NO_YEARS: Final = N_("Choose a number of years from 1 to 10.")


class Refused(Exception):
    """What was asked cannot be done; `words` say what to do, `field` where."""

    def __init__(self, words: str, field: str) -> None:
        """Keep the words, to be translated."""
        super().__init__(words)
        self.words, self.field = words, field


@dataclass(frozen=True, slots=True)
class Ended:
    """One line of the list: when it ended, is looked at again, and goes."""

    id: int
    reference: str
    ended_on: date
    review_on: date
    keep_until: date
    held: bool
    ours: bool
    """Whether the authority asked: then it can have it erased early."""


def due_for_review(
    actor: Actor, today: date, *, after: tuple[date, int] | None = None
) -> tuple[list[Ended], tuple[date, int] | None]:
    """Return a page of what should be looked at, the most urgent first."""
    require_keeping(actor)
    here = TraceRequest.requesting_id, TraceRequest.requested_id
    decided = exists().where(
        Erasure.reference == TraceRequest.reference,
        Erasure.given_by_id.is_not(None),
    )
    parts = []
    for side in here:
        ours = side is TraceRequest.requesting_id
        part = select(
            TraceRequest.id,
            TraceRequest.reference,
            TraceRequest.ended_on,
            TraceRequest.review_on,
            TraceRequest.keep_until,
            erasing.is_held(today).label("held"),
            literal(ours, Boolean).label("ours"),
        ).where(
            side == actor.authority_id,
            TraceRequest.review_on <= today,
            queries.known_to(actor),
            ~decided,
        )
        if after is not None:
            day, number = after
            later = (TraceRequest.review_on == day) & (TraceRequest.id > number)
            part = part.where(or_(TraceRequest.review_on > day, later))
        part = part.order_by(TraceRequest.review_on, TraceRequest.id).limit(SIZE + 1)
        parts.append(select(part.subquery()))
    both = union_all(*parts).subquery()
    found = db.session.execute(
        select(both).order_by(both.c.review_on, both.c.id).limit(SIZE + 1)
    ).all()
    rows = [Ended(*row) for row in found[:SIZE]]
    last = rows[-1] if len(found) > SIZE else None
    return rows, (last.review_on, last.id) if last else None


def holds(actor: Actor) -> Sequence[tuple[LegalHold, str]]:
    """Return the holds of the authority that last, each with its request."""
    require_keeping(actor)
    found = db.session.execute(
        select(LegalHold, TraceRequest.reference)
        .join(TraceRequest, TraceRequest.id == LegalHold.request_id)
        .where(
            LegalHold.authority_id == actor.authority_id,
            LegalHold.lifted_at.is_(None),
            queries.known_to(actor),
        )
        .order_by(LegalHold.until, LegalHold.id)
        .limit(MOST)
    )
    return [(hold, reference) for hold, reference in found]


def orders(actor: Actor) -> Sequence[Erasure]:
    """Return the erasures that one person of the authority asks for."""
    require_keeping(actor)
    return db.session.scalars(
        select(Erasure)
        .where(
            Erasure.authority_id == actor.authority_id,
            Erasure.given_by_id.is_(None),
            Erasure.reference.not_in(queries.references_hidden_from(actor)),
        )
        .order_by(Erasure.id.desc())
        .limit(MOST)
    ).all()


def years_of(actor: Actor) -> int:
    """Return how many years the authority keeps what has ended."""
    chosen = db.session.get_one(Authority, actor.authority_id).keep_years
    return chosen or retention.rule_of(Data.ENDED).years


def _ended(actor: Actor, reference: str) -> TraceRequest:
    """Return an ended request of the authority, locked; or nothing that tells of it."""
    require_keeping(actor)
    wanted = reference.strip().upper()
    found = None
    if is_reference(wanted):
        found = db.session.scalar(
            select(TraceRequest)
            .where(
                TraceRequest.reference == wanted,
                TraceRequest.state.in_(FINAL),
                TraceRequest.erased_at.is_(None),
                queries.known_to(actor),
            )
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    if found is None:
        db.session.rollback()
        raise NotVisible("There is no such ended request.")
    return found


def _reason(text: str) -> str:
    plain = text.strip()
    if not REASON[0] <= len(plain) <= REASON[1]:
        raise Refused(NO_REASON, "reason")
    return plain


def review(actor: Actor, reference: str, now: datetime) -> None:
    """Say that a request is still needed: it is asked again in a year."""
    request = _ended(actor, reference)
    request.review_on = retention.review_on(now.date())
    _enter(Kind.REVIEWED, actor, request)
    db.session.commit()


def hold(actor: Actor, reference: str, reason: str, until: date, now: datetime) -> None:
    """Keep a request beyond its time, for a reason and until a day."""
    text = _reason(reason)
    if not retention.may_hold_until(until, now.date()):
        raise Refused(NO_END, "until")
    request = _ended(actor, reference)
    held = LegalHold(
        request_id=request.id,
        authority_id=actor.authority_id,
        reason=text,
        until=until,
        set_by_id=actor.user_id,
        set_at=now,
    )
    db.session.add(held)
    _enter(Kind.HELD, actor, request, reason=text, until=until)
    db.session.commit()


def lift(actor: Actor, number: int, now: datetime) -> bool:
    """Ask to lift a hold, or be the second to say so; tell whether it is lifted."""
    require_keeping(actor)
    held = db.session.scalar(
        select(LegalHold)
        .where(
            LegalHold.id == number,
            LegalHold.authority_id == actor.authority_id,
            LegalHold.lifted_at.is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if held is None:
        raise NotVisible("There is no such hold.")
    request = db.session.get_one(TraceRequest, held.request_id)
    require_known(actor, request)
    if held.lift_asked_by_id is None:
        held.lift_asked_by_id = actor.user_id
        _enter(Kind.LIFT_ASKED, actor, request)
    elif held.lift_asked_by_id == actor.user_id:
        db.session.rollback()
        raise NotPermitted("Another person must lift it with you.")
    else:
        held.lifted_by_id, held.lifted_at = actor.user_id, now
        _enter(Kind.HOLD_LIFTED, actor, request)
    lifted = held.lifted_at is not None
    db.session.commit()
    return lifted


def order(actor: Actor, reference: str, now: datetime) -> None:
    """Ask to erase a request before its time is over; another person does it.

    The side that asked answers for what the request says of persons; the other side
    could take its evidence away.
    """
    request = _ended(actor, reference)
    if request.requesting_id != actor.authority_id:
        db.session.rollback()
        raise Refused(NOT_OURS, "reference")
    _require_free(request, now)
    asked = select(Erasure.id).where(
        Erasure.reference == request.reference,
        Erasure.authority_id == actor.authority_id,
        Erasure.done_at.is_(None),
    )
    if db.session.scalar(asked) is None:
        db.session.add(
            Erasure(
                reference=request.reference,
                authority_id=actor.authority_id,
                rule=Data.ORDER,
                asked_by_id=actor.user_id,
                asked_at=now,
                persons=[],
                files=[],
            )
        )
        _enter(Kind.ERASURE_ASKED, actor, request)
    db.session.commit()


def give(actor: Actor, number: int, now: datetime) -> None:
    """Decide, as the second person of the authority, that a request is erased.

    The worker does it: it alone may touch the journals of both sides.
    """
    require_keeping(actor)
    asked = db.session.scalar(
        select(Erasure).where(
            Erasure.id == number,
            Erasure.authority_id == actor.authority_id,
            Erasure.given_by_id.is_(None),
        )
    )
    if asked is None:
        raise NotVisible("Nobody asks for this.")
    if asked.asked_by_id == actor.user_id:
        db.session.rollback()
        raise NotPermitted("Another person must erase it.")
    request = _ended(actor, asked.reference)
    _require_free(request, now)
    asked.given_by_id, asked.given_at = actor.user_id, now
    _enter(Kind.ERASURE_GIVEN, actor, request)
    db.session.commit()


def set_years(actor: Actor, years: int) -> None:
    """Choose how long ended requests are kept; those that have ended follow."""
    require_keeping(actor)
    rule = retention.rule_of(Data.ENDED)
    if not rule.least <= years <= rule.most:
        raise Refused(NO_YEARS, "years")
    authority = db.session.get_one(Authority, actor.authority_id)
    before, authority.keep_years = authority.keep_years, years
    db.session.flush()
    for side in (TraceRequest.requesting_id, TraceRequest.requested_id):
        _date_anew(side == authority.id)
    journal.record(
        Kind.KEEPING_CHANGED, actor, payload={"years": years, "before": before}
    )
    db.session.commit()


def _date_anew(where: ColumnElement[bool]) -> None:
    """Give ended requests their new last day. The caller commits.

    Nothing else of them changes: who has one open goes on with the form.
    """
    asking, asked = aliased(Authority), aliased(Authority)
    rows = db.session.execute(
        select(
            TraceRequest.id,
            TraceRequest.ended_on,
            TraceRequest.keep_until,
            asking.keep_years,
            asked.keep_years,
        )
        .join(asking, asking.id == TraceRequest.requesting_id)
        .outerjoin(asked, asked.id == TraceRequest.requested_id)
        .where(
            where, TraceRequest.ended_on.is_not(None), TraceRequest.erased_at.is_(None)
        )
    ).all()
    anew: dict[tuple[date, date], list[int]] = defaultdict(list)
    for number, ended, until, *years in rows:
        if ended is None:
            continue
        wanted = retention.keep_until(ended, *years)
        if wanted != until:
            anew[ended, wanted].append(number)
    for (ended, wanted), numbers in sorted(anew.items()):
        for first in range(0, len(numbers), AT_ONCE):
            some = numbers[first : first + AT_ONCE]
            db.session.execute(
                update(TraceRequest)
                # One that was reopened meanwhile has no such day any more.
                .where(TraceRequest.id.in_(some), TraceRequest.ended_on == ended)
                .values(keep_until=wanted)
                .execution_options(synchronize_session=False)
            )


def _require_free(request: TraceRequest, now: datetime) -> None:
    here = TraceRequest.id == request.id
    held = select(TraceRequest.id).where(here, erasing.is_held(now.date()))
    if db.session.scalar(held) is not None:
        db.session.rollback()
        raise Refused(HELD, "reference")


def _enter(kind: Kind, actor: Actor, request: TraceRequest, **said: object) -> None:
    """Enter at home alone: why an authority keeps something is nobody else's affair."""
    journal.record(kind, actor, about=request.reference, payload=said)
