"""The base of every table, and the column types that mean the same on both engines."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import JSON, DateTime, Dialect, Enum, MetaData, String, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Instant(TypeDecorator[datetime]):
    """An instant in UTC; SQLite forgets the zone, this gives it back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        """Refuse a naive time: it would mean another instant elsewhere."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        """Return an aware time in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value


class CodeList(TypeDecorator[tuple[str, ...]]):
    """A few codes of one closed list, kept in order, separated by spaces."""

    impl = String(500)
    cache_ok = True

    def __init__(self, members: type[StrEnum] | None = None, length: int = 500) -> None:
        """Load codes as members of their list, where it is one of ours."""
        super().__init__(length)
        self.members = members

    def process_bind_param(
        self, value: Iterable[str] | None, dialect: Dialect
    ) -> str | None:
        """Join the codes."""
        return None if value is None else " ".join(str(code) for code in value)

    def process_result_value(
        self, value: str | None, dialect: Dialect
    ) -> tuple[str, ...] | None:
        """Split the codes."""
        if value is None:
            return None
        return tuple(map(self.members or str, value.split()))


def code_of(members: type[StrEnum], length: int = 40) -> Enum:
    """Return the column type of a closed list: the code is stored, checked, loaded."""
    return Enum(
        members,
        native_enum=False,
        create_constraint=False,
        length=length,
        values_callable=lambda codes: [code.value for code in codes],
        validate_strings=True,
    )


class Base(DeclarativeBase):
    """What all tables share; free of Flask."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {
        datetime: Instant,
        dict[str, Any]: JSON().with_variant(JSONB(), "postgresql"),
        list[Any]: JSON().with_variant(JSONB(), "postgresql"),
    }


Line = Annotated[str, mapped_column(String(300))]
Key = Annotated[int, mapped_column(primary_key=True)]
__all__ = ["Base", "CodeList", "Instant", "Key", "Line", "code_of", "date"]
