"""The fields of a form, and the section that holds them.

A field says what it is for and what to do when it is wrong; it never asks a database
or a clock. Texts are message ids; `Told` keeps the holes a translation has to fill.
"""

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum, auto
from typing import (
    Any,
    ClassVar,
    Final,
    Generic,
    Required,
    Self,
    TypedDict,
    TypeVar,
    Unpack,
)

from marshmallow import (
    RAISE,
    Schema,
    ValidationError,
    fields,
    pre_load,
    types,
    validate,
    validates_schema,
)

from workflows import markings
from workflows.vocabulary import N_
from workflows.vocabulary import Code as Word

Given = Mapping[str, Any]
"""What was loaded, by field; marshmallow cannot say more."""

W = TypeVar("W", bound=Word)

FILL_IN: Final = N_("Fill this in")
NOT_LISTED: Final = N_("Choose one of the list")
EARLIEST_YEAR: Final = 1500
LARGEST: Final = 2**31 - 1
MOST_MARKS_ON_A_LETTER: Final = 4


def _range(first: int, last: int) -> tuple[int, ...]:
    return tuple(range(first, last + 1))


REORDERING: Final = dict.fromkeys(
    (0x061C, *_range(0x202A, 0x202E), *_range(0x2066, 0x206F), 0xFEFF)
)
# Joiners, soft hyphens, fillers and the like: two numbers that look the same shall be
# the same.
INVISIBLE: Final = REORDERING | dict.fromkeys(
    (
        *(0x00AD, 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x3164, 0xFFA0),
        *_range(0x180B, 0x180D),
        *_range(0x200B, 0x200F),
        *_range(0x2060, 0x2064),
        *_range(0xFE00, 0xFE0F),
        *_range(0xFFF9, 0xFFFB),
        *_range(0x1BCA0, 0x1BCA3),
        *_range(0x1D173, 0x1D17A),
        *_range(0xE0100, 0xE01EF),
    )
)

BLANK: Final = re.compile(f"[\\s{''.join(map(chr, INVISIBLE))}]*")

# No non-characters and no halves of surrogates: one of our databases refuses them.
# No tags: they write what nobody sees.
_NEVER: Final = "\\ud800-\\udfff\\ufdd0-\\ufdef\U000e0000-\U000e007f" + "".join(
    chr(plane << 16 | low) for plane in range(17) for low in (65534, 65535)
)
NOT_IN_A_LINE: Final = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029{_NEVER}]")
NOT_IN_A_BLOCK: Final = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_NEVER}]")

_ISO_3166: Final = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN
BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ
DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL
GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM
JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME
MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP
NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD
SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO
TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
COUNTRY_CODES: Final = frozenset(_ISO_3166.split())
NOT_KNOWN: Final = "XX"
"""Stands for a country that nobody can name."""


class Told(str):
    """A message whose holes are filled; the catalogue needs `msgid` and `holes`."""

    msgid: str
    holes: Mapping[str, object]
    __slots__ = ("holes", "msgid")

    def __new__(cls, msgid: str, **holes: object) -> Self:
        """Fill the holes."""
        told = super().__new__(cls, msgid % holes)
        told.msgid = msgid
        told.holes = holes
        return told


class Look(TypedDict, total=False):
    """What a person sees of a field; `ask` makes it required, `ask_when` may."""

    label: Required[str]
    ask: str
    ask_when: str
    wrong: str
    hint: str
    autocomplete: str
    width: str
    dir: str
    mark: bool
    rows: int
    kind: str
    choices: object
    unknown: bool
    reveal: Mapping[str, str | tuple[str, ...]]
    optional_label: object
    empty: str
    suggest: str


def _asked(look: Look, wrong: str = FILL_IN, **seen: object) -> dict[str, Any]:
    shown: dict[str, Any] = {**seen, **look}
    ask, ask_when = shown.pop("ask", ""), shown.pop("ask_when", "")
    wrong = shown.pop("wrong", wrong)
    if ask_when:
        shown.setdefault("optional_label", False)
    missing = ask or ask_when or FILL_IN
    return {
        "required": bool(ask),
        "metadata": shown,
        "error_messages": {
            "required": missing,
            "null": missing,
            **dict.fromkeys(
                ("invalid", "unknown", "type", "special", "too_large"), wrong
            ),
        },
    }


class AtMost(validate.Length):
    """At most so many characters, or rows."""

    def __init__(self, max: int, words: str = "") -> None:
        super().__init__(max=max)
        self.words = words or N_("Use at most %(number)s characters")

    def _format_error(self, value: object, message: str) -> str:
        return Told(self.words, number=self.max)


class Between(validate.Range):
    """Within bounds; the words may name them."""

    def __init__(
        self,
        min: date | float | None = None,
        max: date | float | None = None,
        words: str = "",
    ) -> None:
        super().__init__(min=min, max=max)
        self.words = words or N_("Enter a number from %(min)s to %(max)s")

    def _format_error(self, value: object, message: str) -> str:
        return Told(self.words, min=self.min, max=self.max)


class Text(fields.String):
    """Words of a person: normalised, trimmed, and such as every database can hold."""

    refused: ClassVar[re.Pattern[str]]
    removed: ClassVar[Mapping[int, None]]

    def __init__(
        self,
        max_length: int,
        *,
        check: types.Validator | None = None,
        kind: str,
        look: Look,
    ) -> None:
        self.longest = AtMost(max_length)
        super().__init__(
            validate=[self.longest, *([check] if check else [])],
            **_asked(look, N_("Write this as text"), kind=kind),
        )

    def _deserialize(
        self,
        value: object,
        attr: str | None,
        data: Mapping[str, object] | None,
        **kwargs: object,
    ) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        # Far beyond what marks and blanks explain: not worth reading.
        if len(value) > 8 * (self.longest.max or 0):
            self.longest(value)
        self._refuse(value)
        # Only now: long runs of combining marks make normalisation slow.
        text = unicodedata.normalize("NFC", value.translate(self.removed)).strip()
        if _is_blank(text):
            raise self.make_error("required")
        return text

    def _refuse(self, value: str) -> None:
        if bad := self.refused.search(value.rstrip(), _blanks_before(value)):
            raise ValidationError(
                Told(
                    N_(
                        "This text contains a character that cannot be stored "
                        "(position %(position)s)"
                    ),
                    position=bad.start() + 1,
                )
            )
        if crowded := _crowded(value, self.removed):
            raise ValidationError(
                Told(
                    N_(
                        "Remove some of the marks on the letter at position %(position)s"
                    ),
                    position=crowded,
                )
            )


def _blanks_before(value: str) -> int:
    return len(value) - len(value.lstrip())


def _crowded(value: str, removed: Mapping[int, None]) -> int:
    """Return the position of the first letter under too many marks, or 0."""
    if value.isascii():
        return 0
    letter, marks = 0, 0
    for position, char in enumerate(value, 1):
        if ord(char) in removed:
            continue
        if unicodedata.category(char) not in {"Mn", "Me"}:
            letter, marks = position, 0
            continue
        marks += 1
        if marks > MOST_MARKS_ON_A_LETTER:
            return max(letter, 1)
    return 0


class Line(Text):
    """Text on one line, without characters that cannot be seen."""

    refused = NOT_IN_A_LINE
    removed = INVISIBLE

    def __init__(
        self,
        max_length: int,
        *,
        check: types.Validator | None = None,
        **look: Unpack[Look],
    ) -> None:
        kind = "tel" if look.get("autocomplete") == "tel" else "text"
        kind = "mark" if look.get("mark") else kind
        super().__init__(max_length, check=check, kind=kind, look=look)


class Block(Text):
    """Text of several lines; joiners stay, since some scripts cannot do without."""

    refused = NOT_IN_A_BLOCK
    removed = REORDERING

    def __init__(self, max_length: int = 5000, **look: Unpack[Look]) -> None:
        super().__init__(max_length, kind="textarea", look=look)

    def _deserialize(
        self,
        value: object,
        attr: str | None,
        data: Mapping[str, object] | None,
        **kwargs: object,
    ) -> str:
        if isinstance(value, str):
            value = value.replace("\r\n", "\n").replace("\r", "\n")
        return super()._deserialize(value, attr, data, **kwargs)


class MarkText(Text):
    """A mark as it stands, with the signs of `workflows.markings`."""

    refused = NOT_IN_A_LINE
    removed = INVISIBLE

    def __init__(
        self, max_length: int = markings.LONGEST, **look: Unpack[Look]
    ) -> None:
        shown: Look = {"mark": True, "dir": "ltr", "autocomplete": "off", **look}
        super().__init__(max_length, check=_understood, kind="mark", look=shown)


def _understood(text: str) -> str:
    if len(text) > markings.LONGEST:
        # Said already, and the rest is of no use.
        return text
    try:
        markings.parse(text)
    except markings.MarkNotUnderstood as error:
        raise ValidationError(Told(error.words, position=error.position)) from error
    return text


class Choice(Line):
    """One of a few words that are no closed list of the trade, with their labels."""

    def __init__(self, labels: Mapping[str, str], **look: Unpack[Look]) -> None:
        one = validate.OneOf(tuple(labels), tuple(labels.values()), error=NOT_LISTED)
        super().__init__(20, check=one, **look)
        # Left to the form, which counts the choices.
        self.metadata = {k: v for k, v in self.metadata.items() if k != "kind"}


class Country(fields.String):
    """A country by its two letters; where allowed, `XX` says that it is not known."""

    def __init__(self, **look: Unpack[Look]) -> None:
        shown = {"kind": "country", "choices": "countries", **look}
        super().__init__(
            **_asked(look, N_("Choose a country from the list"), **shown),
        )
        self.codes = COUNTRY_CODES | ({NOT_KNOWN} if look.get("unknown") else set())

    def _deserialize(
        self,
        value: object,
        attr: str | None,
        data: Mapping[str, object] | None,
        **kwargs: object,
    ) -> str:
        code = value.strip().upper() if isinstance(value, str) else ""
        if code not in self.codes:
            raise self.make_error("invalid")
        return code


class Code(fields.Enum[W], Generic[W]):
    """A word of a closed list; `members` are those a form may offer."""

    def __init__(
        self, words: type[W], members: Iterable[W] = (), **look: Unpack[Look]
    ) -> None:
        self.members = tuple(members) or tuple(words)
        fewer: dict[str, object] = {}
        if len(self.members) < len(words):
            pairs = tuple((word.value, word.label) for word in self.members)
            fewer["choices"] = lambda: pairs
        super().__init__(words, by_value=True, **_asked(look, NOT_LISTED, **fewer))

    def _serialize(
        self,
        value: W | str | None,
        attr: str | None,
        obj: object,
        **kwargs: object,
    ) -> str | None:
        # A list of codes comes from the database as plain text.
        return None if value is None else str(value)

    def _deserialize(
        self,
        value: object,
        attr: str | None,
        data: Mapping[str, object] | None,
        **kwargs: object,
    ) -> W:
        for word in self.members:
            if isinstance(value, str) and word == value:
                return word
        raise self.make_error("unknown")


class Codes(fields.List[W], Generic[W]):
    """Several words of a closed list, each once."""

    def __init__(
        self, words: type[W], members: Iterable[W] = (), **look: Unpack[Look]
    ) -> None:
        super().__init__(
            Code(words, members, label=look["label"]), **_asked(look, NOT_LISTED)
        )

    def _deserialize(
        self,
        value: object,
        attr: str | None,
        data: Mapping[str, object] | None,
        **kwargs: object,
    ) -> list[W | None]:
        several = [value] if isinstance(value, str) else value
        try:
            found = super()._deserialize(several, attr, data, **kwargs)
        except ValidationError as error:
            # One message for the list: no box stands for a word that is not in it.
            raise self.make_error("invalid") from error
        return list(dict.fromkeys(found))


class Whole(fields.Integer):
    """A whole number, in the figures of any script."""

    def __init__(
        self,
        least: int,
        most: int | None = None,
        **look: Unpack[Look],
    ) -> None:
        limits = (
            [Between(least, most)]
            if most
            else [
                Between(least, words=N_("Enter a number of %(min)s or more")),
                Between(max=LARGEST, words=N_("Enter a smaller number")),
            ]
        )
        super().__init__(
            strict=True,
            validate=limits,
            **_asked(look, N_("Enter a whole number")),
        )

    def _deserialize(
        self,
        value: object,
        attr: str | None,
        data: Mapping[str, object] | None,
        **kwargs: object,
    ) -> int:
        if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,18}\s*", value):
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise self.make_error("invalid")


class Degrees(fields.Float):
    """Degrees of latitude or longitude, with a point or a comma."""

    def __init__(self, most: int, **look: Unpack[Look]) -> None:
        super().__init__(
            validate=Between(-most, most),
            **_asked(look, N_("Enter degrees like -1.2921")),
        )

    def _deserialize(
        self,
        value: object,
        attr: str | None,
        data: Mapping[str, object] | None,
        **kwargs: object,
    ) -> float:
        if isinstance(value, str) and re.fullmatch(
            r"\s*[+-]?\d{1,3}([.,]\d{1,12})?\s*", value
        ):
            return float(value.replace(",", "."))
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.make_error("invalid")
        # Not-a-number compares with nothing; larger numbers are none of degrees.
        if not abs(value) <= 360:
            raise self.make_error("invalid")
        return float(value)


class Tick(fields.Boolean):
    """A box to tick."""

    def __init__(self, **look: Unpack[Look]) -> None:
        super().__init__(**_asked(look, N_("Tick the box or leave it empty")))


class When(Enum):
    """Where a date may lie, seen from today."""

    ANY = auto()
    PAST = auto()
    LATER = auto()
    FROM_TODAY = auto()
    WITHIN_A_YEAR = auto()
    OF_CALENDARS = auto()

    def limits(self, today: date) -> list[Between]:
        """Return the bounds, each with what to do."""
        if self is When.ANY:
            return []
        if self is When.OF_CALENDARS:
            last = date(today.year + 5, 12, 31)
            words = N_("Enter a date from %(min)s to %(max)s")
            return [Between(min=date(2020, 1, 1), max=last, words=words)]
        if self is When.PAST:
            return [Between(max=today, words=N_("Enter a date not in the future"))]
        if self is When.FROM_TODAY:
            return [Between(min=today, words=N_("Enter a date not in the past"))]
        later = Between(
            min=today + timedelta(days=1), words=N_("Enter a date after today")
        )
        if self is When.LATER:
            return [later]
        year = Between(
            max=today + timedelta(days=366),
            words=N_("Enter a date within one year from today"),
        )
        return [later, year]


class Dated(ABC):
    """A field whose bounds move with the day."""

    @abstractmethod
    def live_on(self, today: date) -> None:
        """Take the day of the section around."""


class Day(fields.Date, Dated):
    """A day of the calendar, written year first."""

    def __init__(self, when: When, **look: Unpack[Look]) -> None:
        self.when = when
        super().__init__(**_asked(look, N_("Enter a date like 2026-11-26")))

    def live_on(self, today: date) -> None:
        """Bound the date."""
        self.validators = [*self.when.limits(today)]

    def _deserialize(
        self,
        value: object,
        attr: str | None,
        data: Mapping[str, object] | None,
        **kwargs: object,
    ) -> date:
        written = value.strip() if isinstance(value, str) else ""
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", written):
            raise self.make_error("invalid")
        try:
            return date.fromisoformat(written)
        except ValueError as error:
            raise ValidationError(
                N_("Enter a date that exists, like 2026-11-26")
            ) from error


class Year(Whole, Dated):
    """A year up to the next one: makers stamp ahead."""

    def __init__(self, **look: Unpack[Look]) -> None:
        shown: Look = {"width": "w4", **look}
        super().__init__(EARLIEST_YEAR, **shown)

    def live_on(self, today: date) -> None:
        """Bound the year."""
        words = N_("Enter a year from %(min)s to %(max)s")
        self.validators = [Between(EARLIEST_YEAR, today.year + 1, words)]


class Clock(fields.Time):
    """A time of day."""

    def __init__(self, **look: Unpack[Look]) -> None:
        shown: Look = {"width": "w10", "dir": "ltr", **look}
        super().__init__("%H:%M", **_asked(shown, N_("Enter a time like 14:30")))

    def _deserialize(
        self,
        value: object,
        attr: str | None,
        data: Mapping[str, object] | None,
        **kwargs: object,
    ) -> time:
        written = value.strip() if isinstance(value, str) else ""
        found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(:[0-5][0-9])?", written)
        if not found:
            raise self.make_error("invalid")
        return time(int(found[1]), int(found[2]))


class Rows(fields.Nested, Dated):
    """Several of one thing, each with the fields of a section."""

    def __init__(
        self, row: "type[Section]", *, most: int = 20, **look: Unpack[Look]
    ) -> None:
        super().__init__(
            row,
            many=True,
            validate=AtMost(most, N_("Give at most %(number)s of these")),
            **_asked(look, N_("Give a list")),
        )
        self.row = row

    def live_on(self, today: date) -> None:
        """Make the section of a row, on the same day."""
        self._schema = self.row(
            today=today, many=True, only=self.only, exclude=self.exclude
        )


class Blocks(fields.List[str]):
    """Several texts, in their order; none may be empty."""

    def __init__(self, max_length: int = 5000, **look: Unpack[Look]) -> None:
        inner: Look = {"label": look["label"]}
        if "ask" in look:
            inner["ask"] = look["ask"]
        super().__init__(
            Block(max_length, **inner),
            validate=AtMost(50, N_("Give at most %(number)s of these")),
            **_asked(look, N_("Give a list")),
        )


class Section(Schema):
    """A part of a form. A draft may have gaps; what is sent may not."""

    title: ClassVar[str] = ""
    intro: ClassVar[str] = ""
    always: ClassVar[tuple[str, ...]] = ()
    """What even a draft must say: without it the rest could not be kept."""

    error_messages = {
        "type": N_("Give the fields by their names"),
        "unknown": N_("Leave this out: it is not part of the form"),
    }

    class Meta:
        unknown = RAISE

    def __init__(
        self,
        *,
        today: date | None = None,
        many: bool | None = None,
        partial: bool | None = None,
        only: types.StrSequenceOrSet | None = None,
        exclude: types.StrSequenceOrSet = (),
    ) -> None:
        self.today = today or datetime.now(UTC).date()
        super().__init__(many=many, partial=partial, only=only, exclude=exclude)

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Hand the day on."""
        if isinstance(field_obj, Dated):
            field_obj.live_on(self.today)

    def needed(self, given: Given) -> Iterator[str]:
        """Name the fields that what was given makes necessary."""
        yield from ()

    def clashes(self, given: Given) -> Iterator[tuple[str, str]]:
        """Name the fields that contradict others, and what to do."""
        yield from ()

    @pre_load
    def _without_blanks(self, data: object, **_: object) -> object:
        return without_blanks(data)

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def _whole(
        self,
        given: Given,
        original: object,
        *,
        partial: bool | types.StrSequenceOrSet | None,
        **_: object,
    ) -> None:
        written = without_blanks(original)
        if not isinstance(written, Mapping):
            return
        problems: dict[str, list[str]] = {}
        for name in self.always if partial else self.needed(given):
            field = self.declared_fields[name]
            # Wrong, or required anyway: it has its message already.
            if name in written or (field.required and not partial):
                continue
            problems[name] = [str(field.error_messages["required"])]
        for name, words in () if partial else self.clashes(given):
            problems.setdefault(name, [words])
        if problems:
            raise ValidationError(problems)


def without_blanks(data: object) -> object:
    """Leave out what was not filled in: empty text, nothing, empty rows."""
    if not isinstance(data, Mapping):
        return data
    cleaned = {name: _rows_without_blanks(value) for name, value in data.items()}
    return {name: value for name, value in cleaned.items() if not _is_blank(value)}


def _rows_without_blanks(value: object) -> object:
    # A list of texts keeps its gaps: the third answer is to the third question.
    if not isinstance(value, list | tuple):
        return value
    if not all(isinstance(row, Mapping) for row in value):
        return value
    return [row for row in map(without_blanks, value) if row]


def _is_blank(value: object) -> bool:
    match value:
        case None | [] | ():
            return True
        case str():
            return bool(BLANK.fullmatch(value))
        case _:
            return False
