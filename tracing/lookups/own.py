"""The authority's own records, behind the same port as everybody else's."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tracing.lookups.port import (
    Answer,
    Asker,
    Candidate,
    Capability,
    ExternalLookup,
    NotAnswered,
    Query,
)
from workflows.vocabulary import LookupOutcome


class Records(Protocol):
    """What the registry brings: it searches what one authority may see of it."""

    def search(self, query: Query, authority: str) -> tuple[Sequence[Candidate], bool]:
        """Return candidates, the nearest first, and whether these are all."""

    def detail(self, number: str, authority: str) -> Candidate | None:
        """Return a record with its history."""


@dataclass(frozen=True, slots=True)
class OwnSettings:
    """There is nothing to set."""


class OwnRecords(ExternalLookup):
    """Asks the records that were given to it."""

    Settings = OwnSettings
    capabilities = frozenset({Capability.DETAIL})

    def __init__(self, settings: OwnSettings, folder: Path, records: Records) -> None:
        """Keep the records."""
        super().__init__(settings, folder)
        self.records = records

    def search(self, query: Query, purpose: str, asker: Asker) -> Answer:
        """Search them."""
        found, whole = self.records.search(query, asker.authority)
        return Answer(tuple(found), whole)

    def detail(self, candidate_id: str, purpose: str, asker: Asker) -> Answer:
        """Return one of them."""
        found = self.records.detail(candidate_id, asker.authority)
        if found is None:
            why = "There is no such record any more."
            raise NotAnswered(LookupOutcome.UNAVAILABLE, why)
        return Answer((found,), complete=True)

    def check(self) -> None:
        """They are in the same database."""


class SharedRecords(OwnRecords):
    """Asks what other authorities share: all there is of a record is in the answer."""

    capabilities = frozenset()
