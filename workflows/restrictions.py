"""What may be done with another State's information: one table, and what both agreed.

Firearms Protocol 12(5), UNTOC 18(5) and 18(19)-(20), ITI 15. A handling code is put on
one item of information or on everything; one on the item goes before the one on
everything. What a code withholds its provider can permit; all of it is read from the
history of the request.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from workflows.errors import FactMissing, RestrictionHolds, TransitionNotAllowed
from workflows.facts import (
    Closure,
    Disclosure,
    Fact,
    Permission,
    Refusal,
    Restriction,
)
from workflows.states import BESIDE, Party, Trigger
from workflows.vocabulary import ClosureUse, HandlingCode, InformationItem, Use


class Fate(StrEnum):
    """What becomes of a use."""

    FREE = "free"
    SHOWN = "shown"
    """Allowed, and the restriction goes along with the information."""
    ASKS = "asks"
    """Only with the provider's permission, and then as above."""


_FREE, _SHOWN, _ASKS = Fate.FREE, Fate.SHOWN, Fate.ASKS
_H, _U = HandlingCode, Use

TABLE: Final[Mapping[HandlingCode, Mapping[Use, Fate]]] = {
    _H.H0: {_U.READ: _FREE, _U.ONWARD: _FREE, _U.EXPORT: _FREE,
            _U.PRINT: _FREE, _U.JUDICIAL: _FREE},
    _H.H1: {_U.READ: _SHOWN, _U.ONWARD: _SHOWN, _U.EXPORT: _SHOWN,
            _U.PRINT: _SHOWN, _U.JUDICIAL: _ASKS},
    _H.H2: {_U.READ: _SHOWN, _U.ONWARD: _ASKS, _U.EXPORT: _ASKS,
            _U.PRINT: _SHOWN, _U.JUDICIAL: _ASKS},
    _H.H3: {_U.READ: _SHOWN, _U.ONWARD: _ASKS, _U.EXPORT: _ASKS,
            _U.PRINT: _SHOWN, _U.JUDICIAL: _ASKS},
}  # fmt: skip
"""Code by use. Under H3 the provider may name uses that need no permission."""

PERMITTED: Final = (Use.ONWARD, Use.JUDICIAL, Use.EXPORT)
"""The uses that one asks permission for."""


def fate(item: Restriction, use: Use) -> Fate:
    """Return what becomes of a use of an item: what every way out has to ask."""
    found = TABLE[item.handling][use]
    if found is Fate.ASKS and item.handling is HandlingCode.H3 and use in item.allows:
        return Fate.SHOWN
    if found is Fate.FREE and item.text.strip():
        return Fate.SHOWN
    return found


# ----------------------------------------------------------- the items of an answer

ANSWER_ITEMS: Final = tuple(InformationItem)[1:]
_ACQUIRER: Final = frozenset({"last_legal_holder", "consignee", "holding_force"})
_TRANSFERS: Final = frozenset(
    {
        *("onward_state", "onward_contact", "export_date", "export_licence"),
        *("consignment", "serial_range", "transit_from", "transit_to"),
        *("transit_date", "right_authority", "other_reference"),
    }
)


def item_of(detail: str) -> InformationItem:
    """Return the item a detail of an answer belongs to."""
    if detail in _ACQUIRER:
        return InformationItem.ACQUIRER
    if detail in _TRANSFERS:
        return InformationItem.TRANSFERS
    return InformationItem.TEXT


def contents(carried: Mapping[str, Any]) -> dict[InformationItem, dict[str, Any]]:
    """Return what an answer says, item by item; files stand elsewhere."""
    found: dict[InformationItem, dict[str, Any]] = {}
    for name, value in carried["details"].items():
        found.setdefault(item_of(name), {}).setdefault("details", {})[name] = value
    transfers = found.setdefault(InformationItem.TRANSFERS, {})
    transfers["outcome"] = carried["outcome"]
    names: list[str] = []
    for link in carried["chain"]:
        names += [link[side] for side in ("by", "to") if link[side]]
        bare = link | {"by": "", "to": ""}
        transfers.setdefault("chain", []).append(bare)
    if names:
        found[InformationItem.PERSONS] = {"names": list(dict.fromkeys(names))}
    if carried["text"]:
        found.setdefault(InformationItem.TEXT, {})["text"] = carried["text"]
    return {item: found[item] for item in InformationItem if item in found}


def of_answer(carried: Mapping[str, Any]) -> tuple[Restriction, ...]:
    """Return the restrictions of an answer as its event keeps them, the whole first."""
    whole = Restriction(
        InformationItem.WHOLE,
        HandlingCode(carried["handling"]),
        carried["restrictions"],
        _uses(carried.get("allows", ())),
    )
    items = (
        Restriction(
            InformationItem(row["item"]),
            HandlingCode(row["handling"]),
            row["text"],
            _uses(row["allows"]),
        )
        for row in carried.get("items", ())
    )
    return (whole, *items)


def _uses(codes: Iterable[str]) -> tuple[Use, ...]:
    return tuple(map(Use, codes))


def on(item: InformationItem, given: Sequence[Restriction]) -> Restriction:
    """Return the restriction on an item: its own, else that on everything.

    Whoever acquired it is a person named: the stricter of these two holds for both.
    """
    same = _NAMES if item in _NAMES else {item}
    own = [restriction for restriction in given if restriction.item in same]
    whole = next(r for r in given if r.item is InformationItem.WHOLE)
    return replace(max(own, key=_strictness, default=whole), item=item)


_NAMES: Final = frozenset({InformationItem.PERSONS, InformationItem.ACQUIRER})


def _strictness(restriction: Restriction) -> int:
    return sum(fate(restriction, use) is Fate.ASKS for use in Use)


LIMITS: Final = ("handling", "restrictions", "allows", "items")
"""What an answer says of its own limits: it goes wherever a part of the answer goes."""

_APART: Final = frozenset({*LIMITS, "outcome", "chain", "details"})


def without(
    carried: Mapping[str, Any], kept: Collection[InformationItem]
) -> dict[str, Any]:
    """Return an answer without some of its items; what limits it always stays.

    What belongs to no other item, the registers or the reason say, goes with the text.
    """
    found = {name: carried[name] for name in LIMITS if name in carried}
    if InformationItem.TEXT not in kept:
        found |= {name: carried[name] for name in carried if name not in _APART}
    found["details"] = {
        name: value
        for name, value in carried["details"].items()
        if item_of(name) not in kept
    }
    if InformationItem.TRANSFERS not in kept:
        nameless = {"by": "", "to": ""} if InformationItem.PERSONS in kept else {}
        found["outcome"] = carried["outcome"]
        found["chain"] = [link | nameless for link in carried["chain"]]
    return found


# -------------------------------------------------------- what the two sides agreed


class Happened(Protocol):
    """A step as the history keeps it."""

    position: int
    trigger: Trigger
    by: Party
    at: datetime
    carried: dict[str, Any]


class Subject(Protocol):
    """A request with its history, and whether its existence is confidential."""

    confidential: bool

    @property
    def events(self) -> Sequence[Happened]:
        """Return the history, oldest first."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A permission that one side asked for; `answered` is None while it is open."""

    position: int
    by: Party
    use: Use
    items: tuple[InformationItem, ...]
    to: str
    purpose: str
    answered: Happened | None

    @property
    def given(self) -> bool:
        """Tell whether the provider has said yes."""
        return (
            self.answered is not None
            and self.answered.trigger is Trigger.GIVE_PERMISSION
        )

    @property
    def conditions(self) -> str:
        """Return what the provider has made a condition of its yes."""
        said = self.answered.carried if self.answered else {}
        return str(said.get("conditions", ""))


@dataclass(frozen=True, slots=True)
class Announced:
    """A disclosure of which the provider was told; `done` is None until it happened."""

    position: int
    by: Party
    at: datetime
    items: tuple[InformationItem, ...]
    to: str
    planned: date
    done: Happened | None


def permissions(events: Sequence[Happened]) -> tuple[Asked, ...]:
    """Return what was asked for, oldest first, with the answer to each."""
    answers = {
        event.carried["asked"]: event
        for event in events
        if event.trigger in (Trigger.GIVE_PERMISSION, Trigger.REFUSE_PERMISSION)
    }
    return tuple(
        Asked(
            event.position,
            event.by,
            Use(event.carried["use"]),
            tuple(map(InformationItem, event.carried["items"])),
            event.carried["to"],
            event.carried["purpose"],
            answers.get(event.position),
        )
        for event in events
        if event.trigger is Trigger.ASK_PERMISSION
    )


def disclosures(events: Sequence[Happened]) -> tuple[Announced, ...]:
    """Return the disclosures of which notice was given, oldest first."""
    done = {
        event.carried["announced"]: event
        for event in events
        if event.trigger is Trigger.RECORD_DISCLOSURE
    }
    return tuple(
        Announced(
            event.position,
            event.by,
            event.at,
            tuple(map(InformationItem, event.carried["items"])),
            event.carried["to"],
            date.fromisoformat(event.carried["planned"]),
            done.get(event.position),
        )
        for event in events
        if event.trigger is Trigger.ANNOUNCE_DISCLOSURE
    )


def last_answer(events: Sequence[Happened]) -> Happened | None:
    """Return the answer that counts: the last one."""
    return next((e for e in reversed(events) if e.trigger is Trigger.RESPOND), None)


def permission(
    events: Sequence[Happened],
    item: InformationItem,
    use: Use,
    *,
    by: Party,
    to: str = "",
    since: int = 0,
) -> Asked | None:
    """Return the permission that covers a use of an item, the newest first.

    One to pass on is for one State; one given before the information came
    (`since`, the position of the answer) does not cover it.
    """
    for asked in reversed(permissions(events)):
        covers = item in asked.items or InformationItem.WHOLE in asked.items
        meant = asked.use is use and (use is not Use.ONWARD or asked.to == to)
        after = asked.answered is not None and asked.answered.position > since
        if asked.by is by and asked.given and covers and meant and after:
            return asked
    return None


def require_use(restriction: Restriction, use: Use, permitted: Asked | None) -> None:
    """Refuse a use that the provider has neither allowed nor permitted."""
    if fate(restriction, use) is Fate.ASKS and permitted is None:
        raise RestrictionHolds(restriction.item.label, restriction.handling.value)


def may_be_exported(events: Sequence[Happened], answer: Happened) -> bool:
    """Tell whether who asked may take the whole of an answer out of this service."""
    return all(
        permission(events, item, Use.EXPORT, by=Party.REQUESTING, since=answer.position)
        for item in kept_from_export(answer.carried)
    )


def kept_from_export(carried: Mapping[str, Any]) -> tuple[InformationItem, ...]:
    """Return the items of an answer that its provider has to permit to export."""
    given = of_answer(carried)
    return tuple(
        item
        for item in contents(carried)
        if fate(on(item, given), Use.EXPORT) is Fate.ASKS
    )


# ------------------------------------------------------ when a step beside is possible


def offered(subject: Subject, by: Party) -> tuple[Trigger, ...]:
    """Return the steps beside the state that make sense now for this side."""
    return tuple(trigger for trigger in BESIDE if _makes_sense(subject, trigger, by))


def _makes_sense(subject: Subject, trigger: Trigger, by: Party) -> bool:
    match trigger:
        case Trigger.GIVE_PERMISSION | Trigger.REFUSE_PERMISSION:
            return bool(open_for(subject, by))
        case Trigger.CANNOT_KEEP:
            return by is Party.REQUESTED
        case Trigger.LIFT_CONFIDENTIALITY:
            return subject.confidential and by is Party.REQUESTING
        case _:
            return by is Party.REQUESTED or last_answer(subject.events) is not None


def open_for(subject: Subject, by: Party) -> tuple[Asked, ...]:
    """Return what the other side asks and this side has not answered."""
    return tuple(
        asked
        for asked in permissions(subject.events)
        if asked.by is by.other and asked.answered is None
    )


def unrecorded(subject: Subject, by: Party) -> tuple[Announced, ...]:
    """Return the disclosures this side has announced and not recorded."""
    return tuple(
        announced
        for announced in disclosures(subject.events)
        if announced.by is by and announced.done is None
    )


def check(
    subject: Subject, trigger: Trigger, fact: Fact | None, *, by: Party, zone: ZoneInfo
) -> None:
    """Refuse a step that what was agreed so far does not allow."""
    if trigger in BESIDE and trigger not in offered(subject, by):
        raise TransitionNotAllowed(f"there is nothing that {trigger} could be about")
    match fact:
        case Permission() | Refusal():
            if fact.asked not in {asked.position for asked in open_for(subject, by)}:
                raise TransitionNotAllowed("this permission is not asked for any more")
        case Disclosure():
            _check_disclosure(subject, fact, by, zone)
        case Closure(used_in=ClosureUse.PROCEEDINGS):
            _check_proceedings(subject, fact)


def _check_disclosure(
    subject: Subject, fact: Disclosure, by: Party, zone: ZoneInfo
) -> None:
    if fact.announced is None:
        return
    found = [a for a in unrecorded(subject, by) if a.position == fact.announced]
    if not found:
        raise FactMissing("Notify the provider first: give notice of the disclosure.")
    # Forms know the day in UTC: where that lags behind, its day counts as well.
    told = min(found[0].at.astimezone(z).date() for z in (zone, UTC))
    if fact.on < told:
        raise FactMissing("It cannot be disclosed before the provider was notified.")


def _check_proceedings(subject: Subject, fact: Closure) -> None:
    answer = last_answer(subject.events)
    if answer is None:
        return
    given = of_answer(answer.carried)
    told = set(_disclosed(subject.events, since=answer.position))
    # Files are no part of what is carried; a code of their own tells of them.
    files = [one.item for one in given if one.item is InformationItem.FILES]
    for item in fact.used_items or (*contents(answer.carried), *files):
        if item in told or InformationItem.WHOLE in told:
            continue
        permitted = permission(
            subject.events,
            item,
            Use.JUDICIAL,
            by=Party.REQUESTING,
            since=answer.position,
        )
        require_use(on(item, given), Use.JUDICIAL, permitted)


def _disclosed(events: Sequence[Happened], *, since: int) -> Iterator[InformationItem]:
    """Yield what the requesting side was bound to disclose, and told of."""
    announced = {a.position: a.items for a in disclosures(events)}
    for event in events:
        done = event.trigger is Trigger.RECORD_DISCLOSURE and event.position > since
        if done and event.by is Party.REQUESTING:
            own = tuple(map(InformationItem, event.carried["items"]))
            yield from own or announced.get(event.carried["announced"], ())
