"""Attacks on the journal, and by what each is found.

`alone` has the database and nothing else; `kept` has a checkpoint of its own from
before; `other` has what the other authority was given, and the key it has kept.
"""

import base64
import dataclasses
from concurrent.futures.process import BrokenProcessPool
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests import factories
from tests.journal import forger
from tests.journal.conftest import OneByOne
from tracing.casework import leaving, reconcile
from tracing.extensions import db
from tracing.journal import checkpoints, journal, live
from tracing.journal.kinds import Kind
from tracing.journal.verify import (
    OK,
    TAMPERED,
    WARNING,
    check_export,
    read_checkpoint,
)
from tracing.models import JournalEntry
from workflows.states import Trigger

STEPS = (
    *(Trigger.SUBMIT, Trigger.ACKNOWLEDGE, Trigger.RECORD_SEARCH),
    *(Trigger.RESPOND, Trigger.CLOSE),
)


def export(chain, path):
    live.write(chain, path, leaving.held_back(chain))


@dataclasses.dataclass
class World:
    """A journal of two sides, and what each has kept of it before the attack."""

    of: object
    chain: int
    request: object
    kept: list
    keys: dict
    theirs: object
    size: int

    def alone(self):
        return self._live([])

    def with_kept(self):
        return self._live(self.kept)

    def _live(self, kept):
        db.session.commit()
        with live.reading() as connection:
            (chain,) = live.chains(connection, self.of.asking.code)
            own = [c for c in kept if c.origin == chain.origin]
            alone = live.check_chain(connection, chain, own)
            assert live.check_chain(connection, chain, own, hands=OneByOne()) == alone
            return alone

    def with_other(self, tmp_path):
        db.session.commit()
        export(self.chain, tmp_path / "mine.txt")
        return check_export(
            tmp_path / "mine.txt",
            self.keys,
            others=[self.theirs],
            under_way=timedelta(0),
        )


@pytest.fixture
def world(of, tmp_path, short_stretches):
    request = factories.after(of, *STEPS)
    factories.sent(of)
    made = checkpoints.make_all()
    kept = [read_checkpoint(checkpoint.note) for checkpoint in made]
    settings = live.current_app.extensions["tracing.settings"]
    key = checkpoints.key_of(settings)
    chain = of.asking.id
    export(of.asked.id, tmp_path / "theirs.txt")
    size = db.session.get(journal.JournalChain, chain).size
    forger.disarm()
    db.session.expire_all()
    return World(of, chain, request, kept, {key.id: key}, tmp_path / "theirs.txt", size)


# ------------------------------------------------------------------ what they do


def edit_a_field(w):
    forger.reword(w.chain, 3, object="2026-KE-0000001A")


def edit_a_payload(w):
    forger.run(
        "UPDATE journal_payload SET payload = '{}' WHERE chain_id = :c AND seq = 3",
        c=w.chain,
    )


def delete_in_the_middle(w):
    here = "WHERE chain_id = :c AND seq = 3"
    tables = ("journal_payload", "journal_entry")
    forger.run(*(f"DELETE FROM {table} {here}" for table in tables), c=w.chain)


def reorder(w):
    forger.swap(w.chain, 3, 4, "journal_payload", "journal_entry")


def insert_one(w):
    """Push the third and all after it back, and put a copy in its place."""
    tables = {
        "journal_entry": "at, kind, actor_id, about, record, hash",
        "journal_payload": "salt, payload, erased_by",
    }
    forger.run(
        *(
            statement
            for table, columns in tables.items()
            for statement in (
                (
                    f"UPDATE {table} SET seq = seq + 100000"
                    " WHERE chain_id = :c AND seq > 2"
                ),
                (
                    f"UPDATE {table} SET seq = seq - 99999"
                    " WHERE chain_id = :c AND seq > 100000"
                ),
                (
                    f"INSERT INTO {table} (chain_id, seq, {columns})"
                    f" SELECT chain_id, 3, {columns} FROM {table}"
                    " WHERE chain_id = :c AND seq = 4"
                ),
            )
        ),
        "UPDATE journal_chain SET size = size + 1 WHERE id = :c",
        c=w.chain,
    )


def swap_payloads(w):
    forger.swap(w.chain, 3, 4, "journal_payload")


def delete_the_last(w):
    forger.rewrite(w.chain, forger.lines(w.chain)[:-2])


def go_on_from_yesterday(w):
    forger.rewrite(w.chain, forger.lines(w.chain)[:-3])
    actor = factories.actor_of(w.of.investigator)
    for _ in range(3):
        journal.record(Kind.ASSIGNED, actor, about=w.request.reference)
    db.session.commit()
    checkpoints.make_all()


def rewrite_without_the_key(w):
    found = forger.lines(w.chain)
    found[2][2] = '{"nothing":"happened"}'
    forger.rewrite(w.chain, found)


def rewrite_with_the_key(w):
    found = forger.lines(w.chain)
    found[2][2] = '{"nothing":"happened"}'
    forger.rewrite(w.chain, found, sign=True)


def show_two_histories(w):
    """The other side was shown something else from the beginning."""
    found = forger.lines(w.of.asked.id)
    found[1][2] = '{"another":"story"}'
    forger.rewrite(w.of.asked.id, found, sign=True)
    export(w.of.asked.id, w.theirs)


def delete_a_payload(w):
    forger.run(
        "UPDATE journal_payload SET payload = NULL, salt = NULL, erased_by = 4"
        " WHERE chain_id = :c AND seq = 3",
        c=w.chain,
    )


def say_that_it_was_withheld(w):
    """Only an export withholds; what is gone from the database is gone."""
    forger.run(
        "UPDATE journal_payload SET payload = NULL, salt = NULL, erased_by = 0"
        " WHERE chain_id = :c AND seq = 3",
        c=w.chain,
    )


def set_the_clock_back(w):
    found = forger.lines(w.chain)
    later = found[-1][0] | {"at": "2020-01-01T00:00:00.00Z"}
    later.pop("shared", None)
    forger.rewrite(w.chain, [*found, [later, *found[-1][1:]]])


def replace_the_key(w):
    app = live.current_app
    settings = app.extensions["tracing.settings"]
    app.extensions["tracing.settings"] = dataclasses.replace(
        settings, journal_key="another-key-of-an-attacker"
    )
    forger.run("DELETE FROM journal_checkpoint")
    checkpoints.make_all()


ATTACKS = [
    # what is done, the exit status alone, with a checkpoint, with the other side
    ("VA1", edit_a_field, TAMPERED, TAMPERED, TAMPERED, 3),
    ("VA2", edit_a_payload, TAMPERED, TAMPERED, TAMPERED, 3),
    ("VA3 delete", delete_in_the_middle, TAMPERED, TAMPERED, TAMPERED, 3),
    ("VA3 reorder", reorder, TAMPERED, TAMPERED, TAMPERED, 3),
    ("VA3 insert", insert_one, TAMPERED, TAMPERED, TAMPERED, 4),
    ("VA4", delete_the_last, OK, TAMPERED, TAMPERED, None),
    ("VA5", rewrite_without_the_key, OK, TAMPERED, TAMPERED, None),
    ("VA6", rewrite_with_the_key, OK, TAMPERED, TAMPERED, None),
    ("VA7", go_on_from_yesterday, OK, TAMPERED, TAMPERED, None),
    ("VA8", show_two_histories, OK, OK, TAMPERED, None),
    ("VA9", swap_payloads, TAMPERED, TAMPERED, TAMPERED, 3),
    ("VA10", delete_a_payload, TAMPERED, TAMPERED, TAMPERED, 3),
    ("VA11", say_that_it_was_withheld, TAMPERED, TAMPERED, TAMPERED, 3),
    ("VA12", set_the_clock_back, WARNING, WARNING, WARNING, None),
    ("VA13", replace_the_key, OK, TAMPERED, TAMPERED, None),
]


@pytest.mark.parametrize(
    ("attack", "alone", "kept", "other", "first"),
    [case[1:] for case in ATTACKS],
    ids=[case[0] for case in ATTACKS],
)
def test_an_attack_is_found_by_what_can_find_it(
    world, tmp_path, attack, alone, kept, other, first
):
    for report in (world.alone(), world.with_kept(), world.with_other(tmp_path)):
        assert list(report.findings) == []
    attack(world)
    db.session.expire_all()
    reports = world.alone(), world.with_kept(), world.with_other(tmp_path)
    assert [report.level for report in reports] == [alone, kept, other], [
        list(report.lines()) for report in reports
    ]
    if first is not None:
        assert [report.first.seq for report in reports] == [first] * 3


CHANGES = {
    "VA11 state": "UPDATE trace_request SET state = 'responded' WHERE id = :id",
    "VA11 content": "UPDATE recovery SET place = 'Elsewhere' WHERE id = :recovery",
    "VA11 person": "UPDATE person SET family_name = 'X' WHERE request_id = :id",
    "VA11 step": (
        "UPDATE request_event SET actor_id = NULL, at = '2020-01-01 00:00:00'"
        " WHERE request_id = :id AND position = 3"
    ),
    "VA11 lost step": (
        "DELETE FROM request_event WHERE request_id = :id AND position = 2"
    ),
}


@pytest.mark.parametrize("statement", CHANGES.values(), ids=list(CHANGES))
def test_a_row_that_is_changed_without_an_entry_is_found(world, statement):
    with live.reading() as connection:
        assert list(reconcile.differences(connection)) == []
    given = {"id": world.request.id, "recovery": world.request.recovery_id}
    forger.run(statement, **given)
    with live.reading() as connection:
        found = list(reconcile.differences(connection))
    assert {name for name, _ in found} <= {world.of.asking.code, world.of.asked.code}
    assert found
    for _, finding in found:
        assert finding.level == TAMPERED
        assert world.request.reference in finding.text
    assert world.alone().level == OK


def test_what_is_whole_is_not_walked_a_second_time(world, monkeypatch):
    walked = []
    one = live._walked
    monkeypatch.setattr(
        live, "_walked", lambda *given: walked.append(given[1]) or one(*given)
    )
    with live.reading() as connection:
        (chain,) = live.chains(connection, world.of.asking.code)
        report = live.check_chain(connection, chain, world.kept[:1], hands=OneByOne())
    assert report.level == OK
    assert chain.size > 5
    assert [task.first for task in walked] == list(range(1, chain.size + 2, 2))


def test_processes_find_what_one_finds(world):
    name = world.of.asking.code
    with live.many_hands(2) as hands, live.reading() as connection:
        assert hands is not None
        found = live.check_all(connection, hands=hands)
    assert [report.level for report in found] == [OK] * len(found)
    forger.reword(world.chain, 3, object="2026-KE-0000001A")
    with live.many_hands(2) as hands, live.reading() as connection:
        (changed,) = live.check_all(connection, name=name, hands=hands)
    assert changed.level == TAMPERED
    assert changed.first.seq == 3
    # The pool that all tests share is not this engine's any more.
    db.engine.dispose()


def test_a_short_journal_needs_no_processes(of):
    factories.sent(of)
    db.session.commit()
    with live.many_hands(2) as hands:
        assert hands is None


def test_a_process_that_ends_leaves_the_check_to_one(world, caplog):
    class Ending(OneByOne):
        def submit(self, fn, /, *args, **kwargs):
            raise BrokenProcessPool

    with live.reading() as connection:
        (chain,) = live.chains(connection, world.of.asking.code)
        assert live.check_chain(connection, chain, hands=Ending()).level == OK
    assert "checked by one" in caplog.text


def test_a_checkpoint_is_of_the_root_that_the_rfc_defines(of):
    request = factories.sent(of)
    for n in range(9):
        factories.take(of, request, Trigger.ENQUIRE, factories.Text(f"n {n}"))
        checkpoints.make_all()
    rows = db.session.scalars(
        select(JournalEntry.hash)
        .where(JournalEntry.chain_id == of.asking.id)
        .order_by(JournalEntry.seq)
    )
    hashes = [bytes(found) for found in rows]
    for made in checkpoints.newest(of.asking.id):
        origin, size, root = made.note.splitlines()[:3]
        assert origin.endswith(f"/journal/{of.asking.code}")
        assert int(size) == made.size
        assert base64.b64decode(root) == forger.root_of(hashes[: made.size])
