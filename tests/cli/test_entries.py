"""What is done on the command line stands in the journal of the system."""

import os
from dataclasses import replace

import pytest

from tests import factories
from tests.journal.conftest import entries
from tracing.cli import mail, privacy
from tracing.extensions import db
from tracing.journal.journal import SYSTEM
from tracing.journal.kinds import Kind
from tracing.models import Delivery, OutboxMessage
from tracing.security.fields import Ring, field_keys, write_keys
from workflows.states import Trigger


@pytest.fixture
def settings(settings, tmp_path):
    """Keys of a file, which can be changed."""
    write_keys(tmp_path / "instance" / "field-keys", Ring.read(settings.field_keys))
    return replace(settings, field_keys="")


@pytest.fixture
def run(app):
    runner = app.test_cli_runner()

    def running(group, *arguments):
        db.session.commit()
        done = runner.invoke(group, arguments)
        assert done.exit_code == 0, done.output
        db.session.rollback()
        db.session.expire_all()

    return running


def said(kind):
    return [one.payload for one in entries(SYSTEM, kind)]


def test_every_change_of_the_keys(session, run):
    run(privacy.keys, "add")
    run(privacy.keys, "rotate", "--pause", "0", "--most", "1")
    # Long enough ago that no page closes with the older one any more.
    os.utime(field_keys().file, (0, 0))
    run(privacy.keys, "drop", "1")
    wanted = [{"added": 2}, {"closed_anew_with": 2}, {"dropped": 1}]
    assert said(Kind.KEYS_CHANGED) == wanted
    assert list(field_keys().ring.keys) == [2]


def test_mail_that_is_held_back_let_go_and_given_up(session, run):
    of = factories.sides()
    factories.after(of, Trigger.SUBMIT)
    run(mail.group, "pause", "--why", "the mailboxes are moved")
    run(mail.group, "resume", "--drop-older")
    paused, resumed = said(Kind.MAIL_CHANGED)
    assert paused == {"mail": "paused", "why": "the mailboxes are moved"}
    dead = [m for m in db.session.query(OutboxMessage) if m.delivery is Delivery.DEAD]
    assert resumed == {"mail": "resumed", "given_up": len(dead)}
    assert dead
