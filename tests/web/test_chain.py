"""A chain of requests: what each State took, and who is due next."""

from datetime import UTC, date, datetime, timedelta

from tests import factories
from tests.visitors import shown, signed_in
from tracing.casework import chain, onward
from tracing.extensions import db
from tracing.models import TraceRequest
from workflows.facts import ChainEvent
from workflows.states import Trigger
from workflows.vocabulary import ChainEventType, Outcome

SENT = datetime(2026, 9, 1, 12, tzinfo=UTC)


def answered(of, days, **given):
    made = factories.sent(of, now=SENT)
    for number, step in enumerate(
        (Trigger.ACKNOWLEDGE, Trigger.RECORD_SEARCH, Trigger.RESPOND)
    ):
        fact = factories.answer(**given) if step is Trigger.RESPOND else None
        at = SENT + timedelta(days=days, minutes=number)
        made = factories.take(of, made, step, fact, now=at)
    return made


def test_the_parent_shows_what_each_leg_took_and_who_is_due_next(app, session):
    of = factories.sides()
    third = factories.authority(country="NP", zone="Asia/Kathmandu")
    sale = ChainEvent(ChainEventType.SALE, on=date(2026, 8, 1), to="Example Shop")
    given = factories.exported(third)
    made = answered(
        of,
        9,
        outcome=Outcome.EXPORTED,
        chain=(*given.chain, sale),
        details=given.details,
    )
    further = factories.sides(asking=of.asking, asked=third)
    child = factories.sent(further, now=SENT + timedelta(days=12))
    db.session.get_one(TraceRequest, child.id).parent_id = made.id
    db.session.commit()
    db.session.expire_all()
    parent = db.session.get_one(TraceRequest, made.id)
    assert chain.soonest_of(parent).id == child.id
    assert [(leg.state, leg.answered is None) for leg in chain.legs_of(parent)] == [
        ("BR", False),
        ("NP", True),
    ]
    assert onward.last_response(parent) is not None
    days = (parent.recovery.found_on - date(2026, 8, 1)).days
    assert chain.time_to_crime(parent) == days
    page = signed_in(app, of.investigator).get(f"/trace-requests/{made.reference}")
    text = shown(page.text)
    assert "Brazil: answered after 9 days" in text
    assert "Next in the chain: Nepal answers by" in text
    assert f"From the last sale or registration to the find: {days} days" in text
    other = signed_in(app, of.officer).get(f"/trace-requests/{made.reference}")
    assert "Nepal answers by" not in shown(other.text)
