"""One way in for every operation: scope, query, key, answer; and what it says of itself.

What is declared here is both done and described, so that the description cannot differ.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final

from flask import current_app, g, request
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.wrappers import Response

from tracing.accounts.tokens import Scope
from tracing.api import bodies, door
from tracing.api.problems import TYPE, Problem
from tracing.api.shapes import EXAMPLES, ProblemSchema
from tracing.casework import calls
from tracing.casework.calls import Answered, Call
from tracing.casework.session import give_up
from tracing.models import TraceRequest
from tracing.security.tokens import hash_of
from tracing.web.forms import translated
from workflows.policies import Actor
from workflows.vocabulary import N_

KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
KEPT: Final = ("ETag", "Location", "Content-Type")
ALWAYS: Final = (400, 401, 403, 404, 406, 429, 503)
View = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Said:
    """What an operation answers, before it is text."""

    data: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """What an operation takes and gives."""

    scope: Scope
    gives: type[Schema] | None = None
    status: int = 200
    takes: Any = None
    query: type[Schema] | None = None
    acts: bool = False
    versioned: bool = False
    raw_in: str = ""
    raw_out: bool = False
    most_bytes: Callable[[], int] | None = None


def group(name: str, tag: str, about: str) -> Blueprint:
    """Return a group of operations."""
    made = Blueprint(f"api_{name}", __name__, description=about)
    made.tag = tag
    return made


def operation(
    group: Blueprint, rule: str, method: str, said: Operation
) -> Callable[[View], View]:
    """Register an operation: what it does, and what is said of it."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(**path: Any) -> Response:
            door.require(said.scope)
            _require_printable(path)
            _require_json()
            asked = _query(said.query)
            if asked is not None:
                path["asked"] = asked
            if said.acts:
                return _once(said, view, path)
            return _answer(said, view(**path))

        guarded._apidoc = {"manual_doc": _description(said)}  # type: ignore[attr-defined]
        group.add_url_rule(
            rule, view.__name__, guarded, methods=[method], tags=[group.tag]
        )
        return view

    return decorate


def _require_printable(path: Mapping[str, Any]) -> None:
    """Answer what nothing of ours is called as what is not there."""
    if not all(str(value).isprintable() for value in path.values()):
        raise Problem("not_found")


def _require_json() -> None:
    wanted = request.accept_mimetypes
    if wanted and not any(
        wanted[kind] for kind in ("application/json", TYPE, "application/octet-stream")
    ):
        raise Problem("not_acceptable")


def _query(schema: type[Schema] | None) -> dict[str, Any] | None:
    """Return what stands behind the question mark, each name known and once."""
    for name, values in request.args.lists():
        if schema is None or name not in schema._declared_fields or len(values) > 1:
            raise Problem("bad_query")
        if "\0" in values[0]:
            raise Problem("bad_query")
    if schema is None:
        return None
    try:
        found: dict[str, Any] = schema().load(request.args.to_dict())
    except ValidationError as error:
        problem = Problem("bad_query")
        messages = error.messages if isinstance(error.messages, dict) else {}
        for name, words in messages.items():
            problem.at(f"/{name}", translated(words[0]))
        raise problem from error
    return found


def _answer(said: Operation, result: Any) -> Response:
    if isinstance(result, Response):
        return result
    given = result if isinstance(result, Said) else Said(result, said.status)
    headers = dict(given.headers)
    etag = headers.get("ETag")
    if etag and request.method == "GET" and etag in _given("If-None-Match"):
        return Response(status=304, headers=headers)
    if said.gives is None:
        return Response(status=204, headers=headers)
    text = json.dumps(
        said.gives().dump(given.data), ensure_ascii=False, separators=(",", ":")
    )
    return Response(text, given.status, headers, content_type=bodies.JSON)


def _given(name: str) -> list[str]:
    return [part.strip() for part in request.headers.get(name, "").split(",")]


# ------------------------------------------------------------------------------ once


def _once(said: Operation, view: View, path: dict[str, Any]) -> Response:
    """Do what is asked; the same call again gets the same answer."""
    actor = door.actor()
    key = request.headers.get("Idempotency-Key", "")
    if not KEY.fullmatch(key):
        raise Problem("key_missing")
    most = said.most_bytes() if said.most_bytes else bodies.MOST
    body = bodies.raw(most)
    call = Call(str(request.endpoint), hash_of(key), _fingerprint(body))
    g.call = call
    before = calls.recall(call, actor)
    if before is not None:
        return _again(before)
    # What is refused had no effect: the same call may be tried again.
    made = _answer(said, view(**path))
    kept = {name: made.headers[name] for name in KEPT if name in made.headers}
    about = str(g.get("call_about", ""))
    answered = Answered(made.status_code, kept, made.get_data(), about)
    calls.keep(call, actor, answered)
    return made


def _fingerprint(body: bytes) -> str:
    said = f"{request.method}\0{request.path}\0{request.query_string.decode()}\0"
    return hashlib.sha256(said.encode() + body).hexdigest()


def _again(before: Answered) -> Response:
    if before.status is None:
        # It was done, and whoever did it did not live to say so.
        text = json.dumps({"reference": before.about, "done": True})
        return Response(text, 200, content_type=bodies.JSON)
    made = Response(before.body, before.status, dict(before.headers))
    made.headers["Idempotent-Replayed"] = "true"
    return made


def begin(actor: Actor, about: str = "") -> None:
    """Put the key of this call into the transaction of its effect."""
    # What was only read before is let go of.
    give_up()
    g.call_about = about
    calls.begin(g.call, actor, about=about)


def form_key() -> str:
    """Return the key of this call as the commands know the keys of forms."""
    found: Call = g.call
    return hash_of(f"{door.actor().user_id}\0{found.route}\0{found.key_hash}")


# --------------------------------------------------------------------------- versions


def etag_of(found: TraceRequest) -> str:
    """Return the mark of a request as it stands."""
    return f'"{found.reference}.{found.version}"'


def require_version(found: TraceRequest) -> int:
    """Return the version that was read, if it still stands."""
    given = request.headers.get("If-Match", "")
    if not given:
        raise Problem("version_missing")
    if given != etag_of(found):
        raise Problem("stale", ETag=etag_of(found))
    return found.version


# --------------------------------------------------------------- what is said of them

HEADERS: Final = {
    "Idempotency-Key": N_("A key of your own for this call; the same one again."),
    "If-Match": N_("The ETag that you have read."),
}


def _header(name: str) -> dict[str, Any]:
    example = "0f9d1c52-7c1c-4d5e" if name == "Idempotency-Key" else '"2026-KE-1.3"'
    return {
        "in": "header",
        "name": name,
        "required": True,
        "description": HEADERS[name],
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "example": example,
    }


def _description(said: Operation) -> dict[str, Any]:
    parameters = []
    if said.acts:
        parameters.append(_header("Idempotency-Key"))
    if said.versioned:
        parameters.append(_header("If-Match"))
    if said.query is not None:
        parameters.append({"in": "query", "schema": said.query})
    found: dict[str, Any] = {
        "parameters": parameters,
        "responses": _responses(said),
        "security": [{"token": [said.scope.value]}],
        "x-scope": said.scope.value,
    }
    if said.raw_in:
        content = {said.raw_in: {"schema": {"type": "string"}}}
        found["requestBody"] = {"required": True, "content": content}
    elif said.takes is not None:
        found["requestBody"] = {"required": True, "content": _content(said.takes)}
    return found


def _content(schema: Any) -> dict[str, Any]:
    if isinstance(schema, tuple):
        return {bodies.JSON: {"schema": {"oneOf": list(schema)}, "example": {}}}
    kind = schema if isinstance(schema, type) else type(schema)
    return {bodies.JSON: {"schema": schema, "example": EXAMPLES.get(kind.__name__, {})}}


def _responses(said: Operation) -> dict[str, Any]:
    good: dict[str, Any] = {"description": N_("What was asked for.")}
    if said.raw_out:
        good["content"] = {"*/*": {"schema": {"type": "string"}}}
    elif said.gives is not None:
        good["content"] = _content(said.gives)
    codes = {*ALWAYS}
    if said.acts or said.takes is not None:
        codes |= {409, 411, 413, 415, 422}
    if said.versioned:
        codes |= {412, 428}
    found: dict[str, Any] = {str(said.status): good}
    problem = {
        "description": N_("What went wrong, and what to do."),
        "content": {
            TYPE: {"schema": ProblemSchema, "example": EXAMPLES["ProblemSchema"]}
        },
    }
    return found | {str(code): problem for code in sorted(codes)}


# ------------------------------------------------------------- what is no operation


def nowhere(group: Blueprint) -> None:
    """Say of every other address that it is none, or which methods it takes."""
    methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")

    def nothing(anything: str) -> Response:  # noqa: ARG001 - of the address
        allowed = _methods_of(current_app.create_url_adapter(request), methods)
        if allowed:
            raise MethodNotAllowed(allowed)
        raise Problem("not_found")

    super(Blueprint, group).add_url_rule(
        "/<path:anything>",
        "nothing",
        nothing,
        methods=methods,
        provide_automatic_options=False,
    )


def _methods_of(adapter: Any, methods: tuple[str, ...]) -> list[str]:
    found = []
    for method in methods:
        rule, _values = adapter.match(request.path, method, return_rule=True)
        if not rule.endpoint.endswith(".nothing"):
            found.append(method)
    return found
