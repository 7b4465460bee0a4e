"""The doctor on other registers: each thing is broken in earnest, and seen."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import factories
from tests.operations.test_doctor import changes, look  # noqa: F401 - fixtures
from tracing.casework import lookups, notices
from tracing.cli.lookups import prepare_stand_in
from tracing.extensions import db
from tracing.lookups import gate, registers
from tracing.models import HitNotice, Lookup
from tracing.reference import certificates
from workflows.states import Trigger
from workflows.vocabulary import LookupOutcome

NOW = datetime.now(UTC)


@pytest.fixture
def desk(app, session):
    """A desk that has a stand-in for its register."""
    instance = Path(app.instance_path)
    prepare_stand_in(instance)
    app.extensions[registers.REGISTERS] = registers.load(instance)
    return instance


def test_a_file_of_registers_that_others_may_read(desk, changes):  # noqa: F811
    (desk / registers.FILE).chmod(0o640)
    assert "chmod 600" in changes()["registers-file"]


def test_a_certificate_that_ends_or_is_gone(desk, changes):  # noqa: F811
    assert "certificates" not in changes()
    soon = NOW + certificates.LASTS - timedelta(days=5)
    assert " days: ask for a new one" in changes(soon)["certificates"]
    assert "ended" in changes(soon + timedelta(days=9))["certificates"]
    (desk / "stand-in" / "client.pem").write_text("no certificate")
    assert "cannot be read" in changes()["certificates"]


def test_a_look_up_that_nobody_asks(desk, changes):  # noqa: F811
    of = factories.sides()
    steps = (Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    reference = factories.after(of, *steps).reference
    officer = factories.actor_of(of.officer)
    names, now = ["by-hand", "stand-in"], datetime.now(UTC)
    lookups.ask(reference, officer, names, purpose="To see", now=now)
    assert "look-ups" not in changes()
    assert (
        "a look-up waits since 60 minutes"
        in (changes(now + timedelta(hours=1))["look-ups"])
    )
    # One that is searched by hand waits for a person, and not for the worker.
    db.session.query(Lookup).filter_by(register="stand-in").delete()
    assert "look-ups" not in changes(now + timedelta(hours=1))


def test_a_register_that_does_not_answer(desk, changes):  # noqa: F811
    one = registers.all_of()["stand-in"]
    for _ in range(one.breaker_after):
        gate.tell(one, LookupOutcome.UNAVAILABLE, NOW)
    assert "stand-in: left in peace" in changes(NOW)["registers"]
    assert "registers" not in changes(NOW + timedelta(hours=1))


def test_hits_that_nobody_is_told(desk, changes):  # noqa: F811
    notices._source("stand-in").of_nobody = 2
    assert "--again stand-in" in changes()["notices"]
    assert db.session.query(HitNotice).count() == 0
