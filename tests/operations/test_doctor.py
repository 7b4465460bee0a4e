"""The doctor on a real installation: each thing is broken in earnest, and seen."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import text

from tests import factories
from tests.journal import forger
from tests.journal.conftest import entries
from tests.notifications.people import message, owed
from tracing import create_app
from tracing.accounts import factors
from tracing.adapters.smtp import self_test
from tracing.casework import attachments
from tracing.cli import doctor as command
from tracing.cli import serve
from tracing.cli.mail import group as mail
from tracing.config import KEY_FILE, SettingsError
from tracing.extensions import db
from tracing.journal import checkpoints, live
from tracing.journal.journal import SYSTEM
from tracing.journal.kinds import Kind
from tracing.journal.verify import check_export, read_keys
from tracing.models import Account, AccountKey, Attachment, Erasure
from tracing.operations import facts as looking
from tracing.operations import figures, pause, state
from tracing.operations.checks import Level
from tracing.operations.doctor import judge
from tracing.ports import ScannerUnavailable
from tracing.security.fields import BLOCK, LIMIT, Ring, field_keys
from workflows.policies import Role
from workflows.retention import Data

NOW = datetime.now(UTC)
HERE = {"fsync is off", "full_page_writes is off", "synchronous_commit is off"}


@pytest.fixture
def look(app, session, settings):
    """Examine and judge; return what is wrong, by the name of its check."""

    def looking_now(now=None):
        db.session.commit()
        test = lambda: self_test(settings)  # noqa: E731
        facts = looking.examine(app, test, now=now or datetime.now(UTC))
        return {f.name: f.text for f in judge(facts) if f.level is not Level.OK}

    return looking_now


@pytest.fixture
def changes(look):
    """Return what a breakage adds to what the doctor says."""
    before = look()

    def after(now=None):
        return {name: said for name, said in look(now).items() if name not in before}

    return after


def test_a_fresh_installation_has_no_error_of_its_own(look, app):
    Path(app.instance_path).chmod(0o700)
    if db.engine.dialect.name == "sqlite":
        assert "database-settings" not in look()
        assert "database-role" not in look()
    else:
        # The server of the tests is in haste, and its role may do everything.
        assert "fsync is off" in look()["database-settings"]
        assert "timeout" not in look()["database-settings"]
        assert "as a superuser" in look()["database-role"]
    errors = {"database-settings", "database-role", "debug"}
    assert {"schema", "clock", "files", "journal", "secrets"}.isdisjoint(look())
    assert errors.isdisjoint({"backup", "worker"})


def test_a_sealed_value_that_somebody_changed(changes):
    of = factories.sides()
    factories.sent(of)
    db.session.commit()
    assert changes() == {}
    db.session.execute(text("UPDATE person SET family_name = 'v1.' || substr(seal, 1)"))
    said = changes()["field-keys"]
    assert "person.family_name" in said
    assert "put the field keys back" in said


def test_a_key_that_has_closed_enough(changes, app):
    keys = field_keys()
    used = keys.folder / f"{KEY_FILE}.{keys.ring.first}.used"
    used.write_bytes(b"." * (LIMIT // BLOCK // 2 + 1))
    assert "used up to 50%" in changes()["key-use"]


def test_a_key_that_nobody_drew(changes):
    keys = field_keys()
    keys._use(Ring({2: bytes(32), **keys.ring.keys}, 2))
    assert "key 2 of the personal fields was not drawn" in changes()["secrets"]


def test_an_erasure_that_nobody_carries_out(changes, session):
    of = factories.sides()
    case = factories.sent(of)
    order = {
        "authority_id": of.asking.id,
        "rule": Data.ORDER,
        "persons": [],
        "files": [],
    }
    long_ago = datetime.now(UTC) - timedelta(hours=2)
    asked = Erasure(reference=case.reference, asked_at=long_ago, **order)
    session.add(asked)
    assert "erasures" not in changes()
    asked.given_at = long_ago
    assert "2 hours" in changes()["erasures"] or "120 minutes" in changes()["erasures"]


def test_a_folder_and_files_that_others_may_read(changes, app, tmp_path):
    instance = tmp_path / "instance"
    instance.chmod(0o755)
    (instance / "config.py").write_text("SECRET_KEY = 1")
    (instance / "files" / "ab").mkdir(parents=True)
    (instance / "files" / "ab" / "content").write_bytes(b"x")
    for file in ("config.py", "files/ab/content"):
        (instance / file).chmod(0o644)
    found = changes()
    if "instance-folder" in found:
        assert "(mode 0755): chmod 700" in found["instance-folder"]
    assert "(files/ab/content): chmod -R go=" in found["instance-files"]
    assert "chmod 600" in found["secrets-file"]


def test_tables_of_another_version(look, session):
    session.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    found = look()
    assert "the tables are of version older" in found["schema"]
    assert "run tracing db upgrade" in found["schema"]


def test_a_database_that_does_not_answer(app, settings, monkeypatch):
    from tracing import create_app

    url = "postgresql://somebody:hush@127.0.0.1:9/nothing"
    broken = create_app(replace(settings, database_url=url))
    with broken.app_context():
        facts = looking.examine(broken, lambda: None, now=NOW)
    found = {f.name: f.text for f in judge(facts)}
    assert "the database cannot be reached" in found["database"]
    assert "hush" not in found["database"]
    assert found["schema"] == "the database has to be reached first"


def test_an_entry_of_the_journal_that_was_changed(changes, of_two):
    forger.disarm()
    forger.reword(of_two.asking.id, 2, object="2026-KE-0000001A")
    assert f"{of_two.asking.code}, entry 2 was changed" in changes()["journal"]


def test_an_entry_of_the_journal_that_was_cut_off(changes, of_two):
    forger.disarm()
    forger.run(
        f"DELETE FROM journal_payload WHERE chain_id = {of_two.asking.id} AND seq = 2"
    )
    found = changes()["journal"]
    assert f"{of_two.asking.code}, what entry 2 carried is missing" in found


def test_a_signing_key_that_is_another(app, look, of_two, settings):
    checkpoints.make_all()
    assert "signing-key" not in look()
    app.extensions["tracing.settings"] = replace(
        settings, journal_key="another-key-of-this-installation-42"
    )
    assert "does not fit TRACING_JOURNAL_KEY" in look()["signing-key"]


def test_a_signing_key_that_was_changed_as_the_page_says(
    app, look, of_two, settings, tmp_path
):
    checkpoints.make_all()
    before = str(checkpoints.key_of(settings))
    other = {"journal_key": "another-key-of-this-installation-42"}
    changed = replace(settings, **other, journal_keys_before=f"{before},")
    app.extensions["tracing.settings"] = changed
    assert "signing-key" not in look()
    factories.sent(of_two)
    db.session.commit()
    checkpoints.make_all()
    with live.reading() as connection:
        assert [r.level for r in live.check_all(connection)] == [0, 0]
    live.write(of_two.asking.id, export := tmp_path / "export", lambda *_: False)
    keys = read_keys(f"{before}\n{checkpoints.key_of(changed)}\n")
    assert check_export(export).level == check_export(export, keys).level == 0
    assert check_export(export, read_keys(before)).level == 2
    for wrong in (before[:-4], "no key"):
        with pytest.raises(SettingsError, match="JOURNAL_KEYS_BEFORE: this is not a"):
            create_app(replace(settings, journal_keys_before=wrong))


def test_a_journal_that_nobody_signs(changes, of_two):
    later = datetime.now(UTC) + timedelta(minutes=20)
    assert "has not been signed for 20 minutes" in changes(later)["checkpoints"]
    checkpoints.make_all()
    assert "checkpoints" not in changes(later)


def test_a_file_that_is_gone_and_one_that_was_changed(app, changes, of_two):
    store = app.extensions[attachments.STORE]
    request = factories.sent(of_two)
    names = [store.put(b"one"), store.put(b"two")]
    for name in names:
        db.session.add(
            Attachment(
                token=name[:32],
                authority_id=of_two.asking.id,
                request_id=request.id,
                kind="document",
                title="Report",
                sha256="0" * 64,
                size=3,
                media_type="application/pdf",
                stored=name,
                stored_sha256=sha256(store.get(name)).hexdigest(),
                scan="clean",
                uploaded_by_id=of_two.investigator.id,
                uploaded_by_name="A",
                uploaded_at=NOW,
            )
        )
    assert "files" not in changes()
    store.remove(names[0])
    assert "1 of the newest files are gone" in changes()["files"]
    store.put_back(names[0], b"one")
    assert "files" not in changes()
    store.put_back(names[1], b"twO")
    assert "1 of the newest files were changed" in changes()["files"]


def test_an_authority_in_a_zone_and_a_state_that_nobody_knows(changes, session):
    factories.authority(zone="Nowhere/At_all", country="XX")
    found = changes()
    assert "no time zone Nowhere/At_all" in found["time-zones"]
    assert "not all known for XX" in found["calendars"]


def test_administrators_count_once_they_have_a_second_factor(look, session):
    home = factories.authority()
    one = factories.person(home, Role.ADMINISTRATOR, tf_totp_secret="x")
    two = factories.person(home, Role.ADMINISTRATOR)
    factories.person(home, Role.ADMINISTRATOR, tf_totp_secret="x", active=False)
    factories.person(home, Role.OFFICER, tf_totp_secret="x")
    assert "(1): make it two" in look()["administrators"]
    key = AccountKey(
        account_id=two.id, name="k", credential_id=b"1", public_key=b"1",
        sign_count=0, added_at=NOW,
    )  # fmt: skip
    db.session.add(key)
    assert "administrators" not in look()
    assert factors.keys_of(two.id)
    assert db.session.get(Account, one.id)


def test_mail_and_reminders_that_wait(app, settings, changes, of_two):
    app.extensions["tracing.settings"] = replace(settings, smtp_host="127.0.0.1")
    request = factories.sent(of_two)
    db.session.add_all(
        [message(of_two.asking, created_at=NOW - timedelta(hours=1)), owed(request)]
    )
    found = changes(NOW + timedelta(days=400))
    assert "the oldest message has waited" in found["mail-out"]
    assert "a reminder is owed since" in found["reminders"]


def test_what_the_files_of_the_operation_tell(app, tmp_path, look):
    instance, now = tmp_path / "instance", datetime.now(UTC)
    assert {"backup", "restore-drill", "worker"} <= set(look())
    for name in (state.BACKUP, state.DRILL):
        state.write(instance, name, {"at": now.isoformat()})
    figures.tell(instance, now=now)
    pause.pause(instance, "a restore", now=now)
    found = look()
    assert {"backup", "restore-drill", "worker"}.isdisjoint(found)
    assert "(a restore): tracing mail resume" in found["mail-paused"]
    assert "mail-paused" in look(now + timedelta(minutes=10))
    assert "silent since 10 minutes" in look(now + timedelta(minutes=10))["worker"]
    (instance / "state" / "mail-paused.json").write_bytes(b"torn")
    assert "a reason that cannot be read" in look()["mail-paused"]


def test_a_scanner_that_does_not_answer(app, settings, changes):
    class Silent:
        def is_clean(self, content):
            raise ScannerUnavailable("refused")

    app.extensions["tracing.settings"] = replace(settings, clamd="127.0.0.1:9")
    app.extensions[attachments.SCANNER] = Silent()
    assert "does not answer (refused)" in changes()["scanner"]


def test_a_role_that_may_not_do_everything_is_seen_as_such(settings, look, session):
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no roles")
    session.execute(text("CREATE ROLE ordinary"))
    session.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO ordinary"))
    session.execute(text("CREATE TABLE secured (id int)"))
    session.execute(text("ALTER TABLE secured ENABLE ROW LEVEL SECURITY"))
    session.execute(text("CREATE POLICY p ON secured USING (true)"))
    session.commit()
    assert "secured" in look()["row-security"]
    session.execute(text("ALTER TABLE secured FORCE ROW LEVEL SECURITY"))
    session.commit()
    assert "row-security" not in look()
    as_it = replace(settings, database_url="postgresql://ordinary@/tracing")
    both = replace(as_it, worker_database_url=as_it.database_url)
    found = looking._postgresql(session.connection(), both)
    assert (found.superuser, found.bypasses, found.owns) == (False, False, False)
    session.execute(text("ALTER TABLE secured OWNER TO ordinary"))
    assert looking._postgresql(session.connection(), both).owns
    session.rollback()
    session.execute(text("DROP OWNED BY ordinary"))
    session.execute(text("DROP ROLE ordinary"))
    session.commit()


def test_the_disk_of_another_machine_is_known_by_its_kind(tmp_path):
    mounts = f"/dev/sda1 / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\n"
    assert looking.disk_of(tmp_path / "tracing.sqlite", mounts) == "nfs4"
    assert looking.disk_of(tmp_path.parent / "x", mounts) == "ext4"


def test_libraries_that_are_not_what_was_asked_for():
    asked = ["flask>=99", "nothing-of-this-name", "flask>=3", 'x; extra == "y"']
    found = list(looking.unmet(asked))
    assert [line.split()[0] for line in found] == ["flask", "nothing-of-this-name"]


# ------------------------------------------------------------------ on the command line


@pytest.fixture
def run(app):
    def running(what, *arguments):
        done = app.test_cli_runner().invoke(what, list(arguments))
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return done.exit_code, done.output

    return running


def test_the_command_says_what_is_wrong_and_ends_with_its_level(run, app, session):
    app.testing = True
    code, said = run(command.doctor)
    assert code == 2
    assert "ERROR    debug: debugging is on" in said
    assert "WARNING  backup: there has never been a backup" in said
    code, said = run(command.doctor, "--json")
    found = json.loads(said)
    assert (code, found["status"]) == (2, "error")
    assert {"name": "secrets", "level": "ok", "text": ""} in found["checks"]


def test_settings_that_cannot_be_read_are_a_finding_too(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from tracing.cli import main

    monkeypatch.setenv("TRACING_INSTANCE_PATH", str(tmp_path / "empty"))
    done = CliRunner().invoke(main, ["doctor", "--json"])
    assert done.exit_code == 2
    (found,) = json.loads(done.output)["checks"]
    assert (found["name"], found["level"]) == ("settings", "error")
    assert "tracing init" in found["text"]


@pytest.mark.parametrize("start", [serve.serve, serve.worker_command])
def test_nothing_is_served_with_an_error(run, app, session, start, monkeypatch):
    begun = []
    monkeypatch.setattr(serve, "serve_command", begun.append)
    monkeypatch.setattr(serve, "run_worker", begun.append)
    app.testing = True
    code, said = run(start)
    assert (code, begun) == (1, [])
    assert "debug: debugging is on" in said
    assert "not started: put the errors right first" in said
    assert "--despite debug" in said
    named = [part for name in ERRORS_HERE for part in ("--despite", name)]
    code, said = run(start, *named)
    assert code == 0, said
    assert len(begun) == 1
    assert "debug: debugging is on" in said, "it is said all the same"
    (entry,) = entries(SYSTEM, Kind.STARTED_DESPITE)
    assert "debug" in entry.payload["despite"]


ERRORS_HERE = ("debug", "database-settings", "database-role", "instance-folder")


def test_mail_is_held_and_let_go(run, session, tmp_path):
    assert "No mail leaves" in run(mail, "pause", "--why", "a move")[1]
    assert "Paused since" in run(mail, "status")[1]
    assert "may leave" in run(mail, "resume")[1]
    assert "not paused" in run(mail, "resume")[1]


@pytest.fixture
def of_two(session):
    """Two authorities with a journal, where there was nothing before."""
    from workflows.states import Trigger

    of = factories.sides()
    factories.after(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    return of
