"""What officers do to the national records: record, report, correct, share.

What happened to an item is added and never changed; a correction is an event that
names the one it replaces. The item holds what stands now.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from tracing.casework import records, sightings
from tracing.casework.apply import utcnow
from tracing.casework.records import Found, about
from tracing.casework.session import give_up
from tracing.extensions import db, wake
from tracing.faults import Stale
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import (
    Authority,
    RegistryEvent,
    RegistryItem,
    RegistryMark,
    RegistrySought,
    SharedRecord,
)
from workflows import retention
from workflows.errors import FactMissing, NotVisible, TransitionNotAllowed
from workflows.policies import Actor, require_records
from workflows.ranking import Traits
from workflows.vocabulary import (
    WANTED,
    KeptFor,
    MarkType,
    RecordEventType,
    RecordStatus,
)

FIELDS: Final = (
    *("source", "kind", "part", "firearm_type", "make", "plant_country", "model"),
    *("calibre", "year", "country_of_manufacture", "import_mark", "import_country"),
    *("import_year", "quantity", "status", "keep"),
)
"""What a form says of an item, beside its number; a correction names what it was."""

TOLD: Final = (
    *("kind", "happened_on", "precision", "mark", "licence", "licence_issued"),
    *("licence_expires", "country_from", "country_to", "transit", "consignment"),
    *("quantity", "place", "source_record", "remarks"),
)
HISTORIC: Final = frozenset(
    {
        *(RecordEventType.MANUFACTURE, RecordEventType.IMPORT, RecordEventType.TRANSIT),
        RecordEventType.REGISTRATION,
    }
)
"""What, written down later, says nothing of where the item is now."""

TRAITS: Final = ("make", "model", "calibre", "country", "year")
REASON: Final = (5, 2000)
COPIED: Final = (
    *("authority_id", "kind", "part", "firearm_type", "make", "model", "calibre"),
    *("year", "country_of_manufacture", "status", "text", "normalised", "folded"),
    "reversed",
)


class AlreadyThere(Exception):
    """The register's number is in the records; `number` is the record's."""

    def __init__(self, number: int) -> None:
        """Keep which."""
        super().__init__(number)
        self.number = number


def record(
    actor: Actor,
    given: Mapping[str, Any],
    *,
    form_key: str = "",
    now: datetime | None = None,
) -> RegistryItem:
    """Add a record; the same form again leads to the record that it made."""
    require_records(actor)
    at = now or utcnow()
    key = given.get("source_key") or f"form-{form_key or secrets.token_hex(16)}"
    _require_new(actor, key)
    item = RegistryItem(
        authority_id=actor.authority_id,
        source_key=key,
        text=given["serial"],
        shared=False,
        recorded_at=at,
        changed_at=at,
        **{name: given.get(name) for name in FIELDS},
    )
    item.review_on = retention.item_review_on(at.date(), item.keep)
    db.session.add(item)
    try:
        db.session.flush()
    except IntegrityError:
        # The other of two clicks was faster.
        db.session.rollback()
        _require_new(actor, key)
        raise
    _enter(Kind.RECORD_ADDED, actor, item, source=item.source, serial=item.text)
    db.session.commit()
    return item


def _require_new(actor: Actor, key: str) -> None:
    """Refuse a number that the records have; say which record it is."""
    there = db.session.scalar(
        select(RegistryItem.id).where(
            RegistryItem.authority_id == actor.authority_id,
            RegistryItem.source_key == key,
        )
    )
    if there is not None:
        raise AlreadyThere(there)


def correct(
    actor: Actor,
    number: int,
    given: Mapping[str, Any],
    *,
    why: str,
    version: int | None = None,
    now: datetime | None = None,
) -> RegistryItem:
    """Change what stands of an item; what it was stays among its events."""
    at, reason = now or utcnow(), _reason(why)
    item = _own(actor, number, version)
    changes = {
        name: _plain(getattr(item, name))
        for name in FIELDS
        if getattr(item, name) != given.get(name)
    }
    if item.text != given["serial"]:
        changes["serial"] = item.text
        item.text = given["serial"]
    if not changes:
        raise FactMissing("Nothing was changed.")
    for name in FIELDS:
        setattr(item, name, given.get(name))
    event = _event(item, actor, RecordEventType.CORRECTION, at)
    event.changes, event.remarks = changes, reason
    db.session.add(event)
    _settle(item, at)
    _enter(Kind.RECORD_CHANGED, actor, item, before=changes)
    db.session.commit()
    return item


def report(
    actor: Actor,
    number: int,
    given: Mapping[str, Any],
    *,
    version: int | None = None,
    now: datetime | None = None,
) -> RegistryEvent:
    """Add what happened to an item."""
    at = now or utcnow()
    item = _own(actor, number, version)
    event = _told(item, actor, given, at)
    _add(item, event, at)
    if event.kind is RecordEventType.REMARKING and event.mark:
        _mark_anew(item, event.mark)
    said = {"event": event.kind.value, "number": event.id}
    _enter(Kind.RECORD_CHANGED, actor, item, **said)
    db.session.commit()
    return event


def replace(
    actor: Actor,
    number: int,
    event_id: int,
    given: Mapping[str, Any] | None,
    *,
    why: str,
    version: int | None = None,
    now: datetime | None = None,
) -> RegistryEvent:
    """Put another event in the place of one; with none, say that it did not happen."""
    at, reason = now or utcnow(), _reason(why)
    item = _own(actor, number, version)
    old = _last_word(item, event_id)
    if given is None:
        event = _event(item, actor, old.kind, at)
        event.withdrawn = True
        event.happened_on, event.precision = old.happened_on, old.precision
    else:
        event = _told(item, actor, given, at)
    event.replaces_id = old.id
    event.remarks = reason if given is None else _both(event.remarks, reason)
    _add(item, event, at)
    _mark_as_told(item, old, event)
    said = {"event": event.kind.value, "number": event.id, "replaces": old.id}
    _enter(Kind.RECORD_CHANGED, actor, item, **said)
    db.session.commit()
    return event


def share(
    actor: Actor,
    number: int,
    *,
    shared: bool,
    version: int | None = None,
    now: datetime | None = None,
) -> RegistryItem:
    """Let others meet a record of what is looked for, or no longer."""
    at = now or utcnow()
    item = _own(actor, number, version)
    if shared and not item.status.is_wanted:
        raise TransitionNotAllowed(
            "Only what is stolen, lost, trafficked or smuggled is shared."
        )
    if item.shared is shared:
        raise TransitionNotAllowed("The record is as you want it already.")
    item.shared, item.changed_at = shared, at
    publish(actor.authority_id, item.id)
    _enter(Kind.RECORD_SHARED, actor, item, shared=shared)
    db.session.commit()
    wake()
    return item


# ------------------------------------------------------------------------ what is read


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search brought among own records and among those of others."""

    own: Found
    others: Found | None
    owners: Mapping[int, Authority]


def search(actor: Actor, given: Mapping[str, Any], *, others: bool = False) -> Searched:
    """Search own records, and what others share; that it was done is kept with it.

    The owner of what is met among the shared ones is told by the worker.
    """
    require_records(actor)
    text, of = given["serial"], traits_of(given)
    own = records.search(actor.authority_id, text, of)
    shared, owners = None, {}
    if others:
        shared = records.search_shared(actor.authority_id, text, of)
        owners = records.owners_of({one.what.authority_id for one in shared.possible})
        sightings.seek(actor.authority_id, text=text)
    said = {name: _plain(value) for name, value in given.items()}
    found = {"own": len(own.possible), "whole": own.whole}
    if shared is not None:
        found |= {"shared": len(shared.possible), "shared_whole": shared.whole}
    db.session.flush()
    journal.record(Kind.RECORDS_SEARCHED, actor, payload={"query": said} | found)
    db.session.commit()
    return Searched(own, shared, owners)


def traits_of(given: Mapping[str, Any]) -> Traits:
    """Return what a search says of the item beside its number."""
    return Traits(*(given.get(name) for name in TRAITS))


def opened(item: RegistryItem, actor: Actor, *, after_refusal: bool = False) -> None:
    """Keep that somebody reads a record, with the persons in it, before it is shown."""
    name = about(item.id)
    if after_refusal:
        give_up()
    journal.read(Kind.RECORD_READ, actor, about=name)


# ------------------------------------------------------------------------ what follows


def _own(actor: Actor, number: int, version: int | None) -> RegistryItem:
    """Return a record to change, locked and as new as the page it is changed from."""
    require_records(actor)
    item = records.one(number, actor, lock=True)
    if version is not None and version != item.version:
        raise Stale("The record changed since this page was opened.")
    return item


def _event(
    item: RegistryItem, actor: Actor, kind: RecordEventType, at: datetime
) -> RegistryEvent:
    return RegistryEvent(
        authority_id=item.authority_id,
        item_id=item.id,
        kind=kind,
        withdrawn=False,
        recorded_at=at,
        recorded_by_id=actor.user_id,
    )


def _told(
    item: RegistryItem, actor: Actor, given: Mapping[str, Any], at: datetime
) -> RegistryEvent:
    event = _event(item, actor, given["kind"], at)
    for name in TOLD:
        setattr(event, name, given.get(name))
    parties = [
        {name: _plain(value) for name, value in party.items()}
        for party in given.get("parties") or ()
    ]
    event.parties = parties or None
    return event


def _add(item: RegistryItem, event: RegistryEvent, at: datetime) -> None:
    """Add an event, and let the item follow if its last one is another now."""
    before = _where(item)
    db.session.add(event)
    db.session.flush()
    after = _where(item)
    long_ago = before is None and event.kind in HISTORIC
    known = item.status is not RecordStatus.UNKNOWN
    if after is not None and after is not before and not (long_ago and known):
        item.status = after
    _settle(item, at)


def _where(item: RegistryItem) -> RecordStatus | None:
    """Return where the item is by its events, if one says so."""
    events = records.events_of(item.id, item.authority_id)
    for entry in reversed(records.history(events)):
        if entry.stands and entry.event.kind.status is not None:
            return entry.event.kind.status
    return None


def _settle(item: RegistryItem, at: datetime) -> None:
    """Bring what follows from the item in line with it."""
    item.changed_at = at
    if not item.status.is_wanted:
        item.shared = False
    item.review_on = review_day(item, at.date())
    publish(item.authority_id, item.id)


def review_day(item: RegistryItem, today: date) -> date:
    """Return from when on a record is decided about: counted from the last it knows.

    That of a firearm which was destroyed stays 30 years (Directive 2021/555 art 4).
    """
    days = [
        event.happened_on
        for event in records.events_of(item.id, item.authority_id)
        if event.happened_on is not None and not event.withdrawn
    ]
    keep = KeptFor.THIRTY if item.status.has_ended else item.keep
    return retention.item_review_on(min(max(days, default=today), today), keep)


def _mark_anew(item: RegistryItem, mark: str) -> None:
    """Give an item its new number; the old one is found as well."""
    _keep_mark(item, item.text)
    item.text = mark
    publish(item.authority_id, item.id)


def _keep_mark(item: RegistryItem, text: str) -> None:
    db.session.add(
        RegistryMark(
            authority_id=item.authority_id,
            item_id=item.id,
            type=MarkType.SERIAL,
            text=text,
        )
    )


def _mark_as_told(item: RegistryItem, old: RegistryEvent, event: RegistryEvent) -> None:
    """Let the numbers of an item follow what was corrected or struck out."""
    was, now = _mark_of(old), _mark_of(event)
    if was == now:
        return
    if was is None:
        _mark_anew(item, now or item.text)
    elif item.text == was:
        item.text = now or _number_before(item)
    elif now is not None:
        # It has another number since: this one is found as a former one.
        _keep_mark(item, now)
    publish(item.authority_id, item.id)


def _mark_of(event: RegistryEvent) -> str | None:
    """Return the number that an event says was put on the item."""
    anew = event.kind is RecordEventType.REMARKING and not event.withdrawn
    return event.mark or None if anew else None


def _number_before(item: RegistryItem) -> str:
    """Return the last number that still stands, or the one before all of them."""
    events = records.events_of(item.id, item.authority_id)
    stand = [mark for e in records.history(events) if (mark := _mark_of(e.event))]
    if stand:
        return stand[-1]
    given = {mark for event in events if (mark := _mark_of(event))}
    marks = db.session.scalars(
        select(RegistryMark.text)
        .where(
            RegistryMark.item_id == item.id,
            RegistryMark.authority_id == item.authority_id,
            RegistryMark.type == MarkType.SERIAL,
            RegistryMark.component.is_(None),
        )
        .order_by(RegistryMark.id.desc())
    )
    return next((text for text in marks if text not in given), item.text)


def _last_word(item: RegistryItem, event_id: int) -> RegistryEvent:
    entries = records.history(records.events_of(item.id, item.authority_id))
    for entry in entries:
        if entry.event.id == event_id and entry.event.kind.happens:
            return entry.event
    if any(old.id == event_id for entry in entries for old in entry.before):
        raise TransitionNotAllowed("This event has been corrected already.")
    raise NotVisible("There is no such event.")


def publish(authority_id: int, item_id: int | None = None) -> None:
    """Bring what others see in line with the items of an authority, or with one.

    Whatever is shared for the first time is compared with what is asked already. Part
    of the caller's transaction; to do it again changes nothing.
    """
    db.session.flush()
    here: list[ColumnElement[bool]] = [RegistryItem.authority_id == authority_id]
    there: list[ColumnElement[bool]] = [SharedRecord.authority_id == authority_id]
    if item_id is not None:
        here.append(RegistryItem.id == item_id)
        there.append(SharedRecord.item_id == item_id)
    here += [
        cast("ColumnElement[bool]", RegistryItem.shared),
        RegistryItem.status.in_(WANTED),
    ]
    wanted = select(RegistryItem.id).where(*here)
    gone = delete(SharedRecord).where(*there, SharedRecord.item_id.not_in(wanted))
    quick = {"synchronize_session": False}
    db.session.execute(gone, execution_options=quick)
    fresh = select(RegistryItem.authority_id, RegistryItem.id).where(
        *here,
        RegistryItem.id.not_in(select(SharedRecord.item_id).where(*there)),
    )
    sought = insert(RegistrySought).from_select(["authority_id", "item_id"], fresh)
    db.session.execute(sought, execution_options=quick)
    db.session.execute(_copied(here), execution_options=quick)


def _copied(here: list[ColumnElement[bool]]) -> Any:
    # Both dialects have the clause; SQLAlchemy has no common word for it.
    dialect = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    columns = [getattr(RegistryItem, name) for name in COPIED]
    rows = select(RegistryItem.id, *columns).where(*here)
    copy = dialect.insert(SharedRecord).from_select(["item_id", *COPIED], rows)
    return copy.on_conflict_do_update(
        index_elements=["item_id"],
        set_={name: copy.excluded[name] for name in COPIED},
    )


def _reason(text: str) -> str:
    plain = text.strip()
    if not REASON[0] <= len(plain) <= REASON[1]:
        raise FactMissing("Give the reason in a sentence.")
    return plain


def _both(one: str | None, other: str) -> str:
    return f"{one}\n{other}" if one else other


def _plain(value: Any) -> Any:
    match value:
        case StrEnum():
            return value.value
        case date():
            return value.isoformat()
        case _:
            return value


def _enter(kind: Kind, actor: Actor, item: RegistryItem, **said: object) -> None:
    journal.record(kind, actor, about=about(item.id), payload=said)
