"""The database itself refuses to change the journal."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests import factories
from tests.journal.conftest import entries, worst
from tracing.extensions import db
from tracing.journal import checkpoints, journal
from workflows.states import Trigger

ATTEMPTS = [
    "UPDATE journal_entry SET record = '{}' WHERE seq = 1",
    "UPDATE journal_entry SET actor_id = NULL",
    "UPDATE journal_entry SET hash = hash",
    "DELETE FROM journal_entry WHERE seq = 1",
    "DELETE FROM journal_entry",
    "UPDATE journal_payload SET payload = '{}'",
    "UPDATE journal_payload SET payload = NULL, salt = NULL",
    "UPDATE journal_payload SET payload = NULL, salt = NULL, erased_by = 1",
    "UPDATE journal_payload SET payload = NULL, salt = NULL, erased_by = 999",
    "UPDATE journal_payload SET payload = NULL, salt = NULL, erased_by = 2",
    "UPDATE journal_payload SET erased_by = NULL",
    "UPDATE journal_payload SET seq = seq + 100",
    "DELETE FROM journal_payload",
    "UPDATE journal_checkpoint SET note = ''",
    "DELETE FROM journal_checkpoint",
    "DELETE FROM journal_chain",
    "UPDATE journal_chain SET size = 1",
    "UPDATE journal_chain SET name = 'x', size = size + 1",
]
SQLITE = [
    "INSERT OR REPLACE INTO journal_entry SELECT * FROM journal_entry",
    "REPLACE INTO journal_payload SELECT * FROM journal_payload",
    "INSERT OR REPLACE INTO journal_checkpoint SELECT * FROM journal_checkpoint",
    "UPDATE OR REPLACE journal_entry SET seq = 1",
    # By the number that SQLite gives each row, unasked.
    """REPLACE INTO journal_checkpoint (rowid, chain_id, size, at, frontier, note)
    SELECT rowid, chain_id, size + 99, at, frontier, note FROM journal_checkpoint""",
    """REPLACE INTO journal_payload (rowid, chain_id, seq, payload)
    SELECT rowid, chain_id, seq + 99, payload FROM journal_payload""",
    """REPLACE INTO journal_entry (rowid, chain_id, seq, at, kind, about, record, hash)
    SELECT rowid, chain_id, seq + 99, at, kind, about, record, hash
    FROM journal_entry""",
]
HEADS = (
    "INSERT OR REPLACE INTO journal_chain SELECT {}, {}, origin, 0, zeroblob(32)"
    " FROM journal_chain"
)
SQLITE_ALONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
POSTGRESQL = [
    "TRUNCATE journal_entry CASCADE",
    "TRUNCATE journal_payload",
    "TRUNCATE journal_checkpoint",
    "TRUNCATE journal_chain CASCADE",
]


@pytest.fixture
def filled(of):
    """A journal with entries and a checkpoint."""
    factories.after(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    checkpoints.make_all()
    return of


def refused(statement):
    with pytest.raises(DBAPIError, match=r"journal is not|chain only"):
        db.session.execute(text(statement))
    db.session.rollback()


@pytest.mark.parametrize("statement", ATTEMPTS)
def test_nothing_in_it_is_changed_or_deleted(filled, statement):
    refused(statement)
    assert worst() == 0


def test_nothing_in_it_is_replaced_or_emptied(filled):
    sqlite = db.engine.dialect.name == "sqlite"
    for statement in SQLITE if sqlite else POSTGRESQL:
        refused(statement)
    assert worst() == 0


@SQLITE_ALONE
def test_no_head_is_set_back_by_replacing_it(filled):
    """SQLite lets it pass in silence, and does nothing."""
    before = db.session.execute(text("SELECT * FROM journal_chain")).all()
    for number, name in (("id", "name"), ("id", "'x' || id"), ("id + 99", "name")):
        db.session.execute(text(HEADS.format(number, name)))
    after = db.session.execute(text("SELECT * FROM journal_chain")).all()
    assert after == before
    assert worst() == 0


@SQLITE_ALONE
def test_an_erasure_takes_no_other_row_along(filled):
    """An erasure that is allowed, and puts its row in the place of another."""
    reference = entries(filled.asking.id)[0].said["object"]
    given = {"authority_id": filled.asking.id, "ground": "g", "why": "w"}
    count = journal.erase(None, reference, **given)
    db.session.commit()
    taken = (
        "UPDATE OR REPLACE journal_payload SET rowid = (SELECT min(rowid) FROM"
        " journal_payload WHERE chain_id = :other), payload = NULL, salt = NULL,"
        " erased_by = 99 WHERE chain_id = :chain AND seq = :seq"
    )
    db.session.execute(
        text(
            "INSERT INTO journal_entry SELECT chain_id, 99, at, 'erased', actor_id,"
            " about, record, hash FROM journal_entry WHERE chain_id = :chain AND seq = 1"
        ),
        {"chain": filled.asking.id},
    )
    where = {"chain": filled.asking.id, "other": filled.asked.id, "seq": count + 1}
    with pytest.raises(DBAPIError, match="journal is not"):
        db.session.execute(text(taken), where)


def test_an_erasure_erases_and_does_not_rewrite(filled):
    reference = entries(filled.asking.id)[0].said["object"]
    given = {"authority_id": filled.asking.id, "ground": "g", "why": "w"}
    count = journal.erase(None, reference, **given)
    db.session.commit()
    by = count + 1
    refused(f"UPDATE journal_payload SET payload = '{{}}', erased_by = {by}")
    refused("UPDATE journal_payload SET erased_by = NULL")
    refused(f"UPDATE journal_payload SET salt = NULL WHERE seq = {by}")
    assert worst() == 0
