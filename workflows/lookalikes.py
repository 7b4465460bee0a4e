"""Which characters of marks are one for comparison, and which only look alike.

Two steps, each a key. *Normalised*: the same character whatever its width or case, and
without what makers put between the figures (blanks, hyphens, dots, slashes and every
other sign that is no letter and no figure). *Folded*: one character for each class of
those that a worn stamp, a tired eye or another keyboard confuses. The order of what is
kept never changes, and folding keeps the length.

The classes of Latin, Cyrillic and Greek letters follow the confusables of Unicode (UTS
39) where these speak of capitals (0 O, 1 I l |, З 3, А A, Ζ Z ...), and the misreadings
every reader of stamped figures makes (5 S, 8 B, 2 Z, 6 G, D Q O). Arabic letters are
folded to their shape without dots, as in the joining groups of Unicode's
ArabicShaping.txt. Figures of every script are folded by their value, not their shape.
Worn strokes (4 for A, 7 for T) are no class: the search for one error finds them.
"""

import unicodedata
from functools import lru_cache
from typing import Final

_ROWS: Final = (
    "0OQDОΟØƟӨѲÐĐ",
    "1IL|ІӀΙŁ",
    "2ZΖƧ",
    "3ЗЭӠƷ",
    "4Ч",
    "5SЅƼ",
    "6GБ",
    "7",
    "8BВΒȢ",
    "9",
    "AАΑ",
    "CС",
    "EЕΕ",
    "FϜ",
    "HНΗҺЊΉ",
    "JЈͿ",
    "KКΚҚ",
    "MМΜϺ",
    "NΝ",
    "PРΡ",
    "R",
    "TТΤŦ",
    "U",
    "VѴ",
    "WԜ",
    "XХΧҲ",
    "YУΥҮ",
    # No Latin letter looks like these.
    "ГΓҐҒ",
    "ДΔ",
    "Є",
    "Ж",
    "И",
    "ЛΛЉ",
    "ПΠ",
    "ФΦ",
    "ЦЏ",
    "ШЩ",
    "ЬЪЫ",
    "Ю",
    "Я",
    "ЋЂ",
    "Θ",
    "Ξ",
    "Σ",
    "Ψ",
    "Ω",
    "اٱ",
    "بتثپٹ",
    "جحخچ",
    "دذڈ",
    "رزژڑ",
    "سش",
    "صض",
    "طظ",
    "عغ",
    "فقڤ",
    "كکگ",
    "ل",
    "م",
    "نں",
    "هةھہ",
    "و",
    "يىی",
    "ء",
)

CLASSES: Final = tuple(row.replace(" ", "") for row in _ROWS)
"""What looks alike; the first of each class stands for it."""

OTHER: Final = "文"
"""Stands for any letter of no class."""

UNLIKE_LATIN: Final = {
    **dict.fromkeys("ГДЄЖИЛПФЦШЬЮЯЋΘΞΣΨΩ", "Ж"),
    **dict.fromkeys("ابجدرسصطعفكلمنهويء", "ع"),
}
"""What folded keys have for the classes without a Latin letter: one of a script.

So few characters that all keys one error away can be asked for (docs/adr/0015). What a
key lumps together, `alike` tells apart.
"""

_KEPT_SIGNS: Final = frozenset("|")
"""No letter, but read as one."""
_LEFT_OUT: Final = frozenset("№")
"""Would become the letters N and O."""

_CLASS_OF: Final = {char: members[0] for members in CLASSES for char in members}

ALPHABET: Final = (
    "".join(
        dict.fromkeys(UNLIKE_LATIN.get(members[0], members[0]) for members in CLASSES)
    )
    + OTHER
)
"""Every character a folded key can have."""

_PLAIN: Final = {
    code: (char.upper() if char.isalnum() or char in _KEPT_SIGNS else None)
    for code in range(128)
    for char in [chr(code)]
}
_PLAIN_FOLDED: Final = {
    code: _CLASS_OF[char.upper()]
    for code in range(128)
    for char in [chr(code)]
    if char.upper() in _CLASS_OF
}


@lru_cache(maxsize=8192)
def kept(cluster: str) -> str:
    """Return what of one character, with the marks on it, is compared: often itself."""
    if cluster in _LEFT_OUT:
        return ""
    before, now = "", cluster
    while now != before:
        before = now
        now = unicodedata.normalize("NFKC", now).casefold().upper()
    return "".join(char for char in now if char.isalnum() or char in _KEPT_SIGNS)


def clusters(text: str) -> list[str]:
    """Return the characters, each with the combining marks that stand on it."""
    if text.isascii():
        return list(text)
    found: list[str] = []
    for char in text:
        if found and unicodedata.category(char) in {"Mn", "Me", "Mc"}:
            found[-1] += char
        else:
            found.append(char)
    return found


def normalised(text: str) -> str:
    """Return a text in one width and case, without what stands between its figures."""
    if text.isascii():
        return text.translate(_PLAIN)
    return "".join(map(kept, clusters(text)))


@lru_cache(maxsize=8192)
def class_of(char: str) -> str:
    """Return what stands for all that look like a normalised character."""
    known = _CLASS_OF.get(char)
    if known:
        return known
    value = unicodedata.decimal(char, None)
    if value is not None:
        return str(value)
    base = unicodedata.normalize("NFD", char)[0]
    return _CLASS_OF.get(base, OTHER)


def folded(text: str) -> str:
    """Return a normalised text with a character of ALPHABET for each of its own."""
    if text.isascii():
        return text.translate(_PLAIN_FOLDED)
    return "".join(map(_in_key, text))


def _in_key(char: str) -> str:
    same = class_of(char)
    return UNLIKE_LATIN.get(same, same)


def alike(one: str, other: str) -> bool:
    """Say whether two normalised characters are, or look like, the same."""
    return shape(one) == shape(other)


def shape(text: str) -> str:
    """Return a normalised text by its classes; a letter of none stays as it is."""
    if text.isascii():
        return text.translate(_PLAIN_FOLDED)
    return "".join(char if (same := class_of(char)) == OTHER else same for char in text)
