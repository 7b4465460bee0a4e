"""What has ended and is still kept: reviews, legal holds, erasures that two decide."""

from datetime import UTC, date, datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from tracing.accounts.actors import current_actor
from tracing.casework import introductions, keeping, persons
from tracing.casework.keeping import Refused
from tracing.web.stepup import recent_factor
from tracing.words import _
from workflows.policies import Actor, Role, may_keep

retention = Blueprint("keeping", __name__, url_prefix="/kept")
BLUEPRINTS = (retention,)


def _actor() -> Actor:
    actor = current_actor()
    if actor is None or not may_keep(actor):
        raise Forbidden
    return actor


def _now() -> datetime:
    return datetime.now(UTC)


def _after() -> tuple[date, int] | None:
    """Return where the page starts; nonsense starts at the beginning."""
    day, _dot, number = request.args.get("after", "").partition(".")
    right = number.isascii() and number.isdigit() and len(number) < 10
    try:
        return (date.fromisoformat(day), int(number)) if right else None
    except ValueError:
        return None


def _list(problem: Refused | None = None) -> str:
    actor = _actor()
    rows, more = keeping.due_for_review(actor, _now().date(), after=_after())
    return render_template(
        "keeping/list.html",
        rows=rows,
        more=f"{more[0].isoformat()}.{more[1]}" if more else "",
        holds=keeping.holds(actor),
        orders=keeping.orders(actor),
        years=keeping.years_of(actor),
        introduces=introductions.introduces(actor),
        may_export=actor.is_any(Role.ADMINISTRATOR),
        problem=problem,
    )


def _back(words: str) -> Response:
    flash(words, "ok")
    return redirect(url_for(".index"), 303)


@retention.get("")
def index() -> str:
    """Show what is due for review, what is held, and what is to be erased."""
    return _list()


@retention.get("/person")
@recent_factor()
def person() -> str:
    """Show the form by which one person's data is handed out."""
    return _form()


@retention.post("/person")
@recent_factor()
def export_person() -> Response | tuple[str, int]:
    """Hand out all the authority has of one person, signed."""
    actor, form = _administrator(), request.form
    try:
        text = persons.export(actor, form.get("name", ""), form.get("reason", ""))
    except persons.Unclear as error:
        return _form(error), 422
    return Response(
        text,
        mimetype="application/json",
        headers={"Content-Disposition": "attachment; filename=person.json"},
    )


def _administrator() -> Actor:
    actor = current_actor()
    if actor is None or not actor.is_any(Role.ADMINISTRATOR):
        raise Forbidden
    return actor


def _form(problem: persons.Unclear | None = None) -> str:
    _administrator()
    return render_template("keeping/person.html", problem=problem)


@retention.post("/years")
@recent_factor()
def years() -> Response | tuple[str, int]:
    """Choose how many years what has ended is kept."""
    text = request.form.get("years", "").strip()
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    try:
        keeping.set_years(_actor(), number)
    except Refused as error:
        return _list(error), 422
    return _back(_("Requests that have ended follow the new number of years."))


@retention.post("/introductions")
@recent_factor()
def introduce() -> Response:
    """Let others who ask about the same item be told so, or not."""
    allowed = request.form.get("introduces") == "true"
    introductions.set_introduces(_actor(), allowed=allowed)
    if allowed:
        return _back(_("Others who ask about the same item may ask to be introduced."))
    return _back(_("Nobody is told what your authority asks about."))


@retention.post("/review")
def review() -> Response:
    """Say that a request is still needed."""
    keeping.review(_actor(), request.form.get("reference", ""), _now())
    return _back(_("The request is kept. It will be asked again in a year."))


@retention.post("/hold")
def hold() -> Response | tuple[str, int]:
    """Keep a request beyond its time."""
    form = request.form
    try:
        until = date.fromisoformat(form.get("until", ""))
    except ValueError:
        return _list(Refused(keeping.NO_END, "until")), 422
    given = form.get("reference", ""), form.get("reason", ""), until
    try:
        keeping.hold(_actor(), *given, _now())
    except Refused as error:
        return _list(error), 422
    return _back(_("The request is held. Two people can lift the hold."))


@retention.post("/hold/<int:number>/lift")
@recent_factor()
def lift(number: int) -> Response:
    """Ask to lift a hold, or lift it with the one who asked."""
    if keeping.lift(_actor(), number, _now()):
        return _back(_("The hold is lifted."))
    return _back(_("Another person must lift the hold with you."))


@retention.post("/erase")
@recent_factor()
def order() -> Response | tuple[str, int]:
    """Ask to erase a request before its time is over."""
    try:
        keeping.order(_actor(), request.form.get("reference", ""), _now())
    except Refused as error:
        return _list(error), 422
    return _back(_("Another person must erase it."))


@retention.post("/erase/<int:number>")
@recent_factor()
def give(number: int) -> Response | tuple[str, int]:
    """Decide to erase what another person has asked to erase."""
    try:
        keeping.give(_actor(), number, _now())
    except Refused as error:
        return _list(error), 422
    return _back(_("What the request says of persons is erased within a minute."))
