"""Files in the journal: who added, opened and removed which, and what was refused."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests import factories
from tests.clamd import running_clamd
from tests.factories import files
from tests.journal.conftest import entries, worst
from tests.journal.test_entries import break_the_journal
from tests.visitors import hidden, shown, signed_in
from tests.web.test_files import WHOLE, carried, filed, post, rows, send
from tests.web.test_files import sent as a_file
from tracing.casework import attachments, requested
from tracing.casework.apply import utcnow
from tracing.extensions import db
from tracing.faults import FileRefused, Unavailable
from tracing.journal.kinds import Kind
from tracing.models import Scan
from workflows.policies import Role
from workflows.states import Trigger

NEW = "/trace-requests/new"
KEY = "k" * 20
ADDED, READ = Kind.ATTACHMENT_ADDED, Kind.ATTACHMENT_READ
REMOVED, REFUSED = Kind.ATTACHMENT_REMOVED, Kind.ATTACHMENT_REFUSED


@pytest.fixture
def visitor(app, of):
    return signed_in(app, of.investigator)


@pytest.fixture
def officer(app, of):
    return signed_in(app, of.officer)


def picture(size=(8, 6)):
    return attachments.Given("a.png", files.png(size))


def paper(text):
    return attachments.Given("a.pdf", files.pdf(catalog=b"%" + text * 300 + b"\n"))


def same(entry, *found):
    """Whether an entry is of these files, by number and content."""
    wanted = [{"file": row.id, "sha256": row.sha256} for row in found]
    if entry.said["action"] == ADDED:
        wanted = [
            said | {"kept": row.stored_sha256}
            for said, row in zip(wanted, found, strict=True)
        ]
    return entry.payload["files"] == wanted


def test_a_file_is_entered_as_it_comes_and_as_it_gets_its_request(of, visitor):
    draft = filed(visitor, of, **{WHOLE: [a_file(files.png(), "Mr Example.png")]})
    (row,) = rows()
    came, settled = entries(of.asking.id, ADDED)
    assert "object" not in came.said
    assert settled.said["object"] == draft.reference
    assert same(came, row)
    assert same(settled, row)
    assert "Mr Example" not in came.text + settled.text
    # A draft is its own side's alone, and so is what happens with its files.
    assert entries(of.asked.id) == []
    assert worst() == 0


def test_saving_again_enters_no_file_twice(of, visitor):
    draft = filed(visitor, of, **{WHOLE: [a_file(files.png())]})
    address = f"/trace-requests/{draft.reference}/edit"
    page = visitor.get(address).text
    form = factories.complete_form(of.asked) | carried(page)
    form |= {"version": hidden(page, "version"), "form_key": hidden(page, "form_key")}
    assert post(visitor, address, form).status_code == 303
    assert len(entries(of.asking.id, ADDED)) == 2


def test_opening_one_is_entered_before_it_is_handed_out_on_both_sides(
    of, visitor, officer
):
    draft = filed(visitor, of, **{WHOLE: [a_file(files.png())]})
    send(of, draft)
    (row,) = rows()
    assert officer.get(f"/files/{row.token}?download=1").status_code == 200
    (own,) = entries(of.asked.id, READ)
    (theirs,) = entries(of.asking.id, READ)
    assert own.said["object"] == theirs.said["object"] == draft.reference
    assert own.said["actor"] == of.officer.id
    assert own.payload == {"file": row.id, "saved": True, "sha256": row.sha256}
    assert "actor" not in theirs.said
    # Nobody else's attempt is an opening.
    third = signed_in(visitor.client.application, factories.person(None, Role.OFFICER))
    assert third.get(f"/files/{row.token}").status_code == 404
    assert len(entries(of.asked.id, READ)) == 1
    break_the_journal()
    refused = officer.get(f"/files/{row.token}")
    assert refused.status_code == 503
    assert b"PNG" not in refused.data


def test_files_of_an_answer_are_entered_on_both_sides(of):
    request = factories.after(of, *factories.WAY_TO[Trigger.RESPOND])
    actor = of.actor(Trigger.RESPOND)
    row = attachments.receive(actor, picture(), form_key=KEY)
    requested.respond(request.reference, actor, factories.answer(), form_key=KEY)
    for side in (of.asking, of.asked):
        last = entries(side.id, ADDED)[-1]
        assert last.said["object"] == request.reference
        assert same(last, row)
    assert worst() == 0


def test_taking_one_back_is_entered(of, visitor):
    draft = filed(visitor, of, **{WHOLE: [a_file(files.png())]})
    (row,) = rows()
    of_draft = {"form_key": "", "request": draft}
    attachments.remove(row.token, of.actor(Trigger.SUBMIT), **of_draft)
    attachments.remove(row.token, of.actor(Trigger.SUBMIT), **of_draft)
    (gone,) = entries(of.asking.id, REMOVED)
    assert gone.said["object"] == draft.reference
    assert same(gone, row)


def test_what_no_form_kept_is_entered_when_it_goes(of):
    row = attachments.receive(of.actor(Trigger.SUBMIT), picture(), form_key=KEY)
    attachments.clean_up(now=utcnow() + timedelta(hours=25))
    (gone,) = entries(of.asking.id, REMOVED)
    assert same(gone, row)
    assert gone.said["by"] == "system"


def test_without_its_entry_no_file_comes_or_goes(app, of, visitor):
    draft = filed(visitor, of, **{WHOLE: [a_file(files.png())]})
    (row,) = rows()
    kept = sorted(name for name, _ in app.extensions[attachments.STORE].kept())
    actor = of.actor(Trigger.SUBMIT)
    break_the_journal()
    with pytest.raises(Unavailable):
        attachments.receive(actor, picture((9, 9)), form_key=KEY)
    db.session.rollback()
    with pytest.raises(Unavailable):
        attachments.remove(row.token, actor, form_key="", request=draft)
    (same_row,) = rows()
    assert same_row.removed_at is None
    assert sorted(n for n, _ in app.extensions[attachments.STORE].kept()) == kept


class TestAScanner:
    @pytest.fixture
    def daemon(self):
        with running_clamd() as daemon:
            yield daemon

    @pytest.fixture
    def settings(self, settings, daemon):
        return replace(settings, clamd=daemon.address, clamd_timeout=30)

    def test_that_turns_a_virus_away_leaves_an_entry(self, of, visitor):
        form = factories.complete_form(of.asked)
        virus = files.jpeg() + files.EICAR
        page = post(visitor, NEW, form, **{WHOLE: [a_file(virus)]})
        assert page.status_code == 422
        (refused,) = entries(of.asking.id, REFUSED)
        assert refused.said["actor"] == of.investigator.id
        assert len(refused.payload["files"][0]["sha256"]) == 64
        assert rows() == []

    def test_that_finds_something_later_tells_both_sides(self, of, visitor, daemon):
        daemon.answer = b"busy ERROR\0"
        draft = filed(visitor, of, **{WHOLE: [a_file(files.pdf(), "a.pdf")]})
        send(of, draft)
        daemon.answer = b"stream: Something FOUND\0"
        assert attachments.scan_waiting() == 1
        for side in (of.asking, of.asked):
            (refused,) = entries(side.id, REFUSED)
            assert refused.said["object"] == draft.reference
            assert refused.said["by"] == "system"
        assert worst() == 0

    def test_has_no_say_without_its_entry(self, of, visitor, daemon):
        daemon.answer = b"busy ERROR\0"
        filed(visitor, of, **{WHOLE: [a_file(files.pdf(), "a.pdf")]})
        daemon.answer = b"stream: Something FOUND\0"
        break_the_journal()
        with pytest.raises(Unavailable):
            attachments.scan_waiting()
        assert [row.scan for row in rows()] == [Scan.WAITING]


class TestTheRoomOfAnAuthority:
    @pytest.fixture
    def settings(self, settings):
        return replace(settings, max_authority_files=2, max_authority_bytes=1_000_000)

    def test_ends_in_words_and_what_was_typed_is_kept(self, of, visitor):
        filed(visitor, of, **{WHOLE: [a_file(files.png()), a_file(files.png((9, 9)))]})
        form = factories.complete_form(of.asked)
        form["form_key"] = hidden(visitor.get(NEW).text, "form_key")
        page = post(visitor, NEW, form, **{WHOLE: [a_file(files.png((8, 8)))]})
        assert page.status_code == 422
        assert "Your authority keeps 2 files, which is all it may" in shown(page.text)
        assert len(rows()) == 2

    def test_is_a_room_of_its_own(self, of, visitor):
        filed(visitor, of, **{WHOLE: [a_file(files.png()), a_file(files.png((9, 9)))]})
        actor = of.actor(Trigger.RESPOND)
        attachments.receive(actor, picture((8, 8)), form_key=KEY)
        assert len(rows()) == 3


class TestTheRoomInBytes:
    @pytest.fixture
    def settings(self, settings):
        return replace(settings, max_authority_bytes=2000)

    def test_is_given_back_by_what_is_removed(self, of):
        actor = of.actor(Trigger.SUBMIT)
        row = attachments.receive(actor, paper(b"one"), form_key=KEY)
        with pytest.raises(FileRefused, match="all it may"):
            attachments.receive(actor, paper(b"two"), form_key=KEY)
        attachments.remove(row.token, actor, form_key=KEY)
        assert attachments.receive(actor, paper(b"two"), form_key=KEY)
