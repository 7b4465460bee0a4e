"""Valid things with one call: authorities, people, forms, requests and their steps.

Everything is made by the commands that make it in earnest; `listed` alone writes rows
by itself, for tests of lists that need many. All of it needs an open context.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from itertools import count
from typing import Any
from uuid import uuid4

from flask import current_app

from tracing.accounts import passwords, people
from tracing.accounts.actors import actor_of
from tracing.casework import either, queries, requested, requesting
from tracing.casework.references import reference_of
from tracing.extensions import db
from tracing.models import (
    Account,
    Authority,
    Item,
    Recovery,
    RequestEvent,
    TraceRequest,
)
from tracing.schemas.request import SECTIONS
from workflows.facts import (
    Answers,
    ChainEvent,
    Closure,
    Deferral,
    Disclosure,
    DisclosurePlan,
    Fact,
    Permission,
    PermissionRequest,
    Question,
    Questions,
    Reason,
    Refusal,
    RegisterSearched,
    Response,
    Restriction,
    Search,
    Text,
)
from workflows.policies import Actor, Role
from workflows.states import AWAITING_ANSWER, BESIDE, OPEN, State, Trigger
from workflows.vocabulary import (
    ChainEventType,
    ClosureUse,
    DisclosureGround,
    Ground,
    HandlingCode,
    InformationItem,
    MarkType,
    Outcome,
    SearchResult,
    TriState,
    Use,
)

__all__ = ["actor_of"]

ITEM = InformationItem
PASSWORD = "correct-horse-battery-staple"
Form = dict[str, str | list[str]]
numbers = count(1)


def today() -> date:
    """The day of the forms."""
    return datetime.now(UTC).date()


def authority(**given: Any) -> Authority:
    """An authority that takes requests."""
    n = next(numbers)
    usual = {
        "code": f"KE-{n}",
        "country": "KE",
        "name": f"Authority {n}",
        "zone": "Africa/Nairobi",
        "languages": ("en",),
        "email": f"office{n}@authority{n}.example",
        "fictional": True,
    }
    made = Authority(**(usual | given))
    db.session.add(made)
    db.session.flush()
    return made


def person(
    of: Authority | None = None, *roles: Role, password: str = "", **given: Any
) -> Account:
    """A person of an authority; only with a password can the person sign in."""
    n = next(numbers)
    usual = {
        "authority": of or authority(),
        "name": f"Person {n}",
        "email": f"person{n}@people.example",
        "active": True,
        "language": "en",
        "fs_uniquifier": uuid4().hex,
        "roles": [people.role_row(role) for role in roles],
    }
    if password:
        usual["password"] = _hashed(
            password, current_app.config["SECURITY_PASSWORD_SALT"]
        )
    made = Account(**(usual | given))
    db.session.add(made)
    db.session.flush()
    return made


@cache
def _hashed(password: str, _salt: str) -> str:
    """Return the hash of a password: to make one takes long, and is meant to."""
    return passwords.hashed(password)


@dataclass(frozen=True)
class Sides:
    """Who asks and who answers, with one person for each part."""

    asking: Authority
    asked: Authority
    investigator: Account
    officer: Account

    def actor(self, trigger: Trigger) -> Actor:
        """The person whose step this usually is."""
        answers = trigger in ANSWERERS_STEPS
        return actor_of(self.officer if answers else self.investigator)


def sides(**given: Any) -> Sides:
    """Two authorities, an investigator of the one and an officer of the other."""
    asking = given.pop("asking", None) or authority(country="KE")
    asked = given.pop("asked", None) or authority(
        country="BR", zone="America/Sao_Paulo"
    )
    made = Sides(
        asking,
        asked,
        person(asking, Role.INVESTIGATOR, **given),
        person(asked, Role.OFFICER, **given),
    )
    db.session.commit()
    return made


# ------------------------------------------------------------------------- the form


def complete_form(to: Authority | int, **changes: Any) -> Form:
    """What the browser posts for a request that lacks nothing.

    A change names its field with its section, `markings_serial` say; None leaves the
    field out.
    """
    found = (today() - timedelta(days=3)).isoformat()
    form: Form = {
        "markings-serial_status": "RESTORED_PARTIAL",
        "markings-serial": "АВ 04?7 К",
        "markings-serial_component": "frame",
        "markings-restoration_method": "VISUAL",
        "markings-marks-0-type": "MANUFACTURER",
        "markings-marks-0-text": "EXAMPLE ARMS",
        "item-kind": "FIREARM",
        "item-firearm_type": "PISTOL",
        "item-make": "Example Arms",
        "item-model": "A1",
        "item-calibre": "9x18",
        "item-country_of_manufacture": "BR",
        "item-condition": "INDUSTRIAL",
        "find-found_on": found,
        "find-place": "Demonstration Town, Kibera road",
        "find-place_type": "NATIONAL_TERRITORY",
        "find-mode": "SEIZED_CRIMINAL",
        "find-legal_justification": "ILLICIT_POSSESSION",
        "find-circumstances": "Found under a seat.\nTwo magazines beside it.",
        "persons-persons-0-role": "POSSESSOR",
        "persons-persons-0-family_name": "Exampleson",
        "persons-persons-0-given_name": "Ewa",
        "persons-persons-0-sex": "UNKNOWN",
        "basis-legal_basis": "ITI",
        "basis-illicit_limbs": ["ILLICIT_LOCAL_LAW"],
        "basis-illicit_reason": "Held without a licence.",
        "basis-offence": "Unlawful possession, article 1 of the Example Act.",
        "basis-facts_summary": "Nobody could show a licence.",
        "basis-purpose": "To learn how it left lawful possession.",
        "basis-assistance_sought": "The last lawful holder.",
        "basis-confidentiality_guaranteed": "true",
        "basis-handling": "H0",
        "domestic-domestic_searches": "National register: no record.",
        "header-requested_id": str(to.id if isinstance(to, Authority) else to),
        "header-routing_basis": "MAKER_COUNTRY",
        "header-trace_goal": "LAST_LEGAL_HOLDER",
        "header-urgency": "ROUTINE",
        "header-own_case_number": "CASE-17",
        "header-language": "en",
    }
    for name, value in changes.items():
        section, _, field = name.partition("_")
        if value is None:
            form.pop(f"{section}-{field}")
        else:
            form[f"{section}-{field}"] = value
    return form


def loaded(form: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The sections as the page hands them to casework."""
    raw: dict[str, dict[str, Any]] = {key: {} for key, _ in SECTIONS}
    for name, value in form.items():
        section, field, *row = name.split("-")
        if not row:
            raw[section][field] = value
            continue
        number, inner = row
        rows = raw[section].setdefault(field, [])
        rows += [{} for _ in range(int(number) + 1 - len(rows))]
        rows[int(number)][inner] = value
    return {
        key: schema_class(today=today()).load(raw[key], partial=True)
        for key, schema_class in SECTIONS
    }


# --------------------------------------------------------------------- the requests


def draft(of: Sides, *, now: datetime | None = None, **changes: Any) -> TraceRequest:
    """A complete draft."""
    if now is not None:
        changes.setdefault("find_found_on", now.date().isoformat())
    data = loaded(complete_form(of.asked, **changes))
    key = uuid4().hex
    actor = actor_of(of.investigator)
    reference = requesting.draft(actor, data, form_key=key, now=now)
    return queries.by_reference(reference, actor)


def sent(of: Sides, *, now: datetime | None = None, **changes: Any) -> TraceRequest:
    """A request that was sent."""
    made = draft(of, now=now, **changes)
    return take(of, made, Trigger.SUBMIT, now=now)


def after(of: Sides, *steps: Trigger, **changes: Any) -> TraceRequest:
    """A request with this history."""
    made = draft(of, **changes)
    for step in steps:
        made = take(of, made, step)
    return made


def ready_for(of: Sides, step: Trigger) -> TraceRequest:
    """A request that has the history a step needs, and says what it needs."""
    secret = CONFIDENTIAL if step is Trigger.LIFT_CONFIDENTIALITY else {}
    return after(of, *WAY_TO[step], **secret)


def listed(of: Sides, *, due: datetime, **given: Any) -> TraceRequest:
    """One row of the lists, without a history; flushed."""
    n = next(numbers)
    state = given.pop("state", State.ACKNOWLEDGED)
    usual = {
        "reference": reference_of(2026, "KE", n),
        "year": 2026,
        "number": n,
        "state": state,
        "requesting": of.asking,
        "requested": of.asked,
        "recovery": Recovery(authority_id=of.asking.id),
        "item": Item(markings=[]),
        "created_at": due - timedelta(days=30),
        "changed_at": due - timedelta(days=30),
        "open": state in OPEN,
        "awaiting": state in AWAITING_ANSWER,
        "due": due,
    }
    made = TraceRequest(**(usual | given))
    db.session.add(made)
    db.session.flush()
    return made


# ------------------------------------------------------------------------ the steps

_T = Trigger
ANSWERERS_STEPS = {
    _T.ACKNOWLEDGE,
    _T.ASK_CLARIFICATION,
    _T.RECORD_SEARCH,
    _T.DEFER,
    _T.RESPOND,
    _T.NOTE,
    _T.GIVE_PERMISSION,
    _T.REFUSE_PERMISSION,
    _T.CANNOT_KEEP,
}
_WORKED = (_T.SUBMIT, _T.ACKNOWLEDGE)
_ANSWERED = (*_WORKED, _T.RECORD_SEARCH, _T.RESPOND)
WAY_TO: Mapping[Trigger, tuple[Trigger, ...]] = {
    _T.SUBMIT: (),
    _T.ACKNOWLEDGE: (_T.SUBMIT,),
    _T.ASK_CLARIFICATION: _WORKED,
    _T.CLARIFY: (*_WORKED, _T.ASK_CLARIFICATION),
    _T.RECORD_SEARCH: _WORKED,
    _T.DEFER: _WORKED,
    _T.RESPOND: (*_WORKED, _T.RECORD_SEARCH),
    _T.QUERY_RESPONSE: _ANSWERED,
    _T.CLOSE: _ANSWERED,
    _T.WITHDRAW: _WORKED,
    _T.REOPEN: (*_ANSWERED, _T.CLOSE),
    _T.ENQUIRE: _WORKED,
    _T.REMIND: _WORKED,
    _T.NOTE: _WORKED,
    _T.ASK_PERMISSION: _ANSWERED,
    _T.GIVE_PERMISSION: (*_ANSWERED, _T.ASK_PERMISSION),
    _T.REFUSE_PERMISSION: (*_ANSWERED, _T.ASK_PERMISSION),
    _T.ANNOUNCE_DISCLOSURE: _ANSWERED,
    _T.RECORD_DISCLOSURE: (*_ANSWERED, _T.ANNOUNCE_DISCLOSURE),
    _T.CANNOT_KEEP: (_T.SUBMIT,),
    _T.LIFT_CONFIDENTIALITY: (_T.SUBMIT,),
}
"""What has to have happened before a step is possible."""

_COMMANDS: Mapping[Trigger, Callable[..., TraceRequest]] = {
    _T.ASK_CLARIFICATION: requested.ask_clarification,
    _T.RECORD_SEARCH: requested.record_search,
    _T.DEFER: requested.defer,
    _T.RESPOND: requested.respond,
    _T.CLARIFY: requesting.clarify,
    _T.QUERY_RESPONSE: requesting.query_response,
    _T.CLOSE: requesting.close,
    _T.WITHDRAW: requesting.withdraw,
    _T.REOPEN: requesting.reopen,
    **{trigger: partial(either.agree, trigger) for trigger in BESIDE},
}
CONFIDENTIAL = {"basis_keep_request_confidential": "true"}
"""What a form says whose request shall stay unknown."""


def answer(outcome: Outcome = Outcome.NO_RECORD, **given: Any) -> Response:
    """An answer; what its outcome needs beside registers is to be given."""
    usual = {
        "handling": HandlingCode.H0,
        "registers": (RegisterSearched("Register of makers", "1990-2026"),),
    }
    return Response(outcome, **(usual | given))


def limited(item: str, code: str, text: str = "") -> Restriction:
    """A handling code on one item."""
    return Restriction(ITEM(item), HandlingCode(code), text)


def exported(to: Authority, **given: Any) -> Response:
    """An answer that names another State."""
    made = ChainEvent(ChainEventType.EXPORT, year=2011, to="Example Imports")
    details = {
        "onward_state": to.country,
        "onward_contact": to.name,
        "export_date": "2011-05-04",
        "export_licence": "EX-1",
        "consignee": "Example Imports",
        "consignment": "200 pieces",
        "serial_range": "100-299",
    }
    return answer(Outcome.EXPORTED, chain=(made,), details=details, **given)


def fact_of(trigger: Trigger) -> Fact | None:
    """What a step may carry, if nothing else is asked for."""
    match trigger:
        case _T.ASK_CLARIFICATION:
            return Questions((Question("Which side?", "serial"), Question("Proof?")))
        case _T.CLARIFY:
            return Answers(("The left one.", "None."))
        case _T.RECORD_SEARCH:
            return Search("Makers", "1990-2026", "number", SearchResult.NO_RECORD)
        case _T.DEFER:
            later = today() + timedelta(days=90)
            return Deferral(Ground.G_ONGOING_INVESTIGATION, "A court decides.", later)
        case _T.RESPOND:
            return answer()
        case _T.CLOSE:
            return Closure(ClosureUse.INTELLIGENCE, TriState.UNKNOWN)
        case _T.ASK_PERMISSION:
            return PermissionRequest(Use.JUDICIAL, (ITEM.WHOLE,), "A trial.")
        case _T.GIVE_PERMISSION:
            return Permission(5, "In camera.")
        case _T.REFUSE_PERMISSION:
            return Refusal(5, "The source is in danger.")
        case _T.ANNOUNCE_DISCLOSURE:
            return DisclosurePlan(
                DisclosureGround.COURT_ORDER,
                (ITEM.WHOLE,),
                "The High Court",
                today(),
                "Order 7.",
            )
        case _T.RECORD_DISCLOSURE:
            return Disclosure("The High Court", today(), 5)
        case _T.WITHDRAW | _T.REOPEN | _T.CANNOT_KEEP | _T.LIFT_CONFIDENTIALITY:
            return Reason("The case has moved.")
        case _T.QUERY_RESPONSE | _T.ENQUIRE | _T.REMIND | _T.NOTE:
            return Text("Which years?")
        case _:
            return None


def take(
    of: Sides,
    request: TraceRequest | str,
    trigger: Trigger,
    fact: Fact | None = None,
    *,
    actor: Actor | None = None,
    **given: Any,
) -> TraceRequest:
    """Take a step through its command, as the person whose step it usually is."""
    by = actor or of.actor(trigger)
    reference = request if isinstance(request, str) else request.reference
    if trigger is _T.SUBMIT:
        if isinstance(request, TraceRequest):
            given.setdefault("version", request.version)
        return requesting.submit(reference, by, authorised=True, **given)
    if trigger is _T.ACKNOWLEDGE:
        return requested.acknowledge(reference, by, **given)
    carried = fact or fact_of(trigger)
    if trigger in _COMMANDS:
        return _COMMANDS[trigger](reference, by, carried, **given)
    return either.write(trigger, reference, by, carried, **given)


def triggers_of(request: TraceRequest) -> list[Trigger]:
    """The history in one word for each step."""
    return [event.trigger for event in request.events]


def last_event(request: TraceRequest) -> RequestEvent:
    """The newest step."""
    return request.events[-1]


def serial_of(request: TraceRequest) -> str:
    """The serial number as it was typed."""
    return next(m.text for m in request.item.markings if m.type is MarkType.SERIAL)
