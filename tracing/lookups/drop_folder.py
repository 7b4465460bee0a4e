"""Exchange by files: a question goes into one folder, its answer comes into another.

For systems that only speak files. A question is `<key>.csv` in `out`; the answer has
the same name in `in`, and ends with a row: `END`, the number of records, the key. What
lacks that row is not whole: while it is young it is being written, then it is not
understood. Nothing is ever removed here: the other side clears its `out`, the operator
`in`.
"""

import contextlib
import csv
import io
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tracing.lookups.port import (
    LONGEST,
    MOST_CANDIDATES,
    Answer,
    Asker,
    Candidate,
    ExternalLookup,
    NotAnswered,
    NotYet,
    Query,
)
from tracing.lookups.replies import CLEAN
from workflows.vocabulary import LookupOutcome

SENT: Final = (
    *("key", "purpose", "authority", "officer", "serial", "serial_status", "make"),
    *("model", "calibre", "kind", "firearm_type", "country", "year", "marks"),
)
READ: Final = ("key", "id", "kind", "owner", "summary")
END: Final = "END"
LEFT: Final = "questions-left"
"""The folder of our own marks, in the instance folder."""

MOST_BYTES: Final = 1_000_000
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True)
class FolderSettings:
    """The two folders, in the instance folder or absolute; times are seconds."""

    out_folder: str
    in_folder: str
    again: float = 60.0
    settled: float = 120.0


class DropFolder(ExternalLookup):
    """Leaves questions, and finds answers."""

    Settings = FolderSettings
    settings: FolderSettings

    def search(self, query: Query, purpose: str, asker: Asker) -> Answer:
        """Leave the question once; return the answer when it is there, whole."""
        answer = self.folder / self.settings.in_folder / f"{asker.key}.csv"
        try:
            with answer.open("rb") as file:
                raw = file.read(MOST_BYTES + 1)
                age = time.time() - os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            self._leave(query, purpose, asker)
            raise NotYet(self.settings.again) from None
        except OSError as error:
            why = "The folder of answers cannot be read."
            raise NotAnswered(LookupOutcome.UNAVAILABLE, why) from error
        if len(raw) > MOST_BYTES:
            raise _wrong("The answer is larger than we take.", raw)
        rows = _rows(raw)
        if not rows or rows[-1][:1] != [END]:
            if age < self.settings.settled:
                raise NotYet(self.settings.again)
            raise _wrong("The answer has no last row: it is not whole.", raw)
        found = _answer(rows, asker.key, raw)
        with contextlib.suppress(OSError):
            self._mark_of(asker).unlink()
        return found

    def check(self) -> None:
        """Look whether both folders can be used."""
        out = self.folder / self.settings.out_folder
        into = self.folder / self.settings.in_folder
        if not os.access(out, os.W_OK | os.X_OK) or not os.access(into, os.R_OK):
            why = "A folder is missing, or may not be used."
            raise NotAnswered(LookupOutcome.UNAVAILABLE, why)

    def _leave(self, query: Query, purpose: str, asker: Asker) -> None:
        """Write the question whole or not at all; one that was left stays so.

        The other side takes it away: that it was left stands in a mark of our own.
        """
        file = self.folder / self.settings.out_folder / f"{asker.key}.csv"
        mark = self._mark_of(asker)
        if mark.exists():
            return
        try:
            if not file.exists():
                self._write(file, query, purpose, asker)
            mark.parent.mkdir(mode=0o700, exist_ok=True)
            mark.touch()
        except OSError as error:
            why = "The folder of questions cannot be written."
            raise NotAnswered(LookupOutcome.UNAVAILABLE, why) from error

    def _mark_of(self, asker: Asker) -> Path:
        return self.folder / LEFT / asker.key

    def _write(self, file: Path, query: Query, purpose: str, asker: Asker) -> None:
        given = query.plain() | {
            "key": asker.key,
            "purpose": purpose,
            "authority": asker.authority,
            "officer": asker.officer,
            "marks": " | ".join(query.marks),
        }
        text = io.StringIO(newline="")
        writer = csv.writer(text, quoting=csv.QUOTE_ALL)
        writer.writerow(SENT)
        writer.writerow([_harmless(str(given.get(name, ""))) for name in SENT])
        writer.writerow([END, "1", asker.key])
        begun = file.with_suffix(".begun")
        with begun.open("w", encoding="utf-8", newline="") as out:
            out.write(text.getvalue())
            out.flush()
            os.fsync(out.fileno())
        begun.replace(file)


def _harmless(value: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{value}" if value.startswith(FORMULA) else value


def _wrong(why: str, raw: bytes) -> NotAnswered:
    return NotAnswered(LookupOutcome.NOT_UNDERSTOOD, why, raw=raw)


def _rows(raw: bytes) -> list[list[str]]:
    """Return the rows of a file in UTF-8."""
    try:
        text = raw.decode("utf-8-sig")
        found = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except UnicodeDecodeError as error:
        raise _wrong("The answer is not in UTF-8.", raw) from error
    except csv.Error as error:
        raise _wrong("The answer is no CSV.", raw) from error
    return [row for row in found if row]


def _answer(rows: list[list[str]], key: str, raw: bytes) -> Answer:
    head, body, end = rows[0], rows[1:-1], rows[-1]
    missing = [name for name in READ if name not in head]
    if missing or len(set(head)) != len(head):
        raise _wrong(f"The answer lacks a column: {', '.join(missing)}.", raw)
    if len(end) < 3 or end[1] != str(len(body)):
        raise _wrong("The answer has not the number of rows that it says.", raw)
    if end[2] != key:
        raise _wrong("The answer is about another question.", raw)
    if len(body) > MOST_CANDIDATES or any(len(row) != len(head) for row in body):
        raise _wrong("The answer has too many rows, or cells out of place.", raw)
    return Answer(tuple(_candidates(head, body, key, raw)), True, raw)


def _candidates(
    head: list[str], body: list[list[str]], key: str, raw: bytes
) -> Iterable[Candidate]:
    seen = set()
    for row in body:
        cells = dict(zip(head, row, strict=True))
        if cells["key"] != key:
            raise _wrong("The answer is about another question.", raw)
        if any(len(c) > LONGEST or not CLEAN.fullmatch(c) for c in row):
            raise _wrong("The answer has a cell that we do not take.", raw)
        if not cells["id"] or cells["id"] in seen:
            raise _wrong("The answer has two records under one name, or none.", raw)
        seen.add(cells["id"])
        more = {n: v for n, v in cells.items() if n not in READ and v}
        yield Candidate(
            cells["id"], cells["summary"], cells["kind"], cells["owner"], more
        )
