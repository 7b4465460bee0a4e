"""`tracing journal`: exit codes and what is said."""

import pytest
from sqlalchemy import select

from tests import factories
from tests.factories import files
from tests.journal import forger
from tests.journal.conftest import entries
from tests.visitors import shown, signed_in
from tracing.accounts import letters
from tracing.casework import attachments
from tracing.casework.attachments import Given
from tracing.cli.journal import group
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import OutboxMessage
from workflows.policies import Role
from workflows.states import Trigger


@pytest.fixture
def of(session):
    """Two authorities and their people."""
    return factories.sides()


@pytest.fixture
def run(app):
    """Run the command; return its exit status and what it said."""
    runner = app.test_cli_runner()

    def running(*arguments):
        db.session.commit()
        done = runner.invoke(group, list(map(str, arguments)))
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return done.exit_code, done.output

    return running


@pytest.fixture
def filled(of):
    """A journal with something in it."""
    factories.after(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    return of


def test_an_empty_journal_is_whole(run, session):
    assert run("verify") == (0, "")


def test_a_whole_one_ends_with_0_a_changed_one_with_2_and_names_the_entry(run, filled):
    code, said = run("verify")
    assert code == 0
    assert f"{filled.asking.code}: 3 entries, whole" in said
    forger.disarm()
    forger.reword(filled.asking.id, 2, object="2026-KE-0000001A")
    code, said = run("verify")
    assert code == 2
    assert f"{filled.asking.code}: the first bad entry is 2." in said


def test_a_row_changed_without_an_entry_ends_with_2(run, filled):
    forger.run("UPDATE trace_request SET state = 'closed'")
    code, said = run("verify")
    assert code == 2
    assert "is closed in the tables, entered as acknowledged" in said
    assert run("verify", "--no-rows")[0] == 0


def test_a_checkpoint_that_was_kept_shows_a_lost_end(run, filled, tmp_path):
    code, said = run("checkpoint")
    assert code == 0
    assert said.count("\u2014 ") == 2
    note = said.partition("\n\nlocalhost")[0].strip("\n") + "\n"
    own = note if f"/{filled.asking.code}\n" in note else ""
    assert own
    (tmp_path / "kept").write_text(own)
    assert run("verify", "--checkpoint", tmp_path / "kept")[0] == 0
    forger.disarm()
    forger.rewrite(filled.asking.id, forger.lines(filled.asking.id)[:-1])
    assert run("verify", "--no-rows")[0] == 0
    code, said = run("verify", "--no-rows", "--checkpoint", tmp_path / "kept")
    assert code == 2
    assert "a checkpoint was made of 3 entries, and 2 are here" in said


def test_an_export_is_checked_offline_with_a_key_that_was_kept(run, filled, tmp_path):
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    assert run("export", filled.asking.code, mine)[0] == 0
    assert run("export", filled.asked.code, theirs)[0] == 0
    code, key = run("key")
    assert code == 0
    (tmp_path / "key").write_text(key)
    given = ("--file", mine, "--key", tmp_path / "key", "--other", theirs)
    assert run("verify", *given)[0] == 0
    mine.write_bytes(mine.read_bytes().replace(b"drafted", b"grafted"))
    assert run("verify", *given)[0] == 2
    mine.write_bytes(b"something else")
    code, said = run("verify", *given)
    assert (code, said.startswith("not readable")) == (3, True)
    code, said = run("verify", "--checkpoint", mine)
    assert (code, said.startswith("not readable")) == (3, True)


def test_what_is_not_there_is_said(run, filled, tmp_path):
    code, said = run("export", "XX-1", tmp_path / "x")
    assert (code, "no such chain" in said) == (1, True)
    assert not (tmp_path / "x").exists()
    assert run("verify", "--chain", "XX-1")[0] == 3
    assert run("verify", "--chain", filled.asking.code)[0] == 0


def test_taking_a_chain_along_is_entered_and_its_authority_told(run, filled, tmp_path):
    number, code = filled.asking.id, filled.asking.code
    assert run("export", code, tmp_path / "x")[0] == 0
    for chain in (journal.SYSTEM, number):
        (entry,) = entries(chain, Kind.JOURNAL_EXPORTED)
        assert entry.said["by"] == journal.SYSTEM_NAME
    told = db.session.scalars(
        select(OutboxMessage).where(OutboxMessage.event == letters.ACCOUNT)
    ).one()
    assert (told.authority_id, told.facts["news"]) == (number, "journal_taken")
    assert "journal_exported" in (tmp_path / "x").read_text()
    assert run("export", "system", tmp_path / "y")[0] == 0
    assert len(entries(journal.SYSTEM, Kind.JOURNAL_EXPORTED)) == 2


def test_one_content_that_does_not_open_stops_no_check(app, run, filled, tmp_path):
    """The database lets a value pass that a newer key is said to have closed."""
    number, code = filled.asking.id, filled.asking.code
    auditor = factories.person(filled.asking, Role.AUDITOR)
    poison = "UPDATE journal_payload SET payload = 'v9.x' WHERE chain_id={} AND seq={}"
    forger.run(poison.format(number, 2))
    status, said = run("verify")
    assert status == 3
    assert f"not readable: {code}, entry 2: what it carried does not open" in said
    assert f"{filled.asked.code}: 2 entries, whole" in said
    visitor = signed_in(app, auditor)
    page = shown(visitor.get("/journal").text)
    assert "Its content does not open" in page
    assert "The journal was changed" not in page
    assert run("export", code, tmp_path / "x")[0] == 0
    assert "1 payloads were withheld" in run("verify", "--file", tmp_path / "x")[1]
    forger.disarm()
    forger.reword(filled.asked.id, 1, object="2026-KE-0000001A")
    assert run("verify")[0] == 2


def test_a_request_that_was_deleted_whole_and_a_file_that_is_another_are_found(
    run, filled
):
    actor = factories.actor_of(filled.investigator)
    case, other = factories.draft(filled), factories.after(filled, Trigger.SUBMIT)
    given = Given("letter.pdf", files.pdf())
    attachments.receive(actor, given, form_key="", request=case)
    factories.take(filled, case, Trigger.SUBMIT)
    assert run("verify")[0] == 0
    others = f"{case.reference} has other files than were entered"
    for change in (
        f"UPDATE attachment SET sha256 = '{'0' * 64}'",
        "DELETE FROM attachment",
    ):
        forger.run(change)
        status, said = run("verify")
        assert (status, others in said) == (2, True)
    reference, number = other.reference, other.id
    db.session.expunge_all()
    its_items = f"SELECT id FROM item WHERE request_id = {number}"
    forger.run(f"DELETE FROM marking WHERE item_id IN ({its_items})")
    for table in reversed(db.metadata.sorted_tables):
        if "request_id" in table.columns:
            forger.run(f"DELETE FROM {table.name} WHERE request_id = {number}")
    forger.run(f"DELETE FROM trace_request WHERE id = {number}")
    status, said = run("verify")
    assert status == 2
    for chain in (filled.asking.code, filled.asked.code):
        assert f"TAMPERED: {chain}" in said
    assert said.count(f"{reference} was sent and stands in no table") == 2
