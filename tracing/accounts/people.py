"""People of an authority: who they are and what they may do."""

import secrets
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import uuid4

from email_validator import validate_email
from sqlalchemy import func, or_, select

from tracing.accounts import passwords, sessions
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Account, AccountKey, Authority, Role
from workflows.errors import NotVisible
from workflows.policies import Actor
from workflows.policies import Role as RoleName

# Without i, l, o, 0 and 1, which look alike on paper.
LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"


def random_password() -> str:
    """Return a password that can be read out: 25 letters in groups, 123 bits."""
    return "-".join(
        "".join(secrets.choice(LETTERS) for _ in range(5)) for _ in range(5)
    )


def address_of(email: str) -> str:
    """Return the one way an address is stored; a wrong one raises ValueError."""
    return validate_email(email, check_deliverability=False).normalized.lower()


def by_email(email: str) -> Account | None:
    """Return who signs in with this address."""
    return db.session.scalar(select(Account).where(Account.email == address_of(email)))


def role_row(name: RoleName) -> Role:
    """Return the row of a role, made when it is first needed."""
    row = db.session.scalar(select(Role).where(Role.name == name.value))
    if row is None:
        row = Role(name=name.value)
        db.session.add(row)
        db.session.flush()
    return row


def new(
    authority: Authority,
    name: str,
    address: str,
    roles: Iterable[RoleName],
    language: str = "en",
) -> Account:
    """Add a person who has yet to choose a password. The caller commits."""
    account = Account(
        authority=authority,
        name=name,
        email=address,
        password=None,
        active=True,
        language=language,
        fs_uniquifier=uuid4().hex,
        roles=[role_row(role) for role in roles],
    )
    db.session.add(account)
    db.session.flush()
    return account


def add_person(
    authority: Authority,
    name: str,
    email: str,
    password: str,
    roles: Iterable[RoleName],
    language: str = "en",
    *,
    by: Actor | None = None,
) -> Account:
    """Add a person who can sign in. The caller commits."""
    account = new(authority, name, address_of(email), roles, language)
    account.password = passwords.hashed(password)
    journal.record(
        Kind.ACCOUNT_ADDED,
        by,
        parties=(account.authority_id,),
        payload={
            "account": account.id,
            "name": name,
            "email": account.email,
            "roles": list(account.role_names),
        },
    )
    return account


def has_administrator() -> bool:
    """Tell whether someone can already manage this installation."""
    found = db.session.scalar(
        select(Account.id)
        .where(Account.roles.any(Role.name == RoleName.ADMINISTRATOR.value))
        .limit(1)
    )
    return found is not None


def administrators_with_a_second_factor() -> int:
    """Count, on the whole installation, who can manage it and has set up a factor."""
    keys = select(AccountKey.id).where(AccountKey.account_id == Account.id).exists()
    found = db.session.scalar(
        select(func.count()).where(
            Account.active.is_(True),
            Account.roles.any(Role.name == RoleName.ADMINISTRATOR.value),
            or_(Account.tf_totp_secret.is_not(None), keys),
        )
    )
    return found or 0


# ------------------------------------------------- what an administrator sees of them


def of_authority(actor: Actor) -> Sequence[Account]:
    """Return the people of the actor's authority, by name."""
    return db.session.scalars(
        select(Account)
        .where(Account.authority_id == actor.authority_id)
        .order_by(func.lower(Account.name), Account.id)
    ).all()


def by_number(number: int, actor: Actor) -> Account:
    """Return one of them; nobody else exists for the actor."""
    found = db.session.scalar(
        select(Account).where(
            Account.id == number, Account.authority_id == actor.authority_id
        )
    )
    if found is None:
        raise NotVisible("There is no such person.")
    return found


def mail_domains(authority: Authority) -> frozenset[str]:
    """Return the domains an authority's people may have addresses of.

    They are set for the authority, or for all; else those of its mailbox and of the
    people it has.
    """
    set_for_it = sessions.settings().domains_of(authority.code)
    if set_for_it:
        return set_for_it
    known = db.session.scalars(
        select(Account.email).where(Account.authority_id == authority.id)
    ).all()
    addresses = (*known, authority.email)
    return frozenset(a.rpartition("@")[2].lower() for a in addresses if "@" in a)


def lock_administrators(authority_id: int, besides: int) -> None:
    """Let nobody else change who manages an authority until the commit.

    Two who take each other's role away come one after the other, in one order.
    """
    manages = Account.roles.any(Role.name == RoleName.ADMINISTRATOR.value)
    db.session.scalars(
        select(Account.id)
        .where(
            Account.authority_id == authority_id, or_(manages, Account.id == besides)
        )
        .order_by(Account.id)
        .with_for_update(of=Account)
    ).all()


def is_last_administrator(account: Account) -> bool:
    """Tell whether nobody else could manage the authority's people."""
    if RoleName.ADMINISTRATOR not in account.role_names or not account.active:
        return False
    others = db.session.scalar(
        select(func.count()).where(
            Account.authority_id == account.authority_id,
            Account.id != account.id,
            Account.active.is_(True),
            Account.roles.any(Role.name == RoleName.ADMINISTRATOR.value),
        )
    )
    return not others
