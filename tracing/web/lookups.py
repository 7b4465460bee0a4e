"""What was asked of other registers for a request, and how these registers do."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from tracing.accounts.actors import current_actor
from tracing.casework import lookups as asking
from tracing.lookups import registers
from tracing.lookups.port import Capability, Query
from tracing.models import Lookup, Task, TraceRequest
from tracing.web.context import said
from tracing.web.drafts import form_key, version_of_form
from tracing.web.status import Tag
from tracing.words import _
from workflows.errors import FactMissing
from workflows.policies import CASE_ROLES, Actor, Role, party_of
from workflows.states import Party
from workflows.vocabulary import N_, LookupOutcome

lookups = Blueprint("lookups", __name__, url_prefix="/trace-requests/<reference>")
health = Blueprint("registers", __name__, url_prefix="/registers")
BLUEPRINTS = (lookups, health)

TONES: Final = {
    LookupOutcome.HIT: ("amber", "star"),
    LookupOutcome.NO_HIT: ("green", "tick"),
    LookupOutcome.PARTIAL: ("amber", "triangle"),
}
TASKS: Final = {
    Task.SEARCH: N_("Search"),
    Task.DETAIL: N_("One record in full"),
    Task.TRACE: N_("Request for a trace"),
}
QUERY: Final = (
    ("serial", N_("Serial number")),
    ("make", N_("Make")),
    ("model", N_("Model")),
    ("calibre", N_("Calibre")),
    ("country", N_("Country of manufacture")),
    ("year", N_("Year of manufacture")),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One look-up as the page of its request lists it."""

    row: Lookup
    label: str
    task: str
    tag: Tag
    url: str


def tag_of(row: Lookup) -> Tag:
    """Return how a look-up stands: only what was answered looks answered."""
    if row.outcome is not None:
        tone, icon = TONES.get(row.outcome, ("red", "triangle"))
        return Tag(tone, icon, said(row.outcome.label))
    if row.next_at is None:
        return Tag("blue", "star", _("Waits for you to write down what was found"))
    if row.lease_owner is not None or row.reference:
        return Tag("grey", "arrow", _("Asked, no answer yet"))
    return Tag("grey", "arrow", _("Not asked yet"))


def _line(row: Lookup, reference: str) -> Line:
    return Line(
        row,
        said(row.label),
        said(TASKS[row.task]),
        tag_of(row),
        url_for("lookups.show", reference=reference, token=row.key),
    )


def of_page(found: TraceRequest, actor: Actor) -> dict[str, Any]:
    """Return what the page of a request shows to the side that answers it."""
    if party_of(actor, found) is not Party.REQUESTED:
        return {"look_ups": [], "may_look_up": False}
    may = asking.may_ask(actor, found)
    return {
        "look_ups": [
            _line(row, found.reference) for row in asking.of_request(found, actor)
        ],
        "may_look_up": may,
        "registers": asking.registers_of(actor) if may else [],
        "look_up_key": form_key(),
    }


def _actor() -> Actor:
    actor = current_actor()
    if actor is None or actor.roles.isdisjoint(CASE_ROLES):
        raise Forbidden
    return actor


@lookups.post("/look-ups")
def ask(reference: str) -> Response:
    """Ask the registers that are chosen."""
    actor = _actor()
    found = asking.answering(reference, actor)
    asking.ask(
        found.reference,
        actor,
        request.form.getlist("register"),
        purpose=request.form.get("purpose", ""),
        form_key=form_key(),
    )
    flash(_("The registers are being asked. Load the page again for answers."), "ok")
    return redirect(_page_of(found), 303)


def _page_of(found: TraceRequest) -> str:
    return url_for("requests.show", reference=found.reference, _anchor="look-ups")


def _page(reference: str, token: str, problem: str = "") -> str:
    actor = _actor()
    row = asking.one(reference, token, actor)
    asking.opened(row, actor, after_refusal=bool(problem))
    row = asking.one(reference, token, actor)
    query = Query.of(row.query)
    register = registers.all_of().get(row.register)
    can = register.capabilities if register else frozenset()
    may = asking.may_ask(actor, row.request)
    return render_template(
        "lookups/show.html",
        row=row,
        found=row.request,
        line=_line(row, row.request.reference),
        looked_for=[(said(label), getattr(query, name)) for name, label in QUERY],
        marks=query.marks,
        by_hand=row.outcome is None and row.next_at is None,
        outcomes=[(o.value, said(o.label)) for o in LookupOutcome],
        in_full=may and Capability.DETAIL in can and row.task is Task.SEARCH,
        may_ask=may and register is not None,
        may_record=asking.may_record(actor, row),
        problem=problem,
    )


@lookups.get("/look-ups/<token>")
def show(reference: str, token: str) -> str:
    """Show what was sent, and what came back."""
    return _page(reference, token)


@lookups.post("/look-ups/<token>/again")
def again(reference: str, token: str) -> Response:
    """Ask the same once more."""
    row = asking.again(reference, token, _actor())
    return _to(row)


@lookups.post("/look-ups/<token>/full")
def full(reference: str, token: str) -> Response:
    """Ask for one candidate in full."""
    candidate = request.form.get("candidate", "")
    return _to(asking.ask_detail(reference, token, _actor(), candidate))


@lookups.post("/look-ups/<token>/by-hand")
def by_hand(reference: str, token: str) -> Response | tuple[str, int]:
    """Write down what a search by hand has given."""
    form = request.form
    try:
        if form.get("outcome") not in {outcome.value for outcome in LookupOutcome}:
            raise FactMissing("Say what the search gave.")  # noqa: TRY301 - one way out
        row = asking.type_in(
            *(reference, token, _actor()),
            register=form.get("register", ""),
            years=form.get("years", ""),
            outcome=LookupOutcome(form["outcome"]),
            text=form.get("text", ""),
        )
    except FactMissing as missing:
        return _page(reference, token, _(str(missing))), 422
    return _to(row)


@lookups.post("/look-ups/<token>/record")
def record(reference: str, token: str) -> Response | tuple[str, int]:
    """Make a recorded search of it."""
    form = request.form
    try:
        found = asking.record(
            *(reference, token, _actor()),
            years=form.get("years", ""),
            note=form.get("note", ""),
            confirmed=form.get("confirmed") == "true",
            version=version_of_form(),
        )
    except FactMissing as missing:
        return _page(reference, token, _(str(missing))), 422
    flash(_("The search is recorded."), "ok")
    return redirect(_page_of(found), 303)


def _to(row: Lookup) -> Response:
    reference = row.request.reference
    return redirect(url_for(".show", reference=reference, token=row.key), 303)


# ------------------------------------------------------------------------- how they do


def _keeper() -> Actor:
    actor = current_actor()
    if actor is None or not actor.is_any(Role.ADMINISTRATOR, Role.OPERATOR):
        raise Forbidden
    return actor


@health.get("")
def index() -> str:
    """Show how each register does."""
    rows = asking.health(_keeper())
    return render_template("lookups/health.html", rows=rows, now=datetime.now(UTC))


@health.post("/<name>/test")
def test(name: str) -> Response:
    """Let the worker try a register now."""
    asking.try_now(name, _keeper())
    flash(_("The register is being tried. Load the page again for the result."), "ok")
    return redirect(url_for(".index"), 303)
