"""Kill the worker again and again while it sends, and count what arrived.

    python -m tests.notifications.kill_loop [--kills 30] [--mails 2000]

Prints one line of JSON for each kind of database and ends with 1 if mail was lost, or
arrived more often than there were kills.
"""

import argparse
import contextlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from flask import Flask

from tests.clusters import running_cluster
from tests.conftest import dispose, migrate
from tests.notifications.people import authority, message
from tests.smtp import Mailbox, running_mailbox
from tracing import create_app
from tracing.adapters.smtp import SmtpChannel
from tracing.config import Settings
from tracing.extensions import db
from tracing.notifications import outbox

LEASE = 4.0
"""Seconds: short, so that what the killed worker held comes back soon."""


def settings_of(url: str, folder: Path, port: int) -> Settings:
    """Return the settings both sides use."""
    return replace(
        Settings.for_tests(url, folder),
        smtp_host="127.0.0.1",
        smtp_port=port,
        smtp_security="none",
        mail_from="tracing@tracing.example",
    )


def work(url: str, folder: Path, port: int) -> None:
    """Be the worker: drain until killed."""
    settings = settings_of(url, folder, port)
    app = create_app(settings)
    with app.app_context():
        while True:
            outbox.deliver(SmtpChannel(settings), settings, lease=LEASE)
            time.sleep(0.1)


def fill(app: Flask, mails: int) -> set[str]:
    """Write the messages; return their identities."""
    with app.app_context():
        office = authority()
        db.session.add(office)
        db.session.flush()
        now = outbox.utc_now()
        rows = [message(office, created_at=now, next_at=now) for _ in range(mails)]
        db.session.add_all(rows)
        found = {row.message_id for row in rows}
        db.session.commit()
    return found


def run(url: str, folder: Path, *, kills: int, mails: int) -> dict[str, object]:
    """Kill at random moments between two mails, then let one worker finish."""
    chance = random.Random(20261123)
    with running_mailbox() as mailbox:
        app = create_app(settings_of(url, folder, mailbox.port))
        expected = fill(app, mails)
        arguments = [url, str(folder), str(mailbox.port)]
        done, began = 0, time.monotonic()
        while done < kills:
            with worker(arguments) as process:
                done += killed_while_sending(process, mailbox, chance, mails)
            if len(mailbox.deliveries) >= mails:
                break
        with worker(arguments):
            wait_until_empty(app, limit=300)
        with app.app_context():
            pending = outbox.pending_counts()
        dispose(app)
    arrived = Counter(str(found.message["Message-ID"]) for found in mailbox.deliveries)
    return {
        "database": url.partition(":")[0],
        "kills": done,
        "mails": mails,
        "sent": len(arrived),
        "lost": len(expected - set(arrived)),
        "duplicates": arrived.total() - len(arrived),
        "queued": pending.queued,
        "dead": pending.dead,
        "seconds": round(time.monotonic() - began, 1),
    }


@contextlib.contextmanager
def worker(arguments: list[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a worker of our own; it is killed at the end of the block."""
    command = [sys.executable, "-m", "tests.notifications.kill_loop", "--work"]
    process = subprocess.Popen([*command, *arguments])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def killed_while_sending(
    process: "subprocess.Popen[bytes]", mailbox: Mailbox, chance: random.Random, n: int
) -> bool:
    """Wait until some mails of this worker have arrived, and a moment more."""
    enough = min(len(mailbox.deliveries) + chance.randint(1, 60), n)
    give_up = time.monotonic() + 60
    while len(mailbox.deliveries) < enough:
        if process.poll() is not None or time.monotonic() > give_up:
            raise RuntimeError("the worker does not send")
        time.sleep(0.0002)
    time.sleep(chance.uniform(0, 0.01))
    return True


def wait_until_empty(app: Flask, *, limit: float) -> None:
    """Wait until nothing is queued."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        with app.app_context():
            if outbox.pending_counts().queued == 0:
                return
        time.sleep(0.5)


def main() -> int:
    """Run on both kinds of database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--mails", type=int, default=2000)
    parser.add_argument("--work", nargs=3, metavar=("URL", "FOLDER", "PORT"))
    given = parser.parse_args()
    if given.work:
        url, folder, port = given.work
        work(url, Path(folder), int(port))
    folder = Path(tempfile.mkdtemp(prefix="kill-loop-"))
    try:
        with running_cluster() as cluster:
            found = []
            for url in (
                f"sqlite:///{folder / 'tracing.sqlite'}",
                cluster.url(cluster.create()),
            ):
                migrate(url, folder)
                found.append(run(url, folder, kills=given.kills, mails=given.mails))
                sys.stdout.write(json.dumps(found[-1]) + "\n")
                sys.stdout.flush()
    finally:
        shutil.rmtree(folder)
    return int(any(r["lost"] or r["duplicates"] > r["kills"] for r in found))


if __name__ == "__main__":
    sys.exit(main())
