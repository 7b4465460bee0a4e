"""Requests against the journal: what stands in a row must have been entered."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, exists, select
from sqlalchemy.orm import Session, selectinload

from tracing.casework import sections
from tracing.casework.apply import parties_of
from tracing.journal.canonical import canonical
from tracing.journal.journal import open_payload
from tracing.journal.kinds import STEPS, Kind
from tracing.journal.verify import TAMPERED, UNREADABLE, Finding
from tracing.models import (
    Attachment,
    JournalChain,
    JournalEntry,
    JournalPayload,
    RequestEvent,
    TraceRequest,
)
from tracing.models.sealed import KeyMissing, SealBroken
from tracing.security.fields import field_keys
from workflows.states import Trigger

_AT_ONCE: Final = 200
_KINDS: Final = (*STEPS, Kind.DRAFTED, Kind.SAVED, Kind.ATTACHMENT_ADDED)


def differences(connection: Connection) -> Iterator[tuple[str, Finding]]:
    """Yield what stands otherwise in the tables than in the journal, with its chain."""
    names = {row.id: row.name for row in connection.execute(select(JournalChain))}
    with Session(bind=connection) as session:
        for chain, seq, about in _gone(session):
            text = f"{about} was sent and stands in no table"
            yield names.get(chain, str(chain)), Finding(seq, TAMPERED, text)
        last = 0
        while True:
            found = _requests(session, last)
            if not found:
                return
            last = found[-1].id
            entered, files = _entered(session, found), _files(session, found)
            for request in found:
                for chain in parties_of(request):
                    known = entered.get((chain, request.reference), [])
                    kept = [e for e in known if e[1] != Kind.ATTACHMENT_ADDED]
                    fault = _fault(request, kept, chain) or _fault_of_files(
                        request, known, files.get(request.id, []), chain
                    )
                    if fault:
                        yield names.get(chain, str(chain)), fault
            session.expunge_all()


def _gone(session: Session) -> Iterator[Any]:
    """Yield the entries of requests that were sent and are not there any more.

    What was sent is never deleted, not even when it is erased.
    """
    stands = exists().where(TraceRequest.reference == JournalEntry.about)
    found = (
        select(JournalEntry.chain_id, JournalEntry.seq, JournalEntry.about)
        .where(JournalEntry.kind == Kind.SUBMIT.value, ~stands)
        .order_by(JournalEntry.chain_id, JournalEntry.seq)
        .limit(_AT_ONCE)
    )
    yield from session.execute(found)


def _requests(session: Session, after: int) -> Sequence[TraceRequest]:
    return session.scalars(
        select(TraceRequest)
        .where(TraceRequest.id > after)
        .order_by(TraceRequest.id)
        .limit(_AT_ONCE)
        .options(
            selectinload(TraceRequest.recovery),
            selectinload(TraceRequest.item),
            selectinload(TraceRequest.persons),
            selectinload(TraceRequest.events),
        )
    ).all()


def _files(
    session: Session, requests: Sequence[TraceRequest]
) -> dict[int, list[tuple[int, int, str]]]:
    """Return the files of some requests: whose each is, number and content."""
    rows = session.execute(
        select(
            Attachment.request_id,
            Attachment.authority_id,
            Attachment.id,
            Attachment.sha256,
        ).where(Attachment.request_id.in_([request.id for request in requests]))
    )
    found: dict[int, list[tuple[int, int, str]]] = {}
    for request_id, owner, number, sha256 in rows:
        found.setdefault(request_id or 0, []).append((owner, number, sha256))
    return found


Entered = list[tuple[int, str, str, dict[str, Any] | None]]
"""Number, kind, record and payload of the entries about one request in one chain."""


def _entered(
    session: Session, requests: Sequence[TraceRequest]
) -> dict[tuple[int, str], Entered]:
    chains = {chain for request in requests for chain in parties_of(request)}
    rows = session.execute(
        select(
            JournalEntry.chain_id,
            JournalEntry.about,
            JournalEntry.seq,
            JournalEntry.kind,
            JournalEntry.record,
            JournalPayload.payload,
        )
        .join(
            JournalPayload,
            (JournalPayload.chain_id == JournalEntry.chain_id)
            & (JournalPayload.seq == JournalEntry.seq),
        )
        .where(
            JournalEntry.chain_id.in_(chains),
            JournalEntry.about.in_([request.reference for request in requests]),
            JournalEntry.kind.in_([kind.value for kind in _KINDS]),
        )
        .order_by(JournalEntry.seq)
    )
    found: dict[tuple[int, str], Entered] = {}
    keys = field_keys()
    for chain, about, seq, kind, record, payload in rows:
        try:
            said = _said(open_payload(keys, chain, seq, payload))
        except KeyMissing:
            said = None  # the check of its chain tells of it
        found.setdefault((chain, about), []).append((seq, kind, record, said))
    return found


def _said(payload: str | None) -> dict[str, Any] | None:
    """Return what was carried; what was changed, the check of its chain finds."""
    try:
        found: Any = json.loads(payload) if payload else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _fault(request: TraceRequest, entered: Entered, chain: int) -> Finding | None:
    try:
        return _fault_of(request, entered, chain)
    except SealBroken as error:
        last = entered[-1][0] if entered else 0
        level = UNREADABLE if isinstance(error, KeyMissing) else TAMPERED
        return Finding(last, level, f"{request.reference} does not open: {error}")


def _fault_of(request: TraceRequest, entered: Entered, chain: int) -> Finding | None:
    name = request.reference
    if not entered:
        text = f"{name} stands in the tables and was never entered"
        return Finding(0, TAMPERED, text)
    last = entered[-1][0]
    after = json.loads(entered[-1][2]).get("after", "")
    if after != request.state.value:
        text = f"{name} is {request.state.value} in the tables, entered as {after}"
        return Finding(last, TAMPERED, text)
    steps = [entry for entry in entered if entry[1] in STEPS]
    events = [e for e in request.events if _is_known(e, chain)]
    if len(steps) != len(events):
        text = f"{name} has {len(events)} steps, and {len(steps)} were entered"
        return Finding(last, TAMPERED, text)
    for event, (seq, kind, _, said) in zip(events, steps, strict=True):
        if kind != event.trigger.value or (said and not _same(event, said)):
            text = f"{name}: step {event.position} is not what was entered"
            return Finding(seq, TAMPERED, text)
    return _fault_of_content(request, entered)


def _is_known(event: RequestEvent, chain: int) -> bool:
    return event.trigger is not Trigger.NOTE or event.authority_id == chain


def _same(event: RequestEvent, said: dict[str, Any]) -> bool:
    stored = {
        "position": event.position,
        "before": event.before,
        "at": event.at,
        "carried": event.carried,
    }
    kept = {name: said.get(name) for name in stored}
    return canonical(stored) == canonical(kept)


def _fault_of_content(request: TraceRequest, entered: Entered) -> Finding | None:
    kept = [
        (seq, said["content"])
        for seq, *_, said in entered
        if said and "content" in said
    ]
    if kept and kept[-1][1] != sections.digest(request):
        text = f"what {request.reference} says is not what was entered"
        return Finding(kept[-1][0], TAMPERED, text)
    return None


def _fault_of_files(
    request: TraceRequest,
    entered: Entered,
    stands: list[tuple[int, int, str]],
    chain: int,
) -> Finding | None:
    """Compare the files with those a side has entered; not where that was erased.

    A side has entered its own, and what came with the steps of the other.
    """
    added = [entry for entry in entered if entry[1] == Kind.ATTACHMENT_ADDED]
    if any(said is None for *_, said in added):
        return None
    told = {
        file["file"]: file["sha256"]
        for *_, said in added
        for file in (said or {}).get("files", ())
    }
    here = {number: sha256 for _, number, sha256 in stands}
    own = {number for owner, number, _ in stands if owner == chain}
    if all(told.get(n) == here.get(n) for n in own | told.keys()):
        return None
    last = added[-1][0] if added else 0
    text = f"{request.reference} has other files than were entered"
    return Finding(last, TAMPERED, text)
