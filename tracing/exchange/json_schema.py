"""The JSON Schema (2020-12) of an exported document, made of its one definition."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from marshmallow import fields, validate

from tracing.exchange.document import (
    FORMAT,
    VERSION,
    EventPart,
    One,
    Pattern,
    RequestPart,
    Word,
    shape,
)
from tracing.schemas.fields import (
    Blocks,
    Clock,
    Code,
    Codes,
    Country,
    Day,
    Degrees,
    Rows,
    Section,
    Text,
    Tick,
    Whole,
)
from tracing.schemas.steps import ResponseStep

ID: Final = f"urn:x-firearms-trace:exchange:{VERSION}:json"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
ANCHORED: Final[Mapping[type[Section], str]] = {
    RequestPart: "request",
    EventPart: "event",
    ResponseStep: "response",
}
"""The parts that others may point at: `…:json#request` and so on."""

Made = dict[str, Any]


def whole() -> Made:
    """Return the schema of the format, with a definition for each part."""
    parts: dict[str, Made] = {}
    top = _object(shape(), parts)
    return {
        "$schema": DIALECT,
        "$id": ID,
        "title": FORMAT,
        "description": (
            "An exported trace request with its history, or an answer alone. A draft may"
            " have gaps, and what is restricted stays where it was: `withheld` says so."
        ),
        **top,
        "$defs": dict(sorted(parts.items())),
    }


def text() -> str:
    """Return the schema as it is published."""
    return json.dumps(whole(), ensure_ascii=False, indent=1) + "\n"


def _object(schema: Any, parts: dict[str, Made]) -> Made:
    named = schema.fields.items()
    found: Made = {
        "type": "object",
        "properties": {name: _field(field, parts) for name, field in named},
        "additionalProperties": False,
    }
    if schema.always:
        found["required"] = list(schema.always)
    return found


def _part(schema: Any, parts: dict[str, Made]) -> Made:
    """Return a reference to a part, which is defined once."""
    name = type(schema).__name__
    if name not in parts:
        parts[name] = {}
        anchor = ANCHORED.get(type(schema))
        parts[name] = {**({"$anchor": anchor} if anchor else {})}
        parts[name] |= _object(schema, parts)
    return {"$ref": f"#/$defs/{name}"}


def _field(field: fields.Field[Any], parts: dict[str, Made]) -> Made:
    if isinstance(field, One):
        return _part(field.schema, parts)
    label = str(field.metadata.get("label") or "")
    about = {"title": label} if label else {}
    if isinstance(field, Rows):
        return {
            **about,
            "type": "array",
            "items": _part(field.schema, parts),
            "maxItems": _most(field),
        }
    for kind, make in MADE.items():
        if isinstance(field, kind):
            return about | make(field)
    raise TypeError(f"the schema cannot describe a {type(field).__name__}")


def _most(field: fields.Field[Any]) -> int | None:
    lengths = [v.max for v in field.validators if isinstance(v, validate.Length)]
    return min(n for n in lengths if n is not None) if lengths else None


def _bounds(field: fields.Field[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in field.validators:
        if isinstance(one, validate.Range):
            if one.min is not None:
                found["minimum"] = one.min
            if one.max is not None:
                found["maximum"] = one.max
    return found


def _text(field: Any) -> Made:
    choices = [v for v in field.validators if isinstance(v, validate.OneOf)]
    if choices:
        return {"type": "string", "enum": list(choices[0].choices)}
    return {"type": "string", "minLength": 1, "maxLength": field.longest.max}


def _number(kind: str, field: Any) -> Made:
    return {"type": kind, **_bounds(field)}


def _year(field: Any) -> Made:
    made = _number("integer", field)
    # The bound of a year moves with the calendar: the form knows it, no file does.
    if type(field).__name__ == "Year":
        made["maximum"] = 9999
    return made


def _list(items: Made, most: int | None = None) -> Made:
    found: Made = {"type": "array", "items": items}
    return found | ({"maxItems": most} if most is not None else {"uniqueItems": True})


def _codes(field: Any) -> list[str]:
    return [str(word) for word in field.members]


MADE: Final[Mapping[type, Callable[[Any], Made]]] = {
    Blocks: lambda field: _list(_text(field.inner), _most(field)),
    Codes: lambda field: _list({"enum": _codes(field.inner)}),
    Code: lambda field: {"enum": _codes(field)},
    Country: lambda field: {"enum": sorted(field.codes)},
    Word: lambda field: {"enum": list(field.words)},
    Pattern: lambda field: {"type": "string", "pattern": f"^(?:{field.pattern})$"},
    Text: _text,
    Whole: _year,
    Degrees: partial(_number, "number"),
    Tick: lambda field: {"type": "boolean"},  # noqa: ARG005 - as the others
    Day: lambda field: {"type": "string", "format": "date"},  # noqa: ARG005
    Clock: lambda field: {"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"},  # noqa: ARG005
}
"""What each kind of field is; the first that fits counts."""
