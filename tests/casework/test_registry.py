"""The national records: found by a worn number, never changed, told to nobody else."""

from datetime import date

import pytest
from marshmallow import ValidationError
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from tests import factories
from tests.journal.conftest import entries
from tracing.casework import lookups, records, registry
from tracing.casework.apply import utcnow
from tracing.extensions import db
from tracing.faults import Stale
from tracing.journal.kinds import Kind
from tracing.lookups import running
from tracing.lookups.port import NotAnswered, Query
from tracing.models import (
    Lookup,
    RegistryEvent,
    RegistryItem,
    RegistrySought,
    SharedRecord,
)
from tracing.schemas.registry import EventSection, RecordSection
from tracing.security import isolation
from workflows.errors import FactMissing, NotPermitted, NotVisible, TransitionNotAllowed
from workflows.policies import Role
from workflows.ranking import Traits
from workflows.states import Trigger
from workflows.vocabulary import LookupOutcome, RecordEventType, RecordStatus, Rung

EVENT = RecordEventType
NOTHING = Traits()


@pytest.fixture
def officer(of):
    return factories.actor_of(of.officer)


def loaded(section, **given):
    return section(today=date(2026, 11, 28)).load(given)


def described(serial="AB 1234 K", **changes):
    usual = {
        "source": "Licences, North",
        "kind": "FIREARM",
        "firearm_type": "PISTOL",
        "serial": serial,
        "make": "Example Arms",
        "model": "A1",
        "calibre": "9x18",
        "country_of_manufacture": "BR",
        "year": "1998",
        "status": "REGISTERED",
        "keep": "20",
    }
    return loaded(RecordSection, **(usual | changes))


def happened(kind, day="2019-05-03", **given):
    told = {"kind": kind, "happened_on": day, "precision": "DAY"}
    return loaded(EventSection, **(told | given))


def recorded(actor, serial="AB 1234 K", **changes):
    return registry.record(actor, described(serial, **changes))


def found(actor, serial, of=NOTHING):
    got = records.search(actor.authority_id, serial, of)
    return [(one.what.serial, one.hit.rung) for one in got.possible], got.whole


class TestSearching:
    @pytest.mark.parametrize(
        ("asked", "rung"),
        [
            ("ab-1234-k", Rung.EXACT),
            ("АВ 1234 К", Rung.FOLDED),
            ("AB 1243 K", Rung.ONE_ERROR),
            ("AB 12[38]4*", Rung.PATTERN),
        ],
    )
    def test_every_rung_of_the_ladder_finds_a_record(self, officer, asked, rung):
        recorded(officer)
        recorded(officer, "ZZ 999 Y")
        assert found(officer, asked) == ([("AB 1234 K", rung)], True)

    def test_what_agrees_stands_first(self, officer):
        recorded(officer, make="Other Works", model="B", year="1950")
        recorded(officer)
        got = records.search(officer.authority_id, "AB1234K", Traits("Example Arms"))
        assert [one.what.make for one in got.possible] == [
            "Example Arms",
            "Other Works",
        ]

    def test_nobody_finds_what_is_anothers(self, of, officer):
        recorded(officer)
        other = factories.actor_of(of.investigator)
        assert found(other, "AB 1234 K") == ([], True)

    def test_a_search_that_had_to_stop_does_not_look_whole(self, officer, monkeypatch):
        monkeypatch.setattr(records, "MOST", 2)
        for last in "123":
            recorded(officer, f"AB 123 {last}")
        hits, whole = found(officer, "AB 123 ?")
        assert (len(hits), whole) == (2, False)

    def test_among_too_many_those_of_the_same_make_are_found(
        self, officer, monkeypatch
    ):
        monkeypatch.setattr(records, "MOST", 2)
        for last in "123":
            recorded(officer, f"AB 123 {last}")
        recorded(officer, "AB 123 4", make="Rare Works")
        got = records.search(officer.authority_id, "AB123?", Traits("rare works"))
        assert (got.possible[0].what.make, got.whole) == ("Rare Works", False)

    def test_what_no_index_can_be_asked_is_not_whole(self, officer):
        recorded(officer)
        assert found(officer, "*4*") == ([], False)
        assert found(officer, "—") == ([], False)


class TestWhatHappened:
    def test_an_event_moves_the_item_and_is_kept_with_who_wrote_it(self, officer):
        item = recorded(officer)
        party = {"role": "PRIVATE_OWNER", "name": "Ewa Exampleson"}
        told = happened("THEFT_REPORT", parties=[party], place="Example road 7")
        registry.report(officer, item.id, told)
        assert item.status is RecordStatus.STOLEN
        [entry] = records.history(records.events_of(item.id, officer.authority_id))
        assert entry.event.parties == [party]
        assert entry.event.recorded_by_id == officer.user_id
        raw = db.session.execute(text("SELECT parties, place FROM registry_event"))
        assert not any("Example" in value for value in raw.one())

    def test_what_was_long_ago_does_not_move_it(self, officer):
        item = recorded(officer, status="STOLEN")
        registry.report(officer, item.id, happened("MANUFACTURE", "1998-01-01"))
        assert item.status is RecordStatus.STOLEN

    def test_a_correction_names_what_it_replaces(self, officer):
        item = recorded(officer)
        wrong = registry.report(officer, item.id, happened("THEFT_REPORT"))
        right = registry.replace(
            *(officer, item.id, wrong.id, happened("LOSS_REPORT")),
            why="The owner had mislaid it.",
        )
        assert item.status is RecordStatus.LOST
        [entry] = records.history(records.events_of(item.id, officer.authority_id))
        assert (entry.event.id, [e.id for e in entry.before]) == (right.id, [wrong.id])
        with pytest.raises(TransitionNotAllowed, match="corrected already"):
            registry.replace(officer, item.id, wrong.id, None, why="Once more.")

    def test_an_event_that_did_not_happen_is_struck_out_and_stays(self, officer):
        item = recorded(officer)
        registry.report(officer, item.id, happened("SALE", "2018-01-01"))
        registry.report(officer, item.id, happened("REGISTRATION", "2018-02-01"))
        wrong = registry.report(officer, item.id, happened("LOSS_REPORT"))
        registry.replace(officer, item.id, wrong.id, None, why="Another firearm.")
        assert item.status is RecordStatus.REGISTERED
        entries_ = records.history(records.events_of(item.id, officer.authority_id))
        assert [entry.stands for entry in entries_] == [True, True, False]

    def test_an_event_cannot_be_changed_in_the_database(self, officer):
        item = recorded(officer)
        registry.report(officer, item.id, happened("SALE"))
        change = update(RegistryEvent).values(kind=EVENT.IMPORT)
        with pytest.raises(DBAPIError, match="not changed"):
            db.session.execute(change)

    def test_a_firearm_marked_anew_is_found_by_both_numbers(self, officer):
        item = recorded(officer)
        registry.report(officer, item.id, happened("REMARKING", mark="GOV 77"))
        for asked in ("AB 1234 K", "GOV 77"):
            assert found(officer, asked) == ([("GOV 77", Rung.EXACT)], True)

    def test_a_re_marking_put_right_or_struck_out_changes_the_number(self, officer):
        item = recorded(officer)
        wrong = registry.report(officer, item.id, happened("REMARKING", mark="GOV 77"))
        given, why = happened("REMARKING", mark="GOV 78"), "Typing mistake."
        right = registry.replace(officer, item.id, wrong.id, given, why=why)
        assert found(officer, "GOV 78") == ([("GOV 78", Rung.EXACT)], True)
        assert found(officer, "AB 1234 K")[0] == [("GOV 78", Rung.EXACT)]
        registry.replace(officer, item.id, right.id, None, why=why)
        assert found(officer, "AB 1234 K")[0] == [("AB 1234 K", Rung.EXACT)]
        assert found(officer, "GOV 78") == ([], True)

    def test_a_day_that_has_not_come_keeps_nothing_longer(self, officer):
        item = recorded(officer)
        told = happened("SALE") | {"happened_on": date(9999, 12, 31)}
        registry.report(officer, item.id, told)
        assert item.review_on == date(
            utcnow().year + 20, *item.review_on.timetuple()[1:3]
        )

    def test_a_record_is_corrected_with_a_reason_and_keeps_what_it_was(self, officer):
        item = recorded(officer)
        changed = described("AB 1235 K", make="Other Works")
        registry.correct(officer, item.id, changed, why="Typing mistake.")
        [event] = records.events_of(item.id, officer.authority_id)
        assert event.changes == {"make": "Example Arms", "serial": "AB 1234 K"}
        assert (item.text, item.normalised, item.make) == (
            *("AB 1235 K", "AB1235K", "Other Works"),
        )
        with pytest.raises(FactMissing, match="Nothing was changed"):
            registry.correct(officer, item.id, changed, why="Typing mistake.")
        with pytest.raises(FactMissing, match="reason"):
            registry.correct(officer, item.id, described(), why=" ")

    def test_of_two_who_write_at_once_one_is_told(self, officer):
        item = recorded(officer)
        version = item.version
        registry.report(officer, item.id, happened("SALE"), version=version)
        with pytest.raises(Stale):
            registry.report(officer, item.id, happened("SALE"), version=version)

    def test_time_counts_from_the_last_that_is_known(self, officer):
        item = recorded(officer)
        registry.report(officer, item.id, happened("SALE"))
        assert item.review_on == date(2039, 5, 3)
        registry.report(officer, item.id, happened("DESTRUCTION", "2020-01-01"))
        assert item.review_on == date(2050, 1, 1)


class TestTheDoor:
    def test_the_same_form_makes_one_record(self, officer):
        one = registry.record(officer, described(), form_key="k" * 20)
        with pytest.raises(registry.AlreadyThere) as there:
            registry.record(officer, described(), form_key="k" * 20)
        assert there.value.number == one.id

    def test_a_number_of_the_register_is_there_once(self, officer):
        one = recorded(officer, source_key="L-7")
        with pytest.raises(registry.AlreadyThere) as there:
            recorded(officer, source_key="L-7")
        assert there.value.number == one.id

    def test_a_record_of_another_does_not_exist(self, of, officer):
        item = recorded(officer)
        colleague = factories.person(of.asking, Role.OFFICER)
        db.session.commit()
        foreign = factories.actor_of(colleague)
        for call in (
            lambda: registry.report(foreign, item.id, happened("SALE")),
            lambda: registry.share(foreign, item.id, shared=True),
            lambda: registry.correct(foreign, item.id, described(), why="Because."),
        ):
            with pytest.raises(NotVisible):
                call()

    def test_an_event_of_another_record_does_not_exist_here(self, officer):
        one, other = recorded(officer), recorded(officer, "B 2")
        event = registry.report(officer, other.id, happened("SALE"))
        with pytest.raises(NotVisible):
            registry.replace(officer, one.id, event.id, None, why="It is wrong.")

    def test_an_investigator_does_not_write_records(self, of):
        with pytest.raises(NotPermitted):
            recorded(factories.actor_of(of.investigator))

    def test_what_a_form_lacks_is_said(self):
        with pytest.raises(ValidationError) as said:
            loaded(EventSection, kind="REMARKING", happened_on="2019-01-01")
        assert set(said.value.messages) == {"mark", "precision"}

    def test_every_change_is_in_the_journal(self, officer):
        item = recorded(officer, status="STOLEN")
        registry.report(officer, item.id, happened("SALE", "2001-01-01"))
        registry.share(officer, item.id, shared=True)
        about = records.about(item.id)
        kinds = [
            e.kind
            for e in entries(officer.authority_id)
            if e.said.get("object") == about
        ]
        assert kinds == [Kind.RECORD_ADDED, Kind.RECORD_CHANGED, Kind.RECORD_SHARED]


class TestSharing:
    def test_only_what_is_looked_for_is_shared(self, officer):
        item = recorded(officer)
        with pytest.raises(TransitionNotAllowed, match="stolen"):
            registry.share(officer, item.id, shared=True)

    def test_others_see_a_few_columns_as_long_as_it_is_looked_for(self, of, officer):
        item = recorded(officer, status="STOLEN")
        registry.share(officer, item.id, shared=True)
        [one] = records.search_shared(of.asking.id, "AB1234K", NOTHING).possible
        assert (one.what.status, one.what.authority_id) == ("STOLEN", of.asked.id)
        assert records.search_shared(of.asked.id, "AB1234K", NOTHING).possible == []
        registry.report(officer, item.id, happened("RECOVERY", "2020-01-01"))
        assert (item.status, item.shared) == (RecordStatus.FOUND, False)
        assert db.session.scalar(select(func.count()).select_from(SharedRecord)) == 0

    def test_what_an_import_shares_is_published_once_however_often(self, of, officer):
        item = recorded(officer, status="LOST")
        db.session.execute(update(RegistryItem).values(shared=True))
        for _ in range(2):
            registry.publish(officer.authority_id)
            db.session.commit()
        [copy] = db.session.scalars(select(SharedRecord)).all()
        assert (copy.item_id, copy.folded) == (item.id, item.folded)
        assert len(db.session.scalars(select(RegistrySought)).all()) == 1


class TestAsARegister:
    @pytest.fixture
    def request_(self, of):
        return factories.after(
            of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE, markings_serial="A? 1234 К"
        )

    def asked(self, request_, officer, name):
        [row] = lookups.ask(
            request_.reference, officer, [name], purpose="To answer a trace request"
        )
        running.drain("worker-of-the-test")
        db.session.rollback()
        return db.session.get_one(Lookup, row.id, populate_existing=True)

    def test_own_records_answer_a_look_up(self, request_, officer):
        recorded(officer, "AB 1234 K")
        row = self.asked(request_, officer, "own-records")
        assert row.outcome is LookupOutcome.HIT
        assert row.candidates[0]["fields"]["serial"] == "AB 1234 K"
        full = lookups.ask_detail(
            request_.reference, row.key, officer, row.candidates[0]["id"]
        )
        running.drain("worker-of-the-test")
        assert full.outcome is LookupOutcome.HIT

    def test_every_serial_number_of_an_item_is_searched(self, of, officer):
        recorded(officer, "QQ 99 77")
        keeper = factories.actor_of(factories.person(of.asking, Role.OFFICER))
        db.session.commit()
        item = recorded(keeper, "QQ 99 77", status="STOLEN")
        registry.share(keeper, item.id, shared=True)
        marks = {"markings_marks-0-type": "SERIAL", "markings_marks-0-text": "QQ9977"}
        steps = (Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
        request = factories.after(of, *steps, markings_serial="ZZ 1", **marks)
        for name in ("own-records", "shared-records"):
            row = self.asked(request, officer, name)
            [candidate] = row.candidates
            assert candidate["fields"]["serial"] == "QQ 99 77"
            assert row.outcome is LookupOutcome.HIT
        assert (row.query["marks"], row.query["serials"]) == (["QQ9977"], ["QQ9977"])

    def test_a_cut_answer_is_partial_and_an_empty_one_no_hit(
        self, request_, officer, monkeypatch
    ):
        row = self.asked(request_, officer, "own-records")
        assert row.outcome is LookupOutcome.NO_HIT
        monkeypatch.setattr(records, "MOST", 1)
        for first in "BC":
            recorded(officer, f"A{first} 1234 K")
        row = self.asked(request_, officer, "own-records")
        assert row.outcome is LookupOutcome.PARTIAL

    def test_without_a_number_it_is_not_understood(self, of, officer):
        isolation.work_for(officer.authority_id)
        for book in (records.OwnBook(), records.SharedBook()):
            with pytest.raises(NotAnswered) as said:
                book.search(Query(""), of.asked.code)
            assert said.value.outcome is LookupOutcome.NOT_UNDERSTOOD

    def test_the_book_of_another_is_not_opened(self, of, officer):
        isolation.work_for(officer.authority_id)
        with pytest.raises(NotAnswered) as said:
            records.OwnBook().search(Query("AB1234K"), of.asking.code)
        assert said.value.outcome is LookupOutcome.NOT_PERMITTED

    def test_what_others_share_answers_too(self, of, request_, officer):
        keeper = factories.actor_of(factories.person(of.asking, Role.OFFICER))
        db.session.commit()
        item = recorded(keeper, "AB 1234 K", status="STOLEN")
        registry.share(keeper, item.id, shared=True)
        row = self.asked(request_, officer, "shared-records")
        [candidate] = row.candidates
        assert (candidate["owner"], candidate["record"]) == (of.asking.code, "stolen")
        assert "source" not in candidate["fields"]
