"""How long what is kept, and when it is looked at again (INTERPOL RPD, LED 5 and 16).

A request with persons is kept for some years after its end, by the rule of either side
whichever is shorter; what describes the item alone is no personal data and stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, date, timedelta
from enum import StrEnum
from typing import Any, Final

from workflows.vocabulary import KeptFor


class Data(StrEnum):
    """What a rule is about."""

    ENDED = "ended"
    DRAFT = "draft"
    ORDER = "order"
    MAIL = "mail"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class Rule:
    """How long one kind of data is kept; years where an authority may choose."""

    data: Data
    keeps: timedelta = timedelta(0)
    years: int = 0
    least: int = 0
    most: int = 0


RULES: Final = (
    # After closing or withdrawing; photographs, documents and the contents of the
    # journal go with the request.
    Rule(Data.ENDED, years=5, least=1, most=10),
    # Never sent, since it was last changed.
    Rule(Data.DRAFT, timedelta(days=90)),
    # Two people of an authority decide so, before the time is over.
    Rule(Data.ORDER),
    # A message, after it was sent.
    Rule(Data.MAIL, timedelta(days=30)),
    # That a form was sent, for who sends it twice.
    Rule(Data.FORM, timedelta(hours=72)),
)
"""Sessions end by the settings, files of unsaved forms after a day."""

REVIEW_YEARS: Final = 1
HOLD_YEARS: Final = 1


def rule_of(data: Data) -> Rule:
    """Return the rule of one kind of data."""
    return next(rule for rule in RULES if rule.data is data)


def years_later(day: date, years: int) -> date:
    """Return the same day some years later; of a leap day, the day before March."""
    year = min(day.year + years, MAXYEAR)
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def keep_until(ended: date, *chosen: int | None) -> date:
    """Return the day on which an ended request is erased: by the shortest choice."""
    rule = rule_of(Data.ENDED)
    wanted = (rule.years if one is None else one for one in chosen)
    years = min((min(max(one, rule.least), rule.most) for one in wanted), default=0)
    return years_later(ended, years or rule.years)


def draft_until(changed: date) -> date:
    """Return the day on which a draft that was never sent is deleted."""
    return changed + rule_of(Data.DRAFT).keeps


def review_on(last: date) -> date:
    """Return when somebody asks again whether it is still needed."""
    return years_later(last, REVIEW_YEARS)


def item_review_on(last: date, keep: KeptFor) -> date:
    """Return when the time of a record of an item is over; nothing goes by itself.

    `last`: when it was destroyed or deactivated (Directive 2021/555 art 4), else the
    last that is known of it (ITI 12, FP 7).
    """
    return years_later(last, keep.years)


def may_hold_until(until: date, today: date) -> bool:
    """Tell whether a legal hold may last so long: it has an end, within a year."""
    return today < until <= years_later(today, HOLD_YEARS)


CODES: Final = frozenset(
    {
        *("outcome", "handling", "ground", "grounds", "result", "used_in", "type"),
        *("diversion_established", "last_legal_status", "disposal", "year", "on"),
        *("review_date", "requested_by", "diversion_date"),
    }
)
"""What a step carried that no person stands in: codes and days."""


def without_words(carried: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a step carried with its words left blank, its codes as they were."""
    return {
        name: value if name in CODES else _blank(value)
        for name, value in carried.items()
    }


def _blank(value: Any) -> Any:
    match value:
        case str():
            return ""
        case Mapping():
            return without_words(value)
        case list():
            return [_blank(inner) for inner in value]
        case _:
            return value
