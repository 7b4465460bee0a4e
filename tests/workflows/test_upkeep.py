"""When an entry is asked for, and how surely somebody is reached."""

from datetime import UTC, datetime, timedelta

import pytest

from workflows.upkeep import Signs, Step, counted_from, newest, plan, reachability

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
BEST = Signs(
    confirmed=NOW - timedelta(days=1),
    tested=NOW - timedelta(days=9),
    read=NOW - timedelta(days=8),
    mailboxes=2,
    unreachable=0,
    urgent_line=True,
    deputy=True,
)


def test_an_entry_is_asked_for_before_half_a_year_and_three_times_after():
    days = [(step, (at - NOW).days) for step, at in plan(NOW)]
    assert days == [
        (Step.ASK, 166),
        (Step.AGAIN, 180),
        (Step.LAST, 194),
        (Step.SUPERVISORS, 208),
    ]


def test_after_an_outage_the_newest_step_is_taken():
    assert newest([Step.AGAIN, Step.LAST, Step.ASK]) is Step.LAST


def test_who_never_confirmed_is_asked_at_once_and_not_yet_told_on():
    owed = [step for step, at in plan(counted_from(None, NOW)) if at <= NOW]
    assert owed == [Step.ASK]


@pytest.mark.parametrize(
    ("changed", "score"),
    [
        ({}, 100),
        ({"unreachable": 1}, 85),
        ({"unreachable": 2}, 30),
        ({"confirmed": None}, 70),
        ({"confirmed": NOW - timedelta(days=181)}, 80),
        ({"read": None}, 80),
        ({"tested": None, "read": None}, 90),
        ({"tested": NOW - timedelta(days=1), "read": None}, 90),
        ({"tested": NOW - timedelta(days=2)}, 100),
        ({"deputy": False, "urgent_line": False}, 80),
        (
            {
                "confirmed": None,
                "unreachable": 2,
                "deputy": False,
                "urgent_line": False,
            },
            0,
        ),
    ],
)
def test_each_lack_takes_away_what_stands_beside_it(changed, score):
    signs = Signs(**{name: getattr(BEST, name) for name in BEST.__slots__} | changed)
    found, points = reachability(signs, NOW)
    assert found == score
    assert bool(points) is (score < 100)
