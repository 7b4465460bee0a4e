"""`tracing journal`: check it, sign its heads, take it along."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from tracing.accounts import letters
from tracing.accounts.letters import News
from tracing.casework import leaving, reconcile
from tracing.extensions import db
from tracing.journal import checkpoints, journal, live
from tracing.journal import verify as offline
from tracing.journal.kinds import Kind
from tracing.journal.verify import UNREADABLE, Report, Unreadable, worst
from tracing.models import Authority

group = AppGroup("journal", help="The journal: check, sign, export.")

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@group.command("verify")
@click.option("--file", type=_FILE, help="An export, in place of the database.")
@click.option("--key", type=_FILE, help="The public key you have kept (with --file).")
@click.option(
    *("--checkpoint", "kept"),
    type=_FILE,
    multiple=True,
    help="A checkpoint you have kept; may be repeated.",
)
@click.option(
    *("--other", "others"),
    type=_FILE,
    multiple=True,
    help="The export of another authority (with --file); may be repeated.",
)
@click.option("--chain", default="", help="One chain alone, by its name.")
@click.option("--rows/--no-rows", default=True, help="Compare the requests as well.")
@click.option(
    "--closed",
    is_flag=True,
    help="Leave what the entries carried unopened: quicker, and needs no field keys.",
)
def verify(
    file: Path | None,
    key: Path | None,
    kept: tuple[Path, ...],
    others: tuple[Path, ...],
    chain: str,
    rows: bool,
    closed: bool,
) -> None:
    """Check the journal. Exit: 0 whole, 1 warning, 2 tampered with, 3 not readable."""
    if file is not None:
        sys.exit(offline.run(file, key, kept, others, click.echo))
    try:
        reports = _live(kept, chain, rows=rows and not closed, closed=closed)
    except Unreadable as error:
        click.echo(f"not readable: {error}")
        sys.exit(UNREADABLE)
    for report in reports:
        for line in report.lines():
            click.echo(line)
    sys.exit(worst(report.level for report in reports))


def _live(
    kept: tuple[Path, ...], chain: str, *, rows: bool, closed: bool
) -> list[Report]:
    notes = [offline.read_checkpoint(offline.read_text(path)) for path in kept]
    with live.many_hands() as hands, live.reading() as connection:
        reports = live.check_all(connection, notes, chain, closed=closed, hands=hands)
        if rows and not chain:
            by_name = {report.chain: report for report in reports}
            for name, found in reconcile.differences(connection):
                report = by_name.setdefault(name, Report(name))
                report.add(found.seq, found.level, found.text)
            reports = list(by_name.values())
    return reports


@group.command("checkpoint")
def checkpoint() -> None:
    """Sign the head of every chain that has grown."""
    for made in checkpoints.make_all():
        click.echo(made.note)


@group.command("key")
def key() -> None:
    """Show the public key of this installation: give it to every authority."""
    settings = current_app.extensions["tracing.settings"]
    click.echo(str(checkpoints.key_of(settings)))


@group.command("export")
@click.argument("chain")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export(chain: str, file: Path) -> None:
    """Write the chain of that name (the code of an authority, or system) to FILE.

    That it was taken is entered there and with the system; the authority is told.
    """
    with live.reading() as connection:
        found = live.chains(connection, chain)
    if not found:
        raise click.ClickException("There is no such chain.")
    number = found[0].id
    _enter_taken(number)
    live.write(number, file, leaving.held_back(number))
    with live.reading() as connection:
        size = live.chains(connection, chain)[0].size
    click.echo(f"{file}: {size} entries. Check it with")
    click.echo(f"  tracing journal verify --file {file}")


def _enter_taken(number: int) -> None:
    """Enter that whoever runs the system takes a chain along; tell whose it is."""
    if number != journal.SYSTEM:
        authority = db.session.get_one(Authority, number)
        letters.tell_mailbox(authority, News.JOURNAL_TAKEN, datetime.now(UTC))
    journal.record(Kind.JOURNAL_EXPORTED, None, parties=(journal.SYSTEM, number))
    db.session.commit()


COMMANDS = (group,)
