"""The journal as it stands in the database: read in order, exported, checked."""

import contextlib
import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from flask import current_app
from sqlalchemy import Connection, Engine, select

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
    Seen,
    Unreadable,
    check,
    check_notes,
    commitment,
    entry_hash,
    read_checkpoint,
    seal_text,
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

_AT_ONCE: Final = 2000
_NO_MORE: Final = (sys.maxsize, None, None, None)

# Read as the driver gives it: this is the one place that reads a million rows. Two
# walks side by side, for a join of fresh tables can take PostgreSQL the square of it.
_ENTRIES: Final = """
    SELECT seq, record, hash, kind, at, actor_id, about
    FROM journal_entry WHERE chain_id = {chain:d} AND seq <= {size:d} ORDER BY seq
"""
_PAYLOADS: Final = """
    SELECT seq, salt, payload, erased_by
    FROM journal_payload WHERE chain_id = {chain:d} AND seq <= {size:d} ORDER BY seq
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


def _rows(
    connection: Connection,
    chain_id: int,
    size: int,
    keys: FieldKeys | None,
    shut: dict[int, str],
) -> Iterator[Any]:
    """Yield the entries with what they carried, opened where there are keys.

    What does not open is kept in `shut`, with the reason, and yielded as if missing.
    """
    carried = _walk(connection, "payloads", _PAYLOADS.format(chain=chain_id, size=size))
    number, salt, payload, erased = next(carried, _NO_MORE)
    for seq, record, hashed, *found_by in _walk(
        connection, "entries", _ENTRIES.format(chain=chain_id, size=size)
    ):
        while number < seq:
            number, salt, payload, erased = next(carried, _NO_MORE)
        if number == seq:
            if payload is not None:
                if keys is None:
                    payload = payload.encode()
                else:
                    try:
                        payload = _opened(keys, chain_id, seq, payload)
                    except Unreadable as error:
                        payload, shut[seq] = None, str(error)
            yield seq, record, hashed, salt, payload, erased, *found_by
        else:
            yield seq, record, hashed, None, None, None, *found_by


def _opened(keys: FieldKeys, chain_id: int, seq: int, payload: str) -> bytes:
    try:
        return payload_bytes(keys, chain_id, seq, payload)
    except KeyMissing as error:
        raise Unreadable(str(error)) from error


def _checked(rows: Iterator[Any], changed: list[int]) -> Iterator[Row]:
    """Yield the rows, and keep those that are found by what they do not say."""
    for seq, record, hashed, salt, payload, erased, kind, at, actor, about in rows:
        # The fields stand in the order of their names, and a quote inside a value is
        # escaped: what is found here can only be the fields themselves.
        start = f'{{"action":"{kind}","a'
        if actor is not None:
            start += f'ctor":{actor},"a'
        if (
            not record.startswith(start)
            or (actor is None and record.startswith("ctor", len(start)))
            or f'"at":"{at}","by"' not in record
            or f'"object":"{about}","payload"' not in record
        ) and not _is_found_by(record, kind, at, actor, about):
            changed.append(seq)
        yield seq, record, hashed, salt, payload, erased


def _is_found_by(
    record: str, kind: str, at: str, actor: int | None, about: str
) -> bool:
    try:
        said = json.loads(record)
    except ValueError:
        return False
    return (
        said.get("action"),
        said.get("at"),
        said.get("actor"),
        said.get("object", ""),
    ) == (kind, at, actor, about)


def check_chain(
    connection: Connection,
    chain: JournalChain,
    kept: Sequence[Checkpoint] = (),
    seen: Seen | None = None,
    *,
    closed: bool = False,
) -> Report:
    """Check one chain as it is stored; `closed`: without opening what it carries."""
    settings: Settings = current_app.extensions["tracing.settings"]
    changed: list[int] = []
    notes = [
        read_checkpoint(note)
        for note in connection.scalars(
            select(JournalCheckpoint.note)
            .where(JournalCheckpoint.chain_id == chain.id)
            .order_by(JournalCheckpoint.size)
        )
    ]
    size = max([chain.size, *(note.size for note in notes)])
    opens, shut = None if closed else field_keys(), dict[int, str]()
    rows = _checked(_rows(connection, chain.id, size + 1, opens, shut), changed)
    report = check(chain.name, rows, [*notes, *kept], seen, closed=closed, shut=shut)
    for seq in changed:
        report.add(seq, TAMPERED, "it stands under another name than it has")
    if (report.size, report.head) != (chain.size, bytes(chain.head)):
        text = f"the chain has {chain.size} entries, and {report.size} are here"
        report.add(min(report.size, chain.size) + 1, TAMPERED, text)
    keys = checkpoints.known_keys(settings, chain.origin)
    check_notes(report, chain.origin, [*notes, *kept], keys, checkpoints.is_signed)
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
    notes, shut = checkpoints.of_days(connection, chain.id), dict[int, str]()
    for seq, record, hashed, salt, payload, erased, *_ in _rows(
        connection, chain.id, chain.size, keys, shut
    ):
        if seq in shut or (payload is not None and held(record, payload)):
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
