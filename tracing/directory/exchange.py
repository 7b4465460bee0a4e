"""The directory as a file, in and out: CSV, JSON, and one entry as a vCard.

What comes out goes in again and changes nothing. A file is taken whole or not at all,
and everything that is wrong with it is told at once.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from tracing.directory import entries
from tracing.directory.columns import CHECKS, LISTS, REQUIRED, Fault, cells_of, checked
from tracing.directory.countries import name_of
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Authority
from tracing.schemas import strict_json

if TYPE_CHECKING:
    import _csv

FORMAT: Final = "directory/1"
MOST_BYTES: Final = 10_000_000
YES_OR_NO: Final = frozenset({"accepts_requests", "fictional"})
# A spreadsheet takes what begins so for a formula (security: CSV injection).
_FORMULA: Final = ("=", "+", "-", "@", "'")


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did; with a single fault it did nothing."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


Rows = Sequence[tuple[int, dict[str, Any]]]
"""What is right in a file: values of entries, each with its line."""

# ---------------------------------------------------------------------------- coming in


def import_authorities(text: str) -> Report:
    """Add and change entries from CSV text: all of them, or none.

    An entry is known by its code. A column that the file leaves out stays as it is; an
    empty cell empties the field.
    """
    return _take(*_read_csv(text))


def import_json(body: bytes) -> Report:
    """Add and change entries from JSON, as `to_json` writes it: all of them, or none."""
    try:
        found = strict_json.load_object(body, most_bytes=MOST_BYTES)
    except strict_json.JsonRefused as error:
        return Report(faults=(Fault(error.line, error.path, "", str(error.words)),))
    listed = found.get("authorities")
    if found.get("format") != FORMAT or not isinstance(listed, list):
        remedy = f'Write {{"format": "{FORMAT}", "authorities": [...]}}.'
        return Report(faults=(Fault(1, "", "", remedy),))
    return _take(*_read_listed(listed))


def _take(rows: Rows, faults: Sequence[Fault]) -> Report:
    known = {row.code: row for row in db.session.scalars(select(Authority))}
    wrong = [*faults, *_unknown_successors(rows, known)]
    if wrong:
        return Report(faults=tuple(sorted(wrong, key=lambda one: one.line)))
    added, changed, unchanged = [], [], []
    differences: dict[str, Any] = {}
    now = datetime.now(UTC)
    for _line, values in rows:
        authority = known.get(values["code"])
        if authority is None:
            db.session.add(Authority(**values))
            added.append(values["code"])
        elif different := entries.revise(authority, values, why="import", now=now):
            changed.append(authority.code)
            differences[authority.code] = different
        else:
            unchanged.append(authority.code)
    if added or changed:
        said = {"added": added, "changed": differences}
        journal.record(Kind.DIRECTORY_CHANGED, None, payload=said)
    db.session.commit()
    return Report(tuple(added), tuple(changed), tuple(unchanged))


def _unknown_successors(rows: Rows, known: Mapping[str, Authority]) -> Iterator[Fault]:
    codes = {*known, *(values.get("code") for _line, values in rows)}
    for line, values in rows:
        successor = values.get("successor")
        if successor and successor not in codes:
            remedy = "No authority has this code, in the directory or in the file."
            yield Fault(line, "successor", successor, remedy)


def _once(
    read: Iterable[tuple[int, dict[str, Any], list[Fault]]],
) -> tuple[Rows, list[Fault]]:
    """Keep what is right of each line, and refuse a code that stands twice."""
    rows, faults = [], []
    seen: dict[str, int] = {}
    for line, values, wrong in read:
        code = values.get("code")
        if code in seen:
            remedy = f"Line {seen[code]} has this code already; keep one of them."
            wrong.append(Fault(line, "code", code, remedy))
        elif code:
            seen[code] = line
        faults += wrong
        rows.append((line, values))
    return rows, faults


def _read_listed(listed: Sequence[Any]) -> tuple[Rows, list[Fault]]:
    """Read the entries of a JSON file; their lines are their numbers in the list."""

    def read() -> Iterator[tuple[int, dict[str, Any], list[Fault]]]:
        for number, one in enumerate(listed, 1):
            if not isinstance(one, dict):
                yield number, {}, [Fault(number, "", "", "Every entry is an object.")]
                continue
            faults = _faults_of_names([str(name) for name in one], number)
            cells: dict[str, str] = {}
            for name, value in one.items():
                cell = _cell(name, value)
                if cell is None:
                    remedy = "Write a text, or a list of texts where there are several."
                    faults.append(Fault(number, name, "", remedy))
                elif name in CHECKS:
                    cells[name] = cell
            values, wrong = checked(cells, line=number)
            yield number, values, [*faults, *wrong]

    return _once(read())


def _cell(name: str, value: object) -> str | None:
    match value:
        case None:
            return ""
        case bool() if name in YES_OR_NO:
            return "yes" if value else "no"
        case str():
            return value
        case list() if name in LISTS and all(isinstance(one, str) for one in value):
            return "\n".join(value)
        case _:
            return None


def _read_csv(text: str) -> tuple[Rows, list[Fault]]:
    file = io.StringIO(text.removeprefix("\ufeff"), newline="")
    reader = csv.reader(file, strict=True)
    lines = _lines(reader)
    try:
        header = next(lines, (1, []))[1]
        names = [name.strip().lower() for name in header]
        faults = _faults_of_names(names, 1)
        if faults:
            return [], faults
        return _once(_read_line(number, names, cells) for number, cells in lines)
    except csv.Error as error:
        remedy = f"This is not CSV ({error}); check the double quotes."
        return [], [Fault(max(reader.line_num, 1), "", "", remedy)]


def _read_line(
    number: int, names: list[str], cells: list[str]
) -> tuple[int, dict[str, Any], list[Fault]]:
    if len(cells) != len(names):
        remedy = (
            f"This line has {len(cells)} cells and the first line {len(names)};"
            " put texts that hold a comma between double quotes."
        )
        return number, {}, [Fault(number, "", "", remedy)]
    plain = dict(zip(names, map(_unguarded, cells), strict=True))
    return number, *checked(plain, line=number)


def _lines(reader: "_csv.Reader") -> Iterator[tuple[int, list[str]]]:
    start = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield start, cells
        start = reader.line_num + 1


def _faults_of_names(names: list[str], line: int) -> list[Fault]:
    known = ", ".join(CHECKS)
    faults = [
        Fault(line, name[:80], "", f"No such column; the columns are {known}.")
        for name in names
        if name not in CHECKS
    ]
    faults += [
        Fault(line, name, "", "This column stands twice; keep one of them.")
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    faults += [
        Fault(line, name, "", "This column is missing.")
        for name in REQUIRED
        if name not in names
    ]
    return faults


# --------------------------------------------------------------------------- going out


def to_csv(authorities: Iterable[Authority]) -> str:
    """Return entries as CSV that a spreadsheet shows and never runs."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(CHECKS)
    for authority in authorities:
        writer.writerow(map(_guarded, cells_of(authority).values()))
    return file.getvalue()


def _guarded(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _unguarded(cell: str) -> str:
    guarded = cell.startswith("'") and cell[1:].startswith(_FORMULA)
    return cell[1:] if guarded else cell


def values_of(authority: Authority) -> dict[str, Any]:
    """Return an entry as JSON holds it: texts, lists of texts, true and false."""
    cells: Mapping[str, str] = cells_of(authority)
    found: dict[str, Any] = {}
    for name, cell in cells.items():
        value = getattr(authority, name)
        if name in LISTS:
            found[name] = list(value)
        else:
            found[name] = value if name in YES_OR_NO else cell
    return found


def to_json(authorities: Iterable[Authority]) -> str:
    """Return entries as JSON."""
    listed = [values_of(authority) for authority in authorities]
    said = {"format": FORMAT, "authorities": listed}
    return json.dumps(said, ensure_ascii=False, indent=1) + "\n"


# ------------------------------------------------------------------------------- vCard

LONGEST_LINE: Final = 75
"""Octets of a line of a vCard (RFC 6350, 3.2)."""


def to_vcard(authority: Authority, in_language: str, address: str) -> str:
    """Return an entry as a vCard 4.0 (RFC 6350); `address` is its page here."""
    state = name_of(authority.country, in_language)
    seen = authority.last_confirmed
    lines = [
        ("BEGIN", "VCARD"),
        ("VERSION", "4.0"),
        ("KIND", "org"),
        ("UID", _value(address)),
        ("SOURCE", _value(address)),
        ("FN", _value(f"{authority.name} ({state})")),
        ("ORG", ";".join(map(_value, filter(None, (authority.name, authority.unit))))),
        ("NICKNAME", _value(authority.original_name)),
        *_reached("EMAIL;TYPE=work", authority.mailboxes),
        *_reached(
            'TEL;VALUE=uri;TYPE="work,voice"', (authority.phone, *authority.phones)
        ),
        # Whom to ring at any hour comes after those of the office.
        *_reached('TEL;VALUE=uri;TYPE="work,voice"', (authority.urgent_phone,), 100),
        *_reached('TEL;VALUE=uri;TYPE="work,fax"', (authority.fax,), 100),
        ("ADR", f";;{_value(authority.address)};;;;{_value(state)}"),
        ("TZ", _value(authority.zone)),
        *(
            (f"LANG;PREF={number}", code)
            for number, code in enumerate(authority.languages, 1)
        ),
        ("CATEGORIES", ",".join((*authority.functions, *authority.instruments))),
        ("NOTE", _value(authority.office_hours)),
        ("REV", f"{seen.astimezone(UTC):%Y%m%dT%H%M%SZ}" if seen else ""),
        ("END", "VCARD"),
    ]
    return "".join(_line(f"{name}:{value}") for name, value in lines if value)


def _reached(
    name: str, values: Iterable[str], place: int = 1
) -> Iterator[tuple[str, str]]:
    for number, value in enumerate(filter(None, values), place):
        said = f"tel:{value}" if name.startswith("TEL") else _value(value)
        yield f"{name};PREF={number}", said


def _value(text: str) -> str:
    """Return a text as the value of a property (RFC 6350, 3.4)."""
    for sign in ("\\", ",", ";"):
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\r\n", "\n").replace("\n", "\\n").replace("\r", "")


def _line(text: str) -> str:
    """Return a line of a vCard, folded where it is too long."""
    lines, here = [], ""
    for sign in text:
        if len((here + sign).encode()) > LONGEST_LINE:
            lines.append(here)
            here = " "
        here += sign
    return "\r\n".join((*lines, here)) + "\r\n"
