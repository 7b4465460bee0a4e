"""The search page in words: how registers stand, and candidates beside the request."""

from collections.abc import Mapping
from typing import Any, Final

from flask import url_for

from tracing.casework import lookups as asking
from tracing.casework.comparing import Compared, Standings
from tracing.lookups import registers
from tracing.lookups.port import Capability
from tracing.models import Authority, Introduction, Meeting, Side, TraceRequest
from tracing.web.context import country, moment, said
from tracing.web.shown import script_words
from tracing.web.status import Tag
from tracing.words import _
from workflows.markings import LONGEST, read
from workflows.matching import Beside, Difference, differences
from workflows.policies import Actor
from workflows.ranking import Possible
from workflows.vocabulary import (
    N_,
    Agreement,
    Code,
    FirearmType,
    ItemKind,
    Standing,
    Why,
)

FIELDS: Final = {
    "make": N_("Make"),
    "model": N_("Model"),
    "calibre": N_("Calibre"),
    "country": N_("Country of manufacture"),
    "year": N_("Year of manufacture"),
}
AGREEMENTS: Final = {
    Agreement.AGREES: ("green", "tick"),
    Agreement.PARTLY: ("blue", "half-tick"),
    Agreement.DIFFERS: ("amber", "barred-ring"),
    Agreement.NOT_GIVEN: ("grey", "ring"),
}
STANDINGS: Final = {
    Standing.POSSIBLE: ("amber", "question"),
    Standing.CONFIRMED: ("green", "tick"),
    Standing.REJECTED: ("grey", "cross"),
}
ALIKE: Final = frozenset(
    {Why.LOOK_ALIKE, Why.OTHER_SCRIPT, Why.EITHER, Why.UNKNOWN, Why.RUN}
)
SAME, LIKE, OTHER = "=", "≈", "≠"
NOTHING: Final = "–"
OF_A_RECORD: Final = {
    "stolen": N_("Stolen"),
    "lost": N_("Lost"),
    "trafficked": N_("Trafficked"),
    "smuggled": N_("Smuggled"),
}
MORE: Final = {
    "last_legal_holder": N_("Last legal holder"),
    "report_date": N_("Date of the report"),
    "report_number": N_("Number of the report"),
    "report_place": N_("Place of the theft or loss"),
    "export_date": N_("Date of the export"),
    "export_licence": N_("Number of the export licence"),
    "consignee": N_("Consignee"),
    "serial": N_("Serial number"),
    "kind": N_("Kind of item"),
    "firearm_type": N_("Type of firearm"),
}
"""What registers are known to say beside what is compared."""

CODED: Final[dict[str, type[Code]]] = {"kind": ItemKind, "firearm_type": FirearmType}
TOLD_IN_WORDS: Final = frozenset({"match", "distance"})
"""How a search of our own came to it; why it fits is said beside the marks."""


def summary(how: Standings) -> list[str]:
    """Return how the registers stand: whole answers, parts and gaps, each by itself."""
    if not how.asked:
        return [_("No register has been asked yet.")]
    lines = [
        _(
            "Answered in full: %(whole)s of %(asked)s. With possible matches: %(hits)s."
            " No record: %(none)s.",
            whole=how.whole,
            asked=how.asked,
            hits=how.hits,
            none=how.none,
        )
    ]
    if how.partial:
        lines.append(
            _(
                "Answered in part: %(number)s. What the missing part says is not known.",
                number=how.partial,
            )
        )
    if how.unknown:
        why = _(", ").join(
            _("%(what)s: %(number)s", what=said(outcome.label), number=number)
            for outcome, number in how.gaps.items()
        )
        lines.append(
            _(
                "Not reached or not answered: %(number)s (%(why)s). Nothing is known"
                " of what they have.",
                number=how.unknown,
                why=why,
            )
        )
    if how.waiting:
        lines.append(_("No answer yet: %(number)s.", number=how.waiting))
    if how.by_hand:
        lines.append(
            _("Waiting for you to write down: %(number)s.", number=how.by_hand)
        )
    return lines


def shown(one: Compared, found: TraceRequest, actor: Actor) -> dict[str, Any]:
    """Return a candidate as the page shows it."""
    row, may = one.row, asking.may_ask(actor, found)
    register = registers.all_of().get(row.register)
    can = register.capabilities if register else frozenset()
    standing = one.verdict.standing if one.verdict else Standing.POSSIBLE
    tone, icon = STANDINGS[standing]

    def here(endpoint: str) -> str:
        return url_for(endpoint, reference=found.reference, token=row.key)

    return {
        "id": one.id,
        "anchor": f"{row.key}-{one.id}",
        "register": said(row.label),
        "record": said(OF_A_RECORD.get(one.record, one.record)),
        "owner": country(one.owner) if len(one.owner) == 2 else one.owner,
        "summary": one.summary,
        "serial": one.serial,
        "asked": one.asked,
        "tag": Tag(tone, icon, said(standing.label)),
        "verdict": _verdict(one),
        "why": said(one.hit.rung.label) if one.hit else _far(one),
        "near": one.hit is not None,
        "places": [_place(place) for place in one.places],
        "sentences": _sentences(one),
        "fields": _fields(one, found),
        "agrees": [_field(f.name) for f in one.fields if f.points > 0],
        "differs": [_field(f.name) for f in one.fields if f.points < 0],
        "more": spelled(one.more),
        "url": here("lookups.show"),
        "decide": here("lookups.decide") if may else "",
        "full": here("lookups.full")
        if may and Capability.DETAIL in can and one.in_full is None
        else "",
        "in_full": url_for(
            "lookups.show", reference=found.reference, token=one.in_full.key
        )
        if one.in_full
        else "",
    }


def near(one: Possible[str]) -> dict[str, Any]:
    """Return how near a request of one's own authority is, and what agrees."""
    return {
        "mark": one.hit.text,
        "why": said(one.hit.rung.label),
        "sentences": [_sentence(difference) for difference in one.hit.differences],
        "agrees": [_field(f.name) for f in one.fields if f.points > 0],
        "differs": [_field(f.name) for f in one.fields if f.points < 0],
    }


def spelled(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what a register says of a record, in words where they are known."""
    labels = FIELDS | MORE
    return [
        (said(labels[name]) if name in labels else name, _word(name, value))
        for name, value in fields.items()
        if name not in TOLD_IN_WORDS
    ]


def _word(name: str, value: str) -> str:
    if name == "country":
        return country(value) if len(value) == 2 else value
    words = CODED.get(name)
    return said(words(value).label) if words and value in set(words) else value


def _verdict(one: Compared) -> dict[str, str] | None:
    if one.verdict is None:
        return None
    return {
        "reason": one.verdict.reason,
        "by": one.verdict.decided_by.name,
        "at": moment(one.verdict.decided_at),
        "iso": one.verdict.decided_at.isoformat(),
    }


def _far(one: Compared) -> str:
    if not one.serial:
        return _("The register names no serial number")
    if not one.asked:
        return _("The request has no serial number to compare")
    return _("More than one character apart")


def _place(place: Beside) -> dict[str, str]:
    sign = SAME if place.why is None else LIKE if place.why in ALIKE else OTHER
    return {
        "asked": place.asked or NOTHING,
        "found": place.found or NOTHING,
        "sign": sign,
        "words": said(place.why.label) if place.why else _("The same"),
        "kind": {SAME: "", LIKE: "alike", OTHER: "odd"}[sign],
    }


def _sentences(one: Compared) -> list[str]:
    if not one.places:
        return []
    found = one.hit.differences if one.hit else ()
    if one.hit is None:
        found = differences(read(one.asked), read(one.serial[:LONGEST]))
    return [_sentence(difference) for difference in found]


def _sentence(difference: Difference) -> str:
    text, holes = difference.words
    # What stands on an item stays left to right, whatever is around it.
    apart = {
        name: f"\u2066{value}\u2069" if isinstance(value, str) else value
        for name, value in holes.items()
    }
    words = _(text, **apart)
    if difference.why is not Why.OTHER_SCRIPT:
        return words
    return _(
        "%(sentence)s (%(asked)s, %(found)s)",
        sentence=words,
        asked=script_words(difference.asked) or _("another script"),
        found=script_words(difference.found) or _("another script"),
    )


def _field(name: str) -> str:
    return said(FIELDS[name])


def _fields(one: Compared, found: TraceRequest) -> list[dict[str, Any]]:
    item, traits = found.item, one.traits
    asked = {
        "make": item.make,
        "model": item.model,
        "calibre": item.calibre,
        "country": item.country_of_manufacture,
        "year": item.year,
    }
    rows = []
    for field in one.fields:
        tone, icon = AGREEMENTS[field.agreement]
        given, known = asked[field.name], getattr(traits, field.name)
        if field.name == "country":
            given, known = _state(item.country_of_manufacture), _state(traits.country)
        rows.append(
            {
                "label": _field(field.name),
                "asked": given or "",
                "found": known or "",
                "is_mark": field.name != "country",
                "tag": Tag(tone, icon, _agreement(field.agreement, given, known)),
            }
        )
    return rows


def _agreement(agreement: Agreement, given: object, known: object) -> str:
    if agreement is Agreement.NOT_GIVEN and bool(given) is not bool(known):
        return _("Given on one side only")
    return said(agreement.label)


def _state(code: str | None) -> str:
    if code == "XX":
        return _("Not known")
    return country(code) or (code or "")


# -------------------------------------------------------------------- introductions


def meeting(row: Introduction) -> dict[str, Any]:
    """Return one side of an introduction in words."""
    owner = row.side is Side.OWNER
    waits = _("Asked, no answer yet")
    words = {
        Meeting.ASKED: _("Waits for your answer") if owner else waits,
        Meeting.ACCEPTED: _("Accepted"),
        Meeting.DECLINED: _("Declined"),
    }[row.stage]
    tone, icon = {
        Meeting.ASKED: ("blue", "star") if owner else ("grey", "clock"),
        Meeting.ACCEPTED: ("green", "tick"),
        Meeting.DECLINED: ("grey", "barred-ring"),
    }[row.stage]
    told = owner or row.stage is Meeting.ACCEPTED
    contact = row.stage is Meeting.ACCEPTED and row.other is not None
    return {
        "owner": owner,
        "candidate": row.candidate,
        "tag": Tag(tone, icon, words),
        "text": row.text,
        "asked_at": row.asked_at,
        "other": _who(row.other) if told and row.other else "",
        "contact": row.other if contact else None,
        "answer": url_for(
            "lookups.answer", reference=row.request.reference, token=row.key
        )
        if owner and row.stage is Meeting.ASKED
        else "",
    }


def _who(authority: Authority) -> str:
    where = country(authority.country)
    return _("%(name)s, %(state)s", name=authority.name, state=where)
