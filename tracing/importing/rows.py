"""A row of text as the values of a record, or what is wrong with it and what to do."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, NoReturn

from tracing.importing import cells, days
from tracing.importing.cells import SIGN
from tracing.importing.faults import N_, Refused
from tracing.importing.fields import NO, YES, Field, Kind, Shape
from tracing.importing.mapping import Mapping
from tracing.importing.tables import Broken
from tracing.schemas.fields import (
    INVISIBLE,
    NOT_IN_A_BLOCK,
    NOT_IN_A_LINE,
    REORDERING,
)

Value = str | int | None
Values = tuple[Value, ...]
"""One value for each field of the shape, in its order."""

BETWEEN_KEYS: Final = " / "
LONGEST_KEY: Final = 120
EXACT: Final = 15
"""Digits that a spreadsheet keeps of a number."""

FILL_IN: Final = N_("Fill this in: no record is kept without it")
FILL_IN_KEY: Final = N_("Fill this in: it tells this record from the others")
PASTE_VALUES: Final = N_(
    "This is a formula: copy the column, paste it as values, and save it again"
)
A_FAULT: Final = N_("The spreadsheet shows a fault here: put it right there")
NOT_STORED: Final = N_(
    "Take out the characters that cannot be seen; perhaps the file is in another encoding"
)
TOO_LONG: Final = N_("Use at most %(number)s characters")
NOT_LISTED: Final = N_(
    "Say in the mapping what this means, under [values.%(field)s]: it can be %(known)s"
)
NO_NUMBER: Final = N_("Write a whole number from %(least)s to %(most)s")
YES_OR_NO: Final = N_("Write yes or no")
SHORTENED: Final = N_(
    "A spreadsheet has shortened this number: make the column text there and save it"
    " again"
)
MORE_CELLS: Final = N_(
    "This row has %(found)s cells and the first row %(wanted)s: put quotes around values"
    " with a separator or a line break in them"
)
AS_NUMBER: Final = N_(
    "Check this: it is kept as a number there, so zeros in front of it may be lost. Make"
    " the column text"
)
_SHORT: Final = re.compile(r"\d([.,]\d+)?E\+?\d+", re.IGNORECASE)


class Fault(NamedTuple):
    """What is wrong with one cell; of a warning, the row is taken all the same."""

    row: int
    column: str
    value: str
    msgid: str
    holes: dict[str, object]
    warning: bool = False


Read = Callable[[str], Value]
"""Returns the value of a cell that is not empty; raises Refused."""


class _Column(NamedTuple):
    """One column of the file that becomes a field."""

    at: int
    place: int
    name: str
    field: Field
    read: Read


class Rows:
    """Turns the rows of one file into records, as its mapping says."""

    def __init__(
        self,
        shape: Shape,
        mapping: Mapping,
        header: Sequence[str],
        *,
        is_workbook: bool = False,
    ) -> None:
        """Find the columns; raises what `Mapping.check` does."""
        mapping.check(header)
        self.shape, self.wide, self.is_workbook = shape, len(header), is_workbook
        self.header = tuple(header)
        place = {name: number for number, name in enumerate(header)}
        self.key = tuple(place[name] for name in mapping.key)
        self.key_at = shape.names.index(shape.key)
        self.start: list[Value] = [None] * len(shape.fields)
        self.columns: list[_Column] = []
        for at, field in enumerate(shape.fields):
            read = _reader(field, mapping)
            if (constant := mapping.constants.get(field.name)) is not None:
                self.start[at] = read(constant)
            elif (name := mapping.columns.get(field.name)) is not None:
                self.columns.append(_Column(at, place[name], name, field, read))
        marks = {c.place for c in self.columns if c.field.kind is Kind.MARK}
        self.told_of_numbers = marks & set(self.key)

    def read(
        self, row: int, found: Sequence[str] | Broken, faults: list[Fault]
    ) -> Values | None:
        """Return the record of a row, or None; what is wrong is added to the faults."""
        if isinstance(found, Broken):
            faults.append(Fault(row, "", "", found.msgid, {}))
            return None
        if len(found) != self.wide:
            cut = self._cut(row, found, faults)
            if cut is None:
                return None
            found = cut
        whole = "".join(found)
        odd = (not whole.isascii()) or NOT_IN_A_LINE.search(whole) is not None
        before = len(faults)
        values = self.start.copy()
        for at, place, name, field, read in self.columns:
            cell = found[place].strip()
            try:
                if odd:
                    cell = self._odd(row, name, cell, field, faults)
                elif cell[:1] == "=":
                    _refuse(PASTE_VALUES)
                if cell:
                    values[at] = read(cells.meant(cell) if cell[0] == "'" else cell)
                elif field.required:
                    _refuse(FILL_IN)
            except Refused as error:
                faults.append(_fault(row, name, cell, error))
        values[self.key_at] = self._key(row, found, faults)
        if len(faults) > before and not all(f.warning for f in faults[before:]):
            return None
        return tuple(values)

    def _odd(
        self, row: int, name: str, cell: str, field: Field, faults: list[Fault]
    ) -> str:
        """Return a cell with other letters than those of ASCII, or with signs."""
        if self.is_workbook and cell[:1] == SIGN:
            cell = _of_workbook(row, name, cell, field.kind is Kind.MARK, faults)
        elif cell[:1] == "=":
            raise Refused(PASTE_VALUES)
        return _clean(cell, is_block=field.kind is Kind.BLOCK)

    def _cut(
        self, row: int, found: Sequence[str], faults: list[Fault]
    ) -> Sequence[str] | None:
        """Return a row as wide as the heading; nothing but blanks is added or lost."""
        extra = "".join(found[self.wide :]).strip()
        if len(found) < self.wide or extra:
            holes: dict[str, object] = {"found": len(found), "wanted": self.wide}
            faults.append(Fault(row, "", extra[:100], MORE_CELLS, holes))
            return None
        return found[: self.wide]

    def _key(self, row: int, found: Sequence[str], faults: list[Fault]) -> str | None:
        parts = []
        for place in self.key:
            cell, name = found[place].strip(), self.header[place]
            try:
                if self.is_workbook and cell[:1] == SIGN:
                    told = [] if place in self.told_of_numbers else faults
                    cell = _of_workbook(row, name, cell, True, told)
                elif cell[:1] == "=":
                    _refuse(PASTE_VALUES)
                if not cell.isascii() or NOT_IN_A_LINE.search(cell):
                    cell = _clean(cell)
                if not cell:
                    _refuse(FILL_IN_KEY)
            except Refused as error:
                faults.append(_fault(row, name, cell, error))
                return None
            parts.append(cells.meant(cell))
        key = BETWEEN_KEYS.join(parts)
        if len(key) > LONGEST_KEY:
            told_long = Refused(TOO_LONG, number=LONGEST_KEY)
            faults.append(_fault(row, self.header[self.key[0]], key, told_long))
            return None
        return key


def _refuse(msgid: str) -> NoReturn:
    raise Refused(msgid)


def _of_workbook(
    row: int, name: str, cell: str, is_mark: bool, faults: list[Fault]
) -> str:
    """Return what a cell of a workbook says, if it says it plainly."""
    sign, text = cell[:2], cell[2:]
    if sign == cells.FORMULA:
        raise Refused(PASTE_VALUES)
    if sign == cells.FAULT:
        raise Refused(A_FAULT)
    if sign == cells.NUMBER and is_mark:
        if sum(map(str.isdigit, text)) > EXACT or "e" in text:
            raise Refused(SHORTENED)
        faults.append(Fault(row, name, text, AS_NUMBER, {}, warning=True))
    return text


def _clean(cell: str, *, is_block: bool = False) -> str:
    """Return a cell without what nobody sees; raises Refused for what is not text."""
    if is_block:
        cell = cell.replace("\r\n", "\n").replace("\r", "\n")
    bare = cell.translate(REORDERING if is_block else INVISIBLE)
    if (NOT_IN_A_BLOCK if is_block else NOT_IN_A_LINE).search(bare):
        raise Refused(NOT_STORED)
    return unicodedata.normalize("NFC", bare).strip()


def _fault(row: int, column: str, cell: str, error: Refused) -> Fault:
    value = NOT_IN_A_LINE.sub("\N{REPLACEMENT CHARACTER}", cell.lstrip(SIGN))
    return Fault(row, column, value[:100], error.msgid, dict(error.holes))


# ---------------------------------------------------------------- of each kind of field


def _reader(field: Field, mapping: Mapping) -> Read:
    plain = _PLAIN[field.kind](field, mapping)
    told = mapping.values.get(field.name)
    if not told or field.kind is Kind.CODE:
        return plain

    def translated(cell: str) -> Value:
        meant = told.get(cell.casefold(), cell)
        return plain(meant) if meant else None

    return translated


def _line(field: Field, _mapping: Mapping) -> Read:
    longest = field.longest

    def read(cell: str) -> Value:
        if len(cell) > longest:
            raise Refused(TOO_LONG, number=longest)
        return cell

    return read


def _mark(field: Field, _mapping: Mapping) -> Read:
    longest = field.longest

    def read(cell: str) -> Value:
        if len(cell) > longest:
            raise Refused(TOO_LONG, number=longest)
        if "E" in cell and _SHORT.fullmatch(cell) and "+" in cell:
            raise Refused(SHORTENED)
        return cell

    return read


def _code(field: Field, mapping: Mapping) -> Read:
    choices = dict(field.choices)
    for said, meant in mapping.values.get(field.name, {}).items():
        choices[said] = field.choices[meant.casefold()] if meant else ""
    known = ", ".join(dict.fromkeys(field.choices.values()))[:300]
    # A file has the same words over and over, as they are written.
    met: dict[str, str | None] = {}

    def read(cell: str) -> Value:
        if cell in met:
            return met[cell]
        code = choices.get(cell.casefold())
        if code is None:
            raise Refused(NOT_LISTED, field=field.name, known=known)
        met[cell] = code or None
        return met[cell]

    return read


def _day(field: Field, mapping: Mapping) -> Read:
    formats = mapping.dates.get(field.name) or mapping.dates.get("", ())
    whole = days.reader(formats)
    if field.kind is Kind.DAY:
        return whole

    def read(cell: str) -> Value:
        return days.part(cell) or whole(cell)

    return read


def _whole(field: Field, _mapping: Mapping) -> Read:
    least, most = field.between

    def read(cell: str) -> Value:
        text = cell.removesuffix(".0")
        if not (text.isdecimal() and len(text) < 12 and least <= int(text) <= most):
            raise Refused(NO_NUMBER, least=least, most=most)
        return int(text)

    return read


def _yes_no(_field: Field, _mapping: Mapping) -> Read:
    def read(cell: str) -> Value:
        word = cell.casefold()
        if word in YES:
            return 1
        if word in NO:
            return 0
        raise Refused(YES_OR_NO)

    return read


_PLAIN: Final = {
    Kind.LINE: _line,
    Kind.BLOCK: _line,
    Kind.MARK: _mark,
    Kind.CODE: _code,
    Kind.DAY: _day,
    Kind.DAY_OR_PART: _day,
    Kind.WHOLE: _whole,
    Kind.YES_NO: _yes_no,
}
