"""The national records as they are read: searched by a mark, shown with their history.

What is found is possible until a person confirms it. An answer says whether it is
whole: a search that had to stop early never looks like one that found nothing.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import chain
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    bindparam,
    func,
    select,
)
from sqlalchemy.orm import joinedload

from tracing.directory import names
from tracing.extensions import db
from tracing.lookups.port import Candidate, NotAnswered, Query
from tracing.models import (
    Authority,
    RegistryEvent,
    RegistryItem,
    RegistryMark,
    SharedRecord,
)
from tracing.models.keys import Shape, asked_in, shape_of
from tracing.security import isolation
from workflows.errors import NotVisible
from workflows.markings import read
from workflows.matching import Ask, Hit, asked, climb
from workflows.policies import Actor
from workflows.ranking import Possible, Traits
from workflows.vocabulary import (
    FirearmType,
    ItemKind,
    LookupOutcome,
    MarkType,
    RecordStatus,
    Rung,
)

MOST: Final = 200
"""Rows of one question; a number that more bear says nothing by itself."""

SIZE: Final = 25
LARGEST: Final = 2**31 - 1
_AUTHORITY: Final = bindparam("authority", type_=Integer)
LONGEST_VALUE: Final = 300
NUMBER: Final = re.compile("[0-9]{1,9}")
NO_MARK: Final = "Give a serial number: these records are searched by it."
NOT_THEIRS: Final = "These records are of another authority."


def about(number: int) -> str:
    """Return what the journal calls a record."""
    return f"record-{number}"


class Line(NamedTuple):
    """What a list shows of one record."""

    id: int
    authority_id: int
    serial: str
    kind: ItemKind
    firearm_type: FirearmType | None
    make: str | None
    model: str | None
    calibre: str | None
    country: str | None
    year: int | None
    status: RecordStatus

    @property
    def traits(self) -> Traits:
        """Return what the order is made of beside the number."""
        return Traits(self.make, self.model, self.calibre, self.country, self.year)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search brought, the likeliest first, and whether that is all."""

    possible: Sequence[Possible[Line]]
    whole: bool


# ------------------------------------------------------------------------ how it is asked


def _columns(row: Any) -> Select[Any]:
    """Read what `Line` has, in its order."""
    number = row.item_id if row is SharedRecord else row.id
    columns: Select[Any] = select(
        *(number, row.authority_id, row.text, row.kind, row.firearm_type),
        *(row.make, row.model, row.calibre, row.country_of_manufacture),
        *(row.year, row.status),
    )
    return columns


def _own(shape: Shape) -> tuple[Select[Any], ...]:
    """Ask for own records by their number, and by the further marks of an item."""
    return (
        _columns(RegistryItem)
        .add_columns(RegistryItem.text)
        .where(asked_in(RegistryItem, shape), RegistryItem.authority_id == _AUTHORITY),
        _columns(RegistryItem)
        .add_columns(RegistryMark.text)
        .join(RegistryMark, RegistryMark.item_id == RegistryItem.id)
        .where(
            asked_in(RegistryMark, shape),
            RegistryMark.authority_id == _AUTHORITY,
            RegistryMark.type == MarkType.SERIAL,
            RegistryItem.authority_id == _AUTHORITY,
        ),
    )


def _of_others(shape: Shape) -> tuple[Select[Any], ...]:
    """Ask for what other authorities share."""
    return (
        _columns(SharedRecord)
        .add_columns(SharedRecord.text)
        .where(asked_in(SharedRecord, shape), SharedRecord.authority_id != _AUTHORITY),
    )


Store = Callable[[Shape], tuple[Select[Any], ...]]


@cache
def _statements(
    store: Store, shape: Shape, *, narrowed: bool
) -> tuple[Select[Any], ...]:
    """Return what is sent for a shape of question; building it takes a millisecond."""
    found = store(shape)
    if narrowed:
        make = bindparam("make", type_=String)
        found = tuple(
            one.where(func.lower(one.selected_columns["make"]) == make) for one in found
        )
    return tuple(one.limit(bindparam("most", type_=Integer)) for one in found)


def rows_of(
    store: Store, authority_id: int, ask: Ask, make: str | None = None
) -> Iterator[tuple[list[Any], bool]]:
    """Put a question to a store: rows with their text last, and whether it had more.

    Of many rows those of the same make are the likeliest, and come first.
    """
    shape, values = shape_of(ask)
    values |= {"authority": authority_id, "most": MOST + 1}
    for place, statement in enumerate(_statements(store, shape, narrowed=False)):
        rows = list(db.session.execute(statement, values))
        more = len(rows) > MOST
        rows = rows[:MOST]
        if more and make:
            narrow = _statements(store, shape, narrowed=True)[place]
            given = values | {"make": make.lower(), "most": MOST}
            rows = [*db.session.execute(narrow, given), *rows]
        yield rows, more


def _search(store: Store, authority_id: int, text: str, of: Traits) -> Found:
    """Climb the ladder in one store, and say whether every rung was read to its end."""
    mark = read(text)
    if not mark.compared:
        return Found((), whole=False)
    # What no index can be asked is not asked, and so not answered.
    cut = mark.end is not None and any(ask.is_open for ask in asked(mark))

    def rows(ask: Ask) -> Iterator[tuple[Line, str]]:
        nonlocal cut
        for found, more in rows_of(store, authority_id, ask, of.make):
            cut = cut or more
            for row in found:
                yield Line(*row[:-1]), row[-1]

    hits = climb(mark, rows)
    possible = names.likeliest(of, ((line, hit, line.traits) for line, hit in hits))
    return Found(possible[:MOST], whole=not cut and len(possible) <= MOST)


def search(authority_id: int, text: str, of: Traits) -> Found:
    """Return the records of an authority about what may be the same item."""
    return _search(_own, authority_id, text, of)


def _all_of(query: Query) -> list[str]:
    """Return the numbers that a query asks for; refuse one that asks for none."""
    texts = [text for text in dict.fromkeys((query.serial, *query.serials)) if text]
    if not any(read(text).compared for text in texts):
        raise NotAnswered(LookupOutcome.NOT_UNDERSTOOD, NO_MARK)
    return texts


def _merged(found: Iterable[Found], of: Traits) -> Found:
    """Return each record once, by its surest number; whole if all answers were."""
    parts, hits = list(found), dict[Line, Hit]()
    for one_ in chain.from_iterable(part.possible for part in parts):
        hits.setdefault(one_.what, one_.hit)
        hits[one_.what] = min(hits[one_.what], one_.hit, key=_distance)
    rows = ((line, hit, line.traits) for line, hit in hits.items())
    possible = names.likeliest(of, rows)
    whole = all(part.whole for part in parts) and len(possible) <= MOST
    return Found(possible[:MOST], whole)


def _distance(hit: Hit) -> tuple[int, int]:
    return list(Rung).index(hit.rung), hit.distance


def search_shared(authority_id: int, text: str, of: Traits) -> Found:
    """Return what other authorities share about what may be the same item."""
    return _search(_of_others, authority_id, text, of)


# ------------------------------------------------------------------------------ one record


def one(number: int, actor: Actor, *, lock: bool = False) -> RegistryItem:
    """Return a record of the actor's authority, or nothing that tells of it."""
    require_number(number, "There is no such record.")
    query = select(RegistryItem).where(
        RegistryItem.id == number, RegistryItem.authority_id == actor.authority_id
    )
    if lock:
        query = query.with_for_update()
    found = db.session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotVisible("There is no such record.")
    return found


def require_number(number: int, words: str) -> None:
    """Refuse a number that no row can have: a database would not even compare it."""
    if number > LARGEST:
        raise NotVisible(words)


def shared_of(
    actor: Actor, *, after: int = 0
) -> tuple[Sequence[RegistryItem], int | None]:
    """Return a page of what the actor's authority shares."""
    rows = db.session.scalars(
        select(RegistryItem)
        .where(
            RegistryItem.authority_id == actor.authority_id,
            cast("ColumnElement[bool]", RegistryItem.shared),
            RegistryItem.id > after,
        )
        .order_by(RegistryItem.id)
        .limit(SIZE + 1)
    ).all()
    more = rows[SIZE - 1].id if len(rows) > SIZE else None
    return rows[:SIZE], more


def events_of(item_id: int, authority_id: int) -> Sequence[RegistryEvent]:
    """Return all that happened to an item, in the order in which it was written."""
    return db.session.scalars(
        select(RegistryEvent)
        .where(
            RegistryEvent.item_id == item_id,
            RegistryEvent.authority_id == authority_id,
        )
        .options(joinedload(RegistryEvent.recorded_by))
        .order_by(RegistryEvent.id)
    ).all()


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as it stands now, and what it has replaced, the newest first."""

    event: RegistryEvent
    before: tuple[RegistryEvent, ...] = ()

    @property
    def stands(self) -> bool:
        """Tell whether it is still said that this happened."""
        return not self.event.withdrawn


def history(events: Sequence[RegistryEvent]) -> list[Entry]:
    """Return the last word on each event, by the day on which it happened."""
    known = {event.id: event for event in events}
    replaced = {event.replaces_id for event in events}
    last = [event for event in events if event.id not in replaced]
    found = [Entry(event, tuple(_before(event, known))) for event in last]
    return sorted(found, key=lambda e: (e.event.happened_on or date.max, e.event.id))


def _before(
    event: RegistryEvent, known: dict[int, RegistryEvent]
) -> Iterator[RegistryEvent]:
    number = event.replaces_id
    while number is not None and number in known:
        yield known[number]
        number = known[number].replaces_id


# ---------------------------------------------------------------- as a register is asked


def traits_of(query: Query) -> Traits:
    """Return what a query says of the item beside its marks."""
    return Traits(
        query.make or None,
        query.model or None,
        query.calibre or None,
        query.country or None,
        query.year,
    )


def _candidate(found: Possible[Line], owner: str) -> Candidate:
    line, hit = found.what, found.hit
    said = {
        "serial": line.serial,
        "make": line.make,
        "model": line.model,
        "calibre": line.calibre,
        "country": line.country,
        "year": line.year,
        "firearm_type": line.firearm_type,
        "kind": line.kind,
        "match": hit.rung,
        "distance": hit.distance,
    }
    return Candidate(
        str(line.id),
        summary=" · ".join(
            str(part) for part in (line.make, line.model, line.calibre) if part
        ),
        record=line.status.value.lower(),
        owner=owner,
        fields={name: str(value) for name, value in said.items() if value is not None},
    )


def _read_only() -> None:
    """Let a reading of its own not wait for who writes."""
    if not db.session().in_transaction():
        db.session.connection(execution_options={"readonly": True})


def _asking(code: str) -> int:
    """Return the authority that asks: the one for which the database works."""
    tenant = isolation.tenant()
    number = db.session.scalar(select(Authority.id).where(Authority.code == code))
    if tenant is None or number is None or tenant.authority != number:
        raise NotAnswered(LookupOutcome.NOT_PERMITTED, NOT_THEIRS)
    return number


class OwnBook:
    """The records of the authority that asks, behind the port of all registers."""

    def search(self, query: Query, authority: str) -> tuple[Sequence[Candidate], bool]:
        """Return candidates, the nearest first, and whether these are all."""
        texts, of = _all_of(query), traits_of(query)
        _read_only()
        number = _asking(authority)
        found = _merged((search(number, text, of) for text in texts), of)
        return [_candidate(one_, authority) for one_ in found.possible], found.whole

    def detail(self, number: str, authority: str) -> Candidate | None:
        """Return a record with its history."""
        _read_only()
        home = _asking(authority)
        item = db.session.scalar(
            select(RegistryItem).where(
                RegistryItem.id == (int(number) if NUMBER.fullmatch(number) else 0),
                RegistryItem.authority_id == home,
            )
        )
        if item is None:
            return None
        line = Line(
            *db.session.execute(
                _columns(RegistryItem).where(RegistryItem.id == item.id)
            ).one()
        )
        entries = [e for e in history(events_of(item.id, home)) if e.stands]
        return Candidate(
            str(item.id),
            summary=item.source,
            record=item.status.value.lower(),
            owner=authority,
            fields=_told(line, entries),
        )


def _told(line: Line, entries: Sequence[Entry]) -> dict[str, str]:
    said = {"serial": line.serial}
    for place, entry in enumerate(entries, 1):
        event = entry.event
        parts = [event.kind.value, _day(event), event.licence, event.place]
        parts += [party.get("name") for party in event.parties or ()]
        parts += [event.country_from, event.country_to]
        text = " · ".join(part for part in parts if part)
        said[f"event_{place}"] = text[:LONGEST_VALUE]
    return said


def _day(event: RegistryEvent) -> str:
    return "" if event.happened_on is None else event.happened_on.isoformat()


class SharedBook:
    """What other authorities share of items that are looked for."""

    def search(self, query: Query, authority: str) -> tuple[Sequence[Candidate], bool]:
        """Return candidates, the nearest first, and whether these are all."""
        texts, of = _all_of(query), traits_of(query)
        _read_only()
        number = _asking(authority)
        found = _merged((search_shared(number, text, of) for text in texts), of)
        owners = owners_of({one_.what.authority_id for one_ in found.possible})
        candidates = [
            _candidate(one_, owners[one_.what.authority_id].code)
            for one_ in found.possible
        ]
        return candidates, found.whole

    def detail(self, number: str, authority: str) -> Candidate | None:
        """Return nothing: the owner is asked, in a request."""
        return None


def owners_of(numbers: set[int]) -> dict[int, Authority]:
    """Return authorities by their number."""
    found = db.session.scalars(select(Authority).where(Authority.id.in_(numbers)))
    return {one_.id: one_ for one_ in found}
