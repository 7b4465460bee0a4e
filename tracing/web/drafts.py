"""Filing: one page of sections, a check page, and sending."""

import secrets
from datetime import UTC, date, datetime
from typing import Any, Final

from flask import (
    Blueprint,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from marshmallow import ValidationError
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from tracing.accounts.actors import current_actor
from tracing.casework import (
    asking,
    attachments,
    queries,
    reading,
    requesting,
    sections,
)
from tracing.casework.session import give_up
from tracing.directory import entries
from tracing.faults import Stale
from tracing.models import TraceRequest
from tracing.schemas.request import SECTIONS
from tracing.web import forms, limits, lookups, shown, uploads, whom
from tracing.web.choices import init_choices
from tracing.web.context import said
from tracing.web.once import form_key, version_of_form
from tracing.web.photos import all_attached
from tracing.words import _
from workflows.errors import RestrictionHolds, TransitionNotAllowed
from workflows.policies import Actor, may_file
from workflows.states import State

drafts = Blueprint("drafts", __name__, url_prefix="/trace-requests")
BLUEPRINTS = (drafts,)
FILES_AFTER: Final = 2
"""The place of the section of files: after the marks and the item they show."""

init_choices()


def _actor() -> Actor:
    actor = current_actor()
    if actor is None or not may_file(actor):
        raise Forbidden
    return actor


def _today() -> date:
    return datetime.now(UTC).date()


def _posted() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return raw values, loaded values and errors, each by section."""
    raw: dict[str, Any] = {}
    loaded: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    for key, _schema_class in SECTIONS:
        schema = sections.schema_of(key, _today())
        raw[key] = forms.posted(schema, request.form, key)
        if key == "header":
            raw[key] |= whom.chosen(request.form.get("ask", ""), _actor(), _today())
        try:
            loaded[key] = schema.load(raw[key], partial=True)
        except ValidationError as error:
            errors[key] = error.messages
    return raw, loaded, errors


def _page(
    raw: dict[str, Any],
    errors: dict[str, Any],
    *,
    found: TraceRequest | None = None,
    received: uploads.Received | None = None,
    status: int = 200,
    conflict: str = "",
) -> tuple[str, int]:
    key_of_form = form_key()
    drawn = _controls(raw, errors)
    rest = uploads.with_files(
        drawn, received or uploads.Received(), _actor(), key_of_form, found
    )
    parts: list[dict[str, Any]] = [
        {
            "key": key,
            "title": said(schema_class.title),
            "intro": said(schema_class.intro),
            "controls": drawn[key],
        }
        for key, schema_class in SECTIONS
    ]
    files = {
        "key": uploads.SECTION,
        "title": _("Photographs and documents"),
        "intro": _(
            "A photograph of each mark saves questions: fill the picture with the"
            " mark, with a ruler beside it."
        ),
        "controls": rest,
    }
    parts.insert(FILES_AFTER, files)
    body = render_template(
        "trace_requests/edit.html",
        sections=parts,
        summary=forms.summary(*(part["controls"] for part in parts)),
        found=found,
        form_key=key_of_form,
        version=_version_for(found, conflict),
        conflict=conflict,
        proposed=whom.proposed(found, _actor(), _today()) if found else None,
    )
    return body, status


def _controls(
    raw: dict[str, Any], errors: dict[str, Any]
) -> dict[str, list[forms.Control]]:
    adding = request.form.get("add")
    drawn = {}
    for key, _schema_class in SECTIONS:
        schema = sections.schema_of(key, _today())
        group = adding if adding and adding.startswith(f"{key}-") else None
        drawn[key] = forms.controls(
            schema, raw.get(key), errors.get(key), key, adding=group
        )
    return drawn


def _version_for(found: TraceRequest | None, conflict: str) -> str | int | None:
    """Return the version the form is for: the newest once a conflict was told."""
    if found is None or conflict:
        return found.version if found else None
    return request.form.get("version") or found.version


@drafts.get("/new")
def new() -> tuple[str, int]:
    """Show the empty form."""
    _actor()
    return _page({"header": {"language": "en"}}, {})


@drafts.post("/new")
def create() -> tuple[str, int] | Response:
    """Keep what was filled in as a draft."""
    actor = _actor()
    raw, loaded, errors = _posted()
    received = uploads.take(actor, form_key())
    if _to_draw_again(errors, received):
        return _page(raw, errors, received=received, status=_status(errors, received))
    try:
        reference = requesting.draft(
            actor, loaded, form_key=form_key(), places=received.places
        )
    except ValidationError as error:
        give_up()
        return _page(raw, _by_section(error), received=received, status=422)
    return _onwards(reference)


def _to_draw_again(errors: dict[str, Any], received: uploads.Received) -> bool:
    pressed = forms.rearranging(request.form) or uploads.removing()
    return bool(errors or received.problems or pressed)


def _status(errors: dict[str, Any], received: uploads.Received) -> int:
    if received.problems:
        return received.status
    return 422 if errors else 200


def _by_section(error: ValidationError) -> dict[str, Any]:
    messages = error.messages
    return messages if isinstance(messages, dict) else {}


def _onwards(reference: str) -> Response:
    if request.form.get("action") == "check":
        return redirect(url_for("drafts.check", reference=reference), 303)
    flash(_("The draft is saved."), "ok")
    anchor = "header" if request.form.get("ask") else None
    return redirect(url_for("drafts.edit", reference=reference, _anchor=anchor), 303)


def _draft(reference: str, actor: Actor) -> TraceRequest:
    return queries.by_reference(reference, actor)


@drafts.get("/<reference>/edit")
def edit(reference: str) -> tuple[str, int] | Response:
    """Show the draft's form."""
    found = _draft(reference, _actor())
    if found.state is not State.DRAFT:
        return redirect(url_for("requests.show", reference=reference), 303)
    reading.opened(found, _actor())
    errors = sections.missing(found, _today()) if request.args.get("all") else {}
    return _page(sections.read(found), errors, found=found)


@drafts.post("/<reference>/edit")
def save(reference: str) -> tuple[str, int] | Response:
    """Save the draft."""
    actor = _actor()
    found = _draft(reference, actor)
    if found.state is not State.DRAFT:
        raise TransitionNotAllowed("Only a draft can be changed; this one is sent.")
    raw, loaded, errors = _posted()
    received = uploads.take(actor, form_key(), found)
    if _to_draw_again(errors, received):
        status = _status(errors, received)
        return _page(raw, errors, found=found, received=received, status=status)
    try:
        requesting.save_draft(
            reference,
            actor,
            loaded,
            version=version_of_form(),
            form_key=form_key(),
            places=received.places,
        )
    except ValidationError as error:
        give_up()
        wrong = _by_section(error)
        return _page(raw, wrong, found=found, received=received, status=422)
    except Stale:
        give_up()
        words = _(
            "The draft was saved by someone else since you opened it. What you typed"
            " stands below and is not saved; to save it in place of theirs, save again."
        )
        return _page(
            raw, {}, found=found, received=received, status=409, conflict=words
        )
    return _onwards(reference)


@drafts.get("/<reference>/check")
def check(reference: str) -> str | Response:
    """Show the request once more, the serial read back, before it is sent."""
    found = _draft(reference, _actor())
    if found.state is not State.DRAFT:
        return redirect(url_for("requests.show", reference=reference), 303)
    reading.opened(found, _actor())
    return _check_page(found, {})


def _check_page(found: TraceRequest, problems: dict[str, Any]) -> str:
    missing = problems or sections.missing(found, _today())
    wanted = []
    for key, errors in missing.items():
        schema = sections.schema_of(key, _today())
        wanted += forms.summary(*forms.controls(schema, {}, errors, key))
    return render_template(
        "trace_requests/check.html",
        found=found,
        wanted=wanted,
        facts=shown.sections_of(found),
        readback=shown.readback(found),
        warnings=shown.warnings(found),
        addressee=found.requested and entries.standing_for(found.requested, _today()),
        proposed=whom.proposed(found, _actor(), _today()),
        linked=queries.of_same_find(found, _actor()),
        stale=found.requested and entries.is_stale(found.requested, datetime.now(UTC)),
        plan=shown.foreseen(found),
        files=all_attached(attachments.of_request(found), found.item),
        provided=limits.provided(found),
        form_key=secrets.token_urlsafe(24),
        **lookups.before_sending(found, _actor()),
    )


def _check_again(reference: str, problems: dict[str, Any]) -> str:
    """Show the same after it was not sent: the whole draft, so it is entered."""
    found = _draft(reference, _actor())
    reading.opened(found, _actor(), after_refusal=True)
    return _check_page(found, problems)


@drafts.post("/<reference>/submit")
def submit(reference: str) -> tuple[str, int] | Response:
    """Send the request, or say what is missing."""
    actor = _actor()
    authorised = request.form.get("authorised") == "true"
    if not authorised:
        found = _draft(reference, actor)
        if found.state is not State.DRAFT:
            return redirect(url_for("requests.show", reference=reference), 303)
        problems = sections.missing(found, _today())
        if not problems:
            flash(_("Tick the declaration before you send."), "stop")
        return _check_again(reference, problems), 422
    try:
        requesting.submit(
            reference, actor, authorised=authorised, version=version_of_form()
        )
    except ValidationError as error:
        give_up()
        return _check_again(reference, _by_section(error)), 422
    except Stale:
        give_up()
        flash(_("The draft changed since you checked it: check it once more."), "warn")
        return _check_again(reference, {}), 409
    except RestrictionHolds as error:
        give_up()
        flash(limits.refused(error), "stop")
        return _check_again(reference, {}), 409
    flash(_("The request is sent."), "ok")
    return redirect(url_for("requests.show", reference=reference), 303)


@drafts.post("/<reference>/provided/<int:number>/leave-out")
def leave_out(reference: str, number: int) -> Response:
    """Leave out what another State provided."""
    requesting.leave_out(reference, _actor(), number, version=version_of_form())
    flash(_("It is left out."), "ok")
    return redirect(url_for("drafts.check", reference=reference), 303)


@drafts.post("/<reference>/also")
def also(reference: str) -> tuple[str, int] | Response:
    """Ask another State about the same find as well: a draft of its own, linked."""
    actor = _actor()
    found = _draft(reference, actor)
    if found.state is not State.DRAFT:
        raise TransitionNotAllowed("Only a draft can be asked of others as well.")
    to, basis = whom.read(request.form.get("ask", ""))
    try:
        made = asking.also(
            reference, actor, authority_id=to, basis=basis, form_key=form_key()
        )
    except ValidationError as error:
        give_up()
        return _check_again(reference, _by_section(error)), 422
    flash(_("A linked draft is started. Check it and send it as well."), "ok")
    return redirect(url_for("drafts.check", reference=made.reference), 303)
