r"""A mark as it stands, with what cannot be read: the text, its positions, its keys.

`?` is one character that cannot be read, `[5S]` one that is either of these, `*` any
number of characters, none included. A backslash before one of `? * [ ] \` means the
sign itself. The signs of other keyboards (`？ ؟ ＊ ［ ］`) mean the same.

Every position keeps where it stands in the text and how it was written, so that the
text can be put together again and a fault can be pointed at. What stands between the
figures (blanks, hyphens, dots, slashes) is kept in the text and left out of the keys.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from typing import Final, NamedTuple

from workflows.errors import WorkflowError
from workflows.lookalikes import clusters, folded, kept, normalised
from workflows.vocabulary import N_

LONGEST: Final = 64
"""Characters of a mark, its signs included."""
LONGEST_KEY: Final = 80
"""What is kept of a key; some characters become several."""
MOST_ALTERNATIVES: Final = 12

_UNKNOWN: Final = frozenset("?？؟")
_RUN: Final = frozenset("*＊")
_OPEN: Final = frozenset("[［")
_CLOSE: Final = frozenset("]］")
_ESCAPE: Final = "\\"
_SIGNS: Final = frozenset({*_UNKNOWN, *_RUN, *_OPEN, *_CLOSE, _ESCAPE})

NOT_CLOSED: Final = N_("Close the bracket at position %(position)s")
NOT_OPENED: Final = N_("Remove the bracket at position %(position)s, or open it first")
NOTHING_IN_IT: Final = N_(
    "Write what it can be between the brackets at position %(position)s"
)
UNREADABLE_IN_IT: Final = N_(
    "Write only what can be read between the brackets (position %(position)s)"
)
A_RANGE: Final = N_(
    "Write out every character it can be, like [123]: "
    "a range is not understood (position %(position)s)"
)
TOO_MANY: Final = N_(
    "Write ? for what can be almost anything: at most 12 characters fit between "
    "brackets (position %(position)s)"
)
ESCAPES_NOTHING: Final = N_(
    "Write \\\\ for a backslash, or one of ? * [ ] after it (position %(position)s)"
)
TOO_LONG: Final = N_(
    "Use at most 64 characters (one too many at position %(position)s)"
)


class MarkNotUnderstood(WorkflowError):
    """A mark is not written as marks are; `words` say what to do, `position` where."""

    def __init__(self, words: str, position: int) -> None:
        """Keep the message id and the position, counted from one."""
        super().__init__(words % {"position": position})
        self.words = words
        self.position = position


class Sign(Enum):
    """What stands at a position."""

    KNOWN = auto()
    EITHER = auto()
    UNKNOWN = auto()
    RUN = auto()
    BETWEEN = auto()
    """Nothing that is compared."""


class Position(NamedTuple):
    """One position: what it is, what it can be, how it is written and where."""

    sign: Sign
    can_be: str
    """The normalised characters; empty for what is unknown or not compared."""
    written: str
    at: int


@dataclass(frozen=True)
class Mark:
    """A mark that was understood."""

    positions: tuple[Position, ...]

    def __str__(self) -> str:
        """Return the text as it was written."""
        return "".join(position.written for position in self.positions)

    @cached_property
    def compared(self) -> tuple[Position, ...]:
        """Return the positions that count."""
        return tuple(p for p in self.positions if p.sign is not Sign.BETWEEN)

    @cached_property
    def is_certain(self) -> bool:
        """Say whether every character is known."""
        return all(p.sign is Sign.KNOWN for p in self.compared)

    @cached_property
    def normalised(self) -> str:
        """Return the positions that count in one way of writing."""
        return "".join(map(canonical, self.compared))

    @cached_property
    def keys(self) -> "Keys":
        """Return what the mark is found by."""
        coarse = f"{self.start}*{self.end}" if self.end is not None else self.start
        return Keys.of(self.normalised, coarse)

    @cached_property
    def start(self) -> str:
        """Return the folded characters before the first that is not certain."""
        return "".join(self._certain(self.compared))

    @cached_property
    def end(self) -> str | None:
        """Return the folded characters after the last that is not certain.

        None where all are.
        """
        if len(self.start) == len(self.compared):
            return None
        return "".join(self._certain(self.compared[::-1]))[::-1]

    @staticmethod
    def _certain(positions: tuple[Position, ...]) -> Iterator[str]:
        for position in positions:
            ways = set(folded(position.can_be))
            if position.sign in (Sign.RUN, Sign.UNKNOWN) or len(ways) != 1:
                return
            yield ways.pop()


class Keys(NamedTuple):
    """What a mark is found by; the same on every database.

    `normalised` keeps `?`, `[5S]` and `*`. In `folded` one `*` stands for all from the
    first to the last character that is not certain: such marks are found by what is
    known before and after. `reversed` is the folded key from its end.
    """

    normalised: str
    folded: str
    reversed: str

    @classmethod
    def of(cls, plain: str, coarse: str) -> "Keys":
        """Cut to what is kept."""
        short = coarse[:LONGEST_KEY]
        return cls(plain[:LONGEST_KEY], short, short[::-1])


def parse(text: str) -> Mark:
    """Return the mark of a text; raises MarkNotUnderstood with the place of a fault."""
    if len(text) > LONGEST:
        raise MarkNotUnderstood(TOO_LONG, LONGEST + 1)
    return Mark(tuple(_positions(text)))


def literal(text: str) -> Mark:
    """Return the mark of a text in which every character means itself."""
    return Mark(tuple(_plain(text, 1)))


def read(text: str) -> Mark:
    """Return the mark of a text of any origin: what is no pattern means itself."""
    try:
        return parse(text)
    except MarkNotUnderstood:
        return literal(text)


def escaped(text: str) -> str:
    """Return the text to write for a mark that bears just these characters."""
    return "".join(_ESCAPE + char if char in _SIGNS else char for char in text)


def keys_of(text: str, *, is_pattern: bool = True) -> Keys:
    """Return the keys of a text; two millionths of a second for a plain one."""
    if is_pattern and not is_plain(text):
        return read(text).keys
    plain = normalised(text)
    return Keys.of(plain, folded(plain))


def is_plain(text: str) -> bool:
    """Say whether a text has no sign that means anything but itself."""
    return _SIGNS.isdisjoint(text)


def spoken(text: str) -> Iterator[tuple[str, bool]]:
    """Yield what to read back, and whether it is a sign and not a character.

    Escapes are resolved; each sign of a bracket comes by itself.
    """
    for position in read(text).positions:
        match position.sign:
            case Sign.UNKNOWN:
                yield "?", True
            case Sign.RUN:
                yield "*", True
            case Sign.EITHER:
                yield "[", True
                inside = _unescaped(position.written[1:-1])
                yield from ((char, False) for char in inside)
                yield "]", True
            case _:
                yield from ((char, False) for char in _resolved(position.written))


def canonical(position: Position) -> str:
    """Return a position in one way of writing."""
    match position.sign:
        case Sign.UNKNOWN:
            return "?"
        case Sign.RUN:
            return "*"
        case Sign.EITHER:
            return f"[{position.can_be}]"
        case _:
            return position.can_be


def _positions(text: str) -> Iterator[Position]:
    here = 0
    while here < len(text):
        char, at = text[here], here + 1
        if char in _UNKNOWN:
            yield Position(Sign.UNKNOWN, "", char, at)
        elif char in _RUN:
            yield Position(Sign.RUN, "", char, at)
        elif char in _OPEN:
            written = _bracket(text, here)
            yield _either(written, at)
            here += len(written)
            continue
        elif char in _CLOSE:
            raise MarkNotUnderstood(NOT_OPENED, at)
        elif char == _ESCAPE:
            yield Position(Sign.BETWEEN, "", _escape(text, here), at)
            here += 2
            continue
        else:
            plain = _up_to_a_sign(text, here)
            yield from _plain(plain, at)
            here += len(plain)
            continue
        here += 1


def _up_to_a_sign(text: str, start: int) -> str:
    end = start
    while end < len(text) and text[end] not in _SIGNS:
        end += 1
    return text[start:end]


def _escape(text: str, here: int) -> str:
    """Return an escaped sign as written; no sign is a letter or figure."""
    if text[here + 1 : here + 2] not in _SIGNS:
        raise MarkNotUnderstood(ESCAPES_NOTHING, here + 1)
    return text[here : here + 2]


def _bracket(text: str, opened: int) -> str:
    """Return two brackets and what stands between them."""
    here, many = opened + 1, 0
    while here < len(text) and text[here] not in _CLOSE:
        char = text[here]
        if char in _OPEN:
            raise MarkNotUnderstood(NOT_CLOSED, opened + 1)
        if char in _UNKNOWN or char in _RUN:
            raise MarkNotUnderstood(UNREADABLE_IN_IT, here + 1)
        if char == "-" and many and text[here + 1 : here + 2] not in {"", *_CLOSE}:
            raise MarkNotUnderstood(A_RANGE, here + 1)
        here += len(_escape(text, here)) if char == _ESCAPE else 1
        many += 1
        if many > MOST_ALTERNATIVES:
            raise MarkNotUnderstood(TOO_MANY, here)
    if here >= len(text):
        raise MarkNotUnderstood(NOT_CLOSED, opened + 1)
    if here == opened + 1:
        raise MarkNotUnderstood(NOTHING_IN_IT, opened + 1)
    return text[opened : here + 1]


def _either(written: str, at: int) -> Position:
    ways = "".join(kept(one)[:1] for one in clusters(_unescaped(written[1:-1])))
    can_be = "".join(dict.fromkeys(ways))
    return Position(Sign.EITHER if can_be else Sign.BETWEEN, can_be, written, at)


def _plain(text: str, at: int) -> Iterator[Position]:
    for cluster in clusters(text):
        written = cluster
        for char in kept(cluster) or [""]:
            sign = Sign.KNOWN if char else Sign.BETWEEN
            yield Position(sign, char, written, at)
            written = ""
        at += len(cluster)


def _unescaped(written: str) -> str:
    return re.sub(r"\\(.)", r"\1", written)


def _resolved(written: str) -> str:
    # A lone backslash is of a text that is no pattern.
    return written if len(written) == 1 else _unescaped(written)
