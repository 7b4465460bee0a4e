"""Photographs and documents of a request; their content is in the file store."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from tracing.models.base import Base, Key, code_of
from tracing.models.sealed import Sealing, words


class FileKind(StrEnum):
    """What a file is to the reader."""

    PHOTOGRAPH = "photograph"
    DOCUMENT = "document"


class Scan(StrEnum):
    """What the scanner says; a file is handed out when it is clean or none is set."""

    NO_SCANNER = "no_scanner"
    WAITING = "waiting"
    CLEAN = "clean"
    INFECTED = "infected"


class Attachment(Sealing, Base):
    """One file; without a request it belongs to a form that is not saved yet."""

    __tablename__ = "attachment"
    __table_args__ = (
        Index("ix_attachment_request", "request_id", "id"),
        Index("ix_attachment_pending", "uploaded_by_id", "form_key"),
        Index("ix_attachment_stored", "stored"),
        Index("ix_attachment_thumbnail", "thumbnail"),
        Index("ix_attachment_scan", "scan", "id"),
    )

    id: Mapped[Key]
    token: Mapped[str] = mapped_column(String(43), unique=True)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("trace_request.id"))
    event_id: Mapped[int | None] = mapped_column(
        ForeignKey("request_event.id"), index=True
    )
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    form_key: Mapped[str | None] = mapped_column(String(64))
    kind: Mapped[FileKind] = mapped_column(code_of(FileKind, 20))
    marking: Mapped[int | None]
    """The position of the marking it shows; none: the item as a whole."""
    title = words()
    sha256: Mapped[str] = mapped_column(String(64))
    """Of the file as it came; what is kept may be drawn anew."""
    size: Mapped[int]
    media_type: Mapped[str] = mapped_column(String(40))
    width: Mapped[int | None]
    height: Mapped[int | None]
    stored: Mapped[str | None] = mapped_column(String(40))
    stored_sha256: Mapped[str | None] = mapped_column(String(64))
    """Of what is kept under the name, by which a changed one is known."""
    thumbnail: Mapped[str | None] = mapped_column(String(40))
    thumbnail_sha256: Mapped[str | None] = mapped_column(String(64))
    scan: Mapped[Scan] = mapped_column(code_of(Scan, 20))
    uploaded_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    uploaded_by_name: Mapped[str] = mapped_column(String(200))
    uploaded_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]

    @property
    def sealed_for(self) -> int:
        """Return the authority it came from."""
        return self.authority_id

    @property
    def may_go_out(self) -> bool:
        """Tell whether the content may be handed to anybody."""
        return self.scan in (Scan.CLEAN, Scan.NO_SCANNER)
