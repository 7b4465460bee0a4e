"""Tokens of programs: made, shown once, looked up, revoked.

A token is 256 random bits; its hash alone is kept. It works as one account of its
authority: a person, or a program that has an account of its own. The journal names that
account and the number of the token.
"""

import ipaddress
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from marshmallow import ValidationError
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import joinedload

from tracing.accounts import entries, people
from tracing.accounts.actors import actor_of
from tracing.accounts.managing import NAME, NO_NAME, NO_ROLE, Refused
from tracing.accounts.managing import require_administrator as require
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Account, Authority, ClientToken
from tracing.schemas.fields import Told
from tracing.security import isolation
from tracing.security.tokens import hash_of
from workflows.errors import NotVisible
from workflows.policies import Actor, Role
from workflows.vocabulary import N_

PREFIX: Final = "trace_"
"""By it a scanner of repositories knows a token that was left lying about."""

AT_ONCE: Final = 2
"""Active tokens of one account: the old one works until the new one is in place."""

SEEN_EVERY: Final = timedelta(minutes=1)
LONGEST_DAYS: Final = 366
MOST_NETWORKS: Final = 10

TOO_MANY: Final = N_("Revoke one of its tokens first: two may be active at once.")
NO_SCOPE: Final = N_("Choose what the token is for.")
NO_DAYS: Final = N_("Enter a number of days from 1 to 366.")
NO_NETWORK: Final = N_(
    "Write addresses or networks such as 192.0.2.7 or 2001:db8::/32, ten at most."
)
NOT_HERE: Final = N_("Choose an account of your authority.")


class Scope(StrEnum):
    """What a token is for; it never allows more than the roles of its account."""

    READ = "requests.read"
    WRITE = "requests.write"
    LOOK_UP = "look_ups"
    SEARCH = "searches"
    DIRECTORY = "directory"
    JOURNAL = "journal"
    PEOPLE = "people"
    FEED = "feed"

    @property
    def label(self) -> str:
        """Return what it is for, in words."""
        return SCOPE_LABELS[self]


SCOPE_LABELS: Final = {
    Scope.READ: N_("Read requests and their files"),
    Scope.WRITE: N_("File requests and take steps"),
    Scope.LOOK_UP: N_("Ask other registers"),
    Scope.SEARCH: N_("Search the requests by serial number or name"),
    Scope.DIRECTORY: N_("Read points of contact"),
    Scope.JOURNAL: N_("Read the journal"),
    Scope.PEOPLE: N_("Read who works here, and the tokens"),
    Scope.FEED: N_("Follow what happens"),
}


@dataclass(frozen=True, slots=True)
class Program:
    """Who calls: the actor, and what its token is for."""

    token_id: int
    actor: Actor
    scopes: frozenset[Scope]


@dataclass(frozen=True, slots=True)
class Wish:
    """What an administrator wants a token to be."""

    label: str
    scopes: tuple[Scope, ...]
    days: int
    networks: str = ""


# ------------------------------------------------------------------------- who calls


def find(token: str, address: str, now: datetime) -> Program | None:
    """Return who comes with a token from an address, if it still opens anything."""
    if not token.startswith(PREFIX):
        return None
    hashed = hash_of(token)
    isolation.show_token(hashed)
    row = db.session.scalar(
        select(ClientToken)
        .where(ClientToken.token_hash == hashed)
        .options(joinedload(ClientToken.account).joinedload(Account.authority))
    )
    if row is None or not _is_alive(row, now) or not _may_come(row, address):
        return None
    scopes = frozenset(Scope(name) for name in row.scopes)
    found = Program(row.id, actor_of(row.account), scopes)
    isolation.work_for(found.actor.authority_id, found.actor.user_id)
    _note_use(row, address, now)
    return found


def _is_alive(row: ClientToken, now: datetime) -> bool:
    ours = row.account.authority_id == row.authority_id
    return (
        row.revoked_at is None and now < row.expires_at and row.account.active and ours
    )


def _may_come(row: ClientToken, address: str) -> bool:
    if not row.networks:
        return True
    try:
        here = ipaddress.ip_address(address)
    except ValueError:
        return False
    here = getattr(here, "ipv4_mapped", None) or here
    return any(here in ipaddress.ip_network(one) for one in row.networks)


def _note_use(row: ClientToken, address: str, now: datetime) -> None:
    """Write that a token was used, once a minute at most; a lost one loses nothing."""
    if row.used_at is not None and now - row.used_at < SEEN_EVERY:
        return
    number = row.id
    db.session.rollback()
    try:
        with db.engine.execution_options(writing=True).begin() as connection:
            connection.execute(
                update(ClientToken)
                .where(ClientToken.id == number)
                .values(used_at=now, used_from=address[:45])
            )
    except OperationalError:
        db.session.rollback()


# --------------------------------------------------------- what an administrator does


def of_authority(actor: Actor) -> Sequence[ClientToken]:
    """Return the tokens of the authority, the newest first."""
    require(actor)
    return _tokens(actor)


def own(actor: Actor) -> Sequence[ClientToken]:
    """Return the tokens that work as this account."""
    return [row for row in _tokens(actor) if row.account_id == actor.user_id]


def _tokens(actor: Actor) -> Sequence[ClientToken]:
    return db.session.scalars(
        select(ClientToken)
        .where(ClientToken.authority_id == actor.authority_id)
        .options(joinedload(ClientToken.account), joinedload(ClientToken.made_by))
        .order_by(ClientToken.id.desc())
        .limit(200)
    ).all()


def add_program(actor: Actor, *, name: str, roles: Iterable[Role]) -> Account:
    """Add an account for a program: it has roles, no password, and never signs in."""
    require(actor)
    chosen = tuple(roles)
    try:
        called = NAME.deserialize(name)
    except ValidationError as error:
        raise Refused(NO_NAME, "name") from error
    if not chosen or Role.ADMINISTRATOR in chosen or Role.OPERATOR in chosen:
        raise Refused(NO_ROLE, "roles")
    home = db.session.get_one(Authority, actor.authority_id)
    nowhere = f"program-{secrets.token_hex(8)}@{NOWHERE}"
    made = people.new(home, called, nowhere, chosen)
    made.machine = True
    said = sorted(role.value for role in chosen)
    entries.enter(Kind.ACCOUNT_ADDED, made, by=actor, roles=said, machine=True)
    db.session.commit()
    return made


NOWHERE: Final = "programs.invalid"
"""Where the mailboxes of programs are: a name that never exists (RFC 2606)."""


def make(
    actor: Actor, account_id: int, wish: Wish, now: datetime
) -> tuple[ClientToken, str]:
    """Make a token; it is returned this once, and known to nobody afterwards."""
    require(actor)
    account = _account(actor, account_id)
    if not wish.scopes:
        raise Refused(NO_SCOPE, "scopes")
    if not 1 <= wish.days <= LONGEST_DAYS:
        raise Refused(NO_DAYS, "days")
    try:
        label = NAME.deserialize(wish.label)[:100]
    except ValidationError as error:
        raise Refused(NO_NAME, "label") from error
    networks = _networks(wish.networks)
    active = [
        row
        for row in _tokens(actor)
        if row.account_id == account.id and _is_alive(row, now)
    ]
    if len(active) >= AT_ONCE:
        raise Refused(TOO_MANY, "account")
    token = PREFIX + secrets.token_urlsafe(32)
    row = ClientToken(
        authority_id=actor.authority_id,
        account=account,
        label=label,
        token_hash=hash_of(token),
        scopes=wish.scopes,
        networks=networks,
        made_by_id=actor.user_id,
        made_at=now,
        expires_at=now + timedelta(days=wish.days),
    )
    db.session.add(row)
    db.session.flush()
    said = {
        "token": row.id,
        "account": account.id,
        "scopes": sorted(wish.scopes),
        "networks": list(networks),
        "until": row.expires_at,
    }
    journal.record(Kind.TOKEN_MADE, actor, payload=said)
    db.session.commit()
    return row, token


def _account(actor: Actor, account_id: int) -> Account:
    """Return an account of the authority, held: two tokens are not made at once."""
    found = db.session.scalar(
        select(Account)
        .where(
            Account.id == account_id,
            Account.authority_id == actor.authority_id,
            Account.active.is_(True),
        )
        .with_for_update(of=Account)
    )
    if found is None or Role.OPERATOR in found.role_names:
        raise Refused(NOT_HERE, "account")
    return found


def _networks(text: str) -> tuple[str, ...]:
    parts = text.replace(",", " ").split()
    try:
        found = tuple(str(ipaddress.ip_network(part)) for part in parts)
    except ValueError as error:
        raise Refused(NO_NETWORK, "networks") from error
    if len(found) > MOST_NETWORKS:
        raise Refused(Told(NO_NETWORK), "networks")
    return found


def revoke(actor: Actor, number: int, now: datetime) -> None:
    """End a token at once: the next call with it is refused."""
    require(actor)
    row = db.session.scalar(
        select(ClientToken)
        .where(ClientToken.id == number, ClientToken.authority_id == actor.authority_id)
        .with_for_update()
    )
    if row is None:
        raise NotVisible("There is no such token.")
    if row.revoked_at is None:
        row.revoked_at = now
        said = {"token": row.id, "account": row.account_id}
        journal.record(Kind.TOKEN_REVOKED, actor, payload=said)
    db.session.commit()
