"""In which encoding a file is: said by somebody, seen beyond doubt, or asked for.

A wrong guess stores other letters than the file has, and nobody sees it. So UTF-8 is
taken only where the whole file is valid, UTF-16 where its mark or its zeros say so, and
what a statistical guess brings only where the next best reading is clearly worse.
"""

import codecs
from typing import Final

from charset_normalizer import from_bytes

from tracing.importing.faults import N_, Refused

_NAMES: Final = [
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "utf-32-le",
    "utf-32-be",
    "ascii",
    "cp1250",
    "cp1251",
    "cp1252",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp1257",
    "cp1258",
    "iso8859-1",
    "iso8859-2",
    "iso8859-3",
    "iso8859-4",
    "iso8859-5",
    "iso8859-6",
    "iso8859-7",
    "iso8859-8",
    "iso8859-9",
    "iso8859-10",
    "iso8859-11",
    "iso8859-13",
    "iso8859-14",
    "iso8859-15",
    "iso8859-16",
    "koi8-r",
    "koi8-u",
    "koi8-t",
    "kz1048",
    "ptcp154",
    "tis-620",
    "gb2312",
    "gbk",
    "gb18030",
    "big5",
    "big5hkscs",
    "cp950",
    "shift_jis",
    "cp932",
    "shift_jis_2004",
    "euc_jp",
    "euc_kr",
    "cp949",
    "johab",
    "cp437",
    "cp737",
    "cp775",
    "cp850",
    "cp852",
    "cp855",
    "cp857",
    "cp858",
    "cp860",
    "cp861",
    "cp862",
    "cp863",
    "cp864",
    "cp865",
    "cp866",
    "cp869",
    "cp874",
    "cp1125",
    "mac-roman",
    "mac-cyrillic",
    "mac-greek",
    "mac-latin2",
    "mac-turkish",
]
# A line end is the same byte in all of them and part of no letter, or its width is
# that of the encoding: files are read in pieces that end with a line.
KNOWN: Final = frozenset(codecs.lookup(name).name for name in _NAMES)
WIDTHS: Final = {"utf-16": 2, "utf-32": 4}
BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
GUESSED: Final = sorted(
    KNOWN - {name for name in KNOWN if name.startswith(("utf", "ascii"))}
)
PAIRED: Final = frozenset(
    {"big5", "cp932", "cp949", "euc_jp", "euc_kr", "gb18030", "gbk", "johab"}
    | {"shift_jis", "shift_jis_2004", "big5hkscs", "cp950", "gb2312"}
)
ENOUGH: Final = 40
"""Bytes beyond ASCII below which nobody can tell one encoding from another."""

MARGIN: Final = 0.05
ZEROS: Final = 0.3

NOT_KNOWN: Final = N_(
    "%(name)s is not an encoding that is read here. Write one such as utf-8,"
    " windows-1252, iso-8859-2, koi8-r, gb18030 or shift_jis"
)
SAY_WHICH: Final = N_(
    "The encoding of this file cannot be told for certain (%(guesses)s). Say it in the"
    ' mapping, under [file]: encoding = "..."'
)


def named(name: str) -> str:
    """Return the encoding that somebody has written."""
    try:
        found = codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        found = ""
    if found not in KNOWN:
        raise Refused(NOT_KNOWN, name=name[:40])
    return found


def width_of(encoding: str) -> int:
    """Return how many bytes a line end takes in front of which a file can be cut."""
    return next((w for name, w in WIDTHS.items() if encoding.startswith(name)), 1)


def settled(encoding: str, head: bytes) -> tuple[str, int]:
    """Return the encoding with its byte order, and how many bytes its mark takes."""
    for mark, name in BOMS:
        if head.startswith(mark) and name.startswith(encoding.replace("-sig", "")):
            return name.replace("-sig", ""), len(mark)
    plain = {"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": "utf-8"}
    return plain.get(encoding, encoding), 0


def seen(head: bytes, sample: bytes, *, is_utf8: bool) -> str:
    """Return the encoding of a file; raises Refused where it has to be asked for.

    `sample`: lines of it that are not ASCII, from all over the file.
    """
    for mark, name in BOMS:
        if head.startswith(mark):
            return name
    if wide := _wide(head):
        return wide
    return "utf-8" if is_utf8 else _guess(sample)


def _wide(head: bytes) -> str | None:
    """Return the UTF-16 without a mark that the zeros of Latin text give away."""
    whole = len(head) // 2 * 2
    if whole < len(BOMS):
        return None
    for name, odd in (("utf-16-le", 1), ("utf-16-be", 0)):
        zeros, others = head[odd:whole:2].count(0), head[1 - odd : whole : 2].count(0)
        if zeros > ZEROS * whole / 2 and others < zeros / 20:
            return name
    return None


def _guess(sample: bytes) -> str:
    beyond = sum(byte > 0x7F for byte in sample)
    found = list(from_bytes(sample, cp_isolation=GUESSED, enable_fallback=False))
    if found and beyond >= ENOUGH:
        best, text = found[0], str(found[0])
        others = [match for match in found[1:] if str(match) != text]
        clear = all(
            match.chaos > best.chaos + MARGIN
            or match.coherence + MARGIN < best.coherence
            for match in others
        )
        # Letters of two bytes each do not come about by chance.
        alone = not others and best.encoding in PAIRED
        if alone or (clear and best.coherence > MARGIN):
            return codecs.lookup(best.encoding).name
    guesses = ", ".join(dict.fromkeys(match.encoding for match in found[:4]))
    raise Refused(SAY_WHICH, guesses=guesses or "-")
