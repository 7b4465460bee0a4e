"""The owner of a shared record is told who looks for it: once, and no more than that."""

import pytest
from sqlalchemy import select

from tests import factories
from tests.casework.test_registry import happened, recorded
from tests.journal.conftest import entries
from tracing.casework import lookups, registry, sightings
from tracing.extensions import db
from tracing.journal.kinds import Kind
from tracing.models import OutboxMessage, RegistryHit, RegistrySought
from workflows.errors import NotPermitted, NotVisible
from workflows.policies import Role
from workflows.states import Trigger


@pytest.fixture
def owner(session):
    """An officer of a third authority, who keeps records."""
    home = factories.authority(country="NP")
    found = factories.actor_of(factories.person(home, Role.OFFICER))
    db.session.commit()
    return found


def shared(owner, serial="AB 1234 K", **changes):
    item = recorded(owner, serial, status="STOLEN", **changes)
    registry.share(owner, item.id, shared=True)
    return item


def sent(of, serial="AB-1234-K", **changes):
    return factories.after(of, Trigger.SUBMIT, markings_serial=serial, **changes)


def hits(owner):
    return sightings.told(owner)[0]


def mails(owner):
    wanted = OutboxMessage.event == sightings.EVENT
    return db.session.scalars(select(OutboxMessage).where(wanted)).all()


def test_a_request_that_meets_a_shared_record_is_told_to_its_owner_once(of, owner):
    item = shared(owner)
    request = sent(of)
    assert sightings.compare_all() == 1
    [hit] = hits(owner)
    assert (hit.item_id, hit.seeker_id) == (item.id, of.asking.id)
    assert sightings.references(owner, [hit]) == {}
    [mail] = mails(owner)
    assert (mail.authority_id, mail.facts) == (owner.authority_id, sightings.FACTS)
    assert [e.kind for e in entries(owner.authority_id, Kind.RECORD_SOUGHT)]
    sightings.seek(of.asking.id, request=request)
    db.session.commit()
    assert sightings.compare_all() == 0
    assert (len(hits(owner)), len(mails(owner))) == (1, 1)
    assert db.session.scalars(select(RegistrySought)).all() == []


def test_what_is_shared_later_meets_what_was_asked_before(of, owner):
    sent(of)
    assert sightings.compare_all() == 0
    shared(owner)
    assert sightings.compare_all() == 1


def test_a_look_up_among_what_others_share_is_told_too(of, owner):
    shared(owner)
    request = sent(of, "ZZ 1")
    sightings.compare_all()
    officer = factories.actor_of(of.officer)
    shared(owner, "ZZ-1")
    sightings.compare_all()
    [first] = hits(owner)
    lookups.ask(request.reference, officer, ["shared-records"], purpose="To trace it")
    sightings.compare_all()
    assert {hit.seeker_id for hit in hits(owner)} == {of.asking.id, of.asked.id}
    assert first.request_id == request.id


def test_of_a_confidential_request_nobody_is_named(of, owner):
    shared(owner)
    sent(of, **factories.CONFIDENTIAL)
    sightings.compare_all()
    [hit] = hits(owner)
    assert (hit.seeker_id, hit.request_id) == (None, None)


@pytest.mark.parametrize("changes", [{}, factories.CONFIDENTIAL])
def test_a_search_from_a_draft_tells_nobody_who_asks(of, owner, changes):
    shared(owner)
    draft = factories.draft(of, markings_serial="AB-1234-K", **changes)
    asker, given = factories.actor_of(of.investigator), {"purpose": "To trace it"}
    lookups.ask(draft.reference, asker, ["shared-records"], **given)
    assert sightings.compare_all() == 0
    factories.take(of, draft, Trigger.SUBMIT)
    assert sightings.compare_all() == 1
    [hit] = hits(owner)
    assert hit.seeker_id == (None if changes else of.asking.id)


def test_a_record_that_is_not_shared_is_met_by_nobody(of, owner):
    item = shared(owner)
    registry.share(owner, item.id, shared=False)
    recorded(owner, "AB 1234 K", status="LOST")
    sent(of)
    assert sightings.compare_all() == 0
    item = shared(owner, "QQ 77")
    registry.report(owner, item.id, happened("RECOVERY", "2021-01-01"))
    sent(of, "QQ 77")
    assert sightings.compare_all() == 0


@pytest.mark.parametrize(("make", "told"), [("Example Arms", 1), ("Other Works", 0)])
def test_a_near_number_alone_is_no_message(of, owner, make, told):
    shared(owner, make=make, model="Z")
    sent(of, "AB 1243 K")
    assert sightings.compare_all() == told


def test_one_is_not_told_of_ones_own_requests(of):
    keeper = factories.actor_of(factories.person(of.asking, Role.OFFICER))
    db.session.commit()
    shared(keeper)
    sent(of)
    assert sightings.compare_all() == 0


def test_only_the_owner_says_that_it_has_looked(of, owner):
    shared(owner)
    sent(of)
    sightings.compare_all()
    [hit] = hits(owner)
    with pytest.raises(NotVisible):
        sightings.see(factories.actor_of(of.officer), hit.id)
    with pytest.raises(NotPermitted):
        sightings.see(factories.actor_of(of.investigator), hit.id)
    assert sightings.unseen(owner)
    sightings.see(owner, hit.id)
    assert not sightings.unseen(owner)
    assert db.session.get_one(RegistryHit, hit.id).seen_by_id == owner.user_id
