"""The search at home that comes before a request to another State (ISACS 05.31).

It is what the officer has written, or what registers of the own State have answered
about the item as it is now; else the reason why there was none.
"""

from typing import Final

from sqlalchemy import select

from tracing.casework.answers import (
    Decided,
    is_about,
    newest_of,
    result_of,
    verdicts_of,
)
from tracing.extensions import db
from tracing.models import Lookup, TraceRequest
from tracing.words import _, in_language
from workflows.facts import DomesticSearch

LINE: Final = "%(register)s, %(years)s: %(result)s (%(date)s)"


def answered(request: TraceRequest) -> list[Lookup]:
    """Return the registers at home that have answered in full about this item."""
    rows = db.session.scalars(
        select(Lookup).where(
            Lookup.request_id == request.id,
            Lookup.authority_id == request.requesting_id,
            Lookup.at_home.is_(True),
        )
    )
    return [
        row
        for row in newest_of(rows)
        if row.outcome is not None and row.outcome.is_whole and is_about(row, request)
    ]


def lines(request: TraceRequest) -> list[str]:
    """Return them as the form says it, in the language of the request."""
    rows = answered(request)
    decided = verdicts_of(rows) if rows else {}
    with in_language(request.language or "en"):
        return [_line(row, decided) for row in rows]


def _line(row: Lookup, decided: Decided) -> str:
    assert row.answered_at is not None
    said = {
        "register": _(row.label),
        "years": row.years or "–",
        "result": _(result_of(row, decided).label),
        "date": row.answered_at.date().isoformat(),
    }
    return LINE % said


def settle(request: TraceRequest) -> None:
    """Write what registers have answered into a request that says nothing of it."""
    if request.domestic_searches or request.domestic_override:
        return
    request.domestic_searches = "\n".join(lines(request)) or None


def fact_of(request: TraceRequest) -> DomesticSearch:
    """Return what a request says of it; refuses one that says nothing."""
    return DomesticSearch(
        request.domestic_searches or "",
        request.domestic_override,
        request.domestic_override_text or "",
    )
