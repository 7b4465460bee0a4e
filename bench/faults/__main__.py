"""Faults: one JSON object a line. ONLY, SCALE and DATABASE choose (docs/faults.md)."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

from flask import Flask

from bench.databases import databases
from bench.faults import (
    crash_points,
    kill_import,
    kill_lookup_worker,
    kill_server,
    kill_worker,
    parallel_transitions,
    power_cut,
    reminders,
)
from bench.faults.outcome import Outcome, Place
from tracing import create_app
from tracing.config import Settings
from tracing.extensions import db

RUNS: Final[Mapping[str, Callable[[Place, str], Outcome]]] = {
    module.NAME: module.run
    for module in (
        kill_server,
        kill_worker,
        kill_lookup_worker,
        kill_import,
        power_cut,
        crash_points,
        parallel_transitions,
        reminders,
    )
}
KINDS: Final = ("sqlite", "postgresql")
OF_SQLITE: Final = frozenset({"power_cut_sqlite"})
SCALES: Final = ("short", "full")
SHOWN: Final = 20
"""Findings in words of one run; the line has the counts."""


def inject(
    kind: str, names: list[str], scale: str, say: Callable[[str], object] = print
) -> bool:
    """Run the faults on one kind of database; tell whether nothing was wrong."""
    good = True
    with contextlib.ExitStack() as leaving:
        make = leaving.enter_context(databases(kind, logins=True))

        def made(name: str) -> tuple[Settings, Flask]:
            settings = make(name)
            # What is prepared and looked at, is so as the owner; what is killed, is
            # the site and the worker by their own logins.
            app = create_app(settings, login="owner")
            with app.app_context():
                leaving.callback(db.engine.dispose)
            return settings, app

        place = Place(kind, made)
        for name in names:
            start = time.monotonic()
            outcome = RUNS[name](place, scale)
            say(outcome.line(kind))
            sys.stdout.flush()
            for words in list(outcome.verdict.words)[:SHOWN]:
                place.note(f"{name}: {words}")
            place.note(f"{name}: {time.monotonic() - start:.0f} s")
            good &= outcome.good
    return good


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Run what is wanted on both kinds of database."""
    scale = environ.get("SCALE") or "short"
    wanted = [name for name in environ.get("ONLY", "").split(",") if name]
    kinds = [kind for kind in environ.get("DATABASE", "").split(",") if kind]
    for word, given, known in (
        ("name", wanted, RUNS),
        ("scale", [scale], SCALES),
        ("database", kinds, KINDS),
    ):
        if wrong := set(given) - set(known):
            text = f"# no such {word}: {', '.join(sorted(wrong))}; there are"
            print(text, ", ".join(known), file=sys.stderr)
            return 2
    # Told to end, it still ends its servers and removes its files.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    good = True
    for kind in kinds or KINDS:
        names = [
            name for name in wanted or RUNS if kind == "sqlite" or name not in OF_SQLITE
        ]
        good &= inject(kind, names, scale)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
