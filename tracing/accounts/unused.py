"""Accounts that nobody uses any more: switched off, so that nobody else uses them.

What somebody last did stands in the journal; so does when the account was added, or
switched on again.
"""

import json
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from tracing.accounts import invitations, letters, links, people, sessions
from tracing.accounts.letters import ACCOUNT, News
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.journal import SYSTEM, moment
from tracing.journal.kinds import Kind
from tracing.models import (
    Account,
    ClientToken,
    JournalEntry,
    JournalPayload,
    Webhook,
)
from tracing.models.sealed import KeyMissing
from tracing.security.fields import field_keys
from workflows.policies import Role

log = logging.getLogger(__name__)

UNUSED: Final = timedelta(days=90)
SPARED: Final = frozenset({Role.OPERATOR})
"""Two operators break the glass, and nobody at a page can switch one on again."""


def switch_off(now: datetime) -> int:
    """Switch off what was not used for so long; return how many. Commits each."""
    since = moment(now - UNUSED)
    # A younger journal cannot tell what was done before it began.
    old_enough = db.session.scalars(
        select(JournalEntry.chain_id)
        .where(
            JournalEntry.seq == 1,
            JournalEntry.at < since,
            JournalEntry.chain_id != SYSTEM,
        )
        .order_by(JournalEntry.chain_id)
    ).all()
    return sum(_switch_off_in(home, since, now) for home in old_enough)


def _switch_off_in(home: int, since: str, now: datetime) -> int:
    wanted = (Account.authority_id == home, Account.active.is_(True))
    active = set(db.session.scalars(select(Account.id).where(*wanted)))
    begun, done = _begun(home, since), 0
    if begun is None:
        return 0
    used = _used(home, since) | _used_by_programs(home, now - UNUSED)
    for number in sorted(active - used - begun):
        account = db.session.get_one(Account, number, with_for_update={"of": Account})
        if account.role_names & SPARED or people.is_last_administrator(account):
            db.session.rollback()
            continue
        _shut(account, now)
        done += 1
    return done


def _used(home: int, since: str) -> set[int]:
    """Return who has done anything since."""
    found = db.session.scalars(
        select(JournalEntry.actor_id)
        .where(
            JournalEntry.chain_id == home,
            JournalEntry.at >= since,
            JournalEntry.actor_id.is_not(None),
        )
        .distinct()
    )
    return {number for number in found if number is not None}


def _used_by_programs(home: int, since: datetime) -> set[int]:
    """Return whose programs have read since, or are told what happens.

    Of that nothing stands in the journal.
    """
    read = select(ClientToken.account_id).where(
        ClientToken.authority_id == home, ClientToken.used_at >= since
    )
    told = select(Webhook.account_id).where(
        Webhook.authority_id == home, Webhook.disabled_at.is_(None)
    )
    return {*db.session.scalars(read), *db.session.scalars(told)}


def _begun(home: int, since: str) -> set[int] | None:
    """Return whose account was added, or switched on, since; none: it is not known."""
    carried = db.session.execute(
        select(JournalEntry.seq, JournalEntry.kind, JournalPayload.payload)
        .join(
            JournalPayload,
            (JournalPayload.chain_id == JournalEntry.chain_id)
            & (JournalPayload.seq == JournalEntry.seq),
        )
        .where(
            JournalEntry.chain_id == home,
            JournalEntry.at >= since,
            JournalEntry.kind.in_((Kind.ACCOUNT_ADDED, Kind.ACCOUNT_CHANGED)),
            JournalPayload.payload.is_not(None),
        )
    )
    begun, keys = set(), field_keys()
    for seq, kind, payload in carried:
        try:
            said = json.loads(journal.open_payload(keys, home, seq, payload) or "{}")
        except (KeyMissing, ValueError):
            # It may have been anybody's: nobody is switched off, and the check of the
            # journal tells of the entry.
            log.error("entry %s of chain %s does not open", seq, home)  # noqa: TRY400
            return None
        if kind == Kind.ACCOUNT_ADDED or said.get("active") is True:
            begun.add(said["account"])
    return begun


def _shut(account: Account, now: datetime) -> None:
    account.active = False
    sessions.end_all(account.id)
    for kind in invitations.LASTS:
        links.void(account.id, kind, now)
    for administrator in _administrators(account.authority_id):
        path = f"/people/{account.id}"
        facts = {"path": path, "news": News.UNUSED.value}
        letters.write(administrator, ACCOUNT, facts, now)
    said = {"account": account.id, "active": False, "unused_days": UNUSED.days}
    parties = (account.authority_id,)
    journal.record(Kind.ACCOUNT_CHANGED, None, parties=parties, payload=said)
    db.session.commit()


def _administrators(home: int) -> Iterable[Account]:
    found = db.session.scalars(
        select(Account).where(Account.authority_id == home, Account.active.is_(True))
    )
    return [one for one in found if Role.ADMINISTRATOR in one.role_names]
