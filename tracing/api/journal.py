"""The journal of one's authority: extracts, and the signed heads."""

from typing import Any

from tracing.accounts.tokens import Scope
from tracing.api import cursors, door, shapes
from tracing.api.operations import Operation, group, operation
from tracing.api.problems import Problem
from tracing.casework import queries, reading
from tracing.journal import checkpoints, looking
from tracing.journal.kinds import Kind
from tracing.web.forms import translated
from workflows.errors import NotVisible
from workflows.policies import Actor, may_read_journal

api = group("journal", "Journal", "Who did and saw what, and the signed heads of it.")
LONGEST = 15


def _reader() -> Actor:
    actor = door.actor()
    if not may_read_journal(actor):
        raise Problem("not_permitted")
    return actor


def _page(page: looking.Page, asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "items": [
            {
                "seq": line.seq,
                "at": line.at,
                "kind": line.kind.value,
                "about": line.about,
                "after": line.after,
                "by": line.by,
                "who": line.who,
                "payload": line.payload,
                "whole": line.whole,
            }
            for line in page.lines
        ],
        "next": cursors.write(page.before, asked) if page.before else None,
    }


def _filter(asked: dict[str, Any]) -> looking.Filter:
    kind = next((one for one in Kind if one.value == asked.get("kind")), None)
    if asked.get("kind") and kind is None:
        raise Problem("bad_query").at("/kind", translated(shapes.NOT_LISTED))
    reference = asked.get("reference", "").upper()
    return looking.Filter(
        actor_id=asked.get("person"),
        kinds=(kind,) if kind else (),
        about=reference if reference.isprintable() else "",
        since=asked.get("since"),
        until=asked.get("until"),
    )


@operation(
    api,
    "/journal",
    "GET",
    Operation(Scope.JOURNAL, shapes.EntriesSchema, query=shapes.JournalQuery),
)
def journal_list(asked: dict[str, Any]) -> dict[str, Any]:
    """Read the journal of the authority, the newest first, narrowed as asked."""
    actor = _reader()
    wanted = _filter(asked)
    before = cursors.read(asked.get("cursor"), asked)
    reading.journal_opened(
        actor,
        person=wanted.actor_id,
        kinds=wanted.kinds,
        typed=wanted.about,
        since=wanted.since,
        until=wanted.until,
    )
    page = looking.page(
        actor.authority_id,
        wanted,
        without=queries.references_hidden_from(actor),
        before=before,
        size=asked["limit"],
    )
    return _page(page, asked)


@operation(
    api,
    "/requests/<reference>/journal",
    "GET",
    Operation(Scope.JOURNAL, shapes.EntriesSchema, query=shapes.Paged),
)
def journal_of_request(reference: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Read what was done to a request and who has seen it, for one's own side."""
    found = queries.by_reference(reference, door.actor())
    actor = _reader()
    before = cursors.read(asked.get("cursor"), asked)
    reading.journal_opened(actor, reference=found.reference)
    wanted = looking.Filter(about=found.reference)
    size = asked["limit"]
    page = looking.page(actor.authority_id, wanted, before=before, size=size)
    return _page(page, asked)


@operation(
    api,
    "/journal/checkpoints",
    "GET",
    Operation(Scope.JOURNAL, shapes.CheckpointsSchema, query=shapes.Paged),
)
def checkpoints_list(asked: dict[str, Any]) -> dict[str, Any]:
    """List the signed heads of the journal, the newest first."""
    actor = _reader()
    size = asked["limit"]
    below = cursors.read(asked.get("cursor"), asked)
    found = checkpoints.newest(actor.authority_id, below=below, limit=size + 1)
    more = found[size - 1].size if len(found) > size else None
    return {
        "items": [{"size": h.size, "at": h.at, "note": h.note} for h in found[:size]],
        "next": cursors.write(more, asked) if more else None,
        "key": str(checkpoints.key_of(door.settings())),
    }


@operation(
    api,
    "/journal/checkpoints/<number>",
    "GET",
    Operation(Scope.JOURNAL, shapes.CheckpointSchema),
)
def checkpoints_show(number: str) -> dict[str, Any]:
    """Read one signed head, as the text that was signed."""
    actor = _reader()
    right = number.isascii() and number.isdigit() and len(number) <= LONGEST
    found = checkpoints.of_size(actor.authority_id, int(number)) if right else None
    if found is None:
        raise NotVisible("There is no such checkpoint.")
    return {"size": found.size, "at": found.at, "note": found.note}
