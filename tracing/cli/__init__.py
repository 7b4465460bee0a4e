"""`tracing`: everything an operator does from the command line."""

from pathlib import Path

import click
from flask import Flask
from flask.cli import FlaskGroup

from tracing import create_app
from tracing.accounts.people import has_administrator
from tracing.cli import (
    account,
    backup,
    doctor,
    exchange,
    interface,
    journal,
    lookups,
    mail,
    privacy,
    reference,
    registry,
    serve,
    setup,
)
from tracing.cli.demo import load_demo
from tracing.cli.doctor import require_health
from tracing.cli.owner import require_owner
from tracing.directory import entries


def owners_app() -> Flask:
    """Return the application as the owner of the tables runs it."""
    app = create_app(login="owner")
    require_owner(Path(app.instance_path))
    return app


main = FlaskGroup(
    name="tracing",
    create_app=owners_app,
    help="Trace requests between States: run, set up, look after.",
)


@main.command("run", with_appcontext=False)
def run() -> None:
    """Prepare an empty instance with a demonstration, then run site and worker."""
    app = setup.prepared_app(demonstration=True)
    settings = serve.settings_of(app)
    with app.app_context():
        accounts = []
        if not entries.any_known() and not has_administrator():
            click.echo("The instance is empty: loading the demonstration ...")
            accounts = load_demo()
    for line in setup.table_of(accounts):
        click.echo(line)
    if accounts:
        click.echo("These passwords are shown this once. Nobody in this list exists.")
    if not settings.sends_mail:
        click.echo("No mail server is set: an administrator reads the messages")
        click.echo("under “Outgoing messages”; nothing leaves this machine.")
    if not settings.second_factor_required:
        click.echo("A DEMONSTRATION: a password alone lets you in. Where data is real,")
        click.echo("everybody shows a second factor (SECOND_FACTOR_REQUIRED).")
    require_health(app)
    click.echo(f"\nOpen {settings.address} and sign in.\n")
    serve.serve_command(settings)


for module in (
    *(setup, serve, lookups, journal, doctor, backup, mail, account, privacy, registry),
    *(reference, exchange, interface),
):
    for command in module.COMMANDS:
        main.add_command(command)
