"""Many requests in one call: a line each, and what became of it."""

from typing import Any, Final

from tracing.accounts.tokens import Scope
from tracing.api import bodies, shapes
from tracing.api.operations import Operation, form_key, group, operation
from tracing.api.problems import CODES, Problem, of_error
from tracing.api.requests import filed, filing, href
from tracing.casework import queries, requesting
from tracing.casework.session import give_up
from tracing.schemas.strict_json import load_object
from tracing.security.tokens import hash_of
from tracing.web.forms import translated
from workflows.policies import Actor
from workflows.states import State
from workflows.vocabulary import N_

api = group("bulk", "Many at once", "File up to 1 000 requests in one call.")

LINES: Final = "application/x-ndjson"
MOST: Final = 1000
MOST_BYTES: Final = 8_000_000
TOO_MANY: Final = N_("Send at most 1 000 lines at a time.")
EXPECTED: Final = 500


def _most() -> int:
    return MOST_BYTES


@operation(
    api,
    "/requests/bulk",
    "POST",
    Operation(
        Scope.WRITE,
        shapes.BulkSchema,
        acts=True,
        raw_in=LINES,
        most_bytes=_most,
    ),
)
def requests_file() -> dict[str, Any]:
    """File a request for each line; a line that is wrong stops no other."""
    actor = filing()
    if bodies.content_type() not in (LINES, f"{LINES};charset=utf-8"):
        raise Problem("unsupported_type")
    lines = [one for one in bodies.raw(MOST_BYTES).split(b"\n") if one.strip()]
    if len(lines) > MOST:
        raise Problem("too_large", translated(TOO_MANY))
    items = [_line(actor, number, line) for number, line in enumerate(lines, 1)]
    done = sum(one["status"] == 201 for one in items)
    return {"items": items, "filed": done, "refused": len(items) - done}


def _line(actor: Actor, number: int, line: bytes) -> dict[str, Any]:
    """File one line under a key of its own, so that the whole can be sent again."""
    reference = ""
    try:
        draft, submit = _read(line)
        reference = filed(actor, draft, hash_of(f"{form_key()}\0{number}"))
        if submit:
            _submit(reference, actor)
    except Exception as error:
        give_up()
        problem = of_error(error)
        status = CODES[problem.code][0]
        if status >= EXPECTED:
            raise
        return {
            "line": number,
            "status": status,
            "code": problem.code,
            "errors": problem.errors,
            **(_kept(reference, actor) if reference else {}),
        }
    return {"line": number, "status": 201, **_kept(reference, actor)}


def _kept(reference: str, actor: Actor) -> dict[str, Any]:
    """Return which request there is of a line, though it may not have been sent."""
    found = queries.by_reference(reference, actor)
    said = {
        "reference": reference,
        "state": found.state.value,
        "href": href(reference),
    }
    give_up()
    return said


def _read(line: bytes) -> tuple[dict[str, Any], bool]:
    said = load_object(line)
    draft, submit = said.pop("draft", None), said.pop("submit", False)
    if said or not isinstance(draft, dict) or not isinstance(submit, bool):
        raise Problem("invalid")
    return draft, submit


def _submit(reference: str, actor: Actor) -> None:
    found = queries.by_reference(reference, actor)
    if found.state is not State.DRAFT:
        # By the same call, before it broke off.
        return
    requesting.submit(reference, actor, authorised=True, version=found.version)
