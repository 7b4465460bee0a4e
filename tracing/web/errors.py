"""Errors as pages: what happened, what to do, nothing of how it works inside."""

import logging
import secrets
from datetime import UTC, datetime

from flask import Flask, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import Forbidden, HTTPException
from werkzeug.wrappers import Response

from tracing.accounts import entries
from tracing.accounts.actors import current_actor, read_by_nobody
from tracing.casework.session import give_up
from tracing.faults import STATUS_OF, AlreadyDone, FileChanged, NotYetChecked
from tracing.models.sealed import SealBroken
from tracing.web import counts
from tracing.web.parameters import Unreadable
from tracing.words import _

log = logging.getLogger(__name__)


def page(
    status: int, words: str | None = None, text: tuple[str, str] | None = None
) -> tuple[str, int]:
    """Return the page of an error; the words are ours, never the input's.

    `text` is a heading and what to do, where those of the status do not fit.
    """
    reference = secrets.token_hex(4)
    if status >= 500:
        log.error("error %s: %s %s", reference, status, request.endpoint)
    counts.leave_out()
    now = datetime.now(UTC)
    body = render_template(
        "errors/error.html",
        code=status,
        words=words,
        text=text,
        reference=reference if status >= 500 else None,
        at=now.strftime("%Y-%m-%d %H:%M"),
        at_iso=now.isoformat(timespec="seconds"),
    )
    return body, status


def _enter_refusal() -> None:
    actor = current_actor()
    if actor is not None:
        give_up()
        entries.access_refused(
            actor, page=request.endpoint or "", method=request.method
        )


def init_app(app: Flask) -> None:
    """Answer every error of ours and of the library with a page."""

    @app.errorhandler(Forbidden)
    def _forbidden(_error: Forbidden) -> tuple[str, int]:
        _enter_refusal()
        return page(403)

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> tuple[str, int] | Response:
        if error.code is not None and 300 <= error.code < 400:
            return error.get_response()
        return page(error.code or 500)

    @app.errorhandler(CSRFError)
    def _csrf(_error: CSRFError) -> tuple[str, int]:
        return page(
            400, _("The page was open too long. Go back, reload it, and send it again.")
        )

    @app.errorhandler(Unreadable)
    def _unreadable(error: Unreadable) -> tuple[str, int]:
        heading = _("This page could not read its address")
        return page(400, text=(heading, error.words))

    @app.errorhandler(NotYetChecked)
    def _kept_back(_error: NotYetChecked) -> tuple[str, int]:
        heading = _("The file is kept back until it has been checked")
        advice = _(
            "The virus scanner has not seen this file, or has refused it. Try again"
            " in a few minutes; if it stays so, ask your administrator."
        )
        return page(409, text=(heading, advice))

    @app.errorhandler(FileChanged)
    @app.errorhandler(SealBroken)
    def _broken(error: SealBroken | FileChanged) -> tuple[str, int]:
        give_up()
        log.error("in %s, %s", request.endpoint, error)
        heading = _("What is stored here cannot be opened")
        advice = _(
            "It was changed outside this system, or its key is missing. Nothing of it"
            " is shown. Tell your administrator, who finds the place in the log."
        )
        return page(500, text=(heading, advice))

    @app.errorhandler(AlreadyDone)
    def _done(error: AlreadyDone) -> Response:
        if not error.reference:
            return redirect(url_for("mine.show"), 303)
        return redirect(url_for("requests.show", reference=error.reference), 303)

    @app.errorhandler(Exception)
    def _other(error: Exception) -> tuple[str, int]:
        give_up()
        status = next(
            (code for kind, code in STATUS_OF.items() if isinstance(error, kind)), 500
        )
        if status >= 500:
            log.error("unexpected in %s", request.endpoint, exc_info=error)
        if status == 403:
            _enter_refusal()
        if status == 503:
            # The page must not ask the database, which has just failed, who reads it.
            read_by_nobody()
        return page(status)
