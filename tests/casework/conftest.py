"""What the tests of casework share."""

from collections.abc import Callable

import pytest
from sqlalchemy import event, func, select

from tests import factories
from tracing.extensions import db
from tracing.models import Base


@pytest.fixture
def of(session):
    """Two authorities and their people, kept."""
    return factories.sides()


@pytest.fixture
def commits(session):
    """Counts the commits from here on."""
    seen = []
    keep = seen.append
    event.listen(session(), "after_commit", keep)
    yield seen
    event.remove(session(), "after_commit", keep)


@pytest.fixture
def counted(session) -> Callable[[], dict[str, int]]:
    """Counts the rows of every table."""

    def count() -> dict[str, int]:
        return {
            name: db.session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in Base.metadata.tables.items()
        }

    return count


@pytest.fixture
def statements(session):
    """Keeps each statement that is sent to the database from here on."""
    seen = []

    def keep(_connection, _cursor, statement, *_):
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", keep)
    yield seen
    event.remove(db.engine, "before_cursor_execute", keep)
