"""Look-ups as the worker runs them: claimed under a lease, asked with nothing open.

Each question has a thread of its own, without a transaction. A thread that does not
come back in time is left alone: its look-up has timed out, and what it brings later is
thrown away. Until it ends it counts among those that its register may have at once, so
that one that hangs takes nothing from the others.
"""

import hashlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar, cast

from flask import Flask, current_app
from sqlalchemy import and_, func, or_, select, update

from tracing import crash
from tracing.extensions import db
from tracing.lookups import gate, registers
from tracing.lookups.gate import Way
from tracing.lookups.port import Answer, Asker, NotAnswered, NotYet, Query
from tracing.lookups.registers import Register
from tracing.models import Lookup, LookupGate, NoticeSource, Task
from tracing.security import isolation
from workflows.vocabulary import LookupOutcome

log = logging.getLogger(__name__)

MARGIN: Final = 15.0
"""Seconds of the lease beyond the deadline of the register."""

AT_ONCE: Final = 16
MOST_CLAIMS: Final = 10
"""A look-up whose worker died so often is given up: it may be why."""

MOST_RAW: Final = 262_144
TICK: Final = 0.05

Said = Answer | NotAnswered | NotYet
T = TypeVar("T")


def utc_now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Order:
    """One question, free of the session: what a thread needs to ask it."""

    id: int
    task: Task | None
    """None: try whether the register can be reached."""
    register: Register
    asker: Asker = field(default_factory=lambda: Asker("", "", ""))
    user_id: int = 0
    authority_id: int = 0
    query: Query = field(default_factory=lambda: Query(""))
    purpose: str = ""
    candidate: str = ""
    reference: str = ""


@dataclass(slots=True)
class Talk:
    """A question under way in its thread."""

    order: Order
    until: float
    said: Said | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def late(self) -> bool:
        """Tell whether the time of its register is over."""
        return time.monotonic() > self.until


@dataclass
class Run:
    """One worker at its look-ups."""

    owner: str
    now: Callable[[], datetime] = utc_now
    stop: Callable[[], bool] = bool
    talks: list[Talk] = field(default_factory=list)
    done: int = 0

    def busy(self) -> set[str]:
        """Return the registers that are asked as much at once as they may be."""
        here = Counter(talk.order.register.name for talk in self.talks)
        return _full(here + _hanging()) - _full(_hanging())


_abandoned: list[Talk] = []
"""Threads that nobody waits for any more."""


def _hanging() -> Counter[str]:
    """Return how many threads of each register still hang."""
    _abandoned[:] = [talk for talk in _abandoned if not talk.ended.is_set()]
    return Counter(talk.order.register.name for talk in _abandoned)


def _full(counted: Counter[str]) -> set[str]:
    known = registers.all_of()
    return {n for n, count in counted.items() if count >= known[n].at_once}


def drain(
    owner: str,
    now: Callable[[], datetime] = utc_now,
    stop: Callable[[], bool] = bool,
) -> int:
    """Ask all that is due, until nothing is or it is told to stop; return how many."""
    run = Run(owner, now, stop)
    while True:
        moved = not stop() and _fill(run)
        # What has ended makes room for what waited for it.
        moved = _gather(run) or moved
        if not moved and not run.talks:
            return run.done
        if not moved:
            time.sleep(TICK)


def _fill(run: Run) -> bool:
    """Begin one more question; tell whether there may be another one."""
    if len(run.talks) >= AT_ONCE:
        return False
    found = claim_test(run) or claim(run)
    if isinstance(found, Order):
        until = time.monotonic() + found.register.deadline
        talk = Talk(found, until)
        app = cast("Any", current_app)._get_current_object()
        threading.Thread(
            target=_talk, args=(app, talk), name=f"look-up {found.id}", daemon=True
        ).start()
        run.talks.append(talk)
    return found is not None


def _gather(run: Run) -> bool:
    """Keep what has come back, and what has not come in time; tell of any."""
    before = len(run.talks)
    for talk in list(run.talks):
        if not talk.ended.is_set() and not talk.late:
            continue
        run.talks.remove(talk)
        said = talk.said
        if said is None:
            _abandoned.append(talk)
            said = NotAnswered(LookupOutcome.TIMED_OUT, "No answer came in time.")
        if talk.order.task is None:
            _tested(talk.order.register, said, run.now())
        else:
            run.done += keep(talk.order, run.owner, said, run.now())
    return len(run.talks) < before


def _talk(app: Flask, talk: Talk) -> None:
    """Ask, in a thread; whatever happens here, nothing else ends of it."""
    order = talk.order
    try:
        with app.app_context():
            if order.authority_id:
                isolation.work_for(order.authority_id, order.user_id)
            talk.said = ask(order)
    except (NotAnswered, NotYet) as said:
        talk.said = said
    except BaseException as error:  # noqa: BLE001 - an adapter of anybody's
        talk.said = _failed(order.register, error)
    finally:
        talk.ended.set()


def ask(order: Order) -> Answer:
    """Put one question to its register."""
    lookup = order.register.asked
    match order.task:
        case Task.SEARCH:
            found = lookup.search(order.query, order.purpose, order.asker)
        case Task.DETAIL:
            found = lookup.detail(order.candidate, order.purpose, order.asker)
        case Task.TRACE if order.reference:
            found = lookup.poll(order.reference, order.asker)
        case Task.TRACE:
            number = lookup.submit_trace(order.query, order.purpose, order.asker)
            raise NotYet(0.0, number)
        case None:
            lookup.check()
            found = Answer((), complete=True)
    if not isinstance(found, Answer):
        raise TypeError("an adapter returns an Answer")
    return found


def in_time(register: Register, call: Callable[[], T]) -> T:
    """Call a register in a thread of its own; what is late is left alone.

    Raises NotAnswered, whatever goes wrong there.
    """
    if register.name in _full(_hanging()):
        raise _refused("It hangs, and was not asked.")
    talk = Talk(Order(0, None, register), time.monotonic() + register.deadline)
    came: list[T] = []

    def work() -> None:
        try:
            came.append(call())
        except NotAnswered as said:
            talk.said = said
        except BaseException as error:  # noqa: BLE001 - an adapter of anybody's
            talk.said = _failed(register, error)
        finally:
            talk.ended.set()

    threading.Thread(target=work, name=f"call {register.name}", daemon=True).start()
    if not talk.ended.wait(register.deadline):
        _abandoned.append(talk)
        raise NotAnswered(LookupOutcome.TIMED_OUT, "No answer came in time.")
    if isinstance(talk.said, NotAnswered):
        raise talk.said
    return came[0]


def _failed(register: Register, error: BaseException) -> NotAnswered:
    log.warning("the adapter of %s failed: %s", register.name, type(error).__name__)
    why = f"The adapter failed: {type(error).__name__}."
    return NotAnswered(LookupOutcome.NOT_UNDERSTOOD, why)


# ------------------------------------------------------------------------- the rows


def claim(run: Run) -> Order | bool | None:
    """Take one question under a lease; True: something else moved; None: none is due.

    The commit is part of it: nothing is open while a register is asked.
    """
    now = run.now()
    row = db.session.scalar(
        select(Lookup)
        .where(
            Lookup.outcome.is_(None),
            Lookup.next_at <= now,
            Lookup.register.not_in(run.busy()),
        )
        .order_by(Lookup.next_at, Lookup.id)
        .limit(1)
        # SQLite knows no such lock and needs none: it began with the write lock.
        .with_for_update(skip_locked=True, of=Lookup)
        .execution_options(populate_existing=True)
    )
    if row is None:
        db.session.rollback()
        return None
    found = _admitted(row, run.owner, now)
    db.session.flush()
    crash.at("lookup.claimed")
    db.session.commit()
    crash.at("lookup.leased")
    return found


def _admitted(row: Lookup, owner: str, now: datetime) -> Order | bool:
    register = registers.all_of().get(row.register)
    if register is None:
        _end(row, _refused("It is not set up any more."), now)
        return True
    if row.give_up_at <= now:
        late = NotAnswered(LookupOutcome.TIMED_OUT, "No answer came in time.")
        _end(row, late, now)
        return True
    if register.name in _full(_hanging()):
        _end(row, _refused("It hangs, and was not asked."), now)
        return True
    if row.attempts >= MOST_CLAIMS:
        _end(row, _refused("The worker ended each time it was asked."), now)
        return True
    admission = gate.admit(register, now)
    match admission.way:
        case Way.BROKEN:
            why = "It has not answered lately, and was not asked."
            _end(row, _refused(why), now)
            return True
        case Way.FULL:
            _postpone(register, now, admission.until)
            return True
        case Way.FREE:
            row.attempts += 1
            row.lease_owner = owner
            lease = timedelta(seconds=register.deadline + MARGIN)
            row.next_at = row.lease_until = now + lease
            return _order(row, register)


def _refused(why: str) -> NotAnswered:
    return NotAnswered(LookupOutcome.UNAVAILABLE, why)


def _postpone(register: Register, now: datetime, until: datetime) -> None:
    """Let all that wait for a register wait until it may be asked again."""
    due = select(Lookup.id).where(
        Lookup.register == register.name,
        Lookup.outcome.is_(None),
        Lookup.next_at <= now,
    )
    # What another worker has in hand waits for the gate that we hold.
    due = due.with_for_update(skip_locked=True)
    db.session.execute(
        update(Lookup)
        .where(Lookup.id.in_(due))
        .values(next_at=until)
        .execution_options(synchronize_session=False)
    )


def _order(row: Lookup, register: Register) -> Order:
    # The officer by number: a name is more than a register needs.
    officer = f"{row.authority_code}/{row.asked_by_id}"
    return Order(
        row.id,
        row.task,
        register,
        Asker(row.authority_code, officer, row.key),
        row.asked_by_id,
        row.authority_id,
        Query.of(row.query),
        row.purpose,
        row.candidate,
        row.reference,
    )


def keep(order: Order, owner: str, said: Said, now: datetime) -> bool:
    """Write what came of a question, if the lease is still ours; tell whether it was."""
    crash.at("lookup.answered")
    row = db.session.scalar(
        select(Lookup)
        .where(
            Lookup.id == order.id,
            Lookup.lease_owner == owner,
            Lookup.outcome.is_(None),
        )
        .with_for_update(of=Lookup)
        .execution_options(populate_existing=True)
    )
    if row is None:
        db.session.rollback()
        log.error("look-up %s outlived its lease; it may be asked twice", order.id)
        return False
    row.lease_owner = row.lease_until = None
    if isinstance(said, NotYet):
        _wait(row, said, now)
    else:
        _end(row, said, now)
    gate.tell(order.register, row.outcome, now)
    db.session.flush()
    crash.at("lookup.written")
    db.session.commit()
    crash.at("lookup.kept")
    return row.outcome is not None


def _wait(row: Lookup, said: NotYet, now: datetime) -> None:
    """Come again later, under the same key."""
    row.attempts = 0
    row.reference = said.reference[:120] or row.reference
    # Only a person ends one that says no time.
    later = None if said.after is None else now + timedelta(seconds=said.after)
    row.next_at = later if later is None else min(later, row.give_up_at)


def _end(row: Lookup, said: Answer | NotAnswered, now: datetime) -> None:
    """Write the outcome, and what came with it."""
    row.outcome, row.answered_at, row.next_at = said.outcome, now, None
    if isinstance(said, NotAnswered):
        row.why = said.why
    else:
        row.why = said.note or None
        row.candidates = [candidate.plain() for candidate in said.candidates]
    if said.raw:
        row.raw = said.raw[:MOST_RAW]
        row.raw_size = len(said.raw)
        row.raw_hash = hashlib.sha256(said.raw).hexdigest()


# ---------------------------------------------------------------- how registers do


def claim_test(run: Run) -> Order | None:
    """Take a test that somebody has asked for; until it ends well it counts as late."""
    row = db.session.scalar(
        select(LookupGate)
        .where(
            LookupGate.test_asked_at.is_not(None),
            or_(
                LookupGate.tested_at.is_(None),
                LookupGate.tested_at < LookupGate.test_asked_at,
            ),
        )
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if row is None:
        db.session.rollback()
        return None
    name, row.tested_at = row.register, run.now()
    row.test_outcome = LookupOutcome.TIMED_OUT
    db.session.commit()
    register = registers.all_of().get(name)
    return None if register is None else Order(0, None, register)


def _tested(register: Register, said: Said, now: datetime) -> None:
    row = gate.row_of(register.name)
    row.tested_at = now
    row.test_outcome = said.outcome if isinstance(said, NotAnswered) else None
    if row.test_outcome is None:
        row.failures, row.open_until = 0, None
    db.session.commit()


def due(now: datetime) -> tuple[int, datetime | None]:
    """Return how many look-ups should have been asked, and since when the oldest."""
    query = select(func.count(), func.min(Lookup.next_at)).where(
        Lookup.outcome.is_(None), Lookup.next_at <= now
    )
    count, oldest = db.session.execute(query).one()
    return count, oldest


def with_notices_of_nobody() -> list[str]:
    """Return the registers that told of records of no authority here."""
    query = select(NoticeSource.register).where(NoticeSource.of_nobody > 0)
    return list(db.session.scalars(query))


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many look-ups of a register wait, and since when the oldest."""

    count: int
    oldest: datetime | None


def waiting(authority_id: int | None = None) -> dict[str, Waiting]:
    """Return what waits for the worker, by register, of one authority or of all."""
    query = (
        select(Lookup.register, func.count(), func.min(Lookup.asked_at))
        .where(and_(Lookup.outcome.is_(None), Lookup.next_at.is_not(None)))
        .group_by(Lookup.register)
    )
    if authority_id is not None:
        query = query.where(Lookup.authority_id == authority_id)
    found = db.session.execute(query)
    return {name: Waiting(count, oldest) for name, count, oldest in found}
