"""The outbox: claimed under a lease, sent with no transaction open, marked at once.

A worker that dies keeps its rows until the lease ends; then another one takes them.
What it had handed over without being able to say so goes out again, under the same
Message-ID: SMTP leaves no other choice.
"""

import logging
import os
import secrets
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from babel import UnknownLocaleError
from jinja2 import TemplateError
from sqlalchemy import func, select, update

from tracing import crash
from tracing.config import Settings
from tracing.extensions import db
from tracing.models import Delivery, OutboxMessage
from tracing.notifications.render import render
from tracing.ports import Channel, DeliveryError

log = logging.getLogger(__name__)

NO_MAILBOX: Final = "no such mailbox: "
"""How the reason of a message begins whose address nobody reads."""

LEASE: Final = 300
"""Seconds a claim lasts: longer than any one conversation with the server."""

BATCH: Final = 20
FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(hours=6)
STEPS_OF_SMTP: Final = 10
"""Answers one message waits for, each as long as `smtp_timeout` at worst."""


@dataclass(frozen=True, slots=True)
class Pending:
    """What has not gone out, and since when the oldest waits."""

    queued: int
    dead: int
    oldest: datetime | None


@dataclass(slots=True)
class Tally:
    """What one drain did."""

    sent: int = 0
    postponed: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class Drain:
    """One worker emptying the outbox."""

    channel: Channel
    settings: Settings
    now: Callable[[], datetime]
    stop: Callable[[], bool]
    lease: float
    owner: str
    tally: Tally = field(default_factory=Tally)

    @property
    def margin(self) -> timedelta:
        """Return how much of the lease a message needs before it is begun."""
        one_message = STEPS_OF_SMTP * self.settings.smtp_timeout
        return timedelta(seconds=min(one_message, self.lease * 2 / 3))


def utc_now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


def this_worker() -> str:
    """Return a name no other worker has, for the lease."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after so many failures: doubling, up to six hours."""
    doubled: int = 2 ** min(attempts - 1, 20)
    return min(FIRST_PAUSE * doubled, LONGEST_PAUSE)


def claim(
    now: datetime, owner: str, lease: float = LEASE, n: int = BATCH
) -> list[OutboxMessage]:
    """Take messages that are due for as long as the lease; they belong to no session.

    The commit is part of it: nothing is open while mail is sent.
    """
    due = (
        select(OutboxMessage)
        .where(OutboxMessage.delivery == Delivery.QUEUED, OutboxMessage.next_at <= now)
        .order_by(OutboxMessage.next_at, OutboxMessage.id)
        .limit(n)
        # SQLite knows no such lock and needs none: it began with the write lock.
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    found = list(db.session.scalars(due))
    until = now + timedelta(seconds=lease)
    for message in found:
        message.next_at = message.lease_until = until
        message.lease_owner = owner
    db.session.flush()
    for message in found:
        db.session.expunge(message)
    crash.at("mail.claimed")
    db.session.commit()
    crash.at("mail.committed")
    return found


def deliver(
    channel: Channel,
    settings: Settings,
    now: Callable[[], datetime] = utc_now,
    *,
    stop: Callable[[], bool] = bool,
    lease: float = LEASE,
    batch: int = BATCH,
) -> Tally:
    """Send all that is due, until told to stop or left without a server."""
    drain = Drain(channel, settings, now, stop, lease, this_worker())
    try:
        while messages := claim(now(), drain.owner, lease, batch):
            if not _send_all(drain, messages):
                break
    finally:
        channel.close()
    return drain.tally


def _send_all(drain: Drain, messages: Sequence[OutboxMessage]) -> bool:
    """Send a batch; False when there is no server, or no time, for another."""
    for position, message in enumerate(messages):
        left = messages[position:]
        if drain.stop():
            _give_back(drain, left, drain.now(), message.last_error)
            return False
        if message.next_at - drain.now() < drain.margin:
            # Slow, or put to sleep: what is left may soon be another worker's.
            _give_back(drain, left, drain.now(), message.last_error)
            return True
        try:
            drain.channel.send(
                render(message, drain.settings.address, drain.settings.mail_from)
            )
        except DeliveryError as error:
            _failed(drain, message, error)
        except ConnectionError as error:
            # Not about this message: nobody's attempts are used up.
            _give_back(drain, left, drain.now() + FIRST_PAUSE, str(error))
            drain.tally.postponed += len(left)
            log.error("the mail server does not serve us: %s", error)  # noqa: TRY400 - said in one line each minute
            return False
        except (TemplateError, UnknownLocaleError, LookupError, ValueError) as error:
            reason = f"cannot be written: {type(error).__name__}: {error}"
            _failed(drain, message, DeliveryError(reason, retry=False))
        else:
            crash.at("mail.sent")
            sent = {"delivery": Delivery.SENT, "sent_at": drain.now()}
            _mark(drain, message, **sent, last_error=None)
            crash.at("mail.marked")
            drain.tally.sent += 1
    return True


def _failed(drain: Drain, message: OutboxMessage, error: DeliveryError) -> None:
    attempts = message.attempts + 1
    if error.retry and attempts < drain.settings.mail_attempts:
        later = drain.now() + pause_after(attempts)
        _mark(drain, message, attempts=attempts, next_at=later, last_error=error.reason)
        drain.tally.postponed += 1
        log.warning("message %s not accepted, attempt %s", message.id, attempts)
        return
    _mark(
        drain,
        message,
        attempts=attempts,
        delivery=Delivery.DEAD,
        last_error=f"{NO_MAILBOX if error.no_mailbox else ''}{error.reason}",
    )
    drain.tally.dead += 1
    log.error("message %s will not be sent, after attempt %s", message.id, attempts)


def _mark(drain: Drain, message: OutboxMessage, **values: object) -> None:
    """Write what became of a message, if the lease is still ours."""
    marked = db.session.scalars(
        update(OutboxMessage)
        .where(
            OutboxMessage.id == message.id,
            OutboxMessage.lease_owner == drain.owner,
            OutboxMessage.delivery == Delivery.QUEUED,
        )
        .values(lease_until=None, lease_owner=None, **values)
        .returning(OutboxMessage.id)
        .execution_options(synchronize_session=False)
    ).all()
    db.session.commit()
    if not marked:
        log.error("message %s outlived its lease; it may go out twice", message.id)


def _give_back(
    drain: Drain, messages: Sequence[OutboxMessage], when: datetime, why: str | None
) -> None:
    """Let go of claimed messages, to be taken again at an instant."""
    db.session.execute(
        update(OutboxMessage)
        .where(
            OutboxMessage.id.in_([message.id for message in messages]),
            OutboxMessage.lease_owner == drain.owner,
        )
        .values(next_at=when, lease_until=None, lease_owner=None, last_error=why)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


def retry_dead(
    ids: Iterable[int] | None = None,
    *,
    now: datetime,
    authority_id: int | None = None,
    without: Sequence[str] = (),
) -> int:
    """Queue dead messages anew, of one authority or of all; return how many.

    `without` those that were given up for one of these reasons. The caller commits.
    """
    changed = (
        update(OutboxMessage)
        .where(
            OutboxMessage.delivery == Delivery.DEAD,
            func.coalesce(OutboxMessage.last_error, "").not_in(without),
        )
        .values(delivery=Delivery.QUEUED, attempts=0, next_at=now)
        .returning(OutboxMessage.id)
        .execution_options(synchronize_session=False)
    )
    if ids is not None:
        changed = changed.where(OutboxMessage.id.in_(list(ids)))
    if authority_id is not None:
        changed = changed.where(OutboxMessage.authority_id == authority_id)
    return len(db.session.scalars(changed).all())


def pending_counts(authority_id: int | None = None) -> Pending:
    """Count what waits and what died, of one authority or of all."""
    query = (
        select(OutboxMessage.delivery, func.count(), func.min(OutboxMessage.created_at))
        .where(OutboxMessage.delivery.in_((Delivery.QUEUED, Delivery.DEAD)))
        .group_by(OutboxMessage.delivery)
    )
    if authority_id is not None:
        query = query.where(OutboxMessage.authority_id == authority_id)
    found = {
        delivery: (count, oldest)
        for delivery, count, oldest in db.session.execute(query)
    }
    queued, oldest = found.get(Delivery.QUEUED, (0, None))
    return Pending(queued, found.get(Delivery.DEAD, (0, None))[0], oldest)
