"""The port: what a register of others is asked, what it may answer, how it fails.

A package of a State's own brings a subclass of `ExternalLookup` under the entry point
group `tracing.lookups`. It needs this module and nothing else of ours.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Final

from workflows.vocabulary import LookupOutcome

MOST_CANDIDATES: Final = 200
LONGEST: Final = 300
"""Characters of one value that a register may send us."""


class Capability(StrEnum):
    """What a register can do beside being searched."""

    DETAIL = "detail"
    SUBMIT_TRACE = "submit_trace"
    NOTICES = "notices"
    BY_HAND = "by_hand"
    """Nothing is sent: a person searches and types what came of it."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: the item alone, never a person."""

    serial: str
    serial_status: str = ""
    make: str = ""
    model: str = ""
    calibre: str = ""
    kind: str = ""
    firearm_type: str = ""
    country: str = ""
    year: int | None = None
    marks: tuple[str, ...] = ()
    """All further marks, with the further serial numbers among them."""

    serials: tuple[str, ...] = ()
    """The further serial numbers alone."""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Query":
        """Make the query that was kept."""
        known = {f.name for f in fields(cls)}
        values = {name: value for name, value in given.items() if name in known}
        lists = {name: tuple(values.get(name, ())) for name in ("marks", "serials")}
        return cls(**{"serial": "", **values, **lists})

    def plain(self) -> dict[str, Any]:
        """Return it as it is kept and sent: what is empty is left out."""
        found = asdict(self)
        found |= {"marks": list(self.marks), "serials": list(self.serials)}
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and under which key: the same for every try of one look-up."""

    authority: str
    officer: str
    key: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that may be the one; `record` says what kind, such as `stolen`.

    Of `fields` these are compared with the item: serial, make, model, calibre, country
    (two letters), year. Those that have the name of a field of the answer are offered
    for it when the candidate is confirmed, such as last_legal_holder or report_date.
    """

    id: str
    summary: str = ""
    record: str = ""
    owner: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return asdict(self) | {"fields": dict(self.fields)}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a register has said.

    `complete`: it says that this is all it has, and all of it has come.
    """

    candidates: tuple[Candidate, ...]
    complete: bool
    raw: bytes = b""
    note: str = ""

    @property
    def outcome(self) -> LookupOutcome:
        """Return what it amounts to: only a whole answer can have nothing in it."""
        if not self.complete:
            return LookupOutcome.PARTIAL
        return LookupOutcome.HIT if self.candidates else LookupOutcome.NO_HIT


class NotAnswered(Exception):
    """The register has not answered; `outcome` says how, the text why."""

    def __init__(self, outcome: LookupOutcome, why: str, *, raw: bytes = b"") -> None:
        """Keep how and why, and what had come."""
        if outcome.is_answer:
            raise ValueError(f"{outcome} is an answer")
        super().__init__(why)
        self.outcome, self.why, self.raw = outcome, why, raw


class NotYet(Exception):
    """The answer comes later: come again after so many seconds, or when a person can.

    `reference` is what the register calls it, and is kept for the next time.
    """

    def __init__(self, after: float | None = None, reference: str = "") -> None:
        """Keep when to come again."""
        super().__init__("not yet")
        self.after, self.reference = after, reference


@dataclass(frozen=True, slots=True)
class Notice:
    """Somebody's search has met a record of ours.

    `owner`: whose record it is, by the code of the authority or its State; empty where
    the register tells one authority alone.
    """

    id: str
    record: str
    by: str
    at: str
    owner: str = ""


class ExternalLookup(ABC):
    """One register, set up. Every method may raise NotAnswered.

    It is called in a thread of its own, by several at once. It keeps no state that
    another call needs: the worker may be killed, and another one comes again under the
    same `asker.key`.
    """

    Settings: ClassVar[type]
    """A frozen dataclass: what `lookups.toml` says of it, beside what all have."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset()

    def __init__(self, settings: Any, folder: Path) -> None:
        """Keep the settings; `folder` is where files they name are looked for."""
        self.settings = settings
        self.folder = folder

    @abstractmethod
    def search(self, query: Query, purpose: str, asker: Asker) -> Answer:
        """Look for an item; raises NotYet where the answer takes its time."""

    def detail(self, candidate_id: str, purpose: str, asker: Asker) -> Answer:
        """Return all there is of one candidate."""
        raise self.cannot("show a record in full")

    def submit_trace(self, query: Query, purpose: str, asker: Asker) -> str:
        """Ask for a trace and return its reference; twice under one key is once."""
        raise self.cannot("take requests for a trace")

    def poll(self, reference: str, asker: Asker) -> Answer:
        """Return what a trace has brought; raises NotYet while it goes on."""
        raise self.cannot("take requests for a trace")

    def notices(self, since: str) -> tuple[Notice, ...]:
        """Return who has met records of ours, after the notice `since`."""
        raise self.cannot("tell of hits")

    @abstractmethod
    def check(self) -> None:
        """Try whether it can be reached: what "test now" does."""

    def cannot(self, what: str) -> NotAnswered:
        """Return the refusal of what is not among its capabilities."""
        return NotAnswered(
            LookupOutcome.NOT_PERMITTED, f"This register does not {what}."
        )
