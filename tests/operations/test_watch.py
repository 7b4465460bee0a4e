"""Ready or not, and the figures: for machines, and telling them of nobody."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from tests import factories
from tests.notifications.people import message, owed
from tests.visitors import signed_in, stranger
from tracing import create_app, worker
from tracing.casework import lookups
from tracing.cli import serve
from tracing.extensions import db
from tracing.models import Lookup, LookupGate
from tracing.operations import figures, metrics, pause, state

TOKEN = "a-token-of-the-collector-0123456789"


@pytest.fixture
def tell(app, session):
    """Let the worker say its word, some time ago."""

    def telling(ago=timedelta(0)):
        db.session.commit()
        return figures.tell(Path(app.instance_path), now=datetime.now(UTC) - ago)

    return telling


def readiness(app) -> tuple[int, str]:
    answer = stranger(app).get("/readyz")
    if answer.status_code == 503:
        assert int(answer.headers["Retry-After"]) > 0
    return answer.status_code, answer.text


def test_with_database_and_worker_it_is_ready(app, tell):
    tell()
    assert readiness(app) == (200, "ready\n")


def test_without_a_worker_it_is_not(app, tell):
    assert readiness(app) == (503, "the worker is silent\n")
    tell(timedelta(minutes=4))
    assert readiness(app) == (503, "the worker is silent\n")


def test_with_other_tables_it_is_not(app, tell, session):
    tell()
    session.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    session.commit()
    assert readiness(app) == (503, "the tables are of another version\n")


def test_without_a_database_it_is_not(settings, tmp_path):
    gone = "postgresql://u:hush@127.0.0.1:9/x"
    app = create_app(replace(settings, database_url=gone))
    code, said = readiness(app)
    assert code == 503
    assert said == "the database does not answer\nthe worker is silent\n"


def test_mail_that_waits_counts_where_mail_should_leave(app, session, settings, tell):
    of = factories.authority()
    before = datetime.now(UTC) - timedelta(hours=1)
    db.session.add(message(of, created_at=before, next_at=before))
    tell()
    assert readiness(app)[0] == 200
    app.extensions["tracing.settings"] = replace(settings, smtp_host="127.0.0.1")
    assert readiness(app) == (503, "mail waits too long\n")
    pause.pause(Path(app.instance_path), "a restore", now=before)
    tell()
    assert readiness(app)[0] == 200


def test_the_worker_says_its_word_with_each_sweep(app, session):
    with app.app_context():
        worker.tell()
    instance, now = Path(app.instance_path), datetime.now(UTC)
    later = now + timedelta(seconds=figures.SILENT + 1)
    assert figures.is_running(instance, now=later)
    said = state.read(instance, state.WORKER)
    for elsewhere in ({"pid": 2**22 + 1}, {"host": "another"}):
        state.write(instance, state.WORKER, {**said, **elsewhere})
        assert figures.is_running(instance, now=now)
        assert not figures.is_running(instance, now=later)
        figures.farewell(instance)
        assert figures.is_running(instance, now=now)
    state.write(instance, state.WORKER, said)
    figures.farewell(instance)
    assert not figures.is_running(instance, now=now)


# --------------------------------------------------------------------------- figures


def test_a_part_of_its_work_that_fails_keeps_none_of_the_others(app, session, caplog):
    done = []

    def broken():
        raise OSError

    worker.each(broken, lambda: done.append("the next"))
    assert done == ["the next"]
    assert "broken failed" in caplog.text


def test_the_figures_tell_what_waits_and_name_nobody(app, session, tell):
    of = factories.sides(name="CANARY Person")
    request = factories.sent(of)
    long_ago = datetime.now(UTC) - timedelta(hours=2)
    db.session.add(message(of.asking, created_at=long_ago, next_at=long_ago))
    db.session.add(owed(request, at=long_ago))
    lookups.ask(
        *(request.reference, factories.actor_of(of.officer), ["by-hand"]),
        purpose="To see it in the figures",
    )
    row = db.session.scalars(select(Lookup)).one()
    row.register, row.next_at = "CANARY", long_ago
    db.session.add(
        LookupGate(register="CANARY", open_until=datetime.max.replace(tzinfo=UTC))
    )
    tell()
    visitor = signed_in(app, of.investigator)
    visitor.get(f"/trace-requests/{request.reference}")
    visitor.get("/CANARY")
    visitor.client.open("/CANARY", method="CANARY")
    said = stranger(app).get("/metrics").text
    page = '{method="GET",route="/trace-requests/<reference>",status="200"}'
    assert f"tracing_requests_total{page} 1.0" in said
    assert 'method="OTHER",route="(none)"' in said
    assert 'route="/trace-requests/<reference>"' in said
    figure = dict(re.findall(r"^(tracing_\w+) ([\d.e+]+)$", said, re.MULTILINE))
    assert float(figure["tracing_outbox_oldest_seconds"]) >= 7200
    assert float(figure["tracing_reminders_due"]) == 1
    assert float(figure["tracing_reminders_oldest_seconds"]) >= 7200
    assert float(figure["tracing_journal_unsigned_seconds"]) >= 0
    assert float(figure["tracing_look_ups_due"]) == 1
    assert float(figure["tracing_look_ups_oldest_seconds"]) >= 7200
    assert float(figure["tracing_registers_broken"]) == 1
    assert float(figure["tracing_registers_of_nobody"]) == 0
    assert "CANARY" not in said
    assert request.reference not in said


def test_without_a_token_they_are_for_this_machine_alone(app, client, session):
    assert client.get("/metrics").status_code == 200
    far = {"REMOTE_ADDR": "192.0.2.7"}
    assert client.get("/metrics", environ_base=far).status_code == 404
    handed_on = {"X-Forwarded-For": "192.0.2.7"}
    assert client.get("/metrics", headers=handed_on).status_code == 404


@pytest.mark.parametrize(
    "behind", [{"proxies": 1}, {"behind_https": True, "allowed_hosts": "localhost"}]
)
def test_behind_a_web_server_nobody_gets_them_without_a_token(
    settings, session, behind
):
    """It may hand a visit on and say nothing of from whom."""
    visitor = stranger(create_app(replace(settings, **behind))).client
    assert visitor.get("/metrics").status_code == 404


def test_with_a_token_they_are_for_whoever_knows_it(settings, session):
    app = create_app(replace(settings, metrics_token=TOKEN))
    visitor = stranger(app).client
    far = {"REMOTE_ADDR": "192.0.2.7"}
    refused = visitor.get("/metrics")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    wrong = {"Authorization": "Bearer something"}
    assert visitor.get("/metrics", headers=wrong).status_code == 401
    right = {"Authorization": f"Bearer {TOKEN}"}
    assert visitor.get("/metrics", headers=right, environ_base=far).status_code == 200


COUNTED = """
import os, sys
from pathlib import Path
from tracing.operations import metrics
folder = Path(sys.argv[1])
if os.fork() == 0:
    one = metrics.Metrics(folder)
    one.requests.labels("GET", "/a", "200").inc(2)
    os._exit(0)
os.wait()
two = metrics.Metrics(folder)
two.requests.labels("GET", "/a", "200").inc(3)
from datetime import UTC, datetime
print(two.text(now=datetime.now(UTC)).decode())
"""


def test_several_processes_count_together(tmp_path):
    import subprocess
    import sys

    counting = serve._counting_folder(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", COUNTED, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
            metrics.TOGETHER: str(counting),
        },
    )
    assert 'tracing_requests_total{method="GET",route="/a",status="200"} 5.0' in (
        done.stdout
    )
