"""What comes in: read once, strictly, and no further than it may be long."""

from typing import Any, Final

from flask import g, request
from marshmallow import Schema, ValidationError

from tracing.api.problems import Problem, of_fields
from tracing.schemas.strict_json import load_object

JSON: Final = "application/json"
MOST: Final = 2_000_000


def raw(most: int = MOST) -> bytes:
    """Return the body as it came."""
    if "body" not in g:
        g.body = _read(most)
    found: bytes = g.body
    return found


def _read(most: int) -> bytes:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem("unsupported_type")
    length = request.content_length
    if length is None:
        # A body whose length nobody says would be cut where it is too long.
        if request.headers.get("Transfer-Encoding"):
            raise Problem("length_required")
        return b""
    if length > most:
        raise Problem("too_large")
    # The form's limit is lower than that of a file.
    request.max_content_length = most
    return request.get_data(cache=False)


def read_object(*, may_lack: bool = False) -> dict[str, Any]:
    """Return the JSON object of the body."""
    body = raw()
    if may_lack and not body:
        return {}
    kind = request.headers.get("Content-Type", "").lower().replace(" ", "")
    if kind not in (JSON, f"{JSON};charset=utf-8"):
        raise Problem("unsupported_type")
    return load_object(body)


def load(schema: Schema, said: Any, at: str = "") -> Any:
    """Return what a schema makes of it, or say which field is wrong and where."""
    try:
        return schema.load(said)
    except ValidationError as error:
        messages = {at: error.messages} if at else error.messages
        raise of_fields(messages) from error
