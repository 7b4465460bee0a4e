"""What goes out: each answer has its fields here, and nothing else leaves.

What comes in is loaded by the schemas of the pages (`tracing/schemas/`).
"""

from typing import Any, Final

from marshmallow import Schema, fields, validate

from tracing.schemas.fields import Code, Line, MarkText, Section, Whole
from tracing.schemas.request import SECTIONS
from tracing.web.lists import MINE_VIEWS, QUEUE_VIEWS
from workflows.states import State
from workflows.vocabulary import N_, Access

S, I, B = fields.String, fields.Integer, fields.Boolean  # noqa: E741 - short here
L, D, M = fields.List, fields.Raw, fields.DateTime
MOST: Final = 200


def one(schema: type[Schema], **given: Any) -> fields.Nested:
    """Return a field that holds another answer."""
    return fields.Nested(schema, **given)


class FaultSchema(Schema):
    """One field that is wrong."""

    pointer, code, detail = S(), S(), S()


class ProblemSchema(Schema):
    """What went wrong (RFC 9457)."""

    type, title, status, code, detail = S(), S(), I(), S(), S()
    errors = L(one(FaultSchema))


class AuthoritySchema(Schema):
    """A competent authority."""

    code, country, name = S(), S(), S()
    id = I()


class ContactSchema(AuthoritySchema):
    """An authority and how to reach it."""

    original_name, unit, zone, email = S(), S(), S(), S()
    phone, urgent_phone, address = S(), S(), S()
    office_hours, requirements, interpol_route = S(), S(), S()
    languages, functions, instruments = L(S()), L(S()), L(S())
    accepts_requests = B()
    last_confirmed = M(format="iso")


class ContactsSchema(Schema):
    """Some authorities."""

    items = L(one(ContactSchema))
    next = S()


class ContentSchema(Schema):
    """What a request says, section by section."""

    markings, item, find, persons = D(), D(), D(), D()
    basis, domestic, header = D(), D(), D()


class ProvidedSchema(Schema):
    """What another State provided, with its limits."""

    number = I()
    item, handling, text, conditions, provider = S(), S(), S(), S(), S()
    allows = L(S())
    content = D()


class StandingSchema(Schema):
    """Where a request stands: nothing of what it says."""

    reference, state, side, outcome, etag, href = S(), S(), S(), S(), S(), S()
    version = I()
    due = M(format="iso", allow_none=True)


class FileSchema(Schema):
    """A photograph or a document."""

    token, kind, title, media_type, sha256, scan, href = (
        S(),
        S(),
        S(),
        S(),
        S(),
        S(),
        S(),
    )
    size, marking, event = I(), I(), I()
    uploaded_at = M(format="iso")


class RequestSchema(StandingSchema):
    """A request in full."""

    requesting = one(AuthoritySchema)
    requested = one(AuthoritySchema, allow_none=True)
    created_at, changed_at = M(format="iso"), M(format="iso")
    regime, assigned_to, parent = S(), S(), S()
    onward = L(S())
    confidential, late = B(), B()
    content = one(ContentSchema)
    provided = L(one(ProvidedSchema))
    files = L(one(FileSchema))


class ListedSchema(Schema):
    """A request in a list."""

    reference, state, outcome, urgency = S(), S(), S(), S()
    requesting, requested = S(), S()
    kind, firearm_type, make, model, calibre, serial = S(), S(), S(), S(), S(), S()
    assigned = S()
    awaiting = B()
    due = M(format="iso", allow_none=True)
    href = S()


class ListSchema(Schema):
    """Some requests of a list."""

    items = L(one(ListedSchema))
    next = S()
    count = I()
    count_is_more = B()


class FiledSchema(Schema):
    """What became of one line: a request, or what was wrong with it."""

    line, status = I(), I()
    reference, state, href, code = S(), S(), S(), S()
    errors = L(one(FaultSchema))


class BulkSchema(Schema):
    """What became of each line, in their order."""

    items = L(one(FiledSchema))
    filed, refused = I(), I()


class EventSchema(Schema):
    """One step in the life of a request."""

    position = I()
    step, before, after, by, authority, person = S(), S(), S(), S(), S(), S()
    at = M(format="iso")
    carried = D()


class EventsSchema(Schema):
    """The steps, the oldest first."""

    items = L(one(EventSchema))


class DeadlineSchema(Schema):
    """What is due, when, and why."""

    kind, zone, calendar_version = S(), S(), S()
    due = M(format="iso")
    day = fields.Date()
    met_at = M(format="iso", allow_none=True)
    paused_since = M(format="iso", allow_none=True)
    deferred_at = M(format="iso", allow_none=True)
    late = B()
    explanation = L(S())


class DeadlinesSchema(Schema):
    """The deadlines."""

    items = L(one(DeadlineSchema))


class AskedFieldSchema(Schema):
    """One field that a step carries."""

    name, label, hint, type = S(), S(), S(), S()
    required = B()
    values = L(S())


class TransitionSchema(Schema):
    """One step that is possible now."""

    step, words, href, schema = S(), S(), S(), S()
    fields_ = L(one(AskedFieldSchema), data_key="fields", attribute="fields")
    missing = L(one(FaultSchema))


class TransitionsSchema(Schema):
    """What is possible now, and what each step must carry."""

    items = L(one(TransitionSchema))


class FilesSchema(Schema):
    """The files."""

    items = L(one(FileSchema))


class RegisterToAskSchema(Schema):
    """A register that may be asked."""

    name, label, years = S(), S(), S()
    capabilities = L(S())


class RegistersSchema(Schema):
    """The registers."""

    items = L(one(RegisterToAskSchema))


class LookupSchema(Schema):
    """A question to a register, and what came of it."""

    key, register, label, years, task, handling = S(), S(), S(), S(), S(), S()
    candidate, purpose, outcome, why, href = S(), S(), S(), S(), S()
    asked_at = M(format="iso")
    answered_at = M(format="iso", allow_none=True)
    position = I(allow_none=True)
    query = D()
    candidates = D()


class LookupsSchema(Schema):
    """Questions to registers."""

    items = L(one(LookupSchema))


class FoundSchema(Schema):
    """A request that a search has found."""

    reference, href, state, how, agrees = S(), S(), S(), S(), S()


class ResultSchema(Schema):
    """What a search has found; it is kept for an hour."""

    href = S()
    expires_at = M(format="iso")
    items = L(one(FoundSchema))


class EntrySchema(Schema):
    """One entry of the journal."""

    seq = I()
    at = M(format="iso")
    kind, about, after, by, who = S(), S(), S(), S(), S()
    payload = D()
    whole = B()


class EntriesSchema(Schema):
    """Some entries, the newest first."""

    items = L(one(EntrySchema))
    next = S()


class CheckpointSchema(Schema):
    """A signed head of the journal."""

    size = I()
    at, note = S(), S()


class CheckpointsSchema(Schema):
    """Some signed heads, the newest first."""

    items = L(one(CheckpointSchema))
    next = S()
    key = S()


class SomebodySchema(Schema):
    """Somebody, or a program, of the authority."""

    id = I()
    name, email, language = S(), S(), S()
    roles = L(S())
    active, machine = B(), B()


class PeopleSchema(Schema):
    """The people of the authority."""

    items = L(one(SomebodySchema))


class TokenSchema(Schema):
    """A token: never the token itself."""

    id, account_id = I(), I()
    label, used_from = S(), S()
    scopes, networks = L(S()), L(S())
    made_at, expires_at = M(format="iso"), M(format="iso")
    used_at = M(format="iso", allow_none=True)
    revoked_at = M(format="iso", allow_none=True)


class TokensSchema(Schema):
    """Tokens."""

    items = L(one(TokenSchema))


class MeSchema(SomebodySchema):
    """Who calls."""

    authority = one(AuthoritySchema)
    token = I()
    scopes = L(S())


class HappenedSchema(Schema):
    """Something that happened to a request of yours."""

    cursor, step, reference, after, by, href = S(), S(), S(), S(), S(), S()
    at = S()


class FeedSchema(Schema):
    """What happened after a cursor, the oldest first."""

    items = L(one(HappenedSchema))
    next = S()
    more = B()


class WebhookSchema(Schema):
    """Where the program is told; `secret` is shown once, when it is made."""

    id = I()
    url, disabled_why, secret, href = S(), S(), S(), S()
    made_at = M(format="iso")
    disabled_at = M(format="iso", allow_none=True)


class WebhooksSchema(Schema):
    """Webhooks."""

    items = L(one(WebhookSchema))


class DeliverySchema(Schema):
    """A message, and how it went."""

    key, step, reference, after, by, at, why = S(), S(), S(), S(), S(), S(), S()
    attempts = I()
    status = I(allow_none=True)
    next_at = M(format="iso", allow_none=True)
    tried_at = M(format="iso", allow_none=True)
    delivered_at = M(format="iso", allow_none=True)


class DeliveriesSchema(Schema):
    """Messages, the newest first."""

    items = L(one(DeliverySchema))


# ------------------------------------------------------------------------ what comes in


class NothingSchema(Section):
    """Nothing: an empty object."""


class AcknowledgeSchema(Section):
    """The receipt, and that the information is at hand where the limit depends on it."""

    access = Code(
        Access,
        label=N_(
            "The information is directly accessible to us: the answer is due 8 hours"
            " after receipt"
        ),
    )


class DraftSchema(Section):
    """A draft: sections of the form, whole or with gaps."""

    title = N_("Draft")


class DeclarationSchema(Section):
    """The declaration with which a request is sent."""

    authorised = fields.Boolean(
        required=True,
        truthy={True},
        falsy={False},
        error_messages={
            "required": N_("Confirm that you are authorised to send this"),
            "invalid": N_("Confirm that you are authorised to send this"),
        },
    )


NO_AUTHORITY: Final = N_("Choose an authority that takes trace requests.")


class OnwardSchema(Section):
    """The next request of a chain."""

    authority = Whole(
        1, label=N_("Where to send"), ask=N_("Choose the authority to ask")
    )
    carry = fields.List(fields.String(validate=validate.Length(max=60)))


class HandOverSchema(Section):
    """Who is put in charge; nobody named: who calls."""

    person = Whole(1, label=N_("Person"))


class AskSchema(Section):
    """A question to registers about the item of a request."""

    registers = fields.List(
        fields.String(validate=validate.Length(1, 40)),
        required=True,
        validate=validate.Length(1, 20),
        error_messages={"required": N_("Choose at least one register.")},
    )
    purpose = Line(
        500,
        label=N_("Purpose"),
        ask=N_("Say in a few words what it is searched for."),
    )


class ReceiverSchema(Section):
    """Where the program wants to be told."""

    url = Line(
        500, label=N_("Address"), ask=N_("Give an address that begins with https")
    )


class CandidateSchema(Section):
    """The candidate that is asked for in full."""

    candidate = Line(
        100, label=N_("Candidate"), ask=N_("Choose one of the candidates.")
    )


class ByHandSchema(Section):
    """What a search by hand has given."""

    register = Line(200, label=N_("Register"), ask=N_("Name the register."))
    years = Line(100, label=N_("Years"))
    outcome = Line(40, label=N_("Outcome"), ask=N_("Say what the search gave."))
    text = fields.String(load_default="", validate=validate.Length(max=20_000))


class RecordSchema(Section):
    """A recorded search, made of a look-up."""

    years = Line(100, label=N_("Years"))
    note = Line(2000, label=N_("Note"))


class SearchSchema(Section):
    """What is searched for: a serial number as it is marked, or a name."""

    serial = MarkText(label=N_("Serial number"))
    name = Line(200, label=N_("Name"))
    make = Line(100, label=N_("Maker"))
    model = Line(100, label=N_("Model"))
    calibre = Line(40, label=N_("Calibre"))


class Paged(Schema):
    """How much of a list, and from where."""

    error_messages = {"unknown": N_("Leave this out: it is not part of the form")}

    limit = fields.Integer(
        load_default=50,
        validate=validate.Range(1, MOST, error=N_("Enter a number from 1 to 200")),
        error_messages={"invalid": N_("Enter a number from 1 to 200")},
    )
    cursor = fields.String(validate=validate.Regexp(r"[A-Za-z0-9_=-]{1,600}\Z"))


NOT_LISTED: Final = N_("Choose one of the list")


class RequestsQuery(Paged):
    """Which requests."""

    list = fields.String(
        load_default="queue",
        validate=validate.OneOf(("queue", "mine"), error=NOT_LISTED),
    )
    view = fields.String(
        validate=validate.OneOf((*QUEUE_VIEWS, *MINE_VIEWS), error=NOT_LISTED)
    )
    state = fields.String(validate=validate.OneOf([*State], error=NOT_LISTED))
    country = fields.String(validate=validate.Regexp(r"[A-Z]{2}\Z", error=NOT_LISTED))


class ContactsQuery(Paged):
    """Which authorities."""

    country = fields.String(validate=validate.Regexp(r"[A-Z]{2}\Z", error=NOT_LISTED))
    instrument = fields.String(validate=validate.Length(max=20))
    language = fields.String(validate=validate.Regexp(r"[a-z]{2}\Z", error=NOT_LISTED))


class JournalQuery(Paged):
    """Which entries."""

    kind = fields.String(validate=validate.Length(max=40))
    person = fields.Integer(validate=validate.Range(1, 2**31 - 1))
    reference = fields.String(validate=validate.Length(max=24))
    since = fields.Date()
    until = fields.Date()


class FeedQuery(Schema):
    """After which cursor, how many, and how long to wait for the first."""

    after = fields.String(validate=validate.Regexp(r"[A-Za-z0-9_=-]{1,600}\Z"))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, MOST))
    wait = fields.Integer(load_default=0, validate=validate.Range(0, 20))


class FilesQuery(Schema):
    """With which call the files came that belong to this step."""

    files = fields.String(validate=validate.Regexp(r"[A-Za-z0-9_-]{16,64}\Z"))


class UploadQuery(FilesQuery):
    """What the file is called."""

    name = fields.String(load_default="", validate=validate.Length(max=200))


for _key, _section in SECTIONS:
    DraftSchema._declared_fields[_key] = fields.Nested(_section(partial=True))

_DEMONSTRATION: Final[dict[str, Any]] = {
    "markings": {
        "serial_status": "INTACT",
        "serial": "EX-1234-7",
        "serial_component": "frame",
    },
    "item": {
        "kind": "FIREARM",
        "firearm_type": "PISTOL",
        "make": "Example Arms",
        "model": "A1",
        "calibre": "9x18",
        "country_of_manufacture": "BR",
        "condition": "INDUSTRIAL",
    },
    "find": {
        "found_on": "2026-11-20",
        "place": "Demonstration Town",
        "place_type": "NATIONAL_TERRITORY",
        "mode": "SEIZED_CRIMINAL",
        "legal_justification": "ILLICIT_POSSESSION",
        "circumstances": "Found under a seat.",
    },
    "persons": {
        "persons": [
            {"role": "POSSESSOR", "family_name": "Exampleson", "sex": "UNKNOWN"}
        ]
    },
    "basis": {
        "legal_basis": "ITI",
        "illicit_limbs": ["ILLICIT_LOCAL_LAW"],
        "illicit_reason": "Held without a licence.",
        "offence": "Unlawful possession, article 1 of the Example Act.",
        "facts_summary": "Nobody could show a licence.",
        "purpose": "To learn how it left lawful possession.",
        "assistance_sought": "The last lawful holder.",
        "confidentiality_guaranteed": True,
        "handling": "H0",
    },
    "domestic": {"domestic_searches": "National register: no record."},
    "header": {
        "requested_id": 2,
        "routing_basis": "MAKER_COUNTRY",
        "trace_goal": "LAST_LEGAL_HOLDER",
        "own_case_number": "CASE-17",
        "urgency": "ROUTINE",
        "language": "en",
    },
}
_AT: Final = "2026-11-26T09:30:00+00:00"
_REFERENCE: Final = "2026-KE-0000017M"
_STANDING: Final[dict[str, Any]] = {
    "reference": _REFERENCE,
    "state": "submitted",
    "side": "requesting",
    "version": 2,
    "etag": f'"{_REFERENCE}.2"',
    "href": f"/api/v1/requests/{_REFERENCE}",
    "due": "2026-12-24T20:59:59+00:00",
}
_AUTHORITY: Final = {"id": 2, "code": "BR-NFP", "country": "BR", "name": "Example"}
_FAULT: Final = {
    "pointer": "/markings/serial",
    "code": "invalid",
    "detail": "Enter the serial number, or say why it cannot be read",
}
_LISTED: Final[dict[str, Any]] = {
    "reference": _REFERENCE,
    "state": "submitted",
    "requesting": "KE",
    "requested": "BR",
    "serial": "EX-1234-7",
    "awaiting": True,
    "due": "2026-12-24T20:59:59+00:00",
    "href": f"/api/v1/requests/{_REFERENCE}",
}
_FILE: Final = {
    "token": "k" * 32,
    "kind": "photograph",
    "media_type": "image/jpeg",
    "size": 20480,
    "href": "/api/v1/files/" + "k" * 32,
}
_LOOKUP: Final = {
    "key": "0" * 32,
    "register": "by-hand",
    "task": "search",
    "outcome": "no_hit",
    "asked_at": _AT,
}
_TOKEN: Final = {"id": 3, "label": "Case system", "scopes": ["requests.read"]}
_PERSON: Final = {
    "id": 17,
    "name": "Case system",
    "roles": ["investigator"],
    "active": True,
    "machine": True,
}
_WEBHOOK: Final = {"id": 1, "url": "https://cases.example/trace", "made_at": _AT}
_DELIVERY: Final = {
    "key": "0" * 32,
    "step": "submit",
    "reference": _REFERENCE,
    "attempts": 1,
    "status": 204,
    "delivered_at": _AT,
}
EXAMPLES: Final[dict[str, Any]] = {
    "ProblemSchema": {
        "type": "urn:firearms-trace:problem:invalid",
        "title": "Some fields are missing or wrong.",
        "status": 422,
        "code": "invalid",
        "errors": [_FAULT],
    },
    "DraftSchema": _DEMONSTRATION,
    "StandingSchema": _STANDING,
    "RequestSchema": _STANDING
    | {"requested": _AUTHORITY, "content": _DEMONSTRATION, "late": False},
    "ListSchema": {"items": [_LISTED], "count": 1, "count_is_more": False},
    "BulkSchema": {
        "items": [{"line": 1, "status": 201, "reference": _REFERENCE}],
        "filed": 1,
        "refused": 0,
    },
    "EventsSchema": {
        "items": [{"position": 1, "step": "submit", "after": "submitted", "at": _AT}]
    },
    "DeadlinesSchema": {
        "items": [
            {
                "kind": "answer",
                "due": "2026-12-24T20:59:59+00:00",
                "day": "2026-12-24",
                "zone": "America/Sao_Paulo",
                "late": False,
                "explanation": ["Counted from 26 November 2026."],
            }
        ]
    },
    "TransitionsSchema": {
        "items": [
            {
                "step": "acknowledge",
                "words": "Confirm receipt",
                "href": f"/api/v1/requests/{_REFERENCE}/transitions/acknowledge",
                "fields": [],
            }
        ]
    },
    "FileSchema": _FILE,
    "FilesSchema": {"items": [_FILE]},
    "ContactSchema": _AUTHORITY,
    "ContactsSchema": {"items": [_AUTHORITY]},
    "RegistersSchema": {"items": [{"name": "by-hand", "label": "By hand"}]},
    "LookupSchema": _LOOKUP,
    "LookupsSchema": {"items": [_LOOKUP]},
    "ResultSchema": {
        "href": "/api/v1/searches/" + "k" * 32,
        "expires_at": _AT,
        "items": [{"reference": _REFERENCE, "how": "exact"}],
    },
    "EntriesSchema": {
        "items": [{"seq": 7, "at": _AT, "kind": "submit", "whole": True}]
    },
    "CheckpointsSchema": {"items": [{"size": 7, "at": _AT, "note": "..."}]},
    "CheckpointSchema": {"size": 7, "at": _AT, "note": "..."},
    "PeopleSchema": {"items": [_PERSON]},
    "TokensSchema": {"items": [_TOKEN]},
    "MeSchema": _PERSON | {"token": 3, "scopes": ["requests.read"]},
    "FeedSchema": {
        "items": [{"step": "submit", "reference": _REFERENCE, "at": _AT}],
        "next": "gAAAAAB",
        "more": False,
    },
    "WebhookSchema": _WEBHOOK,
    "WebhooksSchema": {"items": [_WEBHOOK]},
    "DeliverySchema": _DELIVERY,
    "DeliveriesSchema": {"items": [_DELIVERY]},
    "ReceiverSchema": {"url": "https://cases.example/trace"},
    "OnwardSchema": {"authority": 5, "carry": []},
    "HandOverSchema": {"person": 17},
    "AskSchema": {"registers": ["by-hand"], "purpose": "A find of 20 November."},
    "CandidateSchema": {"candidate": "17"},
    "ByHandSchema": {
        "register": "Ledger of makers",
        "years": "1990-2026",
        "outcome": "no_hit",
        "text": "",
    },
    "RecordSchema": {"years": "1990-2026"},
    "SearchSchema": {"serial": "EX-1234-7"},
    "DeclarationSchema": {"authorised": True},
}
"""One of each, for the description."""
