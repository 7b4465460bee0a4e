"""`tracing account`: the way out of an administrator who is alone."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from tests import factories
from tests.journal.conftest import entries
from tests.visitors import signed_in
from tracing.cli.account import group
from tracing.extensions import db
from tracing.journal.journal import SYSTEM
from tracing.journal.kinds import Kind
from tracing.models import Account, OutboxMessage
from tracing.notifications.render import render
from workflows.policies import Role

WHY = "Called back on the number of the directory"


@pytest.fixture
def settings(settings):
    return replace(settings, second_factor_required=True)


@pytest.fixture
def admin(session):
    made = factories.person(
        None, Role.ADMINISTRATOR, tf_totp_secret="x", mf_recovery_codes=["y"]
    )
    session.commit()
    return made


@pytest.fixture
def run(app):
    runner = app.test_cli_runner()

    def running(*arguments):
        db.session.commit()
        done = runner.invoke(group, ["reset-second-factor", *arguments])
        assert done.exception is None or isinstance(done.exception, SystemExit)
        db.session.rollback()
        return done.exit_code, done.output

    return running


def secret_of(account):
    db.session.expire_all()
    return db.session.get_one(Account, account.id).tf_totp_secret


def test_it_resets_enters_and_tells(app, admin, run):
    visitor = signed_in(app, admin)
    home = admin.authority
    code, said = run(admin.email, "--reason", WHY, "--yes")
    assert (code, "is reset" in said) == (0, True)
    assert secret_of(admin) is None
    assert visitor.get("/people").status_code == 303
    for chain in (SYSTEM, home.id):
        (entry,) = entries(chain, Kind.FACTOR_CHANGED)
        assert entry.said["by"] == "system"
        assert entry.payload["why"] == WHY
    told = {row.recipient: row for row in db.session.scalars(select(OutboxMessage))}
    assert set(told) == {home.email, admin.email}
    text = render(told[home.email], "https://d.example", "d@d.example").text
    assert "tell whoever runs the system at once" in text


def test_it_is_not_a_way_around_a_second_administrator(admin, run):
    factories.person(admin.authority, Role.ADMINISTRATOR)
    code, said = run(admin.email, "--reason", WHY, "--yes")
    assert (code, "on the page People" in said) == (1, True)
    assert secret_of(admin) == "x"


@pytest.mark.parametrize("email", ["nobody@x.example", "nonsense", "\0"])
def test_who_is_not_there_is_said(admin, run, email):
    assert run(email, "--reason", WHY, "--yes")[0] == 1


@pytest.mark.parametrize("reason", ["", " ", "a\nb", "x" * 501])
def test_a_reason_is_asked_for(admin, run, reason):
    assert run(admin.email, "--reason", reason, "--yes")[0] == 1
    assert secret_of(admin) == "x"


def test_nothing_is_done_before_it_is_confirmed(admin, run):
    assert run(admin.email, "--reason", WHY)[0] == 1
    assert secret_of(admin) == "x"
    assert db.session.scalars(select(OutboxMessage)).all() == []
