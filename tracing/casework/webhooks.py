"""Programs that are told by themselves what happens to requests of their authority.

A message is a row first, made of the authority's chain in its order, and sent with no
transaction open. It says which step was taken on which request, and nothing of what
either says. It is signed, tried again after growing pauses, and kept in a log.
"""

import contextlib
import hashlib
import hmac
import ipaddress
import json
import logging
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from tracing.casework import queries
from tracing.casework.apply import utcnow
from tracing.config import Settings
from tracing.extensions import db, wake
from tracing.journal import following, journal
from tracing.journal.kinds import Kind
from tracing.lookups.http import AddressRefused, HttpSettings, checked, deliver
from tracing.models import (
    Account,
    ClientToken,
    JournalChain,
    Webhook,
    WebhookDelivery,
)
from workflows.errors import FactMissing, NotVisible
from workflows.policies import CASE_ROLES, Actor
from workflows.vocabulary import N_

log = logging.getLogger(__name__)

AT_ONCE: Final = 20
MOST: Final = 5
LEASE: Final = timedelta(seconds=60)
PAUSES: Final = tuple(
    timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60, 240, 720, 1440)
)
GONE: Final = 410
FOLLOWS: Final = "feed"
"""What a token must be for, so that its account may be told."""

SIGNATURE: Final = "Trace-Signature"
DELIVERY: Final = "Trace-Delivery"
NOT_ALLOWED: Final = N_("This address is not allowed: give https and a public host.")
TOO_MANY: Final = N_("Remove one first: five webhooks are the most.")


def _settings() -> Settings:
    found: Settings = current_app.extensions["tracing.settings"]
    return found


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def way_to(url: str, settings: Settings) -> HttpSettings:
    """Return how a receiver is reached; one that cannot be safe raises ValueError."""
    return HttpSettings(
        url=url,
        ports=_listed(settings.webhook_ports),
        networks=_listed(settings.webhook_networks),
        ca_file=settings.webhook_ca_file,
    )


def require_allowed(url: str) -> None:
    """Refuse where we would not go; the address is checked again at each sending.

    Names are looked up for it: nobody calls it in the middle of a transaction.
    """
    try:
        url.encode("ascii")
        way, parts = way_to(url, _settings()), urlsplit(url)
        _require_known(parts.hostname or "", parts.port or 443, way.networks)
    except (ValueError, AddressRefused) as error:
        raise FactMissing(NOT_ALLOWED) from error


def _require_known(host: str, port: int, networks: tuple[str, ...]) -> None:
    named = "." in host and host.rpartition(".")[2].isalpha()
    if not named:
        # Figures that only some read as an address are none.
        ipaddress.ip_address(host)
    # What has no address now may have one later.
    with contextlib.suppress(socket.gaierror):
        checked(host, port, networks)


# -------------------------------------------------------------------- what people do


def make(actor: Actor, url: str, now: datetime | None = None) -> tuple[Webhook, str]:
    """Make a webhook to an allowed address; its secret is returned this once."""
    way_to(url, _settings())
    alive = [one for one in own(actor) if one.disabled_at is None]
    if len(alive) >= MOST:
        raise FactMissing(TOO_MANY)
    secret = secrets.token_urlsafe(32)
    size = db.session.scalar(
        select(JournalChain.size).where(JournalChain.id == actor.authority_id)
    )
    row = Webhook(
        authority_id=actor.authority_id,
        account_id=actor.user_id,
        url=url,
        made_at=now or utcnow(),
        position=size or 0,
    )
    row.secret = secret
    db.session.add(row)
    db.session.flush()
    _enter(row, actor, made=True, host=urlsplit(url).hostname)
    db.session.commit()
    return row, secret


def _enter(row: Webhook, actor: Actor | None, **said: Any) -> None:
    parties = (row.authority_id,) if actor is None else ()
    payload = {"webhook": row.id} | said
    journal.record(Kind.WEBHOOK_CHANGED, actor, parties=parties, payload=payload)


def own(actor: Actor) -> Sequence[Webhook]:
    """Return the webhooks of an account, the newest first."""
    return db.session.scalars(
        select(Webhook)
        .where(Webhook.account_id == actor.user_id)
        .order_by(Webhook.id.desc())
        .limit(100)
    ).all()


def one(number: int, actor: Actor) -> Webhook:
    """Return one of them; nobody else's exists."""
    row = db.session.scalar(
        select(Webhook).where(Webhook.id == number, Webhook.account_id == actor.user_id)
    )
    if row is None:
        raise NotVisible("There is no such webhook.")
    return row


def end(number: int, actor: Actor, now: datetime | None = None) -> None:
    """Tell it nothing more."""
    row = one(number, actor)
    if row.disabled_at is None:
        row.disabled_at, row.disabled_why = now or utcnow(), "ended"
        _enter(row, actor, ended=True)
    db.session.commit()


def deliveries(row: Webhook, *, limit: int = 100) -> Sequence[WebhookDelivery]:
    """Return the newest messages of a webhook, and how each went."""
    return db.session.scalars(
        select(WebhookDelivery)
        .where(WebhookDelivery.webhook_id == row.id)
        .order_by(WebhookDelivery.id.desc())
        .limit(limit)
    ).all()


def resend(
    number: int, key: str, actor: Actor, now: datetime | None = None
) -> WebhookDelivery:
    """Send a message once more, as it was."""
    row = one(number, actor)
    found = db.session.scalar(
        select(WebhookDelivery).where(
            WebhookDelivery.webhook_id == row.id, WebhookDelivery.key == key
        )
    )
    if found is None:
        raise NotVisible("There is no such message.")
    if row.disabled_at is not None:
        raise FactMissing("This webhook has ended: make another one.")
    found.next_at = now or utcnow()
    db.session.commit()
    wake()
    return found


# ------------------------------------------------------------------ what the worker does


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it goes out."""

    id: int
    url: str
    secret: str
    key: str
    said: dict[str, Any]

    def signed(self, at: datetime) -> tuple[bytes, dict[str, str]]:
        """Return the body and its headers, signed for this moment."""
        body = json.dumps(self.said, separators=(",", ":")).encode()
        stamp = str(int(at.timestamp()))
        made = signature(self.secret, stamp, body)
        headers = {
            "Content-Type": "application/json",
            DELIVERY: self.key,
            SIGNATURE: f"t={stamp},v1={made}",
        }
        return body, headers


def signature(secret: str, stamp: str, body: bytes) -> str:
    """Return the mark of a body at a moment: HMAC with SHA-256."""
    said = stamp.encode() + b"." + body
    return hmac.new(secret.encode(), said, hashlib.sha256).hexdigest()


def run(
    who: Callable[[Account], Actor],
    *,
    now: datetime | None = None,
    stop: Callable[[], bool] = bool,
) -> int:
    """Make the messages that are due and send them; return how many arrived.

    `who` says as whom an account works: it is told of what it may know.
    """
    at = now or utcnow()
    arrived = 0
    for number in _alive():
        _plan(number, who, at)
    while not stop():
        some = _claim(at)
        if not some:
            break
        arrived += sum(_send(message, at) for message in some)
    return arrived


def _alive() -> Sequence[int]:
    found = db.session.scalars(
        select(Webhook.id).where(Webhook.disabled_at.is_(None)).order_by(Webhook.id)
    ).all()
    db.session.rollback()
    return found


def _plan(number: int, who: Callable[[Account], Actor], now: datetime) -> None:
    """Make the messages of one webhook of what came since, in order."""
    row = db.session.scalar(
        select(Webhook)
        .where(Webhook.id == number, Webhook.disabled_at.is_(None))
        .options(joinedload(Webhook.account))
        .with_for_update(of=Webhook, skip_locked=True)
    )
    if row is None:
        db.session.rollback()
        return
    if _stopped(row, now):
        db.session.commit()
        return
    actor = who(row.account)
    if actor.roles.isdisjoint(CASE_ROLES):
        db.session.rollback()
        return
    hidden = queries.references_hidden_from(actor)
    found = following.steps(row.authority_id, row.position, hidden, limit=200)
    for step in found:
        db.session.add(
            WebhookDelivery(
                key=secrets.token_hex(16),
                webhook=row,
                authority_id=row.authority_id,
                account_id=row.account_id,
                seq=step.seq,
                step=step.kind.value,
                about=step.about,
                after=step.after,
                by=step.by,
                at=step.at,
                next_at=now,
            )
        )
        row.position = step.seq
    db.session.commit()


def _stopped(hook: Webhook, now: datetime) -> bool:
    """Tell whether a webhook is told nothing more, or stop it if that is so from now.

    Nobody hears by it what the account could not read by itself.
    """
    if hook.disabled_at is not None:
        return True
    why = "" if hook.account.active else "account"
    if not why and not _has_token(hook, now):
        why = "token"
    if why:
        _disable(hook, why, now)
    return bool(why)


def _has_token(hook: Webhook, now: datetime) -> bool:
    """Tell whether the account has a living token that may follow what happens."""
    living = db.session.scalars(
        select(ClientToken.scopes).where(
            ClientToken.account_id == hook.account_id,
            ClientToken.authority_id == hook.authority_id,
            ClientToken.revoked_at.is_(None),
            ClientToken.expires_at > now,
        )
    )
    return any(FOLLOWS in scopes for scopes in living)


def _disable(hook: Webhook, why: str, now: datetime) -> None:
    hook.disabled_at, hook.disabled_why = now, why
    _enter(hook, None, disabled=why)


def _claim(now: datetime) -> list[Message]:
    """Take what is due under a lease: another worker takes other rows."""
    rows = db.session.scalars(
        select(WebhookDelivery)
        .where(
            WebhookDelivery.next_at <= now,
            or_(
                WebhookDelivery.lease_until.is_(None),
                WebhookDelivery.lease_until < now,
            ),
        )
        .order_by(WebhookDelivery.next_at, WebhookDelivery.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    found = []
    for row in rows:
        hook = row.webhook
        if _stopped(hook, now):
            row.next_at, row.why = None, hook.disabled_why
            continue
        row.lease_until = now + LEASE * AT_ONCE
        said = {
            "delivery": row.key,
            "step": row.step,
            "reference": row.about,
            "after": row.after,
            "by": row.by,
            "at": row.at,
        }
        found.append(Message(row.id, hook.url, hook.secret, row.key, said))
    db.session.commit()
    return found


def _send(message: Message, now: datetime) -> bool:
    """Send one message with nothing open, and write down how it went."""
    body, headers = message.signed(utcnow())
    status, why = 0, ""
    try:
        way = way_to(message.url, _settings())
        folder = Path(current_app.instance_path)
        status = deliver(way, folder, body, headers)
    except (OSError, ValueError) as error:
        blocked = "not allowed" in str(error)
        why = "blocked_address" if blocked else "unreachable"
    if not why and not 200 <= status < 300:
        why = "gone" if status == GONE else "refused"
    _mark(message.id, status or None, why, now)
    return not why


def _mark(number: int, status: int | None, why: str, now: datetime) -> None:
    row = db.session.get_one(WebhookDelivery, number, with_for_update=True)
    row.attempts += 1
    row.tried_at, row.lease_until = now, None
    row.status, row.why = status, why
    if not why:
        row.delivered_at, row.next_at = now, None
    elif why == "gone":
        hook = row.webhook
        row.next_at = None
        if hook.disabled_at is None:
            _disable(hook, why, now)
    else:
        left = PAUSES[row.attempts - 1 :]
        row.next_at = now + left[0] if left else None
        log.warning("webhook message %s: %s", row.key, why)
    db.session.commit()
