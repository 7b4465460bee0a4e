"""`tracing purge`, `tracing keys`: erase what is due, turn the keys of what is kept."""

from datetime import UTC, datetime

import click
from flask.cli import with_appcontext

from tracing.casework import erasing


@click.command("purge")
@click.option("--dry-run", is_flag=True, help="Say what is due, and erase nothing.")
@click.option(
    "--vacuum",
    is_flag=True,
    help="Write the tables anew without what was deleted; nobody writes meanwhile.",
)
@with_appcontext
def purge(dry_run: bool, vacuum: bool) -> None:
    """Erase what is due by its rule; a run that was broken off is finished."""
    if dry_run:
        for reference in erasing.due(datetime.now(UTC)):
            click.echo(reference)
        return
    gone = erasing.sweep()
    erasing.scrub(vacuum=vacuum)
    for reference in gone:
        click.echo(reference)
    click.echo(f"{len(gone)} erased.")


COMMANDS = (purge,)
