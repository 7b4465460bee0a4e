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
    ASK_PERMISSION = "ask_permission"
    GIVE_PERMISSION = "give_permission"
    REFUSE_PERMISSION = "refuse_permission"
    ANNOUNCE_DISCLOSURE = "announce_disclosure"
    RECORD_DISCLOSURE = "record_disclosure"
    CANNOT_KEEP = "cannot_keep"
    LIFT_CONFIDENTIALITY = "lift_confidentiality"


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

SENT: Final = (*OPEN, *FINAL)
BESIDE: Final = (
    Trigger.ASK_PERMISSION,
    Trigger.GIVE_PERMISSION,
    Trigger.REFUSE_PERMISSION,
    Trigger.ANNOUNCE_DISCLOSURE,
    Trigger.RECORD_DISCLOSURE,
    Trigger.CANNOT_KEEP,
    Trigger.LIFT_CONFIDENTIALITY,
)
"""What is agreed on confidentiality: it leaves the state, and goes on after the end."""

AWAITING_ANSWER: Final = (*ASKABLE, State.CLARIFICATION_REQUESTED)
"""The answerer's work: what stands in its queue."""
