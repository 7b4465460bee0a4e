"""How much waits in the lists: asked once for a page, for navigation and views."""

from collections.abc import Iterable
from datetime import datetime

from flask import g

from tracing.casework import queries
from tracing.casework.queries import Counted
from workflows.policies import Actor

IN_NAVIGATION = (("queue", "urgent"), ("mine", "open"))


def leave_out() -> None:
    """Count nothing for the navigation of this page: it stands there without."""
    g.counts = dict.fromkeys(IN_NAVIGATION)


def counts_of(
    actor: Actor, wanted: Iterable[Counted] = (), *, now: datetime
) -> dict[Counted, int]:
    """Return how many requests each view holds; what was asked before is kept.

    The navigation of the page will ask too: it is asked for with the rest.
    """
    known: dict[Counted, int] = g.setdefault("counts", {})
    views = dict.fromkeys((*wanted, *IN_NAVIGATION))
    if missing := [view for view in views if view not in known]:
        known |= queries.counts(actor, missing, now=now)
    return known
