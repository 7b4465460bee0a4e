"""Somebody at the pages of signing in, with an authenticator in the hand."""

import re
import time
from base64 import b32decode
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from flask import Flask

from tests import factories
from tests.conftest import client_of
from tests.visitors import Visitor
from tracing.models import Account


@dataclass
class Desk(Visitor):
    """One browser, and the key of an authenticator once it is set up."""

    key: str = ""
    agent: str = ""

    @classmethod
    def of(cls, app: Flask, agent: str = "") -> "Desk":
        return cls(client_of(app), agent=agent)

    def signs_in(
        self,
        account: Account | str,
        password: str = factories.PASSWORD,
        address: str = "127.0.0.1",
    ) -> Any:
        email = account if isinstance(account, str) else account.email
        self.get("/sign-in")
        return self.post(
            "/sign-in",
            {"email": email, "password": password},
            headers={"User-Agent": self.agent} if self.agent else {},
            environ_overrides={"REMOTE_ADDR": address},
        )

    def sets_up(self) -> list[str]:
        """Set an authenticator up; return the recovery codes that were shown."""
        self.get("/second-factor")
        page = self.post("/second-factor").text
        self.key = re.search(r'class="mark">([A-Z2-7-]+)<', page)[1]
        done = self.post("/second-factor/confirm", {"code": self.code()})
        return re.findall(r'class="mark">([a-z2-7-]+)<', done.text)

    def code(self, at: float | None = None) -> str:
        secret = b32decode(self.key.replace("-", ""))
        totp = TOTP(secret, 6, SHA1(), 30, enforce_key_length=False)
        return totp.generate(at or time.time()).decode()


def at_the_desk(app: Flask, account: Account, agent: str = "") -> Desk:
    """Somebody who has signed in by the page, with the password alone."""
    desk = Desk.of(app, agent)
    desk.signs_in(account)
    return desk
