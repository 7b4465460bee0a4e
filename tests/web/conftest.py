"""What the tests of the pages share."""

import pytest
from sqlalchemy import select

from tests import factories
from tracing.extensions import db
from tracing.journal.kinds import READS, Kind
from tracing.models import Base, JournalEntry

LOOKS = {*READS, Kind.JOURNAL_READ, Kind.JOURNAL_EXPORTED, Kind.ACCESS_REFUSED}

VISITS = ("account_session",)


@pytest.fixture
def everything(session):
    """Reads all rows of all tables, to compare before and after.

    Of the journal what tells of changes: that somebody looked is entered as well.
    Visits are left out: a test may sign somebody in between.
    """

    def read():
        db.session.rollback()
        found = {
            name: sorted(map(repr, db.session.execute(select(table)).all()))
            for name, table in Base.metadata.tables.items()
            if not name.startswith("journal_") and name not in VISITS
        }
        changes = select(JournalEntry.record).where(
            JournalEntry.kind.not_in([kind.value for kind in LOOKS])
        )
        found["journal"] = sorted(db.session.scalars(changes))
        return found

    return read


@pytest.fixture
def of(session):
    """Two authorities and their people."""
    return factories.sides()
