"""Nonsense in, a calm page out: nothing stored, nothing lost of what was typed."""

import html
import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, func, select

from tests import factories
from tests.notifications.people import with_mail
from tests.visitors import Visitor, hidden, shown, signed_in, stranger
from tracing import worker
from tracing.cli.serve import choose_channel
from tracing.extensions import db
from tracing.models import Delivery, FormKey, OutboxMessage, TraceRequest
from workflows.states import State, Trigger

NEW = "/trace-requests/new"
TOMORROW = (factories.today() + timedelta(days=2)).isoformat()
NONSENSE = {
    "NUL": "A\0B",
    "a bell": "A\aB",
    "an escape": "\x1b[31m",
    "300 marks on a letter": "A" + "\u0301" * 300,
    "a non-character": "A\ufffeB",
    "half of a surrogate pair": b"A%ED%A0%80B",
    "overlong UTF-8": b"%C0%AF%c0%ae",
    "no UTF-8 at all": b"%FF%FE%00",
    "very long": "A" * 20_000,
    "a slow pattern": "1" * 5000 + "!",
    "only invisible signs": "\u200b\u2060\ufeff",
    "brackets": "[" * 40 + "]" * 10,
    "SQL": "'; drop table account; --",
    "a script": "<script>alert(1)</script>",
    "a template": "{{ 7*7 }}{% raw %}",
    "another line": "A\r\nSet-Cookie: x=1",
    "figures of another script": "٣٠٠٠",
    "no number": "1e309",
    "a path": "../../etc/passwd\0.png",
}
WRONG = {
    # field, what is written, what the page says about it
    "NUL in the serial": ("markings_serial", "A\0B", "cannot be stored"),
    "a bell in the serial": ("markings_serial", "A\aB", "cannot be stored"),
    "300 marks": ("markings_serial", "A" + "\u0301" * 300, "Remove some of the marks"),
    "an open bracket": ("markings_serial", "A[5S", "Close the bracket"),
    "a range": ("markings_serial", "A[0-9]", "understood .position 4"),
    "a backslash": ("markings_serial", "AB\\C", "for a backslash"),
    "65 signs": ("markings_serial", "A" * 65, "at most 64"),
    "one megabyte": ("markings_serial", "A" * 1_000_000, "at most 64"),
    "year 0000": ("find_found_on", "0000-01-01", "exists"),
    "the end of time": ("find_found_on", "9999-12-31", "not in the future"),
    "the day after tomorrow": ("find_found_on", TOMORROW, "not in the future"),
    "30 February": ("find_found_on", "2026-02-30", "exists"),
    "a time as a date": ("find_found_on", "2026-11-20T10:00", "date like"),
    "another script's date": ("find_found_on", "٢٠٢٦-١١-٢٠", "date like"),
    "a day of 100 years hence": ("header_requested_by", "2126-01-01", "one year"),
    "a day in the past": ("header_requested_by", "2020-01-01", "after today"),
    "a leap second": ("find_found_time", "23:59:60", "time like"),
    "no latitude": ("find_latitude", "nan", "degrees like"),
    "beyond the pole": ("find_latitude", "91", "-90 to 90"),
    "a slow calibre": ("item_calibre", "9x" * 19 + "!", "calibre like"),
    "a slow and long calibre": ("item_calibre", "a." * 150 + "!", "at most 40"),
    "an unknown word": ("item_kind", "CANNON", "list"),
    "a word in small letters": ("item_kind", "firearm", "list"),
    "an unknown limb": ("basis_illicit_limbs", ["ILLICIT_LOCAL_LAW", "X"], "list"),
    "an unknown State": ("item_country_of_manufacture", "QQ", "country from the list"),
    "an unknown authority": ("header_requested_id", "999999", "Choose"),
    "no authority": ("header_requested_id", "abc", "Choose the authority"),
    "authority 1_0": ("header_requested_id", "1_0", "Choose the authority"),
    "authority zero": ("header_requested_id", "0", "Choose|1 or more"),
    "a huge authority": ("header_requested_id", "9" * 30, "Choose the authority"),
    "a larger authority": ("header_requested_id", "9" * 17, "smaller number"),
    "the year 20000": ("item_year", "20000", "year from"),
    "a year with a point": ("item_year", "1998.0", "year from|whole number"),
    "a phone of letters": ("header_officer_phone", "call me", "phone number like"),
    "an unknown language": ("header_language", "xx", "list"),
    "a person born hence": ("persons_persons-0-born", TOMORROW, "not in the future"),
}


@pytest.fixture
def visitor(app, of) -> Visitor:
    return signed_in(app, of.investigator)


def number_of(model) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def the_next_valid_post_works(visitor, of) -> None:
    before = number_of(TraceRequest)
    page = visitor.get(NEW).text
    form = factories.complete_form(of.asked) | {"form_key": hidden(page, "form_key")}
    assert visitor.post(NEW, form).status_code == 303
    assert number_of(TraceRequest) == before + 1


def names_on(page: str) -> list[str]:
    found = re.findall(r'<(?:input|select|textarea)\b[^>]*?\bname="([^"]+)"', page)
    fields = [name for name in dict.fromkeys(found) if "-" in name]
    assert len(fields) > 60
    return fields


def raw_form(token: str, fields: dict[str, str | bytes]) -> bytes:
    """A form whose values may be bytes that no browser would send."""
    from urllib.parse import quote_plus

    sent = {"csrf_token": token, **fields}
    pairs = (
        f"{name}=".encode()
        + (value if isinstance(value, bytes) else quote_plus(value).encode())
        for name, value in sent.items()
    )
    return b"&".join(pairs)


@pytest.mark.parametrize("value", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_in_every_field_at_once_is_told_field_by_field(
    of, visitor, everything, value
):
    names = names_on(visitor.get(NEW).text)
    before = everything()
    body = raw_form(visitor.token, dict.fromkeys(names, value))
    started = time.monotonic()
    response = visitor.client.post(
        NEW, data=body, content_type="application/x-www-form-urlencoded"
    )
    assert time.monotonic() - started < 5
    assert response.status_code == 422
    assert "There are" in shown(response.text)
    assert "<script>alert" not in response.text
    assert everything() == before
    the_next_valid_post_works(visitor, of)


def test_a_nul_in_any_one_field_is_never_stored_and_never_breaks_a_page(of, visitor):
    form = factories.complete_form(of.asked)
    for name in names_on(visitor.get(NEW).text):
        response = visitor.post(NEW, form | {name: "A\0B"})
        ticked = response.status_code == 303
        assert response.status_code in (303, 422), name
        # Only a box can be sent anything: what is not "true" is not a tick.
        assert not ticked or name.endswith(("guaranteed", "confidential")), name


@pytest.mark.parametrize(("field", "value", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    of, visitor, everything, field, value, words
):
    before = everything()
    form = factories.complete_form(of.asked, **{field: value})
    response = visitor.post(NEW, form)
    page = response.text
    assert response.status_code == 422
    assert re.search(words, shown(page)), shown(page)[:1500]
    assert "АВ 04?7 К" in page or field == "markings_serial"
    assert "Two magazines beside it." in page
    assert html.escape("CASE-17") in page
    assert everything() == before
    the_next_valid_post_works(visitor, of)


@pytest.mark.parametrize("which", ["own", "suspended"])
def test_an_authority_that_cannot_be_asked_is_refused_at_its_field(
    of, visitor, everything, which
):
    shut = factories.authority(country="FR", accepts_requests=False)
    wrong = {"own": of.asking, "suspended": shut}[which]
    db.session.commit()
    before = everything()
    response = visitor.post(NEW, factories.complete_form(wrong))
    assert response.status_code == 422
    assert "Choose an authority that takes trace requests" in shown(response.text)
    assert "Two magazines beside it." in response.text
    assert everything() == before
    the_next_valid_post_works(visitor, of)


KEPT = {
    "Cyrillic and Latin letters": "АB 04?7 К",
    "emoji": "🔫 Ⅷ 𝕏",
    "full-width figures": "ＡＢ１２",
    "Arabic figures": "٣٤٥",
    "sharp s and dotted I": "ßİ",
    "a formula": '=HYPERLINK("http://x","y")',
    "a script": "<script>alert(1)</script>",
    "an ampersand": "A&amp;B &#65;",
}


@pytest.mark.parametrize("value", KEPT.values(), ids=KEPT)
def test_what_is_only_strange_goes_there_and_back_unchanged(of, visitor, value):
    form = factories.complete_form(of.asked, markings_serial=value, item_model=value)
    response = visitor.post(NEW, form)
    assert response.status_code == 303
    stored = db.session.scalars(select(TraceRequest)).one()
    assert (factories.serial_of(stored), stored.item.model) == (value, value)
    page = visitor.get(response.location).text
    assert html.escape(value, quote=False) in html.unescape(page) or value in [
        html.unescape(found) for found in re.findall(r'value="([^"]*)"', page)
    ]
    check = visitor.get(f"/trace-requests/{stored.reference}/check")
    assert "<script>alert" not in check.text


def test_a_star_that_is_stamped_is_read_back_as_one_and_no_sign(of, visitor):
    form = factories.complete_form(of.asked, markings_serial="A\\*?[5S]")
    address = visitor.post(NEW, form).location
    check = visitor.get(address.replace("/edit", "/check")).text
    read = re.findall(r"<li[^>]*><b[^>]*>(.)</b><small[^>]*>([^<]*)</small>", check)
    assert read == [
        ("A", "letter"),
        ("*", "symbol"),
        ("?", "not readable"),
        *[("[", "symbol"), ("5", "digit"), ("S", "letter"), ("]", "symbol")],
    ]


def test_signs_that_turn_the_text_around_are_left_out(of, visitor):
    form = factories.complete_form(of.asked, markings_serial="A\u202e12\u200f3")
    assert visitor.post(NEW, form).status_code == 303
    assert factories.serial_of(db.session.scalars(select(TraceRequest)).one()) == "A123"


def test_several_values_where_one_is_expected_are_no_error(of, visitor):
    form = factories.complete_form(of.asked)
    twice = {name: [value, "X"] for name, value in form.items() if value != "true"}
    twice["basis-illicit_limbs"] = ["ILLICIT_LOCAL_LAW"] * 2
    assert visitor.post(NEW, form | twice).status_code == 303
    stored = db.session.scalars(select(TraceRequest)).one()
    assert stored.item.make == "Example Arms"
    assert len(stored.illicit_limbs) == 1


def test_fields_that_are_not_of_the_form_change_nothing(of, visitor):
    more = {
        "header-requesting_id": str(of.asked.id),
        "state": "closed",
        "id": "1",
        "header-state": "closed",
        "item-id": "7",
        "markings-marks-9999-text": "X",
        "markings-marks--1-text": "X",
        "markings-marks-0-0-text": "X",
        "persons-persons-0-request_id": "1",
        "\0": "\0",
    }
    form = factories.complete_form(of.asked) | more
    assert visitor.post(NEW, form).status_code in (303, 422)
    for stored in db.session.scalars(select(TraceRequest)):
        assert stored.state is State.DRAFT
        assert stored.requesting is of.asking


def test_more_rows_than_a_request_can_hold_are_refused(of, visitor):
    form = factories.complete_form(of.asked)
    for n in range(200):
        form |= {f"markings-marks-{n}-type": "PROOF", f"markings-marks-{n}-text": "P"}
    response = visitor.post(NEW, form)
    assert response.status_code == 422
    assert "at most 20" in shown(response.text)
    assert number_of(TraceRequest) == 0


class TestRows:
    def posted(self, of, **pressed):
        form = factories.complete_form(of.asked)
        for n, text in enumerate(("ONE", "TWO", "THREE")):
            form[f"markings-marks-{n}-type"] = "PROOF"
            form[f"markings-marks-{n}-text"] = text
        return form | pressed

    def test_removing_one_keeps_the_others_and_saves_nothing(self, of, visitor):
        page = visitor.post(NEW, self.posted(of, remove="markings-marks-0")).text
        assert 'value="ONE"' not in page
        assert 'value="TWO"' in page
        assert 'value="THREE"' in page
        assert number_of(TraceRequest) == 0

    def test_adding_one_shows_an_empty_one_more(self, of, visitor):
        page = visitor.post(NEW, self.posted(of, add="markings-marks")).text
        assert 'name="markings-marks-3-text"' in page
        assert number_of(TraceRequest) == 0

    @pytest.mark.parametrize(
        "row", ["markings-marks-99", "markings-marks-²", "\0", "x"]
    )
    def test_removing_what_is_not_there_is_no_error(self, of, visitor, row):
        page = visitor.post(NEW, self.posted(of, remove=row))
        assert page.status_code in (200, 422)
        assert 'value="THREE"' in page.text


def test_a_form_with_sections_left_out_is_a_draft_that_cannot_be_sent(of, visitor):
    response = visitor.post(NEW, {"item-make": "Example Arms"})
    assert response.status_code == 303
    stored = db.session.scalars(select(TraceRequest)).one()
    address = f"/trace-requests/{stored.reference}"
    page = visitor.get(f"{address}/check").text
    form = {"authorised": "true", "version": hidden(page, "version")}
    sent = visitor.post(f"{address}/submit", form)
    assert sent.status_code == 422
    assert "Enter where it was found" in shown(sent.text)
    db.session.expire_all()
    assert stored.state is State.DRAFT
    assert number_of(OutboxMessage) == 0


@pytest.mark.parametrize("size", [2_000_001, 10_000_000])
def test_a_form_that_is_too_large_is_not_read(of, visitor, everything, size):
    before = everything()
    response = visitor.post(NEW, {"find-circumstances": "A" * size})
    assert response.status_code == 413
    assert "too large" in shown(response.text)
    assert everything() == before
    the_next_valid_post_works(visitor, of)


def test_a_second_click_leads_to_the_same_request(of, visitor):
    form = factories.complete_form(of.asked)
    form["form_key"] = hidden(visitor.get(NEW).text, "form_key")
    first, second = visitor.post(NEW, form), visitor.post(NEW, form)
    assert (first.status_code, second.status_code) == (303, 303)
    assert number_of(TraceRequest) == number_of(FormKey) == 1
    reference = db.session.scalars(select(TraceRequest.reference)).one()
    assert reference in first.location
    assert reference in second.location


@pytest.mark.parametrize("key", ["", "\0", "x" * 100_000, "é" * 64, "'--"])
def test_a_form_key_that_is_not_ours_is_no_error(of, visitor, key):
    form = factories.complete_form(of.asked) | {"form_key": key}
    assert visitor.post(NEW, form).status_code == 303
    assert number_of(TraceRequest) == 1


class TestTheToken:
    def test_missing_is_told_and_nothing_is_done(self, of, visitor, everything):
        before = everything()
        form = factories.complete_form(of.asked)
        for token in ("", "wrong", "\0", "x" * 10_000):
            response = visitor.client.post(NEW, data=form | {"csrf_token": token})
            assert response.status_code == 400
        response = visitor.client.post(NEW, data=form)
        assert response.status_code == 400
        assert "open too long" in shown(response.text)
        assert everything() == before

    def test_of_another_session_is_not_taken(self, app, of, visitor):
        other = signed_in(app, of.officer)
        other.get("/queue")
        form = {"csrf_token": other.token}
        assert visitor.client.post(NEW, data=form).status_code == 400


class TestADraftThatTwoPeopleEdit:
    def test_keeps_the_first_and_shows_the_second_what_they_typed(self, of, visitor):
        draft = factories.draft(of)
        address = f"/trace-requests/{draft.reference}/edit"
        version = hidden(visitor.get(address).text, "version")
        mine = factories.complete_form(of.asked, item_make="Mine")
        theirs = factories.complete_form(of.asked, item_make="Theirs")
        saved = visitor.post(address, theirs | {"version": version})
        assert saved.status_code == 303
        response = visitor.post(address, mine | {"version": version})
        assert response.status_code == 409
        assert "Not saved" in shown(response.text)
        assert 'value="Mine"' in response.text
        db.session.expire_all()
        assert draft.item.make == "Theirs"
        again = {"version": hidden(response.text, "version")}
        assert visitor.post(address, mine | again).status_code == 303
        db.session.expire_all()
        assert draft.item.make == "Mine"

    @pytest.mark.parametrize("version", ["", "abc", "-1", "9" * 40, "²", "\0", "1.0"])
    def test_is_not_saved_under_a_version_that_is_none(self, of, visitor, version):
        draft = factories.draft(of)
        form = factories.complete_form(of.asked, item_make="Mine")
        address = f"/trace-requests/{draft.reference}"
        response = visitor.post(f"{address}/edit", form | {"version": version})
        assert response.status_code == 409
        sending = {"authorised": "true", "version": version}
        assert visitor.post(f"{address}/submit", sending).status_code == 409
        db.session.expire_all()
        assert (draft.item.make, draft.state) == ("Example Arms", State.DRAFT)


class TestAStep:
    @pytest.fixture
    def officer(self, app, of):
        return signed_in(app, of.officer)

    @pytest.fixture
    def request_(self, of):
        return factories.after(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE)

    def step(self, request_, name):
        return f"/trace-requests/{request_.reference}/steps/{name}"

    def test_on_an_old_page_is_not_taken_and_the_page_shows_what_happened(
        self, of, officer, request_, everything
    ):
        address = self.step(request_, "note")
        version = hidden(officer.get(address).text, "version")
        factories.take(of, request_, Trigger.ASK_CLARIFICATION)
        before = everything()
        response = officer.post(address, {"text": "mine", "version": version})
        assert response.status_code == 409
        text = shown(response.text)
        assert "changed since you opened the form" in text
        assert "Which side?" in text
        assert everything() == before

    @pytest.mark.parametrize("step", ["respond", "close", "acknowledge", "reopen"])
    def test_that_is_not_possible_now_says_so_and_what_is(
        self, app, of, officer, step, everything
    ):
        request_ = factories.after(of, Trigger.SUBMIT, Trigger.ASK_CLARIFICATION)
        asks = step in ("close", "reopen")
        who = signed_in(app, of.investigator) if asks else officer
        before = everything()
        form = {"version": str(request_.version)}
        response = who.post(self.step(request_, step), form)
        assert response.status_code == 409
        assert "not possible now" in shown(response.text)
        if step != "acknowledge":
            assert who.get(self.step(request_, step)).status_code == 409
        assert everything() == before

    @pytest.mark.parametrize("step", ["submit", "explode", "\0", "ACKNOWLEDGE", "é"])
    def test_that_nobody_knows_is_not_found(self, officer, request_, step):
        address = self.step(request_, step)
        assert officer.get(address).status_code == 404
        assert officer.post(address, {"version": "3"}).status_code == 404

    @pytest.mark.parametrize("version", ["", "x", "-3", "9" * 50, "\0"])
    def test_without_a_right_version_is_not_taken(
        self, officer, request_, version, everything
    ):
        before = everything()
        form = {"text": "mine", "version": version}
        assert officer.post(self.step(request_, "note"), form).status_code == 409
        assert everything() == before

    @pytest.mark.parametrize("step", [s for s in Trigger if s is not Trigger.SUBMIT])
    # What is too long or empty is found before a database is asked.
    @pytest.mark.parametrize(
        ("database_url", "value"),
        [
            pytest.param("postgresql", "A\0B", marks=pytest.mark.postgresql),
            *(("sqlite", value) for value in ("", "A\0B", "x" * 30_000, "\u200b")),
        ],
        indirect=["database_url"],
    )
    def test_filled_with_nonsense_is_drawn_again(
        self, app, of, step, value, everything
    ):
        if step is Trigger.ACKNOWLEDGE:
            pytest.skip("it carries nothing")
        request_ = factories.ready_for(of, step)
        answers = step in factories.ANSWERERS_STEPS
        who = signed_in(app, of.officer if answers else of.investigator)
        address = self.step(request_, step.value)
        more = "?outcome=EXPORTED" if step is Trigger.RESPOND else ""
        page = who.get(address + more).text
        found = re.findall(r'<(?:input|select|textarea)\b[^>]*?\bname="([^"]+)"', page)
        names = set(found) - {"csrf_token", "form_key", "version", "country", "state"}
        assert names
        form = dict.fromkeys(names, value) | {"version": hidden(page, "version")}
        if step is Trigger.RESPOND:
            form["outcome"] = "EXPORTED"
        before = everything()
        response = who.post(address, form)
        assert response.status_code == 422
        assert "There " in shown(response.text)
        assert everything() == before

    @pytest.mark.parametrize("outcome", ["", "X", "\0", "FULL\n"])
    def test_an_answer_without_an_outcome_is_drawn_again(
        self, of, officer, outcome, everything
    ):
        request_ = factories.after(of, *factories.WAY_TO[Trigger.RESPOND])
        before = everything()
        form = {"outcome": outcome, "version": str(request_.version), "handling": "H0"}
        response = officer.post(self.step(request_, "respond"), form)
        assert response.status_code == 422
        assert everything() == before

    def test_an_answer_that_needs_a_search_first_is_refused(
        self, officer, request_, everything
    ):
        before = everything()
        form = {
            "outcome": "NO_RECORD",
            "handling": "H0",
            "registers-0-register": "Makers",
            "registers-0-years": "1990",
            "version": str(request_.version),
        }
        response = officer.post(self.step(request_, "respond"), form)
        assert response.status_code == 409
        assert everything() == before

    def test_of_the_other_side_is_forbidden(self, app, of, request_, everything):
        auditor = factories.person(of.asked, factories.Role.AUDITOR)
        db.session.commit()
        before = everything()
        form = {"version": str(request_.version), "text": "mine"}
        who = signed_in(app, auditor)
        assert who.post(self.step(request_, "note"), form).status_code == 403
        assert everything() == before

    @pytest.mark.parametrize("authority", ["", "x", "\0", "999999", "²", "9" * 40])
    def test_onward_to_nobody_is_told(self, app, of, authority, everything):
        third = factories.authority(country="NP")
        request_ = factories.after(of, *factories.WAY_TO[Trigger.RESPOND])
        factories.take(of, request_, Trigger.RESPOND, factories.exported(third))
        before = everything()
        response = signed_in(app, of.investigator).post(
            f"/trace-requests/{request_.reference}/onward", {"authority": authority}
        )
        assert response.status_code == 422
        assert "Choose the authority to ask" in shown(response.text)
        assert everything() == before

    @pytest.mark.parametrize("reference", ["", "\0", "2026-KE-0000000", "x" * 9999])
    def test_a_reference_that_is_none_opens_nothing(self, officer, reference):
        assert officer.post("/find", {"reference": reference}).status_code == 404


class TestWhenTheWorldFails:
    """The mail server is dead, the disk is full, the database is gone."""

    @pytest.fixture
    def settings(self, settings):
        return with_mail(settings)

    def only_sqlite(self, app):
        if not app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite"):
            pytest.skip("about the file of SQLite")

    def test_a_request_is_sent_and_its_mail_waits(self, app, of, visitor):
        choose_channel(app)
        draft = factories.draft(of)
        address = f"/trace-requests/{draft.reference}"
        page = visitor.get(f"{address}/check").text
        form = {"authorised": "true", "version": hidden(page, "version")}
        assert visitor.post(f"{address}/submit", form).status_code == 303
        db.session.rollback()
        worker.drain()
        db.session.rollback()
        messages = db.session.scalars(select(OutboxMessage)).all()
        assert {m.recipient for m in messages} == {of.asked.email}
        assert {m.delivery for m in messages} == {Delivery.QUEUED}
        assert {m.sent_at for m in messages} == {None}
        db.session.expire_all()
        assert draft.state is State.SUBMITTED

    @pytest.mark.parametrize("pragma", ["max_page_count=1", "query_only=on"])
    def test_what_cannot_be_written_is_told_and_nothing_is_half_written(
        self, app, of, visitor, everything, pragma
    ):
        self.only_sqlite(app)
        draft = factories.draft(of)
        address = f"/trace-requests/{draft.reference}/edit"
        version = hidden(visitor.get(address).text, "version")
        long = "A sentence of the case. " * 190
        form = factories.complete_form(
            of.asked,
            find_circumstances=long * 2,
            basis_facts_summary=long * 2,
            basis_illicit_reason=long,
            domestic_domestic_searches=long,
            basis_assistance_sought=long,
        )
        before = everything()
        db.session.rollback()
        full = shut(app, pragma)
        response = visitor.post(address, form | {"version": version})
        text = shown(response.text)
        assert response.status_code == 503, text[:500]
        assert "Your saved work is kept" in text
        assert "sqlite" not in text.lower()
        assert visitor.get("/my-requests").status_code == 200
        event.remove(db.engine, "connect", full)
        db.engine.dispose()
        assert everything() == before
        response = visitor.post(address, form | {"version": version})
        assert response.status_code == 303

    def test_without_its_database_the_service_says_that_it_is_closed(
        self, app, of, visitor, tmp_path
    ):
        self.only_sqlite(app)
        file = Path(app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"))
        db.session.remove()
        db.engine.dispose()
        away = tmp_path / "away"
        away.mkdir()
        for part in file.parent.glob(f"{file.name}*"):
            part.rename(away / part.name)
        for address in ("/", "/queue", "/trace-requests/2026-KE-0000001X"):
            response = visitor.get(address)
            assert response.status_code == 503
            assert "closed for a short time" in shown(response.text)
        assert stranger(app).get("/healthz").status_code == 200
        for part in file.parent.glob(f"{file.name}*"):
            part.unlink()
        db.engine.dispose()
        for part in away.iterdir():
            part.rename(file.parent / part.name)
        assert visitor.get("/my-requests").status_code == 200


def shut(app, pragma):
    """Open each connection from now on so that it cannot write."""

    def on_connect(connection, _record):
        connection.execute(f"pragma {pragma}")

    db.engine.dispose()
    event.listen(db.engine, "connect", on_connect)
    return on_connect
