"""The whole database as one file and back, on either engine, while others write."""

import os
import re
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from psycopg.conninfo import make_conninfo
from sqlalchemy import (
    URL,
    Connection,
    NullPool,
    create_engine,
    func,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import SQLAlchemyError

from tracing.config import Settings
from tracing.extensions import be_patient, db
from tracing.models import JournalChain, TraceRequest
from tracing.operations import facts
from tracing.operations.refusal import Refused
from tracing.security import isolation

NAMES: Final = {"sqlite": "database.sqlite", "postgresql": "database.pgdump"}
PATIENCE: Final = 60.0
ENDING: Final = 3.0
"""Seconds a connection that was closed may take to be gone."""
_OWNER_OF_TABLE: Final = re.compile(
    r"^\d+; \d+ \d+ TABLE (?!DATA )\S+ \S+ (.+)$", re.MULTILINE
)


def url_of(settings: Settings, given: str = "") -> URL:
    """Return where the database is, for a role that may read and write all of it."""
    if db.engine.dialect.name == "sqlite" and not given:
        return db.engine.url
    url = make_url(given or settings.backup_database_url or settings.database_url)
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    return url


def place_of(settings: Settings) -> URL:
    """Return where a backup is put back: as the owner, whose the tables are then."""
    if db.engine.dialect.name == "sqlite":
        return db.engine.url
    return url_of(settings, settings.address_of_database("owner"))


@contextmanager
def connected(url: URL, *, one_moment: bool = False) -> Iterator[Connection]:
    """Open a connection of our own; of one moment: everything it reads agrees."""
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    if one_moment and engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    try:
        with engine.connect() as connection:
            be_patient(connection)
            yield connection
    finally:
        engine.dispose()


def heads(connection: Connection) -> dict[str, list[object]]:
    """Return the head of each chain of the journal."""
    found = connection.execute(
        select(JournalChain.name, JournalChain.size, JournalChain.head)
    )
    return {row.name: [row.size, bytes(row.head).hex()] for row in found}


def requests(connection: Connection) -> int:
    """Count the requests."""
    return connection.scalar(select(func.count()).select_from(TraceRequest)) or 0


def is_empty(url: URL) -> bool:
    """Tell whether there is no table yet."""
    try:
        with connected(url) as connection:
            return not inspect(connection).get_table_names()
    except SQLAlchemyError as error:
        raise Refused(
            f"the database cannot be reached: {facts.first_line(error)}"
        ) from error


# ------------------------------------------------------------------------- the dump


@contextmanager
def dumped(url: URL, file: Path, settings: Settings) -> Iterator[Connection]:
    """Write the database of one moment to a file; yield it as it was in that moment."""
    if url.get_backend_name() == "sqlite":
        _copy_sqlite(Path(url.database or ""), file)
        with connected(URL.create("sqlite", database=str(file))) as connection:
            yield connection
        return
    with connected(url, one_moment=True) as connection:
        moment = connection.scalar(text("SELECT pg_export_snapshot()"))
        _run(
            [
                *(_program(settings, "pg_dump"), "--format=custom", "--no-password"),
                *(f"--snapshot={moment}", "--lock-wait-timeout=30s"),
                *(f"--file={file}", f"--dbname={_conninfo(url)}"),
            ],
            url,
        )
        yield connection


def _copy_sqlite(source: Path, target: Path) -> None:
    """Copy by the engine's own way: a plain copy of the file would lack what is new."""
    target.touch(mode=0o600)
    with (
        closing(sqlite3.connect(source, timeout=PATIENCE)) as read,
        closing(sqlite3.connect(target)) as written,
    ):
        read.backup(written)
        written.execute("PRAGMA journal_mode=delete")


# -------------------------------------------------------------------------- and back


def require_readable(file: Path, engine: str, settings: Settings) -> None:
    """Refuse a file that the engine itself would not read."""
    if engine == "postgresql":
        _run([_program(settings, "pg_restore"), "--list", str(file)], None)
        return
    with closing(sqlite3.connect(file)) as read:
        try:
            found = read.execute("PRAGMA integrity_check").fetchone()[0]
        except sqlite3.DatabaseError as error:
            found = str(error)
    if found != "ok":
        raise Refused(f"the database of the backup is broken: {found[:200]}")


def put_back(file: Path, url: URL, settings: Settings, *, replace: bool) -> None:
    """Write the dump into the database: all of it, or nothing."""
    if url.get_backend_name() == "sqlite":
        # Into the file as it is, under the engine's locks: a kill undoes it.
        target = Path(url.database or "")
        target.touch(mode=0o600)
        with (
            closing(sqlite3.connect(file)) as read,
            closing(sqlite3.connect(target, timeout=PATIENCE)) as written,
        ):
            read.backup(written)
            written.execute("PRAGMA journal_mode=wal")
        return
    _make_roles(url)
    over = ("--clean", "--if-exists") if replace else ()
    _run(
        [
            *(_program(settings, "pg_restore"), "--single-transaction"),
            *("--exit-on-error", "--no-owner", "--no-password", *over),
            *(f"--dbname={_conninfo(url)}", str(file)),
        ],
        url,
    )


def require_alone(url: URL, settings: Settings) -> None:
    """Refuse a database to which the site or a worker is connected."""
    alone = _is_alone_sqlite if url.get_backend_name() == "sqlite" else _is_alone
    until = time.monotonic() + ENDING
    while not alone(url, settings):
        if time.monotonic() > until:
            raise Refused(
                "the service runs: something is connected to the database; stop the"
                " site and the worker first, on every machine"
            )
        time.sleep(0.1)


def _is_alone_sqlite(url: URL, _settings: Settings) -> bool:
    """Nobody else has the file open: else it could not change its way of logging."""
    file = Path(url.database or "")
    if not file.exists():
        return True
    with closing(sqlite3.connect(file, timeout=0.1)) as connection:
        try:
            found = connection.execute("PRAGMA journal_mode=delete").fetchone()[0]
        except sqlite3.OperationalError:
            return False
        connection.execute("PRAGMA journal_mode=wal")
    return bool(found == "delete")


def _is_alone(url: URL, settings: Settings) -> bool:
    ours = [settings.address_of_database(login) for login in ("site", "worker")]
    names = [name for name in (make_url(one).username for one in ours) if name]
    with connected(url) as connection:
        return not connection.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND datname = current_database() AND usename = ANY(:names)"
            ),
            {"names": names},
        )


def require_owner(file: Path, url: URL, settings: Settings) -> None:
    """Refuse an owner that the tables of the backup do not know: it would see no row."""
    if url.get_backend_name() == "sqlite":
        return
    listed = _run([_program(settings, "pg_restore"), "--list", str(file)], None)
    owners = set(_OWNER_OF_TABLE.findall(listed))
    with connected(url) as connection:
        user = connection.scalar(text("SELECT current_user"))
    if owners and user not in owners:
        named = ", ".join(sorted(owners))
        raise Refused(
            f"the tables of the backup belong to the role {named}, and here {user}"
            f" would own them: name {named} in TRACING_OWNER_DATABASE_URL"
        )


def _make_roles(url: URL) -> None:
    """Make the roles that the tables name, on a server that has none of them yet."""
    with connected(url) as connection:
        found = set(connection.scalars(text("SELECT rolname FROM pg_roles")))
        missing = [role for role in isolation.ROLES if role not in found]
        try:
            for role in missing:
                connection.execute(text(f"CREATE ROLE {role} NOLOGIN"))
            connection.commit()
        except SQLAlchemyError as error:
            words = "; ".join(f"CREATE ROLE {role} NOLOGIN" for role in missing)
            raise Refused(
                f"{facts.first_line(error)}: let a superuser say {words}"
            ) from error


def empty_again(url: URL) -> None:
    """Remove all tables of a database that was empty before a drill."""
    with connected(url) as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
        connection.commit()


# -------------------------------------------------------------------- the programmes


def _program(settings: Settings, name: str) -> str:
    folder = settings.postgresql_programs
    found = shutil.which(name, path=folder or None)
    if found is None:
        raise Refused(
            f"{name} is not here: install the client programmes of PostgreSQL, or name"
            " their folder in TRACING_POSTGRESQL_PROGRAMS"
        )
    return found


def _conninfo(url: URL) -> str:
    """Return the address as the programmes take it; the password goes another way."""
    given = url.get_dialect()().create_connect_args(url)[1]
    plain = {name: v for name, v in given.items() if isinstance(v, (str, int))}
    plain.pop("password", None)
    return make_conninfo("", **plain)


def _run(command: list[str], url: URL | None) -> str:
    secret = {"PGPASSWORD": url.password} if url is not None and url.password else {}
    done = subprocess.run(  # noqa: S603 - our own words, and addresses of settings
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | secret,
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        said = lines[0][:300] if lines else f"ended with {done.returncode}"
        raise Refused(f"{Path(command[0]).name} failed: {said}")
    return done.stdout
