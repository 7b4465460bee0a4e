"""Requests: drafts, what they say, what happened, what is due, what is possible."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from marshmallow import Schema, ValidationError

from tracing.accounts.tokens import Scope
from tracing.api import bodies, cursors, door, shapes
from tracing.api.files import file_of
from tracing.api.operations import (
    Operation,
    Said,
    begin,
    etag_of,
    form_key,
    group,
    operation,
    require_version,
)
from tracing.api.problems import Problem, of_fields
from tracing.casework import (
    attachments,
    onward,
    queries,
    reading,
    requested,
    requesting,
    sections,
    steps,
)
from tracing.casework.apply import deadline_of, schedule_of
from tracing.casework.session import give_up
from tracing.faults import AlreadyDone
from tracing.models import Authority, RequestEvent, TraceRequest
from tracing.models.trace_request import FAR
from tracing.schemas.steps import STEP_OF
from tracing.security.programs import ROOT
from tracing.web import forms, shown, status
from tracing.web.lists import MINE_VIEWS, QUEUE_VIEWS
from workflows import policies
from workflows.deadlines import Deadline, Kind
from workflows.errors import NotPermitted, NotVisible, TransitionNotAllowed
from workflows.policies import Actor
from workflows.states import Party, State, Trigger
from workflows.vocabulary import Access

api = group(
    "requests",
    "Requests",
    "File, follow and answer requests. What is not yours does not exist.",
)
FORM_KEY: Final = {"respond", "clarify"}


def href(reference: str) -> str:
    """Return the address of a request."""
    return f"{ROOT}/requests/{reference}"


def authority_of(found: Authority | None) -> dict[str, Any] | None:
    """Return an authority in short."""
    if found is None:
        return None
    return {
        "id": found.id,
        "code": found.code,
        "country": found.country,
        "name": found.name,
    }


def standing(found: TraceRequest, actor: Actor) -> dict[str, Any]:
    """Return where a request stands."""
    side = policies.party_of(actor, found)
    return {
        "reference": found.reference,
        "state": found.state.value,
        "side": side.value if side else None,
        "outcome": found.outcome.value if found.outcome else None,
        "version": found.version,
        "etag": etag_of(found),
        "due": found.due if found.due < FAR else None,
        "href": href(found.reference),
    }


def _standing(found: TraceRequest, actor: Actor, code: int = 200) -> Said:
    headers = {"ETag": etag_of(found)}
    if code == 201:
        headers["Location"] = href(found.reference)
    return Said(standing(found, actor), code, headers)


def _whole(found: TraceRequest, actor: Actor) -> dict[str, Any]:
    side = policies.party_of(actor, found)
    asks = side is Party.REQUESTING
    answer = deadline_of(schedule_of(found), Kind.ANSWER)
    return standing(found, actor) | {
        "requesting": authority_of(found.requesting),
        "requested": authority_of(found.requested),
        "created_at": found.created_at,
        "changed_at": found.changed_at,
        "regime": found.regime,
        "confidential": found.confidential,
        "late": bool(answer and found.awaiting and door.now() > answer.due),
        "assigned_to": found.assigned_to.name
        if found.assigned_to and not asks
        else None,
        "parent": found.parent.reference if found.parent and asks else None,
        "onward": [child.reference for child in found.onward] if asks else [],
        "content": sections.read(found),
        "provided": [
            {
                "number": row.id,
                "item": row.item.value,
                "handling": row.handling.value,
                "text": row.text,
                "allows": list(row.allows or ()),
                "conditions": row.conditions,
                "provider": row.provider.country,
                "content": row.content,
            }
            for row in found.provided
        ],
        "files": [file_of(row) for row in attachments.of_request(found)],
    }


# ------------------------------------------------------------------------------- lists


@operation(
    api,
    "/requests",
    "GET",
    Operation(Scope.READ, shapes.ListSchema, query=shapes.RequestsQuery),
)
def requests_list(asked: dict[str, Any]) -> dict[str, Any]:
    """List requests: those to answer (queue), or those of one's own (mine)."""
    actor = door.case_actor()
    kind, names = asked["list"], QUEUE_VIEWS
    if kind == "mine":
        names = MINE_VIEWS
    name = asked.get("view", names[0])
    if name not in names:
        raise Problem("bad_query").at("/view", forms.translated(shapes.NOT_LISTED))
    state = asked.get("state")
    view = queries.View(name, asked.get("country", ""), State(state) if state else None)
    place = cursors.read(asked.get("cursor"), asked)
    where = queries.Place(datetime.fromisoformat(place[0]), place[1]) if place else None
    find = queries.queue if kind == "queue" else queries.mine
    page = find(actor, view, where, now=door.now(), size=asked["limit"])
    counted = queries.counts(actor, [(kind, name)], now=door.now())[kind, name]
    after = page.later
    return {
        "items": [_listed(row, kind) for row in page.rows],
        "next": cursors.write((after.due.isoformat(), after.id), asked)
        if after
        else None,
        "count": counted,
        "count_is_more": counted >= queries.COUNT_LIMIT,
    }


def _listed(row: queries.Listed, kind: str) -> dict[str, Any]:
    found = row._asdict()
    if kind != "queue":
        # Who answers is known to those who answer, as on the pages.
        found["assigned"] = None
    found["href"] = href(row.reference)
    found["due"] = row.due if row.due < FAR else None
    return found


# ------------------------------------------------------------------------------ drafts


def filing() -> Actor:
    """Return who calls, or refuse who does not file."""
    actor = door.actor()
    if not policies.may_file(actor):
        raise Problem("not_permitted")
    return actor


def _sections(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sections of a draft; each may have gaps."""
    loaded: dict[str, Any] = {}
    wrong: dict[str, Any] = {}
    for key, values in said.items():
        if key not in sections.SCHEMAS:
            wrong["_schema"] = [shapes.DraftSchema.error_messages["unknown"]]
            continue
        schema = sections.schema_of(key, door.now().date())
        if faults := bodies.mistyped(schema, values):
            wrong[key] = faults
            continue
        try:
            loaded[key] = schema.load(values, partial=True)
        except ValidationError as error:
            wrong[key] = error.messages
    if wrong:
        raise of_fields(wrong)
    return loaded


@operation(
    api,
    "/requests",
    "POST",
    Operation(
        Scope.WRITE,
        shapes.StandingSchema,
        status=201,
        takes=shapes.DraftSchema,
        acts=True,
    ),
)
def requests_create() -> Said:
    """Start a draft from what is known so far."""
    actor = filing()
    reference = filed(actor, bodies.read_object(), form_key())
    return _standing(queries.by_reference(reference, actor), actor, 201)


def filed(actor: Actor, said: Mapping[str, Any], key: str) -> str:
    """Start a draft under a key; the same again is the same draft."""
    data = _sections(said)
    try:
        return requesting.draft(actor, data, form_key=key)
    except AlreadyDone as done:
        give_up()
        return done.reference


def _draft(reference: str) -> tuple[TraceRequest, Actor]:
    actor = filing()
    found = queries.by_reference(reference, actor)
    if found.state is not State.DRAFT or found.requesting_id != actor.authority_id:
        raise TransitionNotAllowed("Only a draft can be changed; this one is sent.")
    return found, actor


@operation(
    api,
    "/requests/<reference>",
    "PATCH",
    Operation(
        Scope.WRITE,
        shapes.StandingSchema,
        takes=shapes.DraftSchema,
        acts=True,
        versioned=True,
    ),
)
def requests_change(reference: str) -> Said:
    """Change a draft: each section that is sent takes the place of what it said."""
    found, actor = _draft(reference)
    version = require_version(found)
    data = _sections(bodies.read_object())
    begin(actor, found.reference)
    saved = requesting.save_draft(reference, actor, data, version=version)
    return _standing(saved, actor)


@operation(
    api,
    "/requests/<reference>/sections/<section>",
    "GET",
    Operation(Scope.READ, shapes.ContentSchema),
)
def section_show(reference: str, section: str) -> Said:
    """Read one section."""
    actor = door.case_actor()
    found = _opened(reference, actor)
    if section not in sections.SCHEMAS:
        raise NotVisible("There is no such section.")
    return Said(
        {section: sections.read(found)[section]}, headers={"ETag": etag_of(found)}
    )


@operation(
    api,
    "/requests/<reference>/sections/<section>",
    "PUT",
    Operation(
        Scope.WRITE,
        shapes.StandingSchema,
        takes=shapes.DraftSchema,
        acts=True,
        versioned=True,
    ),
)
def section_change(reference: str, section: str) -> Said:
    """Write one section of a draft: the body is that section alone, by its name."""
    found, actor = _draft(reference)
    if section not in sections.SCHEMAS:
        raise NotVisible("There is no such section.")
    version = require_version(found)
    said = bodies.read_object()
    if set(said) != {section}:
        raise of_fields({"_schema": [shapes.DraftSchema.error_messages["unknown"]]})
    data = _sections(said)
    begin(actor, found.reference)
    saved = requesting.save_draft(reference, actor, data, version=version)
    return _standing(saved, actor)


# ----------------------------------------------------------------------------- reading


def _opened(reference: str, actor: Actor) -> TraceRequest:
    """Return a request, once it is kept that somebody opens it."""
    found = queries.by_reference(reference, actor)
    reading.opened(found, actor)
    return found


@operation(
    api,
    "/requests/<reference>",
    "GET",
    Operation(Scope.READ, shapes.RequestSchema),
)
def requests_show(reference: str) -> Said:
    """Read a request in full; the journal keeps that it was read."""
    actor = door.case_actor()
    found = _opened(reference, actor)
    return Said(_whole(found, actor), headers={"ETag": etag_of(found)})


@operation(
    api,
    "/requests/<reference>/events",
    "GET",
    Operation(Scope.READ, shapes.EventsSchema),
)
def events_list(reference: str) -> Said:
    """Read what happened, the oldest first; notes of the other side are not there."""
    actor = door.case_actor()
    found = _opened(reference, actor)
    items = [_event(one, found) for one in reading.history_for(found, actor)]
    return Said({"items": items}, headers={"ETag": etag_of(found)})


def _event(event: RequestEvent, found: TraceRequest) -> dict[str, Any]:
    asks = event.authority_id == found.requesting_id
    authority = found.requesting if asks else found.requested
    return {
        "position": event.position,
        "step": event.trigger.value,
        "before": event.before.value,
        "after": event.after.value,
        "by": event.by.value,
        "authority": authority.code if authority else None,
        "person": event.actor_name,
        "at": event.at,
        "carried": event.carried,
    }


@operation(
    api,
    "/requests/<reference>/deadlines",
    "GET",
    Operation(Scope.READ, shapes.DeadlinesSchema),
)
def deadlines_list(reference: str) -> dict[str, Any]:
    """Read what is due, and why, line by line."""
    found = queries.by_reference(reference, door.case_actor())
    plan = shown.foreseen(found) if found.state is State.DRAFT else schedule_of(found)
    return {"items": [_deadline(one, found) for one in plan]}


def _deadline(one: Deadline, found: TraceRequest) -> dict[str, Any]:
    waits = found.awaiting if one.kind is Kind.ANSWER else one.met_at is None
    return {
        "kind": one.kind.value,
        "due": one.due,
        "day": one.day,
        "zone": one.zone,
        "calendar_version": one.calendar_version,
        "met_at": one.met_at,
        "paused_since": one.paused_since,
        "deferred_at": one.deferred_at,
        "late": bool(waits and door.now() > one.due),
        "explanation": shown.explain(one),
    }


# ------------------------------------------------------------------------- transitions


def _schema(trigger: Trigger, found: TraceRequest) -> Schema:
    if trigger is Trigger.SUBMIT:
        return shapes.DeclarationSchema()
    if trigger is Trigger.ACKNOWLEDGE:
        asks = requested.asks_access(found)
        return shapes.AcknowledgeSchema() if asks else shapes.NothingSchema()
    return STEP_OF[trigger.value](today=door.now().date())


@operation(
    api,
    "/requests/<reference>/transitions",
    "GET",
    Operation(Scope.READ, shapes.TransitionsSchema),
)
def transitions_list(reference: str) -> Said:
    """Say which steps are possible now, and what each must carry."""
    actor = door.case_actor()
    found = queries.by_reference(reference, actor)
    items = [_transition(found, trigger) for trigger in steps.possible(found, actor)]
    return Said({"items": items}, headers={"ETag": etag_of(found)})


def _transition(found: TraceRequest, trigger: Trigger) -> dict[str, Any]:
    schema = _schema(trigger, found)
    said: dict[str, Any] = {
        "step": trigger.value,
        "words": status.asked(trigger),
        "href": f"{href(found.reference)}/transitions/{trigger.value}",
        "schema": f"#/components/schemas/{type(schema).__name__}",
        "fields": [_field(control, schema) for control in forms.controls(schema)],
        "missing": [],
    }
    if trigger is Trigger.SUBMIT:
        missing = sections.missing(found, door.now().date())
        said["missing"] = of_fields(missing).errors
    return said


def _field(control: forms.Control, schema: Schema) -> dict[str, Any]:
    field = schema.fields[control.name]
    return {
        "name": control.name,
        "label": control.label,
        "hint": control.hint,
        "type": control.kind,
        "required": field.required,
        "values": [value for value, _label in control.choices],
    }


@operation(
    api,
    "/requests/<reference>/transitions/<step>",
    "POST",
    Operation(
        Scope.WRITE,
        shapes.StandingSchema,
        takes=(
            shapes.NothingSchema,
            shapes.AcknowledgeSchema,
            shapes.DeclarationSchema,
            *dict.fromkeys(s for name, s in STEP_OF.items() if name != "submit"),
        ),
        query=shapes.FilesQuery,
        acts=True,
        versioned=True,
    ),
)
def transitions_take(reference: str, step: str, asked: dict[str, Any]) -> Said:
    """Take one step."""
    actor = door.case_actor()
    found = queries.by_reference(reference, actor)
    trigger = next((one for one in Trigger if one.value == step), None)
    if trigger is None:
        raise NotVisible("There is no such step.")
    if not policies.may_fire(actor, trigger, found):
        raise NotPermitted("Your role does not allow this.")
    if trigger not in steps.possible(found, actor):
        raise TransitionNotAllowed(
            "This step is not possible now. The page shows how the request"
            " stands and what you can do."
        )
    version = require_version(found)
    said = bodies.read_object(may_lack=trigger is Trigger.ACKNOWLEDGE)
    fact = bodies.load(_schema(trigger, found), said)
    begin(actor, found.reference)
    done = _take(trigger, reference, actor, fact, version, asked.get("files", ""))
    return _standing(done, actor)


def _take(
    trigger: Trigger,
    reference: str,
    actor: Actor,
    fact: Any,
    version: int,
    files: str,
) -> TraceRequest:
    if trigger is Trigger.SUBMIT:
        if not fact["authorised"]:
            words = forms.translated("Confirm that you are authorised to send this")
            raise Problem("invalid").at("/authorised", words)
        return requesting.submit(reference, actor, authorised=True, version=version)
    if trigger is Trigger.ACKNOWLEDGE:
        # As on the page: what is not at hand needs no word.
        direct = fact.get("access") is Access.DIRECT
        access = Access.DIRECT if direct else None
        return requested.acknowledge(reference, actor, access=access, version=version)
    more = {"form_key": files} if trigger in steps.WITH_FILES and files else {}
    return steps.COMMANDS[trigger](reference, actor, fact, version=version, **more)


# ----------------------------------------------------------------------- beside the life


@operation(
    api,
    "/requests/<reference>/assignment",
    "PUT",
    Operation(
        Scope.WRITE,
        shapes.StandingSchema,
        takes=shapes.HandOverSchema,
        acts=True,
        versioned=True,
    ),
)
def assignment_change(reference: str) -> Said:
    """Take a request into one's own hands, or put somebody in charge as a supervisor."""
    actor = door.case_actor()
    found = queries.by_reference(reference, actor)
    if policies.party_of(actor, found) is not Party.REQUESTED:
        raise NotPermitted("Your role does not allow this; the role officer does.")
    if not policies.may_answer(actor):
        raise NotPermitted("Your role does not allow this; the role officer does.")
    version = require_version(found)
    said = bodies.load(shapes.HandOverSchema(), bodies.read_object(may_lack=True))
    begin(actor, found.reference)
    if "person" in said:
        person = said["person"]
        done = requested.hand_over(reference, actor, person, version=version)
    else:
        done = requested.assign(reference, actor, version=version)
    return _standing(done, actor)


@operation(
    api,
    "/requests/<reference>/onward",
    "POST",
    Operation(
        Scope.WRITE,
        shapes.StandingSchema,
        status=201,
        takes=shapes.OnwardSchema,
        acts=True,
    ),
)
def onward_start(reference: str) -> Said:
    """Start the draft to the next authority, with what its providers allow."""
    actor = door.case_actor()
    found = queries.by_reference(reference, actor)
    if not onward.may_go_onward(actor, found):
        raise TransitionNotAllowed("Only an answer that names another State leads on.")
    if not policies.may_file(actor):
        raise NotPermitted("Your role does not allow this; the role investigator does.")
    said = bodies.load(shapes.OnwardSchema(), bodies.read_object())
    try:
        child = onward.start(
            reference,
            actor,
            authority_id=said["authority"],
            form_key=form_key(),
            carry=said.get("carry"),
        )
        made = child.reference
    except AlreadyDone as done:
        give_up()
        made = done.reference
    except ValidationError as error:
        words = forms.translated(shapes.NO_AUTHORITY)
        raise Problem("invalid").at("/authority", words) from error
    return _standing(queries.by_reference(made, actor), actor, 201)
