"""What comes in: read once, strictly, and no further than it may be long."""

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from flask import g, request
from marshmallow import Schema, ValidationError, fields

from tracing.api.problems import Problem, of_fields
from tracing.schemas.strict_json import load_object

JSON: Final = "application/json"
MOST: Final = 2_000_000
DIGEST: Final = re.compile(r"sha-256=:([A-Za-z0-9+/=]{1,100}):")


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
    body = request.get_data(cache=False)
    _compare(body)
    return body


def _compare(body: bytes) -> None:
    """Refuse what is not what its sender says it is (RFC 9530)."""
    said = request.headers.get("Content-Digest")
    if said is None:
        return
    given = DIGEST.search(said)
    made = base64.b64encode(hashlib.sha256(body).digest()).decode()
    if given is None or given[1] != made:
        raise Problem("checksum")


def content_type() -> str:
    """Return what the body is said to be, in one way of writing."""
    return request.headers.get("Content-Type", "").lower().replace(" ", "")


def read_object(*, may_lack: bool = False) -> dict[str, Any]:
    """Return the JSON object of the body."""
    body = raw()
    if may_lack and not body:
        return {}
    if content_type() not in (JSON, f"{JSON};charset=utf-8"):
        raise Problem("unsupported_type")
    return load_object(body)


def load(schema: Schema, said: Any, at: str = "") -> Any:
    """Return what a schema makes of it, or say which field is wrong and where."""
    wrong = mistyped(schema, said)
    if wrong:
        raise of_fields({at: wrong} if at else wrong)
    try:
        return schema.load(said)
    except ValidationError as error:
        messages = {at: error.messages} if at else error.messages
        raise of_fields(messages) from error


def mistyped(schema: Schema, said: Any) -> dict[str, Any]:
    """Return the fields whose kind is another: a form has texts alone, JSON has not."""
    if not isinstance(said, Mapping):
        return {}
    found: dict[str, Any] = {}
    for name, value in said.items():
        field = schema.fields.get(name)
        if field is None or value is None:
            continue
        fault = _fault(field, value)
        if fault:
            found[name] = fault
    return found


def _fault(field: fields.Field[Any], value: Any) -> Any:
    invalid = [str(field.error_messages.get("invalid", ""))]
    match field:
        case fields.Nested(many=True):
            if not isinstance(value, list):
                return invalid
            rows = {n: mistyped(field.schema, row) for n, row in enumerate(value)}
            return {n: fault for n, fault in rows.items() if fault}
        case fields.Nested():
            return mistyped(field.schema, value)
        case fields.List():
            return None if isinstance(value, list) else invalid
        case fields.Boolean():
            return None if isinstance(value, bool) else invalid
        case fields.Number():
            right = isinstance(value, int | float) and not isinstance(value, bool)
            return None if right else invalid
    return None
