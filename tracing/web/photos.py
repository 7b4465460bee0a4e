"""Files as a page shows them: a small picture, or the name of a document."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask import url_for
from flask_babel import format_decimal

from tracing.models import Attachment, FileKind, Item, Marking, Scan
from tracing.web.context import said
from tracing.words import _

THUMBNAIL_EDGE = 320
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Attached:
    """One file; `alt` says which marking it shows, `waits` why it cannot be opened.

    The marking stands once more below, `kind` in words and `mark` as it is stamped.
    """

    token: str
    url: str
    thumbnail: str
    alt: str
    kind: str
    mark: str
    title: str
    size: str
    waits: str
    width: int
    height: int


def attached(row: Attachment, item: Item | None = None, alt: str = "") -> Attached:
    """Return a file for its page; `item` has the markings it may show."""
    shown = _shown_by(row, item)
    kind, mark = (said(shown.type.label), shown.text) if shown else ("", "")
    is_picture = row.kind is FileKind.PHOTOGRAPH
    words = _("Photograph: %(kind)s %(mark)s", kind=kind, mark=mark) if shown else ""
    width, height = _small_size(row)
    return Attached(
        token=row.token,
        url=url_for("files.show", token=row.token),
        thumbnail=url_for("files.small", token=row.token)
        if row.thumbnail and row.may_go_out
        else "",
        alt=words or alt or (_("Photograph of the item") if is_picture else ""),
        kind=kind,
        mark=mark,
        title=row.title or (_("Photograph") if is_picture else _("Document")),
        size=_size_of(row.size),
        waits=_waits(row),
        width=width,
        height=height,
    )


def all_attached(
    rows: Iterable[Attachment], item: Item | None = None, alt: str = ""
) -> list[Attached]:
    """Return several files for their page."""
    return [attached(row, item, alt) for row in rows]


def _shown_by(row: Attachment, item: Item | None) -> Marking | None:
    marks = item.markings if item else []
    if row.marking is None or not 1 <= row.marking <= len(marks):
        return None
    return marks[row.marking - 1]


def _waits(row: Attachment) -> str:
    match row.scan:
        case Scan.WAITING:
            return _("Not yet checked for viruses. It can be opened afterwards.")
        case Scan.INFECTED:
            return _("The virus scanner refused this file. It cannot be opened.")
        case _:
            return ""


def _size_of(size: int) -> str:
    if size < MEGABYTE:
        return _("%(number)s kB", number=max(1, round(size / 1000)))
    return _("%(number)s MB", number=format_decimal(round(size / MEGABYTE, 1)))


def _small_size(row: Attachment) -> tuple[int, int]:
    if not row.width or not row.height:
        return 0, 0
    scale = min(1.0, THUMBNAIL_EDGE / max(row.width, row.height))
    return max(1, round(row.width * scale)), max(1, round(row.height * scale))
