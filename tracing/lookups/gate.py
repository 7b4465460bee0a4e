"""Breaker and rate of each register, in one row that all workers share."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from tracing.extensions import db
from tracing.lookups.registers import Register
from tracing.models import LookupGate
from workflows.vocabulary import LookupOutcome

FAILURES = frozenset({LookupOutcome.UNAVAILABLE, LookupOutcome.TIMED_OUT})
"""What speaks against a register. To be misunderstood, it has to be there."""


class Way(Enum):
    """Whether a register may be asked now."""

    FREE = auto()
    BROKEN = auto()
    """It has not answered lately: it is left in peace for a while."""
    FULL = auto()
    """It was asked as often as it may be in a minute."""


@dataclass(frozen=True, slots=True)
class Admission:
    """The way, and when it may be another."""

    way: Way
    until: datetime


def row_of(name: str, *, lock: bool = True) -> LookupGate:
    """Return the row of a register, which is made when it is first needed."""
    dialect = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    made = dialect.insert(LookupGate).values(register=name, failures=0, used=0)
    db.session.execute(made.on_conflict_do_nothing())
    query = select(LookupGate).where(LookupGate.register == name)
    if lock:
        query = query.with_for_update()
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def admit(register: Register, now: datetime) -> Admission:
    """Count one question, if the register may be asked. The caller commits."""
    row = row_of(register.name)
    if row.open_until is not None and row.open_until > now:
        return Admission(Way.BROKEN, row.open_until)
    minute = now.replace(second=0, microsecond=0)
    if row.minute != minute:
        row.minute, row.used = minute, 0
    if register.per_minute and row.used >= register.per_minute:
        return Admission(Way.FULL, minute + timedelta(minutes=1))
    row.used += 1
    if row.open_until is not None:
        # One may try; the others wait for what becomes of it.
        row.open_until = now + timedelta(seconds=register.breaker_pause)
    return Admission(Way.FREE, now)


def tell(register: Register, outcome: LookupOutcome | None, now: datetime) -> None:
    """Keep how a question ended; None: it goes on, the register is there."""
    row = row_of(register.name)
    row.last_at = now
    if outcome is not None:
        row.last_outcome = outcome
    if outcome in FAILURES:
        row.failures += 1
        if row.failures >= register.breaker_after:
            row.open_until = now + timedelta(seconds=register.breaker_pause)
        return
    row.failures, row.open_until = 0, None
    if outcome is None or outcome.is_answer:
        row.good_at = now


def ask_for_test(name: str, now: datetime) -> None:
    """Let the worker try a register as soon as it can. The caller commits."""
    row_of(name, lock=False).test_asked_at = now


def broken(now: datetime) -> list[str]:
    """Return the registers that are left in peace now."""
    query = select(LookupGate.register).where(LookupGate.open_until > now)
    return list(db.session.scalars(query))


def rows() -> dict[str, LookupGate]:
    """Return how each register does."""
    found = db.session.scalars(select(LookupGate)).all()
    return {row.register: row for row in found}
