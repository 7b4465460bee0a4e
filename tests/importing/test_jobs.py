"""An import: what is good goes in, what is bad is told, and nothing comes twice."""

import csv
import io
import json

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from tests import factories
from tracing.accounts.actors import actor_of
from tracing.casework import imports, record_export, record_rows
from tracing.extensions import db
from tracing.importing import writing
from tracing.importing.faults import Refused
from tracing.journal.kinds import Kind
from tracing.models import (
    ImportJob,
    ImportPhase,
    JournalEntry,
    RegistryEvent,
    RegistryItem,
    RegistryMark,
    SharedRecord,
)
from tracing.models.keys import key_columns
from workflows.errors import NotPermitted, NotVisible
from workflows.policies import Role
from workflows.vocabulary import RecordStatus

HEADING = "No,Serial,Maker,Type,What,When,Who,Mark"
MAPPING = """
[key]
columns = ["No"]
source = "North"

[fields]
serial = "Serial"
make = "Maker"
firearm_type = "Type"
event_kind = "What"
event_date = "When"
party_name = "Who"
mark_text = "Mark"

[values.event_kind]
"sold" = "SALE"
"""
GOOD = """\
1,AB 1234,Colt,Pistol,sold,2019-05-02,Jane Roe,
1,AB 1234,Colt,Pistol,REGISTRATION,2020,,F-77
2,CD 5678,Škoda,Rifle,,,,
"""


@pytest.fixture
def keeper(session):
    """A supervisor."""
    found = factories.person(factories.authority(), Role.SUPERVISOR)
    session.commit()
    return found


def run(keeper, text, told=MAPPING, *, name="north.csv"):
    """Import a file as the page and the worker do."""
    content = text if isinstance(text, bytes) else text.encode()
    actor = actor_of(keeper)
    job = imports.choose(actor, name, io.BytesIO(content), largest=10**8)
    token = job.token
    imports.set_mapping(token, actor, told)
    imports.start(token, actor)
    imports.drain("worker")
    return db.session.scalar(select(ImportJob).where(ImportJob.token == token))


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


def report_of(job):
    text = (imports.folder_of(job.token) / imports.REPORT).read_text("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))[1:]


def test_rows_become_records_events_and_marks(app, session, keeper):
    job = run(keeper, f"{HEADING}\n{GOOD}")
    assert (job.phase, job.taken, job.added, job.told, job.bad) == (
        *(ImportPhase.DONE, 3, 2, 3, 0),
    )
    first, second = session.scalars(select(RegistryItem).order_by(RegistryItem.id))
    assert (first.source, first.text, first.folded) == ("North", "AB 1234", "A81234")
    assert second.make == "Škoda"
    sale, registered = session.scalars(select(RegistryEvent).order_by(RegistryEvent.id))
    assert sale.parties == [{"name": "Jane Roe"}]
    assert (str(registered.happened_on), registered.precision.value) == (
        *("2020-01-01", "YEAR"),
    )
    assert session.scalars(select(RegistryMark.text)).all() == ["F-77"]


def test_the_same_file_again_changes_nothing(app, session, keeper):
    run(keeper, f"{HEADING}\n{GOOD}")
    again = run(keeper, f"{HEADING}\n{GOOD}")
    assert (again.taken, again.added, again.changed, again.told) == (3, 0, 0, 0)
    assert (count(RegistryItem), count(RegistryEvent), count(RegistryMark)) == (2, 2, 1)


def test_a_row_that_changed_changes_its_record_and_what_it_was_is_kept(
    app, session, keeper
):
    run(keeper, f"{HEADING}\n{GOOD}")
    changed = run(keeper, f"{HEADING}\n{GOOD}".replace("Škoda", "ČZ"))
    assert (changed.added, changed.changed) == (0, 1)
    item = session.scalar(select(RegistryItem).where(RegistryItem.source_key == "2"))
    assert (item.make, item.version) == ("ČZ", 2)
    (event,) = session.scalars(
        select(RegistryEvent).where(RegistryEvent.item_id == item.id)
    )
    assert event.changes == {"make": "Škoda"}


def test_bad_rows_are_told_with_what_to_do_and_good_ones_go_on(app, session, keeper):
    bad = (
        "3,=A1+1,Colt,Pistol,,,,\n4,\0AB,Colt,Pistol,,,,\n,XX 1,Colt,Pistol,,,,\n"
        "5,EF 1,Colt,Pistole,,,,\n6,EF 2,Colt,Pistol,sold,03/04/2020,,\n"
        "2,CD 5678,Other,Rifle,,,,\n7,EF 3,Colt\n8,EF 4,Colt,Pistol,,2020-01-01,,\n"
    )
    job = run(keeper, f"{HEADING}\n{GOOD}{bad}9,EF 5,Colt,Pistol,,,,\n")
    assert (job.phase, job.added, job.bad) == (ImportPhase.DONE, 3, 8)
    told = report_of(job)
    assert [row[0] for row in told] == ["5", "6", "7", "8", "9", "10", "11", "12"]
    assert told[0][1:4] == [
        *("Serial", "'=A1+1"),
        "This is a formula: copy the column, paste it as values, and save it again",
    ]
    assert "characters that cannot be seen" in told[1][3]
    assert "tells this record from the others" in told[2][3]
    assert "[values.firearm_type]" in told[3][3]
    assert "two days" in told[4][3]
    assert told[5][3].startswith("Row 4 has the same number and says something else")
    assert "3 cells" in told[6][3]
    assert "event_kind" in told[7][3]
    assert all(not cell.startswith(("=", "+", "@")) for row in told for cell in row)


@pytest.mark.parametrize(
    "parties",
    [
        '[{"role":"NOBODY"}]',
        '[{"name":NaN}]',
        '[{"name":1e999}]',
        r'[{"name":"\ud800"}]',
        r'[{"name":"\u0000"}]',
    ],
)
def test_parties_that_cannot_be_kept_are_one_bad_row(app, session, keeper, parties):
    told = MAPPING.replace('party_name = "Who"', 'parties = "Who"')
    written = parties.replace('"', '""')
    rows = f'3,AB 3,Colt,Pistol,sold,2019-05-02,"{written}",\n4,AB 4,Colt,Pistol,,,,\n'
    job = run(keeper, f"{HEADING}\n{rows}", told)
    assert (job.phase, job.added, job.bad) == (ImportPhase.DONE, 1, 1)


@pytest.mark.parametrize("day", ["9999-12-31", "9999"])
def test_what_has_not_happened_yet_is_a_bad_row(app, session, keeper, day):
    job = run(keeper, f"{HEADING}\n3,AB 3,Colt,Pistol,sold,{day},,\n{GOOD}")
    assert (job.phase, job.added, job.bad) == (ImportPhase.DONE, 2, 1)
    assert report_of(job)[0][3] == "Enter a date not in the future"


def test_an_item_is_where_its_newest_event_says(app, session, keeper):
    events = ("THEFT_REPORT,2021-02-01", "REGISTRATION,2019-02-01", "sold,2022-01-01")
    rows = "".join(f"3,AB 3,Colt,Pistol,{said},,\n" for said in reversed(events))
    run(keeper, f"{HEADING}\n{rows}")
    item = session.scalar(select(RegistryItem))
    assert item.status.value == "STOLEN"
    found = "3,AB 3,Colt,Pistol,RECOVERY,2023-02-01,,\n"
    run(keeper, f"{HEADING}\n{rows}{found}")
    session.refresh(item)
    assert item.status.value == "FOUND"
    item.status = RecordStatus.DESTROYED
    session.commit()
    run(keeper, f"{HEADING}\n{rows}{found}")
    session.refresh(item)
    assert item.status.value == "DESTROYED"


def test_each_batch_stands_in_the_journal_with_its_file(app, session, keeper):
    job = run(keeper, f"{HEADING}\n{GOOD}")
    entries = session.scalars(
        select(JournalEntry)
        .where(JournalEntry.about == imports.about(job))
        .order_by(JournalEntry.seq)
    ).all()
    assert [entry.kind for entry in entries] == [
        *(Kind.IMPORT_STARTED, Kind.RECORDS_IMPORTED, Kind.IMPORT_ENDED),
    ]
    assert {entry.actor_id for entry in entries} == {keeper.id}


def test_too_many_bad_rows_stop_it(app, session, keeper, monkeypatch):
    monkeypatch.setattr(imports, "BATCH", 200)
    rows = "".join(
        f"{n},S {n},Colt,{'Pistol' if n % 2 else '?'},,,,\n" for n in range(900)
    )
    job = run(keeper, f"{HEADING}\n{rows}")
    assert job.phase is ImportPhase.STOPPED
    assert "of 400 rows were bad" in job.why
    assert count(RegistryItem) == job.added == 200


def test_one_that_was_broken_off_goes_on_and_brings_each_row_once(
    app, session, keeper, monkeypatch
):
    monkeypatch.setattr(imports, "BATCH", 10)
    rows = "".join(
        f'{n},"S {n}",Colt,Pistol,sold,2020-01-01,"A ""B"" {n}",\n' for n in range(95)
    )
    actor = actor_of(keeper)
    content = io.BytesIO(f"{HEADING}\n{rows}".encode())
    job = imports.choose(actor, "a.csv", content, largest=10**8)
    imports.set_mapping(job.token, actor, MAPPING)
    imports.start(job.token, actor)
    number, turns = job.id, 0
    while imports.claim("worker") is not None:
        imports.work(number, imports.Turn("worker", seconds=0))
        turns += 1
    job = db.session.get(ImportJob, number, populate_existing=True)
    assert turns == 10
    assert (job.phase, job.added, job.told, job.batches) == (
        ImportPhase.DONE,
        95,
        95,
        10,
    )
    assert (count(RegistryItem), count(RegistryEvent)) == (95, 95)


def test_a_mapping_that_does_not_fit_is_not_begun(app, session, keeper):
    with pytest.raises(Refused, match=r"Line 7: the file has no column “Serial”"):
        run(keeper, f"{HEADING}\n{GOOD}".replace("Serial", "Number"))
    with pytest.raises(Refused, match=r"Line 4: there is no field serail"):
        run(
            keeper,
            f"{HEADING}\n{GOOD}",
            '[key]\ncolumns = ["No"]\n[fields]\nserail = "Serial"',
        )
    assert count(RegistryItem) == 0


def test_only_a_supervisor_imports_and_nobody_sees_anothers(app, session, keeper):
    officer = factories.person(keeper.authority, Role.OFFICER)
    session.commit()
    with pytest.raises(NotPermitted):
        run(officer, f"{HEADING}\n{GOOD}")
    job = run(keeper, f"{HEADING}\n{GOOD}")
    other = factories.person(factories.authority(), Role.SUPERVISOR)
    session.commit()
    with pytest.raises(NotVisible):
        imports.one(job.token, actor_of(other))


def test_what_is_shared_is_shown_to_others_when_the_import_ends(app, session, keeper):
    told = MAPPING.replace(
        "[values", '[constants]\nstatus = "STOLEN"\nshared = "yes"\n[values'
    )
    run(keeper, f"{HEADING}\n{GOOD}", told)
    assert count(SharedRecord) == 2


def test_what_is_exported_comes_back_without_loss(app, session, keeper):
    rows = (
        "1,-1234,Colt,Pistol,sold,2019-05-02,=Jane,'+X\n"
        '1,-1234,Colt,Pistol,REGISTRATION,2020,"Röe, ""J"" \\n",\n'
        "2,@CD,'=x,Rifle,,,,\n"
    ).replace("=Jane", "'=Jane")
    run(keeper, f"{HEADING}\n{rows}")
    before = list(record_export.rows(keeper.authority_id))
    assert before[0][record_export.heading().index("serial")] == "-1234"
    other = factories.person(factories.authority(), Role.SUPERVISOR)
    session.commit()
    text = "".join(writing.as_csv(record_export.heading(), before))
    for cell in next(csv.reader(io.StringIO(text.split("\n", 1)[1]))):
        assert not cell.startswith(("=", "+", "-", "@"))
    job = run(other, text, record_export.mapping_of_export())
    assert (job.bad, job.added) == (0, 2), report_of(job)
    assert list(record_export.rows(other.authority_id)) == before
    again = run(keeper, text, record_export.mapping_of_export())
    assert (again.added, again.changed, again.told, again.bad) == (0, 0, 0, 0)
    assert json.loads(before[1][record_export.heading().index("parties")])


def test_countries_of_transit_come_back_as_they_were_written(app, session, keeper):
    told = MAPPING.replace("[values", 'transit = "Through"\n[values')
    sold = GOOD.splitlines()[0]
    run(keeper, f"{HEADING},Through\n{sold},DE FR", told)
    [row] = record_export.rows(keeper.authority_id)
    assert row[record_export.heading().index("transit")] == "DE FR"


@given(st.text("AB019 -?*[]\\ЖΔأ文ö", max_size=12))
def test_keys_made_by_the_row_are_those_of_the_form(text):
    assert record_rows.keys_in_order(text) == tuple(key_columns(text).values())
    assert tuple(key_columns(text)) == record_rows.KEYS


def test_a_workbook_is_imported_and_what_it_did_to_numbers_is_told(
    app, session, keeper, tmp_path, monkeypatch
):
    monkeypatch.setattr(imports, "BATCH", 2)
    made = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    sheet, day = made.add_worksheet(), made.add_format({"num_format": "d mmm yyyy"})
    sheet.write_row(0, 0, HEADING.split(","))
    for row, serial in enumerate(["AB 1", 1234, "CD 2", "EF 3"], 1):
        sheet.write_row(row, 0, [f"K{row}", serial, "Colt", "Pistol", "sold"])
        sheet.write_number(row, 5, 43587 + row, day)
    sheet.write_formula(3, 1, '="0012"', None, "0012")
    made.close()
    content = (tmp_path / "a.xlsx").read_bytes()
    job = run(keeper, content, MAPPING, name="a.xlsx")
    assert (job.phase, job.added, job.told) == (ImportPhase.DONE, 3, 3)
    assert (job.bad, job.warnings, job.encoding) == (1, 1, "")
    texts = session.scalars(select(RegistryItem.text).order_by(RegistryItem.id)).all()
    assert texts == ["AB 1", "1234", "EF 3"]
    first = session.scalars(select(RegistryEvent).order_by(RegistryEvent.id)).first()
    assert str(first.happened_on) == "2019-05-03"
    warned, refused = report_of(job)
    assert (warned[0], warned[1], warned[4]) == ("3", "Serial", "yes")
    assert "zeros in front of it may be lost" in warned[3]
    assert (refused[0], refused[4]) == ("4", "no")


def test_an_encoding_that_cannot_be_told_is_asked_for_and_nothing_begins(
    app, session, keeper
):
    few = f"{HEADING}\n1,AB 1,é,Pistol,,,,\n".encode("cp1252")
    with pytest.raises(Refused, match=r'encoding = "\.\.\."'):
        run(keeper, few)
    said = f'[file]\nencoding = "windows-1252"\n{MAPPING}'
    job = run(keeper, few, said)
    assert job.added == 1
    assert session.scalar(select(RegistryItem.make)) == "é"


def test_files_go_when_an_import_is_over_and_the_report_later(app, session, keeper):
    job = run(keeper, f"{HEADING}\n{GOOD}")
    folder = imports.folder_of(job.token)
    imports.tidy()
    assert [path.name for path in folder.iterdir()] == [imports.REPORT]
    imports.tidy(imports.utc_now() + imports.KEPT * 2)
    assert not folder.exists()


def test_the_next_file_of_a_register_gets_its_mapping(app, session, keeper):
    run(keeper, f"{HEADING}\n{GOOD}")
    actor = actor_of(keeper)
    text = f"{HEADING}\n7,AB 7,Colt,Pistol,,,,\n".encode()
    job = imports.choose(actor, "b.csv", io.BytesIO(text), largest=10**8)
    assert job.mapping == MAPPING
    exported = ",".join(record_export.heading()).encode() + b"\n"
    job = imports.choose(actor, "c.csv", io.BytesIO(exported), largest=10**8)
    assert job.mapping == record_export.mapping_of_export()
