"""Calendars of States: which days count, who changed them, and a sum to try them with."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from marshmallow import ValidationError
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from tracing.accounts.actors import current_actor
from tracing.directory import entries, versions
from tracing.directory.versions import Proposal
from tracing.models import CalendarChange, ChangeKind
from tracing.schemas.time_limits import CalendarChangeSchema, OfficeHoursSchema
from tracing.web import forms
from tracing.web.context import country, day, said
from tracing.web.dates import day_words
from tracing.words import _
from workflows.calendars import Calendar, Day, DayKind
from workflows.errors import TransitionNotAllowed
from workflows.policies import Actor, Role
from workflows.vocabulary import CalendarChangeKind, WeekDay

calendars = Blueprint("calendars", __name__, url_prefix="/calendars")
BLUEPRINTS = (calendars,)

SHOWN: Final = 366
SAMPLE: Final = 10


def _actor() -> Actor:
    actor = current_actor()
    if actor is None:
        raise Forbidden
    return actor


def _administrator(*roles: Role) -> Actor:
    actor = _actor()
    if not actor.is_any(*roles):
        raise Forbidden
    return actor


def _now() -> datetime:
    return datetime.now(UTC)


def _place(actor: Actor) -> str:
    given = request.values.get("place", "").upper()
    if given:
        versions.require_written(given)
    return given or entries.country_of(actor.authority_id)


def _change_form(raw: Any = None, errors: Any = None) -> list[forms.Control]:
    return forms.controls(CalendarChangeSchema(), raw or {}, errors or {})


def _page(
    change: list[forms.Control] | None = None,
    hours: list[forms.Control] | None = None,
    problem: str = "",
    status: int = 200,
) -> tuple[str, int]:
    actor, now = _actor(), _now()
    place = _place(actor)
    known = versions.current(place, now)
    rows = versions.history_of(place)
    own = versions.hours_of(actor.authority_id)
    may = versions.may_change(actor, place)
    change = change or (_change_form() if may else [])
    if hours is None and actor.is_any(Role.ADMINISTRATOR):
        raw = {"hours": own.hours, "subdivision": own.subdivision} if own else {}
        hours = forms.controls(OfficeHoursSchema(), raw)
    body = render_template(
        "calendars/show.html",
        place=place,
        state=country(place.partition("-")[0]),
        calendar=known,
        weekend=[said(WeekDay(str(number)).label) for number in sorted(known.weekend)],
        free=_free(known, now.date()),
        sample=_sample(known, now.date()),
        versions=rows,
        changes={
            key: change_words(one) for key, one in versions.changes_in(rows).items()
        },
        waiting=next((r for r in rows if r.standing.value == "proposed"), None),
        may_change=may,
        change=change,
        hours=hours,
        said_hours=own,
        summary=forms.summary(*(change or []), *(hours or [])),
        problem=problem,
        places=versions.places(place.partition("-")[0]),
        states=entries.countries() if actor.is_any(Role.OPERATOR) else [],
    )
    return body, status


def _free(known: Calendar, today: date) -> list[dict[str, Any]]:
    """Return the days of a year to come that are not as their weekday says."""
    days = (known.day(today + timedelta(days=n)) for n in range(SHOWN))
    return [
        {"day": one.day, "is": day_words(one)}
        for one in days
        if one.kind in (DayKind.HOLIDAY, DayKind.MADE_UP) and _matters(one, known)
    ]


def _matters(one: Day, known: Calendar) -> bool:
    return one.kind is DayKind.MADE_UP or one.day.weekday() not in known.weekend


def _sample(known: Calendar, today: date) -> dict[str, Any]:
    """Return a sum to try the calendar with: so many working days after a day."""
    try:
        start = date.fromisoformat(request.args.get("start", ""))
    except ValueError:
        start = today
    given = request.args.get("days", "")
    number = int(given) if given.isascii() and given.isdigit() else SAMPLE
    number = min(number, 500)
    return {
        "start": start,
        "days": number,
        "end": known.add_working_days(start, number),
    }


def change_words(one: CalendarChange) -> str:
    """Return a change in words."""
    first, last = day(one.first), day(one.last)
    period = (
        first if first == last else _("%(first)s to %(last)s", first=first, last=last)
    )
    if one.kind is ChangeKind.WEEKEND:
        free = [said(WeekDay(number).label) for number in one.weekend.split()]
        return _(
            "%(period)s: the weekend is %(days)s",
            period=period,
            days=_(", ").join(free),
        )
    label = said(CalendarChangeKind(one.kind.value).label)
    return _(
        "%(period)s: %(kind)s (%(name)s)", period=period, kind=label, name=one.name
    )


@calendars.get("")
def show() -> tuple[str, int]:
    """Show the calendar of a State, its versions, and what may be changed."""
    return _page()


@calendars.post("/change")
def change() -> tuple[str, int] | Response:
    """Enter a new version."""
    actor = _administrator(Role.ADMINISTRATOR, Role.OPERATOR)
    place = _place(actor)
    versions.require_change(actor, place)
    schema = CalendarChangeSchema()
    raw = forms.posted(schema, request.form)
    try:
        given = schema.load(raw)
        row = versions.propose(actor, place, _proposal(given), _now())
    except ValidationError as error:
        told = error.messages_dict
        problem = " ".join(told.get("place", ()))
        return _page(change=_change_form(raw, told), problem=problem, status=422)
    except TransitionNotAllowed as error:
        return _page(change=_change_form(raw), problem=str(error), status=409)
    flash(
        _(
            "Version %(number)s is entered. Within a minute this page says how many"
            " open requests it moves.",
            number=row.number,
        ),
        "ok",
    )
    return redirect(url_for(".show", place=place), 303)


def _proposal(given: dict[str, Any]) -> Proposal:
    return Proposal(
        kind=ChangeKind(given["kind"].value),
        first=given["first"],
        last=given["last"],
        why=given["why"],
        source=given["source"],
        name=given.get("name", ""),
        estimated=given.get("estimated", False),
        weekend=frozenset(int(one.value) for one in given.get("weekend", ())),
    )


@calendars.post("/<int:number>/publish")
def publish(number: int) -> tuple[str, int] | Response:
    """Let a version count; open requests move."""
    return _decide(number, publish=True)


@calendars.post("/<int:number>/drop")
def drop(number: int) -> tuple[str, int] | Response:
    """Let a version go; nothing moves."""
    return _decide(number, publish=False)


def _decide(number: int, *, publish: bool) -> tuple[str, int] | Response:
    actor = _administrator(Role.ADMINISTRATOR, Role.OPERATOR)
    try:
        versions.decide(actor, number, publish=publish, now=_now())
    except TransitionNotAllowed as error:
        return _page(problem=str(error), status=409)
    words = _("The version is dropped. No request moves.")
    if publish:
        words = _(
            "The version is published. Both sides of a request that moves are told."
        )
    flash(words, "ok")
    return redirect(url_for(".show", place=_place(actor)), 303)


@calendars.post("/hours")
def hours() -> tuple[str, int] | Response:
    """Say when the own authority works."""
    actor = _administrator(Role.ADMINISTRATOR)
    schema = OfficeHoursSchema()
    raw = forms.posted(schema, request.form)
    try:
        given = schema.load(raw)
        versions.set_hours(
            actor, given.get("hours", ""), given.get("subdivision", ""), _now()
        )
    except ValidationError as error:
        drawn = forms.controls(schema, raw, error.messages_dict)
        return _page(hours=drawn, status=422)
    flash(_("The hours count for requests that are sent from now on."), "ok")
    return redirect(url_for(".show"), 303)
