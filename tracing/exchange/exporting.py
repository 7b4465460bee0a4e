"""Requests and answers on their way out: what may leave, signed, and entered."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from flask import current_app

from tracing.accounts import letters
from tracing.accounts.letters import News
from tracing.casework import leaving, sections
from tracing.casework.apply import parties_of
from tracing.casework.session import give_up
from tracing.config import Settings
from tracing.exchange import niem, signing, tables
from tracing.exchange.document import (
    ELSEWHERE,
    FORMAT,
    MOST_STEPS,
    REQUEST,
    RESPONSE,
    Unfit,
    check,
    pruned,
)
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Authority, RequestEvent, TraceRequest
from tracing.schemas.steps import STEP_OF
from workflows.errors import TransitionNotAllowed
from workflows.policies import Actor
from workflows.restrictions import last_answer
from workflows.states import Trigger
from workflows.vocabulary import HandlingCode, InformationItem

Item = InformationItem
Codes = Mapping[InformationItem, HandlingCode]
LIMITS: Final = ("handling", "handling_text", "item_restrictions")
"""What a request says of its own limits: it goes wherever a part of it goes."""


class Form(StrEnum):
    """What a request can leave as."""

    JSON = "json"
    XML = "xml"
    CSV = "csv"
    PRINT = "print"

    @property
    def media_type(self) -> str:
        """Return what a browser is told that it is."""
        return {"json": "application/json", "xml": "application/xml"}.get(
            self, "text/csv" if self is Form.CSV else "text/html"
        )


def settings() -> Settings:
    """Return the settings of the application."""
    found: Settings = current_app.extensions["tracing.settings"]
    return found


def document(
    request: TraceRequest, authority_id: int, kind: str, now: datetime
) -> dict[str, Any]:
    """Return what an authority may take out of a request, or its last answer, signed."""
    own = request.requesting_id == authority_id
    exporter = request.requesting if own else request.requested
    said: dict[str, Any] = {
        "format": FORMAT,
        "kind": kind,
        "exported": _instant(now),
        "issuer": signing.issuer_of(settings()),
        "exporter": exporter.code if exporter else request.requesting.code,
        "request": {
            "reference": request.reference,
            "state": request.state.value,
            "requesting": _authority(request.requesting),
            "requested": _authority(request.requested) if request.requested else None,
        },
    }
    if kind == RESPONSE:
        answer = last_answer(request.events)
        if not isinstance(answer, RequestEvent):
            raise TransitionNotAllowed("There is no answer to export yet.")
        said["events"] = [_event(request, answer, authority_id)]
    else:
        codes = withheld(request, authority_id)
        said["request"]["sections"] = _sections(request, codes)
        said["events"] = [
            _event(request, event, authority_id) for event in _told(request)
        ]
        said["withheld"] = [*_withheld(codes), *_of_others(request)]
    return signing.signed(_checked(pruned(said)), settings())


def _told(request: TraceRequest) -> list[RequestEvent]:
    """Return the steps that both sides know; of very many the last ones."""
    known = [e for e in request.events if e.trigger is not Trigger.NOTE]
    return known[-MOST_STEPS:]


def _checked(said: dict[str, Any]) -> dict[str, Any]:
    """Refuse to hand out what we would not take: a fault of ours, found here."""
    try:
        return check(said)
    except Unfit as error:
        places = ", ".join(place for place, _words in error.faults)
        raise RuntimeError(f"the format does not hold {places}") from error


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _authority(authority: Authority) -> dict[str, str]:
    return {
        "code": authority.code,
        "country": authority.country,
        "name": authority.name,
    }


def withheld(request: TraceRequest, authority_id: int) -> dict[Item, HandlingCode]:
    """Return which items of a request its requester keeps in the service."""
    found = {
        item: leaving.kept_back(request, authority_id, item)
        for item in (Item.PERSONS, Item.TEXT)
    }
    return {item: code for item, code in found.items() if code is not None}


def _withheld(codes: Codes) -> list[dict[str, str]]:
    return [
        {"item": item.value, "handling": code.value} for item, code in codes.items()
    ]


def _of_others(request: TraceRequest) -> list[dict[str, str]]:
    """Return what other States provided: it stays with those it was provided to."""
    return [
        {
            "item": row.item.value,
            "handling": row.handling.value,
            "provider": row.provider.country,
        }
        for row in request.provided
    ]


def _sections(request: TraceRequest, codes: Codes) -> dict[str, Any]:
    values = {
        key: {name: value for name, value in fields.items() if name not in ELSEWHERE}
        for key, fields in sections.read(request).items()
    }
    if Item.PERSONS in codes:
        values.pop("persons")
    if Item.TEXT not in codes:
        return values
    basis = values["basis"]
    kept = {"basis": {name: basis[name] for name in LIMITS if name in basis}}
    return kept | {key: values[key] for key in ("persons",) if key in values}


def _event(
    request: TraceRequest, event: RequestEvent, authority_id: int
) -> dict[str, Any]:
    carried, stays = leaving.said_outside(request, event, authority_id)
    of_asker = event.authority_id == request.requesting_id
    home = request.requesting if of_asker else request.requested
    # How the information is reached is between the two sides: the format has no word.
    said = dict(carried or {}) if event.trigger.value in STEP_OF else {}
    # The form of an answer has its details beside the rest, as its schema has.
    said |= said.pop("details", {})
    return {
        "position": event.position,
        "step": event.trigger.value,
        "at": _instant(event.at),
        "by": event.by.value,
        "authority": home.code if home else "",
        "after": event.after.value,
        event.trigger.value: said,
        "withheld": _withheld(stays),
    }


# --------------------------------------------------------------------------- handing out


def hand_out(
    request: TraceRequest,
    actor: Actor,
    form: Form,
    *,
    kind: str = REQUEST,
    now: datetime | None = None,
    outside: bool = False,
) -> bytes:
    """Return a request as a file, once it is entered who took what.

    `outside` is the command line: nobody of the authority does it then. The request is
    let go of.
    """
    at = now or datetime.now(UTC)
    said = document(request, actor.authority_id, kind, at)
    match form:
        case Form.JSON:
            body = (json.dumps(said, ensure_ascii=False, indent=1) + "\n").encode()
        case Form.XML:
            body = niem.write(said)
        case _:
            row = tables.row(request, said, with_persons=True)
            body = tables.written([row], with_persons=True)
    about, parties = request.reference, parties_of(request)
    stays = [one["item"] for one in said.get("withheld", ())]
    persons = said["request"].get("sections", {}).get("persons", {}).get("persons", ())
    numbers = [person.id for person in request.persons] if persons else []
    payload = {"as": form.value, "what": kind, "withheld": stays, "persons": numbers}
    give_up()
    own = (journal.SYSTEM, actor.authority_id) if outside else ()
    journal.read(
        Kind.EXPORTED,
        None if outside else actor,
        about=about,
        parties=(*own, *parties),
        payload=payload,
    )
    return body


def hand_out_table(requests: Sequence[TraceRequest], actor: Actor) -> bytes:
    """Return several requests as one table without persons, each entered by itself."""
    now = datetime.now(UTC)
    rows, taken = [], []
    for request in requests:
        said = document(request, actor.authority_id, REQUEST, now)
        rows.append(tables.row(request, said, with_persons=False))
        stays = [one["item"] for one in said.get("withheld", ())]
        taken.append((request.reference, parties_of(request), stays))
    give_up()
    for reference, parties, stays in taken:
        journal.read(
            Kind.EXPORTED,
            actor,
            about=reference,
            parties=parties,
            payload={"as": Form.CSV.value, "what": REQUEST, "withheld": stays},
        )
    return tables.written(rows, with_persons=False)


def printed(request: TraceRequest, actor: Actor) -> None:
    """Keep that somebody is about to print a request."""
    about, parties = request.reference, parties_of(request)
    numbers = [person.id for person in request.persons]
    payload = {"as": Form.PRINT.value, "what": REQUEST, "persons": numbers}
    give_up()
    journal.read(Kind.EXPORTED, actor, about=about, parties=parties, payload=payload)


def tell_of_taking(authority: Authority) -> None:
    """Tell an authority that whoever runs the system took one of its requests."""
    letters.tell_mailbox(authority, News.REQUEST_TAKEN, datetime.now(UTC))
