"""Calls of programs that act: each has its effect once, whatever is sent again.

The key of a call is a row in the transaction of its effect. Whoever repeats it gets the
first answer; with another body it is a mistake of the caller's.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError

from tracing.casework.apply import utcnow
from tracing.extensions import db
from tracing.models import ApiCall, ApiResult
from tracing.models.sealed import new_seal
from tracing.security.tokens import hash_of
from workflows.errors import NotVisible
from workflows.policies import Actor

KEPT: Final = timedelta(hours=72)
RUNS: Final = timedelta(seconds=30)
"""So long a call may take; after that whoever made it has died on the way."""

RESULT_LASTS: Final = timedelta(hours=1)


class KeyReused(Exception):
    """The key was sent with another call before."""


class StillRunning(Exception):
    """The first call with this key has not been answered yet."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as it is told from all others of an account."""

    route: str
    key_hash: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered; without a status only that it was done, and to what."""

    status: int | None
    headers: Mapping[str, Any]
    body: bytes
    about: str


def recall(call: Call, actor: Actor, now: datetime | None = None) -> Answered | None:
    """Return what the same call was answered before, if it came before."""
    row = _row(call, actor)
    at = now or utcnow()
    if row is None or row.at < at - KEPT:
        return None
    if row.fingerprint != call.fingerprint:
        raise KeyReused
    if row.status is None and row.at > at - RUNS:
        raise StillRunning
    return Answered(row.status, row.headers or {}, row.answer or b"", row.about)


def _row(call: Call, actor: Actor) -> ApiCall | None:
    return db.session.scalar(
        select(ApiCall)
        .where(
            ApiCall.account_id == actor.user_id,
            ApiCall.route == call.route,
            ApiCall.key_hash == call.key_hash,
        )
        .execution_options(populate_existing=True)
    )


def begin(call: Call, actor: Actor, *, about: str = "") -> None:
    """Put the key into the transaction of what is done next. That commits both."""
    _forget_old(call, actor)
    postgres = db.engine.dialect.name == "postgresql"
    insert = (
        (postgresql if postgres else sqlite)
        .insert(ApiCall)
        .values(
            authority_id=actor.authority_id,
            account_id=actor.user_id,
            route=call.route,
            key_hash=call.key_hash,
            fingerprint=call.fingerprint,
            about=about,
            at=utcnow(),
            seal=new_seal(),
        )
    )
    try:
        kept = db.session.execute(
            insert.on_conflict_do_nothing().returning(ApiCall.id)
        ).scalar()
    except OperationalError as error:
        # Who came first holds the key and has not committed yet.
        raise StillRunning from error
    if kept is None:
        raise StillRunning


def _forget_old(call: Call, actor: Actor) -> None:
    db.session.execute(
        delete(ApiCall)
        .where(
            ApiCall.account_id == actor.user_id,
            ApiCall.route == call.route,
            ApiCall.key_hash == call.key_hash,
            ApiCall.at < utcnow() - KEPT,
        )
        .execution_options(synchronize_session=False)
    )


def keep(call: Call, actor: Actor, answered: Answered) -> None:
    """Keep what was answered, for whoever sends the same again."""
    row = _row(call, actor)
    if row is None:
        row = ApiCall(
            authority_id=actor.authority_id,
            account_id=actor.user_id,
            route=call.route,
            key_hash=call.key_hash,
            fingerprint=call.fingerprint,
            about=answered.about,
            at=utcnow(),
        )
        db.session.add(row)
    row.status, row.headers = answered.status, dict(answered.headers)
    row.answer = answered.body
    db.session.commit()


def keep_result(
    actor: Actor, found: dict[str, Any], *, now: datetime | None = None
) -> tuple[str, datetime]:
    """Keep what a search has found, under a name that says nothing of it."""
    at = now or utcnow()
    key = secrets.token_urlsafe(24)
    row = ApiResult(
        key_hash=hash_of(key),
        authority_id=actor.authority_id,
        account_id=actor.user_id,
        made_at=at,
        expires_at=at + RESULT_LASTS,
    )
    row.found = found
    db.session.add(row)
    until = row.expires_at
    db.session.commit()
    return key, until


def result(key: str, actor: Actor, *, now: datetime | None = None) -> ApiResult:
    """Return what one's own search has found, while it is kept."""
    row = db.session.scalar(
        select(ApiResult).where(
            ApiResult.key_hash == hash_of(key),
            ApiResult.account_id == actor.user_id,
            ApiResult.expires_at > (now or utcnow()),
        )
    )
    if row is None:
        raise NotVisible("There is no such result.")
    return row


def sweep(now: datetime) -> int:
    """Forget keys and results whose time is over; return how many."""
    gone = 0
    for old in (
        delete(ApiCall).where(ApiCall.at < now - KEPT).returning(ApiCall.id),
        delete(ApiResult).where(ApiResult.expires_at < now).returning(ApiResult.id),
    ):
        one = old.execution_options(synchronize_session=False)
        gone += len(db.session.scalars(one).all())
    db.session.commit()
    return gone
