"""Searches: what is looked for stands in no address, and what was found in none either."""

from typing import Any

from tracing.accounts.tokens import Scope
from tracing.api import bodies, door, shapes
from tracing.api.operations import Operation, Said, group, operation
from tracing.api.problems import of_fields
from tracing.api.requests import href
from tracing.casework import calls, finding
from tracing.casework.session import give_up
from tracing.security.programs import ROOT
from workflows.ranking import Traits
from workflows.vocabulary import N_

api = group(
    "searches", "Searches", "Find requests by a serial number or a name. Kept an hour."
)
ONE = N_("Send a serial number or a name, and not both.")


def _items(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [one | {"href": href(one["reference"])} for one in found["items"]]


@operation(
    api,
    "/searches",
    "POST",
    Operation(
        Scope.SEARCH,
        shapes.ResultSchema,
        status=201,
        takes=shapes.SearchSchema,
        acts=True,
    ),
)
def searches_make() -> Said:
    """Search the requests of the authority; the journal keeps that it was done."""
    actor = door.case_actor()
    said = bodies.load(shapes.SearchSchema(), bodies.read_object())
    if ("serial" in said) is ("name" in said):
        raise of_fields({"_schema": [ONE]})
    of = Traits(said.get("make"), said.get("model"), said.get("calibre"))
    found = {"items": finding.search(actor, said.get("serial"), said.get("name"), of)}
    give_up()
    finding.entered(actor, by="serial" if "serial" in said else "name", found=found)
    key, until = calls.keep_result(actor, found)
    address = f"{ROOT}/searches/{key}"
    answer = {"href": address, "expires_at": until, "items": _items(found)}
    return Said(answer, 201, {"Location": address})


@operation(
    api,
    "/searches/<token>",
    "GET",
    Operation(Scope.SEARCH, shapes.ResultSchema),
)
def searches_show(token: str) -> dict[str, Any]:
    """Read once more what one's own search has found."""
    row = calls.result(token, door.case_actor())
    return {
        "href": f"{ROOT}/searches/{token}",
        "expires_at": row.expires_at,
        "items": _items(row.found),
    }
