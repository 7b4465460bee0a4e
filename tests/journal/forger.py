"""Somebody with the database and its keys: past the triggers, past the programs."""

import base64
import hashlib
import json

from sqlalchemy import insert, select, text

from tracing.extensions import db
from tracing.journal import checkpoints
from tracing.journal.canonical import canonical
from tracing.journal.journal import open_payload, place_of_payload
from tracing.journal.verify import BEGINNING, Tree, commitment, entry_hash
from tracing.models import (
    JournalChain,
    JournalCheckpoint,
    JournalEntry,
    JournalPayload,
)
from tracing.security.fields import field_keys

TRIGGERS = {
    "sqlite": "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": (
        "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON tgrelid = pg_class.oid"
        " WHERE NOT tgisinternal"
    ),
}


def disarm():
    """Take the triggers and the links between the tables away."""
    kind = db.engine.dialect.name
    for name, table in db.session.execute(text(TRIGGERS[kind])).all():
        end = f" ON {table}" if kind == "postgresql" else ""
        db.session.execute(text(f"DROP TRIGGER {name}{end}"))
    db.session.commit()
    if kind == "postgresql":
        for name, table in (
            ("fk_journal_payload_chain_id_journal_entry", "journal_payload"),
        ):
            db.session.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
    db.session.commit()


def lines(chain):
    """Return the entries of a chain as [record, salt, payload, erased by]."""
    rows = db.session.execute(
        select(JournalEntry.record, JournalPayload)
        .join(
            JournalPayload,
            (JournalPayload.chain_id == JournalEntry.chain_id)
            & (JournalPayload.seq == JournalEntry.seq),
        )
        .where(JournalEntry.chain_id == chain)
        .order_by(JournalEntry.seq)
    ).all()
    keys = field_keys()
    return [
        [
            json.loads(record),
            row.salt,
            open_payload(keys, chain, row.seq, row.payload),
            row.erased_by,
        ]
        for record, row in rows
    ]


def rewrite(chain, new, *, sign=False):
    """Write a chain anew so that it agrees with itself, and its checkpoints away.

    Without the key: those of what is no longer there are lost. With it: made again.
    """
    old = [
        row.size
        for row in db.session.scalars(
            select(JournalCheckpoint).where(JournalCheckpoint.chain_id == chain)
        )
    ]
    for table in (JournalPayload, JournalEntry, JournalCheckpoint):
        db.session.execute(table.__table__.delete().where(table.chain_id == chain))
    head, tree = BEGINNING, Tree()
    for seq, (record, salt, payload, erased_by) in enumerate(new, 1):
        said = record | {"seq": seq}
        if payload is not None:
            said["payload"] = commitment(salt, payload.encode()).hex()
        line = canonical(said)
        head = entry_hash(head, line.encode())
        tree.add(head)
        key = {"chain_id": chain, "seq": seq}
        db.session.execute(
            insert(JournalEntry).values(
                **key,
                at=said["at"],
                kind=said["action"],
                actor_id=said.get("actor"),
                about=said.get("object", ""),
                record=line,
                hash=head,
            )
        )
        if payload is not None:
            payload = field_keys().close(payload, place_of_payload(chain, seq))  # noqa: PLW2901
        db.session.execute(
            insert(JournalPayload).values(
                **key, salt=salt, payload=payload, erased_by=erased_by
            )
        )
    db.session.execute(
        JournalChain.__table__.update()
        .where(JournalChain.id == chain)
        .values(size=len(new), head=head)
    )
    db.session.commit()
    db.session.expire_all()
    if sign and old:
        checkpoints.make_all()


def reword(chain, seq, **changed):
    """Change a field of one entry where it stands, and the columns with it."""
    where = {"chain": chain, "seq": seq}
    found = "SELECT record FROM journal_entry WHERE chain_id = :chain AND seq = :seq"
    said = json.loads(db.session.execute(text(found), where).scalar()) | changed
    db.session.execute(
        text(
            "UPDATE journal_entry SET record = :record, at = :at"
            " WHERE chain_id = :chain AND seq = :seq"
        ),
        where | {"record": canonical(said), "at": said["at"]},
    )
    db.session.commit()


def run(*statements, **given):
    """Run SQL as it is, all of it or none; links count at the end alone."""
    if db.engine.dialect.name == "sqlite":
        db.session.execute(text("PRAGMA defer_foreign_keys=ON"))
    for statement in statements:
        used = {name: value for name, value in given.items() if f":{name}" in statement}
        db.session.execute(text(statement), used)
    db.session.commit()


def swap(chain, one, other, *tables):
    """Let two rows change their places."""
    move = "UPDATE {} SET seq = {} WHERE chain_id = :c AND seq = {}"
    ways = ((one, 100_000), (other, one), (100_000, other))
    run(
        *(move.format(table, to, at) for table in tables for at, to in ways),
        c=chain,
    )


def root_of(hashes):
    """The Merkle root, as RFC 6962 defines it: by halves."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashlib.sha256(b"\0" + hashes[0]).digest()
    half = 1 << (len(hashes) - 1).bit_length() - 1
    left, right = root_of(hashes[:half]), root_of(hashes[half:])
    return hashlib.sha256(b"\1" + left + right).digest()


def root_text(hashes):
    """The root as a checkpoint writes it."""
    return base64.b64encode(root_of(hashes)).decode()
