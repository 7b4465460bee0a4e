"""The candidates of all registers beside the item of a request: what agrees, what not.

Nothing is decided here. The order is that of `workflows.ranking`; a candidate whose
number is further away than the ladder reaches comes last, and says so.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from tracing.casework.answers import Decided, newest_of
from tracing.directory import names
from tracing.lookups.registers import ELSEWHERE
from tracing.models import Lookup, Task, TraceRequest, Verdict
from workflows.markings import LONGEST, read
from workflows.matching import Beside, Hit, judge, side_by_side
from workflows.ranking import Field, Possible, Traits
from workflows.vocabulary import LookupOutcome

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "serial": ("serial", "serial_number"),
    "make": ("make", "manufacturer"),
    "model": ("model",),
    "calibre": ("calibre", "caliber"),
    "country": ("country", "country_of_manufacture"),
    "year": ("year", "year_of_manufacture"),
}
"""What registers call the fields that are compared."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One candidate beside the item of the request."""

    row: Lookup
    id: str
    record: str
    owner: str
    summary: str
    serial: str
    traits: Traits
    asked: str
    """The serial number of the request that is nearest to it."""

    hit: Hit | None
    fields: tuple[Field, ...]
    more: Mapping[str, str]
    """What else the register says."""

    in_full: Lookup | None
    """The look-up that has asked for it in full, if one has."""

    verdict: Verdict | None

    @property
    def places(self) -> tuple[Beside, ...]:
        """Return both numbers place by place: for those alone that are shown."""
        return _places(self.asked, self.serial)


def candidates(
    request: TraceRequest, rows: Sequence[Lookup], decided: Decided
) -> list[Compared]:
    """Return the candidates of the newest answers, the likeliest first."""
    serials = [mark.text for mark in request.item.serials]
    item = request.item
    wanted = Traits(
        item.make, item.model, item.calibre, item.country_of_manufacture, item.year
    )
    full = _in_full(rows)
    found = []
    for row in newest_of(rows):
        if row.register == ELSEWHERE:
            continue
        for said in row.candidates or ():
            deeper = full.get((row.id, said["id"]))
            verdict = decided.get((row.id, said["id"]))
            found.append(_compared(row, said, deeper, serials, verdict))
    agree = names.agreements(wanted, [one.traits for one in found])
    told = [replace(one, fields=said) for one, said in zip(found, agree, strict=True)]
    return _in_order(told, wanted)


def _in_full(rows: Iterable[Lookup]) -> dict[tuple[int, str], Lookup]:
    """Return the newest question for each candidate in full."""
    details = [row for row in rows if row.task is Task.DETAIL and row.of_id]
    return {
        (row.of_id or 0, row.candidate): row
        for row in sorted(details, key=lambda row: row.id)
    }


def _compared(
    row: Lookup,
    said: Mapping[str, Any],
    in_full: Lookup | None,
    serials: list[str],
    verdict: Verdict | None,
) -> Compared:
    given = dict(said["fields"])
    if in_full is not None and in_full.candidates:
        given |= in_full.candidates[0]["fields"]
    values = {name: _value(given, name) for name in NAMES}
    traits = Traits(
        values["make"] or None,
        values["model"] or None,
        values["calibre"] or None,
        values["country"].upper() or None,
        int(values["year"]) if _is_year(values["year"]) else None,
    )
    asked, hit = _nearest(serials, values["serial"])
    known = {one for names in NAMES.values() for one in names}
    return Compared(
        row=row,
        id=said["id"],
        record=said["record"],
        owner=said["owner"],
        summary=said["summary"],
        serial=values["serial"],
        traits=traits,
        asked=asked,
        hit=hit,
        fields=(),
        more={k: v for k, v in given.items() if k.lower() not in known and v},
        in_full=in_full,
        verdict=verdict,
    )


def _value(given: Mapping[str, str], name: str) -> str:
    small = {key.lower(): value for key, value in given.items()}
    return next((small[one] for one in NAMES[name] if small.get(one)), "")


def _is_year(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) == 4


def _nearest(serials: list[str], found: str) -> tuple[str, Hit | None]:
    """Return the number of the item that a record's is nearest to, and how near."""
    if not found or not serials:
        return (serials[0] if serials else "", None)
    hits = [(text, hit) for text in serials if (hit := judge(read(text), found))]
    if not hits:
        return serials[0], None
    return min(hits, key=lambda one: (one[1].distance, serials.index(one[0])))


def _places(asked: str, found: str) -> tuple[Beside, ...]:
    if not asked or not found:
        return ()
    one, other = read(asked), read(found[:LONGEST])
    return side_by_side(one, other) if one.compared and other.compared else ()


def _in_order(found: list[Compared], wanted: Traits) -> list[Compared]:
    near = [(one, one.hit, one.traits) for one in found if one.hit is not None]
    possible: list[Possible[Compared]] = names.likeliest(wanted, near)
    far = [one for one in found if one.hit is None]
    far.sort(key=lambda one: -sum(field.points for field in one.fields))
    return [one.what for one in possible] + far


# ---------------------------------------------------------------------- how they stand


@dataclass(frozen=True, slots=True)
class Standings:
    """How the registers that were asked stand: answers that are whole, and gaps."""

    asked: int
    hits: int
    none: int
    partial: int
    waiting: int
    by_hand: int
    gaps: Mapping[LookupOutcome, int]

    @property
    def whole(self) -> int:
        """Return how many have answered in full."""
        return self.hits + self.none

    @property
    def unknown(self) -> int:
        """Return of how many nothing is known."""
        return sum(self.gaps.values())


def standings(rows: Iterable[Lookup]) -> Standings:
    """Return how the newest searches stand, without the requests of others."""
    newest = [row for row in newest_of(rows) if row.register != ELSEWHERE]
    ended = Counter(row.outcome for row in newest if row.outcome is not None)
    gaps = {o: n for o, n in ended.items() if not o.is_answer}
    open_ = [row for row in newest if row.outcome is None]
    by_hand = sum(row.next_at is None for row in open_)
    return Standings(
        asked=len(newest),
        hits=ended[LookupOutcome.HIT],
        none=ended[LookupOutcome.NO_HIT],
        partial=ended[LookupOutcome.PARTIAL],
        waiting=len(open_) - by_hand,
        by_hand=by_hand,
        gaps=gaps,
    )
