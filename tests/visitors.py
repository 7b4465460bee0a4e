"""A person at the pages, without a screen: signs in, follows, fills in, presses."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests.conftest import client_of
from tracing.models import Account

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


def signed_in(app: Flask, account: Account) -> Visitor:
    """Somebody who has; the page of signing in has tests of its own."""
    visitor = Visitor(client_of(app))
    with visitor.client.session_transaction() as session:
        session["_user_id"] = account.fs_uniquifier
        session["_fresh"] = True
        session["identity"] = account.fs_uniquifier
    return visitor


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"the page has no hidden {name}"
    return html.unescape(found[1])


def shown(page: str) -> str:
    """The text of a page as a reader meets it."""
    bare = re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(bare).split())
