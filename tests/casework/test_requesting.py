"""The requesting authority: drafts, sending, clarifying, ending, reopening."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from marshmallow import ValidationError
from sqlalchemy import func, select

from tests import factories
from tracing.casework import queries, requesting, sections
from tracing.casework.references import is_reference
from tracing.extensions import db
from tracing.faults import AlreadyDone, Stale
from tracing.models import FormKey, OutboxMessage, TraceRequest
from tracing.models.trace_request import FAR
from workflows.errors import FactMissing, NotPermitted, NotVisible, TransitionNotAllowed
from workflows.facts import Answers
from workflows.policies import Role
from workflows.states import Party, State, Trigger
from workflows.vocabulary import ItemKind, SerialStatus


def number_of(model):
    return db.session.scalar(select(func.count()).select_from(model))


class TestADraft:
    def test_keeps_what_was_typed_sign_by_sign(self, of):
        draft = factories.draft(of)
        assert is_reference(draft.reference)
        assert draft.state is State.DRAFT
        assert factories.serial_of(draft) == "АВ 04?7 К"
        db.session.expire_all()
        values = sections.read(draft)
        assert values["markings"]["serial_status"] == SerialStatus.RESTORED_PARTIAL
        assert values["item"]["kind"] == ItemKind.FIREARM
        assert values["find"]["circumstances"].splitlines()[1].startswith("Two")
        assert values["persons"]["persons"][0]["family_name"] == "Exampleson"
        assert sections.missing(draft, factories.today()) == {}

    def test_is_one_transaction(self, of, commits):
        factories.draft(of)
        assert len(commits) == 1

    def test_may_have_gaps_and_says_which(self, of):
        data = factories.loaded({"item-make": "Example Arms"})
        actor = factories.actor_of(of.investigator)
        reference = requesting.draft(actor, data, form_key="k1")
        draft = queries.by_reference(reference, actor)
        missing = sections.missing(draft, factories.today())
        assert {"markings", "find", "basis", "domestic", "header"} <= missing.keys()
        assert "make" not in missing["item"]

    def test_of_the_same_form_is_made_once(self, of):
        actor, key = factories.actor_of(of.investigator), uuid4().hex
        data = factories.loaded(factories.complete_form(of.asked))
        first = requesting.draft(actor, data, form_key=key)
        with pytest.raises(AlreadyDone) as told:
            requesting.draft(actor, data, form_key=key)
        assert told.value.reference == first
        db.session.rollback()
        assert number_of(TraceRequest) == number_of(FormKey) == 1

    def test_is_not_made_with_the_form_of_another_person(self, of):
        data = factories.loaded(factories.complete_form(of.asked))
        requesting.draft(factories.actor_of(of.investigator), data, form_key="k1")
        other = factories.person(of.asking, Role.INVESTIGATOR)
        db.session.commit()
        with pytest.raises(NotPermitted):
            requesting.draft(factories.actor_of(other), data, form_key="k1")
        db.session.rollback()
        assert number_of(TraceRequest) == 1

    def test_does_not_exist_for_the_authority_it_will_go_to(self, of):
        draft = factories.draft(of)
        officer = factories.actor_of(of.officer)
        with pytest.raises(NotVisible):
            queries.by_reference(draft.reference, officer)
        now = datetime.now(UTC)
        assert not queries.queue(officer, queries.View(), None, now=now).rows
        urgent = ("queue", "urgent")
        assert queries.counts(officer, [urgent], now=now) == {urgent: 0}
        assert number_of(OutboxMessage) == 0

    def test_is_for_those_who_may_file(self, of):
        data = factories.loaded({"item-make": "Example Arms"})
        for role in (Role.OFFICER, Role.AUDITOR, Role.ADMINISTRATOR, Role.MAINTAINER):
            actor = factories.actor_of(factories.person(of.asking, role))
            with pytest.raises(NotPermitted):
                requesting.draft(actor, data, form_key=uuid4().hex)
            db.session.rollback()
        assert number_of(TraceRequest) == 0

    @pytest.mark.parametrize("wrong", ["unknown", "own", "suspended"])
    def test_goes_only_to_an_authority_that_takes_requests(self, of, wrong):
        suspended = factories.authority(country="FR", accepts_requests=False)
        ids = {"unknown": 999_999, "own": of.asking.id, "suspended": suspended.id}
        db.session.commit()
        data = factories.loaded(factories.complete_form(ids[wrong]))
        with pytest.raises(ValidationError) as told:
            requesting.draft(
                factories.actor_of(of.investigator), data, form_key=uuid4().hex
            )
        assert told.value.messages["header"]["requested_id"]
        db.session.rollback()
        assert number_of(TraceRequest) == number_of(FormKey) == 0

    def test_is_saved_again_and_only_over_the_version_it_was_read_from(self, of):
        draft, actor = factories.draft(of), factories.actor_of(of.investigator)
        read = draft.version
        data = factories.loaded(factories.complete_form(of.asked, item_make="Other"))
        saved = requesting.save_draft(draft.reference, actor, data, version=read)
        assert (saved.item.make, saved.version) == ("Other", read + 1)
        older = factories.loaded(factories.complete_form(of.asked, item_make="Older"))
        with pytest.raises(Stale):
            requesting.save_draft(draft.reference, actor, older, version=read)
        db.session.rollback()
        assert queries.by_reference(draft.reference, actor).item.make == "Other"

    def test_changes_its_version_even_if_only_a_mark_was_changed(self, of):
        draft, actor = factories.draft(of), factories.actor_of(of.investigator)
        read = draft.version
        data = factories.loaded(
            factories.complete_form(of.asked, markings_serial="АВ 0417 К")
        )
        requesting.save_draft(draft.reference, actor, data, version=read)
        assert draft.version == read + 1

    def test_that_was_sent_is_changed_no_more(self, of):
        request, actor = factories.sent(of), factories.actor_of(of.investigator)
        data = factories.loaded(factories.complete_form(of.asked, item_make="Other"))
        with pytest.raises(TransitionNotAllowed):
            requesting.save_draft(
                request.reference, actor, data, version=request.version
            )


class TestSending:
    def test_starts_the_clock_and_shows_it_to_the_other_side(self, of):
        request = factories.sent(of)
        assert request.state is State.SUBMITTED
        assert request.regime
        assert request.due < FAR
        assert request.acknowledge_due < request.due
        found = queries.by_reference(request.reference, factories.actor_of(of.officer))
        assert found is request

    def test_an_incomplete_request_names_what_is_missing_and_sends_nothing(self, of):
        draft = factories.draft(of, basis_purpose=None, find_place=None)
        with pytest.raises(ValidationError) as told:
            factories.take(of, draft, Trigger.SUBMIT)
        assert told.value.messages.keys() == {"basis", "find"}
        db.session.rollback()
        assert draft.state is State.DRAFT
        assert number_of(OutboxMessage) == 0

    def test_needs_the_declaration(self, of):
        draft = factories.draft(of)
        with pytest.raises(FactMissing):
            requesting.submit(
                draft.reference,
                factories.actor_of(of.investigator),
                authorised=False,
                version=draft.version,
            )

    def test_twice_is_sending_once(self, of):
        draft = factories.draft(of)
        version = draft.version
        factories.take(of, draft, Trigger.SUBMIT, version=version)
        with pytest.raises(AlreadyDone) as told:
            factories.take(of, draft, Trigger.SUBMIT, version=version)
        assert told.value.reference == draft.reference
        db.session.rollback()
        assert factories.triggers_of(draft) == [Trigger.SUBMIT]


class TestClarifying:
    def test_answers_each_question_and_no_more(self, of):
        request = factories.after(of, *factories.WAY_TO[Trigger.CLARIFY])
        assert len(requesting.open_questions(request)) == 2
        with pytest.raises(FactMissing, match="Answer each question"):
            factories.take(of, request, Trigger.CLARIFY, Answers(("One.",)))
        db.session.rollback()
        factories.take(of, request, Trigger.CLARIFY, Answers(("One.", "Two.")))
        assert factories.last_event(request).carried["answers"] == ["One.", "Two."]

    def test_may_move_the_day_by_which_the_answer_is_needed(self, of):
        wanted = factories.today() + timedelta(days=20)
        later = wanted + timedelta(days=30)
        request = factories.after(
            of,
            *factories.WAY_TO[Trigger.CLARIFY],
            basis_legal_basis="UNTOC_18",
            header_requested_by=wanted.isoformat(),
            header_requested_by_reason="A hearing.",
        )
        before = request.due
        fact = Answers(("One.", "Two."), requested_by=later)
        factories.take(of, request, Trigger.CLARIFY, fact)
        zone = ZoneInfo(of.asked.zone)
        assert before.astimezone(zone).date() < later
        assert request.due.astimezone(zone).date() == later
        # What was sent stays as it was sent; the history tells of the new day.
        assert request.requested_by == wanted
        assert factories.last_event(request).carried["requested_by"]

    def test_after_a_search_goes_back_to_where_it_was(self, of):
        way = (*factories.WAY_TO[Trigger.RESPOND], Trigger.ASK_CLARIFICATION)
        request = factories.after(of, *way, Trigger.CLARIFY)
        assert request.state is State.RECORDS_SEARCHED


class TestEndingAndReopening:
    @pytest.mark.parametrize("step", [Trigger.CLOSE, Trigger.WITHDRAW])
    def test_what_has_ended_is_due_no_more(self, of, step):
        request = factories.take(of, factories.ready_for(of, step), step)
        assert (request.due, request.open, request.awaiting) == (FAR, False, False)

    def test_what_is_reopened_is_due_again_and_keeps_its_history(self, of):
        request = factories.after(of, *factories.WAY_TO[Trigger.REOPEN])
        history = factories.triggers_of(request)
        factories.take(of, request, Trigger.REOPEN)
        assert request.state is State.ACKNOWLEDGED
        assert request.due < FAR
        assert request.awaiting
        assert factories.triggers_of(request) == [*history, Trigger.REOPEN]
        officer = factories.actor_of(of.officer)
        now = datetime.now(UTC)
        [row] = queries.queue(officer, queries.View(), None, now=now).rows
        assert row.reference == request.reference

    def test_what_was_never_acknowledged_is_reopened_as_new(self, of):
        request = factories.after(of, Trigger.SUBMIT, Trigger.WITHDRAW, Trigger.REOPEN)
        assert request.state is State.SUBMITTED
        factories.take(of, request, Trigger.ACKNOWLEDGE)

    def test_the_time_runs_anew_from_the_reopening(self, of):
        start = datetime(2026, 3, 2, 9, tzinfo=UTC)
        request = factories.sent(of, now=start)
        first = request.due
        factories.take(of, request, Trigger.WITHDRAW, now=start + timedelta(days=3))
        factories.take(of, request, Trigger.REOPEN, now=start + timedelta(days=40))
        assert request.due > first + timedelta(days=30)

    def test_a_reopened_request_can_be_answered_and_closed_again(self, of):
        request = factories.after(of, *factories.WAY_TO[Trigger.REOPEN], Trigger.REOPEN)
        for step in (Trigger.RECORD_SEARCH, Trigger.RESPOND, Trigger.CLOSE):
            factories.take(of, request, step)
        assert request.state is State.CLOSED


def test_who_did_it_is_kept_as_it_was_then(of):
    request = factories.after(of, *factories.WAY_TO[Trigger.CLOSE])
    name = of.officer.name
    of.officer.name = "Renamed"
    db.session.commit()
    acknowledged = request.events[1]
    assert (acknowledged.actor_name, acknowledged.by) == (name, Party.REQUESTED)
