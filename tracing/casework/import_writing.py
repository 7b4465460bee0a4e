"""A batch of rows into the records: the same statements for both databases.

The rows are put into tables that last as long as the transaction, by COPY where there
is one; from there each table takes in one statement what it does not have. What is
there already, and says something else, is changed, and what it said becomes an event.
Only columns that the mapping names are compared.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, text

from tracing.casework.record_rows import EVENT, ITEM, KEYS, MARK, OF_ITEM, PLAIN
from tracing.casework.registry import HISTORIC
from tracing.extensions import db
from tracing.models import RegistryEvent
from tracing.models.base import Instant
from workflows.vocabulary import WANTED, RecordEventType

_WHOLE: Final = frozenset({"year", "import_year", "quantity", "n"})
_FLAGS: Final = frozenset({"shared", "withdrawn"})
_DAYS: Final = frozenset({"review_on", "happened_on"}) | {
    "licence_issued",
    "licence_expires",
}
MOST_HOLES: Final = 16_000
"""Values in one statement; SQLite takes twice as many."""

TABLES: Final = {"import_item": ITEM, "import_event": EVENT, "import_mark": MARK}


@dataclass(frozen=True, slots=True)
class Rows:
    """What a batch brings, by table; each row begins with its number in the file."""

    items: Sequence[tuple[Any, ...]] = ()
    events: Sequence[tuple[Any, ...]] = ()
    marks: Sequence[tuple[Any, ...]] = ()


@dataclass(slots=True)
class Written:
    """What came of a batch."""

    added: int = 0
    changed: int = 0
    told: int = 0
    alone: list[int] = field(default_factory=list)
    """Rows whose event replaces one that is not there."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes batches of one import."""

    authority_id: int
    by_id: int | None
    at: datetime
    mapped: frozenset[str]
    """The fields that the mapping names."""

    def write(self, rows: Rows) -> Written:
        """Write a batch; part of the caller's transaction."""
        connection = db.session.connection()
        given = {"import_item": rows.items, "import_event": rows.events}
        given["import_mark"] = rows.marks
        stage(connection, given)
        done = Written()
        if rows.items:
            done.added = self._run(connection, _ADD_ITEMS)
            if done.added < len(rows.items):
                done.changed = self._change(connection)
        if rows.events:
            done.told += self._run(connection, _ADD_EVENTS)
            if any(row[3] for row in rows.events):
                self._replace(connection, done)
            if done.told and "status" not in self.mapped:
                self._run(connection, _FOLLOW)
        if rows.marks:
            done.told += self._run(connection, _ADD_MARKS)
        return done

    def _run(self, connection: Connection, statement: str) -> int:
        return connection.execute(_said(statement), self._told(statement)).rowcount

    def _told(self, statement: str) -> dict[str, Any]:
        every = {"authority": self.authority_id, "by": self.by_id, "at": self.at}
        return {name: v for name, v in every.items() if f":{name}" in statement}

    def _change(self, connection: Connection) -> int:
        """Change what says something else now; keep what it said."""
        columns = [c for c in ITEM if OF_ITEM.get(c) in self.mapped and c in _COMPARED]
        if not columns:
            return 0
        differs = " OR ".join(
            f"i.{c} {_IS_NOT[connection.dialect.name]} s.{c}" for c in columns
        )
        find = _DIFFERENT.format(
            columns=", ".join(f"i.{c} AS old_{c}, s.{c}" for c in columns),
            differs=differs,
        )
        found = connection.execute(_said(find), self._told(find)).mappings().all()
        if not found:
            return 0
        written = [*columns, *(KEYS if "text" in columns else ())]
        sets = [f"{c} = s.{c}" for c in written]
        if "status" in columns and "shared" not in columns:
            sets.append(f"shared = (i.shared AND s.status IN ({_WANTED}))")
        change = _CHANGE.format(sets=", ".join(sets), differs=differs)
        connection.execute(_said(change), self._told(change))
        connection.execute(
            insert(RegistryEvent),
            [
                {
                    "authority_id": self.authority_id,
                    "item_id": row["id"],
                    "kind": RecordEventType.CORRECTION,
                    "changes": {
                        "serial" if c == "text" else c: row[f"old_{c}"]
                        for c in columns
                        if row[f"old_{c}"] != row[c]
                    },
                    "withdrawn": False,
                    "recorded_at": self.at,
                    "recorded_by_id": self.by_id,
                    "seal": "",
                }
                for row in found
            ],
        )
        return len(found)

    def _replace(self, connection: Connection, done: Written) -> None:
        """Add events that replace others; these may be of the same batch."""
        while more := self._run(connection, _ADD_REPLACING):
            done.told += more
        done.alone = list(
            connection.scalars(_said(_NOT_ADDED), self._told(_NOT_ADDED)).all()
        )


# --------------------------------------------------------------------------- staging


def stage(connection: Connection, given: dict[str, Sequence[tuple[Any, ...]]]) -> None:
    """Put rows into tables that nobody else sees and nobody has to empty."""
    postgres = connection.dialect.name == "postgresql"
    for table, rows in given.items():
        columns = ("n", *TABLES[table])
        if postgres:
            made = ", ".join(f"{c} {_type(c)}" for c in columns)
            connection.exec_driver_sql(
                f"CREATE TEMP TABLE {table} ({made}) ON COMMIT DROP"
            )
        else:
            connection.exec_driver_sql(
                f"CREATE TEMP TABLE IF NOT EXISTS {table} ({', '.join(columns)})"
            )
            connection.exec_driver_sql(f"DELETE FROM temp.{table}")  # noqa: S608
        if not rows:
            continue
        if postgres:
            _copy(connection, table, rows)
        else:
            _fill(connection, table, rows)


def _type(column: str) -> str:
    if column in _WHOLE:
        return "integer"
    if column in _FLAGS:
        return "boolean"
    if column in _DAYS:
        return "date"
    return "jsonb" if column == "changes" else "text"


def _fill(connection: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert many rows by one statement: another thread works while it runs."""
    raw: Any = connection.connection.driver_connection
    wide = len(rows[0])
    most = MOST_HOLES // wide
    one = f"({', '.join('?' * wide)})"
    for start in range(0, len(rows), most):
        some = rows[start : start + most]
        values = ", ".join([one] * len(some))
        raw.execute(
            f"INSERT INTO temp.{table} VALUES {values}",  # noqa: S608 - holes
            list(chain.from_iterable(some)),
        )


def _copy(connection: Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    raw: Any = connection.connection.driver_connection
    order = f"COPY {table} FROM STDIN (NULL '{_NOTHING}')"
    with raw.cursor() as cursor, cursor.copy(order) as copy:
        for piece in _pieces(rows):
            copy.write(piece)


def _pieces(rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """Yield rows as COPY reads them."""
    lines = []
    for row in rows:
        line = "\t".join([_NOTHING if v is None else str(v) for v in row])
        # Seldom: no line of a record has any of these, but for its signs.
        if "\\" in line or "\n" in line or line.count("\t") >= len(row):
            line = "\t".join(
                [_NOTHING if v is None else str(v).translate(_ESCAPED) for v in row]
            )
        lines.append(line)
        if len(lines) == 1000:
            yield "\n".join(lines) + "\n"
            lines.clear()
    if lines:
        yield "\n".join(lines) + "\n"


_NOTHING: Final = "\x02"
"""Stands for no value; no text of ours has it."""

_ESCAPED: Final = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})

# ------------------------------------------------------------------------ statements

_IS_NOT: Final = {"postgresql": "IS DISTINCT FROM", "sqlite": "IS NOT"}
_WANTED: Final = ", ".join(f"'{status.value}'" for status in sorted(WANTED))
_MOVING: Final = ", ".join(f"'{e.value}'" for e in RecordEventType if e.status)
_AFTER: Final = " ".join(
    f"WHEN '{e.value}' THEN '{e.status.value}'" for e in RecordEventType if e.status
)
_LONG_AGO: Final = ", ".join(f"'{kind.value}'" for kind in sorted(HISTORIC))
_COMPARED: Final = frozenset({"text", *PLAIN})
_OF: Final = "i.authority_id = :authority AND i.source_key = s.{key}"
_ITEMS: Final = ", ".join(ITEM)
_EVENTS: Final = ", ".join(c for c in EVENT if c not in ("item_key", "replaces"))
_TOLD: Final = ", ".join(f"s.{c}" for c in EVENT if c not in ("item_key", "replaces"))
_MARKS: Final = ", ".join(c for c in MARK if c != "item_key")

# Everything that is put together here is of this file.
_ADD_ITEMS: Final = f"""
    INSERT INTO registry_item (authority_id, version, recorded_at, changed_at, {_ITEMS})
    SELECT :authority, 1, :at, :at, {_ITEMS} FROM import_item WHERE true
    ON CONFLICT (authority_id, source_key) DO NOTHING
"""  # noqa: S608
_DIFFERENT: Final = f"""
    SELECT i.id, {{columns}} FROM import_item s
    JOIN registry_item i ON {_OF.format(key="source_key")} WHERE {{differs}}
"""  # noqa: S608
_CHANGE: Final = f"""
    UPDATE registry_item AS i SET version = i.version + 1, changed_at = :at,
        review_on = s.review_on, {{sets}}
    FROM import_item s WHERE {_OF.format(key="source_key")} AND ({{differs}})
"""  # noqa: S608
# One that somebody wrote down here is called by its number when it is exported.
_NOT_OURS: Final = """NOT EXISTS (
        SELECT 1 FROM registry_event o WHERE o.item_id = i.id AND o.source_key IS NULL
        AND 'entry-' || o.id = s.source_key)"""
_ADD_EVENTS: Final = f"""
    INSERT INTO registry_event
        (authority_id, item_id, recorded_at, recorded_by_id, {_EVENTS})
    SELECT :authority, i.id, :at, CAST(:by AS integer), {_TOLD}
    FROM import_event s JOIN registry_item i ON {_OF.format(key="item_key")}
    WHERE s.replaces IS NULL AND {_NOT_OURS}
    ON CONFLICT DO NOTHING
"""  # noqa: S608
_REPLACED: Final = """r.item_id = i.id AND (r.source_key = s.replaces OR
        (r.source_key IS NULL AND 'entry-' || r.id = s.replaces))"""
_ADD_REPLACING: Final = f"""
    INSERT INTO registry_event
        (authority_id, item_id, recorded_at, recorded_by_id, replaces_id, {_EVENTS})
    SELECT :authority, i.id, :at, CAST(:by AS integer), r.id, {_TOLD}
    FROM import_event s JOIN registry_item i ON {_OF.format(key="item_key")}
    JOIN registry_event r ON {_REPLACED}
    WHERE s.replaces IS NOT NULL AND {_NOT_OURS}
    ON CONFLICT DO NOTHING
"""  # noqa: S608
_NOT_ADDED: Final = f"""
    SELECT s.n FROM import_event s JOIN registry_item i ON {_OF.format(key="item_key")}
    WHERE s.replaces IS NOT NULL AND {_NOT_OURS} AND NOT EXISTS (
        SELECT 1 FROM registry_event e
        WHERE e.item_id = i.id AND e.source_key = s.source_key)
"""  # noqa: S608
# Of the items of which this import has told something new; an officer's word on the
# others stands. What is looked for stays so, where all that is told was before.
_FOLLOW: Final = f"""
    UPDATE registry_item AS i SET version = i.version + 1, changed_at = :at,
        status = n.status, shared = (i.shared AND n.status IN ({_WANTED}))
    FROM (
        SELECT e.item_id, CASE e.kind {_AFTER} END AS status,
            row_number() OVER (PARTITION BY e.item_id
                ORDER BY e.happened_on IS NULL DESC, e.happened_on DESC, e.id DESC
            ) AS place,
            max(CASE WHEN e.kind IN ({_LONG_AGO}) THEN 0 ELSE 1 END)
                OVER (PARTITION BY e.item_id) AS lately
        FROM registry_event e
        WHERE e.authority_id = :authority AND e.kind IN ({_MOVING})
        AND NOT e.withdrawn AND NOT EXISTS (
            SELECT 1 FROM registry_event x
            WHERE x.item_id = e.item_id AND x.replaces_id = e.id)
        AND e.item_id IN (
            SELECT i.id FROM import_event s
            JOIN registry_item i ON {_OF.format(key="item_key")}
            JOIN registry_event o ON o.item_id = i.id
            AND o.source_key = s.source_key AND o.recorded_at = :at)
    ) n
    WHERE n.item_id = i.id AND n.place = 1 AND i.status <> n.status
    AND (n.lately = 1 OR i.status NOT IN ({_WANTED}))
"""  # noqa: S608
_ADD_MARKS: Final = f"""
    INSERT INTO registry_mark (authority_id, item_id, {_MARKS})
    SELECT DISTINCT :authority, i.id, {", ".join(f"s.{c}" for c in MARK[1:])}
    FROM import_mark s JOIN registry_item i ON {_OF.format(key="item_key")}
    WHERE NOT EXISTS (
        SELECT 1 FROM registry_mark m WHERE m.item_id = i.id AND m.type = s.type
        AND m.text = s.text AND coalesce(m.component, '') = coalesce(s.component, ''))
"""  # noqa: S608


def _said(statement: str) -> Any:
    """Return a statement whose instants are written as the models write them."""
    made = text(statement)
    return (
        made.bindparams(bindparam("at", type_=Instant()))
        if ":at" in statement
        else made
    )


def plain(value: Any) -> str:
    """Return a record as it is written into a cell."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
