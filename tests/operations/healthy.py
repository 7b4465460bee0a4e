"""An installation of which nothing can be said, to break one thing of."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tracing.config import Settings
from tracing.notifications.outbox import Pending
from tracing.operations.facts import Contents, Database, Facts, Machine
from tracing.operations.figures import Figures

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
RECIPIENT = "age1" + "q" * 58

SETTINGS = Settings(
    database_url="postgresql://tracing@db.example/tracing?sslmode=verify-full",
    secret_key="n4c0vZ1aQy-7TTdcWqvL0pXh3RkzUoE5",
    password_salt="k2Jb8xPz_Yw6mN1sQe5rT9uV3aHd7GfC",
    totp_key="W0oLiKjUhYgTfRdEsWaQ1z2x3c4v5b6n",
    index_key="zX1cV2bN3mA4sD5fG6hJ7kL8qW9eR0tY",
    journal_key="pQ9oW8iE7uR6yT5tY4rU3eI2wO1qPzXc",
    allowed_hosts="tracing.example.org",
    public_url="https://tracing.example.org",
    behind_https=True,
    proxies=1,
    smtp_host="mail.example.org",
    mail_from="desk@tracing.ke",
    clamd="127.0.0.1:3310",
    backup_recipient=RECIPIENT,
)
MACHINE = Machine(
    python=(3, 11, 15),
    unmet=(),
    passwords_age=timedelta(days=20),
    has_zones=True,
    debug=False,
    folder_mode=0o700,
    open_files=(),
    free=0.5,
    disk="ext4",
    wal=0,
    fips=True,
    key_used=0.1,
)
POSTGRESQL = Database(
    engine="postgresql",
    version=(15, 4),
    values={
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "statement_timeout": "10s",
        "lock_timeout": "3s",
        "idle_in_transaction_session_timeout": "15s",
    },
    revision="b",
    head="b",
    offset=0.1,
    policies=True,
    unforced=("alembic_version",),
)
SQLITE = Database(
    engine="sqlite",
    version=(3, 40, 1),
    values={
        "journal_mode": "wal",
        "synchronous": "2",
        "foreign_keys": "1",
        "busy_timeout": "15000",
        "trusted_schema": "0",
        "secure_delete": "1",
    },
    revision="b",
    head="b",
    offset=0.0,
)
CONTENTS = Contents(
    administrators=2,
    unknown_zones=(),
    unknown_calendars=(),
    journal=(),
    signature="",
    unsigned=None,
    missing_files=0,
    changed_files=0,
    mail=Pending(0, 0, None),
    owed=None,
)
FACTS = Facts(
    now=NOW,
    settings=SETTINGS,
    machine=MACHINE,
    database=POSTGRESQL,
    contents=CONTENTS,
    backup=NOW - timedelta(hours=5),
    drill=NOW - timedelta(days=30),
    worker=Figures(NOW - timedelta(seconds=40)),
    for_fips=True,
    instance=Path("/srv/tracing"),
)


def but(**given: Any) -> Facts:
    """The healthy one but for one field, wherever it stands."""
    name, value = next(iter(given.items()))
    for part in ("settings", "machine", "database", "contents"):
        inner = getattr(FACTS, part)
        if name in type(inner).__dataclass_fields__ and name != "now":
            return replace(FACTS, **{part: replace(inner, **{name: value})})
    return replace(FACTS, **{name: value})


def on_sqlite(**given: Any) -> Facts:
    """The healthy one on SQLite, with other values of the database."""
    values = {**SQLITE.values, **given}
    settings = replace(SETTINGS, database_url="sqlite:///tracing.sqlite")
    database = replace(SQLITE, values=values)
    return replace(FACTS, settings=settings, database=database)


def with_values(**given: str) -> Facts:
    """The healthy one with other settings of PostgreSQL."""
    return but(values={**POSTGRESQL.values, **given})
