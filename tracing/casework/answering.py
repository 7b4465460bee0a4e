"""What an answer can be filled with: searches that were recorded, records confirmed.

A person reads it, changes it and sends it; nothing goes into a request by itself.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from tracing.casework import comparing, lookups
from tracing.casework.answers import verdicts_of
from tracing.casework.comparing import Compared
from tracing.models import TraceRequest
from tracing.schemas.steps import DETAILS
from workflows.policies import Actor
from workflows.states import Trigger
from workflows.vocabulary import (
    ChainEventType,
    LastLegalStatus,
    SearchResult,
    Standing,
)

EVENT_OF: Final[Mapping[str, ChainEventType]] = {
    "stolen": ChainEventType.THEFT_REPORT,
    "lost": ChainEventType.LOSS_REPORT,
}
STATUS_OF: Final[Mapping[str, LastLegalStatus]] = {
    "stolen": LastLegalStatus.STOLEN,
    "lost": LastLegalStatus.LOST,
}
MOST_CHAIN: Final = 50


def known(request: TraceRequest, actor: Actor) -> dict[str, Any]:
    """Return what is known for the form of an answer."""
    found: dict[str, Any] = {"registers": searched(request)}
    for one in confirmed(request, actor):
        values = {**one.more, **_made_of(one)}
        for name in (*DETAILS, "last_legal_status"):
            if values.get(name):
                found.setdefault(name, values[name])
        found.setdefault("chain", []).extend(_events(one))
    if "chain" in found:
        found["chain"] = found["chain"][:MOST_CHAIN]
    return found


def searched(request: TraceRequest) -> list[dict[str, str]]:
    """Return the registers that were searched with their years, each once.

    One that was not reached was not searched; one that answered in part says so.
    """
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for event in request.events:
        if event.trigger is not Trigger.RECORD_SEARCH:
            continue
        result = SearchResult(event.carried["result"])
        if not result.is_searched:
            continue
        name, years = event.carried["register"], event.carried["years"]
        if result is SearchResult.PARTIAL:
            name = f"{name} ({result.label})"
        rows[name, years] = {"register": name, "years": years}
    return list(rows.values())


def confirmed(request: TraceRequest, actor: Actor) -> list[Compared]:
    """Return the candidates that a person has confirmed."""
    rows = lookups.of_request(request, actor)
    compared = comparing.candidates(request, rows, verdicts_of(rows))
    return [
        one
        for one in compared
        if one.verdict is not None and one.verdict.standing is Standing.CONFIRMED
    ]


def _made_of(one: Compared) -> dict[str, str]:
    status = STATUS_OF.get(one.record)
    return {"last_legal_status": status.value} if status else {}


def _events(one: Compared) -> list[dict[str, str]]:
    """Return the links a record stands for; where it says none, its making."""
    source = f"{one.row.label}, {one.id}"[:200]
    links = []
    if one.traits.year or one.traits.make:
        made = {
            "type": ChainEventType.MANUFACTURE.value,
            "year": str(one.traits.year or ""),
            "by": (one.traits.make or "")[:200],
            "source": source,
        }
        links.append(made)
    for name, kind in (
        ("import_date", ChainEventType.IMPORT),
        ("export_date", ChainEventType.EXPORT),
        ("sale_date", ChainEventType.SALE),
        ("registration_date", ChainEventType.REGISTRATION),
    ):
        if day := _day(one.more.get(name, "")):
            links.append({"type": kind.value, "on": day, "source": source})
    if reported := EVENT_OF.get(one.record):
        day = _day(one.more.get("report_date", ""))
        link = {"type": reported.value, "on": day, "source": source}
        links.append(link | {"licence": one.more.get("report_number", "")[:100]})
    return [{name: value for name, value in link.items() if value} for link in links]


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""
