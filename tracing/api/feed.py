"""What happened, in order: one place after another, and none is left out."""

import threading
import time
from typing import Any, Final

from flask import current_app

from tracing.accounts.tokens import Scope
from tracing.api import cursors, door, shapes
from tracing.api.operations import Operation, group, operation
from tracing.api.requests import href
from tracing.casework import queries
from tracing.casework.session import give_up
from tracing.journal import following
from workflows.policies import Actor

api = group("feed", "Events", "What happened to the requests of the authority.")
PAUSE: Final = 0.25
TURNS: Final = "tracing.api.turns"


def _turns() -> threading.Semaphore:
    """Return what lets so many wait at once, that the pages are never left without."""
    found: threading.Semaphore | None = current_app.extensions.get(TURNS)
    if found is None:
        made = threading.Semaphore(door.settings().api_waiting)
        found = current_app.extensions.setdefault(TURNS, made)
    return found


def _after(actor: Actor, after: int, size: int) -> list[following.Happened]:
    without = queries.references_hidden_from(actor)
    return following.steps(actor.authority_id, after, without, limit=size + 1)


def _waited(
    actor: Actor, after: int, size: int, seconds: int
) -> list[following.Happened]:
    """Return what comes, once something does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        # Nobody is kept waiting for a connection meanwhile.
        give_up()
        time.sleep(PAUSE)
        if found := _after(actor, after, size):
            return found
    return []


@operation(
    api,
    "/events",
    "GET",
    Operation(Scope.FEED, shapes.FeedSchema, query=shapes.FeedQuery),
)
def events_follow(asked: dict[str, Any]) -> dict[str, Any]:
    """Read the steps after a cursor, the oldest first; waits for one if asked to."""
    actor = door.case_actor()
    narrowed: dict[str, Any] = {}
    after = cursors.read(asked.get("after"), narrowed) or 0
    size = asked["limit"]
    found = _after(actor, after, size)
    if not found and asked["wait"] and _turns().acquire(blocking=False):
        try:
            found = _waited(actor, after, size, asked["wait"])
        finally:
            _turns().release()
    rows = found[:size]
    items = [
        {
            "cursor": cursors.write(row.seq, narrowed),
            "step": row.kind.value,
            "reference": row.about,
            "after": row.after,
            "by": row.by,
            "at": row.at,
            "href": href(row.about),
        }
        for row in rows
    ]
    last = rows[-1].seq if rows else after
    return {
        "items": items,
        "next": cursors.write(last, narrowed),
        "more": len(found) > size,
    }
