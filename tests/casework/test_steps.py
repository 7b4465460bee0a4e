"""What holds for every step of a request, whoever takes it."""

import pytest
from sqlalchemy import event, select

from tests import factories
from tests.factories import WAY_TO
from tracing.casework import queries
from tracing.casework.apply import deadline_of, schedule_of
from tracing.directory import versions
from tracing.extensions import db
from tracing.faults import Stale
from tracing.models import OutboxMessage, TraceRequest
from tracing.models.trace_request import FAR
from workflows.deadlines import Kind
from workflows.errors import NotPermitted, NotVisible, TransitionNotAllowed
from workflows.lifecycle import rules_of
from workflows.policies import Role
from workflows.states import AWAITING_ANSWER, OPEN, State, Trigger

every_step = pytest.mark.parametrize("step", list(Trigger))
SENT_STEPS = [step for step in Trigger if step is not Trigger.SUBMIT]
SILENT = {Trigger.RECORD_SEARCH, Trigger.NOTE}


def stored(reference):
    db.session.expire_all()
    query = select(TraceRequest).where(TraceRequest.reference == reference)
    return db.session.scalars(query).one()


@every_step
def test_a_step_is_one_transaction(of, commits, step):
    request = factories.ready_for(of, step)
    commits.clear()
    factories.take(of, request, step)
    assert len(commits) == 1


def test_a_step_raises_the_version_by_one_in_a_process_that_knows_nothing_yet(of):
    reference = factories.sent(of).reference
    for trigger in (Trigger.ACKNOWLEDGE, Trigger.RECORD_SEARCH, Trigger.RESPOND):
        db.session.rollback()
        db.session.expire_all()
        # What a process has read of calendars, it has read once.
        versions._KNOWN.clear()
        found = db.session.query(TraceRequest).filter_by(reference=reference).one()
        before = found.version
        factories.take(of, found, trigger)
        assert found.version == before + 1, trigger


@every_step
def test_if_the_process_dies_before_the_commit_nothing_has_happened(of, counted, step):
    request = factories.ready_for(of, step)
    reference, before, rows = request.reference, request.state, counted()
    due, version = request.due, request.version
    db.session.commit()

    def dies(_session):
        raise KeyboardInterrupt

    event.listen(db.session(), "before_commit", dies)
    try:
        with pytest.raises(KeyboardInterrupt):
            factories.take(of, request, step)
    finally:
        event.remove(db.session(), "before_commit", dies)
        db.session.rollback()
    found = stored(reference)
    assert (found.state, found.due, found.version) == (before, due, version)
    assert counted() == rows


@every_step
def test_the_history_alone_leads_to_all_that_is_stored(of, step):
    reference = factories.take(of, factories.ready_for(of, step), step).reference
    db.session.remove()
    request = stored(reference)
    assert factories.triggers_of(request) == [*WAY_TO[step], step]
    state = State.DRAFT
    for position, happened in enumerate(request.events, 1):
        assert happened.position == position
        assert happened.before is state
        assert any(
            state in rule.sources and happened.after is (rule.to or state)
            for rule in rules_of(happened.trigger)
        )
        state = happened.after
    assert request.state is state
    assert request.open is (state in OPEN)
    assert request.awaiting is (state in AWAITING_ANSWER)
    plan = schedule_of(request)
    answer, receipt = (
        deadline_of(plan, Kind.ANSWER),
        deadline_of(plan, Kind.ACKNOWLEDGE),
    )
    assert answer is not None
    assert request.due == (answer.due if request.state in OPEN else FAR)
    assert request.acknowledge_due == (receipt.due if receipt else None)


@every_step
def test_the_other_side_is_told_in_the_same_transaction(of, step):
    request = factories.ready_for(of, step)
    db.session.execute(OutboxMessage.__table__.delete())
    factories.take(of, request, step)
    told = {row.recipient for row in db.session.scalars(select(OutboxMessage))}
    asking = {of.asking.email, of.investigator.email}
    asked = {of.asked.email, of.officer.email}
    if step in SILENT:
        assert told == set()
    elif step in factories.ANSWERERS_STEPS:
        assert told == asking
    else:
        assert of.asked.email in told
        assert told <= asked


@every_step
def test_who_may_not_take_it_changes_nothing(of, counted, step):
    request = factories.ready_for(of, step)
    home = of.asked if step in factories.ANSWERERS_STEPS else of.asking
    stranger = factories.actor_of(factories.person(None, Role.SUPERVISOR))
    auditor = factories.actor_of(factories.person(home, Role.AUDITOR))
    db.session.commit()
    reference, version, state = request.reference, request.version, request.state
    rows = counted()
    refused = [
        (stranger, version, NotVisible),
        (auditor, version, NotPermitted),
        (of.actor(step), version - 1, Stale),
        (of.actor(step), version + 1, Stale),
    ]
    for actor, page, error in refused:
        with pytest.raises(error):
            factories.take(of, reference, step, actor=actor, version=page)
        db.session.rollback()
    assert queries.by_reference(reference, auditor).state is state
    assert counted() == rows


@every_step
def test_a_supervisor_may_take_the_step_of_the_own_side(of, step):
    request = factories.ready_for(of, step)
    home = of.asked if step in factories.ANSWERERS_STEPS else of.asking
    supervisor = factories.actor_of(factories.person(home, Role.SUPERVISOR))
    factories.take(of, request, step, actor=supervisor, version=request.version)
    assert factories.last_event(request).actor_name == supervisor.name


@pytest.mark.parametrize("step", SENT_STEPS)
def test_before_it_is_sent_a_draft_allows_no_other_step(of, step):
    draft = factories.draft(of)
    refused = NotVisible if step in factories.ANSWERERS_STEPS else TransitionNotAllowed
    with pytest.raises(refused):
        factories.take(of, draft, step, version=draft.version)


@every_step
def test_a_step_of_the_other_side_is_refused_in_words(of, step):
    if rules_of(step)[0].by is None:
        pytest.skip("either side may take it")
    request = factories.ready_for(of, step)
    wrong = of.investigator if step in factories.ANSWERERS_STEPS else of.officer
    wrong = factories.actor_of(wrong)
    unseen = step in (Trigger.SUBMIT, Trigger.LIFT_CONFIDENTIALITY)
    expected = NotVisible if unseen else TransitionNotAllowed
    with pytest.raises(expected):
        factories.take(of, request, step, actor=wrong, version=request.version)
