"""The fields of an entry: what each takes, as text, and how it is written back.

One table for imports, for proposals and for the command line. A cell that is refused
is told with the nearest one that would not be.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from functools import cache, partial
from typing import Any, Final
from unicodedata import normalize
from zoneinfo import available_timezones

import phonenumbers
from babel import Locale
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumberFormat

from tracing.directory import countries
from tracing.models import Authority
from tracing.schemas.fields import (
    NOT_IN_A_BLOCK,
    NOT_IN_A_LINE,
    REORDERING,
    Told,
)
from workflows.vocabulary import (
    N_,
    AcceptedFormat,
    Channel,
    DirectoryFunction,
    Instrument,
    InterpolRoute,
)

LONGEST_PHONE: Final = 30

Check = Callable[[str, str], Any]
"""From a cell, and the State of its line, to the value of the field."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong on one line, and what to do about it."""

    line: int
    column: str
    value: str
    remedy: str
    words: Told | None = None
    """The remedy for a page, to be translated."""

    nearest: str = ""
    """What was probably meant."""

    def __str__(self) -> str:
        """Return the fault in one line of text."""
        where = f"line {self.line}" + (f", {self.column}" if self.column else "")
        what = f" {self.value!r}" if self.value else ""
        return f"{where}:{what} {self.remedy}"


class _Wrong(Exception):
    """A cell is not what its column takes; the words say what to do."""

    def __init__(self, words: str, nearest: str = "", **holes: object) -> None:
        """Keep the words, with their holes, and what was probably meant."""
        self.words = Told(words, **holes)
        self.nearest = nearest
        said = f"{self.words} The nearest is {nearest}." if nearest else self.words
        super().__init__(said)


def nearest(given: str, known: Iterable[str]) -> str:
    """Return what was probably meant, or nothing."""
    by_fold = {countries.folded(one): one for one in known}
    wanted = countries.folded(given)
    if wanted in by_fold:
        return by_fold[wanted]
    found = get_close_matches(wanted, by_fold, n=1, cutoff=0.6)
    return by_fold[found[0]] if found else ""


def _text(limit: int, cell: str, _country: str) -> str:
    if len(cell) > limit:
        raise _Wrong(
            N_("Write at most %(most)s characters; these are %(number)s."),
            most=limit,
            number=len(cell),
        )
    return cell


def _code(cell: str, _country: str) -> str:
    if not re.fullmatch(r"[A-Z0-9][A-Z0-9-]{1,19}", cell.upper()):
        raise _Wrong(
            N_("Write 2 to 20 letters A to Z, digits and hyphens, such as KE-NFP.")
        )
    return cell.upper()


@cache
def _by_name() -> dict[str, str]:
    """Return the code of each State by its names in our languages, folded."""
    return {
        countries.folded(name): code
        for language in ("en", "fr", "es", "ru", "ar", "zh")
        for code, name in countries.choices(language)
    }


def _state(cell: str, _country: str) -> str:
    if cell.upper() in countries.codes():
        return cell.upper()
    names = _by_name()
    known = names.get(countries.folded(cell)) or countries.from_three(cell)
    if not known:
        close = get_close_matches(countries.folded(cell), names, n=1, cutoff=0.75)
        known = names[close[0]] if close else ""
    raise _Wrong(N_("Write the two letters of ISO 3166-1, such as KE."), known)


def _territory(cell: str, country: str) -> str:
    known = countries.territories(country)
    if cell.upper() not in known:
        raise _Wrong(
            N_(
                "Write a territory of this State by its code of ISO 3166-2, such as"
                " GB-NIR."
            ),
            nearest(cell, known),
        )
    return cell.upper()


def _zone(cell: str, _country: str) -> str:
    zones = available_timezones()
    if cell not in zones:
        towns = {zone.rpartition("/")[2]: zone for zone in sorted(zones)}
        found = nearest(cell, zones) if "/" in cell else ""
        found = found or towns.get(nearest(cell.rpartition("/")[2], towns), "")
        words = N_("Write a zone of the IANA list, such as Africa/Nairobi.")
        raise _Wrong(words, found)
    return cell


def _email(cell: str, _country: str = "") -> str:
    try:
        found = _sendable(cell)
    except EmailNotValidError as error:
        words = N_("Write an e-mail address, such as desk@authority.example.")
        raise _Wrong(words, _meant(cell)) from error
    return _text(254, found, "")


def _sendable(text: str) -> str:
    """Return an address as every mail server takes it: the name in plain letters."""
    found = validate_email(text, check_deliverability=False, allow_smtputf8=False)
    return found.ascii_email or found.normalized


def _meant(cell: str) -> str:
    """Return the address that a slip of the finger stands for, if there is one."""
    text = re.sub(r"\s*(\(at\)|\[at\]|\sat\s|＠)\s*", "@", cell, flags=re.IGNORECASE)
    text = re.sub(r"^mailto:|[\s<>]|[.,;]+$", "", normalize("NFKC", text))
    text = re.sub(r"@+", "@", text.replace(",", ".")).replace("..", ".")
    try:
        return _sendable(text)
    except EmailNotValidError:
        return ""


def _phone(cell: str, country: str) -> str:
    """Return the number in the form of E.164, which no blank interrupts."""
    plain = normalize("NFKC", cell)
    if len(plain) > 40:
        raise _Wrong(N_("Write at most 30 characters."))
    try:
        found = phonenumbers.parse(plain, None)
    except NumberParseException as error:
        words = N_(
            "Write the number with the code of the country, such as +254202222222."
        )
        raise _Wrong(words, _dialled(plain, country)) from error
    if not phonenumbers.is_possible_number(found):
        region = phonenumbers.region_code_for_country_code(found.country_code or 0)
        example = phonenumbers.example_number(region)
        raise _Wrong(
            N_("No number of this country has so many digits: one is %(example)s."),
            example=_e164(example) if example else "+254202222222",
        )
    # An extension is written longer than it was given.
    return _text(LONGEST_PHONE, _e164(found), "")


def _e164(number: phonenumbers.PhoneNumber) -> str:
    written = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    # E.164 knows no extension; RFC 3966 writes it so.
    return f"{written};ext={number.extension}" if number.extension else written


def _dialled(cell: str, country: str) -> str:
    """Return the number as it would be dialled from abroad, if it is one."""
    try:
        found = phonenumbers.parse(cell, country or None)
    except NumberParseException:
        return ""
    written = _e164(found)
    fits = phonenumbers.is_possible_number(found) and len(written) <= LONGEST_PHONE
    return written if fits else ""


def _several(
    check: Check, most: int, separator: str, cell: str, country: str
) -> tuple[str, ...]:
    """Return what stands one after the other, each of them checked, each once."""
    parts = [one.strip() for one in re.split(separator, cell)]
    found = tuple(dict.fromkeys(check(one, country) for one in parts if one))
    if len(found) > most or len(" ".join(found)) > 500:
        raise _Wrong(N_("Write at most %(most)s of them."), most=most)
    return found


def _list(
    known: Mapping[str, str], example: str, cell: str, _country: str
) -> tuple[str, ...]:
    """Return codes; `known` gives for each what it stands for, to guess by."""
    given = tuple(dict.fromkeys(re.split(r"[\s,;]+", cell.strip()))) if cell else ()
    unknown = [code for code in given if code not in known]
    if unknown:
        words = {countries.folded(said): code for code, said in known.items()}
        guess = words.get(nearest(unknown[0], words)) or nearest(unknown[0], known)
        raise _Wrong(
            N_(
                "Not known: %(unknown)s. Write codes with spaces between, such as"
                " %(example)s."
            ),
            guess,
            unknown=", ".join(unknown),
            example=example,
        )
    if len(" ".join(given)) > 500:
        raise _Wrong(N_("Write fewer of them."))
    return given


@cache
def _tongues() -> dict[str, str]:
    return {code: str(name) for code, name in Locale("en").languages.items()}


def _languages(cell: str, country: str) -> tuple[str, ...]:
    return _list(_tongues(), "en fr", cell.lower(), country)


def _choice(known: frozenset[str], cell: str, _country: str) -> str:
    if cell not in known:
        raise _Wrong(
            N_("Write one of %(known)s, or nothing."),
            nearest(cell, known),
            known=", ".join(sorted(known)),
        )
    return cell


def _channels(cell: str, _country: str) -> str:
    """Return channels, one on a line: a code, and where this authority is there."""
    lines = [" ".join(line.split()) for line in cell.splitlines() if line.strip()]
    for line in lines:
        code = line.partition(" ")[0]
        if code not in frozenset(Channel):
            raise _Wrong(
                N_("Not known: %(unknown)s. Begin each line with one of %(known)s."),
                nearest(code, Channel),
                unknown=code,
                known=", ".join(Channel),
            )
    return _text(2000, "\n".join(lines), "")


def _yes_or_no(cell: str, _country: str) -> bool:
    if cell.lower() in ("yes", "true", "1"):
        return True
    if cell.lower() in ("no", "false", "0"):
        return False
    raise _Wrong(N_("Write yes or no."))


def _instant(cell: str, _country: str) -> datetime:
    try:
        found = datetime.fromisoformat(cell)
    except ValueError as error:
        raise _Wrong(N_("Write a date such as 2026-03-31.")) from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _day(cell: str, _country: str) -> date:
    try:
        return date.fromisoformat(cell)
    except ValueError as error:
        raise _Wrong(N_("Write a date such as 2026-03-31.")) from error


def _labels(codes: Iterable[Any]) -> dict[str, str]:
    return {code.value: code.label for code in codes}


CHECKS: Final[Mapping[str, Check]] = {
    "code": _code,
    "country": _state,
    "territory": _territory,
    "name": partial(_text, 200),
    "original_name": partial(_text, 200),
    "unit": partial(_text, 200),
    "zone": _zone,
    "languages": _languages,
    "functions": partial(_list, _labels(DirectoryFunction), "FIREARMS MLA"),
    "instruments": partial(_list, _labels(Instrument), "ITI25 FP13"),
    "formats": partial(_list, _labels(AcceptedFormat), "EMAIL PORTAL"),
    "email": _email,
    "emails": partial(_several, _email, 8, r"[\s;,]+"),
    "supervisor_email": _email,
    "phone": _phone,
    "phones": partial(_several, _phone, 8, r"[,\n]+|;(?!ext=)"),
    "urgent_phone": _phone,
    "fax": _phone,
    "channels": _channels,
    "address": partial(_text, 2000),
    "office_hours": partial(_text, 200),
    "requirements": partial(_text, 10_000),
    "urgent_procedure": partial(_text, 10_000),
    "interpol_route": partial(_choice, frozenset(InterpolRoute)),
    "marking_practice": partial(_text, 10_000),
    "source": partial(_text, 200),
    "last_confirmed": _instant,
    "confirmed_by": partial(_text, 200),
    "valid_from": _day,
    "valid_to": _day,
    "successor": _code,
    "accepts_requests": _yes_or_no,
    "fictional": _yes_or_no,
}
"""The columns of an import: the fields of an entry, in the order of the table."""

REQUIRED: Final = ("code", "country", "name", "zone", "email")
EMPTY: Final[Mapping[str, object]] = {
    "languages": (),
    "functions": (),
    "instruments": (),
    "formats": (),
    "emails": (),
    "phones": (),
    "last_confirmed": None,
    "valid_from": None,
    "valid_to": None,
    "accepts_requests": True,
    "fictional": False,
}
LISTS: Final = frozenset(name for name, value in EMPTY.items() if value == ())
BLOCKS: Final = frozenset(
    {"channels", "address", "requirements", "urgent_procedure", "marking_practice"}
)
"""Fields of several lines."""


def checked(
    cells: Mapping[str, str], *, line: int = 1, country: str = ""
) -> tuple[dict[str, Any], list[Fault]]:
    """Return the values of one entry, and what is wrong with them."""
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    state = (cells.get("country") or country).strip().upper()
    for column, cell in cells.items():
        given = cell.replace("\r\n", "\n").replace("\r", "\n").strip()
        if not given and column in REQUIRED:
            faults.append(_fault(line, column, N_("Every authority needs this.")))
        elif not given:
            values[column] = EMPTY.get(column, "")
        elif _unfit(given, column):
            words = N_("Take out the control characters.")
            faults.append(_fault(line, column, words))
        else:
            try:
                values[column] = CHECKS[column](given, state)
            except _Wrong as wrong:
                said = (given[:80], str(wrong), wrong.words, wrong.nearest)
                faults.append(Fault(line, column, *said))
    faults += _at_odds(values, line)
    return values, faults


def _fault(line: int, column: str, words: str, value: str = "") -> Fault:
    return Fault(line, column, value, words, Told(words))


def _unfit(given: str, column: str) -> bool:
    """Tell whether there is a sign that a database, a file or a reader cannot keep."""
    several = column in BLOCKS | LISTS
    refused = NOT_IN_A_BLOCK if several else NOT_IN_A_LINE
    return bool(refused.search(given)) or any(ord(one) in REORDERING for one in given)


def _at_odds(values: Mapping[str, Any], line: int) -> list[Fault]:
    """Return what is wrong between fields that are right by themselves."""
    found = []
    begins, ends = values.get("valid_from"), values.get("valid_to")
    if begins and ends and ends < begins:
        words = N_("The last day is before the first one.")
        found.append(_fault(line, "valid_to", words, ends.isoformat()))
    if (code := values.get("successor")) and code == values.get("code"):
        words = N_("Name another authority: none follows itself.")
        found.append(_fault(line, "successor", words, code))
    return found


def cell_of(value: object) -> str:
    """Return a value as the text from which `checked` makes it again."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case tuple():
            return " ".join(value)
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case _:
            return str(value)


def text_of(name: str, value: object) -> str:
    """Return the value of a field as text; blanks stand within telephone numbers."""
    if name == "phones" and isinstance(value, tuple):
        return "\n".join(value)
    return cell_of(value)


def cells_of(authority: Authority) -> dict[str, str]:
    """Return an entry as text, field by field: what versions and files hold."""
    return {name: text_of(name, getattr(authority, name)) for name in CHECKS}
