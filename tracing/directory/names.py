"""What makes, models and calibres are called, and which of the names are one.

The table begins with what is shipped beside this module (names.csv, public facts) and
grows by imports of an installation. It says what is the same thing; it never says where
something was made: that is read from the mark.
"""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from itertools import chain
from typing import Any, Final

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload, selectinload

from tracing.directory.entries import Fault
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Alias, Calibre, Make, Model, Plant
from tracing.schemas.fields import COUNTRY_CODES
from workflows.lookalikes import normalised, shape
from workflows.matching import one_apart
from workflows.ranking import Traits

FILE: Final = "names.csv"
COLUMNS: Final = ("kind", "make", "name", "country", "place", "code", "aliases")
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "make": ("name",),
    "plant": ("make", "country"),
    "model": ("make", "name"),
    "calibre": ("name",),
}
"""The kinds of rows, and the columns that each needs."""

BETWEEN: Final = "|"
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


def _look_up(of: Any, query: Select[Any], keys: Collection[str]) -> Iterator[Any]:
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
    found = {}
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


# ------------------------------------------------------------------ in and out of the table


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file of names."""

    line: int
    kind: str
    make: str = ""
    name: str = ""
    country: str = ""
    place: str = ""
    code: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What an import has done, or what is wrong with the file."""

    added: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()


def ship() -> None:
    """Add what this version brings and the table lacks; nothing is changed.

    What the installation calls otherwise stays as it is.
    """
    text = resources.files("tracing.directory").joinpath(FILE).read_text("utf-8")
    rows, faults = read(text)
    assert not faults, faults
    _Table().add_all(rows)
    db.session.commit()


def import_names(text: str) -> Report:
    """Add names from CSV text: all of them, or none. Nothing is ever taken away."""
    rows, faults = read(text)
    table = _Table()
    if not faults:
        faults = table.add_all(rows)
    if faults:
        db.session.rollback()
        return Report(faults=tuple(faults))
    if table.added:
        journal.record(Kind.NAMES_CHANGED, None, payload={"added": dict(table.added)})
    db.session.commit()
    return Report(added=dict(table.added))


def read(text: str) -> tuple[list[Row], list[Fault]]:
    """Return the rows of a file, and what is wrong with it: row, column, what to do."""
    file = io.StringIO(text.removeprefix("\ufeff"), newline="")
    reader = csv.reader(file, strict=True)
    rows: list[Row] = []
    faults: list[Fault] = []
    try:
        head = [name.strip().lower() for name in next(reader, [])]
        faults += _faults_of_head(head)
        if faults:
            return [], faults
        for cells in reader:
            if any(cell.strip() for cell in cells):
                row, wrong = _row(reader.line_num, head, cells)
                faults += wrong
                rows += [row] if row else []
    except csv.Error as error:
        remedy = f"This is not CSV ({error}); check the double quotes."
        return [], [Fault(max(reader.line_num, 1), "", "", remedy)]
    return rows, faults


def _faults_of_head(head: list[str]) -> list[Fault]:
    known = ", ".join(COLUMNS)
    faults = [
        Fault(1, name, "", f"No such column; the columns are {known}.")
        for name in head
        if name not in COLUMNS
    ]
    faults += [
        Fault(1, name, "", "This column is missing.")
        for name in ("kind", "name")
        if name not in head
    ]
    if len(set(head)) < len(head):
        faults.append(Fault(1, "", "", "A column stands twice; keep one of them."))
    return faults


def _row(
    line: int, head: list[str], cells: list[str]
) -> tuple[Row | None, list[Fault]]:
    if len(cells) != len(head):
        remedy = f"This line has {len(cells)} cells and the first line {len(head)}."
        return None, [Fault(line, "", "", remedy)]
    given = {name: cell.strip() for name, cell in zip(head, cells, strict=True)}
    faults = [
        Fault(line, name, "", "Take out the control characters.")
        for name, cell in given.items()
        if any(ord(sign) < 32 for sign in cell)
    ]
    kind = given["kind"].lower()
    if kind not in KINDS:
        remedy = f"Write one of {', '.join(KINDS)}."
        return None, [*faults, Fault(line, "kind", given["kind"][:80], remedy)]
    faults += [
        Fault(line, name, "", f"Every {kind} needs this.")
        for name in KINDS[kind]
        if not given.get(name)
    ]
    country = given.get("country", "").upper()
    if country and country not in COUNTRY_CODES:
        remedy = "Write the two letters of ISO 3166-1, such as KE."
        faults.append(Fault(line, "country", country[:80], remedy))
    aliases = given.pop("aliases", "").split(BETWEEN)
    row = Row(
        line,
        kind,
        **{name: given.get(name, "") for name in ("make", "name", "place", "code")},
        country=country,
        aliases=tuple(alias.strip() for alias in aliases if alias.strip()),
    )
    lengths = {"code": 10}
    for name in ("make", "name", "place", "code"):
        most = lengths.get(name, LONGEST)
        if len(getattr(row, name)) > most:
            faults.append(Fault(line, name, getattr(row, name)[:80], _shorten(most)))
    for alias in row.aliases:
        if len(alias) > LONGEST:
            faults.append(Fault(line, "aliases", alias[:80], _shorten(LONGEST)))
    return row, faults


def _shorten(most: int) -> str:
    return f"Shorten it to {most} characters."


class _Table:
    """The table as it is, and as it grows; the caller commits."""

    def __init__(self) -> None:
        self.added: Counter[str] = Counter()
        self.known: dict[tuple[str, ...], Any] = {}
        """What is meant, by its kind (and its make, of a model) and a key."""
        query = select(Alias).options(
            joinedload(Alias.make),
            joinedload(Alias.model).joinedload(Model.make),
            joinedload(Alias.calibre),
        )
        for row in db.session.scalars(query):
            if row.make is not None:
                self.known["make", row.key] = row.make
            elif row.model is not None:
                self.known["model", row.model.make.name, row.key] = row.model
            elif row.calibre is not None:
                self.known["calibre", row.key] = row.calibre
        plants = db.session.execute(
            select(Make.name, Plant.country, Plant.place).join(
                Plant, Plant.make_id == Make.id
            )
        )
        self.plants = {tuple(row) for row in plants}

    def add_all(self, rows: Iterable[Row]) -> list[Fault]:
        """Add what is new; return what cannot be."""
        with db.session.no_autoflush:
            return [fault for row in rows for fault in self._add(row)]

    def _add(self, row: Row) -> Iterator[Fault]:
        make = None
        if row.make:
            make = self.known.get(("make", key_of(row.make)))
            if make is None:
                remedy = "There is no such make: put a row of the kind make before it."
                yield Fault(row.line, "make", row.make, remedy)
                return
        match row.kind:
            case "make":
                yield from self._named(row, ("make",), key_of, Make(name=row.name))
            case "model":
                scope, made = ("model", make.name), Model(make=make, name=row.name)
                yield from self._named(row, scope, key_of_model, made)
            case "calibre":
                made = Calibre(name=row.name)
                yield from self._named(row, ("calibre",), key_of_calibre, made)
            case _:
                self._plant(row, make)

    def _named(
        self,
        row: Row,
        scope: tuple[str, ...],
        key_of_it: Callable[[str], str],
        new: Any,
    ) -> Iterator[Fault]:
        """Add a thing and its names, or the names alone where it is there already."""
        key = key_of_it(row.name)
        if not key:
            yield Fault(row.line, "name", row.name, "Write a letter or a figure.")
            return
        meant = self.known.get((*scope, key))
        if meant is None:
            meant = new
            db.session.add(meant)
            self.added[row.kind] += 1
            self._call(row.kind, meant, row.name, key)
            self.known[*scope, key] = meant
        for text in row.aliases:
            key = key_of_it(text)
            there = self.known.get((*scope, key))
            if not key:
                yield Fault(row.line, "aliases", text, "Write a letter or a figure.")
            elif there is None:
                self.added["alias"] += 1
                self._call(row.kind, meant, text, key)
                self.known[*scope, key] = meant
            elif there is not meant:
                remedy = f"{there.name} is called so already: leave it out here."
                yield Fault(row.line, "aliases", text, remedy)

    def _call(self, kind: str, meant: Any, text: str, key: str) -> None:
        given = {kind: meant, "text": text, "key": key, "folded": shape(key)}
        db.session.add(Alias(**given))

    def _plant(self, row: Row, make: Any) -> None:
        if (make.name, row.country, row.place) not in self.plants:
            self.plants.add((make.name, row.country, row.place))
            given = {"country": row.country, "place": row.place, "code": row.code}
            make.plants.append(Plant(**given))
            self.added["plant"] += 1


def exported() -> Iterator[tuple[str, ...]]:
    """Yield the whole table as the lines of a file that can be imported."""
    aliases: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for row in db.session.scalars(select(Alias).order_by(Alias.id)):
        for kind in ("make", "model", "calibre"):
            if (number := getattr(row, f"{kind}_id")) is not None:
                aliases[kind, number].append(row.text)

    def others(kind: str, row: Any) -> str:
        texts = aliases[kind, row.id]
        return f" {BETWEEN} ".join(text for text in texts if text != row.name)

    yield COLUMNS
    of_make = select(Model).order_by(Model.id)
    models: defaultdict[int, list[Model]] = defaultdict(list)
    for model in db.session.scalars(of_make):
        models[model.make_id].append(model)
    query = select(Make).options(selectinload(Make.plants)).order_by(Make.id)
    for make in db.session.scalars(query):
        yield "make", "", make.name, "", "", "", others("make", make)
        for plant in make.plants:
            yield "plant", make.name, "", plant.country, plant.place, plant.code, ""
        for model in models[make.id]:
            yield "model", make.name, model.name, "", "", "", others("model", model)
    for calibre in db.session.scalars(select(Calibre).order_by(Calibre.id)):
        yield "calibre", "", calibre.name, "", "", "", others("calibre", calibre)
