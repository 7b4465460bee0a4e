"""`tracing account`: what no page can do for an account."""

import click
from flask.cli import AppGroup

from tracing.accounts import managing, people, sessions

group = AppGroup("account", help="Accounts: what no page can do.")


@group.command("reset-second-factor")
@click.argument("email")
@click.option(
    "--reason",
    prompt="Why, and how you know that it is the person",
    help="Why, and how you know that it is the person; it stands in the journal.",
)
@click.confirmation_option(
    prompt="The person sets up a new second factor with the password alone. Go on?"
)
def reset_second_factor(email: str, reason: str) -> None:
    """Let the only administrator of an authority, with EMAIL, set up a new one.

    Everybody else asks two administrators on the page People.
    """
    try:
        account = people.by_email(email)
    except ValueError as error:
        raise click.ClickException("This is not an e-mail address.") from error
    if account is None or not account.active:
        raise click.ClickException("Nobody signs in with this address.")
    try:
        managing.reset_only_administrator(account, reason, sessions.utc_now())
    except managing.Refused as error:
        raise click.ClickException(error.words) from error
    click.echo("The second factor is reset and every session of the person is ended.")
    click.echo("The person and the authority are told by mail; the journal has it.")


COMMANDS = (group,)
