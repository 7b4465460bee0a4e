"""Time limits: what the texts say, what States have agreed, and a sum to try them."""

import re
from datetime import UTC, date, datetime, time
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from marshmallow import ValidationError
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from tracing.accounts.actors import current_actor
from tracing.casework.explaining import Explanation
from tracing.directory import agreements, entries, versions
from tracing.directory.agreements import Terms
from tracing.schemas.time_limits import AgreementSchema
from tracing.web import dates, forms
from tracing.web.context import country, said
from tracing.words import _, plural
from workflows import deadlines, regimes
from workflows.errors import TransitionNotAllowed
from workflows.policies import Actor, Role
from workflows.regimes import Clock, Regime, Unit
from workflows.states import Trigger
from workflows.vocabulary import HoursCounted

limits = Blueprint("regimes", __name__, url_prefix="/time-limits")
BLUEPRINTS = (limits,)

MOST: Final = 6


class Sent(NamedTuple):
    """A request that is sent for a sum only."""

    trigger: Trigger
    at: datetime
    fact: object = None


def _actor() -> Actor:
    actor = current_actor()
    if actor is None:
        raise Forbidden
    return actor


def _administrator() -> Actor:
    actor = _actor()
    if not actor.is_any(Role.ADMINISTRATOR):
        raise Forbidden
    return actor


def _page(
    entered: list[forms.Control] | None = None, problem: str = "", status: int = 200
) -> tuple[str, int]:
    actor = _actor()
    if entered is None and actor.is_any(Role.ADMINISTRATOR):
        entered = forms.controls(AgreementSchema(), {"paused": True})
    rows = agreements.all_of()
    known = [*regimes.POLICIES, *(agreements.regime_of_row(row) for row in rows)]
    body = render_template(
        "regimes/show.html",
        policies=[(one, _numbers(one)) for one in regimes.POLICIES],
        references=[(one, _numbers(one)) for one in regimes.REFERENCES],
        agreements=[
            {
                "row": row,
                "regime": agreements.regime_of_row(row),
                "numbers": _numbers(agreements.regime_of_row(row)),
                "states": _(", ").join(country(code) for code in row.states),
                "may_confirm": agreements.may_confirm(actor, row),
                "may_end": agreements.may_end(actor, row),
            }
            for row in rows
        ],
        codes=[
            f"{one.code} {one.version}" if one.version else one.code for one in known
        ],
        labels=[said(one.label) for one in known],
        sample=_sample(actor, known),
        entered=entered,
        summary=forms.summary(*(entered or [])),
        problem=problem,
    )
    return body, status


def _numbers(one: Regime) -> str:
    """Return the limits of a regime in words."""
    parts = []
    if one.acknowledge_in is not None:
        length = _length(one.acknowledge_in, one.unit)
        parts.append(_("Acknowledge within %(length)s", length=length))
    if one.answer_in is not None:
        length = _length(one.answer_in, one.unit)
        parts.append(_("Answer within %(length)s", length=length))
    if one.clock is Clock.OFFICE_HOURS:
        parts.append(said(HoursCounted.OFFICE_HOURS.label))
    if one.paused_by_clarification:
        parts.append(_("A question stops the clock"))
    return "; ".join(parts) or _("No number")


def _length(number: int, unit: Unit) -> str:
    match unit:
        case Unit.HOURS:
            return plural("%(num)s hour", "%(num)s hours", number)
        case Unit.WORKING_DAYS:
            return plural("%(num)s working day", "%(num)s working days", number)
        case _:
            return plural("%(num)s calendar day", "%(num)s calendar days", number)


def _sample(actor: Actor, known: list[Regime]) -> dict[str, Any] | None:
    """Count a request that is sent to the own authority on a day at noon."""
    code, _space, number = request.args.get("code", "").partition(" ")
    version = int(number) if number.isdigit() else 0
    wanted = (code, version)
    regime = next((one for one in known if (one.code, one.version) == wanted), None)
    if regime is None:
        return None
    authority = entries.by_id(actor.authority_id)
    counted = versions.known_of(authority, datetime.now(UTC))
    zone = ZoneInfo(authority.zone)
    try:
        on = date.fromisoformat(request.args.get("start", ""))
    except ValueError:
        on = datetime.now(zone).date()
    at = datetime.combine(on, time(12), zone).astimezone(UTC)
    plan = deadlines.schedule(
        [Sent(Trigger.SUBMIT, at)], regime, counted.calendar, zone, hours=counted.hours
    )
    made = Explanation("", regime, counted, zone, plan, (), is_preview=True)
    return {
        "made": made,
        "law": regime.binding_source,
        "start": on,
        "chosen": request.args.get("code"),
        "parts": [dates.part(made, one) for one in plan],
    }


@limits.get("")
def show() -> tuple[str, int]:
    """Show every time limit with its source, and what may be entered."""
    return _page()


@limits.post("")
def enter() -> tuple[str, int] | Response:
    """Enter an agreement, or a new version of one."""
    actor = _administrator()
    schema = AgreementSchema()
    raw = forms.posted(schema, request.form)
    try:
        row = agreements.enter(actor, _terms(schema.load(raw)), datetime.now(UTC))
    except ValidationError as error:
        return _page(forms.controls(schema, raw, error.messages_dict), status=422)
    flash(
        _(
            "Version %(number)s is entered. It counts once an administrator of the"
            " other State has confirmed it.",
            number=row.number,
        ),
        "ok",
    )
    return redirect(url_for(".show"), 303)


def _terms(given: dict[str, Any]) -> Terms:
    unit = Unit(given["unit"].value)
    clock = given.get("clock") or HoursCounted.ELAPSED
    words = given.get("reminders", "").split()
    if not all(re.fullmatch("[0-9]{1,4}", word) for word in words):
        told = _("Write numbers with spaces between, such as 7 3 1.")
        raise ValidationError({"reminders": [told]})
    return Terms(
        code=given["code"].upper(),
        label=given["label"],
        states=tuple(dict.fromkeys(given["states"].upper().replace(",", " ").split())),
        since=given["since"],
        unit=unit,
        answer_in=given["answer_in"],
        acknowledge_in=given.get("acknowledge_in"),
        delay_notice_in=given.get("delay_notice_in"),
        clock=Clock(clock.value) if unit is Unit.HOURS else Clock.ELAPSED,
        paused=given.get("paused", False),
        ends_on_working_day=given.get("ends_on_working_day", False),
        binding=given.get("binding", False),
        bases=tuple(given.get("bases", ())),
        urgency=given.get("urgency"),
        reminders=tuple(map(int, words)),
        source=given["source"],
        why=given["why"],
    )


@limits.post("/<int:number>/confirm")
def confirm(number: int) -> tuple[str, int] | Response:
    """Say yes for another State of the agreement."""
    return _decide(number, confirm=True)


@limits.post("/<int:number>/end")
def end(number: int) -> tuple[str, int] | Response:
    """End it for requests that are sent from now on."""
    return _decide(number, confirm=False)


def _decide(number: int, *, confirm: bool) -> tuple[str, int] | Response:
    actor = _administrator()
    try:
        agreements.decide(actor, number, confirm=confirm, now=datetime.now(UTC))
    except TransitionNotAllowed as error:
        return _page(problem=str(error), status=409)
    words = _("The agreement has ended. Requests that run under it keep it.")
    if confirm:
        words = _("The agreement counts for requests that are sent from now on.")
    flash(words, "ok")
    return redirect(url_for(".show"), 303)
