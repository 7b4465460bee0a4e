"""A row of a file as a national record: the item, and what the row adds to it.

A row says what stands of an item and, beside it, one event or one further mark of it,
or none. An item with three events has three rows with the same key. This is also the
form in which records are written out, so that they come back as they were.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from functools import cache
from itertools import chain
from typing import Any, Final, NamedTuple

from tracing.directory import countries
from tracing.importing.faults import N_, Refused
from tracing.importing.fields import Field, Kind, Shape
from tracing.importing.rows import Value, Values
from tracing.models import RegistryEvent
from tracing.models.sealed import column_of
from tracing.schemas.fields import COUNTRY_CODES, EARLIEST_YEAR, NOT_IN_A_BLOCK
from workflows import retention
from workflows.markings import LONGEST, keys_of
from workflows.vocabulary import (
    WANTED,
    ChainActor,
    DatePrecision,
    FirearmType,
    ItemKind,
    KeptFor,
    MarkType,
    Part,
    RecordEventType,
    RecordStatus,
)

NOT_SHARED: Final = N_(
    "Only what is stolen, lost, trafficked or smuggled is shared: leave this empty"
)
NO_EVENT: Final = N_("Say what happened, under event_kind, or leave out the rest of it")
NO_MARK: Final = N_("Write the mark itself, under mark_text, or leave out its type")
NO_PARTIES: Final = N_(
    "Write the parties as they are written when records are exported"
)

TOO_EARLY: Final = "Enter a date not in the future"
"""In the words of the form, where they are translated."""

LONG: Final = 4_000
PARTY: Final = ("role", "name", "number", "country")
ROLES: Final = frozenset({None, *(actor.value for actor in ChainActor)})


def keys_in_order(text: str) -> tuple[str | None, ...]:
    """Return what `models.keys.key_columns` does, in the order of its columns."""
    plain, coarse, ends = keys_of(text)
    return plain or None, coarse or None, ends or None


def _codes(members: type[StrEnum]) -> dict[str, str]:
    found: dict[str, str] = {}
    for code in members:
        label = getattr(code, "label", "")
        found |= {str(label).casefold(): code.value, code.value.casefold(): code.value}
    return found


@cache
def _countries() -> dict[str, str]:
    found: dict[str, str] = {}
    for language in ("es", "ru", "fr", "zh", "ar", "en"):
        found |= {name.casefold(): code for code, name in countries.choices(language)}
    return found | {code.casefold(): code for code in (*COUNTRY_CODES, "XX")}


def _year(name: str, label: str, *known: str) -> Field:
    between = (EARLIEST_YEAR, 2200)
    return Field(name, label, Kind.WHOLE, between=between, known_as=known)


def _country(name: str, label: str, *known: str) -> Field:
    return Field(name, label, Kind.CODE, choices=_countries(), known_as=known)


def _code(name: str, label: str, members: type[StrEnum], *known: str) -> Field:
    return Field(name, label, Kind.CODE, choices=_codes(members), known_as=known)


@cache
def shape() -> Shape:
    """Return the fields that a row of a file of records can have."""
    return Shape("records", (*_item_fields(), *_event_fields(), *_mark_fields()), "key")


def _item_fields() -> tuple[Field, ...]:
    return (
        Field(
            "key",
            N_("Number of the record in its register"),
            Kind.MARK,
            longest=120,
            known_as=("record no", "registration no", "registration number", "id"),
        ),
        Field("source", N_("Register"), known_as=("register",)),
        Field(
            "serial",
            N_("Serial number"),
            Kind.MARK,
            longest=LONGEST,
            known_as=("serial", "serial no", "weapon number", "numéro de série"),
        ),
        _code("kind", N_("Kind of item"), ItemKind, "item"),
        _code("part", N_("Which part"), Part),
        _code("firearm_type", N_("Type of firearm"), FirearmType, "type"),
        Field("make", N_("Make"), known_as=("manufacturer", "brand", "marque")),
        _country("plant_country", N_("Country of the maker's plant")),
        Field("model", N_("Model"), known_as=("modèle", "modelo")),
        Field("calibre", N_("Calibre"), longest=40, known_as=("caliber",)),
        _year("year", N_("Year of manufacture"), "year made"),
        _country("country_of_manufacture", N_("Country of manufacture"), "made in"),
        Field("import_mark", N_("Import mark")),
        _country("import_country", N_("Country of import")),
        _year("import_year", N_("Year of import")),
        Field("quantity", N_("Number of pieces"), Kind.WHOLE, between=(1, 2**31 - 1)),
        _code("status", N_("Where the item is now"), RecordStatus),
        Field("shared", N_("Shared with other authorities"), Kind.YES_NO),
        _code("keep", N_("How many years it is kept at least"), KeptFor),
    )


def _event_fields() -> tuple[Field, ...]:
    return (
        _code("event_kind", N_("What happened"), RecordEventType, "event"),
        Field(
            "event_date", N_("When it happened"), Kind.DAY_OR_PART, known_as=("date",)
        ),
        _code("event_precision", N_("How exactly the day is known"), DatePrecision),
        Field("licence", N_("Number of the licence"), Kind.MARK, known_as=("license",)),
        Field("licence_issued", N_("Licence issued"), Kind.DAY),
        Field("licence_expires", N_("Licence expires"), Kind.DAY),
        _country("country_from", N_("From which country")),
        _country("country_to", N_("To which country")),
        Field("transit", N_("Countries of transit, as their codes"), longest=300),
        Field("consignment", N_("Consignment")),
        Field("event_quantity", N_("Pieces in this event"), Kind.WHOLE),
        Field(
            "event_mark", N_("Number it was marked with"), Kind.MARK, longest=LONGEST
        ),
        Field("place", N_("Where it happened"), Kind.BLOCK, longest=LONG),
        Field("remarks", N_("Remarks"), Kind.BLOCK, longest=LONG),
        Field("source_record", N_("Where it stands in the register"), longest=200),
        _code("party_role", N_("Part the person or firm had"), ChainActor),
        Field("party_name", N_("Name of the person or firm"), longest=200),
        Field("party_number", N_("Number of the person or firm"), Kind.MARK),
        _country("party_country", N_("Country of the person or firm")),
        Field("parties", N_("All parties, as they are exported"), longest=20_000),
        Field("changes", N_("What was changed, as it is exported"), longest=20_000),
        Field("event_key", N_("Number of the event in its register"), longest=120),
        Field("event_replaces", N_("Number of the event it replaces"), longest=120),
        Field("withdrawn", N_("It did not happen"), Kind.YES_NO),
    )


def _mark_fields() -> tuple[Field, ...]:
    return (
        _code("mark_type", N_("Type of the further mark"), MarkType),
        Field("mark_component", N_("Where the further mark stands")),
        Field("mark_text", N_("A further mark"), Kind.MARK, longest=LONGEST),
    )


# The columns of a row, in the order in which they are staged.
PLAIN: Final = (
    *("source", "kind", "part", "firearm_type", "make", "plant_country", "model"),
    *("calibre", "year", "country_of_manufacture", "import_mark", "import_country"),
    *("import_year", "quantity", "status", "shared", "keep"),
)
KEYS: Final = ("normalised", "folded", "reversed")
ITEM: Final = ("source_key", "text", *KEYS, *PLAIN, "review_on")
EVENT: Final = (
    *("item_key", "source_key", "replaces", "kind", "happened_on", "precision"),
    *("licence", "licence_issued", "licence_expires", "country_from", "country_to"),
    *("transit", "consignment", "quantity", "mark", "place", "parties", "remarks"),
    *("source_record", "changes", "withdrawn", "seal"),
)
MARK: Final = ("item_key", "type", "component", "text", *KEYS)

# The fields of a row, by the column of the item they are.
OF_ITEM: Final = {"source_key": "key", "text": "serial"} | {n: n for n in PLAIN}


class Parts(NamedTuple):
    """A row taken apart: what is written to each table."""

    item: tuple[Any, ...]
    event: tuple[Any, ...] | None
    mark: tuple[Any, ...] | None


class Maker:
    """Takes rows apart, for one authority."""

    def __init__(self, authority_id: int, source: str, today: date) -> None:
        """Find where each field stands in a row."""
        self.authority_id, self.source = authority_id, source
        self.today = today.isoformat()
        self.at = {name: number for number, name in enumerate(shape().names)}
        self.first_of_event = self.at["event_kind"]
        self.first_of_mark = self.at["mark_type"]
        self.no_event = (None,) * (self.first_of_mark - self.first_of_event)
        self.no_mark = (None,) * (len(self.at) - self.first_of_mark)
        self.plain = slice(self.at["kind"], self.at["keep"] + 1)
        self.reviews = {
            keep.value: retention.item_review_on(today, keep).isoformat()
            for keep in KeptFor
        }

    def make(self, values: Values) -> Parts:
        """Return what to write of a row; raises Refused for what does not fit."""
        at = self.at
        serial = values[at["serial"]] or ""
        told = values[self.first_of_event : self.first_of_mark] != self.no_event
        marked = values[self.first_of_mark :] != self.no_mark
        status = values[at["status"]]
        plain = list(values[self.plain])
        plain[0] = plain[0] or ItemKind.FIREARM.value
        if status is None:
            status = plain[-3] = _after(values[at["event_kind"]])
        if plain[-2]:
            if status not in WANTED:
                raise Refused(NOT_SHARED)
        else:
            plain[-2] = 0
        keep = plain[-1] = plain[-1] or KeptFor.THIRTY.value
        key = values[at["key"]]
        item = (
            *(key, serial, *keys_in_order(str(serial))),
            *(values[at["source"]] or self.source, *plain, self.reviews[str(keep)]),
        )
        return Parts(
            item,
            self._event(str(key), values) if told else None,
            self._mark(str(key), values) if marked else None,
        )

    def check(self, values: Values) -> None:
        """Refuse what `make` would, and close nothing with a key."""
        self.make(values)

    def _event(self, key: str, values: Values) -> tuple[Any, ...]:
        def of(name: str) -> Value:
            return values[self.at[name]]

        if of("event_kind") is None:
            raise Refused(NO_EVENT)
        day, precision = _whole_day(of("event_date"), of("event_precision"))
        if str(day or "") > self.today:
            raise Refused(TOO_EARLY)
        parties = _parties(of("parties"), {n: of(f"party_{n}") for n in PARTY})
        name = of("event_key") or _name_of(
            values[self.first_of_event : self.first_of_mark]
        )
        place, said, remarks, seal = self._sealed(of("place"), parties, of("remarks"))
        return (
            *(key, name, of("event_replaces"), of("event_kind"), day, precision),
            *(of("licence"), of("licence_issued"), of("licence_expires")),
            *(of("country_from"), of("country_to"), of("transit"), of("consignment")),
            *(of("event_quantity"), of("event_mark"), place, said, remarks),
            *(
                of("source_record"),
                _json(of("changes"), dict),
                of("withdrawn") or 0,
                seal,
            ),
        )

    def _sealed(
        self, place: Value, parties: Sequence[Mapping[str, Any]], remarks: Value
    ) -> tuple[str | None, str | None, str | None, str]:
        """Close what names persons, as the model does."""
        if not (place or parties or remarks):
            return None, None, None, ""
        row = RegistryEvent(authority_id=self.authority_id)
        row.place = str(place) if place else None
        row.parties = list(map(dict, parties)) or None
        row.remarks = str(remarks) if remarks else None
        closed = (getattr(row, column_of(n)) for n in ("place", "parties", "remarks"))
        return *closed, row.seal

    def _mark(self, key: str, values: Values) -> tuple[Any, ...]:
        text = values[self.at["mark_text"]]
        if text is None:
            raise Refused(NO_MARK)
        return (
            *(key, values[self.at["mark_type"]] or MarkType.SERIAL.value),
            *(values[self.at["mark_component"]], text, *keys_in_order(str(text))),
        )


def _after(event: Value) -> str:
    """Return where an item is of which only an event is told."""
    status = RecordEventType(str(event)).status if event else RecordStatus.REGISTERED
    return (status or RecordStatus.UNKNOWN).value


def _whole_day(day: Value, precision: Value) -> tuple[Value, Value]:
    """Return a day for a month or a year, and how exactly it is known."""
    match len(str(day or "")):
        case 0:
            return None, precision
        case 4:
            return f"{day}-01-01", precision or DatePrecision.YEAR.value
        case 7:
            return f"{day}-01", precision or DatePrecision.MONTH.value
        case _:
            return day, precision or DatePrecision.DAY.value


def _parties(written: Value, one: Mapping[str, Value]) -> list[dict[str, Any]]:
    found = _json(written, list)
    parties = json.loads(found) if found else []
    right = all(
        isinstance(p, dict) and p.keys() <= set(PARTY) for p in parties
    ) and all(isinstance(v, str | None) for p in parties for v in p.values())
    right = right and all(p.get("role") in ROLES for p in parties)
    if not right:
        raise Refused(NO_PARTIES)
    told = {name: value for name, value in one.items() if value is not None}
    return [told, *parties] if told else parties


def _json(written: Value, kind: type[Any]) -> str | None:
    """Return a value that an export has written, checked and written anew."""
    if written is None:
        return None
    try:
        found = json.loads(str(written))
        plain = json.dumps(
            found, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )
    except (ValueError, RecursionError) as error:
        raise Refused(NO_PARTIES) from error
    if not isinstance(found, kind) or not all(map(_is_clean, _texts(found))):
        raise Refused(NO_PARTIES)
    return plain


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts of a value, the names in it among them."""
    match value:
        case str():
            yield value
        case dict():
            yield from chain.from_iterable(map(_texts, chain(value, value.values())))
        case list():
            yield from chain.from_iterable(map(_texts, value))


def _is_clean(text: str) -> bool:
    """Tell whether a text has nothing that a form would refuse."""
    return NOT_IN_A_BLOCK.search(text) is None


def _name_of(told: Iterable[Value]) -> str:
    """Return the name of an event that its register gives none: what it says."""
    said = json.dumps(list(told), ensure_ascii=False).encode()
    return f"is-{hashlib.sha256(said).hexdigest()[:32]}"
