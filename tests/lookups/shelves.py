"""Registers of the tests: a shelf of records, behind the port like anybody's."""

from dataclasses import dataclass, field

from tracing.lookups import registers
from tracing.lookups.port import Answer, Candidate, ExternalLookup, NotAnswered
from tracing.lookups.registers import Register
from workflows.vocabulary import LookupOutcome


@dataclass(frozen=True)
class Shelved:
    """What stands on a shelf; `gone`: it cannot be reached; `part`: some is missing."""

    records: tuple[Candidate, ...] = ()
    gone: bool = False
    part: bool = False
    asked: list = field(default_factory=list)


class Shelf(ExternalLookup):
    """Hands out all it has, whatever it is asked for."""

    Settings = Shelved

    def search(self, query, purpose, asker):
        self.settings.asked.append(query)
        if self.settings.gone:
            raise NotAnswered(LookupOutcome.UNAVAILABLE, "It is not there.")
        return Answer(self.settings.records, complete=not self.settings.part)

    def check(self):
        """It is always there."""


def candidate(number, serial, **given):
    """A record of a serial number; what else is given are fields, or its kind."""
    record, owner = given.pop("record", ""), given.pop("owner", "")
    usual = {"serial": serial, "make": "Example Arms", "model": "A1", "calibre": "9x18"}
    return Candidate(number, f"{serial}, Example Arms", record, owner, usual | given)


def put_up(app, folder, **shelves):
    """Set registers up by name: a shelf each, and none beside them but by hand."""
    found = {registers.BY_HAND: registers.all_of(app)[registers.BY_HAND]}
    for name, (shelf, given) in shelves.items():
        usual = {"adapter": "x", "label": f"Register {name}", "years": "1990-2026"}
        usual |= {"authorities": ("*",)}
        found[name] = Register(name=name, lookup=Shelf(shelf, folder), **usual | given)
    app.extensions[registers.REGISTERS] = found
    return found
