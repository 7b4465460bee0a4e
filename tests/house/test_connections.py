"""A database that went away for a moment is noticed before a person is."""

import pytest
from sqlalchemy import text

from tracing import extensions
from tracing.extensions import db


@pytest.fixture
def settings(settings):
    """PostgreSQL alone: a file has no connections to lose."""
    if settings.database_url.startswith("sqlite"):
        pytest.skip("about the connections of PostgreSQL")
    return settings


def lose_all_connections(session):
    """End them as a restart of the server would, all but the one that asks."""
    session.execute(
        text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    )


def test_a_connection_that_was_lost_while_idle_is_made_anew(
    app, client, session, monkeypatch
):
    monkeypatch.setattr(extensions, "IDLE", 0.0)
    with db.engine.connect() as first, db.engine.connect():
        assert first.scalar(text("SELECT 1")) == 1
    lose_all_connections(session)
    for _ in range(3):
        assert client.get("/sign-in").status_code == 200
        with db.engine.connect() as again:
            assert again.scalar(text("SELECT 1")) == 1
