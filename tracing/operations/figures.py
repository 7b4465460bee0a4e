"""How much waits and since when: gathered by the worker, shown to those who watch.

Only the worker may look across authorities. It leaves the figures in the instance
folder each minute, and the site hands them on; they name nobody.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from tracing.extensions import db
from tracing.lookups import gate, running
from tracing.models import DueWork, JournalChain, JournalCheckpoint, JournalEntry
from tracing.notifications import outbox
from tracing.operations import state
from tracing.operations.pause import paused

SILENT: Final = 180
"""Seconds without a word after which the worker counts as gone: it speaks each minute."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What waits, at an instant."""

    at: datetime
    queued: int = 0
    dead: int = 0
    oldest_mail: datetime | None = None
    paused: bool = False
    reminders: int = 0
    oldest_reminder: datetime | None = None
    unsigned: datetime | None = None
    """Since when there is an entry of the journal that no checkpoint covers."""
    look_ups: int = 0
    """Look-ups that wait for the worker, and since when the oldest should have gone."""
    oldest_look_up: datetime | None = None
    broken: tuple[str, ...] = ()
    """Registers that are left in peace, for they do not answer."""
    of_nobody: tuple[str, ...] = ()
    """Registers with notices for which no authority was found."""


def gather(instance: Path, *, now: datetime) -> Figures:
    """Count what waits; in the worker or on the command line alone."""
    mail = outbox.pending_counts()
    owed = select(func.count(), func.min(DueWork.at)).where(
        DueWork.done.is_(False), DueWork.at <= now
    )
    reminders, oldest = db.session.execute(owed).one()
    found = Figures(
        now,
        mail.queued,
        mail.dead,
        mail.oldest,
        paused(instance) is not None,
        reminders,
        oldest,
        unsigned_since(),
        *running.due(now),
        tuple(sorted(gate.broken(now))),
        tuple(sorted(running.with_notices_of_nobody())),
    )
    db.session.rollback()
    return found


def unsigned_since() -> datetime | None:
    """Return the time of the oldest entry of the journal that is not signed yet."""
    last = aliased(JournalCheckpoint)
    signed = (
        select(func.coalesce(func.max(last.size), 0))
        .where(last.chain_id == JournalChain.id)
        .correlate(JournalChain)
        .scalar_subquery()
    )
    at = db.session.scalar(
        select(func.min(JournalEntry.at))
        .select_from(JournalChain)
        .join(
            JournalEntry,
            (JournalEntry.chain_id == JournalChain.id)
            & (JournalEntry.seq == signed + 1),
        )
    )
    return datetime.fromisoformat(at) if at else None


def tell(instance: Path, *, now: datetime) -> Figures:
    """Leave the figures for the site, and with them word that the worker lives."""
    found = gather(instance, now=now)
    said = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(found).items()
    }
    said |= {"pid": os.getpid(), "host": socket.gethostname()}
    state.write(instance, state.WORKER, said)
    return found


def told(instance: Path) -> Figures | None:
    """Return what the worker said last."""
    said = state.read(instance, state.WORKER)
    at = state.moment_of(said)
    if said is None or at is None:
        return None
    return Figures(
        at,
        int(said.get("queued", 0)),
        int(said.get("dead", 0)),
        state.moment_of(said, "oldest_mail"),
        bool(said.get("paused")),
        int(said.get("reminders", 0)),
        state.moment_of(said, "oldest_reminder"),
        state.moment_of(said, "unsigned"),
        int(said.get("look_ups", 0)),
        state.moment_of(said, "oldest_look_up"),
        tuple(map(str, said.get("broken", ()))),
        tuple(map(str, said.get("of_nobody", ()))),
    )


def farewell(instance: Path) -> None:
    """Leave word that this worker has ended, unless another has spoken since."""
    said = state.read(instance, state.WORKER)
    if said is not None and _who(said) == (socket.gethostname(), os.getpid()):
        state.write(instance, state.WORKER, {**said, "ended": True})


def _who(said: Mapping[str, Any]) -> tuple[object, object]:
    return said.get("host"), said.get("pid")


def is_running(instance: Path, *, now: datetime) -> bool:
    """Tell whether a worker runs: it has spoken lately, or its process is here."""
    said = state.read(instance, state.WORKER)
    if said is None or said.get("ended"):
        return False
    at = state.moment_of(said)
    if at is not None and (now - at).total_seconds() < SILENT:
        return True
    if said.get("host") != socket.gethostname():
        return False
    try:
        os.kill(int(said["pid"]), 0)
    except (KeyError, ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
