"""Measure: one JSON object a line. ONLY, SCALE and DATABASE choose (docs/bench.md)."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any, Final

from flask import Flask
from sqlalchemy import Connection, event

from bench import counting, fanout, importing, records, seeding, site
from bench.databases import by_superuser, databases
from bench.seeding import ASKING, LARGE, TINY, World
from bench.site import Figures, Person, Site
from tracing import create_app, worker
from tracing.casework import leaving, moving
from tracing.config import Settings
from tracing.directory import entries, versions
from tracing.directory.versions import Proposal
from tracing.extensions import db
from tracing.journal import live
from tracing.journal.verify import check_export
from tracing.models import Authority, ChangeKind
from workflows.policies import Actor, Role

NAMES: Final = (
    "queue_page_p50_ms",
    "queue_page_rps",
    "isolated_queue_page_p50_ms",
    "isolation_matrix_s",
    "orm_floor_rps",
    "request_page_p50_ms",
    "file_request_rps",
    "file_request_posts_rps",
    "server_rss_mb",
    "sweep_s",
    "sweep_due_s",
    "deadlines_per_s",
    "recompute_s",
    "directory_search_p95_ms",
    "journal_verify_s_per_million",
    *records.NAMES,
    "import_rows_per_s",
    "import_rss_mb",
    "fanout_s",
)
SIZES: Final = {
    "small": (1_000, 20_000),
    "full": (1_000, 1_000_000),
    "large": (100_000, 1_000_000),
}
ROUNDS: Final = {"small": (3, 2.0), "full": (5, 4.0), "large": (3, 2.0)}
"""How many times each figure is taken, in turns with the others, and for how long."""

DUE: Final = 10_000
RECOMPUTED: Final = 100_000


ENTRIES: Final = 200_000
"""Of which journal: a short one is over before its processes are there."""


@dataclass(frozen=True)
class Place:
    """One database of a size, and the site that serves it."""

    n: int
    kind: str
    world: World
    app: Flask
    site: Site
    settings: Settings

    def say(self, name: str, value: float, unit: str, **more: str | float) -> None:
        """Print one figure."""
        line = {"name": name, "value": round(value, 2), "unit": unit, "n": self.n}
        print(json.dumps(line | {"database": self.kind} | more), flush=True)


def note(text: str) -> None:
    """Say how far it has come, beside the figures."""
    print(f"# {text}", file=sys.stderr, flush=True)


class Bench:
    """The measures of one kind of database, at all sizes in turns."""

    def __init__(self, places: list[Place], wanted: set[str], scale: str) -> None:
        """Measure at these places."""
        self.places, self.wanted, self.scale = places, wanted, scale
        self.rounds, self.seconds = ROUNDS[scale]

    def in_turns(
        self, code: str, work: Callable[[Place], site.Work]
    ) -> Iterator[tuple[Place, Figures]]:
        """Measure each place once a round, so that a busy moment harms all alike."""
        works = {place.n: work(place) for place in self.places}
        people = {place.n: place.site.people(code) for place in self.places}
        found: dict[int, list[Figures]] = {place.n: [] for place in self.places}
        for place in self.places:
            site.measure(people[place.n], works[place.n], 0.7)
        for _ in range(self.rounds):
            for place in self.places:
                taken = site.measure(people[place.n], works[place.n], self.seconds)
                found[place.n].append(taken)
        for place in self.places:
            for person in people[place.n]:
                person.line.close()
            yield (
                place,
                Figures(
                    median(f.p50 for f in found[place.n]),
                    median(f.rate for f in found[place.n]),
                ),
            )

    def run(self) -> None:
        """Measure what is wanted."""
        if self.wanted & {"queue_page_p50_ms", "queue_page_rps"}:
            self.queue_page()
        if "isolated_queue_page_p50_ms" in self.wanted:
            self.isolated()
        if "isolation_matrix_s" in self.wanted:
            _matrix(self.places[0])
        if "orm_floor_rps" in self.wanted:
            for place, figures in self.in_turns(LARGE, _floor):
                place.say("orm_floor_rps", figures.rate, "1/s")
        if "request_page_p50_ms" in self.wanted:
            for place, figures in self.in_turns(LARGE, _request_page):
                place.say("request_page_p50_ms", figures.p50, "ms")
        if self.wanted & {"file_request_rps", "file_request_posts_rps"}:
            for place, figures in self.in_turns(ASKING, _filing):
                self.say(place, "file_request_rps", figures.rate, "1/s")
                self.say(place, "file_request_posts_rps", figures.rate * 2, "1/s")
        if "server_rss_mb" in self.wanted:
            for place in self.places:
                place.say("server_rss_mb", place.site.megabytes(), "MB")
        if "sweep_s" in self.wanted:
            for place in self.places:
                _sweep(place)
        if "sweep_due_s" in self.wanted:
            for place in self.places:
                _sweep_due(place)
        if "deadlines_per_s" in self.wanted:
            place = self.places[0]
            rate, per_cpu = counting.deadlines_per_s(self.seconds)
            place.say("deadlines_per_s", rate, "1/s", cpu=round(per_cpu))
        if "recompute_s" in self.wanted:
            _recompute(self.places[-1])
        if "directory_search_p95_ms" in self.wanted:
            _search(self.places[0])
        if "journal_verify_s_per_million" in self.wanted:
            _verify(self.places[-1])
        if self.wanted & {"import_rows_per_s", "import_rss_mb"}:
            self.importing()
        if "fanout_s" in self.wanted:
            _fan_out(self.places[0], self.rounds)

    def say(
        self, place: Place, name: str, value: float, unit: str, **more: str
    ) -> None:
        """Print a figure that is wanted."""
        if name in self.wanted:
            place.say(name, value, unit, **more)

    def queue_page(self) -> None:
        """Measure the page of 25 rows for a large authority and a tiny one."""
        for code in (LARGE, TINY):
            for place, figures in self.in_turns(code, _queue_page):
                case = {"case": code.lower()}
                self.say(place, "queue_page_p50_ms", figures.p50, "ms", **case)
                self.say(place, "queue_page_rps", figures.rate, "1/s", **case)

    def importing(self) -> None:
        """Bring a file of records in, with all indexes in place, and once more."""
        place, rows = self.places[0], importing.ROWS[self.scale]
        for case, (rate, size) in importing.bring(
            place.settings, place.app, rows
        ).items():
            more = {"case": f"{case}, {rows} rows"}
            self.say(place, "import_rows_per_s", rate, "1/s", **more)
            self.say(place, "import_rss_mb", size, "MB", **more)

    def isolated(self) -> None:
        """Measure what the second wall costs: the same page by a login it lets by."""
        place = self.places[-1]
        if place.kind != "postgresql":
            note("row-level security is PostgreSQL's: nothing to compare on SQLite")
            return
        by_owner = replace(
            place.settings,
            database_url=by_superuser(place.settings).owner_database_url,
        )
        with site.serving(by_owner) as other:
            for code in (LARGE, TINY):
                found: dict[str, list[float]] = {"behind": [], "without": []}
                # The same sessions at both: a person may have so many and no more.
                behind_it = place.site.people(code)
                there = [
                    Person(other.port, dict(one.cookies), one.token)
                    for one in behind_it
                ]
                other.spread(there)
                people = {"behind": behind_it, "without": there}
                for turn in range(self.rounds + 1):
                    for name, crew in people.items():
                        taken = site.measure(crew, _queue_page(place), self.seconds)
                        if turn:  # the first warms up
                            found[name].append(taken.p50)
                for person in (*people["behind"], *people["without"]):
                    person.line.close()
                behind, without = median(found["behind"]), median(found["without"])
                place.say(
                    "isolated_queue_page_p50_ms",
                    behind,
                    "ms",
                    case=code.lower(),
                    without=round(without, 2),
                    ratio=round(behind / without, 2),
                )


def _matrix(place: Place) -> None:
    """Try every route × method × actor × state once, as the tests do."""
    wanted = f"tests/isolation/test_matrix.py -k {place.kind} -n auto -q"
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pytest", *wanted.split()], check=True, stdout=sys.stderr
    )
    place.say("isolation_matrix_s", time.perf_counter() - start, "s")


def _queue_page(_place: Place) -> site.Work:
    def work(person: Person) -> None:
        page, _where = person.ask("GET", "/queue")
        assert "<tbody>" in page

    return work


def _floor(_place: Place) -> site.Work:
    def work(person: Person) -> None:
        person.ask("GET", f"/points-of-contact/{TINY}/versions/1")

    return work


def _request_page(place: Place) -> site.Work:
    turn = count()

    def work(person: Person) -> None:
        references = place.world.references
        reference = references[next(turn) % len(references)]
        person.ask("GET", f"/trace-requests/{reference}")

    return work


def _filing(place: Place) -> site.Work:
    with place.app.app_context():
        asking = db.session.get_one(Authority, place.world.asking)
        asked = db.session.get_one(Authority, place.world.large)
        forms = [
            site.form_fields(seeding.form(n, asking, asked))
            for n in range(seeding.PATTERNS)
        ]
        db.session.rollback()
    turn = count()

    def work(person: Person) -> None:
        site.file_request(person, forms[next(turn) % len(forms)])

    return work


def _sweep(place: Place) -> None:
    with place.app.app_context():
        now = datetime.now(UTC)
        due = seeding.make_due(now)
        db.session.remove()
        start = time.perf_counter()
        written = worker.sweep()
        took = time.perf_counter() - start
        db.session.remove()
    place.say("sweep_s", took, "s", case=f"{due} due, {written} written")


def _sweep_due(place: Place) -> None:
    """Write the reminders of 10 000 due steps, whatever else is open."""
    with place.app.app_context():
        due = seeding.make_due(datetime.now(UTC), DUE)
        db.session.remove()
        start = time.perf_counter()
        written = worker.sweep()
        took = time.perf_counter() - start
        db.session.remove()
    place.say("sweep_due_s", took, "s", case=f"{due} due, {written} written")


def _recompute(place: Place) -> None:
    """Let open requests count by a calendar with one more holiday; tell both sides."""
    with place.app.app_context():
        found, day = seeding.under_a_calendar(place.world.large, RECOMPUTED)
        now = datetime.now(UTC)
        actor = Actor(
            1, "Bench", place.world.large, "LARGE", frozenset({Role.OPERATOR})
        )
        given = Proposal(
            kind=ChangeKind.HOLIDAY,
            first=day,
            last=day,
            why="To measure.",
            source="Bench",
            name="Measured day",
        )
        row = versions.propose(actor, "FR", given, now)
        start = time.perf_counter()
        moving.count(row)
        counted = time.perf_counter() - start
        db.session.refresh(row)
        versions.decide(actor, row.id, publish=True, now=now)
        longest = _longest_transaction()
        start = time.perf_counter()
        moved = moving.work(now)
        took = time.perf_counter() - start
        db.session.remove()
    place.say(
        "recompute_s",
        took,
        "s",
        case=f"{found} recounted, {moved} moved",
        counted=round(counted, 2),
        longest_transaction=round(max(longest), 2),
    )


def _longest_transaction() -> list[float]:
    """Return a list that gets how long each transaction from now on lasts."""
    lasted, begun = [0.0], {}

    @event.listens_for(db.engine, "begin")
    def _begin(connection: Connection) -> None:
        begun[id(connection)] = time.perf_counter()

    @event.listens_for(db.engine, "commit")
    def _commit(connection: Connection) -> None:
        lasted.append(time.perf_counter() - begun.pop(id(connection)))

    return lasted


SEARCHES: Final = (
    *("kenya", "Кения", "كينيا", "肯尼亚", "desk 7", "nowhere", ""),
    *("ÉGYPTE", "republic", "united arab", "中国", "tracing desk of brazil"),
)


def _search(place: Place) -> None:
    """Look for words in a thousand entries, as the list of contacts does."""
    with place.app.app_context():
        n = seeding.fill_directory(1_000)
        took = []
        for turn in range(300):
            start = time.perf_counter()
            entries.find(SEARCHES[turn % len(SEARCHES)], in_language="fr", limit=51)
            took.append((time.perf_counter() - start) * 1_000)
            db.session.rollback()
        db.session.remove()
    worst = sorted(took)[int(len(took) * 0.95)]
    place.say(
        "directory_search_p95_ms",
        worst,
        "ms",
        case=f"{n} entries",
        p50=round(median(took), 2),
    )


def _verify(place: Place) -> None:
    """Check at least so many entries, where they stand and in a file."""
    with place.app.app_context():
        seeding.fill_journal(place.world.tiny, max(place.n, ENTRIES))
        path = Path(place.app.instance_path) / "journal.txt"
        live.write(place.world.tiny, path, leaving.held_back(place.world.tiny))
        db.session.remove()
        start = _clocks()
        with live.many_hands() as hands, live.reading() as connection:
            (chain,) = live.chains(connection, TINY)
            report = live.check_chain(connection, chain, hands=hands)
        took = {"database": _since(start)}
        start = _clocks()
        with live.reading() as connection:
            live.check_chain(connection, chain)
        took["database, one process"] = _since(start)
        start = _clocks()
        in_file = check_export(path)
        took["file"] = _since(start)
        assert report.level == in_file.level == 0
        assert report.size == in_file.size >= place.n
    for case, (seconds, busy) in took.items():
        place.say(
            "journal_verify_s_per_million",
            seconds / report.size * 1_000_000,
            "s",
            case=case,
            cpu=round(busy / report.size * 1_000_000, 2),
        )


def _fan_out(place: Place, rounds: int) -> None:
    """Ask five registers at once, of which one is dead and one slow."""
    with place.app.app_context():
        # What a worker finds on its first day, so that it is at the look-ups alone.
        while worker.sweep():
            db.session.remove()
        worker.sign()
        db.session.remove()
    with fanout.desk(place.settings) as officer:
        found = [
            fanout.ask(officer, place.world.references[turn]) for turn in range(rounds)
        ]
    place.say(
        "fanout_s",
        median(one.four for one in found),
        "s",
        worst=round(max(one.four for one in found), 2),
        page_ms=round(median(one.page for one in found) * 1000, 1),
        dead=fanout.DEAD,
        dead_s=round(median(one.dead for one in found), 2),
    )


def _clocks() -> tuple[float, float]:
    """Return the time, and what this process and its children had of a processor."""
    had = os.times()
    return time.perf_counter(), sum(had[:4])


def _since(start: tuple[float, float]) -> tuple[float, float]:
    return time.perf_counter() - start[0], sum(os.times()[:4]) - start[1]


def measure(kind: str, wanted: set[str], scale: str) -> None:
    """Fill the databases of one kind, serve them, measure, clean up."""
    with contextlib.ExitStack() as leaving:
        make = leaving.enter_context(databases(kind, logins=True))
        places = []
        for n in SIZES[scale]:
            settings = make(f"bench_{n}")
            app = create_app(by_superuser(settings), login="owner")
            start = time.perf_counter()
            with app.app_context():
                leaving.callback(db.engine.dispose)
                world = seeding.fill(n)
                db.session.remove()
            note(f"{kind}: {n} requests in {time.perf_counter() - start:.1f} s")
            served = leaving.enter_context(site.serving(settings))
            places.append(Place(n, kind, world, app, served, settings))
        Bench(places, wanted, scale).run()


def main(environ: Any = os.environ) -> int:
    """Measure on both kinds of database."""
    scale = environ.get("SCALE") or "small"
    wanted = {name for name in environ.get("ONLY", "").split(",") if name}
    kinds = [kind for kind in environ.get("DATABASE", "").split(",") if kind]
    if wrong := wanted - set(NAMES):
        note(f"no such name: {', '.join(sorted(wrong))}; there are {', '.join(NAMES)}")
        return 2
    if scale not in SIZES:
        note(f"no such scale: {scale}; there are {', '.join(SIZES)}")
        return 2
    # Told to end, it still ends its servers and removes its files.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    wanted = wanted or set(NAMES)
    for kind in kinds or ("sqlite", "postgresql"):
        if wanted - set(records.NAMES):
            measure(kind, wanted, scale)
        if found := wanted & set(records.NAMES):
            records.measure(kind, found, scale)
    return 0


if __name__ == "__main__":
    sys.exit(main())
