"""The stand-in of a demonstration: started and ended with it, and said to be one."""

import os
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests import factories
from tests.environ import SECRETS
from tests.lookups.conftest import asker
from tests.visitors import shown, signed_in
from tracing.cli import demo, lookups
from tracing.lookups import registers
from tracing.lookups.port import NotAnswered, Query
from tracing.reference import certificates
from workflows.policies import Role
from workflows.states import Trigger
from workflows.vocabulary import LookupOutcome

ROOT = Path(__file__).resolve().parents[2]
MET = next(iter(demo.reported()))
SERVE = (
    "import os; from pathlib import Path; from tracing.config import load;"
    " from tracing.cli.serve import serve_command;"
    " serve_command(load(Path(os.environ['TRACING_INSTANCE_PATH'])))"
)


@pytest.fixture
def instance(tmp_path):
    folder = tmp_path / "instance"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def answer(found):
    """What the stand-in says of a record of the demonstration."""
    query = Query(MET[3], make=MET[4])
    return found.asked.search(query, "a try", asker("b" * 32))


def test_it_knows_firearms_that_are_asked_about():
    requests = {str(demo.markings_of(n).get("serial")) for n in range(1, 300)}
    rows = list(demo.reported())
    assert len(rows) > 30
    assert {row[3] for row in rows} <= requests
    assert len({row[0] for row in rows}) == len(rows)


def test_settings_of_somebody_else_stay_as_they_are(instance):
    file = instance / registers.FILE
    file.write_text("# mine\n")
    assert not lookups.prepare_stand_in(instance)
    assert file.read_text() == "# mine\n"
    assert not (instance / lookups.FOLDER).exists()


def test_what_it_needs_is_made_once_and_renewed_in_time(instance, monkeypatch):
    assert lookups.prepare_stand_in(instance)
    folder = instance / lookups.FOLDER
    kept = {name: (folder / name).read_bytes() for name in ("key", "server.pem")}
    assert lookups.prepare_stand_in(instance)
    assert {name: (folder / name).read_bytes() for name in kept} == kept
    for file in (instance / registers.FILE, *folder.iterdir()):
        assert file.stat().st_mode & 0o077 == 0, file
    monkeypatch.setattr(lookups, "RENEWED", certificates.LASTS + timedelta(days=1))
    assert lookups.prepare_stand_in(instance)
    assert (folder / "server.pem").read_bytes() != kept["server.pem"]


def test_a_port_that_is_taken_is_left_to_its_owner():
    with socket.socket() as taken:
        taken.bind((certificates.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert lookups.free_port(port) not in (0, port)
    assert lookups.free_port(port) == port


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_it_starts_with_the_demonstration_and_ends_with_it(app, session, instance):
    given = {k: v for k, v in os.environ.items() if not k.startswith("TRACING_")}
    given |= SECRETS | {
        "TRACING_INSTANCE_PATH": str(instance),
        "TRACING_DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"],
        "TRACING_DEMONSTRATION": "true",
        "TRACING_PORT": str(lookups.free_port(0)),
        "TRACING_WORKERS": "1",
    }
    process = subprocess.Popen([sys.executable, "-c", SERVE], cwd=ROOT, env=given)
    try:
        found = wait_for(instance)
        assert found.invented
        assert answer(found).outcome is LookupOutcome.HIT
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    with pytest.raises(NotAnswered, match="cannot be reached"):
        answer(found)


def wait_for(instance):
    """The register, once it answers."""
    give_up = time.monotonic() + 60
    while True:
        try:
            found = registers.load(instance)["stand-in"]
            found.asked.check()
        except (KeyError, NotAnswered):
            assert time.monotonic() < give_up
            time.sleep(0.1)
        else:
            return found


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_pages_say_that_it_is_one(app, session, instance):
    lookups.prepare_stand_in(instance)
    app.extensions[registers.REGISTERS] = registers.load(instance)
    of = factories.sides()
    request = factories.after(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    keeper = factories.person(of.asked, Role.ADMINISTRATOR)
    officer = signed_in(app, of.officer)
    page = f"/trace-requests/{request.reference}"
    said = "not INTERPOL’s"
    searched = officer.get(f"{page}/look-ups").text
    assert said in shown(searched)
    officer.post(f"{page}/look-ups", {"register": "stand-in", "purpose": "A try"})
    where = officer.get(f"{page}/look-ups").text.partition(f'href="{page}/look-ups/')[2]
    token = where.partition('"')[0]
    assert said in shown(officer.get(f"{page}/look-ups/{token}").text)
    assert said in shown(signed_in(app, keeper).get("/registers").text)
