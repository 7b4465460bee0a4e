"""The steps of a request by their names: which are possible now, and who takes them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from tracing.casework import either, requested, requesting
from tracing.models import TraceRequest
from workflows import policies, restrictions
from workflows.policies import Actor
from workflows.states import BESIDE, NEUTRAL, Trigger

Command = Callable[..., "TraceRequest"]
COMMANDS: Final[Mapping[Trigger, Command]] = {
    Trigger.ASK_CLARIFICATION: requested.ask_clarification,
    Trigger.RECORD_SEARCH: requested.record_search,
    Trigger.DEFER: requested.defer,
    Trigger.RESPOND: requested.respond,
    Trigger.CLARIFY: requesting.clarify,
    Trigger.QUERY_RESPONSE: requesting.query_response,
    Trigger.CLOSE: requesting.close,
    Trigger.WITHDRAW: requesting.withdraw,
    Trigger.REOPEN: requesting.reopen,
    **{trigger: partial(either.agree, trigger) for trigger in BESIDE},
    **{trigger: partial(either.write, trigger) for trigger in NEUTRAL},
}
"""Of the steps that carry something; to send and to acknowledge stand apart."""

WITH_FILES: Final = frozenset({Trigger.RESPOND, Trigger.CLARIFY})
"""The steps that may bring photographs and documents."""


def possible(found: TraceRequest, actor: Actor) -> tuple[Trigger, ...]:
    """Return the steps that this person can take now."""
    side = policies.party_of(actor, found)
    if side is None:
        return ()
    offered = restrictions.offered(found, side)
    may = policies.possible(actor, found)
    return tuple(t for t in may if t not in BESIDE or t in offered)
