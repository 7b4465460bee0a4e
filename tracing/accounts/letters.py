"""Mails about accounts: rows of the outbox, written with the change they tell of."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from flask import current_app

from tracing.extensions import db
from tracing.models import Account, Authority, OutboxMessage
from tracing.notifications.compose import (
    LANGUAGES,
    Recipient,
    mailbox_of,
    new_message_id,
)
from tracing.security import isolation


class News(StrEnum):
    """What a person is told of their own account; the words are in the template."""

    PASSWORD = "password"  # noqa: S105 - a kind of news
    AUTHENTICATOR = "authenticator"
    KEY_ADDED = "key_added"
    KEY_REMOVED = "key_removed"
    RECOVERY_CODES = "recovery_codes"
    RECOVERY_USED = "recovery_used"
    FACTOR_RESET = "factor_reset"
    IDENTITY = "identity"
    MANY_FAILURES = "many_failures"
    ROLES = "roles"
    UNUSED = "unused"
    RESET_OUTSIDE = "reset_outside"
    ADDED_OUTSIDE = "added_outside"
    PERSON_TAKEN = "person_taken"
    JOURNAL_TAKEN = "journal_taken"
    RECORDS_TAKEN = "records_taken"
    REQUEST_TAKEN = "request_taken"


TAKEN: Final = frozenset(
    {News.PERSON_TAKEN, News.JOURNAL_TAKEN, News.RECORDS_TAKEN, News.REQUEST_TAKEN}
)
INVITATION: Final = "invitation"
NEW_PASSWORD: Final = "new_password"  # noqa: S105 - the name of a mail
ACCOUNT: Final = "account"
PRIVATE: Final = (INVITATION, NEW_PASSWORD, "contact_asked")
"""Mails whose link is for the person alone, or for who reads a mailbox: no page shows
them.
"""


def write(
    account: Account, event: str, facts: dict[str, Any], now: datetime
) -> OutboxMessage:
    """Add a message to a person, in their language. The caller commits."""
    language = account.language if account.language in LANGUAGES else "en"
    # A program reads no mail; what concerns it, its authority does.
    home = account.authority
    to = mailbox_of(home) if account.machine else Recipient(account.email, language)
    return _write(account.authority_id, to, event, facts, now)


def _write(
    home: int, to: Recipient, event: str, facts: dict[str, Any], now: datetime
) -> OutboxMessage:
    # Whoever signs in, or has forgotten the password, is not known to the database yet.
    isolation.stand_for(home)
    message = OutboxMessage(
        message_id=new_message_id(current_app.config["MAIL_DOMAIN"]),
        request_id=None,
        authority_id=home,
        event=event,
        recipient=to.address,
        language=to.language,
        facts=facts,
        created_at=now,
        next_at=now,
    )
    db.session.add(message)
    return message


def tell_mailbox(authority: Authority, news: News, now: datetime) -> None:
    """Tell the mailbox of an authority of something that was done outside of it."""
    path = "/journal" if news in TAKEN else "/people"
    facts = {"path": path, "news": news.value}
    _write(authority.id, mailbox_of(authority), ACCOUNT, facts, now)


def tell(account: Account, news: News, now: datetime) -> None:
    """Tell a person that something about their account changed."""
    write(account, ACCOUNT, {"path": "/account", "news": news.value}, now)
