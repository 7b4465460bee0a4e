"""The exported document: its parts, as schemas over the sections of the form.

Sections and steps are those of `tracing.schemas`; here stands only what surrounds them.
Out of this one definition come the check of a file, the JSON Schema and the XML Schema.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from marshmallow import ValidationError, fields, validate

from tracing.schemas.fields import (
    Codes,
    Country,
    Dated,
    Day,
    Line,
    Look,
    Rows,
    Section,
    Told,
    Whole,
    without_blanks,
)
from tracing.schemas.header import HeaderSection
from tracing.schemas.request import SECTIONS
from tracing.schemas.steps import STEP_OF
from workflows.states import Party, State, Trigger
from workflows.vocabulary import N_, HandlingCode, InformationItem

VERSION: Final = 1
FORMAT: Final = f"tracing-exchange/{VERSION}"
REQUEST: Final = "request"
RESPONSE: Final = "response"
ELSEWHERE: Final = ("requested_id",)
"""Fields of the form that name a row of this database: said beside the sections."""

INSTANT: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
SIGNATURE: Final = r"[A-Za-z0-9_-]{1,400}\.\.[A-Za-z0-9_-]{86}"
MOST_STEPS: Final = 1000
MOST_PARTS: Final = 10_000
"""Rows and objects in one document, all in all."""


def _look(label: str, wrong: str) -> dict[str, Any]:
    names = ("required", "null", "invalid", "unknown")
    return {"metadata": {"label": label}, "error_messages": dict.fromkeys(names, wrong)}


class Word(fields.String):
    """One of some words that are the machine's, and no list of the trade."""

    def __init__(self, *words: str) -> None:
        self.words = words
        wrong = N_("Give one of the words that the format knows")
        one = validate.OneOf(words, error=wrong)
        super().__init__(validate=one, **_look("", wrong))


class Pattern(fields.String):
    """A text of one form."""

    def __init__(self, pattern: str, wrong: str) -> None:
        self.pattern = pattern
        # `fullmatch` by its end: `$` would let a line feed through.
        one = validate.Regexp(rf"(?:{pattern})\Z", re.ASCII, error=wrong)
        super().__init__(validate=one, **_look("", wrong))


class One(fields.Nested, Dated):
    """One part with the fields of a section."""

    def __init__(self, part: type[Section], *, exclude: tuple[str, ...] = ()) -> None:
        wrong = N_("Give the fields by their names")
        super().__init__(part, exclude=exclude, **_look("", wrong))
        self.part = part

    def live_on(self, today: Any) -> None:
        """Make the section, on the same day."""
        self._schema = self.part(today=today, exclude=self.exclude)


class AuthorityPart(Section):
    """An authority."""

    always = ("code", "country")

    code = Line(20, label=N_("Code of the authority"))
    country = Country(label=N_("State"))
    name = Line(200, label=N_("Name"))


def _part(name: str, members: Mapping[str, Any], **more: Any) -> type[Section]:
    return type(name, (Section,), {**members, **more})


SectionsPart: Final = _part(
    "SectionsPart",
    {
        key: One(
            schema_class, exclude=ELSEWHERE if schema_class is HeaderSection else ()
        )
        for key, schema_class in SECTIONS
    },
)


class RequestPart(Section):
    """A request: who asks whom, and the sections of the form."""

    always = ("reference", "state", "requesting")

    reference = Line(24, label=N_("Reference"))
    state = Word(*(state.value for state in State))
    requesting = One(AuthorityPart)
    requested = One(AuthorityPart)
    sections = One(SectionsPart)


class WithheldPart(Section):
    """What stays in the service, and under which code."""

    always = ("item", "handling")

    item = Codes(InformationItem, label=N_("What")).inner
    handling = Codes(HandlingCode, label=N_("Handling code")).inner
    provider = Country(label=N_("State"))


def _rows(row: type[Section], most: int) -> Rows:
    look: Look = {"label": ""}
    return Rows(row, most=most, **look)


EventPart: Final = _part(
    "EventPart",
    {
        "position": Whole(1, label=N_("Number")),
        "step": Word(*(trigger.value for trigger in Trigger)),
        "at": Pattern(INSTANT, N_("Write a time like 2026-11-26T14:30:00Z")),
        "by": Word(*(party.value for party in Party)),
        "authority": Line(20, label=N_("Code of the authority")),
        "after": Word(*(state.value for state in State)),
        **{name: One(step) for name, step in STEP_OF.items() if name != Trigger.NOTE},
        "withheld": _rows(WithheldPart, len(InformationItem)),
    },
    always=("position", "step", "at", "by", "authority", "after"),
)
"""One step of the history; what it said stands under its own name."""


class DocumentPart(Section):
    """An exported request with its history, or an answer alone."""

    always = ("format", "kind", "exported", "issuer", "exporter", "request")

    format = Word(FORMAT)
    kind = Word(REQUEST, RESPONSE)
    exported = Pattern(INSTANT, N_("Write a time like 2026-11-26T14:30:00Z"))
    issuer = Line(300, label=N_("Installation"))
    exporter = Line(20, label=N_("Code of the authority"))
    request = One(RequestPart)
    events = _rows(EventPart, MOST_STEPS)
    withheld = _rows(WithheldPart, 100)
    signature = Pattern(SIGNATURE, N_("Take out the signature, or leave it as it was"))


class Unfit(Exception):
    """A file is not of the format; `faults` say where and what to do.

    The words are message ids; the places are made of names that the format knows.
    """

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        """Keep the faults: place and words of each."""
        super().__init__("; ".join(f"{place}: {words}" for place, words in faults))
        self.faults = faults


@cache
def shape() -> Section:
    """Return the schema of a document, without the bounds of a day.

    What was in the future when it was written need not be so when it is read.
    """
    made = DocumentPart()
    _timeless(made)
    return made


def _timeless(schema: Any) -> None:
    for field in schema.fields.values():
        if isinstance(field, Day):
            field.validators = []
        if isinstance(field, fields.Nested):
            _timeless(field.schema)


def check(said: object) -> dict[str, Any]:
    """Return what a file says if it is a document, or tell each fault."""
    if not isinstance(said, dict):
        raise Unfit([("", N_("Give the fields by their names"))])
    _bounded(said)
    try:
        shape().load(said, partial=True)
    except ValidationError as error:
        raise Unfit(list(faults_of(error.messages))) from error
    _agree(plain(said))
    return said


def plain(value: Any) -> Any:
    """Return what was said as its schemas read it: what is blank says nothing.

    A signature is of what was sent, so that stays as it is.
    """
    if isinstance(value, Mapping):
        return without_blanks({name: plain(inner) for name, inner in value.items()})
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value


def _bounded(said: dict[str, Any]) -> None:
    """Refuse what would take long to read: a schema counts rows only at the end."""
    waiting: list[dict[str, Any] | list[Any]] = [said]
    parts = 0
    while waiting:
        one = waiting.pop()
        parts += 1
        if len(one) > MOST_STEPS or parts > MOST_PARTS:
            words = N_("Give at most %(number)s of these")
            raise Unfit([("", Told(words, number=MOST_STEPS))])
        inner = one.values() if isinstance(one, dict) else one
        waiting += [part for part in inner if isinstance(part, dict | list)]


def _agree(said: Mapping[str, Any]) -> None:
    """Refuse a step that says what another one would."""
    for number, event in enumerate(said.get("events", ())):
        others = (event.keys() & STEP_OF.keys()) - {event["step"]}
        if others:
            words = N_("Leave this out: it is not part of this step")
            raise Unfit([(f"events[{number}]", words)])
    answers = [e for e in said.get("events", ()) if e["step"] == Trigger.RESPOND.value]
    if said["kind"] == RESPONSE and (len(answers) != 1 or len(said["events"]) != 1):
        raise Unfit([("events", N_("Give the one answer of the response"))])


_PLAIN: Final = re.compile(r"[A-Za-z0-9_]{1,60}\Z")
MOST_FAULTS: Final = 20


def faults_of(messages: Any, place: str = "") -> list[tuple[str, str]]:
    """Return the messages of a schema as a list of places and words."""
    found: list[tuple[str, str]] = []
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            found += faults_of(inner, _below(place, name))
            if len(found) >= MOST_FAULTS:
                break
    elif isinstance(messages, list):
        found = [(place, words) for words in messages[:1]]
    else:
        found = [(place, messages)]
    return found[:MOST_FAULTS]


def labels_of(place: str) -> list[str]:
    """Return what the form calls a place, from the section on: message ids, numbers.

    Places beside the form have no name but the format's.
    """
    found: list[str] = []
    schema: Any = shape()
    for part in place.split("."):
        name, _bracket, number = part.rstrip("]").partition("[")
        field = schema.fields.get(name) if schema is not None else None
        if field is None:
            return []
        schema = getattr(field, "schema", None)
        title = getattr(schema, "title", "") if isinstance(field, One) else ""
        label = title or field.metadata.get("label")
        found += [str(label)] if label else []
        found += [str(int(number) + 1)] if number.isdecimal() else []
    return found if place.startswith("request.sections.") else []


def _below(place: str, name: object) -> str:
    if isinstance(name, int):
        return f"{place}[{name}]"
    # A name that the format does not know is the sender's word: it is not repeated.
    told = str(name) if _PLAIN.match(str(name)) else "…"
    if told == "_schema":
        return place
    return f"{place}.{told}" if place else told


def pruned(value: Any) -> Any:
    """Return what was said without what says nothing: None, empty text, no rows."""
    if isinstance(value, Mapping):
        found = {str(name): pruned(inner) for name, inner in value.items()}
        return {name: inner for name, inner in found.items() if not _is_nothing(inner)}
    if isinstance(value, list | tuple):
        return [pruned(inner) for inner in value]
    return value


def _is_nothing(value: object) -> bool:
    return value is None or value in ("", [], {}, ())
