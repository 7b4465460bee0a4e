"""What makes, models and calibres are called, and which of the names are one.

The table begins with what is shipped beside this module (names.csv, public facts) and
grows by imports of an installation. It says what is the same thing; it never says where
something was made: that is read from the mark.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final, TypeVar

from sqlalchemy import Select, or_, select

from tracing.extensions import db
from tracing.models import Alias, Calibre, Make, Model, Plant
from workflows.lookalikes import normalised, shape
from workflows.matching import Hit, one_apart
from workflows.ranking import Field, Possible, Traits, compared, ranked

T = TypeVar("T")

LONGEST: Final = 100
MOST_AT_ONCE: Final = 500
MOST_SUGGESTED: Final = 400
SHORTEST_GUESSED: Final = 4
NOWHERE: Final = "XX"
"""Stands for a country that nobody can name."""

TIMES: Final = str.maketrans("×✕✖*", "xxxx")
OF_A_FIRM: Final = frozenset(
    {
        *("AG", "AS", "CO", "COMPANY", "CORP", "CORPORATION", "DOO", "GESMBH", "GMBH"),
        *("INC", "INCORPORATED", "KG", "LIMITED", "LLC", "LTD", "MANUFACTURING", "MFG"),
        *("OAO", "PLC", "SA", "SAS", "SON", "SONS", "SPA", "SRL", "SRO", "АО", "ОАО"),
        *("ООО", "ПАО"),
    }
)
OF_A_MODEL: Final = frozenset({"MODEL", "MOD", "MODELE", "MODELO", "MODELL", "МОДЕЛЬ"})
OF_A_CALIBRE: Final = frozenset(
    {"MM", "ММ", "ملم", "مم", "毫米", "CAL", "CALIBRE", "CALIBER", "КАЛИБР", "عيار"}
)
"""Words that a name is the same with and without."""

UNKNOWN: Final = frozenset(
    map(
        normalised,
        (
            *("unknown", "not known", "n/a", "none", "inconnu", "inconnue"),
            *("desconocido", "desconocida", "неизвестно", "неизвестен", "неизвестна"),
            *("غير معروف", "مجهول", "未知", "不详"),
        ),
    )
)
"""What people write where a name is asked for and nobody can tell."""


# ------------------------------------------------------------------------- the keys


def key_of(text: str, left_out: Collection[str] = OF_A_FIRM) -> str:
    """Return a name without case, signs, and words that make no difference."""
    words = [normalised(word) for word in text.translate(TIMES).split()]
    known = [word for word in words if word and word not in left_out]
    return "".join(known or words)


def key_of_calibre(text: str) -> str:
    """Return the same of a calibre, whose unit may stand at its figures."""
    spaced = text.translate(TIMES).replace("мм", " мм").replace("ملم", " ملم")
    for unit in ("mm", "MM", "Mm"):
        spaced = spaced.replace(unit, f" {unit} ")
    return key_of(spaced, OF_A_CALIBRE)


def key_of_model(text: str) -> str:
    """Return the same of a model."""
    return key_of(text, OF_A_MODEL)


# --------------------------------------------------------------------- what is the same


@dataclass(frozen=True)
class Known:
    """Names under their keys: what is written so, and what only looks so."""

    exact: Mapping[str, set[str]]
    alike: Mapping[str, set[str]]

    def one(self, key: str) -> str | None:
        """Return the one name of a key; of several none is meant for sure."""
        found = self.exact.get(key) or self.alike.get(shape(key)) or set()
        return next(iter(found)) if len(found) == 1 else None


def _known(rows: Iterable[tuple[str, str, str]]) -> Known:
    exact: defaultdict[str, set[str]] = defaultdict(set)
    alike: defaultdict[str, set[str]] = defaultdict(set)
    for key, folded, name in rows:
        exact[key].add(name)
        alike[folded].add(name)
    return Known(exact, alike)


def _look_up(
    of: Any, query: Select[*tuple[Any, ...]], keys: Collection[str]
) -> Iterator[Any]:
    """Yield the rows of some keys."""
    wanted = sorted(set(keys) - {""})
    for start in range(0, len(wanted), MOST_AT_ONCE):
        some = wanted[start : start + MOST_AT_ONCE]
        same = Alias.key.in_(some), Alias.folded.in_([*map(shape, some)])
        yield from db.session.execute(query.where(of.is_not(None), or_(*same)))


def _given(texts: Iterable[str | None]) -> list[str]:
    return [text for text in texts if text and len(text) <= LONGEST]


def canonical(items: Sequence[Traits]) -> list[Traits]:
    """Return items with the names of the table; what it does not know stays.

    Where a word says that nobody can tell, nothing is left: it agrees with nothing.
    """
    items = [_without_unknown(one) for one in items]
    makes = makes_of(one.make for one in items)
    calibres = calibres_of(one.calibre for one in items)
    named = [
        replace(
            one,
            make=makes.get(one.make or "", one.make),
            calibre=calibres.get(one.calibre or "", one.calibre),
        )
        for one in items
    ]
    models = models_of(
        (one.model, one.make, was.make) for one, was in zip(named, items, strict=True)
    )
    return [
        replace(one, model=models.get((one.model, one.make), one.model))
        for one in named
    ]


def likeliest(
    asked: Traits, found: Iterable[tuple[T, Hit, Traits]]
) -> list[Possible[T]]:
    """Return possible items in order: however somebody wrote it, one name is one."""
    rows = list(found)
    of, *there = canonical([asked, *(traits for _, _, traits in rows)])
    named = zip(rows, there, strict=True)
    return ranked(of, ((what, hit, traits) for (what, hit, _), traits in named))


def agreements(asked: Traits, found: Sequence[Traits]) -> list[tuple[Field, ...]]:
    """Return field by field whether items agree with the one that is looked for."""
    of, *there = canonical([asked, *found])
    return [compared(of, traits) for traits in there]


def _without_unknown(one: Traits) -> Traits:
    said = {
        name: None
        for name in ("make", "model", "calibre")
        if normalised(getattr(one, name) or "") in UNKNOWN
    }
    return replace(one, **said) if said else one


def makes_of(texts: Iterable[str | None]) -> dict[str, str]:
    """Return the make that each text means, where it is known."""
    keys = {text: key_of(text) for text in _given(texts)}
    query = select(Alias.key, Alias.folded, Make.name).join(
        Make, Make.id == Alias.make_id
    )
    known = _known(_look_up(Alias.make_id, query, keys.values()))
    return _named(keys, known)


def calibres_of(texts: Iterable[str | None]) -> dict[str, str]:
    """Return the calibre that each text means, where it is known."""
    keys = {text: key_of_calibre(text) for text in _given(texts)}
    query = select(Alias.key, Alias.folded, Calibre.name).join(
        Calibre, Calibre.id == Alias.calibre_id
    )
    known = _known(_look_up(Alias.calibre_id, query, keys.values()))
    return _named(keys, known)


def _named(keys: Mapping[str, str], known: Known) -> dict[str, str]:
    found = ((text, known.one(key)) for text, key in keys.items())
    return {text: name for text, name in found if name}


Asked = tuple[str | None, str | None, str | None]
"""A model, its make as the table has it, and its make as somebody wrote it."""


def models_of(asked: Iterable[Asked]) -> dict[tuple[str | None, str | None], str]:
    """Return the model that each text means: of its make, or of any if there is none."""
    wanted = {
        (model, make): _keys_of_model(model, make, written)
        for model, make, written in asked
        if model and len(model) <= LONGEST
    }
    query = (
        select(Alias.key, Alias.folded, Model.name, Make.name)
        .join(Model, Model.id == Alias.model_id)
        .join(Make, Make.id == Model.make_id)
    )
    keys = chain.from_iterable(wanted.values())
    rows = list(_look_up(Alias.model_id, query, list(keys)))
    of_make: defaultdict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for key, folded, name, make in rows:
        of_make[make].append((key, folded, name))
    known = {make: _known(some) for make, some in of_make.items()}
    any_make = _known((key, folded, name) for key, folded, name, _ in rows)
    found: dict[tuple[str | None, str | None], str] = {}
    for (model, make), keys_of_it in wanted.items():
        here = known.get(make, Known({}, {})) if make else any_make
        names = (here.one(key) for key in keys_of_it)
        if name := next(filter(None, names), None):
            found[model, make] = name
    return found


def _keys_of_model(model: str, make: str | None, written: str | None) -> list[str]:
    """Return its key, and that without the make, which many write before it."""
    keys = [key_of_model(model)]
    for before in (make, written):
        key = key_of(before) if before else ""
        if key and keys[0].startswith(key) and len(keys[0]) > len(key):
            keys.append(keys[0][len(key) :])
    return keys


# -------------------------------------------------------------------- for who fills in


def suggested_makes() -> list[str]:
    """Return names of makes to choose from."""
    query = select(Make.name).order_by(Make.name).limit(MOST_SUGGESTED)
    return list(db.session.scalars(query))


def suggested_models(make: str = "") -> list[str]:
    """Return names of models to choose from: of a make that is known, else of all."""
    query = select(Model.name).distinct().order_by(Model.name).limit(MOST_SUGGESTED)
    if name := makes_of([make]).get(make):
        query = query.join(Make).where(Make.name == name)
    return list(db.session.scalars(query))


def suggested_calibres() -> list[str]:
    """Return names of calibres to choose from."""
    query = select(Calibre.name).order_by(Calibre.id).limit(MOST_SUGGESTED)
    return list(db.session.scalars(query))


@dataclass(frozen=True, slots=True)
class Brand:
    """What the table knows of a make that somebody wrote."""

    name: str
    """As the table has it; empty: it does not know it."""
    countries: tuple[str, ...] = ()
    nearest: str = ""
    """Where it does not know it: the make that is one error away."""


def brand_of(text: str | None) -> Brand:
    """Return what is known of a make; where an item was made says its mark alone."""
    if not text or normalised(text) in UNKNOWN:
        return Brand("")
    name = makes_of([text]).get(text)
    if name is None:
        return Brand("", nearest=_nearest(text))
    query = select(Plant.country).join(Make).where(Make.name == name).order_by(Plant.id)
    return Brand(name, tuple(dict.fromkeys(db.session.scalars(query))))


def _nearest(text: str) -> str:
    """Return the one make whose name is one error away."""
    wanted = shape(key_of(text))
    if len(wanted) < SHORTEST_GUESSED:
        return ""
    query = select(Alias.folded, Make.name).join(Make, Make.id == Alias.make_id)
    rows = db.session.execute(query.limit(10 * MOST_AT_ONCE))
    found = {name for folded, name in rows if one_apart(wanted, folded)}
    return next(iter(found)) if len(found) == 1 else ""
