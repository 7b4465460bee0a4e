"""The answers of registers as rows: which are the newest, and what they are about."""

from collections.abc import Iterable

from tracing.lookups import registers
from tracing.lookups.port import Query
from tracing.models import Lookup, Task, TraceRequest
from workflows.markings import read


def newest_of(rows: Iterable[Lookup]) -> list[Lookup]:
    """Return the newest search of each register; each search by hand is one."""
    found: dict[str, Lookup] = {}
    for row in sorted(rows, key=lambda row: -row.id):
        if row.task is Task.SEARCH:
            by_hand = row.register == registers.BY_HAND
            found.setdefault(row.key if by_hand else row.register, row)
    return sorted(found.values(), key=lambda row: row.id)


def is_about(row: Lookup, request: TraceRequest) -> bool:
    """Tell whether a look-up asked for the number that the request has now."""
    sent = read(Query.of(row.query).serial).normalised
    serials = {read(mark.text).normalised for mark in request.item.serials}
    return sent in serials if serials else not sent
