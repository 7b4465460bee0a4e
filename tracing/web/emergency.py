"""An operator reads one case in an emergency: asked by one, given by another."""

from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from tracing.accounts.actors import current_actor
from tracing.casework import glass
from tracing.web.requests import page_of_nobody
from tracing.web.stepup import recent_factor
from tracing.words import _
from workflows.policies import Actor, Role

emergency = Blueprint("emergency", __name__, url_prefix="/emergency")
BLUEPRINTS = (emergency,)


def operator() -> Actor:
    """Return the operator who is signed in."""
    actor = current_actor()
    if actor is None or not actor.is_any(Role.OPERATOR):
        raise Forbidden
    return actor


def _list(problem: str = "") -> str:
    now = datetime.now(UTC)
    return render_template(
        "emergency/list.html",
        asked=glass.asked(operator(), now),
        now=now,
        problem=problem,
    )


@emergency.get("")
def index() -> str:
    """Show what is asked for, and the form to ask."""
    return _list()


@emergency.post("")
@recent_factor()
def ask() -> Response | tuple[str, int]:
    """Ask for leave to open a request."""
    form = request.form
    try:
        glass.ask(
            operator(),
            form.get("reference", ""),
            form.get("reason", ""),
            datetime.now(UTC),
        )
    except glass.Unclear:
        words = _("Write the reference of one request, and the reason in a sentence.")
        return _list(words), 422
    flash(_("Another operator must give leave within 24 hours."), "ok")
    return redirect(url_for(".index"), 303)


@emergency.post("/<int:number>/give")
@recent_factor()
def give(number: int) -> Response:
    """Give another operator leave."""
    glass.give(operator(), number, datetime.now(UTC))
    flash(_("Leave is given for an hour. Both authorities are told."), "ok")
    return redirect(url_for(".index"), 303)


@emergency.get("/<int:number>")
def show(number: int) -> str:
    """Show the request for which leave was given."""
    actor = operator()
    return page_of_nobody(glass.opened(actor, number, datetime.now(UTC)), actor)
