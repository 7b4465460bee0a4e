"""The mapping file: which column of a file is which field, and how it is read.

TOML, so that a person can write it and see what it says; what is wrong in it is told
with its line and what to write instead.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Given
from dataclasses import dataclass, field
from typing import Any, Final

from tracing.importing import days, encodings
from tracing.importing.faults import N_, Refused
from tracing.importing.fields import Field, Kind, Shape

LARGEST: Final = 100_000
MOST_VALUES: Final = 5_000

SYNTAX: Final = N_("Line %(line)s: %(fault)s")
NOT_TOML: Final = N_("this cannot be read (%(fault)s): compare it with the example")
NO_SUCH_PART: Final = N_("there is no [%(name)s]; there are %(known)s")
NO_SUCH_WORD: Final = N_("there is no %(name)s under [%(part)s]; there are %(known)s")
NO_SUCH_FIELD: Final = N_("there is no field %(name)s; there are %(known)s")
NOT_TEXT: Final = N_("write %(name)s as text, between quotes")
NO_SUCH_FORMAT: Final = N_("%(name)s is no format of dates; there are %(known)s")
TWICE: Final = N_("the field %(name)s has a column and a constant: leave one out")
WANTING: Final = N_(
    "no column is the field %(name)s, which every record needs: write it under [fields],"
    " or under [constants] if it is the same for all"
)
NO_KEY: Final = N_(
    "say under [key] which columns tell one record from another:"
    ' columns = ["Registration no."]'
)
NO_COLUMN: Final = N_(
    "the file has no column “%(name)s”; it has %(known)s. Write the name as the first"
    " row has it"
)
NOT_A_CHOICE: Final = N_("%(value)s is none of what %(name)s can be: %(known)s")
TOO_LONG: Final = N_("the mapping is longer than %(most)s characters")
TOO_MANY: Final = N_("there are more than %(most)s values in it")
ONE_SIGN: Final = N_("write one sign for %(name)s")
NOT_THERE: Final = N_("the mapping has no line for it")

FILE: Final = ("encoding", "delimiter", "quote", "sheet", "dates")
PARTS: Final = ("file", "key", "fields", "constants", "values", "dates")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a mapping."""

    line: int
    """Of the mapping; 0 where it is about what is missing."""
    msgid: str
    holes: Given[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        """Say it in English."""
        said = self.msgid % self.holes
        return SYNTAX % {"line": self.line, "fault": said} if self.line else said


class NotUnderstood(Refused):
    """A mapping does not say what it has to; `problems` are all of it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep the problems."""
        self.problems = tuple(problems)
        super().__init__("%(all)s", all="\n".join(map(str, problems)))


@dataclass(frozen=True, slots=True)
class Mapping:
    """What a mapping file says, checked against the fields there are."""

    text: str
    columns: Given[str, str]
    """Field: the column of the file."""
    constants: Given[str, str]
    values: Given[str, Given[str, str]]
    """Field: what the file says, in lower case, and what is meant."""
    dates: Given[str, tuple[str, ...]]
    """Field: its formats; under "" those of all others."""
    key: tuple[str, ...]
    source: str = ""
    encoding: str = ""
    delimiter: str = ""
    quote: str = '"'
    sheet: str = ""

    def needs(self) -> tuple[str, ...]:
        """Return the columns that a file has to have."""
        return tuple(dict.fromkeys((*self.key, *self.columns.values())))

    def check(self, header: Iterable[str]) -> None:
        """Refuse a file that lacks a column; all that are missing are named."""
        there = tuple(header)
        known = ", ".join(f"“{name[:40]}”" for name in there[:30])
        lines = _Lines(self.text)
        missing = [
            Problem(lines.saying(name), NO_COLUMN, {"name": name, "known": known})
            for name in self.needs()
            if name not in there
        ]
        if missing:
            raise NotUnderstood(missing)


class _Lines:
    """Where in the text of a mapping something stands."""

    def __init__(self, text: str) -> None:
        self.lines: dict[tuple[str, str], int] = {}
        self.text = text.splitlines()
        part = ""
        for number, line in enumerate(self.text, 1):
            if head := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
                part = head[1].replace('"', "").replace("'", "")
                self.lines.setdefault((part, ""), number)
            elif word := re.match(r"\s*(\"[^\"]*\"|'[^']*'|[\w.-]+)\s*=", line):
                name = word[1].strip("\"'")
                self.lines.setdefault((part, name), number)

    def of(self, part: str, name: str = "") -> int:
        """Return the line of a word of a part, else of the part, else 0."""
        return self.lines.get((part, name)) or self.lines.get((part, ""), 0)

    def saying(self, value: str) -> int:
        """Return the first line with a value."""
        quoted = {json.dumps(value, ensure_ascii=False), f"'{value}'"}
        found = (
            n for n, line in enumerate(self.text, 1) if any(q in line for q in quoted)
        )
        return next(found, 0)


def read(text: str, shape: Shape) -> Mapping:
    """Read a mapping for a kind of record; raises NotUnderstood with all its faults."""
    if len(text) > LARGEST:
        raise NotUnderstood([Problem(0, TOO_LONG, {"most": LARGEST})])
    try:
        told = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        at = re.search(r"line (\d+)", str(error))
        raise NotUnderstood(
            [Problem(int(at[1]) if at else 1, NOT_TOML, {"fault": str(error)[:120]})]
        ) from error
    return _Reading(text, shape, told).read()


class _Reading:
    """One mapping while it is read; the faults are gathered."""

    def __init__(self, text: str, shape: Shape, told: Given[str, Any]) -> None:
        self.text, self.shape, self.told = text, shape, told
        self.lines = _Lines(text)
        self.problems: list[Problem] = []

    def wrong(self, part: str, name: str, msgid: str, /, **holes: object) -> None:
        self.problems.append(Problem(self.lines.of(part, name), msgid, holes))

    def part(self, name: str) -> Given[str, Any]:
        found = self.told.get(name, {})
        if isinstance(found, dict):
            return found
        self.wrong("", name, NO_SUCH_PART, name=name, known=", ".join(PARTS))
        return {}

    def texts(self, part: str, names: Iterable[str] | None = None) -> dict[str, str]:
        """Return the words of a part that are text, as they have to be."""
        found = {}
        for name, value in self.part(part).items():
            if names is not None and name not in names:
                known = ", ".join(names)
                self.wrong(part, name, NO_SUCH_WORD, name=name, part=part, known=known)
            elif isinstance(value, bool) or not isinstance(value, str | int):
                self.wrong(part, name, NOT_TEXT, name=name)
            else:
                found[name] = str(value)
        return found

    def of_fields(self, part: str) -> dict[str, str]:
        found = self.texts(part)
        for name in [name for name in found if self.shape.named(name) is None]:
            self.no_field(part, name)
            del found[name]
        return found

    def no_field(self, part: str, name: str) -> None:
        known = ", ".join(self.shape.names)
        self.wrong(part, name, NO_SUCH_FIELD, name=name, known=known)

    def read(self) -> Mapping:
        for name in self.told:
            if name not in PARTS:
                self.wrong(name, "", NO_SUCH_PART, name=name, known=", ".join(PARTS))
        dates = self.dates()
        if isinstance(self.part("file").get("dates"), list):
            self.told["file"].pop("dates")
        file = self.texts("file", FILE)
        columns, constants = self.of_fields("fields"), self.of_fields("constants")
        for name in columns.keys() & constants.keys():
            self.wrong("constants", name, TWICE, name=name)
        values = self.values()
        for name in list(constants):
            constants[name] = self.constant(name, constants[name], values)
        key, source = self.key()
        for one in self.shape.fields:
            given = one.name in columns or one.name in constants
            if one.required and not given and one.name != self.shape.key:
                self.problems.append(Problem(0, WANTING, {"name": one.name}))
        encoding = self.encoding(file.get("encoding", ""))
        signs = {n: self.sign(n, file[n]) for n in ("delimiter", "quote") if n in file}
        if self.problems:
            raise NotUnderstood(self.problems)
        return Mapping(
            *(self.text, columns, constants, values, dates, key, source, encoding),
            delimiter=signs.get("delimiter", ""),
            quote=signs.get("quote", '"'),
            sheet=file.get("sheet", ""),
        )

    def key(self) -> tuple[tuple[str, ...], str]:
        part = self.part("key")
        for name in part:
            if name not in ("columns", "source"):
                known = "columns, source"
                self.wrong(
                    "key", name, NO_SUCH_WORD, name=name, part="key", known=known
                )
        columns = part.get("columns", [])
        if isinstance(columns, str):
            columns = [columns]
        right = isinstance(columns, list) and all(isinstance(c, str) for c in columns)
        if not right or not columns:
            self.wrong("key", "columns", NO_KEY)
            columns = []
        source = part.get("source", "")
        if not isinstance(source, str) or len(source) > 100:
            self.wrong("key", "source", NOT_TEXT, name="source")
            source = ""
        return tuple(columns), source

    def encoding(self, name: str) -> str:
        try:
            return encodings.named(name) if name else ""
        except Refused as error:
            self.wrong("file", "encoding", error.msgid, **error.holes)
            return ""

    def sign(self, name: str, value: str) -> str:
        value = {"tab": "\t", "\\t": "\t"}.get(value.lower(), value)
        if len(value) != 1 or value in "\r\n\0":
            self.wrong("file", name, ONE_SIGN, name=name)
        return value[:1]

    def dates(self) -> dict[str, tuple[str, ...]]:
        told = [("file", "dates", "", self.part("file").get("dates"))]
        for name, value in self.part("dates").items():
            one = self.shape.named(name)
            if one is None or one.kind not in (Kind.DAY, Kind.DAY_OR_PART):
                self.no_field("dates", name)
            else:
                told.append(("dates", name, name, value))
        found = {}
        for part, word, name, value in told:
            if value is None:
                continue
            formats = [value] if isinstance(value, str) else value
            right = isinstance(formats, list) and formats
            if right and all(isinstance(f, str) and f in days.FORMATS for f in formats):
                found[name] = tuple(formats)
                continue
            known = ", ".join(days.FORMATS)
            self.wrong(part, word, NO_SUCH_FORMAT, name=str(value)[:60], known=known)
        return found

    def values(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for name, table in self.part("values").items():
            place = f"values.{name}"
            one = self.shape.named(name)
            if one is None or not isinstance(table, dict):
                self.no_field(place, "" if one is None else name)
                continue
            if len(table) > MOST_VALUES:
                self.wrong(place, "", TOO_MANY, most=MOST_VALUES)
                continue
            found[name] = {}
            for said, meant in table.items():
                if isinstance(meant, bool) or not isinstance(meant, str | int):
                    self.wrong(place, said, NOT_TEXT, name=said)
                elif one.kind is Kind.CODE and str(meant).casefold() not in one.choices:
                    self.not_a_choice(place, said, one, str(meant))
                else:
                    found[name][said.strip().casefold()] = str(meant)
        return found

    def constant(
        self, name: str, value: str, values: Given[str, Given[str, str]]
    ) -> str:
        one = self.shape.named(name)
        meant = values.get(name, {}).get(value.casefold(), value)
        if one and one.kind is Kind.CODE and meant.casefold() not in one.choices:
            self.not_a_choice("constants", name, one, meant)
        return meant

    def not_a_choice(self, part: str, word: str, one: Field, value: str) -> None:
        known = ", ".join(dict.fromkeys(one.choices.values()))[:400]
        self.wrong(
            *(part, word, NOT_A_CHOICE), value=value[:60], name=one.name, known=known
        )


def _plain(name: str) -> str:
    """Return a heading as headings are compared."""
    return re.sub(r"[\W_]+", "", name.casefold())


def suggest(
    header: Sequence[str], shape: Shape, *, encoding: str = "", sheet: str = ""
) -> str:
    """Return a first mapping for a file, from the names of its columns.

    What could not be placed stands in it too, so that a person sees it.
    """
    by_name = {
        _plain(alias): one.name
        for one in reversed(shape.fields)
        for alias in (*one.known_as, one.label, one.name)
    }
    taken: dict[str, str] = {}
    left = []
    for column in header:
        name = by_name.get(_plain(column))
        if name is None or name in taken:
            left.append(column)
        else:
            taken[name] = column
    key = [taken.pop(shape.key)] if shape.key in taken else []
    out = [
        "# Which column of the file is which field. A line that begins with # is not"
    ]
    out += [
        "# read: take the # away where a line is right, or write the right one.",
        "",
    ]
    out += ["[file]"]
    out += [f"encoding = {_quoted(encoding)}" if encoding else '# encoding = "utf-8"']
    out += [f"sheet = {_quoted(sheet)}"] if sheet else []
    out += ['# dates = "DD.MM.YYYY"', "", "[key]"]
    out += ["# The columns that tell one record from another, and the register's name."]
    out += [
        f"columns = [{', '.join(map(_quoted, key))}]",
        'source = ""',
        "",
        "[fields]",
    ]
    out += [f"{name} = {_quoted(column)}" for name, column in taken.items()]
    open_fields = [
        f for f in shape.fields if f.name not in taken and f.name != shape.key
    ]
    out += ["", "# Columns of the file that are no field yet:"]
    out += [f"# {column}" for column in left] + ["", "# Fields without a column:"]
    out += [f'# {one.name} = ""   # {one.label}' for one in open_fields]
    out += ["", "[constants]", "# What is the same for all rows, such as"]
    wanted = [one for one in open_fields if one.required]
    out += [
        f"# {one.name} = {_quoted(_first(one))}" for one in wanted or open_fields[:1]
    ]
    coded = [f for f in shape.fields if f.kind is Kind.CODE and f.name in taken][:1]
    for one in coded:
        out += [
            "",
            f"# [values.{one.name}]",
            "# What the file says, and what is meant:",
        ]
        out += [
            f'# "..." = {_quoted(code)}' for code in dict.fromkeys(one.choices.values())
        ][:12]
    return "\n".join(out) + "\n"


def _first(one: Field) -> str:
    return next(iter(one.choices.values()), "")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
