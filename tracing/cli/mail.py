"""`tracing mail`: hold mail back, and let it go again."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from flask import current_app
from flask.cli import AppGroup

from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.notifications import outbox
from tracing.operations import pause, restore

group = AppGroup("mail", help="Mail: see what waits, hold it back, let it go.")


def _instance() -> Path:
    return Path(current_app.instance_path)


def _enter(**said: object) -> None:
    journal.record(Kind.MAIL_CHANGED, None, payload=said)
    db.session.commit()


@group.command("status")
def status() -> None:
    """Say whether mail is paused, and how much waits."""
    held, waiting = pause.paused(_instance()), outbox.pending_counts()
    if held is not None:
        click.echo(f"Paused since {held.since:%Y-%m-%d %H:%M} UTC: {held.why}.")
    click.echo(f"{waiting.queued} messages wait, {waiting.dead} were given up.")


@group.command("pause")
@click.option("--why", default="an operator said so", help="For those who come after.")
def hold(why: str) -> None:
    """Let no mail leave; what becomes due waits."""
    _enter(mail="paused", why=why[:500])
    pause.pause(_instance(), why, now=datetime.now(UTC))
    click.echo("No mail leaves until `tracing mail resume`.")


@group.command("resume")
@click.option(
    "--drop-older",
    is_flag=True,
    help="Give up what waited when mail was paused: it may have been sent before.",
)
def resume(drop_older: bool) -> None:
    """Let mail leave again."""
    held = pause.paused(_instance())
    if held is None:
        click.echo("Mail is not paused.")
        return
    said = {}
    if drop_older:
        # With its entry: what is given up and that it was are one change.
        said["given_up"] = pause.drop_older(held.since)
        click.echo(f"{said['given_up']} messages were given up.")
    _enter(mail="resumed", **said)
    pause.resume(_instance())
    click.echo(f"{outbox.pending_counts().queued} messages may leave.")


@group.command("retry")
def retry() -> None:
    """Send again what was given up because no mail server took it.

    Not what was given up after a restore, since it may have been sent before.
    """
    now = datetime.now(UTC)
    count = outbox.retry_dead(now=now, without=(pause.OLD, restore.AGAIN))
    if count:
        journal.record(Kind.MAIL_RETRIED, None, payload={"messages": count})
    db.session.commit()
    click.echo(f"{count} messages are sent again within a minute.")


COMMANDS: Final = (group,)
