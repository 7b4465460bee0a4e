"""A backup while the service runs: the database of one moment, and all its files.

It comes into being under another name and gets its own in one step at the end: what
bears the name is whole. The secrets of config.py are not in it; keep them apart.
"""

import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from flask import current_app

from tracing.casework import attachments
from tracing.config import Settings
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.operations import dumps, facts, manifest, sealing, state
from tracing.operations.manifest import Manifest
from tracing.operations.refusal import Refused
from tracing.ports import FileStore
from tracing.security.fields import field_keys

BEGUN: Final = ".begun"
FILES: Final = "files"
ERASURES: Final = "erasures.jsonl"


def make(folder: Path, *, now: datetime) -> Manifest:
    """Write a backup to a folder that is not there yet."""
    settings: Settings = current_app.extensions["tracing.settings"]
    instance = Path(current_app.instance_path)
    if folder.exists():
        raise Refused(f"{folder} is there already: name another folder")
    recipient = None
    if settings.backup_recipient:
        recipient = sealing.recipient_of(settings.backup_recipient)
    begun = folder.with_name(folder.name + BEGUN)
    try:
        # Left by one that was killed: it bears no name that anybody trusts.
        shutil.rmtree(begun, ignore_errors=True)
        begun.mkdir(mode=0o700, parents=True)
        made = _write(begun, settings, instance, recipient, now)
        _settle(begun)
        begun.rename(folder)
        _sync(folder.parent)
    except OSError as error:
        words = os.strerror(error.errno or 0)
        raise Refused(f"the backup could not be written: {words}") from error
    finally:
        shutil.rmtree(begun, ignore_errors=True)
    _enter(made, instance, now)
    return made


def _write(
    begun: Path, settings: Settings, instance: Path, recipient: Any, now: datetime
) -> Manifest:
    store: FileStore = current_app.extensions[attachments.STORE]
    url = dumps.url_of(settings)
    engine = url.get_backend_name()
    end = sealing.SUFFIX if recipient is not None else ""
    # Before and after the moment of the database: what a row of that moment names was
    # there at one of the two.
    done = _copy_files(store, begun, recipient, set())
    with state.scratch(instance) as place:
        dump = place / dumps.NAMES[engine]
        with dumps.dumped(url, dump, settings) as connection:
            schema = facts.revision(connection)
            heads, requests = dumps.heads(connection), dumps.requests(connection)
        sealing.seal(dump, begun / f"{dump.name}{end}", recipient)
    _copy_files(store, begun, recipient, done)
    erasures = instance / ERASURES
    if erasures.exists():
        sealing.seal(erasures, begun / f"{ERASURES}{end}", recipient)
    made = Manifest(
        at=now.isoformat(),
        engine=engine,
        schema=schema,
        sealed=recipient is not None,
        journal=heads,
        requests=requests,
        secrets=manifest.fingerprints(settings, field_keys().ring),
        files={
            path.relative_to(begun).as_posix(): manifest.measure(path)
            for path in sorted(begun.rglob("*"))
            if path.is_file()
        },
    )
    manifest.write(made, begun, settings)
    return made


def _copy_files(
    store: FileStore, begun: Path, recipient: Any, done: set[str]
) -> set[str]:
    """Copy what is in the store and not done yet; return what is done now."""
    end = sealing.SUFFIX if recipient is not None else ""
    for name, _since in store.kept():
        if name in done or not name.isalnum():
            continue
        try:
            content = store.get(name)
        except FileNotFoundError:
            continue
        target = begun / FILES / name[:2] / f"{name}{end}"
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.write_bytes(sealing.sealed(content, recipient))
        done.add(name)
    return done


def _settle(folder: Path) -> None:
    """Put every file on the disk, for its owner alone, before it counts."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.chmod(0o600 if path.is_file() else 0o700)
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _enter(made: Manifest, instance: Path, now: datetime) -> None:
    payload = {"entries": sum(head[0] for head in made.journal.values())}
    journal.record(Kind.BACKED_UP, None, payload=payload | {"files": len(made.files)})
    db.session.commit()
    state.write(instance, state.BACKUP, {"at": now.isoformat()})
