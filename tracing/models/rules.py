"""What due dates are counted by, in versions: calendars, office hours, agreements."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from tracing.models.base import Base, CodeList, Key, code_of


class Standing(StrEnum):
    """How far a version has come."""

    PROPOSED = "proposed"
    PUBLISHED = "published"
    DROPPED = "dropped"


class ChangeKind(StrEnum):
    """What a change of a calendar says of its days."""

    HOLIDAY = "holiday"
    WORKING = "working"
    WEEKEND = "weekend"


class CalendarVersion(Base):
    """The calendar of a State, or of a part of it, whole, as it was known once.

    Whole, so that a due date can be counted again years later, whatever has become of
    the library it began with. Nothing of it is changed but how far it has come.
    """

    __tablename__ = "calendar_version"
    __table_args__ = (
        UniqueConstraint("place", "number"),
        Index("ix_calendar_version_standing", "standing", "applied_at"),
    )

    id: Mapped[Key]
    place: Mapped[str] = mapped_column(String(12))
    """`KE`, or `BR-SP` for a part of a State."""

    number: Mapped[int]
    standing: Mapped[Standing] = mapped_column(code_of(Standing))
    base: Mapped[str] = mapped_column(String(80))
    first_year: Mapped[int]
    last_year: Mapped[int]
    content: Mapped[dict[str, Any]]
    authority_id: Mapped[int | None] = mapped_column(ForeignKey("authority.id"))
    made_by: Mapped[str] = mapped_column(String(200), default="")
    made_at: Mapped[datetime]
    why: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[str] = mapped_column(String(300), default="")
    counted_at: Mapped[datetime | None]
    would_move: Mapped[int | None]
    open_requests: Mapped[int | None]
    published_at: Mapped[datetime | None]
    applied_at: Mapped[datetime | None]
    moved: Mapped[int] = mapped_column(default=0, server_default=text("0"))


class CalendarChange(Base):
    """What somebody knows better than the library: days, by whom, why, from where."""

    __tablename__ = "calendar_change"

    id: Mapped[Key]
    version_id: Mapped[int] = mapped_column(
        ForeignKey("calendar_version.id"), index=True
    )
    place: Mapped[str] = mapped_column(String(12), index=True)
    kind: Mapped[ChangeKind] = mapped_column(code_of(ChangeKind))
    first: Mapped[date]
    last: Mapped[date]
    name: Mapped[str] = mapped_column(String(200), default="")
    estimated: Mapped[bool] = mapped_column(default=False, server_default=false())
    weekend: Mapped[str] = mapped_column(String(14), default="")
    """The days of the week that are free, `4 5` for Friday and Saturday."""


class OfficeHoursVersion(Base):
    """When an authority works, and in which part of its State, as it said once."""

    __tablename__ = "office_hours_version"
    __table_args__ = (UniqueConstraint("authority_id", "number"),)

    id: Mapped[Key]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    number: Mapped[int]
    hours: Mapped[str] = mapped_column(String(400))
    subdivision: Mapped[str] = mapped_column(String(10), default="")
    made_by: Mapped[str] = mapped_column(String(200), default="")
    made_at: Mapped[datetime]


class RegimeVersion(Base):
    """What States have agreed on time; in force once the other side confirmed it."""

    __tablename__ = "regime_version"
    __table_args__ = (UniqueConstraint("code", "number"),)

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(String(40))
    number: Mapped[int]
    label: Mapped[str] = mapped_column(String(200))
    states: Mapped[tuple[str, ...]] = mapped_column(CodeList)
    bases: Mapped[tuple[str, ...]] = mapped_column(CodeList, default=())
    urgency: Mapped[str] = mapped_column(String(20), default="")
    since: Mapped[date]
    content: Mapped[dict[str, Any]]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    made_by: Mapped[str] = mapped_column(String(200))
    made_at: Mapped[datetime]
    why: Mapped[str] = mapped_column(Text, default="")
    confirmed_for_id: Mapped[int | None] = mapped_column(ForeignKey("authority.id"))
    confirmed_by: Mapped[str] = mapped_column(String(200), default="")
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class DueChange(Base):
    """A due date that a new calendar has moved; both sides are told once."""

    __tablename__ = "due_change"
    __table_args__ = (Index("ix_due_change_untold", "told", "id"),)

    id: Mapped[Key]
    request_id: Mapped[int] = mapped_column(ForeignKey("trace_request.id"), index=True)
    deadline: Mapped[str] = mapped_column(String(20))
    old_due: Mapped[datetime]
    new_due: Mapped[datetime]
    old_version: Mapped[str] = mapped_column(String(80))
    new_version: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]
    told: Mapped[bool] = mapped_column(default=False)
