"""A sheet of a workbook (.xlsx) as rows, in little memory, and as CSV for the import.

Nothing of it is computed and no macro is looked at. Before anything is unpacked the
list of its parts is judged: how many, how large, how much smaller than they say. The
texts that a workbook keeps apart are written to a file and read from there, since they
can be as large as the sheet.
"""

import csv
import lzma
import posixpath
import re
import tempfile
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final
from xml.parsers import expat

from tracing.importing import cells
from tracing.importing.faults import N_, Refused
from tracing.importing.tables import EMPTY, MOST_COLUMNS, ZIP
from tracing.importing.tables import heading as names_of

MOST_PARTS: Final = 2_000
MOST_RATIO: Final = 200
SMALL: Final = 10_000_000
"""Bytes that any part may unpack to, whatever the ratio."""

MOST_UNPACKED: Final = 8_000_000_000
MOST_STYLES: Final = 20_000_000
LONGEST_CELL: Final = 40_000
"""A cell holds 32 767 characters."""

READ: Final = 65_536

BROKEN: Final = N_(
    "This workbook is damaged. Open it in a spreadsheet, save it again, and send that."
)
BOMB: Final = N_(
    "This workbook unpacks to far more than a table has. Save it as CSV, and send that."
)
LOCKED: Final = N_("This workbook has a password. Save it without one.")
NO_SUCH_SHEET: Final = N_(
    "There is no sheet “%(name)s” in this workbook; there are %(known)s."
)
SAY_THE_SHEET: Final = N_(
    "This workbook has several sheets (%(known)s). Say in the mapping which one, under"
    ' [file]: sheet = "..."'
)

_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_DAY_FORMATS: Final = frozenset(
    {*range(14, 23), *range(27, 37), *range(45, 48), 50, 57}
)
_NOT_OF_A_DAY: Final = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')
_AT: Final = re.compile(r"([A-Z]{1,3})([0-9]+)")
_BROKEN: Final = (
    *(zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError),
    *(KeyError, NotImplementedError, ValueError, OverflowError, OSError),
    lzma.LZMAError,
)


def is_one(path: Path) -> bool:
    """Tell whether a file is a workbook, and no CSV."""
    with path.open("rb") as file:
        return file.read(len(ZIP)) == ZIP


def judge(book: zipfile.ZipFile, *, most: int = MOST_UNPACKED) -> None:
    """Refuse what would unpack to too much; nothing is unpacked for it."""
    parts = book.infolist()
    if len(parts) > MOST_PARTS or sum(p.file_size for p in parts) > most:
        raise Refused(BOMB)
    for part in parts:
        if part.flag_bits & 0x1:
            raise Refused(LOCKED)
        packed = max(part.compress_size, 1)
        if part.file_size > SMALL and part.file_size / packed > MOST_RATIO:
            raise Refused(BOMB)


@dataclass
class _Elements:
    """Reads XML as it comes: what begins, what it says, what ends."""

    begin: Callable[[str, dict[str, str]], None]
    end: Callable[[str], None]
    said: Callable[[str], None]

    def read(self, source: IO[bytes]) -> Iterator[None]:
        """Read a part to its end; yields after each piece."""
        parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True
        parser.StartElementHandler = self.begin
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.said

        def refuse(*_: object) -> None:
            # A workbook declares nothing; who does wants more to be read than is there.
            raise Refused(BROKEN)

        parser.StartDoctypeDeclHandler = refuse
        parser.EntityDeclHandler = refuse
        while piece := source.read(READ):
            parser.Parse(piece, False)
            yield
        parser.Parse(b"", True)
        yield


def _local(name: str) -> str:
    return name.rpartition("}")[2]


class Texts:
    """The texts that cells refer to, in a file; only where each begins is in memory.

    They are read as far as they are asked for: a first look at a sheet stays short.
    """

    def __init__(self, source: IO[bytes] | None) -> None:
        """Begin with none."""
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the texts
        self.starts = array("Q", [0])
        self._known: dict[int, str] = {}
        self._parts: list[str] = []
        self._reading = self._silent = False
        self._size = 0
        elements = _Elements(self._begin, self._end, self._said)
        self._more = elements.read(source) if source is not None else iter(())

    def _begin(self, name: str, _given: dict[str, str]) -> None:
        tag = _local(name)
        if tag == "si":
            self._parts.clear()
        elif tag == "rPh":
            # How it is pronounced, beside the text.
            self._silent = True
        self._reading = tag == "t" and not self._silent

    def _end(self, name: str) -> None:
        tag = _local(name)
        self._reading = False
        if tag == "rPh":
            self._silent = False
        elif tag == "si":
            text = "".join(self._parts)[:LONGEST_CELL].encode("utf-8", "replace")
            self.file.write(text)
            self._size += len(text)
            self.starts.append(self._size)

    def _said(self, text: str) -> None:
        if self._reading:
            self._parts.append(text)

    def __getitem__(self, number: int) -> str:
        """Return one text."""
        if (known := self._known.get(number)) is not None:
            return known
        while number >= len(self.starts) - 1:
            if next(self._more, self) is self:
                raise Refused(BROKEN)
        if number < 0:
            raise Refused(BROKEN)
        start, end = self.starts[number], self.starts[number + 1]
        self.file.seek(start)
        text = self.file.read(end - start).decode()
        self.file.seek(0, 2)
        if len(self._known) > 20_000:
            self._known.clear()
        self._known[number] = text
        return text

    def close(self) -> None:
        """Let the file go."""
        self.file.close()


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook."""

    name: str
    part: str


class Workbook:
    """A workbook that was judged and can be read."""

    def __init__(self, path: Path, *, most: int = MOST_UNPACKED) -> None:
        """Judge it, and find its sheets."""
        self.opened: list[IO[bytes] | Texts] = []
        try:
            self.book = zipfile.ZipFile(path)
        except _BROKEN as error:
            raise Refused(BROKEN) from error
        try:
            judge(self.book, most=most)
            self.since_1904, self.sheets = self._sheets()
            self.days = self._styles_of_days()
        except _BROKEN as error:
            self.close()
            raise Refused(BROKEN) from error
        except Refused:
            self.close()
            raise
        if not self.sheets:
            self.close()
            raise Refused(EMPTY)

    def close(self) -> None:
        """Let the file go, and all that was opened of it."""
        for one in self.opened:
            one.close()
        self.book.close()

    def sheet(self, name: str) -> Sheet:
        """Return the sheet that is meant; where there is one, it need not be named."""
        known = ", ".join(f"“{sheet.name[:40]}”" for sheet in self.sheets[:20])
        if not name:
            if len(self.sheets) > 1:
                raise Refused(SAY_THE_SHEET, known=known)
            return self.sheets[0]
        for sheet in self.sheets:
            if sheet.name == name:
                return sheet
        raise Refused(NO_SUCH_SHEET, name=name[:60], known=known)

    def _each(self, part: str) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield the elements of a small part."""
        if self.book.getinfo(part).file_size > MOST_STYLES:
            raise Refused(BOMB)
        found: list[tuple[str, dict[str, str]]] = []

        def begin(name: str, given: dict[str, str]) -> None:
            found.append((_local(name), {_local(k): v for k, v in given.items()}))

        with self.book.open(part) as source:
            for _ in _Elements(begin, lambda _: None, lambda _: None).read(source):
                yield from found
                found.clear()

    def _sheets(self) -> tuple[bool, list[Sheet]]:
        main, kinds = "xl/workbook.xml", {}
        for tag, given in self._each("_rels/.rels"):
            if tag == "Relationship" and given.get("Type", "").endswith(
                "/officeDocument"
            ):
                main = given["Target"].lstrip("/")
        folder, name = posixpath.split(main)
        for tag, given in self._each(f"{folder}/_rels/{name}.rels"):
            if tag == "Relationship":
                kinds[given["Id"]] = (given["Type"].rpartition("/")[2], given["Target"])
        since_1904, sheets = False, []
        for tag, given in self._each(main):
            if tag == "workbookPr":
                since_1904 = given.get("date1904") in ("1", "true")
            if tag != "sheet" or given.get("state", "visible") != "visible":
                continue
            kind, target = kinds.get(given["id"], ("", ""))
            if kind == "worksheet":
                part = posixpath.normpath(posixpath.join("/", folder, target))
                sheets.append(Sheet(given["name"], part.lstrip("/")))
        self.texts_part = self._texts_part(kinds, folder)
        self.styles_part = posixpath.join(folder, "styles.xml")
        return since_1904, sheets

    def _texts_part(self, kinds: dict[str, tuple[str, str]], folder: str) -> str | None:
        for kind, target in kinds.values():
            if kind == "sharedStrings":
                found = posixpath.normpath(posixpath.join("/", folder, target))
                return found.lstrip("/")
        return None

    def _styles_of_days(self) -> frozenset[int]:
        """Return the styles under which a number is a day."""
        if self.styles_part not in self.book.namelist():
            return frozenset()
        own: dict[int, bool] = {}
        found, at, inside = set(), 0, False
        for tag, given in self._each(self.styles_part):
            if tag == "numFmt":
                bare = _NOT_OF_A_DAY.sub("", given.get("formatCode", "").lower())
                own[int(given["numFmtId"])] = any(c in bare for c in "ydh")
            elif tag in ("cellXfs", "cellStyles", "dxfs"):
                inside = tag == "cellXfs"
            elif tag == "xf" and inside:
                number = int(given.get("numFmtId", 0))
                if own.get(number, number in _DAY_FORMATS):
                    found.add(at)
                at += 1
        return frozenset(found)

    def rows(self, name: str = "") -> Iterator[list[str]]:
        """Yield the rows of a sheet; what is more than text carries a sign."""
        sheet = self.sheet(name)
        try:
            part = self.texts_part
            source = self.book.open(part) if part in self.book.namelist() else None
            texts = Texts(source)
            found = self.book.open(sheet.part)
            # Whoever stops in the middle closes the workbook, and all of these with it.
            self.opened += [one for one in (source, texts, found) if one is not None]
            yield from _Rows(texts, self.days, self.since_1904).read(found)
        except _BROKEN as error:
            raise Refused(BROKEN) from error


_NOTHING: Final[list[str]] = []


class _Rows:
    """Makes rows of the elements of a sheet."""

    def __init__(self, texts: Texts, days: frozenset[int], since_1904: bool) -> None:
        self.texts, self.days = texts, days
        # Excel believes in a 29 February 1900: from March of that year on it is right.
        self.first = date(1904, 1, 1) if since_1904 else date(1899, 12, 30)
        self.row: list[str] = []
        self.ready: list[list[str]] = []
        self.number = 0
        self.kind, self.style, self.column = "n", 0, 0
        self.formula = self.reading = self.silent = False
        self.parts: list[str] = []

    def read(self, source: IO[bytes]) -> Iterator[list[str]]:
        for _ in _Elements(self.begin, self.end, self.said).read(source):
            yield from self.ready
            self.ready.clear()

    def begin(self, name: str, given: dict[str, str]) -> None:
        tag = name[name.rfind("}") + 1 :]
        if tag == "c":
            self.kind = given.get("t", "n")
            style = given.get("s")
            self.style = int(style) if style else 0
            at = given.get("r")
            self.column = _column(at) if at else self.column + 1
            self.formula = False
            self.parts.clear()
        elif tag == "v" or (tag == "t" and not self.silent):
            self.reading = True
        elif tag == "f":
            self.formula = True
        elif tag == "row":
            self.row, self.column = [], -1
            number = int(given.get("r", self.number + 1))
            # Rows with nothing in them are left out of the file, and count.
            if not self.number < number <= self.number + 1_048_576:
                raise Refused(BROKEN)
            self.ready.extend([_NOTHING] * (number - self.number - 1))
            self.number = number
        elif tag == "rPh":
            self.silent = True

    def said(self, text: str) -> None:
        if self.reading:
            self.parts.append(text)

    def end(self, name: str) -> None:
        tag = name[name.rfind("}") + 1 :]
        if tag in ("v", "t"):
            self.reading = False
        elif tag == "c":
            self.cell()
        elif tag == "row":
            self.ready.append(self.row)
        elif tag == "rPh":
            self.silent = False

    def cell(self) -> None:
        if not self.parts and not self.formula:
            return
        if not 0 <= self.column < MOST_COLUMNS:
            if self.column >= MOST_COLUMNS:
                return
            raise Refused(BROKEN)
        missing = self.column - len(self.row)
        if missing < 0:
            raise Refused(BROKEN)
        if missing:
            self.row.extend([""] * missing)
        self.row.append(self.value("".join(self.parts)[:LONGEST_CELL]))

    def value(self, text: str) -> str:
        if self.formula:
            return f"{cells.FORMULA}{_tame(text)}"
        match self.kind:
            case "s":
                return _tame(self.texts[int(text)])
            case "n":
                return self.number_of(text)
            case "e":
                return f"{cells.FAULT}{_tame(text)}"
            case "b":
                return "yes" if text == "1" else "no"
            case "d":
                return f"{cells.DAY}{_tame(text[:10])}"
            case _:
                return _tame(text)

    def number_of(self, text: str) -> str:
        """Return a number as it is, or the day it stands for."""
        try:
            number = float(text)
        except ValueError:
            return f"{cells.FAULT}{_tame(text)}"
        if self.style in self.days and 61 <= number < 2_958_466:
            day = datetime.combine(self.first, datetime.min.time())
            return f"{cells.DAY}{(day + timedelta(days=number)).date().isoformat()}"
        if number.is_integer() and abs(number) < 1e15:
            return f"{cells.NUMBER}{int(number)}"
        return f"{cells.NUMBER}{number!r}"


def _tame(text: str) -> str:
    """Return a text that has no sign of ours at its beginning."""
    return text.lstrip(cells.SIGN) if text[:1] == cells.SIGN else text


def _column(at: str) -> int:
    """Return the number of the column of a place such as `AB12`."""
    match = _AT.fullmatch(at)
    if match is None:
        raise Refused(BROKEN)
    number = 0
    for letter in match[1]:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _bare(cell: str) -> str:
    return cell[2:] if cell[:1] == cells.SIGN else cell


def heading(row: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns of a sheet."""
    return names_of(map(_bare, row))


def spool(
    path: Path,
    into: Path,
    *,
    sheet: str = "",
    most: int = MOST_UNPACKED,
    beat: Callable[[], None] = lambda: None,
) -> int:
    """Write a sheet as CSV in UTF-8, for the import to go through; return its rows.

    Every row is as wide as the first. It appears whole, or not at all. `beat` is called
    now and then: it takes its time.
    """
    book = Workbook(path, most=most)
    part = into.with_suffix(".part")
    count = 0
    try:
        with part.open("w", encoding="utf-8", errors="replace", newline="") as out:
            part.chmod(0o600)
            writer: Any = csv.writer(out)
            wide = 0
            for found in book.rows(sheet):
                if not any(found):
                    # It counts, as it does there.
                    writer.writerow(())
                    continue
                row = found if wide else [_bare(cell) for cell in found]
                wide = wide or len(row)
                row.extend([""] * (wide - len(row)))
                writer.writerow(row)
                count += 1
                if not count % 10_000:
                    beat()
        if not count:
            raise Refused(EMPTY)
        part.replace(into)
    finally:
        part.unlink(missing_ok=True)
        book.close()
    return count
