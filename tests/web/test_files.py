"""Photographs and documents: kept through every mistake, seen by both sides alone."""

import io
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from tests import factories
from tests.clamd import running_clamd
from tests.factories import files
from tests.visitors import Visitor, hidden, shown, signed_in, stranger
from tracing.casework import attachments
from tracing.extensions import db
from tracing.models import Attachment, Scan, TraceRequest
from workflows.errors import TransitionNotAllowed
from workflows.policies import Role
from workflows.states import Trigger

NEW = "/trace-requests/new"
SERIAL, MARK, WHOLE = "markings-serial-photo", "markings-marks-0-photo", "files-photo"


@pytest.fixture
def visitor(app, of) -> Visitor:
    return signed_in(app, of.investigator)


@pytest.fixture
def officer(app, of) -> Visitor:
    return signed_in(app, of.officer)


def sent(content: bytes, name: str = "photo.jpg") -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), name


def post(visitor: Visitor, address: str, form, **photos):
    """Send a form as a browser does: what the page carries is sent along."""
    return visitor.post(address, {**form, **photos}, content_type="multipart/form-data")


def carried(page: str) -> dict[str, list[str]]:
    """What the hidden fields of the files say."""
    found: dict[str, list[str]] = {}
    for name, token in re.findall(r'name="([\w-]+-file)" value="([^"]+)"', page):
        found.setdefault(name, []).append(token)
    return found


def rows() -> list[Attachment]:
    db.session.rollback()
    return list(db.session.scalars(select(Attachment).order_by(Attachment.id)))


def filed(visitor: Visitor, of, **photos) -> TraceRequest:
    form = factories.complete_form(of.asked) | {
        "form_key": hidden(visitor.get(NEW).text, "form_key")
    }
    response = post(visitor, NEW, form, **photos)
    assert response.status_code == 303, shown(response.text)
    return db.session.scalars(select(TraceRequest)).one()


def send(of, draft: TraceRequest) -> TraceRequest:
    db.session.expire_all()
    return factories.take(of, draft, Trigger.SUBMIT)


class TestADraft:
    def test_has_each_photograph_at_its_mark(self, of, visitor):
        draft = filed(
            visitor,
            of,
            **{
                SERIAL: [sent(files.jpeg("04?7"), "a.jpg")],
                MARK: [sent(files.jpeg("EXAMPLE"), "b.jpg")],
                WHOLE: [sent(files.png()), sent(files.pdf(), "lab.pdf")],
            },
        )
        assert [(r.title, r.marking) for r in rows()] == [
            ("a", 1),
            ("b", 2),
            ("photo", None),
            ("lab", None),
        ]
        page = visitor.get(f"/trace-requests/{draft.reference}/check").text
        assert 'alt="Photograph: Serial number АВ 04?7 К"' in page
        assert 'alt="Photograph of the item"' in page
        assert "lab" in shown(page)
        edit = visitor.get(f"/trace-requests/{draft.reference}/edit").text
        assert {name: len(found) for name, found in carried(edit).items()} == {
            "markings-serial-file": 1,
            "markings-marks-0-file": 1,
            "files-file": 2,
        }

    def test_keeps_its_files_through_a_mistake_in_the_form(self, of, visitor):
        form = factories.complete_form(of.asked, item_year="20000")
        form["form_key"] = hidden(visitor.get(NEW).text, "form_key")
        page = post(visitor, NEW, form, **{SERIAL: [sent(files.jpeg())]})
        assert page.status_code == 422
        assert carried(page.text)["markings-serial-file"]
        small = re.search(r'<img src="([^"]+)"', page.text)[1]
        assert visitor.get(small).status_code == 200
        form = factories.complete_form(of.asked) | carried(page.text)
        form["form_key"] = hidden(page.text, "form_key")
        assert post(visitor, NEW, form).status_code == 303
        (row,) = rows()
        stored = db.session.scalars(select(TraceRequest)).one()
        assert (row.request_id, row.marking) == (stored.id, 1)

    def test_keeps_the_good_files_when_one_is_refused(self, of, visitor, everything):
        form = factories.complete_form(of.asked)
        form["form_key"] = hidden(visitor.get(NEW).text, "form_key")
        bad = [sent(b"<svg onload=alert(1)>", "a.jpg"), sent(files.jpeg(), "b.jpg")]
        page = post(visitor, NEW, form, **{WHOLE: bad})
        assert page.status_code == 422
        assert (
            'href="#files-photo">Choose a picture (JPEG or PNG) or a PDF<' in page.text
        )
        assert [row.title for row in rows()] == ["b"]
        assert db.session.scalar(select(func.count()).select_from(TraceRequest)) == 0
        assert "Two magazines beside it." in page.text

    def test_takes_a_file_that_came_twice_once(self, of, visitor):
        form = factories.complete_form(of.asked, item_year="20000")
        form["form_key"] = hidden(visitor.get(NEW).text, "form_key")
        for _ in range(2):
            post(visitor, NEW, form, **{WHOLE: [sent(files.png())]})
        assert len(rows()) == 1

    def test_lets_a_photograph_follow_its_row(self, of, visitor):
        form = factories.complete_form(of.asked)
        form["form_key"] = hidden(visitor.get(NEW).text, "form_key")
        for n, text in enumerate(("ONE", "TWO", "THREE")):
            form[f"markings-marks-{n}-type"] = "PROOF"
            form[f"markings-marks-{n}-text"] = text
        photo = {"markings-marks-2-photo": [sent(files.jpeg())]}
        pressed = form | {"remove": "markings-marks-0"}
        page = post(visitor, NEW, pressed, **photo)
        assert page.status_code == 200
        assert list(carried(page.text)) == ["markings-marks-1-file"]
        form = {k: v for k, v in form.items() if not k.startswith("markings-marks-")}
        for n, text in enumerate(("TWO", "THREE")):
            form[f"markings-marks-{n}-type"] = "PROOF"
            form[f"markings-marks-{n}-text"] = text
        response = post(visitor, NEW, form | carried(page.text))
        assert response.status_code == 303
        assert 'alt="Photograph: Proof or approval mark THREE"' in html_of(
            visitor, response
        )

    def test_gives_a_file_back_while_it_is_a_draft_and_not_after(self, of, visitor):
        draft = filed(visitor, of, **{WHOLE: [sent(files.png()), sent(files.jpeg())]})
        first, second = (row.token for row in rows())
        address = f"/trace-requests/{draft.reference}/edit"
        form = factories.complete_form(of.asked)
        form["version"] = hidden(visitor.get(address).text, "version")
        page = post(visitor, address, form | {"remove_file": first})
        assert page.status_code == 200
        assert carried(page.text)["files-file"] == [second]
        assert visitor.get(f"/files/{first}").status_code == 404
        send(of, draft)
        form["version"] = str(draft.version)
        assert post(visitor, address, form | {"remove_file": second}).status_code == 409
        assert visitor.get(f"/files/{second}").status_code == 200

    def test_that_was_sent_takes_no_more(self, of, visitor):
        draft = send(of, filed(visitor, of))
        form = factories.complete_form(of.asked) | {"version": str(draft.version)}
        photos = {WHOLE: [sent(files.png())]}
        address = f"/trace-requests/{draft.reference}/edit"
        assert post(visitor, address, form, **photos).status_code == 409
        assert rows() == []

    def test_that_is_sent_while_a_file_is_read_does_not_get_it(
        self, app, of, visitor, monkeypatch
    ):
        draft, look = filed(visitor, of), attachments._verdict

        def sent_meanwhile(content):
            send(of, draft)
            db.session.commit()
            return look(content)

        monkeypatch.setattr(attachments, "_verdict", sent_meanwhile)
        given = attachments.Given("a.pdf", files.pdf())
        actor = factories.actor_of(of.investigator)
        with pytest.raises(TransitionNotAllowed, match="this one is sent"):
            attachments.receive(actor, given, form_key="", request=draft)
        assert rows() == []
        assert list(app.extensions[attachments.STORE].kept()) == []

    def test_of_others_is_not_found_by_a_file(self, app, of, visitor):
        draft = filed(visitor, of)
        third = factories.person(None, Role.INVESTIGATOR)
        address = f"/trace-requests/{draft.reference}/edit"
        photos = {WHOLE: [sent(files.png())]}
        form = factories.complete_form(of.asked) | {"version": "1"}
        response = post(signed_in(app, third), address, form, **photos)
        assert response.status_code == 404
        assert rows() == []

    def test_next_in_the_chain_has_the_photographs_of_its_own_side(self, of, visitor):
        draft = filed(visitor, of, **{SERIAL: [sent(files.jpeg())]})
        third = factories.authority(country="NP")
        for step in factories.WAY_TO[Trigger.RESPOND]:
            db.session.expire_all()
            factories.take(of, draft, step)
        factories.take(of, draft, Trigger.RESPOND, factories.exported(third))
        form = {"authority": str(third.id)}
        response = visitor.post(f"/trace-requests/{draft.reference}/onward", form)
        assert 'alt="Photograph: Serial number' in html_of(visitor, response)
        one, two = rows()
        assert one.stored == two.stored
        assert one.token != two.token


def html_of(visitor: Visitor, response) -> str:
    address = response.location.replace("/edit", "/check")
    return str(visitor.get(address).text)


class TestLimits:
    @pytest.fixture
    def settings(self, settings):
        return replace(
            settings, max_files=3, max_file_bytes=100_000, max_form_bytes=200_000
        )

    def test_are_told_before_anything_is_chosen(self, visitor):
        assert "3 files in all" in shown(visitor.get(NEW).text)

    def test_of_number_hold_for_request_and_form_together(self, of, visitor):
        pictures = [sent(files.png((n, 9))) for n in range(10, 14)]
        form = factories.complete_form(of.asked)
        form["form_key"] = hidden(visitor.get(NEW).text, "form_key")
        page = post(visitor, NEW, form, **{WHOLE: pictures})
        assert page.status_code == 422
        assert "at most 3 files" in shown(page.text)
        assert len(rows()) == 3

    def test_hold_for_one_person_with_many_forms(self, of, visitor):
        form = factories.complete_form(of.asked, item_year="20000")
        for n in range(1, 20):
            form["form_key"] = f"form{n}"
            page = post(visitor, NEW, form, **{WHOLE: [sent(files.png((n, 9)))]})
        assert "wait for a form" in shown(page.text)
        assert len(rows()) == 4 * 3

    def test_of_size_are_told_at_the_field(self, of, visitor):
        form = factories.complete_form(of.asked)
        page = post(visitor, NEW, form, **{WHOLE: [sent(b"\xff" * 100_001)]})
        assert page.status_code == 422
        assert "Choose a file of at most" in shown(page.text)

    def test_of_a_form_without_files_stay_small(self, of, visitor, app):
        def status(who: Visitor, address: str) -> int:
            photos = {WHOLE: [sent(b"x" * 250_000)]}
            return int(post(who, address, {}, **photos).status_code)

        visitor.get(NEW)
        assert status(visitor, NEW) == 422
        nobody = stranger(app)
        nobody.get("/sign-in")
        assert status(nobody, NEW) == 413
        assert status(nobody, "/sign-in") == 413


class TestFilesThatAreTooMuchTogether:
    @pytest.fixture
    def settings(self, settings):
        return replace(settings, max_upload_bytes=100_000, max_form_bytes=90_000)

    def test_are_let_go_of_and_the_text_is_kept(self, of, visitor):
        form = factories.complete_form(of.asked)
        form["find-place"] = "Wharf 7, the blue shed"
        form["form_key"] = hidden(visitor.get(NEW).text, "form_key")
        photos = {SERIAL: [sent(b"\xff" * 70_000)], WHOLE: [sent(b"\xff" * 70_000)]}
        page = post(visitor, NEW, form, **photos)
        assert page.status_code == 413
        assert "Wharf 7, the blue shed" in page.text
        assert "none of those just chosen was kept; the text was" in shown(page.text)
        assert rows() == []
        form["form_key"] = hidden(page.text, "form_key")
        assert post(visitor, NEW, form).status_code == 303

    def test_keep_the_text_of_an_answer_too(self, of, officer):
        request = factories.after(of, *factories.WAY_TO[Trigger.RESPOND])
        address = f"/trace-requests/{request.reference}/steps/respond"
        page = officer.get(f"{address}?outcome=NO_RECORD").text
        form = {name: hidden(page, name) for name in ("form_key", "version")}
        form |= {"outcome": "NO_RECORD", "text": "Nothing in the books of 1990"}
        form |= {"handling": "H0", "registers-0-register": "Makers"}
        form["registers-0-years"] = "1990-2026"
        answer = post(officer, address, form, **{WHOLE: [sent(b"x" * 200_000)]})
        assert answer.status_code == 413
        assert "Nothing in the books of 1990" in answer.text
        assert factories.triggers_of(request)[-1] is Trigger.RECORD_SEARCH

    def test_are_not_read_without_end(self, of, visitor):
        visitor.get(NEW)
        photos = {WHOLE: [sent(b"x" * 450_000)]}
        assert post(visitor, NEW, {}, **photos).status_code == 413

    def test_do_not_make_a_form_good_that_is_of_another_session(self, app, of, visitor):
        visitor.get(NEW)
        form = {"csrf_token": "x"}
        photos = {WHOLE: [sent(b"x" * 200_000)]}
        assert post(visitor, NEW, form, **photos).status_code == 400


def test_a_full_disk_is_told_and_the_form_is_kept(of, visitor, app, monkeypatch):
    form = factories.complete_form(of.asked)
    form["form_key"] = hidden(visitor.get(NEW).text, "form_key")

    def full(*_given):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        page = post(visitor, NEW, form, **{WHOLE: [sent(files.png())]})
    assert page.status_code == 503
    assert "could not be stored: try again later" in shown(page.text)
    assert "Two magazines beside it." in page.text
    assert rows() == []
    assert list(app.extensions[attachments.STORE].kept()) == []


class TestHandingOut:
    @pytest.fixture
    def request_(self, of, visitor):
        pictures = {
            SERIAL: [sent(files.jpeg())],
            WHOLE: [sent(files.pdf(), "фото.pdf")],
        }
        return send(of, filed(visitor, of, **pictures))

    def addresses(self) -> list[str]:
        picture, paper = (row.token for row in rows())
        found = (f"{picture}", f"{picture}?download=1", f"{picture}/small", paper)
        return [f"/files/{end}" for end in found]

    def test_is_for_both_sides_and_for_nobody_else(
        self, app, of, visitor, officer, request_
    ):
        assert request_
        third = factories.person(None, Role.OFFICER)
        keeper = factories.person(of.asked, Role.MAINTAINER)
        nothing = f"/files/{'A' * 32}"
        never = signed_in(app, third).get(nothing)
        assert never.status_code == 404
        for address in self.addresses():
            assert visitor.get(address).status_code == 200
            assert officer.get(address).status_code == 200
            refused = signed_in(app, third).get(address)
            assert refused.status_code == 404
            assert same(refused) == same(never)
            assert signed_in(app, keeper).get(address).status_code in (403, 404)
            assert stranger(app).get(address).status_code == 303

    @pytest.mark.parametrize("token", ["1", "\0" * 32, "é" * 32, "x" * 3000, "%00" * 9])
    def test_knows_no_name_but_its_own(self, visitor, request_, token):
        assert request_
        assert visitor.get(f"/files/{token}").status_code == 404
        assert visitor.get(f"/files/{token}/small").status_code == 404

    def test_of_a_draft_is_for_its_own_side(self, of, visitor, officer):
        filed(visitor, of, **{WHOLE: [sent(files.png())]})
        (row,) = rows()
        assert visitor.get(f"/files/{row.token}").status_code == 200
        assert officer.get(f"/files/{row.token}").status_code == 404

    def test_of_a_form_is_for_whoever_sent_it(self, app, of, visitor):
        form = factories.complete_form(of.asked, item_year="20000")
        post(visitor, NEW, form, **{WHOLE: [sent(files.png())]})
        (row,) = rows()
        colleague = factories.person(of.asking, Role.INVESTIGATOR)
        assert visitor.get(f"/files/{row.token}").status_code == 200
        assert signed_in(app, colleague).get(f"/files/{row.token}").status_code == 404

    def test_lets_nothing_in_a_file_act(self, visitor, request_):
        whole, saved, small, paper = (visitor.get(a) for a in self.addresses())
        for answer in (whole, saved, small, paper):
            policy = answer.headers["Content-Security-Policy"]
            assert policy.startswith("sandbox; default-src 'none'")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "private, no-store"
        assert whole.headers["Content-Disposition"] == "inline"
        assert small.headers["Content-Disposition"] == "inline"
        name = f"{request_.reference}-{rows()[0].sha256[:8]}-photo.jpg"
        assert saved.headers["Content-Disposition"] == f"attachment; filename={name}"
        assert paper.headers["Content-Disposition"].startswith("attachment;")
        assert "filename*=UTF-8''" in paper.headers["Content-Disposition"]
        assert paper.mimetype == "application/pdf"
        assert paper.data == files.pdf()
        assert b"Exif" not in whole.data

    def test_is_of_what_was_kept_and_of_nothing_else(
        self, app, of, visitor, request_, caplog
    ):
        store = app.extensions[attachments.STORE]
        row = rows()[0]
        for name, end in ((row.stored, ""), (row.thumbnail, "/small")):
            path = store.root / name[:2] / name[2:4] / name
            kept = path.read_bytes()
            for other in (kept[:-1] + bytes([kept[-1] ^ 1]), files.jpeg("OTHER")):
                path.write_bytes(other)
                answer = visitor.get(f"/files/{row.token}{end}")
                assert answer.status_code == 500
                assert "changed outside this system" in shown(answer.text)
                assert other not in answer.data
                assert f"file {row.id} was changed" in caplog.text
            path.unlink()
            assert visitor.get(f"/files/{row.token}{end}").status_code == 500
            assert f"file {row.id} is gone" in caplog.text
            path.write_bytes(kept)
            assert visitor.get(f"/files/{row.token}{end}").data == kept

    def test_tells_a_range_beyond_the_end(self, visitor, request_):
        assert request_
        beyond = {"Range": "bytes=99999999-"}
        answer = visitor.get(self.addresses()[0], headers=beyond)
        assert answer.status_code == 416


def same(answer) -> str:
    """A page without what differs between any two: address, name, token, minute."""
    page = answer.text.replace(answer.request.path, "")
    page = re.sub(r'name="csrf_token" value="[^"]*"|back=[^"]*', "", page)
    page = re.sub(r"Signed in as.*?</div>", "", page, flags=re.DOTALL)
    return re.sub(r"<time.*?</time>", "", page)


class TestAnAnswer:
    @pytest.fixture
    def request_(self, of):
        return factories.after(of, *factories.WAY_TO[Trigger.RESPOND])

    def form(self, officer: Visitor, request_) -> dict[str, str]:
        page = officer.get(f"{self.address(request_)}?outcome=NO_RECORD").text
        return {
            "outcome": "NO_RECORD",
            "handling": "H0",
            "registers-0-register": "Makers",
            "registers-0-years": "1990-2026",
            "form_key": hidden(page, "form_key"),
            "version": hidden(page, "version"),
        }

    def address(self, request_) -> str:
        return f"/trace-requests/{request_.reference}/steps/respond"

    def test_brings_its_files_to_the_other_side(self, of, visitor, officer, request_):
        form = self.form(officer, request_)
        photos = {WHOLE: [sent(files.pdf(), "ledger.pdf"), sent(files.jpeg())]}
        response = post(officer, self.address(request_), form, **photos)
        assert response.status_code == 303, shown(response.text)
        page = visitor.get(f"/trace-requests/{request_.reference}").text
        assert "Sent with the answer" in shown(page)
        assert "ledger" in shown(page)
        assert 'alt="Photograph sent with the answer"' in page
        for row in rows():
            assert row.event_id == factories.last_event(request_).id
            assert visitor.get(f"/files/{row.token}").status_code == 200

    def test_keeps_its_files_through_a_mistake(self, visitor, officer, request_):
        form = self.form(officer, request_)
        wrong = form | {"handling": ""}
        photos = {WHOLE: [sent(files.jpeg())]}
        page = post(officer, self.address(request_), wrong, **photos)
        assert page.status_code == 422
        (token,) = carried(page.text)["files-file"]
        assert visitor.get(f"/files/{token}").status_code == 404
        form["form_key"] = hidden(page.text, "form_key")
        assert post(officer, self.address(request_), form).status_code == 303
        assert visitor.get(f"/files/{token}").status_code == 200

    def test_is_not_given_with_a_file_that_is_refused(self, officer, request_):
        form = self.form(officer, request_)
        photos = {WHOLE: [sent(b"MZ")]}
        page = post(officer, self.address(request_), form, **photos)
        assert page.status_code == 422
        assert "Choose a picture" in shown(page.text)
        assert factories.triggers_of(request_)[-1] is Trigger.RECORD_SEARCH

    def test_no_other_step_takes_files(self, of, visitor, request_):
        address = f"/trace-requests/{request_.reference}/steps/note"
        version = hidden(visitor.get(address).text, "version")
        form = {"text": "a note", "version": version}
        photos = {WHOLE: [sent(files.jpeg())]}
        assert post(visitor, address, form, **photos).status_code == 303
        assert rows() == []


class TestAScanner:
    @pytest.fixture
    def daemon(self):
        with running_clamd() as daemon:
            yield daemon

    @pytest.fixture
    def settings(self, settings, daemon):
        return replace(settings, clamd=daemon.address, clamd_timeout=2)

    def test_sees_what_was_sent_and_lets_it_pass(self, of, visitor, daemon):
        content = files.jpeg()
        filed(visitor, of, **{WHOLE: [sent(content)]})
        assert daemon.seen == [content]
        (row,) = rows()
        assert row.scan is Scan.CLEAN

    def test_turns_a_virus_away(self, of, visitor, app):
        form = factories.complete_form(of.asked)
        hidden_virus = files.jpeg() + files.EICAR
        page = post(visitor, NEW, form, **{WHOLE: [sent(hidden_virus)]})
        assert page.status_code == 422
        assert "The virus scanner refused this file" in shown(page.text)
        assert rows() == []
        assert list(app.extensions[attachments.STORE].kept()) == []

    def test_that_is_down_keeps_files_back_until_it_has_seen_them(
        self, app, of, visitor, officer, daemon
    ):
        daemon.answer = b"busy ERROR\0"
        draft = filed(visitor, of, **{SERIAL: [sent(files.jpeg())]})
        (row,) = rows()
        assert row.scan is Scan.WAITING
        send(of, draft)
        page = officer.get(f"/trace-requests/{draft.reference}").text
        assert "Not yet checked for viruses" in shown(page)
        for end in ("", "?download=1"):
            kept_back = officer.get(f"/files/{row.token}{end}")
            assert kept_back.status_code == 409
            assert "kept back until it has been checked" in shown(kept_back.text)
        assert officer.get(f"/files/{row.token}/small").status_code == 409
        assert attachments.scan_waiting() == 0
        daemon.answer = None
        assert attachments.scan_waiting() == 1
        assert officer.get(f"/files/{row.token}/small").status_code == 200

    def test_that_has_no_word_on_one_file_has_one_on_the_others(
        self, app, of, visitor, daemon, caplog
    ):
        daemon.answer = b"busy ERROR\0"
        three = [files.pdf(catalog=b"%" + bytes([n]) * 300 + b"\n") for n in b"123"]
        filed(visitor, of, **{WHOLE: [sent(one, "a.pdf") for one in three]})
        daemon.answer = None
        large, gone, _fine = rows()
        daemon.too_large = three[0]
        app.extensions[attachments.STORE].remove(gone.stored)
        assert attachments.scan_waiting() == 1
        assert [row.scan for row in rows()] == [Scan.WAITING, Scan.WAITING, Scan.CLEAN]
        assert f"file {large.id} stays unchecked: the answer was" in caplog.text
        assert f"file {gone.id} stays unchecked: file {gone.id} is gone" in caplog.text

    def test_that_finds_something_later_keeps_it_back_for_good(
        self, of, visitor, daemon
    ):
        daemon.answer = b"busy ERROR\0"
        filed(visitor, of, **{WHOLE: [sent(files.pdf(), "a.pdf")]})
        daemon.answer = b"stream: Something FOUND\0"
        assert attachments.scan_waiting() == 1
        (row,) = rows()
        assert visitor.get(f"/files/{row.token}").status_code == 409
        assert "refused this file" in shown(
            visitor.get(f"/trace-requests/{filed_reference()}/check").text
        )


def filed_reference() -> str:
    return db.session.scalars(select(TraceRequest.reference)).one()


class TestCleaningUp:
    def later(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=25)

    def kept(self, app) -> set[str]:
        return {name for name, _since in app.extensions[attachments.STORE].kept()}

    def test_leaves_what_a_request_has(self, app, of, visitor):
        filed(visitor, of, **{SERIAL: [sent(files.jpeg())]})
        before = self.kept(app)
        assert len(before) == 2
        assert attachments.clean_up(now=self.later()) == 0
        assert self.kept(app) == before

    def test_lets_go_of_what_was_removed_but_not_of_its_fingerprint(
        self, app, of, visitor
    ):
        draft = filed(visitor, of, **{WHOLE: [sent(files.png())]})
        (row,) = rows()
        form = factories.complete_form(of.asked) | {"remove_file": row.token}
        post(visitor, f"/trace-requests/{draft.reference}/edit", form)
        assert attachments.clean_up(now=self.later()) == 2
        assert self.kept(app) == set()
        (row,) = rows()
        assert len(row.sha256) == 64
        assert row.removed_at is not None

    def test_lets_go_of_a_form_that_nobody_saved_after_a_day(self, app, of, visitor):
        form = factories.complete_form(of.asked, item_year="20000")
        post(visitor, NEW, form, **{WHOLE: [sent(files.png())]})
        assert attachments.clean_up() == 0
        assert attachments.clean_up(now=self.later()) == 2
        assert self.kept(app) == set()

    def test_leaves_what_a_form_is_taking_at_this_moment(self, app, of):
        actor = factories.actor_of(of.investigator)
        given = attachments.Given("a.pdf", files.pdf())
        row = attachments.receive(actor, given, form_key="k" * 20)
        number, draft = row.id, factories.draft(of)
        db.session.commit()
        attachments.settle(draft, actor, form_key="k" * 20, places={}, markings={})

        def cleaning():
            with app.app_context():
                return attachments.clean_up(now=self.later())

        with ThreadPoolExecutor(1) as other:
            cleaned = other.submit(cleaning)
            if db.engine.dialect.name == "postgresql":
                assert cleaned.result(10) == 0
            db.session.commit()
            assert cleaned.result(30) == 0
        assert db.session.get_one(Attachment, number).removed_at is None

    def test_lets_go_of_what_no_row_names_once_it_is_old(self, app, session):
        assert session
        store = app.extensions[attachments.STORE]
        name = store.put(b"orphan")
        begun = store.root / name[:2] / name[2:4] / f"{name}.begun"
        begun.write_bytes(b"half")
        assert attachments.clean_up() == 0
        assert attachments.clean_up(now=self.later()) == 2
        assert self.kept(app) == set()
