"""What the databases do for a list: read an index in its order, and sort nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, insert, text

from tracing.casework import queries
from tracing.casework.queries import Place, View
from tracing.extensions import db
from tracing.models import (
    Account,
    Authority,
    Item,
    Marking,
    Recovery,
    TraceRequest,
)
from tracing.security import isolation
from workflows.policies import Actor, Role
from workflows.states import State
from workflows.vocabulary import MarkType

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ROWS = 5_000
TINY_HAS = 3
OFFICER = 1
STATES = (State.SUBMITTED, State.ACKNOWLEDGED, State.CLARIFICATION_REQUESTED)


def actor(authority_id: int) -> Actor:
    roles = frozenset({Role.OFFICER, Role.INVESTIGATOR})
    return Actor(OFFICER, "Somebody", authority_id, "Somewhere", roles, "en")


@pytest.fixture
def seeded(session):
    """5 000 open requests: half to a large authority, three to a tiny one."""
    authorities = [
        Authority(
            code=f"XA-{n}",
            country="XA",
            name=f"No {n}",
            zone="UTC",
            email="a@b.example",
        )
        for n in range(40)
    ]
    session.add_all(authorities)
    session.flush()
    recovery = Recovery(authority_id=authorities[0].id)
    officer = Account(
        id=OFFICER,
        authority_id=authorities[0].id,
        name="Somebody",
        email="somebody@authority.example",
        fs_uniquifier="somebody",
    )
    session.add_all((recovery, officer))
    session.flush()
    ids = [authority.id for authority in authorities]
    large, tiny, *others = ids

    def asked(n: int) -> int:
        if n < TINY_HAS:
            return tiny
        return large if n % 2 else others[n % len(others)]

    rows = [
        {
            "id": n + 1,
            "reference": f"2026-XA-{n:08}",
            "year": 2026,
            "number": n,
            "state": STATES[n % 3],
            "requesting_id": large if n % 7 == 0 else others[n % len(others)],
            "requested_id": asked(n),
            "assigned_to_id": None if n % 5 else OFFICER,
            "recovery_id": recovery.id,
            "created_at": NOW,
            "changed_at": NOW,
            "open": True,
            "awaiting": True,
            "due": NOW + timedelta(hours=n * 7919 % 1000 - 400),
        }
        for n in range(ROWS)
    ]
    session.execute(insert(TraceRequest), rows)
    items = [{"id": row["id"], "request_id": row["id"]} for row in rows]
    session.execute(insert(Item), items)
    marks = [
        {
            "item_id": item["id"],
            "position": position,
            "type": MarkType.SERIAL,
            "text": f"{item['id']}",
        }
        for item in items
        for position in (1, 2)
    ]
    session.execute(insert(Marking), marks)
    session.commit()
    session.execute(text("ANALYZE"))
    session.commit()
    return large, tiny


@pytest.fixture
def plan(session):
    """Gives the plan of the first statement of a reading."""

    def explain(read) -> str:
        seen = []

        def keep(_connection, _cursor, statement, parameters, *_):
            seen.append((statement, parameters))

        event.listen(db.engine, "before_cursor_execute", keep)
        read()
        event.remove(db.engine, "before_cursor_execute", keep)
        statement, parameters = next(s for s in seen if "SELECT" in s[0])
        words = (
            "EXPLAIN "
            if db.engine.dialect.name == "postgresql"
            else "EXPLAIN QUERY PLAN "
        )
        found = db.session.connection().exec_driver_sql(words + statement, parameters)
        return "\n".join(str(row[-1]) for row in found)

    return explain


@pytest.mark.parametrize("place", [None, Place(NOW + timedelta(hours=10), 7)])
def test_the_queue_comes_from_its_index_in_order(seeded, plan, place):
    who = actor(seeded[0])
    found = plan(lambda: queries.queue(who, View(), place, now=NOW))
    assert "ix_trace_request_queue" in found
    assert "Sort" not in found
    assert "TEMP B-TREE" not in found


def test_the_queue_of_a_tiny_authority_reads_its_rows_alone(seeded, plan):
    # Three rows may be put in order after they are read: that costs nothing.
    who = actor(seeded[1])
    found = plan(lambda: queries.queue(who, View(), None, now=NOW))
    assert "ix_trace_request_" in found
    assert "Seq Scan on trace_request" not in found
    assert "SCAN trace_request" not in found


@pytest.mark.parametrize("name", ["mine", "unassigned", "waiting", "late"])
def test_each_view_of_the_queue_comes_from_an_index(seeded, plan, name):
    who = actor(seeded[0])
    found = plan(lambda: queries.queue(who, View(name), None, now=NOW))
    assert "ix_trace_request_queue" in found
    assert "Sort" not in found
    assert "TEMP B-TREE" not in found


def test_what_others_must_not_meet_is_read_from_its_own_few_rows(seeded, plan):
    db.session.execute(
        text("UPDATE trace_request SET confidential = true WHERE id % 500 = 1")
    )
    db.session.commit()
    who = actor(seeded[0])
    for view in ("urgent", "unassigned", "late"):
        found = plan(lambda view=view: queries.queue(who, View(view), None, now=NOW))
        assert "ix_trace_request_confidential" in found
        assert "ix_trace_request_queue" in found
        assert "Sort" not in found
        assert "TEMP B-TREE" not in found


def test_who_sees_all_reads_the_queue_and_nothing_else(seeded, plan):
    one = actor(seeded[0])
    who = replace(one, roles=frozenset({Role.SUPERVISOR}))
    found = plan(lambda: queries.queue(who, View(), None, now=NOW))
    assert "ix_trace_request_queue" in found
    assert "confidential" not in found


@pytest.mark.parametrize("kind", ["queue", "mine"])
def test_counting_reads_indexes_alone(seeded, plan, kind):
    who = actor(seeded[0])
    names = {
        "queue": ("urgent", "mine", "unassigned", "waiting", "late"),
        "mine": ("open", "needs", "late", "drafts", "ended"),
    }
    if db.engine.dialect.name == "postgresql":
        # In a table this small, reading all of it would be as cheap.
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
    found = plan(
        lambda: queries.counts(who, [(kind, name) for name in names[kind]], now=NOW)
    )
    assert "Seq Scan" not in found
    assert "SCAN trace_request" not in found
    # Which index is the planner's to choose: here all that is asked is still open.
    assert found.count("ix_trace_request_") >= len(names[kind])


@pytest.fixture
def few_are_left(seeded):
    """Of all that a large authority was asked, nearly everything is in hand."""
    taken = "UPDATE trace_request SET assigned_to_id = 1 WHERE id % 500 <> 1"
    db.session.execute(text(taken))
    db.session.commit()
    db.session.execute(text("ANALYZE"))
    db.session.commit()
    return actor(seeded[0])


def test_what_nobody_has_taken_is_counted_among_it_alone(few_are_left, plan):
    who = few_are_left
    isolation.work_for(who.authority_id, who.user_id)
    if db.engine.dialect.name == "postgresql":
        # Behind its wall PostgreSQL reckons otherwise than its owner does.
        db.session.execute(text(f"SET LOCAL ROLE {isolation.SITE}"))
    found = plan(lambda: queries.counts(who, [("queue", "unassigned")], now=NOW))
    assert "Seq Scan on trace_request" not in found
    assert "SCAN trace_request" not in found
    assert "ix_trace_request_queue_" in found
    if db.engine.dialect.name == "postgresql":
        assert "ix_trace_request_queue_unassigned" in found


def test_own_requests_come_from_their_index_in_order(seeded, plan):
    who = actor(seeded[0])
    found = plan(lambda: queries.mine(who, View("open"), None, now=NOW))
    assert "ix_trace_request_mine" in found
    assert "Sort" not in found
    assert "TEMP B-TREE" not in found
