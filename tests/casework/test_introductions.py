"""Introductions: somebody else asks about the item, if its owner lets that be told."""

from itertools import count
from types import SimpleNamespace

import pytest
from sqlalchemy import event, select

from tests import factories
from tests.journal.conftest import entries
from tracing.casework import erasing, introductions, lookups
from tracing.casework.apply import utcnow
from tracing.extensions import db
from tracing.journal.kinds import Kind
from tracing.lookups import elsewhere, registers, running
from tracing.models import Authority, Introduction, Lookup, Meeting, OutboxMessage, Side
from tracing.security import isolation
from workflows.errors import (
    FactMissing,
    NotPermitted,
    NotVisible,
    TransitionNotAllowed,
)
from workflows.policies import Role
from workflows.states import Trigger
from workflows.vocabulary import LookupOutcome

SERIAL = {"markings_serial": "EX 1234 7"}
OUT = LookupOutcome
TEXT = "We trace a consignment of these."


@pytest.fixture
def theirs(of):
    """Another authority, which has asked about the item and lets that be told."""
    sides = factories.sides(asked=of.asked)
    sides.asking.introduces = True
    db.session.commit()
    return sides


@pytest.fixture
def draft(of):
    return factories.draft(of, **SERIAL)


@pytest.fixture
def investigator(of):
    return factories.actor_of(of.investigator)


def search(draft, actor):
    """Ask whether somebody else asks about the item, through the worker."""
    names = [registers.ELSEWHERE]
    (row,) = lookups.ask(draft.reference, actor, names, purpose="Before it is sent")
    running.drain("worker-of-the-test")
    db.session.rollback()
    return db.session.get_one(Lookup, row.id, populate_existing=True)


def met(row):
    return [one["id"] for one in row.candidates]


def meetings(side):
    db.session.rollback()
    rows = select(Introduction).where(Introduction.side == side)
    return db.session.scalars(rows.execution_options(populate_existing=True)).all()


def mails(event):
    found = select(OutboxMessage.recipient).where(OutboxMessage.event == event)
    return set(db.session.scalars(found))


class TestWhoElseAsks:
    def test_is_told_without_a_word_of_who_or_what(self, theirs, draft, investigator):
        request = factories.sent(theirs, **SERIAL)
        row = search(draft, investigator)
        assert row.outcome is OUT.HIT
        (only,) = row.candidates
        for secret in (request.reference, theirs.asking.name, "1234", "KE"):
            assert secret not in str({k: v for k, v in only.items() if k != "id"})
        assert str(request.id) not in only["id"].partition(".")[0]
        assert (only["fields"], only["owner"], only["summary"]) == ({}, "", "")

    @pytest.mark.parametrize(
        "hidden", ["not allowed", "confidential", "draft", "erased", "another", "own"]
    )
    def test_is_not_told_and_nothing_shows_it(
        self, of, theirs, draft, investigator, hidden
    ):
        given = dict(SERIAL)
        if hidden == "confidential":
            given |= factories.CONFIDENTIAL
        if hidden == "another":
            given |= {"item_make": "Sample Works"}
        if hidden == "own":
            of.asking.introduces = True
        sides = of if hidden == "own" else theirs
        request = factories.draft(sides, **given)
        if hidden != "draft":
            request = factories.take(sides, request, Trigger.SUBMIT)
        if hidden == "erased":
            factories.take(sides, request, Trigger.WITHDRAW)
            erasing.erase(request.reference, utcnow())
        if hidden == "not allowed":
            sides.asking.introduces = False
        db.session.commit()
        row = search(draft, investigator)
        nobody = factories.draft(of, markings_serial="QQ 0000 1")
        other = search(nobody, investigator)
        plain = [(r.outcome, r.candidates, r.why, r.raw_hash) for r in (row, other)]
        assert plain == [(OUT.NO_HIT, [], None, None)] * 2

    def test_takes_as_long_whether_there_is_somebody_or_not(
        self, app, theirs, of, monkeypatch
    ):
        factories.sent(theirs, **SERIAL)
        slept = []
        ticks = count(0.0, 0.1)
        clock = SimpleNamespace(sleep=slept.append, monotonic=ticks.__next__)
        monkeypatch.setattr(elsewhere, "time", clock)
        adapter = registers.all_of(app)[registers.ELSEWHERE].asked
        for serial in ("EX 1234 7", "QQ 0000 1"):
            asker = introductions.Asker(of.asking.code, "", "k")
            adapter.search(introductions.Query(serial), "", asker)
        assert slept == [pytest.approx(elsewhere.TAKES - 0.1)] * 2

    def test_is_not_told_for_a_number_that_fits_too_much(
        self, of, theirs, investigator
    ):
        factories.sent(theirs, **SERIAL)
        for serial in ("EX*", "???????", "1*7"):
            row = search(factories.draft(of, markings_serial=serial), investigator)
            assert row.outcome is OUT.NO_HIT

    def test_is_not_for_the_side_that_answers(self, of, theirs):
        request = factories.sent(of, **SERIAL)
        officer = factories.actor_of(of.officer)
        with pytest.raises(NotVisible):
            search(request, officer)

    def test_is_found_by_the_role_of_the_worker(self, theirs, draft, investigator):
        """On PostgreSQL as `tracing_worker`; SQLite knows no roles."""
        factories.sent(theirs, **SERIAL)
        names = [registers.ELSEWHERE]
        (row,) = lookups.ask(draft.reference, investigator, names, purpose="Before")

        def begin(connection):
            connection.exec_driver_sql(f"SET LOCAL ROLE {isolation.WORKER}")

        postgresql = db.engine.dialect.name == "postgresql"
        if postgresql:
            event.listen(db.engine, "begin", begin)
        try:
            assert running.drain("worker-of-the-test") == 1
            db.session.rollback()
            row = db.session.get_one(Lookup, row.id, populate_existing=True)
            given = {"candidate": met(row)[0], "text": TEXT}
            introductions.ask(draft.reference, row.key, investigator, **given)
            assert introductions.carry() == 1
        finally:
            if postgresql:
                event.remove(db.engine, "begin", begin)
        assert len(meetings(Side.OWNER)) == 1


class TestAnIntroduction:
    @pytest.fixture
    def request_(self, theirs):
        return factories.sent(theirs, **SERIAL)

    @pytest.fixture
    def asked(self, theirs, request_, draft, investigator):
        """The owner's row, once the worker has carried the question there."""
        row = search(draft, investigator)
        given = {"candidate": met(row)[0], "text": TEXT}
        introductions.ask(draft.reference, row.key, investigator, **given)
        assert introductions.carry() == 1
        assert introductions.carry() == 0
        (owner,) = meetings(Side.OWNER)
        return owner

    def test_reaches_the_owner_with_who_asks_and_why(self, of, theirs, request_, asked):
        assert (asked.authority_id, asked.request_id) == (
            theirs.asking.id,
            request_.id,
        )
        assert (asked.other_id, asked.text) == (of.asking.id, TEXT)
        assert mails("introduction_asked") == {
            theirs.asking.email,
            theirs.investigator.email,
        }
        assert entries(theirs.asking.id, Kind.INTRODUCTION_ASKED)
        (mine,) = meetings(Side.ASKING)
        assert (mine.stage, mine.other_id) == (Meeting.ASKED, None)

    @pytest.mark.parametrize("accept", [True, False])
    def test_tells_each_the_other_only_when_it_is_accepted(
        self, of, theirs, request_, asked, accept
    ):
        owner = factories.actor_of(theirs.investigator)
        introductions.answer(request_.reference, asked.key, owner, accept=accept)
        assert introductions.carry() == 1
        (mine,) = meetings(Side.ASKING)
        wanted = (
            (Meeting.ACCEPTED, theirs.asking.id) if accept else (Meeting.DECLINED, None)
        )
        assert (mine.stage, mine.other_id) == wanted
        told = mails("introduction_accepted" if accept else "introduction_declined")
        assert of.asking.email in told
        assert (theirs.asking.email in told) is accept
        with pytest.raises(TransitionNotAllowed):
            introductions.answer(request_.reference, asked.key, owner, accept=True)

    def test_is_answered_by_its_owner_alone(
        self, of, theirs, request_, asked, investigator
    ):
        given = {"accept": True}
        reference, key = request_.reference, asked.key
        with pytest.raises(NotVisible):
            introductions.answer(reference, key, investigator, **given)
        officer = factories.actor_of(of.officer)
        with pytest.raises(NotPermitted):
            introductions.answer(reference, key, officer, **given)
        supervisor = factories.person(of.asked, Role.SUPERVISOR)
        with pytest.raises(NotVisible):
            introductions.answer(
                reference, key, factories.actor_of(supervisor), **given
            )

    def test_leads_nowhere_when_the_owner_has_thought_again(
        self, theirs, request_, draft, investigator
    ):
        row = search(draft, investigator)
        given = {"candidate": met(row)[0], "text": TEXT}
        introductions.ask(draft.reference, row.key, investigator, **given)
        owner = factories.person(theirs.asking, Role.SUPERVISOR)
        introductions.set_introduces(factories.actor_of(owner), allowed=False)
        introductions.carry()
        assert meetings(Side.OWNER) == []
        assert mails("introduction_asked") == set()

    def test_is_asked_for_once_and_of_somebody_who_was_met(
        self, request_, draft, investigator
    ):
        row = search(draft, investigator)
        where = draft.reference, row.key, investigator
        for number, text in (("x", TEXT), (met(row)[0], " ")):
            with pytest.raises(FactMissing):
                introductions.ask(*where, candidate=number, text=text)
            db.session.rollback()
        introductions.ask(*where, candidate=met(row)[0], text=TEXT)
        with pytest.raises(TransitionNotAllowed):
            introductions.ask(*where, candidate=met(row)[0], text=TEXT)

    def test_goes_with_its_request(self, of, draft, asked):
        erasing.erase(draft.reference, utcnow(), once_more=True)
        assert meetings(Side.ASKING) == []
        assert len(meetings(Side.OWNER)) == 1


def test_only_who_looks_after_the_authority_lets_it_be_told(of, session):
    for role, allowed in ((Role.SUPERVISOR, True), (Role.OFFICER, False)):
        actor = factories.actor_of(factories.person(of.asking, role))
        if not allowed:
            with pytest.raises(NotPermitted):
                introductions.set_introduces(actor, allowed=True)
            continue
        assert not introductions.introduces(actor)
        introductions.set_introduces(actor, allowed=True)
        assert db.session.get_one(Authority, of.asking.id).introduces
        assert entries(of.asking.id, Kind.INTRODUCING_CHANGED)
