"""The keys of sealed columns: AES-256-GCM, a ring of keys, and marks to find by.

A sealed value is `v<key>.<base64 of nonce and ciphertext>`. The first key of the ring
closes, all of them open. Keys stand in TRACING_FIELD_KEYS or in a file of the instance
folder, which is read again when it changes: a new key needs no restart.
"""

import base64
import binascii
import hashlib
import hmac
import logging
import os
import re
import secrets
import time
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask, current_app

from tracing.config import KEY_FILE, Settings, SettingsError
from tracing.models.sealed import KeyMissing, SealBroken, box

log = logging.getLogger(__name__)

KEYS: Final = "tracing.field_keys"
SIZE: Final = 32
NONCE: Final = 12
BLOCK: Final = 4096
"""Values closed with a key are counted so many at a time."""

LIMIT: Final = 2**32
"""So many random nonces of 96 bits a key may see (NIST SP 800-38D, 8.3)."""

LOOKS: Final = 1.0
"""Seconds between two looks at the file."""

_LINE: Final = re.compile(r"([1-9][0-9]{0,8}):([A-Za-z0-9_+/=-]+)")
_HEAD: Final = re.compile(r"v([1-9][0-9]{0,8})\.")
_MARK_SIZE: Final = 16


@dataclass(frozen=True, slots=True)
class Ring:
    """Some keys by their numbers; the first one closes."""

    keys: Mapping[int, bytes] = field(repr=False)
    first: int

    @classmethod
    def read(cls, text: str) -> "Ring":
        """Read a ring; the words of an error never hold a key."""
        found: dict[int, bytes] = {}
        for part in text.replace(",", " ").split():
            line = _LINE.fullmatch(part)
            if line is None:
                raise SettingsError(
                    "FIELD_KEYS: write each key as number:base64, the newest first"
                )
            number = int(line[1])
            if number in found:
                raise SettingsError(f"FIELD_KEYS: there are two keys {number}")
            try:
                key = base64.urlsafe_b64decode(line[2].translate(_URL))
            except binascii.Error:
                key = b""
            if len(key) != SIZE:
                raise SettingsError(
                    f"FIELD_KEYS: key {number} is not {SIZE} bytes in base64;"
                    " `tracing keys add` makes one that is"
                )
            found[number] = key
        if not found:
            raise SettingsError("FIELD_KEYS: there is no key in it")
        return cls(found, next(iter(found)))

    def write(self) -> str:
        """Return the ring as the file holds it, a key a line."""
        lines = (
            f"{number}:{base64.urlsafe_b64encode(key).decode()}\n"
            for number, key in self.keys.items()
        )
        return "".join(lines)

    def with_new(self) -> "Ring":
        """Return the ring with one key more, which comes first."""
        number = max(self.keys) + 1
        return Ring({number: secrets.token_bytes(SIZE)} | dict(self.keys), number)

    def without(self, number: int) -> "Ring":
        """Return the ring without a key that is not the first."""
        rest = {n: key for n, key in self.keys.items() if n != number}
        return Ring(rest, self.first)


_URL: Final = str.maketrans("+/", "-_")


class FieldKeys:
    """The box of one application: closes, opens, and counts."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        """Read the keys; stop where they are missing, short, or open to others."""
        self.file = None if settings.field_keys else folder / KEY_FILE
        self.folder = folder
        self._given = settings.field_keys
        self._marks = settings.index_key.encode()
        if len(self._marks) < SIZE:
            raise SettingsError(
                f"INDEX_KEY: it is shorter than {SIZE} characters; `tracing init`"
                " writes one that is long enough where there is none"
            )
        self._stamp: tuple[int, int] | None = None
        self._looked = 0.0
        self._left: dict[int, int] = {}
        self._read()

    def _read(self) -> None:
        """Take the keys as they stand now; they count as read once they are."""
        stamp, text = self._text()
        self._use(Ring.read(text))
        self._stamp = stamp

    def _text(self) -> tuple[tuple[int, int] | None, str]:
        if self.file is None:
            return None, self._given
        try:
            stat = self.file.stat()
            if stat.st_mode & 0o077:
                raise SettingsError(
                    f"{self.file}: others may read the keys; chmod 600 it"
                )
            # Looked at before it is read: what is written between is read again.
            return (stat.st_mtime_ns, stat.st_ino), self.file.read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"{self.file}: the keys of the personal fields cannot be read;"
                " without them nothing that is sealed opens"
            ) from error

    def _use(self, ring: Ring) -> None:
        self.ring = ring
        self._ciphers = {n: AESGCM(key) for n, key in ring.keys.items()}
        self._by_head = {f"v{n}": cipher for n, cipher in self._ciphers.items()}

    def look(self, *, now: bool = False) -> None:
        """Read the file again if it has changed since."""
        at = time.monotonic()
        if self.file is None or not (now or at - self._looked > LOOKS):
            return
        self._looked = at
        try:
            stat = self.file.stat()
            if (stat.st_mtime_ns, stat.st_ino) != self._stamp:
                self._read()
        except (OSError, SettingsError) as error:
            log.error("the field keys stay as they were: %s", error)  # noqa: TRY400

    # -------------------------------------------------------------- closing, opening

    def close(self, text: str, place: str) -> str:
        """Return the sealed value of a text at its place."""
        self.look()
        number = self.ring.first
        left = self._left.get(number, 0)
        if left <= 0:
            left = self._count(number)
        self._left[number] = left - 1
        nonce = os.urandom(NONCE)
        closed = self._ciphers[number].encrypt(nonce, text.encode(), place.encode())
        return f"v{number}.{base64.b64encode(nonce + closed).decode()}"

    def open(self, sealed: str, place: str) -> str:
        """Return the text; raises SealBroken if it was not closed at this place."""
        return self.open_bytes(sealed, place.encode()).decode()

    def open_bytes(self, sealed: str, place: bytes) -> bytes:
        """Return the text in UTF-8: the quick way for who opens a million."""
        head, _, rest = sealed.partition(".")
        cipher = self._by_head.get(head) or self._cipher_of(sealed, place)
        try:
            raw = binascii.a2b_base64(rest, strict_mode=True)
            return cipher.decrypt(raw[:NONCE], raw[NONCE:], place)
        except (InvalidTag, binascii.Error, ValueError) as error:
            where = place.decode()
            raise SealBroken(f"{where}: the value was changed or moved") from error

    def _cipher_of(self, sealed: str, place: bytes) -> AESGCM:
        head = _HEAD.match(sealed)
        if head is None:
            raise SealBroken(f"{place.decode()}: this is no sealed value")
        number = int(head[1])
        if number not in self._ciphers:
            self.look(now=True)
        if number not in self._ciphers:
            raise KeyMissing(f"{place.decode()}: key {number} is not in the ring")
        return self._ciphers[number]

    def _count(self, number: int) -> int:
        """Reserve some values of a key: a byte for each block, so none is lost."""
        path = self.folder / f"{KEY_FILE}.{number}.used"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, b".")
            used = os.fstat(descriptor).st_size * BLOCK
        finally:
            os.close(descriptor)
        if used > LIMIT:
            raise KeyMissing(
                f"key {number} has closed as many values as it may: `tracing keys add`"
            )
        if used > LIMIT // 2:
            log.warning("field key %s is half used up: `tracing keys add`", number)
        return BLOCK

    def used(self, number: int) -> int:
        """Return how many values a key has closed at most, on this machine."""
        path = self.folder / f"{KEY_FILE}.{number}.used"
        return path.stat().st_size * BLOCK if path.exists() else 0

    # ------------------------------------------------------------------------- marks

    def mark(self, kind: str, authority_id: int, text: str) -> str | None:
        """Return the mark by which a text is found again; of nothing, none.

        Another authority's mark of the same text is another.
        """
        plain = comparable(kind, text)
        return self.mark_of(kind, authority_id, plain) if plain else None

    def mark_of(self, kind: str, authority_id: int, plain: str) -> str:
        """Return the mark of a text that is comparable already."""
        said = f"{kind}\0{authority_id}\0{plain}".encode()
        made = hmac.new(self._marks, said, hashlib.sha256).digest()[:_MARK_SIZE]
        return base64.urlsafe_b64encode(made).decode()

    # -------------------------------------------------------------------- the keys

    def age(self) -> float:
        """Return how many seconds ago the file was changed last."""
        if self.file is None:
            return float("inf")
        return time.time() - self.file.stat().st_mtime

    def replace(self, ring: Ring) -> None:
        """Write the file anew: whole, or as it was."""
        if self.file is None:
            raise SettingsError(
                "the keys stand in TRACING_FIELD_KEYS: change them there"
            )
        write_keys(self.file, ring)
        self.look(now=True)


def write_keys(file: Path, ring: Ring) -> None:
    """Write a ring to a file that nobody else reads."""
    begun = file.with_name(file.name + ".begun")
    begun.unlink(missing_ok=True)
    descriptor = os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(ring.write())
        out.flush()
        os.fsync(out.fileno())
    begun.replace(file)


def alike(text: str) -> str:
    """Return a text for comparing: no capitals, accents, signs; words by spaces."""
    plain = unicodedata.normalize(
        "NFKD", unicodedata.normalize("NFKC", text).casefold()
    )
    kept = (c for c in plain if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in kept).split())


def comparable(kind: str, text: str) -> str:
    """Return a name with its words in one order, a number without any spaces."""
    words = alike(text).split()
    return "".join(words) if kind == "number" else " ".join(sorted(words))


def names_of(
    keys: FieldKeys,
    authority_id: int,
    *,
    family_name: str | None,
    given_name: str | None,
    alias: str | None,
    id_number: str | None,
) -> dict[str, str | None]:
    """Return the marks of a person, by their columns."""
    whole = " ".join(filter(None, (given_name, family_name)))
    return {
        "name_mark": keys.mark("name", authority_id, whole),
        "family_mark": keys.mark("name", authority_id, family_name or ""),
        "alias_mark": keys.mark("name", authority_id, alias or ""),
        "id_mark": keys.mark("number", authority_id, id_number or ""),
    }


def marks_of(
    keys: FieldKeys, kind: str, text: str, authorities: Iterable[int]
) -> list[str]:
    """Return the marks of one text in the rows of several authorities."""
    plain = comparable(kind, text)
    return [keys.mark_of(kind, one, plain) for one in authorities] if plain else []


def field_keys() -> FieldKeys:
    """Return the keys of the application."""
    keys: FieldKeys = current_app.extensions[KEYS]
    return keys


def init_app(app: Flask, settings: Settings, folder: Path) -> None:
    """Give the application its keys, once they have shown that they work."""
    keys = FieldKeys(settings, folder)
    self_test(keys)
    app.extensions[KEYS] = keys
    box.find = field_keys


def self_test(keys: FieldKeys) -> None:
    """Close and open a word; a flipped bit or another place must not open."""
    for number, cipher in keys._ciphers.items():
        nonce = bytes(NONCE)
        closed = cipher.encrypt(nonce, b"word", b"here")
        flipped = bytes([closed[0] ^ 1]) + closed[1:]
        opened = []
        for text, place in ((closed, b"here"), (flipped, b"here"), (closed, b"there")):
            try:
                opened.append(cipher.decrypt(nonce, text, place))
            except InvalidTag:
                opened.append(b"")
        if opened != [b"word", b"", b""]:
            raise SettingsError(
                f"field key {number}: this machine's AES-256-GCM does not work, and"
                " nothing personal is kept without it"
            )
