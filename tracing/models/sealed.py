"""Columns the database cannot read: closed when they are set, opened when asked for.

`family_name = text()` in a model makes a column of that name which holds a sealed
value, and an attribute that holds the words. Nothing is opened until it is read. What
is bound to a value, so that it opens nowhere else: the table, the column, the row (a
random seal, for a new row has no number yet) and the authority it belongs to.
"""

import base64
import json
import secrets
from collections.abc import Callable
from datetime import date
from typing import Any, Generic, Protocol, Self, TypeVar, overload

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

T = TypeVar("T")


class SealBroken(Exception):
    """What is stored was changed, moved, or is no sealed value; the text says where."""


class KeyMissing(SealBroken):
    """The key with which a value was sealed is not among those of this installation."""


class Box(Protocol):
    """What closes and opens values; the keys are its own affair."""

    def close(self, text: str, place: str) -> str:
        """Return the sealed value of a text at its place."""

    def open(self, sealed: str, place: str) -> str:
        """Return the text; raises SealBroken if it was not closed at this place."""


class Boxes:
    """Where rows find the box of the application they are in."""

    def __init__(self) -> None:
        """Start without one."""
        self.find: Callable[[], Box] | None = None

    def __call__(self) -> Box:
        """Return the box."""
        if self.find is None:
            raise KeyMissing("there is no application, and so there are no keys")
        return self.find()


box = Boxes()


def new_seal() -> str:
    """Return what tells a row from every other, before it has a number."""
    return secrets.token_hex(16)


def place_of(table: str, column: str, row: str, authority_id: int) -> str:
    """Return what is bound to a sealed value."""
    return f"{table}.{column}|{row}|{authority_id}"


class Sealing:
    """A row with sealed columns."""

    seal: Mapped[str] = mapped_column(String(32), default=new_seal)

    @property
    def sealed_for(self) -> int:
        """Return the authority the row belongs to."""
        raise NotImplementedError


class Sealed(Generic[T]):
    """One sealed column, and the attribute that opens it."""

    def __init__(
        self,
        write: Callable[[Any], str],
        read: Callable[[str], Any],
        *,
        required: bool = False,
    ) -> None:
        """Keep how a value becomes a text and a text a value."""
        self.write, self.read, self.required = write, read, required
        self.name = self.table = ""

    def __set_name__(self, owner: type[Any], name: str) -> None:
        """Put the column beside the attribute."""
        self.name, self.table = name, owner.__tablename__
        column = mapped_column(name, Text, nullable=not self.required)
        setattr(owner, column_of(name), column)

    @overload
    def __get__(self, row: None, owner: type[object]) -> Self: ...

    @overload
    def __get__(self, row: object, owner: type[object]) -> T: ...

    def __get__(self, row: Any, owner: type[object]) -> Any:
        """Open the value; once, as long as it stays the same."""
        if row is None:
            return self
        sealed = getattr(row, column_of(self.name))
        if sealed is None:
            return None
        slot = f"_opened_{self.name}"
        known = row.__dict__.get(slot)
        if known is not None and known[0] == sealed:
            return known[1]
        value = self.read(box().open(sealed, self._place(row)))
        row.__dict__[slot] = (sealed, value)
        return value

    def __set__(self, row: Any, value: T) -> None:
        """Close the value; one that is there already stays as it is."""
        if value is None:
            setattr(row, column_of(self.name), None)
            return
        if row.seal is None:
            row.seal = new_seal()
        elif self.__get__(row, type(row)) == value:
            return
        sealed = box().close(self.write(value), self._place(row))
        setattr(row, column_of(self.name), sealed)
        row.__dict__[f"_opened_{self.name}"] = (sealed, value)

    def _place(self, row: Any) -> str:
        authority_id = row.sealed_for
        if authority_id is None:
            raise ValueError(f"{self.table}.{self.name}: first say whose the row is")
        return place_of(self.table, self.name, row.seal, authority_id)


def column_of(name: str) -> str:
    """Return the attribute that holds the sealed value of another."""
    return f"sealed_{name}"


def text() -> Sealed[str | None]:
    """Return a sealed text."""
    return Sealed(str, str)


def words() -> Sealed[str]:
    """Return a sealed text that is never absent."""
    return Sealed(str, str, required=True)


def day() -> Sealed[date | None]:
    """Return a sealed day."""
    return Sealed(date.isoformat, date.fromisoformat)


def number() -> Sealed[float | None]:
    """Return a sealed number."""
    return Sealed(repr, float)


def record() -> Sealed[dict[str, Any]]:
    """Return a sealed record of plain values."""
    return Sealed(_dump, json.loads, required=True)


def rows() -> Sealed[list[dict[str, Any]] | None]:
    """Return sealed records of plain values, if there are any."""
    return Sealed(_dump, json.loads)


def content() -> Sealed[bytes | None]:
    """Return sealed bytes, if there are any."""
    return Sealed(lambda value: base64.b64encode(value).decode(), base64.b64decode)


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
