"""Sessions: who is signed in where, and for how long.

The cookie carries a random id of 256 bits, the table its hash: a copy of the database
opens no session. What else a visit keeps (language, the token of its forms, words for
the next page) stays in the signed cookie and costs no row.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from flask import Flask, Response, current_app, g, request, session
from sqlalchemy import delete, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import joinedload

from tracing import crash
from tracing.config import Settings
from tracing.extensions import db
from tracing.models import Account, AccountSession
from tracing.security import programs, tokens
from tracing.security.tokens import hash_of
from workflows.policies import Role

SID: Final = tokens.SESSION
KEPT: Final = ("language", "theme")
"""What outlives the change from one person to another at a browser."""

SEEN_EVERY: Final = timedelta(minutes=1)
HALF_LASTS: Final = timedelta(minutes=10)
"""The time to show the second factor after the password."""

MOST: Final = 5
"""Sessions of one account; the oldest makes room.

Those that wait for their second factor make room among themselves: a password alone
ends nobody's work.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lasts without a click, and at all."""

    idle: timedelta
    longest: timedelta


def utc_now() -> datetime:
    """Return the present instant: the clock of the accounts."""
    return datetime.now(UTC)


def settings() -> Settings:
    """Return the settings of this application."""
    found: Settings = current_app.extensions["tracing.settings"]
    return found


def limits_of(account: Account) -> Limits:
    """Return the limits of an account: an administrator's are tighter."""
    chosen = settings()
    idle = chosen.session_idle
    if Role.ADMINISTRATOR in account.role_names:
        idle = min(idle, chosen.session_idle_administrator)
    return Limits(timedelta(seconds=idle), timedelta(seconds=chosen.session_longest))


def is_alive(held: AccountSession, now: datetime) -> bool:
    """Tell whether a session still opens anything."""
    if not held.account.active:
        return False
    if held.half:
        return now < held.created_at + HALF_LASTS
    limits = limits_of(held.account)
    return now < min(held.seen_at + limits.idle, held.created_at + limits.longest)


def current() -> AccountSession | None:
    """Return the session of this request, read once, with the person and the roles.

    It may be a half one: see `signed_in()`.
    """
    if "account_session" not in g:
        g.account_session = _read()
    found: AccountSession | None = g.account_session
    return found


def signed_in() -> AccountSession | None:
    """Return the session of a person who has shown all that is asked for."""
    held = current()
    return None if held is None or held.half else held


def _read() -> AccountSession | None:
    if programs.is_called():
        return None
    token = session.get(SID)
    if not isinstance(token, str):
        return None
    held = db.session.scalar(
        select(AccountSession)
        .where(AccountSession.token_hash == hash_of(token))
        .options(joinedload(AccountSession.account).joinedload(Account.authority))
    )
    if held is None or not is_alive(held, utc_now()):
        return None
    if not held.half:
        # Plain values: after a commit the row would be read again for them.
        g.account_seen = (held.id, held.seen_at)
    return held


def goes_anywhere() -> bool:
    """Tell whether all pages of the roles are open: nothing has to be set up first."""
    if "goes_anywhere" not in g:
        held = current()
        g.goes_anywhere = held is not None and not (held.half or held.lacks_keys)
    return bool(g.goes_anywhere)


def look_again() -> None:
    """Forget what this visit may open: it has just changed."""
    g.pop("goes_anywhere", None)


def _new_token() -> str:
    return secrets.token_urlsafe(32)


def _hold(held: AccountSession | None, token: str | None) -> None:
    """Let this visit be of that session, with a new token for its forms."""
    kept = {name: session[name] for name in KEPT if name in session}
    session.clear()
    session.update(kept)
    if token is not None:
        session[SID] = token
    g.pop("csrf_token", None)
    g.pop("actor", None)
    look_again()
    g.account_session = held


def begin(account: Account, *, half: bool, now: datetime) -> AccountSession:
    """Begin a session under a new id; whatever this browser held before ends.

    The caller commits.
    """
    _drop(current())
    _make_room(account.id, now, half=half)
    token = _new_token()
    held = AccountSession(
        token_hash=hash_of(token),
        account=account,
        half=half,
        lacks_keys=False,
        created_at=now,
        seen_at=now,
        factor_at=None if half else now,
        device=request.user_agent.string[:200],
        address=(request.remote_addr or "")[:45],
    )
    db.session.add(held)
    db.session.flush()
    crash.at("session.begun")
    _hold(held, token)
    if not half:
        g.account_entered = account.id
    return held


def _make_room(
    account_id: int, now: datetime, *, half: bool, but: AccountSession | None = None
) -> None:
    """Remove what has run out, and the oldest of its kind beyond the number."""
    held = db.session.scalars(
        select(AccountSession)
        .where(AccountSession.account_id == account_id)
        .order_by(AccountSession.seen_at.desc())
    ).all()
    others = [one for one in held if one is not but]
    alive = [one for one in others if is_alive(one, now)]
    alike = [one for one in alive if one.half is half]
    for one in ({*others} - {*alive}) | {*alike[MOST - 1 :]}:
        db.session.delete(one)
    db.session.flush()


def renew(held: AccountSession) -> None:
    """Give a session a new id: what was known of the old one opens nothing more."""
    token = _new_token()
    held.token_hash = hash_of(token)
    held.challenge = held.pending_totp = None
    _hold(held, token)


def complete(held: AccountSession, now: datetime) -> None:
    """Take the second factor as shown. The caller commits."""
    _make_room(held.account_id, now, half=False, but=held)
    held.half = False
    held.factor_at = held.seen_at = held.created_at = now
    renew(held)
    g.account_entered = held.account_id


def confirm(held: AccountSession, now: datetime) -> None:
    """Take a factor as shown once more, for a step that asks for it."""
    held.factor_at = now
    renew(held)


def entered() -> int | None:
    """Return whose session was opened by this request, if one was."""
    found: int | None = g.get("account_entered")
    return found


def is_recent(held: AccountSession, minutes: int, now: datetime) -> bool:
    """Tell whether a factor was shown within so many minutes."""
    return held.factor_at is not None and now - held.factor_at < timedelta(
        minutes=minutes
    )


def _drop(held: AccountSession | None) -> None:
    if held is not None:
        db.session.delete(held)
        db.session.flush()


def sign_out() -> None:
    """End this session."""
    _drop(current())
    db.session.commit()
    _hold(None, None)


def of_account(account_id: int) -> Sequence[AccountSession]:
    """Return the sessions of an account that still live, the latest used first."""
    held = db.session.scalars(
        select(AccountSession)
        .where(AccountSession.account_id == account_id, AccountSession.half.is_(False))
        .order_by(AccountSession.seen_at.desc())
    ).all()
    now = utc_now()
    return [one for one in held if is_alive(one, now)]


def end(account_id: int, session_id: int) -> bool:
    """End one session of an account; False when it is not one of its own.

    The caller commits.
    """
    ended = db.session.scalars(
        delete(AccountSession)
        .where(AccountSession.id == session_id, AccountSession.account_id == account_id)
        .returning(AccountSession.id)
        .execution_options(synchronize_session=False)
    ).all()
    return bool(ended)


def end_all(account_id: int, *, but: AccountSession | None = None) -> int:
    """End the sessions of an account, all or all others. The caller commits."""
    unwanted = (
        delete(AccountSession)
        .where(AccountSession.account_id == account_id)
        .returning(AccountSession.id)
        .execution_options(synchronize_session=False)
    )
    if but is not None:
        unwanted = unwanted.where(AccountSession.id != but.id)
    return len(db.session.scalars(unwanted).all())


def sweep(now: datetime) -> int:
    """Remove the sessions that have run out for everybody; return how many."""
    chosen = settings()
    longest = now - timedelta(seconds=chosen.session_longest)
    idle = now - timedelta(seconds=max(chosen.session_idle, 60))
    gone = db.session.scalars(
        delete(AccountSession)
        .where((AccountSession.created_at < longest) | (AccountSession.seen_at < idle))
        .returning(AccountSession.id)
        .execution_options(synchronize_session=False)
    ).all()
    db.session.commit()
    return len(gone)


def _note_seen(held_id: int, now: datetime) -> None:
    """Write that a session was used; a lost one only ends it a minute earlier."""
    # What the page has read is of the past: a write must not hang on it.
    db.session.rollback()
    try:
        db.session.execute(
            update(AccountSession)
            .where(
                AccountSession.id == held_id, AccountSession.seen_at < now - SEEN_EVERY
            )
            .values(seen_at=now, address=(request.remote_addr or "")[:45])
            .execution_options(synchronize_session=False)
        )
        db.session.commit()
    except OperationalError:
        db.session.rollback()


def init_app(app: Flask) -> None:
    """Note after an answer that the session was used, once a minute at most."""

    @app.after_request
    def _seen(response: Response) -> Response:
        seen: tuple[int, datetime] | None = g.get("account_seen")
        if seen is None or response.status_code >= 500:
            return response
        now = utc_now()
        if now - seen[1] > SEEN_EVERY:
            _note_seen(seen[0], now)
        return response
