"""Why a request is due when it is: from its history and the versions it keeps.

Nothing of it is stored: the same history, regime, calendar and hours give the same
days years later, on both sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select

from tracing.casework.apply import known_of, regime_of, schedule_of
from tracing.directory.versions import Known
from tracing.extensions import db
from tracing.models import DueChange, RequestEvent, TraceRequest
from workflows import deadlines, explained
from workflows.deadlines import Deadline
from workflows.explained import Row
from workflows.regimes import Regime, both_in_union
from workflows.states import State, Trigger
from workflows.vocabulary import LegalBasis

COUNTED = frozenset(
    {
        Trigger.SUBMIT,
        Trigger.ACKNOWLEDGE,
        Trigger.ASK_CLARIFICATION,
        Trigger.CLARIFY,
        Trigger.RECORD_SEARCH,
        Trigger.DEFER,
        Trigger.RESPOND,
        Trigger.QUERY_RESPONSE,
        Trigger.CLOSE,
        Trigger.WITHDRAW,
        Trigger.REOPEN,
    }
)
"""Steps that a due date is counted from."""


@dataclass(frozen=True)
class Explanation:
    """The due dates of a request with all they hang on."""

    reference: str
    regime: Regime
    known: Known
    zone: ZoneInfo
    plan: tuple[Deadline, ...]
    history: tuple[RequestEvent, ...]
    is_preview: bool = False
    moves: Sequence[DueChange] = ()

    def days(self, deadline: Deadline) -> tuple[Row, ...]:
        """Return the days of one deadline."""
        calendar, hours = self.known.calendar, self.known.hours
        return explained.days(deadline, self.regime, calendar, hours=hours)


def of_request(request: TraceRequest, now: datetime) -> Explanation | None:
    """Return why a request is due when it is; of a draft, as if it were sent now."""
    if request.requested is None:
        return None
    if request.state is State.DRAFT:
        return _foreseen(request, now)
    known = known_of(request, request.changed_at)
    return Explanation(
        request.reference,
        regime_of(request),
        known,
        ZoneInfo(request.requested.zone),
        schedule_of(request, known),
        tuple(event for event in request.events if event.trigger in COUNTED),
        moves=moves_of(request),
    )


def _foreseen(request: TraceRequest, now: datetime) -> Explanation | None:
    if request.requested is None or request.legal_basis is None:
        return None
    sent = RequestEvent(
        trigger=Trigger.SUBMIT,
        before=State.DRAFT,
        after=State.SUBMITTED,
        authority_id=request.sealed_for,
        at=now,
        carried={},
    )
    known = known_of(request, now)
    zone = ZoneInfo(request.requested.zone)
    regime = regime_of(request)
    plan = deadlines.schedule(
        [sent],
        regime,
        known.calendar,
        zone,
        requested_by=request.requested_by,
        hours=known.hours,
    )
    return Explanation(
        request.reference, regime, known, zone, plan, (sent,), is_preview=True
    )


def moves_of(request: TraceRequest) -> Sequence[DueChange]:
    """Return when a calendar has moved what is due, oldest first."""
    return db.session.scalars(
        select(DueChange)
        .where(DueChange.request_id == request.id)
        .order_by(DueChange.id)
    ).all()


def fits_the_basis(request: TraceRequest) -> bool:
    """Tell whether the legal basis can bind both States: a directive binds members."""
    if request.requested is None or request.legal_basis is not LegalBasis.EU_2023_977:
        return True
    return both_in_union({request.requesting.country, request.requested.country})
