"""Translation with types: what the library returns untyped comes out as text."""

import contextlib
from collections.abc import Iterator
from typing import Any

from flask import Flask, g
from flask_babel import force_locale, get_translations


def catalogue() -> Any:
    """Return the words of the reader's language, looked for once in a request."""
    if "catalogue" not in g:
        g.catalogue = get_translations()
    return g.catalogue


@contextlib.contextmanager
def in_language(language: str) -> Iterator[None]:
    """Speak another language than the reader's, as a mail to somebody else does."""
    before = g.pop("catalogue", None)
    try:
        with force_locale(language):
            yield
    finally:
        g.pop("catalogue", None)
        if before is not None:
            g.catalogue = before


def _(text: str, **values: object) -> str:
    """Return the text in the reader's language, its holes filled."""
    words = catalogue().ugettext(text)
    return str(words % values if values else words)


def plural(one: str, many: str, number: int, **values: object) -> str:
    """Return the form for this number; `%(num)d` is the number itself."""
    words = catalogue().ungettext(one, many, number)
    return str(words % {"num": number, **values})


def init_app(app: Flask) -> None:
    """Give the templates the same words."""
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: catalogue().ugettext(text),
        ngettext=lambda one, many, n: catalogue().ungettext(one, many, n),
        newstyle=True,
    )
