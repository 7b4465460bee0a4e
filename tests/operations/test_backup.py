"""A backup while others write, and a restore that gives back what was acknowledged."""

import base64
import contextvars
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from tests import factories
from tests.clusters import running_cluster
from tests.conftest import dispose, migrate
from tests.factories import files
from tests.notifications.people import message, owed, with_mail
from tests.visitors import signed_in
from tracing import create_app, worker
from tracing.casework import attachments
from tracing.cli import backup as command
from tracing.config import Settings
from tracing.extensions import db
from tracing.journal import live
from tracing.journal.kinds import Kind
from tracing.journal.verify import OK
from tracing.models import (
    AccountSession,
    AccountToken,
    Delivery,
    DueWork,
    JournalEntry,
    OutboxMessage,
    RequestEvent,
    TraceRequest,
)
from tracing.operations import backup, dumps, figures, pause, restore, sealing, state
from tracing.operations.refusal import Refused
from workflows.states import Trigger

NOW = datetime.now(UTC)


@pytest.fixture
def programs(request, database_url):
    """The folder of PostgreSQL's programmes, where that is the database."""
    if database_url.startswith("sqlite"):
        return ""
    return str(request.getfixturevalue("migrated_cluster").programs)


@pytest.fixture
def settings(settings, programs):
    """The programmes of the very server that the tests run."""
    return replace(settings, postgresql_programs=programs)


@pytest.fixture
def another(request, settings, tmp_path):
    """Make other installations with the same secrets, on an empty database each."""
    made, dropped = [], []

    def installation(**given):
        folder = tmp_path / f"another{len(made)}"
        folder.mkdir(mode=0o700)
        url = f"sqlite:///{folder / 'tracing.sqlite'}"
        if not settings.database_url.startswith("sqlite"):
            cluster = request.getfixturevalue("migrated_cluster")
            dropped.append(cluster.create("template1"))
            url = cluster.url(dropped[-1])
        app = create_app(
            replace(settings, database_url=url, instance=str(folder), **given)
        )
        made.append(app)
        return app

    yield installation
    for app in made:
        dispose(app)
    for name in dropped:
        request.getfixturevalue("migrated_cluster").drop(name)


@pytest.fixture
def make(app, session, tmp_path):
    """Make a backup of the installation and return its folder."""

    def making(name="kept", now=NOW):
        db.session.commit()
        backup.make(tmp_path / name, now=now)
        return tmp_path / name

    return making


def run_in(app, *arguments):
    """Run a command as another installation would, outside the context of this one."""
    return contextvars.Context().run(app.test_cli_runner().invoke, *arguments)


def restored_in(app, folder, identity=None, **given):
    given.setdefault("now", datetime.now(UTC))
    with app.app_context():
        return restore.restore(folder, identity, **given)


def everything(app):
    """All rows of the cases, to compare."""
    with app.app_context():
        tables = (TraceRequest, RequestEvent, OutboxMessage, JournalEntry)
        found = {
            table.__tablename__: sorted(
                map(repr, db.session.execute(select(table.__table__)).all())
            )
            for table in tables
        }
        db.session.remove()
    return found


# ----------------------------------------------------------- what comes back is what was


@pytest.mark.slow
def test_what_was_acknowledged_while_others_wrote_is_there_again(
    app, session, another, make
):
    of = factories.sides()
    actor = of.actor(Trigger.SUBMIT)
    form, acknowledged, ending = (
        factories.loaded(factories.complete_form(of.asked)),
        [],
        threading.Event(),
    )
    store = app.extensions[attachments.STORE]

    def write():
        from tracing.casework import requesting

        while not ending.is_set():
            with app.app_context():
                reference = requesting.draft(actor, form, form_key=os.urandom(8).hex())
                store.put(reference.encode())
            acknowledged.append(reference)

    def until(so_many):
        while len(acknowledged) < so_many:
            assert all(writer.is_alive() for writer in writers)
            time.sleep(0.02)

    writers = [threading.Thread(target=write) for _ in range(3)]
    db.session.commit()
    for writer in writers:
        writer.start()
    try:
        until(6)
        before = set(acknowledged)
        folder = make()
        after = set(acknowledged)
        until(len(after) + 3)
    finally:
        ending.set()
        for writer in writers:
            writer.join()
    there = another()
    done = restored_in(there, folder)
    assert done.faults == ()
    with there.app_context():
        found = set(db.session.scalars(select(TraceRequest.reference)))
        with live.reading() as connection:
            reports = live.check_all(connection)
    assert before <= found <= set(acknowledged)
    assert len(found) < len(acknowledged)
    assert [report.level for report in reports] == [OK] * len(reports)
    kept = there.extensions[attachments.STORE]
    contents = {kept.get(name) for name, _since in kept.kept()}
    assert {reference.encode() for reference in before} <= contents
    assert done.said.requests == len(found)


def test_a_quiet_one_comes_back_row_by_row_and_byte_by_byte(
    app, session, another, make, tmp_path
):
    key = tmp_path / "key"
    public = sealing.make_identity(key)
    app.extensions["tracing.settings"] = replace(
        app.extensions["tracing.settings"], backup_recipient=public
    )
    of = factories.sides()
    factories.after(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    content = b"A photograph of CANARY"
    name = app.extensions[attachments.STORE].put(content)
    session.commit()
    before = everything(app)
    folder = make()
    for path in folder.rglob("*"):
        wanted = 0o700 if path.is_dir() else 0o600
        assert path.stat().st_mode & 0o777 == wanted
        if path.is_file():
            assert b"CANARY" not in path.read_bytes()
            assert b"Exampleson" not in path.read_bytes()
    there = another()
    restored_in(there, folder, key)
    found = everything(there)
    assert found["trace_request"] == before["trace_request"]
    assert found["request_event"] == before["request_event"]
    assert set(before["journal_entry"]) <= set(found["journal_entry"])
    assert there.extensions[attachments.STORE].get(name) == content


# --------------------------------------------------------------------- going on from it


@pytest.fixture
def old(app, session, make, another):
    """What a day-old backup, restored now, makes of what was under way."""
    of = factories.sides()
    request = factories.sent(of)
    signed_in(app, of.investigator)
    yesterday = NOW - timedelta(days=1)
    db.session.query(OutboxMessage).delete()
    db.session.add_all(
        [
            message(of.asking, next_at=NOW, created_at=yesterday, lease_owner="w",
                    lease_until=NOW + timedelta(minutes=5)),
            message(of.asking, next_at=NOW, created_at=yesterday, reminder_key="r1"),
            owed(request, at=NOW - timedelta(hours=2)),
            AccountToken(kind="password", token_hash="x" * 64, made_at=yesterday,
                         account_id=of.officer.id, expires_at=NOW + timedelta(days=3)),
        ]
    )  # fmt: skip
    folder = make(now=yesterday)
    there = another(smtp_host="127.0.0.1", mail_from="tracing@tracing.example")
    return there, restored_in(there, folder)


def test_sessions_and_links_end(old):
    there, done = old
    assert done.sessions == 1
    with there.app_context():
        assert db.session.scalars(select(AccountSession)).all() == []
        assert db.session.scalars(select(AccountToken)).one().used_at is not None


def test_leases_are_given_up_and_reminders_not_repeated(old):
    there, done = old
    assert (done.queued, done.reminders) == (1, 1)
    with there.app_context():
        waiting = db.session.scalars(
            select(OutboxMessage).where(OutboxMessage.delivery == Delivery.QUEUED)
        ).one()
        assert (waiting.lease_owner, waiting.lease_until) == (None, None)
        past = select(DueWork).where(DueWork.done.is_(False), DueWork.at <= NOW)
        assert db.session.scalars(past).all() == []
        assert worker.sweep() == 0


def test_no_mail_leaves_until_somebody_has_looked(old, mailbox):
    there, _done = old
    from tracing.adapters.smtp import SmtpChannel
    from tracing.cli.mail import group

    settings = with_mail(there.extensions["tracing.settings"], smtp_port=mailbox.port)
    there.extensions["tracing.settings"] = settings
    there.extensions[worker.CHANNEL] = lambda: SmtpChannel(settings)
    with there.app_context():
        assert worker.drain().sent == 0
    assert mailbox.deliveries == []
    said = run_in(there, group, ["resume"]).output
    assert "1 messages may leave" in said
    with there.app_context():
        assert worker.drain().sent == 1
    assert len(mailbox.deliveries) == 1


def test_what_may_have_been_sent_can_be_given_up(old):
    there, _done = old
    from tracing.cli.mail import group

    said = run_in(there, group, ["resume", "--drop-older"]).output
    assert "1 messages were given up" in said
    assert "0 messages may leave" in said
    assert pause.paused(Path(there.instance_path)) is None


def test_it_is_entered_in_the_journal(old):
    there, _done = old
    with there.app_context():
        kinds = set(db.session.scalars(select(JournalEntry.kind)))
    assert Kind.RESTORED.value in kinds


def test_erasures_are_done_again_by_whoever_knows_how(app, session, make, another):
    listed = Path(app.instance_path) / "erasures.jsonl"
    listed.write_text('{"a": 1}\n')
    folder = make()
    there, seen = another(), []
    ours = Path(there.instance_path) / "erasures.jsonl"
    ours.write_text('{"b": 2}\n')

    def reapply(place: Path) -> int:
        seen.extend(
            map(json.loads, (place / "erasures.jsonl").read_text().splitlines())
        )
        return len(seen)

    there.extensions[restore.REAPPLY] = reapply
    assert restored_in(there, folder).erasures == 2
    assert seen == [{"b": 2}, {"a": 1}]
    del there.extensions[restore.REAPPLY]
    assert restore.owes_erasures(Path(there.instance_path))
    assert restored_in(there, folder, replace=True).erasures is None


@pytest.mark.slow
@pytest.mark.postgresql
def test_the_logins_of_the_service_restore_it_on_another_server(tmp_path):
    """None of them is a superuser, and the other server has no role of ours."""
    with running_cluster() as here, running_cluster() as there:
        kept = tmp_path / "kept"
        site = desk_on(here, tmp_path / "here")
        with site.app_context():
            reference = factories.sent(factories.sides()).reference
            backup.make(kept, now=NOW)
        dispose(site)
        other = desk_on(there, tmp_path / "there", migrated=False)
        assert restored_in(other, kept).faults == ()
        with other.app_context():
            assert db.session.scalars(select(TraceRequest.reference)).all() == [
                reference
            ]
        dispose(other)
        for question in (
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'",
            "SELECT tablename, policyname, roles FROM pg_policies ORDER BY 1, 2",
            "TABLE information_schema.column_privileges ORDER BY 1, 2, 3, 4, 5, 6, 7",
        ):
            assert asked(there, question) == asked(here, question) != []
        there.add_login("somebody", "SUPERUSER")
        url = there.url("template1", "somebody")
        settings = other.extensions["tracing.settings"]
        wrong = create_app(replace(settings, owner_database_url=url), login="owner")
        with pytest.raises(
            Refused, match="belong to the role desk_owner, and here som"
        ):
            restored_in(wrong, kept)
        dispose(wrong)


def asked(cluster, question):
    with cluster.connect("desk") as connection:
        return connection.execute(question).fetchall()


def desk_on(cluster, folder, *, migrated=True):
    """An installation as docs/operations.md has it, for its command line."""
    folder.mkdir(mode=0o700)
    if migrated:
        urls = cluster.desk("desk", lambda url: migrate(url, folder))
    else:
        cluster.add_login("desk_owner", "CREATEROLE")
        cluster.create(name="desk", owner="desk_owner")
        urls = {"owner_database_url": cluster.url("desk", "desk_owner")}
    settings = Settings.for_tests(cluster.url("desk", "desk_site"), folder)
    programs = str(cluster.programs)
    return create_app(
        replace(settings, **urls, postgresql_programs=programs), login="owner"
    )


# -------------------------------------------------------------- what is refused, untouched


@pytest.fixture
def kept(app, session, make, tmp_path):
    """An encrypted backup of something, and its key."""
    key = tmp_path / "key"
    public = sealing.make_identity(key)
    app.extensions["tracing.settings"] = replace(
        app.extensions["tracing.settings"], backup_recipient=public
    )
    of = factories.sides()
    factories.sent(of)
    app.extensions[attachments.STORE].put(b"content")
    return make(), key


def test_a_restore_is_refused_in_words_and_nothing_is_overwritten(
    app, kept, another, tmp_path
):
    folder, key = kept
    there = another()
    restored_in(there, folder, key)
    before = everything(there)
    name = next(path.name for path in folder.glob("database*"))

    def cut(copy):
        data = (copy / name).read_bytes()
        (copy / name).write_bytes(data[:-100])

    def flipped(copy):
        data = bytearray((copy / name).read_bytes())
        data[len(data) // 2] ^= 1
        (copy / name).write_bytes(bytes(data))

    def told_otherwise(copy):
        text = (
            (copy / "manifest.json")
            .read_text()
            .replace('"requests": 1', '"requests": 2')
        )
        (copy / "manifest.json").write_text(text)

    def torn(copy):
        (copy / "manifest.json").write_text("{")

    def lacking(copy):
        next((copy / "files").rglob("*.age")).unlink()

    def with_more(copy):
        (copy / "files" / "more").write_text("x")

    for number, (break_it, why) in enumerate(
        [
            (cut, f"{name} was cut"),
            (flipped, f"{name} was changed"),
            (told_otherwise, "manifest.json of .* was changed"),
            (torn, "manifest.json of .* cannot be read"),
            (lacking, "is missing: take another"),
            (with_more, "is no part of the backup"),
        ]
    ):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(folder, copy)
        break_it(copy)
        with pytest.raises(Refused, match=why):
            restored_in(there, copy, key, replace=True)
    other = tmp_path / "other-key"
    sealing.make_identity(other)
    with pytest.raises(Refused, match="the key does not open this backup"):
        restored_in(there, folder, other, replace=True)
    with pytest.raises(Refused, match="name its private key with --identity"):
        restored_in(there, folder, replace=True)
    with pytest.raises(Refused, match="holds no private key"):
        restored_in(there, folder, folder / "manifest.json", replace=True)
    with pytest.raises(Refused, match="not empty: take another one, or say --replace"):
        restored_in(there, folder, key)
    with there.app_context():
        figures.tell(Path(there.instance_path), now=NOW)
        db.session.remove()
    with pytest.raises(Refused, match="the service runs: stop tracing serve"):
        restored_in(there, folder, key, replace=True)
    assert everything(there) == before
    state.forget(Path(there.instance_path), state.WORKER)
    with there.app_context():
        url = dumps.url_of(there.extensions["tracing.settings"])
    with dumps.connected(url) as site:
        site.execute(text("SELECT 1 FROM account"))
        with pytest.raises(Refused, match="something is connected to the database"):
            restored_in(there, folder, key, replace=True)
    assert everything(there) == before
    assert restored_in(there, folder, key, replace=True).faults == ()


def test_a_newer_one_and_one_with_other_secrets_are_refused(
    app, session, make, another, monkeypatch
):
    factories.sent(factories.sides())
    folder = make()
    stranger = another(totp_key="another-key-for-the-second-factors")
    with pytest.raises(Refused, match="made with other secrets: put the config"):
        restored_in(stranger, folder)
    assert restored_in(stranger, folder, foreign=True).faults == ()
    unfinding = another(index_key="another-key-for-the-marks-of-persons")
    with pytest.raises(Refused, match="made with other secrets: put the config"):
        restored_in(unfinding, folder)
    other = base64.b64encode(b"another-key-of-personal-fields-x").decode()
    for ring in (f"1:{other}", f"2:{other}"):
        with pytest.raises(Refused, match=r"other keys .* \(field_keys.1\)"):
            restored_in(another(field_keys=ring), folder, foreign=True)
    ours = app.extensions["tracing.settings"].field_keys
    turned = another(field_keys=f"2:{other},{ours}")
    assert restored_in(turned, folder).faults == ()
    monkeypatch.setattr(backup.facts, "revision", lambda _connection: "from_tomorrow")
    newer = make("newer")
    monkeypatch.undo()
    there = another()
    with pytest.raises(Refused, match=r"newer version \(tables from_tomorrow\)"):
        restored_in(there, newer)
    assert not (Path(there.instance_path) / "files").exists()


def test_a_file_that_was_changed_is_put_right_or_named(app, session, another, make):
    of = factories.sides()
    given = attachments.Given("a.pdf", files.pdf())
    row = attachments.receive(of.actor(Trigger.SUBMIT), given, form_key="k" * 20)
    name = row.stored
    folder, there = make(), another()
    place = there.extensions[attachments.STORE]
    place.put_back(name, b"another one")
    (begun := place.root / name[:2] / name[2:4] / f"{name}.begun").touch()
    assert restored_in(there, folder).faults == ()
    assert place.get(name) == given.content
    assert not begun.exists()
    app.extensions[attachments.STORE].put_back(name, b"another one")
    changed = make("changed")
    if db.engine.dialect.name == "sqlite":
        session.remove()
        with pytest.raises(Refused, match="file 1 was changed in the backup"):
            restore.drill(changed, None, "", now=NOW)
    assert restored_in(another(), changed).faults == ("file 1 was changed",)


def test_the_name_of_a_backup_is_given_once(make):
    folder = make()
    with pytest.raises(Refused, match="is there already"):
        backup.make(folder, now=NOW)


WORKER = """
import sys
from pathlib import Path
from datetime import UTC, datetime
from tracing import create_app
from tracing.config import Settings
from tracing.operations import backup
url, instance, folder, programs = sys.argv[1:]
from dataclasses import replace
app = create_app(replace(Settings.for_tests(url, Path(instance)), postgresql_programs=programs))
with app.app_context():
    backup.make(Path(folder), now=datetime.now(UTC))
"""


def test_one_that_is_killed_leaves_nothing_under_its_name(
    app, session, settings, tmp_path, programs
):
    store = app.extensions[attachments.STORE]
    for number in range(400):
        path = store.root / f"{number:040x}"[:2] / f"{number:040x}"[2:4]
        path.mkdir(parents=True, exist_ok=True)
        (path / f"{number:040x}").write_bytes(b"x" * 1000)
    folder = tmp_path / "kept"
    begun = folder.with_name("kept.begun")
    session.commit()
    arguments = [settings.database_url, settings.instance, str(folder), programs]
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, *arguments],
        cwd=Path(__file__).resolve().parents[2],
    )
    while process.poll() is None and not (begun / "files").exists():
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert begun.exists()
    assert not folder.exists()
    left = Path(settings.instance) / "state" / "scratch-left"
    left.mkdir(parents=True)
    (left / "database.sqlite").touch()
    with state.scratch(Path(settings.instance)) as held:
        assert not left.exists()
        backup.make(folder, now=NOW)
        assert held.exists()
    assert not held.exists()
    assert not begun.exists()
    assert len(list((folder / "files").rglob("*"))) == 401


# ------------------------------------------------------------------------------- a drill


def test_a_drill_tries_everything_and_changes_nothing(
    request, app, session, kept, settings
):
    folder, key = kept
    before, database = everything(app), ""
    if not settings.database_url.startswith("sqlite"):
        with pytest.raises(Refused, match="name an empty database to try it in"):
            restore.drill(folder, key, "", now=NOW)
        with pytest.raises(Refused, match="is not empty: name another"):
            restore.drill(folder, key, settings.database_url, now=NOW)
        cluster = request.getfixturevalue("migrated_cluster")
        name = cluster.create("template1")
        database = cluster.url(name)
    session.remove()
    assert restore.drill(folder, key, database, now=NOW).requests == 1
    assert everything(app) == before
    assert state.moment_of(state.read(Path(app.instance_path), state.DRILL)) == NOW
    if database:
        from sqlalchemy import make_url

        assert dumps.is_empty(make_url(database))
        cluster.drop(name)


def test_a_drill_opens_what_is_sealed(request, app, session, make, settings):
    factories.sent(factories.sides())
    session.execute(text("UPDATE person SET family_name = 'v1.' || substr(seal, 1)"))
    folder, database = make(), ""
    if not settings.database_url.startswith("sqlite"):
        cluster = request.getfixturevalue("migrated_cluster")
        name = cluster.create("template1")
        request.addfinalizer(lambda: cluster.drop(name))
        database = cluster.url(name)
    session.remove()
    with pytest.raises(Refused, match=r"does not open \(person.family_name"):
        restore.drill(folder, None, database, now=NOW)


# ----------------------------------------------------------------------- the command line


def test_the_commands_say_what_they_did(app, session, another, tmp_path):
    run = app.test_cli_runner().invoke
    factories.sent(factories.sides())
    session.commit()
    key = tmp_path / "key"
    said = run(command.backup_key, [str(key)])
    assert 'BACKUP_RECIPIENT = "age1' in said.output
    assert key.stat().st_mode & 0o777 == 0o600
    assert run(command.backup_key, [str(key)]).exit_code == 1
    folder = str(tmp_path / "kept")
    said = run(command.backup, [folder])
    assert "1 requests" in said.output
    assert "NOT encrypted" in said.output
    assert "is there already" in run(command.backup, [folder]).output
    session.remove()
    there = another()
    said = run_in(there, command.restore, [folder])
    assert said.exit_code == 0, said.output
    assert "Mail is paused" in said.output
    assert "tracing mail resume" in said.output
    said = run_in(there, command.restore, [folder])
    assert (said.exit_code, "not empty" in said.output) == (1, True)
    count = select(func.count()).select_from(TraceRequest)
    assert session.scalar(count) == 1
