"""A request as its page shows it: facts in words, the read-back, the history."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from tracing.casework import explaining, sections
from tracing.casework.reading import history_for
from tracing.directory import names
from tracing.models import Item, RequestEvent, TraceRequest
from tracing.schemas.markings import MarkSchema
from tracing.schemas.persons import PersonSchema
from tracing.schemas.request import SECTIONS
from tracing.schemas.restrictions import RestrictionSchema
from tracing.schemas.steps import ResponseStep
from tracing.web.context import country, day, moment, said, tongue
from tracing.web.status import told
from tracing.words import _
from workflows.deadlines import Deadline
from workflows.markings import spoken
from workflows.policies import Actor
from workflows.scripts import kind_of_character, script_of_character, scripts_in
from workflows.states import Trigger
from workflows.vocabulary import (
    N_,
    ChainEventType,
    DisclosureGround,
    Ground,
    HandlingCode,
    Outcome,
    SearchResult,
    Use,
)

SCHEMA_OF_ROWS = {
    "marks": MarkSchema(),
    "persons": PersonSchema(),
    "item_restrictions": RestrictionSchema(),
}
_COUNTRIES = frozenset(
    {
        "country_of_manufacture",
        "import_country",
        "origin",
        "dispatch",
        "destination",
        "nationality",
        "onward_state",
        "transit_from",
        "transit_to",
    }
)
_MARKS = frozenset({"calibre", "model", "make", "serial", "text", "headstamp"})
_KINDS = {
    "letter": N_("letter"),
    "digit": N_("digit"),
    "symbol": N_("symbol"),
    "space": N_("space"),
    "not readable": N_("not readable"),
    "some not readable": N_("some not readable"),
}


_SCRIPTS = {
    "Latin": N_("Latin"),
    "Cyrillic": N_("Cyrillic"),
    "Greek": N_("Greek"),
    "Arabic": N_("Arabic"),
    "Han": N_("Han"),
    "Hebrew": N_("Hebrew"),
    "Armenian": N_("Armenian"),
    "Georgian": N_("Georgian"),
    "Devanagari": N_("Devanagari"),
    "Thai": N_("Thai"),
    "Hangul": N_("Hangul"),
    "Kana": N_("Kana"),
    "Ethiopic": N_("Ethiopic"),
    "Other": N_("another script"),
}


def words(name: str, value: Any) -> str:
    """Return one value in the reader's words."""
    if name in _COUNTRIES:
        return country(str(value))
    if name == "language":
        return tongue(str(value))
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if hasattr(value, "label"):
        return said(value.label)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, time):
        return value.isoformat("minutes")
    if isinstance(value, (tuple, list)):
        return _(", ").join(words(name, part) for part in value)
    return str(value)


def sections_of(found: TraceRequest) -> list[dict[str, Any]]:
    """Return the sections with what each says: label, words, whether a mark."""
    typed = sections.typed(found)
    parts = []
    for key, schema_class in SECTIONS:
        schema = sections.schema_of(key)
        loaded = typed[key]
        rows = []
        nested = []
        for name, field in schema.fields.items():
            value = loaded.get(name)
            if value in (None, "", ()):
                continue
            label = said(field.metadata.get("label", name))
            if isinstance(value, list) and value and isinstance(value[0], dict):
                inner = SCHEMA_OF_ROWS[name]
                nested += [row_of(inner, row) for row in value]
                continue
            if value == []:
                continue
            if name == "requested_id":
                value = found.requested.name if found.requested else ""
            rows.append(
                {"label": label, "value": words(name, value), "mark": name in _MARKS}
            )
        parts.append(
            {
                "key": key,
                "title": said(schema_class.title),
                "rows": rows,
                "nested": nested,
            }
        )
    return parts


def row_of(schema: Any, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what one row of a section says, in the order of its form."""
    return [
        {
            "label": said(field.metadata.get("label", name)),
            "value": words(name, row[name]),
            "mark": name in _MARKS,
        }
        for name, field in schema.fields.items()
        if row.get(name) not in (None, "", ())
    ]


def readback(found: TraceRequest) -> list[dict[str, Any]]:
    """Return the serial character by character, with kind and foreign script."""
    serial = found.item.serial
    if serial is None:
        return []
    return [
        {
            "char": character,
            "kind": _kind_words(character, is_sign=is_sign),
            "odd": script_of_character(character) not in ("", "Latin"),
        }
        for character, is_sign in spoken(serial.text)
    ]


def _kind_words(character: str, *, is_sign: bool) -> str:
    kind = said(_KINDS[kind_of_character(character, is_sign=is_sign)])
    script = script_of_character(character)
    if script and script != "Latin":
        return _("%(kind)s, %(script)s", kind=kind, script=said(_SCRIPTS[script]))
    return kind


def script_words(character: str) -> str:
    """Return the script of a character in words; nothing where it has none."""
    script = script_of_character(character[:1]) if character else ""
    return said(_SCRIPTS[script]) if script else ""


def warnings(found: TraceRequest) -> list[str]:
    """Return what is unusual enough to look at once more; none of it blocks."""
    notes = []
    for mark in found.item.markings:
        scripts = scripts_in(mark.text)
        if len(scripts) > 1:
            notes.append(
                _(
                    "One marking mixes letters of two scripts (%(scripts)s)."
                    " Compare it with the firearm; it is sent as you wrote it.",
                    scripts=_(", ").join(said(_SCRIPTS[name]) for name in scripts),
                )
            )
        elif scripts and scripts != ("Latin",):
            notes.append(
                _(
                    "One marking is in %(script)s letters. Some look like Latin"
                    " ones; the other side is shown which they are.",
                    script=said(_SCRIPTS[scripts[0]]),
                )
            )
    item = found.item
    notes += _about_the_make(item)
    made = item.country_of_manufacture
    home = found.requesting.country
    if made and made not in (home, "XX") and not item.import_country:
        notes.append(
            _(
                "Made abroad and no import mark given. Look for one: it names the"
                " State that can answer."
            )
        )
    if not explaining.fits_the_basis(found):
        notes.append(
            _(
                "Directive (EU) 2023/977 binds Member States of the European Union"
                " only. Between these two States a default of this service counts."
            )
        )
    return notes


def _about_the_make(item: Item) -> Iterator[str]:
    """Say where a brand is made in several States: only the mark tells in which."""
    brand = names.brand_of(item.make)
    if brand.nearest:
        yield _(
            "“%(make)s” is not in the table of makes. If you mean %(nearest)s, correct"
            " it; else leave it as it is marked.",
            make=item.make,
            nearest=brand.nearest,
        )
    made = item.country_of_manufacture
    if len(brand.countries) > 1:
        yield _(
            "%(make)s is made in %(countries)s. Give the country that stands on the"
            " firearm: the brand does not tell it, and another State would be asked.",
            make=brand.name,
            countries=_(", ").join(map(country, brand.countries)),
        )
    elif brand.countries and made and made not in (*brand.countries, names.NOWHERE):
        yield _(
            "The table of makes knows %(make)s from %(countries)s alone. Look once more"
            " which country is marked; it is sent as you wrote it.",
            make=brand.name,
            countries=_(", ").join(map(country, brand.countries)),
        )


def foreseen(found: TraceRequest) -> tuple[Deadline, ...]:
    """Return the deadlines as they would run if the request were sent now."""
    made = explaining.of_request(found, datetime.now(UTC))
    return made.plan if made else ()


def explain(deadline: Deadline) -> list[str]:
    """Return a deadline line by line, in the reader's words."""
    lines = []
    for line in deadline.lines:
        values = {
            name: _line_value(value, deadline.zone)
            for name, value in line.values.items()
        }
        lines.append(_(line.text, **values))
    return lines


def _line_value(value: object, zone: str) -> str:
    if isinstance(value, datetime):
        return moment(value, zone)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, str):
        return said(value)
    return str(value)


def history(found: TraceRequest, actor: Actor, zone: str) -> list[dict[str, Any]]:
    """Return the events, newest first; a note is its own authority's alone."""
    items = [
        {
            "label": told(event.trigger),
            "when": moment(event.at, zone),
            "iso": event.at.isoformat(),
            "who": _who(event, found),
            "detail": _detail(event),
        }
        for event in reversed(history_for(found, actor))
    ]
    if items:
        items[0]["status"] = "now"
    return items


def _who(event: RequestEvent, found: TraceRequest) -> str:
    asked = event.authority_id == found.requesting_id
    authority = found.requesting if asked else found.requested
    where = country(authority.country) if authority else ""
    return f"{event.actor_name} ({where})"


def _detail(event: RequestEvent) -> str:
    carried = event.carried
    match event.trigger:
        case Trigger.ASK_CLARIFICATION:
            return " ".join(q["text"] for q in carried["questions"])
        case Trigger.CLARIFY:
            return " ".join(carried["answers"])
        case Trigger.RECORD_SEARCH:
            result = said(SearchResult(carried["result"]).label)
            return f"{carried['register']}, {carried['years']}: {result}"
        case Trigger.DEFER:
            ground = said(Ground(carried["ground"]).label)
            return f"{ground}: {carried['reason']}"
        case Trigger.RESPOND:
            return said(Outcome(carried["outcome"]).label)
        case Trigger.ASK_PERMISSION:
            asked = (said(Use(carried["use"]).label), country(carried["to"]))
            return "; ".join(filter(None, (*asked, carried["purpose"])))
        case Trigger.GIVE_PERMISSION:
            return str(carried["conditions"])
        case Trigger.ANNOUNCE_DISCLOSURE | Trigger.RECORD_DISCLOSURE:
            code = carried.get("ground")
            why = said(DisclosureGround(code).label) if code else ""
            words = carried.get("reason") or carried.get("no_notice", "")
            return "; ".join(filter(None, (carried["to"], why, words)))
        case (
            Trigger.WITHDRAW
            | Trigger.REOPEN
            | Trigger.REFUSE_PERMISSION
            | Trigger.CANNOT_KEEP
            | Trigger.LIFT_CONFIDENTIALITY
        ):
            return str(carried["reason"])
        case Trigger.SUBMIT | Trigger.CLOSE | Trigger.ACKNOWLEDGE:
            return ""
        case _:
            return str(carried.get("text", ""))


def answer(event: RequestEvent, fields: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return an answer in words: limits first, then what it says."""
    carried = event.carried
    handling = HandlingCode(carried["handling"])
    labels = dict(fields)
    return {
        "outcome": said(Outcome(carried["outcome"]).label),
        "handling": handling.value,
        "handling_words": said(handling.label),
        "restrictions": carried["restrictions"],
        "grounds": [_ground(code) for code in carried["grounds"]],
        "reason": carried["reason"],
        "consultation": carried["consultation"],
        "registers": carried["registers"],
        "chain": [_link(link) for link in carried["chain"]],
        "details": [
            {"label": said(labels.get(name, name)), "value": _detail_value(name, value)}
            for name, value in carried["details"].items()
        ],
        "text": carried["text"],
        "at": event.at,
    }


def labels_of_an_answer() -> dict[str, str]:
    """Return what the form calls the fields of an answer."""
    return {
        name: str(field.metadata.get("label", name))
        for name, field in ResponseStep().fields.items()
    }


def content(carried: Mapping[str, Any]) -> dict[str, Any]:
    """Return in words what one item of an answer says."""
    labels = labels_of_an_answer()
    details = carried.get("details", {})
    outcome = carried.get("outcome")
    rows = [
        {"label": said(labels.get(name, name)), "value": _detail_value(name, value)}
        for name, value in details.items()
    ]
    if outcome:
        label = said(Outcome(outcome).label)
        rows.insert(0, {"label": _("Outcome"), "value": label})
    if carried.get("names"):
        named = _(", ").join(carried["names"])
        rows.append({"label": _("Persons named"), "value": named})
    return {
        "rows": rows,
        "chain": [_link(link) for link in carried.get("chain", ())],
        "remarks": carried.get("text", ""),
    }


def _detail_value(name: str, value: str) -> str:
    if name in _COUNTRIES:
        return country(value)
    if name.endswith("_date"):
        try:
            return day(date.fromisoformat(value))
        except ValueError:
            return value
    return value


def _ground(code: str) -> dict[str, Any]:
    ground = Ground(code)
    parents = [f"{p.instrument} {p.provision}" for p in ground.parents]
    return {"label": said(ground.label), "parents": _(", ").join(parents)}


def _link(link: dict[str, Any]) -> dict[str, str]:
    on = link.get("on")
    return {
        "type": said(ChainEventType(link["type"]).label),
        "when": day(date.fromisoformat(on)) if on else str(link.get("year") or ""),
        "by": link["by"],
        "to": link["to"],
        "licence": link["licence"],
        "source": link["source"],
    }
