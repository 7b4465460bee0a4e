"""Several processes at once: one chain each, whole, without forks, gaps or deadlocks."""

import subprocess
import sys
from pathlib import Path

from sqlalchemy import func, select

from tests import factories
from tests.journal.conftest import entries, levels
from tracing.extensions import db
from tracing.journal import checkpoints
from tracing.journal.kinds import Kind
from tracing.models import JournalCheckpoint
from workflows.policies import Role

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = 4
TIMES = 8

WORK = """
import sys
from pathlib import Path
from tracing import create_app
from tracing.accounts.actors import actor_of
from tracing.casework import either
from tracing.config import Settings
from tracing import extensions
from tracing.extensions import db
from tracing.journal import checkpoints, journal
from tracing.journal.kinds import Kind
from tracing.models import Account
from workflows.facts import Text
from workflows.states import Trigger
# Who waits for the one writer of SQLite is served in no order.
extensions.PRAGMAS += ("busy_timeout=120000",)
extensions.TIMEOUTS["lock_timeout"] = "60s"
url, instance, person, reference, times, *parties = sys.argv[1:]
app = create_app(Settings.for_tests(url, Path(instance)))
with app.app_context():
    account = db.session.get_one(Account, int(person))
    actor = actor_of(account)
    db.session.commit()
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(int(times)):
        if reference != "-":
            either.write(Trigger.ENQUIRE, reference, actor, Text(f"enquiry {n}"))
        journal.read(Kind.READ, actor, about=reference, parties=map(int, parties))
        if n % 5 == 0:
            checkpoints.make_all()
    db.session.remove()
    db.engine.dispose()
"""


def at_once(settings, works):
    """Run one process for each piece of work, from one signal on."""
    db.session.commit()
    running = [
        subprocess.Popen(
            [
                *(sys.executable, "-W", "error", "-c", WORK),
                *(settings.database_url, settings.instance),
                *map(str, work),
            ],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for work in works
    ]
    try:
        for process in running:
            assert process.stdout.readline() == "ready\n", process.stderr.read()
        for process in running:
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in running:
            _, err = process.communicate(timeout=300)
            assert process.returncode == 0, err
    finally:
        for process in running:
            process.kill()
            process.wait()
    db.session.expire_all()


def test_both_ways_between_two_authorities_every_entry_is_in_both_chains_once(
    of, settings
):
    back = factories.Sides(
        of.asked,
        of.asking,
        factories.person(of.asked, Role.INVESTIGATOR),
        factories.person(of.asking, Role.OFFICER),
    )
    # Each process on a request of its own, from both sides of both: locks taken
    # crosswise would wait for each other for ever.
    requests = [factories.sent(side) for side in (of, of, back, back)]
    people = (of.investigator, of.officer, back.investigator, back.officer)
    numbers = (of.asking.id, of.asked.id)
    at_once(
        settings,
        [
            (person.id, request.reference, TIMES, *numbers)
            for person, request in zip(people, requests, strict=True)
        ],
    )
    assert set(levels().values()) == {0}
    for chain in numbers:
        found = entries(chain, Kind.ENQUIRE, Kind.READ)
        assert len(found) == 2 * PROCESSES * TIMES
        assert len({entry.said["payload"] for entry in found}) == len(found)
    assert db.session.scalar(select(func.count()).select_from(JournalCheckpoint))
    checkpoints.make_all()
    assert set(levels().values()) == {0}


def test_a_chain_is_opened_once_however_many_want_it_first(of, settings):
    fresh = [factories.person(None, Role.SUPERVISOR) for _ in range(2)]
    db.session.commit()
    chains = [person.authority_id for person in fresh]
    works = [(person.id, "-", 5, *chains) for person in fresh for _ in range(2)]
    at_once(settings, works)
    assert set(levels().values()) == {0}
    for chain in chains:
        assert len(entries(chain, Kind.READ)) == 20
