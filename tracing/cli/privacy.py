"""`tracing purge`, `keys`, `person`: erase, turn the keys, hand out one's data."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from flask.cli import AppGroup, with_appcontext

from tracing.accounts import letters, people
from tracing.accounts.actors import actor_of
from tracing.accounts.letters import News
from tracing.casework import erasing, persons, resealing
from tracing.config import SettingsError
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.security.fields import BLOCK, LIMIT, LOOKS, Ring, field_keys
from workflows.errors import NotPermitted

ROUNDS: Final = 5
"""Rounds of a rotation: processes close with the older key for a moment longer."""

SETTLED: Final = 60.0
"""Seconds after which nobody closes with an older key: no page takes as long."""


@click.command("purge")
@click.option("--dry-run", is_flag=True, help="Say what is due, and erase nothing.")
@click.option(
    "--vacuum",
    is_flag=True,
    help="Write the tables anew without what was deleted; nobody writes meanwhile.",
)
@with_appcontext
def purge(dry_run: bool, vacuum: bool) -> None:
    """Erase what is due by its rule or was decided; finish what was broken off."""
    if dry_run:
        for reference in erasing.due(datetime.now(UTC)):
            click.echo(reference)
        return
    decided = erasing.carry_out()
    gone = erasing.sweep()
    erasing.scrub(vacuum=vacuum)
    for reference in gone:
        click.echo(reference)
    click.echo(f"{len(gone) + decided} erased.")


keys = AppGroup("keys", help="The keys of what names people: add, turn, look.")


def _replace(ring: Ring, **said: int) -> None:
    """Use other keys from now on; entered before, committed after."""
    journal.record(Kind.KEYS_CHANGED, None, payload=said)
    try:
        field_keys().replace(ring)
    except SettingsError as error:
        db.session.rollback()
        raise click.ClickException(str(error)) from error
    db.session.commit()


@keys.command("add")
def add() -> None:
    """Make a new key: from now on it closes, the older ones still open."""
    held = field_keys()
    ring = held.ring.with_new()
    _replace(ring, added=ring.first)
    click.echo(
        f"Key {held.ring.first} closes from now on; within a second, everywhere."
    )
    click.echo("Back the file up apart from the database, then `tracing keys rotate`.")


@keys.command("status")
def status() -> None:
    """Show each key: how many values it holds closed, how much it has been used."""
    held, found = field_keys(), resealing.counts()
    for number in sorted({*held.ring.keys, *found}):
        use = held.used(number)
        words = ["closes"] if number == held.ring.first else []
        words += ["half used up: add a key"] if use > LIMIT // 2 else []
        name = f"key {number}" if number else "no key that is here"
        values = f"{found.get(number, 0)} values, used at most {use} times"
        click.echo(", ".join([f"{name}: {values}", *words]))
    click.echo(f"Use is counted on this machine, {BLOCK} at a time.")


@keys.command("rotate")
@click.option("--batch", default=1000, type=click.IntRange(1, resealing.AT_ONCE))
@click.option("--pause", default=0.05, type=click.FloatRange(0, 60))
@click.option("--most", type=click.IntRange(min=1), help="End after so many rows.")
def rotate(batch: int, pause: float, most: int | None) -> None:
    """Close everything with the newest key, while people work; end it at any time.

    The next run goes on where this one ended.
    """
    first, written = field_keys().ring.first, 0
    journal.record(Kind.KEYS_CHANGED, None, payload={"closed_anew_with": first})
    db.session.commit()
    for _round in range(ROUNDS):
        done = resealing.rotate(size=batch, pause=pause, most=most)
        written += done
        if most is not None or not done:
            break
        time.sleep(2 * LOOKS)
    left = resealing.counts()
    first = field_keys().ring.first
    old = sum(number for key, number in left.items() if key != first)
    click.echo(f"{written} rows were closed anew; {old} values are on older keys.")


@keys.command("drop")
@click.argument("number", type=int)
def drop(number: int) -> None:
    """Take a key away with which nothing is closed any more."""
    held = field_keys()
    if number not in held.ring.keys or number == held.ring.first:
        raise click.ClickException("There is no such older key.")
    if resealing.counts().get(number):
        raise click.ClickException(
            "Values are closed with it still: `tracing keys rotate` first."
        )
    if held.age() < SETTLED:
        raise click.ClickException(
            "The keys were changed a moment ago, and a page may still be closing with"
            " the older one: say it again in a minute."
        )
    _replace(held.ring.without(number), dropped=number)
    click.echo(f"Key {number} is gone. A backup from before cannot be read without it.")


@click.command("export-person")
@click.argument("administrator")
@click.argument("name")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--reason", prompt="Reason")
@with_appcontext
def export_person(administrator: str, name: str, file: Path, reason: str) -> None:
    """Write where NAME stands to FILE, for the ADMINISTRATOR (e-mail) of an authority.

    The journals name the system as who did it, and the authority is told by mail.
    """
    try:
        account = people.by_email(administrator)
    except ValueError as error:
        raise click.ClickException("This is not an e-mail address.") from error
    if account is None or not account.active:
        raise click.ClickException("Nobody signs in with this address.")
    try:
        text = persons.export(actor_of(account), name, reason, outside=True)
    except (persons.Unclear, NotPermitted) as error:
        raise click.ClickException(str(error)) from error
    letters.tell_mailbox(account.authority, News.PERSON_TAKEN, datetime.now(UTC))
    db.session.commit()
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    click.echo(f"{file} is written. The journal has it; the authority is told by mail.")


COMMANDS = (purge, keys, export_person)
