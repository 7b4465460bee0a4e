"""Imports: a file that was chosen, its mapping, and how it gets into the records.

A row of `import_job` says how far one is. A batch of rows, what they brought, the place
in the file and the journal's entry are one transaction: killed at any moment, an import
goes on after the last batch that is there, and nothing comes twice. While one batch is
written the next is read, in a thread that has no transaction.
"""

import contextlib
import hashlib
import logging
import queue
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final, cast

from flask import Flask, current_app
from sqlalchemy import func, select
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from tracing import crash
from tracing.casework import record_export, record_rows
from tracing.casework.import_writing import Rows as Brought
from tracing.casework.import_writing import Writer
from tracing.casework.registry import publish
from tracing.config import Settings
from tracing.extensions import be_patient, db, import_files
from tracing.importing import encodings, mapping, report, tables, workbook
from tracing.importing.faults import N_, Refused
from tracing.importing.rows import Fault, Rows, Values
from tracing.importing.seen import Seen
from tracing.importing.tables import Place, Survey, Table
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Account, ImportJob, ImportPhase
from tracing.schemas.fields import NOT_IN_A_BLOCK
from tracing.security import isolation
from tracing.words import _ as say
from tracing.words import in_language
from workflows.errors import FactMissing, NotVisible, TransitionNotAllowed
from workflows.policies import Actor, require_import

log = logging.getLogger(__name__)

FOLDER: Final = "imports"
SOURCE, SHEET, SEEN, REPORT = "source", "rows.csv", "seen.sqlite", "report.csv"
BATCH: Final = 10_000
LEASE: Final = timedelta(seconds=60)
TURN: Final = 60.0
"""Seconds after which the worker lets another import have its turn."""

MOST_ATTEMPTS: Final = 10
MOST_OPEN: Final = 5
"""Imports of one authority that are not over."""

FEW: Final = 100
"""So many bad rows are none too many, whatever their share."""

MOST_WARNINGS: Final = 10_000
KEPT: Final = timedelta(days=30)
LEFT: Final = timedelta(days=1)

KEY_TWICE: Final = N_(
    "Row %(row)s has the same number and says something else: keep the one that is right"
)
REPLACES_NOTHING: Final = N_(
    "The event that this one replaces is not there: put it into the file before this row"
)
TOO_MANY_BAD: Final = N_(
    "%(bad)s of %(rows)s rows were bad, more than %(most)s %%. What was good is kept. Look"
    " into the report, put the mapping or the file right, and import the file again."
)
NOT_STORED: Final = N_(
    "The rows from %(first)s to %(last)s could not be stored. What came before is kept;"
    " whoever runs the system finds the reason in the log."
)
GIVEN_UP: Final = N_(
    "The import did not go on after several tries. What came before is kept; whoever runs"
    " the system finds the reason in the log."
)
FILE_GONE: Final = N_(
    "The file is not there any more, or is another one: choose it again."
)
TOO_MANY_OPEN: Final = "Finish or cancel the imports that are there before another."


def utc_now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


# ------------------------------------------------------------------------------ files


def folder_of(token: str) -> Path:
    """Return where the files of an import are."""
    return Path(current_app.instance_path) / FOLDER / token


def _made(token: str) -> Path:
    folder = folder_of(token)
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that is ready to be read: its table, and its rows by the mapping."""

    table: Table
    rows: Rows
    told: mapping.Mapping


def _encoding(found: Survey, told: mapping.Mapping | None) -> str:
    said = told.encoding if told is not None else ""
    return said or encodings.seen(found.head, found.sample, is_utf8=found.is_utf8)


def heading_of(found: Survey, told: mapping.Mapping | None = None) -> tuple[str, ...]:
    """Return the names of the columns of a file."""
    if not found.is_workbook:
        with found.path.open("rb") as file:
            return tables.table(
                *(file, _encoding(found, told)),
                delimiter=told.delimiter if told else "",
                quote=told.quote if told else '"',
            ).header
    book = workbook.Workbook(found.path)
    try:
        sheet = told.sheet if told else book.sheets[0].name
        first = next((row for row in book.rows(sheet) if any(row)), [])
        return workbook.heading(first)
    finally:
        book.close()


def suggest(found: Survey) -> str:
    """Return a first mapping for a file."""
    header, encoding, sheet = heading_of(found), "", ""
    if not found.is_workbook:
        encoding = _encoding(found, None)
    else:
        book = workbook.Workbook(found.path)
        sheet = book.sheets[0].name if len(book.sheets) > 1 else ""
        book.close()
    shape = record_rows.shape()
    return mapping.suggest(header, shape, encoding=encoding, sheet=sheet)


def check(text: str) -> mapping.Mapping:
    """Read a mapping of records; raises Refused with all that is wrong in it."""
    return mapping.read(text, record_rows.shape())


@dataclass(slots=True)
class Preview:
    """The first rows as they will be kept, and how many of those looked at are bad."""

    heading: tuple[str, ...] = ()
    lines: list[tuple[Any, ...]] = field(default_factory=list)
    looked: int = 0
    bad: int = 0
    faults: list[Fault] = field(default_factory=list)
    encoding: str = ""


def preview(found: Survey, told: mapping.Mapping, *, most: int = 1000) -> Preview:
    """Read the beginning of a file as an import would; nothing is written."""
    shape, seen = record_rows.shape(), Preview()
    maker = record_rows.Maker(0, told.source, utc_now().date())
    named = {*told.columns, *told.constants, shape.key}
    places = [at for at, one in enumerate(shape.fields) if one.name in named]
    seen.heading = tuple(shape.fields[at].label for at in places)
    with contextlib.ExitStack() as leaving:
        rows, lines = _beginning(found, told, leaving, seen)
        for number, cells_ in lines:
            if seen.looked >= most:
                break
            seen.looked += 1
            faults: list[Fault] = []
            values = rows.read(number, cells_, faults)
            if values is not None:
                try:
                    maker.check(values)
                except Refused as error:
                    faults.append(Fault(number, "", "", error.msgid, error.holes))
                    values = None
            if values is None:
                seen.bad += 1
            elif len(seen.lines) < 20:
                seen.lines.append((number, *(values[at] for at in places)))
            seen.faults += faults[: max(0, 20 - len(seen.faults))]
    if not seen.looked:
        raise Refused(tables.NO_ROWS)
    return seen


def _beginning(
    found: Survey, told: mapping.Mapping, leaving: contextlib.ExitStack, seen: Preview
) -> tuple[Rows, Iterator[tuple[int, Any]]]:
    shape = record_rows.shape()
    if not found.is_workbook:
        file = leaving.enter_context(found.path.open("rb"))
        seen.encoding = _encoding(found, told)
        table = tables.table(
            file, seen.encoding, delimiter=told.delimiter, quote=told.quote
        )
        return Rows(shape, told, table.header), iter(table)
    book = workbook.Workbook(found.path)
    leaving.callback(book.close)
    lines = book.rows(told.sheet)
    numbered = ((n, row) for n, row in enumerate(lines, 1) if any(row))
    first = next(numbered, (1, []))[1]
    header = workbook.heading(first)
    wide = len(header)
    padded = ((n, row + [""] * (wide - len(row))) for n, row in numbered)
    return Rows(shape, told, header, is_workbook=True), padded


# ---------------------------------------------------------------------- what people do


def of_authority(actor: Actor) -> Sequence[ImportJob]:
    """Return the imports of the actor's authority, the newest first."""
    require_import(actor)
    return db.session.scalars(
        select(ImportJob)
        .where(ImportJob.authority_id == actor.authority_id)
        .order_by(ImportJob.id.desc())
        .limit(50)
    ).all()


def one(token: str, actor: Actor, *, lock: bool = False) -> ImportJob:
    """Return an import of the actor's authority, or nothing that tells of it."""
    require_import(actor)
    query = select(ImportJob).where(
        ImportJob.token == token, ImportJob.authority_id == actor.authority_id
    )
    if lock:
        query = query.with_for_update()
    found = db.session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotVisible("There is no such import.")
    return found


def choose(actor: Actor, name: str, content: IO[bytes], *, largest: int) -> ImportJob:
    """Keep a file that is to be imported, with a first mapping for it."""
    require_import(actor)
    open_ones = select(func.count()).where(
        ImportJob.authority_id == actor.authority_id,
        ImportJob.phase.in_([p for p in ImportPhase if not p.is_over]),
    )
    if (db.session.scalar(open_ones) or 0) >= MOST_OPEN:
        raise TransitionNotAllowed(TOO_MANY_OPEN)
    db.session.rollback()
    token = secrets.token_urlsafe(24)
    folder = _made(token)
    try:
        path = folder / SOURCE
        with path.open("wb") as out:
            path.chmod(0o600)
            shutil.copyfileobj(content, out, 1 << 20)
        found = tables.survey(path, largest=largest)
        text = _first_mapping(found, actor.authority_id)
        db.session.rollback()
        job = _new(found, actor.authority_id, actor.user_id, name, text, token)
        db.session.add(job)
        db.session.flush()
        db.session.commit()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return job


def _first_mapping(found: Survey, authority_id: int) -> str:
    """Return the mapping of an export, of an earlier file like this one, or a guess."""
    try:
        header = heading_of(found)
        exported = record_export.suggested(header)
        return exported or _known_mapping(authority_id, header) or suggest(found)
    except Refused as error:
        if error.msgid != encodings.SAY_WHICH:
            raise
    # The person says it; the columns are read as if it were the commonest.
    with found.path.open("rb") as file:
        header = tables.table(file, "iso8859-1").header
    shown = tuple(name.encode("ascii", "replace").decode() for name in header)
    return mapping.suggest(shown, record_rows.shape())


def _known_mapping(authority_id: int, header: Sequence[str]) -> str | None:
    """Return the mapping of the last import that knows the columns of a file."""
    known = db.session.scalars(
        select(ImportJob.mapping)
        .where(
            ImportJob.authority_id == authority_id,
            ImportJob.phase == ImportPhase.DONE,
        )
        .order_by(ImportJob.id.desc())
        .limit(10)
    )
    for text in known:
        with contextlib.suppress(Refused):
            check(text).check(header)
            return text
    return None


def _new(
    found: Survey,
    authority_id: int,
    by_id: int | None,
    name: str,
    text: str,
    token: str,
) -> ImportJob:
    return ImportJob(
        token=token,
        authority_id=authority_id,
        by_id=by_id,
        what=record_rows.shape().name,
        phase=ImportPhase.CHOSEN,
        file_name="".join(c for c in name if c.isprintable())[-300:] or "-",
        file_size=found.size,
        file_hash=found.sha256,
        mapping=text,
        created_at=utc_now(),
    )


def look(job: ImportJob, *, most: int = 1000) -> Preview:
    """Return the first rows of an import that waits to be started.

    It can take a while, and the transaction is let go of for it.
    """
    token, hashed, text = job.token, job.file_hash, job.mapping
    db.session.rollback()
    told = check(text)
    try:
        found = tables.survey(folder_of(token) / SOURCE)
    except OSError as error:
        raise Refused(FILE_GONE) from error
    if found.sha256 != hashed:
        raise Refused(FILE_GONE)
    return preview(found, told, most=most)


def set_mapping(token: str, actor: Actor, text: str) -> ImportJob:
    """Keep what somebody wrote as the mapping, right or not."""
    job = one(token, actor, lock=True)
    _require(job, ImportPhase.CHOSEN)
    plain = text[: mapping.LARGEST].replace("\r\n", "\n")
    if NOT_IN_A_BLOCK.search(plain):
        raise FactMissing("Take out the control characters.")
    job.mapping = plain
    db.session.commit()
    return job


def start(token: str, actor: Actor) -> ImportJob:
    """Let the worker import a file; its mapping fits it, or it is not begun."""
    job = one(token, actor)
    _require(job, ImportPhase.CHOSEN)
    text, hashed = job.mapping, _hash(job.mapping)
    looked = look(job, most=1)
    job = one(token, actor, lock=True)
    _require(job, ImportPhase.CHOSEN)
    if job.mapping != text:
        raise TransitionNotAllowed("The mapping changed meanwhile: look at it again.")
    now = utc_now()
    job.phase, job.mapping_hash = ImportPhase.WAITING, hashed
    job.encoding = looked.encoding
    job.started_at = job.next_at = now
    _enter_start(job, actor, encoding=looked.encoding)
    db.session.commit()
    import_files()
    return job


def cancel(token: str, actor: Actor) -> ImportJob:
    """End an import; what it has brought stays."""
    job = one(token, actor, lock=True)
    if job.phase.is_over:
        raise TransitionNotAllowed("This import is over already.")
    begun = job.started_at is not None
    job.phase, job.ended_at, job.next_at = ImportPhase.CANCELLED, utc_now(), None
    if begun:
        be_patient(db.session.connection())
        publish(job.authority_id)
        _enter_end(job, actor)
    db.session.commit()
    return job


def _require(job: ImportJob, phase: ImportPhase) -> None:
    if job.phase is not phase:
        raise TransitionNotAllowed("This import has gone on: load the page again.")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def about(job: ImportJob) -> str:
    """Return what the journal calls an import."""
    return f"import-{job.id}"


def _parties(job: ImportJob) -> tuple[int, ...]:
    """Return whose journals say that it began and ended."""
    own = (job.authority_id,)
    return own if job.by_id is not None else (journal.SYSTEM, *own)


def _enter_start(job: ImportJob, actor: Actor | None, **more: object) -> None:
    said = {"file": job.file_name, "sha256": job.file_hash, "bytes": job.file_size}
    said |= {"mapping": job.mapping_hash, **more}
    journal.record(
        Kind.IMPORT_STARTED,
        actor,
        about=about(job),
        parties=_parties(job),
        payload=said,
    )


def _enter_end(job: ImportJob, actor: Actor | None) -> None:
    said = {"sha256": job.file_hash, "rows": job.at_row, "phase": job.phase.value}
    said |= {"added": job.added, "changed": job.changed, "events": job.told}
    said |= {"bad": job.bad, "warnings": job.warnings, "batches": job.batches}
    journal.record(
        Kind.IMPORT_ENDED, actor, about=about(job), parties=_parties(job), payload=said
    )


def report_of(job: ImportJob) -> bytes | None:
    """Return the list of what was not taken, as far as it goes with the rows."""
    path = folder_of(job.token) / REPORT
    if not job.report_size or not path.exists():
        return None
    with path.open("rb") as file:
        return file.read(job.report_size)


# --------------------------------------------------------------------- the work itself


@dataclass(slots=True)
class Batch:
    """Rows that were read, up to a place."""

    first: int
    place: Place
    brought: Brought
    faults: list[Fault]
    taken: int
    bad: int
    is_last: bool = False


class _Reader:
    """Reads batches of one file ahead of who writes them, in a thread."""

    def __init__(self, opened: Opened, maker: record_rows.Maker, seen: Seen) -> None:
        self.opened, self.maker, self.seen = opened, maker, seen
        self.ready: queue.Queue[Batch | BaseException] = queue.Queue(2)
        self.over = threading.Event()

    def batches(self) -> Generator[Batch]:
        """Yield what the thread brings; it ends with the file, or when let go of."""
        app = cast("Any", current_app)._get_current_object()
        # Daemon: nobody waits for one that hangs at a network's file.
        thread = threading.Thread(target=self._run, args=(app,), daemon=True)
        thread.start()
        try:
            while True:
                found = self.ready.get()
                if isinstance(found, BaseException):
                    raise found
                yield found
                if found.is_last:
                    return
        finally:
            self.over.set()
            with contextlib.suppress(queue.Empty):
                while True:
                    self.ready.get_nowait()
            thread.join(10)

    def _run(self, app: Flask) -> None:
        try:
            with app.app_context():
                for batch in self.read():
                    self._put(batch)
                    if self.over.is_set():
                        return
        except BaseException as error:  # noqa: BLE001 - told to who asked for it
            self._put(error)

    def _put(self, found: Batch | BaseException) -> None:
        while not self.over.is_set():
            with contextlib.suppress(queue.Full):
                self.ready.put(found, timeout=0.2)
                return

    def read(self) -> Iterator[Batch]:
        """Read the file in batches, from where its table stands."""
        table, lines = self.opened.table, iter(self.opened.table)
        while True:
            first = table.row + 1
            batch = self._batch(first, lines)
            yield batch
            if batch.is_last:
                return

    def _batch(self, first: int, lines: Iterator[tuple[int, Any]]) -> Batch:
        faults: list[Fault] = []
        parts: list[tuple[int, Values, record_rows.Parts]] = []
        read, make, count = self.opened.rows.read, self.maker.make, 0
        for number, found in lines:
            count += 1
            values = read(number, found, faults)
            if values is not None:
                try:
                    parts.append((number, values, make(values)))
                except Refused as error:
                    key = str(values[self.opened.rows.key_at])[:100]
                    faults.append(Fault(number, "", key, error.msgid, error.holes))
            if count >= BATCH:
                break
        of_item = self.maker.first_of_event
        twice = self.seen.other((n, str(p.item[0]), v[:of_item]) for n, v, p in parts)
        items: dict[str, tuple[Any, ...]] = {}
        events, marks = [], []
        for number, _values, (item, event, mark) in parts:
            if number in twice:
                holes: dict[str, object] = {"row": twice[number]}
                faults.append(Fault(number, "", item[0], KEY_TWICE, holes))
                continue
            if event is not None:
                # Where nothing else is said, the item is where its last event left it.
                items[item[0]] = (number, *item)
                events.append((number, *event))
            else:
                items.setdefault(item[0], (number, *item))
            if mark is not None:
                marks.append((number, *mark))
        brought = Brought(list(items.values()), events, marks)
        taken = len(parts) - len(twice)
        return Batch(
            *(first, self.opened.table.place, brought, faults),
            *(taken, count - taken, count < BATCH),
        )


def _open(file: IO[bytes], job: ImportJob, found: str, told: mapping.Mapping) -> Opened:
    """Open what is read at the place where the rows that are there end."""
    is_sheet = job.read_hash != ""
    place = Place(job.at_byte, job.at_line, job.at_row)
    table = tables.table(
        *(file, found),
        delimiter="," if is_sheet else told.delimiter,
        quote='"' if is_sheet else told.quote,
        place=place if job.at_row else None,
    )
    shape = record_rows.shape()
    return Opened(table, Rows(shape, told, table.header, is_workbook=is_sheet), told)


@dataclass
class Turn:
    """One turn of one import: what it works with, and what it is told."""

    owner: str
    stop: Callable[[], bool] = bool
    seconds: float = TURN
    tell: Callable[[ImportJob], None] = lambda _job: None
    source: Path | None = None
    """Where the file is, if not in the folder of the import."""
    pause: float = 0.0
    """Seconds between batches, in which others get to write."""


def work(number: int, turn: Turn) -> ImportPhase:
    """Import what one turn allows; the lease on the import is the caller's."""
    job = db.session.get_one(ImportJob, number)
    isolation.work_for(job.authority_id, job.by_id or 0)
    until = time.monotonic() + turn.seconds
    folder = _made(job.token)
    try:
        told, encoding, path = _prepare(job, turn)
        db.session.refresh(job)
        maker = record_rows.Maker(job.authority_id, told.source, _begun(job).date())
        named = frozenset({*told.columns, *told.constants, "source"})
        db.session.commit()
        seen = Seen(folder / SEEN)
        with contextlib.closing(seen), path.open("rb") as file:
            db.session.refresh(job)
            opened = _open(file, job, encoding, told)
            writer = Writer(job.authority_id, job.by_id, _begun(job), named)
            db.session.commit()
            reader = _Reader(opened, maker, seen)
            with contextlib.closing(reader.batches()) as batches:
                for batch in batches:
                    phase = _keep(number, turn, writer, batch)
                    if phase is not ImportPhase.RUNNING:
                        return phase
                    time.sleep(turn.pause)
                    if turn.stop() or time.monotonic() > until:
                        return _give_back(number, turn.owner)
    except Refused as error:
        return _stop(number, turn.owner, error)
    except OSError as error:
        log.warning("import %s: %s", number, error)
        return _stop(number, turn.owner, Refused(FILE_GONE))
    except OperationalError:
        db.session.rollback()
        log.warning("import %s waits for the database", number)
        return _later(number, turn.owner)
    finally:
        isolation.work_for_nobody()
    return ImportPhase.RUNNING


def _begun(job: ImportJob) -> datetime:
    return job.started_at or job.created_at


def _prepare(job: ImportJob, turn: Turn) -> tuple[mapping.Mapping, str, Path]:
    """Return the mapping, and what is read: the file itself or a sheet made CSV."""
    told, folder = check(job.mapping), folder_of(job.token)
    path, sheet = turn.source or folder / SOURCE, folder / SHEET
    if job.read_hash and sheet.exists() and sheet.stat().st_size == job.read_size:
        return told, "utf-8", sheet
    if not path.exists() or path.stat().st_size != job.file_size:
        raise Refused(FILE_GONE)
    if not workbook.is_one(path):
        return told, job.encoding, path
    number, owner = job.id, turn.owner
    db.session.commit()
    workbook.spool(path, sheet, sheet=told.sheet, beat=lambda: _beat(number, owner))
    job = db.session.get_one(ImportJob, number, populate_existing=True)
    job.read_hash, job.read_size = job.file_hash, sheet.stat().st_size
    db.session.commit()
    return told, "utf-8", sheet


def _beat(number: int, owner: str) -> None:
    """Keep the lease while something takes its time."""
    job = _held(number, owner)
    if job is not None:
        job.lease_until = utc_now() + LEASE
        job.next_at = job.lease_until if job.next_at is not None else None
    db.session.commit()


def _held(number: int, owner: str) -> ImportJob | None:
    """Return an import to write to, if it still runs and is ours."""
    return db.session.scalar(
        select(ImportJob)
        .where(
            ImportJob.id == number,
            ImportJob.lease_owner == owner,
            ImportJob.phase == ImportPhase.RUNNING,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _actor(job: ImportJob) -> Actor | None:
    """Return who started it; none for the command line."""
    account = db.session.get(Account, job.by_id) if job.by_id else None
    if account is None:
        return None
    return Actor(
        user_id=account.id,
        name=account.name,
        authority_id=account.authority_id,
        authority_name=account.authority.name,
        roles=account.role_names,
        language=account.language,
    )


def _keep(number: int, turn: Turn, writer: Writer, batch: Batch) -> ImportPhase:
    """Write a batch, how far it is, and what the journal says: all or nothing."""
    be_patient(db.session.connection())
    job = _held(number, turn.owner)
    if job is None or job.at_row >= batch.first:
        # Cancelled, or another has gone on with it.
        db.session.rollback()
        return ImportPhase.CANCELLED
    actor = _actor(job)
    try:
        done = writer.write(batch.brought)
    except (IntegrityError, DataError) as error:
        db.session.rollback()
        log.exception("import %s: rows from %s", number, batch.first)
        holes = {"first": batch.first, "last": batch.place.row}
        raise Refused(NOT_STORED, **holes) from error
    crash.at("import.written")
    for row in done.alone:
        batch.faults.append(Fault(row, "event_replaces", "", REPLACES_NOTHING, {}))
    _report(job, batch.faults, actor.language if actor else "en")
    job.at_byte, job.at_line, job.at_row = batch.place
    job.taken += batch.taken
    job.bad += batch.bad + len(done.alone)
    job.added += done.added
    job.changed += done.changed
    job.told += done.told
    job.batches += 1
    job.attempts = 0
    job.lease_until = utc_now() + LEASE
    if job.next_at is not None:
        job.next_at = job.lease_until
    said = {"sha256": job.file_hash, "first": batch.first, "last": batch.place.row}
    said |= {"added": done.added, "changed": done.changed, "events": done.told}
    said |= {"bad": batch.bad + len(done.alone)}
    if batch.is_last:
        _end(job, ImportPhase.DONE)
    elif (why := _too_many_bad(job)) is not None:
        _end(job, ImportPhase.STOPPED, why)
    journal.record(
        Kind.RECORDS_IMPORTED,
        actor,
        about=about(job),
        # The last one locks the chains that the end of it needs, in their order.
        parties=_parties(job) if job.phase.is_over else (job.authority_id,),
        payload=said,
    )
    if job.phase.is_over:
        _enter_end(job, actor)
    crash.at("import.entered")
    phase = job.phase
    db.session.commit()
    crash.at("import.committed")
    turn.tell(job)
    db.session.rollback()
    return phase


def _report(job: ImportJob, faults: list[Fault], language: str) -> None:
    """Write down what is wrong after what the rows before have left there."""
    left = MOST_WARNINGS - job.warnings
    bad = [fault for fault in faults if not fault.warning]
    warnings = [fault for fault in faults if fault.warning]
    job.warnings += len(warnings)
    told = sorted([*bad, *warnings[: max(left, 0)]], key=lambda fault: fault.row)
    with in_language(language):
        text = report.heading(_say) if not job.report_size else ""
        text += report.lines(told, _say)
    path = folder_of(job.token) / REPORT
    job.report_size = report.append(path, job.report_size, text)


def _say(msgid: str, holes: dict[str, object]) -> str:
    return say(msgid, **holes)


def _too_many_bad(job: ImportJob) -> Refused | None:
    settings: Settings = current_app.extensions["tracing.settings"]
    rows, most = job.taken + job.bad, settings.import_most_bad
    if job.bad <= FEW or job.bad * 100 <= rows * most:
        return None
    return Refused(TOO_MANY_BAD, bad=job.bad, rows=rows, most=most)


def _end(job: ImportJob, phase: ImportPhase, why: Refused | None = None) -> None:
    """Let an import be over; what is shared by it is shown to the others."""
    job.phase, job.ended_at, job.next_at = phase, utc_now(), None
    job.lease_owner = job.lease_until = None
    if why is not None:
        actor = _actor(job)
        with in_language(actor.language if actor else "en"):
            job.why = _words(why)
    publish(job.authority_id)


def _words(why: Refused) -> str:
    if isinstance(why, mapping.NotUnderstood):
        return "\n".join(told(problem) for problem in why.problems)
    return say(why.msgid, **why.holes)


def told(problem: mapping.Problem) -> str:
    """Say in the reader's language what is wrong with a mapping."""
    words = say(problem.msgid, **problem.holes)
    if not problem.line:
        return words
    return say(mapping.SYNTAX, line=problem.line, fault=words)


def _stop(number: int, owner: str, why: Refused) -> ImportPhase:
    """End an import that cannot go on."""
    db.session.rollback()
    be_patient(db.session.connection())
    job = _held(number, owner)
    if job is None:
        db.session.rollback()
        return ImportPhase.CANCELLED
    _end(job, ImportPhase.STOPPED, why)
    _enter_end(job, _actor(job))
    db.session.commit()
    return ImportPhase.STOPPED


def _give_back(number: int, owner: str) -> ImportPhase:
    """Let another worker, or another turn, go on."""
    job = _held(number, owner)
    if job is not None:
        job.lease_owner = job.lease_until = None
        job.next_at = utc_now() if job.next_at is not None else None
    db.session.commit()
    return ImportPhase.RUNNING


def _later(number: int, owner: str) -> ImportPhase:
    """Try again in a while."""
    job = _held(number, owner)
    if job is not None:
        wait = timedelta(seconds=min(2 ** (job.attempts + 1), 300))
        job.next_at = utc_now() + wait if job.next_at is not None else None
        job.lease_owner = job.lease_until = None
    db.session.commit()
    return ImportPhase.RUNNING


# ------------------------------------------------------------------------- the worker


def claim(owner: str) -> int | None:
    """Take an import that is due, under a lease."""
    now = utc_now()
    due = (ImportPhase.WAITING, ImportPhase.RUNNING)
    job = db.session.scalar(
        select(ImportJob)
        .where(ImportJob.phase.in_(due), ImportJob.next_at <= now)
        .order_by(ImportJob.next_at, ImportJob.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=ImportJob)
        .execution_options(populate_existing=True)
    )
    if job is None:
        db.session.rollback()
        return None
    job.phase, job.lease_owner = ImportPhase.RUNNING, owner
    job.lease_until = job.next_at = now + LEASE
    job.attempts += 1
    number, attempts = job.id, job.attempts
    db.session.commit()
    if attempts > MOST_ATTEMPTS:
        # It may be why the worker ended each time.
        _stop(number, owner, Refused(GIVEN_UP))
        return claim(owner)
    return number


def drain(owner: str, stop: Callable[[], bool] = bool) -> int:
    """Import what is due, in turns, until nothing is or it is told to stop."""
    turns = 0
    # SQLite has one writer, and does not let who waits have its turn by itself.
    pause = 0.05 if db.engine.dialect.name == "sqlite" else 0.0
    while not stop() and (number := claim(owner)) is not None:
        work(number, Turn(owner, stop, pause=pause))
        turns += 1
    return turns


def tidy(now: datetime | None = None) -> int:
    """Remove the files of imports that are over, and later their reports."""
    at, gone = now or utc_now(), 0
    root = Path(current_app.instance_path) / FOLDER
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        job = db.session.scalar(select(ImportJob).where(ImportJob.token == folder.name))
        if job is not None and _is_left(job, at):
            job.phase, job.ended_at = ImportPhase.CANCELLED, at
            db.session.commit()
        if job is not None and not job.phase.is_over:
            continue
        if job is None or (job.ended_at or at) < at - KEPT:
            is_new = time.time() - folder.stat().st_mtime < LEFT.total_seconds()
            if job is not None or not is_new:
                shutil.rmtree(folder, ignore_errors=True)
                gone += 1
            continue
        for name in (SOURCE, SHEET, SEEN, f"{SEEN}-wal", f"{SEEN}-shm"):
            (folder / name).unlink(missing_ok=True)
    db.session.rollback()
    return gone


def _is_left(job: ImportJob, at: datetime) -> bool:
    """Tell whether nobody goes on with an import any more."""
    if job.phase is ImportPhase.CHOSEN:
        return job.created_at < at - LEFT
    # Of the command line: the worker does not take it up.
    by_hand = job.phase is ImportPhase.RUNNING and job.next_at is None
    return by_hand and (job.lease_until or job.created_at) < at - KEPT


# ------------------------------------------------------------------ the command line


def begin_here(
    found: Survey, authority_id: int, text: str, *, owner: str, name: str
) -> ImportJob:
    """Begin an import from the command line, in the name of the system."""
    job = _new(found, authority_id, None, name, text, secrets.token_urlsafe(24))
    job.phase, job.started_at = ImportPhase.RUNNING, utc_now()
    job.mapping_hash, job.lease_owner = _hash(text), owner
    if not found.is_workbook:
        job.encoding = _encoding(found, check(text))
    job.lease_until = utc_now() + LEASE
    db.session.add(job)
    db.session.flush()
    _enter_start(job, None)
    db.session.commit()
    return job


def as_it_stands(number: int) -> ImportJob:
    """Return an import as the last transaction left it."""
    return db.session.get_one(ImportJob, number, populate_existing=True)


def go_on_here(
    found: Survey, authority_id: int, text: str, *, owner: str
) -> ImportJob | None:
    """Take up an import from the command line that did not come to its end."""
    job = db.session.scalar(
        select(ImportJob)
        .where(
            ImportJob.authority_id == authority_id,
            ImportJob.by_id.is_(None),
            ImportJob.file_hash == found.sha256,
            ImportJob.mapping_hash == _hash(text),
            ImportJob.phase == ImportPhase.RUNNING,
        )
        .order_by(ImportJob.id.desc())
        .limit(1)
        .with_for_update()
    )
    if job is None:
        db.session.rollback()
        return None
    job.lease_owner, job.lease_until = owner, utc_now() + LEASE
    db.session.commit()
    return job


def rehearse(
    found: Survey, told: mapping.Mapping, out: Path, tell: Callable[[int], None]
) -> tuple[int, int]:
    """Read a whole file as an import would, and write nothing but the report."""
    job = ImportJob(at_row=0, read_hash="", at_byte=0, at_line=0)
    path, encoding = found.path, ""
    with contextlib.ExitStack() as leaving:
        if found.is_workbook:
            sheet = out.with_suffix(".rows")
            leaving.callback(sheet.unlink, missing_ok=True)
            workbook.spool(path, sheet, sheet=told.sheet)
            path, encoding, job.read_hash = sheet, "utf-8", found.sha256
        file = leaving.enter_context(path.open("rb"))
        opened = _open(file, job, encoding or _encoding(found, told), told)
        maker = record_rows.Maker(0, told.source, utc_now().date())
        seen = leaving.enter_context(contextlib.closing(Seen(None)))
        size = report.append(out, 0, report.heading())
        taken = bad = 0
        for batch in _Reader(opened, maker, seen).read():
            size = report.append(out, size, report.lines(batch.faults))
            taken, bad = taken + batch.taken, bad + batch.bad
            tell(batch.place.offset)
    return taken, bad
