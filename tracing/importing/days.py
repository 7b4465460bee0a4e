"""Days as files write them: by a format that is said, else only what has one meaning."""

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Final

from tracing.importing.faults import N_, Refused

FORMATS: Final = {
    "YYYY-MM-DD": r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})",
    "DD.MM.YYYY": r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})",
    "DD/MM/YYYY": r"(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d{4})",
    "MM/DD/YYYY": r"(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})",
    "YYYYMMDD": r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})",
    "YYYY/MM/DD": r"(?P<y>\d{4})/(?P<m>\d{1,2})/(?P<d>\d{1,2})",
    "DD-MM-YYYY": r"(?P<d>\d{1,2})-(?P<m>\d{1,2})-(?P<y>\d{4})",
    "MM-DD-YYYY": r"(?P<m>\d{1,2})-(?P<d>\d{1,2})-(?P<y>\d{4})",
}
SURE: Final = ("YYYY-MM-DD", "YYYY/MM/DD", "YYYYMMDD")
EITHER: Final = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")
MIDNIGHT: Final = re.compile(r"[T ]00:00(:00(\.0+)?)?Z?$")
PART: Final = re.compile(r"(\d{4})(?:-(\d{2}))?")
FIRST_YEAR: Final = 1500

NO_DAY: Final = N_("Write this date as 2026-03-31, or say its format in the mapping")
AMBIGUOUS: Final = N_(
    "This can be two days: say in the mapping which comes first, under [file]:"
    ' dates = "DD/MM/YYYY" or "MM/DD/YYYY"'
)
NOT_AS_SAID: Final = N_("This is no date of the form %(format)s that there is")

Reader = Callable[[str], str]
"""Returns a day as 2026-03-31; raises Refused."""


def reader(formats: Iterable[str]) -> Reader:
    """Return what reads days of these formats; of none said, what has one meaning."""
    said = [(name, re.compile(FORMATS[name], re.ASCII)) for name in formats]
    known: dict[str, str] = {}

    def read(text: str) -> str:
        # A file has the same days over and over.
        if (found := known.get(text)) is not None:
            return found
        found = _said(text, said) if said else _sure(text)
        if len(known) < 100_000:
            known[text] = found
        return found

    return read


def _said(text: str, said: list[tuple[str, re.Pattern[str]]]) -> str:
    bare = MIDNIGHT.sub("", text)
    for _name, form in said:
        if (match := form.fullmatch(bare)) and (day := _day(match)):
            return day
    raise Refused(NOT_AS_SAID, format=" / ".join(name for name, _ in said))


def _sure(text: str) -> str:
    bare = MIDNIGHT.sub("", text)
    for name in SURE:
        if (match := re.fullmatch(FORMATS[name], bare, re.ASCII)) and (
            day := _day(match)
        ):
            return day
    either = EITHER.fullmatch(bare)
    if either is None:
        raise Refused(NO_DAY)
    first, sign, second, year = either.groups()
    # A dot is written by those who write the day first.
    ways = {_made(int(year), int(second), int(first))}
    if sign != ".":
        ways.add(_made(int(year), int(first), int(second)))
    ways.discard(None)
    if len(ways) != 1:
        raise Refused(AMBIGUOUS if ways else NO_DAY)
    return ways.pop() or ""


def _day(match: re.Match[str]) -> str | None:
    return _made(int(match["y"]), int(match["m"]), int(match["d"]))


def _made(year: int, month: int, day: int) -> str | None:
    if year < FIRST_YEAR:
        return None
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def part(text: str) -> str | None:
    """Return a month or a year that stands for a day, as 2019-05 or 2019."""
    match = PART.fullmatch(text)
    if match is None or _made(int(match[1]), int(match[2] or 1), 1) is None:
        return None
    return text
