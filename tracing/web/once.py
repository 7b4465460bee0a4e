"""What a form carries so that it counts once, and over nothing newer."""

import re
import secrets
from typing import Final

from flask import g, request

_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def version_of_form() -> int:
    """Return the version the page was made from; -1, which none has, if absent."""
    text = request.form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def form_key() -> str:
    """Return the key of the form; a page of ours has one, and no other signs."""
    if "form_key" not in g:
        given = request.form.get("form_key", "")
        known = _KEY.fullmatch(given) is not None
        g.form_key = given if known else new_form_key()
    return str(g.form_key)


def new_form_key() -> str:
    """Return the key of one more form on the page."""
    return secrets.token_urlsafe(24)
