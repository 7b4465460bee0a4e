"""All pages, each behind sign-in unless it is named here."""

from typing import Final

from flask import Flask, redirect, request, url_for
from werkzeug.wrappers import Response

from tracing.accounts.actors import current_actor
from tracing.web import (
    contacts,
    drafts,
    files,
    home,
    journal,
    lists,
    outgoing,
    requests,
)

OPEN_TO_ALL: Final = frozenset({"static", "home.language", "home.health"})
"""Besides the pages of signing in itself."""


def init_app(app: Flask) -> None:
    """Register the pages and put the door before them."""
    modules = (home, lists, drafts, requests, files, contacts, outgoing, journal)
    for module in modules:
        for blueprint in module.BLUEPRINTS:
            app.register_blueprint(blueprint)

    @app.before_request
    def _door() -> Response | None:
        endpoint = request.endpoint
        if endpoint is None or endpoint in OPEN_TO_ALL:
            return None
        if endpoint.startswith("security."):
            return None
        if current_actor() is None:
            back = request.full_path if request.method == "GET" else "/"
            return redirect(url_for("security.login", next=back.rstrip("?")), 303)
        return None
