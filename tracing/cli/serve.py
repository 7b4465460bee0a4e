"""Run the site and the worker, together or alone; send and sweep by hand."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from tracing import logs, worker
from tracing.adapters.imap import ImapInbox
from tracing.adapters.smtp import SmtpChannel
from tracing.cli.doctor import despite_option, require_health
from tracing.cli.lookups import prepare_stand_in
from tracing.config import Settings
from tracing.operations import figures
from tracing.operations.metrics import TOGETHER

log = logging.getLogger(__name__)

PATIENCE: Final = 35
"""Seconds a part has to end by itself, longer than the consumer gives its tasks."""

LONGEST_PAUSE: Final = 30.0
STEADY: Final = 60.0
"""Seconds after which a part that dies was not dying at once."""


def settings_of(app: Flask) -> Settings:
    """Return the settings the application was made with."""
    settings: Settings = app.extensions["tracing.settings"]
    return settings


def choose_channel(app: Flask) -> None:
    """Let mail leave by SMTP, unless the application has chosen already."""
    settings = settings_of(app)
    app.extensions.setdefault(worker.CHANNEL, lambda: SmtpChannel(settings))
    app.extensions.setdefault(worker.INBOX, lambda: ImapInbox(settings))


# ------------------------------------------------------------------------ the parts


def run_site(settings: Settings) -> None:
    """Run the web server in this process until it is told to end."""
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        "tracing.wsgi:app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        # One for the pages; whoever waits for something to happen takes none from them.
        blocking_threads=1 + settings.api_waiting,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=20,
        log_dictconfig=logs.of_server(settings.log_format),
    ).serve()


def run_worker(app: Flask) -> None:
    """Run the consumer in this process until it is told to end."""
    os.umask(0o077)
    logs.set_up(settings_of(app).log_format)
    choose_channel(app)
    if not settings_of(app).sends_mail:
        log.warning("no mail server is set: messages stay in the outbox")
    worker.consumer(app).run()
    figures.farewell(Path(app.instance_path))


def end_with_parent() -> None:
    """End this process when the one that started it is gone, however it went.

    The parent holds the other end of our standard input and never writes to it.
    """

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


# ------------------------------------------------------------------------- together


@dataclass
class Part:
    """A process that is started again whenever it ends."""

    name: str
    environ: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    next_start: float = 0.0
    pause: float = field(default=1.0, init=False)

    def start(self) -> None:
        """Start it in a group of its own, so that what it starts ends with it."""
        self.started = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 - our own module, no input
            [sys.executable, "-m", "tracing.cli.part", self.name],
            stdin=subprocess.PIPE,
            env=self.environ,
            start_new_session=True,
        )

    def check(self) -> None:
        """Start it where it does not run, less eagerly each time it fails at once."""
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                return
            self.clear_away()
            ran = time.monotonic() - self.started
            self.pause = 1.0 if ran > STEADY else min(self.pause * 2, LONGEST_PAUSE)
            self.next_start = time.monotonic() + (0 if ran > STEADY else self.pause / 2)
            log.error("%s ended with %s; starting it again", self.name, code)
            self.process = None
        if time.monotonic() >= self.next_start:
            self.start()

    def stop(self) -> None:
        """Ask it to end."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait(self, until: float) -> None:
        """Wait for the end, and make it one when the time is up."""
        if self.process is None:
            return
        try:
            self.process.wait(max(until - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            log.error("%s did not end in time", self.name)  # noqa: TRY400 - known
        self.clear_away()

    def clear_away(self) -> None:
        """End what is left of its group: orphans would keep the port."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()


def _counting_folder(instance: Path) -> Path:
    """Return where the processes of the site count together, from zero."""
    folder = instance / "state" / "metrics"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.glob("*.db"):
        old.unlink()
    return folder


def serve_command(settings: Settings) -> None:
    """Run site and worker, and restart either, until SIGTERM or SIGINT."""
    environ = os.environ | {
        "TRACING_INSTANCE_PATH": settings.instance,
        "TRACING_HOST": settings.host,
        "TRACING_PORT": str(settings.port),
        "TRACING_WORKERS": str(settings.workers),
    }
    site = environ | {TOGETHER: str(_counting_folder(Path(settings.instance)))}
    parts = [Part("site", site), Part("worker", environ)]
    if settings.demonstration and prepare_stand_in(Path(settings.instance)):
        click.echo(
            "Officers can ask a stand-in for an iARMS-style register; its records"
        )
        click.echo("are invented, and it is not INTERPOL's.")
        parts.append(Part("stand-in", environ))
    ending = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ending.set()

    before = {
        code: signal.signal(code, end) for code in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        while not ending.is_set():
            for part in parts:
                part.check()
            ending.wait(0.2)
    finally:
        for part in parts:
            part.stop()
        until = time.monotonic() + PATIENCE
        for part in parts:
            part.wait(until)
        for code, handler in before.items():
            signal.signal(code, handler)


# ------------------------------------------------------------------ the command line


@click.command("serve")
@despite_option
@with_appcontext
def serve(despite: tuple[str, ...]) -> None:
    """Run the site and the worker, and restart either when it dies."""
    require_health(_this_app(), despite)
    serve_command(settings_of(current_app))


@click.command("worker")
@despite_option
@with_appcontext
def worker_command(despite: tuple[str, ...]) -> None:
    """Run the worker alone: reminders each minute, mail as it comes."""
    require_health(_this_app(), despite)
    run_worker(_this_app())


@click.command("deliver")
@with_appcontext
def deliver() -> None:
    """Send the mail that is due, once, and end."""
    app = _this_app()
    choose_channel(app)
    if not settings_of(app).sends_mail:
        raise click.ClickException("No mail server is set: give TRACING_SMTP_HOST.")
    tally = worker.drain()
    click.echo(
        f"{tally.sent} sent, {tally.postponed} to be tried again, {tally.dead} dead"
    )


@click.command("sweep")
@with_appcontext
def sweep() -> None:
    """Write the reminders that are owed, once, and end."""
    click.echo(f"{worker.sweep()} reminders written")


def _this_app() -> Flask:
    found: Callable[[], Flask] = current_app._get_current_object  # type: ignore[attr-defined]
    return found()


COMMANDS: Final = (serve, worker_command, deliver, sweep)
