"""What the application is bound to: database, migrations, languages, CSRF, wake."""

from collections.abc import Callable
from typing import Any

from flask import g, has_request_context, request
from flask_babel import Babel
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Connection, Engine, event

from tracing.models import Base

db = SQLAlchemy(metadata=Base.metadata)
migrate = Migrate()
babel = Babel()
csrf = CSRFProtect()


class Wake:
    """Hurries the worker; without one the sweep of each minute does the same."""

    def __init__(self) -> None:
        """Start without a worker."""
        self.call: Callable[[], None] | None = None

    def __call__(self) -> None:
        """Wake the worker, if there is one to wake."""
        if self.call is not None:
            self.call()


wake = Wake()


def will_write() -> None:
    """Let this GET write: a way back from elsewhere, which no form of ours begins."""
    db.session.rollback()
    g.will_write = True


PRAGMAS = (
    "journal_mode=wal",
    "busy_timeout=15000",
    "synchronous=full",
    "foreign_keys=on",
)


def guard_sqlite(engine: Engine) -> None:
    """Make SQLite keep every update of every process.

    With the driver's own transactions two processes read the same row and one
    update is lost; BEGIN IMMEDIATE takes the write lock before the first read.
    """
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in PRAGMAS:
            connection.execute(f"pragma {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("readonly") or (
            has_request_context()
            and request.method in ("GET", "HEAD")
            and not g.get("will_write", False)
        )
        connection.exec_driver_sql("BEGIN DEFERRED" if reading else "BEGIN IMMEDIATE")
