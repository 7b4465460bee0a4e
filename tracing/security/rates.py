"""How often programs may call: counted for all processes of a machine, in a file.

It is no part of the data: to read a request writes nothing that a backup would keep,
and losing the file loses a minute's count. Where it cannot be written nobody is kept
out, and the log says so.
"""

import logging
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flask import Flask, current_app

log = logging.getLogger(__name__)

COUNTER: Final = "tracing.rates"
FILE: Final = "rates.sqlite"
WINDOW: Final = 60
_COUNT: Final = (
    "INSERT INTO used (bucket, minute, n) VALUES (?, ?, 1)"
    " ON CONFLICT (bucket) DO UPDATE SET"
    " n = CASE WHEN minute = excluded.minute THEN n + 1 ELSE 1 END,"
    " minute = excluded.minute RETURNING n"
)


@dataclass(frozen=True, slots=True)
class Rate:
    """Where a caller stands: how many calls a minute has, are left, and until when."""

    limit: int
    left: int
    seconds: int

    @property
    def is_over(self) -> bool:
        """Tell whether this call is one too many."""
        return self.left < 0


class Counter:
    """Counts calls by bucket and minute."""

    def __init__(self, folder: Path) -> None:
        """Remember where; the file is made when something is first counted."""
        self.file = folder / FILE
        self._own = threading.local()

    def count(self, bucket: str, limit: int, at: float | None = None) -> Rate:
        """Count one call, and say where its caller stands."""
        now = time.time() if at is None else at
        minute, seconds = int(now // WINDOW), WINDOW - int(now % WINDOW)
        try:
            row = self._open().execute(_COUNT, (bucket, minute)).fetchone()
        except sqlite3.Error as error:
            log.error("calls are not counted: %s", error)  # noqa: TRY400 - known
            return Rate(limit, limit, seconds)
        return Rate(limit, limit - int(row[0]), seconds)

    def _open(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if found is None:
            self.file.touch(mode=0o600)
            found = sqlite3.connect(self.file, timeout=1, isolation_level=None)
            for pragma in ("journal_mode=wal", "synchronous=off"):
                found.execute(f"pragma {pragma}")
            found.execute(
                "CREATE TABLE IF NOT EXISTS used"
                " (bucket TEXT PRIMARY KEY, minute INTEGER, n INTEGER) WITHOUT ROWID"
            )
            self._own.connection = found
        return found

    def close(self) -> None:
        """Let go of this thread's connection."""
        found = getattr(self._own, "connection", None)
        if found is not None:
            found.close()
            self._own.connection = None


def counter() -> Counter:
    """Return the counter of the application."""
    found: Counter = current_app.extensions[COUNTER]
    return found


def init_app(app: Flask, folder: Path) -> None:
    """Give the application its counter."""
    app.extensions[COUNTER] = Counter(folder)
