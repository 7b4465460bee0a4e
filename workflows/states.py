"""The states of a trace request, what moves it, and whose move it is."""

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a request stands; late, refused and deferred are not states."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    ACKNOWLEDGED = "acknowledged"
    CLARIFICATION_REQUESTED = "clarification_requested"
    RECORDS_SEARCHED = "records_searched"
    RESPONDED = "responded"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Trigger(StrEnum):
    """What an authority can do with a request."""

    SUBMIT = "submit"
    ACKNOWLEDGE = "acknowledge"
    ASK_CLARIFICATION = "ask_clarification"
    CLARIFY = "clarify"
    RECORD_SEARCH = "record_search"
    DEFER = "defer"
    RESPOND = "respond"
    QUERY_RESPONSE = "query_response"
    CLOSE = "close"
    WITHDRAW = "withdraw"
    REOPEN = "reopen"
    ENQUIRE = "enquire"
    REMIND = "remind"
    NOTE = "note"


class Party(StrEnum):
    """The two sides of a request."""

    REQUESTING = "requesting"
    REQUESTED = "requested"

    @property
    def other(self) -> "Party":
        """Return the side across the table."""
        return Party.REQUESTED if self is Party.REQUESTING else Party.REQUESTING


OPEN: Final = (
    State.SUBMITTED,
    State.ACKNOWLEDGED,
    State.CLARIFICATION_REQUESTED,
    State.RECORDS_SEARCHED,
    State.RESPONDED,
)
"""From sent to answered: what either side still has to do something about."""

FINAL: Final = (State.CLOSED, State.WITHDRAWN)
WORKED: Final = (State.ACKNOWLEDGED, State.RECORDS_SEARCHED)
ASKABLE: Final = (State.SUBMITTED, *WORKED)
NEUTRAL: Final = (Trigger.ENQUIRE, Trigger.REMIND, Trigger.NOTE)
"""What both sides can do and what leaves the state as it is."""

AWAITING_ANSWER: Final = (*ASKABLE, State.CLARIFICATION_REQUESTED)
"""The answerer's work: what stands in its queue."""
