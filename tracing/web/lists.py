"""The two lists: requests to answer, and requests of one's own."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from cryptography.fernet import Fernet, InvalidToken
from flask import (
    Blueprint,
    current_app,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import get_locale
from werkzeug.exceptions import BadRequest, Forbidden
from werkzeug.wrappers import Response

from tracing.accounts.actors import current_actor
from tracing.casework import queries
from tracing.casework.queries import Listed
from tracing.directory import countries
from tracing.models import TraceRequest
from tracing.models.trace_request import FAR
from tracing.security import tokens
from tracing.web.contacts import state_asked
from tracing.web.context import country, day, said
from tracing.web.counts import counts_of
from tracing.web.status import Tag, days_left, tag_of
from tracing.words import _
from workflows.policies import CASE_ROLES, Actor, may_file
from workflows.states import AWAITING_ANSWER, OPEN, Party, State
from workflows.vocabulary import Urgency

queue = Blueprint("queue", __name__)
mine = Blueprint("mine", __name__)
BLUEPRINTS = (queue, mine)
SIZES = (25, 50, 100)
KEPT = ("view", "country", "state", "rows")
QUEUE_VIEWS = ("urgent", "mine", "unassigned", "waiting", "late")
MINE_VIEWS = ("open", "needs", "late", "drafts", "ended")


@dataclass(frozen=True, slots=True)
class ListRow:
    """One request as a list shows it."""

    reference: str
    state: str
    item: str
    serial: str
    due: str
    due_iso: str
    left: str
    late: bool
    urgent: bool
    assigned: str
    tag: Tag


def rows_of(requests: Iterable[Listed], side: Party, now: datetime) -> list[ListRow]:
    """Return the requests as rows."""
    return [row_of(found, side, now) for found in requests]


def row_of(found: Listed, side: Party, now: datetime) -> ListRow:
    """Return one request as a row."""
    other = found.requesting if side is Party.REQUESTED else found.requested
    what = found.firearm_type or found.kind
    parts = [
        said(what.label if what else ""),
        found.calibre,
        " ".join(filter(None, (found.make, found.model))),
    ]
    due_day, left, late = "", "", False
    if found.due < FAR and found.zone is not None:
        zone = ZoneInfo(found.zone)
        local: date = found.due.astimezone(zone).date()
        due_day = local.isoformat()
        late = found.awaiting and now > found.due
        if found.awaiting:
            left = days_left(found.due, now, local, now.astimezone(zone).date())
    return ListRow(
        reference=found.reference,
        state=country(other),
        item=_(", ").join(f"\u2068{part}\u2069" for part in parts if part),
        serial=found.serial or "",
        due=day(date.fromisoformat(due_day)) if due_day else "",
        due_iso=due_day,
        left=left,
        late=late,
        urgent=found.urgency is Urgency.URGENT,
        assigned=found.assigned or "",
        tag=tag_of(found, side),
    )


def _actor() -> Actor:
    actor = current_actor()
    if actor is None or actor.roles.isdisjoint(CASE_ROLES):
        raise Forbidden
    return actor


def _seal(actor: Actor) -> Fernet:
    """Return what closes a place: its number counts the requests of everybody."""
    secret = str(current_app.config["SECRET_KEY"])
    return Fernet(tokens.derive(secret, "place", str(actor.authority_id)) + "=")


def _place(actor: Actor) -> queries.Place | None:
    text = request.args.get("at")
    if not text:
        return None
    try:
        due, number, backwards = json.loads(_seal(actor).decrypt(text))
    except InvalidToken as error:
        raise BadRequest from error
    return queries.Place(datetime.fromisoformat(due), number, backwards)


def _link(actor: Actor, place: queries.Place | None) -> str | None:
    if place is None:
        return None
    said = json.dumps((place.due.isoformat(), place.id, place.backwards))
    at = _seal(actor).encrypt(said.encode()).decode()
    kept = {k: v for k, v in request.args.items() if k in KEPT}
    return f"{request.path}?{urlencode(kept | {'at': at})}"


def view_of(kind: str, name: str, country_code: str, state: str) -> queries.View:
    """Return what of a list is shown; what it does not know narrows nothing."""
    names = QUEUE_VIEWS if kind == "queue" else MINE_VIEWS
    return queries.View(
        name if name in names else names[0],
        country_code,
        State(state) if state in {s.value for s in _states(kind)} else None,
    )


def _states(kind: str) -> Collection[State]:
    return AWAITING_ANSWER if kind == "queue" else OPEN


def _view(kind: str) -> queries.View:
    name, state = request.args.get("view", ""), request.args.get("state", "")
    return view_of(kind, name, state_asked(), state)


def _size() -> int:
    text = request.args.get("rows", "")
    return int(text) if text in map(str, SIZES) else SIZES[0]


def _labels(kind: str) -> dict[str, str]:
    if kind == "queue":
        return {
            "urgent": _("Most urgent"),
            "mine": _("Mine"),
            "unassigned": _("Unassigned"),
            "waiting": _("Waiting for clarification"),
            "late": _("Late"),
        }
    return {
        "open": _("Open"),
        "needs": _("Needs you"),
        "late": _("Late"),
        "drafts": _("Drafts"),
        "ended": _("Ended"),
    }


def _chips(
    kind: str, actor: Actor, view: queries.View, now: datetime
) -> list[dict[str, Any]]:
    labels = _labels(kind)
    counts = counts_of(actor, [(kind, name) for name in labels], now=now)
    return [
        {
            "label": label,
            "url": url_for(f"{kind}.show", view=name),
            "count": counts[kind, name],
            "current": view.name == name,
        }
        for name, label in labels.items()
    ]


def _render(kind: str, side: Party) -> str:
    actor, now = _actor(), datetime.now(UTC)
    view, size = _view(kind), _size()
    find = queries.queue if kind == "queue" else queries.mine
    page = find(actor, view, _place(actor), now=now, size=size)
    chips = _chips(kind, actor, view, now)
    return render_template(
        "trace_requests/list.html",
        kind=kind,
        rows=rows_of(page.rows, side, now),
        chips=chips,
        view=view,
        size=size,
        total=next(chip["count"] for chip in chips if chip["current"]),
        limit=queries.COUNT_LIMIT,
        states=[(s.value, tag_words(s, side)) for s in _states(kind)],
        countries=_countries(actor),
        earlier=_link(actor, page.earlier),
        later=_link(actor, page.later),
        may_import=kind == "mine" and may_file(actor),
        now=now,
    )


def _countries(actor: Actor) -> list[tuple[str, str]]:
    """Return the States to choose from; the language is asked for once."""
    locale = get_locale()
    reader = locale.language if locale else "en"
    return [
        (code, countries.name_of(code, reader)) for code in queries.countries_in(actor)
    ]


def tag_words(state: State, side: Party) -> str:
    """Return a state in this side's words."""
    return tag_of(TraceRequest(state=state), side).words


@queue.get("/queue")
def show() -> str:
    """Show the requests this authority has to answer, most urgent first."""
    return _render("queue", Party.REQUESTED)


@mine.get("/my-requests", endpoint="show")
def show_mine() -> str:
    """Show the requests this authority has sent."""
    return _render("mine", Party.REQUESTING)


@queue.get("/go/<number>")
def go(number: str) -> Response:
    """Open the request a mail speaks of; a mail does not name the State."""
    found = queries.by_mail_number(number, _actor())
    return redirect(url_for("requests.show", reference=found.reference), 303)


@queue.post("/find")
def find() -> Response:
    """Open a request by its reference; the reference is not kept in the address."""
    reference = request.form.get("reference", "").strip()
    found = queries.by_reference(reference, _actor())
    return redirect(url_for("requests.show", reference=found.reference), 303)
