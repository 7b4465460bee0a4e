"""What is kept of one person: found by a mark, handed out, signed, and entered."""

import base64
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from flask import current_app
from sqlalchemy import select

from tracing.casework import leaving, queries, sections
from tracing.casework.apply import parties_of
from tracing.config import Settings
from tracing.extensions import db
from tracing.journal import checkpoints, journal
from tracing.journal.canonical import canonical
from tracing.journal.journal import moment
from tracing.journal.kinds import Kind
from tracing.models import Authority, Person, TraceRequest
from tracing.schemas.persons import PersonSchema
from workflows.policies import CASE_ROLES, Actor, require_person_export
from workflows.vocabulary import N_, HandlingCode, InformationItem

FORMAT: Final = "tracing-person/1"
AT_ONCE: Final = 500
REASON: Final = (20, 2000)
FIELDS: Final = tuple(PersonSchema._declared_fields)
AROUND: Final = ("find", "item", "basis")
NO_NAME: Final = N_("Write the name of the person, or the number of a document.")
NO_REASON: Final = N_("Give the reason in a sentence.")


class Unclear(Exception):
    """The name or the reason is missing; `words` say so, `field` says where."""

    def __init__(self, words: str, field: str) -> None:
        """Keep the words, to be translated."""
        super().__init__(words)
        self.words, self.field = words, field


@dataclass(frozen=True, slots=True)
class Found:
    """One place where the person is named, and whose journals it concerns."""

    number: int
    reference: str
    parties: tuple[int, ...]
    said: dict[str, Any]


def export(actor: Actor, name: str, reason: str, *, outside: bool = False) -> str:
    """Return where the actor's authority has one person named, as signed JSON.

    A request whose existence the authority keeps from the actor is left out, and of
    the others what who asked has restricted. What stands around the person is for who
    opens cases. `outside` is the command line: nobody of the authority does it then,
    and it opens no case.
    """
    require_person_export(actor)
    why = reason.strip()
    if not name.strip():
        raise Unclear(NO_NAME, "name")
    if not REASON[0] <= len(why) <= REASON[1]:
        raise Unclear(NO_REASON, "reason")
    opens = not outside and not actor.roles.isdisjoint(CASE_ROLES)
    found = _occurrences(actor, name, opens=opens)
    settings: Settings = current_app.extensions["tracing.settings"]
    said = {
        "format": FORMAT,
        "exported": moment(datetime.now(UTC)),
        "authority": db.session.get_one(Authority, actor.authority_id).code,
        "asked": name.strip(),
        "reason": why,
        "covers": "persons of requests; who is named in an answer alone is not found",
        "key": str(checkpoints.key_of(settings)),
        "occurrences": [one.said for one in found],
    }
    # Each its own transaction, before anything is handed out.
    db.session.rollback()
    _enter(None if outside else actor, actor.authority_id, found, why)
    return _signed(said, settings)


def _enter(
    actor: Actor | None, authority_id: int, found: list[Found], why: str
) -> None:
    """Enter for both sides of each request what was taken; why, for one's own alone.

    The reason may name the person: it stands with a request, and goes when that goes.
    """
    own = () if actor is not None else (journal.SYSTEM, authority_id)
    numbers: dict[str, list[int]] = defaultdict(list)
    parties: dict[str, tuple[int, ...]] = {}
    for one in found:
        numbers[one.reference].append(one.number)
        parties[one.reference] = (*own, *one.parties)
    if not found:
        journal.read(Kind.SEARCHED, actor, parties=own, payload={"found": 0})
    for reference, persons in sorted(numbers.items()):
        given: dict[str, Any] = {"about": reference}
        asked = {"reason": why, "persons": persons}
        journal.read(Kind.SEARCHED, actor, **given, parties=own, payload=asked)
        journal.read(
            Kind.PERSON_EXPORTED,
            actor,
            **given,
            parties=parties[reference],
            payload={"persons": persons},
        )


def _occurrences(actor: Actor, name: str, *, opens: bool) -> list[Found]:
    """Return each place where the person is named, and what stands around it."""
    found: list[Found] = []
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
        for person, request in rows:
            said = _said(person, request, actor.authority_id, opens=opens)
            parties = parties_of(request)
            found.append(Found(person.id, request.reference, parties, said))
        db.session.expunge_all()


def _said(
    person: Person, request: TraceRequest, authority_id: int, *, opens: bool
) -> dict[str, Any]:
    def kept(item: InformationItem) -> HandlingCode | None:
        return leaving.kept_back(request, authority_id, item)

    items = (InformationItem.PERSONS, InformationItem.TEXT)
    codes = {item: kept(item) for item in items}
    said: dict[str, Any] = {
        "request": request.reference,
        "state": request.state.value,
        "requesting": request.requesting.code,
        "requested": request.requested.code if request.requested else None,
        "sent_or_drafted": request.created_at.date().isoformat(),
        "kept_until": request.keep_until.isoformat() if request.keep_until else None,
        "person": {"number": person.id},
    }
    if codes[InformationItem.PERSONS] is None:
        said["person"] |= _fields(person)
    if opens and codes[InformationItem.TEXT] is None:
        values = sections.read(request)
        said |= {part: _plain(values[part]) for part in AROUND}
    if withheld := {item.value: code.value for item, code in codes.items() if code}:
        said["withheld"] = withheld
    return said


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
