"""Confidentiality between the two sides: permissions, notices, requests kept unknown."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from tests import factories
from tests.factories import CONFIDENTIAL, ITEM, WAY_TO
from tests.journal.conftest import entries
from tracing.casework import attachments, queries, requested
from tracing.casework.queries import View
from tracing.extensions import db
from tracing.models import Attachment, FileKind, OutboxMessage, Scan
from workflows.errors import (
    FactMissing,
    NotPermitted,
    NotVisible,
    RestrictionHolds,
    TransitionNotAllowed,
)
from workflows.facts import (
    Closure,
    Disclosure,
    Permission,
    PermissionRequest,
    Reason,
    Refusal,
)
from workflows.policies import Role
from workflows.states import State, Trigger
from workflows.vocabulary import (
    ClosureUse,
    DisclosureGround,
    HandlingCode,
    TriState,
    Use,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
IN_COURT = Closure(ClosureUse.PROCEEDINGS, TriState.NO)


@pytest.fixture
def answered(of):
    """A request answered under H1."""
    request = factories.after(of, *WAY_TO[Trigger.RESPOND])
    fact = factories.answer(handling=HandlingCode.H1, text="A name.")
    return factories.take(of, request, Trigger.RESPOND, fact)


def mails(event=None):
    """The newest messages: recipient, event, what they know."""
    rows = db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
    return [m for m in rows if event in (None, m.event)]


def ask(of, request, use=Use.JUDICIAL):
    """Ask for a permission on everything; return where it stands in the history."""
    fact = PermissionRequest(use, (ITEM.WHOLE,), "The trial opens in May.")
    factories.take(of, request, Trigger.ASK_PERMISSION, fact)
    return factories.last_event(request).position


# ------------------------------------------------------------------------- permissions


def test_a_permission_goes_back_and_forth_and_leaves_the_state(of, answered):
    state = answered.state
    asked = ask(of, answered)
    factories.take(
        of, answered, Trigger.GIVE_PERMISSION, Permission(asked, "In camera")
    )
    assert answered.state is state
    assert mails("permission_asked")[0].recipient == of.asked.email
    assert mails("permission_given")[0].recipient == of.asking.email
    kinds = ["ask_permission", "give_permission"]
    for side in (of.asking, of.asked):
        assert [e.kind for e in entries(side.id)][-2:] == kinds
    assert answered.events[-1].carried["conditions"] == "In camera"


def test_use_in_proceedings_is_closed_with_only_by_permission(of, answered):
    with pytest.raises(RestrictionHolds, match="ask the provider's permission"):
        factories.take(of, answered, Trigger.CLOSE, IN_COURT)
    db.session.rollback()
    asked = ask(of, answered)
    with pytest.raises(RestrictionHolds):
        factories.take(of, answered, Trigger.CLOSE, IN_COURT)
    db.session.rollback()
    factories.take(of, answered, Trigger.GIVE_PERMISSION, Permission(asked))
    factories.take(of, answered, Trigger.CLOSE, IN_COURT)
    assert answered.state is State.CLOSED


def test_a_permission_can_be_asked_and_given_after_the_end(of, answered):
    factories.take(of, answered, Trigger.CLOSE)
    asked = ask(of, answered)
    factories.take(of, answered, Trigger.REFUSE_PERMISSION, Refusal(asked, "No."))
    assert answered.state is State.CLOSED
    assert not answered.open


def test_nobody_permits_what_nobody_asked_or_the_same_side_did(of, answered):
    with pytest.raises(TransitionNotAllowed):
        factories.take(of, answered, Trigger.GIVE_PERMISSION, Permission(3))
    db.session.rollback()
    asked = ask(of, answered)
    own = factories.actor_of(of.investigator)
    with pytest.raises(TransitionNotAllowed):
        factories.take(
            of, answered, Trigger.GIVE_PERMISSION, Permission(asked), actor=own
        )


def test_the_side_that_answers_asks_about_the_request(of):
    request = factories.after(of, *WAY_TO[Trigger.RECORD_SEARCH], basis_handling="H1")
    officer = factories.actor_of(of.officer)
    fact = PermissionRequest(Use.JUDICIAL, (ITEM.PERSONS,), "A trial of ours.")
    factories.take(of, request, Trigger.ASK_PERMISSION, fact, actor=officer)
    asked = factories.last_event(request).position
    asker = factories.actor_of(of.investigator)
    given = Permission(asked)
    factories.take(of, request, Trigger.GIVE_PERMISSION, given, actor=asker)
    assert mails("permission_given")[-1].recipient in (
        of.asked.email,
        of.officer.email,
    )


# --------------------------------------------------------------------------- disclosure


def test_a_disclosure_waits_for_the_notice_and_then_is_recorded(of, answered):
    early = Disclosure("The High Court", factories.today(), 4)
    with pytest.raises(FactMissing, match="Notify the provider first"):
        factories.take(of, answered, Trigger.RECORD_DISCLOSURE, early)
    db.session.rollback()
    factories.take(of, answered, Trigger.ANNOUNCE_DISCLOSURE)
    announced = factories.last_event(answered).position
    (notice, *_) = mails("disclosure_announced")
    assert notice.recipient == of.asked.email
    before = factories.today() - timedelta(days=2)
    with pytest.raises(FactMissing, match="before the provider was notified"):
        factories.take(
            of,
            answered,
            Trigger.RECORD_DISCLOSURE,
            Disclosure("The High Court", before, announced),
        )
    db.session.rollback()
    done = Disclosure("The High Court", factories.today(), announced)
    factories.take(of, answered, Trigger.RECORD_DISCLOSURE, done)
    assert mails("disclosed")[0].recipient == of.asked.email
    factories.take(of, answered, Trigger.CLOSE, IN_COURT)


def test_what_speaks_for_an_accused_is_told_to_the_provider_without_delay(of, answered):
    fact = Disclosure(
        "The High Court",
        factories.today(),
        ground=DisclosureGround.EXCULPATORY,
        items=(ITEM.TEXT,),
        no_notice="The hearing was today.",
    )
    factories.take(of, answered, Trigger.RECORD_DISCLOSURE, fact)
    assert mails("disclosed")[0].recipient == of.asked.email


# ------------------------------------------------------------ a request kept unknown


@pytest.fixture
def people(of):
    """Who is at work in the authority that is asked, by part."""
    made = {
        "supervisor": factories.person(of.asked, Role.SUPERVISOR),
        "colleague": factories.person(of.asked, Role.OFFICER, Role.INVESTIGATOR),
        "auditor": factories.person(of.asked, Role.AUDITOR),
    }
    db.session.commit()
    return {"officer": of.officer} | made


@pytest.fixture
def kept(of, people):
    """A confidential request that was just sent."""
    return factories.sent(of, **CONFIDENTIAL)


def lists(account):
    """What an account meets: the rows of its queue, and what is counted."""
    actor = factories.actor_of(account)
    views = ("urgent", "mine", "unassigned", "waiting", "late")
    rows = {
        row.reference
        for view in views
        for row in queries.queue(actor, View(view), None, now=NOW).rows
    }
    found = queries.counts(actor, [("queue", view) for view in views], now=NOW)
    return rows, sum(found.values())


def meets(account, request):
    """Tell whether a request exists for an account, on every way to it."""
    actor = factories.actor_of(account)
    rows, counted = lists(account)
    ways = [request.reference in rows, counted > 0]
    for read, what in (
        (queries.by_reference, request.reference),
        (queries.by_mail_number, request.mail_number),
    ):
        try:
            ways.append(read(what, actor) is request)
        except NotVisible:
            ways.append(False)
    assert len(set(ways)) == 1, ways
    return ways[0]


def test_until_somebody_is_in_charge_supervisors_alone_know_of_it(of, people, kept):
    known = {name for name, account in people.items() if meets(account, kept)}
    assert known == {"supervisor"}
    assert queries.by_reference(kept.reference, factories.actor_of(of.investigator))


def test_who_is_put_in_charge_knows_of_it_and_nobody_else(of, people, kept):
    supervisor = factories.actor_of(people["supervisor"])
    requested.hand_over(kept.reference, supervisor, of.officer.id)
    known = {name for name, account in people.items() if meets(account, kept)}
    assert known == {"supervisor", "officer"}
    assert mails("assigned")[0].recipient == of.officer.email
    factories.take(of, kept, Trigger.ACKNOWLEDGE)
    requested.hand_over(kept.reference, supervisor, people["colleague"].id)
    assert not meets(of.officer, kept)
    with pytest.raises(NotVisible):
        factories.take(of, kept, Trigger.RECORD_SEARCH)


def test_only_a_supervisor_hands_over_and_only_to_who_may_answer(of, people, kept):
    supervisor = factories.actor_of(people["supervisor"])
    for wrong in (people["auditor"].id, of.investigator.id, 0):
        with pytest.raises(FactMissing, match="Choose who answers"):
            requested.hand_over(kept.reference, supervisor, wrong)
    with pytest.raises(NotVisible):
        requested.hand_over(
            kept.reference, factories.actor_of(of.officer), of.officer.id
        )
    usual = factories.sent(of)
    with pytest.raises(NotPermitted):
        requested.hand_over(
            usual.reference, factories.actor_of(of.officer), of.officer.id
        )


def test_once_lifted_it_is_like_any_other(of, people, kept):
    cannot = factories.actor_of(people["supervisor"])
    reason = Reason("Our register is public.")
    factories.take(of, kept, Trigger.CANNOT_KEEP, reason, actor=cannot)
    assert mails("cannot_keep")[0].recipient == of.asking.email
    assert not meets(people["colleague"], kept)
    factories.take(of, kept, Trigger.LIFT_CONFIDENTIALITY)
    assert all(meets(account, kept) for account in people.values())
    assert mails()[-1].recipient == of.asked.email


def test_a_draft_that_asks_for_it_hides_nothing_from_its_own_side(of):
    made = factories.draft(of, **CONFIDENTIAL)
    assert not made.confidential
    auditor = factories.person(of.asking, Role.AUDITOR)
    assert queries.by_reference(made.reference, factories.actor_of(auditor))


def test_its_files_are_hidden_with_it(of, people, kept):
    row = Attachment(
        token="t" * 32,
        request_id=kept.id,
        authority_id=of.asking.id,
        kind=FileKind.DOCUMENT,
        title="order",
        sha256="0" * 64,
        size=1,
        media_type="application/pdf",
        scan=Scan.CLEAN,
        uploaded_by_id=of.investigator.id,
        uploaded_by_name="x",
        uploaded_at=NOW,
    )
    db.session.add(row)
    db.session.commit()
    seen = factories.actor_of(people["supervisor"])
    assert attachments.by_token(row.token, seen)[0] is row
    for name in ("officer", "colleague", "auditor"):
        with pytest.raises(NotVisible):
            attachments.by_token(row.token, factories.actor_of(people[name]))


# ------------------------------------------------------------------------ and its mails


def test_nobody_else_is_written_to_about_it(of, people):
    of.asked.supervisor_email = "chiefs@asked.example"
    request = factories.sent(of, **CONFIDENTIAL)
    assert [m.recipient for m in mails("submitted")] == ["chiefs@asked.example"]
    supervisor = factories.actor_of(people["supervisor"])
    requested.hand_over(request.reference, supervisor, of.officer.id)
    factories.take(of, request, Trigger.REMIND)
    assert mails()[-1].recipient == of.officer.email
    assert of.asked.email not in {m.recipient for m in mails()}
    assert all(m.facts["quiet"] for m in mails())


def test_a_mailbox_of_all_learns_only_that_a_supervisor_is_wanted(of, people, kept):
    (mail,) = mails()
    assert (mail.event, mail.recipient) == ("for_supervisors", of.asked.email)
    assert mail.facts == {"path": "/queue?view=unassigned"}


def test_those_who_watch_the_mails_do_not_meet_it(of, people, kept):
    supervisor = people["supervisor"]
    factories.take(of, kept, Trigger.ACKNOWLEDGE, actor=factories.actor_of(supervisor))
    administrator = factories.person(of.asked, Role.ADMINISTRATOR)
    assert queries.outgoing(factories.actor_of(administrator)) == []
    assert len(queries.outgoing(factories.actor_of(supervisor))) > 0
