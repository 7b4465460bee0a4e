"""Home by role, the language, and whether the service is alive."""

from datetime import UTC, datetime

from flask import Blueprint, redirect, render_template, request, session
from werkzeug.wrappers import Response

from tracing.accounts.actors import current_actor
from tracing.casework import queries
from tracing.web.addresses import inside
from tracing.web.context import LANGUAGES
from tracing.web.lists import rows_of
from workflows.policies import CASE_ROLES, may_answer, may_file
from workflows.states import Party

home = Blueprint("home", __name__)
BLUEPRINTS = (home,)
SHOWN = 5


@home.get("/")
def show() -> str:
    """Show what needs this person now, then what waits for others."""
    actor = current_actor()
    assert actor is not None
    now = datetime.now(UTC)
    needs, waits, asks = [], [], []
    if not actor.roles.isdisjoint(CASE_ROLES):
        if may_answer(actor):
            page = queries.queue(actor, queries.View(), None, now=now, size=SHOWN)
            needs = rows_of(page.rows, Party.REQUESTED, now)
        if may_file(actor):
            mine = queries.View("needs")
            page = queries.mine(actor, mine, None, now=now, size=SHOWN)
            asks = rows_of(page.rows, Party.REQUESTING, now)
            page = queries.mine(actor, queries.View("open"), None, now=now, size=SHOWN)
            waits = rows_of(page.rows, Party.REQUESTING, now)
    return render_template("home.html", needs=needs, asks=asks, waits=waits)


@home.get("/language/<code>")
def language(code: str) -> Response:
    """Keep the language for this visit and go back to the page."""
    if code in LANGUAGES:
        session["language"] = code
    return redirect(inside(request.args.get("back", "/")), 303)


@home.get("/healthz")
def health() -> str:
    """Say that the process answers."""
    return "ok"
