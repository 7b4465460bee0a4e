"""Which keys a file has had so far, and with what: so that none comes twice.

In a file of its own beside the import. It is written before the rows are: whoever goes
on after a crash meets rows that it has seen already, and they say the same.
"""

import contextlib
import hashlib
import marshal
import sqlite3
import zlib
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Final

_MAKE: Final = "CREATE TABLE IF NOT EXISTS seen (key INTEGER PRIMARY KEY, said INTEGER, row INTEGER)"
_ADD: Final = "INSERT OR IGNORE INTO seen VALUES "
AT_ONCE: Final = 5_000
_GET: Final = "SELECT said, row FROM seen WHERE key = ?"


class Seen:
    """The keys of one file."""

    def __init__(self, path: Path | None) -> None:
        """Open the file; without one they are forgotten at the end."""
        self.db = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False
        )
        self.db.execute("PRAGMA journal_mode=wal")
        # A cut of the power costs what it knew of a few rows, and no row.
        self.db.execute("PRAGMA synchronous=normal")
        self.db.execute("PRAGMA cache_size=-16000")
        self.db.execute(_MAKE)
        if path is not None:
            path.chmod(0o600)

    def other(
        self, rows: Iterable[tuple[int, str, tuple[str | int | None, ...]]]
    ) -> dict[int, int]:
        """Return which rows have a key that said something else in an earlier row.

        A row is its number, its key, and what it says.
        """
        given = [
            (_number(key), zlib.crc32(marshal.dumps(said, 2)), row)
            for row, key, said in rows
        ]
        before = self.db.total_changes
        self.db.execute("BEGIN")
        try:
            # Many by one statement: another thread works while it runs.
            for start in range(0, len(given), AT_ONCE):
                some = given[start : start + AT_ONCE]
                holes = ", ".join(["(?, ?, ?)"] * len(some))
                self.db.execute(_ADD + holes, list(chain.from_iterable(some)))
            added = self.db.total_changes - before
            if added == len(given):
                return {}
            found = {}
            for key, said, row in given:
                known = self.db.execute(_GET, (key,)).fetchone()
                if known[0] != said and known[1] != row:
                    found[row] = known[1]
            return found
        finally:
            self.db.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        with contextlib.suppress(sqlite3.Error):
            self.db.close()


def _number(key: str) -> int:
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
