"""A register that only people can search: a book behind a counter, a telephone."""

from dataclasses import dataclass

from tracing.lookups.port import (
    Answer,
    Asker,
    Capability,
    ExternalLookup,
    NotYet,
    Query,
)


@dataclass(frozen=True, slots=True)
class HandSettings:
    """There is nothing to set."""


class ByHand(ExternalLookup):
    """Waits until an officer types what came of it into the same record."""

    Settings = HandSettings
    capabilities = frozenset({Capability.BY_HAND})

    def search(self, query: Query, purpose: str, asker: Asker) -> Answer:
        """Leave it to a person."""
        raise NotYet

    def check(self) -> None:
        """There is nothing to reach."""
