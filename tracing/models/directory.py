"""Authorities and how to reach them."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from tracing.models.base import Base, CodeList, Key


class Authority(Base):
    """A competent national authority (ITI 25, Firearms Protocol art. 13(2))."""

    __tablename__ = "authority"

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(String(20), unique=True)
    country: Mapped[str] = mapped_column(String(2), index=True)
    name: Mapped[str] = mapped_column(String(200))
    original_name: Mapped[str] = mapped_column(String(200), default="")
    unit: Mapped[str] = mapped_column(String(200), default="")
    zone: Mapped[str] = mapped_column(String(60))
    languages: Mapped[tuple[str, ...]] = mapped_column(CodeList, default=())
    functions: Mapped[tuple[str, ...]] = mapped_column(CodeList, default=())
    instruments: Mapped[tuple[str, ...]] = mapped_column(CodeList, default=())
    email: Mapped[str] = mapped_column(String(254))
    supervisor_email: Mapped[str] = mapped_column(String(254), default="")
    phone: Mapped[str] = mapped_column(String(30), default="")
    urgent_phone: Mapped[str] = mapped_column(String(30), default="")
    address: Mapped[str] = mapped_column(Text, default="")
    office_hours: Mapped[str] = mapped_column(String(200), default="")
    requirements: Mapped[str] = mapped_column(Text, default="")
    interpol_route: Mapped[str] = mapped_column(String(20), default="")
    source: Mapped[str] = mapped_column(String(200), default="")
    last_confirmed: Mapped[datetime | None]
    keep_years: Mapped[int | None]
    """Years a request is kept after its end; none: as the rule says."""

    introduces: Mapped[bool] = mapped_column(default=False)
    """Whether another authority that asks about the same item may be told so."""

    accepts_requests: Mapped[bool] = mapped_column(default=True)
    fictional: Mapped[bool] = mapped_column(default=False)
