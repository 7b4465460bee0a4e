"""Requests against the journal: what stands in a row must have been entered."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session, selectinload

from tracing.casework import sections
from tracing.casework.apply import parties_of
from tracing.journal.canonical import canonical
from tracing.journal.journal import open_payload
from tracing.journal.kinds import STEPS, Kind
from tracing.journal.verify import TAMPERED, Finding, Unreadable
from tracing.models import (
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
_KINDS: Final = (*STEPS, Kind.DRAFTED, Kind.SAVED)


def differences(connection: Connection) -> Iterator[tuple[str, Finding]]:
    """Yield what stands otherwise in the tables than in the journal, with its chain."""
    names = {row.id: row.name for row in connection.execute(select(JournalChain))}
    with Session(bind=connection) as session:
        last = 0
        while True:
            found = _requests(session, last)
            if not found:
                return
            last = found[-1].id
            entered = _entered(session, found)
            for request in found:
                for chain in parties_of(request):
                    text = _fault(
                        request, entered.get((chain, request.reference)), chain
                    )
                    if text:
                        yield names.get(chain, str(chain)), text
            session.expunge_all()


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
        said = _said(open_payload(keys, chain, seq, payload))
        found.setdefault((chain, about), []).append((seq, kind, record, said))
    return found


def _said(payload: str | None) -> dict[str, Any] | None:
    """Return what was carried; what was changed, the check of its chain finds."""
    try:
        found: Any = json.loads(payload) if payload else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _fault(
    request: TraceRequest, entered: Entered | None, chain: int
) -> Finding | None:
    try:
        return _fault_of(request, entered, chain)
    except KeyMissing as error:
        raise Unreadable(str(error)) from error
    except SealBroken as error:
        last = entered[-1][0] if entered else 0
        return Finding(last, TAMPERED, f"{request.reference} does not open: {error}")


def _fault_of(
    request: TraceRequest, entered: Entered | None, chain: int
) -> Finding | None:
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
