"""One cell: what a spreadsheet made of it, and what a spreadsheet could make of ours.

What begins like a formula is written with an apostrophe before it, and read without:
what was written out comes back as it was.
"""

import re
from typing import Final

STARTS_A_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
"""Also of those that have one already, or two would become one."""

# Marks a cell of a workbook that is more than its text; no text of ours has it, and it
# is no blank that would be trimmed.
SIGN: Final = "\x01"
FORMULA: Final = f"{SIGN}="
NUMBER: Final = f"{SIGN}#"
DAY: Final = f"{SIGN}d"
FAULT: Final = f"{SIGN}!"


def neutral(value: str) -> str:
    """Return a value that no spreadsheet takes for a formula."""
    return f"'{value}" if STARTS_A_FORMULA.match(value) else value


def meant(value: str) -> str:
    """Return what stood there before `neutral`."""
    if value[:1] == "'" and STARTS_A_FORMULA.match(value):
        return value[1:]
    return value
