"""Files in a folder: random names, two levels of folders, whole or not at all."""

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tracing import crash
from tracing.ports import StoreFull

NAME: Final = re.compile(r"[0-9a-f]{40}")
BEGUN: Final = ".begun"


class FolderStore:
    """Keeps each file as `ab/cd/<random name>` below one folder."""

    def __init__(self, root: Path) -> None:
        """Keep the folder; it is made with the first file."""
        self.root = root

    def put(self, content: bytes) -> str:
        """Keep a file and return its name, once it is on the disk."""
        name = secrets.token_hex(20)
        self._write(name, content)
        return name

    def put_back(self, name: str, content: bytes) -> None:
        """Keep a file under the name it had; one that is there and differs is lost."""
        if self.has(name) and self.get(name) == content:
            return
        # Left by one that was killed; nobody else writes under a name that is known.
        path = self._path(name)
        path.with_name(name + BEGUN).unlink(missing_ok=True)
        self._write(name, content)

    def _write(self, name: str, content: bytes) -> None:
        path = self._path(name)
        begun = path.with_name(name + BEGUN)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                out.write(content)
                out.flush()
                crash.at("file.begun")
                os.fsync(out.fileno())
            crash.at("file.synced")
            begun.replace(path)
            crash.at("file.renamed")
            for folder in (path.parent, path.parent.parent, self.root):
                _sync(folder)
        except OSError as error:
            with contextlib.suppress(OSError):
                begun.unlink()
            raise StoreFull(os.strerror(error.errno or 0)) from error

    def get(self, name: str) -> bytes:
        """Return a file; FileNotFoundError if there is none."""
        return self._path(name).read_bytes()

    def has(self, name: str) -> bool:
        """Tell whether a file is there."""
        return self._path(name).is_file()

    def remove(self, name: str) -> None:
        """Forget a file; one that is gone already is no error."""
        self._path(name).unlink(missing_ok=True)

    def kept(self) -> Iterator[tuple[str, datetime]]:
        """Yield every name, and since when it is there; broken beginnings too."""
        for path in self.root.glob("*/*/*"):
            with contextlib.suppress(FileNotFoundError):
                yield path.name, datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def _path(self, name: str) -> Path:
        bare = name.removesuffix(BEGUN)
        if not NAME.fullmatch(bare):
            raise FileNotFoundError(name)
        return self.root / bare[:2] / bare[2:4] / name


def _sync(folder: Path) -> None:
    """Make the names of a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
