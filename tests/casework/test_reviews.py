"""A record whose time is over is listed, and goes by the word of two people alone."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests import factories
from tests.casework.test_registry import happened, recorded
from tests.journal.conftest import entries
from tracing.casework import records, registry, reviews
from tracing.casework.apply import utcnow
from tracing.extensions import db
from tracing.journal.kinds import Kind
from tracing.models import RegistryEvent, RegistryItem, RegistryReview, SharedRecord
from tracing.operations import restore
from workflows.errors import FactMissing, NotPermitted, NotVisible
from workflows.policies import Role

LATER = utcnow() + timedelta(days=8000)
WHY = "Twenty years have passed."


@pytest.fixture
def officer(of):
    return factories.actor_of(of.officer)


@pytest.fixture
def two(of):
    roles = (Role.SUPERVISOR, Role.ADMINISTRATOR)
    found = [factories.actor_of(factories.person(of.asked, role)) for role in roles]
    db.session.commit()
    return found


@pytest.fixture
def listed(officer):
    """A shared record with a history, whose time is over."""
    item = recorded(officer, status="STOLEN")
    registry.report(officer, item.id, happened("SALE", "2001-01-01"))
    registry.share(officer, item.id, shared=True)
    item.review_on = date(2026, 1, 1)
    db.session.commit()
    reviews.list_due()
    return item


def rows(model):
    return db.session.scalar(select(func.count()).select_from(model))


def test_what_has_passed_its_day_is_listed_once_and_stays(officer, two):
    kept, _other = recorded(officer), recorded(officer, "B 2", keep="30")
    assert reviews.list_due() == 0
    assert [reviews.list_due(LATER) for _ in "ab"] == [1, 0]
    [review] = reviews.due(two[0], now=LATER)[0]
    assert review.item_id == kept.id
    assert rows(RegistryItem) == 2


def test_two_people_erase_it_with_all_that_belongs_to_it(officer, two, listed):
    one, other = two
    about = records.about(listed.id)
    [review] = reviews.due(one)[0]
    reviews.ask(one, review.id, WHY)
    with pytest.raises(NotPermitted, match="Another person"):
        reviews.give(one, review.id)
    assert reviews.carry_out() == 0
    reviews.give(other, review.id)
    assert reviews.carry_out() == 1
    for model in (RegistryItem, RegistryEvent, RegistryReview, SharedRecord):
        assert rows(model) == 0
    found = [e for e in entries(officer.authority_id) if e.said.get("object") == about]
    assert found[-1].kind == Kind.RECORD_ERASED
    carried = {e.kind for e in found if e.payload is not None}
    assert carried == {Kind.ERASED, Kind.RECORD_ERASED}


@pytest.mark.parametrize("given", [False, True])
def test_what_is_known_later_moves_its_day_and_nothing_is_erased(
    officer, two, listed, given
):
    one, other = two
    [review] = reviews.due(one)[0]
    reviews.ask(one, review.id, WHY)
    if given:
        reviews.give(other, review.id)
    registry.report(officer, listed.id, happened("SEIZURE", "2025-01-01"))
    assert reviews.due(one)[0] == []
    with pytest.raises(NotVisible):
        reviews.give(other, review.id)
    assert reviews.carry_out() == 0
    assert rows(RegistryItem) == 1
    assert rows(RegistryReview) == (not given)


def test_a_restore_does_not_bring_it_back(app, officer, two, listed):
    number, recorded_at = listed.id, listed.recorded_at
    for person, step in zip(two, (reviews.ask, reviews.give), strict=True):
        [review] = reviews.due(two[0])[0]
        step(person, review.id, *([WHY] if step is reviews.ask else []))
    reviews.carry_out()
    recorded(officer, "C 3").id = number
    db.session.commit()
    again = app.extensions[restore.REAPPLY]
    assert again(Path(app.instance_path)) == 0
    db.session.get_one(RegistryItem, number).recorded_at = recorded_at
    db.session.commit()
    assert again(Path(app.instance_path)) == 1
    assert rows(RegistryItem) == 0


def test_it_is_kept_for_some_years_more(officer, two, listed):
    [review] = reviews.due(two[0])[0]
    with pytest.raises(FactMissing, match="from 1 to 30"):
        reviews.keep(two[0], review.id, 31)
    reviews.keep(two[0], review.id, 5)
    assert listed.review_on.year == utcnow().year + 5
    assert reviews.due(two[0])[0] == []
    assert reviews.list_due() == 0


def test_who_does_not_decide_sees_nothing_of_it(of, officer, two, listed):
    number = reviews.due(two[0])[0][0].id
    foreign = factories.actor_of(factories.person(of.asking, Role.SUPERVISOR))
    db.session.commit()
    with pytest.raises(NotPermitted):
        reviews.due(officer)
    assert reviews.due(foreign)[0] == []
    with pytest.raises(NotVisible):
        reviews.ask(foreign, number, WHY)
