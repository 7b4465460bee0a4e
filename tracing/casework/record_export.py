"""Records written out as they are read in: a row for each thing said of an item."""

import json
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import chain, zip_longest
from typing import Any, Final

from sqlalchemy import select

from tracing.casework import record_rows
from tracing.casework.record_rows import PARTY, PLAIN
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import RegistryEvent, RegistryItem, RegistryMark
from workflows.policies import Actor, require_import
from workflows.vocabulary import DatePrecision

AT_ONCE: Final = 1000
LEFT_OUT: Final = frozenset(f"party_{name}" for name in PARTY)
"""Of one party; an export writes all of them under `parties`."""

_SAME: Final = (
    *("licence", "licence_issued", "licence_expires", "country_from", "country_to"),
    *("consignment", "place", "remarks", "source_record"),
)


def heading() -> tuple[str, ...]:
    """Return the columns of an export: the names of the fields."""
    return tuple(n for n in record_rows.shape().names if n not in LEFT_OUT)


def mapping_of_export() -> str:
    """Return the mapping with which an export is read in again."""
    names = [name for name in heading() if name != "key"]
    lines = ["# For files that were exported here: every column is the field it names."]
    lines += ["[file]", 'encoding = "utf-8"', 'dates = "YYYY-MM-DD"', ""]
    lines += ["[key]", 'columns = ["key"]', "", "[fields]"]
    return "\n".join([*lines, *(f'{name} = "{name}"' for name in names)]) + "\n"


def suggested(header: Sequence[str]) -> str | None:
    """Return that mapping for a file that is an export."""
    return mapping_of_export() if tuple(header) == heading() else None


def opened(actor: Actor | None, authority_id: int, form: str) -> None:
    """Keep that somebody takes all records along, before the first one leaves."""
    if actor is not None:
        require_import(actor)
    parties = (authority_id,) if actor is not None else (journal.SYSTEM, authority_id)
    journal.read(Kind.RECORDS_EXPORTED, actor, parties=parties, payload={"form": form})


def rows(authority_id: int) -> Iterator[list[str]]:
    """Yield the rows of all records of an authority; a few are read at a time."""
    last = 0
    while some := _some(authority_id, last):
        last, written = some
        yield from written


def _some(authority_id: int, after: int) -> tuple[int, list[list[str]]] | None:
    """Return the rows of a few records; nothing stays open while they go out."""
    # What only reads keeps nobody from writing.
    if not db.session().in_transaction():
        db.session.connection(execution_options={"readonly": True})
    items = _items(authority_id, after)
    numbers = [item.id for item in items]
    events = _by_item(RegistryEvent, authority_id, numbers)
    marks = _by_item(RegistryMark, authority_id, numbers)
    written = [
        row
        for item in items
        for row in _of_item(item, events.get(item.id, []), marks.get(item.id, []))
    ]
    for row in (*items, *chain(*events.values()), *chain(*marks.values())):
        db.session.expunge(row)
    db.session.rollback()
    return (numbers[-1], written) if numbers else None


def _items(authority_id: int, after: int) -> Sequence[RegistryItem]:
    return db.session.scalars(
        select(RegistryItem)
        .where(RegistryItem.authority_id == authority_id, RegistryItem.id > after)
        .order_by(RegistryItem.id)
        .limit(AT_ONCE)
    ).all()


def _by_item(model: Any, authority_id: int, numbers: list[int]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    query = (
        select(model)
        .where(model.authority_id == authority_id, model.item_id.in_(numbers))
        .order_by(model.id)
    )
    for row in db.session.scalars(query):
        found.setdefault(row.item_id, []).append(row)
    return found


def _of_item(
    item: RegistryItem, events: list[RegistryEvent], marks: list[RegistryMark]
) -> Iterator[list[str]]:
    names = {event.id: _name_of(event) for event in events}
    base: dict[str, Any] = {"key": item.source_key, "serial": item.text}
    base |= {name: getattr(item, name) for name in PLAIN}
    empty: tuple[None, None] = (None, None)
    for event, mark in zip_longest(events, marks) if events or marks else (empty,):
        said = dict(base)
        if event is not None:
            said |= _of_event(event, names)
        if mark is not None:
            said |= {"mark_type": mark.type, "mark_component": mark.component}
            said["mark_text"] = mark.text
        yield [_written(said.get(name)) for name in heading()]


def _name_of(event: RegistryEvent) -> str:
    return event.source_key or f"entry-{event.id}"


def _of_event(event: RegistryEvent, names: Mapping[int, str]) -> dict[str, Any]:
    day = event.happened_on.isoformat() if event.happened_on else None
    if day and event.precision is DatePrecision.YEAR and day.endswith("-01-01"):
        day = day[:4]
    elif day and event.precision is DatePrecision.MONTH and day.endswith("-01"):
        day = day[:7]
    said = {name: getattr(event, name) for name in _SAME}
    return said | {
        "event_kind": event.kind,
        "event_date": day,
        "event_precision": event.precision,
        "transit": event.transit,
        "event_quantity": event.quantity,
        "event_mark": event.mark,
        "parties": event.parties,
        "changes": event.changes,
        "event_key": _name_of(event),
        "event_replaces": names.get(event.replaces_id) if event.replaces_id else None,
        "withdrawn": event.withdrawn or None,
    }


def _written(value: Any) -> str:
    match value:
        case None:
            return ""
        case True:
            return "yes"
        case False:
            return "no"
        case StrEnum():
            return value.value
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        case _:
            return str(value)
