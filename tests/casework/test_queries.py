"""Lists: each row once, in its order, whichever way one walks."""

from datetime import UTC, datetime, timedelta

import pytest

from tests import factories
from tracing.casework import queries
from tracing.extensions import db
from tracing.models import TraceRequest
from workflows.errors import NotVisible
from workflows.policies import Role
from workflows.states import State, Trigger
from workflows.vocabulary import Urgency

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SIZE = 7


@pytest.fixture
def officer(of):
    return factories.actor_of(of.officer)


@pytest.fixture
def investigator(of):
    return factories.actor_of(of.investigator)


def references(rows):
    return [row.reference for row in rows]


def forwards(find, actor, view):
    pages, place = [], None
    while True:
        page = find(actor, view, place, now=NOW, size=SIZE)
        pages.append(page)
        if page.later is None:
            return pages
        place = page.later


def backwards(find, actor, view, page):
    pages = [page]
    while page.earlier is not None:
        page = find(actor, view, page.earlier, now=NOW, size=SIZE)
        pages.append(page)
    return pages[::-1]


def sixty(of, due):
    rows = [factories.listed(of, due=due(n)) for n in range(60)]
    db.session.commit()
    return references(sorted(rows, key=lambda row: (row.due, row.id)))


DUES = {
    "all different": lambda n: NOW + timedelta(days=n * 37 % 60),
    "all equal": lambda n: NOW,
    "in groups of ten": lambda n: NOW + timedelta(days=n % 6),
    "a microsecond apart": lambda n: NOW - timedelta(microseconds=n),
}


@pytest.mark.parametrize("due", DUES.values(), ids=DUES)
@pytest.mark.parametrize("kind", ["queue", "mine"])
def test_who_walks_there_and_back_meets_each_row_once(
    of, officer, investigator, due, kind
):
    expected = sixty(of, due)
    find, actor, view = {
        "queue": (queries.queue, officer, queries.View("urgent")),
        "mine": (queries.mine, investigator, queries.View("open")),
    }[kind]
    there = forwards(find, actor, view)
    assert [r for page in there for r in references(page.rows)] == expected
    assert [len(page.rows) for page in there] == [7] * 8 + [4]
    assert there[0].earlier is None
    back = backwards(find, actor, view, there[-1])
    assert [r for page in back for r in references(page.rows)] == expected


def test_what_is_answered_meanwhile_shifts_nothing(of, officer):
    expected = sixty(of, DUES["all different"])
    first = queries.queue(officer, queries.View(), None, now=NOW, size=SIZE)
    for row in first.rows[:3]:
        db.session.get_one(TraceRequest, row.id).awaiting = False
    db.session.commit()
    second = queries.queue(officer, queries.View(), first.later, now=NOW, size=SIZE)
    assert references(second.rows) == expected[7:14]


def test_a_place_whose_rows_are_gone_is_an_empty_page(of, officer):
    place = queries.Place(NOW, 5)
    page = queries.queue(officer, queries.View(), place, now=NOW, size=SIZE)
    assert (list(page.rows), page.earlier, page.later) == ([], None, None)


class TestTheQueue:
    @pytest.fixture
    def rows(self, of):
        soon, late = NOW + timedelta(days=3), NOW - timedelta(days=3)
        found = {
            "soon": factories.listed(of, due=soon),
            "late": factories.listed(of, due=late, assigned_to=of.officer),
            "asked": factories.listed(
                of, due=soon, state=State.CLARIFICATION_REQUESTED
            ),
            "urgent": factories.listed(of, due=soon, urgency=Urgency.URGENT),
            "answered": factories.listed(of, due=soon, state=State.RESPONDED),
            "draft": factories.listed(of, due=soon, state=State.DRAFT),
            "closed": factories.listed(of, due=soon, state=State.CLOSED),
        }
        db.session.commit()
        return {row.reference: name for name, row in found.items()}

    @pytest.mark.parametrize(
        ("view", "shown"),
        [
            ("urgent", ["late", "soon", "asked", "urgent"]),
            ("mine", ["late"]),
            ("unassigned", ["soon", "asked", "urgent"]),
            ("waiting", ["asked"]),
            ("late", ["late"]),
        ],
    )
    def test_shows_in_each_view_what_it_says_and_counts_the_same(
        self, officer, rows, view, shown
    ):
        page = queries.queue(officer, queries.View(view), None, now=NOW)
        assert [rows[row.reference] for row in page.rows] == shown
        counted = queries.counts(officer, [("queue", view)], now=NOW)
        assert counted == {("queue", view): len(shown)}

    @pytest.mark.parametrize(
        ("view", "shown"),
        [
            ("open", {"late", "soon", "asked", "urgent", "answered"}),
            ("needs", {"asked", "answered"}),
            ("late", {"late"}),
            ("drafts", {"draft"}),
            ("ended", {"closed"}),
        ],
    )
    def test_the_own_requests_stand_in_their_views(
        self, investigator, rows, view, shown
    ):
        page = queries.mine(investigator, queries.View(view), None, now=NOW)
        assert {rows[row.reference] for row in page.rows} == shown
        counted = queries.counts(investigator, [("mine", view)], now=NOW)
        assert counted == {("mine", view): len(shown)}

    def test_is_narrowed_by_state_and_by_status(self, of, officer, rows):
        other = factories.sides(
            asked=of.asked, asking=factories.authority(country="FR")
        )
        french = factories.listed(other, due=NOW)
        db.session.commit()
        view = queries.View(country="FR")
        page = queries.queue(officer, view, None, now=NOW)
        assert references(page.rows) == [french.reference]
        view = queries.View(state=State.CLARIFICATION_REQUESTED)
        page = queries.queue(officer, view, None, now=NOW)
        assert [rows[row.reference] for row in page.rows] == ["asked"]

    def test_holds_nothing_of_other_authorities(self, officer, rows):
        stranger = factories.actor_of(factories.person(None, Role.SUPERVISOR))
        for find in (queries.queue, queries.mine):
            assert not find(stranger, queries.View(), None, now=NOW).rows
        views = [("queue", "urgent"), ("queue", "late"), ("mine", "open")]
        counted = queries.counts(stranger, views, now=NOW)
        assert counted == dict.fromkeys(views, 0)


class TestOneRequest:
    @pytest.mark.parametrize(
        "written",
        ["", "2026", "2026-KE-00000001", "'; drop table authority; --", "\0", "é" * 16],
    )
    def test_that_never_existed_is_not_visible(self, officer, written):
        with pytest.raises(NotVisible):
            queries.by_reference(written, officer)

    def test_is_found_in_small_letters(self, of, officer):
        request = factories.sent(of)
        assert queries.by_reference(request.reference.lower(), officer) is request

    @pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.MAINTAINER])
    def test_does_not_exist_for_who_only_runs_the_service(self, of, role):
        request = factories.sent(of)
        actor = factories.actor_of(factories.person(of.asking, role))
        with pytest.raises(NotVisible):
            queries.by_reference(request.reference, actor)


def test_the_messages_shown_are_those_of_ones_own_steps(of, officer, investigator):
    factories.after(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    assert {row.event for row in queries.outgoing(officer)} == {"acknowledged"}
    assert {row.event for row in queries.outgoing(investigator)} == {"submitted"}


def test_a_list_asks_the_database_the_same_number_of_times_for_any_length(
    of, officer, statements
):
    for length in (3, 30):
        for _ in range(length):
            factories.listed(of, due=NOW)
    db.session.commit()
    seen = []
    for size in (3, 30):
        db.session.commit()
        db.session.expire_all()
        statements.clear()
        page = queries.queue(officer, queries.View(), None, now=NOW, size=size)
        for row in page.rows:
            assert (row.requesting, row.serial) == (of.asking.country, None)
        seen.append(len(statements))
    assert seen[0] == seen[1]


def test_the_usual_time_to_answer_is_the_middle_of_ones_own_requests(of):
    start = datetime(2026, 1, 1, 9, tzinfo=UTC)
    later = start + timedelta(days=90)
    for took in (3, 10, 30):
        made = factories.sent(of, now=start)
        for step in (Trigger.ACKNOWLEDGE, Trigger.RECORD_SEARCH, Trigger.RESPOND):
            factories.take(of, made, step, now=start + timedelta(days=took))
    mine = factories.actor_of(of.investigator)
    others = factories.actor_of(factories.person(None, Role.INVESTIGATOR))
    wanted = [of.asked.id, of.asking.id]
    assert queries.days_to_answer(mine, wanted, now=later) == {of.asked.id: 10}
    assert queries.days_to_answer(others, wanted, now=later) == {}
    assert queries.days_to_answer(mine, [], now=later) == {}
