"""The server is killed again and again while people work."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final

from bench.faults.checker import Verdict, check
from bench.faults.history import History
from bench.faults.outcome import Outcome, Place
from bench.faults.people import Board, Investigator, Officer, Worker
from bench.faults.running import Running, World, populate
from tracing.extensions import db

NAME: Final = "kill_server"
KILLS: Final = {"short": 3, "full": 200}
ACTIONS: Final = {"short": 0, "full": 5_000}
LULL: Final = (0.3, 2.5)
"""Seconds between two kills."""

BACK: Final = 30.0
"""Seconds after which a site that was killed must answer again, without a person."""


@contextmanager
def working(world: World, port: int, history: History) -> Iterator[Board]:
    """Let everybody work while the block lasts."""
    board = Board(history, world.form)
    everybody: list[Worker] = [
        Investigator(code, port, board, n) for n, code in enumerate(world.asking)
    ]
    everybody += [
        Officer(code, port, board, 100 + n) for n, code in enumerate(world.answering)
    ]
    for person in everybody:
        person.start()
    try:
        yield board
    finally:
        board.stop.set()
        for person in everybody:
            person.join(60)


def run(place: Place, scale: str) -> Outcome:
    """Kill as often as the scale says, and until enough was acknowledged."""
    settings, app = place.make("kill_server")
    with app.app_context():
        world = populate()
        db.session.remove()
        db.engine.dispose()
    file = Path(settings.instance, "history.jsonl")
    history, chance = History(file), Random(20261123)
    site, kills, slowest = Running(settings), 0, 0.0
    try:
        site.start()
        with working(world, site.port, history):
            while kills < KILLS[scale] or history.acknowledged < ACTIONS[scale]:
                if history.surprises:
                    break
                time.sleep(chance.uniform(*LULL))
                if kills < KILLS[scale]:
                    site.kill(chance)
                    kills += 1
                    if kills % 20 == 0:
                        said = f"{kills} kills, {history.acknowledged} acknowledged"
                        place.note(f"{NAME}: {said}")
                killed = time.monotonic()
                site.keep_alive()
                slowest = max(slowest, time.monotonic() - killed)
            # What was unknown is asked for again while the site stands.
            time.sleep(1)
    finally:
        site.kill_all()
        history.close()
    verdict = check(app, file)
    verdict += Verdict(wrong=history.surprises)
    if scale == "full" and slowest > BACK:
        verdict.wrong.append(f"the site was away for {slowest:.0f} s")
    return Outcome(NAME, kills, verdict, {"longest_away_s": round(slowest, 1)})
