"""The directory: reading it, and importing it whole or not at all."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from marshmallow import ValidationError
from sqlalchemy import func, select

from tracing.directory import columns, entries, exchange
from tracing.models import Authority

NOT_IMPORTED = {"id", "keep_years", "introduces", "version", "unreachable"}
"""What an authority says of itself on its pages, and what is kept for it."""

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
KENYA = {
    "code": "KE-NFP",
    "country": "KE",
    "name": "Example Bureau",
    "zone": "Africa/Nairobi",
    "email": "desk@ke.tracing.example",
    "languages": "en sw",
    "instruments": "ITI25 FP13",
}
EGYPT = {
    "code": "EG-NFP",
    "country": "EG",
    "name": "Sample Bureau",
    "zone": "Africa/Cairo",
    "email": "desk@eg.tracing.example",
    "languages": "ar",
    "instruments": "ITI25",
}


def csv_of(*rows: dict[str, str]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    file = io.StringIO()
    writer = csv.DictWriter(file, columns)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def authorities(session) -> int:
    return session.scalar(select(func.count()).select_from(Authority))


def test_the_columns_of_an_import_are_the_fields_of_an_authority():
    assert list(columns.CHECKS) == [
        column.name
        for column in Authority.__table__.columns
        if column.name not in NOT_IMPORTED
    ]


def test_a_file_of_authorities_fills_the_directory(session):
    report = exchange.import_authorities(csv_of(KENYA, EGYPT))
    assert report == exchange.Report(added=("KE-NFP", "EG-NFP"))
    kenya = entries.get("ke-nfp")
    assert kenya.languages == ("en", "sw")
    assert kenya.accepts_requests
    assert not kenya.fictional


def test_the_same_file_again_changes_nothing(session):
    exchange.import_authorities(csv_of(KENYA, EGYPT))
    report = exchange.import_authorities(csv_of(KENYA, EGYPT))
    assert report == exchange.Report(unchanged=("KE-NFP", "EG-NFP"))
    assert authorities(session) == 2


def test_a_changed_line_changes_that_authority_alone(session):
    exchange.import_authorities(csv_of(KENYA, EGYPT))
    report = exchange.import_authorities(csv_of(KENYA | {"unit": "Desk 2"}, EGYPT))
    assert (report.changed, report.unchanged) == (("KE-NFP",), ("EG-NFP",))
    assert entries.get("KE-NFP").unit == "Desk 2"


def test_a_column_left_out_stays_and_an_empty_cell_empties(session):
    exchange.import_authorities(csv_of(KENYA | {"phone": "+254 20 2222222"}))
    exchange.import_authorities(csv_of(KENYA))
    assert entries.get("KE-NFP").phone == "+254202222222"
    exchange.import_authorities(csv_of(KENYA | {"phone": ""}))
    assert entries.get("KE-NFP").phone == ""


@pytest.mark.parametrize(
    ("column", "value", "remedy"),
    [
        ("code", "K", "2 to 20 letters"),
        ("code", "KE NFP", "2 to 20 letters"),
        ("code", "", "needs this"),
        ("country", "KEN", "ISO 3166-1"),
        ("country", "XX", "ISO 3166-1"),
        ("name", "", "needs this"),
        ("name", "x" * 201, "at most 200"),
        ("zone", "Nairobi", "The nearest is Africa/Nairobi"),
        ("zone", "Africa/Nairoby", "The nearest is Africa/Nairobi"),
        ("country", "Kenia", "The nearest is KE"),
        ("country", "Кения", "The nearest is KE"),
        ("country", "كينيا", "The nearest is KE"),
        ("territory", "GB-NIR", "ISO 3166-2"),
        ("email", "desk(at)ke.example", "The nearest is desk@ke.example"),
        ("email", "desk@ke,example.org", "The nearest is desk@ke.example.org"),
        ("emails", "a@b.example no", "e-mail"),
        ("phone", "020 2222222", "The nearest is +254202222222"),
        ("phone", "+254 20", "one is +254202012345"),
        ("phone", "+254 CALL-ME", "digits"),
        ("phones", "+254202222222, +999 1", "code of the country"),
        ("languages", "en swahili", "The nearest is sw"),
        ("languages", "engish", "The nearest is en"),
        ("functions", "FIREARM", "The nearest is FIREARMS"),
        ("channels", "SIENNA desk", "The nearest is SIENA"),
        ("formats", "E-MAIL", "The nearest is EMAIL"),
        ("valid_from", "2026-02-30", "2026-03-31"),
        ("successor", "NOBODY", "No authority has this code"),
        ("name", "a\u202eb", "control characters"),
        ("zone", "", "needs this"),
        ("email", "desk", "e-mail"),
        ("email", "", "needs this"),
        ("supervisor_email", "a@b@c.example", "e-mail"),
        ("languages", "english", "Not known: english"),
        ("languages", "en xq", "Not known: xq"),
        ("functions", "GUNS", "Not known: GUNS"),
        ("instruments", "ITI", "Not known: ITI"),
        ("interpol_route", "PERHAPS", "URGENT_ONLY"),
        ("phone", "1" * 41, "at most 30"),
        ("last_confirmed", "yesterday", "2026-03-31"),
        ("accepts_requests", "maybe", "yes or no"),
        ("unit", "a\x00b", "control characters"),
    ],
)
def test_a_bad_cell_is_told_with_line_column_and_remedy(session, column, value, remedy):
    report = exchange.import_authorities(csv_of(EGYPT, KENYA | {column: value}))
    (fault,) = [fault for fault in report.faults if fault.line == 3]
    assert fault.column == column
    assert remedy in fault.remedy


def test_every_bad_line_is_told_and_nothing_is_stored(session):
    wrong = [
        KENYA | {"code": "A-1", "country": "??"},
        KENYA | {"code": "A-2"},
        KENYA | {"code": "A-3", "zone": "Mars/Base", "email": "no"},
        KENYA | {"code": "A-2"},
    ]
    report = exchange.import_authorities(csv_of(*wrong))
    assert [(fault.line, fault.column) for fault in report.faults] == [
        (2, "country"),
        (4, "zone"),
        (4, "email"),
        (5, "code"),
    ]
    assert not report.added
    assert authorities(session) == 0


def test_a_fault_changes_no_authority_of_the_same_file(session):
    exchange.import_authorities(csv_of(KENYA))
    exchange.import_authorities(csv_of(KENYA | {"name": "New"}, EGYPT | {"zone": "?"}))
    session.expire_all()
    assert entries.get("KE-NFP").name == "Example Bureau"


def test_lines_are_counted_as_an_editor_counts_them(session):
    first = KENYA | {"address": "1 Example Street\nDemonstration Town"}
    report = exchange.import_authorities(csv_of(first, EGYPT | {"country": "??"}))
    assert [fault.line for fault in report.faults] == [4]


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("", "missing"),
        ("code,country\nKE-NFP,KE\n", "missing"),
        ("code,country,name,zone,email,flag\n", "No such column"),
        ("code,code,country,name,zone,email\n", "twice"),
        ("code,country,name,zone,email\nKE-NFP,KE\n", "2 cells"),
        ('code,country,name,zone,email\nKE-NFP,"KE,x\n', "double quotes"),
    ],
)
def test_a_file_of_another_form_is_refused_in_words(session, text, remedy):
    report = exchange.import_authorities(text)
    assert remedy in report.faults[0].remedy
    assert authorities(session) == 0


def test_a_file_as_spreadsheets_save_it_is_read(session):
    text = "\ufeff" + csv_of(KENYA).replace("\r\n", "\n") + "\n,,,,,,\n"
    assert exchange.import_authorities(text).added == ("KE-NFP",)


def test_a_fault_reads_as_one_sentence():
    fault = columns.Fault(4, "zone", "Mars", "Write a zone of the IANA list.")
    assert str(fault) == "line 4, zone: 'Mars' Write a zone of the IANA list."


@pytest.fixture
def directory(session):
    """Three authorities in two States, under names that sort otherwise."""
    third = KENYA | {"code": "A-KE-2", "name": "Another Bureau", "languages": "fr"}
    exchange.import_authorities(csv_of(KENYA, EGYPT, third))
    return session


def codes(found) -> list[str]:
    return [authority.code for authority in found]


def test_the_list_goes_by_the_name_of_the_state(directory):
    assert codes(entries.find()) == ["EG-NFP", "A-KE-2", "KE-NFP"]


def test_the_list_goes_by_the_name_the_reader_knows(directory):
    # Egypt is Misr in Arabic, and follows Kenya.
    assert codes(entries.find(in_language="ar"))[-1] == "EG-NFP"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"country": "KE"}, ["A-KE-2", "KE-NFP"]),
        ({"language": "ar"}, ["EG-NFP"]),
        ({"instrument": "FP13"}, ["A-KE-2", "KE-NFP"]),
        ({"text": "SAMPLE"}, ["EG-NFP"]),
        ({"text": "kenya"}, ["A-KE-2", "KE-NFP"]),
        ({"text": "égypte", "in_language": "fr"}, ["EG-NFP"]),
        ({"text": "egypte", "in_language": "fr"}, ["EG-NFP"]),
        ({"country": "KE", "language": "ar"}, []),
    ],
)
def test_the_list_is_narrowed(directory, wanted, found):
    assert codes(entries.find(**wanted)) == found


def test_the_list_goes_on_after_an_authority(directory):
    first = entries.find(limit=2)
    assert codes(entries.find(limit=2, after=first[-1].code)) == ["KE-NFP"]


def test_a_place_in_the_list_that_is_gone_leads_to_the_start(directory):
    assert codes(entries.find(after="GONE", limit=1)) == ["EG-NFP"]


def test_the_states_of_the_directory_are_known(directory):
    assert entries.countries() == ["EG", "KE"]


def test_an_authority_that_is_not_there_is_none(directory):
    assert entries.get("NOWHERE") is None


def test_nobody_is_asked_who_takes_no_requests(directory):
    exchange.import_authorities(csv_of(KENYA | {"accepts_requests": "no"}))
    egypt, kenya = entries.get("EG-NFP"), entries.get("KE-NFP")
    assert codes(entries.addressees(besides=egypt.id)) == ["A-KE-2"]
    with pytest.raises(ValidationError):
        entries.open_for_requests(kenya.id, besides=egypt.id)


def test_no_authority_asks_itself(directory):
    egypt = entries.get("EG-NFP")
    with pytest.raises(ValidationError):
        entries.open_for_requests(egypt.id, besides=egypt.id)
    other = entries.get("A-KE-2")
    assert entries.open_for_requests(other.id, besides=egypt.id) is other


@pytest.mark.parametrize(
    ("confirmed", "stale"),
    [
        (None, True),
        (NOW - timedelta(days=180), False),
        (NOW - timedelta(days=181), True),
    ],
)
def test_an_entry_is_stale_after_half_a_year(confirmed, stale):
    assert entries.is_stale(Authority(last_confirmed=confirmed), NOW) is stale
