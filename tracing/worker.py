"""The worker: a queue that only wakes. What is owed stands in our own tables.

Huey may lose a task that runs when it is killed; the sweep of each minute makes up
for it. Nothing else imports it.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from flask import Flask, current_app
from huey import SqliteHuey, crontab

from tracing import crash
from tracing.accounts import sessions, unused, waits
from tracing.accounts.actors import actor_of
from tracing.casework import (
    attachments,
    calls,
    erasing,
    imports,
    introductions,
    moving,
    notices,
    resealing,
    reviews,
    sightings,
    webhooks,
)
from tracing.config import Settings
from tracing.directory import versions
from tracing.extensions import db
from tracing.journal import checkpoints
from tracing.lookups import running
from tracing.notifications import outbox, reminders
from tracing.operations import figures, state
from tracing.operations.pause import paused
from tracing.ports import Channel, Inbox
from tracing.security.fields import field_keys
from tracing.upkeep import bounces, changing, confirming

log = logging.getLogger(__name__)

CHANNEL: Final = "tracing.channel"
INBOX: Final = "tracing.inbox"
QUEUE: Final = "tracing.huey"
DRAIN: Final = "tracing.drain"
LOOK_UP: Final = "tracing.look_up"
IMPORT: Final = "tracing.import"
STOP: Final = "tracing.stop"
FILE: Final = "wake.sqlite"


def drain() -> outbox.Tally:
    """Send what is due; without a mail server everything stays in the outbox."""
    settings: Settings = current_app.extensions["tracing.settings"]
    if not settings.sends_mail:
        return outbox.Tally()
    open_channel: Callable[[], Channel] = current_app.extensions[CHANNEL]
    stop: Callable[[], bool] = current_app.extensions.get(STOP, bool)
    instance = Path(current_app.instance_path)
    if paused(instance):
        return outbox.Tally()
    return outbox.deliver(
        open_channel(), settings, stop=lambda: stop() or paused(instance) is not None
    )


class _Turns:
    """One at a time; what was wished for meanwhile is done before it ends."""

    def __init__(self) -> None:
        self.wished = threading.Event()
        self.lock = threading.Lock()

    def take(self, work: Callable[[], object]) -> None:
        """Do the work, or leave it to whoever is at it."""
        self.wished.set()
        while self.wished.is_set() and self.lock.acquire(blocking=False):
            try:
                self.wished.clear()
                work()
            finally:
                self.lock.release()


def look_up() -> int:
    """Ask other registers what is due; carry introductions to their other side."""
    stop: Callable[[], bool] = current_app.extensions.get(STOP, bool)
    instance = Path(current_app.instance_path)
    if paused(instance):
        return 0
    done = running.drain(
        outbox.this_worker(), stop=lambda: stop() or paused(instance) is not None
    )
    return done + introductions.carry()


def import_due() -> int:
    """Import the files that wait, in turns."""
    stop: Callable[[], bool] = current_app.extensions.get(STOP, bool)
    instance = Path(current_app.instance_path)
    if paused(instance):
        return 0
    return imports.drain(
        outbox.this_worker(), stop=lambda: stop() or paused(instance) is not None
    )


def read_notices() -> int:
    """Ask other registers whether a search has met a record of ours."""
    stop: Callable[[], bool] = current_app.extensions.get(STOP, bool)
    if paused(Path(current_app.instance_path)):
        return 0
    return notices.poll(outbox.this_worker(), stop=stop)


def tell_programs() -> int:
    """Send programs word of what has happened."""
    stop: Callable[[], bool] = current_app.extensions.get(STOP, bool)
    instance = Path(current_app.instance_path)
    if paused(instance):
        return 0
    return webhooks.run(actor_of, stop=lambda: stop() or paused(instance) is not None)


def sweep() -> int:
    """Write the reminders that are owed; clear away sessions that have run out."""
    sessions.sweep(outbox.utc_now())
    waits.sweep(outbox.utc_now())
    domain = current_app.config["MAIL_DOMAIN"]
    return reminders.sweep(outbox.utc_now(), domain=domain)


def move() -> int:
    """Let open requests count by the newest calendars."""
    return moving.work(outbox.utc_now())


def renew() -> int:
    """Look whether the library or the years have brought new calendars."""
    return versions.renew(outbox.utc_now())


def change_entries() -> int:
    """Make the changes of the directory that two persons agreed on."""
    return changing.carry_out(outbox.utc_now())


def returned() -> int:
    """Mark the addresses from which mail came back, and send it to the next ones."""
    marked = bounces.from_server(outbox.utc_now())
    settings: Settings = current_app.extensions["tracing.settings"]
    if settings.reads_mail:
        open_inbox: Callable[[], Inbox] = current_app.extensions[INBOX]
        try:
            marked += bounces.collect(open_inbox(), outbox.utc_now())
        except ConnectionError as error:
            log.error("the mailbox of notices does not serve us: %s", error)  # noqa: TRY400 - said in one line each minute
    return marked


def keep_up() -> int:
    """Ask the authorities whose entries are to be confirmed."""
    return confirming.keep_up(outbox.utc_now())


def tell() -> None:
    """Leave word that the worker lives, and how much waits."""
    figures.tell(Path(current_app.instance_path), now=outbox.utc_now())


def tidy() -> int:
    """Let go of files that nobody keeps, and of calls that nobody repeats."""
    calls.sweep(outbox.utc_now())
    return attachments.clean_up() + imports.tidy()


def switch_off() -> int:
    """Switch off the accounts that nobody has used for long."""
    return unused.switch_off(outbox.utc_now())


def purge() -> int:
    """Erase what is due; take it out of the database's files as well."""
    gone = erasing.sweep()
    if gone:
        erasing.scrub()
    return len(gone)


def reseal() -> int:
    """Close with the newest key what an older one has closed, if there is one."""
    if len(field_keys().ring.keys) == 1:
        return 0
    return resealing.rotate(pause=0.05)


def sign() -> int:
    """Sign the heads of the journal that have grown."""
    return len(checkpoints.make_all())


def each(*parts: Callable[[], object]) -> None:
    """Do every part; one that fails is told of, and keeps none of the others."""
    for part in parts:
        try:
            part()
        except Exception:
            log.exception("%s failed", part.__name__)
            db.session.remove()


def bind(app: Flask) -> Any:
    """Return the application's queue with its tasks; no file is opened yet."""
    settings: Settings = app.extensions["tracing.settings"]
    huey = SqliteHuey(
        "wake",
        filename=str(Path(settings.instance or app.instance_path) / FILE),
        results=False,
        create_tables=False,
        # A page waits no longer than this for a queue that it can do without.
        timeout=1,
    )

    told = _Turns()

    def tell_programs_task() -> None:
        with app.app_context():
            told.take(tell_programs)

    tell_programs_soon = huey.task(name="tell_programs")(tell_programs_task)

    mail_turns = _Turns()

    def mail_task() -> None:
        with app.app_context():
            mail_turns.take(drain)

    # A slow server takes one thread, whatever wakes the worker meanwhile.
    mail_soon = huey.task(name="mail")(mail_task)

    def drain_task() -> None:
        # Receivers may be slow: mails do not wait for them.
        tell_programs_soon()
        with app.app_context():
            each(change_entries)
        mail_soon()

    turns = _Turns()

    def look_up_task() -> None:
        with app.app_context():
            turns.take(look_up)

    import_turns = _Turns()

    def import_task() -> None:
        with app.app_context():
            import_turns.take(import_due)

    def notices_task() -> None:
        with app.app_context():
            if read_notices():
                mail_soon()

    def sweep_task() -> None:
        with app.app_context():
            each(sweep, attachments.scan_waiting, erasing.carry_out)
            each(sightings.compare_all, reviews.carry_out, move)
            each(change_entries, returned, keep_up, tell)
        mail_soon()

    def tidy_task() -> None:
        with app.app_context():
            tidy()

    def switch_off_task() -> None:
        with app.app_context():
            each(switch_off, renew)

    def sign_task() -> None:
        with app.app_context():
            sign()

    def purge_task() -> None:
        with app.app_context():
            each(purge, reseal, reviews.list_due)

    app.extensions[DRAIN] = huey.task(name="drain")(drain_task)
    app.extensions[LOOK_UP] = huey.task(name="look_up")(look_up_task)
    app.extensions[IMPORT] = huey.task(name="import")(import_task)
    huey.periodic_task(crontab(minute="*"), name="sweep")(sweep_task)
    huey.periodic_task(crontab(minute="*"), name="look_up_due")(look_up_task)
    huey.periodic_task(crontab(minute="*"), name="import_due")(import_task)
    huey.periodic_task(crontab(minute="*"), name="read_notices")(notices_task)
    huey.periodic_task(crontab(minute="*"), name="tell_programs_due")(
        tell_programs_task
    )
    huey.periodic_task(crontab(minute="17"), name="tidy")(tidy_task)
    daily = crontab(hour="2", minute="43")
    huey.periodic_task(daily, name="switch_off")(switch_off_task)
    huey.periodic_task(crontab(minute="*"), name="sign")(sign_task)
    huey.periodic_task(crontab(hour="3", minute="41"), name="purge")(purge_task)
    app.extensions[QUEUE] = huey
    return huey


def _open(huey: Any) -> None:
    """Make the queue's file, for its owner alone like all that is in the folder."""
    Path(huey.storage.filename).touch(mode=0o600)
    huey.storage.initialize_schema()


def waker(app: Flask, wanted: str = DRAIN) -> Callable[[], None]:
    """Return what goes behind `extensions.wake`; it never fails a request."""
    huey, task = app.extensions[QUEUE], app.extensions[wanted]

    def hurry() -> None:
        try:
            _open(huey)
            # One that still waits will see our rows too.
            if not any(isinstance(one, task.task_class) for one in huey.pending(50)):
                task()
                crash.at("worker.woken")
        except sqlite3.Error as error:
            log.warning("the worker was not woken, the sweep will: %s", error)

    return hurry


def consumer(app: Flask) -> Any:
    """Return a consumer whose `run()` lasts until SIGTERM; it begins with a drain."""
    huey = app.extensions[QUEUE]
    _open(huey)
    with app.app_context():
        state.clear(Path(app.instance_path))
        tell()
    app.extensions[DRAIN]()
    app.extensions[LOOK_UP]()
    app.extensions[IMPORT]()
    made = huey.create_consumer(
        workers=4, max_delay=1.0, graceful_signal="TERM", shutdown_timeout=30
    )
    app.extensions[STOP] = made.stop_flag.is_set
    return made
