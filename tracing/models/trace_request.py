"""A trace request and what belongs to it: find, item, markings, persons, events."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from types import SimpleNamespace

from sqlalchemy import (
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracing.models.account import Account
from tracing.models.base import Base, CodeList, Key, code_of
from tracing.models.directory import Authority
from tracing.models.keys import Keyed, key_indexes
from tracing.models.sealed import Sealing, day, number, record, words
from tracing.models.sealed import text as sealed
from workflows.states import AWAITING_ANSWER, OPEN, Party, State, Trigger
from workflows.vocabulary import (
    AcquisitionMode,
    Condition,
    DomesticSearchOverride,
    FirearmType,
    FiringAction,
    HandlingCode,
    IllicitLimb,
    InformationItem,
    ItemKind,
    LegalBasis,
    LegalJustification,
    LinkedOffence,
    MarkType,
    Outcome,
    Part,
    PersonRole,
    RestorationMethod,
    RoutingBasis,
    SeizurePlace,
    SerialStatus,
    Sex,
    TraceGoal,
    TransportMode,
    TriState,
    Urgency,
    Use,
)

FAR = datetime(9999, 1, 1, tzinfo=UTC)
"""Where a request without a due date stands in lists: after all that have one."""


class Recovery(Sealing, Base):
    """A find or seizure; several requests may come from one."""

    __tablename__ = "recovery"

    id: Mapped[Key]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"), index=True)
    found_on: Mapped[date | None]
    found_time: Mapped[time | None]
    place = sealed()
    place_type: Mapped[SeizurePlace | None] = mapped_column(code_of(SeizurePlace))
    latitude = number()
    longitude = number()
    mode: Mapped[AcquisitionMode | None] = mapped_column(code_of(AcquisitionMode))
    legal_justification: Mapped[LegalJustification | None] = mapped_column(
        code_of(LegalJustification)
    )
    linked_offences: Mapped[tuple[str, ...] | None] = mapped_column(
        CodeList(LinkedOffence)
    )
    circumstances = sealed()
    seizure_number: Mapped[str | None] = mapped_column(String(100))
    origin: Mapped[str | None] = mapped_column(String(2))
    dispatch: Mapped[str | None] = mapped_column(String(2))
    transit: Mapped[str | None] = mapped_column(String(300))
    destination: Mapped[str | None] = mapped_column(String(2))
    transport_mode: Mapped[TransportMode | None] = mapped_column(code_of(TransportMode))
    transport_registration = sealed()

    @property
    def sealed_for(self) -> int:
        """Return the authority that found it."""
        return self.authority_id


class TraceRequest(Sealing, Base):
    """What one authority asks another about one item."""

    __tablename__ = "trace_request"
    __table_args__ = (
        # The queue of an authority, and its own requests, in the order shown.
        Index("ix_trace_request_queue", "requested_id", "awaiting", "due", "id"),
        Index("ix_trace_request_mine", "requesting_id", "open", "due", "id"),
        # Their views: counting one must not read all that is open (docs/bench.md).
        Index(
            "ix_trace_request_queue_state",
            *("requested_id", "awaiting", "state", "due", "id"),
        ),
        Index(
            "ix_trace_request_queue_assigned",
            *("requested_id", "awaiting", "assigned_to_id", "due", "id"),
        ),
        # Few of many: behind its policies PostgreSQL cannot tell by the one above.
        Index(
            "ix_trace_request_queue_unassigned",
            *("requested_id", "awaiting", "due", "id"),
            sqlite_where=text("assigned_to_id IS NULL"),
            postgresql_where=text("assigned_to_id IS NULL"),
        ),
        Index(
            "ix_trace_request_mine_state",
            *("requesting_id", "open", "state", "due", "id"),
        ),
        Index("ix_trace_request_mine_late", "requesting_id", "awaiting", "due", "id"),
        Index("ix_trace_request_filed", "requesting_id", "filed_by_id", "id"),
        # The newest requests of one authority to another.
        Index("ix_trace_request_pair", "requesting_id", "requested_id", "id"),
        # The few whose existence is confidential: what others must not meet anywhere.
        Index(
            "ix_trace_request_confidential",
            *("requested_id", "assigned_to_id", "reference"),
            sqlite_where=text("confidential = 1"),
            postgresql_where=text("confidential"),
        ),
        # What is due for review, and what is to be erased.
        Index("ix_trace_request_review", "requesting_id", "review_on", "id"),
        Index("ix_trace_request_review_asked", "requested_id", "review_on", "id"),
        Index("ix_trace_request_keep", "keep_until", "id"),
        UniqueConstraint("year", "number"),
    )

    id: Mapped[Key]
    reference: Mapped[str] = mapped_column(String(24), unique=True)
    year: Mapped[int]
    number: Mapped[int]
    version: Mapped[int] = mapped_column(default=1)
    state: Mapped[State] = mapped_column(code_of(State), default=State.DRAFT)
    requesting_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    requested_id: Mapped[int | None] = mapped_column(ForeignKey("authority.id"))
    requested_version: Mapped[int | None]
    """The version of the directory's entry that it was sent to."""

    filed_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    assigned_to_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    parent_id: Mapped[int | None] = mapped_column(
        ForeignKey("trace_request.id"), index=True
    )
    recovery_id: Mapped[int] = mapped_column(ForeignKey("recovery.id"), index=True)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    # What lists sort and count by, rebuilt by every step from the history.
    open: Mapped[bool] = mapped_column(default=False)
    awaiting: Mapped[bool] = mapped_column(default=False)
    due: Mapped[datetime] = mapped_column(default=FAR)
    acknowledge_due: Mapped[datetime | None]
    regime: Mapped[str | None] = mapped_column(String(40))
    regime_version: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    calendar_version: Mapped[str | None] = mapped_column(String(80))
    hours_version: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    outcome: Mapped[Outcome | None] = mapped_column(code_of(Outcome))
    # Since it was sent, and until the requester says otherwise (UNTOC 18(20)).
    confidential: Mapped[bool] = mapped_column(default=False, server_default=false())

    # How long it is kept (`workflows.retention`).
    ended_on: Mapped[date | None]
    review_on: Mapped[date | None]
    keep_until: Mapped[date | None]
    erased_at: Mapped[datetime | None]

    # header
    urgency: Mapped[Urgency | None] = mapped_column(code_of(Urgency))
    urgency_reason = sealed()
    routing_basis: Mapped[RoutingBasis | None] = mapped_column(code_of(RoutingBasis))
    requested_by: Mapped[date | None]
    requested_by_reason = sealed()
    own_case_number: Mapped[str | None] = mapped_column(String(100))
    officer_phone = sealed()
    language: Mapped[str | None] = mapped_column(String(5))
    trace_goal: Mapped[TraceGoal | None] = mapped_column(code_of(TraceGoal))
    # basis
    legal_basis: Mapped[LegalBasis | None] = mapped_column(code_of(LegalBasis))
    legal_basis_text = sealed()
    illicit_limbs: Mapped[tuple[str, ...] | None] = mapped_column(CodeList(IllicitLimb))
    illicit_reason = sealed()
    offence = sealed()
    facts_summary = sealed()
    purpose = sealed()
    assistance_sought = sealed()
    special_procedure = sealed()
    confidentiality_guaranteed: Mapped[bool | None]
    confidentiality_reason = sealed()
    keep_request_confidential: Mapped[bool | None]
    restrictions_asked = sealed()
    handling: Mapped[HandlingCode | None] = mapped_column(code_of(HandlingCode))
    handling_text = sealed()
    # domestic
    domestic_searches = sealed()
    domestic_override: Mapped[DomesticSearchOverride | None] = mapped_column(
        code_of(DomesticSearchOverride)
    )
    domestic_override_text = sealed()

    requesting: Mapped[Authority] = relationship(foreign_keys=[requesting_id])
    requested: Mapped[Authority | None] = relationship(foreign_keys=[requested_id])
    filed_by: Mapped[Account | None] = relationship(foreign_keys=[filed_by_id])
    assigned_to: Mapped[Account | None] = relationship(foreign_keys=[assigned_to_id])
    parent: Mapped["TraceRequest | None"] = relationship(
        remote_side="TraceRequest.id", back_populates="onward"
    )
    onward: Mapped[list["TraceRequest"]] = relationship(back_populates="parent")
    recovery: Mapped[Recovery] = relationship()
    item: Mapped["Item"] = relationship(
        back_populates="request", cascade="all, delete-orphan"
    )
    persons: Mapped[list["Person"]] = relationship(
        order_by="Person.id", cascade="all, delete-orphan"
    )
    events: Mapped[list["RequestEvent"]] = relationship(
        order_by="RequestEvent.position", cascade="all, delete-orphan"
    )
    item_restrictions: Mapped[list["ItemRestriction"]] = relationship(
        order_by="ItemRestriction.id", cascade="all, delete-orphan"
    )
    provided: Mapped[list["ProvidedItem"]] = relationship(
        back_populates="request",
        foreign_keys="ProvidedItem.request_id",
        order_by="ProvidedItem.id",
        cascade="all, delete-orphan",
    )

    __mapper_args__ = {"version_id_col": version}

    @property
    def sealed_for(self) -> int:
        """Return the authority that asks."""
        return self.requesting_id or self.requesting.id

    @property
    def past(self) -> Sequence[State]:
        """Return the states left so far, oldest first, without steps that stayed."""
        return [e.before for e in self.events if e.before is not e.after]

    @property
    def mail_number(self) -> str:
        """Return the number without the State code: all that a mail may say."""
        year, _country, rest = self.reference.split("-", 2)
        return f"{year}-{rest}"

    def settle(self) -> None:
        """Bring what lists sort by in line with the state."""
        self.open = self.state in OPEN
        self.awaiting = self.state in AWAITING_ANSWER


class Item(Sealing, Base):
    """The one thing a request traces: a firearm, a part, or an ammunition lot."""

    __tablename__ = "item"

    id: Mapped[Key]
    request_id: Mapped[int] = mapped_column(ForeignKey("trace_request.id"), unique=True)
    kind: Mapped[ItemKind | None] = mapped_column(code_of(ItemKind))
    firearm_type: Mapped[FirearmType | None] = mapped_column(code_of(FirearmType))
    make: Mapped[str | None] = mapped_column(String(100))
    model: Mapped[str | None] = mapped_column(String(100))
    calibre: Mapped[str | None] = mapped_column(String(40))
    country_of_manufacture: Mapped[str | None] = mapped_column(String(2))
    place_of_manufacture: Mapped[str | None] = mapped_column(String(200))
    year: Mapped[int | None]
    firing_action: Mapped[FiringAction | None] = mapped_column(code_of(FiringAction))
    barrel_length_mm: Mapped[int | None]
    finish: Mapped[str | None] = mapped_column(String(100))
    capacity: Mapped[int | None]
    condition: Mapped[Condition | None] = mapped_column(code_of(Condition))
    part: Mapped[Part | None] = mapped_column(code_of(Part))
    quantity: Mapped[int | None]
    lot_number: Mapped[str | None] = mapped_column(String(100))
    headstamp: Mapped[str | None] = mapped_column(String(100))
    importer_name: Mapped[str | None] = mapped_column(String(200))
    import_country: Mapped[str | None] = mapped_column(String(2))
    import_year: Mapped[int | None]
    serial_status: Mapped[SerialStatus | None] = mapped_column(code_of(SerialStatus))
    restoration_method: Mapped[RestorationMethod | None] = mapped_column(
        code_of(RestorationMethod)
    )
    restoration_note = sealed()

    request: Mapped[TraceRequest] = relationship(back_populates="item")
    markings: Mapped[list["Marking"]] = relationship(
        order_by="Marking.position", cascade="all, delete-orphan", lazy="selectin"
    )

    @property
    def sealed_for(self) -> int:
        """Return the authority that asks."""
        return self.request.sealed_for

    @property
    def serials(self) -> list["Marking"]:
        """Return the serial numbers; several on one weapon are normal."""
        return [mark for mark in self.markings if mark.type is MarkType.SERIAL]

    @property
    def serial(self) -> "Marking | None":
        """Return the serial of the frame or receiver: the first one given."""
        return next(iter(self.serials), None)


class Marking(Keyed, Base):
    """One mark as it stands on the item."""

    __tablename__ = "marking"
    __table_args__ = (
        Index("ix_marking_in_order", "item_id", "position"),
        *key_indexes("marking", include=("id", "item_id")),
    )

    id: Mapped[Key]
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    position: Mapped[int]
    type: Mapped[MarkType] = mapped_column(code_of(MarkType))
    component: Mapped[str | None] = mapped_column(String(100))
    place: Mapped[str | None] = mapped_column(String(100))
    status: Mapped[SerialStatus | None] = mapped_column(code_of(SerialStatus))
    method: Mapped[RestorationMethod | None] = mapped_column(code_of(RestorationMethod))
    """How it was made readable again."""
    script: Mapped[str | None] = mapped_column(String(40))


class Person(Sealing, Base):
    """A person named in a request; sex may be unknown.

    The marks are keyed hashes by which somebody who knows a name or a number finds
    the person, and from which nobody learns either.
    """

    __tablename__ = "person"

    id: Mapped[Key]
    request_id: Mapped[int] = mapped_column(ForeignKey("trace_request.id"), index=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    role: Mapped[PersonRole] = mapped_column(code_of(PersonRole))
    family_name = sealed()
    given_name = sealed()
    alias = sealed()
    born = day()
    sex: Mapped[Sex | None] = mapped_column(code_of(Sex))
    nationality = sealed()
    id_number = sealed()
    is_registered_owner: Mapped[TriState | None] = mapped_column(code_of(TriState))
    name_mark: Mapped[str | None] = mapped_column(String(24), index=True)
    family_mark: Mapped[str | None] = mapped_column(String(24), index=True)
    alias_mark: Mapped[str | None] = mapped_column(String(24), index=True)
    id_mark: Mapped[str | None] = mapped_column(String(24), index=True)

    @property
    def sealed_for(self) -> int:
        """Return the authority that named the person."""
        return self.authority_id


class ItemRestriction(Sealing, Base):
    """What the requester allows with one item of its request (FP 12(5))."""

    __tablename__ = "item_restriction"

    id: Mapped[Key]
    request_id: Mapped[int] = mapped_column(ForeignKey("trace_request.id"), index=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    item: Mapped[InformationItem] = mapped_column(code_of(InformationItem))
    handling: Mapped[HandlingCode] = mapped_column(code_of(HandlingCode))
    text = sealed()
    allows: Mapped[tuple[str, ...] | None] = mapped_column(CodeList(Use))

    @property
    def sealed_for(self) -> int:
        """Return the authority that provides the item."""
        return self.authority_id


class ProvidedItem(Sealing, Base):
    """What another State provided, carried into an onward request with its limits."""

    __tablename__ = "provided_item"

    id: Mapped[Key]
    request_id: Mapped[int] = mapped_column(ForeignKey("trace_request.id"), index=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("trace_request.id"), index=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    provided_at: Mapped[datetime]
    position: Mapped[int]
    """Of the answer it comes from, in the history of `source`."""
    item: Mapped[InformationItem] = mapped_column(code_of(InformationItem))
    handling: Mapped[HandlingCode] = mapped_column(code_of(HandlingCode))
    text = words()
    allows: Mapped[tuple[str, ...]] = mapped_column(CodeList(Use))
    conditions = words()
    """What the provider made a condition of its permission."""
    content = record()

    request: Mapped[TraceRequest] = relationship(
        back_populates="provided", foreign_keys=[request_id]
    )
    source: Mapped[TraceRequest] = relationship(foreign_keys=[source_id])
    provider: Mapped[Authority] = relationship()

    @property
    def sealed_for(self) -> int:
        """Return the authority that provided it."""
        return self.provider_id


class RequestEvent(Sealing, Base):
    """Something that happened; the state can be rebuilt from these rows."""

    __tablename__ = "request_event"
    __table_args__ = (UniqueConstraint("request_id", "position"),)

    id: Mapped[Key]
    request_id: Mapped[int] = mapped_column(ForeignKey("trace_request.id"))
    position: Mapped[int]
    trigger: Mapped[Trigger] = mapped_column(code_of(Trigger))
    before: Mapped[State] = mapped_column(code_of(State))
    after: Mapped[State] = mapped_column(code_of(State))
    by: Mapped[Party] = mapped_column(code_of(Party))
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    actor_name: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
    carried = record()

    @property
    def sealed_for(self) -> int:
        """Return the authority whose step it was."""
        return self.authority_id

    @property
    def fact(self) -> SimpleNamespace:
        """Return what moves a deadline, as the schedule reads it."""
        return SimpleNamespace(
            review_date=_day(self.carried.get("review_date")),
            requested_by=_day(self.carried.get("requested_by")),
            ground=self.carried.get("ground"),
            access=self.carried.get("access"),
        )


class FormKey(Base):
    """A form that was sent; the same one again leads to the same request."""

    __tablename__ = "form_key"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    used_at: Mapped[datetime]
    reference: Mapped[str] = mapped_column(String(24), server_default=text("''"))


def _day(value: object) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else None
