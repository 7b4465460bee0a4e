"""What the tests at the browser share."""

import pytest

from tests import factories
from tracing.extensions import db
from workflows.policies import Role


def let_go() -> None:
    """Leave the database to the server: an open read holds SQLite's one writer."""
    db.session.commit()
    db.session.remove()


@pytest.fixture
def of(session):
    """Two authorities whose people can sign in, and a third; free of the session."""
    made = factories.sides(password=factories.PASSWORD)
    factories.authority(country="NP", zone="Asia/Kathmandu", name="Example Desk")
    for person in (made.officer, made.investigator):
        person.roles.append(factories.people.role_row(Role.SUPERVISOR))
    db.session.commit()
    for row in (made.asking, made.asked, made.officer, made.investigator):
        db.session.refresh(row)
        assert row.id
    for person in (made.officer, made.investigator):
        assert person.authority.name
        assert person.role_names
    db.session.expunge_all()
    let_go()
    return made
