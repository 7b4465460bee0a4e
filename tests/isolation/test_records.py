"""National records are their authority's alone, for the pages and for the worker."""

from datetime import timedelta

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import ProgrammingError

from tests import factories
from tests.casework.test_registry import happened, recorded
from tests.isolation.test_walls import as_role, count, postgresql
from tracing.casework import lookups, records, registry, reviews, sightings
from tracing.casework.apply import utcnow
from tracing.extensions import db
from tracing.lookups import running
from tracing.models import Lookup
from tracing.security import isolation
from workflows.policies import Role
from workflows.ranking import Traits
from workflows.states import Trigger

__all__ = ["as_role", "postgresql"]

SUPERVISOR = Role.SUPERVISOR
OWN = ("registry_item", "registry_event", "registry_mark", "registry_hit")


@pytest.fixture
def of(session):
    return factories.sides()


@pytest.fixture
def keeper(session):
    """An officer whose authority has a shared record that somebody looks for."""
    found = factories.actor_of(factories.person(None, Role.OFFICER))
    item = recorded(found, status="STOLEN")
    registry.share(found, item.id, shared=True)
    registry.report(found, item.id, happened("REMARKING", mark="GOV 77"))
    factories.after(factories.sides(), Trigger.SUBMIT, markings_serial="GOV 77")
    sightings.compare_all()
    return found


@pytest.fixture
def stranger(session):
    found = factories.actor_of(factories.person(None, Role.OFFICER, Role.SUPERVISOR))
    db.session.commit()
    return found


@pytest.fixture
def as_worker(session, postgresql):
    """Works as the worker from here on, in every transaction."""
    engine = db.engine

    def begin(connection):
        connection.exec_driver_sql(f"SET LOCAL ROLE {isolation.WORKER}")

    db.session.rollback()
    event.listen(engine, "begin", begin)
    yield
    db.session.rollback()
    event.remove(engine, "begin", begin)


@pytest.mark.parametrize("role", [isolation.SITE, isolation.WORKER])
def test_the_database_shows_them_to_their_authority_alone(
    postgresql, as_role, keeper, stranger, role
):
    mine, theirs = keeper.authority_id, stranger.authority_id
    own = OWN[:3] if role == isolation.WORKER else OWN
    for table in own:
        as_role(role, mine)
        assert count(table) == 1, table
        as_role(role, theirs)
        assert count(table) == 0, table
    as_role(role)
    assert count("registry_item") == 0
    as_role(role, theirs)
    assert count("shared_record") == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE registry_event SET kind = 'SALE'",
        "UPDATE registry_event SET remarks = NULL",
        "DELETE FROM registry_event",
        "DELETE FROM registry_item",
        "UPDATE registry_item SET authority_id = authority_id",
        "UPDATE registry_item SET source_key = 'x'",
        "DELETE FROM registry_hit",
        "INSERT INTO registry_hit (authority_id) VALUES (1)",
    ],
)
def test_the_pages_cannot_undo_what_was_said(postgresql, as_role, keeper, statement):
    mine, user = keeper.authority_id, keeper.user_id
    as_role(isolation.SITE, mine, user)
    with pytest.raises(ProgrammingError, match="permission denied"):
        db.session.execute(text(statement))


def test_nobody_shares_in_the_name_of_another(postgresql, as_role, keeper, stranger):
    theirs = stranger.authority_id
    as_role(isolation.SITE, theirs)
    assert db.session.execute(text("DELETE FROM shared_record")).rowcount == 0
    change = text("UPDATE shared_record SET status = 'LOST'")
    assert db.session.execute(change).rowcount == 0


def test_a_forgotten_condition_shows_nothing_of_others(app, session, keeper, stranger):
    """What SQLite has in the place of policies."""
    if db.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL has policies")
    with app.test_request_context():
        isolation.work_for(stranger.authority_id)
        got = records.search(keeper.authority_id, "GOV 77", Traits())
        assert got.possible == []
        isolation.work_for(keeper.authority_id)
        got = records.search(keeper.authority_id, "GOV 77", Traits())
        assert len(got.possible) == 1


def test_the_worker_does_its_part_behind_the_wall(postgresql, of, keeper, request):
    request_ = factories.after(
        of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE, markings_serial="GOV 77"
    )
    officer = factories.actor_of(of.officer)
    recorded(officer, "GOV-77")
    rows = lookups.ask(
        *(request_.reference, officer, ["own-records", "shared-records"]),
        purpose="To trace it",
    )
    two = [factories.actor_of(factories.person(of.asked, SUPERVISOR)) for _ in "ab"]
    db.session.commit()
    asked = [row.id for row in rows]
    later = utcnow() + timedelta(days=8000)
    request.getfixturevalue("as_worker")
    assert running.drain("worker-of-the-test") == 2
    found = [db.session.get_one(Lookup, number) for number in asked]
    assert [len(row.candidates) for row in found] == [1, 1]
    assert sightings.compare_all() == 2
    assert reviews.list_due(later) == 2
    isolation.work_for(of.asked.id)
    [review] = reviews.due(two[0], now=later)[0]
    reviews.ask(two[0], review.id, "Its time is over.", now=later)
    review.given_by_id, review.given_at = two[1].user_id, later
    db.session.commit()
    isolation.work_for_nobody()
    assert reviews.carry_out(later) == 1
