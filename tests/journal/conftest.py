"""What the tests of the journal share."""

import json
from concurrent.futures import Executor, Future
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from tests import factories
from tracing.extensions import db
from tracing.journal import live
from tracing.journal.journal import open_payload
from tracing.models import JournalEntry, JournalPayload
from tracing.security import isolation
from tracing.security.fields import field_keys


@dataclass
class Entered:
    """One entry as a test reads it."""

    seq: int
    kind: str
    said: dict
    payload: dict | None
    text: str


def entries(chain_id, *kinds):
    """Return the entries of a chain, of these kinds alone where some are named."""
    query = (
        select(JournalEntry, JournalPayload)
        .join(
            JournalPayload,
            (JournalPayload.chain_id == JournalEntry.chain_id)
            & (JournalPayload.seq == JournalEntry.seq),
        )
        .where(JournalEntry.chain_id == chain_id)
        .order_by(JournalEntry.seq)
    )
    if kinds:
        query = query.where(JournalEntry.kind.in_([kind.value for kind in kinds]))
    found = []
    isolation.work_for_nobody()  # a test reads every chain
    for entry, carried in db.session.execute(query):
        said = open_payload(field_keys(), chain_id, entry.seq, carried.payload)
        found.append(
            Entered(
                entry.seq,
                entry.kind,
                json.loads(entry.record),
                json.loads(said) if said else None,
                entry.record + (said or ""),
            )
        )
    return found


class OneByOne(Executor):
    """Hands that do each task at once, here: how a chain is parted and put together."""

    def submit(self, fn, /, *args, **kwargs):
        done = Future()
        done.set_result(fn(*args, **kwargs))
        return done


@pytest.fixture
def short_stretches(monkeypatch):
    """Stretches of two entries: the chains of the tests have many."""
    monkeypatch.setattr(live, "STRETCH", 2)


def levels(*kept, name=""):
    """Check what is stored; return the exit status of each chain by its name."""
    db.session.commit()
    with live.reading() as connection:
        reports = live.check_all(connection, kept, name)
    return {report.chain: report.level for report in reports}


def worst(*kept):
    """Check what is stored; return the exit status of the whole."""
    return max(levels(*kept).values())


@pytest.fixture
def of(session):
    """Two authorities and their people."""
    return factories.sides()
