"""Each connection has the settings that durability and patience rest on."""

import pytest
from sqlalchemy import text

from tracing.extensions import TIMEOUTS, be_patient, connect_options, db


def test_a_connection_has_the_settings_of_the_product(session):
    if db.engine.dialect.name == "postgresql":
        for name, value in TIMEOUTS.items():
            assert session.scalar(text(f"SHOW {name}")) == value
        return
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 15000,
        "trusted_schema": 0,
        "secure_delete": 1,
    }
    assert {name: session.scalar(text(f"PRAGMA {name}")) for name in wanted} == wanted


def test_what_takes_its_time_has_it_and_only_for_one_transaction(session):
    if db.engine.dialect.name == "sqlite":
        pytest.skip("about the time limits of PostgreSQL")
    with db.engine.connect() as connection:
        be_patient(connection)
        assert connection.scalar(text("SHOW statement_timeout")) == "0"
        connection.commit()
        assert connection.scalar(text("SHOW statement_timeout")) == "10s"


def test_an_address_that_brings_options_of_its_own_keeps_them():
    assert connect_options("postgresql://h/d?options=-c%20lock_timeout%3D1s") == {}
    assert connect_options("sqlite:///x") == {}
    assert "statement_timeout" in connect_options("postgresql://h/d")["options"]


def test_behind_a_pooler_nothing_is_asked_for_and_nothing_prepared():
    found = connect_options("postgresql://h/d", pooler=True)
    assert found == {"prepare_threshold": None}
