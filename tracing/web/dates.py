"""The due dates of a request day by day: to read, to print, and for a machine."""

from datetime import UTC, date, datetime
from typing import Any, Final

from flask import Blueprint, jsonify, render_template
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from tracing.accounts.actors import current_actor
from tracing.casework import explaining, queries
from tracing.casework.explaining import Explanation
from tracing.models import DueChange, TraceRequest
from tracing.web import shown
from tracing.web.context import day, moment, said
from tracing.words import _, plural
from workflows.calendars import Day, DayKind
from workflows.deadlines import Deadline, Kind
from workflows.explained import Row, What
from workflows.policies import CASE_ROLES
from workflows.regimes import Unit
from workflows.vocabulary import N_

dates = Blueprint("dates", __name__, url_prefix="/trace-requests")
BLUEPRINTS = (dates,)

FORMAT: Final = "due-dates/1"
KINDS: Final = {
    Kind.ACKNOWLEDGE: N_("Acknowledgement"),
    Kind.ANSWER: N_("Answer"),
}
BECAME: Final = {
    What.START: N_("It begins here; this day is not counted"),
    What.OFF: N_("Not counted"),
    What.WAITING: N_("Not counted: waiting for clarification"),
    What.GIVEN_BACK: N_("Added for a day of waiting"),
    What.RUN_ON: N_("Not worked at the end: the period runs on"),
    What.SET: N_("The date that was set"),
}
DAYS: Final = {
    DayKind.WORKED: N_("Working day"),
    DayKind.MADE_UP: N_("Working day in place of another"),
    DayKind.WEEKEND: N_("Weekend"),
    DayKind.HOLIDAY: N_("Holiday"),
}


def _read(reference: str) -> tuple[TraceRequest, Explanation | None]:
    actor = current_actor()
    if actor is None or actor.roles.isdisjoint(CASE_ROLES):
        raise Forbidden
    found = queries.by_reference(reference, actor)
    return found, explaining.of_request(found, datetime.now(UTC))


@dates.get("/<reference>/dates")
def show(reference: str) -> str:
    """Show every day that was counted, and why."""
    found, made = _read(reference)
    return render_template(
        "trace_requests/dates.html",
        found=found,
        made=made,
        parts=[part(made, one) for one in made.plan] if made else [],
        moves=[moved(one, str(made.zone)) for one in made.moves] if made else [],
        law=made is not None and made.regime.binding_source,
    )


@dates.get("/<reference>/dates.json")
def export(reference: str) -> Response:
    """Hand out the same for a machine, with all that it takes to count again."""
    found, made = _read(reference)
    body = document(made) if made else {"format": FORMAT, "request": found.reference}
    answer = jsonify(body)
    name = f"due-dates-{found.reference}.json"
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    return answer


def part(made: Explanation, deadline: Deadline) -> dict[str, Any]:
    """Return one deadline as it is shown."""
    return {
        "title": said(KINDS[deadline.kind]),
        "kind": deadline.kind.value,
        "lines": shown.explain(deadline),
        "rows": [row_words(row, made) for row in made.days(deadline)],
    }


def row_words(row: Row, made: Explanation) -> dict[str, Any]:
    """Return one day in words."""
    return {
        "day": row.day.day,
        "weekday": row.day.day.isoweekday(),
        "is": day_words(row.day),
        "became": became(row, made.regime.unit),
        "counted": row.what is What.COUNTED and bool(row.number),
    }


def day_words(one: Day) -> str:
    """Return what a day is: worked, or why not."""
    if one.kind is DayKind.HOLIDAY and one.estimated:
        return _("Holiday: %(name)s (estimated: the day may still move)", name=one.name)
    if one.kind is DayKind.HOLIDAY:
        return _("Holiday: %(name)s", name=one.name)
    return said(DAYS[one.kind])


def became(row: Row, unit: Unit) -> str:
    """Return what became of a day in the count."""
    if row.what is not What.COUNTED:
        return said(BECAME[row.what])
    if unit is not Unit.HOURS:
        return _("Day %(number)s", number=row.number)
    return _(
        "%(length)s counted, %(sum)s so far",
        length=_length(row.number or 0),
        sum=_length(row.sum or 0),
    )


def _length(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    said_hours = plural("%(num)s hour", "%(num)s hours", hours)
    if not rest:
        return said_hours
    said_minutes = plural("%(num)s minute", "%(num)s minutes", rest)
    return _("%(hours)s %(minutes)s", hours=said_hours, minutes=said_minutes)


def moved(one: DueChange, zone: str) -> str:
    """Return in words what a calendar has moved."""
    return _(
        "%(what)s: from %(old)s to %(new)s, because calendar %(version)s followed"
        " %(before)s on %(day)s.",
        what=said(KINDS[Kind(one.deadline)]),
        old=moment(one.old_due, zone),
        new=moment(one.new_due, zone),
        version=one.new_version,
        before=one.old_version,
        day=day(one.at),
    )


# --------------------------------------------------------------------- for a machine


def document(made: Explanation) -> dict[str, Any]:
    """Return an explanation as it is exported."""
    regime, calendar = made.regime, made.known.calendar
    return {
        "format": FORMAT,
        "request": made.reference,
        "preview": made.is_preview,
        "zone": str(made.zone),
        "regime": {
            "code": regime.code,
            "version": regime.version,
            "label": said(regime.label),
            "source": regime.source,
            "law": regime.binding_source,
            "unit": regime.unit.value,
            "acknowledge_in": regime.acknowledge_in,
            "answer_in": regime.answer_in,
            "delay_notice_in": regime.delay_notice_in,
            "hours_count": regime.clock.value,
            "paused_by_clarification": regime.paused_by_clarification,
            "ends_on_working_day": regime.ends_on_working_day,
        },
        "calendar": {"version": calendar.version, "weekend": sorted(calendar.weekend)},
        "office_hours": {
            "version": made.known.hours_version,
            "hours": str(made.known.hours),
        },
        "history": [_step(event) for event in made.history],
        "deadlines": [_deadline(made, one) for one in made.plan],
        "moved": [
            {
                "deadline": one.deadline,
                "from": one.old_due.isoformat(),
                "to": one.new_due.isoformat(),
                "calendar_before": one.old_version,
                "calendar": one.new_version,
                "at": one.at.isoformat(),
            }
            for one in made.moves
        ],
    }


def _step(event: Any) -> dict[str, Any]:
    fact = event.fact
    found = {"step": event.trigger.value, "at": event.at.isoformat()}
    for name in ("review_date", "requested_by"):
        value = getattr(fact, name)
        if value is not None:
            found[name] = value.isoformat()
    if fact.access:
        found["access"] = fact.access
    if event.trigger.value == "defer":
        found["ground"] = fact.ground
    return found


def _deadline(made: Explanation, one: Deadline) -> dict[str, Any]:
    return {
        "kind": one.kind.value,
        "due": one.due.isoformat(),
        "day": one.day.isoformat(),
        "met_at": one.met_at.isoformat() if one.met_at else None,
        "pauses": [
            {
                "asked": pause.asked.isoformat(),
                "given": pause.given.isoformat() if pause.given else None,
            }
            for pause in one.pauses
        ],
        "lines": [
            {"rule": line.text, "values": _values(line.values), "text": words}
            for line, words in zip(one.lines, shown.explain(one), strict=True)
        ],
        "days": [_row(row, made) for row in made.days(one)],
    }


def _values(values: Any) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
    }


def _row(row: Row, made: Explanation) -> dict[str, Any]:
    return {
        "day": row.day.day.isoformat(),
        "kind": row.day.kind.value,
        "name": row.day.name,
        "estimated": row.day.estimated,
        "count": row.what.value,
        "number": row.number,
        "sum": row.sum,
        "text": became(row, made.regime.unit),
    }
