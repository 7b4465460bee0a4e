"""Introductions: two authorities that ask about one item, and may not know of it.

Who searches before filing learns that there is another request, if its owner lets
itself be introduced, and nothing else: not whose, not where, not when. He may ask to be
introduced. The owner is told who asks, and accepts or declines; only then each side has
the contact of the other. Confidential requests, drafts and what is erased are never
told of.

The pages write the rows of their own authority; the worker, who sees all, carries from
one side to the other.
"""

import logging
import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from flask import current_app
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import aliased, joinedload

from tracing.casework import lookups, queries
from tracing.casework.apply import enter, utcnow
from tracing.directory import names
from tracing.extensions import ask_registers, db, wake
from tracing.journal import journal
from tracing.journal.kinds import Kind as Entry
from tracing.lookups.port import Asker, Candidate, Query
from tracing.lookups.registers import ELSEWHERE
from tracing.models import (
    Authority,
    Introduction,
    Item,
    Lookup,
    Marking,
    Meeting,
    OutboxMessage,
    Side,
    TraceRequest,
)
from tracing.models.keys import answers
from tracing.models.sealed import SealBroken
from tracing.notifications.compose import mailbox_of, new_message_id, officer
from tracing.security import isolation
from tracing.security.fields import field_keys
from workflows.errors import FactMissing, NotPermitted, NotVisible, TransitionNotAllowed
from workflows.markings import read
from workflows.matching import Ask, climb
from workflows.policies import Actor, may_file, may_keep
from workflows.ranking import Traits
from workflows.states import State
from workflows.vocabulary import Agreement, MarkType, Rung

log = logging.getLogger(__name__)
MOST_MET: Final = 5
MOST_ROWS: Final = 200
FEWEST_KNOWN: Final = 4
"""Characters of a number that is not whole: fewer fit too much."""

NEAR: Final = frozenset({Rung.EXACT, Rung.FOLDED, Rung.PATTERN})
ASKED, ACCEPTED, DECLINED = (
    "introduction_asked",
    "introduction_accepted",
    "introduction_declined",
)


# ------------------------------------------------------- who else has asked: the worker


def others(query: Query, asker: Asker) -> Sequence[Candidate]:
    """Return somebody for each request of others about this item that may be told of.

    It works for nobody: what is somebody else's is compared here and never returned.
    """
    isolation.work_for_nobody()
    mark = read(query.serial)
    known = [position for position in mark.compared if position.can_be]
    if len(known) < FEWEST_KNOWN:
        return ()
    wanted = Traits(
        query.make or None,
        query.model or None,
        query.calibre or None,
        query.country or None,
        query.year,
    )
    owner = aliased(Authority)

    def rows(ask: Ask) -> Iterator[tuple[tuple[int, Traits], str]]:
        statement = (
            select(
                TraceRequest.id,
                Marking.text,
                *(Item.make, Item.model, Item.calibre),
                *(Item.country_of_manufacture, Item.year),
            )
            .join(Item, Item.request_id == TraceRequest.id)
            .join(Marking, Marking.item_id == Item.id)
            .join(owner, owner.id == TraceRequest.requesting_id)
            .where(
                answers(Marking, ask),
                Marking.type == MarkType.SERIAL,
                *_may_be_told(owner, asker.authority),
            )
            .order_by(Marking.id)
            .limit(MOST_ROWS)
        )
        for row in db.session.execute(statement):
            number, text, make, model, calibre, country, year = row
            yield (number, Traits(make, model, calibre, country, year)), text

    near = (
        (number, hit, traits)
        for (number, traits), hit in climb(mark, rows)
        if hit.rung in NEAR
    )
    found = [
        one.what
        for one in names.likeliest(wanted, near)
        if not any(
            field.name == "make" and field.agreement is Agreement.DIFFERS
            for field in one.fields
        )
    ][:MOST_MET]
    db.session.rollback()
    return [Candidate(_sealed(number, asker.key)) for number in found]


def _may_be_told(owner: type[Authority], code: str) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of a request that an authority may be told of."""
    own = select(Authority.id).where(Authority.code == code).scalar_subquery()
    return (
        owner.introduces.is_(True),
        TraceRequest.state != State.DRAFT,
        TraceRequest.confidential.is_(False),
        TraceRequest.keep_request_confidential.is_not(True),
        TraceRequest.erased_at.is_(None),
        TraceRequest.requesting_id != own,
        TraceRequest.requested_id != own,
    )


def _place(key: str) -> str:
    return f"introduction|{key}"


def _sealed(number: int, key: str) -> str:
    """Return a request as nobody but this installation reads it."""
    return field_keys().close(str(number), _place(key))


def _opened(candidate: str, key: str) -> int | None:
    try:
        return int(field_keys().open(candidate, _place(key)))
    except SealBroken:
        return None


# -------------------------------------------------------------------- who asks: a page


def ask(
    reference: str,
    key: str,
    actor: Actor,
    *,
    candidate: str,
    text: str,
    now: datetime | None = None,
) -> Introduction:
    """Ask to be introduced to whoever has asked about the same item; once."""
    row = lookups.one(reference, key, actor, lock=True)
    require_asking(actor, row.request)
    met = {one["id"] for one in row.candidates or ()}
    if row.register != ELSEWHERE or candidate not in met:
        raise FactMissing("Choose one of the candidates.")
    if not text.strip():
        raise FactMissing("Say in a sentence why you want to be introduced.")
    again = db.session.scalar(
        select(Introduction.id).where(
            Introduction.lookup_id == row.id, Introduction.candidate == candidate
        )
    )
    if again is not None:
        raise TransitionNotAllowed("You have asked for this introduction already.")
    made = Introduction(
        key=secrets.token_hex(16),
        side=Side.ASKING,
        authority_id=actor.authority_id,
        request_id=row.request_id,
        lookup_id=row.id,
        candidate=candidate,
        stage=Meeting.ASKED,
        account_id=actor.user_id,
        asked_at=now or utcnow(),
    )
    made.text = text.strip()
    db.session.add(made)
    said = {"look_up": row.key, "text": made.text}
    enter(Entry.INTRODUCTION_ASKED, row.request, actor, **said)
    db.session.commit()
    ask_registers()
    return made


def require_asking(actor: Actor, request: TraceRequest) -> None:
    """Refuse who does not file for the side that asks."""
    if not may_file(actor) or request.requesting_id != actor.authority_id:
        raise NotPermitted("Your role does not allow this; the role investigator does.")


def of_request(request: TraceRequest, actor: Actor) -> Sequence[Introduction]:
    """Return one's own side of the introductions about a request."""
    return db.session.scalars(
        select(Introduction)
        .where(
            Introduction.authority_id == actor.authority_id,
            Introduction.request_id == request.id,
        )
        .options(joinedload(Introduction.other), joinedload(Introduction.account))
        .order_by(Introduction.id)
        .limit(MOST_ROWS)
    ).all()


# ----------------------------------------------------------------- who answers: a page


def answer(
    reference: str,
    key: str,
    actor: Actor,
    *,
    accept: bool,
    now: datetime | None = None,
) -> Introduction:
    """Accept or decline, as the owner of the request that was met."""
    request = queries.by_reference(reference, actor)
    if not may_file(actor):
        raise NotPermitted("Your role does not allow this; the role investigator does.")
    row = db.session.scalar(
        select(Introduction)
        .where(
            Introduction.authority_id == actor.authority_id,
            Introduction.request_id == request.id,
            Introduction.side == Side.OWNER,
            Introduction.key == key,
        )
        .with_for_update(of=Introduction)
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotVisible("Nobody asks for this.")
    if row.stage is not Meeting.ASKED:
        raise TransitionNotAllowed("This was answered already.")
    row.stage = Meeting.ACCEPTED if accept else Meeting.DECLINED
    row.account_id, row.answered_at = actor.user_id, now or utcnow()
    enter(Entry.INTRODUCTION_ANSWERED, request, actor, answer=row.stage.value)
    db.session.commit()
    ask_registers()
    return row


def introduces(actor: Actor) -> bool:
    """Tell whether the authority lets itself be introduced."""
    return db.session.get_one(Authority, actor.authority_id).introduces


def set_introduces(actor: Actor, *, allowed: bool) -> None:
    """Let other authorities be told that one has asked about an item, or not."""
    if not may_keep(actor):
        raise NotPermitted("The roles supervisor and administrator do this.")
    db.session.get_one(Authority, actor.authority_id).introduces = allowed
    journal.record(Entry.INTRODUCING_CHANGED, actor, payload={"introduces": allowed})
    db.session.commit()


# ------------------------------------------------- from one side to the other: a worker


def carry(now: datetime | None = None) -> int:
    """Carry what was asked to the owners, and their answers back; return how many."""
    at, done = now or utcnow(), 0
    due = select(Introduction.id).where(Introduction.carried_at.is_(None))
    asked = due.where(
        Introduction.side == Side.ASKING, Introduction.stage == Meeting.ASKED
    )
    answered = due.where(
        Introduction.side == Side.OWNER, Introduction.stage != Meeting.ASKED
    )
    for wanted, take in ((asked, _to_owner), (answered, _back)):
        for number in db.session.scalars(wanted.order_by(Introduction.id)).all():
            row = db.session.scalar(
                select(Introduction)
                .where(Introduction.id == number, Introduction.carried_at.is_(None))
                .with_for_update(of=Introduction, skip_locked=True)
                .execution_options(populate_existing=True)
            )
            if row is not None:
                row.carried_at = at
                take(row, at)
                done += 1
            db.session.commit()
    if done:
        wake()
    return done


def _to_owner(row: Introduction, now: datetime) -> None:
    """Tell the owner who asks; who lets itself be introduced no more is not told."""
    look_up = db.session.get(Lookup, row.lookup_id) if row.lookup_id else None
    number = _opened(row.candidate, look_up.key) if look_up else None
    owner = aliased(Authority)
    met = db.session.scalar(
        select(TraceRequest)
        .join(owner, owner.id == TraceRequest.requesting_id)
        .where(
            TraceRequest.id == number,
            *_may_be_told(owner, look_up.authority_code if look_up else ""),
        )
    )
    if met is None:
        log.info("an introduction leads nowhere any more")
        return
    theirs = Introduction(
        key=row.key,
        side=Side.OWNER,
        authority_id=met.requesting_id,
        request_id=met.id,
        other_id=row.authority_id,
        candidate="",
        stage=Meeting.ASKED,
        asked_at=row.asked_at,
    )
    theirs.text = row.text
    db.session.add(theirs)
    _mail(met, ASKED, now)
    _enter(Entry.INTRODUCTION_ASKED, met, {"by": row.authority_id})


def _back(row: Introduction, now: datetime) -> None:
    """Tell who has asked what the owner says; the contact only after a yes."""
    asking = db.session.scalar(
        select(Introduction).where(
            Introduction.key == row.key, Introduction.side == Side.ASKING
        )
    )
    if asking is None:
        return
    asking.stage, asking.answered_at = row.stage, row.answered_at
    accepted = row.stage is Meeting.ACCEPTED
    asking.other_id = row.authority_id if accepted else None
    _mail(asking.request, ACCEPTED if accepted else DECLINED, now)
    if accepted:
        # Both have said yes now: this is the word that the contact is there.
        _mail(row.request, ACCEPTED, now)
    _enter(Entry.INTRODUCTION_ANSWERED, asking.request, {"answer": row.stage.value})


def _enter(kind: Entry, request: TraceRequest, said: dict[str, object]) -> None:
    """Enter it in the chain of the authority it tells something."""
    journal.record(
        kind,
        None,
        about=request.reference,
        parties=(request.requesting_id,),
        payload=said,
    )


def _mail(request: TraceRequest, event: str, now: datetime) -> None:
    """Write to the side that asks: its mailbox, and who has filed the request."""
    to = {one.address: one for one in officer(request.filed_by)}
    box = mailbox_of(request.requesting)
    for recipient in {box.address: box, **to}.values():
        db.session.add(
            OutboxMessage(
                message_id=new_message_id(current_app.config["MAIL_DOMAIN"]),
                request_id=request.id,
                authority_id=request.requesting_id,
                event=event,
                recipient=recipient.address,
                language=recipient.language,
                facts={
                    "number": request.mail_number,
                    "path": f"/go/{request.mail_number}",
                },
                created_at=now,
                next_at=now,
            )
        )
