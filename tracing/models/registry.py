"""The national records: items, what happened to them, and who was told of them.

Whoever writes items in bulk fills `normalised`, `folded` and `reversed` with
`keys.key_columns(text)`, `version` with 1, `recorded_at` and `changed_at` with the
present, `review_on` with `workflows.retention.item_review_on()`, and leaves `id` out.
`(authority_id, source_key)` says which row is meant: one that is there already is
updated. Events are added and never changed; one that came with a file names its place
in `source_key`, so that it comes once. `seal` is `sealed.new_seal()`, or empty where
nothing is sealed; a sealed column is written by the model alone. After a batch with
shared items `casework.registry.publish` shows them to the others.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracing.models.account import Account
from tracing.models.base import Base, Key, code_of
from tracing.models.directory import Authority
from tracing.models.keys import Keyed, key_indexes
from tracing.models.sealed import Sealing, rows
from tracing.models.sealed import text as sealed
from tracing.models.trace_request import TraceRequest
from workflows.markings import LONGEST
from workflows.vocabulary import (
    DatePrecision,
    FirearmType,
    ItemKind,
    KeptFor,
    MarkType,
    Part,
    RecordEventType,
    RecordStatus,
    Rung,
)


class RegistryItem(Keyed, Base):
    """One item of an authority's records, as it stands now; `text` is its serial.

    It names nobody: persons stand, sealed, in its events. A make is a brand and the
    country of its plant; where the item says it was made is another thing.
    """

    __tablename__ = "registry_item"
    __table_args__ = (
        UniqueConstraint("authority_id", "source_key"),
        *key_indexes("registry_item", include=("id", "authority_id")),
        # The few that others may meet.
        Index(
            "ix_registry_item_shared",
            *("authority_id", "id"),
            sqlite_where=sql("shared = 1"),
            postgresql_where=sql("shared"),
        ),
    )

    id: Mapped[Key]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    source: Mapped[str] = mapped_column(String(100))
    """The register it is from, such as `Licences, North`."""
    source_key: Mapped[str] = mapped_column(String(120))
    """What that register calls it."""
    version: Mapped[int] = mapped_column(default=1)
    kind: Mapped[ItemKind] = mapped_column(code_of(ItemKind))
    part: Mapped[Part | None] = mapped_column(code_of(Part))
    firearm_type: Mapped[FirearmType | None] = mapped_column(code_of(FirearmType))
    make: Mapped[str | None] = mapped_column(String(100))
    plant_country: Mapped[str | None] = mapped_column(String(2))
    model: Mapped[str | None] = mapped_column(String(100))
    calibre: Mapped[str | None] = mapped_column(String(40))
    year: Mapped[int | None]
    country_of_manufacture: Mapped[str | None] = mapped_column(String(2))
    import_mark: Mapped[str | None] = mapped_column(String(100))
    import_country: Mapped[str | None] = mapped_column(String(2))
    import_year: Mapped[int | None]
    quantity: Mapped[int | None]
    """Of a lot of ammunition."""
    status: Mapped[RecordStatus] = mapped_column(code_of(RecordStatus))
    shared: Mapped[bool] = mapped_column(default=False)
    """Whether others may meet it, as long as it is looked for."""
    keep: Mapped[KeptFor] = mapped_column(code_of(KeptFor))
    review_on: Mapped[date]
    """From this day on somebody decides whether it is kept longer."""
    recorded_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    marks: Mapped[list["RegistryMark"]] = relationship(
        order_by="RegistryMark.id", cascade="all, delete-orphan"
    )
    events: Mapped[list["RegistryEvent"]] = relationship(
        order_by="RegistryEvent.id", cascade="all, delete-orphan"
    )

    __mapper_args__ = {"version_id_col": version}


class RegistryMark(Keyed, Base):
    """A further number of an item: of another part, or one it bore before."""

    __tablename__ = "registry_mark"
    __table_args__ = key_indexes("registry_mark", include=("item_id", "authority_id"))

    id: Mapped[Key]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("registry_item.id"), index=True)
    type: Mapped[MarkType] = mapped_column(code_of(MarkType))
    component: Mapped[str | None] = mapped_column(String(100))


class RegistryEvent(Sealing, Base):
    """What happened to an item (FP 7); never changed, only replaced by another event."""

    __tablename__ = "registry_event"
    __table_args__ = (UniqueConstraint("item_id", "source_key"),)

    id: Mapped[Key]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("registry_item.id"))
    kind: Mapped[RecordEventType] = mapped_column(code_of(RecordEventType))
    happened_on: Mapped[date | None]
    precision: Mapped[DatePrecision | None] = mapped_column(code_of(DatePrecision))
    licence: Mapped[str | None] = mapped_column(String(100))
    """The number of a licence, an authorisation or a certificate."""
    licence_issued: Mapped[date | None]
    licence_expires: Mapped[date | None]
    country_from: Mapped[str | None] = mapped_column(String(2))
    country_to: Mapped[str | None] = mapped_column(String(2))
    transit: Mapped[str | None] = mapped_column(String(300))
    consignment: Mapped[str | None] = mapped_column(String(100))
    quantity: Mapped[int | None]
    mark: Mapped[str | None] = mapped_column(String(LONGEST))
    """The number it was marked with."""
    place = sealed()
    parties = rows()
    """Who was part of it: `role` (a `ChainActor`), `name`, `number`, `country`."""
    remarks = sealed()
    source_record: Mapped[str | None] = mapped_column(String(200))
    """Where it stands in the register, such as a ledger and its page."""
    source_key: Mapped[str | None] = mapped_column(String(120))
    changes: Mapped[dict[str, Any] | None]
    """Of a correction of the item: each field as it was before."""
    replaces_id: Mapped[int | None] = mapped_column(
        ForeignKey("registry_event.id"), unique=True
    )
    withdrawn: Mapped[bool] = mapped_column(default=False)
    """Whether it says of the one it replaces that it did not happen."""
    recorded_at: Mapped[datetime]
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))

    recorded_by: Mapped[Account | None] = relationship()

    @property
    def sealed_for(self) -> int:
        """Return the authority whose record it is."""
        return self.authority_id


class SharedRecord(Keyed, Base):
    """What all authorities may see of an item that is looked for, and no more.

    A copy of the item's own columns, so that no wall need tell columns apart; kept in
    line by `casework.registry.publish`.
    """

    __tablename__ = "shared_record"
    __table_args__ = key_indexes("shared_record", include=("item_id",))

    item_id: Mapped[int] = mapped_column(
        ForeignKey("registry_item.id"), primary_key=True
    )
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"), index=True)
    kind: Mapped[ItemKind] = mapped_column(code_of(ItemKind))
    part: Mapped[Part | None] = mapped_column(code_of(Part))
    firearm_type: Mapped[FirearmType | None] = mapped_column(code_of(FirearmType))
    make: Mapped[str | None] = mapped_column(String(100))
    model: Mapped[str | None] = mapped_column(String(100))
    calibre: Mapped[str | None] = mapped_column(String(40))
    year: Mapped[int | None]
    country_of_manufacture: Mapped[str | None] = mapped_column(String(2))
    status: Mapped[RecordStatus] = mapped_column(code_of(RecordStatus))

    authority: Mapped[Authority] = relationship()


class RegistrySought(Base):
    """What the worker has to compare with shared records; gone when it has.

    A request that was sent, a number that somebody searched for, or a record that was
    newly shared.
    """

    __tablename__ = "registry_sought"

    id: Mapped[Key]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    request_id: Mapped[int | None] = mapped_column(ForeignKey("trace_request.id"))
    item_id: Mapped[int | None] = mapped_column(
        ForeignKey("registry_item.id"), index=True
    )
    text: Mapped[str | None] = mapped_column(String(LONGEST))


class RegistryHit(Base):
    """What the owner of a shared record is told: somebody looks for what may be it."""

    __tablename__ = "registry_hit"
    __table_args__ = (Index("ix_registry_hit_list", "authority_id", "id"),)

    id: Mapped[Key]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("registry_item.id"), index=True)
    seeker_id: Mapped[int | None] = mapped_column(ForeignKey("authority.id"))
    """None: who asks keeps its request confidential."""
    request_id: Mapped[int | None] = mapped_column(ForeignKey("trace_request.id"))
    rung: Mapped[Rung] = mapped_column(code_of(Rung))
    pair: Mapped[str] = mapped_column(String(64), unique=True)
    """The record and who looked, as a hash: told once."""
    found_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    seen_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))

    item: Mapped[RegistryItem] = relationship()
    seeker: Mapped[Authority | None] = relationship(foreign_keys=[seeker_id])
    request: Mapped[TraceRequest | None] = relationship()
    seen_by: Mapped[Account | None] = relationship()


class RegistryReview(Sealing, Base):
    """A record whose time is over: one person asks for an end, another gives it."""

    __tablename__ = "registry_review"
    __table_args__ = (Index("ix_registry_review_list", "authority_id", "id"),)

    id: Mapped[Key]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("registry_item.id"), unique=True)
    due_on: Mapped[date]
    listed_at: Mapped[datetime]
    reason = sealed()
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    asked_at: Mapped[datetime | None]
    given_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    given_at: Mapped[datetime | None]

    item: Mapped[RegistryItem] = relationship()
    asked_by: Mapped[Account | None] = relationship(foreign_keys=[asked_by_id])
    given_by: Mapped[Account | None] = relationship(foreign_keys=[given_by_id])

    @property
    def sealed_for(self) -> int:
        """Return the authority whose record it is."""
        return self.authority_id
