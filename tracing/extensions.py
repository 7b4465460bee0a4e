"""What the application is bound to: database, migrations, languages, CSRF, wake."""

import time
from collections.abc import Callable
from typing import Any, Final

from flask import g, has_request_context, request
from flask_babel import Babel
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DisconnectionError

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
ask_registers = Wake()
"""The same, for look-ups in other registers."""
import_files = Wake()
"""The same, for files that wait to be imported."""


def will_write() -> None:
    """Let this GET write: a way back from elsewhere, which no form of ours begins."""
    db.session.rollback()
    g.will_write = True


PRAGMAS = (
    "journal_mode=wal",
    "busy_timeout=15000",
    "synchronous=full",
    "foreign_keys=on",
    # What a view or an index may call is not left to whoever wrote the file.
    "trusted_schema=off",
    # What is erased is overwritten, not only forgotten.
    "secure_delete=on",
)
TIMEOUTS: Final = {
    "statement_timeout": "10s",
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "15s",
}
"""How long PostgreSQL lets one of our connections work, wait, or hold a transaction."""

PATIENT: Final = (
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL lock_timeout = '4s'",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
)
"""For one transaction that has to take its time: a migration, a walk through all rows."""


def connect_options(url: str, *, pooler: bool = False) -> dict[str, str | None]:
    """Return what to say when connecting to PostgreSQL; an address may say its own.

    Behind a pooler that lends a connection for one transaction, the next statement may
    meet another server process: nothing is prepared there, and nothing set at its start.
    """
    if not url.startswith("postgresql"):
        return {}
    if pooler:
        return {"prepare_threshold": None}
    if "options=" in url.partition("?")[2]:
        return {}
    return {"options": " ".join(f"-c {name}={v}" for name, v in TIMEOUTS.items())}


def be_patient(connection: Connection) -> None:
    """Let the transaction of this connection take its time; it begins here."""
    if connection.dialect.name == "postgresql":
        for statement in PATIENT:
            connection.exec_driver_sql(statement)


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
        options = connection.get_execution_options()
        reading = options.get("readonly") or (
            has_request_context()
            and request.method in ("GET", "HEAD")
            and not (options.get("writing") or g.get("will_write", False))
        )
        connection.exec_driver_sql("BEGIN DEFERRED" if reading else "BEGIN IMMEDIATE")


IDLE: Final = 5.0
"""Seconds a connection may have been idle and is still taken for a living one."""


def try_idle(engine: Engine) -> None:
    """Try a connection that was idle before it is used, and only then.

    A server that was restarted, or a firewall that forgot, is noticed here and the
    connection made anew; trying each time would cost every page a round trip.
    """
    if engine.dialect.name == "sqlite":
        return

    @event.listens_for(engine, "checkin")
    def _back(_connection: Any, record: Any) -> None:
        record.info["back"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _out(connection: Any, record: Any, _proxy: Any) -> None:
        back = record.info.get("back")
        if back is None or time.monotonic() - back < IDLE:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error
