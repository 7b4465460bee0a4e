"""What a file is, by its content: a picture drawn anew, or a PDF as it came."""

import hashlib
import unicodedata
from dataclasses import dataclass
from typing import Final

from tracing.faults import FileRefused
from tracing.files import papers, pictures
from tracing.schemas.fields import INVISIBLE, NOT_IN_A_LINE, Told
from workflows.vocabulary import N_

JPEG: Final = b"\xff\xd8\xff"
PNG: Final = b"\x89PNG\r\n\x1a\n"
PDF: Final = b"%PDF-"
MEGABYTE: Final = 1 << 20
LONGEST_TITLE: Final = 200
ENDINGS: Final = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "application/pdf": ".pdf",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a file may be."""

    size: int
    pixels: int


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that was read to its end, as it is kept; `sha256` is of what came."""

    media_type: str
    content: bytes
    sha256: str
    size: int
    thumbnail: bytes = b""
    width: int | None = None
    height: int | None = None


def check(content: bytes, limits: Limits) -> Checked:
    """Return what is to be kept of a file, or refuse it in words."""
    if len(content) > limits.size:
        words = N_("Choose a file of at most %(number)s MB")
        raise FileRefused(Told(words, number=limits.size // MEGABYTE))
    if not content:
        raise FileRefused(N_("This file is empty: choose another"))
    sha256 = hashlib.sha256(content).hexdigest()
    if content.startswith((JPEG, PNG)):
        drawn = pictures.redraw(content, limits.pixels)
        return Checked(
            drawn.media_type,
            drawn.content,
            sha256,
            len(content),
            drawn.thumbnail,
            drawn.width,
            drawn.height,
        )
    if content.startswith(PDF):
        papers.check(content)
        return Checked("application/pdf", content, sha256, len(content))
    raise FileRefused(N_("Choose a picture (JPEG or PNG) or a PDF"))


def title_of(name: str) -> str:
    """Return the name of a file as it may be shown: one line, no folder, no ending."""
    last = name.replace("\\", "/").rpartition("/")[2]
    text = unicodedata.normalize("NFC", last.translate(INVISIBLE))
    stem = NOT_IN_A_LINE.sub("", text)
    for ending in (*ENDINGS.values(), ".jpeg"):
        if stem.lower().endswith(ending):
            stem = stem[: -len(ending)]
    return stem.strip(" .")[:LONGEST_TITLE].strip()
