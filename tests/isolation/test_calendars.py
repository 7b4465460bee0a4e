"""What is said of calendars and agreements is said in one's own name; the worker moves."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from tests import factories
from tracing.casework import moving
from tracing.directory import versions
from tracing.directory.versions import Proposal
from tracing.extensions import db
from tracing.models import ChangeKind, DueChange
from tracing.security.isolation import SITE, WORKER
from workflows.policies import Role

SENT = datetime(2026, 11, 19, 12, tzinfo=UTC)
FOREIGN = (
    (
        "INSERT INTO office_hours_version (authority_id, number, hours, subdivision,"
        " made_by, made_at) VALUES (:theirs, 9, '', '', '', now())"
    ),
    (
        "INSERT INTO calendar_version (place, number, standing, base, first_year,"
        " last_year, content, authority_id, made_by, made_at, why, source)"
        " VALUES ('ZZ', 2, 'published', '', 2026, 2027, '{}', :ours, '', now(), '', '')"
    ),
    (
        "INSERT INTO calendar_version (place, number, standing, base, first_year,"
        " last_year, content, authority_id, made_by, made_at, why, source)"
        " VALUES ('ZZ', 2, 'proposed', '', 2026, 2027, '{}', :theirs, '', now(), '', '')"
    ),
    "UPDATE calendar_version SET content = '{}'",
    "DELETE FROM calendar_version",
    (
        "INSERT INTO regime_version (code, number, label, states, bases, urgency, since,"
        " content, authority_id, made_by, made_at, why, confirmed_by)"
        " VALUES ('X_1', 1, '', 'KE BR', '', '', now(), '{}', :theirs, '', now(), '', '')"
    ),
    "UPDATE regime_version SET content = '{}'",
    (
        "INSERT INTO due_change (request_id, deadline, old_due, new_due, old_version,"
        " new_version, at, told) VALUES (1, 'answer', now(), now(), '', '', now(), true)"
    ),
)


@pytest.fixture
def postgresql(app, session):
    if db.engine.dialect.name != "postgresql":
        pytest.skip("about the roles of PostgreSQL")


@pytest.mark.parametrize("statement", FOREIGN)
def test_pages_say_nothing_in_anothers_name(postgresql, session, statement):
    of = factories.sides()
    factories.sent(of, now=SENT)
    db.session.rollback()
    ours, theirs = of.asking.id, of.asked.id
    db.session.rollback()
    db.session.execute(text(f"SET LOCAL ROLE {SITE}"))
    say = text("SELECT set_config('app.authority', :value, true)")
    db.session.execute(say, {"value": str(ours)})
    with pytest.raises(DBAPIError, match=r"row-level security|permission denied"):
        db.session.execute(text(statement), {"ours": ours, "theirs": theirs})
    db.session.rollback()


@pytest.fixture
def as_the_worker(session):
    """Lets every transaction from here on work with the rights of the worker."""
    listening = []

    def _begin(connection):
        connection.exec_driver_sql(f"SET LOCAL ROLE {WORKER}")

    def work():
        db.session.commit()
        if db.engine.dialect.name == "postgresql":
            event.listen(db.engine, "begin", _begin)
            listening.append(_begin)
        try:
            return moving.work(SENT)
        finally:
            db.session.rollback()
            while listening:
                event.remove(db.engine, "begin", listening.pop())

    return work


def test_the_worker_counts_moves_and_tells_with_its_own_rights(session, as_the_worker):
    both = [factories.sent(factories.sides(), now=SENT) for _ in range(2)]
    ids = {one.id for one in both}
    for one in both:
        one.regime = "R41_REPLY"
    db.session.commit()
    asked = both[0].requested
    head = factories.actor_of(factories.person(asked, Role.ADMINISTRATOR))
    given = Proposal(
        kind=ChangeKind.HOLIDAY,
        first=date(2026, 11, 23),
        last=date(2026, 11, 23),
        name="Day",
        why="Law.",
        source="Law 1",
    )
    number = versions.propose(head, "BR", given, SENT).id
    as_the_worker()
    versions.decide(head, number, publish=True, now=SENT)
    assert as_the_worker() == 2
    rows = db.session.query(DueChange).all()
    assert {row.request_id for row in rows} == ids
    assert all(row.told for row in rows)
