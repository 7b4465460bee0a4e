"""What holds for every step of a request, whoever takes it."""

import pytest
from sqlalchemy import event, select

from tests import factories
from tests.factories import WAY_TO
from tracing.casework import queries
from tracing.casework.apply import deadline_of, schedule_of
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
    request = factories.after(of, *WAY_TO[step])
    commits.clear()
    factories.take(of, request, step)
    assert len(commits) == 1


@every_step
def test_if_the_process_dies_before_the_commit_nothing_has_happened(of, counted, step):
    request = factories.after(of, *WAY_TO[step])
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
def test_the_history_leads_to_the_state_that_is_stored(of, step):
    request = stored(factories.after(of, *WAY_TO[step], step).reference)
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


@every_step
def test_the_due_date_of_the_lists_is_the_one_the_history_gives(of, step):
    request = stored(factories.after(of, *WAY_TO[step], step).reference)
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
    request = factories.after(of, *WAY_TO[step])
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
def test_a_stranger_is_told_that_there_is_no_such_request(of, counted, step):
    request = factories.after(of, *WAY_TO[step])
    version, rows = request.version, counted()
    for role in (Role.SUPERVISOR, Role.OFFICER, Role.INVESTIGATOR):
        stranger = factories.actor_of(factories.person(None, role))
        with pytest.raises(NotVisible, match="There is no such request"):
            factories.take(of, request.reference, step, actor=stranger, version=version)
        db.session.rollback()
    assert counted() == rows


@every_step
def test_a_page_that_is_older_than_the_record_is_refused(of, counted, step):
    request = factories.after(of, *WAY_TO[step])
    state, rows = request.state, counted()
    with pytest.raises(Stale):
        factories.take(of, request, step, version=request.version - 1)
    db.session.rollback()
    assert stored(request.reference).state is state
    assert counted() == rows


@every_step
def test_an_auditor_of_either_side_sees_but_does_nothing(of, step):
    request = factories.after(of, *WAY_TO[step])
    home = of.asked if step in factories.ANSWERERS_STEPS else of.asking
    auditor = factories.actor_of(factories.person(home, Role.AUDITOR))
    assert queries.by_reference(request.reference, auditor) is request
    with pytest.raises(NotPermitted):
        factories.take(of, request, step, actor=auditor, version=request.version)


@every_step
def test_a_supervisor_may_take_the_step_of_the_own_side(of, step):
    request = factories.after(of, *WAY_TO[step])
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
    request = factories.after(of, *WAY_TO[step])
    wrong = of.investigator if step in factories.ANSWERERS_STEPS else of.officer
    wrong = factories.actor_of(wrong)
    expected = NotVisible if step is Trigger.SUBMIT else TransitionNotAllowed
    with pytest.raises(expected):
        factories.take(of, request, step, actor=wrong, version=request.version)


@every_step
def test_what_is_written_can_be_read_again_by_another_session(of, step):
    request = factories.after(of, *WAY_TO[step], step)
    reference, written = request.reference, factories.triggers_of(request)
    db.session.remove()
    found = stored(reference)
    assert factories.triggers_of(found) == written == [*WAY_TO[step], step]
