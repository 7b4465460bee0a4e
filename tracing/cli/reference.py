"""`tracing reference`: the table of makes, plants, models and calibres, in and out."""

import csv
import sys
from pathlib import Path
from typing import Final

import click
from flask.cli import AppGroup

from tracing.directory import catalogue

group = AppGroup("reference", help="Makes, plants, models, calibres: in and out.")


@group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(file: Path) -> None:
    """Add names from a CSV file: all of them, or none. Nothing is taken away."""
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.ClickException(
            f"{file}: save it as UTF-8; byte {error.start} is not."
        ) from error
    report = catalogue.import_names(text)
    for fault in report.faults:
        click.echo(f"{file}: {fault}", err=True)
    if report.faults:
        raise click.ClickException(
            f"{len(report.faults)} to put right; nothing was imported."
        )
    added = ", ".join(f"{count} {kind}" for kind, count in report.added.items())
    click.echo(f"Added: {added or 'nothing, all of it was there'}.")


@group.command("export")
@click.argument(
    "file", type=click.Path(dir_okay=False, writable=True, path_type=Path), default="-"
)
def export(file: Path) -> None:
    """Write the whole table as CSV, to FILE or to the screen."""
    if str(file) == "-":
        csv.writer(sys.stdout, lineterminator="\n").writerows(catalogue.exported())
        return
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows(catalogue.exported())
    click.echo(f"Written to {file}.")


COMMANDS: Final = (group,)
