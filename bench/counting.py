"""How many due dates are computed in a second, with the calendar loaded."""

import time
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from tracing.directory.calendars import calendar_of
from workflows.deadlines import schedule
from workflows.regimes import by_code
from workflows.states import Trigger

HISTORIES: Final = 5_000
REGIMES: Final = ("ITI_DEFAULT", "FP_DEFAULT", "EU977_NORMAL", "R41_REPLY")
PLACES: Final = (
    ("KE", "Africa/Nairobi"),
    ("EG", "Africa/Cairo"),
    ("CL", "America/Santiago"),
)


class Step(NamedTuple):
    """One step of a history."""

    trigger: Trigger
    at: datetime
    fact: object = None


def deadlines_per_s(seconds: float) -> tuple[float, float]:
    """Compute due dates of histories that all differ; return how many a second.

    And how many in a second of a processor: others may have had theirs.
    """
    chance = Random(20261129)
    begin = datetime(2026, 1, 5, 8, tzinfo=UTC)
    cases = []
    for _ in range(HISTORIES):
        sent = begin + timedelta(minutes=chance.randrange(300 * 24 * 60))
        steps = [
            Step(Trigger.SUBMIT, sent),
            Step(Trigger.ACKNOWLEDGE, sent + timedelta(hours=chance.randrange(1, 90))),
        ]
        place, zone = chance.choice(PLACES)
        calendar = calendar_of(place, (2025, 2031))
        cases.append((steps, by_code(chance.choice(REGIMES)), calendar, ZoneInfo(zone)))
    made, begun, busy = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - begun < seconds:
        for case in cases:
            made += len(schedule(*case))
    busy = time.process_time() - busy
    return made / (time.perf_counter() - begun), made / busy
