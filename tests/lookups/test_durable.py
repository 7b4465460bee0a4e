"""A look-up is a row first: asked once, kept, told to its own side alone."""

import hashlib
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from tests import factories
from tests.journal.conftest import entries
from tests.lookups.conftest import settings_for
from tracing import worker
from tracing.casework import erasing, lookups
from tracing.casework.apply import utcnow
from tracing.extensions import db
from tracing.faults import AlreadyDone
from tracing.journal.kinds import Kind
from tracing.lookups import gate, registers, running
from tracing.lookups.json_service import Iarms
from tracing.lookups.port import Answer, ExternalLookup
from tracing.lookups.registers import Register
from tracing.models import Lookup, LookupGate, Task
from tracing.security import isolation
from workflows.errors import (
    FactMissing,
    NotPermitted,
    NotVisible,
    TransitionNotAllowed,
)
from workflows.policies import Role
from workflows.states import State, Trigger
from workflows.vocabulary import LookupOutcome, SearchResult

OUT = LookupOutcome
WHY = "To answer a trace request"


class Hanging(ExternalLookup):
    """Never comes back; a State's own adapter may do so."""

    Settings = dict

    def search(self, query, purpose, asker):
        assert self.settings["ending"].wait(60)

    def check(self):
        assert self.settings["ending"].wait(60)


class Broken(Hanging):
    """Breaks in its own way, or answers with something of its own."""

    def search(self, query, purpose, asker):
        if self.settings.get("value"):
            return []
        raise KeyError("x")


def register(name, lookup, **given):
    usual = {"adapter": "x", "label": f"Register {name}", "years": "1990-2026"}
    return Register(name=name, authorities=("*",), lookup=lookup, **(usual | given))


@pytest.fixture
def of(session):
    return factories.sides()


@pytest.fixture
def request_(of):
    return factories.after(
        of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE, markings_serial="EX 1234 7"
    )


@pytest.fixture
def officer(of):
    return factories.actor_of(of.officer)


@pytest.fixture
def desk(app, stand_in, tmp_path):
    """The registers that are set up: the stand-in, one that hangs, ones that break."""
    here = settings_for(stand_in)
    ending = threading.Event()
    nowhere = settings_for(stand_in, url="https://127.0.0.1:9", ports=("9",), tries=1)
    found = [
        register("iarms", Iarms(here, stand_in.folder)),
        register("dead", Iarms(nowhere, stand_in.folder), breaker_after=2),
        register(
            "hanging", Hanging({"ending": ending}, tmp_path), deadline=0.4, at_once=1
        ),
        register("broken", Broken({}, tmp_path)),
        register("odd", Broken({"value": 1}, tmp_path)),
    ]
    known = dict(registers.all_of(app)) | {one.name: one for one in found}
    app.extensions[registers.REGISTERS] = known
    yield known
    ending.set()
    while running._hanging():
        time.sleep(0.01)


def ask(request_, officer, *names, **given):
    given.setdefault("purpose", WHY)
    return lookups.ask(request_.reference, officer, names, **given)


def fresh(row):
    db.session.rollback()
    return db.session.get_one(Lookup, row.id, populate_existing=True)


def drain(**given):
    return running.drain("worker-of-the-test", **given)


def test_every_outcome_is_what_it_is_and_the_slow_hold_nobody_up(
    desk, request_, officer
):
    names = ("iarms", "dead", "hanging", "broken", "odd")
    rows = ask(request_, officer, *names)
    assert [row.outcome for row in rows] == [None] * 5
    start = time.monotonic()
    assert drain() == 5
    assert time.monotonic() - start < 30
    assert [fresh(row).outcome for row in rows] == [
        *(OUT.HIT, OUT.UNAVAILABLE, OUT.TIMED_OUT),
        *(OUT.NOT_UNDERSTOOD, OUT.NOT_UNDERSTOOD),
    ]
    assert drain() == 0


def test_a_register_that_hangs_is_not_asked_until_it_comes_back(
    desk, request_, officer
):
    rows = [ask(request_, officer, "hanging")[0] for _ in range(2)]
    assert drain() == 1
    assert [fresh(row).outcome for row in rows] == [OUT.TIMED_OUT, OUT.UNAVAILABLE]
    assert fresh(rows[1]).why == "It hangs, and was not asked."


def test_the_worker_needs_no_more_than_its_role_has(app, desk, request_, officer):
    """On PostgreSQL as `tracing_worker`; SQLite knows no roles."""
    rows = ask(request_, officer, "iarms", "dead", "by-hand")
    operator = factories.actor_of(factories.person(None, Role.OPERATOR))
    lookups.try_now("iarms", operator, now=utcnow())
    db.session.commit()

    def begin(connection):
        connection.exec_driver_sql(f"SET LOCAL ROLE {isolation.WORKER}")

    if db.engine.dialect.name == "postgresql":
        event.listen(db.engine, "begin", begin)
    try:
        assert drain() == 2
    finally:
        if event.contains(db.engine, "begin", begin):
            event.remove(db.engine, "begin", begin)
    assert [fresh(row).outcome for row in rows] == [OUT.HIT, OUT.UNAVAILABLE, None]
    assert gate.rows()["iarms"].tested_at is not None


def test_who_asks_wakes_the_worker_once(app):
    hurry = worker.waker(app, worker.LOOK_UP)
    hurry()
    worker.waker(app)()
    hurry()
    queue = app.extensions[worker.QUEUE]
    assert sorted(task.name for task in queue.pending()) == ["drain", "look_up"]
    queue.storage.close()


def test_what_was_sent_and_what_came_is_kept_sealed_and_hashed(desk, request_, officer):
    (row,) = ask(request_, officer, "iarms")
    drain()
    row = fresh(row)
    assert row.query["serial"] == "EX 1234 7"
    assert "Exampleson" not in str(row.query)
    assert (row.purpose, row.asked_by_id) == (WHY, officer.user_id)
    assert row.raw_size == len(row.raw)
    assert row.raw_hash == hashlib.sha256(row.raw).hexdigest()
    assert [c["record"] for c in row.candidates] == ["stolen"]
    stored = db.session.execute(select(Lookup.__table__)).one()
    assert "EX 1234" not in str(stored)


def test_a_worker_that_dies_leaves_it_to_the_next_under_the_same_key(
    desk, request_, officer, stand_in
):
    (row,) = ask(request_, officer, "iarms")
    now = utcnow()
    dead = running.Run("dead")
    order = running.claim(dead)
    assert order.asker.key == row.key
    assert drain(now=lambda: now) == 0
    later = now + timedelta(seconds=60)
    assert drain(now=lambda: later) == 1
    assert fresh(row).attempts == 2
    # The dead one comes back: what it brings is thrown away.
    late = running.keep(order, "dead", Answer((), complete=True), later)
    assert not late
    assert fresh(row).outcome is OUT.HIT
    assert stand_in.records.asked()[row.key] == 1


def test_one_that_takes_its_worker_along_each_time_is_given_up(desk, request_, officer):
    (row,) = ask(request_, officer, "iarms")
    times = [utcnow() + timedelta(seconds=60 * n) for n in range(11)]
    run = running.Run("dies", iter(times).__next__)
    for _ in range(running.MOST_CLAIMS):
        assert running.claim(run).id == row.id
    assert running.claim(run) is True
    assert fresh(row).outcome is OUT.UNAVAILABLE


def test_a_register_that_does_not_answer_is_left_in_peace(desk, request_, officer):
    rows = [ask(request_, officer, "dead")[0] for _ in range(3)]
    at = utcnow()
    drain(now=lambda: at)
    assert [fresh(row).outcome for row in rows] == [OUT.UNAVAILABLE] * 3
    whys = [fresh(row).why for row in rows]
    assert whys.count("It has not answered lately, and was not asked.") <= 1
    (more,) = ask(request_, officer, "dead", now=at)
    drain(now=lambda: at)
    assert fresh(more).why == "It has not answered lately, and was not asked."
    # Later one may try again; nobody has mended it.
    again = at + timedelta(seconds=61)
    (third,) = ask(request_, officer, "dead", now=again)
    drain(now=lambda: again)
    assert fresh(third).why == "It cannot be reached."


def test_a_register_is_asked_as_often_a_minute_as_it_may_be(
    app, desk, request_, officer
):
    slow = replace(desk["iarms"], per_minute=2)
    app.extensions[registers.REGISTERS] = desk | {"iarms": slow}
    rows = [ask(request_, officer, "iarms")[0] for _ in range(3)]
    at = utcnow().replace(second=1)
    for row in rows:
        row.next_at = at
    db.session.commit()
    assert drain(now=lambda: at) == 2
    assert fresh(rows[2]).outcome is None
    assert drain(now=lambda: at + timedelta(minutes=1)) == 1


class TestWhatIsNotSent:
    def test_is_above_the_handling_code_that_a_register_may_receive(
        self, desk, of, officer, stand_in
    ):
        secret = factories.after(
            *(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE), basis_handling="H2"
        )
        (row,) = ask(secret, officer, "iarms")
        assert row.outcome is OUT.NOT_PERMITTED
        assert "H2 is above H1" in row.why
        assert drain() == 0
        assert row.key not in stand_in.records.asked()

    def test_is_beyond_the_quota_of_a_day(self, app, desk, request_, officer):
        few = replace(desk["iarms"], quota=1)
        app.extensions[registers.REGISTERS] = desk | {"iarms": few}
        first, second = (ask(request_, officer, "iarms")[0] for _ in "ab")
        assert [first.outcome, second.outcome] == [None, OUT.NOT_PERMITTED]

    def test_has_no_purpose_no_register_or_no_right(self, desk, of, request_, officer):
        with pytest.raises(FactMissing):
            ask(request_, officer, "iarms", purpose=" ")
        with pytest.raises(FactMissing):
            ask(request_, officer)
        with pytest.raises(NotVisible):
            ask(request_, officer, "not-there")
        auditor = factories.actor_of(factories.person(of.asked, Role.AUDITOR))
        with pytest.raises(NotPermitted):
            ask(request_, auditor, "iarms")
        with pytest.raises(FactMissing):
            ask(request_, officer, "by-hand", task=Task.TRACE)

    def test_is_about_a_request_that_has_ended(self, desk, of, officer):
        ended = factories.after(of, Trigger.SUBMIT, Trigger.WITHDRAW)
        with pytest.raises(TransitionNotAllowed):
            ask(ended, officer, "iarms")

    def test_is_the_same_form_again(self, desk, request_, officer):
        ask(request_, officer, "iarms", form_key="one-form")
        with pytest.raises(AlreadyDone):
            ask(request_, officer, "iarms", form_key="one-form")


class TestWhoSeesIt:
    def test_is_the_side_that_asked_alone(self, desk, of, request_, officer):
        (row,) = ask(request_, officer, "iarms")
        assert lookups.of_request(request_, officer) == [row]
        other = factories.actor_of(of.investigator)
        assert lookups.of_request(request_, other) == []
        with pytest.raises(NotVisible):
            lookups.one(request_.reference, row.key, other)
        stranger = factories.actor_of(factories.person(None, Role.OFFICER))
        with pytest.raises(NotVisible):
            lookups.one(request_.reference, row.key, stranger)

    def test_asking_and_reading_stand_in_its_own_chain_alone(
        self, app, desk, of, request_, officer
    ):
        (row,) = ask(request_, officer, "iarms")
        drain()
        reference, key = request_.reference, row.key
        db.session.rollback()
        with app.test_request_context():
            isolation.work_for(officer.authority_id, officer.user_id)
            lookups.opened(lookups.one(reference, key, officer), officer)
            db.session.rollback()
        asked, read = entries(of.asked.id, Kind.LOOKUP_ASKED, Kind.LOOKUP_READ)
        (said,) = asked.payload["look_ups"]
        assert (said["key"], said["register"]) == (row.key, "iarms")
        assert said["query"]["serial"] == "EX 1234 7"
        assert read.payload["outcome"] == "HIT"
        assert entries(of.asking.id, Kind.LOOKUP_ASKED, Kind.LOOKUP_READ) == []


class TestWhatItBecomes:
    def test_a_recorded_search_when_the_officer_says_so(self, desk, request_, officer):
        (row,) = ask(request_, officer, "iarms")
        drain()
        assert request_.state is State.ACKNOWLEDGED
        lookups.record(request_.reference, row.key, officer)
        event = fresh(row).request.events[-1]
        assert event.trigger is Trigger.RECORD_SEARCH
        assert event.carried["result"] == SearchResult.POSSIBLE
        assert event.carried["register"] == "Register iarms"
        assert "EX 1234 7" in event.carried["key"]
        with pytest.raises(TransitionNotAllowed):
            lookups.record(request_.reference, row.key, officer)

    @pytest.mark.parametrize("name", ["dead", "hanging", "broken"])
    def test_a_failure_never_becomes_no_record(self, desk, request_, officer, name):
        (row,) = ask(request_, officer, name)
        with pytest.raises(TransitionNotAllowed):
            lookups.record(request_.reference, row.key, officer)
        drain()
        lookups.record(request_.reference, row.key, officer)
        result = fresh(row).request.events[-1].carried["result"]
        assert result == fresh(row).outcome.value != SearchResult.NO_RECORD.value

    def test_asked_again_it_is_another_one_with_the_same_query(
        self, desk, request_, officer
    ):
        (row,) = ask(request_, officer, "iarms")
        drain()
        more = lookups.again(request_.reference, row.key, officer)
        assert more.key != row.key
        assert (more.of_id, more.query) == (row.id, fresh(row).query)

    def test_a_candidate_is_asked_for_in_full(self, desk, request_, officer):
        (row,) = ask(request_, officer, "iarms")
        drain()
        reference = request_.reference
        full = lookups.ask_detail(reference, row.key, officer, "iarms-A-1")
        with pytest.raises(FactMissing):
            lookups.ask_detail(reference, row.key, officer, "iarms-A-2")
        drain()
        (candidate,) = fresh(full).candidates
        assert candidate["fields"]["make"] == "Example Arms"

    def test_by_hand_it_waits_for_the_officer(self, desk, request_, officer):
        (row,) = ask(request_, officer, "by-hand")
        assert drain() == 0
        given = {"register": "Ledger of dealers", "years": "1950-1970"}
        key = (request_.reference, row.key, officer)
        with pytest.raises(FactMissing):
            lookups.type_in(*key, **given, outcome=OUT.HIT, text="")
        for name in given:
            odd = given | {name: "x\0"}
            with pytest.raises(FactMissing, match="control characters"):
                lookups.type_in(*key, **odd, outcome=OUT.NO_HIT, text="")
        with pytest.raises(FactMissing, match="control characters"):
            lookups.type_in(*key, **given, outcome=OUT.HIT, text="x\0")
        lookups.type_in(*key, **given, outcome=OUT.NO_HIT, text="")
        with pytest.raises(TransitionNotAllowed):
            lookups.type_in(*key, **given, outcome=OUT.HIT, text="x")
        lookups.record(*key)
        carried = fresh(row).request.events[-1].carried
        assert (carried["register"], carried["years"]) == tuple(given.values())
        assert carried["result"] == SearchResult.NO_RECORD

    def test_a_trace_is_submitted_once_and_polled_until_it_is_answered(
        self, desk, request_, officer, stand_in
    ):
        (row,) = ask(request_, officer, "iarms", task=Task.TRACE)
        at = utcnow()
        assert drain(now=lambda: at) == 0
        number = fresh(row).reference
        assert number
        stand_in.records.answer_traces()
        assert drain(now=lambda: at + timedelta(minutes=2)) == 1
        assert (fresh(row).outcome, fresh(row).reference) == (OUT.HIT, number)

    def test_an_answer_that_never_comes_is_late_in_the_end(
        self, desk, request_, officer
    ):
        (row,) = ask(request_, officer, "iarms", task=Task.TRACE)
        at = utcnow()
        drain(now=lambda: at)
        drain(now=lambda: at + timedelta(days=15))
        assert fresh(row).outcome is OUT.TIMED_OUT


def test_it_is_erased_with_its_request(desk, of, request_, officer):
    (row,) = ask(request_, officer, "iarms")
    drain()
    factories.take(of, request_.reference, Trigger.WITHDRAW)
    erasing.erase(request_.reference, utcnow() + timedelta(days=4000))
    row = fresh(row)
    assert (row.candidates, row.raw, row.why, row.query) == (None, None, None, {})
    assert row.outcome is OUT.HIT


class TestHowARegisterDoes:
    def test_is_tried_when_somebody_asks(self, app, desk, of):
        operator = factories.actor_of(factories.person(None, Role.OPERATOR))
        for name in ("iarms", "dead"):
            lookups.try_now(name, operator, now=utcnow())
        drain()
        db.session.rollback()
        rows = gate.rows()
        assert rows["iarms"].test_outcome is None
        assert rows["iarms"].tested_at is not None
        assert rows["dead"].test_outcome is OUT.UNAVAILABLE

    def test_is_told_to_who_looks_after_it(self, app, desk, of, request_, officer):
        few = replace(desk["iarms"], authorities=("NOBODY",))
        app.extensions[registers.REGISTERS] = desk | {"iarms": few}
        ask(request_, officer, "dead")
        administrator = factories.actor_of(
            factories.person(of.asked, Role.ADMINISTRATOR)
        )
        shown = {one.name: queue for one, _, queue in lookups.health(administrator)}
        assert "iarms" not in shown
        assert shown["dead"].count == 1
        with pytest.raises(NotPermitted):
            lookups.health(officer)
        with pytest.raises(NotVisible):
            lookups.try_now("iarms", administrator, now=utcnow())

    def test_the_last_good_answer_is_known(self, desk, request_, officer):
        ask(request_, officer, "iarms", "dead")
        drain()
        rows = {r.register: r for r in db.session.scalars(select(LookupGate))}
        assert rows["iarms"].good_at is not None
        assert (rows["dead"].good_at, rows["dead"].failures) == (None, 1)
