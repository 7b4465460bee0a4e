"""`tracing doctor`: what is unsafe, and the remedy; asked before each start too."""

import sys
from datetime import UTC, datetime
from typing import Final

import click
from flask import Flask
from flask.cli import ScriptInfo
from sqlalchemy.exc import SQLAlchemyError

from tracing.adapters.smtp import self_test
from tracing.config import SettingsError
from tracing.extensions import db
from tracing.faults import Unavailable
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.operations.checks import CHECKS, Level
from tracing.operations.doctor import Finding, as_json, judge, lines, worst
from tracing.operations.facts import examine
from tracing.ports import BadSetting


def findings_of(
    app: Flask, *, starting: bool = False, for_fips: bool = False
) -> list[Finding]:
    """Look at an installation and judge it."""
    settings = app.extensions["tracing.settings"]
    with app.app_context():
        facts = examine(
            app,
            lambda: self_test(settings),
            now=datetime.now(UTC),
            for_fips=for_fips,
        )
    return judge(facts, starting=starting)


@click.command("doctor")
@click.option("--json", "in_json", is_flag=True, help="For a program.")
@click.option("--all", "everything", is_flag=True, help="What is right as well.")
@click.option("--fips", "for_fips", is_flag=True, help="Hold it to FIPS 140, too.")
@click.pass_context
def doctor(
    context: click.Context, in_json: bool, everything: bool, for_fips: bool
) -> None:
    """Say what is unsafe and how to put it right. Exit: 0 well, 1 warnings, 2 errors."""
    try:
        app = context.ensure_object(ScriptInfo).load_app()
    except (SettingsError, BadSetting) as fault:
        findings = [Finding("settings", Level.ERROR, str(fault))]
    else:
        settings = Finding("settings", Level.OK)
        findings = [settings, *findings_of(app, for_fips=for_fips)]
    if in_json:
        click.echo(as_json(findings))
    else:
        for line in lines(findings, everything=everything):
            click.echo(line)
    sys.exit(worst(findings))


def require_health(app: Flask, despite: tuple[str, ...] = ()) -> None:
    """Say what is unsafe, and refuse to serve on an error.

    `despite`: checks whose errors somebody takes the blame for.
    """
    findings = [f for f in findings_of(app, starting=True) if f.level is not Level.OK]
    for finding in findings:
        click.echo(str(finding), err=True)
    errors = [f for f in findings if f.level is Level.ERROR and f.name not in despite]
    if errors:
        named = " ".join(f"--despite {f.name}" for f in errors)
        raise click.ClickException(
            "not started: put the errors right first. To start all the same, knowing"
            f" what is said above: {named}"
        )
    blamed = sorted(f.name for f in findings if f.level is Level.ERROR)
    if blamed:
        _enter(app, blamed)


def _enter(app: Flask, blamed: list[str]) -> None:
    """Enter what somebody took the blame for; without the entry nothing starts."""
    try:
        with app.app_context():
            journal.record(Kind.STARTED_DESPITE, None, payload={"despite": blamed})
            db.session.commit()
    except (SQLAlchemyError, Unavailable) as error:
        raise click.ClickException(
            "not started: the journal does not take that it is in spite of errors"
        ) from error


despite_option: Final = click.option(
    "--despite",
    multiple=True,
    type=click.Choice([check.name for check in CHECKS]),
    help="Start in spite of this error of `tracing doctor`; may be repeated.",
)
COMMANDS: Final = (doctor,)
