"""What the stand-in keeps: records, traces, hits, and who has asked. In SQLite."""

import csv
import json
import secrets
import sqlite3
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

TABLES: Final = """
create table if not exists record (
    id text primary key, source text not null, kind text not null, owner text not null,
    serial_key text not null, summary text not null, fields text not null);
create index if not exists record_serial on record (source, serial_key);
create table if not exists trace (
    id text primary key, key text unique not null, item text not null,
    status text not null);
create table if not exists hit (
    number integer primary key, record_id text not null, searched_by text not null,
    at text not null);
create table if not exists asked (
    number integer primary key, path text not null, key text not null,
    authority text not null, officer text not null, purpose text not null,
    at text not null);
"""
KINDS: Final = ("stolen", "lost", "trafficked", "smuggled")
MOST: Final = 50
SEEDED: Final = (
    ("A-1", "stolen", "KE", "EX 1234 7", "Example Arms", "A1", "9x18"),
    ("A-2", "lost", "BR", "EX 1234 8", "Example Arms", "A1", "9x18"),
    ("A-3", "trafficked", "NP", "QZ-77-001", "Demonstration Works", "M2", "7.62x39"),
    ("A-4", "smuggled", "EC", "АВ 0417 К", "Example Arms", "A1", "9x18"),
)
"""Invented, all of it."""

MORE: Final = "records.csv"
"""Beside the database, before it is made: more records, in the same columns."""


def _more(file: Path) -> list[list[str]]:
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as rows:
        return list(csv.reader(rows))


def key_of(serial: str) -> str:
    """Return a number without what stands between its signs."""
    return "".join(c for c in serial.upper() if c.isalnum() or c == "?")


class Records:
    """One file, one writer at a time."""

    def __init__(self, file: Path) -> None:
        """Open it, and fill it where it is empty."""
        self._lock = threading.Lock()
        self._database = sqlite3.connect(file, check_same_thread=False)
        self._database.executescript(TABLES)
        if not self._all("select 1 from record"):
            for row in (*SEEDED, *_more(file.with_name(MORE))):
                self.add("iarms", *row)
                self.add("registry", *row)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _all(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock, self._database:
            return self._database.execute(statement, values).fetchall()

    def add(
        self,
        source: str,
        number: str,
        kind: str,
        owner: str,
        serial: str,
        make: str,
        model: str,
        calibre: str,
    ) -> None:
        """Keep a record."""
        fields = {"serial": serial, "make": make, "model": model, "calibre": calibre}
        summary = f"{make} {model} {calibre}, {serial}"
        self._all(
            "insert into record values (?, ?, ?, ?, ?, ?, ?)",
            *(f"{source}-{number}", source, kind, owner, key_of(serial), summary),
            json.dumps(fields, ensure_ascii=False),
        )

    def note(self, path: str, said: Mapping[str, Any]) -> None:
        """Keep who has asked, and for what."""
        names = ("query_id", "authority", "officer", "purpose")
        self._all(
            "insert into asked (path, key, authority, officer, purpose, at)"
            " values (?, ?, ?, ?, ?, ?)",
            *(path, *(str(said.get(name, "")) for name in names), _now()),
        )

    def asked(self) -> dict[str, int]:
        """Return how often each question was asked, by its key."""
        query = "select key, count(*) from asked where key <> '' group by key"
        return dict(self._all(query))

    def search(self, source: str, said: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the records of a serial number; `?` is any sign. Owners are told."""
        item = said.get("item") or {}
        pattern = key_of(str(item.get("serial", ""))).replace("?", "_")
        if not pattern.strip("_"):
            return []
        rows = self._all(
            "select id, kind, owner, summary, fields from record"
            " where source = ? and serial_key like ? limit ?",
            *(source, pattern, MOST),
        )
        for row in rows:
            self._all(
                "insert into hit (record_id, searched_by, at) values (?, ?, ?)",
                *(row[0], str(said.get("authority", "")), _now()),
            )
        return [_plain(row) for row in rows]

    def one(self, source: str, number: str) -> dict[str, Any] | None:
        """Return a record in full."""
        rows = self._all(
            "select id, kind, owner, summary, fields from record"
            " where source = ? and id = ?",
            *(source, number),
        )
        return _plain(rows[0]) if rows else None

    def hits(self, since: str) -> list[dict[str, Any]]:
        """Return who has met a record, after one notice."""
        after = int(since) if since.isdecimal() else 0
        rows = self._all(
            "select number, record_id, searched_by, at, owner from hit"
            " join record on record.id = record_id where number > ?"
            " order by number limit ?",
            *(after, MOST),
        )
        names = ("id", "record_id", "searched_by", "at", "owner")
        return [dict(zip(names, (str(row[0]), *row[1:]), strict=True)) for row in rows]

    def trace(self, key: str, item: Mapping[str, Any]) -> str:
        """Begin a trace; the same key is the same one."""
        self._all(
            "insert into trace values (?, ?, ?, 'pending') on conflict do nothing",
            *(f"T-{secrets.token_hex(6)}", key, json.dumps(item)),
        )
        return str(self._all("select id from trace where key = ?", key)[0][0])

    def answer_traces(self) -> None:
        """Let every trace be answered."""
        self._all("update trace set status = 'answered'")

    def traced(self, number: str) -> dict[str, Any] | None:
        """Return how a trace stands."""
        rows = self._all("select key, item, status from trace where id = ?", number)
        if not rows:
            return None
        key, item, status = rows[0]
        found = []
        if status == "answered":
            found = self.search("iarms", {"item": json.loads(item)})
        return {
            "query_id": key,
            "trace_id": number,
            "status": status,
            "records": found,
        }


def _plain(row: tuple[Any, ...]) -> dict[str, Any]:
    number, kind, owner, summary, fields = row
    return {
        "id": number,
        "kind": kind,
        "owner": owner,
        "summary": summary,
        "fields": json.loads(fields),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
