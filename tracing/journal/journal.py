"""The journal: every change and every sensitive read, in the transaction of its effect.

An entry is a line of canonical JSON in a chain of hashes, one chain for each authority
and one for the system. What it carried stands apart under a salted commitment, so that
it can be erased and the chain stays whole; it is sealed with the keys of the fields. What both sides of a request may know
stands in both chains; who did it, in the chain of that person's authority alone.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from flask import current_app, g, has_request_context, request, session
from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError

from tracing import crash
from tracing.config import Settings
from tracing.extensions import db
from tracing.faults import Unavailable
from tracing.journal.canonical import canonical
from tracing.journal.kinds import Kind
from tracing.journal.verify import BEGINNING, commitment, entry_hash
from tracing.models import Authority, JournalChain, JournalEntry, JournalPayload
from tracing.models.sealed import KeyMissing, SealBroken, place_of
from tracing.security import fields, tokens
from workflows.policies import Actor

SYSTEM: Final = 0
SYSTEM_NAME: Final = "system"
KNOWN: Final = "tracing.journal.known"

_chain = JournalChain.__table__
_entry = JournalEntry.__table__
_payload = JournalPayload.__table__
# By number: two changes that touch the same chains never wait for each other crosswise.
_LOCK: Final = (
    select(_chain.c.id, _chain.c.name, _chain.c.size, _chain.c.head)
    .where(_chain.c.id.in_(bindparam("wanted", expanding=True)))
    .order_by(_chain.c.id)
    .with_for_update()
)
_ADD_ENTRY: Final = insert(JournalEntry)
_ADD_PAYLOAD: Final = insert(JournalPayload)
_MOVE_HEAD: Final = (
    update(JournalChain)
    .where(_chain.c.id == bindparam("chain"))
    .values(size=bindparam("to_size"), head=bindparam("to_head"))
)


@dataclass(frozen=True, slots=True)
class Doing:
    """One thing done: what it is, by whom, about what, and who may know of it."""

    kind: Kind
    actor: Actor | None = None
    about: str = ""
    parties: tuple[int, ...] = ()
    after: str = ""
    payload: Mapping[str, Any] | None = None
    erases: tuple[int, ...] = ()


def record(
    kind: Kind,
    actor: Actor | None,
    *,
    about: str = "",
    parties: Iterable[int | None] = (),
    after: str = "",
    payload: Mapping[str, Any] | None = None,
) -> None:
    """Add the entry of a change to its transaction. The caller commits.

    Call it last: from here on the chains of the parties wait for the commit. If the
    entry cannot be written, the change cannot be made.
    """
    known = tuple(sorted({party for party in parties if party is not None}))
    # All rows of the change before the heads of the chains: everybody in one order.
    db.session.flush()
    _append(
        db.session.connection(),
        (Doing(kind, actor, about, known, after, payload),),
    )


def record_many(doings: Sequence[Doing]) -> None:
    """Add the entries of many changes of one transaction. The caller commits."""
    if doings:
        db.session.flush()
        _append(db.session.connection(), doings)


def read(
    kind: Kind,
    actor: Actor | None,
    *,
    about: str = "",
    parties: Iterable[int | None] = (),
    payload: Mapping[str, Any] | None = None,
) -> None:
    """Keep that somebody is about to see something; by itself, and before it is shown.

    A page that only reads has no transaction that could carry the entry.
    """
    known = tuple(sorted({party for party in parties if party is not None}))
    engine = db.engine.execution_options(writing=True)
    with engine.begin() as connection:
        _append(connection, (Doing(kind, actor, about, known, "", payload),))
    crash.at("journal.read")


def erase(
    actor: Actor | None, about: str, *, authority_id: int, ground: str, why: str
) -> int:
    """Erase what the entries of one chain carried about something; return how many.

    The entries stay, and one more says who erased their content and why. The caller
    commits.
    """
    db.session.flush()
    connection = db.session.connection()
    found = connection.scalars(
        select(_payload.c.seq)
        .join(
            _entry,
            (_entry.c.chain_id == _payload.c.chain_id)
            & (_entry.c.seq == _payload.c.seq),
        )
        .where(
            _entry.c.chain_id == authority_id,
            _entry.c.about == about,
            _entry.c.kind != Kind.ERASED.value,
            _payload.c.erased_by.is_(None),
        )
        .order_by(_payload.c.seq)
    ).all()
    if not found:
        return 0
    said = {"ground": ground, "why": why}
    seqs = _append(
        connection,
        (Doing(Kind.ERASED, actor, about, (authority_id,), "", said, tuple(found)),),
    )
    connection.execute(
        update(JournalPayload)
        .where(_payload.c.chain_id == authority_id, _payload.c.seq.in_(found))
        .values(salt=None, payload=None, erased_by=seqs[authority_id])
    )
    return len(found)


def place_of_payload(chain_id: int, seq: int) -> str:
    """Return what is bound to the sealed content of an entry."""
    return place_of("journal_payload", "payload", str(seq), chain_id)


def payload_bytes(
    keys: fields.FieldKeys, chain_id: int, seq: int, sealed: str
) -> bytes:
    """Return what an entry carried; what does not open comes as it is stored.

    It then does not fit the commitment of its entry, which is how it is found.
    """
    try:
        # As `place_of_payload` says; a million of them shall not take long.
        place = b"journal_payload.payload|%d|%d" % (seq, chain_id)
        return keys.open_bytes(sealed, place)
    except KeyMissing:
        raise
    except SealBroken:
        return sealed.encode()


def open_payload(
    keys: fields.FieldKeys, chain_id: int, seq: int, sealed: str | None
) -> str | None:
    """Return the same as text, if there is any."""
    if sealed is None:
        return None
    return payload_bytes(keys, chain_id, seq, sealed).decode()


def moment(at: datetime) -> str:
    """Return an instant as the journal writes it: UTC, with hundredths."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 10_000:02}Z"


@dataclass(slots=True)
class _Head:
    """Where a chain ends, while entries are added to it."""

    id: int
    name: str
    size: int
    head: bytes


def _chains_of(doing: Doing) -> set[int]:
    own = SYSTEM if doing.actor is None else doing.actor.authority_id
    found = {*doing.parties} or {own}
    return found if doing.actor is None else found | {own}


def _append(connection: Connection, doings: Sequence[Doing]) -> dict[int, int]:
    wanted = sorted(set().union(*map(_chains_of, doings)))
    try:
        heads = {
            row.id: _Head(row.id, row.name, row.size, bytes(row.head))
            for row in _lock(connection, wanted)
        }
        crash.at("journal.locked")
        entries: list[dict[str, Any]] = []
        payloads: list[dict[str, Any]] = []
        for doing in doings:
            its = [heads[number] for number in sorted(_chains_of(doing))]
            _add(its, doing, entries, payloads)
        moves = [
            {"chain": head.id, "to_size": head.size, "to_head": head.head}
            for head in heads.values()
        ]
        connection.execute(_ADD_ENTRY, entries)
        crash.at("journal.entry")
        connection.execute(_ADD_PAYLOAD, payloads)
        crash.at("journal.payload")
        connection.execute(_MOVE_HEAD, moves)
        crash.at("journal.head")
    except OperationalError:
        raise
    except DBAPIError as error:
        raise Unavailable("The journal could not be written.") from error
    return {row["chain_id"]: row["seq"] for row in entries}


def _add(
    heads: Sequence[_Head],
    doing: Doing,
    entries: list[dict[str, Any]],
    payloads: list[dict[str, Any]],
) -> None:
    own = SYSTEM if doing.actor is None else doing.actor.authority_id
    # After the lock: the times of a chain follow its order.
    at = moment(datetime.now(UTC))
    salt = secrets.token_bytes(32)
    payload = canonical(doing.payload or {})
    said: dict[str, Any] = {
        "action": doing.kind.value,
        "at": at,
        "by": next((h.name for h in heads if h.id == own), SYSTEM_NAME),
        "payload": commitment(salt, payload.encode()).hex(),
    }
    if doing.about:
        said["object"] = doing.about
    if doing.after:
        said["after"] = doing.after
    if doing.erases:
        said["erases"] = list(doing.erases)
    keys = fields.field_keys()
    for head in heads:
        seq = head.size + 1
        line = said | {"chain": head.name, "seq": seq}
        shared = [other.name for other in heads if other.id != head.id]
        if shared:
            line["shared"] = shared
        here = doing.actor is not None and head.id == own
        if here and doing.actor is not None:
            line |= _who(doing.actor)
        text = canonical(line)
        new = entry_hash(head.head, text.encode())
        key = {"chain_id": head.id, "seq": seq}
        entries.append(
            key
            | {
                "at": at,
                "kind": doing.kind.value,
                "actor_id": doing.actor.user_id if here and doing.actor else None,
                "about": doing.about,
                "record": text,
                "hash": new,
            }
        )
        sealed = keys.close(payload, place_of_payload(head.id, seq))
        payloads.append(key | {"salt": salt, "payload": sealed, "erased_by": None})
        head.size, head.head = seq, new


def _who(actor: Actor) -> dict[str, Any]:
    """Return who it was and from where: for the chain of the own authority alone."""
    found: dict[str, Any] = {
        "actor": actor.user_id,
        "roles": sorted(role.value for role in actor.roles),
    }
    if has_request_context():
        if request.remote_addr:
            found["address"] = request.remote_addr
        if number := g.get("client_token"):
            found["token"] = number
        elif token := session.get(tokens.SESSION):
            found["session"] = tokens.hash_of(token)[:16]
    return found


# ------------------------------------------------------------------------ the chains


def _lock(connection: Connection, wanted: Sequence[int]) -> Sequence[Any]:
    known: set[int] = current_app.extensions.setdefault(KNOWN, set())
    if not known.issuperset(wanted):
        _open(connection, wanted)
    heads = connection.execute(_LOCK, {"wanted": wanted}).all()
    if len(heads) < len(wanted):
        # The transaction that opened the chain was rolled back.
        _open(connection, wanted)
        heads = connection.execute(_LOCK, {"wanted": wanted}).all()
    known.update(wanted)
    return heads


def _open(connection: Connection, wanted: Sequence[int]) -> None:
    """Open the chains that are not there yet, in the order in which all are locked."""
    host = origin_of(current_app.extensions["tracing.settings"])
    codes = select(Authority.id, Authority.code).where(Authority.id.in_(wanted))
    names = {row.id: row.code for row in connection.execute(codes)}
    make = postgresql if connection.dialect.name == "postgresql" else sqlite
    for number in wanted:
        name = names[number] if number != SYSTEM else SYSTEM_NAME
        connection.execute(
            make.insert(JournalChain)
            .values(
                id=number,
                name=name,
                origin=f"{host}/{name}",
                size=0,
                head=BEGINNING,
            )
            .on_conflict_do_nothing()
        )


def origin_of(settings: Settings) -> str:
    """Return what the names of this installation's chains begin with."""
    return f"{urlsplit(settings.public_url).netloc or 'localhost'}/journal"
