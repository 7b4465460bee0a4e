"""A backup put back: checked to its last byte first, and safe to go on from after.

What must not go on as it was does not: sessions and links end, leases are given up,
reminders of the time between are not written again, erasures are done again, and no
mail leaves until somebody has looked.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from flask import current_app
from flask_migrate import upgrade
from sqlalchemy import URL, Connection, delete, func, select, update

from tracing.casework import attachments, resealing
from tracing.config import Settings
from tracing.extensions import db
from tracing.journal import journal, live
from tracing.journal.kinds import Kind
from tracing.journal.verify import TAMPERED
from tracing.models import (
    AccountSession,
    AccountToken,
    BreakGlass,
    Delivery,
    DueWork,
    OutboxMessage,
)
from tracing.operations import dumps, facts, figures, manifest, pause, sealing, state
from tracing.operations.backup import ERASURES, FILES
from tracing.operations.manifest import Manifest
from tracing.operations.refusal import Refused
from tracing.ports import FileStore

REAPPLY: Final = "tracing.erasures.reapply"
"""Under this name of `app.extensions` stands what does the erasures again."""

AGAIN: Final = "was due before the restore, and may have been sent before it"


@dataclass(frozen=True, slots=True)
class Opened:
    """A backup that was checked: where its database lies open, and the key."""

    folder: Path
    said: Manifest
    database: Path
    identity: Any


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did."""

    said: Manifest
    sessions: int
    reminders: int
    queued: int
    erasures: int | None
    faults: tuple[str, ...]


@contextmanager
def opened(
    folder: Path, identity: Path | None, *, foreign: bool = False
) -> Iterator[Opened]:
    """Check a backup whole, and hold its database open; nothing else is touched."""
    settings: Settings = current_app.extensions["tracing.settings"]
    said = manifest.read(folder, settings, foreign=foreign)
    _require_known(said)
    manifest.require_whole(said, folder)
    if said.sealed and identity is None:
        raise Refused("the backup is encrypted: name its private key with --identity")
    key = sealing.identity_of(identity) if identity and said.sealed else None
    end = sealing.SUFFIX if said.sealed else ""
    with state.scratch(Path(current_app.instance_path)) as place:
        database = place / dumps.NAMES[said.engine]
        sealing.unseal(folder / f"{database.name}{end}", database, key)
        dumps.require_readable(database, said.engine, settings)
        if said.engine == "sqlite":
            with dumps.connected(URL.create("sqlite", database=str(database))) as read:
                _require_opens(read, said)
        yield Opened(folder, said, database, key)


def _require_opens(connection: Connection, said: Manifest) -> None:
    """Refuse a database whose personal fields stay closed.

    One of an older version is left to the doctor, who looks once it is of ours.
    """
    if said.schema != facts.head():
        return
    if why := resealing.unopened(facts.SEALED_ROWS, connection):
        raise Refused(
            f"something sealed in the backup does not open ({why}): put the field-keys"
            " of that installation and day into the instance folder first"
        )


def _require_known(said: Manifest) -> None:
    folder = current_app.extensions["migrate"].directory
    try:
        ScriptDirectory(folder).get_revision(said.schema)
    except CommandError as error:
        raise Refused(
            f"the backup is of a newer version (tables {said.schema}): install that"
            " version first"
        ) from error


def restore(
    folder: Path,
    identity: Path | None = None,
    *,
    replace: bool = False,
    foreign: bool = False,
    now: datetime,
) -> Restored:
    """Put a backup back in the place of this installation; all of it, or nothing."""
    settings: Settings = current_app.extensions["tracing.settings"]
    instance = Path(current_app.instance_path)
    with opened(folder, identity, foreign=foreign) as backup:
        url = dumps.place_of(settings)
        _require_place(backup.said, url, replace=replace)
        dumps.require_owner(backup.database, url, settings)
        if figures.is_running(instance, now=now):
            raise Refused(
                "the service runs: stop tracing serve and the worker first; where the"
                " worker was killed, wait three minutes"
            )
        db.session.remove()
        db.engine.dispose()
        dumps.require_alone(url, settings)
        _put_files_back(backup)
        with _no_mail(instance, backup.said, now):
            dumps.put_back(backup.database, url, settings, replace=replace)
        _put_erasures_back(backup, instance)
        said = backup.said
    current_app.extensions.pop(journal.KNOWN, None)
    if said.schema != facts.head():
        upgrade()
    return _go_on(said, instance, now)


@contextmanager
def _no_mail(instance: Path, said: Manifest, now: datetime) -> Iterator[None]:
    """Pause mail before there is any to send; where nothing came of it, as before."""
    before = pause.paused(instance)
    pause.pause(instance, f"a backup of {said.at} was restored", now=now)
    try:
        yield
    except Refused:
        if before is None:
            pause.resume(instance)
        raise


def _require_place(said: Manifest, url: URL, *, replace: bool) -> None:
    engine = url.get_backend_name()
    if said.engine != engine:
        raise Refused(
            f"the backup is of {said.engine} and this installation is on {engine}: set"
            " TRACING_DATABASE_URL to a database of the same kind"
        )
    if dumps.is_empty(url):
        return
    if not replace:
        raise Refused(
            "the database is not empty: take another one, or say --replace to lose"
            " what is in it"
        )
    if engine == "sqlite":
        return
    with dumps.connected(url) as connection:
        has = facts.revision(connection)
    if has != said.schema:
        raise Refused(
            f"the tables here are of version {has or 'none'}, those of the backup of"
            f" {said.schema}: restore it into an empty database"
        )


def _put_files_back(backup: Opened) -> None:
    """Keep each file under its name; what the database names none of is tidied later."""
    store: FileStore = current_app.extensions[attachments.STORE]
    for path in sorted((backup.folder / FILES).glob("*/*")):
        content = sealing.unsealed(path.read_bytes(), backup.identity)
        store.put_back(path.name.removesuffix(sealing.SUFFIX), content)


# ------------------------------------------------------------------- going on from it


def _go_on(said: Manifest, instance: Path, now: datetime) -> Restored:
    """Take away what must not go on as it was, in one transaction, and check."""
    sessions = _count(delete(AccountSession).returning(AccountSession.id))
    # A link of a mail may have been used since, and is good once.
    unused = AccountToken.used_at.is_(None)
    db.session.execute(update(AccountToken).where(unused).values(used_at=now))
    db.session.execute(
        update(BreakGlass).where(BreakGlass.until > now).values(until=now)
    )
    queued = OutboxMessage.delivery == Delivery.QUEUED
    db.session.execute(
        update(OutboxMessage)
        .where(queued, OutboxMessage.reminder_key.is_not(None))
        .values(delivery=Delivery.DEAD, last_error=AGAIN)
        .execution_options(synchronize_session=False)
    )
    db.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.lease_owner.is_not(None))
        .values(lease_owner=None, lease_until=None, next_at=now)
        .execution_options(synchronize_session=False)
    )
    reminders = _count(
        update(DueWork)
        .where(DueWork.done.is_(False), DueWork.at <= now)
        .values(done=True)
        .returning(DueWork.id)
        .execution_options(synchronize_session=False)
    )
    waiting = db.session.scalar(select(func.count()).where(queued)) or 0
    journal.record(Kind.RESTORED, None, payload={"of": said.at})
    db.session.commit()
    erasures = reapply_erasures(instance)
    return Restored(said, sessions, reminders, waiting, erasures, tuple(_faults(said)))


def _count(statement: Any) -> int:
    return len(db.session.scalars(statement).all())


def _faults(said: Manifest) -> Iterator[str]:
    """Yield what is not as the backup said, chain by chain."""
    with live.reading() as connection:
        for chain in live.chains(connection):
            report = live.check_chain(connection, chain)
            for found in report.findings:
                if found.level >= TAMPERED:
                    yield f"{chain.name}, entry {found.seq}: {found.text}"
            expected = said.journal.get(chain.name)
            if expected is not None and chain.size < expected[0]:
                yield f"{chain.name}: {chain.size} entries of {expected[0]}"
        yield from attachments.misplaced(connection, attachments.digest_kept)


# -------------------------------------------------------------------------- erasures


def reapply_erasures(folder: Path) -> int | None:
    """Do again what was erased since the backup; None where nothing knows how."""
    reapply: Callable[[Path], int] | None = current_app.extensions.get(REAPPLY)
    return None if reapply is None else reapply(folder)


def owes_erasures(folder: Path) -> bool:
    """Tell whether there is anything to erase again."""
    listed = folder / ERASURES
    return listed.exists() and bool(listed.read_text("utf-8").strip())


def _put_erasures_back(backup: Opened, instance: Path) -> None:
    """Add what the backup knows of erasures to what is known here: none is forgotten."""
    end = sealing.SUFFIX if backup.said.sealed else ""
    kept = backup.folder / f"{ERASURES}{end}"
    if not kept.exists():
        return
    theirs = sealing.unsealed(kept.read_bytes(), backup.identity).decode()
    listed = instance / ERASURES
    ours = listed.read_text("utf-8").splitlines() if listed.exists() else []
    listed.touch(mode=0o600)
    with listed.open("a", encoding="utf-8") as out:
        if listed.read_bytes()[-1:] not in (b"", b"\n"):
            out.write("\n")
        out.writelines(f"{one}\n" for one in theirs.splitlines() if one not in ours)


# ----------------------------------------------------------------------------- a drill


def drill(
    folder: Path, identity: Path | None, database: str, *, now: datetime
) -> Manifest:
    """Try whether a backup could be restored; what is here stays as it is.

    A backup of PostgreSQL is restored into an empty database, which is emptied again.
    """
    settings: Settings = current_app.extensions["tracing.settings"]
    with opened(folder, identity) as backup:
        if backup.said.engine == "sqlite":
            place = URL.create("sqlite", database=str(backup.database))
            _require_same(backup, place)
        else:
            if not database:
                raise Refused("name an empty database to try it in, with --database")
            place = dumps.url_of(settings, database)
            if not dumps.is_empty(place):
                raise Refused("the database to try it in is not empty: name another")
            try:
                dumps.put_back(backup.database, place, settings, replace=False)
                _require_same(backup, place)
            finally:
                dumps.empty_again(place)
        said = backup.said
    state.write(Path(current_app.instance_path), state.DRILL, {"at": now.isoformat()})
    return said


def _require_same(backup: Opened, place: URL) -> None:
    digests = {
        path.name.removesuffix(sealing.SUFFIX): hashlib.sha256(
            sealing.unsealed(path.read_bytes(), backup.identity)
        ).hexdigest()
        for path in (backup.folder / FILES).glob("*/*")
    }
    with dumps.connected(place, one_moment=True) as connection:
        if dumps.heads(connection) != backup.said.journal:
            raise Refused("what was restored is not what the backup says")
        _require_opens(connection, backup.said)
        for chain in live.chains(connection):
            report = live.check_chain(connection, chain)
            if report.level >= TAMPERED:
                raise Refused(f"the journal of {chain.name} is not whole in the backup")
        if wrong := list(attachments.misplaced(connection, digests.get)):
            raise Refused(
                f"{wrong[0]} in the backup, {len(wrong)} in all: it was so where it was"
                " taken; look for it in an older backup"
            )
