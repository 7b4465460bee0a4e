"""The answers of registers as rows: which are the newest, and what they are about."""

from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from tracing.extensions import db
from tracing.lookups import registers
from tracing.lookups.port import Query
from tracing.models import Lookup, Task, TraceRequest, Verdict
from workflows.markings import read
from workflows.vocabulary import LookupOutcome, SearchResult, Standing

Decided = Mapping[tuple[int, str], "Verdict"]
"""The newest verdict by look-up and candidate."""


def newest_of(rows: Iterable[Lookup]) -> list[Lookup]:
    """Return the newest search of each register for each query; each by hand is one.

    One that was answered stays before a later one that was not.
    """
    found: dict[tuple[str, Query], Lookup] = {}
    for row in sorted(rows, key=lambda row: (not _is_answered(row), -row.id)):
        if row.task is Task.SEARCH:
            by_hand = row.register == registers.BY_HAND
            name = row.key if by_hand else row.register
            found.setdefault((name, Query.of(row.query)), row)
    return sorted(found.values(), key=lambda row: row.id)


def _is_answered(row: Lookup) -> bool:
    return row.outcome is not None and row.outcome.is_answer


def is_about(row: Lookup, request: TraceRequest) -> bool:
    """Tell whether a look-up asked for the number that the request has now."""
    sent = read(Query.of(row.query).serial).normalised
    serials = {read(mark.text).normalised for mark in request.item.serials}
    return sent in serials if serials else not sent


def verdicts_of(rows: Iterable[Lookup]) -> dict[tuple[int, str], Verdict]:
    """Return what was said last of the candidates of one's own look-ups."""
    numbers = [row.id for row in rows]
    found = db.session.scalars(
        select(Verdict)
        .where(Verdict.lookup_id.in_(numbers))
        .options(joinedload(Verdict.decided_by))
        .order_by(Verdict.id)
    )
    return {(verdict.lookup_id, verdict.candidate): verdict for verdict in found}


def result_of(row: Lookup, decided: Decided) -> SearchResult:
    """Return what a look-up amounts to, with what a person has said of its candidates.

    A hit is a possible match until somebody confirms one; where the whole answer came
    and each of it is another item, the register has no record of this one.
    """
    assert row.outcome is not None
    ids = [found["id"] for found in row.candidates or ()]
    said = [one.standing for number in ids if (one := decided.get((row.id, number)))]
    if Standing.CONFIRMED in said:
        return SearchResult.FOUND
    all_rejected = said.count(Standing.REJECTED) == len(ids) > 0
    if row.outcome is LookupOutcome.HIT and all_rejected:
        return SearchResult.NO_RECORD
    return row.outcome.result
