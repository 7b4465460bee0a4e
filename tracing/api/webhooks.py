"""Where a program is told by itself: made, ended, and the log of what was sent."""

from typing import Any

from tracing.accounts.tokens import Scope
from tracing.api import bodies, door, shapes
from tracing.api.operations import Operation, Said, begin, group, operation
from tracing.api.problems import Problem
from tracing.casework import webhooks
from tracing.casework.session import give_up
from tracing.models import Webhook, WebhookDelivery
from tracing.security.programs import ROOT
from tracing.web.forms import translated
from workflows.errors import FactMissing, NotVisible
from workflows.policies import Actor

api = group(
    "webhooks",
    "Webhooks",
    "Signed messages of what happens; docs/api.md says how they are checked.",
)


def _webhook(row: Webhook) -> dict[str, Any]:
    return {
        "id": row.id,
        "url": row.url,
        "made_at": row.made_at,
        "disabled_at": row.disabled_at,
        "disabled_why": row.disabled_why,
        "href": f"{ROOT}/webhooks/{row.id}",
    }


def _delivery(row: WebhookDelivery) -> dict[str, Any]:
    return {
        "key": row.key,
        "step": row.step,
        "reference": row.about,
        "after": row.after,
        "by": row.by,
        "at": row.at,
        "attempts": row.attempts,
        "status": row.status,
        "why": row.why,
        "next_at": row.next_at,
        "tried_at": row.tried_at,
        "delivered_at": row.delivered_at,
    }


def _one(number: int) -> tuple[Webhook, Actor]:
    actor = door.case_actor()
    if number >= 2**31:
        raise NotVisible("There is no such webhook.")
    return webhooks.one(number, actor), actor


@operation(api, "/webhooks", "GET", Operation(Scope.FEED, shapes.WebhooksSchema))
def webhooks_list() -> dict[str, Any]:
    """List the webhooks of the account."""
    return {"items": [_webhook(row) for row in webhooks.own(door.case_actor())]}


@operation(
    api,
    "/webhooks",
    "POST",
    Operation(
        Scope.FEED,
        shapes.WebhookSchema,
        status=201,
        takes=shapes.ReceiverSchema,
        acts=True,
    ),
)
def webhooks_make() -> Said:
    """Be told from here on; the secret of the signatures is in this answer alone."""
    actor = door.case_actor()
    said = bodies.load(shapes.ReceiverSchema(), bodies.read_object())
    give_up()
    try:
        webhooks.require_allowed(said["url"])
    except FactMissing as error:
        words = translated(str(error))
        raise Problem("invalid").at("/url", words) from error
    begin(actor)
    row, secret = webhooks.make(actor, said["url"])
    made = _webhook(row) | {"secret": secret}
    return Said(made, 201, {"Location": made["href"]})


@operation(
    api,
    "/webhooks/<int:number>",
    "DELETE",
    Operation(Scope.FEED, shapes.WebhookSchema, acts=True),
)
def webhooks_end(number: int) -> dict[str, Any]:
    """Be told nothing more."""
    row, actor = _one(number)
    begin(actor)
    webhooks.end(number, actor)
    return _webhook(row)


@operation(
    api,
    "/webhooks/<int:number>/deliveries",
    "GET",
    Operation(Scope.FEED, shapes.DeliveriesSchema),
)
def deliveries_list(number: int) -> dict[str, Any]:
    """Read what was sent, the newest first, and how it went."""
    row, _actor = _one(number)
    return {"items": [_delivery(one) for one in webhooks.deliveries(row)]}


@operation(
    api,
    "/webhooks/<int:number>/deliveries/<key>/resend",
    "POST",
    Operation(Scope.FEED, shapes.DeliverySchema, acts=True),
)
def deliveries_resend(number: int, key: str) -> dict[str, Any]:
    """Send a message once more, as it was."""
    _row, actor = _one(number)
    begin(actor)
    return _delivery(webhooks.resend(number, key, actor))
