"""Requests as a table: CSV that no spreadsheet takes for a formula."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from tracing.exchange.document import ELSEWHERE
from tracing.models import TraceRequest
from tracing.models.trace_request import FAR
from tracing.schemas.fields import Rows
from tracing.schemas.request import SECTIONS

STARTS: Final = frozenset("=+-@\t\r\n'|%＝＋－＠")
"""What a cell may not begin with: programs take it for a formula. An apostrophe is put
before it, and one before an apostrophe, so that each cell can be read back."""

AROUND: Final = (
    *("reference", "state", "outcome", "requesting", "requested", "sent", "due"),
    "withheld",
)
PERSONS: Final = "persons"
BETWEEN: Final = " | "


def neutral(text: str) -> str:
    """Return a cell that is text for every program."""
    return f"'{text}" if text[:1] in STARTS else text


def original(cell: str) -> str:
    """Return what a cell said before it was made safe."""
    return cell.removeprefix("'") if cell[:1] == "'" else cell


def columns(*, with_persons: bool) -> tuple[str, ...]:
    """Return the names of the columns: those of the form, section by section."""
    return (*AROUND, *_columns(with_persons=with_persons))


def _columns(*, with_persons: bool) -> Iterator[str]:
    for key, schema_class in SECTIONS:
        if key != PERSONS or with_persons:
            for name, field in schema_class._declared_fields.items():
                if name in ELSEWHERE:
                    continue
                if isinstance(field, Rows):
                    inner = field.row._declared_fields
                    yield from (f"{key}.{name}.{one}" for one in inner)
                else:
                    yield f"{key}.{name}"


def row(
    request: TraceRequest, said: Mapping[str, Any], *, with_persons: bool
) -> dict[str, str]:
    """Return one request by the columns, with what its document says and no more."""
    asked, sections = said["request"], said["request"].get("sections", {})
    answers = [e["respond"] for e in said.get("events", ()) if "respond" in e]
    found = {
        "reference": asked["reference"],
        "state": asked["state"],
        "outcome": answers[-1].get("outcome", "") if answers else "",
        "requesting": asked["requesting"]["code"],
        "requested": asked.get("requested", {}).get("code", ""),
        "sent": next((e["at"] for e in said.get("events", ())), ""),
        "due": _due(request),
        "withheld": BETWEEN.join(one["item"] for one in said.get("withheld", ())),
    }
    for key, values in sections.items():
        if key == PERSONS and not with_persons:
            continue
        for name, value in values.items():
            found |= dict(_cells(f"{key}.{name}", value))
    return found


def _due(request: TraceRequest) -> str:
    """Return the day of the answer as it is where it is due, as the pages have it."""
    if request.due >= FAR or request.requested is None:
        return ""
    zone = ZoneInfo(request.requested.zone)
    return request.due.astimezone(zone).date().isoformat()


def _cells(column: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        for name in dict.fromkeys(name for one in value for name in one):
            parts = [_cell(one.get(name, "")) for one in value]
            yield f"{column}.{name}", BETWEEN.join(parts)
    else:
        yield column, _cell(value)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return BETWEEN.join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def written(rows: Sequence[Mapping[str, str]], *, with_persons: bool) -> bytes:
    """Return the table: UTF-8 with a mark, so that spreadsheets see which it is."""
    names = columns(with_persons=with_persons)
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    for one in rows:
        writer.writerow([neutral(one.get(name, "")) for name in names])
    return out.getvalue().encode("utf-8-sig")
