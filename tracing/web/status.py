"""The state of a request in words: for this side, with who must act."""

from dataclasses import dataclass
from datetime import date, datetime

from tracing.casework.apply import deadline_of
from tracing.casework.queries import Listed
from tracing.models import TraceRequest
from tracing.web.context import country, day, said
from tracing.words import _, plural
from workflows.deadlines import Deadline, Kind
from workflows.lifecycle import rules_of
from workflows.states import FINAL, Party, State, Trigger
from workflows.vocabulary import N_, HandlingCode, Outcome


@dataclass(frozen=True, slots=True)
class Tag:
    """What stands beside a reference: tone says who must act, words carry it."""

    tone: str
    icon: str
    words: str


_FOUND = frozenset(
    {
        Outcome.FULL,
        Outcome.FULL_HOLDER_ONLY,
        Outcome.REPORTED_STOLEN,
        Outcome.REPORTED_LOST,
        Outcome.DESTROYED_ON_RECORD,
        Outcome.DEACTIVATED_ON_RECORD,
        Outcome.STATE_STOCK,
    }
)
_ELSEWHERE = frozenset(
    {
        Outcome.EXPORTED,
        Outcome.TRANSIT_ONLY,
        Outcome.WRONG_ADDRESSEE,
        Outcome.DUPLICATE,
    }
)
_OUTCOMES = {
    Outcome.FULL: N_("Answered"),
    Outcome.FULL_HOLDER_ONLY: N_("Last legal holder found"),
    Outcome.PARTIAL: N_("Answered in part"),
    Outcome.NO_RECORD: N_("No record found"),
    Outcome.RECORD_EXPIRED: N_("Records no longer exist"),
    Outcome.CANNOT_IDENTIFY: N_("Cannot be identified"),
    Outcome.NOT_OUR_MANUFACTURE: N_("Not made here"),
    Outcome.EXPORTED: N_("Exported to another State"),
    Outcome.TRANSIT_ONLY: N_("Only in transit"),
    Outcome.WRONG_ADDRESSEE: N_("Ask another authority"),
    Outcome.DUPLICATE: N_("Already asked"),
    Outcome.RESTRICTED: N_("Answered, restricted"),
    Outcome.REFUSED: N_("Refused"),
}
_PLAIN = {
    State.DRAFT: ("grey", "dashed-square", N_("Draft"), N_("Draft")),
    State.SUBMITTED: ("grey", "arrow", N_("Sent"), N_("New")),
    State.ACKNOWLEDGED: ("grey", "clock", N_("Acknowledged"), N_("Acknowledged")),
    State.CLARIFICATION_REQUESTED: (
        "amber",
        "question",
        N_("They ask you"),
        N_("Waiting for clarification"),
    ),
    State.RECORDS_SEARCHED: (
        "grey",
        "clock",
        N_("Records searched"),
        N_("Records searched, answer next"),
    ),
    State.CLOSED: ("grey", "tick", N_("Closed"), N_("Closed")),
    State.WITHDRAWN: ("grey", "cross", N_("Withdrawn"), N_("Withdrawn")),
}


def outcome_tag(outcome: Outcome) -> Tag:
    """Return the tag of an answer."""
    words = _(_OUTCOMES.get(outcome, outcome.label))
    if outcome is Outcome.REFUSED:
        return Tag("grey", "barred-ring", words)
    if outcome is Outcome.RESTRICTED:
        return Tag("violet", "lock", words)
    if outcome is Outcome.PARTIAL:
        return Tag("green", "half-tick", words)
    if outcome in _FOUND:
        return Tag("green", "tick", words)
    if outcome in _ELSEWHERE:
        return Tag("blue", "arrow", words)
    return Tag("grey", "ring", words)


def tag_of(
    request: TraceRequest | Listed, side: Party, last: Trigger | None = None
) -> Tag:
    """Return the tag of a request for one side; `last` is the last step taken."""
    answering = side is Party.REQUESTED
    if request.state is State.RESPONDED and request.outcome is not None:
        return outcome_tag(request.outcome)
    match request.state, last:
        case (State.ACKNOWLEDGED, Trigger.QUERY_RESPONSE):
            words = (
                _("They ask about your answer")
                if answering
                else _("You asked about the answer")
            )
            return Tag("amber", "question", words)
        case (State.ACKNOWLEDGED | State.RECORDS_SEARCHED, Trigger.CLARIFY):
            words = _("Clarified, continue") if answering else _("Clarified")
            return Tag("blue", "star", words)
        case (State.ACKNOWLEDGED | State.SUBMITTED, Trigger.REOPEN):
            return Tag("blue", "star", _("Reopened"))
    tone, icon, asking, answer = _PLAIN.get(request.state, _PLAIN[State.CLOSED])
    if answering and request.state is State.SUBMITTED:
        tone, icon = "blue", "star"
    return Tag(tone, icon, _(answer if answering else asking))


def days_left(due: datetime, now: datetime, zone_day: date, today: date) -> str:
    """Return how far the due day is, in words."""
    if now > due:
        late = max((today - zone_day).days, 1)
        return plural("%(num)d day late", "%(num)d days late", late)
    left = (zone_day - today).days
    if left == 0:
        return _("due today")
    return plural("%(num)d day left", "%(num)d days left", left)


def next_words(request: TraceRequest, side: Party, plan: tuple[Deadline, ...]) -> str:
    """Return who must do what by when, and what happens if not."""
    other = request.requesting if side is Party.REQUESTED else request.requested
    them = country(other.country) if other else ""
    answer = deadline_of(plan, Kind.ANSWER)
    by = day(answer.day) if answer else ""
    acknowledge = deadline_of(plan, Kind.ACKNOWLEDGE)
    first = day(acknowledge.day) if acknowledge else by
    answering = side is Party.REQUESTED
    match request.state:
        case State.DRAFT:
            return _("Complete the request and send it. Nobody else can see it.")
        case State.SUBMITTED if answering:
            return _(
                "Acknowledge by %(first)s, so that %(them)s knows it has arrived."
                " The answer is due by %(by)s.",
                first=first,
                them=them,
                by=by,
            )
        case State.SUBMITTED:
            return _(
                "%(them)s should acknowledge by %(first)s and answer by %(by)s."
                " We remind them before that day and after it.",
                first=first,
                them=them,
                by=by,
            )
        case State.CLARIFICATION_REQUESTED if answering:
            return (
                _(
                    "You asked %(them)s for clarification."
                    " The time to answer is paused until they reply.",
                    them=them,
                )
                if _paused(answer)
                else _(
                    "You asked %(them)s for clarification. The time to answer runs on:"
                    " it is due by %(by)s.",
                    them=them,
                    by=by,
                )
            )
        case State.CLARIFICATION_REQUESTED:
            return _(
                "%(them)s asks you. They can go on once you have answered each"
                " question.",
                them=them,
            )
        case State.ACKNOWLEDGED if answering:
            return _(
                "Search your records and record each search, then answer %(them)s"
                " by %(by)s.",
                them=them,
                by=by,
            )
        case State.RECORDS_SEARCHED if answering:
            return _("Answer %(them)s by %(by)s.", them=them, by=by)
        case State.ACKNOWLEDGED | State.RECORDS_SEARCHED:
            return _(
                "%(them)s is working on it. The answer is due by %(by)s.",
                them=them,
                by=by,
            )
        case State.RESPONDED if answering:
            return _(
                "%(them)s reads your answer. They may ask about it, or close the"
                " request.",
                them=them,
            )
        case State.RESPONDED:
            return _(
                "Read the answer. Then ask the next State, ask about the answer, or"
                " close the request."
            )
        case _:
            return _("Nothing more is due. The request can be reopened with a reason.")


def _paused(answer: Deadline | None) -> bool:
    return answer is not None and answer.paused_since is not None


def steps_of(
    request: TraceRequest, plan: tuple[Deadline, ...], zone: str
) -> list[dict[str, str]]:
    """Return the way of a request: what is done, what is now, what comes."""
    wanted = [
        (Trigger.SUBMIT, _("Sent"), State.SUBMITTED),
        (Trigger.ACKNOWLEDGE, _("Acknowledged"), State.ACKNOWLEDGED),
        (Trigger.RECORD_SEARCH, _("Records searched"), State.RECORDS_SEARCHED),
        (Trigger.RESPOND, _("Answered"), State.RESPONDED),
        (Trigger.CLOSE, _("Closed"), State.CLOSED),
    ]
    if request.state is State.CLARIFICATION_REQUESTED:
        asked = (
            Trigger.ASK_CLARIFICATION,
            _("Clarification"),
            State.CLARIFICATION_REQUESTED,
        )
        wanted.insert(3, asked)
    if request.state is State.WITHDRAWN:
        wanted[-1] = (Trigger.WITHDRAW, _("Withdrawn"), State.WITHDRAWN)
    at = {event.trigger: event.at for event in request.events}
    answer = deadline_of(plan, Kind.ANSWER)
    found = []
    for trigger, label, state in wanted:
        when = at.get(trigger)
        status = "done" if when else "todo"
        if state is request.state and state not in FINAL:
            status = "cur"
        words = day(when, zone) if when else ""
        if not when and trigger is Trigger.RESPOND and answer:
            words = _("due %(date)s", date=day(answer.day))
        found.append({"label": label, "when": words, "status": status})
    return found


def told(trigger: Trigger) -> str:
    """Return the step as the history tells it."""
    return said(rules_of(trigger)[0].told)


def asked(trigger: Trigger) -> str:
    """Return the step as its button says it."""
    return said(rules_of(trigger)[0].asked)


def caveat(code: str) -> str:
    """Return a handling code in words."""
    return said(HandlingCode(code).label)
