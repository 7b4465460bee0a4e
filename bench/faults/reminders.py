"""Whoever writes the reminders is killed as they fall due, runs twice, and loses time."""

import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from sqlalchemy import func, select, update

from bench import seeding
from bench.databases import by_superuser
from bench.faults.checker import Verdict
from bench.faults.outcome import Outcome, Place
from bench.site import environ_of, free_port
from tracing import create_app
from tracing.config import Settings
from tracing.extensions import db
from tracing.models import DueWork, OutboxMessage, TraceRequest
from tracing.notifications import reminders
from workflows.deadlines import ReminderKind

NAME: Final = "reminders"
KILLS: Final = {"short": 3, "full": 100}
DUE: Final = {"short": 300, "full": 10_000}
DOMAIN: Final = "tracing.example"
SWEEP: Final = """
import sys
from datetime import UTC, datetime
from tracing import create_app
from tracing.notifications import reminders
app = create_app(login="worker")
with app.app_context():
    print("ready", flush=True)
    sys.stdin.readline()
    reminders.sweep(datetime.now(UTC), domain="tracing.example", batch=20)
"""


def scheduler(settings: Settings) -> "subprocess.Popen[str]":
    """Start one that writes what is owed as soon as it is told to."""
    return subprocess.Popen(
        [sys.executable, "-c", SWEEP],
        env=environ_of(settings, free_port()),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def begin(process: "subprocess.Popen[str]") -> None:
    """Wait until it is ready, and let it write."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.readline()
    process.stdin.write("\n")
    process.stdin.flush()


def run(place: Place, scale: str) -> Outcome:
    """Make steps due, kill as often as the scale says, with two schedulers at once."""
    settings, app = place.make(NAME)
    chance, kills, due = Random(20261129), KILLS[scale], DUE[scale]
    with create_app(by_superuser(settings), login="owner").app_context():
        seeding.fill(due + 100)
        db.session.remove()
        db.engine.dispose()
    with app.app_context():
        now = datetime.now(UTC)
        # Yesterday's clock owes nothing; tomorrow's owes what is due tomorrow too.
        written = reminders.sweep(now - timedelta(days=1), domain=DOMAIN)
        made = seeding.make_due(now, due)
        wanted = list(owed(now))
        db.session.remove()
        for number in range(kills):
            pair = [scheduler(settings) for _ in range(2)]
            for process in pair:
                begin(process)
            time.sleep(chance.uniform(0.0, 0.25))
            for process in pair:
                process.kill()
                process.communicate()
            if number % 20 == 19:
                place.note(f"{NAME}: {number + 1} kills")
        last = scheduler(settings)
        begin(last)
        last.communicate()
        verdict = judge(wanted)
        verdict.acknowledged = made
        if written:
            verdict.wrong.append(f"{written} were written by yesterday's clock")
        verdict += nine_days_later(now)
        db.session.remove()
        db.engine.dispose()
    more: dict[str, object] = {
        "due": made,
        "missing": len(verdict.lost),
    }
    return Outcome(NAME, 2 * kills, verdict, more)


def owed(now: datetime) -> list[tuple[int, str, datetime]]:
    """Return what is due: request, step and the value of its deadline."""
    rows = db.session.execute(
        select(DueWork.request_id, DueWork.step, DueWork.deadline_value).where(
            DueWork.done.is_(False), DueWork.at <= now
        )
    )
    return [(row.request_id, row.step, row.deadline_value) for row in rows]


def judge(wanted: list[tuple[int, str, datetime]]) -> Verdict:
    """Compare what was owed with what stands in the outbox."""
    verdict = Verdict()
    keys = db.session.scalars(
        select(OutboxMessage.reminder_key).where(
            OutboxMessage.reminder_key.is_not(None)
        )
    )
    found = Counter(key for key in keys if key)
    rests = {key.partition("|")[2] for key in found}
    for request_id, step, value in wanted:
        rest = f"{request_id}|{step}|{value.isoformat()}"
        if rest not in rests:
            verdict.lost.append(f"reminder {rest} was never written")
    verdict.doubled += [f"{key} stands twice" for key, n in found.items() if n > 1]
    left = owed(datetime.now(UTC))
    verdict.lost += [f"{one} is still owed" for one in left]
    return verdict


def nine_days_later(now: datetime) -> Verdict:
    """Let nine days pass with nobody there: each deadline makes one mail at most."""
    verdict = Verdict()
    last = db.session.scalar(select(func.max(OutboxMessage.id))) or 0
    some = select(TraceRequest.id).order_by(TraceRequest.id).limit(50)
    past = now - timedelta(days=1)
    db.session.execute(
        update(DueWork)
        .where(DueWork.request_id.in_(some), DueWork.done.is_(False))
        .values(at=past)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    reminders.sweep(now + timedelta(days=9), domain=DOMAIN)
    rows = db.session.scalars(
        select(OutboxMessage).where(
            OutboxMessage.id > last, OutboxMessage.request_id.in_(some)
        )
    )
    said = Counter(
        (
            row.request_id,
            row.recipient,
            row.facts["deadline"],
            row.facts["reminder"].endswith(ReminderKind.ESCALATE.value),
        )
        for row in rows
    )
    if not said:
        verdict.wrong.append("after nine days nothing was written")
    verdict.doubled += [f"{one} got {n} mails" for one, n in said.items() if n > 1]
    return verdict
