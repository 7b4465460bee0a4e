"""References: year, State, a number that tells nothing, and a check character."""

import secrets
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NUMBERS: Final = 10_000_000


def check_character(body: str) -> str:
    """Return the ISO 7064 MOD 37,36 check character of letters and digits."""
    product = 36
    for character in body:
        total = (product + ALPHABET.index(character)) % 36 or 36
        product = total * 2 % 37
    return ALPHABET[(37 - product) % 36]


def reference_of(year: int, country: str, number: int) -> str:
    """Return a reference such as 2026-KE-0041732K.

    The check character covers year and number, so that it is right in a mail,
    where the State is left out.
    """
    digits = f"{number:07d}"
    return f"{year}-{country}-{digits}{check_character(f'{year}{digits}')}"


def draw() -> int:
    """Draw a number; drawn, not counted, so that it does not tell how many exist."""
    return secrets.randbelow(NUMBERS)


def is_reference(text: str) -> bool:
    """Tell whether the text is a well-formed reference with a right check."""
    parts = text.upper().split("-")
    if len(parts) != 3:
        return False
    year, country, rest = parts
    if not (
        year.isascii()
        and year.isdigit()
        and len(year) == 4
        and country.isascii()
        and country.isalpha()
        and len(country) == 2
        and len(rest) == 8
        and rest[:7].isascii()
        and rest[:7].isdigit()
    ):
        return False
    return check_character(year + rest[:7]) == rest[7]
