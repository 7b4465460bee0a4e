"""What a reader sees; snapshots stand beside, renewed by UPDATE_SNAPSHOTS=1.

They hold the texts as the catalogues give them: `make catalogues` first.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.notifications.people import message
from tracing.casework import sightings
from tracing.models import Authority
from tracing.notifications.compose import (
    EVENTS,
    LANGUAGES,
    SUPERVISORS_ONLY,
    URGENT,
    hits_met,
)
from tracing.notifications.render import render

SNAPSHOTS = Path(__file__).with_name("snapshots")
URL = "https://tracing.example/"
FROM = "Tracing <tracing@tracing.example>"
REMINDERS = [
    f"{deadline}:{kind}"
    for deadline in ("answer", "acknowledge")
    for kind in ("before", "on_day", "after", "escalate")
]
CASES = [(event, "") for event in EVENTS.values() if event != "reminder"]
CASES += [("reminder", kind) for kind in ("asked", *REMINDERS)]
CASES += [("assigned", "")]
CASES += [(f"introduction_{what}", "") for what in ("asked", "accepted", "declined")]


@pytest.fixture(params=["sqlite"])
def database_url(tmp_path):
    """No database is read here: one kind is enough, and an empty one."""
    return f"sqlite:///{tmp_path / 'empty.sqlite'}"


def written(event, reminder="", language="en", **facts):
    known = {"number": "2026-0041732K", "path": "/go/2026-0041732K"}
    known |= {"due": "2026-11-26"} | facts
    if reminder:
        known |= {"reminder": reminder, "deadline": reminder.partition(":")[0]}
        if reminder == "asked":
            known.pop("deadline")
    row = message(
        Authority(id=1), event=event, language=language, facts=known, message_id="<1@x>"
    )
    return render(row, URL, FROM)


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize(("event", "reminder"), CASES)
def test_each_mail_reads_as_it_was_agreed(session, event, reminder, language):
    envelope = written(event, reminder, language)
    name = "-".join(part for part in (event, *reminder.split(":")) if part)
    file = SNAPSHOTS / f"{name}.{language}.txt"
    found = f"{envelope.subject}\n\n{envelope.text}"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(found, "utf-8")
    assert found == file.read_text("utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("event", "reminder"), CASES)
def test_each_mail_is_small_and_names_its_language(session, event, reminder, language):
    envelope = written(event, reminder, language)
    direction = "rtl" if language == "ar" else "ltr"
    assert f'<html lang="{language}" dir="{direction}">' in envelope.html
    assert "\n" not in envelope.subject
    assert "2026-0041732K" in envelope.subject
    assert "https://tracing.example/go/2026-0041732K" in envelope.text
    assert 'href="https://tracing.example/go/2026-0041732K"' in envelope.html
    assert len(envelope.html.encode()) < 3000


@pytest.mark.parametrize("event", ["submitted", *sorted(URGENT)])
def test_the_subject_of_a_confidential_request_says_nothing_of_it(session, event):
    envelope = written(event, quiet=True)
    urgent = "URGENT: a" if event in URGENT else "A"
    assert envelope.subject == f"{urgent} message for you in the trace request service"
    assert envelope.thread == ""
    assert "2026-0041732K" in envelope.text


def test_a_mail_for_supervisors_names_no_request(session):
    row = message(Authority(id=1), event="for_supervisors", facts=SUPERVISORS_ONLY)
    envelope = render(row, URL, FROM)
    assert "2026" not in envelope.subject + envelope.text + envelope.html
    assert "https://tracing.example/queue?view=unassigned" in envelope.text


def test_a_mail_about_a_shared_record_names_neither_it_nor_who_looks(session):
    row = message(Authority(id=1), event=sightings.EVENT, facts=sightings.FACTS)
    envelope = render(row, URL, FROM)
    assert "https://tracing.example/records/sightings" in envelope.text
    assert envelope.subject == (
        "A record that you share is looked for: a message in the trace request service"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_about_hits_says_nothing_of_them(session, language):
    of = Authority(id=1, email="desk@x.example", languages=(language,))
    row = hits_met(of, now=datetime.now(UTC), domain="x.example")
    envelope = render(row, URL, FROM)
    assert (envelope.recipient, envelope.thread) == ("desk@x.example", "")
    assert "https://tracing.example/registers/hits" in envelope.text
    assert f'<html lang="{language}"' in envelope.html
    assert "\n" not in envelope.subject


def test_nothing_is_fetched_from_anywhere(session):
    html = written("submitted").html
    assert html.count("http") == 1
    assert "<img" not in html
    assert "<script" not in html


def test_a_number_keeps_its_order_among_arabic_letters(session):
    envelope = written("submitted", language="ar")
    assert "\u20662026-0041732K\u2069" in envelope.subject
    assert '<bdi dir="ltr" translate="no">2026-0041732K</bdi>' in envelope.html


def test_a_limit_of_hours_names_the_minute(session):
    at = {"at": "2026-11-26T14:30:00+00:00"}
    text = written("reminder", "answer:on_day", **at).text
    assert "26 November 2026, 14:30 UTC" in text


def test_what_was_stored_cannot_become_markup(session):
    envelope = written("submitted", number="<b>1</b>")
    assert "<b>1</b>" not in envelope.html


def test_mails_about_one_request_form_a_thread(session):
    envelope = written("submitted")
    assert envelope.thread == "<2026-0041732K@tracing.example>"
    assert envelope.headers["List-Id"] == "<trace-requests.tracing.example>"
