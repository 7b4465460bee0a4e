"""The worker is killed again and again while it imports a file of records."""

import io
import time
from datetime import UTC, datetime
from random import Random
from typing import Final

from sqlalchemy import func, select, update

from bench.faults.checker import Verdict, check
from bench.faults.kill_lookup_worker import running_worker
from bench.faults.outcome import Outcome, Place
from tests import factories
from tracing.accounts.actors import actor_of
from tracing.casework import imports
from tracing.extensions import db
from tracing.models import ImportJob, RegistryEvent, RegistryItem
from workflows.policies import Role

NAME: Final = "kill_import"
KILLS: Final = {"short": 3, "full": 50}
ROWS: Final = {"short": 60_000, "full": 1_500_000}
BAD: Final = 97
"""Each so many-th row is a bad one."""

PATIENCE: Final = 300.0
MAPPING: Final = """
[key]
columns = ["No"]
[fields]
serial = "Serial"
event_kind = "What"
event_date = "When"
"""


def content(rows: int) -> io.BytesIO:
    """Return a file of which each row has a record and what happened to it."""
    out = io.BytesIO()
    out.write(b"No,Serial,What,When\n")
    for number in range(rows):
        when = "2020-02-30" if number % BAD == 0 else "2020-02-03"
        out.write(b"%d,S %d,SALE,%s\n" % (number, number, when.encode()))
    out.seek(0)
    return out


def begin(rows: int) -> str:
    """Choose a file and start its import; return its name."""
    keeper = factories.person(factories.authority(), Role.SUPERVISOR)
    db.session.commit()
    actor = actor_of(keeper)
    job = imports.choose(actor, "records.csv", content(rows), largest=10**9)
    token = job.token
    imports.set_mapping(token, actor, MAPPING)
    imports.start(token, actor)
    return token


def at(token: str) -> tuple[int, bool]:
    """Return how many rows are done, and whether it is over."""
    job = db.session.scalars(select(ImportJob).where(ImportJob.token == token)).one()
    found = job.at_row, job.phase.is_over
    db.session.rollback()
    db.session.expunge_all()
    return found


def let_go() -> None:
    """Let the lease of a dead worker run out: nobody waits for it."""
    now = datetime.now(UTC)
    held = ImportJob.lease_owner.is_not(None)
    db.session.execute(
        update(ImportJob)
        .where(held)
        .values(next_at=now, lease_until=now)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


def run(place: Place, scale: str) -> Outcome:
    """Kill as often as the scale says, then let one worker finish."""
    settings, app = place.make(NAME)
    chance, rows, kills = Random(20261128), ROWS[scale], 0
    with app.app_context():
        token = begin(rows)
        give_up = time.monotonic() + PATIENCE * (1 + KILLS[scale] / 10)
        while not at(token)[1] and time.monotonic() < give_up:
            last = kills >= KILLS[scale]
            with running_worker(settings) as process:
                goal = rows if last else at(token)[0] + chance.randint(1, 8_000)
                while at(token)[0] < goal and not at(token)[1]:
                    if process.poll() is not None or time.monotonic() > give_up:
                        break
                    time.sleep(0.01)
                time.sleep(chance.uniform(0, 0.2))
            kills += not at(token)[1]
            let_go()
            place.note(f"{NAME}: {kills} kills, {at(token)[0]} rows")
        verdict = judge(token, rows)
        db.session.remove()
        db.engine.dispose()
    verdict += check(app)
    return Outcome(NAME, kills, verdict)


def judge(token: str, rows: int) -> Verdict:
    """Compare what is there with what the file has."""
    verdict = Verdict()
    job = db.session.scalars(select(ImportJob).where(ImportJob.token == token)).one()
    bad = len(range(0, rows, BAD))
    told = (imports.folder_of(token) / imports.REPORT).read_text("utf-8-sig")
    for what, found, wanted in (
        ("records", _count(RegistryItem), rows - bad),
        ("events", _count(RegistryEvent), rows - bad),
        ("counted as added", job.added, rows - bad),
        ("counted as bad", job.bad, bad),
        ("lines of the report", len(told.splitlines()) - 1, bad),
    ):
        verdict.acknowledged += min(found, wanted)
        words = f"{what}: {found} of {wanted}"
        if found < wanted:
            verdict.lost.append(words)
        if found > wanted:
            verdict.doubled.append(words)
    return verdict


def _count(model: type[RegistryItem | RegistryEvent]) -> int:
    return db.session.scalar(select(func.count(model.id))) or 0
