"""Links sent by mail: an invitation, or a new password. Each is good once."""

import secrets
from datetime import datetime, timedelta
from typing import Final

from flask import current_app, request
from sqlalchemy import select

from tracing.accounts import (
    entries,
    letters,
    links,
    passwords,
    people,
    sessions,
    signing,
    waits,
)
from tracing.accounts.letters import INVITATION, NEW_PASSWORD, News
from tracing.extensions import db
from tracing.journal.kinds import Kind
from tracing.models import Account, AccountSession, AccountToken
from tracing.security import tokens

LASTS: Final = {INVITATION: timedelta(hours=72), NEW_PASSWORD: timedelta(minutes=30)}
PATHS: Final = {INVITATION: "/invitation/", NEW_PASSWORD: "/new-password/"}


class LinkVoid(Exception):
    """The link was used, has run out, or never was."""


def send(account: Account, kind: str, now: datetime, by: int | None = None) -> None:
    """Send a link to a person. The caller commits.

    Of invitations the last one counts. Who asks for a new password may be anybody: the
    links sent before stay good until they run out or a password is chosen.
    """
    if kind == INVITATION:
        links.void(account.id, kind, now)
    salt = secrets.token_urlsafe(16)
    token = tokens.derive(str(current_app.config["SECRET_KEY"]), kind, salt)
    db.session.add(
        AccountToken(
            kind=kind,
            token_hash=tokens.hash_of(token),
            account_id=account.id,
            made_by_id=by,
            made_at=now,
            expires_at=now + LASTS[kind],
        )
    )
    letters.write(account, kind, {"path": PATHS[kind], "salt": salt}, now)


def whose(kind: str, token: str, now: datetime) -> Account:
    """Return the person a link was sent to, or raise LinkVoid."""
    row = _row(kind, token, now, lock=False)
    return _person(row)


def _person(row: AccountToken) -> Account:
    account = db.session.get(Account, row.account_id)
    if account is None or not account.active or account.machine:
        raise LinkVoid
    return account


def _row(kind: str, token: str, now: datetime, *, lock: bool) -> AccountToken:
    asked = select(AccountToken).where(
        AccountToken.token_hash == tokens.hash_of(token), AccountToken.kind == kind
    )
    if lock:
        asked = asked.with_for_update().execution_options(populate_existing=True)
    row = db.session.scalar(asked)
    if row is None or row.used_at is not None or row.expires_at <= now:
        raise LinkVoid
    return row


def accept(token: str, password: str, now: datetime) -> AccountSession:
    """Take an invitation up: the password is chosen, the second factor comes next."""
    row = _row(INVITATION, token, now, lock=True)
    account = _person(row)
    row.used_at = now
    account.password = passwords.hashed(password)
    entries.enter(Kind.PASSWORD_CHANGED, account)
    return signing.enter(account, now)


def set_password(token: str, password: str, now: datetime) -> None:
    """Keep the new password; all sessions end and the second factor stays."""
    row = _row(NEW_PASSWORD, token, now, lock=True)
    account = _person(row)
    account.password = passwords.hashed(password)
    links.void(account.id, NEW_PASSWORD, now)
    sessions.end_all(account.id)
    letters.tell(account, News.PASSWORD, now)
    entries.enter(Kind.PASSWORD_CHANGED, account)
    db.session.commit()


def ask_for_password(email: str, now: datetime) -> None:
    """Send a link, if somebody who has accepted an invitation has this address.

    Nothing tells whether it was sent: not the answer, and not the time it takes.
    """
    try:
        address = people.address_of(email[: signing.EMAIL_LENGTH])
    except ValueError:
        address = ""
    account = db.session.scalar(select(Account).where(Account.email == address))
    heard = _is_heard(address, account, now)
    # As much work as checking a password: what differs is small beside it.
    passwords.is_right("a password that nobody has", None)
    usable = account is not None and account.active and bool(account.password)
    if account is not None and usable and (heard or not _has_link(account, now)):
        send(account, NEW_PASSWORD, now)
    if heard:
        entries.refused(account, Kind.PASSWORD_ASKED)
    db.session.commit()


def _is_heard(address: str, account: Account | None, now: datetime) -> bool:
    """Count that somebody asks; raise WaitFirst where it is their own doing.

    What strangers have asked for in somebody's name makes nobody wait: past the limit
    nothing is sent while a link is still good, and the answer is the same.
    """
    device = signing.known_device(account)
    if device and account is not None:
        key = waits.key_of("reset", device, str(account.id))
        waits.count({key: waits.BY_ACCOUNT}, now)
        return True
    place = waits.address_key(request.remote_addr)
    if place is not None:
        waits.count({place: waits.BY_ADDRESS}, now)
    try:
        waits.count({waits.key_of("reset", address): waits.BY_ACCOUNT}, now)
    except waits.WaitFirst:
        return False
    return True


def _has_link(account: Account, now: datetime) -> bool:
    """Tell whether a link by which to choose a password is in the mailbox."""
    found = db.session.scalar(
        select(AccountToken.id).where(
            AccountToken.account_id == account.id,
            AccountToken.kind == NEW_PASSWORD,
            AccountToken.used_at.is_(None),
            AccountToken.expires_at > now,
        )
    )
    return found is not None
