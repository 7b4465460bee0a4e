"""The worker is killed again and again while mail goes out."""

import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from flask import Flask
from sqlalchemy import func, select, update

from bench.faults.checker import Verdict, check
from bench.faults.outcome import Outcome, Place
from bench.site import HOST, environ_of, free_port, start_part
from tests import factories
from tests.smtp import Mailbox, running_mailbox
from tracing import worker
from tracing.casework import either, requested
from tracing.config import Settings
from tracing.extensions import db
from tracing.models import Delivery, DueWork, OutboxMessage
from tracing.notifications import outbox
from workflows.facts import Text
from workflows.states import Trigger

NAME: Final = "kill_worker"
KILLS: Final = {"short": 3, "full": 200}
MAILS: Final = {"short": 0, "full": 5_000}
BETWEEN: Final = 25
"""Mails before a kill, about."""

REMINDED: Final = 8
"""Requests whose reminders fall due before each kill."""

PATIENCE: Final = 300.0
DOMAIN: Final = "tracing.example"


@contextmanager
def running_worker(
    settings: Settings, mailbox: Mailbox
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the worker of `tracing serve`; it is killed at the end of the block."""
    environ = environ_of(
        settings,
        free_port(),
        smtp_host=HOST,
        smtp_port=mailbox.port,
        smtp_security="none",
        mail_from=f"tracing@{DOMAIN}",
    )
    log = Path(settings.instance, "worker.log")
    process = start_part("worker", environ, log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdin:
            process.stdin.close()


class Office:
    """What causes mail, by the commands themselves."""

    def __init__(self, app: Flask) -> None:
        """Make two authorities; within an app context."""
        self.app = app
        self.of = factories.sides()
        self.open: list[str] = []

    def work(self, mails: int) -> None:
        """Cause so many mails or more: new requests, receipts, enquiries, reminders."""
        before = written()
        while written() - before < mails:
            request = factories.sent(self.of)
            self.open.append(request.reference)
            actor = self.of.actor(Trigger.ACKNOWLEDGE)
            requested.acknowledge(request.reference, actor)
            actor = self.of.actor(Trigger.ENQUIRE)
            for _ in range(2):
                text = Text("How is it going?")
                either.write(Trigger.ENQUIRE, request.reference, actor, text)
        self.make_due()

    def make_due(self) -> None:
        """Let the next reminder of some requests fall due."""
        next_of_each = (
            select(func.min(DueWork.id))
            .where(DueWork.done.is_(False))
            .group_by(DueWork.request_id)
            .limit(REMINDED)
        )
        found = db.session.scalars(next_of_each).all()
        past = datetime.now(UTC) - timedelta(minutes=1)
        db.session.execute(update(DueWork).where(DueWork.id.in_(found)).values(at=past))
        db.session.commit()
        # What the crontab does each minute is done now.
        huey = self.app.extensions[worker.QUEUE]
        huey.storage.initialize_schema()
        for task in huey._registry.periodic_tasks:
            if task.name == "sweep":
                huey.enqueue(type(task)())

    def let_go(self, pid: int) -> None:
        """Let the lease of a dead worker run out: nobody waits five minutes."""
        now = datetime.now(UTC)
        db.session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.lease_owner.contains(f":{pid}:", autoescape=True))
            .values(next_at=now, lease_until=now)
            .execution_options(synchronize_session=False)
        )
        db.session.commit()


def written() -> int:
    """Return how many messages are in the outbox."""
    return db.session.scalar(select(func.count()).select_from(OutboxMessage)) or 0


def run(place: Place, scale: str) -> Outcome:
    """Kill as often as the scale says, then let one worker finish."""
    settings, app = place.make(NAME)
    chance, kills = Random(20261123), 0
    with running_mailbox() as mailbox, app.app_context():
        office = Office(app)
        while kills < KILLS[scale] or written() < MAILS[scale]:
            if kills < KILLS[scale] or not office.open:
                office.work(max(BETWEEN, 2 * BETWEEN - outbox.pending_counts().queued))
            else:
                office.work(MAILS[scale] - written())
                break
            with running_worker(settings, mailbox) as process:
                wait_for_mail(process, mailbox, chance)
            kills += 1
            office.let_go(process.pid)
            if kills % 20 == 0:
                place.note(f"{NAME}: {kills} kills, {len(mailbox.deliveries)} mails")
        with running_worker(settings, mailbox):
            wait_until_empty()
        verdict, repeated = judge(mailbox)
        db.session.remove()
        db.engine.dispose()
    verdict += check(app)
    return Outcome(NAME, kills, verdict, {"repeated": repeated})


def wait_for_mail(
    process: "subprocess.Popen[bytes]", mailbox: Mailbox, chance: Random
) -> None:
    """Wait until this worker has sent some mails, and a moment more."""
    enough = len(mailbox.deliveries) + chance.randint(1, 2 * BETWEEN)
    give_up = time.monotonic() + PATIENCE
    while len(mailbox.deliveries) < enough:
        if process.poll() is not None or time.monotonic() > give_up:
            raise RuntimeError("the worker does not send")
        time.sleep(0.0005)
    time.sleep(chance.uniform(0, 0.02))


def wait_until_empty() -> None:
    """Wait until nothing is queued and no reminder is owed, as long as it gets less."""
    least, give_up = sys.maxsize, 0.0
    while True:
        left = outbox.pending_counts().queued + owed()
        db.session.rollback()
        if left < least:
            least, give_up = left, time.monotonic() + 2 * PATIENCE
        if not left or time.monotonic() > give_up:
            return
        time.sleep(0.3)


def owed() -> int:
    """Return how many reminders are due and not written."""
    query = (
        select(func.count())
        .select_from(DueWork)
        .where(DueWork.done.is_(False), DueWork.at <= datetime.now(UTC))
    )
    return db.session.scalar(query) or 0


def judge(mailbox: Mailbox) -> tuple[Verdict, int]:
    """Compare what arrived with what was owed; return it and the repetitions."""
    verdict = Verdict()
    if left := owed():
        verdict.lost.append(f"{left} reminders are due and were never written")
    arrived: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for found in mailbox.deliveries:
        arrived[str(found.message["Message-ID"])].append(found.recipients)
    causes: dict[Any, set[str]] = defaultdict(set)
    for row in db.session.scalars(select(OutboxMessage)):
        verdict.acknowledged += 1
        mail = f"mail {row.id} ({row.event}) to {row.recipient}"
        if row.delivery is not Delivery.SENT:
            verdict.wrong.append(f"{mail} is {row.delivery}: {row.last_error}")
        if (row.recipient,) not in arrived[row.message_id]:
            verdict.lost.append(mail)
        if row.reminder_key:
            causes[row.reminder_key].add(row.message_id)
    for key, ids in causes.items():
        if len(ids) > 1:
            verdict.doubled.append(f"reminder {key} went out under {len(ids)} names")
    known = set(db.session.scalars(select(OutboxMessage.message_id)))
    verdict.doubled += [f"{name} is owed to nobody" for name in set(arrived) - known]
    _reminded_once(verdict)
    return verdict, sum(len(found) - 1 for found in arrived.values() if found)


def _reminded_once(verdict: Verdict) -> None:
    """Each reminder that was owed is in the outbox once, and no other is."""
    steps = db.session.execute(
        select(DueWork.request_id, DueWork.step, DueWork.deadline_value).where(
            DueWork.done.is_(True)
        )
    )
    due = {f"{number}|{step}|{value.isoformat()}" for number, step, value in steps}
    found = db.session.scalars(
        select(OutboxMessage.reminder_key).where(
            OutboxMessage.reminder_key.is_not(None)
        )
    )
    sent = {key.partition("|")[2] for key in found if key}
    verdict.doubled += [f"reminder {key} was not owed" for key in sent - due]
    # Of several steps of one deadline that fall due together, the newest goes out.
    late = {key.partition("|")[0] for key in due} - {
        key.partition("|")[0] for key in sent
    }
    verdict.lost += [f"request {number} was not reminded" for number in late]
