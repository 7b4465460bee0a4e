"""The page of a request for both sides, and the form behind every step."""

import secrets
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import (
    Blueprint,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from marshmallow import ValidationError
from werkzeug.exceptions import Forbidden, NotFound
from werkzeug.wrappers import Response

from tracing.accounts.actors import current_actor
from tracing.casework import (
    answering,
    attachments,
    onward,
    queries,
    reading,
    requested,
    requesting,
    steps,
)
from tracing.casework import lookups as asking
from tracing.casework.apply import deadline_of, schedule_of
from tracing.casework.steps import COMMANDS, WITH_FILES
from tracing.directory import entries
from tracing.models import TraceRequest
from tracing.models.trace_request import FAR
from tracing.schemas.steps import STEP_OF, needed_by
from tracing.web import chain, forms, limits, lookups, shown, status, uploads
from tracing.web.context import country, said
from tracing.web.once import form_key, version_of_form
from tracing.web.photos import all_attached
from tracing.words import _
from workflows import policies
from workflows.deadlines import Kind
from workflows.errors import FactMissing, RestrictionHolds
from workflows.policies import CASE_ROLES, Actor
from workflows.states import BESIDE, Party, State, Trigger
from workflows.vocabulary import Access, InformationItem, Outcome, Use

requests = Blueprint("requests", __name__, url_prefix="/trace-requests")
BLUEPRINTS = (requests,)

TOLD_BY_NOTICE = frozenset({"ground", "items", "no_notice"})
"""What the record of a disclosure need not say again."""

ORDER = (
    Trigger.ACKNOWLEDGE,
    Trigger.CLARIFY,
    Trigger.RESPOND,
    Trigger.RECORD_SEARCH,
    Trigger.CLOSE,
    Trigger.REOPEN,
)
"""The first of these that is possible is the primary button of the page."""


def _actor() -> Actor:
    actor = current_actor()
    if actor is None or actor.roles.isdisjoint(CASE_ROLES):
        raise Forbidden
    return actor


def _today() -> date:
    return datetime.now(UTC).date()


def _side(found: TraceRequest, actor: Actor) -> Party:
    party = policies.party_of(actor, found)
    if party is None:
        raise NotFound
    return party


def _buttons(found: TraceRequest, actor: Actor) -> list[dict[str, Any]]:
    can = [t for t in policies.possible(actor, found) if t not in BESIDE]
    if Trigger.SUBMIT in can:
        can.remove(Trigger.SUBMIT)
    first = (Trigger.RECORD_SEARCH,) if found.state is State.ACKNOWLEDGED else ()
    order: tuple[Trigger, ...] = (*first, *ORDER)
    can.sort(key=lambda t: order.index(t) if t in order else len(order))
    primary = can[0] if can and can[0] in order else None
    return [
        {
            "words": status.asked(trigger),
            "url": url_for(".step", reference=found.reference, step=trigger.value),
            "post": trigger is Trigger.ACKNOWLEDGE,
            "primary": trigger is primary,
        }
        for trigger in can
    ]


@requests.get("/<reference>")
def show(reference: str) -> str | Response:
    """Show a request: state, due and why, what happens next, content, history."""
    actor = _actor()
    found = queries.by_reference(reference, actor)
    if found.state is State.DRAFT:
        return redirect(url_for("drafts.edit", reference=found.reference), 303)
    return _page(found, actor)


def page_of_nobody(found: TraceRequest, actor: Actor) -> str:
    """Show a request to someone on neither side: to read, with nothing to press."""
    return _page(found, actor, side=Party.REQUESTED)


def _page(
    found: TraceRequest, actor: Actor, conflict: str = "", side: Party | None = None
) -> str:
    reading.opened(found, actor, after_refusal=bool(conflict))
    side = side or _side(found, actor)
    now = datetime.now(UTC)
    plan = schedule_of(found)
    due = deadline_of(plan, Kind.ANSWER)
    zone = found.requested.zone if found.requested else "UTC"
    here = found.requesting.zone if side is Party.REQUESTING else zone
    last = found.events[-1].trigger if found.events else None
    left = ""
    if due and found.awaiting and found.due < FAR:
        today = now.astimezone(ZoneInfo(zone)).date()
        left = status.days_left(due.due, now, due.day, today)
    response = onward.last_response(found)
    labels = shown.labels_of_an_answer()
    agreed = limits.agreed(found, actor, policies.party_of(actor, found), here)
    return render_template(
        "trace_requests/show.html",
        found=found,
        side=side.value,
        other=country(
            (found.requesting if side is Party.REQUESTED else found.requested).country
            if found.requested
            else None
        ),
        tag=status.tag_of(found, side, last),
        due=due,
        plan=[(d, shown.explain(d)) for d in plan],
        left=left,
        late=bool(due and found.awaiting and now > due.due),
        next_words=status.next_words(found, side, plan),
        steps=status.steps_of(found, plan, here),
        buttons=_buttons(found, actor),
        asks_access=requested.asks_access(found),
        facts=shown.sections_of(found),
        readback=shown.readback(found),
        warnings=shown.warnings(found),
        answer=shown.answer(response, labels.items()) if response else None,
        limits=limits.of_answer(response.carried) if response else None,
        provided=limits.provided(found),
        agreed=agreed,
        step_words=status.asked,
        history=shown.history(found, actor, here),
        side_of_reader=policies.party_of(actor, found) is not None,
        **_files(found),
        may_journal=policies.may_read_journal(actor),
        may_onward=onward.may_go_onward(actor, found),
        may_take=side is Party.REQUESTED
        and policies.may_answer(actor)
        and found.assigned_to_id != actor.user_id
        and found.awaiting,
        answerers=requested.answerers(actor)
        if found.awaiting and policies.may_hand_over(actor, found)
        else [],
        parent=found.parent,
        children=found.onward if side is Party.REQUESTING else [],
        **(chain.of_page(found) if side is Party.REQUESTING else chain.NOTHING),
        linked=queries.of_same_find(found, actor),
        sent_to=_sent_to(found, actor),
        conflict=conflict,
        zone=here,
        **lookups.of_page(found, actor),
    )


def _sent_to(found: TraceRequest, actor: Actor) -> dict[str, Any] | None:
    """Return the directory's entry as it was when the request was sent to it."""
    asked, number = found.requested, found.requested_version
    if asked is None or number is None or found.requesting_id != actor.authority_id:
        return None
    return {
        "url": url_for("contacts.version", code=asked.code, number=number),
        "number": number,
        "newest": asked.version == number,
    }


def _files(found: TraceRequest) -> dict[str, Any]:
    """Return the files of the request, and apart those of its answers."""
    answers = {e.id for e in found.events if e.trigger is Trigger.RESPOND}
    rows = attachments.of_request(found)
    with_answer = [row for row in rows if row.event_id in answers]
    others = [row for row in rows if row.event_id not in answers]
    return {
        "files": all_attached(others, found.item),
        "answer_files": all_attached(
            with_answer, alt=_("Photograph sent with the answer")
        ),
    }


@requests.post("/<reference>/assign")
def assign(reference: str) -> Response:
    """Take the request into one's own hands."""
    requested.assign(reference, _actor(), version=version_of_form())
    flash(_("The request is assigned to you."), "ok")
    return redirect(url_for(".show", reference=reference), 303)


@requests.post("/<reference>/hand-over")
def hand_over(reference: str) -> Response:
    """Put somebody in charge of the request."""
    chosen = request.form.get("person", "")
    number = int(chosen) if chosen.isascii() and chosen.isdigit() else 0
    requested.hand_over(reference, _actor(), number, version=version_of_form())
    flash(_("The request is handed over."), "ok")
    return redirect(url_for(".show", reference=reference), 303)


def _trigger(step: str) -> Trigger:
    try:
        trigger = Trigger(step)
    except ValueError as error:
        raise NotFound from error
    if trigger is Trigger.SUBMIT:
        raise NotFound
    return trigger


def _schema(trigger: Trigger) -> Any:
    return STEP_OF[trigger.value](today=datetime.now(UTC).date())


def _raw_to_start(trigger: Trigger, found: TraceRequest) -> dict[str, Any]:
    """Return what the form can be filled with from what is already known."""
    if trigger is Trigger.RESPOND:
        return answering.known(found, _actor())
    if trigger is Trigger.RECORD_SEARCH and found.item.serial:
        return {"key": found.item.serial.text}
    return {}


def _raw_beside(
    trigger: Trigger, found: TraceRequest, side: Party | None
) -> dict[str, Any]:
    """Return what a link has already said: which question, which item."""
    of = request.args.get("of", "")
    number: int | None = int(of) if of.isascii() and of.isdigit() and len(of) < 6 else 0
    if side is not None and not number:
        number = limits.first_open(found, trigger, side)
    match trigger:
        case Trigger.GIVE_PERMISSION | Trigger.REFUSE_PERMISSION:
            return {"asked": number or ""}
        case Trigger.RECORD_DISCLOSURE:
            return {"announced": number} if number else {}
        case Trigger.ASK_PERMISSION:
            use, item = request.args.get("use"), request.args.get("item")
            return {
                "use": use if use in {u.value for u in Use} else "",
                "items": [item] if item in {i.value for i in InformationItem} else [],
            }
        case _:
            return {}


def _about(found: TraceRequest, trigger: Trigger, side: Party, raw: Any) -> list[str]:
    """Return in words what the step answers."""
    of = str(raw.get("asked") or raw.get("announced") or "")
    if not (of.isascii() and of.isdigit() and len(of) < 6):
        return []
    return limits.about(found, trigger, side, int(of))


def _form(
    found: TraceRequest,
    trigger: Trigger,
    raw: dict[str, Any],
    errors: dict[str, Any],
    *,
    received: uploads.Received | None = None,
    code: int = 200,
) -> tuple[str, int]:
    actor = _actor()
    side = _side(found, actor)
    if not _is_possible(found, trigger, actor):
        return _not_now(found, actor)
    schema = _schema(trigger)
    drawn = forms.controls(
        schema, raw, errors, adding=request.form.get("add") or request.args.get("add")
    )
    outcome = raw.get("outcome") or request.args.get("outcome")
    if trigger is Trigger.RESPOND:
        drawn = _outcome_first(drawn, outcome)
    if raw.get("announced"):
        drawn = [c for c in drawn if c.name not in TOLD_BY_NOTICE]
    key = form_key()
    if trigger in WITH_FILES and (drawn or trigger is not Trigger.RESPOND):
        drawn = drawn + uploads.for_step(received or uploads.Received(), actor, key)
    body = render_template(
        "trace_requests/step.html",
        found=found,
        side=side.value,
        about=_about(found, trigger, side, raw),
        announces=url_for(
            ".step", reference=found.reference, step=Trigger.ANNOUNCE_DISCLOSURE.value
        ),
        trigger=trigger.value,
        title=status.asked(trigger),
        controls=drawn,
        summary=forms.summary(*drawn),
        records=answering.confirmed(found, actor) if trigger is Trigger.RESPOND else [],
        questions=requesting.open_questions(found)
        if trigger is Trigger.CLARIFY
        else [],
        answers=raw.get("answers") or [],
        outcomes=_outcomes(found) if trigger is Trigger.RESPOND else [],
        outcome=outcome,
        outcome_words=said(Outcome(outcome).label)
        if outcome in {o.value for o in Outcome}
        else "",
        version=request.form.get("version") or found.version,
        form_key=key,
        files=trigger in WITH_FILES,
        plan=[(d, shown.explain(d)) for d in schedule_of(found)],
    )
    return body, code


def _is_possible(found: TraceRequest, trigger: Trigger, actor: Actor) -> bool:
    return trigger in steps.possible(found, actor)


def _outcomes(found: TraceRequest) -> list[tuple[str, str]]:
    searched = found.state is State.RECORDS_SEARCHED
    return [(o.value, said(o.label)) for o in Outcome if searched or not o.needs_search]


def _outcome_first(
    drawn: list[forms.Control], outcome: str | None
) -> list[forms.Control]:
    """Keep only the fields that the chosen outcome asks for."""
    if outcome not in {o.value for o in Outcome}:
        return []
    wanted = {*needed_by(Outcome(outcome))}
    return [control for control in drawn if control.name in wanted]


def _not_now(found: TraceRequest, actor: Actor) -> tuple[str, int]:
    """Show the request as it is now, and what is possible now."""
    return (
        _page(
            found,
            actor,
            conflict=_(
                "This step is not possible now. The page shows how the request"
                " stands and what you can do."
            ),
        ),
        409,
    )


@requests.get("/<reference>/steps/<step>")
def step(reference: str, step: str) -> tuple[str, int]:
    """Show the form of one step."""
    actor, trigger = _actor(), _trigger(step)
    found = queries.by_reference(reference, actor)
    if trigger is Trigger.ACKNOWLEDGE:
        return _page(found, actor), 200
    raw = _raw_to_start(trigger, found)
    if raw.get("chain"):
        # What a register has answered stands in the form.
        asking.opened_all(found, actor)
    if limits.is_beside(trigger):
        raw = _raw_beside(trigger, found, policies.party_of(actor, found))
    return _form(found, trigger, raw, {})


@requests.post("/<reference>/steps/<step>")
def take(reference: str, step: str) -> tuple[str, int] | Response:
    """Take one step, or say what is missing."""
    actor, trigger = _actor(), _trigger(step)
    found = queries.by_reference(reference, actor)
    if not _is_possible(found, trigger, actor):
        if not policies.may_fire(actor, trigger, found):
            raise Forbidden
        return _not_now(found, actor)
    version = version_of_form()
    if version != found.version:
        return _stale(found, actor)
    if trigger is Trigger.ACKNOWLEDGE:
        direct = request.form.get("access") == Access.DIRECT.value
        access = Access.DIRECT if direct else None
        requested.acknowledge(reference, actor, access=access, version=version)
        flash(_("The receipt is confirmed."), "ok")
        return redirect(url_for(".show", reference=reference), 303)
    schema = _schema(trigger)
    raw = forms.posted(schema, request.form)
    if trigger is Trigger.RESPOND:
        raw["outcome"] = request.form.get("outcome", "")
    if trigger is Trigger.CLARIFY:
        raw["answers"] = [a.strip() for a in request.form.getlist("answers")]
    received, more = uploads.Received(), {}
    if trigger in WITH_FILES:
        received = uploads.take(actor, form_key())
        more = {"form_key": form_key()}
    pressed = forms.rearranging(request.form) or uploads.removing()
    if pressed or request.form.get("action") == "choose":
        code = received.status if received.problems else 200
        return _form(found, trigger, raw, {}, received=received, code=code)
    try:
        fact = schema.load(raw)
    except ValidationError as error:
        wrong = _by_field(error)
        return _form(found, trigger, raw, wrong, received=received, code=422)
    if received.problems:
        code = received.status
        return _form(found, trigger, raw, {}, received=received, code=code)
    try:
        COMMANDS[trigger](reference, actor, fact, version=version, **more)
    except (RestrictionHolds, FactMissing) as error:
        wrong = _held_back(trigger, error)
        return _form(found, trigger, raw, wrong, received=received, code=409)
    flash(status.told(trigger), "ok")
    return redirect(url_for(".show", reference=reference), 303)


def _held_back(trigger: Trigger, error: RestrictionHolds | FactMissing) -> Any:
    """Return where on the form to say what a provider has not allowed."""
    if trigger is Trigger.CLOSE and isinstance(error, RestrictionHolds):
        return {"used_items": [limits.refused(error)]}
    if trigger is Trigger.RECORD_DISCLOSURE:
        return {"on": [_(str(error))]}
    raise error


def _by_field(error: ValidationError) -> dict[str, Any]:
    messages = error.messages
    return messages if isinstance(messages, dict) else {"_schema": messages}


def _stale(found: TraceRequest, actor: Actor) -> tuple[str, int]:
    return (
        _page(
            found,
            actor,
            conflict=_(
                "The request changed since you opened the form. Nothing of yours was"
                " saved: read what happened below, then take the step again."
            ),
        ),
        409,
    )


@requests.get("/<reference>/onward")
def onward_form(reference: str) -> tuple[str, int]:
    """Offer the next request of the chain."""
    actor = _actor()
    found = queries.by_reference(reference, actor)
    if not onward.may_go_onward(actor, found):
        return _not_now(found, actor)
    reading.opened(found, actor)
    return _onward_page(found, actor, ""), 200


def _onward_page(found: TraceRequest, actor: Actor, error: str) -> str:
    wanted = onward.next_state(found)
    options = sorted(
        (
            {
                "id": a.id,
                "words": f"{country(a.country)} – {a.name}",
                "first": a.country == wanted,
            }
            for a in entries.addressees(besides=actor.authority_id, on=_today())
            if a.id != found.requested_id
        ),
        key=lambda option: (not option["first"], option["words"]),
    )
    return render_template(
        "trace_requests/onward.html",
        found=found,
        options=options,
        wanted=country(wanted),
        items=[limits.carriable(one) for one in onward.carriables(found)],
        taken=request.form.getlist("carry") if request.method == "POST" else None,
        form_key=secrets.token_urlsafe(24),
        error=error,
    )


@requests.post("/<reference>/onward")
def onward_start(reference: str) -> tuple[str, int] | Response:
    """Start the draft to the next authority."""
    actor = _actor()
    found = queries.by_reference(reference, actor)
    if not onward.may_go_onward(actor, found):
        return _not_now(found, actor)
    text = request.form.get("authority", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    # A page opened before there was a choice, and whoever posts without it, takes all
    # that may go.
    carry = request.form.getlist("carry") if "choice" in request.form else None
    try:
        child = onward.start(
            reference,
            actor,
            authority_id=number,
            form_key=form_key(),
            carry=carry,
        )
    except ValidationError:
        reading.opened(found, actor, after_refusal=True)
        return _onward_page(found, actor, _("Choose the authority to ask.")), 422
    except RestrictionHolds as error:
        reading.opened(found, actor, after_refusal=True)
        return _onward_page(found, actor, limits.refused(error)), 409
    flash(_("The next request is a draft. Check it, then send it."), "ok")
    return redirect(url_for("drafts.check", reference=child.reference), 303)
