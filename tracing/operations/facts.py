"""What the doctor looks at: the machine, the database, what is in it, what was kept.

Nothing is judged here. Each part is read once, and what cannot be read is said as such,
so that one broken thing does not hide the others.
"""

import importlib.util
import os
import re
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from cryptography import x509
from flask import Flask, current_app
from packaging.requirements import Requirement
from sqlalchemy import Connection, make_url, select, text
from sqlalchemy.exc import SQLAlchemyError

from tracing.accounts import people
from tracing.casework import attachments, erasing, resealing
from tracing.config import Settings
from tracing.directory.calendars import calendar_of
from tracing.extensions import db
from tracing.journal import checkpoints, live
from tracing.journal.verify import fault_of_note
from tracing.lookups import registers
from tracing.models import Attachment, Authority, JournalCheckpoint
from tracing.notifications import outbox
from tracing.operations import figures, state
from tracing.operations.figures import Figures
from tracing.operations.pause import Pause, paused
from tracing.ports import Scanner, ScannerUnavailable
from tracing.security.fields import LIMIT, field_keys

DISTRIBUTION: Final = "firearms-trace"
PUBLIC: Final = frozenset({"README.md"})
"""What a checkout brings into the instance folder, open to all."""

MOST_FILES: Final = 5000
NEWEST_FILES: Final = 200
READ_AT_MOST: Final = 100_000_000
SEALED_ROWS: Final = 50
"""Rows of each table that are opened, from either end."""

FEWEST_BYTES: Final = 16
"""Of 32 bytes that were drawn fewer are never different, in all the time there is."""

LAST_ENTRIES: Final = 10_000
PRAGMAS: Final = (
    *("journal_mode", "synchronous", "foreign_keys", "busy_timeout"),
    *("trusted_schema", "secure_delete"),
)
SHOWN: Final = (
    *("fsync", "full_page_writes", "synchronous_commit", "data_checksums"),
    *("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate that one of the registers is shown."""

    register: str
    file: str
    until: datetime | None
    """None: it cannot be read."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The computer, the programme on it, and the instance folder."""

    python: tuple[int, ...]
    unmet: tuple[str, ...]
    passwords_age: timedelta
    has_zones: bool
    debug: bool
    folder_mode: int
    open_files: tuple[str, ...]
    free: float
    disk: str
    wal: int
    fips: bool
    key_used: float
    """The share of what the key that seals may close."""
    weak_keys: tuple[int, ...] = ()
    """Keys of the personal fields that nobody drew."""
    certificates: tuple["Shown", ...] = ()
    """What registers are shown of us."""


@dataclass(frozen=True, slots=True)
class Database:
    """The database as a server, before anything in it is read."""

    engine: str
    version: tuple[int, ...]
    values: Mapping[str, str]
    revision: str
    head: str
    offset: float
    superuser: bool = False
    bypasses: bool = False
    policies: bool = False
    unforced: tuple[str, ...] = ()
    owns: bool = False
    """Whether the site or the worker signs in as the owner of the tables."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What the tables tell, all authorities together."""

    administrators: int
    unknown_zones: tuple[str, ...]
    unknown_calendars: tuple[str, ...]
    journal: tuple[str, ...]
    signature: str
    unsigned: datetime | None
    missing_files: int
    changed_files: int
    mail: outbox.Pending
    owed: datetime | None
    unopened: str = ""
    """Why something sealed does not open."""
    unerased: datetime | None = None
    """Since when an erasure that was decided is not carried out."""
    look_up: datetime | None = None
    """Since when a look-up should have been asked."""
    broken: tuple[str, ...] = ()
    of_nobody: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """All there is to judge, at an instant."""

    now: datetime
    settings: Settings
    machine: Machine
    database: Database | None
    contents: Contents | None
    mail_fault: str = ""
    scanner_fault: str = ""
    database_fault: str = ""
    backup: datetime | None = None
    drill: datetime | None = None
    worker: Figures | None = None
    pause: Pause | None = None
    for_fips: bool = False
    instance: Path = field(default=Path())


MailTest = Callable[[], None]


def examine(
    app: Flask, mail_test: MailTest, *, now: datetime, for_fips: bool = False
) -> Facts:
    """Look at everything; within the context of the application."""
    settings: Settings = app.extensions["tracing.settings"]
    instance = Path(app.instance_path)
    database, fault = _database(settings)
    contents = None
    if database is not None and database.revision == database.head:
        contents, fault = _contents(settings, now)
    return Facts(
        now=now,
        settings=settings,
        machine=machine(instance, debug=app.debug or app.testing),
        database=database,
        contents=contents,
        mail_fault=_fault_of(mail_test),
        scanner_fault=_scanner_fault(),
        database_fault=fault,
        backup=state.moment_of(state.read(instance, state.BACKUP)),
        drill=state.moment_of(state.read(instance, state.DRILL)),
        worker=figures.told(instance),
        pause=paused(instance),
        for_fips=for_fips,
        instance=instance,
    )


# ---------------------------------------------------------------------- the machine


def machine(instance: Path, *, debug: bool = False) -> Machine:
    """Return what is to be known of the computer and the folder."""
    usage = shutil.disk_usage(instance)
    file = database_file()
    wal = file.with_name(file.name + "-wal") if file else None
    return Machine(
        python=sys.version_info[:3],
        unmet=tuple(unmet()),
        passwords_age=_age_of_passwords(),
        has_zones=_knows("Africa/Nairobi"),
        debug=debug,
        folder_mode=stat.S_IMODE(instance.stat().st_mode),
        open_files=tuple(open_files(instance)),
        free=usage.free / usage.total,
        disk=disk_of(file) if file else "",
        wal=wal.stat().st_size if wal and wal.exists() else 0,
        fips=_fips(),
        key_used=_key_used(),
        weak_keys=tuple(
            number
            for number, key in field_keys().ring.keys.items()
            if len(set(key)) < FEWEST_BYTES
        ),
        certificates=tuple(_certificates(instance)),
    )


def _certificates(instance: Path) -> Iterator[Shown]:
    """Yield the certificates of the registers, each with its last instant."""
    for register in registers.all_of().values():
        file = str(getattr(register.asked.settings, "client_certificate", ""))
        if file:
            yield Shown(register.name, file, _good_until(instance / file))


def _good_until(file: Path) -> datetime | None:
    try:
        found = x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError):
        return None
    return found.not_valid_after_utc


def unmet(required: list[str] | None = None) -> Iterator[str]:
    """Yield what the distribution asks for and is not installed so."""
    if required is None:
        try:
            required = metadata.requires(DISTRIBUTION) or []
        except metadata.PackageNotFoundError:
            required = []
    for line in required:
        asked = Requirement(line)
        if asked.marker is not None and not asked.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(asked.name)
        except metadata.PackageNotFoundError:
            yield f"{asked.name} is missing"
            continue
        if not asked.specifier.contains(version, prereleases=True):
            yield f"{asked.name} {version} is not {asked.specifier}"


def open_files(instance: Path) -> Iterator[str]:
    """Yield the first few files below the folder that others may read or write."""
    found = 0
    for count, path in enumerate(_below(instance)):
        if count > MOST_FILES or found == 5:
            return
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        if stat.S_ISREG(mode) and mode & 0o077 and path.name not in PUBLIC:
            found += 1
            yield path.relative_to(instance).as_posix()


def _below(folder: Path) -> Iterator[Path]:
    """Yield what is in the folder, its own files before those of its folders."""
    yield from sorted(path for path in folder.iterdir() if not path.is_dir())
    yield from folder.glob("*/**/*")


def database_file() -> Path | None:
    """Return the file of SQLite, where there is one."""
    url = db.engine.url
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    return Path(url.database)


def disk_of(file: Path, mounts: str | None = None) -> str:
    """Return the kind of file system a file is on, as Linux says it."""
    if mounts is None:
        listed = Path("/proc/self/mounts")
        mounts = listed.read_text("utf-8", "replace") if listed.exists() else ""
    best, kind = "", ""
    for line in mounts.splitlines():
        parts = line.split()
        where = parts[1].replace("\\040", " ") if len(parts) > 2 else ""
        if where and file.resolve().is_relative_to(where) and len(where) >= len(best):
            best, kind = where, parts[2]
    return kind


def _knows(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _age_of_passwords() -> timedelta:
    """Return how long the list of passwords guessed first has been on this machine."""
    found = importlib.util.find_spec("zxcvbn")
    if found is None or found.origin is None:
        return timedelta.max
    listed = Path(found.origin).with_name("frequency_lists.py")
    since = datetime.fromtimestamp(listed.stat().st_mtime, UTC)
    return datetime.now(UTC) - since


def _key_used() -> float:
    keys = field_keys()
    return keys.used(keys.ring.first) / LIMIT


def _fips() -> bool:
    """Tell whether the system's cryptography keeps itself to what FIPS 140 allows."""
    flag = Path("/proc/sys/crypto/fips_enabled")
    return flag.exists() and flag.read_text().strip() == "1"


# --------------------------------------------------------------------- the database


def _database(settings: Settings) -> tuple[Database | None, str]:
    try:
        with db.engine.execution_options(readonly=True).connect() as connection:
            if connection.dialect.name == "postgresql":
                return _postgresql(connection, settings), ""
            return _sqlite(connection), ""
    except SQLAlchemyError as error:
        return None, first_line(error)


def first_line(error: SQLAlchemyError) -> str:
    """Return what the driver says went wrong, without statements and values."""
    cause = getattr(error, "orig", None) or error
    lines = str(cause).strip().splitlines()
    return re.sub(r"://[^@\s]*@", "://...@", lines[0])[:200] if lines else "no reason"


def head() -> str:
    """Return the newest version of the tables that this programme knows."""
    folder = current_app.extensions["migrate"].directory
    return ScriptDirectory(folder).get_current_head() or ""


def revision(connection: Connection) -> str:
    """Return the version of the tables in the database."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def _offset(connection: Connection, clock: str) -> float:
    before = datetime.now(UTC)
    said = connection.scalar(text(clock))
    after = datetime.now(UTC)
    theirs = datetime.fromisoformat(said) if isinstance(said, str) else said
    assert isinstance(theirs, datetime)
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    return (theirs - (before + (after - before) / 2)).total_seconds()


def _sqlite(connection: Connection) -> Database:
    values = {name: str(connection.scalar(text(f"PRAGMA {name}"))) for name in PRAGMAS}
    version = str(connection.scalar(text("SELECT sqlite_version()")))
    return Database(
        "sqlite",
        tuple(map(int, version.split("."))),
        values,
        revision(connection),
        head(),
        _offset(connection, "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')"),
    )


_LOGINS: Final = """
    SELECT rolsuper, rolbypassrls, NOT rolsuper AND EXISTS (
        SELECT 1 FROM pg_tables WHERE schemaname = current_schema()
        AND pg_has_role(rolname, tableowner, 'MEMBER')) AS owns
    FROM pg_roles WHERE rolname = ANY(:names)
        OR rolname = session_user AND '' = ANY(:names)
"""
"""What the site and the worker sign in as; without a name in the address, as we do."""


def _postgresql(connection: Connection, settings: Settings) -> Database:
    values = {
        name: str(connection.scalar(text(f"SELECT current_setting('{name}')")))
        for name in SHOWN
    }
    names = [settings.address_of_database(login) for login in ("site", "worker")]
    roles = connection.execute(
        text(_LOGINS), {"names": [make_url(name).username or "" for name in names]}
    ).all()
    version = int(str(connection.scalar(text("SHOW server_version_num"))))
    unforced = connection.scalars(
        text(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = current_schema()::regnamespace"
            " AND NOT (relrowsecurity AND relforcerowsecurity) ORDER BY relname"
        )
    ).all()
    policies = connection.scalar(text("SELECT count(*) FROM pg_policies")) or 0
    return Database(
        "postgresql",
        (version // 10_000, version % 10_000),
        values,
        revision(connection),
        head(),
        _offset(connection, "SELECT clock_timestamp()"),
        any(role.rolsuper for role in roles),
        any(role.rolbypassrls for role in roles),
        policies > 0,
        tuple(unforced),
        any(role.owns for role in roles),
    )


# ------------------------------------------------------------------ what is in it


def _contents(settings: Settings, now: datetime) -> tuple[Contents | None, str]:
    try:
        return contents(settings, now), ""
    except SQLAlchemyError as error:
        return None, first_line(error)
    finally:
        db.session.rollback()


def contents(settings: Settings, now: datetime) -> Contents:
    """Return what the tables tell; across authorities, so never from a page."""
    homes = db.session.execute(select(Authority.country, Authority.zone)).all()
    waiting = figures.gather(Path(current_app.instance_path), now=now)
    mail = outbox.Pending(waiting.queued, waiting.dead, waiting.oldest_mail)
    journal, signature = _journal(settings)
    missing, changed = _files()
    return Contents(
        administrators=people.administrators_with_a_second_factor(),
        unknown_zones=tuple(
            sorted({zone for _country, zone in homes if not _knows(zone)})
        ),
        unknown_calendars=tuple(_unknown_calendars({c for c, _ in homes}, now)),
        journal=journal,
        signature=signature,
        unsigned=waiting.unsigned,
        missing_files=missing,
        changed_files=changed,
        mail=mail,
        owed=waiting.oldest_reminder,
        unopened=resealing.unopened(SEALED_ROWS),
        unerased=erasing.oldest_undone(),
        look_up=waiting.oldest_look_up,
        broken=waiting.broken,
        of_nobody=waiting.of_nobody,
    )


def _unknown_calendars(countries: set[str], now: datetime) -> Iterator[str]:
    for country in sorted(countries):
        version = calendar_of(country, (now.year + 1,)).version
        if "not known" in version or "incomplete" in version:
            yield country


def _journal(settings: Settings) -> tuple[tuple[str, ...], str]:
    """Return what is wrong with the last entries, and with the newest signature."""
    with live.reading() as connection:
        chains = live.chains(connection)
        each = max(LAST_ENTRIES // max(len(chains), 1), 50)
        faults = tuple(
            f"{chain.name}, {fault}"
            for chain in chains
            if (fault := live.fault_of_tail(connection, chain, each))
        )
        newest = connection.execute(
            select(JournalCheckpoint.note, JournalCheckpoint.chain_id)
            .order_by(JournalCheckpoint.at.desc())
            .limit(1)
        ).first()
    if newest is None:
        return faults, ""
    origin = next(chain.origin for chain in chains if chain.id == newest.chain_id)
    keys = checkpoints.known_keys(settings, origin)
    fault = fault_of_note(newest.note, keys, checkpoints.is_signed)
    return faults, fault


def _files() -> tuple[int, int]:
    """Count, among the newest files, those that are gone and those that were changed.

    As many are read as a start has time for.
    """
    store: Any = current_app.extensions[attachments.STORE]
    newest = db.session.execute(
        select(Attachment.stored, Attachment.stored_sha256, Attachment.size)
        .where(Attachment.stored.is_not(None))
        .order_by(Attachment.id.desc())
        .limit(NEWEST_FILES)
    )
    missing, changed, read = 0, 0, 0
    for name, sha256, size in newest:
        read += size
        if not store.has(name):
            missing += 1
        elif read <= READ_AT_MOST:
            changed += attachments.digest_kept(name or "") != sha256
    return missing, changed


# ------------------------------------------------------------------- those outside


def _fault_of(test: MailTest) -> str:
    try:
        test()
    except (RuntimeError, ValueError) as error:
        return str(error)
    return ""


def _scanner_fault() -> str:
    scanner: Scanner | None = current_app.extensions[attachments.SCANNER]
    if scanner is None:
        return ""
    try:
        scanner.is_clean(b"tracing doctor")
    except ScannerUnavailable as error:
        return str(error) or "it does not answer"
    return ""


def environment_debug() -> bool:
    """Tell whether Flask is told to debug by the environment."""
    return os.environ.get("FLASK_DEBUG", "").lower() in ("1", "true", "yes", "on")
