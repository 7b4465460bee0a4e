"""Whether the service can do its work now; reasons in words that name nobody."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from tracing.config import Settings
from tracing.extensions import db
from tracing.operations import facts, figures

MAIL: Final = timedelta(minutes=15)
"""How long a message may wait while there is a mail server and no pause."""

_HEAD: Final = "tracing.operations.head"


def reasons(*, now: datetime) -> list[str]:
    """Return why the service is not ready; nothing when it is.

    It reads no table of any authority: how much waits is the worker's word.
    """
    found = list(_of_database())
    instance = Path(current_app.instance_path)
    worker = figures.told(instance)
    if worker is None or (now - worker.at).total_seconds() > figures.SILENT:
        found.append("the worker is silent")
        return found
    settings: Settings = current_app.extensions["tracing.settings"]
    late = worker.oldest_mail is not None and now - worker.oldest_mail > MAIL
    if settings.sends_mail and late and not worker.paused:
        found.append("mail waits too long")
    return found


def _of_database() -> list[str]:
    head = current_app.extensions.get(_HEAD)
    if head is None:
        head = current_app.extensions[_HEAD] = facts.head()
    try:
        with db.engine.execution_options(readonly=True).connect() as connection:
            if facts.revision(connection) != head:
                return ["the tables are of another version"]
    except SQLAlchemyError:
        return ["the database does not answer"]
    return []
