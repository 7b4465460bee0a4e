"""The chain a request belongs to, in words: days of each leg, who is due next."""

from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from tracing.casework.chain import Leg, legs_of, soonest_of, time_to_crime
from tracing.models import TraceRequest
from tracing.web.context import country, day
from tracing.words import _, plural

NOTHING: Final[dict[str, Any]] = {"legs": [], "soonest": "", "to_crime": ""}


def of_page(found: TraceRequest) -> dict[str, Any]:
    """Return what the page of a request says of its chain to the side that asks."""
    now = datetime.now(UTC)
    soonest = soonest_of(found)
    words = ""
    if soonest is not None and soonest.requested is not None:
        zone = ZoneInfo(soonest.requested.zone)
        words = _(
            "Next in the chain: %(state)s answers by %(date)s.",
            state=country(soonest.requested.country),
            date=day(soonest.due.astimezone(zone).date()),
        )
    days = time_to_crime(found)
    crime = ""
    if days is not None:
        crime = _(
            "From the last sale or registration to the find: %(days)s.",
            days=plural("%(num)s day", "%(num)s days", days),
        )
    return {
        "legs": [_words(leg, now.date()) for leg in legs_of(found)],
        "soonest": words,
        "to_crime": crime,
    }


def _words(leg: Leg, today: date) -> str:
    state = country(leg.state)
    last = leg.answered or today
    days = plural("%(num)s day", "%(num)s days", (last - leg.sent).days)
    if leg.answered is None:
        return _("%(state)s: %(days)s, not answered yet", state=state, days=days)
    return _("%(state)s: answered after %(days)s", state=state, days=days)
