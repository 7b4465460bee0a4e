"""The one way JSON comes in: what two readers could read differently is refused.

Python's own reader takes the last of two equal keys, NaN, Infinity and 1e999, halves of
surrogates and other encodings, and breaks at deep nesting. Here each of these is an
error that says what is wrong, where, and what to do.
"""

import re
from collections.abc import Callable, Mapping
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined] # not in the stubs
from typing import Any, Final, NoReturn

from tracing.schemas.fields import Told
from workflows.vocabulary import N_

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

MOST_BYTES: Final = 2_000_000
DEEPEST: Final = 20
MOST_KEYS: Final = 200
MOST_FIGURES: Final = 16
LARGEST: Final = 2**53
BLANK: Final = re.compile(r"[ \t\n\r]*")
NUMBER: Final = re.compile(r"(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][+-]?[0-9]+)?")
WORD: Final = re.compile(r"[A-Za-z0-9_+.-]+")
SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
WORDS: Final[Mapping[str, bool | None]] = {"true": True, "false": False, "null": None}
NOT_NUMBERS: Final = frozenset({"NaN", "Infinity", "-Infinity"})
BYTE_ORDER_MARK: Final = "\ufeff"
MEGABYTE: Final = 1_000_000


class JsonRefused(ValueError):
    """The text is not taken; `words` is a message id with what to do.

    `code` names the fault for machines; `line` and `column` count from one, and `path`
    names the place inside the data, such as `weapon.marks[2].text`.
    """

    def __init__(
        self, code: str, words: str, *, line: int = 1, column: int = 1, path: str = ""
    ) -> None:
        """Keep what is wrong and where."""
        super().__init__(f"{words} (line {line}, column {column})")
        self.code = code
        self.words = words
        self.line = line
        self.column = column
        self.path = path


def loads(body: bytes, *, most_bytes: int = MOST_BYTES) -> Json:
    """Return what a body says, or refuse it."""
    if len(body) > most_bytes:
        words = N_("Send at most %(number)s MB")
        raise JsonRefused("too_large", Told(words, number=most_bytes // MEGABYTE))
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        before = body[: error.start].decode("utf-8")
        line, column = _place(before, len(before))
        words = N_("Send the text as UTF-8")
        raise JsonRefused("bad_encoding", words, line=line, column=column) from error
    return _Reader(text).whole()


def load_object(body: bytes, *, most_bytes: int = MOST_BYTES) -> dict[str, Json]:
    """Return the object that a body is, or refuse it."""
    found = loads(body, most_bytes=most_bytes)
    if not isinstance(found, dict):
        raise JsonRefused("not_object", N_("Send a JSON object"))
    return found


def _place(text: str, at: int) -> tuple[int, int]:
    """Return line and column of a position, both from one."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


class _Reader:
    """Reads one text from its begin to its end; `path` is where it is."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.path: list[str | int] = []

    def whole(self) -> Json:
        """Return the one value of the text."""
        if self.text.startswith(BYTE_ORDER_MARK):
            self.refuse("bad_encoding", N_("Send the text as UTF-8 without a mark"))
        self.skip()
        if self.at == len(self.text):
            self.refuse("bad_json", N_("The body is empty: send a JSON object"))
        found = self.value()
        self.skip()
        if self.at < len(self.text):
            self.refuse("bad_json", N_("Remove what follows after the end"))
        return found

    def refuse(self, code: str, words: str, at: int | None = None) -> NoReturn:
        """Say what is wrong, here or at a position."""
        line, column = _place(self.text, self.at if at is None else at)
        path = "".join(
            f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path
        )
        raise JsonRefused(
            code, words, line=line, column=column, path=path.removeprefix(".")
        )

    def skip(self) -> None:
        """Go past blanks."""
        found = BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def value(self) -> Json:
        """Return the value that begins here."""
        read = self.STARTS.get(self.text[self.at : self.at + 1])
        return read(self) if read else self.other()

    def other(self) -> Json:
        """Return a number, true, false or null."""
        found = WORD.match(self.text, self.at)
        word = found[0] if found else ""
        if word in WORDS:
            self.at += len(word)
            return WORDS[word]
        if word in NOT_NUMBERS:
            self.refuse("bad_number", N_("Send a number: this word is none in JSON"))
        number = NUMBER.fullmatch(word)
        if number is None:
            self.refuse("bad_json", N_("Send valid JSON: this cannot be read"))
        return self.number(number)

    def number(self, found: re.Match[str]) -> int | float:
        """Return a number that every reader reads the same."""
        whole, fraction, exponent = found.groups()
        read: int | float = LARGEST + 1
        if fraction or exponent:
            read = float(found[0])
        elif len(whole.lstrip("-")) <= MOST_FIGURES:
            read = int(whole)
        # Infinity is larger, too.
        if abs(read) > LARGEST:
            self.refuse("bad_number", N_("Send a smaller number"))
        self.at += len(found[0])
        return read

    def string(self) -> str:
        """Return a text, its escapes resolved."""
        start = self.at
        try:
            read: tuple[str, int] = scanstring(self.text, start + 1, True)
        except JSONDecodeError as error:
            words = N_("Send valid JSON: this text holds a sign that it may not")
            self.refuse("bad_json", words, error.pos)
        found, self.at = read
        if SURROGATE.search(found):
            words = N_("Send whole characters: this text holds half of one")
            self.refuse("bad_character", words, start)
        return found

    def array(self) -> list[Json]:
        """Return a list."""
        found: list[Json] = []

        def one() -> None:
            self.path.append(len(found))
            found.append(self.value())
            self.path.pop()

        self.several("]", one)
        return found

    def object(self) -> dict[str, Json]:
        """Return an object, each of whose keys stands once."""
        found: dict[str, Json] = {}

        def one() -> None:
            start = self.at
            if self.text[start : start + 1] != '"':
                self.refuse("bad_json", N_("Send valid JSON: a name in quotes is due"))
            key = self.string()
            if key in found:
                self.refuse("duplicate_key", N_("Send each name once"), start)
            if len(found) == MOST_KEYS:
                words = Told(N_("Send at most %(number)s names"), number=MOST_KEYS)
                self.refuse("too_many_keys", words, start)
            self.skip()
            self.take(":")
            self.skip()
            self.path.append(key)
            found[key] = self.value()
            self.path.pop()

        self.several("}", one)
        return found

    def several(self, end: str, one: Callable[[], None]) -> None:
        """Read what stands between brackets, with commas between."""
        if len(self.path) >= DEEPEST:
            words = N_("Nest at most %(number)s deep")
            self.refuse("too_deep", Told(words, number=DEEPEST))
        self.at += 1
        self.skip()
        if self.text.startswith(end, self.at):
            self.at += 1
            return
        while True:
            one()
            self.skip()
            if self.text.startswith(end, self.at):
                self.at += 1
                return
            self.take(",")
            self.skip()

    def take(self, sign: str) -> None:
        """Go past a sign that is due here."""
        if not self.text.startswith(sign, self.at):
            words = N_("Send valid JSON: a “%(sign)s” is due here")
            self.refuse("bad_json", Told(words, sign=sign))
        self.at += 1

    STARTS: Final[Mapping[str, Callable[["_Reader"], Any]]] = {
        '"': string,
        "[": array,
        "{": object,
    }
