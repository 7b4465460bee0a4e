"""Tokens of links in mails: made from a salt and the secret key, never stored.

The row of the outbox keeps the salt, the table of links the token's hash: a copy of
the database holds no link that opens anything.
"""

import base64
import hashlib
import hmac


def derive(secret_key: str, kind: str, salt: str) -> str:
    """Return the token of a link: 256 bits, as letters."""
    text = f"link\0{kind}\0{salt}".encode()
    made = hmac.new(secret_key.encode(), text, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()
