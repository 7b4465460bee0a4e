"""All pages, each behind sign-in unless it is named here."""

from typing import Final

from flask import Flask, redirect, request, url_for
from werkzeug.wrappers import Response

from tracing.accounts import sessions
from tracing.models import AccountSession
from tracing.security import programs
from tracing.web import (
    account,
    calendars,
    contacts,
    dates,
    drafts,
    emergency,
    exchange,
    files,
    home,
    imports,
    journal,
    keeping,
    lists,
    lookups,
    outgoing,
    parameters,
    people,
    records,
    regimes,
    requests,
    signing,
    tokens,
    upkeep,
    watch,
)

OPEN_TO_ALL: Final = frozenset(
    {
        "static",
        "home.language",
        "home.health",
        "watch.ready",
        "watch.figures",
        "exchange.keys",
        "exchange.key_set",
        "signing.sign_in",
        "signing.give_password",
        "signing.sign_out",
        "signing.elsewhere",
        "signing.back",
        "signing.forgotten",
        "signing.invitation",
        "signing.new_password",
        "upkeep.link",
        "upkeep.use",
    }
)
AFTER_THE_PASSWORD: Final = frozenset(
    {
        "signing.code",
        "signing.recovery",
        "signing.use_key",
        "signing.key_options",
        "signing.set_up",
        "signing.finish_set_up",
        "account.new_key",
        "account.key_options",
    }
)
"""Pages on the way from the password to the second factor; none shows any data."""

WITHOUT_KEYS: Final = frozenset({"account.new_key", "account.key_options"})
"""All there is for an administrator who lacks the keys of the role."""


def init_app(app: Flask) -> None:
    """Register the pages and put the doors before them."""
    cases = (home, lists, drafts, requests, dates, files, contacts, upkeep, outgoing)
    people_ = (signing, account, people, tokens, emergency)
    desk = (journal, lookups, records, imports, keeping, calendars, regimes)
    for module in (*cases, *desk, exchange, *people_, watch):
        for blueprint in module.BLUEPRINTS:
            app.register_blueprint(blueprint)
    app.before_request(_door)
    app.before_request(parameters.check)


def _door() -> Response | None:
    endpoint = request.endpoint
    # Programs have a door of their own.
    if endpoint is None or endpoint in OPEN_TO_ALL or programs.is_called():
        return None
    held = sessions.current()
    if held is not None and _may_enter(held, endpoint):
        return None
    back = request.full_path if request.method == "GET" else "/"
    back = back.rstrip("?")
    if held is not None and not held.half:
        return redirect(url_for("account.new_key", next=back), 303)
    return redirect(url_for("signing.sign_in", next=back), 303)


def _may_enter(held: AccountSession, endpoint: str) -> bool:
    if sessions.goes_anywhere():
        return True
    return endpoint in (AFTER_THE_PASSWORD if held.half else WITHOUT_KEYS)
