"""Invented national records: what the demonstration's requests ask about, and more.

Every other request that was sent finds the record of its item among those of the
authority it asks, whole where the request could not read all of it, and beside it a
few of other items whose numbers are near.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, Final

from tracing.casework import registry
from tracing.extensions import db
from tracing.models import RegistryEvent, RegistryItem, TraceRequest
from workflows import retention
from workflows.states import State
from workflows.vocabulary import (
    ChainActor,
    DatePrecision,
    ItemKind,
    KeptFor,
    RecordEventType,
    RecordStatus,
)

REGISTERS: Final = ("Licences, North", "Licences, South", "Makers' books")
STATUSES: Final = (
    *(RecordStatus.REGISTERED, RecordStatus.STOLEN, RecordStatus.EXPORTED),
    *(RecordStatus.REGISTERED, RecordStatus.LOST),
)
SAID: Final = {
    RecordStatus.STOLEN: RecordEventType.THEFT_REPORT,
    RecordStatus.LOST: RecordEventType.LOSS_REPORT,
    RecordStatus.EXPORTED: RecordEventType.EXPORT,
}


def add_records(requests: Iterable[TraceRequest], now: datetime) -> int:
    """Add the records of what these requests ask about; return how many."""
    sent = [r for r in requests if r.state is not State.DRAFT and r.requested_id]
    asked = [r for r in sent if r.item.serial is not None][::2]
    numbers: set[int] = set()
    made = 0
    for place, request in enumerate(asked):
        number = request.requested_id
        assert number is not None
        for item in _records(request, number, place, now):
            db.session.add(item)
            made += 1
        numbers.add(number)
    db.session.flush()
    for number in sorted(numbers):
        registry.publish(number)
    return made


def _records(
    request: TraceRequest, authority_id: int, place: int, now: datetime
) -> Iterator[RegistryItem]:
    item, serial = request.item, request.item.serial
    assert serial is not None
    whole = re.sub(r"\[(.).*?\]", r"\1", serial.text).replace("?", "4")
    status = STATUSES[place % len(STATUSES)]
    found = _item(authority_id, f"{place}", whole, status, now)
    for name in ("make", "model", "calibre", "country_of_manufacture", "firearm_type"):
        setattr(found, name, getattr(item, name))
    found.kind, found.part = item.kind or ItemKind.FIREARM, item.part
    found.year = item.year
    # Some of what is looked for is shared with all.
    found.shared = status.is_wanted and place % 2 == 1
    found.events = list(_events(found, place, now))
    yield found
    near = _item(authority_id, f"{place}-near", f"{whole}7", RecordStatus.UNKNOWN, now)
    near.make, near.model, near.kind = "Invented Forge", "Old 3", found.kind
    yield near


def _item(
    authority_id: int, key: str, serial: str, status: RecordStatus, now: datetime
) -> RegistryItem:
    recorded = now - timedelta(days=400)
    return RegistryItem(
        authority_id=authority_id,
        source=REGISTERS[len(serial) % len(REGISTERS)],
        source_key=f"DEMO-{key}",
        text=serial,
        status=status,
        shared=False,
        keep=KeptFor.TWENTY,
        review_on=retention.item_review_on(recorded.date(), KeptFor.TWENTY),
        recorded_at=recorded,
        changed_at=recorded,
    )


def _events(item: RegistryItem, place: int, now: datetime) -> Iterator[RegistryEvent]:
    """Tell how it came to where it is: made, sold, licensed, and what was last."""
    kinds = RecordEventType
    made = date(1990 + place % 25, 1, 1)
    maker = _party(ChainActor.MANUFACTURER, item.make or "unknown")
    dealer = _party(ChainActor.DEALER, "Example Guns, Demonstration Town")
    owner = _party(ChainActor.PRIVATE_OWNER, f"Owner {place} Exampleson")
    sold = made + timedelta(days=400)
    yield _event(item, now, kinds.MANUFACTURE, made, [maker], DatePrecision.YEAR)
    yield _event(item, now, kinds.SALE, sold, [dealer, owner])
    licence = {"licence": f"LIC-{1000 + place}", "licence_issued": sold}
    yield _event(item, now, kinds.REGISTRATION, sold, [owner], **licence)
    if item.status in SAID:
        last = (now - timedelta(days=500 + place)).date()
        told = {"country_to": "ZA"} if item.status is RecordStatus.EXPORTED else {}
        yield _event(item, now, SAID[item.status], last, [owner], **told)


def _party(role: ChainActor, name: str) -> dict[str, str]:
    return {"role": role.value, "name": name}


def _event(
    item: RegistryItem,
    now: datetime,
    kind: RecordEventType,
    day: date,
    parties: list[dict[str, str]],
    precision: DatePrecision = DatePrecision.DAY,
    **told: Any,
) -> RegistryEvent:
    event = RegistryEvent(
        authority_id=item.authority_id,
        kind=kind,
        happened_on=day,
        precision=precision,
        withdrawn=False,
        source_record="Invented ledger",
        recorded_at=now - timedelta(days=400),
        **told,
    )
    event.parties = [*parties]
    return event
