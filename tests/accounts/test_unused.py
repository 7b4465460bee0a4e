"""Accounts that nobody uses are switched off; one administrator always stays."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests import factories
from tests.journal import forger
from tests.journal.conftest import entries
from tests.programs import program
from tests.visitors import signed_in, stranger
from tracing import worker
from tracing.accounts import managing, people, unused
from tracing.accounts.actors import actor_of
from tracing.accounts.sessions import utc_now
from tracing.extensions import db
from tracing.journal.kinds import Kind
from tracing.models import Account, OutboxMessage, Webhook
from tracing.notifications.render import render
from workflows.policies import Role

BEGAN = utc_now() - timedelta(days=200)


@pytest.fixture
def home(session):
    """An authority whose journal began long ago, with its first administrator."""
    made = factories.authority()
    session.commit()
    with time_machine.travel(BEGAN, tick=False):
        person(made, "admin", Role.ADMINISTRATOR)
    return made


def person(home, name, *roles):
    made = people.add_person(
        home,
        name,
        f"{name}@people.example",
        factories.PASSWORD,
        roles or [Role.OFFICER],
    )
    db.session.commit()
    return made


def joined(home, name, days_ago, *roles):
    with time_machine.travel(utc_now() - timedelta(days=days_ago), tick=False):
        return person(home, name, *roles)


def active():
    db.session.expire_all()
    found = db.session.scalars(select(Account).where(Account.active.is_(True)))
    return {one.name for one in found}


def by_page(app, account, days_ago):
    with time_machine.travel(utc_now() - timedelta(days=days_ago), tick=False):
        visitor = stranger(app)
        visitor.get("/sign-in")
        form = {"email": account.email, "password": factories.PASSWORD}
        assert visitor.post("/sign-in", form).status_code == 302


def test_after_ninety_days_and_not_before(app, home):
    idle = joined(home, "idle", 150)
    recent = joined(home, "recent", 150)
    joined(home, "new", 89)
    by_page(app, idle, 91)
    by_page(app, recent, 89)
    assert worker.switch_off() == 1
    assert active() == {"admin", "recent", "new"}
    assert worker.switch_off() == 0
    (entry,) = entries(home.id, Kind.ACCOUNT_CHANGED)
    assert entry.payload == {"account": idle.id, "active": False, "unused_days": 90}
    assert entry.said["by"] == "system"
    (told,) = db.session.scalars(select(OutboxMessage))
    assert told.recipient == "admin@people.example"
    text = render(told, "https://desk.example", "desk@desk.example").text
    assert "not used for 90 days" in text
    assert f"https://desk.example/people/{idle.id}" in text
    assert "idle" not in text


def test_one_that_was_switched_on_again_begins_anew(app, home):
    idle = joined(home, "idle", 150)
    assert worker.switch_off() == 1
    admin = db.session.scalars(select(Account).where(Account.name == "admin")).one()
    managing.enable(idle.id, actor_of(admin))
    assert worker.switch_off() == 0
    assert "idle" in active()


def test_where_an_entry_does_not_open_nobody_is_switched_off(app, home):
    joined(home, "idle", 150)
    joined(home, "new", 30)
    forger.disarm()
    payload = "UPDATE journal_payload SET payload = 'v9.x' WHERE chain_id = :c"
    newest = " AND seq = (SELECT max(seq) FROM journal_entry WHERE chain_id = :c)"
    forger.run(payload + newest, c=home.id)
    assert worker.switch_off() == 0
    assert active() == {"admin", "idle", "new"}


def test_an_open_page_of_it_is_shut_at_once(app, home):
    idle = joined(home, "idle", 150)
    visitor = signed_in(app, idle)
    assert visitor.get("/my-requests").status_code == 200
    db.session.rollback()
    assert worker.switch_off() == 1
    assert visitor.get("/my-requests").status_code == 303


def test_who_only_reads_by_a_program_or_is_told_is_used(app, home):
    reads, told = joined(home, "reads", 150), joined(home, "told", 150)
    idle, ended = joined(home, "idle", 150), joined(home, "ended", 150)
    now = utc_now()
    program(app, reads, used_at=now - timedelta(days=89))
    program(app, idle, used_at=now - timedelta(days=91))
    for account, until in ((told, None), (ended, now)):
        hook = Webhook(
            authority_id=home.id,
            account_id=account.id,
            url="https://cases.example/trace",
            made_at=BEGAN,
            position=0,
            disabled_at=until,
        )
        hook.secret = "s" * 32
        db.session.add(hook)
    db.session.commit()
    assert unused.switch_off(now) == 2
    assert active() == {"admin", "reads", "told"}


def test_the_last_administrator_and_the_operators_stay(home):
    joined(home, "second", 150, Role.ADMINISTRATOR)
    joined(home, "operator", 150, Role.OPERATOR)
    assert unused.switch_off(utc_now()) == 1
    assert active() == {"second", "operator"}


def test_a_young_journal_switches_nobody_off(session):
    home = factories.authority()
    factories.person(home, Role.OFFICER, name="old hand")
    session.commit()
    joined(home, "new", 30)
    assert unused.switch_off(utc_now()) == 0
    assert "old hand" in active()
