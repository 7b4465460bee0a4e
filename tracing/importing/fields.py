"""What a row can hold: the fields of a kind of record, as its owner declares them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final


class Kind(Enum):
    """How the text of a cell becomes a value."""

    LINE = auto()
    BLOCK = auto()
    """Text of several lines."""
    MARK = auto()
    """A number as it stands; what a spreadsheet may have done to it is told."""
    CODE = auto()
    DAY = auto()
    DAY_OR_PART = auto()
    """A day, or the month or the year alone, as 2019-05 and 2019."""
    WHOLE = auto()
    YES_NO = auto()


@dataclass(frozen=True, slots=True)
class Field:
    """One field that a column of a file can become."""

    name: str
    label: str
    kind: Kind = Kind.LINE
    required: bool = False
    longest: int = 100
    choices: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of a code: what may stand in the file, in lower case, and the code it is."""
    between: tuple[int, int] = (0, 2**31 - 1)
    known_as: tuple[str, ...] = ()
    """Headings under which it is found in files, for a first mapping."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of one kind of record, in the order in which a row is handed over."""

    name: str
    fields: tuple[Field, ...]
    key: str
    """The field by which a row is known again."""

    def named(self, name: str) -> Field | None:
        """Return a field by its name."""
        return next((one for one in self.fields if one.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the fields."""
        return tuple(one.name for one in self.fields)


YES: Final = frozenset({"1", "yes", "y", "true", "oui", "si", "sí", "да", "ja", "x"})
NO: Final = frozenset({"0", "no", "n", "false", "non", "нет", "nein"})
"""What is read as yes and no; anything else is translated by the mapping."""
