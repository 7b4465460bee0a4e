"""Which script a mark is written in: for the read-back and for warnings."""

import unicodedata
from typing import Final

_KNOWN: Final = {
    "LATIN": "Latin",
    "CYRILLIC": "Cyrillic",
    "GREEK": "Greek",
    "ARABIC": "Arabic",
    "CJK": "Han",
    "HEBREW": "Hebrew",
    "ARMENIAN": "Armenian",
    "GEORGIAN": "Georgian",
    "DEVANAGARI": "Devanagari",
    "THAI": "Thai",
    "HANGUL": "Hangul",
    "HIRAGANA": "Kana",
    "KATAKANA": "Kana",
    "ETHIOPIC": "Ethiopic",
    "FULLWIDTH LATIN": "Latin",
}
"""How the name of a letter begins in Unicode, and the script it is then of."""


def script_of_character(character: str) -> str:
    """Return the script of one letter, or an empty text for what has none."""
    if not character.isalpha():
        return ""
    name = unicodedata.name(character, "")
    return next((_KNOWN[start] for start in _KNOWN if name.startswith(start)), "Other")


def scripts_in(text: str) -> tuple[str, ...]:
    """Return the scripts of the letters, in the order they appear."""
    return tuple(dict.fromkeys(filter(None, map(script_of_character, text))))


def script_of(text: str) -> str:
    """Return the script of a mark; two scripts in one mark are both named."""
    return " and ".join(scripts_in(text))


def kind_of_character(character: str, *, is_sign: bool = True) -> str:
    """Return what a character of a mark is, in a word for the read-back.

    `is_sign` is false for a `?` or `*` that is stamped itself.
    """
    if is_sign and character == "?":
        return "not readable"
    if is_sign and character == "*":
        return "some not readable"
    if character.isspace():
        return "space"
    if character.isdecimal():
        return "digit"
    if character.isalpha():
        return "letter"
    return "symbol"
