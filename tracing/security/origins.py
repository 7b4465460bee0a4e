"""Forms come from our own pages: beside the token, what the browser says of it.

Our pages send no Referer, so nothing can be asked of one. A browser that says by itself
that a form comes from another site is believed; an older one says nothing.
"""

from typing import Final

from flask import Flask, request
from flask_wtf.csrf import CSRFError

READS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
ELSEWHERE: Final = frozenset({"cross-site", "same-site"})


def init_app(app: Flask) -> None:
    """Refuse what another site has its visitors send."""

    @app.before_request
    def _from_here() -> None:
        said = request.headers.get("Sec-Fetch-Site", "")
        if request.method not in READS and said in ELSEWHERE:
            raise CSRFError
