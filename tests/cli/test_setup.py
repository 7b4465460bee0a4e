"""Setting an installation up, and the demonstration."""

import re
import stat
from collections import Counter
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from tests import factories
from tests.conftest import dispose
from tests.journal.conftest import entries as journal_of
from tracing import config, create_app
from tracing.accounts import people
from tracing.cli import setup
from tracing.cli.demo import PLACES, load_demo
from tracing.config import Settings
from tracing.directory import entries
from tracing.extensions import db
from tracing.journal.journal import SYSTEM
from tracing.journal.kinds import Kind
from tracing.models import Account, Authority, DueWork, OutboxMessage, TraceRequest
from tracing.models.outbox import Delivery
from workflows.lifecycle import RULES
from workflows.policies import WITHIN_AN_AUTHORITY, Role
from workflows.states import State

ANSWERS = {
    "code": "KE-NFP",
    "country": "KE",
    "authority": "Example Bureau",
    "zone": "Africa/Nairobi",
    "authority-email": "desk@ke.tracing.example",
    "name": "A. Example",
    "email": "a.example@ke.tracing.example",
    "password": "",
}


@pytest.fixture(autouse=True)
def _own_instance(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACING_INSTANCE_PATH", str(tmp_path / "instance"))


@pytest.fixture
def run(app):
    """Run a command of the command line and return what it said."""
    runner = app.test_cli_runner()

    def running(command, *arguments: str, says: int = 0, **given):
        done = runner.invoke(command, list(arguments), **given)
        assert done.exit_code == says, done.output
        return done.output

    return running


def test_only_who_owns_an_installation_works_on_it(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from tracing.cli import main

    config.write_secrets(folder := tmp_path / "instance")
    say = CliRunner().invoke
    owner = folder.stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    for command in (["keys", "add"], ["purge"], ["backup", str(tmp_path / "kept")]):
        said = say(main, command)
        assert said.exit_code != 0
        assert "belongs to another: say sudo -u" in said.output, command
    assert "belongs to" not in say(main, ["doctor"]).output
    monkeypatch.undo()
    monkeypatch.setenv("TRACING_INSTANCE_PATH", str(folder))
    assert "belongs to" not in say(main, ["keys", "status"]).output


def options(**changed: str) -> list[str]:
    given = ANSWERS | changed
    return [part for name, value in given.items() for part in (f"--{name}", value)]


def count(table) -> int:
    return db.session.scalar(select(func.count()).select_from(table))


def test_init_makes_the_first_authority_and_its_administrator(app, run, tmp_path):
    said = run(setup.init, *options())
    assert re.search(r"Password, shown this once: (\w{5}-){4}\w{5}\n", said)
    assert (tmp_path / "instance" / "config.py").is_file()
    with app.app_context():
        account = db.session.scalars(select(Account)).one()
        assert account.role_names == {Role.ADMINISTRATOR}
        assert account.authority.code == "KE-NFP"


def test_what_sqlite_writes_is_for_its_owner_alone(tmp_path):
    app = create_app(Settings.for_tests("sqlite:///new", tmp_path))
    done = app.test_cli_runner().invoke(setup.init, options())
    assert done.exit_code == 0, done.output
    with app.app_context():
        assert count(Account) == 1
        rights = {f.name: stat.S_IMODE(f.stat().st_mode) for f in tmp_path.glob("new*")}
    dispose(app)
    assert rights == dict.fromkeys(("new", "new-shm", "new-wal"), 0o600)


def test_init_shows_no_password_that_was_chosen(run):
    said = run(setup.init, *options(password="fifteen letters and more"))
    assert "fifteen letters" not in said


def test_init_asks_for_what_was_not_given(app, run):
    lines = "\n".join([*list(ANSWERS.values())[:-1], "", ""]) + "\n"
    run(setup.init, input=lines)
    with app.app_context():
        assert count(Account) == 1


def test_init_refuses_where_there_is_an_administrator(app, run):
    run(setup.init, *options())
    said = run(setup.init, *options(code="KE-2", email="b@c.example"), says=1)
    assert "already" in said
    with app.app_context():
        assert (count(Account), count(Authority)) == (1, 1)


def test_init_alone_brings_an_older_installation_up_to_date_and_asks_nothing(run):
    run(setup.init, *options())
    said = run(setup.init, input="")
    assert "those of this version" in said
    assert "Code of the authority" not in said


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone": "Nairobi"},
        {"country": "KEN"},
        {"email": "nobody"},
        {"password": "short"},
    ],
)
def test_init_refuses_what_cannot_be_right(app, run, wrong):
    run(setup.init, *options(**wrong), says=2)
    with app.app_context():
        assert count(Authority) == 0


def test_a_person_is_invited_and_whoever_runs_the_system_gets_no_password(app, run):
    run(setup.init, *options())
    address = "b.example@ke.tracing.example"
    given = ["KE-NFP", "--name", "B. Example", "--email", address]
    roles = ["--role", "officer", "--role", "supervisor"]
    said = run(setup.add_person, *given, *roles)
    assert "Password" not in said
    with app.app_context():
        made = people.by_email(address)
        assert made.role_names == {Role.OFFICER, Role.SUPERVISOR}
        assert made.password is None
        mails = {m.recipient: m for m in db.session.scalars(select(OutboxMessage))}
        assert mails[address].event == "invitation"
        told = mails[made.authority.email]
        assert told.facts["news"] == "added_outside"
        for chain in (SYSTEM, made.authority_id):
            payload = journal_of(chain, Kind.ACCOUNT_ADDED)[-1].payload
            assert payload["added"] == "command line"
    # Whose invitation has run out is sent another; nobody else is touched.
    run(setup.add_person, *given, *roles)
    run(setup.add_person, *given, "--role", "officer", says=1)
    run(setup.add_person, "NOBODY", *given[1:], "--role", "officer", says=1)
    taken = ["KE-NFP", "--name", "A", "--email", ANSWERS["email"]]
    said = run(setup.add_person, *taken, "--role", "administrator", says=1)
    assert "signs in with this address already" in said


def test_authorities_are_imported_from_a_file(app, run, tmp_path):
    file = tmp_path / "authorities.csv"
    file.write_text(
        "code,country,name,zone,email\n"
        "KE-NFP,KE,Example Bureau,Africa/Nairobi,desk@ke.tracing.example\n",
        "utf-8-sig",
    )
    assert "1 added" in run(setup.import_authorities, str(file))
    assert "1 as they were" in run(setup.import_authorities, str(file))


def test_a_bad_file_is_told_line_by_line_and_imports_nothing(app, run, tmp_path):
    file = tmp_path / "authorities.csv"
    file.write_text(
        "code,country,name,zone,email\n"
        "KE-NFP,KE,Example Bureau,Nairobi,desk@ke.tracing.example\n"
        "EG-NFP,EG,Sample Bureau,Africa/Cairo,nobody\n"
    )
    said = run(setup.import_authorities, str(file), says=1)
    assert "line 2, zone: 'Nairobi'" in said
    assert "line 3, email: 'nobody'" in said
    with app.app_context():
        assert not entries.any_known()


def test_a_file_that_is_not_utf_8_is_refused_in_words(run, tmp_path):
    file = tmp_path / "authorities.csv"
    file.write_bytes("code,name\nX,Côte".encode("latin-1"))
    assert "UTF-8" in run(setup.import_authorities, str(file), says=1)


def test_the_lifecycle_is_shown_row_by_row(run):
    lines = run(setup.lifecycle).splitlines()
    assert len(lines) == len(RULES) + 1
    assert lines[1].split()[:3] == ["submit", "draft", "submitted"]


def test_the_lifecycle_is_drawn_with_every_state(run):
    said = run(setup.lifecycle, "--mermaid")
    assert said.startswith("stateDiagram-v2\n    [*] --> draft\n")
    assert "submitted --> acknowledged: acknowledge" in said
    assert "closed --> [*]" in said
    assert all(state.value in said for state in State)


def test_settings_are_shown_with_their_source_and_no_secret(run, tmp_path, monkeypatch):
    folder = tmp_path / "instance"
    folder.mkdir(exist_ok=True)
    (folder / "config.py").write_text(
        'SECRET_KEY = "hush-1"\nPASSWORD_SALT = "hush-2"\nTOTP_KEY = "hush-3"\n'
        'JOURNAL_KEY = "hush-5"\nINDEX_KEY = "hush-6"\nFIELD_KEYS = "hush-7"\n'
        'DATABASE_URL = "postgresql://someone:hush-4@db.example/tracing"\n'
    )
    monkeypatch.setenv("TRACING_PORT", "8123")
    said = run(setup.settings)
    assert "hush" not in said
    assert re.search(r"^port +8123 +TRACING_PORT$", said, re.MULTILINE)
    assert re.search(r"^host +\S+ +default$", said, re.MULTILINE)
    assert re.search(
        r"^secret_key +\(set, not shown\) +\S+config.py$", said, re.MULTILINE
    )
    assert re.search(r"^smtp_password +\(not set\) +default$", said, re.MULTILINE)
    assert "someone:***@db.example" in said


def test_settings_that_cannot_be_read_are_told_in_words(run):
    assert "tracing init" in run(setup.settings, says=1)


def test_the_demonstration_leaves_a_directory_in_use_alone(app, run):
    run(setup.init, *options())
    assert "empty" in run(setup.demo, says=1)
    with app.app_context():
        assert count(Authority) == 1


def test_an_installation_that_is_there_becomes_no_demonstration(app, run, tmp_path):
    folder = tmp_path / "instance"
    folder.mkdir(exist_ok=True)
    file = folder / "config.py"
    file.write_text('SECRET_KEY = "a"\nPASSWORD_SALT = "b"\nTOTP_KEY = "c"\n')
    with app.app_context():
        factories.sides()
        db.session.commit()
    run(setup.demo, says=1)
    assert "JOURNAL_KEY" in file.read_text()
    assert "DEMONSTRATION" not in file.read_text()
    assert "SECOND_FACTOR" not in file.read_text()


def test_secrets_of_the_environment_are_no_demonstration_s(app, run, monkeypatch):
    monkeypatch.setenv("TRACING_SECRET_KEY", "of a service" * 4)
    with app.app_context():
        factories.sides()
        db.session.commit()
    run(setup.demo, says=1)
    assert "DEMONSTRATION" not in (setup.instance_folder() / "config.py").read_text()


@pytest.mark.slow
def test_the_demonstration_is_whole(session):
    now = datetime.now(UTC)
    accounts = load_demo(now)
    assert len({account.authority for account in accounts}) == len(PLACES) == 8
    for place in PLACES:
        domain = f"@{place.country.lower()}.tracing.example"
        roles = [a.roles[0] for a in accounts if a.email.endswith(domain)]
        assert sorted(roles) == sorted(WITHIN_AN_AUTHORITY)
    assert all(a.fictional for a in session.scalars(select(Authority)))

    session.expire_all()
    requests = session.scalars(select(TraceRequest)).all()
    assert set(Counter(request.state for request in requests)) == set(State)
    assert len(requests) >= 200
    for request in requests:
        state = State.DRAFT
        for event in request.events:
            assert event.before is state
            assert event.at <= now
            state = event.after
        assert state is request.state, "the state is rebuilt from the events"
    assert any(request.parent_id for request in requests)
    assert any(request.awaiting and request.due < now for request in requests)

    unsent = select(OutboxMessage).where(OutboxMessage.delivery != Delivery.SENT)
    owed = select(DueWork).where(DueWork.done.is_(False), DueWork.at <= now)
    assert session.scalars(unsent).all() == []
    assert session.scalars(owed).all() == []


def test_a_password_can_be_read_out_and_is_never_the_same():
    made = {people.random_password() for _ in range(50)}
    assert len(made) == 50
    assert all(len(password) >= 24 for password in made)
    assert not set("".join(made)) & set("ilo01")


def test_a_secret_that_came_later_is_added_to_an_older_file(tmp_path):
    file = tmp_path / "config.py"
    file.write_text('SECRET_KEY = "a"\nPASSWORD_SALT = "b"\nTOTP_KEY = "c"')
    assert config.write_secrets(tmp_path, {})
    found = config.load(tmp_path, {})
    assert (found.secret_key, found.password_salt, found.totp_key) == ("a", "b", "c")
    assert len(found.journal_key) > 40
    assert not config.write_secrets(tmp_path, {})
    assert config.load(tmp_path, {}).journal_key == found.journal_key


def test_a_secret_of_the_environment_is_not_written_down(tmp_path):
    config.write_secrets(tmp_path, {"TRACING_JOURNAL_KEY": "from outside"})
    assert "JOURNAL_KEY" not in (tmp_path / "config.py").read_text()
    assert (tmp_path / "config.py").stat().st_mode & 0o777 == 0o600


def test_an_operator_is_made_here_and_holds_no_other_role(app, run):
    run(setup.init, *options())
    args = ["KE-NFP", "--name", "O", "--email", "o@ke.tracing.example"]
    both = [*args, "--role", "operator", "--role", "officer"]
    assert "An operator opens no cases" in run(setup.add_person, *both, says=1)
    run(setup.add_person, *args, "--role", "operator")
    with app.app_context():
        assert people.by_email("o@ke.tracing.example").role_names == {Role.OPERATOR}


def test_only_a_demonstration_lets_people_in_by_a_password_alone(tmp_path):
    from tracing.config import SettingsError, load

    named = ("SECRET_KEY", "PASSWORD_SALT", "TOTP_KEY")
    named += ("JOURNAL_KEY", "INDEX_KEY", "FIELD_KEYS")
    environ = {f"TRACING_{name}": "x" * 40 for name in named}
    environ["TRACING_SECOND_FACTOR_REQUIRED"] = "false"
    with pytest.raises(SettingsError, match="only a demonstration"):
        load(tmp_path, environ)
    assert not load(
        tmp_path, environ | {"TRACING_DEMONSTRATION": "true"}
    ).second_factor_required
