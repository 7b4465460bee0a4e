"""The officer's screen: what is sent, compared, confirmed, recorded, and filled in."""

import pytest
from marshmallow import ValidationError

from tests import factories
from tests.journal.conftest import entries
from tests.lookups.shelves import Shelved, candidate, put_up
from tracing.casework import answering, comparing, lookups, queries, requesting
from tracing.casework.answers import newest_of, verdicts_of
from tracing.extensions import db
from tracing.journal.kinds import Kind
from tracing.lookups import running
from tracing.lookups.port import Query
from tracing.models import Lookup, TraceRequest, Verdict
from workflows.errors import FactMissing, NotPermitted, TransitionNotAllowed
from workflows.facts import Permission, PermissionRequest
from workflows.markings import LONGEST
from workflows.states import State, Trigger
from workflows.vocabulary import (
    InformationItem,
    LookupOutcome,
    Rung,
    SearchResult,
    Standing,
    Use,
)

OUT = LookupOutcome
WHY = "To answer it"
SERIAL = "EX 1234 7"
SAME = candidate("S-1", "EX-1234-7", country="BR", year="1998")
STOLEN = candidate(
    *("S-2", "ЕХ 1234 7"),
    record="stolen",
    report_date="2019-05-04",
    report_number="R-9",
    report_place="Demonstration Town",
)
NEAR = candidate("N-1", "EX 1243 7", make="Sample Works")
FAR = candidate("F-1", "QZ 99 001")


@pytest.fixture
def of(session):
    return factories.sides()


@pytest.fixture
def request_(of):
    return factories.after(
        of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE, markings_serial=SERIAL
    )


@pytest.fixture
def officer(of):
    return factories.actor_of(of.officer)


@pytest.fixture
def desk(app, tmp_path):
    """Five registers: two with records, one without, one in part, one out of reach."""
    return put_up(
        app,
        tmp_path,
        near=(Shelved((FAR, NEAR)), {}),
        same=(Shelved((STOLEN, SAME)), {}),
        empty=(Shelved(), {}),
        part=(Shelved(part=True), {}),
        gone=(Shelved(gone=True), {}),
    )


def search(request_, actor, *names, **given):
    rows = lookups.ask(request_.reference, actor, names, purpose=WHY, **given)
    keys = {row.register: row.key for row in rows}
    running.drain("worker-of-the-test")
    db.session.rollback()
    return keys


def answers(request_, actor):
    request = queries.by_reference(request_.reference, actor)
    rows = lookups.of_request(request, actor)
    return request, rows


def compared(request_, actor):
    request, rows = answers(request_, actor)
    return comparing.candidates(request, rows, verdicts_of(rows))


def decide(request_, actor, key, number, standing=Standing.CONFIRMED, why="The proof"):
    given = {"candidate": number, "standing": standing, "reason": why}
    return lookups.decide(request_.reference, key, actor, **given)


def recorded(request_):
    db.session.rollback()
    request = db.session.get_one(TraceRequest, request_.id, populate_existing=True)
    return [
        (e.carried["register"], e.carried["result"], e.carried["note"])
        for e in request.events
        if e.trigger is Trigger.RECORD_SEARCH
    ]


class TestWhatIsSent:
    def test_is_what_the_officer_has_written_and_is_kept(self, desk, request_, officer):
        query = Query("EX 12?4 7", make="Example", model="", calibre="9x18", year=1998)
        keys = search(request_, officer, "same", query=query)
        (sent,) = desk["same"].asked.settings.asked
        row = db.session.query(Lookup).filter_by(key=keys["same"]).one()
        assert (sent.serial, sent.make, sent.year) == ("EX 12?4 7", "Example", 1998)
        assert row.query == sent.plain()
        assert sent.kind == "FIREARM"
        assert sent.marks == ("EXAMPLE ARMS",)
        assert sent.model == ""

    def test_looks_for_something(self, desk, request_, officer):
        request_.item.markings = request_.item.markings[:1]
        with pytest.raises(FactMissing, match="Give a serial number or a make"):
            lookups.ask(
                *(request_.reference, officer, ["same"]), purpose=WHY, query=Query("")
            )

    def test_leaves_this_service_only_as_its_provider_permits(self, app, of, tmp_path):
        desk = put_up(app, tmp_path, far=(Shelved(), {"highest_handling": "H3"}))
        steps = (Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
        request = factories.after(of, *steps, basis_handling="H2")
        officer = factories.actor_of(of.officer)
        (offered,) = [
            one
            for one in lookups.offered(officer, request)
            if one.register.name == "far"
        ]
        assert "only with permission" in offered.why[0]
        keys = search(request, officer, "far", "by-hand")
        rows = {
            key: db.session.query(Lookup).filter_by(key=key).one()
            for key in keys.values()
        }
        assert rows[keys["far"]].outcome is OUT.NOT_PERMITTED
        assert "marked the request H2" in rows[keys["far"]].why
        # Nothing leaves this service when a person searches.
        assert rows[keys["by-hand"]].outcome is None
        assert desk["far"].asked.settings.asked == []
        asks = PermissionRequest(Use.EXPORT, (InformationItem.WHOLE,), "A register.")
        factories.take(of, request, Trigger.ASK_PERMISSION, asks, actor=officer)
        gives = Permission(len(request.events), "")
        asking = factories.actor_of(of.investigator)
        factories.take(of, request, Trigger.GIVE_PERMISSION, gives, actor=asking)
        search(request, officer, "far")
        assert len(desk["far"].asked.settings.asked) == 1


class TestCandidates:
    def test_of_all_registers_stand_in_one_order_the_likeliest_first(
        self, desk, request_, officer
    ):
        search(request_, officer, "near", "same", "empty", "gone")
        found = compared(request_, officer)
        assert [one.id for one in found] == ["S-1", "S-2", "N-1", "F-1"]
        rungs = [one.hit.rung if one.hit else None for one in found]
        assert rungs == [Rung.EXACT, Rung.FOLDED, Rung.ONE_ERROR, None]

    def test_say_place_by_place_and_field_by_field_what_agrees(
        self, desk, request_, officer
    ):
        search(request_, officer, "near")
        near, far = compared(request_, officer)
        differing = [(p.asked, p.found, p.why.value) for p in near.places if p.why]
        assert differing == [("34", "43", "SWAPPED")]
        fields = {field.name: field.agreement.value for field in near.fields}
        assert fields == {
            "make": "DIFFERS",
            "model": "AGREES",
            "calibre": "AGREES",
            "country": "NOT_GIVEN",
            "year": "NOT_GIVEN",
        }
        assert far.places

    def test_are_counted_apart_from_gaps(self, desk, request_, officer):
        search(request_, officer, "near", "empty", "part", "gone", "by-hand")
        _, rows = answers(request_, officer)
        how = comparing.standings(rows)
        assert (how.asked, how.whole, how.hits, how.none) == (5, 2, 1, 1)
        assert (how.partial, how.by_hand, how.waiting) == (1, 1, 0)
        assert how.gaps == {OUT.UNAVAILABLE: 1}


class TestSideBySide:
    def test_a_number_as_long_as_a_register_likes_is_cut(self, app, of, tmp_path):
        long = candidate("L-1", "".join(f"{n:03}A" for n in range(75)))
        put_up(app, tmp_path, long=(Shelved((long,)), {}))
        steps = (Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
        request = factories.after(of, *steps, markings_serial=SERIAL)
        officer = factories.actor_of(of.officer)
        search(request, officer, "long")
        [one] = compared(request, officer)
        assert len(one.serial) == 300
        assert len("".join(place.found for place in one.places)) <= LONGEST


class TestTheNewest:
    def test_another_question_does_not_hide_a_hit(self, desk, request_, officer):
        search(request_, officer, "same")
        search(request_, officer, "same", query=Query("QQ 1"))
        assert len(newest_of(answers(request_, officer)[1])) == 2

    def test_an_answer_stays_before_a_later_failure(self, desk, request_, officer):
        key = search(request_, officer, "same")["same"]
        lookups.again(request_.reference, key, officer)
        [row] = newest_of(answers(request_, officer)[1])
        assert row.key == key


class TestAVerdict:
    def test_is_kept_with_its_reason_and_entered_and_changes_nothing_else(
        self, desk, of, request_, officer
    ):
        keys = search(request_, officer, "same")
        before = request_.state, request_.version
        decide(
            request_, officer, keys["same"], "S-1", Standing.REJECTED, "Another mark"
        )
        decide(request_, officer, keys["same"], "S-1", why="I looked again")
        db.session.rollback()
        one = compared(request_, officer)[0]
        assert (one.id, one.verdict.standing) == ("S-1", Standing.CONFIRMED)
        assert one.verdict.reason == "I looked again"
        reasons = [row.reason for row in db.session.query(Verdict).order_by(Verdict.id)]
        assert reasons == ["Another mark", "I looked again"]
        said = entries(of.asked.id, Kind.CANDIDATE_DECIDED)
        assert [entry.payload["standing"] for entry in said] == [
            "REJECTED",
            "CONFIRMED",
        ]
        request = db.session.get_one(TraceRequest, request_.id, populate_existing=True)
        assert (request.state, request.version) == before

    @pytest.mark.parametrize(
        ("number", "standing", "why"),
        [
            ("X-1", Standing.CONFIRMED, "The proof"),
            ("S-1", Standing.POSSIBLE, "The proof"),
            ("S-1", Standing.CONFIRMED, "  "),
        ],
    )
    def test_is_of_a_candidate_with_a_reason(
        self, desk, request_, officer, number, standing, why
    ):
        keys = search(request_, officer, "same")
        with pytest.raises(FactMissing):
            decide(request_, officer, keys["same"], number, standing, why)

    @pytest.mark.parametrize(
        ("verdicts", "result"),
        [
            ({}, "POSSIBLE"),
            ({"S-1": "CONFIRMED"}, "FOUND"),
            ({"S-1": "REJECTED"}, "POSSIBLE"),
            ({"S-1": "REJECTED", "S-2": "REJECTED"}, "NO_RECORD"),
        ],
    )
    def test_decides_what_is_recorded(self, desk, request_, officer, verdicts, result):
        keys = search(request_, officer, "same")
        for number, standing in verdicts.items():
            decide(request_, officer, keys["same"], number, Standing(standing))
        lookups.record(request_.reference, keys["same"], officer)
        ((_name, found, note),) = recorded(request_)
        assert found == result
        assert ("rejected: 2" in note) is (result == "NO_RECORD")


class TestOnePress:
    def test_records_what_has_answered_and_nothing_that_was_not_reached(
        self, desk, request_, officer
    ):
        keys = search(request_, officer, "same", "empty", "part", "gone", "by-hand")
        decide(request_, officer, keys["same"], "S-1")
        count = lookups.record_all(
            request_.reference, officer, years={keys["empty"]: "1950-1970"}
        )
        assert count == 3
        found = {name: result for name, result, _note in recorded(request_)}
        assert found == {
            "Register same": "FOUND",
            "Register empty": "NO_RECORD",
            "Register part": "PARTIAL",
        }
        request, _ = answers(request_, officer)
        assert request.state is State.RECORDS_SEARCHED
        filled = answering.known(request, officer)["registers"]
        assert [row["years"] for row in filled] == [
            *("1990-2026", "1950-1970", "1990-2026"),
        ]
        assert "Only a part was answered" in filled[2]["register"]
        with pytest.raises(TransitionNotAllowed):
            lookups.record_all(request_.reference, officer, years={})

    def test_records_all_or_none(self, app, tmp_path, request_, officer):
        put_up(app, tmp_path, a=(Shelved(), {}), b=(Shelved(), {"years": ""}))
        search(request_, officer, "a", "b")
        with pytest.raises(FactMissing, match="Name the years"):
            lookups.record_all(request_.reference, officer, years={})
        assert recorded(request_) == []

    def test_is_for_who_answers(self, desk, of, request_, officer):
        search(request_, officer, "empty")
        asking = factories.actor_of(of.investigator)
        with pytest.raises(NotPermitted):
            lookups.record_all(request_.reference, asking, years={})

    def test_a_register_that_was_not_reached_is_not_among_those_searched(
        self, desk, request_, officer
    ):
        keys = search(request_, officer, "gone")
        lookups.record(request_.reference, keys["gone"], officer)
        request, _ = answers(request_, officer)
        assert recorded(request_)[0][1] == SearchResult.UNAVAILABLE
        assert answering.searched(request) == []


def test_a_confirmed_record_fills_the_form_of_the_answer(desk, request_, officer):
    keys = search(request_, officer, "same")
    assert "chain" not in answering.known(request_, officer)
    decide(request_, officer, keys["same"], "S-2")
    db.session.rollback()
    request, _ = answers(request_, officer)
    filled = answering.known(request, officer)
    assert filled["report_number"] == "R-9"
    assert filled["last_legal_status"] == "STOLEN"
    assert [link["type"] for link in filled["chain"]] == ["MANUFACTURE", "THEFT_REPORT"]
    assert filled["chain"][1]["on"] == "2019-05-04"


class TestTheSearchAtHome:
    """What comes before a request to another State."""

    HOME = {"domestic": True}
    NOTHING = {"domestic_domestic_searches": None, "markings_serial": SERIAL}

    @pytest.fixture
    def home(self, app, tmp_path):
        return put_up(
            app,
            tmp_path,
            home=(Shelved(), self.HOME),
            gone=(Shelved(gone=True), self.HOME),
            part=(Shelved(part=True), self.HOME),
            abroad=(Shelved(), {}),
        )

    def send(self, of, draft):
        db.session.rollback()
        draft = db.session.get_one(TraceRequest, draft.id, populate_existing=True)
        return factories.take(of, draft, Trigger.SUBMIT)

    def test_lets_a_request_go_and_is_written_into_it(self, home, of):
        draft = factories.draft(of, **self.NOTHING)
        search(draft, factories.actor_of(of.investigator), "home", "gone")
        sent = self.send(of, draft)
        assert sent.state is State.SUBMITTED
        assert sent.domestic_searches.startswith(
            "Register home, 1990-2026: No record (20"
        )
        assert "gone" not in sent.domestic_searches

    @pytest.mark.parametrize("name", ["gone", "part", "abroad", "by-hand"])
    def test_counts_only_when_a_register_of_ones_own_has_answered_in_full(
        self, home, of, name
    ):
        draft = factories.draft(of, **self.NOTHING)
        search(draft, factories.actor_of(of.investigator), name)
        with pytest.raises(ValidationError, match="records you searched"):
            self.send(of, draft)

    def test_counts_when_a_person_has_searched_by_hand(self, home, of):
        draft = factories.draft(of, **self.NOTHING)
        actor = factories.actor_of(of.investigator)
        keys = search(draft, actor, "by-hand")
        given = {"register": "Ledger", "years": "1950-1970", "text": ""}
        where = draft.reference, keys["by-hand"], actor
        lookups.type_in(*where, outcome=OUT.NO_HIT, **given)
        assert "Ledger, 1950-1970: No record" in self.send(of, draft).domestic_searches

    def test_counts_for_the_number_that_stands_there_now(self, home, of):
        draft = factories.draft(of, **self.NOTHING)
        actor = factories.actor_of(of.investigator)
        search(draft, actor, "home")
        other = factories.complete_form(
            of.asked, **self.NOTHING | {"markings_serial": "EX 9999 1"}
        )
        draft = db.session.get_one(TraceRequest, draft.id)
        requesting.save_draft(
            draft.reference, actor, factories.loaded(other), version=draft.version
        )
        with pytest.raises(ValidationError, match="records you searched"):
            self.send(of, draft)

    def test_may_be_left_out_for_a_reason_that_the_other_side_reads(self, home, of):
        why = {"domestic_override": "OTHER", "domestic_override_text": "Fire."}
        given = {f"domestic_{name}": value for name, value in why.items()}
        draft = factories.draft(of, **self.NOTHING, **given)
        sent = self.send(of, draft)
        officer = factories.actor_of(of.officer)
        read = queries.by_reference(sent.reference, officer)
        assert read.domestic_override_text == "Fire."
