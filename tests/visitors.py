"""A person at the pages, without a screen: signs in, follows, fills in, presses."""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests.conftest import client_of
from tracing.accounts import sessions
from tracing.extensions import db
from tracing.models import Account, AccountSession

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Visitor:
    """One browser; `token` is that of its session."""

    client: Any
    token: str = ""

    def get(self, address: str, **given: Any) -> TestResponse:
        """Open a page, and take its token along."""
        response: TestResponse = self.client.get(address, **given)
        response.get_data()
        is_page = response.mimetype == "text/html"
        if is_page and (found := TOKEN.search(response.text)):
            self.token = html.unescape(found[1])
        response.close()
        return response

    def post(
        self, address: str, form: Mapping[str, Any] | None = None, **given: Any
    ) -> TestResponse:
        """Send a form with the token of the last page."""
        if not self.token:
            self.get("/")
        data = {"csrf_token": self.token, **(form or {})}
        response: TestResponse = self.client.post(address, data=data, **given)
        return response


def stranger(app: Flask) -> Visitor:
    """Somebody who has not signed in."""
    return Visitor(client_of(app))


def signed_in(
    app: Flask, account: Account, *, minutes_ago: int = 0, half: bool = False
) -> Visitor:
    """Somebody who has, so long ago; the pages of signing in have tests of their own."""
    token = secrets.token_urlsafe(32)
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    db.session.add(
        AccountSession(
            token_hash=sessions.hash_of(token),
            account_id=account.id,
            half=half,
            created_at=at,
            seen_at=datetime.now(UTC),
            factor_at=None if half else at,
        )
    )
    db.session.commit()
    visitor = Visitor(client_of(app))
    with visitor.client.session_transaction() as session:
        session[sessions.SID] = token
    return visitor


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"the page has no hidden {name}"
    return html.unescape(found[1])


def bare(page: str, *words: str) -> str:
    """A page without what differs each time: tokens, the time, and given words."""
    page = re.sub(r"<time .*?</time>", "", TOKEN.sub("", page))
    for word in words:
        page = page.replace(word, "")
    return page


def shown(page: str) -> str:
    """The text of a page as a reader meets it."""
    bare = re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(bare).split())
