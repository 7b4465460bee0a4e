"""Requests found by what they say: a serial number, or a person named in them."""

from typing import Any

from tracing.casework import queries
from tracing.journal import journal
from tracing.journal.kinds import Kind
from workflows.policies import Actor
from workflows.ranking import Traits


def search(
    actor: Actor, serial: str | None, name: str | None, of: Traits
) -> list[dict[str, Any]]:
    """Return what may be meant, the likeliest first; a person confirms it."""
    if serial is not None:
        return [
            {"reference": one.what, "how": one.hit.rung.value}
            for one in queries.marked_like(actor, serial, of)
        ]
    return [
        {"reference": found.reference, "state": found.state.value, "how": "name"}
        for found in queries.persons_named(actor, name or "")
    ]


def entered(actor: Actor, *, by: str, found: dict[str, Any]) -> None:
    """Keep that somebody searched, by what, and how much was found; not for what."""
    said = {"by": by, "found": len(found["items"])}
    journal.read(Kind.SEARCHED, actor, payload=said)
