"""The directory: who is competent in each State, and how to reach them."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import available_timezones

from babel import Locale
from email_validator import EmailNotValidError, validate_email
from marshmallow import ValidationError
from sqlalchemy import select

from tracing.directory.countries import codes, folded, name_of
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Authority
from workflows.vocabulary import DirectoryFunction, Instrument, InterpolRoute

if TYPE_CHECKING:
    import _csv


STALE_AFTER: Final = timedelta(days=180)
"""After this an entry has to be confirmed again."""


def find(
    text: str = "",
    *,
    country: str = "",
    language: str = "",
    instrument: str = "",
    in_language: str = "en",
    limit: int = 25,
    after: str = "",
) -> list[Authority]:
    """Return authorities by the name of their State, as the reader's language sorts.

    The directory of the world is some hundreds of rows. Their names are compared
    here, where accents and scripts count the same on both databases.
    """
    query = select(
        Authority.code,
        Authority.country,
        Authority.name,
        Authority.original_name,
        Authority.unit,
        Authority.languages,
        Authority.instruments,
    )
    if country:
        query = query.where(Authority.country == country.upper())
    wanted = folded(text.strip())
    found: list[tuple[str, str, str]] = []
    for row in db.session.execute(query):
        state = name_of(row.country, in_language)
        words = (row.code, row.name, row.original_name, row.unit, state)
        if language and language not in row.languages:
            continue
        if instrument and instrument not in row.instruments:
            continue
        if wanted and not any(wanted in folded(word) for word in words):
            continue
        found.append((folded(state), folded(row.name), row.code))
    found.sort()
    order = [code for _state, _name, code in found]
    start = order.index(after) + 1 if after in order else 0
    shown = order[start : start + limit]
    return _in_order(shown)


def _in_order(order: Sequence[str]) -> list[Authority]:
    rows = db.session.scalars(select(Authority).where(Authority.code.in_(order)))
    by_code = {row.code: row for row in rows}
    return [by_code[code] for code in order]


def get(code: str) -> Authority | None:
    """Return the authority of that code, if there is one; all who sign in may read."""
    return db.session.scalar(select(Authority).where(Authority.code == code.upper()))


def by_id(authority_id: int) -> Authority:
    """Return the authority somebody works for."""
    return db.session.get_one(Authority, authority_id)


def country_of(authority_id: int) -> str:
    """Return the State of an authority."""
    return by_id(authority_id).country


def any_known() -> bool:
    """Tell whether the directory has any authority."""
    return db.session.scalar(select(Authority.id).limit(1)) is not None


def countries(in_language: str = "en") -> list[str]:
    """Return the States in the directory, by name."""
    found = db.session.scalars(select(Authority.country).distinct())
    return sorted(found, key=lambda code: folded(name_of(code, in_language)))


def is_stale(authority: Authority, now: datetime) -> bool:
    """Tell whether nobody has confirmed the entry for half a year."""
    confirmed = authority.last_confirmed
    return confirmed is None or now - confirmed > STALE_AFTER


def addressees(*, besides: int, in_language: str = "en") -> list[Authority]:
    """Return whom an authority may ask, by the name of the State."""
    found = db.session.scalars(
        select(Authority).where(
            Authority.accepts_requests.is_(True), Authority.id != besides
        )
    ).all()

    def place(authority: Authority) -> tuple[str, str]:
        state = name_of(authority.country, in_language)
        return folded(state), folded(authority.name)

    return sorted(found, key=place)


def open_for_requests(authority_id: int, *, besides: int) -> Authority:
    """Return the authority a request goes to, or say why it cannot go there."""
    found = db.session.get(Authority, authority_id)
    if found is None or found.id == besides or not found.accepts_requests:
        raise ValidationError(
            {
                "header": {
                    "requested_id": ["Choose an authority that takes trace requests."]
                }
            }
        )
    return found


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong on one line, and what to do about it."""

    line: int
    column: str
    value: str
    remedy: str

    def __str__(self) -> str:
        """Return the fault in one line of text."""
        where = f"line {self.line}" + (f", {self.column}" if self.column else "")
        what = f" {self.value!r}" if self.value else ""
        return f"{where}:{what} {self.remedy}"


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did; with a single fault it did nothing."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


class _Wrong(Exception):
    """A cell is not what its column takes; the text is the remedy."""


Check = Callable[[str], Any]


def _text(limit: int, cell: str) -> str:
    if len(cell) > limit:
        raise _Wrong(f"Write at most {limit} characters; these are {len(cell)}.")
    return cell


def _code(cell: str) -> str:
    if not re.fullmatch(r"[A-Z0-9][A-Z0-9-]{1,19}", cell.upper()):
        raise _Wrong(
            "Write 2 to 20 letters A to Z, digits and hyphens, such as KE-NFP."
        )
    return cell.upper()


def _country(cell: str) -> str:
    if cell.upper() not in codes():
        raise _Wrong("Write the two letters of ISO 3166-1, such as KE.")
    return cell.upper()


def _zone(cell: str) -> str:
    if cell not in available_timezones():
        raise _Wrong("Write a zone of the IANA list, such as Africa/Nairobi.")
    return cell


def _email(cell: str) -> str:
    try:
        found = validate_email(cell, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise _Wrong(f"Write an e-mail address. {error}") from error
    return _text(254, found)


def _list(known: frozenset[str], example: str, cell: str) -> tuple[str, ...]:
    given = tuple(dict.fromkeys(re.split(r"[\s,;]+", cell.strip()))) if cell else ()
    unknown = [code for code in given if code not in known]
    if unknown:
        raise _Wrong(
            f"Not known: {', '.join(unknown)}."
            f" Write codes with spaces between, such as {example}."
        )
    return given


def _languages(cell: str) -> tuple[str, ...]:
    known = frozenset(Locale("en").languages)
    return _list(known, "en fr", cell.lower())


def _choice(known: frozenset[str], cell: str) -> str:
    if cell not in known:
        raise _Wrong(f"Write one of {', '.join(sorted(known))}, or nothing.")
    return cell


def _yes_or_no(cell: str) -> bool:
    if cell.lower() in ("yes", "true", "1"):
        return True
    if cell.lower() in ("no", "false", "0"):
        return False
    raise _Wrong("Write yes or no.")


def _instant(cell: str) -> datetime:
    try:
        found = datetime.fromisoformat(cell)
    except ValueError as error:
        raise _Wrong("Write a date such as 2026-03-31.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


CHECKS: Final[Mapping[str, Check]] = {
    "code": _code,
    "country": _country,
    "name": partial(_text, 200),
    "original_name": partial(_text, 200),
    "unit": partial(_text, 200),
    "zone": _zone,
    "languages": _languages,
    "functions": partial(_list, frozenset(DirectoryFunction), "FIREARMS MLA"),
    "instruments": partial(_list, frozenset(Instrument), "ITI25 FP13"),
    "email": _email,
    "supervisor_email": _email,
    "phone": partial(_text, 30),
    "urgent_phone": partial(_text, 30),
    "address": partial(_text, 2000),
    "office_hours": partial(_text, 200),
    "requirements": partial(_text, 10_000),
    "interpol_route": partial(_choice, frozenset(InterpolRoute)),
    "source": partial(_text, 200),
    "last_confirmed": _instant,
    "accepts_requests": _yes_or_no,
    "fictional": _yes_or_no,
}
"""The columns of an import: the fields of an authority, in the order of the table."""

REQUIRED: Final = ("code", "country", "name", "zone", "email")
_EMPTY: Final[Mapping[str, object]] = {
    "languages": (),
    "functions": (),
    "instruments": (),
    "last_confirmed": None,
    "accepts_requests": True,
    "fictional": False,
}


def checked(
    cells: Mapping[str, str], *, line: int = 1
) -> tuple[dict[str, Any], list[Fault]]:
    """Return the values of one authority, and what is wrong with them."""
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for column, cell in cells.items():
        given = cell.strip()
        if not given and column in REQUIRED:
            faults.append(Fault(line, column, "", "Every authority needs this."))
        elif not given:
            values[column] = _EMPTY.get(column, "")
        elif any(ord(sign) < 32 and sign not in "\n\r\t" for sign in given):
            faults.append(Fault(line, column, "", "Take out the control characters."))
        else:
            try:
                values[column] = CHECKS[column](given)
            except _Wrong as wrong:
                faults.append(Fault(line, column, given[:80], str(wrong)))
    return values, faults


def import_authorities(text: str) -> Report:
    """Add and change authorities from CSV text: all of them, or none.

    An authority is known by its code. A column that the file leaves out stays as it
    is; an empty cell empties the field.
    """
    rows, faults = _read(text)
    if faults:
        return Report(faults=tuple(faults))
    known = {row.code: row for row in db.session.scalars(select(Authority))}
    added, changed, unchanged = [], [], []
    differences: dict[str, Any] = {}
    for values in rows:
        authority = known.get(values["code"])
        if authority is None:
            db.session.add(Authority(**values))
            added.append(values["code"])
        elif different := _change(authority, values):
            changed.append(authority.code)
            differences[authority.code] = different
        else:
            unchanged.append(authority.code)
    if added or changed:
        said = {"added": added, "changed": differences}
        journal.record(Kind.DIRECTORY_CHANGED, None, payload=said)
    db.session.commit()
    return Report(tuple(added), tuple(changed), tuple(unchanged))


def _change(authority: Authority, values: Mapping[str, Any]) -> dict[str, Any]:
    """Change what differs; return each field as it was and as it is."""
    different = {
        name: [getattr(authority, name), value]
        for name, value in values.items()
        if getattr(authority, name) != value
    }
    for name, (_before, after) in different.items():
        setattr(authority, name, after)
    return different


def _read(text: str) -> tuple[list[dict[str, Any]], list[Fault]]:
    file = io.StringIO(text.removeprefix("\ufeff"), newline="")
    reader = csv.reader(file, strict=True)
    lines = _lines(reader)
    try:
        header = next(lines, (1, []))[1]
        columns = [name.strip().lower() for name in header]
        faults = _faults_of_header(columns)
        if faults:
            return [], faults
        rows: list[dict[str, Any]] = []
        seen: dict[str, int] = {}
        for number, cells in lines:
            values, wrong = _read_line(number, columns, cells)
            code = values.get("code")
            if code in seen:
                remedy = f"Line {seen[code]} has this code already; keep one of them."
                wrong.append(Fault(number, "code", code, remedy))
            elif code:
                seen[code] = number
            faults += wrong
            rows.append(values)
    except csv.Error as error:
        remedy = f"This is not CSV ({error}); check the double quotes."
        return [], [Fault(max(reader.line_num, 1), "", "", remedy)]
    return rows, faults


def _read_line(
    number: int, columns: list[str], cells: list[str]
) -> tuple[dict[str, Any], list[Fault]]:
    if len(cells) != len(columns):
        remedy = (
            f"This line has {len(cells)} cells and the first line {len(columns)};"
            " put texts that hold a comma between double quotes."
        )
        return {}, [Fault(number, "", "", remedy)]
    return checked(dict(zip(columns, cells, strict=True)), line=number)


def _lines(reader: "_csv.Reader") -> Iterator[tuple[int, list[str]]]:
    start = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield start, cells
        start = reader.line_num + 1


def _faults_of_header(columns: list[str]) -> list[Fault]:
    faults = [
        Fault(1, name, "", "No such column; the columns are " + ", ".join(CHECKS) + ".")
        for name in columns
        if name not in CHECKS
    ]
    faults += [
        Fault(1, name, "", "This column stands twice; keep one of them.")
        for name in dict.fromkeys(columns)
        if columns.count(name) > 1
    ]
    faults += [
        Fault(1, name, "", "This column is missing.")
        for name in REQUIRED
        if name not in columns
    ]
    return faults
