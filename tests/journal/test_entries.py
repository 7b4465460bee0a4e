"""What is entered, where, and that nothing happens without its entry."""

import pytest
from sqlalchemy import event, select, text

from tests import factories
from tests.journal.conftest import entries, worst
from tests.visitors import signed_in, stranger
from tracing.accounts import people
from tracing.directory import exchange as directory
from tracing.extensions import db
from tracing.faults import Unavailable
from tracing.journal import journal
from tracing.journal.kinds import LABELS, STEPS, Kind
from tracing.models import JournalChain, TraceRequest
from workflows.policies import Role
from workflows.states import Trigger

SYSTEM = journal.SYSTEM
BREAK = {
    "sqlite": (
        "CREATE TRIGGER broken BEFORE INSERT ON journal_entry"
        " BEGIN SELECT RAISE(ABORT, 'broken'); END"
    ),
    "postgresql": "ALTER TABLE journal_entry ADD CHECK (seq < 0) NOT VALID",
}


def break_the_journal():
    """Let no entry in any more."""
    db.session.execute(text(BREAK[db.engine.dialect.name]))
    db.session.commit()


def test_every_kind_has_its_words_and_every_step_its_kind():
    assert set(LABELS) == set(Kind)
    assert {kind.value for kind in STEPS} == {trigger.value for trigger in Trigger}


@pytest.mark.parametrize("step", list(Trigger))
def test_a_step_is_entered_once_on_each_side_that_may_know_of_it(of, step):
    request = factories.take(of, factories.ready_for(of, step), step)
    home = of.asked if step in factories.ANSWERERS_STEPS else of.asking
    other = of.asking if home is of.asked else of.asked
    (own,) = entries(home.id, Kind(step.value))
    assert own.said["object"] == request.reference
    assert own.said["after"] == request.state.value
    assert own.said["by"] == home.code
    assert own.said["actor"] == of.actor(step).user_id
    theirs = entries(other.id, Kind(step.value))
    if step is Trigger.NOTE:
        assert theirs == []
        return
    (same,) = theirs
    assert same.said["payload"] == own.said["payload"]
    assert same.said["by"] == home.code
    assert "actor" not in same.said
    assert "roles" not in same.said
    assert of.actor(step).name not in same.text


def test_a_draft_is_entered_at_home_alone_with_what_changed(of):
    draft = factories.draft(of)
    changed = factories.loaded(
        factories.complete_form(of.asked, header_own_case_number="CASE-18")
    )
    factories.requesting.save_draft(
        draft.reference,
        factories.actor_of(of.investigator),
        changed,
        version=draft.version,
    )
    started, saved = entries(of.asking.id, Kind.DRAFTED, Kind.SAVED)
    assert started.payload["changed"]["persons.persons"] == [None, 1]
    assert saved.payload["changed"] == {
        "header.own_case_number": ["CASE-17", "CASE-18"]
    }
    assert "Exampleson" not in started.text + saved.text
    assert entries(of.asked.id) == []


def test_an_entry_that_cannot_be_written_stops_the_change(of):
    request = factories.sent(of)
    break_the_journal()
    with pytest.raises(Unavailable):
        factories.take(of, request, Trigger.ACKNOWLEDGE)
    db.session.rollback()
    db.session.expire_all()
    (found,) = db.session.scalars(select(TraceRequest))
    assert factories.triggers_of(found) == [Trigger.SUBMIT]


def test_the_page_says_503_then_and_shows_nothing(app, of):
    request = factories.sent(of)
    officer = signed_in(app, of.officer)
    address = f"/trace-requests/{request.reference}"
    assert officer.get(address).status_code == 200
    break_the_journal()
    response = officer.get(address)
    assert response.status_code == 503
    assert "Exampleson" not in response.text
    form = {"version": str(request.version)}
    assert officer.post(f"{address}/steps/acknowledge", form).status_code == 503


def test_who_opens_a_request_is_entered_before_it_is_shown(app, of):
    request = factories.sent(of)
    signed_in(app, of.officer).get(f"/trace-requests/{request.reference}")
    (own,) = entries(of.asked.id, Kind.READ)
    assert own.said["actor"] == of.officer.id
    assert own.said["object"] == request.reference
    assert own.said["address"] == "127.0.0.1"
    assert own.payload == {"persons": [person.id for person in request.persons]}
    (theirs,) = entries(of.asking.id, Kind.READ)
    assert theirs.said["by"] == of.asked.code
    assert not {"actor", "address", "roles", "session"} & set(theirs.said)


def test_who_may_not_see_it_leaves_no_entry_about_it(app, of):
    request = factories.sent(of)
    visitor = signed_in(app, factories.person(None, Role.SUPERVISOR))
    assert visitor.get(f"/trace-requests/{request.reference}").status_code == 404
    assert entries(of.asking.id, Kind.READ) == entries(of.asked.id, Kind.READ) == []


def test_signing_in_and_out_is_entered_and_so_is_a_refusal(app, of):
    account = factories.person(
        of.asked, Role.OFFICER, password=factories.PASSWORD, email="me@x.example"
    )
    visitor = stranger(app)
    visitor.get("/sign-in")
    wrong = {"email": "me@x.example", "password": "wrong-horse-battery-staple"}
    visitor.post("/sign-in", wrong)
    visitor.post("/sign-in", wrong | {"password": factories.PASSWORD})
    visitor.get("/")
    visitor.post("/sign-out")
    kinds = (Kind.SIGN_IN_REFUSED, Kind.SIGNED_IN, Kind.SIGNED_OUT)
    refused, signed, left = entries(of.asked.id, *kinds)
    assert (refused.kind, signed.kind, left.kind) == kinds
    assert refused.payload == {"account": account.id}
    assert signed.said["actor"] == left.said["actor"] == account.id
    assert len(signed.said["session"]) == 16
    assert "wrong-horse" not in refused.text


def test_a_new_account_is_entered_with_its_roles(of):
    people.add_person(of.asking, "New One", "new@x.example", "x" * 20, [Role.OFFICER])
    (entered,) = entries(of.asking.id, Kind.ACCOUNT_ADDED)
    assert entered.payload["roles"] == ["officer"]
    assert entered.said["by"] == "system"
    assert "x" * 20 not in entered.text


def test_a_change_of_the_directory_is_entered_with_before_and_after(session):
    table = "code,country,name,zone,email\nKE-9,KE,{},Africa/Nairobi,a@b.example\n"
    directory.import_authorities(table.format("Bureau"))
    directory.import_authorities(table.format("Bureau"))
    directory.import_authorities(table.format("Agency"))
    added, changed = entries(SYSTEM, Kind.DIRECTORY_CHANGED)
    assert added.payload == {"added": ["KE-9"], "changed": {}}
    assert changed.payload["changed"] == {"KE-9": {"name": ["Bureau", "Agency"]}}


def test_what_is_undone_leaves_no_entry_and_no_gap(of):
    actor = factories.actor_of(of.investigator)
    journal.record(Kind.SAVED, actor)
    db.session.rollback()
    assert db.session.scalars(select(JournalChain)).all() == []
    journal.record(Kind.SAVED, actor)
    db.session.commit()
    journal.record(Kind.SAVED, actor)
    db.session.rollback()
    journal.record(Kind.SAVED, actor)
    db.session.commit()
    assert [entry.seq for entry in entries(of.asking.id)] == [1, 2]
    assert worst() == 0


def test_an_entry_costs_one_select_two_inserts_and_one_update(of):
    actor = factories.actor_of(of.investigator)
    sides = (of.asking.id, of.asked.id)
    journal.record(Kind.SAVED, actor, parties=sides)
    db.session.commit()
    seen = []
    event.listen(
        db.engine, "before_cursor_execute", lambda *given: seen.append(given[2])
    )
    journal.record(Kind.SAVED, actor, parties=sides)
    words = [statement.split()[0] for statement in seen]
    assert [word for word in words if word != "BEGIN"] == [
        "SELECT",
        "INSERT",
        "INSERT",
        "UPDATE",
    ]


def test_what_was_carried_can_be_erased_and_the_chain_stays_whole(of):
    request = factories.after(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    before = entries(of.asking.id)
    assert any("Exampleson" not in e.text and e.payload for e in before)
    count = journal.erase(
        None,
        request.reference,
        authority_id=of.asking.id,
        ground="retention",
        why="Kept long enough.",
    )
    db.session.commit()
    after = entries(of.asking.id)
    assert count == len(before)
    assert [e.payload for e in after[:-1]] == [None] * count
    assert after[-1].kind == "erased"
    assert after[-1].said["erases"] == [e.seq for e in before]
    assert after[-1].payload == {"ground": "retention", "why": "Kept long enough."}
    assert worst() == 0
    again = {"authority_id": of.asking.id, "ground": "x", "why": "y"}
    assert journal.erase(None, request.reference, **again) == 0


def test_words_of_any_script_are_entered_as_written(of):
    request = factories.sent(of)
    words = '«ن 047» — 京字 \u2028 \\ "quoted" \t and so on'
    factories.take(of, request, Trigger.ENQUIRE, factories.Text(words))
    (entered,) = entries(of.asked.id, Kind.ENQUIRE)
    assert entered.payload["carried"] == {"text": words}
    assert worst() == 0
