"""Records whose time is over: listed, and then two people or more years decide.

The worker lists what has passed its day. Nothing goes by itself: one person asks for
an end and another gives it (never the same one), or somebody keeps the record longer.
What is erased leaves its entries in the journal, without what they carried.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from flask import Flask, current_app
from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import joinedload

from tracing.casework import erasing, records
from tracing.casework.apply import utcnow
from tracing.extensions import be_patient, db, wake
from tracing.journal import journal
from tracing.journal.journal import moment
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
RULE: Final = "record"
GONE: Final = "There is no such record to decide about."
BELOW: Final = (
    *(SharedRecord, RegistryHit, RegistrySought, RegistryMark, RegistryEvent),
    RegistryReview,
)
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


def carry_out(now: datetime | None = None) -> int:
    """Erase what two people have decided; return how many records."""
    at = now or utcnow()
    given = db.session.execute(
        select(RegistryReview.id, RegistryReview.authority_id)
        .where(RegistryReview.given_at.is_not(None))
        .order_by(RegistryReview.id)
        .limit(AT_ONCE)
    ).all()
    db.session.rollback()
    try:
        done = sum(_erase(row.id, row.authority_id, at) for row in given)
    finally:
        isolation.work_for_nobody()
    if done:
        erasing.scrub()
    return done


def _erase(number: int, authority_id: int, at: datetime) -> bool:
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
    item, why = review.item, review.reason or ""
    if item.review_on > at.date():
        # More is known of it since: it is listed anew when its day has come.
        db.session.delete(review)
        db.session.commit()
        return False
    said = {"decided_by": [review.asked_by_id, review.given_by_id]}
    name = records.about(item.id)
    line = _line(item, at)
    _forget(item.id, authority_id)
    journal.erase(None, name, authority_id=authority_id, ground=GROUND, why=why)
    parties = (authority_id,)
    journal.record(Kind.RECORD_ERASED, None, about=name, parties=parties, payload=said)
    # Before the commit: what two people have decided a restore may do as well.
    erasing.note(Path(current_app.instance_path) / erasing.LIST, line)
    db.session.commit()
    return True


def _forget(item_id: int, authority_id: int) -> None:
    """Delete a record with all that belongs to it."""
    quick = {"synchronize_session": False}
    for model in BELOW:
        gone = delete(model).where(model.item_id == item_id)
        db.session.execute(gone, execution_options=quick)
    gone = delete(RegistryItem).where(
        RegistryItem.id == item_id, RegistryItem.authority_id == authority_id
    )
    db.session.execute(gone, execution_options=quick)
    db.session.expire_all()


# ----------------------------------------------------------------------- after a restore


def _line(item: RegistryItem, at: datetime) -> dict[str, Any]:
    """Return what tells a restore which record is gone; its number may be used anew."""
    return {
        "at": moment(at),
        "rule": RULE,
        "reference": records.about(item.id),
        "record": item.id,
        "authority": item.authority_id,
        "recorded": item.recorded_at.isoformat(),
    }


def reapply_in(app: Flask) -> Callable[[Path], int]:
    """Return what a restore calls: requests are erased again, and so are records."""
    requests = erasing.reapply_in(app)

    def again(folder: Path) -> int:
        file = folder / erasing.LIST
        return requests(folder) + (_reapply(app, file) if file.is_file() else 0)

    return again


def _reapply(app: Flask, file: Path) -> int:
    done = 0
    with app.app_context():
        for line in erasing.noted(file):
            if line.get("rule") != RULE:
                continue
            item = db.session.scalar(
                select(RegistryItem).where(
                    RegistryItem.id == line["record"],
                    RegistryItem.authority_id == line["authority"],
                    RegistryItem.recorded_at
                    == datetime.fromisoformat(line["recorded"]),
                )
            )
            if item is not None:
                _forget(item.id, item.authority_id)
                done += 1
            db.session.commit()
    return done


# ------------------------------------------------------------------------- who decides


def _is_due(now: datetime | None) -> ColumnElement[bool]:
    """Return the condition of what is still over: a day may have moved on since."""
    return RegistryReview.item.has(RegistryItem.review_on <= (now or utcnow()).date())


def due(
    actor: Actor, *, after: int = 0, now: datetime | None = None
) -> tuple[Sequence[RegistryReview], int | None]:
    """Return a page of what is to be decided, the longest listed first."""
    require_keeping(actor)
    rows = db.session.scalars(
        select(RegistryReview)
        .where(
            RegistryReview.authority_id == actor.authority_id,
            RegistryReview.given_at.is_(None),
            RegistryReview.id > after,
            _is_due(now),
        )
        .options(joinedload(RegistryReview.item), joinedload(RegistryReview.asked_by))
        .order_by(RegistryReview.id)
        .limit(SIZE + 1)
    ).all()
    more = rows[SIZE - 1].id if len(rows) > SIZE else None
    return rows[:SIZE], more


def keep(actor: Actor, number: int, years: int, now: datetime | None = None) -> None:
    """Keep a record for some years more."""
    review = one(actor, number, now)
    if not YEARS[0] <= years <= YEARS[1]:
        raise FactMissing("Choose a number of years from 1 to 30.")
    item = review.item
    item.review_on = retention.years_later((now or utcnow()).date(), years)
    db.session.delete(review)
    _enter(Kind.RECORD_KEPT, actor, item.id, until=item.review_on.isoformat())
    db.session.commit()


def ask(actor: Actor, number: int, reason: str, now: datetime | None = None) -> None:
    """Ask to erase a record; another person decides."""
    review = one(actor, number, now)
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
    review = one(actor, number, now)
    if review.asked_by_id is None:
        raise TransitionNotAllowed("Nobody has asked to erase this record.")
    if review.asked_by_id == actor.user_id:
        raise NotPermitted("Another person must erase it.")
    review.given_by_id, review.given_at = actor.user_id, now or utcnow()
    _enter(Kind.ERASURE_GIVEN, actor, review.item_id)
    db.session.commit()
    wake()


def one(actor: Actor, number: int, now: datetime | None = None) -> RegistryReview:
    """Return what is to be decided, locked; or nothing that tells of it."""
    require_keeping(actor)
    records.require_number(number, GONE)
    found = db.session.scalar(
        select(RegistryReview)
        .where(
            RegistryReview.id == number,
            RegistryReview.authority_id == actor.authority_id,
            RegistryReview.given_at.is_(None),
            _is_due(now),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotVisible(GONE)
    return found


def _enter(kind: Kind, actor: Actor, item_id: int, **said: object) -> None:
    journal.record(kind, actor, about=records.about(item_id), payload=said)
