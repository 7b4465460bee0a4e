"""Signatures on exported documents: Ed25519, a detached JWS over the canonical JSON.

The same document signed is the same signature, in JSON and in XML: what is signed is
what it says (RFC 8785), not how it was written down.
"""

import base64
import hashlib
import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from tracing.config import Settings, SettingsError
from tracing.exchange.document import SIGNATURE, Unfit
from workflows.vocabulary import N_

log = logging.getLogger(__name__)
ALGORITHM: Final = "Ed25519"
TRUSTED: Final = "exchange-keys"
"""The folder of the instance with the key sets of other installations."""

_DETACHED: Final = re.compile(rf"(?:{SIGNATURE})\Z")
_X: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")
MOST_BYTES: Final = 100_000


class Standing(StrEnum):
    """Who vouches for a file."""

    OWN = "own"
    """This installation."""
    KNOWN = "known"
    """An installation whose key is here."""
    UNKNOWN = "unknown"
    """It is signed by a key that is not here."""
    UNSIGNED = "unsigned"
    BROKEN = "broken"
    """It is not as it was signed."""

    @property
    def label(self) -> str:
        """Return it in words."""
        return LABELS[self]

    @property
    def is_vouched(self) -> bool:
        """Tell whether somebody who is known vouches for the file."""
        return self in (Standing.OWN, Standing.KNOWN)


LABELS: Final = {
    Standing.OWN: N_("Signed by this installation, and unchanged since"),
    Standing.KNOWN: N_("Signed by a known installation, and unchanged since"),
    Standing.UNKNOWN: N_("Signed by a key that is not known here"),
    Standing.UNSIGNED: N_("Not signed"),
    Standing.BROKEN: N_("Changed since it was signed, or the signature is false"),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a file stands, by which key, and whose that is."""

    standing: Standing
    kid: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class KeySet:
    """The public keys of one installation, the newest first."""

    name: str
    keys: Mapping[str, OKPKey]


class _Registry(jws.JWSRegistry):
    """Documents are larger than what usually stands in a token."""

    max_payload_length = 4_000_000


_REGISTRY: Final = _Registry(algorithms=[ALGORITHM])


# ------------------------------------------------------------------------- the keys


def signing_key(settings: Settings) -> OKPKey:
    """Return the key of this installation, made of its secret; it has no other use."""
    secret = settings.exchange_key or settings.journal_key
    seed = hashlib.sha256(b"tracing exchange, Ed25519\n" + secret.encode()).digest()
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return OKPKey.import_key(
        {"kty": "OKP", "crv": ALGORITHM, "d": _b64(seed), "x": _b64(public)}
    )


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _public(x: str) -> OKPKey:
    if not _X.match(x):
        raise ValueError("a public key is 43 letters, digits, - and _")
    return OKPKey.import_key({"kty": "OKP", "crv": ALGORITHM, "x": x})


def own_keys(settings: Settings) -> KeySet:
    """Return the public key of this installation, then those it signed with before."""
    now = signing_key(settings).as_dict(private=False)["x"]
    before = settings.exchange_keys_before.replace(",", " ").split()
    try:
        keys = [_public(str(x)) for x in (now, *before)]
    except ValueError as error:
        raise SettingsError(
            f"EXCHANGE_KEYS_BEFORE: {error}; write the `x` of each older key, as"
            " `tracing exchange-key` showed it"
        ) from error
    return KeySet(issuer_of(settings), {key.thumbprint(): key for key in keys})


def issuer_of(settings: Settings) -> str:
    """Return the name by which this installation signs."""
    return urlsplit(settings.address).netloc or "localhost"


def published(settings: Settings) -> dict[str, Any]:
    """Return the key set as others fetch and keep it (RFC 7517)."""
    own = own_keys(settings)
    keys = [
        {
            **{name: key.as_dict(private=False)[name] for name in ("kty", "crv", "x")},
            "kid": kid,
            "alg": ALGORITHM,
            "use": "sig",
        }
        for kid, key in own.keys.items()
    ]
    return {"issuer": own.name, "keys": keys}


def read_keys(text: bytes, name: str = "") -> KeySet:
    """Return a key set that was kept as a file, or say what is wrong with it."""
    try:
        said = json.loads(text[:MOST_BYTES])
        xs = [key["x"] for key in said["keys"] if key.get("crv") == ALGORITHM]
        keys = [_public(x) for x in xs]
        known = name or str(said.get("issuer", ""))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise SettingsError(
            "this is no set of public keys: take the file from the page “Keys of"
            " exported requests” of the other installation"
        ) from error
    return KeySet(known, {key.thumbprint(): key for key in keys})


def known_keys(settings: Settings) -> tuple[KeySet, ...]:
    """Return the key sets of this installation and of those that are trusted here.

    A file that is no set of keys vouches for nothing, and nothing else suffers from it.
    """
    folder = Path(settings.instance) / TRUSTED
    sets = [own_keys(settings)]
    for file in sorted(folder.glob("*.json")) if settings.instance else ():
        try:
            sets.append(read_keys(file.read_bytes(), file.stem))
        except (SettingsError, OSError):
            log.warning("%s/%s is no set of public keys", TRUSTED, file.name)
    return tuple(sets)


def init_app(_app: Flask, settings: Settings) -> None:
    """Stop where an older key that is set is none."""
    own_keys(settings)


# -------------------------------------------------------------------- the signatures


def signed(said: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return a document with its signature."""
    key = signing_key(settings)
    header = {
        "alg": ALGORITHM,
        "b64": False,
        "crit": ["b64"],
        "kid": key.thumbprint(),
    }
    text = jws.serialize_compact(header, _signed_bytes(said), key, registry=_REGISTRY)
    return {**said, "signature": text}


def _signed_bytes(said: Mapping[str, Any]) -> bytes:
    return rfc8785.dumps({k: v for k, v in said.items() if k != "signature"})


def verdict(said: Mapping[str, Any], known: Iterable[KeySet]) -> Verdict:
    """Return how a document stands; the first set of keys is the own one."""
    text = said.get("signature")
    if text is None:
        return Verdict(Standing.UNSIGNED)
    header = _header_of(text)
    kid = str(header.get("kid", ""))[:100]
    sets = tuple(known)
    for number, key_set in enumerate(sets):
        key = key_set.keys.get(kid)
        if key is None:
            continue
        if not _fits(text, said, key):
            return Verdict(Standing.BROKEN, kid, key_set.name)
        standing = Standing.OWN if number == 0 else Standing.KNOWN
        return Verdict(standing, kid, key_set.name)
    return Verdict(Standing.UNKNOWN if header else Standing.BROKEN, kid)


def _header_of(text: object) -> dict[str, Any]:
    """Return the header of a signature of ours; nothing of any other."""
    if not isinstance(text, str) or not _DETACHED.match(text):
        return {}
    encoded = text.split(".", maxsplit=1)[0]
    try:
        found = json.loads(
            base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        )
    except ValueError:
        return {}
    fixed = {"alg": ALGORITHM, "b64": False, "crit": ["b64"]}
    right = isinstance(found, dict) and found == {**found, **fixed}
    return found if right else {}


def _fits(text: str, said: Mapping[str, Any], key: OKPKey) -> bool:
    try:
        payload = _signed_bytes(said)
        jws.deserialize_compact(text, key, registry=_REGISTRY, payload=payload)
    except JoseError:
        return False
    except rfc8785.CanonicalizationError as error:
        words = N_("Send a smaller number")
        raise Unfit([("", words)]) from error
    return True
