"""The journal as it stands in the database: read in order, exported, checked."""

import contextlib
import hashlib
import json
import logging
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from flask import current_app
from sqlalchemy import Connection, Engine, func, select

from tracing.config import Settings
from tracing.extensions import be_patient, db
from tracing.journal import checkpoints
from tracing.journal.canonical import canonical
from tracing.journal.journal import moment, payload_bytes
from tracing.journal.verify import (
    BEGINNING,
    FORMAT,
    NONE,
    TAMPERED,
    WITHHELD,
    Checkpoint,
    Report,
    Row,
    Unreadable,
    Walked,
    check_notes,
    commitment,
    entry_hash,
    judge,
    read_checkpoint,
    seal_text,
    walk,
)
from tracing.models import (
    Account,
    JournalChain,
    JournalCheckpoint,
    JournalEntry,
    JournalPayload,
)
from tracing.models.sealed import KeyMissing
from tracing.security import isolation
from tracing.security.fields import FieldKeys, field_keys

log = logging.getLogger(__name__)

_AT_ONCE: Final = 2000
_NO_MORE: Final = (sys.maxsize, None, None, None)
STRETCH: Final = 1 << 14
"""Entries that one process walks at a time: a power of two, for the tree."""

# Read as the driver gives it: this is the one place that reads a million rows. Two
# walks side by side, for a join of fresh tables can take PostgreSQL the square of it.
_ENTRIES: Final = """
    SELECT seq, record, hash, kind, at, actor_id, about
    FROM journal_entry
    WHERE chain_id = {chain:d} AND seq BETWEEN {first:d} AND {last:d} ORDER BY seq
"""
_PAYLOADS: Final = """
    SELECT seq, salt, payload, erased_by
    FROM journal_payload
    WHERE chain_id = {chain:d} AND seq BETWEEN {first:d} AND {last:d} ORDER BY seq
"""


def reading() -> Connection:
    """Return a connection that sees one moment, and keeps no writer waiting."""
    return _patient(_readers())


def _readers() -> Engine:
    engine = db.engine.execution_options(readonly=True)
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    return engine


def _patient(engine: Engine) -> Connection:
    connection = engine.connect()
    be_patient(connection)
    return connection


def _walk(connection: Connection, name: str, query: str) -> Iterator[Any]:
    """Yield rows as the driver makes them, some thousands at a time."""
    if not connection.in_transaction():
        connection.begin()
    # A cursor with a name stays in the server; SQLite has no other kind.
    server = connection.dialect.name == "postgresql"
    given = {"name": name} if server else {}
    with contextlib.closing(connection.connection.cursor(**given)) as cursor:
        cursor.execute(query)
        while part := cursor.fetchmany(_AT_ONCE):
            yield from part


class _Stretch:
    """The entries of a part of a chain, in order, with what they carried.

    What does not open is kept in `shut`, with the reason, and comes as if missing.
    """

    def __init__(
        self,
        connection: Connection,
        chain_id: int,
        first: int,
        last: int,
        keys: FieldKeys | None,
    ) -> None:
        """Read from the entry `first` to `last`; without keys nothing is opened."""
        self.connection, self.chain_id, self.keys = connection, chain_id, keys
        self.place = {"chain": chain_id, "first": first, "last": last}
        self.shut: dict[int, str] = {}
        self.misnamed: list[int] = []
        self._entry: Any = None

    def __iter__(self) -> Iterator[Row]:
        """Yield the entries as they are checked."""
        payloads = _PAYLOADS.format(**self.place)
        carried = _walk(self.connection, "payloads", payloads)
        number, salt, payload, erased = next(carried, _NO_MORE)
        keys, chain_id = self.keys, self.chain_id
        entries = _ENTRIES.format(**self.place)
        for entry in _walk(self.connection, "entries", entries):
            self._entry = entry
            seq, record, hashed = entry[:3]
            while number < seq:
                number, salt, payload, erased = next(carried, _NO_MORE)
            if number != seq:
                yield seq, record, hashed, None, None, None
                continue
            opened = None
            if payload is not None:
                if keys is None:
                    opened = payload.encode()
                else:
                    try:
                        opened = payload_bytes(keys, chain_id, seq, payload)
                    except KeyMissing as error:
                        self.shut[seq] = str(error)
            yield seq, record, hashed, salt, opened, erased

    def seen(self, said: Mapping[str, Any]) -> None:
        """Keep the entry that was yielded last if its row is not found by what it says.

        For the check, which calls it with each record.
        """
        seq, _, _, kind, at, actor, about = self._entry
        if (
            said["action"] != kind
            or said["at"] != at
            or said.get("actor") != actor
            or said.get("object", "") != about
        ):
            self.misnamed.append(seq)


def _opened(keys: FieldKeys, chain_id: int, seq: int, payload: str) -> bytes:
    try:
        return payload_bytes(keys, chain_id, seq, payload)
    except KeyMissing as error:
        raise Unreadable(str(error)) from error


# ------------------------------------------------------- a chain, by several processes


Hands = Executor
"""Processes that walk stretches of a chain, each with a connection of its own."""


@dataclass(frozen=True)
class _Task:
    """A stretch to walk: from an entry to another, both included."""

    chain_id: int
    chain: str
    first: int
    last: int
    sizes: frozenset[int]
    closed: bool


@contextlib.contextmanager
def many_hands(processes: int = 0) -> Iterator[Hands | None]:
    """Give as many processes as there are processors, if there is a long chain.

    For a command, before it has a connection: a process that is forked must find no
    open file of SQLite and no socket of its parent's.
    """
    wanted = processes or len(os.sched_getaffinity(0))
    if wanted < 2 or not _is_long():
        yield None
        return
    db.session.remove()
    for engine in db.engines.values():
        engine.dispose()
    pool = ProcessPoolExecutor(wanted, multiprocessing.get_context("fork"))
    try:
        # The first task forks them all.
        pool.submit(int).result()
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _is_long() -> bool:
    with reading() as connection:
        longest = connection.scalar(select(func.max(JournalChain.size)))
    return longest is not None and longest > 2 * STRETCH


def _side_by_side(given: Hands, task: _Task) -> Walked | None:
    """Return what a chain comes to, or nothing if anything about it is not whole."""
    tasks = [
        replace(task, first=first, last=min(first + STRETCH - 1, task.last))
        for first in range(1, task.last + 1, STRETCH)
    ]
    whole = Walked(Report(task.chain))
    try:
        found = given.map(_walk_alone, tasks)
        for part, walked in zip(tasks, found, strict=True):
            if walked is None or whole.tree.size != part.first - 1:
                return None
            whole.join(walked)
    except BrokenProcessPool:
        log.warning("a process that checked the journal ended; it is checked by one")
        return None
    return whole


def _walk_alone(task: _Task) -> Walked | None:
    with reading() as connection:
        stretch, walked = _walked(connection, task)
    faulty = stretch.shut or stretch.misnamed or walked.report.findings
    return None if faulty else walked


def _walked(connection: Connection, task: _Task) -> tuple[_Stretch, Walked]:
    keys = None if task.closed else field_keys()
    stretch = _Stretch(connection, task.chain_id, task.first, task.last, keys)
    walked = walk(
        task.chain,
        stretch,
        task.sizes,
        stretch.seen,
        closed=task.closed,
        after=_before(connection, task),
    )
    return stretch, walked


def _before(connection: Connection, task: _Task) -> tuple[int, bytes, str]:
    """Return the entry before the first: its number, its hash and its time."""
    if task.first == 1:
        return 0, BEGINNING, ""
    found = connection.execute(
        select(JournalEntry.hash, JournalEntry.at).where(
            JournalEntry.chain_id == task.chain_id, JournalEntry.seq == task.first - 1
        )
    ).first()
    # What is not there is found missing by the stretch that should end with it.
    return (
        task.first - 1,
        bytes(found.hash) if found else BEGINNING,
        found.at if found else "",
    )


def check_chain(
    connection: Connection,
    chain: JournalChain,
    kept: Sequence[Checkpoint] = (),
    *,
    closed: bool = False,
    hands: Hands | None = None,
) -> Report:
    """Check one chain as it is stored; `closed`: without opening what it carries.

    A long one is walked by several hands, stretch by stretch. What they do not find
    whole is walked once more from its beginning, as it stands at one moment.
    """
    settings: Settings = current_app.extensions["tracing.settings"]
    inside = [
        read_checkpoint(note)
        for note in connection.scalars(
            select(JournalCheckpoint.note)
            .where(JournalCheckpoint.chain_id == chain.id)
            .order_by(JournalCheckpoint.size)
        )
    ]
    notes = [*inside, *kept]
    size = max([chain.size, *(note.size for note in inside)])
    sizes = frozenset(note.size for note in notes)
    # One entry more than there are, if it is there.
    task = _Task(chain.id, chain.name, 1, size + 1, sizes, closed)
    report = None
    if hands is not None and size > 2 * STRETCH:
        whole = _side_by_side(hands, task)
        report = judge(whole, notes) if whole else None
    if report is None or report.findings:
        stretch, walked = _walked(connection, task)
        report = judge(walked, notes, shut=stretch.shut)
        for seq in stretch.misnamed:
            report.add(seq, TAMPERED, "it stands under another name than it has")
    if (report.size, report.head) != (chain.size, bytes(chain.head)):
        text = f"the chain has {chain.size} entries, and {report.size} are here"
        report.add(min(report.size, chain.size) + 1, TAMPERED, text)
    signers = checkpoints.known_keys(settings, chain.origin)
    check_notes(report, chain.origin, notes, signers, checkpoints.is_signed)
    return report


def fault_of_tail(connection: Connection, chain: JournalChain, entries: int) -> str:
    """Return what is wrong with the last entries of a chain, or nothing.

    A quick look, for every start; all of it is `check_chain`.
    """
    first = max(chain.size - entries, 0)
    before, expected, keys = BEGINNING, first, field_keys()
    found = (
        select(
            JournalEntry.seq,
            JournalEntry.record,
            JournalEntry.hash,
            JournalPayload.salt,
            JournalPayload.payload,
            JournalPayload.erased_by,
        )
        .outerjoin(
            JournalPayload,
            (JournalPayload.chain_id == JournalEntry.chain_id)
            & (JournalPayload.seq == JournalEntry.seq),
        )
        .where(JournalEntry.chain_id == chain.id, JournalEntry.seq >= first)
        .order_by(JournalEntry.seq)
    )
    for seq, record, hashed, salt, payload, erased in connection.execute(found):
        if seq == first:  # known from before: only what follows is looked at
            before, expected = bytes(hashed), first
            continue
        expected += 1
        if seq != expected:
            return f"entry {expected} is missing"
        if entry_hash(before, record.encode()) != bytes(hashed):
            return f"entry {seq} was changed"
        if payload is None and erased is None:
            return f"what entry {seq} carried is missing"
        if payload is not None:
            try:
                opened = _opened(keys, chain.id, seq, payload)
            except Unreadable as error:
                return f"what entry {seq} carried does not open ({error})"
            if not _carried(record, salt, opened):
                return f"what entry {seq} carried was changed"
        before = bytes(hashed)
    if (expected, before) != (chain.size, bytes(chain.head)):
        return f"the chain has {chain.size} entries, and {expected} are here"
    return ""


def _carried(record: str, salt: bytes | None, payload: bytes) -> bool:
    try:
        said = json.loads(record)["payload"]
    except (ValueError, KeyError, TypeError):
        return False
    return salt is not None and said == commitment(bytes(salt), payload).hex()


def chains(connection: Connection, name: str = "") -> list[JournalChain]:
    """Return the chains, or the one of that name."""
    query = select(JournalChain.__table__).order_by(JournalChain.id)
    if name:
        query = query.where(JournalChain.name == name)
    return [JournalChain(**row) for row in connection.execute(query).mappings()]


def check_all(
    connection: Connection,
    kept: Sequence[Checkpoint] = (),
    name: str = "",
    *,
    closed: bool = False,
    hands: Hands | None = None,
) -> list[Report]:
    """Check the chains; a checkpoint that was kept goes to the chain it names."""
    found = chains(connection, name)
    if name and not found:
        raise Unreadable(f"there is no chain of the name {name}")
    reports = [
        check_chain(
            connection,
            chain,
            [c for c in kept if c.origin == chain.origin],
            closed=closed,
            hands=hands,
        )
        for chain in found
    ]
    known = {chain.origin for chain in chains(connection)}
    for origin in {c.origin for c in kept} - known:
        lost = Report(origin)
        lost.add(1, TAMPERED, "a checkpoint was kept of it, and it is not here")
        reports.append(lost)
    return reports


# ------------------------------------------------------------------------- an export


Held = Callable[[str, bytes], bool]
"""Whether what an entry carried stays here: of its record and its payload."""


def export(chain_id: int, held: Held) -> Iterator[bytes]:
    """Yield a chain as a file that can be checked anywhere, sealed at its end."""
    # Now, while there is an application: the file is read when that is long over.
    settings: Settings = current_app.extensions["tracing.settings"]
    return _sealed(
        _readers(), isolation.tenant(), chain_id, settings, field_keys(), held
    )


def _sealed(
    engine: Engine,
    tenant: isolation.Tenant | None,
    chain_id: int,
    settings: Settings,
    keys: FieldKeys,
    held: Held,
) -> Iterator[bytes]:
    with _patient(engine) as connection:
        isolation.tell(connection, tenant)
        yield from _sealing(connection, chain_id, settings, keys, held)


def _sealing(
    connection: Connection,
    chain_id: int,
    settings: Settings,
    keys: FieldKeys,
    held: Held,
) -> Iterator[bytes]:
    at = datetime.now(UTC)
    chain = next(found for found in chains(connection) if found.id == chain_id)
    digest = hashlib.sha256()
    for line in _lines(connection, chain, settings, keys, held, at):
        digest.update(line)
        yield line
    seal = seal_text(chain.origin, chain.size, digest.digest())
    note = checkpoints.sign(seal, settings, chain.origin)
    yield b"s\t" + json.dumps(note).encode() + b"\n"


def _lines(
    connection: Connection,
    chain: JournalChain,
    settings: Settings,
    keys: FieldKeys,
    held: Held,
    at: datetime,
) -> Iterator[bytes]:
    people = connection.execute(
        select(Account.id, Account.name).where(Account.authority_id == chain.id)
    )
    head = {
        "chain": chain.name,
        "origin": chain.origin,
        "exported": moment(at),
        "key": "\n".join(
            map(str, checkpoints.known_keys(settings, chain.origin).values())
        ),
        "people": {str(number): name for number, name in people},
    }
    yield FORMAT + b"\t" + canonical(head).encode() + b"\n"
    notes = checkpoints.of_days(connection, chain.id)
    stretch = _Stretch(connection, chain.id, 1, chain.size, keys)
    for seq, record, hashed, salt, payload, erased in stretch:
        if seq in stretch.shut or (payload is not None and held(record, payload)):
            carried = (NONE, WITHHELD, NONE)
        else:
            carried = (
                NONE if salt is None else salt.hex().encode(),
                NONE if erased is None else str(erased).encode(),
                NONE if payload is None else payload,
            )
        parts = (b"e", str(seq).encode(), hashed.hex().encode(), *carried)
        yield b"\t".join((*parts, record.encode())) + b"\n"
    for note in notes:
        yield b"c\t" + json.dumps(note).encode() + b"\n"


def write(chain_id: int, path: Path, held: Held) -> None:
    """Write the export of a chain to a file."""
    with path.open("wb") as out:
        out.writelines(export(chain_id, held))
