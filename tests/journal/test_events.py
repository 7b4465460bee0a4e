"""What a system of records must keep, event by event: each is produced and entered."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, text

from tests import factories
from tests.accounts.desk import Desk
from tests.factories import files
from tests.journal.conftest import entries, worst
from tests.visitors import signed_in
from tests.web.test_files import WHOLE, filed, rows, send
from tests.web.test_files import sent as a_file
from tracing.accounts import people
from tracing.casework import attachments
from tracing.directory import exchange as directory
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import AccountSession, JournalEntry
from workflows.policies import Role
from workflows.states import Trigger

EVENTS = {
    # what has to be kept: what is entered, and what its payload has
    "signing in": (Kind.SIGNED_IN, "account"),
    "signing in, refused": (Kind.SIGN_IN_REFUSED, "account"),
    "signing in, refused to nobody known": (Kind.SIGN_IN_REFUSED, None),
    "signing out": (Kind.SIGNED_OUT, "account"),
    "a second factor, refused": (Kind.FACTOR_REFUSED, "means"),
    "a second factor, changed": (Kind.FACTOR_CHANGED, "account"),
    "a password, changed": (Kind.PASSWORD_CHANGED, "account"),
    "a password, refused": (Kind.PASSWORD_REFUSED, "account"),
    "an account, added": (Kind.ACCOUNT_ADDED, "roles"),
    "permissions of an account, changed": (Kind.ACCOUNT_CHANGED, "roles"),
    "an account, switched off": (Kind.ACCOUNT_CHANGED, "active"),
    "sessions, ended": (Kind.ACCOUNT_CHANGED, "sessions_ended"),
    "a resource, refused": (Kind.ACCESS_REFUSED, "page"),
    "a resource, read": (Kind.READ, "persons"),
    "a resource, created": (Kind.DRAFTED, "content"),
    "a resource, changed": (Kind.SUBMIT, "content"),
    "a file, added": (Kind.ATTACHMENT_ADDED, "files"),
    "a file, read": (Kind.ATTACHMENT_READ, "file"),
    "a file, removed": (Kind.ATTACHMENT_REMOVED, "files"),
    "the directory, changed": (Kind.DIRECTORY_CHANGED, None),
    "a privileged act, asked for": (Kind.GLASS_ASKED, "reason"),
    "a privileged act, done": (Kind.GLASS_BROKEN, "reason"),
    "the journal, read": (Kind.JOURNAL_READ, None),
    "the journal, taken along": (Kind.JOURNAL_EXPORTED, None),
    "the journal, erased from": (Kind.ERASED, "ground"),
}
CHOSEN = "seven wet umbrellas at the harbour"


@pytest.fixture
def settings(settings):
    return replace(settings, second_factor_required=True, administrator_keys=0)


@pytest.fixture
def of(session):
    return factories.sides(password=factories.PASSWORD)


@dataclass
class Day:
    """One day at an authority: everything that has to be kept happens once."""

    app: Any
    of: factories.Sides

    def signing_in_and_out(self) -> None:
        desk = Desk.of(self.app)
        desk.signs_in("nobody@x.example")
        desk.signs_in(self.of.investigator, "wrong horse battery staple")
        desk.signs_in(self.of.investigator)
        codes = desk.sets_up()
        # A new id of the session asks for a new token of its forms.
        for chosen in ("password", CHOSEN):
            desk.get("/account")
            desk.post("/account/password", {"password": chosen})
        desk.get("/account")
        desk.post("/account/sessions/end-others")
        desk.post("/sign-out")
        desk.signs_in(self.of.investigator, CHOSEN)
        desk.get("/second-factor/recovery")
        desk.post("/second-factor/recovery", {"code": "aaaa-aaaa"})
        desk.post("/second-factor/recovery", {"code": codes[0]})

    def managing(self) -> None:
        account = factories.person(self.of.asking, Role.ADMINISTRATOR)
        factories.person(self.of.asking, Role.ADMINISTRATOR)
        admin = signed_in(self.app, account)
        form = {"name": "New One", "email": "new@people.example", "language": "en"}
        admin.post("/people/invite", form | {"roles": "officer"})
        new = people.by_email("new@people.example")
        admin.post(f"/people/{new.id}/roles", {"roles": "auditor"})
        admin.post(f"/people/{new.id}/disable")
        assert admin.get("/queue").status_code == 403

    def filing(self) -> None:
        visitor = signed_in(self.app, self.of.investigator)
        filing = {WHOLE: [a_file(files.png()), a_file(files.pdf(), "a.pdf")]}
        draft = filed(visitor, self.of, **filing)
        one, two = rows()
        actor = self.of.actor(Trigger.SUBMIT)
        attachments.remove(two.token, actor, form_key="", request=draft)
        visitor.get(f"/trace-requests/{draft.reference}/check")
        visitor.get(f"/files/{one.token}")
        send(self.of, draft)
        self.reference = draft.reference

    def looking_after(self) -> None:
        home = self.of.asking.id
        of_it = {"authority_id": home, "ground": "court", "why": "ordered"}
        journal.erase(None, self.reference, **of_it)
        db.session.commit()
        supervisor = signed_in(
            self.app, factories.person(self.of.asking, Role.SUPERVISOR)
        )
        supervisor.get("/journal")
        supervisor.post("/journal/export")
        first = signed_in(self.app, factories.person(self.of.asking, Role.OPERATOR))
        other = signed_in(self.app, factories.person(self.of.asking, Role.OPERATOR))
        why = "The authority does not answer and a life may hang on it."
        first.post("/emergency", {"reference": self.reference, "reason": why})
        number = db.session.execute(text("select id from break_glass")).scalar_one()
        db.session.rollback()
        assert other.post(f"/emergency/{number}/give").status_code == 303
        directory.import_authorities(
            "code,country,name,zone,email\nXN-1,NO,New,Europe/Oslo,new@x.example\n"
        )


def test_every_event_that_has_to_be_kept_is_entered(app, of):
    day = Day(app, of)
    day.signing_in_and_out()
    day.managing()
    day.filing()
    # Read before something is erased from it.
    entered = entries(of.asking.id)
    day.looking_after()
    db.session.rollback()
    newer = entries(of.asking.id)[len(entered) :]
    entered += newer + entries(journal.SYSTEM)
    for event, (kind, said) in EVENTS.items():
        found = [one for one in entered if one.kind == kind.value]
        assert found, event
        if said is not None:
            assert [one for one in found if said in (one.payload or {})], event
        assert all(one.said["at"] for one in found)
    assert worst() == 0


def test_nothing_that_was_typed_to_sign_in_is_kept(app, of):
    Day(app, of).signing_in_and_out()
    db.session.rollback()
    kept = "".join(
        one.text for chain in (of.asking.id, journal.SYSTEM) for one in entries(chain)
    )
    for secret in ("wrong horse", "nobody@x", "aaaa-aaaa", CHOSEN, factories.PASSWORD):
        assert secret not in kept


def test_what_one_did_in_one_visit_can_be_told_from_another(app, of):
    Day(app, of).signing_in_and_out()
    db.session.rollback()
    marks = [
        one.said["session"]
        for one in entries(of.asking.id, Kind.SIGNED_IN, Kind.SIGNED_OUT)
    ]
    held = db.session.scalars(select(AccountSession.token_hash)).all()
    # The newest visit is still open; of its id the journal has a part of the hash.
    assert [hash_ for hash_ in held if hash_.startswith(marks[-1])]
    assert len(set(marks)) > 1


def test_what_is_not_there_for_someone_leaves_no_entry(app, of):
    request = factories.after(of, Trigger.SUBMIT)
    before = db.session.scalar(
        select(JournalEntry.seq).order_by(JournalEntry.at.desc())
    )
    third = signed_in(app, factories.person(None, Role.OFFICER))
    assert third.get(f"/trace-requests/{request.reference}").status_code == 404
    db.session.rollback()
    now = db.session.scalar(select(JournalEntry.seq).order_by(JournalEntry.at.desc()))
    assert (before, datetime.now(UTC).year) == (now, datetime.now(UTC).year)
