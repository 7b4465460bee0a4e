"""What an officer asks of other registers: a row first, then the worker asks.

A look-up belongs to the authority that asks. The other side of the request does not see
it; it is told what was searched when an officer records a search.
"""

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from tracing import crash
from tracing.casework import leaving, queries, sightings
from tracing.casework.answers import newest_of, result_of, verdicts_of
from tracing.casework.apply import apply, check_version, enter, utcnow
from tracing.casework.requesting import use_form_key
from tracing.casework.session import give_up
from tracing.extensions import ask_registers, db, wake
from tracing.journal import journal
from tracing.journal.kinds import Kind as Entry
from tracing.lookups import gate, registers, running
from tracing.lookups.port import Capability, Query
from tracing.lookups.registers import Register
from tracing.models import (
    Authority,
    Lookup,
    LookupGate,
    Task,
    TraceRequest,
    Verdict,
)
from tracing.schemas.fields import NOT_IN_A_BLOCK
from workflows import policies
from workflows.errors import FactMissing, NotPermitted, NotVisible, TransitionNotAllowed
from workflows.facts import Search
from workflows.policies import (
    Actor,
    Role,
    may_answer,
    may_file,
    party_of,
    possible,
)
from workflows.states import FINAL, Party, State, Trigger
from workflows.vocabulary import (
    N_,
    HandlingCode,
    InformationItem,
    LookupOutcome,
    SearchResult,
    Standing,
)

DAY: Final = timedelta(days=1)
LONGEST_PURPOSE: Final = 500
ORDER: Final = list(HandlingCode)
TOO_HIGH: Final = N_(
    "Not sent: handling code %(code)s is above %(highest)s, the highest that this"
    " register may receive."
)
RESTRICTED: Final = N_(
    "Not sent: who asks has marked the request %(code)s. It leaves this service only"
    " with permission: ask for permission to take it out."
)
USED_UP: Final = N_("Not sent: %(quota)s questions a day are the limit here.")


def ask(
    reference: str,
    actor: Actor,
    names: Sequence[str],
    *,
    purpose: str,
    task: Task = Task.SEARCH,
    query: Query | None = None,
    form_key: str = "",
    now: datetime | None = None,
) -> list[Lookup]:
    """Ask registers about the item of a request; nothing is sent before the commit.

    `query`: what the officer looks for, if not what the request says.
    """
    at = now or utcnow()
    request = queries.by_reference(reference, actor)
    require_work(actor, request)
    if form_key:
        use_form_key(form_key, actor, reference=reference, now=at)
    offered = {one.name for one in registers_of(actor, request)}
    chosen = [_register(name, actor, offered) for name in dict.fromkeys(names)]
    if not chosen:
        raise FactMissing("Choose at least one register.")
    wanted = query_of(request)
    if query is not None:
        wanted = replace(wanted, **_changed(query))
    if not (wanted.serial or wanted.make or wanted.marks):
        raise FactMissing("Give a serial number or a make to search for.")
    rows = [_new(request, actor, r, wanted, purpose, task, at) for r in chosen]
    return _kept(rows, request, actor)


def again(
    reference: str, key: str, actor: Actor, *, now: datetime | None = None
) -> Lookup:
    """Ask the same of the same register once more, from what was kept."""
    at = now or utcnow()
    old = one(reference, key, actor)
    require_work(actor, old.request)
    register = _register(old.register, actor)
    query = Query.of(old.query)
    row = _new(old.request, actor, register, query, old.purpose, old.task, at)
    row.of, row.candidate = old, old.candidate
    return _kept([row], old.request, actor)[0]


def ask_detail(
    reference: str,
    key: str,
    actor: Actor,
    candidate: str,
    *,
    now: datetime | None = None,
) -> Lookup:
    """Ask for one candidate of an answer in full."""
    at = now or utcnow()
    found = one(reference, key, actor)
    require_work(actor, found.request)
    if candidate not in {row["id"] for row in found.candidates or ()}:
        raise FactMissing("Choose one of the candidates.")
    register = _register(found.register, actor)
    query = Query.of(found.query)
    row = _new(found.request, actor, register, query, found.purpose, Task.DETAIL, at)
    row.of, row.candidate = found, candidate
    return _kept([row], found.request, actor)[0]


def type_in(
    reference: str,
    key: str,
    actor: Actor,
    *,
    register: str,
    years: str,
    outcome: LookupOutcome,
    text: str,
    now: datetime | None = None,
) -> Lookup:
    """Write what came of a search by hand into its look-up, once."""
    row = one(reference, key, actor, lock=True)
    require_work(actor, row.request)
    if row.outcome is not None or row.next_at is not None:
        raise TransitionNotAllowed("What came of it stands there already.")
    if any(NOT_IN_A_BLOCK.search(given) for given in (register, years, _lines(text))):
        raise FactMissing("Take out the control characters.")
    if not register.strip():
        raise FactMissing("Name the register.")
    if outcome in (LookupOutcome.HIT, LookupOutcome.PARTIAL) and not text.strip():
        raise FactMissing("Write down what was found.")
    row.label, row.years = register.strip()[:200], years.strip()[:100]
    row.outcome, row.answered_at = outcome, now or utcnow()
    row.why = text.strip() or None
    raw = text.encode()
    row.raw_size, row.raw_hash = len(raw), hashlib.sha256(raw).hexdigest()
    said = {"look_up": row.key, "outcome": outcome.value, "by_hand": True}
    enter(Entry.LOOKUP_ANSWERED, row.request, actor, **said)
    db.session.commit()
    return row


def _lines(text: str) -> str:
    """Return a text with its lines ended as everywhere but in a browser."""
    return text.replace("\r\n", "\n")


def decide(
    reference: str,
    key: str,
    actor: Actor,
    *,
    candidate: str,
    standing: Standing,
    reason: str,
    now: datetime | None = None,
) -> Verdict:
    """Write down whether a candidate is the item, and why; nothing else follows."""
    row = one(reference, key, actor, lock=True)
    require_work(actor, row.request)
    if candidate not in {found["id"] for found in row.candidates or ()}:
        raise FactMissing("Choose one of the candidates.")
    if standing is Standing.POSSIBLE or not reason.strip():
        raise FactMissing("Say whether it is this item, and why.")
    verdict = Verdict(
        lookup_id=row.id,
        authority_id=row.authority_id,
        candidate=candidate,
        standing=standing,
        decided_by_id=actor.user_id,
        decided_at=now or utcnow(),
    )
    verdict.reason = reason.strip()
    db.session.add(verdict)
    said = {"look_up": row.key, "candidate": candidate, "standing": standing.value}
    enter(Entry.CANDIDATE_DECIDED, row.request, actor, **said, reason=verdict.reason)
    db.session.commit()
    return verdict


def record(
    reference: str,
    key: str,
    actor: Actor,
    *,
    years: str = "",
    note: str = "",
    version: int | None = None,
    now: datetime | None = None,
) -> TraceRequest:
    """Make a recorded search of what came of a look-up, because an officer says so.

    A hit is a possible match, until a person has confirmed or rejected its candidates.
    """
    row = one(reference, key, actor, lock=True)
    request = row.request
    check_version(request, version)
    if row.outcome is None:
        raise TransitionNotAllowed("The register has not answered yet.")
    if row.position is not None:
        raise TransitionNotAllowed("This look-up is recorded already.")
    _record(row, actor, years, note, now)
    db.session.commit()
    wake()
    return request


def record_all(
    reference: str,
    actor: Actor,
    *,
    years: Mapping[str, str],
    version: int | None = None,
    now: datetime | None = None,
) -> int:
    """Record every register that has answered, all or none; return how many.

    `years`: which years each covers, by the key of its look-up.
    """
    request = queries.by_reference(reference, actor)
    policies.require_answering(actor, request)
    check_version(request, version)
    rows = to_record(of_request(request, actor))
    if not rows:
        raise TransitionNotAllowed("There is no answer that is not recorded yet.")
    for row in rows:
        _record(row, actor, years.get(row.key, ""), "", now)
    db.session.commit()
    wake()
    return len(rows)


def to_record(rows: Iterable[Lookup]) -> list[Lookup]:
    """Return of each register the newest answer to a search, where it is not recorded.

    A register that was not reached is no searched register: who wants to record that
    does so by itself.
    """
    newest = newest_of(rows)
    return [
        row
        for row in newest
        if row.outcome is not None and row.outcome.is_answer and row.position is None
    ]


def _record(
    row: Lookup, actor: Actor, years: str, note: str, now: datetime | None
) -> None:
    assert row.outcome is not None
    result = result_of(row, verdicts_of([row]))
    count = len(row.candidates or ())
    text = note.strip()
    if result is SearchResult.NO_RECORD and count:
        said = f"Possible matches compared and rejected: {count}."
        text = "\n".join(filter(None, (text, said)))
    fact = Search(row.label, years.strip() or row.years, _key_of(row), result, text)
    apply(row.request, Trigger.RECORD_SEARCH, actor=actor, fact=fact, now=now)
    row.position = row.request.events[-1].position


# ----------------------------------------------------------------------- what is read


def _own(actor: Actor, request: TraceRequest) -> Any:
    """Return the condition of the look-ups of one's own authority for a request."""
    return (Lookup.authority_id == actor.authority_id, Lookup.request_id == request.id)


def of_request(request: TraceRequest, actor: Actor) -> Sequence[Lookup]:
    """Return what one's own authority has asked about a request that one may see."""
    return db.session.scalars(
        select(Lookup)
        .where(*_own(actor, request))
        .options(joinedload(Lookup.asked_by))
        .order_by(Lookup.id.desc())
        .limit(200)
    ).all()


def one(reference: str, key: str, actor: Actor, *, lock: bool = False) -> Lookup:
    """Return one of them, or nothing that tells of it."""
    request = queries.by_reference(reference, actor)
    query = select(Lookup).where(*_own(actor, request), Lookup.key == key)
    if lock:
        query = query.with_for_update(of=Lookup)
    row = db.session.scalar(query.execution_options(populate_existing=True))
    if row is None:
        raise NotVisible("There is no such look-up.")
    return row


def opened(row: Lookup, actor: Actor, *, after_refusal: bool = False) -> None:
    """Keep that somebody reads what a register has answered, before it is shown.

    After a refused change its transaction is let go of first, as with a request.
    """
    said = {"look_up": row.key, "register": row.register, "outcome": row.outcome}
    about = row.request.reference
    if after_refusal:
        give_up()
    journal.read(Entry.LOOKUP_READ, actor, about=about, payload=said)


def opened_all(
    request: TraceRequest, actor: Actor, *, after_refusal: bool = False
) -> None:
    """Keep that somebody reads all answers about a request, before they are shown."""
    about = request.reference
    said = [
        {"look_up": row.key, "register": row.register, "outcome": row.outcome}
        for row in of_request(request, actor)
        if row.candidates
    ]
    if after_refusal:
        give_up()
    if said:
        journal.read(Entry.LOOKUP_READ, actor, about=about, payload={"answers": said})


def answering(reference: str, actor: Actor) -> TraceRequest:
    """Return a request of which the actor is on the side that answers."""
    found = queries.by_reference(reference, actor)
    if party_of(actor, found) is not Party.REQUESTED:
        raise NotPermitted("The authority that answers does this.")
    return found


def may_ask(actor: Actor, request: TraceRequest) -> bool:
    """Tell whether the actor may ask registers about a request."""
    party = party_of(actor, request)
    allowed = may_answer(actor) if party is Party.REQUESTED else may_file(actor)
    return party is not None and allowed and _is_open(request)


def may_record(actor: Actor, row: Lookup) -> bool:
    """Tell whether the actor can make a recorded search of a look-up now."""
    fresh = row.outcome is not None and row.position is None
    return fresh and Trigger.RECORD_SEARCH in possible(actor, row.request)


def registers_of(actor: Actor, request: TraceRequest) -> list[Register]:
    """Return the registers that the actor's side may ask about a request.

    Whether another authority asks about the same item is for who files.
    """
    asks = party_of(actor, request) is Party.REQUESTING
    found = all_registers_of(actor)
    return [one for one in found if asks or one.name != registers.ELSEWHERE]


def all_registers_of(actor: Actor) -> list[Register]:
    """Return the registers that the actor's authority may ask about anything."""
    return registers.of_authority(_code(actor))


@dataclass(frozen=True, slots=True)
class Offered:
    """A register as the form offers it: why nothing is sent there, if so."""

    register: Register
    why: tuple[str, dict[str, object]] | None


def offered(actor: Actor, request: TraceRequest) -> list[Offered]:
    """Return the registers of a form, those that may not be asked with the reason."""
    at, handling = utcnow(), handling_of(request)
    return [
        Offered(one, _why_not(one, actor, request, handling, at))
        for one in registers_of(actor, request)
    ]


# ------------------------------------------------------------- for who runs the desk


def health(actor: Actor) -> list[tuple[Register, LookupGate | None, Any]]:
    """Return how the registers do that the actor looks after."""
    everything = actor.is_any(Role.OPERATOR)
    if everything:
        found = list(registers.all_of().values())
    elif actor.is_any(Role.ADMINISTRATOR):
        found = registers.of_authority(_code(actor))
    else:
        raise NotPermitted("The roles administrator and operator do this.")
    rows = gate.rows()
    queued = running.waiting(None if everything else actor.authority_id)
    return [(one_, rows.get(one_.name), queued.get(one_.name)) for one_ in found]


def try_now(name: str, actor: Actor, *, now: datetime | None = None) -> None:
    """Let the worker try a register now."""
    known = {register.name for register, _, _ in health(actor)}
    if name not in known:
        raise NotVisible("There is no such register.")
    gate.ask_for_test(name, now or utcnow())
    db.session.commit()
    ask_registers()


# ------------------------------------------------------------------------- what is kept


def query_of(request: TraceRequest) -> Query:
    """Return what is looked for: the item and its marks, and nobody's name."""
    item = request.item
    serial = item.serial
    return Query(
        serial=serial.text if serial else "",
        serial_status=item.serial_status or "",
        make=item.make or "",
        model=item.model or "",
        calibre=item.calibre or "",
        kind=item.kind or "",
        firearm_type=item.firearm_type or "",
        country=item.country_of_manufacture or "",
        year=item.year,
        marks=tuple(mark.text for mark in item.markings if mark is not serial),
        serials=tuple(mark.text for mark in item.serials[1:]),
    )


def handling_of(request: TraceRequest) -> HandlingCode:
    """Return the strictest code that stands on what is sent."""
    given = [request.handling or HandlingCode.H0]
    given += [
        row.handling
        for row in request.item_restrictions
        if row.item in (InformationItem.WHOLE, InformationItem.TEXT)
    ]
    return max(given, key=ORDER.index)


def _register(name: str, actor: Actor, offered: set[str] | None = None) -> Register:
    register = registers.all_of().get(name)
    if register is None or not register.serves(_code(actor)):
        raise NotVisible("There is no such register.")
    if offered is not None and name not in offered:
        raise NotVisible("There is no such register.")
    return register


def _changed(query: Query) -> dict[str, Any]:
    """Return the keys that an officer may change; the rest is as the request says."""
    names = ("serial", "make", "model", "calibre", "country", "year")
    return {name: getattr(query, name) for name in names}


def _code(actor: Actor) -> str:
    return db.session.get_one(Authority, actor.authority_id).code


def _is_open(request: TraceRequest) -> bool:
    return request.state not in FINAL and request.erased_at is None


def require_work(actor: Actor, request: TraceRequest) -> None:
    """Refuse who does not work on a request, or where there is no more work."""
    party = party_of(actor, request)
    allowed = may_answer(actor) if party is Party.REQUESTED else may_file(actor)
    if not allowed:
        role = "officer" if party is Party.REQUESTED else "investigator"
        raise NotPermitted(
            f"Your role does not allow this; the role {role} or supervisor does."
        )
    if not _is_open(request):
        raise TransitionNotAllowed("The request has ended: nothing is searched for it.")


def _new(
    request: TraceRequest,
    actor: Actor,
    register: Register,
    query: Query,
    purpose: str,
    task: Task,
    at: datetime,
) -> Lookup:
    purpose = " ".join(purpose.split())
    if not 3 <= len(purpose) <= LONGEST_PURPOSE:
        raise FactMissing("Say in a few words what it is searched for.")
    _require_capability(register, task)
    handling = handling_of(request)
    row = Lookup(
        key=secrets.token_hex(16),
        request=request,
        authority_id=actor.authority_id,
        authority_code=_code(actor),
        register=register.name,
        label=register.label,
        years=register.years,
        at_home=register.domestic,
        task=task,
        candidate="",
        handling=handling,
        asked_by_id=actor.user_id,
        asked_at=at,
        next_at=at,
        give_up_at=at + timedelta(seconds=register.patience),
        attempts=0,
        reference="",
    )
    row.purpose, row.query = purpose, query.plain()
    if Capability.BY_HAND in register.capabilities:
        row.next_at = None
    elif why := _why_not(register, actor, request, handling, at):
        row.outcome, row.answered_at, row.next_at = (
            LookupOutcome.NOT_PERMITTED,
            at,
            None,
        )
        row.why = why[0] % why[1]
    elif register.name == registers.SHARED and task is Task.SEARCH:
        _seek(actor, request, query)
    db.session.add(row)
    return row


def _seek(actor: Actor, request: TraceRequest, query: Query) -> None:
    """Let the owners of what is met be told; a draft is sought for when it is sent.

    Until then nobody knows whether it will be confidential.
    """
    if request.state is State.DRAFT:
        return
    for text in dict.fromkeys((query.serial, *query.serials)):
        sightings.seek(actor.authority_id, request=request, text=text)


def _require_capability(register: Register, task: Task) -> None:
    needed = {Task.DETAIL: Capability.DETAIL, Task.TRACE: Capability.SUBMIT_TRACE}
    if task in needed and needed[task] not in register.capabilities:
        raise FactMissing("This register cannot do that: choose another one.")


def _why_not(
    register: Register,
    actor: Actor,
    request: TraceRequest,
    handling: HandlingCode,
    at: datetime,
) -> tuple[str, dict[str, object]] | None:
    """Return why nothing is sent, if so: a sentence, and what its holes hold."""
    if not register.may_receive(handling):
        highest = register.highest_handling
        return TOO_HIGH, {"code": handling.value, "highest": highest}
    if register.leaves:
        item = InformationItem.TEXT
        code = leaving.kept_back(request, actor.authority_id, item)
        if code is not None:
            return RESTRICTED, {"code": code.value}
    asked = db.session.scalar(
        select(func.count(Lookup.id)).where(
            Lookup.authority_id == actor.authority_id,
            Lookup.register == register.name,
            Lookup.asked_at > at - DAY,
        )
    )
    if (asked or 0) >= register.quota:
        return USED_UP, {"quota": register.quota}
    return None


def _kept(rows: list[Lookup], request: TraceRequest, actor: Actor) -> list[Lookup]:
    said = {
        "look_ups": [
            {
                "key": row.key,
                "register": row.register,
                "task": row.task,
                "candidate": row.candidate,
                "purpose": row.purpose,
                "query": row.query,
                "sent": row.outcome is None,
            }
            for row in rows
        ]
    }
    enter(Entry.LOOKUP_ASKED, request, actor, **said)
    db.session.commit()
    crash.at("lookup.asked")
    ask_registers()
    return rows


def _key_of(row: Lookup) -> str:
    """Return what was looked for, in one line."""
    query = Query.of(row.query)
    parts = (query.serial, query.make, query.model, query.calibre, row.candidate)
    return " · ".join(part for part in parts if part) or "—"
