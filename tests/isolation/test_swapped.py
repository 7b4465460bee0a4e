"""What a form names is somebody else's: the answer is that of what never was."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from tests import factories
from tests.isolation import matrix
from tests.visitors import bare, signed_in
from tracing.casework import onward
from tracing.extensions import db
from tracing.models import (
    Attachment,
    Erasure,
    LegalHold,
    ProvidedItem,
    TraceRequest,
)
from workflows.policies import Role
from workflows.states import State, Trigger

REFERENCE = re.compile(r"\b2[0-9]{3}-[A-Z]{2}-[0-9]{7}[0-9A-Z]\b")
REASON = "A court of appeal asks for it."
NEVER = {
    "reference": matrix.NEVER,
    "draft": matrix.NEVER,
    "token": "A" * 32,
    "number": "9999991",
    "key": "9999991-TRANSFERS",
}


@pytest.fixture
def desk(app, session, of):
    """Somebody of one side with a draft, an answered and a received request."""
    home = factories.person(of.asking, *matrix.CASES, Role.ADMINISTRATOR)
    back = factories.Sides(of.asked, of.asking, of.officer, of.investigator)
    third = factories.authority(country="NP", zone="Asia/Kathmandu")
    own = {
        "draft": factories.draft(of).reference,
        "answered": _answered(of, third).reference,
        "received": factories.sent(_with_roles(back)).reference,
        "home": home,
        "third": third.id,
    }
    session.commit()
    return own


def _with_roles(of):
    investigator = factories.person(of.asking, Role.INVESTIGATOR)
    officer = factories.person(of.asked, Role.OFFICER)
    return factories.Sides(of.asking, of.asked, investigator, officer)


def _answered(of, third):
    made = factories.after(of, *factories.WAY_TO[Trigger.RESPOND])
    return factories.take(of, made, Trigger.RESPOND, factories.exported(third))


@pytest.fixture
def foreign(app, session):
    """What another pair of authorities has of each kind."""
    far = factories.sides()
    third = factories.authority(country="NP", zone="Asia/Kathmandu")
    answered = _answered(far, third)
    child = onward.start(
        answered.reference,
        factories.actor_of(far.investigator),
        authority_id=third.id,
        form_key=uuid4().hex,
    )
    ended = factories.after(far, *matrix.STATES[State.CLOSED])
    draft = factories.draft(far)
    session.commit()
    return {
        "reference": ended.reference,
        "draft": draft.reference,
        "token": matrix.photographed(far, draft),
        "number": str(child.provided[0].id),
        "person": str(far.officer.id),
        "key": f"{answered.id}-TRANSFERS",
    }


def tries(own, that):
    """Every form and address with a name in it that is not the path of a request."""
    until = (factories.today() + timedelta(days=30)).isoformat()
    draft, answered = own["draft"], own["answered"]
    received = own["received"]
    person = that.get("person", that["number"])
    for reference in (that["reference"], that["draft"]):
        yield "/find", {"reference": reference}
        yield "/kept/review", {"reference": reference}
        yield "/kept/erase", {"reference": reference}
        held = {"reference": reference, "reason": REASON, "until": until}
        yield "/kept/hold", held
        yield f"/people/{own['home'].id}/rights?reference={reference}", None
    yield f"/journal?reference={that['reference']}&person={person}", None
    yield f"/trace-requests/{draft}/edit", {"remove_file": that["token"]}
    photo = {"files-file": that["token"], "markings-serial-file": that["token"]}
    yield f"/trace-requests/{draft}/edit", photo
    yield f"/trace-requests/{draft}/provided/{that['number']}/leave-out", {}
    to = {"authority": str(own["third"]), "choice": "1", "carry": that["key"]}
    yield f"/trace-requests/{answered}/onward", to
    yield f"/trace-requests/{received}/hand-over", {"person": person}


def version_of(address):
    """The newest version of the request in an address."""
    reference = address.split("/")[2] if "/trace-requests/" in address else ""
    return db.session.scalar(
        select(TraceRequest.version).where(TraceRequest.reference == reference)
    )


def test_foreign_and_invented_names_are_answered_alike(app, desk, foreign):
    visitor = signed_in(app, desk["home"])
    named = sorted((*foreign.values(), *NEVER.values()), key=len, reverse=True)
    words = [word for word in named if len(word) > 6]
    pairs = zip(tries(desk, foreign), tries(desk, NEVER), strict=True)
    for pair in pairs:
        answers = []
        for address, form in pair:
            visitor.get("/account")  # what the last try left to be told
            key = f"swapped-form-{next(matrix.numbers):08d}"
            values = {"form_key": key, "version": version_of(address)}
            answer = (
                visitor.get(address)
                if form is None
                else visitor.post(address, values | form)
            )
            # A new draft has a reference of its own.
            page = bare(REFERENCE.sub("", answer.text), *words, key)
            answers.append((answer.status_code, page))
        assert answers[0] == answers[1], pair
        assert answers[0][0] < 500, pair
    db.session.rollback()
    photograph = select(Attachment).where(Attachment.token == foreign["token"])
    assert db.session.scalars(photograph).one().removed_at is None
    assert db.session.get(ProvidedItem, int(foreign["number"])) is not None
    assert db.session.scalars(select(LegalHold)).all() == []
    assert db.session.scalars(select(Erasure)).all() == []
