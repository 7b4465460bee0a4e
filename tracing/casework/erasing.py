"""Erasing: what names people goes when its time is over, and nothing else does.

One transaction blanks and deletes, and names in the journal what it did. The files and
the list for a restore follow; if that is broken off, the next run finishes it. What
describes the item, its marks and the course of the request stays.
"""

import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from flask import Flask, current_app
from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update

from tracing.casework import attachments
from tracing.casework.apply import utcnow
from tracing.config import Settings
from tracing.extensions import db
from tracing.journal import checkpoints, journal
from tracing.journal.journal import moment, origin_of
from tracing.models import (
    Attachment,
    BreakGlass,
    Delivery,
    DueWork,
    Erasure,
    FormKey,
    Introduction,
    JournalChain,
    JournalEntry,
    LegalHold,
    Lookup,
    OutboxMessage,
    TraceRequest,
    Verdict,
)
from tracing.models.sealed import Sealed
from workflows import retention
from workflows.retention import Data
from workflows.states import FINAL, State
from workflows.vocabulary import LookupOutcome

log = logging.getLogger(__name__)
LIST: Final = "erasures.jsonl"
AT_ONCE: Final = 1000
TABLES: Final = (
    *("person", "trace_request", "recovery", "item", "request_event", "attachment"),
    *("outbox_message", "due_work", "legal_hold", "break_glass", "journal_payload"),
    *("lookup", "registry_item", "registry_event", "registry_mark", "shared_record"),
    *("lookup_verdict", "introduction"),
)


# ------------------------------------------------------------------------- what is due


def is_held(today: date) -> ColumnElement[bool]:
    """Return the condition of a request that a legal hold keeps."""
    return exists().where(
        LegalHold.request_id == TraceRequest.id,
        LegalHold.lifted_at.is_(None),
        LegalHold.until >= today,
    )


def _due(today: date, limit: int) -> Sequence[str]:
    """Return the references of what is to go, the oldest first."""
    return db.session.scalars(
        select(TraceRequest.reference)
        .where(
            TraceRequest.keep_until <= today,
            TraceRequest.erased_at.is_(None),
            or_(TraceRequest.state == State.DRAFT, TraceRequest.state.in_(FINAL)),
            ~is_held(today),
        )
        .order_by(TraceRequest.keep_until, TraceRequest.id)
        .limit(limit)
    ).all()


def sweep(now: datetime | None = None) -> list[str]:
    """Erase what is due by its rule; finish what was broken off. Returns references."""
    at = now or utcnow()
    finish_all()
    gone: list[str] = []
    while found := _due(at.date(), AT_ONCE):
        done = [ref for ref in found if erase(ref, at, by_rule=True) is not None]
        gone += done
        finish_all()
        if not done:
            break
    db.session.rollback()
    _forget_mail(at)
    _forget_forms(at)
    return gone


def carry_out(now: datetime | None = None) -> int:
    """Erase what two people of an authority have decided; return how many requests."""
    at = now or utcnow()
    done = 0
    for number in db.session.scalars(_decided(Erasure.id)).all():
        order = db.session.get_one(Erasure, number)
        if erase(order.reference, at, order=order) is not None:
            done += 1
        elif _is_gone(order.reference):
            order.done_at = order.finished_at = at
            db.session.commit()
    finish_all()
    if done:
        scrub()
    return done


def _decided(column: Any) -> Any:
    return (
        select(column)
        .where(Erasure.given_by_id.is_not(None), Erasure.done_at.is_(None))
        .order_by(Erasure.id)
        .limit(AT_ONCE)
    )


def _is_gone(reference: str) -> bool:
    """Tell whether nothing is left to erase: a rule came first, or a restore."""
    left = db.session.scalar(
        select(TraceRequest.id).where(
            TraceRequest.reference == reference, TraceRequest.erased_at.is_(None)
        )
    )
    return left is None


def oldest_undone() -> datetime | None:
    """Return since when an erasure is decided, or begun, and not finished."""
    since = func.coalesce(Erasure.done_at, Erasure.given_at)
    found: datetime | None = db.session.scalar(
        select(func.min(since)).where(Erasure.finished_at.is_(None))
    )
    return found


def due(now: datetime) -> list[str]:
    """Return what a run would erase, up to a thousand of each kind."""
    decided = db.session.scalars(_decided(Erasure.reference)).all()
    found = dict.fromkeys([*decided, *_due(now.date(), AT_ONCE)])
    db.session.rollback()
    return list(found)


def _forget_mail(now: datetime) -> None:
    until = now - retention.rule_of(Data.MAIL).keeps
    sent = and_(OutboxMessage.delivery == Delivery.SENT, OutboxMessage.sent_at < until)
    dead = and_(
        OutboxMessage.delivery == Delivery.DEAD, OutboxMessage.created_at < until
    )
    gone = select(OutboxMessage.id).where(or_(sent, dead)).limit(AT_ONCE)
    while found := db.session.scalars(gone).all():
        db.session.execute(delete(OutboxMessage).where(OutboxMessage.id.in_(found)))
        db.session.commit()
    db.session.rollback()


def _forget_forms(now: datetime) -> None:
    used = (
        select(FormKey.key)
        .where(FormKey.used_at < now - retention.rule_of(Data.FORM).keeps)
        .limit(AT_ONCE)
    )
    while found := db.session.scalars(used).all():
        db.session.execute(delete(FormKey).where(FormKey.key.in_(found)))
        db.session.commit()
    db.session.rollback()


# ------------------------------------------------------------------------- one request


def erase(
    reference: str,
    now: datetime,
    *,
    by_rule: bool = False,
    order: Erasure | None = None,
    once_more: bool = False,
) -> Erasure | None:
    """Erase what one request says of persons; None where there is nothing to erase.

    By its rule only when it is due; not what a hold keeps, unless it was erased before
    and is `once_more`: then nothing held it any longer. Commits.
    """
    request = db.session.scalar(
        select(TraceRequest)
        .where(TraceRequest.reference == reference)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if (
        request is None
        or request.erased_at is not None
        or (not once_more and _is_kept(request, now.date(), by_rule=by_rule))
    ):
        db.session.rollback()
        return None
    draft = request.state is State.DRAFT
    done = order or Erasure(
        reference=reference, rule=Data.DRAFT if draft else Data.ENDED, entries=0
    )
    done.persons = [person.id for person in request.persons]
    done.files = _take_files(request, now, draft=draft)
    done.done_at = now
    db.session.add(done)
    _blank_recovery(request)
    for asked in db.session.scalars(
        select(BreakGlass).where(BreakGlass.reference == reference)
    ):
        asked.reason = ""
    if draft:
        _delete(request)
    else:
        _blank(request, now)
    done.entries = _erase_entries(done)
    done.certificate = _certificate(done)
    db.session.commit()
    return done


def _is_kept(request: TraceRequest, today: date, *, by_rule: bool) -> bool:
    held = db.session.scalar(
        select(TraceRequest.id).where(TraceRequest.id == request.id, is_held(today))
    )
    if held is not None:
        return True
    return by_rule and (request.keep_until is None or request.keep_until > today)


def _take_files(request: TraceRequest, now: datetime, *, draft: bool) -> list[Any]:
    names = []
    rows = select(Attachment).where(Attachment.request_id == request.id)
    for row in db.session.scalars(rows):
        names += [name for name in (row.stored, row.thumbnail) if name]
        if draft:
            db.session.delete(row)
            continue
        row.stored = row.thumbnail = None
        row.removed_at = row.removed_at or now
        row.title = ""
    return names


def _blank_recovery(request: TraceRequest) -> None:
    """Blank the find, unless another request tells of it still."""
    other = db.session.scalar(
        select(TraceRequest.id)
        .where(
            TraceRequest.recovery_id == request.recovery_id,
            TraceRequest.id != request.id,
            TraceRequest.erased_at.is_(None),
        )
        .limit(1)
    )
    if other is None:
        _blank_row(request.recovery)


def _blank_row(row: object) -> None:
    for name, column in vars(type(row)).items():
        if isinstance(column, Sealed) and not column.required:
            setattr(row, name, None)


def _blank(request: TraceRequest, now: datetime) -> None:
    request.persons = []
    request.item_restrictions = []
    request.provided = []
    _blank_row(request)
    _blank_row(request.item)
    request.item.importer_name = None
    for event in request.events:
        event.carried = retention.without_words(event.carried)
    for held in db.session.scalars(
        select(LegalHold).where(LegalHold.request_id == request.id)
    ):
        held.reason = ""
    for asked in db.session.scalars(
        select(Lookup).where(Lookup.request_id == request.id)
    ):
        _blank_row(asked)
        asked.purpose, asked.query, asked.next_at = "", {}, None
        asked.outcome = asked.outcome or LookupOutcome.NOT_PERMITTED
    for verdict in db.session.scalars(select(Verdict).where(_of_lookups(request))):
        verdict.reason = ""
    for meeting in db.session.scalars(
        select(Introduction).where(Introduction.request_id == request.id)
    ):
        meeting.text = ""
    request.erased_at = now
    request.review_on = None
    _delete_around(request)


def _of_lookups(request: TraceRequest) -> Any:
    """Return the condition of what was decided about the answers to a request."""
    return Verdict.lookup_id.in_(
        select(Lookup.id).where(Lookup.request_id == request.id)
    )


def _delete_around(request: TraceRequest) -> None:
    for model in (OutboxMessage, DueWork):
        rows = delete(model).where(model.request_id == request.id)
        db.session.execute(rows)
    db.session.execute(delete(FormKey).where(FormKey.reference == request.reference))


def _delete(request: TraceRequest) -> None:
    """Delete a draft: nobody but its writers ever had it."""
    recovery = request.recovery
    repeated = update(Lookup).where(Lookup.request_id == request.id)
    db.session.execute(repeated.values(of_id=None))
    met = delete(Introduction).where(Introduction.request_id == request.id)
    db.session.execute(met)
    db.session.execute(
        delete(Verdict)
        .where(_of_lookups(request))
        .execution_options(synchronize_session=False)
    )
    db.session.execute(delete(Lookup).where(Lookup.request_id == request.id))
    others = select(TraceRequest.id).where(
        TraceRequest.recovery_id == recovery.id, TraceRequest.id != request.id
    )
    alone = db.session.scalar(others.limit(1)) is None
    _delete_around(request)
    db.session.flush()
    db.session.delete(request)
    db.session.flush()
    if alone:
        db.session.delete(recovery)


def _erase_entries(done: Erasure) -> int:
    """Erase what the journal carried about the request, in every chain that has it."""
    chains = db.session.scalars(
        select(JournalEntry.chain_id)
        .where(
            JournalEntry.chain_id.in_(select(JournalChain.id)),
            JournalEntry.about == done.reference,
        )
        .distinct()
        .order_by(JournalEntry.chain_id)
    ).all()
    who = [n for n in (done.asked_by_id, done.given_by_id) if n is not None]
    why = (
        f"asked by {who[0]}, given by {who[1]}" if len(who) == 2 else "its time is over"
    )
    return sum(
        journal.erase(
            None, done.reference, authority_id=chain, ground=done.rule.value, why=why
        )
        for chain in chains
    )


def _certificate(done: Erasure) -> str:
    """Return the signed line that says what was erased: numbers, no names."""
    settings: Settings = current_app.extensions["tracing.settings"]
    origin = f"{origin_of(settings)}/erasures"
    persons = ",".join(map(str, done.persons)) or "-"
    said = (
        f"{origin}\n{moment(done.done_at or utcnow())} {done.rule.value}"
        f" {done.reference} persons {persons} files {len(done.files)}"
        f" entries {done.entries}\n"
    )
    return checkpoints.sign(said, settings, origin)


# ------------------------------------------------------------------------- what follows


def finish_all() -> None:
    """Let the files go and write the list, for every erasure that lacks it."""
    waiting = (
        select(Erasure.id)
        .where(Erasure.finished_at.is_(None), Erasure.done_at.is_not(None))
        .order_by(Erasure.id)
    )
    for number in db.session.scalars(waiting).all():
        done = db.session.get_one(Erasure, number)
        names = list(done.files)
        line = _line(done)
        db.session.rollback()
        attachments.let_go(names)
        note(Path(current_app.instance_path) / LIST, line)
        done = db.session.get_one(Erasure, number)
        done.finished_at = utcnow()
        done.files = [len(names)]
        db.session.commit()


def _line(done: Erasure) -> dict[str, Any]:
    return {
        "at": moment(done.done_at or utcnow()),
        "rule": done.rule.value,
        "reference": done.reference,
        "persons": list(done.persons),
        "certificate": done.certificate,
    }


def note(file: Path, line: dict[str, Any]) -> None:
    """Add a line to the list, once, and see it onto the disk."""
    text = json.dumps(line, ensure_ascii=False) + "\n"
    if file.exists() and text in file.read_text("utf-8"):
        return
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as out:
        # A line that was cut short ends here, and takes none with it.
        out.write(text if file.read_bytes()[-1:] in (b"", b"\n") else f"\n{text}")
        out.flush()
        os.fsync(out.fileno())


def noted(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a list; a last one that is cut short is left out."""
    for text in file.read_text("utf-8").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            log.warning("%s: a line cannot be read and is left out", file)
            continue
        yield line


def reapply(app: Flask, path: Path) -> int:
    """Erase again what a restore has brought back; return how many requests."""
    with app.app_context():
        done = 0
        for line in noted(path):
            if line["rule"] not in set(Data):
                continue
            now = datetime.fromisoformat(line["at"])
            again = erase(str(line["reference"]), now, once_more=True)
            done += again is not None
        finish_all()
        return done


def reapply_in(app: Flask) -> Callable[[Path], int]:
    """Return what a restore calls with the instance folder, whose list it has kept."""

    def again(folder: Path) -> int:
        file = folder / LIST
        return reapply(app, file) if file.is_file() else 0

    return again


def scrub(*, vacuum: bool = False) -> None:
    """Take what was deleted out of the files of the database as well.

    SQLite overwrites what it deletes (secure_delete) and has its log emptied here.
    PostgreSQL writes rows anew and keeps the old ones, sealed as they are, until their
    room is used again; `vacuum` writes the tables anew without them.
    """
    db.session.rollback()
    raw = db.engine.raw_connection()
    try:
        driver: Any = raw.driver_connection
        if db.engine.dialect.name == "sqlite":
            if vacuum:
                driver.execute("VACUUM")
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return
        driver.autocommit = True
        full = "(FULL)" if vacuum else ""
        for table in TABLES:
            driver.execute(f"VACUUM {full} {table}")
        driver.autocommit = False
    finally:
        raw.close()
