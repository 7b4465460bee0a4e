"""`tracing backup` and `tracing restore`."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from flask import current_app
from flask.cli import with_appcontext

from tracing.operations import backup as backups
from tracing.operations import restore as restores
from tracing.operations import sealing
from tracing.operations.refusal import Refused

_FOLDER: Final = click.Path(path_type=Path)
_BACKUP: Final = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("backup-key")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup_key(file: Path) -> None:
    """Make the pair of keys of backups: the private one to FILE, the other shown."""
    try:
        public = sealing.make_identity(file)
    except Refused as refused:
        raise click.ClickException(str(refused)) from refused
    click.echo(f"Keep {file} away from this machine: without it no backup opens.")
    click.echo(f'Put into config.py:  BACKUP_RECIPIENT = "{public}"')


@click.command("backup")
@click.argument("folder", type=_FOLDER)
@with_appcontext
def backup(folder: Path) -> None:
    """Write a backup to FOLDER, which must not be there yet; the service may run."""
    try:
        made = backups.make(folder, now=datetime.now(UTC))
    except Refused as refused:
        raise click.ClickException(str(refused)) from refused
    size = sum(size for size, _digest in made.files.values())
    how = "encrypted" if made.sealed else "NOT encrypted"
    click.echo(f"{folder}: {made.requests} requests, {size} bytes, {how}.")
    click.echo("The secrets of config.py are not in it: keep a copy apart.")


@click.command("restore")
@click.argument("folder", type=_BACKUP)
@click.option("--identity", type=_FILE, help="The private key of the backup.")
@click.option("--replace", is_flag=True, help="Lose what is in the database.")
@click.option("--foreign", is_flag=True, help="Take a backup made with other secrets.")
@click.option("--drill", is_flag=True, help="Only try it; change nothing here.")
@click.option("--database", default="", help="With --drill: an empty PostgreSQL.")
@with_appcontext
def restore(
    folder: Path,
    identity: Path | None,
    replace: bool,
    foreign: bool,
    drill: bool,
    database: str,
) -> None:
    """Put the backup of FOLDER back, once all of it is checked."""
    now = datetime.now(UTC)
    try:
        if drill:
            tried = restores.drill(folder, identity, database, now=now)
            click.echo(
                f"It could be restored: {tried.requests} requests, journal whole."
            )
            return
        done = restores.restore(
            folder, identity, replace=replace, foreign=foreign, now=now
        )
    except Refused as refused:
        raise click.ClickException(str(refused)) from refused
    _tell(done)


def _tell(done: restores.Restored) -> None:
    click.echo(f"Restored as of {done.said.at}: {done.said.requests} requests.")
    click.echo(
        f"{done.sessions} sessions ended, {done.reminders} reminders not repeated."
    )
    click.echo(f"Mail is paused; {done.queued} messages wait, and may have been sent.")
    click.echo("Look at them, then: tracing mail resume [--drop-older]")
    if done.erasures is not None:
        click.echo(f"{done.erasures} erasures were done again.")
    elif restores.owes_erasures(Path(current_app.instance_path)):
        click.echo("ERASURES WERE NOT DONE AGAIN: nothing here knows how.", err=True)
    for fault in done.faults:
        click.echo(f"not as it was: {fault}", err=True)
    if done.faults:
        sys.exit(2)


COMMANDS: Final = (backup_key, backup, restore)
