"""The power is cut under SQLite while people work."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

from bench.faults.checker import Verdict, check
from bench.faults.disk import Disk, NoDisk, disk
from bench.faults.history import History
from bench.faults.kill_server import working
from bench.faults.outcome import Outcome, Place
from bench.faults.running import Running, populate
from tracing import create_app
from tracing.extensions import db

NAME: Final = "power_cut_sqlite"
CUTS: Final = {"short": 2, "full": 50}
DONE: Final = (5, 60)
"""What is acknowledged before a cut, about; then it comes at any moment."""

LULL: Final = 0.5
PATIENCE: Final = 30.0

CONTROL: Final = """
import sqlite3, sys
kept = sqlite3.connect(sys.argv[1], isolation_level=None)
kept.execute("pragma journal_mode=wal")
kept.execute(f"pragma synchronous={sys.argv[2]}")
kept.execute("create table if not exists t (n integer)")
for n in range(1_000_000):
    kept.execute("insert into t values (?)", (n,))
    print(n, flush=True)
"""


def run(place: Place, scale: str) -> Outcome:
    """Cut the power as often as the scale says; check after each cut."""
    folder = Path(tempfile.mkdtemp(prefix="tracing-disk-"))
    try:
        with disk(folder) as made:
            verdict = control(place, made)
            cuts, found = cut_while_working(place, made, scale)
    except NoDisk as error:
        words = f"no power was cut: {error}; run it as root, where mounting is allowed"
        return Outcome(NAME, 0, Verdict(wrong=[words]))
    verdict += found
    return Outcome(NAME, cuts, verdict)


def control(place: Place, made: Disk) -> Verdict:
    """Make sure that a cut does harm: without syncing, what was said must be lost."""
    lost = {mode: _lost_by_a_writer(made, mode) for mode in ("off", "full")}
    place.note(f"{NAME}: control: lost of so many, without syncing and with: {lost}")
    verdict = Verdict()
    if not lost["off"][0]:
        verdict.wrong.append("a cut of the power lost nothing that was never synced")
    if lost["full"][0]:
        verdict.wrong.append("a cut of the power lost what was synced")
    return verdict


def _lost_by_a_writer(made: Disk, mode: str) -> tuple[int, int]:
    file = made.mounted / f"{mode}.sqlite"
    writer = subprocess.Popen(
        [sys.executable, "-c", CONTROL, str(file), mode],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    # It has started, however slow the machine is.
    writer.stdout.readline()
    time.sleep(0.7)
    writer.send_signal(signal.SIGSTOP)
    made.cut()
    writer.kill()
    said = 1 + writer.stdout.read().count("\n")
    writer.wait()
    writer.stdout.close()
    made.come_back()
    kept = 0
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(file)) as there,
    ):
        kept = there.execute("select count(*) from t").fetchone()[0]
    return max(said - kept, 0), said


def cut_while_working(place: Place, made: Disk, scale: str) -> tuple[int, Verdict]:
    """Let people work on the disk, cut, come back, check, go on."""
    settings, _ = place.make(NAME)
    subprocess.run(
        ["cp", "-a", settings.instance, str(made.mounted / "instance")], check=True
    )
    instance = made.mounted / "instance"
    url = f"sqlite:///{instance / 'tracing.sqlite'}"
    settings = replace(settings, instance=str(instance), database_url=url)
    app = create_app(settings)
    with app.app_context():
        world = populate()
        db.session.remove()
        db.engine.dispose()
    os.sync()
    # Outside the disk: what was told survives every cut.
    file = made.image.with_name("history.jsonl")
    history, chance, cuts = History(file), Random(20261123), 0
    site, verdict = Running(settings), Verdict()
    try:
        while cuts < CUTS[scale] and not any(verdict.words):
            site.start()
            with working(world, site.port, history):
                wait_for_work(history, chance)
                site.freeze()
                made.cut()
                site.kill_all()
            cuts += 1
            made.come_back()
            verdict = check(app, file)
            verdict.wrong += [*integrity(instance / "tracing.sqlite")]
            verdict.wrong += history.surprises
            with app.app_context():
                db.engine.dispose()
            if cuts % 10 == 0:
                place.note(f"{NAME}: {cuts} cuts, {verdict.acknowledged} acknowledged")
    finally:
        site.kill_all()
        history.close()
    return cuts, verdict


def wait_for_work(history: History, chance: Random) -> None:
    """Wait until some things were acknowledged, and a moment more."""
    enough = history.acknowledged + chance.randint(*DONE)
    give_up = time.monotonic() + PATIENCE
    while history.acknowledged < enough and time.monotonic() < give_up:
        time.sleep(0.002)
    time.sleep(chance.uniform(0, LULL))


def integrity(file: Path) -> list[str]:
    """Return what SQLite itself finds wrong with its file."""
    with contextlib.closing(sqlite3.connect(file)) as there:
        said = [row[0] for row in there.execute("pragma integrity_check")]
    return [f"integrity: {text}" for text in said if text != "ok"]
