"""Translation with types: what the library returns untyped comes out as text."""

from flask_babel import gettext, ngettext


def _(text: str, **values: object) -> str:
    """Return the text in the reader's language, its holes filled."""
    return str(gettext(text, **values))


def plural(one: str, many: str, number: int, **values: object) -> str:
    """Return the form for this number; `%(num)d` is the number itself."""
    return str(ngettext(one, many, number, **values))
