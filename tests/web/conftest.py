"""What the tests of the pages share."""

import pytest
from sqlalchemy import select

from tests import factories
from tracing.extensions import db
from tracing.models import Base


@pytest.fixture
def everything(session):
    """Reads all rows of all tables, to compare before and after.

    Visits are left out: a test may sign somebody in between.
    """

    def read():
        db.session.rollback()
        return {
            name: sorted(map(repr, db.session.execute(select(table)).all()))
            for name, table in Base.metadata.tables.items()
            if name != "account_session"
        }

    return read


@pytest.fixture
def of(session):
    """Two authorities and their people."""
    return factories.sides()
