"""Mail that came back: the address is marked, and the message goes to the next one.

It comes back in two ways: the server refuses it for good while it is sent, or takes it
and later sends a notice (RFC 3464) to a mailbox of ours. A notice counts only where it
names a message that we sent, by a Message-ID that nobody can guess.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from typing import Final, cast

from flask import current_app
from sqlalchemy import exists, select
from sqlalchemy.exc import DBAPIError, OperationalError

from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Authority, Bounce, Delivery, OutboxMessage
from tracing.notifications.compose import new_message_id
from tracing.notifications.outbox import NO_MAILBOX
from tracing.ports import Inbox, is_no_mailbox
from tracing.upkeep import letters
from tracing.upkeep.letters import News

log = logging.getLogger(__name__)

BATCH: Final = 100
LARGEST: Final = 1_000_000
"""Bytes of a notice that are read; it quotes what it returns."""

MESSAGE_ID: Final = re.compile(r"<[!-~]{1,250}>")
UNREADABLE: Final = (
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What the library raises at a mail that was written to break it."""

GENERAL: Final = "5.0.0"
"""A status that leaves it to the words what has failed (RFC 3463)."""

BY_SERVER: Final = "smtp"
BY_NOTICE: Final = "notice"


@dataclass(frozen=True, slots=True)
class Returned:
    """What a notice says of one message: that it will not arrive, and why."""

    message_id: str
    why: str


def read_notice(raw: bytes) -> tuple[Returned, ...]:
    """Return what a delivery status notification says did not arrive, for good.

    Anybody can write to this mailbox: what cannot be read says nothing.
    """
    try:
        return _read(raw)
    except UNREADABLE as error:
        log.warning("a notice cannot be read: %s", type(error).__name__)
        return ()


def _read(raw: bytes) -> tuple[Returned, ...]:
    # By the older policy: the newer one breaks at headers that are written wrongly.
    message = message_from_bytes(raw[:LARGEST])
    failed = [part for part in _statuses(message) if _has_failed(part)]
    if not failed:
        return ()
    words = "; ".join(dict.fromkeys(map(_why, failed)))
    return tuple(
        Returned(one, words)
        for one in dict.fromkeys(_originals(message))
        if MESSAGE_ID.fullmatch(one)
    )


def _statuses(message: Message) -> Iterator[Message]:
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status":
            # The first group of headers is about the server, each other about one
            # recipient.
            groups = part.get_payload()
            if isinstance(groups, list):
                yield from cast("list[Message]", groups[1:])


def _has_failed(status: Message) -> bool:
    action = str(status.get("Action", "")).strip().lower()
    code, said = _answer(status)
    return action == "failed" and is_no_mailbox(said if code in ("", GENERAL) else code)


def _why(status: Message) -> str:
    return " ".join(_answer(status)).strip()[:300]


def _answer(status: Message) -> tuple[str, str]:
    """Return the status of a recipient, and what the server said, each in one line."""
    code = _line(status.get("Status", ""))
    # A remark may follow the number.
    return code.partition(" ")[0], _line(status.get("Diagnostic-Code", ""), after=";")


def _line(header: object, after: str = "") -> str:
    text = str(header).replace("\x00", " ").encode("utf-8", "replace").decode()
    return " ".join((text.partition(after)[2] if after else text).split())


def _originals(message: Message) -> Iterator[str]:
    """Return the Message-IDs of what came back, as the notice quotes it."""
    for part in message.walk():
        kind = part.get_content_type()
        if kind == "message/rfc822":
            quoted = part.get_payload()
            if isinstance(quoted, list) and quoted:
                yield str(cast("Message", quoted[0]).get("Message-ID", "")).strip()
        elif kind == "text/rfc822-headers":
            text = part.get_payload(decode=True)
            headers = message_from_bytes(cast("bytes", text))
            yield str(headers.get("Message-ID", "")).strip()


# ------------------------------------------------------------------- what comes of it


def collect(inbox: Inbox, now: datetime) -> int:
    """Read the notices in our mailbox; return how many addresses were marked."""
    marked = 0
    for number, raw in inbox.fetch():
        try:
            marked += _keep(read_notice(raw), now)
        except OperationalError:
            raise
        except DBAPIError:
            # It would be refused each time, and keep all that lie behind it waiting.
            db.session.rollback()
            log.exception("a notice cannot be kept")
        # Only now: what was not kept is read again.
        inbox.done(number)
    return marked


def _keep(notices: Iterable[Returned], now: datetime) -> int:
    marked = 0
    for returned in notices:
        sent = db.session.scalar(
            select(OutboxMessage).where(OutboxMessage.message_id == returned.message_id)
        )
        if sent is not None:
            marked += _mark(sent, BY_NOTICE, returned.why, now)
    db.session.commit()
    return marked


def from_server(now: datetime) -> int:
    """Mark what the mail server has refused for good while it was sent."""
    marked = 0
    known = exists().where(Bounce.message_number == OutboxMessage.id)
    found: Sequence[OutboxMessage] = db.session.scalars(
        select(OutboxMessage)
        .where(
            OutboxMessage.delivery == Delivery.DEAD,
            OutboxMessage.last_error.startswith(NO_MAILBOX),
            ~known,
        )
        .order_by(OutboxMessage.next_at, OutboxMessage.id)
        .limit(BATCH)
    ).all()
    for message in found:
        why = (message.last_error or "").removeprefix(NO_MAILBOX)
        marked += _mark(message, BY_SERVER, why, now)
    db.session.commit()
    return marked


def _mark(message: OutboxMessage, source: str, why: str, now: datetime) -> bool:
    """Keep that a message came back; mark the address, where an entry has it."""
    seen = db.session.scalar(
        select(Bounce.id).where(Bounce.message_number == message.id)
    )
    if seen is not None:
        return False
    authority = _whose(message)
    db.session.add(
        Bounce(
            message_number=message.id,
            authority_id=authority.id if authority else None,
            address=message.recipient,
            at=now,
            source=source,
            why=why[:300],
        )
    )
    if authority is None:
        return False
    _unreachable(authority, message, why, now)
    return True


def _whose(message: OutboxMessage) -> Authority | None:
    """Return the entry that has the address: of this message's sides, else of any."""
    wanted = message.recipient.lower()
    found = db.session.scalars(select(Authority).order_by(Authority.id)).all()
    having = [
        authority
        for authority in found
        if wanted in (one.lower() for one in _addresses(authority))
    ]
    own = (one for one in having if one.id == message.authority_id)
    return next(own, next(iter(having), None))


def _addresses(authority: Authority) -> tuple[str, ...]:
    return (*authority.mailboxes, authority.supervisor_email)


def _unreachable(
    authority: Authority, message: OutboxMessage, why: str, now: datetime
) -> None:
    """Mark the address, tell those that are left, and send the message to the next."""
    address = next(
        one for one in _addresses(authority) if one.lower() == message.recipient.lower()
    )
    was = authority.unreachable
    if address not in was:
        authority.unreachable = (*was, address)
    left = [one for one in authority.mailboxes if one not in authority.unreachable]
    if address not in was:
        told = (*left[:1], authority.supervisor_email)
        reached = [one for one in told if one not in authority.unreachable]
        letters.tell(authority, reached, News.UNREACHABLE, now)
    # What is meant for the supervisors is for no other eyes.
    for_mailboxes = address in authority.mailboxes
    # A link proves that somebody reads the mailbox it was sent to: no other one.
    if left and for_mailboxes and "salt" not in message.facts:
        _send_again(message, left[0], now)
    journal.record(
        Kind.CONTACT_UNREACHABLE,
        None,
        about=authority.code,
        parties=(authority.id,),
        payload={"address": address, "why": why[:300], "next": left[:1]},
    )
    log.warning("mail to %s came back; %s addresses left", authority.code, len(left))


def _send_again(message: OutboxMessage, address: str, now: datetime) -> None:
    db.session.add(
        OutboxMessage(
            message_id=new_message_id(current_app.config["MAIL_DOMAIN"]),
            request_id=message.request_id,
            authority_id=message.authority_id,
            event=message.event,
            recipient=address,
            language=message.language,
            facts=dict(message.facts),
            reminder_key=f"again|{message.id}|{address}"[:200],
            created_at=now,
            next_at=now,
        )
    )
