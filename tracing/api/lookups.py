"""Questions to other registers about the item of a request."""

from typing import Any

from tracing.accounts.tokens import Scope
from tracing.api import bodies, door, shapes
from tracing.api.operations import (
    Operation,
    Said,
    begin,
    form_key,
    group,
    operation,
    require_version,
)
from tracing.api.problems import of_fields
from tracing.api.requests import href, standing
from tracing.casework import lookups as asking
from tracing.casework import queries
from tracing.casework.session import give_up
from tracing.faults import AlreadyDone
from tracing.models import Lookup
from tracing.schemas.lookups import VerdictSection
from workflows import policies
from workflows.errors import NotPermitted
from workflows.policies import Actor
from workflows.vocabulary import LookupOutcome

api = group(
    "lookups",
    "Look-ups",
    "Ask other registers. They belong to the authority that answers a request.",
)


def _line(row: Lookup) -> dict[str, Any]:
    reference = row.request.reference
    return {
        "key": row.key,
        "register": row.register,
        "label": row.label,
        "years": row.years,
        "task": row.task.value,
        "handling": row.handling.value,
        "candidate": row.candidate,
        "outcome": row.outcome.value if row.outcome else None,
        "asked_at": row.asked_at,
        "answered_at": row.answered_at,
        "position": row.position,
        "href": f"{href(reference)}/look-ups/{row.key}",
    }


def _made(row: Lookup, code: int = 201) -> Said:
    said = _line(row)
    return Said(said, code, {"Location": said["href"]} if code == 201 else {})


def _answering(reference: str) -> Actor:
    """Return who calls, if the request is for its side to answer."""
    actor = door.case_actor()
    asking.answering(reference, actor)
    if not policies.may_answer(actor):
        raise NotPermitted("Your role does not allow this; the role officer does.")
    return actor


@operation(api, "/registers", "GET", Operation(Scope.LOOK_UP, shapes.RegistersSchema))
def registers_list() -> dict[str, Any]:
    """List the registers that the authority may ask."""
    found = asking.all_registers_of(door.case_actor())
    return {
        "items": [
            {
                "name": one.name,
                "label": one.label,
                "years": one.years,
                "capabilities": sorted(c.value for c in one.capabilities),
            }
            for one in found
        ]
    }


@operation(
    api,
    "/requests/<reference>/look-ups",
    "GET",
    Operation(Scope.LOOK_UP, shapes.LookupsSchema),
)
def lookups_list(reference: str) -> dict[str, Any]:
    """List what the own authority has asked about a request."""
    actor = door.case_actor()
    found = queries.by_reference(reference, actor)
    return {"items": [_line(row) for row in asking.of_request(found, actor)]}


@operation(
    api,
    "/requests/<reference>/look-ups",
    "POST",
    Operation(
        Scope.LOOK_UP,
        shapes.LookupsSchema,
        status=201,
        takes=shapes.AskSchema,
        acts=True,
    ),
)
def lookups_ask(reference: str) -> dict[str, Any]:
    """Ask registers; the answers come later."""
    actor = _answering(reference)
    said = bodies.load(shapes.AskSchema(), bodies.read_object())
    try:
        rows = asking.ask(
            reference,
            actor,
            said["registers"],
            purpose=said["purpose"],
            form_key=form_key(),
        )
    except AlreadyDone:
        give_up()
        found = queries.by_reference(reference, actor)
        rows = list(asking.of_request(found, actor))
    return {"items": [_line(row) for row in rows]}


@operation(
    api,
    "/requests/<reference>/look-ups/<token>",
    "GET",
    Operation(Scope.LOOK_UP, shapes.LookupSchema),
)
def lookups_show(reference: str, token: str) -> dict[str, Any]:
    """Read what was sent and what came back; the journal keeps that it was read."""
    actor = door.case_actor()
    row = asking.one(reference, token, actor)
    asking.opened(row, actor)
    return _line(row) | {
        "purpose": row.purpose,
        "query": row.query,
        "why": row.why,
        "candidates": row.candidates,
    }


@operation(
    api,
    "/requests/<reference>/look-ups/<token>/again",
    "POST",
    Operation(Scope.LOOK_UP, shapes.LookupSchema, status=201, acts=True),
)
def lookups_again(reference: str, token: str) -> Said:
    """Ask the same once more."""
    asking.one(reference, token, door.case_actor())
    actor = _answering(reference)
    begin(actor, reference)
    return _made(asking.again(reference, token, actor))


@operation(
    api,
    "/requests/<reference>/look-ups/<token>/full",
    "POST",
    Operation(
        Scope.LOOK_UP,
        shapes.LookupSchema,
        status=201,
        takes=shapes.CandidateSchema,
        acts=True,
    ),
)
def lookups_full(reference: str, token: str) -> Said:
    """Ask for one candidate in full."""
    asking.one(reference, token, door.case_actor())
    actor = _answering(reference)
    said = bodies.load(shapes.CandidateSchema(), bodies.read_object())
    begin(actor, reference)
    return _made(asking.ask_detail(reference, token, actor, said["candidate"]))


@operation(
    api,
    "/requests/<reference>/look-ups/<token>/by-hand",
    "POST",
    Operation(
        Scope.LOOK_UP,
        shapes.LookupSchema,
        takes=shapes.ByHandSchema,
        acts=True,
    ),
)
def lookups_by_hand(reference: str, token: str) -> Said:
    """Write down what a search by hand has given."""
    asking.one(reference, token, door.case_actor())
    actor = _answering(reference)
    said = bodies.load(shapes.ByHandSchema(), bodies.read_object())
    outcome = next((o for o in LookupOutcome if o == said["outcome"]), None)
    if outcome is None:
        raise of_fields({"outcome": ["Say what the search gave."]})
    begin(actor, reference)
    row = asking.type_in(
        *(reference, token, actor),
        register=said["register"],
        years=said.get("years", ""),
        outcome=outcome,
        text=said["text"],
    )
    return _made(row, 200)


@operation(
    api,
    "/requests/<reference>/look-ups/<token>/verdicts",
    "POST",
    Operation(
        Scope.LOOK_UP,
        shapes.LookupSchema,
        status=201,
        takes=VerdictSection,
        acts=True,
    ),
)
def lookups_decide(reference: str, token: str) -> Said:
    """Write down whether a candidate is the item, and why; nothing else follows."""
    asking.one(reference, token, door.case_actor())
    actor = _answering(reference)
    said = bodies.load(VerdictSection(), bodies.read_object())
    begin(actor, reference)
    asking.decide(reference, token, actor, **said)
    return _made(asking.one(reference, token, actor))


@operation(
    api,
    "/requests/<reference>/look-ups/<token>/record",
    "POST",
    Operation(
        Scope.LOOK_UP,
        shapes.StandingSchema,
        takes=shapes.RecordSchema,
        acts=True,
        versioned=True,
    ),
)
def lookups_record(reference: str, token: str) -> Said:
    """Make a recorded search of what came of a look-up."""
    row = asking.one(reference, token, door.case_actor())
    actor = _answering(reference)
    version = require_version(row.request)
    said = bodies.load(shapes.RecordSchema(), bodies.read_object(may_lack=True))
    begin(actor, reference)
    found = asking.record(
        *(reference, token, actor),
        years=said.get("years", ""),
        note=said.get("note", ""),
        version=version,
    )
    said = standing(found, actor)
    return Said(said, headers={"ETag": said["etag"]})
