"""Turn a schema into the controls of a form, and a posted form into its data.

The schema is the only definition of a field. Its type and its validators decide
the control; `metadata` adds what a person needs to see:

    label, hint      English message ids, translated here
    width            'w4', 'w10' or 'w20'
    mark             True for text stamped on a firearm: monospaced, left to right
    choices          a callable giving [(value, label)], or the name of one of LISTS
    empty            what a list of answers says where none is chosen
    unknown          True where a country may be one that nobody can name
    reveal           {value: field or fields}: the answer that brings up others
    suggest          the name of one of SUGGESTED: what may be written, among others
    optional_label   words beside the label when the field may stay empty,
                     or False for none
    autocomplete, dir, rows, kind
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from enum import Enum
from itertools import chain
from typing import Any, Final, Literal, TypeVar, cast

from marshmallow import Schema, fields, validate
from werkzeug.datastructures import MultiDict

from tracing.schemas.fields import Told
from tracing.web.photos import Attached
from tracing.words import _

# Marks a message for the catalogue; it is translated where it is shown.
N_ = str

Kind = Literal[
    "text",
    "textarea",
    "date",
    "datetime",
    "number",
    "radios",
    "select",
    "checkbox",
    "checkboxes",
    "texts",
    "email",
    "tel",
    "country",
    "mark",
    "hidden",
    "group",
    "files",
]
Choice = tuple[str, str]
Row = tuple["Control", ...]
AnyField = fields.Field[Any]
V = TypeVar("V")

MOST_RADIOS: Final = 7
LONG_TEXT: Final = 300
CHOSEN: Final = frozenset({"radios", "select", "checkboxes", "country"})
NOT_KNOWN: Final = ("XX", N_("Not known"))
NO_BOUND: Final = 2**31 - 1
TYPED: Final[tuple[tuple[type[AnyField], Kind], ...]] = (
    (fields.Boolean, "checkbox"),
    (fields.DateTime, "datetime"),
    (fields.Date, "date"),
    (fields.Number, "number"),
    (fields.Email, "email"),
)
NEVER_OPTIONAL: Final = frozenset({"checkbox", "hidden", "group"})

# What marshmallow says by itself, and what the officer reads instead.
DEFAULT_WORDS: Final = (
    (r"Missing data|may not be null|Shorter than minimum", N_("Fill in “%(label)s”")),
    (
        r"Not a valid (naive |aware )?(date|datetime)\b",
        N_("Enter “%(label)s” as a date, for example 2026-11-26"),
    ),
    (r"Not a valid (integer|number)", N_("Enter “%(label)s” in figures")),
    (r"Not a valid email", N_("Enter an e-mail address, like name@example.org")),
    (r"Must be one of", N_("Choose one of the answers given for “%(label)s”")),
    (
        r"Longer than maximum length (?P<number>\d+)",
        N_("Shorten “%(label)s” to %(number)s characters or fewer"),
    ),
    (
        r"Must be greater than or equal to (?P<least>\S+) and .* (?P<most>\S+?)\.?$",
        N_("“%(label)s” must be from %(least)s to %(most)s"),
    ),
    (
        r"Must be greater than or equal to (?P<number>[^ ]+?)\.?$",
        N_("“%(label)s” must be %(number)s or more"),
    ),
    (
        r"Must be less than or equal to (?P<number>[^ ]+?)\.?$",
        N_("“%(label)s” must be %(number)s or less"),
    ),
    (r"Not a valid |Invalid ", N_("Check “%(label)s”")),
)
NOT_CHOSEN: Final = N_("Choose an answer for “%(label)s”")

LISTS: Final[dict[str, Callable[[], Iterable[Choice]]]] = {}
"""Lists that a schema can only name, such as "countries"; filled by the pages."""

SUGGESTED: Final[dict[str, Callable[[Mapping[str, Any]], Iterable[str]]]] = {}
"""What a schema can only name, too; given is what the form holds already."""


@dataclass(frozen=True, slots=True)
class Control:
    """One thing to fill in, ready to be drawn."""

    id: str
    name: str
    label: str
    kind: Kind
    hint: str = ""
    value: str | bool | tuple[str, ...] = ""
    error: str = ""
    choices: tuple[Choice, ...] = ()
    attrs: dict[str, str] = field(default_factory=dict)
    required: bool = False
    optional: str = ""
    shown_by: dict[str, str] = field(default_factory=dict)
    group: tuple[Row, ...] = ()
    attached: tuple[Attached, ...] = ()
    suggested: tuple[str, ...] = ()
    many: bool = False
    empty: str = ""


def controls(
    schema: Schema,
    data: Mapping[str, Any] | None = None,
    errors: Mapping[Any, Any] | None = None,
    prefix: str = "",
    *,
    adding: str | None = None,
) -> list[Control]:
    """Give the controls of a schema in the order in which it declares them.

    `adding` is the name of the group whose "Add another" was pressed. A message
    that belongs to no field is shown at the first one, so that none is lost.
    """
    data, errors = data or {}, errors or {}
    drawn = [
        _control(name, field_, data.get(name), errors.get(name), prefix, adding)
        for name, field_ in _named(schema)
    ]
    drawn = _with_suggestions(schema, _with_reveals(schema, drawn, prefix), data)
    stray = [value for key, value in errors.items() if key not in dict(_named(schema))]
    if stray and drawn and not drawn[0].error:
        drawn[0] = replace(drawn[0], error=_words(stray, drawn[0].label, "text"))
    return drawn


def posted(
    schema: Schema, form: MultiDict[str, str], prefix: str = ""
) -> dict[str, Any]:
    """Take a schema's fields out of a posted form; an empty field is missing."""
    found = {
        name: _posted(field_, form, _join(prefix, name))
        for name, field_ in _named(schema)
    }
    return {name: value for name, value in found.items() if value not in (None, "")}


def summary(*drawn: Control | Iterable[Control]) -> list[tuple[str, str]]:
    """List (control id, message) for every problem, in the order of the form."""
    problems: list[tuple[str, str]] = []
    for item in drawn:
        if not isinstance(item, Control):
            problems += summary(*item)
            continue
        if item.error:
            problems.append((item.id, item.error))
        problems += summary(*item.group)
    return problems


def rearranging(form: Mapping[str, str]) -> bool:
    """Tell whether "Add another" or "Remove" was pressed: draw again, save nothing."""
    return bool(form.get("add") or form.get("remove"))


# Reading a posted form


def _named(schema: Schema) -> list[tuple[str, AnyField]]:
    return [(f.data_key or name, f) for name, f in schema.load_fields.items()]


def _join(prefix: str, name: str | int) -> str:
    return f"{prefix}-{name}" if prefix else str(name)


def _posted(field_: AnyField, form: MultiDict[str, str], name: str) -> Any:
    nested = _nested(field_)
    if nested and _many(field_):
        return _posted_rows(nested, form, name) or None
    if nested:
        row = posted(nested, form, name)
        return row if _filled(row) else None
    if isinstance(field_, fields.Boolean):
        return _ticked(form.get(name))
    if isinstance(field_, fields.List):
        return _posted_list(field_, form, name) or None
    return _clean(form.get(name, ""))


def _posted_list(field_: AnyField, form: MultiDict[str, str], name: str) -> list[str]:
    texts = [_clean(text) for text in form.getlist(name)]
    if _kind(field_) != "texts":
        return [text for text in texts if text]
    # Texts keep their gaps: the third answer is to the third question.
    return texts if any(texts) else []


def _posted_rows(
    schema: Schema, form: MultiDict[str, str], name: str
) -> list[dict[str, Any]]:
    return [row for _number, row in _kept_rows(schema, form, name)]


def _kept_rows(
    schema: Schema, form: MultiDict[str, str], name: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    removed = form.get("remove")
    for number in _row_numbers(form, name):
        row = posted(schema, form, _join(name, number))
        if _join(name, number) != removed and _filled(row):
            yield number, row


def kept_rows(schema: Schema, form: MultiDict[str, str], name: str) -> list[int]:
    """Return the numbers under which the rows came that `posted` keeps."""
    return [number for number, _row in _kept_rows(schema, form, name)]


def _row_numbers(form: Iterable[str], name: str) -> list[int]:
    pattern = re.compile(re.escape(name) + r"-([0-9]{1,4})-")
    return sorted({int(m[1]) for key in form if (m := pattern.match(key))})


def _clean(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _filled(row: Mapping[str, Any]) -> bool:
    return any(value is not False for value in row.values())


def _ticked(value: object) -> bool:
    return value is True or (
        isinstance(value, str) and value.lower() in {"true", "on", "yes", "1"}
    )


# Drawing one field


def _control(
    name: str,
    field_: AnyField,
    value: object,
    errors: object,
    prefix: str,
    adding: str | None,
) -> Control:
    full = _join(prefix, name)
    kind = _kind(field_)
    label = _tr(field_.metadata.get("label") or name.replace("_", " ").capitalize())
    drawn = Control(
        id=full,
        name=full,
        label=label,
        kind=kind,
        hint=_hint(field_, kind),
        required=field_.required,
        optional=_optional(field_, kind),
    )
    if kind == "group":
        return _group(drawn, field_, value, errors, adding)
    return replace(
        drawn,
        value=_value(field_, kind, value, more=adding == full),
        error=_words(errors, label, kind),
        choices=_choices(field_),
        empty=_tr(field_.metadata.get("empty", "")),
        attrs=_attrs(field_, kind),
    )


def _group(
    drawn: Control,
    field_: AnyField,
    value: object,
    errors: object,
    adding: str | None,
) -> Control:
    nested, many = cast("Schema", _nested(field_)), _many(field_)
    own = errors if isinstance(errors, Mapping) else {}
    if not many:
        rows = [(drawn.name, value, own)]
        message: object = None if own else errors
    else:
        found = [*value] if isinstance(value, Iterable) else []
        if not found or adding == drawn.name:
            found.append({})
        rows = [
            (_join(drawn.name, i), row, own.get(i, own.get(str(i), {})))
            for i, row in enumerate(found)
        ]
        message = own.get("_schema") if own else errors
    return replace(
        drawn,
        error=_words(message, drawn.label, "group"),
        many=many,
        group=tuple(
            tuple(controls(nested, row, problems, name, adding=adding))
            for name, row, problems in (
                (n, cast("Mapping[str, Any] | None", r), p) for n, r, p in rows
            )
        ),
    )


def _with_reveals(schema: Schema, drawn: list[Control], prefix: str) -> list[Control]:
    shown_by: dict[str, dict[str, str]] = {}
    for name, field_ in _named(schema):
        for value, targets in (field_.metadata.get("reveal") or {}).items():
            for target in (targets,) if isinstance(targets, str) else targets:
                shown = shown_by.setdefault(
                    _join(prefix, target), {"name": _join(prefix, name), "values": ""}
                )
                shown["values"] = f"{shown['values']} {_text(field_, value)}".strip()
    return [replace(c, shown_by=shown_by.get(c.name, {})) for c in drawn]


def _with_suggestions(
    schema: Schema, drawn: list[Control], data: Mapping[str, Any]
) -> list[Control]:
    """Add what may be written; a browser offers it, and without one nothing is lost."""
    found = []
    for control, (_name, field_) in zip(drawn, _named(schema), strict=True):
        source = SUGGESTED.get(field_.metadata.get("suggest", ""))
        words = tuple(source(data)) if source else ()
        attrs = control.attrs | ({"list": f"{control.id}-list"} if words else {})
        found.append(replace(control, attrs=attrs, suggested=words))
    return found


def _nested(field_: AnyField) -> Schema | None:
    inner = field_.inner if isinstance(field_, fields.List) else field_
    return inner.schema if isinstance(inner, fields.Nested) else None


def _many(field_: AnyField) -> bool:
    return isinstance(field_, fields.List) or bool(getattr(field_, "many", False))


def _kind(field_: AnyField) -> Kind:
    if _nested(field_):
        return "group"
    if asked := field_.metadata.get("kind"):
        return cast("Kind", asked)
    if isinstance(field_, fields.List):
        return "checkboxes" if _choices(field_) else "texts"
    return _chosen_kind(field_) or _typed_kind(field_)


def _chosen_kind(field_: AnyField) -> Kind | None:
    if _autocomplete(field_) == "country":
        return "country"
    if choices := _choices(field_):
        return "radios" if len(choices) <= MOST_RADIOS else "select"
    return None


def _typed_kind(field_: AnyField) -> Kind:
    for type_, kind in TYPED:
        if isinstance(field_, type_):
            return kind
    if field_.metadata.get("mark"):
        return "mark"
    if _autocomplete(field_).startswith("tel"):
        return "tel"
    longest = max((v.max or 0 for v in _validators(field_, validate.Length)), default=0)
    return "textarea" if longest >= LONG_TEXT else "text"


def _autocomplete(field_: AnyField) -> str:
    return str(field_.metadata.get("autocomplete", ""))


def _validators(field_: AnyField, wanted: type[V]) -> list[V]:
    nested = (
        v.validators if isinstance(v, validate.And) else [v] for v in field_.validators
    )
    return [v for v in chain.from_iterable(nested) if isinstance(v, wanted)]


def _choices(field_: AnyField) -> tuple[Choice, ...]:
    source = field_.metadata.get("choices")
    if source is not None:
        if isinstance(source, str):
            source = LISTS[source]
        pairs = list(source() if callable(source) else source)
        if field_.metadata.get("unknown"):
            pairs.append(NOT_KNOWN)
        return tuple((str(value), _tr(label)) for value, label in pairs)
    if isinstance(field_, fields.List):
        return _choices(field_.inner)
    if isinstance(field_, fields.Enum):
        members = cast("Iterable[Enum]", field_.enum)
        return tuple((_text(field_, m), _tr(getattr(m, "label", m))) for m in members)
    for one_of in _validators(field_, validate.OneOf):
        labels = list(one_of.labels) or list(one_of.choices)
        pairs = list(zip(one_of.choices, labels, strict=False))
        return tuple((str(value), _tr(label)) for value, label in pairs)
    return ()


def _hint(field_: AnyField, kind: Kind) -> str:
    if hint := field_.metadata.get("hint"):
        return _tr(hint)
    if kind != "number":
        return ""
    for bounds in _validators(field_, validate.Range):
        if bounds.min is not None and (bounds.max or NO_BOUND) < NO_BOUND:
            return _("From %(min)s to %(max)s", min=bounds.min, max=bounds.max)
    return ""


def _optional(field_: AnyField, kind: Kind) -> str:
    said = field_.metadata.get("optional_label", True)
    if field_.required or kind in NEVER_OPTIONAL or not said:
        return ""
    return _("optional") if said is True else _tr(said)


def _attrs(field_: AnyField, kind: Kind) -> dict[str, str]:
    attrs: dict[str, str] = {}
    match kind:
        case "text" | "textarea" | "texts":
            attrs["dir"] = "auto"
        case "mark":
            attrs |= {"dir": "ltr", "translate": "no", "spellcheck": "false"}
            attrs |= {"autocomplete": "off", "autocapitalize": "off"}
        case "email" | "tel":
            attrs |= {"dir": "ltr", "autocomplete": kind}
        case "number":
            whole = isinstance(field_, fields.Integer)
            attrs |= {"inputmode": "numeric" if whole else "decimal", "dir": "ltr"}
        case "date":
            attrs |= _bounds(field_)
    if kind in {"textarea", "texts"}:
        attrs["rows"] = str(field_.metadata.get("rows", 5))
    widths = {"width": "class", "autocomplete": "autocomplete", "dir": "dir"}
    for told, attribute in widths.items():
        if told in field_.metadata:
            attrs[attribute] = str(field_.metadata[told])
    return attrs


def _bounds(field_: AnyField) -> dict[str, str]:
    return {
        side: bound.isoformat()
        for limits in _validators(field_, validate.Range)
        for side, bound in (("min", limits.min), ("max", limits.max))
        if isinstance(bound, date)
    }


# Values and words


def _value(
    field_: AnyField, kind: Kind, value: object, *, more: bool
) -> str | bool | tuple[str, ...]:
    if kind == "checkbox":
        return _ticked(value)
    if kind in {"checkboxes", "texts"}:
        inner = field_.inner if isinstance(field_, fields.List) else field_
        several = value if isinstance(value, list | tuple | set | frozenset) else ()
        texts = tuple(_text(inner, item) for item in several)
        return (*texts, "") if kind == "texts" and (more or not texts) else texts
    return _text(field_, value)


def _text(field_: AnyField, value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case Enum():
            by_name = isinstance(field_, fields.Enum) and not field_.by_value
            return value.name if by_name else str(value.value)
        case datetime():
            return value.strftime("%Y-%m-%dT%H:%M")
        case date():
            return value.isoformat()
        case time():
            return value.strftime("%H:%M")
        case _:
            return str(value)


def translated(message: object) -> str:
    """Return a message id in the reader's words, its holes filled."""
    return _tr(message)


def _tr(message: object) -> str:
    if isinstance(message, Told):
        return _(message.msgid, **message.holes)
    text = str(message)
    return _(text) if text else ""


def _words(errors: object, label: str, kind: str) -> str:
    """Say the first of a field's messages in its own words."""
    said = next(_flat(errors), "")
    for pattern, words in DEFAULT_WORDS:
        if found := re.match(pattern, said):
            missing = words == DEFAULT_WORDS[0][1]
            chosen = NOT_CHOSEN if missing and kind in CHOSEN else words
            return _(chosen, label=label, **found.groupdict())
    return _tr(said)


def _flat(errors: object) -> Iterator[str]:
    if isinstance(errors, Mapping):
        errors = [*errors.values()]
    if isinstance(errors, list | tuple):
        for part in errors:
            yield from _flat(part)
    elif errors:
        yield errors if isinstance(errors, str) else str(errors)
