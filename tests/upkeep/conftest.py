"""An entry with people who keep it, and a worker that one calls by hand."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from tests import factories
from tests.visitors import signed_in
from tracing.extensions import db
from tracing.models import Account, Authority, OutboxMessage
from tracing.security import tokens
from tracing.upkeep import changing
from workflows.policies import Role


@dataclass
class Desk:
    """An entry, two who keep it, and one of another authority who files."""

    app: object
    entry: Authority
    one: Account
    two: Account
    other: Account

    def visit(self, account: Account):
        """A browser of that person."""
        return signed_in(self.app, account)

    def page(self, path: str = "") -> str:
        """The address of the entry, or of something about it."""
        return f"/points-of-contact/{self.entry.code}{path}"

    def form(self, **changes: str) -> dict[str, str]:
        """What the browser posts to propose a change."""
        from tracing.directory import columns

        cells = columns.cells_of(self.entry)
        return cells | {"version": str(self.entry.version), "why": "A call."} | changes

    def propose(self, account: Account, **changes: str):
        """Propose a change by the page."""
        self.fresh()
        return self.visit(account).post(self.page("/change"), self.form(**changes))

    def decide(self, account: Account, number: int, decision: str = "accept"):
        """Decide a proposal by the page."""
        where = f"/points-of-contact/proposals/{number}"
        return self.visit(account).post(where, {"decision": decision})

    def work(self) -> int:
        """Let the worker make what was agreed on."""
        db.session.commit()
        made = changing.carry_out(datetime.now(UTC))
        self.fresh()
        return made

    def fresh(self) -> None:
        """Look at the entry anew."""
        db.session.commit()
        db.session.expire_all()

    def mails(self, news: str) -> list[OutboxMessage]:
        """What was written of a kind."""
        db.session.commit()
        rows = db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
        return [row for row in rows if row.facts.get("news") == news]

    def link_in(self, mail: OutboxMessage) -> str:
        """Where the link of a mail leads."""
        secret = self.app.config["SECRET_KEY"]
        token = tokens.derive(secret, mail.event, mail.facts["salt"])
        return mail.facts["path"] + token


@pytest.fixture
def desk(app, session):
    """The same."""
    entry = factories.authority(
        name="Example Bureau",
        email="desk@ke.example",
        emails=("deputy@ke.example",),
        supervisor_email="chief@ke.example",
        phone="+254202222222",
        last_confirmed=datetime(2026, 1, 1, tzinfo=UTC),
    )
    made = Desk(
        app,
        entry,
        factories.person(entry, Role.MAINTAINER),
        factories.person(entry, Role.SUPERVISOR),
        factories.person(factories.authority(country="BR"), Role.INVESTIGATOR),
    )
    session.commit()
    return made
