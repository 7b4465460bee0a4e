"""Signed heads of the chains: what an authority keeps to know the past by."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from flask import Flask, current_app
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import IntegrityError

from tracing import crash
from tracing.config import Settings, SettingsError
from tracing.extensions import db
from tracing.journal.journal import moment, origin_of
from tracing.journal.verify import Key, Tree, Unreadable, read_keys
from tracing.models import JournalChain, JournalCheckpoint, JournalEntry

AT_ONCE: Final = 20_000


def signing_key(settings: Settings) -> Ed25519PrivateKey:
    """Return the key of this installation, made of its secret."""
    text = b"tracing journal, Ed25519\n" + settings.journal_key.encode()
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(text).digest())


def key_of(settings: Settings, origin: str = "") -> Key:
    """Return the public key; its name is what the origins of all chains begin with."""
    name = origin.rpartition("/")[0] if origin else origin_of(settings)
    return Key(name, signing_key(settings).public_key().public_bytes_raw())


def known_keys(settings: Settings, origin: str = "") -> dict[bytes, Key]:
    """Return the public key, and after it those that signed before it, by numbers."""
    now = key_of(settings, origin)
    before = settings.journal_keys_before.replace(",", " ").split()
    try:
        older = read_keys("\n".join(before)).values()
    except Unreadable as error:
        raise SettingsError(
            f"JOURNAL_KEYS_BEFORE: {error}; write what `tracing journal key` showed"
            " before JOURNAL_KEY was changed"
        ) from error
    keys = (now, *(Key(now.name, key.public) for key in older))
    return {key.id: key for key in keys}


def init_app(_app: Flask, settings: Settings) -> None:
    """Stop where a key that is set is none."""
    known_keys(settings)


def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether the owner of the key signed the message; a quick way."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def sign(text: str, settings: Settings, origin: str) -> str:
    """Return a text as a signed note (C2SP signed-note)."""
    key = key_of(settings, origin)
    signature = key.id + signing_key(settings).sign(text.encode())
    return f"{text}\n\u2014 {key.name} {base64.b64encode(signature).decode()}\n"


def checkpoint(chain_id: int) -> JournalCheckpoint | None:
    """Sign the head of a chain, if it has grown since the last time."""
    settings: Settings = current_app.extensions["tracing.settings"]
    chain = db.session.get(JournalChain, chain_id, populate_existing=True)
    last = db.session.scalar(
        select(JournalCheckpoint)
        .where(JournalCheckpoint.chain_id == chain_id)
        .order_by(JournalCheckpoint.size.desc())
        .limit(1)
    )
    if chain is None or chain.size == (last.size if last else 0):
        return None
    tree = Tree(last.size, _split(last.frontier)) if last else Tree()
    _grow(tree, chain_id, chain.size)
    root = base64.b64encode(tree.root()).decode()
    text = f"{chain.origin}\n{tree.size}\n{root}\n"
    made = JournalCheckpoint(
        chain_id=chain_id,
        size=tree.size,
        at=moment(datetime.now(UTC)),
        frontier=b"".join(tree.frontier),
        note=sign(text, settings, chain.origin),
    )
    db.session.add(made)
    return made


def _grow(tree: Tree, chain_id: int, size: int) -> None:
    while tree.size < size:
        hashes: Sequence[bytes] = db.session.scalars(
            select(JournalEntry.hash)
            .where(
                JournalEntry.chain_id == chain_id,
                JournalEntry.seq > tree.size,
                JournalEntry.seq <= min(tree.size + AT_ONCE, size),
            )
            .order_by(JournalEntry.seq)
        ).all()
        if not hashes:
            raise LookupError(f"the journal lacks entry {tree.size + 1}")
        for found in hashes:
            tree.add(bytes(found))


def _split(frontier: bytes) -> list[bytes]:
    return [frontier[start : start + 32] for start in range(0, len(frontier), 32)]


def make_all() -> list[JournalCheckpoint]:
    """Sign the heads of all chains that have grown: one transaction for each."""
    made = []
    for chain_id in db.session.scalars(
        select(JournalChain.id).order_by(JournalChain.id)
    ).all():
        found = checkpoint(chain_id)
        crash.at("checkpoint.signed")
        try:
            db.session.commit()
        except IntegrityError:
            # Another worker was faster with the same one.
            db.session.rollback()
        else:
            crash.at("checkpoint.committed")
            made += [found] if found else []
    return made


def newest(
    chain_id: int, *, below: int | None = None, limit: int = 25
) -> Sequence[JournalCheckpoint]:
    """Return the checkpoints of a chain, newest first, from a size downwards."""
    query = select(JournalCheckpoint).where(JournalCheckpoint.chain_id == chain_id)
    if below is not None:
        query = query.where(JournalCheckpoint.size < below)
    ordered = query.order_by(JournalCheckpoint.size.desc()).limit(limit)
    return db.session.scalars(ordered).all()


def of_size(chain_id: int, size: int) -> JournalCheckpoint | None:
    """Return the checkpoint of that size, if there is one."""
    return db.session.get(JournalCheckpoint, (chain_id, size))


def of_days(connection: Connection, chain_id: int) -> Sequence[str]:
    """Return the last checkpoint of each day: what an export carries."""
    day = func.substr(JournalCheckpoint.at, 1, 10)
    last = (
        select(func.max(JournalCheckpoint.size))
        .where(JournalCheckpoint.chain_id == chain_id)
        .group_by(day)
    )
    found = connection.scalars(
        select(JournalCheckpoint.note)
        .where(
            JournalCheckpoint.chain_id == chain_id,
            JournalCheckpoint.size.in_(last),
        )
        .order_by(JournalCheckpoint.size)
    )
    return list(found)
