"""Turning the keys: what was closed with an older key is closed with the newest.

A batch is a transaction of its own; where a run ends, the next goes on, for what is
left says so itself. A row is written only if it still holds what was read, and one that
somebody is writing is left for the next round, so that nobody's change is lost.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Table,
    asc,
    bindparam,
    desc,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from tracing.extensions import db
from tracing.journal.journal import place_of_payload
from tracing.models import (
    Base,
    BreakGlass,
    Item,
    JournalPayload,
    ProvidedItem,
    TraceRequest,
)
from tracing.models.sealed import SealBroken, Sealed, Sealing, place_of
from tracing.security.fields import FieldKeys, field_keys

AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Kept:
    """A table with sealed columns, and where each value of a row belongs."""

    table: Table
    key: tuple[str, ...]
    columns: tuple[str, ...]
    more: tuple[Any, ...]
    place: Callable[[Any, str], str]


def all_kept() -> tuple[Kept, ...]:
    """Return every table with sealed columns, as the models have them."""
    found = [
        _kept(mapper.class_)
        for mapper in Base.registry.mappers
        if issubclass(mapper.class_, Sealing)
    ]
    payload: Any = JournalPayload.__table__
    journal = Kept(
        payload,
        ("chain_id", "seq"),
        ("payload",),
        (),
        lambda row, _column: place_of_payload(row.chain_id, row.seq),
    )
    return (*sorted(found, key=lambda kept: kept.table.name), journal)


def _kept(model: Any) -> Kept:
    table = model.__table__
    columns = tuple(n for n, c in vars(model).items() if isinstance(c, Sealed))
    return Kept(
        table,
        ("id",),
        columns,
        (table.c.seal, _whose(model).label("whose")),
        lambda row, column: place_of(table.name, column, row.seal, row.whose),
    )


def _whose(model: Any) -> Any:
    """Return whose a row is, as `sealed_for` says it of a loaded one."""
    table = model.__table__
    if model is TraceRequest:
        return table.c.requesting_id
    if model is BreakGlass:
        return literal(0)
    if model is ProvidedItem:
        return table.c.provider_id
    if model is Item:
        request = TraceRequest.__table__
        return (
            select(request.c.requesting_id)
            .where(request.c.id == table.c.request_id)
            .scalar_subquery()
        )
    return table.c.authority_id


def rotate(
    *,
    size: int = AT_ONCE,
    pause: float = 0.0,
    most: int | None = None,
    told: Callable[[str, int], None] | None = None,
) -> int:
    """Close everything with the newest key; return how many rows were written.

    With `most` a run ends after so many rows, and the next one goes on.
    """
    keys, written = field_keys(), 0
    keys.look(now=True)
    for kept in all_kept():
        here: Sequence[Any] = ()
        while most is None or written < most:
            done, here = _batch(keys, kept, here, min(size, AT_ONCE))
            written += done
            if done and told is not None:
                told(kept.table.name, done)
            if not here:
                break
            if done and pause:
                time.sleep(pause)
    return written


def _batch(
    keys: FieldKeys, kept: Kept, here: Sequence[Any], size: int
) -> tuple[int, Sequence[Any]]:
    """Close one batch of rows anew; return how many, and where the next begins."""
    columns = [kept.table.c[name] for name in kept.columns]
    head = f"v{keys.ring.first}."
    old = [column.is_not(None) & ~column.startswith(head) for column in columns]
    key = [kept.table.c[name] for name in kept.key]
    query = (
        select(*key, *kept.more, *columns)
        .where(or_(*old))
        .order_by(*key)
        .limit(size)
        .with_for_update(skip_locked=True, of=kept.table)
    )
    if here:
        query = query.where(tuple_(*key) > tuple_(*here))
    rows = db.session.execute(query).all()
    _write(keys, kept, rows, head)
    db.session.commit()
    last = tuple(getattr(rows[-1], name) for name in kept.key) if rows else ()
    return len(rows), last


def _write(keys: FieldKeys, kept: Kept, rows: Sequence[Any], head: str) -> None:
    """Write each value that still is what was read."""
    for column in kept.columns:
        changes = []
        for row in rows:
            old = getattr(row, column)
            if old is None or old.startswith(head):
                continue
            place = kept.place(row, column)
            new = keys.close(keys.open(old, place), place)
            where = {f"key_{name}": getattr(row, name) for name in kept.key}
            changes.append(where | {"old": old, "new": new})
        if changes:
            db.session.connection().execute(_change(kept, column), changes)


def _change(kept: Kept, column: str) -> Any:
    columns = kept.table.c
    same = [columns[name] == bindparam(f"key_{name}") for name in kept.key]
    return (
        update(kept.table)
        .where(*same, columns[column] == bindparam("old"))
        .values({columns[column]: bindparam("new")})
    )


def unopened(each: int, connection: Connection | None = None) -> str:
    """Return why one of the newest or oldest sealed values does not open; or nothing.

    `each`: rows looked at from either end of each table; of another database by its
    `connection`.
    """
    keys, place = field_keys(), connection or db.session
    keys.look(now=True)
    for kept in all_kept():
        columns = [kept.table.c[name] for name in kept.columns]
        for order in (desc, asc):
            rows = place.execute(
                select(*(kept.table.c[name] for name in kept.key), *kept.more, *columns)
                .order_by(*(order(kept.table.c[name]) for name in kept.key))
                .limit(each)
            )
            for row in rows:
                try:
                    _open(keys, kept, row)
                except SealBroken as error:
                    return str(error)
    return ""


def _open(keys: FieldKeys, kept: Kept, row: Any) -> None:
    for name in kept.columns:
        sealed = getattr(row, name)
        if sealed is not None:
            keys.open(sealed, kept.place(row, name))


def counts() -> dict[int, int]:
    """Return how many values each key has closed that are there."""
    found: Counter[int] = Counter()
    for name, number in _heads():
        found[int(name)] += number
    db.session.rollback()
    return dict(found)


def _heads() -> Iterator[tuple[str, int]]:
    keys = field_keys()
    for kept in all_kept():
        for name in kept.columns:
            column = kept.table.c[name]
            for number in keys.ring.keys:
                count = select(func.count()).where(column.startswith(f"v{number}."))
                yield str(number), db.session.scalar(count) or 0
            heads = [column.startswith(f"v{number}.") for number in keys.ring.keys]
            strange = select(func.count()).where(column.is_not(None), ~or_(*heads))
            yield "0", db.session.scalar(strange) or 0
