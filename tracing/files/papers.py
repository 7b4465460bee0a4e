"""PDF: its outside is checked, and that it carries no program; it is kept as it came.

This is no proof: what is harmful in a PDF is the reader's to withstand and a scanner's
to know. It is therefore never shown by our pages, only handed over to be saved.
"""

import re
import zlib
from collections.abc import Iterator
from typing import Final

from tracing.faults import FileRefused
from workflows.vocabulary import N_

HEAD: Final = re.compile(rb"%PDF-(1\.[0-9]|2\.0)[\r\n \t]")
TAIL: Final = re.compile(rb"startxref\s{1,4}([0-9]{1,10})\s{1,4}%%EOF\s*\Z")
TABLE: Final = re.compile(rb"\s{0,8}(xref\b|[0-9]{1,10} [0-9]{1,5} obj\b)")
TAIL_BYTES: Final = 2048
LISTED: Final = b"/ObjStm"
BEGIN: Final = re.compile(rb"stream\r?\n")
END: Final = b"endstream"
UNPACKED_AT_MOST: Final = 20_000_000
ACTIVE: Final = (
    *("JavaScript", "Launch", "EmbeddedFile", "EmbeddedFiles", "RichMedia", "XFA"),
    *("SubmitForm", "ImportData", "GoToE"),
)
LOCKED: Final = ("Encrypt",)


def _named(*names: str) -> re.Pattern[bytes]:
    """Return the pattern of names, also of those written with escapes, as `/XF#41`."""
    written = ("".join(f"(?:{c}|#(?i:{ord(c):x}))" for c in name) for name in names)
    first = "".join({name[0] for name in names})
    text = f"/(?=[{first}#])(?:{'|'.join(written)})(?![A-Za-z0-9#])"
    return re.compile(text.encode())


_LOCKED: Final = _named(*LOCKED)
_TELLING: Final = _named(*ACTIVE, *LOCKED)


def check(content: bytes) -> None:
    """Refuse what is no whole PDF, is locked, or does more than show pages."""
    tail = TAIL.search(content[-TAIL_BYTES:])
    if not HEAD.match(content) or not tail or not TABLE.match(content, int(tail[1])):
        raise _broken()
    if _LOCKED.search(content):
        raise FileRefused(N_("This PDF is locked with a password: save it without one"))
    if any(_TELLING.search(part) for part in (content, *_unpacked(content))):
        raise FileRefused(
            N_(
                "This PDF contains a program, a form or another file: "
                "print it to PDF, then choose the new file"
            )
        )


def _broken() -> FileRefused:
    return FileRefused(N_("This PDF cannot be read to its end: save it again as PDF"))


def _unpacked(content: bytes) -> Iterator[bytes]:
    """Yield the packed lists of objects; refuse what unpacks without end."""
    to_write, to_read = UNPACKED_AT_MOST, 4 * len(content)
    view = memoryview(content)
    for start, end in _packed(content):
        to_read -= end - start
        if to_read <= 0:
            raise _broken()
        try:
            part = zlib.decompressobj().decompress(view[start:end], to_write)
        except zlib.error:
            continue
        to_write -= len(part)
        if to_write <= 0:
            raise _broken()
        yield part


def _packed(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield where each packed list stands; every byte is looked at a few times."""
    at, end = 0, 0
    while (at := content.find(LISTED, at)) >= 0:
        begun = BEGIN.search(content, at)
        if begun is None:
            return
        at = begun.end()
        if end < at:
            found = content.find(END, at)
            end = found if found >= 0 else len(content)
        yield at, end
