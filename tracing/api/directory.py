"""Authorities and how to reach them."""

from typing import Any

from tracing.accounts.tokens import Scope
from tracing.api import cursors, door, shapes
from tracing.api.operations import Operation, group, operation
from tracing.directory import entries
from tracing.models import Authority
from workflows.errors import NotVisible

api = group("directory", "Directory", "Authorities, and how to reach them.")

COLUMNS = tuple(shapes.ContactSchema._declared_fields)


def _contact(found: Authority) -> dict[str, Any]:
    return {name: getattr(found, name) for name in COLUMNS}


@operation(
    api,
    "/authorities",
    "GET",
    Operation(Scope.DIRECTORY, shapes.ContactsSchema, query=shapes.ContactsQuery),
)
def authorities_list(asked: dict[str, Any]) -> dict[str, Any]:
    """List authorities by State, instrument and language."""
    after = cursors.read(asked.get("cursor"), asked)
    size = asked["limit"]
    found = entries.find(
        country=asked.get("country", ""),
        instrument=asked.get("instrument", ""),
        language=asked.get("language", ""),
        in_language="en",
        after=after or "",
        limit=size + 1,
    )
    more = found[size - 1].code if len(found) > size else None
    return {
        "items": [_contact(one) for one in found[:size]],
        "next": cursors.write(more, asked) if more else None,
    }


@operation(
    api,
    "/authorities/<code>",
    "GET",
    Operation(Scope.DIRECTORY, shapes.ContactSchema),
)
def authorities_show(code: str) -> dict[str, Any]:
    """Read how to reach one authority."""
    door.actor()
    found = entries.get(code) if code.isprintable() and len(code) <= 20 else None
    if found is None:
        raise NotVisible("There is no such authority.")
    return _contact(found)
