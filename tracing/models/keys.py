"""The keys of marks in the database: columns, their indexes, and how they are asked.

A row with a mark takes `Keyed`: it keeps its keys whenever its text is set. Whoever
writes rows in bulk takes the columns from `key_columns(text)`. One index of the folded
key and one of it reversed serve every rung of the ladder (docs/adr/0015).
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Dialect,
    Index,
    String,
    Text,
    TypeDecorator,
    and_,
    bindparam,
    false,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column, validates
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from workflows.markings import LONGEST, LONGEST_KEY, keys_of
from workflows.matching import Ask

# Compared byte by byte, which is what SQLite does anyway.
KEY: Final = String(LONGEST_KEY).with_variant(
    String(LONGEST_KEY, collation="C"), "postgresql"
)


class Keyed:
    """A row with a mark: the text as it stands, and what it is found by."""

    text: Mapped[str] = mapped_column(String(LONGEST))
    normalised: Mapped[str | None] = mapped_column(KEY)
    folded: Mapped[str | None] = mapped_column(KEY)
    reversed: Mapped[str | None] = mapped_column(KEY)

    @validates("text")
    def _keep_keys(self, _name: str, text: str) -> str:
        for column, value in key_columns(text).items():
            setattr(self, column, value)
        return text


def key_columns(text: str | None) -> dict[str, str | None]:
    """Return the columns that go with a text; nothing where it has no character."""
    keys = keys_of(text or "")
    return {name: key or None for name, key in keys._asdict().items()}


def key_indexes(table: str, *, include: tuple[str, ...] = ("id",)) -> tuple[Index, ...]:
    """Return the indexes that answer every rung.

    What a look-up reads beside the key, and what decides who may see the row, belongs
    into `include`: PostgreSQL then stays in the index while it filters.
    """
    return tuple(
        Index(f"ix_{table}_{key}", key, postgresql_include=[*include])
        for key in ("folded", "reversed")
    )


def answers(row: type[Keyed], ask: Ask) -> ColumnElement[bool]:
    """Return the condition that a question to the index is; nothing for an open one.

    Brings all marks of the rung, and more: `matching.judge` has the last word.
    """
    if ask.keys:
        return _among(row.folded, ask.keys)
    if ask.is_open:
        return false()
    if ask.by_the_end:
        return _begins(row.reversed, ask.ends[::-1], ask.starts[::-1])
    return _begins(row.folded, ask.starts, ask.ends)


@dataclass(frozen=True, slots=True)
class Shape:
    """How a question is put: all of one shape are one statement with other values."""

    among: bool
    by_the_end: bool = False
    ended: bool = False


def shape_of(ask: Ask) -> tuple[Shape, dict[str, object]]:
    """Return the shape of a question that is not open, and its values."""
    if ask.keys:
        return Shape(among=True), {"ask_keys": sorted(ask.keys)}
    start, end = ask.starts, ask.ends
    if ask.by_the_end:
        start, end = end[::-1], start[::-1]
    values: dict[str, object] = {"ask_start": start, "ask_beyond": _beyond(start)}
    if end:
        values["ask_end"] = f"%{end}"
    return Shape(False, ask.by_the_end, bool(end)), values


def asked_in(row: type[Keyed], shape: Shape) -> ColumnElement[bool]:
    """Return the condition of a shape, its values still open; as `answers` otherwise."""
    if shape.among:
        return _Among(row.folded, bindparam("ask_keys", type_=_Several()))
    key = row.reversed if shape.by_the_end else row.folded
    within = and_(key >= bindparam("ask_start"), key < bindparam("ask_beyond"))
    return and_(within, key.like(bindparam("ask_end"))) if shape.ended else within


def _beyond(start: str) -> str:
    return start[:-1] + chr(ord(start[-1]) + 1)


def _begins(
    key: InstrumentedAttribute[str | None], start: str, end: str
) -> ColumnElement[bool]:
    # A range and no LIKE: behind a policy PostgreSQL uses no index for LIKE.
    within = and_(key >= start, key < _beyond(start))
    return and_(within, key.like(f"%{end}")) if end else within


class _Several(TypeDecorator[list[str]]):
    """Several keys as one parameter, so that the statement stays the same."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Use an array where there is one."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(ARRAY(Text()))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> Any:
        """Write the list as the database reads it."""
        if value is None or dialect.name == "postgresql":
            return value
        return json.dumps(value, ensure_ascii=False)


class _Among(GenericFunction[bool]):
    """Whether a key is one of several."""

    name = "is_one_of_keys"
    inherit_cache = True


def _among(
    key: InstrumentedAttribute[str | None], keys: frozenset[str]
) -> ColumnElement[bool]:
    several = bindparam(None, sorted(keys), type_=_Several(), unique=True)
    return _Among(key, several)


@compiles(_Among, "postgresql")
def _any(element: _Among, compiler: SQLCompiler, **kwargs: Any) -> str:
    key, keys = (compiler.process(part, **kwargs) for part in element.clauses)
    return f"{key} = ANY ({keys})"


@compiles(_Among, "sqlite")
def _each(element: _Among, compiler: SQLCompiler, **kwargs: Any) -> str:
    key, keys = (compiler.process(part, **kwargs) for part in element.clauses)
    # Both parts are compiled: a column and a parameter.
    return f"{key} IN (SELECT value FROM json_each({keys}))"  # noqa: S608
