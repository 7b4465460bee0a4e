"""What comes out of the directory goes in again, to the letter."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from tests import factories
from tracing.directory import columns, entries, exchange
from tracing.models import Authority
from workflows.vocabulary import Channel, DirectoryFunction, Instrument, InterpolRoute

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def lines(most: int) -> st.SearchStrategy[str]:
    text = st.text(max_size=most)
    return text.map(lambda one: one.strip()).filter(lambda one: not _unfit(one, "name"))


def blocks(most: int) -> st.SearchStrategy[str]:
    text = st.text(max_size=most).map(lambda one: one.replace("\r", "\n").strip())
    return text.filter(lambda one: not _unfit(one, "address"))


def _unfit(text: str, column: str) -> bool:
    return columns._unfit(text, column)


def several(known) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(sorted(known)), unique=True, max_size=4).map(tuple)


PHONES = ("+254202222222", "+5511961234567", "+33123456789", "+12025550123;ext=7")
MAILS = ("a@b.example", "o'neil+desk@b.example", "desk@xn--e1afmkfd.example")
DAYS = st.dates(date(1990, 1, 1), date(2090, 1, 1))
FIELDS = {
    "code": st.from_regex(r"[A-Z0-9][A-Z0-9-]{1,19}", fullmatch=True),
    "country": st.sampled_from(("KE", "BR", "CN")),
    "territory": st.just(""),
    "name": lines(200).filter(bool),
    "original_name": lines(200),
    "unit": lines(200),
    "zone": st.sampled_from(sorted(available_timezones())),
    "languages": several({"ar", "zh", "en", "sw", "pt"}),
    "functions": several(map(str, DirectoryFunction)),
    "instruments": several(map(str, Instrument)),
    "formats": several({"PAPER", "EMAIL", "PORTAL"}),
    "email": st.sampled_from(MAILS),
    "emails": several(MAILS),
    "supervisor_email": st.sampled_from(("", *MAILS)),
    "phone": st.sampled_from(("", *PHONES)),
    "phones": several(PHONES),
    "urgent_phone": st.sampled_from(("", *PHONES)),
    "fax": st.sampled_from(("", *PHONES)),
    "channels": st.lists(
        st.sampled_from([f"{code} desk-{code}" for code in Channel]), max_size=3
    ).map("\n".join),
    "address": blocks(300),
    "office_hours": lines(200),
    "requirements": blocks(300),
    "urgent_procedure": blocks(300),
    "interpol_route": st.sampled_from(("", *map(str, InterpolRoute))),
    "marking_practice": blocks(300),
    "source": lines(200),
    "last_confirmed": st.none() | st.datetimes(timezones=st.just(UTC)),
    "confirmed_by": lines(200),
    "valid_from": st.none() | DAYS,
    "valid_to": st.none(),
    "successor": st.just(""),
    "accepts_requests": st.booleans(),
    "fictional": st.booleans(),
}
ENTRIES = st.fixed_dictionaries(FIELDS)


@given(ENTRIES)
def test_a_file_says_what_the_entry_says_whatever_it_is(values):
    made = Authority(**values)
    rows, faults = exchange._read_csv(exchange.to_csv([made]))
    assert faults == []
    assert [row for _line, row in rows] == [values]
    listed = json.loads(exchange.to_json([made]))["authorities"]
    rows, faults = exchange._read_listed(listed)
    assert faults == []
    assert [row for _line, row in rows] == [values]


def test_every_field_is_tried():
    assert set(columns.CHECKS) == set(FIELDS)


def test_a_spreadsheet_runs_nothing_of_it(session):
    factories.authority(name="=HYPERLINK()", unit="@SUM(1)", phone="+254202222222")
    text = exchange.to_csv(entries.everything())
    cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert exchange.import_authorities(text).unchanged
    assert exchange.import_json(
        exchange.to_json(entries.everything()).encode()
    ).unchanged


@pytest.mark.parametrize(
    ("body", "remedy"),
    [
        (b"", "JSON"),
        (b"\xff", "UTF-8"),
        (b"[]", ""),
        (b"{}", '"directory/1"'),
        (b'{"format": "directory/1", "authorities": {}}', '"directory/1"'),
        (b'{"format": "directory/1", "authorities": [1]}', "object"),
        (b'{"format": "directory/1", "authorities": [{"a": 1, "a": 2}]}', "once"),
        (b'{"format": "directory/1", "authorities": [{"flag": ""}]}', "No such column"),
    ],
)
def test_json_of_another_form_is_refused_in_words(session, body, remedy):
    report = exchange.import_json(body)
    assert any(remedy in fault.remedy for fault in report.faults), report.faults
    assert session.scalar(select(func.count()).select_from(Authority)) == 0


def test_every_bad_entry_of_a_json_file_is_told_and_nothing_is_stored(session):
    good = {"code": "KE-1", "country": "KE", "name": "A", "zone": "Africa/Nairobi"}
    good |= {"email": "a@b.example"}
    bad = [
        {"zone": "Nairobi"},
        {"phone": 5},
        {"languages": ["swahili"]},
        {"name": None},
    ]
    listed = [good, *(good | {"code": f"KE-{n}"} | one for n, one in enumerate(bad, 2))]
    body = json.dumps({"format": exchange.FORMAT, "authorities": listed}).encode()
    report = exchange.import_json(body)
    assert [(fault.line, fault.column) for fault in report.faults] == [
        (2, "zone"),
        (3, "phone"),
        (4, "languages"),
        (5, "name"),
    ]
    assert entries.get("KE-1") is None


def test_what_an_entry_said_before_is_kept(session):
    made = factories.authority(name="Old name", phone="+254202222222")
    entries.revise(made, {"name": "New name", "phone": ""}, why="test", now=NOW)
    session.commit()
    assert (made.version, made.name) == (2, "New name")
    (before,) = entries.versions(made)
    assert (before.number, before.entry["name"], before.until) == (1, "Old name", NOW)
    assert before.entry["phone"] == "+254202222222"
    assert entries.version(made, 1) is before
    assert entries.version(made, 2) is None


def test_who_changes_nothing_makes_no_version(session):
    made = factories.authority()
    assert entries.revise(made, {"name": made.name}, why="test", now=NOW) == {}
    assert made.version == 1


def test_a_vcard_keeps_every_line_short_and_every_comma_a_comma(session):
    made = factories.authority(
        name="Bureau, national; of “tracing”",
        unit="Unité",
        original_name="مكتب تعقب الأسلحة النارية " * 4,
        emails=("deputy@b.example",),
        phone="+254202222222",
        urgent_phone="+254722222222",
        address="1 Example Street\nDemonstration Town",
        languages=("en", "sw"),
        functions=("FIREARMS",),
        instruments=("ITI25", "FP13"),
        last_confirmed=NOW,
    )
    text = exchange.to_vcard(made, "fr", "https://tracing.example/points-of-contact/X")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    whole = text.replace("\r\n ", "")
    found = dict(line.split(":", 1) for line in whole.strip().split("\r\n"))
    assert whole.startswith("BEGIN:VCARD\r\nVERSION:4.0\r\n")
    assert whole.endswith("END:VCARD\r\n")
    assert found["FN"] == r"Bureau\, national\; of “tracing” (Kenya)"
    assert found["ADR"] == r";;1 Example Street\nDemonstration Town;;;;Kenya"
    assert found['TEL;VALUE=uri;TYPE="work,voice";PREF=1'] == "tel:+254202222222"
    assert found['TEL;VALUE=uri;TYPE="work,voice";PREF=100'] == "tel:+254722222222"
    assert found["EMAIL;TYPE=work;PREF=2"] == "deputy@b.example"
    assert found["REV"] == "20261123T090000Z"
    assert re.search(r"^NICKNAME:مكتب", whole, re.MULTILINE)
