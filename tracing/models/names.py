"""Makes, their plants and models, and calibres, with all that people call them.

They are shared by all authorities and hold no case.
"""

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracing.models.base import Base, Key


class Make(Base):
    """A brand. Where something was made says its mark, never the brand."""

    __tablename__ = "make"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(100), unique=True)

    plants: Mapped[list["Plant"]] = relationship(order_by="Plant.id")


class Plant(Base):
    """Where a make is, or was, made."""

    __tablename__ = "plant"
    __table_args__ = (UniqueConstraint("make_id", "country", "place"),)

    id: Mapped[Key]
    make_id: Mapped[int] = mapped_column(ForeignKey("make.id"))
    country: Mapped[str] = mapped_column(String(2))
    place: Mapped[str] = mapped_column(String(100), default="")
    code: Mapped[str] = mapped_column(String(10), default="")
    """What other systems call this make of this country, such as GLC and GLD of NCIC."""


class Model(Base):
    """A model of a make."""

    __tablename__ = "model"
    __table_args__ = (UniqueConstraint("make_id", "name"),)

    id: Mapped[Key]
    make_id: Mapped[int] = mapped_column(ForeignKey("make.id"))
    name: Mapped[str] = mapped_column(String(100))

    make: Mapped[Make] = relationship()


class Calibre(Base):
    """A cartridge, by one name of its many."""

    __tablename__ = "calibre"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(100), unique=True)


class Alias(Base):
    """One way to write a make, a model or a calibre; its own name is one of them."""

    __tablename__ = "alias"
    __table_args__ = (
        Index("ix_alias_key", "key"),
        Index("ix_alias_folded", "folded"),
    )

    id: Mapped[Key]
    text: Mapped[str] = mapped_column(String(100))
    key: Mapped[str] = mapped_column(String(100))
    """Without case, accents, and what stands between the signs."""
    folded: Mapped[str] = mapped_column(String(100))
    """One sign for all that look alike, in whatever script."""
    make_id: Mapped[int | None] = mapped_column(ForeignKey("make.id"), index=True)
    model_id: Mapped[int | None] = mapped_column(ForeignKey("model.id"), index=True)
    calibre_id: Mapped[int | None] = mapped_column(ForeignKey("calibre.id"), index=True)

    make: Mapped[Make | None] = relationship()
    model: Mapped[Model | None] = relationship()
    calibre: Mapped[Calibre | None] = relationship()
