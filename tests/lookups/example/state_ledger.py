"""An adapter of a State's own, in a package of its own: a ledger in a text file."""

from dataclasses import dataclass

from tracing.lookups.port import (
    Answer,
    Candidate,
    ExternalLookup,
    NotAnswered,
)
from workflows.vocabulary import LookupOutcome


@dataclass(frozen=True)
class LedgerSettings:
    """Where the ledger is; one serial number a line, and at last a line `END`."""

    file: str


class Ledger(ExternalLookup):
    """Reads the whole ledger for each question."""

    Settings = LedgerSettings

    def search(self, query, purpose, asker):
        lines = self._lines()
        found = tuple(Candidate(id=line) for line in lines if line == query.serial)
        return Answer(found, complete=True)

    def check(self):
        self._lines()

    def _lines(self):
        try:
            lines = (self.folder / self.settings.file).read_text("utf-8").splitlines()
        except OSError as error:
            why = "The ledger is not there."
            raise NotAnswered(LookupOutcome.UNAVAILABLE, why) from error
        if lines[-1:] != ["END"]:
            raise NotAnswered(LookupOutcome.NOT_UNDERSTOOD, "The ledger has no end.")
        return lines[:-1]
