"""Which of the possible items is the likeliest, and why.

A serial number alone names no weapon: makers use the same ones (domain: make, model,
calibre and country belong to it). Points are added for what agrees and taken for what
differs; what one side does not say counts for nothing. The points stand with the hit,
so that a person sees what the order is made of; they decide nothing.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import starmap
from typing import Final, Generic, NamedTuple, TypeVar

from workflows.lookalikes import normalised
from workflows.matching import Hit
from workflows.vocabulary import Agreement, Rung, Why

T = TypeVar("T")

NOWHERE: Final = frozenset({"XX", ""})
"""A country that nobody could name."""
SAME: Final = 100
PER_ERROR: Final = -30
PER_LIKENESS: Final[Mapping[Why, int]] = {
    Why.LOOK_ALIKE: -5,
    Why.OTHER_SCRIPT: -2,
    Why.EITHER: -1,
    Why.UNKNOWN: -2,
    Why.RUN: -6,
}
PER_FIELD: Final[Mapping[str, int]] = {
    "make": 12,
    "model": 8,
    "calibre": 6,
    "country": 6,
    "year": 4,
}
_SHARE: Final[Mapping[Agreement, float]] = {
    Agreement.AGREES: 1,
    Agreement.PARTLY: 0.5,
    Agreement.NOT_GIVEN: 0,
    Agreement.DIFFERS: -1,
}
_RUNGS: Final = {rung: place for place, rung in enumerate(Rung)}


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of an item beside its marks, each name in one way of writing.

    Whoever has a table of makes and calibres puts the names of the table here.
    """

    make: str | None = None
    model: str | None = None
    calibre: str | None = None
    country: str | None = None
    year: int | None = None


class Field(NamedTuple):
    """What one field says, and what it counts for."""

    name: str
    agreement: Agreement
    points: int


@dataclass(frozen=True)
class Possible(Generic[T]):
    """An item that may be the one, with all that the order is made of."""

    what: T
    hit: Hit
    fields: tuple[Field, ...]

    @cached_property
    def serial_points(self) -> int:
        """Return what the serial number counts for."""
        likeness = sum(PER_LIKENESS.get(why, 0) for why in self.hit.between)
        return SAME + PER_ERROR * self.hit.distance + likeness

    @property
    def points(self) -> int:
        """Return all points."""
        return self.serial_points + sum(field.points for field in self.fields)


def compared(asked: Traits, found: Traits) -> tuple[Field, ...]:
    """Return field by field whether two items agree."""
    agreements = {
        "make": _names(asked.make, found.make),
        "model": _names(asked.model, found.model),
        "calibre": _names(asked.calibre, found.calibre),
        "country": _countries(asked.country, found.country),
        "year": _same(asked.year, found.year),
    }
    return tuple(
        Field(name, said, round(PER_FIELD[name] * _SHARE[said]))
        for name, said in agreements.items()
    )


def ranked(asked: Traits, found: Iterable[tuple[T, Hit, Traits]]) -> list[Possible[T]]:
    """Return the items, the likeliest first; what is equal stays in the order given."""

    def possible(what: T, hit: Hit, traits: Traits) -> Possible[T]:
        return Possible(what, hit, compared(asked, traits))

    return sorted(
        starmap(possible, found),
        key=lambda one: (-one.points, _RUNGS[one.hit.rung], one.hit.distance),
    )


@lru_cache(maxsize=4096)
def _names(one: str | None, other: str | None) -> Agreement:
    """Compare two names: one whose words are among the other's agrees in part."""
    if not one or not other:
        return Agreement.NOT_GIVEN
    if normalised(one) == normalised(other):
        return Agreement.AGREES
    few, many = sorted((_words(one), _words(other)), key=len)
    return Agreement.PARTLY if few and few <= many else Agreement.DIFFERS


def _words(name: str) -> frozenset[str]:
    return frozenset(map(normalised, re.findall(r"\w+", name)))


def _countries(one: str | None, other: str | None) -> Agreement:
    known = [code for code in (one, other) if code and code not in NOWHERE]
    return _same(*known) if len(known) > 1 else Agreement.NOT_GIVEN


def _same(one: object, other: object) -> Agreement:
    if one is None or other is None:
        return Agreement.NOT_GIVEN
    return Agreement.AGREES if one == other else Agreement.DIFFERS
