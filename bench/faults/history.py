"""What people tried, and what they were told: on the disk before anything goes on."""

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

INVOKE: Final = "invoke"
OK: Final = "ok"
UNKNOWN: Final = "unknown"
"""The line broke before the answer: it may have happened, or not."""

REFUSED: Final = "refused"
"""The answer was no: it must not have happened."""


@dataclass
class Action:
    """One thing tried once or again, under the same key."""

    n: int
    kind: str
    said: dict[str, Any]
    outcome: str = UNKNOWN

    @property
    def reference(self) -> str:
        """Return the request it is about; of a draft, as it was told."""
        return str(self.said.get("reference", ""))


@dataclass
class History:
    """A file of lines, each synced before the one who wrote it goes on."""

    path: Path
    count: int = 0
    acknowledged: int = 0
    answers: int = 0
    surprises: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open the file."""
        self._lock = threading.Lock()
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def invoke(self, kind: str, **said: object) -> int:
        """Keep what is about to be tried."""
        with self._lock:
            self.count += 1
            number = self.count
        self._write({"n": number, "is": INVOKE, "kind": kind, **said})
        return number

    def told(self, number: int, outcome: str, **said: object) -> None:
        """Keep what came of it."""
        self._write({"n": number, "is": outcome, **said})
        with self._lock:
            self.acknowledged += outcome == OK

    def surprise(self, words: str) -> None:
        """Keep an answer that nobody should get."""
        with self._lock:
            self.surprises.append(words)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, line: dict[str, object]) -> None:
        os.write(self._file, json.dumps(line).encode() + b"\n")
        os.fdatasync(self._file)


def actions(path: Path) -> Iterator[Action]:
    """Read a history: the last word on each action counts."""
    found: dict[int, Action] = {}
    for text in path.read_text("utf-8").splitlines():
        line = json.loads(text)
        number, event = line.pop("n"), line.pop("is")
        if event == INVOKE:
            found[number] = Action(number, line.pop("kind"), line)
        else:
            found[number].outcome = event
            found[number].said |= line
    return iter(found.values())
