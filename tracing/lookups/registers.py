"""Which registers are set up: `lookups.toml` of the instance folder, read at the start.

    [central]
    adapter = "iarms"
    label = "iARMS, by the national bureau"
    years = "2013 to today"
    authorities = ["BR-CNA"]

    [central.settings]
    url = "https://bureau.example/v1"

What is unknown, missing or of the wrong kind stops the program and says where.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import resolve_name as load_name
from typing import Any, Final

from flask import Flask, current_app

from tracing.lookups import typed
from tracing.lookups.by_hand import ByHand, HandSettings
from tracing.lookups.elsewhere import ElsewhereSettings, OtherAuthorities, Others
from tracing.lookups.own import OwnRecords, OwnSettings, Records, SharedRecords
from tracing.lookups.port import Capability, ExternalLookup
from tracing.ports import BadSetting
from workflows.vocabulary import N_, HandlingCode

FILE: Final = "lookups.toml"
GROUP: Final = "tracing.lookups"
REGISTERS: Final = "tracing.registers"
SHIPPED: Final[Mapping[str, str]] = {
    "iarms": "tracing.lookups.json_service:Iarms",
    "registry-http": "tracing.lookups.json_service:RegistryHttp",
    "drop-folder": "tracing.lookups.drop_folder:DropFolder",
    "by-hand": "tracing.lookups.by_hand:ByHand",
}
NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,38}")
ALL: Final = "*"
BY_HAND: Final = "by-hand"
OWN: Final = "own-records"
SHARED: Final = "shared-records"
ELSEWHERE: Final = "other-authorities"
IN_HOUSE: Final = frozenset({BY_HAND, OWN, SHARED, ELSEWHERE})
"""Nothing leaves this service when these are asked."""

LONGEST_WAIT: Final = 45.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """What is set of every register, whatever its adapter. Times are seconds.

    `deadline`: for one call, whatever the adapter does; `patience`: until an answer
    that is to come later has come; `domestic`: a register of the State
    that asks. `notices_to`: the authority that is told of hits on records which the register gives to nobody by name. `invented`: it is a stand-in,
    whose records are nobody's; the pages say so.
    """

    name: str = ""
    adapter: str
    label: str
    years: str = ""
    domestic: bool = False
    authorities: tuple[str, ...]
    highest_handling: str = "H1"
    quota: int = 500
    per_minute: int = 0
    at_once: int = 4
    deadline: float = 20.0
    patience: float = 14 * 86_400.0
    breaker_after: int = 5
    breaker_pause: float = 60.0
    notices_to: str = ""
    invented: bool = False
    lookup: ExternalLookup | None = None

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        HandlingCode(self.highest_handling)
        if not self.authorities:
            raise ValueError('authorities: name their codes, or write ["*"]')
        if not 0 < self.deadline <= LONGEST_WAIT:
            raise ValueError(f"deadline: at most {LONGEST_WAIT:.0f} seconds")
        if min(self.quota, self.at_once, self.breaker_after) < 1 or self.per_minute < 0:
            raise ValueError("quota, at_once and breaker_after are at least 1")
        if self.notices_to and not self.serves(self.notices_to):
            raise ValueError("notices_to: name one of the authorities")

    @property
    def asked(self) -> ExternalLookup:
        """Return what asks it."""
        assert self.lookup is not None
        return self.lookup

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Return what it can do beside being searched."""
        return self.asked.capabilities

    @property
    def leaves(self) -> bool:
        """Tell whether what it is asked leaves this service."""
        return self.name not in IN_HOUSE

    def serves(self, code: str) -> bool:
        """Tell whether an authority may ask it."""
        return ALL in self.authorities or code in self.authorities

    @property
    def owner_of_records(self) -> str:
        """Return the code of whom it tells of hits, where a notice names nobody."""
        alone = self.authorities[0] if len(self.authorities) == 1 else ALL
        return self.notices_to or ("" if alone == ALL else alone)

    def may_receive(self, handling: HandlingCode) -> bool:
        """Tell whether what has this code may be sent there."""
        order = list(HandlingCode)
        return order.index(handling) <= order.index(HandlingCode(self.highest_handling))


Registers = Mapping[str, Register]


def adapters() -> dict[str, str]:
    """Return every adapter by name, with where it stands: ours, and those installed."""
    found = dict(SHIPPED)
    for point in entry_points(group=GROUP):
        if point.name in SHIPPED and point.value != SHIPPED[point.name]:
            raise BadSetting(f"{point.value} calls itself {point.name}, which is ours")
        found[point.name] = point.value
    return found


def load(
    folder: Path,
    records: Records | None = None,
    shared: Records | None = None,
    others: Others | None = None,
) -> Registers:
    """Return the registers of an installation; by hand there is always a way."""
    file = folder / FILE
    rows: dict[str, Any] = {}
    if file.is_file():
        try:
            rows = tomllib.loads(file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadSetting(f"{file}: {error}") from error
    found = {r.name: r for r in _built_in(folder, records, shared, others)}
    found |= {name: _register(name, row, folder) for name, row in rows.items()}
    return found


def _built_in(
    folder: Path,
    records: Records | None,
    shared: Records | None,
    others: Others | None,
) -> Iterator[Register]:
    yield Register(
        name=BY_HAND,
        adapter=BY_HAND,
        label=N_("A register that is searched by hand"),
        domestic=True,
        authorities=(ALL,),
        highest_handling="H3",
        lookup=ByHand(HandSettings(), folder),
    )
    if records is not None:
        yield Register(
            name=OWN,
            adapter=OWN,
            label=N_("Own records"),
            domestic=True,
            authorities=(ALL,),
            highest_handling="H3",
            quota=1_000_000,
            lookup=OwnRecords(OwnSettings(), folder, records),
        )
    if shared is not None:
        yield Register(
            name=SHARED,
            adapter=SHARED,
            label=N_("Records that other authorities share"),
            authorities=(ALL,),
            highest_handling="H3",
            quota=1_000_000,
            lookup=SharedRecords(OwnSettings(), folder, shared),
        )
    if others is not None:
        yield Register(
            name=ELSEWHERE,
            adapter=ELSEWHERE,
            label=N_("Requests of other authorities"),
            authorities=(ALL,),
            highest_handling="H3",
            quota=200,
            lookup=OtherAuthorities(ElsewhereSettings(), folder, others),
        )


def _register(name: str, row: Any, folder: Path) -> Register:
    where = f"{folder / FILE}: [{name}]"
    if not NAME.fullmatch(name) or name in IN_HOUSE or not isinstance(row, dict):
        raise BadSetting(f"{where}: use a name of small letters, digits and hyphens")
    if {"name", "lookup"} & set(row):
        raise BadSetting(f"{where}: leave out name and lookup")
    given = dict(row)
    own = given.pop("settings", {})
    made: Register = typed.read(Register, given, where)
    known = adapters()
    if made.adapter not in known:
        raise BadSetting(f"{where}: adapter: there are {', '.join(sorted(known))}")
    kind = load_name(known[made.adapter])
    if not (isinstance(kind, type) and issubclass(kind, ExternalLookup)):
        raise BadSetting(f"{where}: {known[made.adapter]} is no ExternalLookup")
    settings: Any = typed.read(kind.Settings, own, f"{where}: settings")
    return replace(made, name=name, lookup=kind(settings, folder))


def all_of(app: Flask | None = None) -> Registers:
    """Return the registers of the application."""
    found: Registers = (app or current_app).extensions[REGISTERS]
    return found


def of_authority(code: str) -> list[Register]:
    """Return those that an authority may ask."""
    return [register for register in all_of().values() if register.serves(code)]
