"""Commands that set an installation up and show what it is made of."""

import os
import runpy
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask.cli import ScriptInfo, with_appcontext
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from tracing import config
from tracing.accounts import managing, passwords, people, sessions
from tracing.cli.demo import DemoAccount, load_demo
from tracing.config import SECRETS, Settings
from tracing.directory import catalogue, columns, entries, exchange
from tracing.extensions import db
from tracing.models import Authority
from workflows import diagram
from workflows.policies import Role, may_combine


def instance_folder() -> Path:
    """Return the instance folder before there is an application."""
    given = os.environ.get("TRACING_INSTANCE_PATH")
    return Path(Flask("tracing", instance_path=given).instance_path)


def _is_new(folder: Path) -> bool:
    """Tell whether nobody has set anything up: what is there is somebody's service."""
    given = any(f"TRACING_{name.upper()}" in os.environ for name in SECRETS)
    return not given and not (folder / "config.py").exists()


def prepared_app(*, demonstration: bool = False) -> Flask:
    """Return the application with secrets and a database of the newest form."""
    from flask_migrate import upgrade

    folder = instance_folder()
    is_new = _is_new(folder)
    if config.write_secrets(folder):
        click.echo(f"Secrets were made and kept in {folder / 'config.py'}.")
        if demonstration and is_new:
            with (folder / "config.py").open("a", encoding="utf-8") as file:
                file.write("DEMONSTRATION = True\n")
                file.write(
                    "# A newcomer walks in by a password alone. Only a demonstration"
                    " may do so.\nSECOND_FACTOR_REQUIRED = False\n"
                )
    app = click.get_current_context().ensure_object(ScriptInfo).load_app()
    with app.app_context():
        if db.engine.dialect.name == "sqlite" and db.engine.url.database:
            # Before the first row: what SQLite writes beside the file gets its rights.
            database = Path(db.engine.url.database)
            database.touch(mode=0o600)
            database.chmod(0o600)
        upgrade()
        catalogue.ship()
    return app


def _checked(name: str) -> Any:
    """Return the check of an option: the same one as of the import."""

    def check(_context: click.Context, _option: click.Parameter, value: str) -> str:
        _values, faults = columns.checked({name: value})
        if faults:
            raise click.BadParameter(faults[0].remedy)
        return value

    return check


def _email(_context: click.Context, _option: click.Parameter, value: str) -> str:
    try:
        return people.address_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _password(_context: click.Context, _option: click.Parameter, value: str) -> str:
    fault = passwords.fault_of(value) if value else None
    if fault is not None:
        raise click.BadParameter(fault)
    return value


class _Init(click.Command):
    """What is there is brought up to date before anything is asked."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Ask who administers only where nobody does."""
        if not set(args) & {"--help", "-h"}:
            app = prepared_app()
            with app.app_context():
                is_new = not people.has_administrator()
            if not is_new and not args:
                click.echo("Secrets and tables are those of this version.")
                click.echo("There is an administrator: nothing else was changed.")
                ctx.exit(0)
        return super().parse_args(ctx, args)


@click.command("init", cls=_Init)
@click.option(
    "--code", prompt="Code of the authority, such as KE-NFP", callback=_checked("code")
)
@click.option(
    "--country",
    prompt="State (two letters of ISO 3166-1)",
    callback=_checked("country"),
)
@click.option("--authority", prompt="Name of the authority", callback=_checked("name"))
@click.option(
    "--zone", prompt="Time zone, such as Africa/Nairobi", callback=_checked("zone")
)
@click.option(
    "--authority-email", prompt="E-mail of the authority", callback=_checked("email")
)
@click.option("--name", prompt="Your name")
@click.option("--email", prompt="Your e-mail", callback=_email)
@click.option(
    "--password",
    prompt="Password (nothing: one is made and shown once)",
    default="",
    show_default=False,
    hide_input=True,
    confirmation_prompt=True,
    callback=_password,
)
def init(
    code: str,
    country: str,
    authority: str,
    zone: str,
    authority_email: str,
    name: str,
    email: str,
    password: str,
) -> None:
    """Make the first authority and its administrator; once."""
    values, faults = columns.checked(
        {
            "code": code,
            "country": country,
            "name": authority,
            "zone": zone,
            "email": authority_email,
        }
    )
    if faults:
        raise click.ClickException("\n".join(map(str, faults)))
    app = prepared_app()
    with app.app_context():
        if people.has_administrator():
            raise click.ClickException(
                "There is an administrator already, so nothing was changed."
                " `tracing add-person` adds others."
            )
        home = entries.get(values["code"]) or Authority(**values)
        chosen = password or people.random_password()
        person = people.add_person(
            home, name.strip(), email, chosen, (Role.ADMINISTRATOR,)
        )
        db.session.commit()
        click.echo(f"{person.name} ({person.email}) is the administrator.")
        if not password:
            click.echo(f"Password, shown this once: {chosen}")
    click.echo("Next: `tracing serve`, then sign in.")


@click.command("add-person")
@click.argument("authority")
@click.option("--name", prompt="Name")
@click.option("--email", prompt="E-mail", callback=_email)
@click.option(
    "--role",
    "roles",
    required=True,
    multiple=True,
    type=click.Choice([role.value for role in Role]),
)
@with_appcontext
def add_person(authority: str, name: str, email: str, roles: tuple[str, ...]) -> None:
    """Invite a person of AUTHORITY (its code), who chooses a password by a link.

    The authority is told. Whose invitation has run out is sent another.
    """
    if not may_combine(frozenset(map(Role, roles))):
        raise click.ClickException("An operator opens no cases: give no other role.")
    home = entries.get(authority)
    if home is None:
        raise click.ClickException("The directory has no such authority.")
    try:
        managing.invite_from_outside(
            home,
            name=name,
            email=email,
            roles=map(Role, roles),
            now=sessions.utc_now(),
        )
    except managing.Refused as error:
        raise click.ClickException(error.words) from error
    click.echo(f"{name} ({email}) is invited for {home.name}.")
    click.echo(
        "The link in the mail is good once, for 72 hours; the authority is told."
    )
    if not sessions.settings().sends_mail:
        click.echo("No mail server is set: it waits until there is one.", err=True)


@click.command("import-authorities")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_appcontext
def import_authorities(file: Path) -> None:
    """Add and change authorities from a CSV or JSON file: all of them, or none."""
    report = _imported(file)
    for fault in report.faults:
        click.echo(f"{file}: {fault}", err=True)
    if report.faults:
        raise click.ClickException(
            f"{len(report.faults)} to put right; nothing was imported."
        )
    click.echo(
        f"{len(report.added)} added, {len(report.changed)} changed,"
        f" {len(report.unchanged)} as they were."
    )


def _imported(file: Path) -> exchange.Report:
    body = file.read_bytes()
    if file.suffix.lower() == ".json":
        return exchange.import_json(body)
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.ClickException(
            f"{file}: save it as UTF-8; byte {error.start} is not."
        ) from error
    return exchange.import_authorities(text)


@click.command("export-authorities")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@with_appcontext
def export_authorities(file: Path) -> None:
    """Write the directory to a CSV or JSON file, as it can be imported again."""
    found = entries.everything()
    write = exchange.to_json if file.suffix.lower() == ".json" else exchange.to_csv
    file.write_text(write(found), "utf-8", newline="")
    click.echo(f"{len(found)} authorities are in {file}.")


@click.command("demo")
def demo() -> None:
    """Fill an empty database with invented authorities, people and requests."""
    app = prepared_app(demonstration=True)
    with app.app_context():
        if entries.any_known():
            raise click.ClickException(
                "The database holds authorities already: a demonstration needs an"
                " empty one. Set TRACING_DATABASE_URL or TRACING_INSTANCE_PATH."
            )
        accounts = load_demo()
    for line in table_of(accounts):
        click.echo(line)
    click.echo("These passwords are shown this once. Nobody in this list exists.")


def table_of(accounts: list[DemoAccount]) -> Iterator[str]:
    """Yield who can sign in, authority by authority."""
    home = ""
    for account in accounts:
        if account.authority != home:
            home = account.authority
            yield f"\n{home}"
        roles = ", ".join(role.value for role in account.roles)
        yield f"  {roles:<14} {account.email:<40} {account.password}"
    yield ""


@click.command("lifecycle")
@click.option("--mermaid", is_flag=True, help="As a picture (stateDiagram-v2).")
def lifecycle(mermaid: bool) -> None:
    """Show the life of a trace request: the table the system obeys."""
    click.echo(diagram.as_mermaid() if mermaid else diagram.as_table())


@click.command("settings")
def settings() -> None:
    """Show each setting, its value and where it comes from; secrets are masked."""
    folder = instance_folder()
    try:
        found = config.load(folder)
    except config.SettingsError as error:
        raise click.ClickException(str(error)) from error
    for line in settings_table(found, folder / "config.py"):
        click.echo(line)


def settings_table(found: Settings, file: Path) -> Iterator[str]:
    """Yield the settings as lines: name, value, source."""
    in_file = set(runpy.run_path(str(file))) if file.is_file() else set()
    rows = []
    for name, value in asdict(found).items():
        upper = name.upper()
        source = "default"
        if upper in in_file:
            source = str(file)
        if f"TRACING_{upper}" in os.environ:
            source = f"TRACING_{upper}"
        if name == "instance":
            source = "TRACING_INSTANCE_PATH or the place of the programme"
        rows.append((name, _shown(name, value), source))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _shown(name: str, value: object) -> str:
    if name in SECRETS:
        return "(set, not shown)" if value else "(not set)"
    if name.endswith("database_url") and value:
        try:
            return make_url(str(value)).render_as_string(hide_password=True)
        except ArgumentError:
            return "(not an address of a database)"
    return str(value)


COMMANDS = (
    init,
    add_person,
    import_authorities,
    export_authorities,
    demo,
    lifecycle,
    settings,
)
"""What `tracing` offers from here."""
