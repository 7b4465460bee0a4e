"""The tables of the migrations are the tables of the models, up, down and up again."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, select

from tests import factories
from tracing.extensions import db
from tracing.models import Marking
from workflows.vocabulary import RestorationMethod


def tables():
    db.session.remove()
    return set(inspect(db.engine).get_table_names()) - {"alembic_version"}


def differences():
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, db.metadata)


def test_the_migrations_make_the_tables_of_the_models(app):
    with app.app_context():
        assert tables() == set(db.metadata.tables)
        assert differences() == []


@pytest.mark.filterwarnings("ignore:.*batch.*:UserWarning")
def test_the_migrations_go_down_to_nothing_and_up_again(app):
    with app.app_context():
        downgrade(revision="base")
        assert tables() == set()
        upgrade()
        assert tables() == set(db.metadata.tables)
        assert differences() == []


def test_marks_that_are_there_get_their_keys(app):
    with app.app_context():
        factories.draft(factories.sides())
        db.session.commit()
        downgrade(revision="0007")
        db.session.remove()
        upgrade()
        db.session.remove()
        serial = db.session.scalars(select(Marking).order_by(Marking.position)).first()
        assert (serial.text, serial.method) == ("АВ 04?7 К", RestorationMethod.VISUAL)
        assert (serial.normalised, serial.folded) == ("АВ04?7К", "A804*7K")
        assert serial.reversed == "K7*408A"
