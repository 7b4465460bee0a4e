"""What keeps an entry of the directory true: when it is asked for, and how sure it is.

The resolutions ask States for contact data that is complete and current. An entry is
confirmed every 180 days; the numbers are this service's own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from workflows.vocabulary import N_

LASTS: Final = timedelta(days=180)
"""How long a confirmation counts."""


class Step(StrEnum):
    """What is owed for an entry, in the order in which it comes."""

    ASK = "ask"
    AGAIN = "again"
    LAST = "last"
    SUPERVISORS = "supervisors"


AFTER: Final = {
    Step.ASK: LASTS - timedelta(days=14),
    Step.AGAIN: LASTS,
    Step.LAST: LASTS + timedelta(days=14),
    Step.SUPERVISORS: LASTS + timedelta(days=28),
}
"""How long after a confirmation each step is owed."""


def plan(since: datetime) -> tuple[tuple[Step, datetime], ...]:
    """Return the steps of an entry that was confirmed then, and when each is owed."""
    return tuple((step, since + after) for step, after in AFTER.items())


def newest(owed: Iterable[Step]) -> Step:
    """Return the one step that is taken when several are owed, as after an outage."""
    return max(owed, key=tuple(Step).index)


def counted_from(confirmed: datetime | None, now: datetime) -> datetime:
    """Return from when the steps count; who never confirmed is asked at once."""
    return confirmed if confirmed is not None else now - AFTER[Step.ASK]


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known of how an entry is reached."""

    confirmed: datetime | None
    tested: datetime | None
    """When the last test message was sent, if one was."""

    read: datetime | None
    """When a person said that it was read."""

    mailboxes: int
    unreachable: int
    urgent_line: bool
    deputy: bool


@dataclass(frozen=True, slots=True)
class Point:
    """One reason why an entry is more or less sure, and what it takes away."""

    words: str
    lost: int


BEST: Final = 100
TEST_LASTS: Final = timedelta(days=365)
TEST_TAKES: Final = timedelta(days=3)


def reachability(signs: Signs, now: datetime) -> tuple[int, tuple[Point, ...]]:
    """Return how surely somebody is reached, from 0 to 100, and what is lacking.

    A figure of this service: each lack takes away what stands beside it.
    """
    lacking = tuple(_lacking(signs, now))
    return max(BEST - sum(point.lost for point in lacking), 0), lacking


def _lacking(signs: Signs, now: datetime) -> Iterator[Point]:
    if signs.unreachable >= signs.mailboxes:
        yield Point(N_("Mail came back from every address."), 70)
    elif signs.unreachable:
        yield Point(N_("Mail came back from an address; another one is used."), 15)
    if signs.confirmed is None:
        yield Point(N_("The authority has never confirmed the entry."), 30)
    elif now - signs.confirmed > LASTS:
        yield Point(N_("The authority has not confirmed the entry for 180 days."), 20)
    if signs.tested and not _was_read(signs) and now - signs.tested > TEST_TAKES:
        yield Point(N_("Nobody has said that the last test message was read."), 20)
    elif signs.read is None or now - signs.read > TEST_LASTS:
        yield Point(N_("No test message was read within a year."), 10)
    if not signs.deputy:
        yield Point(N_("No deputy is named: no second address."), 10)
    if not signs.urgent_line:
        yield Point(N_("No line is answered at any hour."), 10)


def _was_read(signs: Signs) -> bool:
    return signs.read is not None and (
        signs.tested is None or signs.read >= signs.tested
    )
