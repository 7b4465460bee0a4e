"""Who is told what when a request changes."""

from datetime import date

import pytest

from tests.notifications.people import NOW, account, authority, request
from tracing.notifications import compose
from workflows.lifecycle import StateChanged
from workflows.states import Party, State, Trigger

DUE = date(2026, 11, 26)


def changed(trigger, by=Party.REQUESTING):
    return StateChanged(trigger, State.SUBMITTED, State.SUBMITTED, by, NOW, None)


def told(made, trigger, by=Party.REQUESTING, due=DUE):
    return compose.messages_for(
        made, changed(trigger, by), answer_due=due, now=NOW, domain="tracing.example"
    )


def test_the_other_side_is_told_at_its_mailbox_and_its_officer(session):
    asked = authority(
        country="BR", languages=("pt", "es"), email="office@asked.example"
    )
    officer = account(asked, email="officer@asked.example", language="fr")
    made = request(session, requested=asked, assigned_to=officer)
    found = [(m.recipient, m.language) for m in told(made, Trigger.SUBMIT)]
    assert found == [("office@asked.example", "es"), ("officer@asked.example", "fr")]


def test_an_answer_goes_to_who_asked(session):
    asking = authority(email="office@asking.example")
    filer = account(asking, email="filer@asking.example")
    made = request(session, requesting=asking, filed_by=filer)
    found = told(made, Trigger.RESPOND, Party.REQUESTED)
    assert [m.recipient for m in found] == [
        "office@asking.example",
        "filer@asking.example",
    ]
    assert {m.authority_id for m in found} == {made.requested_id}


def test_one_address_gets_one_message(session):
    asked = authority(email="Office@asked.example")
    officer = account(asked, email="office@asked.example")
    made = request(session, requested=asked, assigned_to=officer)
    assert len(told(made, Trigger.SUBMIT)) == 1


def test_who_no_longer_works_there_is_not_told(session):
    asked = authority()
    gone = account(asked, active=False)
    made = request(session, requested=asked, assigned_to=gone)
    assert [m.recipient for m in told(made, Trigger.SUBMIT)] == [asked.email]


def test_a_mailbox_whose_languages_we_do_not_write_gets_english(session):
    made = request(session, requested=authority(languages=("pt",)))
    assert told(made, Trigger.SUBMIT)[0].language == "en"


@pytest.mark.parametrize("trigger", [Trigger.NOTE, Trigger.RECORD_SEARCH])
def test_what_stays_inside_tells_nobody(session, trigger):
    assert told(request(session), trigger, Party.REQUESTED) == []


def test_a_draft_tells_nobody(session):
    made = request(session, state=State.DRAFT)
    made.requested = None
    assert told(made, Trigger.SUBMIT) == []


@pytest.mark.parametrize("trigger", [t for t in Trigger if t in compose.EVENTS])
def test_no_message_knows_the_states(session, trigger):
    made = request(session)
    for message in told(made, trigger):
        assert set(message.facts) <= {"number", "path", "due", "reminder"}
        written = repr(message.facts)
        assert made.reference not in written
        assert "KE" not in written
        assert "BR" not in written


def test_only_steps_after_which_the_answer_counts_carry_its_date(session):
    made = request(session)
    assert told(made, Trigger.SUBMIT)[0].facts["due"] == "2026-11-26"
    assert "due" not in told(made, Trigger.WITHDRAW)[0].facts
    assert "due" not in told(made, Trigger.SUBMIT, due=None)[0].facts


def test_each_message_has_an_identity_of_its_own(session):
    asked = authority()
    made = request(session, requested=asked, assigned_to=account(asked))
    ids = [m.message_id for m in told(made, Trigger.SUBMIT)]
    assert len(set(ids)) == 2
    assert all(i.startswith("<") and i.endswith("@tracing.example>") for i in ids)
