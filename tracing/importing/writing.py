"""Rows written out, a few at a time: as CSV, or as a workbook.

What is written here is read back by `tables` and `workbook` as it was; a spreadsheet
takes none of it for a formula, and nothing that has only figures for a number.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import xlsxwriter

from tracing.importing.cells import neutral

MOST_ROWS: Final = 1_048_575
"""Rows of a sheet below its heading."""

MARK: Final = "\ufeff"
AT_ONCE: Final = 500

Row = Iterable[str]


def as_csv(heading: Row, rows: Iterable[Row]) -> Iterator[str]:
    """Yield rows as CSV in UTF-8, with the mark by which spreadsheets know it."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    out.write(MARK)
    writer.writerow(map(neutral, heading))
    for number, row in enumerate(rows, 1):
        writer.writerow(map(neutral, row))
        if not number % AT_ONCE:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def as_csv_file(path: Path, heading: Row, rows: Iterable[Row]) -> None:
    """Write rows as CSV."""
    with path.open("w", encoding="utf-8", newline="") as out:
        out.writelines(as_csv(heading, rows))


class TooManyRows(Exception):
    """A sheet holds no more."""


def as_workbook(path: Path, heading: Row, rows: Iterable[Row]) -> int:
    """Write rows as the sheet of a workbook, in little memory; return how many."""
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
        "in_memory": False,
    }
    book = xlsxwriter.Workbook(str(path), options)
    as_text = book.add_format({"num_format": "@"})
    sheet = book.add_worksheet("records")
    count = 0
    try:
        for column, name in enumerate(heading):
            sheet.write_string(0, column, neutral(name), as_text)
        for count, row in enumerate(rows, 1):
            if count > MOST_ROWS:
                raise TooManyRows
            for column, value in enumerate(row):
                if value:
                    sheet.write_string(count, column, neutral(value), as_text)
    finally:
        book.close()
    return count
