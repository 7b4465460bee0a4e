"""Whether another authority has asked about the same item, if it lets itself be known.

Who asks learns that there is somebody, and nothing else. Where there is nobody, or
nobody who lets itself be introduced, the answer is the same and takes as long.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from tracing.lookups.port import Answer, Asker, Candidate, ExternalLookup, Query

TAKES: Final = 0.25
"""Seconds for an answer: more than the search does."""


class Others(Protocol):
    """What the casework brings: it looks at the requests of all authorities."""

    def __call__(self, query: Query, asker: Asker) -> Sequence[Candidate]:
        """Return somebody for each request that may be told of."""


@dataclass(frozen=True, slots=True)
class ElsewhereSettings:
    """There is nothing to set."""


class OtherAuthorities(ExternalLookup):
    """Asks the requests of the other authorities of this installation."""

    Settings = ElsewhereSettings

    def __init__(
        self, settings: ElsewhereSettings, folder: Path, others: Others
    ) -> None:
        """Keep what looks."""
        super().__init__(settings, folder)
        self.others = others

    def search(self, query: Query, purpose: str, asker: Asker) -> Answer:
        """Search them, and answer when it is time."""
        until = time.monotonic() + TAKES
        found = self.others(query, asker)
        time.sleep(max(0.0, until - time.monotonic()))
        return Answer(tuple(found), complete=True)

    def check(self) -> None:
        """They are in the same database."""
