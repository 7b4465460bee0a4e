"""What was asked of other registers for a request, and how these registers do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from marshmallow import ValidationError
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from tracing.accounts.actors import current_actor
from tracing.casework import comparing, domestic, introductions, notices, queries
from tracing.casework import lookups as asking
from tracing.casework.answers import newest_of, verdicts_of
from tracing.casework.comparing import Standings
from tracing.lookups import registers
from tracing.lookups.port import Capability, Query
from tracing.models import Lookup, Side, Task, TraceRequest
from tracing.schemas.lookups import MeetingSection, SearchKeys, VerdictSection
from tracing.web import candidates, forms, shown
from tracing.web.context import said
from tracing.web.once import form_key, new_form_key, version_of_form
from tracing.web.status import Tag
from tracing.words import _
from workflows.errors import FactMissing
from workflows.policies import CASE_ROLES, Actor, Role, may_file, party_of, possible
from workflows.ranking import Traits
from workflows.states import Party, Trigger
from workflows.vocabulary import N_, LookupOutcome

lookups = Blueprint("lookups", __name__, url_prefix="/trace-requests/<reference>")
health = Blueprint("registers", __name__, url_prefix="/registers")
BLUEPRINTS = (lookups, health)

TONES: Final = {
    LookupOutcome.HIT: ("amber", "star"),
    LookupOutcome.NO_HIT: ("green", "tick"),
    LookupOutcome.PARTIAL: ("amber", "triangle"),
}
ELSEWHERE: Final = {
    LookupOutcome.HIT: ("amber", "star", N_("Another authority has asked about it")),
    LookupOutcome.NO_HIT: ("grey", "ring", N_("Nobody who may be told of")),
}
"""What the requests of others have: never who."""

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
    if row.register == registers.ELSEWHERE and row.outcome in ELSEWHERE:
        return Tag(*ELSEWHERE[row.outcome][:2], said(ELSEWHERE[row.outcome][2]))
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
    """Return what the page of a request shows to a side of what it has asked."""
    rows = asking.of_request(found, actor)
    return {
        "look_ups": [_line(row, found.reference) for row in rows],
        "may_look_up": asking.may_ask(actor, found),
        "how_they_stand": candidates.summary(comparing.standings(rows)) if rows else [],
        "meetings": [
            candidates.meeting(row) for row in introductions.of_request(found, actor)
        ],
    }


def before_sending(found: TraceRequest, actor: Actor) -> dict[str, Any]:
    """Return what the last look at a draft shows of searching first."""
    offered = [one for one in _offered(found, actor) if one["ticked"]]
    return {
        **of_page(found, actor),
        "may_ask": [one for one in offered if not one["why"]],
        "at_home": [] if found.domestic_searches else domestic.lines(found),
        "look_up_key": new_form_key(),
        "look_up_purpose": usual_purpose(found, actor),
    }


def _actor() -> Actor:
    actor = current_actor()
    if actor is None or actor.roles.isdisjoint(CASE_ROLES):
        raise Forbidden
    return actor


def usual_purpose(found: TraceRequest, actor: Actor) -> str:
    """Return what is searched for, in a sentence that a person may change."""
    if party_of(actor, found) is Party.REQUESTED:
        return _("To answer trace request %(reference)s", reference=found.reference)
    return _(
        "To check before sending trace request %(reference)s",
        reference=found.reference,
    )


@lookups.get("/look-ups")
def search(reference: str) -> str:
    """Show the search of all registers: what is asked, how they stand, what they have."""
    actor = _actor()
    found = queries.by_reference(reference, actor)
    return _search_page(found, actor)


def _search_page(
    found: TraceRequest,
    actor: Actor,
    *,
    raw: dict[str, Any] | None = None,
    errors: dict[str, Any] | None = None,
    problem: str = "",
) -> str:
    refused = bool(errors or problem)
    asking.opened_all(found, actor, after_refusal=refused)
    rows = asking.of_request(found, actor)
    decided = verdicts_of(rows)
    compared = comparing.candidates(found, rows, decided)
    how = comparing.standings(rows)
    may = asking.may_ask(actor, found)
    asks = party_of(actor, found) is Party.REQUESTING
    drawn: list[forms.Control] = []
    if may:
        drawn = forms.controls(_keys(), _raw_of(found, actor, raw), errors)
    newest = newest_of(rows)
    can_record = Trigger.RECORD_SEARCH in possible(actor, found)
    return render_template(
        "lookups/search.html",
        found=found,
        asks=asks,
        may=may,
        controls=drawn,
        summary=forms.summary(*drawn),
        problem=problem,
        offered=_offered(found, actor) if may else [],
        chosen=request.form.getlist("register") if refused else None,
        lines=[_line(row, found.reference) for row in newest],
        earlier=[_line(r, found.reference) for r in rows if r not in newest],
        how=candidates.summary(how),
        open=_is_open(how, newest),
        answered=sum(row.outcome is not None for row in newest),
        compared=[candidates.shown(one, found, actor) for one in compared[:MOST_SHOWN]],
        left_out=max(0, len(compared) - MOST_SHOWN),
        to_record=[_line(row, found.reference) for row in asking.to_record(rows)]
        if can_record
        else [],
        may_answer=Trigger.RESPOND in possible(actor, found),
        own=_like(found, actor) if asks else [],
        elsewhere=_elsewhere(found, rows, actor) if asks else None,
        readback=shown.readback(found),
        form_key=form_key(),
    )


MOST_SHOWN: Final = 30


def _is_open(how: Standings, newest: Sequence[Lookup]) -> int:
    others = [row for row in newest if row.register == registers.ELSEWHERE]
    return how.waiting + sum(row.outcome is None for row in others)


def _keys() -> Any:
    return SearchKeys(today=datetime.now(UTC).date())


def _raw_of(
    found: TraceRequest, actor: Actor, raw: dict[str, Any] | None
) -> dict[str, Any]:
    if raw is not None:
        return raw
    query = asking.query_of(found)
    return {
        **{name: getattr(query, name) for name, _label in QUERY},
        "purpose": usual_purpose(found, actor),
    }


def _offered(found: TraceRequest, actor: Actor) -> list[dict[str, Any]]:
    return [
        {
            "name": one.register.name,
            "label": said(one.register.label),
            "years": one.register.years,
            "why": _(one.why[0], **one.why[1]) if one.why else "",
            "ticked": one.register.name != registers.BY_HAND,
            "invented": one.register.invented,
        }
        for one in asking.offered(actor, found)
    ]


def _like(found: TraceRequest, actor: Actor) -> list[dict[str, Any]]:
    """Return the requests of one's own authority about what may be the same item."""
    item = found.item
    wanted = Traits(
        item.make, item.model, item.calibre, item.country_of_manufacture, item.year
    )
    seen: dict[str, dict[str, Any]] = {}
    for mark in item.serials:
        for one in queries.marked_like(actor, mark.text, wanted):
            if one.what == found.reference:
                continue
            words = candidates.near(one)
            seen.setdefault(one.what, {"reference": one.what, **words})
    return list(seen.values())[:MOST_SHOWN]


def _elsewhere(
    found: TraceRequest, rows: Sequence[Lookup], actor: Actor
) -> dict[str, Any]:
    """Return whether other authorities ask about the item, as far as they let it be."""
    row = next(
        (r for r in newest_of(rows) if r.register == registers.ELSEWHERE),
        None,
    )
    asked = {
        one.candidate: candidates.meeting(one)
        for one in introductions.of_request(found, actor)
        if one.side is Side.ASKING
    }
    there = registers.ELSEWHERE in registers.all_of()
    if row is None or row.outcome is None:
        return {"there": there, "row": row, "met": []}
    url = url_for("lookups.meet", reference=found.reference, token=row.key)
    return {
        "there": there,
        "row": row,
        "met": [
            {"id": one["id"], "meeting": asked.get(one["id"])}
            for one in row.candidates or ()
        ],
        "url": url if asking.may_ask(actor, found) else "",
    }


@lookups.get("/look-ups/states")
def states(reference: str) -> dict[str, Any]:
    """Tell a page that is open how the registers stand by now: states, no answers."""
    actor = _actor()
    found = queries.by_reference(reference, actor, people=False)
    newest = newest_of(asking.of_request(found, actor))
    how = comparing.standings(newest)
    tags = {row.key: tag_of(row) for row in newest}
    return {
        "rows": {
            key: {"tone": tag.tone, "icon": tag.icon, "words": tag.words}
            for key, tag in tags.items()
        },
        "summary": candidates.summary(how),
        "open": _is_open(how, newest),
        "answered": sum(row.outcome is not None for row in newest),
    }


@lookups.post("/look-ups")
def ask(reference: str) -> Response | tuple[str, int]:
    """Ask the registers that are chosen, for what the officer has written."""
    actor = _actor()
    found = queries.by_reference(reference, actor)
    form = request.form
    query, purpose = None, form.get("purpose", "")
    raw = forms.posted(_keys(), form)
    if "serial" in form:
        try:
            given = _keys().load(raw)
        except ValidationError as error:
            wrong = error.messages_dict
            return _search_page(found, actor, raw=raw, errors=wrong), 422
        purpose = given.pop("purpose")
        query = Query.of({"serial": "", **given})
    try:
        asking.ask(
            found.reference,
            actor,
            form.getlist("register"),
            purpose=purpose,
            query=query,
            form_key=form_key(),
        )
    except FactMissing as missing:
        words = _(str(missing))
        return _search_page(found, actor, raw=raw, problem=words), 422
    flash(_("The registers are being asked."), "ok")
    return redirect(_search_of(found), 303)


def _search_of(found: TraceRequest, anchor: str = "states") -> str:
    return url_for("lookups.search", reference=found.reference, _anchor=anchor)


@lookups.post("/look-ups/record")
def record_all(reference: str) -> Response | tuple[str, int]:
    """Make recorded searches of all registers that have answered."""
    actor, form = _actor(), request.form
    years = {
        name.removeprefix("years-"): value.strip()[:100]
        for name, value in form.items()
        if name.startswith("years-")
    }
    try:
        asking.record_all(reference, actor, years=years, version=version_of_form())
    except FactMissing as missing:
        found = queries.by_reference(reference, actor)
        return _search_page(found, actor, problem=_(str(missing))), 422
    flash(_("The searches are recorded. They stand in the answer as well."), "ok")
    found = queries.by_reference(reference, actor)
    return redirect(_search_of(found, "record"), 303)


@lookups.post("/look-ups/<token>/decide")
def decide(reference: str, token: str) -> Response | tuple[str, int]:
    """Write down whether a candidate is the item, and why."""
    actor = _actor()
    schema = VerdictSection()
    row = asking.one(reference, token, actor)
    asking.require_work(actor, row.request)
    try:
        given = schema.load(forms.posted(schema, request.form))
    except ValidationError as error:
        drawn = forms.controls(schema, {}, error.messages_dict)
        words = " ".join(words for _id, words in forms.summary(*drawn))
        return _search_page(row.request, actor, problem=words), 422
    asking.decide(reference, token, actor, **given)
    flash(_("It is written down."), "ok")
    return redirect(_search_of(row.request, "candidates"), 303)


@lookups.post("/look-ups/<token>/introduction")
def meet(reference: str, token: str) -> Response | tuple[str, int]:
    """Ask to be introduced to another authority that asks about the same item."""
    actor = _actor()
    schema = MeetingSection()
    row = asking.one(reference, token, actor)
    introductions.require_asking(actor, row.request)
    try:
        given = schema.load(forms.posted(schema, request.form))
        introductions.ask(
            *(reference, token, actor),
            candidate=request.form.get("candidate", ""),
            text=given["text"],
        )
    except ValidationError as error:
        drawn = forms.controls(schema, {}, error.messages_dict)
        words = " ".join(words for _id, words in forms.summary(*drawn))
        return _search_page(row.request, actor, problem=words), 422
    except FactMissing as missing:
        return _search_page(row.request, actor, problem=_(str(missing))), 422
    flash(_("The other authority is told that you ask to be introduced."), "ok")
    return redirect(_search_of(row.request, "elsewhere"), 303)


@lookups.post("/introductions/<token>")
def answer(reference: str, token: str) -> Response:
    """Accept or decline to be introduced, as the owner of the request."""
    actor = _actor()
    if not may_file(actor):
        raise Forbidden
    accept = request.form.get("answer") == "accept"
    introductions.answer(reference, token, actor, accept=accept)
    words = _("The other authority has your contact now, and you have theirs.")
    flash(words if accept else _("You have declined. Nothing of yours is told."), "ok")
    return redirect(url_for("requests.show", reference=reference), 303)


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
        invented=register is not None and register.invented,
        spelled=candidates.spelled,
    )


@lookups.get("/look-ups/<token>")
def show(reference: str, token: str) -> str | Response:
    """Show what was sent, and what came back."""
    row = asking.one(reference, token, _actor())
    if row.register == registers.ELSEWHERE:
        return redirect(_search_of(row.request, "elsewhere"), 303)
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
    return render_template(
        "lookups/health.html",
        rows=rows,
        now=datetime.now(UTC),
        tells=bool(notices.tellers()),
        may_see=notices.may_see(_keeper()),
    )


@health.get("/hits")
def hits() -> str:
    """Show which searches elsewhere have met records of one's own authority."""
    actor = current_actor()
    if actor is None or not notices.may_see(actor):
        raise Forbidden
    rows = notices.of_authority(actor)
    notices.opened(rows, actor)
    return render_template("lookups/hits.html", rows=rows)


@health.post("/<name>/test")
def test(name: str) -> Response:
    """Let the worker try a register now."""
    asking.try_now(name, _keeper())
    flash(_("The register is being tried. Load the page again for the result."), "ok")
    return redirect(url_for(".index"), 303)
