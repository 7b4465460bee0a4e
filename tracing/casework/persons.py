"""What is kept of one person: found by a mark, handed out whole, signed, and entered."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from flask import current_app
from sqlalchemy import select

from tracing.casework import queries, sections
from tracing.config import Settings
from tracing.extensions import db
from tracing.journal import checkpoints, journal
from tracing.journal.canonical import canonical
from tracing.journal.journal import moment
from tracing.journal.kinds import Kind
from tracing.models import Authority, Person, TraceRequest
from tracing.schemas.persons import PersonSchema
from workflows.policies import Actor, require_person_export
from workflows.vocabulary import N_

FORMAT: Final = "tracing-person/1"
AT_ONCE: Final = 500
REASON: Final = (20, 2000)
FIELDS: Final = tuple(PersonSchema._declared_fields)
NO_NAME: Final = N_("Write the name of the person, or the number of a document.")
NO_REASON: Final = N_("Give the reason in a sentence.")


class Unclear(Exception):
    """The name or the reason is missing; `words` say so, `field` says where."""

    def __init__(self, words: str, field: str) -> None:
        """Keep the words, to be translated."""
        super().__init__(words)
        self.words, self.field = words, field


def export(actor: Actor, name: str, reason: str) -> str:
    """Return all the actor's authority has of one person, as signed JSON.

    A request whose existence the authority keeps from the actor is left out.
    """
    require_person_export(actor)
    why = reason.strip()
    if not name.strip():
        raise Unclear(NO_NAME, "name")
    if not REASON[0] <= len(why) <= REASON[1]:
        raise Unclear(NO_REASON, "reason")
    found = _occurrences(actor, name)
    settings: Settings = current_app.extensions["tracing.settings"]
    said = {
        "format": FORMAT,
        "exported": moment(datetime.now(UTC)),
        "authority": db.session.get_one(Authority, actor.authority_id).code,
        "asked": name.strip(),
        "reason": why,
        "key": str(checkpoints.key_of(settings)),
        "occurrences": found,
    }
    # Its own transaction, before anything is handed out.
    db.session.rollback()
    journal.read(
        Kind.PERSON_EXPORTED,
        actor,
        payload={
            "reason": why,
            "persons": [one["person"]["number"] for one in found],
            "requests": sorted({one["request"] for one in found}),
        },
    )
    return _signed(said, settings)


def _occurrences(actor: Actor, name: str) -> list[dict[str, Any]]:
    """Return each place where the person is named, and what stands around it."""
    found: list[dict[str, Any]] = []
    matching, last = queries.is_named(name), 0
    while True:
        rows = db.session.execute(
            select(Person, TraceRequest)
            .join(TraceRequest, TraceRequest.id == Person.request_id)
            .where(
                matching,
                Person.id > last,
                queries.known_to(actor),
            )
            .order_by(Person.id)
            .limit(AT_ONCE)
        ).all()
        if not rows:
            return found
        last = rows[-1][0].id
        found += [_said(person, request) for person, request in rows]
        db.session.expunge_all()


def _said(person: Person, request: TraceRequest) -> dict[str, Any]:
    values = sections.read(request)
    return {
        "request": request.reference,
        "state": request.state.value,
        "requesting": request.requesting.code,
        "requested": request.requested.code if request.requested else None,
        "sent_or_drafted": request.created_at.date().isoformat(),
        "kept_until": request.keep_until.isoformat() if request.keep_until else None,
        "person": {"number": person.id} | _fields(person),
        "find": _plain(values["find"]),
        "item": _plain(values["item"]),
        "basis": _plain(values["basis"]),
    }


def _fields(person: Person) -> dict[str, Any]:
    given = {name: getattr(person, name) for name in FIELDS}
    return _plain({name: value for name, value in given.items() if value is not None})


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(canonical(dict(values)))
    return found


def _signed(said: dict[str, Any], settings: Settings) -> str:
    """Return the JSON with a signature over its canonical form without the same."""
    text = canonical(said)
    signature = checkpoints.signing_key(settings).sign(text.encode())
    whole = said | {"signature": base64.b64encode(signature).decode()}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def is_signed(text: str, settings: Settings) -> bool:
    """Tell whether an export is as it was handed out."""
    said = json.loads(text)
    signature = base64.b64decode(said.pop("signature", ""))
    public = checkpoints.key_of(settings).public
    return checkpoints.is_signed(public, canonical(said).encode(), signature)
