"""Tokens: of sessions, and of links in mails.

A link's is made from a salt and the secret key and never stored. The row of the outbox
keeps the salt, the table of links the token's hash: a copy of the database holds no
link that opens anything.
"""

import base64
import hashlib
import hmac
from typing import Final

SESSION: Final = "sid"
"""Where the token of a session stands in the cookie."""


def hash_of(token: str) -> str:
    """Return what is stored of a token; 256 random bits need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def derive(secret_key: str, kind: str, salt: str) -> str:
    """Return the token of a link: 256 bits, as letters."""
    text = f"link\0{kind}\0{salt}".encode()
    made = hmac.new(secret_key.encode(), text, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()
