"""`tracing export-request`, `import-request`, `verify`, `exchange-key`."""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_urlsafe
from typing import Final

import click
from flask.cli import ScriptInfo, with_appcontext

from tracing.accounts import people
from tracing.accounts.actors import actor_of
from tracing.casework import queries
from tracing.config import Settings, SettingsError
from tracing.exchange import exporting, files, importing, signing
from tracing.exchange.document import REQUEST, RESPONSE, Unfit
from tracing.exchange.exporting import Form
from tracing.exchange.importing import NotVouched
from tracing.exchange.signing import KeySet, Standing
from tracing.extensions import db
from tracing.models import Account
from workflows.errors import WorkflowError

FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
STATUS: Final = {
    Standing.OWN: 0,
    Standing.KNOWN: 0,
    Standing.UNKNOWN: 1,
    Standing.UNSIGNED: 1,
    Standing.BROKEN: 2,
}
NOT_READABLE: Final = 3
LARGEST: Final = 20_000_000
"""Of a file that is only looked at."""


def _person(email: str) -> Account:
    try:
        account = people.by_email(email)
    except ValueError as error:
        raise click.ClickException("This is not an e-mail address.") from error
    if account is None or not account.active:
        raise click.ClickException("Nobody signs in with this address.")
    return account


@click.command("export-request")
@click.argument("reference")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--for", "email", required=True, help="E-mail of a person of the side.")
@click.option("--answer", is_flag=True, help="The answer alone.")
@with_appcontext
def export_request(reference: str, file: Path, email: str, answer: bool) -> None:
    """Write a request to FILE: .json and .xml are signed, .csv is a table.

    It is what that person might take. The journals name the system as who did it, and
    the authority is told by mail.
    """
    ending = file.suffix.removeprefix(".").lower()
    forms = (Form.JSON, Form.XML) if answer else (Form.JSON, Form.XML, Form.CSV)
    if ending not in forms:
        raise click.ClickException(f"Name a file that ends in .{', .'.join(forms)}.")
    account = _person(email)
    actor, kind = actor_of(account), RESPONSE if answer else REQUEST
    try:
        found = queries.by_reference(reference, actor)
        body = exporting.hand_out(found, actor, Form(ending), kind=kind, outside=True)
    except WorkflowError as error:
        raise click.ClickException(str(error)) from error
    exporting.tell_of_taking(_person(email).authority)
    db.session.commit()
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(body)
    click.echo(f"{file} is written. The journal has it; the authority is told by mail.")


@click.command("import-request")
@click.argument("file", type=FILE)
@click.option("--as", "email", required=True, help="E-mail of who will own the draft.")
@click.option("--unvouched", is_flag=True, help="Though nobody known vouches for it.")
@with_appcontext
def import_request(file: Path, email: str, unvouched: bool) -> None:
    """Make a draft of FILE, after its signature was checked."""
    actor = actor_of(_person(email))
    try:
        made = importing.receive(
            file.read_bytes(),
            actor,
            form_key=token_urlsafe(24),
            unvouched=unvouched,
            now=datetime.now(UTC),
        )
    except Unfit as error:
        raise click.ClickException(_told(error)) from error
    except NotVouched as error:
        words = f"{error.verdict.standing.label}."
        if error.verdict.standing is not Standing.BROKEN:
            words += " To answer for it yourself say --unvouched."
        raise click.ClickException(words) from error
    except (WorkflowError, SettingsError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{made.reference}: a draft. {made.verdict.standing.label}.")
    for one in made.left:
        click.echo(f"Left out: {one.label}. {one.words}")


def _told(error: Unfit) -> str:
    return "\n".join(f"{p}: {words}" if p else words for p, words in error.faults)


@click.command("verify")
@click.argument("file", type=FILE)
@click.option(
    *("--key", "keys"),
    type=FILE,
    multiple=True,
    help="A set of public keys you have kept; without one, those known here.",
)
def verify(file: Path, keys: tuple[Path, ...]) -> None:
    """Check an exported FILE, with --key off line and without an installation.

    Exit: 0 vouched for and unchanged, 1 nobody known vouches, 2 changed, 3 not readable.
    """
    try:
        known = _kept(keys) if keys else signing.known_keys(_settings())
        said = files.read(file.read_bytes(), most_bytes=LARGEST)
        verdict = signing.verdict(said, known)
    except Unfit as error:
        click.echo(f"not readable: {_told(error)}")
        sys.exit(NOT_READABLE)
    except SettingsError as error:
        click.echo(f"not readable: {error}")
        sys.exit(NOT_READABLE)
    click.echo(f"{file}: {verdict.standing.label}")
    if verdict.kid:
        name = f" of {verdict.name}" if verdict.name else ""
        click.echo(f"key {verdict.kid}{name}")
    asked = said["request"]
    click.echo(
        f"{said['kind']} {asked['reference']} of {asked['requesting']['code']},"
        f" exported {said['exported']} for {said['exporter']} by {said['issuer']}"
    )
    sys.exit(STATUS[verdict.standing])


def _kept(keys: tuple[Path, ...]) -> tuple[KeySet, ...]:
    nobody = KeySet("", {})
    return (nobody, *(signing.read_keys(file.read_bytes()) for file in keys))


def _settings() -> Settings:
    info = click.get_current_context().ensure_object(ScriptInfo)
    found: Settings = info.load_app().extensions["tracing.settings"]
    return found


@click.command("exchange-key")
@with_appcontext
def exchange_key() -> None:
    """Show the public keys by which exported requests are known, as a set to keep."""
    click.echo(json.dumps(signing.published(exporting.settings()), indent=1))


COMMANDS = (export_request, import_request, verify, exchange_key)
