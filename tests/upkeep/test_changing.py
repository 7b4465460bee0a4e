"""An entry changes when two persons agree, and the worker makes the change."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DataError

from tests import factories
from tests.journal.conftest import entries as journalled
from tests.visitors import shown
from tracing.directory import entries
from tracing.extensions import db
from tracing.journal.kinds import Kind
from tracing.models import Proposal
from tracing.upkeep import changing
from workflows.policies import Role

NEW = {"email": "new@ke.example", "phone": "+254 20 333 3333"}


def number(session) -> int:
    session.commit()
    return session.scalars(select(Proposal.id).order_by(Proposal.id.desc())).first()


def recipients(mails) -> list[str]:
    return sorted(mail.recipient for mail in mails)


def test_a_change_is_proposed_accepted_by_another_and_made(desk, session):
    assert desk.propose(desk.one, **NEW).status_code == 303
    assert desk.entry.email == "desk@ke.example"
    assert recipients(desk.mails("proposed")) == [
        "chief@ke.example",
        "deputy@ke.example",
        "desk@ke.example",
    ]
    page = shown(desk.visit(desk.two).get("/points-of-contact/proposals").text)
    assert "desk@ke.example new@ke.example" in page
    assert desk.decide(desk.two, number(session)).status_code == 303
    assert desk.work() == 1
    assert (desk.entry.email, desk.entry.phone) == ("new@ke.example", "+254203333333")
    assert desk.entry.version == 2
    (before,) = entries.versions(desk.entry)
    assert (before.number, before.entry["email"]) == (1, "desk@ke.example")


def test_the_old_and_the_new_address_are_told_and_the_new_one_is_tried(desk, session):
    desk.propose(desk.one, **NEW)
    desk.decide(desk.two, number(session))
    desk.work()
    assert recipients(desk.mails("changed")) == [
        "chief@ke.example",
        "deputy@ke.example",
        "desk@ke.example",
        "new@ke.example",
    ]
    assert recipients(desk.mails("test")) == ["new@ke.example"]


def test_no_mail_of_it_names_the_state(desk, session):
    desk.propose(desk.one, **NEW)
    for mail in desk.mails("proposed"):
        assert "KE" not in str(mail.facts)


def test_nobody_decides_what_they_proposed(desk, session):
    desk.propose(desk.one, **NEW)
    refused = desk.decide(desk.one, number(session))
    assert refused.status_code == 403
    assert "Another person decides" in shown(
        desk.visit(desk.one).get("/points-of-contact/proposals").text
    )
    assert desk.work() == 0


def test_somebody_of_another_authority_proposes_and_decides_nothing(desk, session):
    other = factories.person(desk.other.authority, Role.MAINTAINER)
    assert desk.propose(desk.other, **NEW).status_code == 303
    assert desk.decide(other, number(session)).status_code == 404
    assert (
        "new@ke.example"
        not in desk.visit(other).get("/points-of-contact/proposals").text
    )
    assert desk.decide(desk.one, number(session)).status_code == 303
    assert desk.work() == 1


def test_an_operator_decides_only_where_nobody_of_the_authority_can(desk, session):
    operator = factories.person(None, Role.OPERATOR)
    desk.propose(desk.other, **NEW)
    assert desk.decide(operator, number(session)).status_code == 403
    for account in (desk.one, desk.two):
        account.active = False
    session.commit()
    assert desk.decide(operator, number(session)).status_code == 303
    assert desk.work() == 1


def test_what_is_refused_changes_nothing(desk, session):
    desk.propose(desk.one, **NEW)
    assert desk.decide(desk.two, number(session), "refuse").status_code == 303
    assert desk.work() == 0
    assert recipients(desk.mails("refused")) == ["desk@ke.example"]
    assert desk.decide(desk.two, number(session)).status_code == 404


def test_neither_accepted_nor_refused_is_asked_again(desk, session):
    desk.propose(desk.one, **NEW)
    answer = desk.decide(desk.two, number(session), "perhaps")
    assert answer.status_code == 422
    assert "Accept the change or refuse it." in shown(answer.text)


def test_two_changes_of_one_field_do_not_overwrite_each_other(desk, session):
    desk.propose(desk.one, email="first@ke.example")
    first = number(session)
    desk.propose(desk.other, email="second@ke.example")
    desk.decide(desk.two, first)
    desk.decide(desk.two, number(session))
    assert desk.work() == 1
    assert desk.entry.email == "first@ke.example"
    assert session.get(Proposal, number(session)).decision == "outdated"


def test_changes_of_different_fields_are_both_made(desk, session):
    desk.propose(desk.one, email="first@ke.example")
    first = number(session)
    desk.propose(desk.other, phone="+254203333333")
    desk.decide(desk.two, first)
    desk.decide(desk.two, number(session))
    assert desk.work() == 2
    assert (desk.entry.email, desk.entry.version) == ("first@ke.example", 3)


def test_a_change_that_cannot_be_kept_keeps_no_other_waiting(
    desk, session, monkeypatch
):
    desk.propose(desk.one, email="first@ke.example")
    first = number(session)
    desk.propose(desk.other, phone="+254203333333")
    second = number(session)
    for one in (first, second):
        desk.decide(desk.two, one)
    make = changing._make

    def refused(proposal, authority, now):
        make(proposal, authority, now)
        if proposal.id == first:
            raise DataError("update", {}, ValueError("too long"))

    monkeypatch.setattr(changing, "_make", refused)
    assert desk.work() == 1
    assert (desk.entry.email, desk.entry.version) == ("desk@ke.example", 2)
    assert desk.entry.phone == "+254203333333"
    assert session.get(Proposal, first).decision == "outdated"
    assert session.get(Proposal, second).decision == "accepted"


def test_a_field_that_is_refused_by_now_is_not_changed_to_anything(desk, session):
    desk.propose(desk.one, phone="+254203333333")
    made = session.get(Proposal, number(session))
    made.changes = {"phone": [desk.entry.phone, "+254203333333;ext=123456789012345678"]}
    desk.decide(desk.two, made.id)
    assert desk.work() == 0
    assert session.get(Proposal, made.id).decision == "outdated"


def test_a_page_that_is_too_old_shows_what_was_typed(desk, session):
    answer = desk.propose(desk.one, **NEW, version="7")
    assert answer.status_code == 409
    assert "new@ke.example" in answer.text


@pytest.mark.parametrize(
    ("field", "cell", "said"),
    [
        ("zone", "Nairobi", "The nearest is Africa/Nairobi."),
        ("phone", "020 2222222", "The nearest is +254202222222."),
        ("phone", "+254202222222;ext=12345678901234", "at most 30 characters"),
        ("email", "desk(at)ke.example", "The nearest is desk@ke.example."),
        ("languages", "swahili", "The nearest is sw."),
        ("country", "Kenia", "The nearest is KE."),
        ("name", "", "Every authority needs this."),
        ("valid_to", "soon", "Write a date such as 2026-03-31."),
        ("successor", "NOBODY", "Write the code of another authority"),
        ("channels", "SIENNA desk", "The nearest is SIENA."),
        ("why", " ", "Say why, and how you know."),
    ],
)
def test_what_cannot_be_is_refused_with_the_nearest_that_can(desk, field, cell, said):
    changes = {"unit": "Desk 2"} | {field: cell}
    answer = desk.propose(desk.one, **changes)
    assert answer.status_code == 422
    assert said in shown(answer.text)
    assert db.session.scalar(select(Proposal.id)) is None


def test_the_last_day_is_not_before_the_first(desk):
    answer = desk.propose(desk.one, valid_from="2026-05-01", valid_to="2026-04-01")
    assert answer.status_code == 422
    assert "The last day is before the first one." in shown(answer.text)


def test_who_changes_nothing_is_told(desk):
    answer = desk.propose(desk.one)
    assert answer.status_code == 422
    assert "Nothing differs" in shown(answer.text)


def test_the_order_of_boxes_that_are_ticked_is_no_change(desk, session):
    desk.entry.instruments = ("ITI25", "FP13")
    session.commit()
    assert desk.propose(desk.one, instruments=["FP13", "ITI25"]).status_code == 422
    assert desk.propose(desk.one, instruments=["FP13"]).status_code == 303


def test_what_a_form_cannot_change_stays(desk, session):
    desk.propose(desk.one, code="BR-1", confirmed_by="me", fictional="no", unit="Desk")
    made = session.get(Proposal, number(session))
    assert list(made.changes) == ["unit"]


def test_each_step_stands_in_the_journal(desk, session):
    desk.propose(desk.one, **NEW)
    desk.decide(desk.two, number(session))
    desk.work()
    found = [entry.kind for entry in journalled(desk.entry.id)]
    wanted = [Kind.DIRECTORY_PROPOSED, Kind.DIRECTORY_DECIDED, Kind.DIRECTORY_CHANGED]
    assert [kind for kind in found if kind in wanted] == wanted


def test_a_request_keeps_the_version_it_was_sent_to(desk, session):
    of = factories.sides(asked=desk.entry)
    sent = factories.sent(of)
    assert sent.requested_version == 1
    entries.revise(desk.entry, {"unit": "New"}, why="test", now=datetime.now(UTC))
    session.commit()
    assert factories.sent(of).requested_version == 2
    page = desk.visit(of.investigator).get(desk.page("/versions/1"))
    assert "This is version 1 of the entry" in shown(page.text)
    assert desk.visit(of.investigator).get(desk.page("/versions/9")).status_code == 404
