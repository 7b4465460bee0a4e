"""Signing in: the password, then the second factor; the same for every way in."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from flask import request
from sqlalchemy import select

from tracing.accounts import (
    entries,
    factors,
    letters,
    links,
    passwords,
    people,
    sessions,
    waits,
)
from tracing.accounts.letters import NEW_PASSWORD, News
from tracing.extensions import db
from tracing.journal.kinds import Kind
from tracing.models import Account, AccountSession

DEVICE_COOKIE: Final = "known"
DEVICE_LASTS: Final = 180 * 24 * 3600
EMAIL_LENGTH: Final = 254


def cookie_name() -> str:
    """Return the name of the cookie by which a browser is known."""
    https = sessions.settings().behind_https
    return f"__Host-{DEVICE_COOKIE}" if https else DEVICE_COOKIE


def _account_of(email: str) -> tuple[str, Account | None]:
    """Return the address as it is stored, and whose it is."""
    try:
        address = people.address_of(email[:EMAIL_LENGTH])
    except ValueError:
        return email[:EMAIL_LENGTH].strip().lower(), None
    return address, db.session.scalar(select(Account).where(Account.email == address))


def known_device(account: Account | None) -> str:
    """Return the name of this browser where the account has signed in before, or ''."""
    cookie = request.cookies.get(cookie_name())
    return waits.device_of(cookie, account.id if account else None)


def attempts_on(email: str, account: Account | None) -> dict[str, int]:
    """Return the counts an attempt is held against."""
    device = known_device(account)
    if device and account is not None:
        return {waits.key_of("device", device, str(account.id)): waits.BY_ACCOUNT}
    keys = {waits.key_of("account", email): waits.BY_ACCOUNT}
    address = waits.address_key(request.remote_addr)
    if address is not None:
        keys[address] = waits.BY_ADDRESS
    return keys


def give_password(email: str, password: str, now: datetime) -> AccountSession | None:
    """Begin a session when the password is right; raise WaitFirst after many wrong.

    An unknown address, an account that is off and a wrong password take the same work
    and leave the same trace.
    """
    address, account = _account_of(email)
    keys = attempts_on(address, account)
    waits.count(keys, now)
    usable = account is not None and account.active
    stored = account.password if account is not None and usable else None
    if not passwords.is_right(password, stored) or account is None:
        entries.refused(account)
        db.session.commit()
        return None
    waits.forgive(keys)
    return enter(account, now)


def enter(account: Account, now: datetime) -> AccountSession:
    """Begin a session for a person known by a first factor. Commits."""
    required = sessions.settings().second_factor_required
    half = required or factors.means_of(account).any
    held = sessions.begin(account, half=half, now=now)
    if not half:
        entries.enter(Kind.SIGNED_IN, account)
    db.session.commit()
    return held


def device_cookie(account_id: int) -> str:
    """Return what the browser keeps of a person who has shown all that is asked for.

    A password alone does not make it known: whoever has it would wait by a count of
    their own.
    """
    return waits.remember_device(request.cookies.get(cookie_name()), account_id)


def leave() -> None:
    """End this session."""
    held = sessions.current()
    if held is not None and not held.half:
        entries.enter(Kind.SIGNED_OUT, held.account)
    sessions.sign_out()


def _factor_key(held: AccountSession) -> str:
    """Return what a wrong factor counts against.

    Whoever has the password alone makes nobody wait who is signed in, or who was
    before at this browser.
    """
    account = str(held.account_id)
    if not held.half:
        return waits.key_of("confirm", account, str(held.id))
    device = known_device(held.account)
    return waits.key_of(*filter(None, ("factor", account, device)))


def _count_factor(held: AccountSession, now: datetime) -> dict[str, int]:
    """Count an attempt; tell the person once when it becomes guessing.

    Whoever gets here knows the password.
    """
    keys = {_factor_key(held): waits.BY_ACCOUNT}
    if waits.count(keys, now):
        letters.tell(held.account, News.MANY_FAILURES, now)
        db.session.commit()
    return keys


@contextmanager
def _entered(held: AccountSession, means: str) -> Iterator[None]:
    """Enter a factor that is not the account's; nothing of it is kept."""
    try:
        yield
    except factors.NotConfirmed:
        entries.refused(held.account, Kind.FACTOR_REFUSED, means=means)
        db.session.commit()
        raise


def show_code(held: AccountSession, code: str, now: datetime) -> None:
    """Accept the authenticator's code; raise NotConfirmed or WaitFirst."""
    keys = _count_factor(held, now)
    with _entered(held, "code"):
        factors.check_code(held, code, now)
    waits.forgive(keys)
    db.session.commit()


def show_key(held: AccountSession, credential: str, now: datetime) -> None:
    """Accept what a security key signed; raise NotConfirmed."""
    with _entered(held, "key"):
        factors.check_key(held, credential, now)


def show_recovery_code(held: AccountSession, code: str, now: datetime) -> None:
    """Accept a recovery code; raise NotConfirmed or WaitFirst."""
    keys = _count_factor(held, now)
    with _entered(held, "recovery code"):
        factors.use_recovery_code(held, code, now)
    waits.forgive(keys)
    db.session.commit()


def show_password(held: AccountSession, password: str, now: datetime) -> None:
    """Accept the password once more, from someone signed in."""
    keys = _count_factor(held, now)
    with _entered(held, "password"):
        if not passwords.is_right(password, held.account.password):
            raise factors.NotConfirmed
    waits.forgive(keys)
    factors.accept(held, now)


def change_password(held: AccountSession, password: str, now: datetime) -> None:
    """Keep a new password and end the other sessions."""
    account = held.account
    account.password = passwords.hashed(password)
    links.void(account.id, NEW_PASSWORD, now)
    letters.tell(account, News.PASSWORD, now)
    sessions.end_all(account.id, but=held)
    sessions.renew(held)
    entries.enter(Kind.PASSWORD_CHANGED, account)
    db.session.commit()


def fault_of_password(account: Account, password: str) -> str | None:
    """Return what is wrong with a new password, and enter that it was refused."""
    fault = passwords.fault_of(password, account)
    if fault is not None:
        entries.refused(account, Kind.PASSWORD_REFUSED)
        db.session.commit()
    return fault


def end_one(held: AccountSession, number: int) -> bool:
    """End one other session of the person; tell whether there was one."""
    ended = sessions.end(held.account_id, number)
    if ended:
        entries.enter(Kind.ACCOUNT_CHANGED, held.account, sessions_ended=1)
    db.session.commit()
    return ended


def end_others(held: AccountSession) -> None:
    """End all sessions of the person but this one."""
    ended = sessions.end_all(held.account_id, but=held)
    entries.enter(Kind.ACCOUNT_CHANGED, held.account, sessions_ended=ended)
    db.session.commit()
