"""`tracing openapi`, `tracing remote`: the interface of programs, from outside."""

import json
import os

import click
from flask import current_app
from flask.cli import AppGroup

from tracing.api.documents import described
from tracing.client import Client, Refused

group = AppGroup("remote", help="Another desk, by the interface of programs.")


@click.command("openapi")
def openapi() -> None:
    """Write the description of the interface (OpenAPI 3.1) to the output."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    click.echo(json.dumps(described(app), ensure_ascii=False, indent=1, sort_keys=True))


def _client(site: str) -> Client:
    token = os.environ.get("TRACE_TOKEN", "")
    if not token:
        raise click.ClickException("Put the token into the variable TRACE_TOKEN.")
    return Client(site, token)


@group.command("who", with_appcontext=False)
@click.argument("site")
def who(site: str) -> None:
    """Say as whom the token of TRACE_TOKEN works at SITE."""
    _show(_client(site), "me")


@group.command("show", with_appcontext=False)
@click.argument("site")
@click.argument("reference")
def show(site: str, reference: str) -> None:
    """Read a request at SITE."""
    _show(_client(site), f"requests/{reference}")


@group.command("events", with_appcontext=False)
@click.argument("site")
@click.option("--after", default="", help="A cursor, as it was written before.")
@click.option("--wait", default=0, help="Seconds to wait for something, at most 20.")
def events(site: str, after: str, wait: int) -> None:
    """Write what happened at SITE, a line each, and last the cursor to go on from."""
    client = _client(site)
    try:
        for one in client.events(after, wait=wait):
            click.echo(f"{one.step}\t{one.reference}\t{one.after}\t{one.by}")
    except Refused as error:
        raise click.ClickException(str(error)) from error
    click.echo(client.cursor)


def _show(client: Client, path: str) -> None:
    try:
        found = client.get(path)
    except Refused as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(found, ensure_ascii=False, indent=1))


COMMANDS = (openapi, group)
