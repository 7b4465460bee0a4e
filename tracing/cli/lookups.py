"""Look-ups by hand of the operator, and the stand-in to try them with."""

import json
import secrets
from pathlib import Path
from typing import Final

import click
from flask import current_app
from flask.cli import with_appcontext

from tracing import worker
from tracing.casework import notices
from tracing.lookups import registers
from tracing.lookups.gate import rows
from tracing.lookups.running import waiting
from tracing.reference.server import FAULTS, Server, wait_for

SETTINGS: Final = """\
[stand-in]
adapter = "iarms"
label = "Stand-in for an iARMS-style service (invented data)"
years = "invented"
authorities = ["*"]

[stand-in.settings]
url = "{url}/v1"
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
@click.option("--port", default=8443, show_default=True, help="Where it listens.")
@click.option("--fault", type=click.Choice(FAULTS), help="What it does wrong.")
def stand_in(folder: Path, port: int, fault: str | None) -> None:
    """Serve a stand-in for an iARMS-style register, with invented records.

    It is not INTERPOL's iARMS, whose interface is not public. Database, certificates
    and key are made in FOLDER, with a `lookups.toml` for the instance folder.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / "key"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(32))
    server = Server(folder, file.read_text().strip(), port)
    server.fault = fault or ""
    settings = folder / registers.FILE
    settings.touch(mode=0o600)
    settings.write_text(_settings(server))
    click.echo("A stand-in, with invented records: nothing here is INTERPOL's.")
    click.echo(f"It listens at {server.url}/v1. To use it, copy")
    click.echo(f"{settings} into the instance folder, and restart.")
    wait_for(server)
    server.server_close()


def _settings(server: Server) -> str:
    folder = server.folder.resolve()
    return SETTINGS.format(
        url=server.url,
        port=server.server_port,
        key=server.key,
        ca=json.dumps(str(folder / "ca.pem")),
        certificate=json.dumps(str(folder / "client.pem")),
        client_key=json.dumps(str(folder / "client.key")),
    )


COMMANDS: Final = (list_registers, look_up, hits, stand_in)
