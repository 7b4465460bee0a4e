"""Requests in and out as files: export, print, import, and the keys that sign them."""

from datetime import UTC, datetime
from secrets import token_urlsafe
from typing import Any, Final

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest, Forbidden
from werkzeug.wrappers import Response

from tracing.accounts.actors import current_actor
from tracing.casework import attachments, onward, queries
from tracing.casework.session import give_up
from tracing.exchange import exporting, importing, signing
from tracing.exchange.document import REQUEST, RESPONSE, Unfit, labels_of
from tracing.exchange.exporting import Form
from tracing.exchange.importing import NotVouched
from tracing.exchange.signing import Standing, Verdict
from tracing.models import TraceRequest
from tracing.web import forms, limits, printed, shown
from tracing.web.contacts import state_of
from tracing.web.context import said
from tracing.web.lists import view_of
from tracing.web.once import form_key
from tracing.web.stepup import recent_factor
from tracing.words import _
from workflows.errors import RestrictionHolds
from workflows.policies import CASE_ROLES, Actor, may_file
from workflows.vocabulary import N_, HandlingCode

exchange = Blueprint("exchange", __name__)
BLUEPRINTS = (exchange,)

AT_ONCE: Final = 200
"""Requests in one table; each is entered by itself."""

AS_FILE: Final = {form.value for form in Form} - {Form.PRINT.value}
CHANGED: Final = N_(
    "The file was changed since it was signed, or its signature is false. Nothing was"
    " made of it: ask whoever sent it for another."
)
NOT_VOUCHED: Final = N_(
    "Nobody who is known here vouches for this file. Ask whoever sent it, and tick below"
    " that you answer for it."
)


def _actor() -> Actor:
    actor = current_actor()
    if actor is None or actor.roles.isdisjoint(CASE_ROLES):
        raise Forbidden
    return actor


def _filing() -> Actor:
    actor = current_actor()
    if actor is None or not may_file(actor):
        raise Forbidden
    return actor


def _file(body: bytes, form: Form, name: str) -> Response:
    given = f"attachment; filename={name}.{form.value}"
    return Response(
        body, mimetype=form.media_type, headers={"Content-Disposition": given}
    )


# ------------------------------------------------------------------------------- out


@exchange.post("/trace-requests/<reference>/export")
@recent_factor()
def export(reference: str) -> Response:
    """Hand out a request, or its answer, as a file."""
    actor = _actor()
    found = queries.by_reference(reference, actor)
    as_, what = request.form.get("as", "json"), request.form.get("what", REQUEST)
    if as_ not in AS_FILE or what not in (REQUEST, RESPONSE):
        raise BadRequest
    name, form = found.reference, Form(as_)
    body = exporting.hand_out(found, actor, form, kind=what)
    return _file(body, form, f"{name}-answer" if what == RESPONSE else name)


@exchange.post("/trace-requests/table")
@recent_factor()
def table() -> Response:
    """Hand out a list of requests as one table, without persons."""
    actor = _actor()
    kind = request.form.get("list", "mine")
    if kind not in ("queue", "mine"):
        raise BadRequest
    name, state = request.form.get("view", ""), request.form.get("state", "")
    view = view_of(kind, name, state_of(request.form.get("country", "")), state)
    find = queries.queue if kind == "queue" else queries.mine
    page = find(actor, view, None, now=datetime.now(UTC), size=AT_ONCE)
    references = [row.reference for row in page.rows]
    found = queries.by_references(references, actor)
    return _file(exporting.hand_out_table(found, actor), Form.CSV, "requests")


@exchange.get("/trace-requests/<reference>/print")
def paper(reference: str) -> str:
    """Show a request as paper has it."""
    actor = _actor()
    found = queries.by_reference(reference, actor)
    about = _paper(found, actor)
    exporting.printed(found, actor)
    return render_template("trace_requests/print.html", **about)


def _paper(found: TraceRequest, actor: Actor) -> dict[str, Any]:
    response = onward.last_response(found)
    handling = found.handling or HandlingCode.H0
    return {
        "reference": found.reference,
        "parts": printed.parts(found),
        "readback": shown.readback(found),
        "handling": handling.value,
        "handling_words": said(handling.label),
        "answer": shown.answer(response, shown.labels_of_an_answer().items())
        if response
        else None,
        "limits": limits.of_answer(response.carried) if response else None,
        "files": [
            (row.title or "", row.sha256)
            for row in attachments.of_request(found)
            if row.removed_at is None
        ],
        "history": shown.history(found, actor, found.requesting.zone),
        "reader": actor.name,
        "now": datetime.now(UTC),
    }


# -------------------------------------------------------------------------------- in


@exchange.get("/trace-requests/import")
def form() -> str:
    """Show where a file is chosen."""
    _filing()
    return _form()


def _form(
    problems: list[tuple[str, str]] | None = None,
    *,
    verdict: Verdict | None = None,
    key: str = "",
) -> str:
    give_up()
    words = []
    for place, message in problems or ():
        told = forms.translated(message)
        words.append(("file", f"{_named(place)}: {told}" if place else told))
    standing = verdict.standing if verdict else None
    return render_template(
        "exchange/import.html",
        problems=words,
        standing=said(standing.label) if standing else "",
        ask=standing in (Standing.UNKNOWN, Standing.UNSIGNED),
        kid=verdict.kid if verdict else "",
        form_key=key or token_urlsafe(24),
    )


def _named(place: str) -> str:
    """Return a place by the words of the form, or by those of the format."""
    labels = [said(label) for label in labels_of(place)]
    return _(", ").join(labels) if labels else place


@exchange.post("/trace-requests/import")
def take() -> Response | tuple[str, int]:
    """Make a draft of a file, or say what is wrong with it."""
    actor, file = _filing(), request.files.get("file")
    body = file.stream.read() if file is not None else b""
    if not body:
        return _form([("", N_("Choose a file"))]), 422
    unvouched = request.form.get("unvouched") == "true"
    key = form_key()
    try:
        made = importing.receive(body, actor, form_key=key, unvouched=unvouched)
    except Unfit as error:
        return _form(error.faults, key=key), 422
    except NotVouched as error:
        broken = error.verdict.standing is Standing.BROKEN
        words = CHANGED if broken else NOT_VOUCHED
        return _form([("", words)], verdict=error.verdict, key=key), 422
    except RestrictionHolds as error:
        return _form([("", limits.refused(error))], key=key), 409
    flash(
        _("A draft was made of the file. %(words)s", words=_vouched(made.verdict)), "ok"
    )
    for one in made.left:
        words = forms.translated(one.words)
        flash(_("Left out: %(what)s. %(why)s", what=said(one.label), why=words), "warn")
    return redirect(url_for("drafts.edit", reference=made.reference), 303)


def _vouched(verdict: Verdict) -> str:
    words = said(verdict.standing.label)
    if verdict.standing is Standing.KNOWN:
        return _("%(words)s: %(name)s.", words=words, name=verdict.name)
    return f"{words}."


# ------------------------------------------------------------------------------- keys


@exchange.get("/exchange/keys")
def keys() -> str:
    """Show the public keys by which files of this installation are known."""
    own = signing.published(exporting.settings())
    return render_template("exchange/keys.html", own=own)


@exchange.get("/exchange/keys.json")
def key_set() -> Response:
    """Hand out the same as a set of keys (RFC 7517)."""
    return jsonify(signing.published(exporting.settings()))
