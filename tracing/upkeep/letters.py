"""Mails to the mailboxes of an entry, and the links in them, each good once."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from flask import current_app
from sqlalchemy import select, update

from tracing.extensions import db
from tracing.models import Authority, DirectoryLink, OutboxMessage
from tracing.notifications.compose import language_of_mailbox, new_message_id
from tracing.security import isolation, tokens

ASKED: Final = "contact_asked"
"""A mail with a link for whoever reads the mailbox: no page shows it."""

TOLD: Final = "contact_told"
"""The folders of the words; what is told apart in them is `News`."""

PATH: Final = "/points-of-contact/link/"


class News(StrEnum):
    """What a mailbox is told or asked."""

    ASK = "ask"
    AGAIN = "again"
    LAST = "last"
    SUPERVISORS = "supervisors"
    TEST = "test"
    PROPOSED = "proposed"
    CHANGED = "changed"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


class Link(StrEnum):
    """What a link is good for."""

    CONFIRM = "confirm"
    TEST = "test"


LINK_LASTS: Final = timedelta(days=60)


class LinkVoid(Exception):
    """The link was used, has run out, or never was."""


def write(
    authority: Authority,
    address: str,
    news: News,
    now: datetime,
    *,
    path: str = "",
    salt: str | None = None,
    key: str | None = None,
) -> OutboxMessage:
    """Add a message to a mailbox. The caller commits."""
    # Not by its code: that would name the State.
    path = path or "/points-of-contact/mine"
    facts: dict[str, Any] = {"path": path, "news": news.value}
    if salt is not None:
        facts["salt"] = salt
    message = OutboxMessage(
        message_id=new_message_id(current_app.config["MAIL_DOMAIN"]),
        request_id=None,
        authority_id=authority.id,
        event=ASKED if salt else TOLD,
        recipient=address,
        language=language_of_mailbox(authority),
        facts=facts,
        reminder_key=key,
        created_at=now,
        next_at=now,
    )
    # A mailbox is told by whom it concerns, who may be of another authority.
    db.session.flush()
    with isolation.working_for(authority.id):
        db.session.add(message)
        db.session.flush()
    return message


def write_with_link(
    authority: Authority, address: str, kind: Link, news: News, now: datetime
) -> None:
    """Add a message with a link for whoever reads that mailbox. The caller commits."""
    salt = secrets.token_urlsafe(16)
    token = tokens.derive(str(current_app.config["SECRET_KEY"]), ASKED, salt)
    db.session.add(
        DirectoryLink(
            token_hash=tokens.hash_of(token),
            authority_id=authority.id,
            kind=kind.value,
            address=address,
            made_at=now,
            expires_at=now + LINK_LASTS,
        )
    )
    write(authority, address, news, now, path=PATH, salt=salt)


def tell(
    authority: Authority, addresses: Iterable[str], news: News, now: datetime
) -> None:
    """Tell several addresses, each once. The caller commits."""
    known = {address.lower(): address for address in addresses if address}
    for address in known.values():
        write(authority, address, news, now)


def link_of(token: str, now: datetime, *, lock: bool = False) -> DirectoryLink:
    """Return what a token opens, or raise LinkVoid."""
    asked = select(DirectoryLink).where(
        DirectoryLink.token_hash == tokens.hash_of(token[:200])
    )
    if lock:
        asked = asked.with_for_update().execution_options(populate_existing=True)
    row = db.session.scalar(asked)
    if row is None or row.used_at is not None or row.expires_at <= now:
        raise LinkVoid
    return row


def void(authority_id: int, kind: Link, now: datetime) -> None:
    """Make the links of a kind to an entry good for nothing. The caller commits."""
    db.session.execute(
        update(DirectoryLink)
        .where(
            DirectoryLink.authority_id == authority_id,
            DirectoryLink.kind == kind.value,
            DirectoryLink.used_at.is_(None),
        )
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )


def last_link(authority_id: int, kind: Link) -> DirectoryLink | None:
    """Return the newest link of a kind to an entry."""
    return db.session.scalar(
        select(DirectoryLink)
        .where(
            DirectoryLink.authority_id == authority_id, DirectoryLink.kind == kind.value
        )
        .order_by(DirectoryLink.id.desc())
        .limit(1)
    )
