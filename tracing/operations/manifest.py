"""What a backup says of itself: its files and their hashes, signed by the installation."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from tracing.config import Settings
from tracing.journal import checkpoints
from tracing.journal.canonical import canonical
from tracing.operations.refusal import Refused
from tracing.security.fields import Ring, field_keys

FORMAT: Final = "tracing-backup/1"
NAME: Final = "manifest.json"
KEPT_APART: Final = ("password_salt", "totp_key", "index_key")
"""Secrets that the data is worth little without; a backup holds none of them."""

RING: Final = "field_keys"
CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """One backup: when, of what, and each of its files."""

    at: str
    engine: str
    schema: str
    sealed: bool
    journal: Mapping[str, list[Any]]
    """The head of each chain: number of entries, hash."""

    requests: int
    secrets: Mapping[str, str]
    files: Mapping[str, list[Any]]
    """Of each file its size and its SHA-256."""

    format: str = field(default=FORMAT)


def fingerprints(settings: Settings, ring: Ring) -> dict[str, str]:
    """Return what tells one secret from another and gives neither away."""
    found = {name: str(getattr(settings, name)).encode() for name in KEPT_APART}
    found |= {f"{RING}.{number}": key for number, key in ring.keys.items()}
    return {
        name: hmac.new(secret, b"tracing backup", hashlib.sha256).hexdigest()[:16]
        for name, secret in found.items()
    }


def measure(file: Path) -> list[Any]:
    """Return the size and the SHA-256 of a file."""
    digest = hashlib.sha256()
    with file.open("rb") as read:
        while part := read.read(CHUNK):
            digest.update(part)
    return [file.stat().st_size, digest.hexdigest()]


def write(manifest: Manifest, folder: Path, settings: Settings) -> None:
    """Write and sign it; the last file of a backup."""
    said = asdict(manifest)
    signature = checkpoints.signing_key(settings).sign(canonical(said).encode())
    whole = {
        "manifest": said,
        "key": checkpoints.key_of(settings).public.hex(),
        "signature": base64.b64encode(signature).decode(),
    }
    (folder / NAME).write_text(json.dumps(whole, indent=1), "utf-8")


def read(folder: Path, settings: Settings, *, foreign: bool = False) -> Manifest:
    """Return the manifest of a backup, if it is whole and one of ours."""
    try:
        whole = json.loads((folder / NAME).read_text("utf-8"))
        said, key = whole["manifest"], bytes.fromhex(whole["key"])
        signature = base64.b64decode(whole["signature"], validate=True)
        right = checkpoints.is_signed(key, canonical(said).encode(), signature)
    except FileNotFoundError as error:
        raise Refused(f"{folder} is not a backup: it has no {NAME}") from error
    except (OSError, ValueError, KeyError, TypeError, binascii.Error) as error:
        raise Refused(f"{NAME} of {folder} cannot be read: take another backup") from (
            error
        )
    if not right:
        raise Refused(f"{NAME} of {folder} was changed: take another backup")
    if said.get("format") != FORMAT:
        raise Refused(f"{folder} is of another form: restore it with its own version")
    ours = key in {one.public for one in checkpoints.known_keys(settings).values()}
    manifest = Manifest(**said)
    has = fingerprints(settings, field_keys().ring)
    other = {name for name, mark in manifest.secrets.items() if has.get(name) != mark}
    if sealed := sorted(name for name in other if name.startswith(RING)):
        raise Refused(
            f"the backup was made with other keys of personal fields ({sealed[0]}), and"
            " nothing personal in it opens without them: put the field-keys of that"
            " installation and day into the instance folder first"
        )
    if (other or not ours) and not foreign:
        raise Refused(
            "the backup was made with other secrets: put the config.py of that"
            " installation into the instance folder first (or say --foreign: nobody's"
            " password and second factor will be right)"
        )
    return manifest


def require_whole(manifest: Manifest, folder: Path) -> None:
    """Refuse a backup of which a file is cut, changed, missing or one too many."""
    found = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != NAME
    }
    for name in sorted(manifest.files):
        if name not in found:
            raise Refused(f"{name} is missing: take another backup")
        size, digest = manifest.files[name]
        has = measure(folder / name)
        if has[0] != size:
            raise Refused(f"{name} was cut: {has[0]} of {size} bytes; take another")
        if has[1] != digest:
            raise Refused(f"{name} was changed: take another backup")
    if more := sorted(found - set(manifest.files)):
        raise Refused(f"{more[0]} is no part of the backup: take it away, or ask why")
