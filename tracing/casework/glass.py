"""Breaking the glass: an operator reads one case, when two decide so, for an hour.

The operator of the platform opens no cases. In an emergency one asks and another gives
leave; both authorities are told in the same transaction.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from flask import current_app
from marshmallow import ValidationError
from sqlalchemy import or_, select

from tracing.casework.references import is_reference
from tracing.extensions import db, wake
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import BreakGlass, OutboxMessage, TraceRequest
from tracing.notifications.compose import (
    facts_of,
    letters_to,
    mailbox_of,
    new_message_id,
)
from tracing.schemas.fields import Block
from tracing.security import isolation
from workflows.errors import NotPermitted, NotVisible
from workflows.policies import Actor, require_operator
from workflows.states import Party, State
from workflows.vocabulary import N_

LASTS: Final = timedelta(hours=1)
WAITS: Final = timedelta(hours=24)
"""How long another operator may take to give leave."""

SHORTEST: Final = 20
REASON: Final = Block(2000, label=N_("Reason"))
EVENT: Final = "break_glass"


class Unclear(Exception):
    """The reference or the reason does not say enough."""


def ask(actor: Actor, reference: str, reason: str, now: datetime) -> None:
    """Ask to open a request; the answer does not tell whether there is one."""
    require_operator(actor)
    wanted = reference.strip().upper()
    try:
        text = REASON.deserialize(reason)
    except ValidationError as error:
        raise Unclear from error
    if not is_reference(wanted) or len(text) < SHORTEST:
        raise Unclear
    db.session.add(
        BreakGlass(
            reference=wanted, reason=text, asked_by_id=actor.user_id, asked_at=now
        )
    )
    # About what was typed, whether there is such a request or not: nobody learns which,
    # and if there is, the reason is erased with it.
    journal.record(Kind.GLASS_ASKED, actor, about=wanted, payload={"reason": text})
    db.session.commit()


def give(actor: Actor, number: int, now: datetime) -> None:
    """Give another operator leave, and tell both authorities."""
    require_operator(actor)
    isolation.break_glass()
    asked = db.session.scalar(
        select(BreakGlass)
        .where(
            BreakGlass.id == number,
            BreakGlass.until.is_(None),
            BreakGlass.asked_at > now - WAITS,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if asked is None:
        raise NotVisible("Nobody asks for this.")
    if asked.asked_by_id == actor.user_id:
        db.session.rollback()
        raise NotPermitted("Another operator must give leave.")
    request = db.session.scalar(
        select(TraceRequest).where(
            TraceRequest.reference == asked.reference,
            TraceRequest.state != State.DRAFT,
        )
    )
    if request is None:
        db.session.rollback()
        raise NotVisible("There is no such request.")
    asked.request_id = request.id
    asked.given_by_id = actor.user_id
    asked.given_at = now
    asked.until = now + LASTS
    db.session.add_all(_messages(request, now))
    journal.record(
        Kind.GLASS_BROKEN,
        actor,
        about=request.reference,
        parties=(request.requesting_id, request.requested_id),
        payload={"reason": asked.reason, "asked_by": asked.asked_by_id},
    )
    db.session.commit()
    wake()


def _messages(request: TraceRequest, now: datetime) -> list[OutboxMessage]:
    """Return the notice to the mailbox of each side, or to who has it in hand."""
    facts = facts_of(request, None)
    told = [(mailbox_of(request.requesting), EVENT, facts, request.requesting_id)]
    if request.requested is not None:
        asked = request.requested
        letters = [(mailbox_of(asked), EVENT, facts)]
        if request.confidential:
            letters = letters_to(request, Party.REQUESTED, EVENT, facts)
        told += [(*letter, asked.id) for letter in letters]
    return [
        OutboxMessage(
            message_id=new_message_id(current_app.config["MAIL_DOMAIN"]),
            request_id=request.id,
            authority_id=authority_id,
            event=event,
            recipient=recipient.address,
            language=recipient.language,
            facts=dict(said),
            created_at=now,
            next_at=now,
        )
        for recipient, event, said, authority_id in told
        if recipient.address
    ]


def asked(actor: Actor, now: datetime) -> Sequence[BreakGlass]:
    """Return what is asked for or open, the newest first."""
    require_operator(actor)
    return db.session.scalars(
        select(BreakGlass)
        .where(
            or_(
                BreakGlass.until > now,
                BreakGlass.until.is_(None) & (BreakGlass.asked_at > now - WAITS),
            )
        )
        .order_by(BreakGlass.id.desc())
        .limit(50)
    ).all()


def opened(actor: Actor, number: int, now: datetime) -> TraceRequest:
    """Return the request the actor was given leave to read, as long as it lasts."""
    require_operator(actor)
    isolation.break_glass()
    found = db.session.scalar(
        select(TraceRequest)
        .join(BreakGlass, BreakGlass.request_id == TraceRequest.id)
        .where(
            BreakGlass.id == number,
            BreakGlass.asked_by_id == actor.user_id,
            BreakGlass.until > now,
        )
    )
    if found is None:
        raise NotVisible("There is no such request.")
    return found
