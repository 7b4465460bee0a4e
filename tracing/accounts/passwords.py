"""Passwords: long, not one that others use, never changed for the sake of changing.

The list of passwords, names and words that guessers try first, and the patterns of
keyboards, rows and repetitions, are those of zxcvbn (MIT licence), which works offline.
"""

import re
import unicodedata
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from flask import current_app
from flask_security import hash_password, verify_password

from tracing.models import Account
from workflows.vocabulary import N_

LIST_OF: Final = "4.5.0"
"""The version of zxcvbn whose list this is: look at the date with each new one."""

LIST_DATE: Final = date(2017, 2, 7)
"""When the list was last gathered: it is that of zxcvbn 4.4.2, whatever came since."""

SHORTEST: Final = 15
LONGEST: Final = 200
GUESSES: Final = 10**8
"""What a guesser who knows the habits of people must try at least."""

BESIDE_OWN: Final = 8
"""Letters and figures that are not of one's name, address or authority."""

TOO_SHORT: Final = N_("Use at least 15 characters; several words make a good password.")
TOO_LONG: Final = N_("Use at most 200 characters.")
TOO_COMMON: Final = N_(
    "This password is among those that are guessed first. Choose other words, or more of them."
)
NOT_A_TEXT: Final = N_("Use letters, figures, signs and spaces only.")


def normal(password: str) -> str:
    """Return the one form of a password, however the keyboard composed it."""
    return unicodedata.normalize("NFKC", password)


def _own_words(account: Account | None) -> list[str]:
    if account is None:
        return []
    text = f"{account.name} {account.email} {account.authority.name}"
    return [word for word in re.split(r"[\W_]+", text.lower()) if len(word) > 2]


def fault_of(password: str, account: Account | None = None) -> str | None:
    """Return what is wrong with a new password, in words, or None."""
    from zxcvbn import zxcvbn

    text = normal(password)
    if len(text) < SHORTEST:
        return TOO_SHORT
    if len(text) > LONGEST:
        return TOO_LONG
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in text):
        return NOT_A_TEXT
    own = ["tracing", "firearms", *_own_words(account)]
    if len(_without(text, own)) < BESIDE_OWN:
        return TOO_COMMON
    found = zxcvbn(text, user_inputs=own, max_length=LONGEST)
    return TOO_COMMON if found["guesses"] < GUESSES else None


def _without(text: str, words: list[str]) -> str:
    """Return what is left of the letters and figures when the words are taken out."""
    left = text.casefold()
    for word in sorted(words, key=len, reverse=True):
        left = left.replace(word.casefold(), "")
    return re.sub(r"[\W_]+", "", left)


def list_age(today: date) -> timedelta:
    """Return how old the list of common passwords is."""
    return today - LIST_DATE


def hashed(password: str) -> str:
    """Return the hash to keep (argon2id)."""
    return str(hash_password(normal(password)))


@lru_cache(maxsize=4)
def _nobodys(_salt: str) -> str:
    return str(hash_password("nobody has this password"))


def is_right(password: str, stored: str | None) -> bool:
    """Check a password; with nothing stored it takes as long and is wrong."""
    against = stored or _nobodys(str(current_app.config["SECURITY_PASSWORD_SALT"]))
    text = normal(password[: 4 * LONGEST])
    right = verify_password(text[:LONGEST], against)
    return bool(right) and stored is not None and len(text) <= LONGEST
