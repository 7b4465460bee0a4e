"""What an installation remembers of its own operation: small files in its folder.

They are no part of the data: a backup leaves them out, and losing them loses no case.
"""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

FOLDER: Final = "state"
SCRATCH: Final = "scratch-"
WORKER: Final = "worker"
"""The worker's word of each minute: that it lives, and how much waits."""

BACKUP: Final = "backup"
DRILL: Final = "drill"
PAUSED: Final = "mail-paused"


def write(instance: Path, name: str, said: Mapping[str, Any]) -> None:
    """Keep what is said under a name; whoever reads meanwhile sees the old or the new."""
    file = _file(instance, name)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    begun = file.with_suffix(f".{os.getpid()}.begun")
    descriptor = os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(said, out)
        out.flush()
        os.fsync(out.fileno())
    begun.replace(file)


def read(instance: Path, name: str) -> Mapping[str, Any] | None:
    """Return what was kept, or None where nothing was or it cannot be read."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(_file(instance, name).read_text("utf-8"))
        if isinstance(found, dict):
            return found
    return None


def forget(instance: Path, name: str) -> None:
    """Remove what was kept."""
    _file(instance, name).unlink(missing_ok=True)


@contextlib.contextmanager
def scratch(instance: Path) -> Iterator[Path]:
    """Make a folder beside the data for what must not be seen elsewhere.

    Whoever works in one holds it; what nobody holds was left by one that was killed.
    """
    home = instance / FOLDER
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.ExitStack() as ending:
        with _held(home):
            _clear(home)
            made = Path(tempfile.mkdtemp(dir=home, prefix=SCRATCH))
            ending.callback(shutil.rmtree, made, ignore_errors=True)
            ending.enter_context(_held(made))
        yield made


def clear(instance: Path) -> None:
    """Remove what a backup or a restore that was killed has left lying open."""
    home = instance / FOLDER
    if home.is_dir():
        with _held(home):
            _clear(home)


def _clear(home: Path) -> None:
    for left in home.glob(f"{SCRATCH}*"):
        with contextlib.suppress(OSError), _held(left, fcntl.LOCK_NB):
            shutil.rmtree(left)


@contextlib.contextmanager
def _held(folder: Path, how: int = 0) -> Iterator[None]:
    """Hold a folder; the system lets go of it however the process ends."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | how)
        yield
    finally:
        os.close(descriptor)


def moment_of(said: Mapping[str, Any] | None, name: str = "at") -> datetime | None:
    """Return an instant that was kept."""
    if said is None or said.get(name) is None:
        return None
    try:
        found = datetime.fromisoformat(str(said[name]))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _file(instance: Path, name: str) -> Path:
    return instance / FOLDER / f"{name}.json"
