"""The journal as people read it: filtered, page by page, each entry checked."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, select

from tracing.extensions import db
from tracing.journal.journal import open_payload
from tracing.journal.kinds import Kind
from tracing.journal.verify import BEGINNING, commitment, entry_hash
from tracing.models import Account, Authority, JournalEntry, JournalPayload
from tracing.models.sealed import KeyMissing
from tracing.security.fields import field_keys


@dataclass(frozen=True, slots=True)
class Filter:
    """What narrows the view: who, what, about which request, from when to when."""

    actor_id: int | None = None
    kinds: tuple[Kind, ...] = ()
    about: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as a page shows it."""

    seq: int
    at: datetime
    kind: Kind
    about: str
    after: str
    by: str
    """The name of the authority; empty for the system."""
    who: str
    """The name of the person, where it is one's own."""
    payload: dict[str, Any] | None
    whole: bool
    shut: bool = False
    """Whether what it carried is there and does not open."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, newest first, and where the older ones begin."""

    lines: Sequence[Line]
    before: int | None

    @property
    def first_bad(self) -> int | None:
        """Return the first entry that is not as it was written."""
        return min((line.seq for line in self.lines if not line.whole), default=None)


def page(
    chain_id: int,
    wanted: Filter,
    *,
    without: Select[Any] | None = None,
    before: int | None = None,
    size: int = 50,
) -> Page:
    """Return a page of one authority's journal, newest first.

    `without` reads the references that the reader must not meet.
    """
    query = select(JournalEntry.seq, JournalEntry.record, JournalEntry.hash).where(
        JournalEntry.chain_id == chain_id
    )
    if wanted.actor_id is not None:
        query = query.where(JournalEntry.actor_id == wanted.actor_id)
    if wanted.kinds:
        query = query.where(JournalEntry.kind.in_([k.value for k in wanted.kinds]))
    if wanted.about:
        query = query.where(JournalEntry.about == wanted.about)
    if without is not None:
        query = query.where(JournalEntry.about.not_in(without))
    if wanted.since:
        query = query.where(JournalEntry.at >= wanted.since.isoformat())
    if wanted.until and wanted.until < date.max:
        after = wanted.until + timedelta(days=1)
        query = query.where(JournalEntry.at < after.isoformat())
    if before is not None:
        query = query.where(JournalEntry.seq < before)
    rows = db.session.execute(
        query.order_by(JournalEntry.seq.desc()).limit(size + 1)
    ).all()
    shown = rows[:size]
    more = shown[-1].seq if len(rows) > size else None
    return Page(_lines(chain_id, shown), more)


def _lines(chain_id: int, rows: Sequence[Any]) -> list[Line]:
    heads = _hashes(chain_id, [row.seq - 1 for row in rows])
    carried, shut = _carried(chain_id, [row.seq for row in rows])
    said = [json.loads(row.record) for row in rows]
    people = names(chain_id, (s["actor"] for s in said if "actor" in s))
    places = _authorities(s["by"] for s in said)
    return [
        Line(
            seq=row.seq,
            at=datetime.fromisoformat(line["at"]),
            kind=Kind(line["action"]),
            about=line.get("object", ""),
            after=line.get("after", ""),
            by=places.get(line["by"], ""),
            who=people.get(line.get("actor"), ""),
            payload=_payload(carried.get(row.seq)),
            whole=_is_whole(row, line, heads.get(row.seq - 1), carried.get(row.seq)),
            shut=row.seq in shut,
        )
        for row, line in zip(rows, said, strict=True)
    ]


Carried = tuple[bytes, str]


def _carried(
    chain_id: int, seqs: Sequence[int]
) -> tuple[dict[int, Carried], frozenset[int]]:
    """Return salt and payload of those entries that have them, and which do not open."""
    rows = db.session.execute(
        select(JournalPayload.seq, JournalPayload.salt, JournalPayload.payload).where(
            JournalPayload.chain_id == chain_id, JournalPayload.seq.in_(seqs)
        )
    )
    keys, found, shut = field_keys(), dict[int, Carried](), set[int]()
    for seq, salt, payload in rows:
        try:
            opened = open_payload(keys, chain_id, seq, payload)
        except KeyMissing:
            shut.add(seq)
            continue
        if salt is not None and opened is not None:
            found[seq] = bytes(salt), opened
    return found, frozenset(shut)


def _payload(carried: Carried | None) -> dict[str, Any] | None:
    try:
        found: Any = json.loads(carried[1]) if carried else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _is_whole(
    row: Any, said: dict[str, Any], head: bytes | None, carried: Carried | None
) -> bool:
    if head is None or said.get("seq") != row.seq:
        return False
    if entry_hash(head, row.record.encode()) != bytes(row.hash):
        return False
    if carried is None:
        return True
    salt, payload = carried
    return commitment(salt, payload.encode()).hex() == str(said["payload"])


def _hashes(chain_id: int, seqs: Iterable[int]) -> dict[int, bytes]:
    found = db.session.execute(
        select(JournalEntry.seq, JournalEntry.hash).where(
            JournalEntry.chain_id == chain_id, JournalEntry.seq.in_(list(seqs))
        )
    )
    return {0: BEGINNING} | {seq: bytes(hashed) for seq, hashed in found}


def names(authority_id: int, ids: Iterable[int] | None = None) -> dict[int | None, str]:
    """Return the people of one authority by number: those named, or all."""
    query = select(Account.id, Account.name).where(Account.authority_id == authority_id)
    if ids is not None:
        query = query.where(Account.id.in_(set(ids)))
    return {
        row.id: row.name for row in db.session.execute(query.order_by(Account.name))
    }


def _authorities(codes: Iterable[str]) -> dict[str, str]:
    found = db.session.execute(
        select(Authority.code, Authority.name).where(Authority.code.in_(set(codes)))
    )
    return {row.code: row.name for row in found}
