"""The list of what was not taken: a row, a column, a value, what to do; as CSV.

It grows with the batches of an import. How long it was with the last one that is kept
is written down with that batch: what came after it is cut off when it goes on.
"""

import csv
import io
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from tracing.importing.cells import neutral
from tracing.importing.faults import N_
from tracing.importing.rows import Fault

HEADING: Final = (N_("Row"), N_("Column"), N_("Value"), N_("What to do"), N_("Taken"))
TAKEN: Final = N_("yes")
NOT_TAKEN: Final = N_("no")

Say = Callable[[str, dict[str, object]], str]
"""Says words with their holes in the reader's language."""


def in_english(msgid: str, holes: dict[str, object]) -> str:
    """Say words as they stand in the program."""
    return msgid % holes if holes else msgid


def lines(faults: Iterable[Fault], say: Say = in_english) -> str:
    """Return faults as lines of CSV, with nothing a spreadsheet would compute."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    for fault in faults:
        taken = TAKEN if fault.warning else NOT_TAKEN
        told = (
            fault.column,
            fault.value,
            say(fault.msgid, fault.holes),
            say(taken, {}),
        )
        writer.writerow((fault.row, *map(neutral, told)))
    return out.getvalue()


def heading(say: Say = in_english) -> str:
    """Return the first line; it begins with a mark by which spreadsheets know UTF-8."""
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow([say(word, {}) for word in HEADING])
    return "\ufeff" + out.getvalue()


def append(path: Path, kept: int, text: str) -> int:
    """Write after so many bytes, and for good; return how long it is now."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.ftruncate(descriptor, kept)
        content = text.encode()
        with os.fdopen(os.dup(descriptor), "wb") as out:
            out.seek(kept)
            out.write(content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return kept + len(content)
