"""`tracing registry`: bring files of records in, and take them along."""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
from flask.cli import AppGroup

from tracing.accounts import letters
from tracing.accounts.letters import News
from tracing.casework import imports, record_export
from tracing.casework.imports import Turn
from tracing.directory import entries
from tracing.extensions import db
from tracing.importing import tables, writing
from tracing.importing.faults import Refused
from tracing.models import Authority, ImportJob, ImportPhase
from tracing.security import isolation

group = AppGroup("registry", help="The national records: import, export.")

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, path_type=Path)


def _authority(code: str) -> Authority:
    found = entries.get(code)
    if found is None:
        raise click.ClickException(f"There is no authority {code}.")
    return found


@contextmanager
def _told() -> Iterator[None]:
    """Say what is wrong with a file or a mapping, and end."""
    try:
        yield
    except Refused as error:
        raise click.ClickException(str(error)) from error


class Progress:
    """How far it is: a bar at a terminal, a line now and then elsewhere."""

    def __init__(self, length: int) -> None:
        """Begin."""
        self.length, self.at, self.said = max(length, 1), 0, -1
        self.bar: Any = None
        if sys.stderr.isatty():
            self.bar = click.progressbar(
                length=self.length, file=sys.stderr, show_pos=False, width=30
            )
            self.bar.__enter__()

    def tell(self, at: int, words: str) -> None:
        """Show how far it is, by the bytes that are read."""
        before, self.at = self.at, min(max(at, self.at), self.length)
        share = self.at * 100 // self.length
        if self.bar is not None:
            self.bar.label = words
            self.bar.update(self.at - before)
        elif share // 5 > self.said:
            self.said = share // 5
            click.echo(f"{share} %  {words}", err=True)

    def end(self) -> None:
        """Let what follows begin on a line of its own."""
        if self.bar is not None:
            self.bar.__exit__(None, None, None)


@group.command("mapping")
@click.argument("file", type=_FILE)
def suggest_mapping(file: Path) -> None:
    """Write a first mapping for FILE, to be looked through and kept in a file."""
    with _told():
        found = tables.survey(file)
        header = imports.heading_of(found)
        click.echo(record_export.suggested(header) or imports.suggest(found), nl=False)


@group.command("import")
@click.argument("file", type=_FILE)
@click.option("--mapping", "told", type=_FILE, help="Which column is which field.")
@click.option("--authority", "code", required=True, help="Whose records they are.")
@click.option("--dry-run", is_flag=True, help="Read it all, and write only the report.")
@click.option(
    "--resume", is_flag=True, help="Go on with an import that was broken off."
)
@click.option("--report", type=_OUT, help="Where the bad rows go: FILE.report.csv.")
def import_file(
    file: Path,
    told: Path | None,
    code: str,
    *,
    dry_run: bool,
    resume: bool,
    report: Path | None,
) -> None:
    """Import the records of FILE (CSV or .xlsx) for an authority.

    Rows that cannot be taken are written to a report, with what to do about each; the
    others are imported. To import a file again changes nothing. The journal has the
    system as who did it.
    """
    authority = _authority(code)
    number = authority.id
    out = report or file.with_name(f"{file.name}.report.csv")
    with _told():
        found = tables.survey(file)
        text = _mapping(told, found)
        shown = imports.preview(found, imports.check(text))
        _show(shown)
    db.session.rollback()
    if dry_run:
        with _told():
            _rehearse(found, text, out)
        return
    owner = f"cli-{os.getpid()}-{secrets.token_hex(4)}"
    isolation.work_for(number)
    job = imports.go_on_here(found, number, text, owner=owner) if resume else None
    if resume and job is None:
        raise click.ClickException(
            "No import of this file with this mapping was broken off: leave out --resume."
        )
    if job is None:
        job = imports.begin_here(found, number, text, owner=owner, name=file.name)
    _work(job, found, owner, out)


def _mapping(told: Path | None, found: tables.Survey) -> str:
    if told is not None:
        try:
            return told.read_text("utf-8-sig")
        except UnicodeDecodeError as error:
            raise click.ClickException(f"{told}: save it in UTF-8.") from error
    text = record_export.suggested(imports.heading_of(found))
    if text is None:
        raise click.ClickException(
            f"Say which column is which field: `tracing registry mapping {found.path}"
            " > mapping.toml` writes a first file for --mapping."
        )
    return text


def _show(shown: imports.Preview) -> None:
    """Show the first rows as they will be kept."""
    for number, *values in shown.lines[:3]:
        click.echo(f"row {number}:", err=True)
        for label, value in zip(shown.heading, values, strict=True):
            if value is not None:
                click.echo(f"    {label}: {value}", err=True)
    if shown.bad:
        click.echo(f"{shown.bad} of the first {shown.looked} rows are bad:", err=True)
        for fault in shown.faults[:5]:
            words = fault.msgid % fault.holes if fault.holes else fault.msgid
            where = f" {fault.column}: {fault.value!r}" if fault.column else ""
            click.echo(f"    row {fault.row}{where}: {words}", err=True)


def _rehearse(found: tables.Survey, text: str, out: Path) -> None:
    bar = Progress(found.size)
    taken, bad = imports.rehearse(
        found, imports.check(text), out, lambda at: bar.tell(at, "read")
    )
    bar.tell(found.size, "read")
    bar.end()
    click.echo(f"{taken} rows can be imported, {bad} cannot; nothing was written.")
    click.echo(f"What is wrong with each stands in {out}.")


def _work(job: ImportJob, found: tables.Survey, owner: str, out: Path) -> None:
    number, token, bar = job.id, job.token, Progress(found.size)
    db.session.rollback()

    def tell(now: ImportJob) -> None:
        length = now.read_size or found.size
        bar.tell(
            now.at_byte * found.size // max(length, 1),
            f"{now.at_row} rows: {now.added} added, {now.changed} changed, {now.bad} bad",
        )

    turn = Turn(owner, seconds=float("inf"), tell=tell, source=found.path)
    imports.work(number, turn)
    bar.end()
    isolation.work_for_nobody()
    done = imports.as_it_stands(number)
    kept = imports.folder_of(token) / imports.REPORT
    if kept.exists():
        out.write_bytes(kept.read_bytes())
    click.echo(
        f"{done.taken} rows taken: {done.added} records added, {done.changed} changed,"
        f" {done.told} events and marks; {done.bad} rows bad, {done.warnings} warnings."
    )
    if done.bad or done.warnings:
        click.echo(f"What is wrong with each stands in {out}.")
    if done.phase is not ImportPhase.DONE:
        raise click.ClickException(
            done.why or "It did not come to its end: say it again with --resume."
        )


@group.command("export")
@click.argument("file", type=_OUT)
@click.option("--authority", "code", required=True, help="Whose records they are.")
def export(file: Path, code: str) -> None:
    """Write the records of an authority to FILE: a workbook if it ends in .xlsx, or CSV.

    What is written can be imported again as it is. That it was taken is entered in the
    journal of the authority and the system's; the authority is told by mail.
    """
    authority = _authority(code)
    number = authority.id
    form = "xlsx" if file.suffix.lower() == ".xlsx" else "csv"
    letters.tell_mailbox(authority, News.RECORDS_TAKEN, imports.utc_now())
    db.session.commit()
    record_export.opened(None, number, form)
    isolation.work_for(number)
    count = 0

    def counted() -> Iterator[list[str]]:
        nonlocal count
        for row in record_export.rows(number):
            count += 1
            yield row

    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    write = writing.as_workbook if form == "xlsx" else writing.as_csv_file
    write(file, record_export.heading(), counted())
    isolation.work_for_nobody()
    click.echo(f"{file}: {count} rows.")


COMMANDS: Final[tuple[Any, ...]] = (group,)
