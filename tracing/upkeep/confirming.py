"""An authority confirms its own entry, is asked to, and shows that it reads its mail."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from tracing.directory import entries
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Authority, DirectoryLink, DirectoryWork
from tracing.security import isolation
from tracing.upkeep import letters
from tracing.upkeep.letters import Link, LinkVoid, News
from workflows import upkeep
from workflows.errors import NotPermitted
from workflows.policies import Actor, may_file, may_maintain
from workflows.upkeep import Signs, Step

BATCH: Final = 100
BETWEEN_TESTS: Final = timedelta(days=1)


def signs_of(authority: Authority) -> Signs:
    """Return what is known of how an entry is reached."""
    tested = letters.last_link(authority.id, Link.TEST)
    read = db.session.scalar(
        select(DirectoryLink.used_at)
        .where(
            DirectoryLink.authority_id == authority.id,
            DirectoryLink.kind == Link.TEST.value,
            DirectoryLink.used_at.is_not(None),
        )
        .order_by(DirectoryLink.id.desc())
        .limit(1)
    )
    return Signs(
        confirmed=authority.last_confirmed,
        tested=tested.made_at if tested else None,
        read=read,
        mailboxes=len(authority.mailboxes),
        unreachable=sum(a in authority.unreachable for a in authority.mailboxes),
        urgent_line=bool(authority.urgent_phone),
        deputy=bool(authority.emails or authority.phones),
    )


# -------------------------------------------------------------------- everything is so


def confirm(code: str, actor: Actor, *, version: int, now: datetime) -> Authority:
    """Confirm the entry of the own authority, as somebody who keeps it."""
    authority = entries.get(code)
    if authority is None or authority.id != actor.authority_id:
        raise NotPermitted("Each authority confirms its own entry.")
    if not may_maintain(actor):
        raise NotPermitted("The role contact-point maintainer confirms the entry.")
    if version != authority.version:
        raise letters.LinkVoid
    _confirmed(authority, actor, actor.name, now)
    db.session.commit()
    return authority


def of_link(token: str, now: datetime) -> tuple[DirectoryLink, Authority]:
    """Return what a link in a mail is about, or raise LinkVoid."""
    link = letters.link_of(token, now)
    return link, db.session.get_one(Authority, link.authority_id)


def use_link(token: str, *, version: int, now: datetime) -> tuple[Link, Authority]:
    """Do what the link is for: confirm the entry, or say that the test was read.

    Both show that somebody reads this mailbox. An entry that changed since the page
    was shown is to be looked at again: the link stays good.
    """
    link = letters.link_of(token, now, lock=True)
    with isolation.working_for(link.authority_id):
        authority = db.session.get_one(Authority, link.authority_id)
        kind = Link(link.kind)
        if kind is Link.CONFIRM and version != authority.version:
            raise LinkVoid
        link.used_at = now
        authority.unreachable = tuple(
            one for one in authority.unreachable if one != link.address
        )
        if kind is Link.CONFIRM:
            letters.void(authority.id, kind, now)
            _confirmed(authority, None, link.address, now)
        else:
            journal.record(
                Kind.DIRECTORY_TESTED,
                None,
                about=authority.code,
                parties=(authority.id,),
                payload={"address": link.address, "read": True},
            )
        db.session.commit()
    return kind, authority


def _confirmed(
    authority: Authority, actor: Actor | None, by: str, now: datetime
) -> None:
    authority.last_confirmed = now
    authority.confirmed_by = by[:200]
    journal.record(
        Kind.DIRECTORY_CONFIRMED,
        actor,
        about=authority.code,
        parties=(authority.id,),
        payload={"by": by, "version": authority.version},
    )


# --------------------------------------------------------------------------- the test


class TestedToday(Exception):
    """A test message went out a short while ago."""

    __test__ = False  # not one of pytest's


def ask_test(code: str, actor: Actor, now: datetime) -> Authority:
    """Send a test message to an entry; whoever reads it says so by its link."""
    if not (may_file(actor) or may_maintain(actor)):
        raise NotPermitted("Whoever files requests may test a contact.")
    authority = entries.get(code)
    if authority is None:
        raise LookupError(code)
    last = letters.last_link(authority.id, Link.TEST)
    if last is not None and now - last.made_at < BETWEEN_TESTS:
        raise TestedToday
    # Every address: one that works again is found so.
    for address in authority.mailboxes:
        letters.write_with_link(authority, address, Link.TEST, News.TEST, now)
    journal.record(
        Kind.DIRECTORY_TESTED,
        actor,
        about=authority.code,
        parties=(authority.id,),
        payload={"addresses": list(authority.mailboxes)},
    )
    db.session.commit()
    return authority


# ----------------------------------------------------------------------- what is owed


def keep_up(now: datetime, batch: int = BATCH) -> int:
    """Owe what has to be owed, and ask who has to be asked; return how many mails."""
    _plan(now)
    written = 0
    while owed := _owed(now, batch):
        written += _ask(owed, now)
        db.session.execute(
            update(DirectoryWork)
            .where(DirectoryWork.id.in_([row.id for row in owed]))
            .values(done=True)
            .execution_options(synchronize_session=False)
        )
        db.session.commit()
        db.session.expire_all()
    db.session.rollback()
    return written


def _plan(now: datetime) -> None:
    """Owe the steps of entries that were confirmed anew, or that are new."""
    planned = exists().where(
        DirectoryWork.authority_id == Authority.id,
        or_(
            Authority.last_confirmed.is_(None),
            DirectoryWork.since == Authority.last_confirmed,
        ),
    )
    found = db.session.execute(
        select(Authority.id, Authority.last_confirmed)
        .where(Authority.accepts_requests.is_(True), ~planned)
        .limit(1000)
    ).all()
    if not found:
        db.session.rollback()
        return
    rows = [
        {
            "authority_id": row.id,
            "step": step.value,
            "since": since,
            "at": at,
            "done": False,
        }
        for row in found
        for since in [upkeep.counted_from(row.last_confirmed, now)]
        for step, at in upkeep.plan(since)
    ]
    # What was counted from another confirmation is no longer owed.
    db.session.execute(
        delete(DirectoryWork).where(
            DirectoryWork.authority_id.in_([row.id for row in found]),
            DirectoryWork.done.is_(False),
        )
    )
    postgres = db.engine.dialect.name == "postgresql"
    insert = (postgresql if postgres else sqlite).insert(DirectoryWork)
    db.session.execute(insert.on_conflict_do_nothing(), rows)
    db.session.commit()


def _owed(now: datetime, batch: int) -> Sequence[DirectoryWork]:
    """Lock a batch of what is owed, and whatever else its entries owe."""
    waiting = (
        select(DirectoryWork)
        .where(DirectoryWork.done.is_(False), DirectoryWork.at <= now)
        .order_by(DirectoryWork.at, DirectoryWork.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    found = db.session.scalars(waiting.limit(batch)).all()
    if len(found) < batch:
        return found
    rest = waiting.where(
        DirectoryWork.authority_id.in_({row.authority_id for row in found})
    )
    return list({row.id: row for row in (*found, *db.session.scalars(rest))}.values())


def _ask(owed: Iterable[DirectoryWork], now: datetime) -> int:
    steps: dict[int, list[Step]] = {}
    for row in owed:
        steps.setdefault(row.authority_id, []).append(Step(row.step))
    found = db.session.scalars(select(Authority).where(Authority.id.in_(steps)))
    written = 0
    for authority in found:
        if not entries.is_in_force(authority, now.date()):
            continue
        step = upkeep.newest(steps[authority.id])
        for address in _whom(authority, step):
            letters.write_with_link(
                authority, address, Link.CONFIRM, News(step.value), now
            )
            written += 1
    return written


def _whom(authority: Authority, step: Step) -> tuple[str, ...]:
    """Return whom a step asks: first the mailbox, then the deputies, then who leads."""
    match step:
        case Step.ASK:
            asked: tuple[str, ...] = (authority.mailbox,)
        case Step.AGAIN | Step.LAST:
            asked = authority.mailboxes
        case Step.SUPERVISORS:
            asked = (*authority.mailboxes, authority.supervisor_email)
    return tuple(dict.fromkeys(filter(None, asked)))
