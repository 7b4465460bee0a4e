"""Files of records: brought in through pages, and taken along."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import IO, Any, Final

from flask import (
    Blueprint,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.exceptions import Forbidden, NotFound
from werkzeug.wrappers import Response

from tracing.accounts.actors import current_actor
from tracing.casework import imports, record_export
from tracing.casework.session import give_up
from tracing.config import Settings
from tracing.importing import days, writing
from tracing.importing.faults import Refused
from tracing.importing.mapping import NotUnderstood
from tracing.models import ImportJob, ImportPhase
from tracing.web import errors
from tracing.web.context import said
from tracing.web.status import Tag
from tracing.web.stepup import recent_factor
from tracing.words import _
from workflows.policies import Actor, may_import

files = Blueprint("imports", __name__, url_prefix="/records/imports")
out = Blueprint("exports", __name__, url_prefix="/records/export")
BLUEPRINTS = (files, out)

MEGABYTE: Final = 1_000_000
TONES: Final = {
    ImportPhase.CHOSEN: ("blue", "star"),
    ImportPhase.WAITING: ("grey", "arrow"),
    ImportPhase.RUNNING: ("grey", "arrow"),
    ImportPhase.DONE: ("green", "tick"),
    ImportPhase.STOPPED: ("red", "triangle"),
    ImportPhase.CANCELLED: ("grey", "arrow"),
}
FORMS: Final = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One import as a list shows it."""

    job: ImportJob
    tag: Tag
    url: str
    share: int
    """How many of a hundred parts of the file are read."""


def _actor() -> Actor:
    actor = current_actor()
    if actor is None or not may_import(actor):
        raise Forbidden
    return actor


def _line(job: ImportJob) -> Line:
    tone, icon = TONES[job.phase]
    length = job.read_size or job.file_size or 1
    share = (
        100 if job.phase is ImportPhase.DONE else min(job.at_byte * 100 // length, 99)
    )
    url = url_for("imports.show", token=job.token)
    return Line(job, Tag(tone, icon, said(job.phase.label)), url, share)


def _largest() -> int:
    settings: Settings = current_app.extensions["tracing.settings"]
    return settings.max_import_bytes


def _index(problem: str = "") -> str:
    rows = [_line(job) for job in imports.of_authority(_actor())]
    return render_template(
        "imports/list.html",
        rows=rows,
        problem=problem,
        largest=_largest() // MEGABYTE,
    )


@files.get("")
def index() -> str:
    """List the imports of one's authority, with a form for another one."""
    return _index()


@files.post("")
def choose() -> Response | tuple[str, int]:
    """Take a file."""
    actor = _actor()
    given = request.files.get("file")
    if given is None or not given.filename:
        return _index(_("Choose a file: CSV, or a workbook (.xlsx).")), 422
    # Nobody waits at the database while the file is read.
    give_up()
    try:
        job = imports.choose(actor, given.filename, given.stream, largest=_largest())
    except Refused as error:
        return _index(_(error.msgid, **error.holes)), 422
    return redirect(url_for(".show", token=job.token), 303)


def _page(token: str) -> str:
    actor = _actor()
    job = imports.one(token, actor)
    text, seen = job.mapping, None
    wrong: list[str] = []
    if job.phase is ImportPhase.CHOSEN:
        seen, wrong = _looked(job)
        job = imports.one(token, actor)
    return render_template(
        "imports/show.html",
        job=job,
        line=_line(job),
        text=request.form.get("mapping", text),
        seen=seen,
        wrong=wrong,
        labels=[said(label) for label in seen.heading] if seen else [],
        formats=", ".join(days.FORMATS),
    )


def _looked(job: ImportJob) -> tuple[imports.Preview | None, list[str]]:
    """Return the first rows as they will be kept, or what stands in the way."""
    try:
        return imports.look(job), []
    except NotUnderstood as error:
        return None, [imports.told(problem) for problem in error.problems]
    except Refused as error:
        return None, [_(error.msgid, **error.holes)]


@files.get("/<token>")
def show(token: str) -> str:
    """Show an import: its mapping and first rows, how far it is, what came of it."""
    return _page(token)


@files.get("/<token>/state")
def state(token: str) -> dict[str, object]:
    """Tell a page that is open how far the import is by now."""
    job = imports.one(token, _actor())
    line = _line(job)
    counts = [job.taken, job.added, job.changed, job.told, job.bad, job.warnings]
    return {
        "share": line.share,
        "over": job.phase.is_over,
        "phase": {
            "tone": line.tag.tone,
            "icon": line.tag.icon,
            "words": line.tag.words,
        },
        "counts": counts,
    }


@files.post("/<token>/mapping")
def set_mapping(token: str) -> Response:
    """Keep the mapping as it was written, and show what comes of it."""
    imports.set_mapping(token, _actor(), request.form.get("mapping", ""))
    return redirect(url_for(".show", token=token), 303)


@files.post("/<token>/start")
def start(token: str) -> Response | tuple[str, int]:
    """Let the worker import the file."""
    actor = _actor()
    if "mapping" in request.form:
        imports.set_mapping(token, actor, request.form["mapping"])
    try:
        imports.start(token, actor)
    except Refused:
        # The page says what: it looks at the same.
        give_up()
        return _page(token), 422
    flash(_("The import waits for its turn."), "ok")
    return redirect(url_for(".show", token=token), 303)


@files.post("/<token>/cancel")
def cancel(token: str) -> Response:
    """End an import; what it has brought stays."""
    imports.cancel(token, _actor())
    flash(_("The import is cancelled. What it had brought stays."), "ok")
    return redirect(url_for(".show", token=token), 303)


@files.get("/<token>/report")
def report(token: str) -> Response:
    """Hand out the list of what was not taken, as far as it is written."""
    job = imports.one(token, _actor())
    content = imports.report_of(job)
    if content is None:
        raise NotFound
    return _file(content, "text/csv", f"import-{job.id}-report.csv")


# ---------------------------------------------------------------------------- export


@out.post("")
@recent_factor()
def take() -> Response | tuple[str, int]:
    """Hand out all records of one's authority, as they can be imported again."""
    actor = _actor()
    form = request.form.get("form", "")
    if form not in FORMS:
        return errors.page(422, _("Choose CSV or a workbook."))
    give_up()
    record_export.opened(actor, actor.authority_id, form)
    heading, rows = record_export.heading(), record_export.rows(actor.authority_id)
    # Written before it goes out: nobody who is slow keeps the database waiting.
    folder = Path(mkdtemp(prefix="tracing-export-"))
    path = folder / f"records.{form}"
    try:
        if form == "csv":
            writing.as_csv_file(path, heading, rows)
        else:
            writing.as_workbook(path, heading, rows)
        file = path.open("rb")
    except writing.TooManyRows:
        words = _("A sheet does not hold as many records: take them along as CSV.")
        return errors.page(422, words)
    finally:
        # What is open can be read to its end.
        rmtree(folder, ignore_errors=True)
    return _file(_pieces(file), FORMS[form], path.name)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(1 << 16):
            yield piece


def _file(content: Any, kind: str, name: str) -> Response:
    return Response(
        content,
        mimetype=kind,
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )
