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
NAME: Final = re.compile(rb"/([EGIJLRSX#][A-Za-z0-9#]{1,40})")
ESCAPE: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
PACKED: Final = re.compile(rb"/ObjStm.{0,400}?stream\r?\n", re.DOTALL)
UNPACKED_AT_MOST: Final = 20_000_000
ACTIVE: Final = frozenset(
    {
        b"JavaScript",
        b"Launch",
        b"EmbeddedFile",
        b"EmbeddedFiles",
        b"RichMedia",
        b"XFA",
        b"SubmitForm",
        b"ImportData",
        b"GoToE",
    }
)
LOCKED: Final = b"Encrypt"
TELLING: Final = ACTIVE | {LOCKED}


def check(content: bytes) -> None:
    """Refuse what is no whole PDF, is locked, or does more than show pages."""
    tail = TAIL.search(content[-TAIL_BYTES:])
    if not HEAD.match(content) or not tail or not TABLE.match(content, int(tail[1])):
        raise _broken()
    names = _telling_names(content)
    if LOCKED in names:
        raise FileRefused(N_("This PDF is locked with a password: save it without one"))
    for part in _unpacked(content):
        names |= _telling_names(part)
    if names:
        raise FileRefused(
            N_(
                "This PDF contains a program, a form or another file: "
                "print it to PDF, then choose the new file"
            )
        )


def _broken() -> FileRefused:
    return FileRefused(N_("This PDF cannot be read to its end: save it again as PDF"))


def _telling_names(content: bytes) -> set[bytes]:
    """Return the names that matter, also those written with escapes, as `/XF#41`."""
    found = set()
    for written in NAME.finditer(content):
        name = written[1]
        if b"#" in name:
            name = ESCAPE.sub(lambda m: bytes([int(m[1], 16)]), name)
        if name in TELLING:
            found.add(name)
    return found


def _unpacked(content: bytes) -> Iterator[bytes]:
    """Yield the packed lists of objects; refuse what unpacks without end."""
    to_write, to_read = UNPACKED_AT_MOST, 4 * len(content)
    view = memoryview(content)
    for found in PACKED.finditer(content):
        end = content.find(b"endstream", found.end())
        packed = view[found.end() : end if end > 0 else len(content)]
        to_read -= len(packed)
        try:
            part = zlib.decompressobj().decompress(packed, to_write)
        except zlib.error:
            continue
        to_write -= len(part)
        if to_write <= 0 or to_read <= 0:
            raise _broken()
        yield part
