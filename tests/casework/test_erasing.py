"""When its time is over, nothing of a person is left; what the item was stays."""

import json
import secrets
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from tests import factories
from tests.factories import files
from tests.journal.conftest import entries
from tests.visitors import shown, signed_in
from tracing.adapters.folder import FolderStore
from tracing.casework import (
    attachments,
    erasing,
    glass,
    persons,
    queries,
    reconcile,
)
from tracing.casework.attachments import Given
from tracing.extensions import db
from tracing.journal import live
from tracing.journal.verify import OK
from tracing.models import (
    Attachment,
    BreakGlass,
    Erasure,
    FormKey,
    LegalHold,
    OutboxMessage,
    Person,
    Recovery,
    TraceRequest,
)
from workflows import retention
from workflows.facts import Text
from workflows.policies import Role
from workflows.retention import Data
from workflows.states import Trigger

T = Trigger
TO_THE_END = (T.SUBMIT, T.ACKNOWLEDGE, T.RECORD_SEARCH, T.RESPOND, T.CLOSE)


@pytest.fixture
def of(session):
    return factories.sides()


@pytest.fixture
def canary():
    return f"Canary{secrets.token_hex(6)}"


@pytest.fixture
def case(of, canary):
    """An ended request that names one person wherever it can, with a document."""
    actor = factories.actor_of(of.investigator)
    made = factories.draft(
        of,
        find_circumstances=f"With {canary}.",
        find_place=f"{canary} house",
        basis_facts_summary=f"{canary} had it.",
        **{"persons_persons-0-family_name": canary},
    )
    given = Given(f"{canary}.pdf", files.pdf(catalog=f"/Title ({canary})".encode()))
    attachments.receive(actor, given, form_key="", request=made)
    made = queries.by_reference(made.reference, actor)
    for step in TO_THE_END[:2]:
        made = factories.take(of, made, step)
    factories.take(of, made, T.ENQUIRE, Text(f"Where is {canary}?"))
    for step in TO_THE_END[2:]:
        made = factories.take(of, made, step)
    db.session.commit()
    return made


def on(day):
    return datetime(day.year, day.month, day.day, 3, tzinfo=UTC)


def again(reference):
    db.session.expire_all()
    return db.session.scalar(
        select(TraceRequest).where(TraceRequest.reference == reference)
    )


def is_whole():
    db.session.commit()
    with live.reading() as connection:
        reports = live.check_all(connection)
        assert {report.level for report in reports} == {OK}
        assert list(reconcile.differences(connection)) == []


def test_the_day_before_it_is_kept_and_on_the_day_it_goes(case, of, canary):
    reference, last = case.reference, case.keep_until
    assert last == retention.years_later(case.ended_on, 5)
    assert erasing.sweep(on(last - timedelta(days=1))) == []
    assert again(reference).persons[0].family_name == canary
    is_whole()
    assert erasing.sweep(on(last)) == [reference]
    found = again(reference)
    assert found.persons == []
    assert found.recovery.circumstances is found.facts_summary is None
    assert found.recovery.found_on is not None
    assert found.item.make == "Example Arms"
    assert found.item.serial.text == "АВ 04?7 К"
    assert [event.trigger for event in found.events][-1] is T.CLOSE
    assert {event.carried.get("text", "") for event in found.events} == {""}
    is_whole()
    assert erasing.sweep(on(last)) == []


def test_the_page_of_an_erased_request_still_tells_its_course(app, case, of, canary):
    erasing.sweep(on(case.keep_until))
    reader = signed_in(app, of.officer)
    page = reader.get(f"/trace-requests/{case.reference}")
    assert page.status_code == 200
    assert canary not in page.text
    assert "Example Arms" in shown(page.text)
    with pytest.raises(Exception, match="has been erased"):
        factories.take(of, again(case.reference), T.REOPEN)


def test_no_byte_of_the_person_is_left_on_the_disk(
    app, case, canary, tmp_path, request
):
    """Neither the name, which was never there, nor what it had been sealed to."""
    sealed = [
        value
        for table, column in (("person", "family_name"), ("recovery", "place"))
        for value in db.session.scalars(text(f"SELECT {column} FROM {table}"))
    ]
    sealed += db.session.scalars(
        text("SELECT payload FROM journal_payload WHERE payload IS NOT NULL")
    ).all()
    content = [row.stored for row in db.session.scalars(select(Attachment))]
    kept = db.session.scalars(
        text(
            "SELECT p.payload FROM journal_payload p JOIN journal_entry e"
            " ON e.chain_id = p.chain_id AND e.seq = p.seq WHERE e.about <> :about"
        ),
        {"about": case.reference},
    ).all()
    sealed = [value for value in sealed if value not in kept]
    postgres = db.engine.dialect.name == "postgresql"
    folders = [tmp_path]
    if postgres:
        number = db.session.scalar(
            text("SELECT oid FROM pg_database WHERE datname = current_database()")
        )
        cluster = request.getfixturevalue("migrated_cluster")
        folders += [cluster.folder / "data" / "base" / str(number)]
        db.session.execute(text("CHECKPOINT"))
    db.session.commit()
    assert FolderStore(Path(app.instance_path) / "files").get(content[0])
    before = hits(folders, [canary, *sealed])
    assert before, "what is looked for can be found"
    erasing.sweep(on(case.keep_until))
    erasing.scrub(vacuum=postgres)
    if postgres:
        with cluster.connect() as connection:
            connection.execute("CHECKPOINT")
        # The log of PostgreSQL has sealed values until it is used again; names, never.
        assert (
            hits([cluster.folder / "data" / "pg_wal", cluster.folder / "log"], [canary])
            == []
        )
    assert hits(folders, [canary, *sealed]) == []


def hits(folders, words):
    """The files that hold any of the words."""
    found = []
    for folder in folders:
        for path in [folder] if folder.is_file() else folder.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                if any(word.encode() in content for word in words):
                    found.append(path.name)
    return found


def test_a_shorter_rule_of_either_side_counts(of):
    of.asked.keep_years = 2
    db.session.commit()
    made = factories.after(of, *TO_THE_END)
    assert made.keep_until == retention.years_later(made.ended_on, 2)
    made = factories.take(of, made, T.REOPEN)
    assert made.keep_until is made.review_on is None


def test_a_draft_that_was_never_sent_is_deleted_after_ninety_days(of, canary):
    made = factories.draft(of, basis_facts_summary=canary)
    reference, last = made.reference, made.keep_until
    assert last == made.changed_at.date() + timedelta(days=90)
    assert erasing.sweep(on(last - timedelta(days=1))) == []
    assert erasing.sweep(on(last)) == [reference]
    assert again(reference) is None
    for model in (TraceRequest, Person, Recovery):
        assert db.session.scalar(select(func.count()).select_from(model)) == 0
    is_whole()


def test_what_is_open_is_kept_however_old(of):
    factories.after(of, *TO_THE_END[:3])
    assert erasing.sweep(datetime(2090, 1, 1, tzinfo=UTC)) == []


def test_mail_goes_after_thirty_days_and_forms_after_three(case):
    now = datetime.now(UTC)
    first, *others = db.session.scalars(select(OutboxMessage))
    first.delivery, first.created_at = "dead", now
    for message in others:
        message.delivery, message.sent_at = "sent", now
    db.session.commit()
    count = select(func.count()).select_from(OutboxMessage)
    erasing.sweep(now + timedelta(hours=71))
    assert db.session.scalar(select(func.count()).select_from(FormKey))
    erasing.sweep(now + timedelta(days=29))
    assert db.session.scalar(count)
    assert not db.session.scalar(select(func.count()).select_from(FormKey))
    erasing.sweep(now + timedelta(days=31))
    assert not db.session.scalar(count)


def test_a_find_that_another_request_tells_of_stays_until_that_goes(of, case, canary):
    other = factories.draft(of)
    other.recovery = db.session.get_one(Recovery, case.recovery_id)
    other.keep_until = None
    db.session.commit()
    erasing.sweep(on(case.keep_until))
    assert again(other.reference).recovery.circumstances == f"With {canary}."


def test_a_run_that_was_broken_off_is_finished_by_the_next(app, case, monkeypatch):
    reference, day = case.reference, on(case.keep_until)
    name = db.session.scalars(select(Attachment.stored)).first()
    store = FolderStore(Path(app.instance_path) / "files")
    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "remove", _cut)
        with pytest.raises(OSError, match="cut"):
            erasing.sweep(day)
    db.session.rollback()
    assert again(reference).erased_at is not None
    assert store.get(name)
    assert erasing.sweep(day) == []
    with pytest.raises(FileNotFoundError):
        store.get(name)
    done = db.session.scalars(select(Erasure)).one()
    assert done.finished_at is not None
    file = Path(app.instance_path) / erasing.LIST
    (line,) = erasing.noted(file)
    assert (line["reference"], line["rule"]) == (reference, "ended")
    assert line["persons"] == done.persons != []
    assert file.stat().st_mode & 0o777 == 0o600
    erasing.finish_all()
    assert len(list(erasing.noted(file))) == 1


def _cut(*_given):
    raise OSError("cut off")


def test_the_certificate_names_numbers_and_is_signed(case, canary):
    from tracing.journal import checkpoints
    from tracing.journal.verify import fault_of_note

    erasing.sweep(on(case.keep_until))
    note = db.session.scalars(select(Erasure.certificate)).one()
    assert case.reference in note
    assert canary not in note
    from flask import current_app

    key = checkpoints.key_of(current_app.extensions["tracing.settings"])
    assert fault_of_note(note, {key.id: key}) == ""


def test_what_a_restore_brings_back_is_erased_again(app, case, tmp_path, canary):
    """The list is applied to the database as it was before the erasure."""
    reference, day = case.reference, case.keep_until
    file = tmp_path / "erasures.jsonl"
    said = {"at": f"{day}T03:00:00.00Z", "rule": "ended", "reference": reference}
    lost = said | {"reference": "2020-KE-0000001X"}
    lines = [json.dumps(line | {"persons": []}) for line in (said, lost, said)]
    file.write_text("\n".join(lines) + '\n{"at": "20')
    db.session.remove()
    assert erasing.reapply(app, file) == 1
    assert again(reference).persons == []
    is_whole()
    assert erasing.reapply(app, file) == 0


def test_what_was_erased_before_a_restore_goes_whatever_held_it_then(
    app, case, of, tmp_path
):
    """The backup is of a time when a hold still kept it."""
    day = case.keep_until
    hold_until(case, of, day + timedelta(days=10))
    file = tmp_path / "erasures.jsonl"
    said = {"at": f"{day}T03:00:00.00Z", "rule": "ended", "reference": case.reference}
    file.write_text(json.dumps(said | {"persons": []}))
    reference = case.reference
    db.session.remove()
    assert erasing.reapply(app, file) == 1
    assert again(reference).persons == []


def test_a_line_that_was_cut_short_takes_no_other_along(app, case):
    file = Path(app.instance_path) / erasing.LIST
    file.write_text('{"at": "2026-01-')
    erasing.sweep(on(case.keep_until))
    (line,) = erasing.noted(file)
    assert line["reference"] == case.reference


def test_what_was_said_of_it_elsewhere_goes_as_well(app, case, of, canary):
    """A reason an operator gave in vain, one of an export, an importer."""
    home = factories.authority()
    operator = factories.actor_of(factories.person(home, Role.OPERATOR))
    now = datetime.now(UTC)
    glass.ask(operator, case.reference, f"{canary} has called and asks.", now)
    keeper = factories.actor_of(factories.person(of.asked, Role.ADMINISTRATOR))
    chains, reference = (home.id, of.asked.id, of.asking.id), case.reference
    persons.export(keeper, canary, f"{canary} has asked what is kept.")
    case = again(reference)
    case.item.importer_name = canary
    db.session.commit()
    erasing.sweep(on(case.keep_until))
    assert again(reference).item.importer_name is None
    assert db.session.scalars(select(BreakGlass)).one().reason == ""
    for chain in chains:
        assert all(canary not in one.text for one in entries(chain))
    is_whole()


def hold_until(case, of, until):
    db.session.add(
        LegalHold(
            request_id=case.id,
            authority_id=of.asked.id,
            reason="A court has asked for it.",
            until=until,
            set_by_id=of.officer.id,
            set_at=datetime.now(UTC),
        )
    )
    db.session.commit()


def test_a_legal_hold_keeps_it_and_an_end_of_the_hold_lets_it_go(case, of):
    last = case.keep_until
    hold_until(case, of, last + timedelta(days=10))
    assert erasing.sweep(on(last + timedelta(days=10))) == []
    assert erasing.sweep(on(last + timedelta(days=11))) == [case.reference]


def test_rules_have_a_range_and_leap_days_an_end():
    ended = date(2024, 2, 29)
    assert retention.keep_until(ended) == date(2029, 2, 28)
    assert retention.keep_until(ended, None, 3) == date(2027, 2, 28)
    assert retention.keep_until(ended, 0, None) == date(2025, 2, 28)
    assert retention.keep_until(ended, 99, 99) == date(2034, 2, 28)
    assert retention.rule_of(Data.DRAFT).keeps == timedelta(days=90)
    assert not retention.may_hold_until(ended, ended)
    assert retention.may_hold_until(date(2025, 2, 28), ended)
    assert not retention.may_hold_until(date(2025, 3, 1), ended)
