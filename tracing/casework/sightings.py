"""Who looks for a shared record: the worker compares, and its owner is told once.

What is to be compared is a row that came with the change: a request that was sent, a
number that somebody searched for, a record that was newly shared. The owner learns
which record it is, and who looks; of a request that is confidential, not even that
(UNTOC 18(20)). Whoever looks learns nothing of it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask import current_app
from sqlalchemy import and_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload

from tracing.casework import queries, records
from tracing.casework.apply import utcnow
from tracing.directory import names
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import (
    Authority,
    Item,
    Marking,
    OutboxMessage,
    RegistryHit,
    RegistrySought,
    SharedRecord,
    TraceRequest,
)
from tracing.models.keys import answers
from tracing.notifications import compose
from workflows.errors import NotVisible
from workflows.markings import read
from workflows.matching import Ask, climb
from workflows.policies import Actor, require_records
from workflows.ranking import Possible, Traits
from workflows.states import OPEN
from workflows.vocabulary import Agreement, MarkType, Rung

EVENT: Final = "record_sought"
FACTS: Final = {"path": "/records/sightings"}
"""All that a mail may know: neither the record nor who looks."""

SIZE: Final = 25
MOST: Final = 200
SURE: Final = frozenset({Rung.EXACT, Rung.FOLDED})
AGREE: Final = frozenset({Agreement.AGREES, Agreement.PARTLY})


@dataclass(frozen=True, slots=True)
class Seen:
    """A shared record, and who looks for what may be it."""

    item_id: int
    owner_id: int
    seeker_id: int
    rung: Rung
    request: TraceRequest | None = None

    @property
    def pair(self) -> str:
        """Return what makes it the same one, however often it is met."""
        about = self.request.id if self.request else ""
        plain = f"{self.item_id}|{self.seeker_id}|{about}"
        return hashlib.sha256(plain.encode()).hexdigest()


# -------------------------------------------------------------- what is to be compared


def seek(
    authority_id: int, *, request: TraceRequest | None = None, text: str | None = None
) -> None:
    """Let the worker compare a request that was sent, or a number; part of a change."""
    number = request.id if request is not None else None
    db.session.add(
        RegistrySought(authority_id=authority_id, request_id=number, text=text)
    )


def compare_all(now: datetime | None = None) -> int:
    """Compare what waits, each in a transaction of its own; return how many were told."""
    told = 0
    while (count := _compare_one(now or utcnow())) is not None:
        told += count
    return told


def _compare_one(now: datetime) -> int | None:
    row = db.session.scalar(
        select(RegistrySought)
        .order_by(RegistrySought.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if row is None:
        db.session.rollback()
        return None
    new = [seen for seen in _seen(row) if _keep(seen, now)]
    for owner_id in sorted({seen.owner_id for seen in new}):
        _tell(owner_id, now)
    db.session.delete(row)
    for seen in new:
        _enter(seen)
    db.session.commit()
    return len(new)


def _seen(row: RegistrySought) -> Iterator[Seen]:
    if row.item_id is not None:
        item = db.session.get(SharedRecord, row.item_id)
        yield from _by_request(item) if item is not None else ()
        return
    request = None
    if row.request_id is not None:
        request = db.session.get_one(TraceRequest, row.request_id)
    of = Traits() if request is None else _traits(request.item)
    texts = [row.text] if row.text else []
    if request is not None and not texts:
        texts = [mark.text for mark in request.item.serials]
    for text in texts:
        for one in records.search_shared(row.authority_id, text, of).possible:
            if _is_near(one):
                line = one.what
                found = (line.id, line.authority_id, row.authority_id, one.hit.rung)
                yield Seen(*found, request)


def _by_request(item: SharedRecord) -> Iterator[Seen]:
    """Find the open requests of others about what may be a newly shared item."""

    def rows(ask: Ask) -> Iterator[tuple[int, str]]:
        statement = (
            select(TraceRequest.id, Marking.text)
            .join(Item, Item.request_id == TraceRequest.id)
            .join(Marking, Marking.item_id == Item.id)
            .where(
                answers(Marking, ask),
                Marking.type == MarkType.SERIAL,
                TraceRequest.state.in_(OPEN),
                TraceRequest.requesting_id != item.authority_id,
            )
            .limit(MOST)
        )
        yield from ((number, text) for number, text in db.session.execute(statement))

    own = _traits(item)
    for number, hit in climb(read(item.text), rows):
        request = db.session.get_one(TraceRequest, number)
        (fields,) = names.agreements(own, [_traits(request.item)])
        one = Possible(number, hit, fields)
        if _is_near(one):
            seeker = request.requesting_id
            yield Seen(item.item_id, item.authority_id, seeker, hit.rung, request)


def _traits(item: Item | SharedRecord) -> Traits:
    return Traits(
        *(item.make, item.model, item.calibre, item.country_of_manufacture, item.year)
    )


def _is_near(one: Possible[Any]) -> bool:
    """Tell whether it is worth a message: the same number, or a near one and more."""
    if one.hit.rung in SURE:
        return True
    said = {field.name: field.agreement for field in one.fields}
    return said["make"] in AGREE or said["model"] in AGREE


# ------------------------------------------------------------------------ who is told


def _keep(seen: Seen, now: datetime) -> bool:
    """Write it down for the owner; tell whether it is new."""
    hidden = seen.request is not None and seen.request.confidential
    request_id = seen.request.id if seen.request is not None else None
    # Both dialects have the clause; SQLAlchemy has no common word for it.
    dialect = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    insert = (
        dialect.insert(RegistryHit)
        .values(
            authority_id=seen.owner_id,
            item_id=seen.item_id,
            seeker_id=None if hidden else seen.seeker_id,
            request_id=None if hidden else request_id,
            rung=seen.rung,
            pair=seen.pair,
            found_at=now,
        )
        .on_conflict_do_nothing(index_elements=["pair"])
        .returning(RegistryHit.id)
    )
    return db.session.scalar(insert) is not None


def _tell(owner_id: int, now: datetime) -> None:
    owner = db.session.get_one(Authority, owner_id)
    to = compose.mailbox_of(owner)
    if not to.address:
        return
    db.session.add(
        OutboxMessage(
            message_id=compose.new_message_id(current_app.config["MAIL_DOMAIN"]),
            authority_id=owner_id,
            event=EVENT,
            recipient=to.address,
            language=to.language,
            facts=dict(FACTS),
            created_at=now,
            next_at=now,
        )
    )


def _enter(seen: Seen) -> None:
    said = {"rung": seen.rung.value}
    about = records.about(seen.item_id)
    parties = (seen.owner_id,)
    journal.record(Kind.RECORD_SOUGHT, None, about=about, parties=parties, payload=said)


# ----------------------------------------------------------------- what the owner reads


def told(
    actor: Actor, *, before: int | None = None
) -> tuple[Sequence[RegistryHit], int | None]:
    """Return a page of what the authority was told, the newest first."""
    require_records(actor)
    query = (
        select(RegistryHit)
        .where(RegistryHit.authority_id == actor.authority_id)
        .options(joinedload(RegistryHit.item), joinedload(RegistryHit.seeker))
        .order_by(RegistryHit.id.desc())
        .limit(SIZE + 1)
    )
    if before is not None:
        query = query.where(RegistryHit.id < before)
    rows = db.session.scalars(query).all()
    more = rows[SIZE - 1].id if len(rows) > SIZE else None
    return rows[:SIZE], more


def references(actor: Actor, hits: Sequence[RegistryHit]) -> dict[int, str]:
    """Return the references of those requests that the actor may see anyway."""
    numbers = {hit.request_id for hit in hits if hit.request_id is not None}
    rows = db.session.execute(
        select(TraceRequest.id, TraceRequest.reference).where(
            and_(TraceRequest.id.in_(numbers), queries.visible_to(actor))
        )
    ).all()
    return {row.id: row.reference for row in rows}


def unseen(actor: Actor) -> bool:
    """Tell whether there is something that nobody has looked at."""
    some = (
        select(RegistryHit.id)
        .where(
            RegistryHit.authority_id == actor.authority_id,
            RegistryHit.seen_at.is_(None),
        )
        .limit(1)
    )
    return db.session.scalar(some) is not None


def see(actor: Actor, number: int, now: datetime | None = None) -> None:
    """Say that somebody has looked at it."""
    require_records(actor)
    records.require_number(number, "There is no such message.")
    hit = db.session.scalar(
        select(RegistryHit).where(
            RegistryHit.id == number,
            RegistryHit.authority_id == actor.authority_id,
        )
    )
    if hit is None:
        raise NotVisible("There is no such message.")
    if hit.seen_at is None:
        hit.seen_at, hit.seen_by_id = now or utcnow(), actor.user_id
    db.session.commit()
