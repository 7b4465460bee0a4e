"""The table of names, in and out: what is shipped, imported and exported as CSV.

An import adds, and never takes away or renames; all of a file comes in, or nothing.
"""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from tracing.directory.columns import Fault
from tracing.directory.names import LONGEST, key_of, key_of_calibre, key_of_model
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Alias, Calibre, Make, Model, Plant
from tracing.schemas.fields import COUNTRY_CODES
from workflows.lookalikes import shape

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
        given.get("make", ""),
        given.get("name", ""),
        country,
        given.get("place", ""),
        given.get("code", ""),
        tuple(alias.strip() for alias in aliases if alias.strip()),
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
        make: Any = None
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
                scope, model = ("model", make.name), Model(make=make, name=row.name)
                yield from self._named(row, scope, key_of_model, model)
            case "calibre":
                calibre = Calibre(name=row.name)
                yield from self._named(row, ("calibre",), key_of_calibre, calibre)
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
