"""PostgreSQL holds pages and worker to what they may write of the directory."""

import contextlib
from datetime import UTC, datetime

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import ProgrammingError

from tests import factories
from tracing import worker
from tracing.extensions import db
from tracing.models import Delivery, OutboxMessage, Proposal
from tracing.security import isolation

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture(params=[pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request, migrated_cluster):
    """The rights are PostgreSQL's."""
    name = migrated_cluster.lend("migrated")
    yield migrated_cluster.url(name)
    migrated_cluster.take_back(name)


@contextlib.contextmanager
def working_as(role: str):
    """Work as a role of PostgreSQL."""
    db.session.commit()

    def begin(connection):
        connection.exec_driver_sql(f"SET LOCAL ROLE {role}")

    event.listen(db.engine, "begin", begin)
    try:
        yield
    finally:
        event.remove(db.engine, "begin", begin)
        db.session.rollback()


def test_the_worker_keeps_the_directory_true_within_its_rights(desk, session):
    desk.propose(desk.one, email="new@ke.example")
    session.commit()
    number = session.scalars(select(Proposal.id)).one()
    assert desk.decide(desk.two, number).status_code == 303
    made = factories.sent(factories.sides(asked=desk.entry))
    message = session.scalars(
        select(OutboxMessage).where(
            OutboxMessage.request_id == made.id,
            OutboxMessage.recipient == "desk@ke.example",
        )
    ).one()
    message.delivery, message.last_error = (
        Delivery.DEAD,
        "no such mailbox: 550 no such user",
    )
    session.commit()
    with working_as(isolation.WORKER):
        assert worker.returned() == 1
        assert worker.change_entries() == 1
        assert worker.keep_up() > 0
    desk.fresh()
    assert desk.entry.mailboxes == ("new@ke.example", "deputy@ke.example")
    assert desk.entry.version == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE authority SET email = 'x'",
        "UPDATE authority SET emails = 'x'",
        "UPDATE authority SET version = 9",
        "INSERT INTO authority_version (authority_id, number) VALUES (1, 1)",
        "DELETE FROM authority_version",
        "INSERT INTO bounce (message_number) VALUES (1)",
        "UPDATE directory_proposal SET changes = '{}'",
        "UPDATE directory_proposal SET proposed_by_id = 1",
        "UPDATE directory_link SET address = 'x'",
        "UPDATE marking_picture SET authority_id = 1",
        "DELETE FROM directory_work",
    ],
)
def test_no_page_writes_what_an_entry_says(desk, session, statement):
    with (
        working_as(isolation.SITE),
        pytest.raises(ProgrammingError, match="permission denied"),
    ):
        db.session.execute(text(statement))


def test_no_page_confirms_a_foreign_entry_or_decides_its_own_proposal(desk, session):
    desk.propose(desk.one, email="new@ke.example")
    session.commit()
    home, entry = desk.other.authority_id, desk.entry.id
    with working_as(isolation.SITE):
        isolation.work_for(home, desk.other.id)
        changed = text("UPDATE authority SET last_confirmed = now() WHERE id = :id")
        assert db.session.execute(changed, {"id": entry}).rowcount == 0
        assert db.session.scalars(select(Proposal)).all() == []
        db.session.rollback()
        isolation.work_for(entry, desk.one.id)
        decided = text(
            "UPDATE directory_proposal SET decision = 'accepted', decided_by_id = :me"
        )
        with pytest.raises(ProgrammingError, match="row-level security"):
            db.session.execute(decided, {"me": desk.one.id})
    isolation.work_for_nobody()
