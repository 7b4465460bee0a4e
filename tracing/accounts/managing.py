"""What an authority's administrator does about its people; one transaction each."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from marshmallow import ValidationError
from sqlalchemy import select

from tracing.accounts import (
    entries,
    factors,
    invitations,
    letters,
    links,
    people,
    sessions,
)
from tracing.accounts.letters import INVITATION, News
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Account, AccountToken, Authority
from tracing.schemas.fields import Line
from tracing.security import tokens
from workflows.errors import NotPermitted
from workflows.policies import Actor, Role
from workflows.vocabulary import N_

RESET: Final = "factor_reset"
RESET_LASTS: Final = timedelta(hours=24)

OWN: Final = N_("Another administrator must do this: it is your own account.")
OPERATORS: Final = N_("Operators of the platform are managed on the command line.")
LAST: Final = N_("Name another administrator first: this is the last one.")
NO_ROLE: Final = N_("Choose at least one role.")
NOT_OURS: Final = N_("Use an address of your authority that nobody signs in with yet.")
TAKEN: Final = N_("Someone signs in with this address already.")
NO_ADDRESS: Final = N_("Write an e-mail address, such as name@authority.example.")
NO_NAME: Final = N_("Write the name on one line, with at most 200 characters.")
ASK_TWO: Final = N_(
    "Two administrators of the authority reset it on the page People: there are others."
)
NO_REASON: Final = N_("Write the reason on one line, with at most 500 characters.")
WHY: Final = Line(500, label=N_("Reason"))
NAME: Final = Line(200, label=N_("Name"))


class Refused(Exception):
    """What was asked cannot be done; `words` say what to do instead."""

    def __init__(self, words: str, field: str = "") -> None:
        """Keep the words, to be translated, and the field they are about."""
        super().__init__(words)
        self.words = words
        self.field = field


def require_administrator(actor: Actor | None) -> Actor:
    """Return the actor, or refuse who does not manage people."""
    if actor is None or not actor.is_any(Role.ADMINISTRATOR):
        raise NotPermitted("The role administrator manages people.")
    return actor


def _somebody_else(number: int, actor: Actor) -> Account:
    account = people.by_number(number, require_administrator(actor))
    if account.id == actor.user_id:
        raise Refused(OWN)
    if Role.OPERATOR in account.role_names:
        raise Refused(OPERATORS)
    people.lock_administrators(account.authority_id, account.id)
    return factors.lock(account)


def invite(
    actor: Actor,
    *,
    name: str,
    email: str,
    roles: Iterable[Role],
    language: str,
    now: datetime,
) -> Account:
    """Add a person who has yet to choose a password, and send the invitation.

    An address in use elsewhere gets the answer of one that is not the authority's:
    nobody learns who works where.
    """
    require_administrator(actor)
    home = db.session.get_one(Authority, actor.authority_id)
    chosen = tuple(roles)
    try:
        called = NAME.deserialize(name)
    except ValidationError as error:
        raise Refused(NO_NAME, "name") from error
    try:
        address = people.address_of(email.strip()[:254])
    except ValueError as error:
        raise Refused(NO_ADDRESS, "email") from error
    ours = address.rpartition("@")[2] in people.mail_domains(home)
    taken = db.session.scalar(select(Account.id).where(Account.email == address))
    if not ours or taken is not None:
        raise Refused(NOT_OURS, "email")
    if not chosen:
        raise Refused(NO_ROLE, "roles")
    account = people.new(home, called, address, chosen, language)
    invitations.send(account, INVITATION, now, actor.user_id)
    roles_ = sorted(role.value for role in chosen)
    entries.enter(Kind.ACCOUNT_ADDED, account, by=actor, roles=roles_)
    db.session.commit()
    return account


def invite_from_outside(
    home: Authority, *, name: str, email: str, roles: Iterable[Role], now: datetime
) -> Account:
    """Invite a person by the command line: whoever runs the system gets no password.

    It stands in the journal of the system and of the authority, and the authority's
    mailbox is told. Who has not taken an invitation up yet is sent another.
    """
    chosen = tuple(roles)
    account = people.by_email(email)
    if account is None:
        account = people.new(home, name, people.address_of(email), chosen)
    elif account.password is not None or not _is_as_said(account, home, chosen):
        raise Refused(TAKEN)
    invitations.send(account, INVITATION, now)
    letters.tell_mailbox(home, News.ADDED_OUTSIDE, now)
    journal.record(
        Kind.ACCOUNT_ADDED,
        None,
        parties=(journal.SYSTEM, home.id),
        payload={
            "account": account.id,
            "name": account.name,
            "email": account.email,
            "roles": sorted(role.value for role in chosen),
            "added": "command line",
        },
    )
    db.session.commit()
    return account


def _is_as_said(account: Account, home: Authority, roles: tuple[Role, ...]) -> bool:
    return (
        account.active
        and account.authority_id == home.id
        and account.role_names == frozenset(roles)
    )


def invite_again(number: int, actor: Actor, now: datetime) -> None:
    """Send the invitation once more; the one before is void."""
    account = people.by_number(number, require_administrator(actor))
    if account.password is None and account.active:
        invitations.send(account, INVITATION, now, actor.user_id)
        entries.enter(Kind.ACCOUNT_CHANGED, account, by=actor, invited="again")
    db.session.commit()


def change_roles(
    number: int, actor: Actor, roles: Iterable[Role], now: datetime
) -> None:
    """Give a person these roles; their sessions end, so that no old one goes on."""
    account = _somebody_else(number, actor)
    chosen = tuple(roles)
    if not chosen:
        raise Refused(NO_ROLE, "roles")
    if Role.ADMINISTRATOR not in chosen and people.is_last_administrator(account):
        raise Refused(LAST)
    if frozenset(chosen) != account.role_names:
        account.roles = [people.role_row(role) for role in chosen]
        sessions.end_all(account.id)
        letters.tell(account, News.ROLES, now)
        given = sorted(role.value for role in chosen)
        entries.enter(Kind.ACCOUNT_CHANGED, account, by=actor, roles=given)
    db.session.commit()


def disable(number: int, actor: Actor) -> None:
    """Shut an account: its sessions end at once, its links are void."""
    account = _somebody_else(number, actor)
    if people.is_last_administrator(account):
        raise Refused(LAST)
    account.active = False
    sessions.end_all(account.id)
    now = sessions.utc_now()
    for kind in invitations.LASTS:
        links.void(account.id, kind, now)
    entries.enter(Kind.ACCOUNT_CHANGED, account, by=actor, active=False)
    db.session.commit()


def enable(number: int, actor: Actor) -> None:
    """Open an account again; the password and the second factor are as they were."""
    account = _somebody_else(number, actor)
    account.active = True
    entries.enter(Kind.ACCOUNT_CHANGED, account, by=actor, active=True)
    db.session.commit()


def end_sessions(number: int, actor: Actor) -> int:
    """End every session of a person; return how many there were."""
    account = people.by_number(number, require_administrator(actor))
    ended = sessions.end_all(account.id)
    entries.enter(Kind.ACCOUNT_CHANGED, account, by=actor, sessions_ended=ended)
    db.session.commit()
    return ended


# ------------------------------------------- a lost second factor: two administrators


def reset_asked_by(account: Account, now: datetime) -> int | None:
    """Return which administrator asked to reset the second factor, if one did."""
    return db.session.scalar(
        select(AccountToken.made_by_id).where(
            AccountToken.account_id == account.id,
            AccountToken.kind == RESET,
            AccountToken.used_at.is_(None),
            AccountToken.expires_at > now,
        )
    )


def reset_factor(number: int, actor: Actor, now: datetime) -> bool:
    """Ask for the reset, or carry out what another administrator asked for.

    Tells whether it is done. Each has seen the person: that is what the two are for.
    """
    account = _somebody_else(number, actor)
    asked_by = reset_asked_by(account, now)
    if asked_by is None:
        db.session.add(
            AccountToken(
                kind=RESET,
                token_hash=tokens.hash_of(secrets.token_urlsafe(32)),
                account_id=account.id,
                made_by_id=actor.user_id,
                made_at=now,
                expires_at=now + RESET_LASTS,
            )
        )
        entries.enter(Kind.ACCOUNT_CHANGED, account, by=actor, reset="asked")
        db.session.commit()
        return False
    if asked_by == actor.user_id:
        db.session.commit()
        return False
    links.void(account.id, RESET, now)
    factors.reset(account, now)
    entries.enter(Kind.FACTOR_CHANGED, account, by=actor, reset="done")
    db.session.commit()
    return True


def reset_only_administrator(account: Account, reason: str, now: datetime) -> None:
    """Reset the second factor of whoever has no second administrator to ask.

    Whoever runs the system does this, on the command line: it stands in the journal of
    the system and of the authority, and the authority's mailbox is told.
    """
    if not people.is_last_administrator(account):
        raise Refused(ASK_TWO)
    try:
        why = WHY.deserialize(reason)
    except ValidationError as error:
        raise Refused(NO_REASON) from error
    account = factors.lock(account)
    links.void(account.id, RESET, now)
    factors.reset(account, now)
    letters.tell_mailbox(account.authority, News.RESET_OUTSIDE, now)
    parties = (journal.SYSTEM, account.authority_id)
    said = {"account": account.id, "reset": "command line", "why": why}
    journal.record(Kind.FACTOR_CHANGED, None, parties=parties, payload=said)
    db.session.commit()
