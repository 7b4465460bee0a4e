"""Four processes at once: nothing is lost and nothing is done twice."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from tests import factories
from tracing.extensions import db
from tracing.models import Authority, FormKey, TraceRequest
from workflows.states import State, Trigger

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = 4
TIMES = 10

START = """
import sys
from pathlib import Path
from sqlalchemy import select
from tracing import create_app
from tracing.accounts.actors import actor_of
from tracing.casework import either, requested, requesting
from tracing.config import Settings
from tracing import extensions
from tracing.extensions import db
from tracing.faults import AlreadyDone, Stale
from tracing.models import Account
from workflows.errors import TransitionNotAllowed
from workflows.facts import Text
from workflows.states import Trigger
# Who waits for the one writer of SQLite is served in no order.
extensions.PRAGMAS += ("busy_timeout=120000",)
extensions.TIMEOUTS["lock_timeout"] = "60s"
url, instance, person, reference, times = sys.argv[1:]
app = create_app(Settings.for_tests(url, Path(instance)))
with app.app_context():
    account = db.session.get_one(Account, int(person))
    actor = actor_of(account)
    db.session.commit()
    print("ready", flush=True)
    sys.stdin.readline()
"""
COUNT = """
    for _ in range(int(times)):
        account = db.session.get_one(Account, actor.user_id)
        home = account.authority
        home.office_hours = str(int(home.office_hours or 0) + 1)
        db.session.commit()
"""
WRITE = """
    for n in range(int(times)):
        either.write(Trigger.NOTE, reference, actor, Text(f"note {n}"))
"""
ACKNOWLEDGE = """
    try:
        requested.acknowledge(reference, actor, version=int(times))
        print("done")
    except (Stale, TransitionNotAllowed):
        print("refused")
"""
DRAFT = """
    try:
        requesting.draft(actor, {}, form_key="the-same-form")
        print("done")
    except AlreadyDone as told:
        print("before")
"""


@pytest.fixture
def settings(settings):
    """SQLite alone: PostgreSQL has its own way, tested by its makers."""
    if not settings.database_url.startswith("sqlite"):
        pytest.skip("about the one writer of SQLite")
    return settings


def at_once(settings, what, person, reference="-", times=TIMES):
    """Run the same in four processes that start at one signal; return what they say."""
    arguments = [settings.database_url, settings.instance, person, reference, times]
    db.session.commit()
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", START + what, *map(str, arguments)],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(PROCESSES)
    ]
    try:
        for process in running:
            assert process.stdout.readline() == "ready\n", process.stderr.read()
        for process in running:
            process.stdin.write("go\n")
            process.stdin.flush()
        said = []
        for process in running:
            out, err = process.communicate(timeout=300)
            assert process.returncode == 0, err
            said.append(out.strip())
    finally:
        for process in running:
            process.kill()
            process.wait()
    db.session.expire_all()
    return said


def test_what_is_read_and_then_written_is_never_lost(of, settings):
    at_once(settings, COUNT, of.investigator.id)
    found = db.session.get_one(Authority, of.asking.id)
    assert int(found.office_hours) == PROCESSES * TIMES


def test_every_note_of_four_processes_is_in_the_history_once(of, settings):
    request = factories.sent(of)
    at_once(settings, WRITE, of.officer.id, request.reference)
    found = db.session.scalars(select(TraceRequest)).one()
    assert len(found.events) == 1 + PROCESSES * TIMES
    positions = [happened.position for happened in found.events]
    assert positions == list(range(1, len(positions) + 1))


def test_of_four_who_acknowledge_the_same_page_one_does(of, settings):
    request = factories.sent(of)
    said = at_once(
        settings, ACKNOWLEDGE, of.officer.id, request.reference, request.version
    )
    assert sorted(said) == ["done", "refused", "refused", "refused"]
    found = db.session.scalars(select(TraceRequest)).one()
    assert found.state is State.ACKNOWLEDGED
    assert factories.triggers_of(found) == [Trigger.SUBMIT, Trigger.ACKNOWLEDGE]


def test_of_four_clicks_on_one_form_one_makes_the_draft(of, settings):
    said = at_once(settings, DRAFT, of.investigator.id)
    assert sorted(said) == ["before", "before", "before", "done"]
    assert len(db.session.scalars(select(TraceRequest)).all()) == 1
    assert len(db.session.scalars(select(FormKey)).all()) == 1
