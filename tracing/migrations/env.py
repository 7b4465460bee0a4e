"""How Alembic reaches the database of the application."""

from alembic import context
from flask import current_app

from tracing.extensions import be_patient, db


def run() -> None:
    """Run the migrations on the application's engine, or print their SQL."""
    options = current_app.extensions["migrate"].configure_args
    if context.is_offline_mode():
        url = db.engine.url.render_as_string(hide_password=False)
        context.configure(url=url, target_metadata=db.metadata, **options)
        with context.begin_transaction():
            context.run_migrations()
        return
    with db.engine.connect() as connection:
        context.configure(connection=connection, target_metadata=db.metadata, **options)
        with context.begin_transaction():
            be_patient(connection)
            context.run_migrations()


run()
