"""Two sides, visitors at their pages, and what the journal says of an export."""

import json

import pytest

from tests import factories
from tests.journal.conftest import entries
from tests.visitors import signed_in
from tracing.exchange import exporting
from tracing.exchange.exporting import Form
from tracing.journal.kinds import Kind


@pytest.fixture
def of(session):
    """Two authorities and their people."""
    return factories.sides()


@pytest.fixture
def asking(app, of):
    """The investigator at the pages."""
    return signed_in(app, of.investigator)


@pytest.fixture
def answering(app, of):
    """The officer at the pages."""
    return signed_in(app, of.officer)


@pytest.fixture
def taken():
    """Export a request for a person; return what the file says."""

    def taking(request, person, **given):
        actor = factories.actor_of(person)
        body = exporting.hand_out(request, actor, Form.JSON, **given)
        return json.loads(body)

    return taking


@pytest.fixture
def exports():
    """What the journal of an authority says of exports."""

    def found(authority):
        return entries(authority.id, Kind.EXPORTED)

    return found
