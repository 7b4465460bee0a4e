"""Records whose time is over: listed, and then two people or more years decide.

The worker lists what has passed its day. Nothing goes by itself: one person asks for
an end and another gives it (never the same one), or somebody keeps the record longer.
What is erased leaves its entries in the journal, without what they carried.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from tracing.casework import erasing, records
from tracing.casework.apply import utcnow
from tracing.extensions import be_patient, db, wake
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import (
    Authority,
    RegistryEvent,
    RegistryHit,
    RegistryItem,
    RegistryMark,
    RegistryReview,
    RegistrySought,
    SharedRecord,
)
from tracing.security import isolation
from workflows import retention
from workflows.errors import FactMissing, NotPermitted, NotVisible, TransitionNotAllowed
from workflows.policies import Actor, require_keeping

AT_ONCE: Final = 1000
SIZE: Final = 25
REASON: Final = (5, 2000)
YEARS: Final = (1, 30)
GROUND: Final = "retention"
BELOW: Final = (SharedRecord, RegistryHit, RegistrySought, RegistryMark, RegistryEvent)
"""What goes with a record, in an order that no key stands against."""


# ------------------------------------------------------------------------- the worker


def list_due(now: datetime | None = None) -> int:
    """List the records whose day has passed, of each authority; return how many."""
    at, listed = now or utcnow(), 0
    authorities = db.session.scalars(select(Authority.id)).all()
    db.session.rollback()
    try:
        for authority_id in authorities:
            isolation.work_for(authority_id)
            listed += _list_of(authority_id, at)
    finally:
        isolation.work_for_nobody()
    return listed


def _list_of(authority_id: int, at: datetime) -> int:
    listed = after = 0
    while True:
        be_patient(db.session.connection())
        found = db.session.execute(_due(authority_id, at, after)).all()
        db.session.add_all(
            RegistryReview(
                authority_id=authority_id,
                item_id=row.id,
                due_on=row.review_on,
                listed_at=at,
            )
            for row in found
        )
        db.session.commit()
        listed += len(found)
        if len(found) < AT_ONCE:
            return listed
        after = found[-1].id


def _due(authority_id: int, at: datetime, after: int) -> Any:
    known = select(RegistryReview.item_id).where(
        RegistryReview.item_id == RegistryItem.id
    )
    return (
        select(RegistryItem.id, RegistryItem.review_on)
        .where(
            RegistryItem.authority_id == authority_id,
            RegistryItem.review_on <= at.date(),
            RegistryItem.id > after,
            ~known.exists(),
        )
        .order_by(RegistryItem.id)
        .limit(AT_ONCE)
    )


def carry_out() -> int:
    """Erase what two people have decided; return how many records."""
    given = db.session.execute(
        select(RegistryReview.id, RegistryReview.authority_id)
        .where(RegistryReview.given_at.is_not(None))
        .order_by(RegistryReview.id)
        .limit(AT_ONCE)
    ).all()
    db.session.rollback()
    try:
        done = sum(_erase(row.id, row.authority_id) for row in given)
    finally:
        isolation.work_for_nobody()
    if done:
        erasing.scrub()
    return done


def _erase(number: int, authority_id: int) -> bool:
    isolation.work_for(authority_id)
    review = db.session.scalar(
        select(RegistryReview)
        .where(RegistryReview.id == number, RegistryReview.authority_id == authority_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if review is None or review.given_at is None:
        db.session.rollback()
        return False
    item_id, why = review.item_id, review.reason or ""
    by = [review.asked_by_id, review.given_by_id]
    quick = {"synchronize_session": False}
    for model in BELOW:
        gone = delete(model).where(model.item_id == item_id)
        db.session.execute(gone, execution_options=quick)
    db.session.delete(review)
    db.session.flush()
    gone = delete(RegistryItem).where(
        RegistryItem.id == item_id, RegistryItem.authority_id == authority_id
    )
    db.session.execute(gone, execution_options=quick)
    name = records.about(item_id)
    journal.erase(None, name, authority_id=authority_id, ground=GROUND, why=why)
    said = {"decided_by": by}
    parties = (authority_id,)
    journal.record(Kind.RECORD_ERASED, None, about=name, parties=parties, payload=said)
    db.session.commit()
    return True


# ------------------------------------------------------------------------- who decides


def due(actor: Actor, *, after: int = 0) -> tuple[Sequence[RegistryReview], int | None]:
    """Return a page of what is to be decided, the longest listed first."""
    require_keeping(actor)
    rows = db.session.scalars(
        select(RegistryReview)
        .where(
            RegistryReview.authority_id == actor.authority_id,
            RegistryReview.given_at.is_(None),
            RegistryReview.id > after,
        )
        .options(joinedload(RegistryReview.item), joinedload(RegistryReview.asked_by))
        .order_by(RegistryReview.id)
        .limit(SIZE + 1)
    ).all()
    more = rows[SIZE - 1].id if len(rows) > SIZE else None
    return rows[:SIZE], more


def keep(actor: Actor, number: int, years: int, now: datetime | None = None) -> None:
    """Keep a record for some years more."""
    review = one(actor, number)
    if not YEARS[0] <= years <= YEARS[1]:
        raise FactMissing("Choose a number of years from 1 to 30.")
    item = review.item
    item.review_on = retention.years_later((now or utcnow()).date(), years)
    db.session.delete(review)
    _enter(Kind.RECORD_KEPT, actor, item.id, until=item.review_on.isoformat())
    db.session.commit()


def ask(actor: Actor, number: int, reason: str, now: datetime | None = None) -> None:
    """Ask to erase a record; another person decides."""
    review = one(actor, number)
    plain = reason.strip()
    if not REASON[0] <= len(plain) <= REASON[1]:
        raise FactMissing("Give the reason in a sentence.")
    if review.asked_by_id is not None:
        raise TransitionNotAllowed("Somebody has asked for that already.")
    review.reason = plain
    review.asked_by_id, review.asked_at = actor.user_id, now or utcnow()
    _enter(Kind.RECORD_ERASURE_ASKED, actor, review.item_id)
    db.session.commit()


def give(actor: Actor, number: int, now: datetime | None = None) -> None:
    """Decide to erase what another person has asked to erase; the worker does it."""
    review = one(actor, number)
    if review.asked_by_id is None:
        raise TransitionNotAllowed("Nobody has asked to erase this record.")
    if review.asked_by_id == actor.user_id:
        raise NotPermitted("Another person must erase it.")
    review.given_by_id, review.given_at = actor.user_id, now or utcnow()
    _enter(Kind.ERASURE_GIVEN, actor, review.item_id)
    db.session.commit()
    wake()


def one(actor: Actor, number: int) -> RegistryReview:
    """Return what is to be decided, locked; or nothing that tells of it."""
    require_keeping(actor)
    found = db.session.scalar(
        select(RegistryReview)
        .where(
            RegistryReview.id == number,
            RegistryReview.authority_id == actor.authority_id,
            RegistryReview.given_at.is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotVisible("There is no such record to decide about.")
    return found


def _enter(kind: Kind, actor: Actor, item_id: int, **said: object) -> None:
    journal.record(kind, actor, about=records.about(item_id), payload=said)
