"""The keys are turned while people work, and what a killed run left the next one does."""

import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text

from tests import factories
from tests.journal.conftest import worst
from tests.visitors import shown, signed_in
from tracing.casework import queries, resealing
from tracing.cli.privacy import keys as keys_group
from tracing.config import KEY_FILE, write_secrets
from tracing.extensions import db
from tracing.models import Person
from tracing.models.sealed import Sealed, Sealing, new_seal, place_of
from tracing.security.fields import FieldKeys, field_keys
from workflows.facts import Text
from workflows.states import Trigger
from workflows.vocabulary import PersonRole

ROOT = Path(__file__).resolve().parents[2]
ROWS = 10_000
TURN = """
import sys
from pathlib import Path
from tracing import create_app
from tracing.config import Settings
from tracing.casework import resealing

url, folder = sys.argv[1:]
given = {"database_url": url, "instance": folder, "secret_key": "test-" * 8}
marks = {"index_key": "test-" * 8, "journal_key": "test-" * 8}
words = {"password_salt": "test-" * 8, "totp_key": "test-" * 8}
app = create_app(Settings(**given, **marks, **words))
with app.app_context():
    resealing.rotate(
        size=500, pause=0.1, told=lambda name, n: print(name, n, flush=True)
    )
"""


@pytest.fixture
def settings(settings):
    """Keys in the file, where they can change while processes run."""
    write_secrets(Path(settings.instance), {})
    return dataclasses.replace(settings, field_keys="")


@pytest.fixture
def of(session):
    return factories.sides()


def fill(request, n):
    """Name very many people in a request, by one statement."""
    held, table, whose = field_keys(), Person.__table__, request.requesting_id
    seals = [new_seal() for _ in range(n)]
    rows = [
        {
            "request_id": request.id,
            "authority_id": whose,
            "role": PersonRole.OTHER,
            "seal": seal,
            "family_name": held.close(
                f"Person {i}", place_of("person", "family_name", seal, whose)
            ),
        }
        for i, seal in enumerate(seals)
    ]
    db.session.execute(insert(table), rows)
    db.session.commit()


def run(app, *given):
    db.session.remove()
    done = app.test_cli_runner().invoke(keys_group, given)
    assert done.exit_code == 0, done.output
    return done.output


def test_ten_thousand_rows_are_turned_while_pages_read_and_write(app, settings, of):
    case = factories.sent(of)
    crowd = factories.draft(of)
    fill(crowd, ROWS)
    reference = case.reference
    worker = signed_in(app, of.officer)
    asks, answers = map(factories.actor_of, (of.investigator, of.officer))
    run(app, "add")
    assert field_keys().ring.first == 2
    said = []

    def work(n):
        """Open the page and take a step, as somebody does meanwhile."""
        page = worker.get(f"/trace-requests/{reference}")
        assert page.status_code == 200
        said.append(f"Enquiry {n}")
        given = Text(said[-1])
        factories.take(of, reference, Trigger.ENQUIRE, given, actor=asks)

    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", TURN, settings.database_url, settings.instance],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        ) as turning:
            try:
                for n in range(5):
                    assert turning.stdout.readline()
                    work(n)
            finally:
                turning.kill()
    left = resealing.counts()
    assert left[1] > 0
    assert left[2] > 0
    assert "0 values are on older keys" in run(app, "rotate", "--pause", "0")
    assert {key: n for key, n in resealing.counts().items() if key != 2} == {
        0: 0,
        1: 0,
    }
    file = Path(app.instance_path) / KEY_FILE
    os.utime(file)
    refused = app.test_cli_runner().invoke(keys_group, ["drop", "1"])
    assert (refused.exit_code, "in a minute" in refused.output) == (1, True)
    a_while_ago = time.time() - 61
    os.utime(file, (a_while_ago, a_while_ago))
    run(app, "drop", "1")
    assert list(field_keys().ring.keys) == [2]
    everybody = db.session.scalars(select(Person).order_by(Person.id))
    names = [person.family_name for person in everybody]
    assert names.count("Exampleson") == 2
    assert [n for n in names if n != "Exampleson"] == [
        f"Person {i}" for i in range(ROWS)
    ]
    db.session.expire_all()
    found = queries.by_reference(reference, answers)
    texts = [e.carried["text"] for e in found.events if "text" in e.carried]
    assert texts == said
    assert said[-1] in shown(worker.get(f"/trace-requests/{reference}").text)
    assert worst() == 0


def test_a_run_ends_after_as_many_rows_as_it_is_told(app, of):
    case = factories.sent(of)
    fill(case, 30)
    run(app, "add")
    assert resealing.rotate(size=10, most=10) <= 20
    assert resealing.counts()[1] > 0
    assert resealing.rotate() > 0
    assert resealing.rotate() == 0
    assert resealing.counts()[1] == 0


def test_a_change_that_came_between_is_not_written_over(app, of, monkeypatch):
    case = factories.sent(of)
    number = case.recovery_id
    run(app, "add")
    real, newer = FieldKeys.open, []

    def slow(self, sealed, place):
        if place.startswith("recovery.place|") and not newer:
            newer.append(self.close("Elsewhere", place))
            db.session.execute(
                text("UPDATE recovery SET place = :new WHERE id = :id"),
                {"new": newer[0], "id": number},
            )
        return real(self, sealed, place)

    monkeypatch.setattr(FieldKeys, "open", slow)
    resealing.rotate()
    value = db.session.scalar(text("SELECT place FROM recovery"))
    assert value == newer[0]


def test_status_says_what_each_key_holds_and_drop_keeps_what_is_needed(app, of):
    factories.sent(of)
    assert "key 1" in run(app, "status")
    run(app, "add")
    said = run(app, "status")
    assert "key 2: 0 values" in said
    assert "closes" in said
    db.session.remove()
    runner = app.test_cli_runner()
    refused = runner.invoke(keys_group, ["drop", "1"])
    assert refused.exit_code == 1
    assert "rotate" in refused.output
    assert runner.invoke(keys_group, ["drop", "2"]).exit_code == 1
    file = Path(app.instance_path) / KEY_FILE
    assert file.stat().st_mode & 0o777 == 0o600


def test_every_sealed_table_is_turned():
    from tracing.models import Base

    tables = {
        mapper.local_table.name
        for mapper in Base.registry.mappers
        if issubclass(mapper.class_, Sealing)
        and any(isinstance(c, Sealed) for c in vars(mapper.class_).values())
    }
    turned = {kept.table.name for kept in resealing.all_kept()}
    assert turned == tables | {"journal_payload"}
