"""A small OpenID Connect provider on this machine: real HTTP, real signatures.

It keeps to the letter of the code flow with PKCE, and can be told to misbehave.
"""

import base64
import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "tracing", "a secret between the two"


@dataclass
class Provider:
    """Who signs in there, and how the provider behaves; `asked` is what it was told."""

    subject: str = "person-1"
    claims: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    key: Any = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    signs_with: Any = None
    issuer: str = ""

    def consent(self, address: str) -> str:
        """Do what the browser would: sign in there; return where it leads back to."""
        given = dict(parse_qsl(urlsplit(address).query))
        self.asked.append(given)
        code = f"code-{len(self.asked)}"
        self.codes[code] = given
        answer = urlencode({"code": code, "state": given["state"]})
        return f"{urlsplit(given['redirect_uri']).path}?{answer}"

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Exchange a code, once, for whoever holds its verifier."""
        given = self.codes.pop(form.get("code", ""), None)
        verifier = form.get("code_verifier", "")
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if given is None or given.get("code_challenge") != challenge:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": self.subject,
            "nonce": given.get("nonce"),
            "iat": now,
            "exp": now + 300,
            "email": "officer@desk.example",
        }
        signed = jwt.encode(
            {"alg": "RS256", "kid": "one"},
            claims | self.claims,
            self.signs_with or self.key,
        )
        return 200, {
            "access_token": "access",
            "token_type": "Bearer",
            "id_token": signed,
        }


@contextlib.contextmanager
def running_provider() -> Iterator[Provider]:
    """Serve the provider on loopback."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_args: Any) -> None:
            """Keep the output of the tests clean."""

        def say(self, status: int, what: dict[str, Any]) -> None:
            body = json.dumps(what).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            if self.path == "/.well-known/openid-configuration":
                self.say(
                    200,
                    {
                        "issuer": provider.issuer,
                        "authorization_endpoint": f"{provider.issuer}/authorize",
                        "token_endpoint": f"{provider.issuer}/token",
                        "jwks_uri": f"{provider.issuer}/keys",
                        "id_token_signing_alg_values_supported": ["RS256"],
                    },
                )
            elif self.path == "/keys":
                self.say(200, {"keys": [provider.key.as_dict(private=False)]})
            else:
                self.say(404, {})

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            sent = parse_qs(self.rfile.read(length).decode())
            self.say(*provider.token({name: v[0] for name, v in sent.items()}))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
