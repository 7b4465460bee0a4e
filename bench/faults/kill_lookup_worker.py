"""The worker is killed again and again while it asks other registers."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

from sqlalchemy import func, select, update

from bench.faults.checker import Verdict, check
from bench.faults.outcome import Outcome, Place
from bench.site import environ_of, free_port, start_part
from tests import factories
from tracing.casework import lookups
from tracing.config import Settings
from tracing.extensions import db
from tracing.lookups import registers
from tracing.models import Lookup
from tracing.reference.server import Server, running
from workflows.states import Trigger
from workflows.vocabulary import LookupOutcome

NAME: Final = "kill_lookup_worker"
KILLS: Final = {"short": 2, "full": 20}
LOOKUPS: Final = {"short": 60, "full": 1_000}
REGISTERS: Final = 5
OF_A_REQUEST: Final = 50
"""Look-ups of one request."""

DELAY: Final = 0.03
"""Seconds a register takes: time in which to be killed."""

PATIENCE: Final = 120.0
KEY: Final = "key-of-the-faults"
KNOWN: Final = "EX 1234 7"
UNKNOWN: Final = "NOBODY 000"


def set_up(
    instance: Path, server: Server, count: int = REGISTERS, notices_to: str = ""
) -> None:
    """Write the settings of some registers that are all the one server."""
    text = ""
    for number in range(count):
        text += f"""
[register-{number}]
adapter = "iarms"
label = "Register {number}"
years = "1990-2026"
authorities = ["*"]
quota = 100000
notices_to = "{notices_to}"
[register-{number}.settings]
url = "{server.url}/v1"
ports = ["{server.server_port}"]
networks = ["127.0.0.0/8"]
api_key = "{server.key}"
ca_file = {json.dumps(str(server.folder / "ca.pem"))}
client_certificate = {json.dumps(str(server.folder / "client.pem"))}
client_key = {json.dumps(str(server.folder / "client.key"))}
"""
    (instance / registers.FILE).write_text(text)


def ask(wanted: int) -> None:
    """Ask for so many look-ups, half of them of what is there."""
    of = factories.sides()
    actor = factories.actor_of(of.officer)
    names = [f"register-{number}" for number in range(REGISTERS)]
    steps = (Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    for asked in range(0, wanted, REGISTERS):
        if asked % OF_A_REQUEST == 0:
            serial = (KNOWN, UNKNOWN)[asked // OF_A_REQUEST % 2]
            reference = factories.after(of, *steps, markings_serial=serial).reference
        lookups.ask(reference, actor, names, purpose="To see what is lost")


@contextmanager
def running_worker(settings: Settings) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the worker of `tracing serve`; it is killed at the end of the block."""
    log = Path(settings.instance, "worker.log")
    process = start_part("worker", environ_of(settings, free_port()), log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdin:
            process.stdin.close()


def waiting() -> int:
    """Return how many look-ups have no outcome."""
    query = select(func.count(Lookup.id)).where(Lookup.outcome.is_(None))
    found = db.session.scalar(query) or 0
    db.session.rollback()
    return found


def wait_until(process: "subprocess.Popen[bytes]", most: int) -> None:
    """Wait until no more than so many wait."""
    give_up = time.monotonic() + PATIENCE
    while waiting() > most:
        if process.poll() is not None or time.monotonic() > give_up:
            raise RuntimeError("the worker does not ask")
        time.sleep(0.01)


def let_go(pid: int) -> None:
    """Let the lease of a dead worker run out: nobody waits for it."""
    now = datetime.now(UTC)
    db.session.execute(
        update(Lookup)
        .where(Lookup.lease_owner.contains(f":{pid}:", autoescape=True))
        .values(next_at=now, lease_until=now)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


def run(place: Place, scale: str) -> Outcome:
    """Kill as often as the scale says, then let one worker finish."""
    settings, app = place.make(NAME)
    chance, instance = Random(20261124), Path(settings.instance)
    with running(instance / "stand-in", KEY) as server, app.app_context():
        server.delay = DELAY
        set_up(instance, server)
        app.extensions[registers.REGISTERS] = registers.load(instance)
        ask(LOOKUPS[scale])
        for kill in range(KILLS[scale]):
            each = LOOKUPS[scale] // KILLS[scale]
            with running_worker(settings) as process:
                wait_until(process, max(waiting() - chance.randint(1, each), 1))
                time.sleep(chance.uniform(0, 2 * DELAY))
            let_go(process.pid)
            place.note(f"{NAME}: {kill + 1} kills, {waiting()} look-ups wait")
        with running_worker(settings) as process:
            wait_until(process, 0)
        verdict, repeated = judge(server)
        db.session.remove()
        db.engine.dispose()
    verdict += check(app)
    return Outcome(NAME, KILLS[scale], verdict, {"repeated": repeated})


def judge(server: Server) -> tuple[Verdict, int]:
    """Compare what the register was asked, and what stands here, with what was owed."""
    verdict, asked = Verdict(), server.records.asked()
    repeated = 0
    for row in db.session.scalars(select(Lookup)):
        verdict.acknowledged += 1
        there = row.query["serial"] == KNOWN
        right = LookupOutcome.HIT if there else LookupOutcome.NO_HIT
        if row.outcome is not right:
            verdict.wrong.append(f"look-up {row.id} is {row.outcome}: {row.why}")
        times = asked.pop(row.key, 0)
        if not times:
            verdict.lost.append(f"look-up {row.id} was never asked")
        if times > row.attempts:
            verdict.doubled.append(f"look-up {row.id}: {times} for {row.attempts}")
        repeated += max(times - 1, 0)
    verdict.doubled += [f"{key} was asked by nobody" for key in asked]
    return verdict, repeated
