"""The sections of the form and the rows they live in: one map, both ways."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Final

from marshmallow import ValidationError

from tracing.casework import domestic
from tracing.journal.canonical import canonical, plain
from tracing.models import Item, ItemRestriction, Marking, Person, TraceRequest
from tracing.schemas.fields import Section
from tracing.schemas.persons import PersonSchema
from tracing.schemas.request import SECTIONS
from tracing.security import fields
from workflows.scripts import script_of
from workflows.vocabulary import MarkType

SCHEMAS: Final[dict[str, type[Section]]] = dict(SECTIONS)
_ITEM_PART_OF_MARKINGS = ("serial_status", "restoration_method", "restoration_note")

_PERSON = tuple(PersonSchema._declared_fields)

NAMES: Final = ("family_name", "given_name", "alias", "id_number")
"""What a person is found by."""

_RESTRICTION = ("item", "handling", "text", "allows")

Values = dict[str, dict[str, Any]]


@lru_cache(maxsize=64)
def schema_of(key: str, today: date | None = None) -> Section:
    """Return the schema of a section for a day; making one takes a millisecond."""
    return SCHEMAS[key](today=today)


@lru_cache(maxsize=16)
def _fields(key: str) -> tuple[str, ...]:
    return tuple(SCHEMAS[key]._declared_fields)


def _mark(data: Mapping[str, Any], position: int) -> Marking:
    return Marking(
        position=position,
        type=data["type"],
        text=data["text"],
        component=data.get("component"),
        place=data.get("place"),
        status=data.get("status"),
        method=data.get("method"),
        script=script_of(data["text"]),
    )


def _write_markings(item: Item, data: Mapping[str, Any]) -> None:
    for name in _ITEM_PART_OF_MARKINGS:
        setattr(item, name, data.get(name))
    marks = list(data.get("marks") or ())
    if data.get("serial"):
        serial = {
            "type": MarkType.SERIAL,
            "text": data["serial"],
            "component": data.get("serial_component"),
            "place": data.get("serial_place"),
            "status": data.get("serial_status"),
            "method": data.get("restoration_method"),
        }
        marks.insert(0, serial)
    item.markings = [
        _mark(mark, position)
        for position, mark in enumerate(marks, 1)
        if mark.get("type") and mark.get("text")
    ]


SERIAL_PLACE: Final = "serial"
ROW_PLACE: Final = "marks-"


def position_at(markings: Mapping[str, Any], place: str) -> int | None:
    """Return the position which the marking at a place of the form was given.

    A place is `serial` or `marks-2`, counted as the form's rows are from nought.
    """
    has_serial = bool(markings.get("serial"))
    if place == SERIAL_PLACE:
        return 1 if has_serial else None
    number = place.removeprefix(ROW_PLACE)
    rows = list(markings.get("marks") or ())
    if not number.isdecimal() or int(number) >= len(rows):
        return None
    whole = [bool(row.get("type") and row.get("text")) for row in rows]
    if not whole[int(number)]:
        return None
    return has_serial + sum(whole[: int(number) + 1])


def place_of(item: Item, position: int | None) -> str:
    """Return where on the form the marking of a position stands; else nothing."""
    marks = item.markings
    if position is None or not 1 <= position <= len(marks):
        return ""
    leads = marks[0].type is MarkType.SERIAL
    if leads and position == 1:
        return SERIAL_PLACE
    return f"{ROW_PLACE}{position - 1 - leads}"


def _person(authority_id: int, data: Mapping[str, Any]) -> Person:
    """Return a person with the marks by which who knows the name finds it."""
    given = {name: data.get(name) for name in NAMES}
    marks = fields.names_of(fields.field_keys(), authority_id, **given)
    return Person(authority_id=authority_id, **data, **marks)


def write(request: TraceRequest, key: str, data: Mapping[str, Any]) -> None:
    """Put one section's loaded data into its rows; what is absent is cleared."""
    match key:
        case "markings":
            _write_markings(request.item, data)
        case "persons":
            request.persons = [
                _person(request.sealed_for, person)
                for person in data.get("persons") or ()
                if person.get("role")
            ]
        case "item" | "find":
            target = request.item if key == "item" else request.recovery
            for name in _fields(key):
                setattr(target, name, data.get(name))
        case "basis":
            for name in _fields(key):
                if name != "item_restrictions":
                    setattr(request, name, data.get(name))
            request.item_restrictions = [
                ItemRestriction(authority_id=request.sealed_for, **row)
                for row in data.get("item_restrictions") or ()
                if row.get("item") and row.get("handling")
            ]
        case _:
            for name in _fields(key):
                setattr(request, name, data.get(name))


def _read_markings(item: Item) -> dict[str, Any]:
    marks = list(item.markings)
    values: dict[str, Any] = {
        name: getattr(item, name) for name in _ITEM_PART_OF_MARKINGS
    }
    if marks and marks[0].type is MarkType.SERIAL:
        serial = marks.pop(0)
        values |= {
            "serial": serial.text,
            "serial_component": serial.component,
            "serial_place": serial.place,
        }
    values["marks"] = [
        {
            name: value
            for name in ("type", "text", "component", "place", "status", "method")
            if (value := getattr(mark, name)) is not None
        }
        for mark in marks
    ]
    return values


def _columns(source: object, names: Iterable[str]) -> dict[str, Any]:
    return {
        name: value
        for name in names
        if (value := getattr(source, name)) is not None and value != ()
    }


def typed(request: TraceRequest) -> Values:
    """Return each section's data as the rows hold it: members, dates, numbers."""
    found: Values = {}
    for key in SCHEMAS:
        match key:
            case "markings":
                found[key] = _read_markings(request.item)
            case "persons":
                found[key] = {
                    "persons": [_columns(p, _PERSON) for p in request.persons]
                }
            case "basis":
                plain_ = tuple(n for n in _fields(key) if n != "item_restrictions")
                found[key] = _columns(request, plain_)
                if request.item_restrictions:
                    found[key]["item_restrictions"] = [
                        _columns(row, _RESTRICTION) for row in request.item_restrictions
                    ]
            case "item":
                found[key] = _columns(request.item, _fields(key))
            case "find":
                found[key] = _columns(request.recovery, _fields(key))
            case _:
                found[key] = _columns(request, _fields(key))
    return found


def read(request: TraceRequest) -> Values:
    """Return each section's data as the schemas dump it: strings and codes."""
    return {
        key: {
            name: value
            for name, value in schema_of(key).dump(values).items()
            if value not in (None, "")
        }
        for key, values in typed(request).items()
    }


def missing(request: TraceRequest, today: date) -> dict[str, Any]:
    """Return what still stops the request from being sent, by section and field."""
    errors: dict[str, Any] = {}
    for key, values in read(request).items():
        found = schema_of(key, today).validate(values)
        if found:
            errors[key] = found
    # Registers at home that have answered are written in when it is sent.
    lacks = errors.get("domestic", {}).keys() == {"domestic_searches"}
    if lacks and domestic.answered(request):
        del errors["domestic"]
    return errors


def require_complete(request: TraceRequest, today: date) -> None:
    """Refuse a request that lacks what the schemas ask for (ITI 17, UNTOC 18(15))."""
    errors = missing(request, today)
    if errors:
        raise ValidationError(errors)


def digest(request: TraceRequest) -> str:
    """Return the mark of all a request says: another letter, another mark."""
    return hashlib.sha256(canonical(typed(request)).encode()).hexdigest()


def changes(before: Values, after: Values) -> dict[str, Any]:
    """Return the fields that differ, each as it was and as it is.

    Of persons and markings how many there were and are: the journal is no second
    register of suspects.
    """
    found: dict[str, Any] = {}
    for key, values in after.items():
        old = before.get(key, {})
        for name in {**old, **values}:
            one, other = plain(old.get(name)), plain(values.get(name))
            if one != other:
                found[f"{key}.{name}"] = [_countable(one), _countable(other)]
    return found


def _countable(value: Any) -> Any:
    rows = isinstance(value, list) and (not value or isinstance(value[0], dict))
    return len(value) if rows else value
