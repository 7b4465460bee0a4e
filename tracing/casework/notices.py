"""What registers tell us by themselves: a search elsewhere has met a record of ours.

The worker asks each register that offers it for what is new since the last notice. A
page of notices, the mails about them, their entries in the journal and how far it is
read are one transaction: whatever ends the worker, each is told once.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from flask import current_app
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from tracing import crash
from tracing.casework.apply import utcnow
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.lookups import gate, registers, running
from tracing.lookups.gate import Way
from tracing.lookups.port import Capability, NotAnswered, Notice
from tracing.lookups.registers import Register
from tracing.models import Authority, HitNotice, NoticeSource
from tracing.notifications import compose
from workflows.errors import NotPermitted
from workflows.policies import CASE_ROLES, Actor, Role
from workflows.vocabulary import LookupOutcome

log = logging.getLogger(__name__)

PERIOD: Final = timedelta(seconds=50)
"""Between two looks; the worker comes by each minute."""

MOST_PAGES: Final = 20
MOST_SHOWN: Final = 200
LONGEST: Final = 100


def poll(
    owner: str,
    now: Callable[[], datetime] = utcnow,
    stop: Callable[[], bool] = bool,
) -> int:
    """Ask every register that tells of hits; return how many notices were told."""
    told = 0
    for register in tellers():
        if not stop():
            told += _read(register, owner, now)
    return told


def tellers() -> list[Register]:
    """Return the registers that tell of hits."""
    found = registers.all_of().values()
    return [one for one in found if Capability.NOTICES in one.capabilities]


def from_the_start(name: str) -> None:
    """Let the notices of a register be read again; none is told twice."""
    _source(name).cursor = ""
    db.session.commit()


def _read(register: Register, owner: str, now: Callable[[], datetime]) -> int:
    """Read page after page, until one brings nothing new."""
    told = 0
    for _ in range(MOST_PAGES):
        since = _claim(register, owner, now())
        if since is None:
            break
        try:
            found = running.in_time(register, partial(_asked, register, since))
        except NotAnswered as said:
            _failed(register, owner, said.outcome, now())
            break
        fresh = _keep(register, owner, found, now())
        told += fresh or 0
        if fresh is None:
            break
    return told


def _asked(register: Register, since: str) -> dict[str, Notice]:
    """Return the notices of a page by what they are called, in their order."""
    found: dict[str, Notice] = {}
    given: Any = register.asked.notices(since)
    for one in given:
        if not isinstance(one, Notice) or not 0 < len(one.id) <= LONGEST:
            raise TypeError("an adapter returns notices, each with a short name")
        found.setdefault(one.id, one)
    return found


# ------------------------------------------------------------------------- the rows


def _source(name: str) -> NoticeSource:
    """Return the row of a register, held until the commit."""
    dialect = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    made = dialect.insert(NoticeSource).values(register=name, cursor="", of_nobody=0)
    db.session.execute(made.on_conflict_do_nothing())
    query = select(NoticeSource).where(NoticeSource.register == name).with_for_update()
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def _claim(register: Register, owner: str, now: datetime) -> str | None:
    """Take the register under a lease; return the last notice that is kept here."""
    source = _source(register.name)
    if source.next_at is not None and source.next_at > now:
        db.session.rollback()
        return None
    admission = gate.admit(register, now)
    if admission.way is not Way.FREE:
        source.next_at = admission.until
        source.outcome = LookupOutcome.UNAVAILABLE
        db.session.commit()
        return None
    lease = timedelta(seconds=register.deadline + running.MARGIN)
    source.lease_owner = owner
    source.next_at = source.lease_until = now + lease
    since = source.cursor
    db.session.commit()
    crash.at("notice.leased")
    return since


def _ours(register: Register, owner: str) -> NoticeSource | None:
    """Return the row, if the lease is still ours."""
    source = _source(register.name)
    if source.lease_owner == owner:
        source.lease_owner = source.lease_until = None
        return source
    db.session.rollback()
    log.error("the notices of %s outlived their lease", register.name)
    return None


def _failed(
    register: Register, owner: str, outcome: LookupOutcome, now: datetime
) -> None:
    source = _ours(register, owner)
    if source is None:
        return
    source.outcome, source.asked_at, source.next_at = outcome, now, now + PERIOD
    gate.tell(register, outcome, now)
    db.session.commit()


def _keep(
    register: Register, owner: str, found: dict[str, Notice], now: datetime
) -> int | None:
    """Keep a page and tell of it; return of how many, None: there is nothing more."""
    source = _ours(register, owner)
    if source is None:
        return None
    source.outcome, source.asked_at = None, now
    last = next(reversed(found), source.cursor)
    # One that does not move on would be read for ever.
    ended = last == source.cursor
    source.next_at = now + PERIOD if ended else now
    gate.tell(register, None, now)
    told = 0 if ended else _told(register, source, found, now)
    source.cursor = last
    db.session.flush()
    crash.at("notice.written")
    db.session.commit()
    crash.at("notice.committed")
    return None if ended else told


def _told(
    register: Register, source: NoticeSource, found: dict[str, Notice], now: datetime
) -> int:
    """Write the notices that are new, a mail to each authority, and their entries."""
    known = db.session.scalars(
        select(HitNotice.number).where(
            HitNotice.register == register.name, HitNotice.number.in_(found)
        )
    ).all()
    owners: dict[str, Authority | None] = {}
    of: defaultdict[Authority, list[str]] = defaultdict(list)
    for number, notice in found.items():
        if number in known:
            continue
        if notice.owner not in owners:
            owners[notice.owner] = owner_of(register, notice.owner)
        authority = owners[notice.owner]
        if authority is None:
            source.of_nobody += 1
            continue
        of[authority].append(number)
        db.session.add(_row(register, notice, authority, now))
    domain = current_app.config["MAIL_DOMAIN"]
    for authority in sorted(of, key=lambda one: one.id):
        db.session.add(compose.hits_met(authority, now=now, domain=domain))
    for authority in sorted(of, key=lambda one: one.id):
        said = {"register": register.name, "notices": of[authority]}
        parties = (authority.id,)
        journal.record(Kind.HIT_TOLD, None, parties=parties, payload=said)
    return sum(map(len, of.values()))


def _row(
    register: Register, notice: Notice, authority: Authority, now: datetime
) -> HitNotice:
    row = HitNotice(
        register=register.name,
        label=register.label,
        number=notice.id,
        authority_id=authority.id,
        said_at=notice.at[:40],
        received_at=now,
    )
    row.record, row.searched_by = notice.record[:LONGEST], notice.by[:LONGEST]
    return row


def owner_of(register: Register, named: str) -> Authority | None:
    """Return whose record it is: as the notice names it, else as the settings say.

    A State names an authority where the register serves one of it alone.
    """
    query = select(Authority)
    if named:
        found = db.session.scalars(query.where(Authority.code == named)).all()
        found = (
            found or db.session.scalars(query.where(Authority.country == named)).all()
        )
        served = [one for one in found if register.serves(one.code)]
        if len(served) == 1:
            return served[0]
    code = register.owner_of_records
    return db.session.scalar(query.where(Authority.code == code)) if code else None


# ---------------------------------------------------------------------- who is told


def may_see(actor: Actor) -> bool:
    """Tell whether somebody reads of searches that have met records of their own."""
    return actor.is_any(*CASE_ROLES, Role.ADMINISTRATOR)


def of_authority(actor: Actor) -> Sequence[HitNotice]:
    """Return the newest notices to one's own authority."""
    if not may_see(actor):
        raise NotPermitted("The roles that work on cases do this.")
    return db.session.scalars(
        select(HitNotice)
        .where(HitNotice.authority_id == actor.authority_id)
        .order_by(HitNotice.id.desc())
        .limit(MOST_SHOWN)
    ).all()


def opened(rows: Sequence[HitNotice], actor: Actor) -> None:
    """Keep that somebody reads them, before they are shown."""
    if rows:
        said = {"hits": [f"{row.register}/{row.number}" for row in rows]}
        journal.read(Kind.LOOKUP_READ, actor, payload=said)
