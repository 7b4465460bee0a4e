"""Guessing made slow: after a few failures in a row the next attempt has to wait.

An attempt counts before it is judged, so that many at once gain nothing. Failures are
counted by account and by address. A browser at which the person has signed in before
has a count of its own: a stranger who guesses at an account, from wherever, makes
nobody wait there.
"""

import hashlib
import hmac
import ipaddress
import secrets
from datetime import datetime, timedelta
from typing import Final

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from tracing.extensions import db
from tracing.models import FailedAttempts

WINDOW: Final = timedelta(minutes=15)
LONGEST: Final = timedelta(minutes=60)
BY_ACCOUNT: Final = 5
BY_ADDRESS: Final = 20
"""More than by account: people of one office share an address."""

DEVICES: Final = 5
"""Accounts one browser is remembered for."""


class WaitFirst(Exception):
    """Too many failures; `until` says when the next attempt is heard."""

    def __init__(self, until: datetime) -> None:
        """Keep the instant."""
        super().__init__(until)
        self.until = until


def key_of(kind: str, *parts: str) -> str:
    """Return the key of a count; it does not give away what it was made of."""
    secret = str(current_app.config["SECRET_KEY"]).encode()
    text = "\0".join((kind, *parts))
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def address_key(address: str | None) -> str | None:
    """Return the key of an address; this machine's own is a proxy's, not a person's."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    if found.is_loopback:
        return None
    if found.version == 6:
        # Whoever has one address of such a network has all of them.
        return key_of("address", str(ipaddress.ip_network((found, 64), strict=False)))
    return key_of("address", str(found))


def pause_after(count: int, limit: int) -> timedelta:
    """Return the wait after so many failures: 1, 2, 4 ... 60 minutes."""
    if count < limit:
        return timedelta(0)
    return min(timedelta(minutes=2 ** min(count - limit, 6)), LONGEST)


def count(keys: dict[str, int], now: datetime) -> bool:
    """Count an attempt under each key, each with its limit; or refuse to hear it.

    Tells whether a limit is reached just now. Commits: the count stands whatever
    becomes of the attempt.
    """
    rows = [(_locked(key, now), limit) for key, limit in sorted(keys.items())]
    waits = [
        row.wait_until for row, _ in rows if row.wait_until and row.wait_until > now
    ]
    if waits:
        db.session.commit()
        raise WaitFirst(max(waits))
    for row, limit in rows:
        if now - max(row.last_at, row.wait_until or row.last_at) > WINDOW:
            row.count = 0
        row.count += 1
        row.last_at = now
        pause = pause_after(row.count, limit)
        row.wait_until = now + pause if pause else None
    reached = any(row.count == limit for row, limit in rows)
    db.session.commit()
    return reached


def _locked(key: str, now: datetime) -> FailedAttempts:
    """Return the row of a key, made where there is none, with nobody else at it."""
    postgres = db.engine.dialect.name == "postgresql"
    insert = postgresql.insert if postgres else sqlite.insert
    db.session.execute(
        insert(FailedAttempts)
        .values(key=key, count=0, last_at=now)
        .on_conflict_do_nothing(index_elements=["key"])
    )
    return db.session.scalars(
        select(FailedAttempts)
        .where(FailedAttempts.key == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def forgive(keys: dict[str, int]) -> None:
    """Take back what a good attempt had counted. The caller commits.

    At an address it is the one attempt: a stranger with an account of their own must
    not wipe out what they guessed at those of others.
    """
    for key, limit in keys.items():
        if limit != BY_ADDRESS:
            db.session.execute(
                delete(FailedAttempts)
                .where(FailedAttempts.key == key)
                .execution_options(synchronize_session=False)
            )
            continue
        row = db.session.scalar(select(FailedAttempts).where(FailedAttempts.key == key))
        if row is not None:
            row.count = max(row.count - 1, 0)
            row.wait_until = None


def sweep(now: datetime) -> None:
    """Remove the counts that no longer matter."""
    db.session.execute(
        delete(FailedAttempts)
        .where(FailedAttempts.last_at < now - WINDOW - LONGEST)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


# ------------------------------------------------------------- browsers known before


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(
        current_app.config["SECRET_KEY"],
        salt="known-browser",
        signer_kwargs={"digest_method": hashlib.sha256},
    )


def _read(cookie: str | None) -> tuple[str, list[int]]:
    try:
        device, accounts = _serializer().loads(cookie or "")
        return str(device), [int(account) for account in accounts]
    except (BadSignature, TypeError, ValueError):
        return "", []


def device_of(cookie: str | None, account_id: int | None) -> str:
    """Return the browser's name where this account has signed in before, else ''."""
    device, accounts = _read(cookie)
    return device if account_id in accounts else ""


def remember_device(cookie: str | None, account_id: int) -> str:
    """Return the cookie by which the browser is known for one account more."""
    device, accounts = _read(cookie)
    kept = [account_id, *(one for one in accounts if one != account_id)][:DEVICES]
    return str(_serializer().dumps([device or secrets.token_urlsafe(16), kept]))
