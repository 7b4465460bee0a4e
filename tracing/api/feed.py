"""What happened, in order: one place after another, and none is left out."""

import time
from typing import Any, Final

from tracing.accounts.tokens import Scope
from tracing.api import cursors, door, shapes
from tracing.api.operations import Operation, group, operation
from tracing.api.requests import href
from tracing.casework import queries
from tracing.casework.session import give_up
from tracing.journal import following

api = group("feed", "Events", "What happened to the requests of the authority.")
PAUSE: Final = 0.5


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
    until = time.monotonic() + asked["wait"]
    size = asked["limit"]
    while True:
        without = queries.references_hidden_from(actor)
        found = following.steps(actor.authority_id, after, without, limit=size + 1)
        if found or time.monotonic() >= until:
            break
        # Nobody is kept waiting for a connection meanwhile.
        give_up()
        time.sleep(PAUSE)
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
