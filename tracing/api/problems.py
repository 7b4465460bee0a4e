"""What went wrong, as RFC 9457 has it: a stable code, a sentence, the fields.

The sentences are those of the pages, in the caller's language. Nothing of what was sent
comes back: a pointer names fields of ours, and of an unknown field only where it stood.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any, Final

from flask import Blueprint, request
from flask_wtf.csrf import CSRFError
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from tracing.accounts import entries
from tracing.accounts.actors import current_actor
from tracing.casework.calls import KeyReused, StillRunning
from tracing.casework.session import give_up
from tracing.faults import (
    STATUS_OF,
    AlreadyDone,
    FileRefused,
    NotYetChecked,
    Stale,
    Unavailable,
)
from tracing.ports import StoreFull
from tracing.schemas.fields import Section
from tracing.schemas.strict_json import JsonRefused
from tracing.web.forms import translated
from tracing.web.limits import refused
from tracing.words import _
from workflows.errors import (
    FactMissing,
    NotPermitted,
    NotVisible,
    RestrictionHolds,
    TransitionNotAllowed,
)
from workflows.markings import MarkNotUnderstood
from workflows.vocabulary import N_

log = logging.getLogger(__name__)

TYPE: Final = "application/problem+json"
KIND: Final = "urn:firearms-trace:problem:"
AGAIN_AFTER: Final = "2"
"""Seconds after which what failed for the moment may be tried again."""

CODES: Final[Mapping[str, tuple[int, str]]] = {
    "bad_request": (400, N_("This cannot be read: see the description.")),
    "bad_json": (400, N_("The body is not taken as it stands.")),
    "bad_query": (400, N_("The address asks for what this operation does not know.")),
    "bad_cursor": (400, N_("Send a cursor as it came, with the same filters.")),
    "key_missing": (400, N_("Send an Idempotency-Key: 1 to 255 visible characters.")),
    "token_missing": (401, N_("Send a token that is good: Authorization: Bearer ...")),
    "not_permitted": (403, N_("The roles of this account do not allow this.")),
    "scope_missing": (403, N_("This token is not made for that.")),
    "not_found": (404, N_("There is no such thing for you.")),
    "method_not_allowed": (405, N_("This address does not take this method.")),
    "not_acceptable": (406, N_("Answers come as JSON.")),
    "not_possible_now": (409, N_("This is not possible as things stand.")),
    "restricted": (409, N_("Who provided it has not allowed this use.")),
    "running": (409, N_("The same call is still running: ask again in a moment.")),
    "conflict": (409, N_("Something else changed it at this moment: read it again.")),
    "kept_back": (409, N_("The file is kept back until it has been checked.")),
    "length_required": (411, N_("Say how long the body is: Content-Length.")),
    "stale": (412, N_("It has changed since you read it: read it again.")),
    "too_large": (413, N_("The body is too large.")),
    "unsupported_type": (415, N_("Send application/json, as it is.")),
    "invalid": (422, N_("Some fields are missing or wrong.")),
    "checksum": (422, N_("The body is not what Content-Digest says.")),
    "key_reused": (422, N_("This Idempotency-Key came with another call before.")),
    "version_missing": (428, N_("Send If-Match with the ETag that you have read.")),
    "too_many": (429, N_("Too many calls: wait as long as Retry-After says.")),
    "fault": (500, N_("Something went wrong here. It was logged.")),
    "unavailable": (503, N_("This cannot be done at the moment: try again.")),
    "store_full": (507, N_("There is no room for it at the moment.")),
}
"""Every code there is; it never changes its meaning."""

OF_STATUS: Final = {
    400: "bad_request",
    401: "token_missing",
    403: "not_permitted",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    411: "length_required",
    412: "stale",
    413: "too_large",
    415: "unsupported_type",
    422: "invalid",
    428: "version_missing",
    429: "too_many",
    500: "fault",
    503: "unavailable",
}
OF_ERROR: Final[tuple[tuple[type[Exception], str], ...]] = (
    (FactMissing, "invalid"),
    (MarkNotUnderstood, "invalid"),
    (FileRefused, "invalid"),
    (TransitionNotAllowed, "not_possible_now"),
    (AlreadyDone, "not_possible_now"),
    (RestrictionHolds, "restricted"),
    (NotYetChecked, "kept_back"),
    (StillRunning, "running"),
    (KeyReused, "key_reused"),
    (Stale, "stale"),
    (StoreFull, "store_full"),
    (NotPermitted, "not_permitted"),
    (NotVisible, "not_found"),
    (Unavailable, "unavailable"),
)
SAID_BY_RULES: Final = (FactMissing, NotPermitted, TransitionNotAllowed)


class Problem(Exception):
    """A call that is answered with a problem."""

    def __init__(self, code: str, words: str = "", **headers: str) -> None:
        """Keep the code, and what to do where that of the code does not fit."""
        super().__init__(code)
        self.code, self.words, self.headers = code, words, headers
        self.errors: list[dict[str, Any]] = []

    def at(self, pointer: str, words: str, code: str = "invalid") -> "Problem":
        """Name the field it is about."""
        self.errors.append({"pointer": pointer, "code": code, "detail": words})
        return self


def answer(problem: Problem) -> Response:
    """Return a problem as it goes out."""
    status, title = CODES[problem.code]
    said: dict[str, Any] = {
        "type": KIND + problem.code,
        "title": _(title),
        "status": status,
        "code": problem.code,
    }
    if problem.words:
        said["detail"] = problem.words
    if problem.errors:
        said["errors"] = problem.errors
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    made = Response(text, status, content_type=TYPE)
    for name, value in problem.headers.items():
        made.headers[name.replace("_", "-")] = value
    if status == 401:
        made.headers["WWW-Authenticate"] = 'Bearer realm="firearms-trace"'
    if status in (429, 503, 507) or problem.code == "running":
        made.headers.setdefault("Retry-After", AGAIN_AFTER)
    return made


def of_fields(messages: object) -> Problem:
    """Return what schemas found, each fault with its place and its sentence."""
    problem = Problem("invalid")
    for path, words in _flat(messages, ()):
        unknown = words == Section.error_messages["unknown"]
        # The name of an unknown field is the caller's own word.
        parts = path[:-1] if unknown else path
        pointer = "/" + "/".join(parts) if parts else ""
        code = "unknown_field" if unknown else "invalid"
        problem.at(pointer, translated(words), code)
    return problem


def _flat(messages: object, path: tuple[str, ...]) -> Iterator[tuple[Any, str]]:
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            here = path if name == "_schema" else (*path, str(name))
            yield from _flat(inner, here)
    elif isinstance(messages, list | tuple):
        for inner in messages:
            yield from _flat(inner, path)
    else:
        yield path, messages if isinstance(messages, str) else str(messages)


def of_error(error: Exception) -> Problem:
    """Return the problem that an error becomes."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, ValidationError):
        return of_fields(error.messages)
    if isinstance(error, JsonRefused):
        return _of_json(error)
    if isinstance(error, CSRFError):
        return Problem("bad_request")
    if isinstance(error, HTTPException):
        return _of_http(error)
    code = next((name for kind, name in OF_ERROR if isinstance(error, kind)), "")
    if isinstance(error, RestrictionHolds):
        return Problem(code, refused(error))
    if isinstance(error, FileRefused):
        return Problem(code).at("", translated(error.words))
    if isinstance(error, SAID_BY_RULES):
        return Problem(code, _(str(error)))
    if code:
        return Problem(code)
    status = next((s for kind, s in STATUS_OF.items() if isinstance(error, kind)), 500)
    return Problem(OF_STATUS.get(status, "fault"))


def _of_json(error: JsonRefused) -> Problem:
    words = translated(error.words)
    if error.code == "too_large":
        return Problem("too_large", words)
    where = _("line %(line)s, column %(column)s", line=error.line, column=error.column)
    return Problem("bad_json", f"{words} ({where})").at("", words, error.code)


def _of_http(error: HTTPException) -> Problem:
    status = error.code or 500
    problem = Problem(OF_STATUS.get(status, "bad_request" if status < 500 else "fault"))
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        problem.headers["Allow"] = ", ".join(sorted(allowed))
    return problem


def stand_before(blueprint: Blueprint) -> None:
    """Answer every error of a group of operations with a problem."""

    def _answer(error: Exception) -> Response:
        give_up()
        problem = of_error(error)
        status = CODES[problem.code][0]
        if status >= 500:
            log.error("unexpected in %s", request.endpoint, exc_info=error)
        actor = current_actor()
        if status == 403 and actor is not None:
            entries.access_refused(
                actor, page=request.endpoint or "", method=request.method
            )
        return answer(problem)

    blueprint.register_error_handler(Exception, _answer)
    blueprint.register_error_handler(HTTPException, _answer)
    blueprint.register_error_handler(CSRFError, _answer)
