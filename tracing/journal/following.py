"""The steps of an authority's requests, one after the other as its chain has them.

A chain grows only at its end and under a lock: who has read up to a place has missed
nothing before it.
"""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from tracing.extensions import db
from tracing.journal.kinds import STEPS, Kind
from tracing.models import JournalEntry

_KINDS = sorted(kind.value for kind in STEPS)


@dataclass(frozen=True, slots=True)
class Happened:
    """One step, as the chain of an authority has it."""

    seq: int
    kind: Kind
    about: str
    after: str
    by: str
    at: str


def steps(
    chain_id: int, after: int, without: Select[Any] | None, *, limit: int
) -> list[Happened]:
    """Return the steps after a place; `without` reads what the reader must not meet."""
    query = select(JournalEntry.seq, JournalEntry.kind, JournalEntry.record).where(
        JournalEntry.chain_id == chain_id,
        JournalEntry.seq > after,
        JournalEntry.kind.in_(_KINDS),
    )
    if without is not None:
        query = query.where(JournalEntry.about.not_in(without))
    rows = db.session.execute(query.order_by(JournalEntry.seq).limit(limit)).all()
    return [_happened(row) for row in rows]


def _happened(row: Any) -> Happened:
    said = json.loads(row.record)
    about, after = said.get("object", ""), said.get("after", "")
    return Happened(row.seq, Kind(row.kind), about, after, said["by"], said["at"])
