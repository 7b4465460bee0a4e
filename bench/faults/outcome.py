"""What a run of faults gives: one line, and in words what is wrong."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask

from bench.faults.checker import Verdict
from tracing.config import Settings


@dataclass(frozen=True)
class Place:
    """One kind of database, and what makes new ones of it."""

    database: str
    make: Callable[[str], tuple[Settings, Flask]]

    def note(self, text: str) -> None:
        """Say how far it has come, beside the results."""
        print(f"# {self.database}: {text}", file=sys.stderr, flush=True)


@dataclass
class Outcome:
    """What was injected, and what the checker found."""

    name: str
    injected: int
    verdict: Verdict
    more: dict[str, object] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Tell whether nothing was lost, nothing doubled, and nothing else is wrong."""
        return not any(self.verdict.words)

    def line(self, database: str) -> str:
        """Return the result as one line."""
        found = {
            "name": self.name,
            "injected": self.injected,
            "acknowledged": self.verdict.acknowledged,
            "lost": len(self.verdict.lost),
            "doubled": len(self.verdict.doubled),
            "database": database,
        }
        return json.dumps(found | self.more)
