"""The journal on pages: of a request, of an authority, and what to take along."""

from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from flask import (
    Blueprint,
    current_app,
    render_template,
    request,
    url_for,
)
from werkzeug.exceptions import Forbidden, NotFound
from werkzeug.wrappers import Response

from tracing.accounts.actors import current_actor
from tracing.casework import leaving, queries, reading
from tracing.casework.session import give_up
from tracing.journal import checkpoints, live, looking
from tracing.journal.kinds import READS, Kind
from tracing.models import Person, TraceRequest
from tracing.web import errors
from tracing.web.context import said
from tracing.web.stepup import recent_factor
from tracing.words import _
from workflows.policies import Actor, may_read_journal

journal = Blueprint("journal", __name__)
BLUEPRINTS = (journal,)
KEPT: Final = ("person", "kind", "reference", "since", "until", "view")
LONGEST: Final = 15
"""Digits of a number of entries: more than any journal will have."""


def _actor() -> Actor:
    actor = current_actor()
    if actor is None or not may_read_journal(actor):
        raise Forbidden
    return actor


def _number(text: str) -> int | None:
    right = text.isascii() and text.isdigit() and len(text) <= LONGEST
    return int(text) if right else None


def _day(name: str) -> date | None:
    """Return the day a filter names; nonsense narrows nothing."""
    text = request.args.get(name, "")
    try:
        return date.fromisoformat(text) if len(text) == len("2026-01-31") else None
    except ValueError:
        return None


def _kind() -> Kind | None:
    text = request.args.get("kind", "")
    return Kind(text) if text in {kind.value for kind in Kind} else None


def _older(page: looking.Page) -> str | None:
    if page.before is None:
        return None
    kept = {k: v for k, v in request.args.items() if k in KEPT}
    return f"{request.path}?{urlencode(kept | {'before': page.before})}"


def _shown(page: looking.Page, found: TraceRequest | None = None) -> dict[str, Any]:
    return {
        "lines": page.lines,
        "older": _older(page),
        "first_bad": page.first_bad,
        "labels": {kind: said(kind.label) for kind in Kind},
        "found": found,
    }


@journal.get("/journal")
def show() -> str:
    """Show the journal of one's authority, narrowed as asked."""
    actor = _actor()
    people = looking.names(actor.authority_id)
    person, kind = _number(request.args.get("person", "")), _kind()
    reference = request.args.get("reference", "").strip().upper()[:24]
    wanted = looking.Filter(
        actor_id=person if person in people else None,
        kinds=(kind,) if kind else (),
        about=reference if reference.isprintable() else "",
        since=_day("since"),
        until=_day("until"),
    )
    reading.journal_opened(
        actor,
        person=wanted.actor_id,
        kinds=wanted.kinds,
        typed=wanted.about,
        since=wanted.since,
        until=wanted.until,
    )
    page = looking.page(
        actor.authority_id,
        wanted,
        without=queries.references_hidden_from(actor),
        before=_number(request.args.get("before", "")),
    )
    kinds = sorted(((k.value, said(k.label)) for k in Kind), key=lambda pair: pair[1])
    return render_template(
        "journal/list.html", wanted=wanted, people=people, kinds=kinds, **_shown(page)
    )


@journal.get("/trace-requests/<reference>/journal")
def of_request(reference: str) -> str:
    """Show what was done to a request and who has seen it, for one's own side."""
    actor = current_actor()
    if actor is None:
        raise Forbidden
    # First whether it exists for the reader: what is foreign is not there.
    found = queries.by_reference(reference, actor)
    _actor()
    person = _person(found)
    seen = person is not None or request.args.get("view") == "seen"
    reading.journal_opened(actor, reference=found.reference)
    page = looking.page(
        actor.authority_id,
        looking.Filter(about=found.reference, kinds=tuple(READS) if seen else ()),
        before=_number(request.args.get("before", "")),
    )
    here = url_for(".of_request", reference=found.reference)
    views = [
        {"label": _("All entries"), "url": here, "current": not seen},
        {
            "label": _("Who has seen it"),
            "url": f"{here}?view=seen",
            "current": seen,
        },
    ]
    return render_template(
        "journal/request.html",
        seen=seen,
        views=views,
        persons=found.persons if person is None else [person],
        one=person is not None,
        **_shown(_about(page, person), found),
    )


def _person(found: TraceRequest) -> Person | None:
    """Return the person of a request that the address counts, from 1."""
    number = request.args.get("person")
    if not number:
        return None
    place = _number(number) or 0
    if not 0 < place <= len(found.persons):
        raise NotFound
    return found.persons[place - 1]


def _about(page: looking.Page, person: Person | None) -> looking.Page:
    """Leave out what was taken of another person of the request alone."""
    if person is None:
        return page
    lines = [
        line
        for line in page.lines
        if line.kind is not Kind.PERSON_EXPORTED
        or line.payload is None
        or person.id in line.payload.get("persons", ())
    ]
    return looking.Page(lines, page.before)


@journal.post("/journal/export")
@recent_factor()
def export() -> Response | tuple[str, int]:
    """Hand out the journal of one's authority, sealed, to be checked anywhere."""
    actor = _actor()
    if queries.is_kept_from(actor):
        # With holes it could not be checked, and whole it is not for this reader.
        words = _(
            "A supervisor exports this journal: it holds what is not for everybody."
        )
        return errors.page(403, words)
    held = leaving.held_back(actor.authority_id)
    give_up()
    reading.journal_exported(actor)
    name = f"journal-{actor.authority_id}.txt"
    return _file(live.export(actor.authority_id, held), name)


@journal.get("/journal/checkpoints")
def heads() -> str:
    """List the signed heads of one's journal."""
    actor = _actor()
    size = 50
    below = _number(request.args.get("before", ""))
    found = checkpoints.newest(actor.authority_id, below=below, limit=size + 1)
    more = found[size - 1].size if len(found) > size else None
    settings = current_app.extensions["tracing.settings"]
    return render_template(
        "journal/checkpoints.html",
        heads=found[:size],
        older=f"{request.path}?before={more}" if more else None,
        key=str(checkpoints.key_of(settings)),
    )


@journal.get("/journal/checkpoints/<number>")
def head(number: str) -> Response:
    """Hand out one signed head as the text that was signed."""
    actor = _actor()
    size = _number(number)
    found = checkpoints.of_size(actor.authority_id, size) if size else None
    if found is None:
        raise NotFound
    return _file([found.note.encode()], f"checkpoint-{found.size}.txt")


def _file(content: Any, name: str) -> Response:
    return Response(
        content,
        mimetype="text/plain",
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )
