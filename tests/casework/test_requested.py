"""The requested authority: its officer, its searches, its answer."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from tests import factories
from tracing.casework import requested
from tracing.casework.apply import usual_days
from tracing.extensions import db
from tracing.faults import Stale
from tracing.models import DueWork, TraceRequest
from workflows.errors import NotPermitted, NotVisible, TransitionNotAllowed
from workflows.policies import Role
from workflows.states import State, Trigger
from workflows.vocabulary import Outcome


def test_who_acknowledges_has_the_request(of):
    request = factories.after(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    assert request.assigned_to is of.officer


def test_a_colleague_who_helps_does_not_take_it_away(of):
    request = factories.after(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    colleague = factories.actor_of(factories.person(of.asked, Role.OFFICER))
    factories.take(of, request, Trigger.RECORD_SEARCH, actor=colleague)
    assert request.assigned_to is of.officer


class TestAssigning:
    def test_takes_the_request_into_ones_own_hands(self, of, commits):
        request = factories.after(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
        colleague = factories.person(of.asked, Role.OFFICER)
        commits.clear()
        requested.assign(
            request.reference, factories.actor_of(colleague), version=request.version
        )
        assert request.assigned_to is colleague
        assert len(commits) == 1
        assert factories.triggers_of(request) == [Trigger.SUBMIT, Trigger.ACKNOWLEDGE]

    def test_is_for_the_side_that_answers(self, of):
        request = factories.sent(of)
        auditor = factories.person(of.asked, Role.AUDITOR)
        for person in (of.investigator, auditor):
            with pytest.raises(NotPermitted):
                requested.assign(request.reference, factories.actor_of(person))

    def test_does_not_exist_for_a_stranger(self, of):
        request = factories.sent(of)
        stranger = factories.actor_of(factories.person(None, Role.OFFICER))
        with pytest.raises(NotVisible):
            requested.assign(request.reference, stranger)

    def test_on_an_old_page_is_refused(self, of):
        request = factories.sent(of)
        actor = factories.actor_of(of.officer)
        with pytest.raises(Stale):
            requested.assign(request.reference, actor, version=request.version - 1)


def test_an_answer_about_records_needs_a_recorded_search(of):
    request = factories.after(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    with pytest.raises(TransitionNotAllowed, match="recorded search"):
        factories.take(of, request, Trigger.RESPOND, factories.answer())
    db.session.rollback()
    assert request.state is State.ACKNOWLEDGED
    assert request.outcome is None


def test_another_authority_can_be_named_without_a_search(of):
    request = factories.after(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    fact = factories.answer(
        Outcome.WRONG_ADDRESSEE, registers=(), details={"right_authority": "Police"}
    )
    factories.take(of, request, Trigger.RESPOND, fact)
    assert (request.state, request.outcome) == (
        State.RESPONDED,
        Outcome.WRONG_ADDRESSEE,
    )


def test_every_search_is_kept_in_its_order(of):
    request = factories.after(of, *factories.WAY_TO[Trigger.RESPOND])
    factories.take(of, request, Trigger.RECORD_SEARCH)
    assert factories.triggers_of(request)[-2:] == [Trigger.RECORD_SEARCH] * 2
    assert request.state is State.RECORDS_SEARCHED


def test_a_deferred_answer_is_due_at_the_end_of_the_day_of_review(of):
    request = factories.after(of, *factories.WAY_TO[Trigger.DEFER], Trigger.DEFER)
    review = factories.today() + timedelta(days=90)
    zone = ZoneInfo(of.asked.zone)
    assert request.due == datetime.combine(review, time(23, 59, 59), zone)


def test_each_change_of_the_date_moves_the_reminders_with_it(of):
    request = factories.after(of, *factories.WAY_TO[Trigger.DEFER])
    factories.take(of, request, Trigger.DEFER)
    owed = db.session.scalars(
        select(DueWork).where(DueWork.request_id == request.id, DueWork.done.is_(False))
    ).all()
    assert owed
    assert {work.deadline_value for work in owed if work.deadline == "answer"} <= {
        request.due
    }


def test_the_usual_days_are_the_middle_of_what_the_authority_took(of):
    start = datetime(2026, 3, 2, 9, tzinfo=ZoneInfo("UTC"))
    for days in (4, 10, 30):
        request = factories.sent(of, now=start)
        at = start + timedelta(days=days)
        for step in (Trigger.ACKNOWLEDGE, Trigger.RECORD_SEARCH, Trigger.RESPOND):
            factories.take(of, request, step, now=at)
    factories.sent(of, now=start)
    assert usual_days(of.asked.id, now=start + timedelta(days=60)) == 10
    assert usual_days(of.asking.id, now=start + timedelta(days=60)) is None


def test_the_version_counts_each_step(of):
    request = factories.sent(of)
    seen = [request.version]
    for step in (Trigger.ACKNOWLEDGE, Trigger.ASK_CLARIFICATION, Trigger.CLARIFY):
        factories.take(of, request, step)
        seen.append(request.version)
    assert seen == sorted(set(seen))
    stored = db.session.get_one(TraceRequest, request.id)
    assert stored.version == seen[-1]
