"""A program at the interface: comes with a token, sends JSON, reads answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests.conftest import client_of
from tracing.accounts import tokens
from tracing.accounts.actors import actor_of
from tracing.accounts.sessions import utc_now
from tracing.accounts.tokens import Scope
from tracing.extensions import db
from tracing.models import Account, ClientToken
from tracing.security.programs import ROOT
from tracing.security.tokens import hash_of

numbers = count(1)


@dataclass
class Program:
    """One client of the interface."""

    client: Any
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def call(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> TestResponse:
        """Call an operation; a header is named with underscores."""
        sent = dict(self.headers)
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        address = path if path.startswith("/") else f"{ROOT}/{path}"
        found: TestResponse = self.client.open(
            address, method=method, data=data, headers=sent
        )
        found.get_data()
        return found

    def get(self, path: str, **headers: str) -> TestResponse:
        """Read."""
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Act, under a fresh key unless one is given."""
        headers.setdefault("Idempotency_Key", f"key-{next(numbers)}")
        return self.call("POST", path, body, **headers)


def program(app: Flask, account: Account, *scopes: Scope, **given: Any) -> Program:
    """A program that works as an account, with a token for everything."""
    token = tokens.PREFIX + f"{next(numbers):043d}"
    now = utc_now()
    usual: dict[str, Any] = {
        "authority_id": account.authority_id,
        "account_id": account.id,
        "label": "Program of the tests",
        "token_hash": hash_of(token),
        "scopes": scopes or tuple(Scope),
        "networks": (),
        "made_by_id": account.id,
        "made_at": now,
        "expires_at": now + timedelta(days=9),
        # A fresh one: nothing is written when it is used.
        "used_at": now,
    }
    db.session.add(ClientToken(**(usual | given)))
    db.session.commit()
    return Program(client_of(app), token)


__all__ = ["actor_of"]
