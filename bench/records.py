"""National records by the million, and how fast a worn number finds its own."""

import json
import string
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from random import Random
from typing import Any, Final

from flask import Flask
from sqlalchemy import insert, select

from bench.databases import by_superuser, databases
from tracing import create_app
from tracing.casework import records
from tracing.extensions import db
from tracing.models import Authority, RegistryItem
from tracing.models.keys import key_columns
from tracing.security import isolation
from workflows.markings import read
from workflows.matching import asked, judge
from workflows.ranking import Traits
from workflows.vocabulary import FirearmType, ItemKind, KeptFor, RecordStatus, Rung

NAMES: Final = (
    "serial_exact_p95_ms",
    "serial_fold_p95_ms",
    "serial_one_error_p95_ms",
    "serial_pattern_p95_ms",
    "serial_search_p95_ms",
    "serial_recall",
    "plain_lookup_p95_ms",
)
SIZES: Final = {
    "small": {"sqlite": 50_000, "postgresql": 50_000},
    "full": {"sqlite": 1_000_000, "postgresql": 10_000_000},
}
TARGETS: Final = {
    "serial_exact_p95_ms": 2.0,
    "serial_fold_p95_ms": 2.0,
    "serial_one_error_p95_ms": {"sqlite": 3.0, "postgresql": 10.0},
    "serial_pattern_p95_ms": 15.0,
    "serial_recall": 1.0,
}
"""What is wanted at the full size."""

BATCH: Final = 10_000
SAMPLE: Final = 300
SEED: Final = 1899
MAKES: Final = ("Example Arms", "Sample Works", "Specimen Armoury", "Invented Forge")
LIKE: Final = {"0": "O", "1": "I", "5": "S", "8": "B", "B": "В", "A": "А", "K": "К"}
"""What a figure or letter is taken for; the last three are Cyrillic."""


# --------------------------------------------------------------------------- the rows


def serials(chance: Random) -> Iterator[str]:
    """Yield numbers in ten formats, and of one maker a long run, as registers have."""
    letters, figures = string.ascii_uppercase, string.digits
    run = 1_000_000

    def some(of: str, many: int) -> str:
        return "".join(chance.choices(of, k=many))

    formats: tuple[Callable[[], str], ...] = (
        lambda: some(letters, 2) + some(figures, 6),
        lambda: some(letters, 3) + some(figures, 3),
        lambda: some(figures, 7),
        lambda: some(letters, 1) + some(figures, 6) + some(letters, 1),
        lambda: f"{some(figures, 2)}-{some(letters, 2)}-{some(figures, 5)}",
        lambda: f"{some(letters, 2)} {some(figures, 5)}/{some(figures, 2)}",
        lambda: some(figures, 9),
        lambda: some(letters, 4) + some(figures, 4),
        lambda: some("АВЕКМНОРСТУХ", 2) + some(figures, 5),
        lambda: some(letters + figures, 8),
    )
    while True:
        for one in formats:
            yield one()
        run += 1
        yield f"EX{run}"


def rows(n: int, authority_id: int, chance: Random) -> Iterator[dict[str, Any]]:
    """Yield the records, the same on each run."""
    now = datetime.now(UTC)
    calibres = ("9x19", ".45 ACP", "7.62x39", "12/70")
    kinds = tuple(FirearmType)
    for number, serial in enumerate(islice(serials(chance), n)):
        yield {
            "authority_id": authority_id,
            "source": "Bench",
            "source_key": f"B-{number}",
            "version": 1,
            "kind": ItemKind.FIREARM,
            "firearm_type": kinds[number % len(kinds)],
            "make": MAKES[number % len(MAKES)],
            "model": f"M{number % 37}",
            "calibre": calibres[number % len(calibres)],
            "year": 1950 + number % 70,
            "country_of_manufacture": "BR",
            "status": RecordStatus.REGISTERED,
            "shared": False,
            "keep": KeptFor.TWENTY,
            "review_on": date(2046, 1, 1),
            "recorded_at": now,
            "changed_at": now,
            "text": serial,
            **key_columns(serial),
        }


def fill(n: int) -> tuple[int, list[str]]:
    """Write the records of one authority; return whose they are, and some numbers."""
    home = Authority(
        code="BENCH",
        country="BR",
        name="Invented authority",
        zone="UTC",
        languages=("en",),
        email="bench@authority.example",
        fictional=True,
    )
    db.session.add(home)
    db.session.commit()
    chance = Random(SEED)
    found = rows(n, home.id, chance)
    write = _copy if db.engine.dialect.name == "postgresql" else _insert
    kept: list[str] = []
    while batch := list(islice(found, BATCH)):
        write(batch)
        db.session.commit()
        kept += [row["text"] for row in batch[:: max(1, n // (BATCH * 4))]]
    _analyse()
    return home.id, chance.sample(kept, min(SAMPLE, len(kept)))


def _analyse() -> None:
    """Do what the databases do by themselves in time."""
    raw = db.engine.raw_connection()
    driver: Any = raw.driver_connection
    if db.engine.dialect.name == "sqlite":
        driver.execute("ANALYZE")
    else:
        driver.autocommit = True
        driver.execute("VACUUM ANALYZE registry_item")
        driver.autocommit = False
    raw.close()


def _insert(batch: list[dict[str, Any]]) -> None:
    db.session.execute(insert(RegistryItem.__table__), batch)


def _copy(batch: list[dict[str, Any]]) -> None:
    columns = list(batch[0])
    cursor = db.session.connection().connection.cursor()
    names = ", ".join(f'"{name}"' for name in columns)
    with cursor.copy(f"COPY registry_item ({names}) FROM STDIN") as copy:
        for row in batch:
            copy.write_row([_plain(row[name]) for name in columns])


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value


# ------------------------------------------------------------------------ what is worn


def looks_alike(serial: str, chance: Random) -> str:
    """Return a number with one character taken for another that looks like it."""
    places = [i for i, char in enumerate(serial) if char in LIKE]
    if not places:
        return serial.lower()
    here = chance.choice(places)
    return serial[:here] + LIKE[serial[here]] + serial[here + 1 :]


def one_wrong(serial: str, chance: Random) -> str:
    """Return a number with one character more, less or another, or two exchanged."""
    here = chance.randrange(len(serial) - 1)
    char = chance.choice("JMNPRUVWXY23679")
    before, after = serial[:here], serial[here:]
    ways = (
        before + char + after[1:],
        before + char + after,
        before + after[1:],
        before + after[1] + after[0] + after[2:],
    )
    return chance.choice(ways)


PATTERNS: Final[dict[str, Callable[[str], str]]] = {
    "AB?1234": lambda serial: serial[:2] + "?" + serial[3:],
    "*4567": lambda serial: "*" + serial[-4:],
    "AB*567": lambda serial: serial[:2] + "*" + serial[-3:],
}


# ------------------------------------------------------------------------- the figures


@dataclass(frozen=True)
class Desk:
    """The records of one database, asked as the pages ask."""

    kind: str
    n: int
    home: int
    sample: list[str]

    def say(self, name: str, value: float, unit: str = "ms", **more: object) -> None:
        """Print one figure, with what is wanted of it."""
        target = TARGETS.get(name)
        if isinstance(target, dict):
            target = target[self.kind]
        line = {"name": name, "value": round(value, 3), "unit": unit, "n": self.n}
        line |= {"database": self.kind} | more
        if target is not None:
            line["target"] = target
        print(json.dumps(line), flush=True)

    def p95(
        self, texts: list[str], work: Callable[[str], object]
    ) -> tuple[float, float]:
        """Return the 95th of a hundred, and the median, in milliseconds."""
        took = []
        for turn in (0, 1):
            for one in texts:
                begun = time.perf_counter()
                work(one)
                if turn:  # the first round warms up
                    took.append((time.perf_counter() - begun) * 1000)
                db.session.rollback()
        took.sort()
        return took[int(len(took) * 0.95)], took[len(took) // 2]

    def rung(self, serial: str, rung: Rung) -> list[Any]:
        """Ask for one rung of the ladder, and judge what comes."""
        mark, hits = read(serial), []
        for ask in asked(mark):
            if ask.rung is not rung or ask.is_open:
                continue
            for found, _more in records.rows_of(records._own, self.home, ask):
                hits += [row for row in found if judge(mark, row[-1])]
            if rung is not Rung.PATTERN:
                break
        return hits

    def measure(self, wanted: set[str]) -> None:
        """Measure what is wanted."""
        chance = Random(SEED + 1)
        alike = [looks_alike(serial, chance) for serial in self.sample]
        wrong = [one_wrong(serial, chance) for serial in self.sample]
        ladder = {
            "serial_exact_p95_ms": (self.sample, Rung.EXACT),
            "serial_fold_p95_ms": (alike, Rung.FOLDED),
            "serial_one_error_p95_ms": (wrong, Rung.ONE_ERROR),
        }
        if "plain_lookup_p95_ms" in wanted:
            keys = [f"B-{chance.randrange(self.n)}" for _ in self.sample]
            high, middle = self.p95(keys, self.plain)
            self.say("plain_lookup_p95_ms", high, p50=round(middle, 3))
        for name, (texts, rung) in ladder.items():
            if name in wanted:

                def work(text: str, rung: Rung = rung) -> object:
                    return self.rung(text, rung)

                high, middle = self.p95(texts, work)
                self.say(name, high, p50=round(middle, 3))
        if "serial_pattern_p95_ms" in wanted:
            for case, pattern in PATTERNS.items():
                texts = [pattern(serial) for serial in self.sample]
                high, middle = self.p95(texts, lambda t: self.rung(t, Rung.PATTERN))
                more = {"case": case, "p50": round(middle, 3)}
                self.say("serial_pattern_p95_ms", high, **more)
        if "serial_search_p95_ms" in wanted:
            high, middle = self.p95(wrong, self.search)
            self.say("serial_search_p95_ms", high, p50=round(middle, 3))
        if "serial_recall" in wanted:
            pairs = zip(self.sample, wrong, strict=True)
            found = sum(serial in self.search(worn) for serial, worn in pairs)
            self.say("serial_recall", found / len(self.sample), "", of=len(self.sample))

    def search(self, serial: str) -> set[str]:
        """Search as an officer does; return the numbers that were found."""
        found = records.search(self.home, serial, Traits())
        return {one.what.serial for one in found.possible}

    def plain(self, key: str) -> object:
        """Look a record up by its key: what any index gives."""
        return db.session.execute(
            select(RegistryItem.id, RegistryItem.text).where(
                RegistryItem.authority_id == self.home, RegistryItem.source_key == key
            )
        ).all()


def measure(kind: str, wanted: set[str], scale: str) -> None:
    """Fill a database of one kind with records, measure behind its walls, clean up."""
    n = SIZES[scale][kind]
    with databases(kind, logins=True) as make:
        settings = make("bench_records")
        owner = create_app(by_superuser(settings), login="owner")
        begun = time.perf_counter()
        with owner.app_context():
            home, sample = fill(n)
            db.session.remove()
            db.engine.dispose()
        took = time.perf_counter() - begun
        print(f"# {kind}: {n} records in {took:.1f} s", file=sys.stderr, flush=True)
        _as_the_pages(create_app(settings), Desk(kind, n, home, sample), wanted)


def _as_the_pages(app: Flask, desk: Desk, wanted: set[str]) -> None:
    with app.app_context():
        isolation.work_for(desk.home)
        desk.measure(wanted)
        db.session.remove()
        db.engine.dispose()
