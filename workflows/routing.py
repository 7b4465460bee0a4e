"""Whom to ask about a firearm, and why: proposals from its marks, and their traps.

A trace begins at the manufacture or, where it is marked, at the most recent import, and
goes along the line of supply (ITI 3; UNODA). The country is read from the mark, never
from the brand: one brand may be made in two States, and the wrong one of them is the
classic wrong addressee.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from workflows.vocabulary import (
    N_,
    Channel,
    Instrument,
    InterpolRoute,
    LegalBasis,
    MarkType,
    RoutingBasis,
)

NOT_KNOWN: Final = "XX"


@dataclass(frozen=True, slots=True)
class Plant:
    """Where a brand is made: the State, and the places that stand beside the brand."""

    country: str
    places: tuple[str, ...]


def _plants(**places: str) -> tuple[Plant, ...]:
    return tuple(
        Plant(country, tuple(one.strip() for one in text.split(",")))
        for country, text in places.items()
    )


# The first is the evidence of NCIC make codes (GLC, GLD); the others are what makers
# themselves stamp beside the brand. No register: a hint to look, never a decision.
PLANTS: Final[Mapping[str, tuple[Plant, ...]]] = {
    "glock": _plants(AT="austria, deutsch-wagram, ferlach", US="smyrna, ga., georgia"),
    "beretta": _plants(
        IT="gardone, italy, made in italy", US="accokeek, gallatin, maryland, tenn"
    ),
    "sig sauer": _plants(
        DE="eckernförde, eckernfoerde, germany", US="exeter, newington, epping, nh"
    ),
    "taurus": _plants(
        BR="porto alegre, são leopoldo, sao leopoldo, brazil, brasil",
        US="miami, bainbridge",
    ),
    "walther": _plants(DE="ulm, germany, zella", US="fort smith, ar", FR="manurhin"),
    "fn": _plants(BE="herstal, belgium, belgique", US="columbia, sc, fredericksburg"),
    "heckler & koch": _plants(DE="oberndorf, germany", US="columbus, newington"),
    "cz": _plants(CZ="uherský brod, uhersky brod, czech", US="kansas city"),
    "browning": _plants(
        BE="herstal, belgium",
        JP="miroku, japan",
        PT="portugal, viana",
        US="morgan, utah",
    ),
    "springfield armory": _plants(
        US="geneseo, illinois, il", HR="croatia, karlovac", BR="brazil"
    ),
}
"""Brands that are made in more than one State."""

_AKIN: Final = {
    "hk": "heckler & koch",
    "h&k": "heckler & koch",
    "heckler und koch": "heckler & koch",
    "fn herstal": "fn",
    "fabrique nationale": "fn",
    "sig": "sig sauer",
    "sigsauer": "sig sauer",
    "sig-sauer": "sig sauer",
    "pietro beretta": "beretta",
    "carl walther": "walther",
    "ceska zbrojovka": "cz",
    "česká zbrojovka": "cz",
    "springfield": "springfield armory",
}

# What stands on a firearm for a State that is no more, and who holds its records now.
FORMER: Final = (
    (r"jugoslavij|yugoslavia|sfrj|sfry", "YU", ("RS",)),
    (r"czechoslovakia|československ|ceskoslovensk|čssr", "CS", ("CZ", "SK")),
    (r"\bussr\b|\bсссp?р\b|\bcccp\b|\bсоюз сср", "SU", ("RU",)),
    (r"\bddr\b|\bgdr\b|east germany", "DD", ("DE",)),
    (r"w(est|\.)? ?germany|\bbrd\b", "DE", ("DE",)),
)
FORMER_NAMES: Final = {
    "YU": N_("Yugoslavia"),
    "CS": N_("Czechoslovakia"),
    "SU": N_("the Soviet Union"),
    "DD": N_("the German Democratic Republic"),
    "DE": N_("Germany before 1990"),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark as the form has it."""

    type: MarkType
    text: str


@dataclass(frozen=True, slots=True)
class Clues:
    """What a filing says of where a firearm comes from; States by their two letters."""

    own: str
    make: str = ""
    manufacture: str = ""
    place: str = ""
    imported: str = ""
    importer: str = ""
    marks: tuple[Mark, ...] = ()
    transferred: tuple[str, ...] = ()
    """States that a transfer mark names."""

    hits: tuple[str, ...] = ()
    """States named by what a register or another system has found."""

    earlier: tuple[str, ...] = ()
    """States that an earlier answer about the same firearm names."""

    def has(self, kind: MarkType) -> bool:
        """Tell whether there is a mark of a kind."""
        return any(mark.type is kind for mark in self.marks)


@dataclass(frozen=True, slots=True)
class Because:
    """A sentence; `states` are the holes that hold a State, by its two letters."""

    words: str
    states: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    holes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proposed:
    """A State to ask, on what basis, and why."""

    state: str
    basis: RoutingBasis
    why: tuple[Because, ...]


@dataclass(frozen=True, slots=True)
class Advice:
    """Whom to ask, the best first, and what leads to the wrong one."""

    proposals: tuple[Proposed, ...]
    traps: tuple[Because, ...]


def brand_of(make: str) -> str:
    """Return the brand of the table that a make stands for, or nothing."""
    plain = " ".join(make.casefold().replace(".", " ").split())
    plain = _AKIN.get(plain, plain)
    if plain in PLANTS:
        return plain
    words = plain.split()
    return next(
        (brand for brand in PLANTS if words[: len(brand.split())] == brand.split()), ""
    )


def advise(clues: Clues) -> Advice:
    """Return whom to ask and why, and what would lead to the wrong State."""
    found: dict[str, Proposed] = {}
    for state, basis, why in _leads(clues):
        if state in ("", NOT_KNOWN, clues.own):
            continue
        known = found.get(state)
        whys = (*known.why, why) if known else (why,)
        found[state] = Proposed(state, known.basis if known else basis, whys)
    return Advice(tuple(found.values()), tuple(_traps(clues)))


def _leads(clues: Clues) -> Iterator[tuple[str, RoutingBasis, Because]]:
    """Yield each lead, the latest lawful place first."""
    for state in clues.earlier:
        words = N_("An earlier answer about this firearm names %(state)s.")
        yield state, RoutingBasis.PREVIOUS_REPLY, _of(words, state)
    for state in clues.hits:
        words = N_("A register has found it: the record is of %(state)s.")
        yield state, RoutingBasis.REGISTRY_HIT, _of(words, state)
    for state in clues.transferred:
        words = N_(
            "The transfer mark says that it left the stocks of %(state)s"
            " (Firearms Protocol art. 8(1)(c))."
        )
        yield state, RoutingBasis.IMPORT_MARK, _of(words, state)
    if clues.imported:
        words = N_(
            "The import mark names %(state)s: the last lawful import known"
            " (Firearms Protocol art. 8(1)(b))."
        )
        yield clues.imported, RoutingBasis.IMPORT_MARK, _of(words, clues.imported)
    yield from _makers(clues)


def _makers(clues: Clues) -> Iterator[tuple[str, RoutingBasis, Because]]:
    basis = RoutingBasis.MAKER_COUNTRY
    if clues.manufacture not in ("", NOT_KNOWN):
        words = N_("The marks show that it was made in %(state)s.")
        yield clues.manufacture, basis, _of(words, clues.manufacture)
        return
    for _name, states in _former(clues):
        for state in states:
            words = N_("It was made in a State whose records %(state)s holds now.")
            yield state, basis, _of(words, state)
    for plant in _placed(clues):
        words = N_("The place of manufacture is one of %(state)s.")
        yield plant.country, basis, _of(words, plant.country)
    for plant in PLANTS.get(brand_of(clues.make), ()):
        words = N_(
            "The brand is made in %(state)s, among others: only if a mark says so."
        )
        yield plant.country, basis, _of(words, plant.country)


def _of(words: str, *states: str) -> Because:
    return Because(words, {"state": states})


def _words(clues: Clues) -> str:
    """Return all that stands on it, in small letters."""
    shown = (clues.place, *(mark.text for mark in clues.marks))
    return " ".join(shown).casefold()


def _former(clues: Clues) -> Iterator[tuple[str, tuple[str, ...]]]:
    text = _words(clues)
    for pattern, name, states in FORMER:
        if re.search(pattern, text):
            yield name, states


def _placed(clues: Clues) -> tuple[Plant, ...]:
    """Return the plants of the brand whose place stands on it."""
    text = f" {_words(clues)} "
    return tuple(
        plant
        for plant in PLANTS.get(brand_of(clues.make), ())
        if any(re.search(rf"\W{re.escape(one)}\W", text) for one in plant.places)
    )


# ------------------------------------------------------------------------------ traps


def _traps(clues: Clues) -> Iterator[Because]:
    yield from _brand_traps(clues)
    yield from _mark_traps(clues)
    made = clues.manufacture
    if clues.own in (made, clues.imported, *clues.transferred):
        words = N_(
            "A mark names your own State: search your own records first, and ask the"
            " State to which they lead."
        )
        yield Because(words)


def _brand_traps(clues: Clues) -> Iterator[Because]:
    brand = brand_of(clues.make)
    plants = tuple(plant.country for plant in PLANTS.get(brand, ()))
    made = clues.manufacture
    if not plants:
        return
    holes, states = {"make": clues.make}, {"states": plants}
    if made in ("", NOT_KNOWN):
        words = N_(
            "%(make)s is made in %(states)s. Look for the place beside the brand before"
            " you choose: asking the wrong one costs weeks."
        )
        yield Because(words, states, holes)
    elif made not in plants:
        words = N_(
            "No plant of %(make)s is known in %(state)s (known: %(states)s). It may be a"
            " copy, or made under licence: check the mark."
        )
        yield Because(words, states | {"state": (made,)}, holes)
    else:
        for plant in _placed(clues):
            if plant.country != made:
                words = N_(
                    "The place that stands on it is one of %(state)s, and the country"
                    " of manufacture given is %(other)s: check which the mark says."
                )
                yield Because(words, {"state": (plant.country,), "other": (made,)})
        if not clues.has(MarkType.COUNTRY_OF_MANUFACTURE) and not clues.place:
            words = N_(
                "%(make)s is made in %(states)s, and no mark of the country or place is"
                " given. Add it, so that the request reaches the right one."
            )
            yield Because(words, states, holes)


def _mark_traps(clues: Clues) -> Iterator[Because]:
    for name, states in _former(clues):
        words = N_("A mark names %(former)s. Its records are with %(states)s now.")
        yield Because(words, {"states": states}, {"former": FORMER_NAMES[name]})
    made = clues.manufacture
    if made in ("", NOT_KNOWN) and clues.has(MarkType.PROOF):
        words = N_(
            "A proof mark names the house that tested it, which may be in another State"
            " than the maker."
        )
        yield Because(words)
    if clues.importer and not clues.imported:
        words = N_(
            "An importer is named and no country of import: the importer's State knows"
            " more than the maker's."
        )
        yield Because(words)
    if clues.imported and clues.imported == made:
        words = N_("The import mark names the State that made it: check which it is.")
        yield Because(words)


def misses(advice: Advice, state: str) -> bool:
    """Tell whether a State is asked to which no mark leads."""
    return bool(advice.proposals) and state not in (
        one.state for one in advice.proposals
    )


# ------------------------------------------------------- what fits both sides of a pair


@dataclass(frozen=True, slots=True)
class Side:
    """What an entry says of how its authority works with others."""

    languages: tuple[str, ...]
    instruments: tuple[str, ...]
    channels: tuple[str, ...] = ()
    interpol: str = ""


@dataclass(frozen=True, slots=True)
class Fit:
    """What fits both sides; no language is told, for then a translation is needed."""

    language: str
    bases: tuple[LegalBasis, ...]
    channels: tuple[Channel, ...]


WRITTEN: Final = ("en", "fr", "es", "ar", "ru", "zh")
"""Languages that a request can be written in."""

BASES: Final = {
    Instrument.EU_SPOC: LegalBasis.EU_2023_977,
    Instrument.FP13: LegalBasis.FIREARMS_PROTOCOL,
    Instrument.UNTOC18: LegalBasis.UNTOC_18,
    Instrument.BILATERAL: LegalBasis.BILATERAL,
}
"""What both sides have a contact for, they can rely on; the strictest first."""


def fit(asking: Side, asked: Side, *, urgent: bool = False) -> Fit:
    """Return the language, the legal bases and the channels that fit both sides."""
    common = [code for code in asked.languages if code in asking.languages]
    usable = [code for code in (*common, *asked.languages) if code in WRITTEN]
    both = {*asking.instruments} & {*asked.instruments}
    bases = [basis for instrument, basis in BASES.items() if instrument in both]
    return Fit(
        language=usable[0] if usable else "",
        # Every member of the United Nations has agreed to the instrument (ITI 1).
        bases=(*bases, LegalBasis.ITI),
        channels=tuple(_channels(asking, asked, urgent=urgent)),
    )


def _channels(asking: Side, asked: Side, *, urgent: bool) -> Iterator[Channel]:
    yield Channel.OWN_INSTANCE
    shared = [code for code in asked.channels if code in asking.channels]
    for code in dict.fromkeys(shared):
        if code in frozenset(Channel) and code != Channel.OWN_INSTANCE:
            yield Channel(code)
    route = asked.interpol
    if Channel.I247 not in shared and (
        route == InterpolRoute.YES or (urgent and route == InterpolRoute.URGENT_ONLY)
    ):
        yield Channel.I247
