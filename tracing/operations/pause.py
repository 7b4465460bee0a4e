"""Mail that waits for a person's word: after a restore, or when an operator says so."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import update

from tracing.extensions import db
from tracing.models import Delivery, OutboxMessage
from tracing.operations import state

OLD = "waited when the backup was made, and may have been sent since"


@dataclass(frozen=True, slots=True)
class Pause:
    """Since when, and why."""

    since: datetime
    why: str


def pause(instance: Path, why: str, *, now: datetime) -> None:
    """Let no mail leave from here until it is resumed; what becomes due waits."""
    state.write(instance, state.PAUSED, {"at": now.isoformat(), "why": why})


def paused(instance: Path) -> Pause | None:
    """Return the pause, if there is one; a file nobody can read is one."""
    if not (instance / state.FOLDER / f"{state.PAUSED}.json").exists():
        return None
    said = state.read(instance, state.PAUSED) or {}
    since = state.moment_of(said) or datetime.fromtimestamp(0).astimezone()
    return Pause(since, str(said.get("why", "for a reason that cannot be read")))


def resume(instance: Path) -> None:
    """Let mail leave again."""
    state.forget(instance, state.PAUSED)


def drop_older(than: datetime) -> int:
    """Give up messages from before an instant, so that none goes out a second time.

    The caller commits.
    """
    dropped = db.session.scalars(
        update(OutboxMessage)
        .where(
            OutboxMessage.delivery == Delivery.QUEUED, OutboxMessage.created_at <= than
        )
        .values(
            delivery=Delivery.DEAD, last_error=OLD, lease_owner=None, lease_until=None
        )
        .returning(OutboxMessage.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(dropped)
