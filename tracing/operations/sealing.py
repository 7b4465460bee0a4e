"""Backups for one reader: encrypted to a public key that the service cannot open.

The format is age (age-encryption.org/v1, X25519 and ChaCha20-Poly1305): every part of a
file is authenticated, and the tool `age` opens it where this programme is not at hand.
"""

import os
import shutil
from pathlib import Path
from typing import Any, Final

import pyrage

from tracing.operations.refusal import Refused

SUFFIX: Final = ".age"


def make_identity(file: Path) -> str:
    """Write a new private key to a file that must not be there; return its public one."""
    made = pyrage.x25519.Identity.generate()
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Refused(f"{file} is there already: name another file") from error
    public = str(made.to_public())
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(f"# public key: {public}\n{made}\n")
    return public


def recipient_of(public: str) -> Any:
    """Return the public key of a setting."""
    try:
        return pyrage.x25519.Recipient.from_str(public)
    except pyrage.RecipientError as error:
        raise Refused(
            "TRACING_BACKUP_RECIPIENT is not a public key: it begins with age1, and"
            " tracing backup-key FILE shows it"
        ) from error


def identity_of(file: Path) -> Any:
    """Return the private key of a file."""
    try:
        text = file.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{file} cannot be read: name the file of the key") from error
    lines = [line.strip() for line in text.splitlines()]
    for line in lines:
        if line.startswith("AGE-SECRET-KEY-"):
            try:
                return pyrage.x25519.Identity.from_str(line)
            except pyrage.IdentityError:
                break
    raise Refused(f"{file} holds no private key: its line begins with AGE-SECRET-KEY-1")


def seal(source: Path, target: Path, recipient: Any | None) -> None:
    """Copy a file, encrypted where there is a recipient."""
    if recipient is None:
        shutil.copyfile(source, target)
    else:
        pyrage.encrypt_file(str(source), str(target), [recipient])


def sealed(content: bytes, recipient: Any | None) -> bytes:
    """Return some content, encrypted where there is a recipient."""
    if recipient is None:
        return content
    return bytes(pyrage.encrypt(content, [recipient]))


def unseal(source: Path, target: Path, identity: Any | None) -> None:
    """Copy a file back; refuse what the key does not open."""
    if identity is None:
        shutil.copyfile(source, target)
        return
    try:
        pyrage.decrypt_file(str(source), str(target), [identity])
    except pyrage.DecryptError as error:
        target.unlink(missing_ok=True)
        raise _does_not_open() from error


def unsealed(content: bytes, identity: Any | None) -> bytes:
    """Return the content as it was; refuse what the key does not open."""
    if identity is None:
        return content
    try:
        return bytes(pyrage.decrypt(content, [identity]))
    except pyrage.DecryptError as error:
        raise _does_not_open() from error


def _does_not_open() -> Refused:
    return Refused(
        "the key does not open this backup: name the private key that belongs to the"
        " TRACING_BACKUP_RECIPIENT of the day it was made"
    )
