"""A file as rows of text, a piece at a time; it can be gone on with in the middle.

A place in a file is a byte at which a piece begins and how many lines of it are done:
true for every encoding, and whatever stands between quotes.
"""

import codecs
import csv
import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, NamedTuple

from tracing.importing import encodings
from tracing.importing.faults import N_, Refused

PIECE: Final = 262_144
LONGEST_LINE: Final = 1_048_576
LONGEST_RECORD: Final = 65_536
"""Characters of one row: a quote that is never closed does not swallow the file."""

MOST_COLUMNS: Final = 1000
SAMPLE: Final = 65_536
DELIMITERS: Final = ",;\t|"
ASCII: Final = bytes(range(128))

EMPTY: Final = N_("There is nothing in this file. Choose the file with the records.")
NO_ROWS: Final = N_("This file has a heading and no rows.")
NOT_DECODED: Final = N_(
    "From byte %(byte)s on, this file is not in %(encoding)s. Say its encoding in the"
    ' mapping, under [file]: encoding = "..."'
)
TOO_LONG: Final = N_("This row is longer than any record: close the quote it opens")
NOT_QUOTED: Final = N_(
    "The quotes of this row do not match: put every quote in a value twice"
)
COLUMNS_TWICE: Final = N_(
    "Two columns are called “%(name)s”. Give each column of the first row its own name."
)
NO_NAME: Final = N_(
    "Column %(number)s has values and no name. Name it in the first row, or empty it."
)
TOO_MANY_COLUMNS: Final = N_("This file has more than %(most)s columns.")
TOO_LARGE: Final = N_("This file is larger than %(size)s MB. Cut it into several.")
NOT_A_TABLE: Final = N_(
    "This is no table that can be read. Save it as CSV, or as a workbook (.xlsx)."
)
OLD_WORKBOOK: Final = N_(
    "This workbook has a password, or is of the old kind (.xls). Save it as .xlsx"
    " without a password, or as CSV."
)

OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIP: Final = b"PK\x03\x04"
FOREIGN: Final = (b"%PDF", b"\x89PNG", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"SQLite f")


class Place(NamedTuple):
    """How far a table is read: the byte of a piece, lines done of it, rows done."""

    offset: int = 0
    lines: int = 0
    row: int = 0


class Broken(NamedTuple):
    """A row that is none; the words say what to do."""

    msgid: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What a look through the whole file has told, before anything is believed."""

    path: Path
    size: int
    sha256: str
    is_workbook: bool
    head: bytes = field(repr=False)
    sample: bytes = field(repr=False)
    is_utf8: bool = False


def survey(path: Path, *, largest: int | None = None) -> Survey:
    """Look through a file once: its hash, its kind, which bytes it has."""
    size = path.stat().st_size
    if largest is not None and size > largest:
        raise Refused(TOO_LARGE, size=largest // 1_000_000)
    if not size:
        raise Refused(EMPTY)
    looked = _Look()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            looked.at(piece)
    head = looked.head
    if head.startswith(OLE):
        raise Refused(OLD_WORKBOOK)
    if head.startswith(FOREIGN):
        raise Refused(NOT_A_TABLE)
    return Survey(
        *(path, size, looked.digest.hexdigest(), head.startswith(ZIP)),
        *(head, bytes(looked.sample), looked.ended_as_utf8()),
    )


class _Look:
    """Hash, first bytes, and lines with every byte beyond ASCII that the file has."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.head = b""
        self.sample = bytearray()
        self.known = ASCII
        self.decoder: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder(
            "utf-8"
        )()

    def at(self, piece: bytes) -> None:
        self.digest.update(piece)
        if not self.head:
            self.head = piece[:PIECE]
        if self.decoder is not None:
            try:
                self.decoder.decode(piece)
            except UnicodeDecodeError:
                self.decoder = None
        if piece.translate(None, self.known) or (
            len(self.sample) < SAMPLE // 2 and not piece.isascii()
        ):
            self._keep(piece)

    def _keep(self, piece: bytes) -> None:
        for line in piece.splitlines(keepends=True):
            if len(self.sample) >= SAMPLE:
                return
            new = line.translate(None, self.known)
            if new or (len(self.sample) < SAMPLE // 2 and not line.isascii()):
                self.sample += line[:4096]
                self.known += bytes(set(new))

    def ended_as_utf8(self) -> bool:
        if self.decoder is None:
            return False
        try:
            self.decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
        return True


@dataclass(slots=True)
class _Lines:
    """The lines of a file from a place on, for the reader of CSV to ask for."""

    file: IO[bytes]
    encoding: str
    offset: int
    lines: int = 0
    taken: int = 0
    """Lines that were asked for, in all."""
    in_record: int = 0
    """Characters since the record began."""
    _next: int = 0
    _waiting: Iterator[str] = field(default_factory=lambda: iter(()))

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self.in_record > LONGEST_RECORD:
            raise _TooLong
        line = next(self._waiting, None)
        if line is None:
            line = self._piece()
        self.lines += 1
        self.taken += 1
        self.in_record += len(line)
        return line

    def begin(self) -> None:
        """Read the first piece, and leave out the lines that are done."""
        done, self.lines, self._next = self.lines, 0, self.offset
        for _ in range(done):
            self.in_record = 0
            next(self)
        self.in_record = 0

    def _piece(self) -> str:
        self.file.seek(self._next)
        found = self.file.read(PIECE)
        if not found:
            raise StopIteration
        end = _end_of_lines(found, self.encoding)
        while not end:
            more = self.file.read(PIECE)
            if not more or len(found) > LONGEST_LINE:
                end = len(found)
                break
            found += more
            end = _end_of_lines(found, self.encoding)
        if len(found) < PIECE:
            end = len(found)
        self.offset, self.lines = self._next, 0
        self._next += end
        try:
            text = found[:end].decode(self.encoding)
        except UnicodeDecodeError as error:
            raise Refused(
                *(NOT_DECODED,),
                byte=self.offset + error.start,
                encoding=self.encoding,
            ) from error
        # As CSV means it: no line ends at a form feed or at U+2028.
        self._waiting = iter(io.StringIO(text, newline=""))
        return next(self._waiting)


class _TooLong(Exception):
    """A record does not end."""


def _end_of_lines(piece: bytes, encoding: str) -> int:
    """Return where the last whole line ends; 0 where none does."""
    width = encodings.width_of(encoding)
    for sign in ("\n", "\r"):
        end = sign.encode(encoding)
        at = piece.rfind(end)
        while at >= 0 and at % width:
            at = piece.rfind(end, 0, at + width - 1)
        # What follows a return may be its line feed, in the next piece.
        if at >= 0 and (sign == "\n" or at + width < len(piece)):
            return at + width
    return 0


@dataclass(slots=True)
class Table:
    """The rows of a CSV file; the first that is not empty names the columns."""

    lines: _Lines
    delimiter: str
    quote: str
    header: tuple[str, ...] = ()
    row: int = 0

    @property
    def place(self) -> Place:
        """Return where the next row begins."""
        return Place(self.lines.offset, self.lines.lines, self.row)

    def __iter__(self) -> Iterator[tuple[int, list[str] | Broken]]:
        """Yield each row that is not empty with its number, from the place on."""
        reader = self._reader()
        while True:
            self.lines.in_record = 0
            before = (self.lines.offset, self.lines.lines, self.lines.taken)
            found: list[str] | Broken
            try:
                found = next(reader)
            except StopIteration:
                return
            except (_TooLong, csv.Error) as error:
                words = TOO_LONG if isinstance(error, _TooLong) else NOT_QUOTED
                found = Broken(words)
                if self.lines.taken > before[2] + 1:
                    # What follows may be whole rows: only the first line is given up.
                    self._go_back(before[0], before[1] + 1)
                reader = self._reader()
            # As a spreadsheet counts them: with those that are empty.
            self.row += 1
            if found:
                yield self.row, found

    def _reader(self) -> Iterator[list[str]]:
        return csv.reader(
            self.lines, delimiter=self.delimiter, quotechar=self.quote, strict=True
        )

    def _go_back(self, offset: int, lines: int) -> None:
        self.lines = _Lines(self.lines.file, self.lines.encoding, offset, lines)
        self.lines.begin()


def table(
    file: IO[bytes],
    encoding: str,
    *,
    delimiter: str = "",
    quote: str = '"',
    place: Place | None = None,
) -> Table:
    """Open a CSV file; from a place on, if one is given."""
    file.seek(0)
    head = file.read(PIECE)
    encoding, mark = encodings.settled(encoding, head)
    begin = _Lines(file, encoding, mark)
    begin.begin()
    delimiter = delimiter or delimiter_of(
        head[mark : _end_of_lines(head, encoding) or None], encoding
    )
    opened = Table(begin, delimiter, quote)
    first = next(iter(opened), (1, []))[1]
    if isinstance(first, Broken):
        raise Refused(first.msgid)
    if not first:
        raise Refused(EMPTY)
    opened.header = heading(first)
    if place is not None and place.row:
        opened.lines = _Lines(file, encoding, place.offset, place.lines)
        opened.lines.begin()
        opened.row = place.row
    return opened


def heading(cells: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the columns; the same one twice is refused."""
    names = [" ".join(cell.split()) for cell in cells]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise Refused(EMPTY)
    if len(names) > MOST_COLUMNS:
        raise Refused(TOO_MANY_COLUMNS, most=MOST_COLUMNS)
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        if not name:
            raise Refused(NO_NAME, number=number)
        if name in seen:
            raise Refused(COLUMNS_TWICE, name=name[:80])
        seen.add(name)
    return tuple(names)


def delimiter_of(head: bytes, encoding: str) -> str:
    """Return what parts the columns: what cuts the first rows into the same number."""
    text = head.decode(encoding, "replace")
    lines = list(io.StringIO(text[:SAMPLE], newline=""))[:20]
    best = (0, 0, ",")
    for sign in DELIMITERS:
        try:
            rows = [row for row in csv.reader(lines, delimiter=sign) if row]
        except csv.Error:
            continue
        columns = len(rows[0]) if rows else 0
        alike = sum(len(row) == columns for row in rows)
        best = max(best, (alike if columns > 1 else 0, columns, sign))
    return best[2]
