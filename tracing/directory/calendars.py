"""Calendars of authorities: weekends and public holidays of a State, as a value."""

import warnings
from datetime import date, timedelta
from functools import lru_cache
from importlib import metadata
from typing import Final

from workflows.calendars import WEEK, Calendar

SATURDAY_AND_SUNDAY: Final = frozenset({5, 6})


def calendar_of(country: str, years: tuple[int, ...]) -> Calendar:
    """Return the calendar of a State from the first to the last of the years."""
    return _calendar(country, min(years), max(years))


@lru_cache(maxsize=1024)
def _calendar(country: str, first: int, last: int) -> Calendar:
    # The library takes 0.2 s, and each State's file is read when it is first asked.
    import holidays

    span = range(first, last + 1)
    version = f"holidays {metadata.version('holidays')} {country} {first}-{last}"
    try:
        with warnings.catch_warnings(record=True) as doubts:
            warnings.simplefilter("always")
            found = holidays.country_holidays(country, years=span, language="en_US")
    except NotImplementedError:
        return Calendar(
            name=country,
            version=f"{version}, State not known: Saturday and Sunday only",
            weekend=SATURDAY_AND_SUNDAY,
        )
    if doubts:  # of some States the library knows moving feasts for some years only
        version += ", feasts incomplete"
    days = _days(first, last)
    weekend = WEEK - {day.weekday() for day in days if not found.is_weekend(day)}
    off = {day for day in days if not found.is_working_day(day)}
    single = frozenset(day for day in off if day.weekday() not in weekend)
    return Calendar(
        name=country,
        version=version,
        # A State that moved its weekend within the span has as weekend what was one
        # throughout; the rest of the old and the new one are single days off.
        weekend=weekend,
        holidays=single,
        working=frozenset(
            day for day in days if day.weekday() in weekend and day not in off
        ),
        estimated=frozenset(
            day for day, name in found.items() if "estimated" in name and day in single
        ),
    )


def _days(first: int, last: int) -> list[date]:
    start = date(first, 1, 1)
    count = (date(last + 1, 1, 1) - start).days
    return [start + timedelta(days=n) for n in range(count)]
