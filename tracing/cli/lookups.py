"""Look-ups by hand of the operator, and the stand-in to try them with."""

import contextlib
import csv
import io
import json
import secrets
import signal
import socket
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Final

import click
from flask import current_app
from flask.cli import with_appcontext

from tracing import worker
from tracing.casework import notices
from tracing.cli import demo
from tracing.lookups import registers
from tracing.lookups.gate import rows
from tracing.lookups.running import waiting
from tracing.reference import certificates
from tracing.reference.certificates import HOST
from tracing.reference.records import MORE
from tracing.reference.server import FAULTS, Server, wait_for

FOLDER: Final = "stand-in"
"""In the instance folder of a demonstration."""

DEFAULT_PORT: Final = 8443
RENEWED: Final = timedelta(days=15)
OURS: Final = (
    "# Written at each start of a demonstration: a stand-in with invented records, not\n"
    "# INTERPOL's. Take this line away, and the file stays as you leave it.\n"
)
SETTINGS: Final = """\
[stand-in]
adapter = "iarms"
label = "Stand-in for an iARMS-style service (invented data)"
years = "invented"
authorities = ["*"]
invented = true

[stand-in.settings]
url = "https://{host}:{port}/v1"
ports = ["{port}"]
networks = ["127.0.0.0/8"]
api_key = "{key}"
ca_file = {ca}
client_certificate = {certificate}
client_key = {client_key}
"""


@click.command("registers")
@with_appcontext
def list_registers() -> None:
    """List the registers that are set up, and how they do."""
    known, queued = rows(), waiting()
    for name, register in registers.all_of().items():
        row, left = known.get(name), queued.get(name)
        last = row.last_outcome if row and row.last_outcome else "never asked"
        good = row.good_at.isoformat(timespec="seconds") if row and row.good_at else "-"
        click.echo(
            f"{name}: {register.adapter}, for {' '.join(register.authorities)},"
            f" up to {register.highest_handling}; last: {last}; last good answer:"
            f" {good}; waiting: {left.count if left else 0}"
        )


@click.command("look-up")
@with_appcontext
def look_up() -> None:
    """Ask other registers what is due, once, and end."""
    current_app.extensions.pop(worker.STOP, None)
    click.echo(f"{worker.look_up()} look-ups answered")


@click.command("hits")
@click.option("--again", metavar="REGISTER", help="Begin with its first notice.")
@with_appcontext
def hits(again: str | None) -> None:
    """Read once which searches elsewhere have met records of ours, and end.

    No notice is told twice, not even when a register is read again from its start.
    """
    if again is not None:
        if again not in {register.name for register in notices.tellers()}:
            raise click.ClickException("No such register tells of hits.")
        notices.from_the_start(again)
    click.echo(f"{worker.read_notices()} notices told")


@click.command("stand-in")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--port", default=DEFAULT_PORT, show_default=True, help="Where it listens."
)
@click.option("--fault", type=click.Choice(FAULTS), help="What it does wrong.")
def stand_in(folder: Path, port: int, fault: str | None) -> None:
    """Serve a stand-in for an iARMS-style register, with invented records.

    It is not INTERPOL's iARMS, whose interface is not public. Database, certificates
    and key are made in FOLDER, with a `lookups.toml` for the instance folder.
    """
    _end_when_told()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    server = Server(folder, _key(folder), port)
    server.fault = fault or ""
    settings = folder / registers.FILE
    _write(settings, settings_for(folder, server.server_port))
    click.echo("A stand-in, with invented records: nothing here is INTERPOL's.")
    click.echo(f"It listens at {server.url}/v1. To use it, copy")
    click.echo(f"{settings} into the instance folder, and restart.")
    wait_for(server)
    server.server_close()


def _key(folder: Path) -> str:
    """Return the key that the stand-in asks for; it is made once."""
    file = folder / "key"
    if not file.exists():
        _write(file, secrets.token_urlsafe(32))
    return file.read_text().strip()


def _write(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text, "utf-8")


def settings_for(folder: Path, port: int) -> str:
    """Return the settings with which a desk reaches the stand-in of a folder."""
    folder = folder.resolve()
    return SETTINGS.format(
        host=HOST,
        port=port,
        key=_key(folder),
        ca=json.dumps(str(folder / "ca.pem")),
        certificate=json.dumps(str(folder / "client.pem")),
        client_key=json.dumps(str(folder / "client.key")),
    )


# ------------------------------------------------------------------ the demonstration


def prepare_stand_in(instance: Path) -> bool:
    """Make what the stand-in of a demonstration needs; False: the registers are set.

    Settings that somebody else wrote stay as they are, and no stand-in is started.
    """
    file, folder = instance / registers.FILE, instance / FOLDER
    if file.exists() and not file.read_text("utf-8", "replace").startswith(OURS):
        return False
    if not folder.exists():
        folder.mkdir(mode=0o700)
        rows = io.StringIO(newline="")
        csv.writer(rows, lineterminator="\n").writerows(demo.reported())
        _write(folder / MORE, rows.getvalue())
    if certificates.left(folder) < RENEWED:
        certificates.make(folder)
    port = free_port(_port_of(folder))
    _write(folder / "port", str(port))
    _write(file, OURS + settings_for(folder, port))
    return True


def _port_of(folder: Path) -> int:
    file = folder / "port"
    return int(file.read_text()) if file.exists() else DEFAULT_PORT


def free_port(wanted: int) -> int:
    """Return the port that is wanted, or another one where it is taken."""
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((HOST, port))
            return int(tried.getsockname()[1])
    raise RuntimeError("this machine has no free port")


def run_stand_in(instance: Path) -> None:
    """Serve the stand-in of a demonstration until it is told to end."""
    _end_when_told()
    folder = instance / FOLDER
    server = Server(folder, _key(folder), _port_of(folder))
    wait_for(server)
    server.server_close()


def _end_when_told() -> None:
    def end(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)


COMMANDS: Final = (list_registers, look_up, hits, stand_in)
