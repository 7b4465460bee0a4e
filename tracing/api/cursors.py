"""Where a page of a list goes on: sealed for one authority, one list, its filters."""

import json
from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from flask import current_app, request

from tracing.api.door import actor
from tracing.api.problems import Problem
from tracing.security import tokens


def _seal(narrowed: Mapping[str, Any]) -> Fernet:
    """Return what closes a place: its numbers count the rows of everybody."""
    secret = str(current_app.config["SECRET_KEY"])
    kept = {k: v for k, v in narrowed.items() if k not in ("cursor", "limit", "wait")}
    of = (actor().authority_id, request.endpoint, request.path, sorted(kept.items()))
    return Fernet(tokens.derive(secret, "cursor", json.dumps(of, default=str)) + "=")


def write(place: Any, narrowed: Mapping[str, Any]) -> str:
    """Return the cursor of a place."""
    said = json.dumps(place, separators=(",", ":"))
    return _seal(narrowed).encrypt(said.encode()).decode()


def read(text: str | None, narrowed: Mapping[str, Any]) -> Any:
    """Return the place of a cursor, if there is one."""
    if not text:
        return None
    try:
        return json.loads(_seal(narrowed).decrypt(text))
    except (InvalidToken, ValueError) as error:
        raise Problem("bad_cursor") from error
