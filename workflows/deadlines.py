"""When an answer is due, computed from what happened, and why.

Days are counted in the zone and calendar of the requested authority and a day limit
ends at 23:59:59 of its last day there; hours are elapsed hours, or those in which the
office is open if the regime says so. This module knows arithmetic, not treaties: those
are rows in `regimes`.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache, partial
from operator import attrgetter
from typing import Final, NamedTuple, Protocol, TypeAlias, runtime_checkable
from zoneinfo import ZoneInfo

from workflows.calendars import Calendar
from workflows.office_hours import USUAL, Office, OfficeHours
from workflows.regimes import (
    JUDICIAL,
    OF_THE_DIRECTIVE,
    AnswerRule,
    Clock,
    Origin,
    Regime,
    ReminderStep,
    Unit,
)
from workflows.states import Trigger
from workflows.vocabulary import N_, Ground

Value: TypeAlias = date | datetime | int | str
"""What fills a hole in a line; a date is written out in the reader's language."""


class Happened(Protocol):
    """One step in the history of a request."""

    @property
    def trigger(self) -> Trigger:
        """Return the step."""

    @property
    def at(self) -> datetime:
        """Return the instant, aware."""

    @property
    def fact(self) -> object:
        """Return what the step carried."""


@runtime_checkable
class Postponement(Protocol):
    """A fact that names the day on which the answer is looked at again."""

    @property
    def review_date(self) -> date:
        """Return the day."""


@runtime_checkable
class Wish(Protocol):
    """A fact that may renew the date proposed by the requesting State."""

    @property
    def requested_by(self) -> date | None:
        """Return the date, None if it stays as it was."""


class Kind(StrEnum):
    """What is due."""

    ACKNOWLEDGE = "acknowledge"
    ANSWER = "answer"


class Line(NamedTuple):
    """One sentence of the explanation, with the values for its holes."""

    text: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Pause:
    """The clock stood still from the question to the answer."""

    asked: datetime
    given: datetime | None


class Deadline(NamedTuple):
    """The last instant, the local day it falls on, and how it came about."""

    kind: Kind
    due: datetime
    day: date
    zone: str
    calendar_version: str
    lines: tuple[Line, ...]
    start: datetime
    hours: bool = False
    met_at: datetime | None = None
    paused_since: datetime | None = None
    deferred_at: datetime | None = None
    number: int | None = None
    """The limit that was counted; None if a date was set."""

    pauses: tuple[Pause, ...] = ()
    for_a_court: bool = False
    """It waits for the leave of a court."""


class Lateness(StrEnum):
    """How a deadline stands at an instant."""

    NOT_DUE = "not_due"
    DUE_TODAY = "due_today"
    LATE = "late"
    LONG_LATE = "long_late"


class ReminderKind(StrEnum):
    """What a reminder says; ESCALATE goes to the supervisor."""

    BEFORE = "before"
    ON_DAY = "on_day"
    AFTER = "after"
    ESCALATE = "escalate"


@dataclass(frozen=True)
class Reminder:
    """A reminder to send; `step` is the same however often it is computed."""

    kind: ReminderKind
    at: datetime
    deadline: Kind
    step: str


LONG_LATE_AFTER: Final = 30
"""Days after which late becomes long late."""

MORNING: Final = time(9)
LAST_SECOND: Final = time(23, 59, 59)
ONE_SECOND: Final = timedelta(seconds=1)

STARTS: Final = (Trigger.SUBMIT, Trigger.REOPEN)
ENDS: Final = (Trigger.CLOSE, Trigger.WITHDRAW)
SHOWS_RECEIPT: Final = (
    Trigger.ACKNOWLEDGE,
    Trigger.CLARIFY,
    Trigger.RECORD_SEARCH,
    Trigger.DEFER,
    Trigger.RESPOND,
)
"""Steps from which the request counts as acknowledged, as in the lifecycle.

A question alone does not acknowledge, but it keeps the authority from doing so until
it is answered; the clock of the acknowledgement stands still meanwhile.
"""

STARTED: Final = {
    Trigger.SUBMIT: N_("Received on %(day)s."),
    Trigger.REOPEN: N_("Reopened on %(day)s."),
    Trigger.QUERY_RESPONSE: N_("The response was queried on %(day)s."),
}
LAW: Final = {
    Unit.HOURS: N_("Limit in hours: %(number)s; this is law (%(source)s)."),
    Unit.CALENDAR_DAYS: N_(
        "Limit in calendar days: %(number)s; this is law (%(source)s)."
    ),
    Unit.WORKING_DAYS: N_(
        "Limit in working days: %(number)s; this is law (%(source)s)."
    ),
}
DEFAULT: Final = {
    Unit.HOURS: N_(
        "Limit in hours: %(number)s; this is a default of this service (%(source)s)."
    ),
    Unit.CALENDAR_DAYS: N_(
        "Limit in calendar days: %(number)s;"
        " this is a default of this service (%(source)s)."
    ),
    Unit.WORKING_DAYS: N_(
        "Limit in working days: %(number)s;"
        " this is a default of this service (%(source)s)."
    ),
}
WAITED: Final = {
    Unit.HOURS: N_(
        "Clarification was asked on %(asked)s and given on %(given)s;"
        " minutes waited: %(number)s."
    ),
    Unit.CALENDAR_DAYS: N_(
        "Clarification was asked on %(asked)s and given on %(given)s;"
        " days waited: %(number)s."
    ),
    Unit.WORKING_DAYS: N_(
        "Clarification was asked on %(asked)s and given on %(given)s;"
        " working days waited: %(number)s."
    ),
}
WAITING: Final = N_("Waiting for clarification since %(day)s.")
WISHED: Final = N_(
    "The requesting State proposed %(day)s as the date of the answer (%(source)s)."
)
WISHED_ANEW: Final = N_("The requesting State moved its date from %(old)s to %(new)s.")
WISHED_LENGTH: Final = N_(
    "The date proposed before has passed; the answer has as many days"
    " as were given then: %(number)s."
)
WAITED_OPEN: Final = N_(
    "Clarification was asked on %(asked)s and given on %(given)s;"
    " minutes of office hours waited: %(number)s."
)
IN_OFFICE_HOURS: Final = N_(
    "Hours count while the office is open: %(hours)s (%(zone)s)."
)
ROLLED: Final = N_("%(old)s is not worked; the period runs on to %(new)s.")
NOTICE_BY: Final = N_(
    "If the answer will be later, the requested authority says so with the reasons"
    " as soon as it knows, and by %(day)s at the latest (%(source)s)."
)
FOR_A_COURT: Final = N_(
    "A court has to give leave: the limit gives way as long as that takes. The"
    " requesting authority was told at once of the delay, how long and why, and is"
    " kept informed (%(source)s)."
)
DEFERRED: Final = N_("Deferred from %(old)s to %(new)s.")
DEFERRED_FROM_OPEN: Final = N_("No date was set before; deferred to %(new)s.")
SO_DUE_DAY: Final = N_("So due on %(day)s, by the end of the day.")
SO_DUE_AT: Final = N_("So due at %(at)s.")
DONE: Final = N_("Done on %(day)s.")


def _local_day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def _offset(second: int, zone: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(second, zone).utcoffset()


@lru_cache(maxsize=16384)
def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the last second of `day` in `zone`, in UTC.

    If clocks go back over midnight it is the second 23:59:59, if they go forward
    over it the last second before.
    """
    wall = datetime.combine(day, LAST_SECOND, zone)
    last = wall.replace(fold=1).astimezone(UTC)
    if last.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return last
    # The wall time was skipped: fold 1 lies before the jump, fold 0 behind it.
    before, behind = int(last.timestamp()), int(wall.timestamp())
    offset = _offset(before, zone)
    seconds = range(before, behind + 1)
    jump = bisect_left(seconds, True, key=lambda s: _offset(s, zone) != offset)
    return datetime.fromtimestamp(seconds[jump], UTC) - ONE_SECOND


@dataclass(slots=True)
class _Counting:
    """How one authority counts under one regime."""

    regime: Regime
    calendar: Calendar
    zone: ZoneInfo
    hours: OfficeHours = USUAL

    @property
    def office(self) -> Office | None:
        """Return the office whose hours count, None where all hours do."""
        if self.regime.clock is Clock.ELAPSED:
            return None
        return Office(self.hours, self.calendar, self.zone).that_opens()

    def later(self, start: datetime, length: timedelta) -> datetime:
        return self.office.add(start, length) if self.office else start + length

    def passed(self, start: datetime, end: datetime) -> timedelta:
        return self.office.between(start, end) if self.office else end - start

    def day(self, at: datetime) -> date:
        return _local_day(at, self.zone)

    def add(self, start: date, number: int) -> date:
        if self.regime.unit is Unit.WORKING_DAYS:
            return self.calendar.add_working_days(start, number)
        return start + timedelta(days=number)

    def between(self, start: date, end: date) -> int:
        if self.regime.unit is Unit.WORKING_DAYS:
            return self.calendar.count_working_days(start, end)
        return (end - start).days

    def limit(self, number: int, *, law: bool) -> Line:
        texts = LAW if law else DEFAULT
        values: dict[str, Value] = {"number": number, "source": self.regime.source}
        return Line(texts[self.regime.unit], values)


@dataclass(slots=True)
class _Running:
    """A deadline while its history is read: a last day, or in hours an instant."""

    counting: _Counting
    lines: list[Line]
    day: date | None = None
    instant: datetime | None = None
    asked_at: datetime | None = None
    deferred_at: datetime | None = None
    met_at: datetime | None = None
    number: int | None = None
    pauses: list[Pause] = field(default_factory=list)
    for_a_court: bool = False

    def limit(self, start: datetime, number: int, *, law: bool) -> None:
        self.lines.append(self.counting.limit(number, law=law))
        self.number = number
        if self.counting.regime.unit is Unit.HOURS:
            self.instant = self.counting.later(start, timedelta(hours=number))
            if self.counting.office is not None:
                hours, zone = str(self.counting.hours), str(self.counting.zone)
                self.lines.append(Line(IN_OFFICE_HOURS, {"hours": hours, "zone": zone}))
            return
        self.day = self.counting.add(self.counting.day(start), number)

    def defer(self, at: datetime, to: date, *, for_a_court: bool = False) -> None:
        old = self.instant or self.day
        values: dict[str, Value] = {"new": to}
        if old is not None:
            values["old"] = old
        self.lines.append(Line(DEFERRED if old else DEFERRED_FROM_OPEN, values))
        if for_a_court:
            self.lines.append(Line(FOR_A_COURT, {"source": JUDICIAL.source}))
        self.day, self.instant, self.deferred_at = to, None, at
        self.number, self.for_a_court = None, for_a_court
        # The new date was set knowing of the open question; only later days count.
        if self.asked_at is not None:
            self.asked_at = at

    def wish(self, new: date) -> None:
        if self.day is None:
            source = self.counting.regime.source
            self.lines.append(Line(WISHED, {"day": new, "source": source}))
        else:
            self.lines.append(Line(WISHED_ANEW, {"old": self.day, "new": new}))
        self.day, self.number = new, None

    def resume(self, at: datetime) -> None:
        if self.asked_at is None:
            return
        asked, self.asked_at = self.asked_at, None
        self.pauses.append(Pause(asked, at))
        if self.instant is not None:
            waited_for = self.counting.passed(asked, at)
            self.instant = self.counting.later(self.instant, waited_for)
            minutes = waited_for // timedelta(minutes=1)
            self._waited(Unit.HOURS, asked, at, minutes)
        elif self.day is not None:
            start, end = self.counting.day(asked), self.counting.day(at)
            waited = self.counting.between(start, end)
            self.day = self.counting.add(self.day, waited)
            unit = self.counting.regime.unit
            # An hour limit that was deferred has become a day limit.
            unit = Unit.CALENDAR_DAYS if unit is Unit.HOURS else unit
            self._waited(unit, start, end, waited)

    def _waited(self, unit: Unit, asked: date, given: date, number: int) -> None:
        values: dict[str, Value] = {"asked": asked, "given": given, "number": number}
        in_office = unit is Unit.HOURS and self.counting.office is not None
        self.lines.append(Line(WAITED_OPEN if in_office else WAITED[unit], values))

    def roll(self) -> None:
        """Let a counted period of days run to the next working day, if it may."""
        regime = self.counting.regime
        counted = self.day is not None and self.number is not None
        if not counted or not regime.ends_on_working_day or self.day is None:
            return
        new = self.counting.calendar.next_working_day(self.day)
        if new != self.day:
            self.lines.append(Line(ROLLED, {"old": self.day, "new": new}))
            self.day = new

    def notice(self) -> Line | None:
        """Return by when one has to say that the answer will be later."""
        regime = self.counting.regime
        before = regime.delay_notice_in
        if before is None or self.met_at is not None or self.number is None:
            return None
        source = regime.source
        if regime.code in OF_THE_DIRECTIVE:
            source = JUDICIAL.source
        end: date | None = self.day
        if self.instant is not None:
            end = self.instant - timedelta(hours=before)
        elif self.day is not None:
            end = self.day - timedelta(days=before)
        return None if end is None else Line(NOTICE_BY, {"day": end, "source": source})

    def finish(self, kind: Kind, start: datetime) -> Deadline | None:
        """Return the deadline; None if nothing has set a date."""
        zone = self.counting.zone
        self.roll()
        lines = self.lines
        paused_since = None if self.met_at else self.asked_at
        still = (Pause(paused_since, None),) if paused_since is not None else ()
        if paused_since is not None:
            lines.append(Line(WAITING, {"day": self.counting.day(paused_since)}))
        if self.instant is not None:
            due, day = self.instant, self.counting.day(self.instant)
            lines.append(Line(SO_DUE_AT, {"at": due}))
        elif self.day is not None:
            due, day = end_of_day(self.day, zone), self.day
            lines.append(Line(SO_DUE_DAY, {"day": day}))
        else:
            return None
        notice = self.notice() if kind is Kind.ANSWER else None
        if notice is not None:
            lines.append(notice)
        if self.met_at is not None:
            lines.append(Line(DONE, {"day": self.counting.day(self.met_at)}))
        return Deadline(
            kind=kind,
            due=due,
            day=day,
            zone=str(zone),
            calendar_version=self.counting.calendar.version,
            lines=tuple(lines),
            hours=self.instant is not None,
            met_at=self.met_at,
            paused_since=paused_since,
            deferred_at=self.deferred_at,
            start=start,
            number=self.number,
            pauses=(*self.pauses, *still),
            for_a_court=self.for_a_court,
        )


class _Step(NamedTuple):
    """A step of the history with its instant in UTC."""

    trigger: Trigger
    at: datetime
    fact: object


_at: Final = attrgetter("at")


def _in_utc(at: datetime) -> datetime:
    if at.tzinfo is UTC:
        return at
    if at.utcoffset() is None:
        raise ValueError("the history needs instants with a zone")
    return at.astimezone(UTC)


def _in_order(history: Sequence[Happened]) -> list[_Step]:
    """Return the steps from the last sending on, oldest first."""
    steps = [_Step(step.trigger, _in_utc(step.at), step.fact) for step in history]
    steps.sort(key=_at)
    sent = [n for n, step in enumerate(steps) if step.trigger is Trigger.SUBMIT]
    return steps[sent[-1] :] if sent else []


def _last(steps: Sequence[_Step], triggers: Sequence[Trigger]) -> int:
    """Return where the last such step stands; the first step is the sending."""
    for place in range(len(steps) - 1, 0, -1):
        if steps[place].trigger in triggers:
            return place
    return 0


def _started(step: _Step, counting: _Counting) -> list[Line]:
    return [Line(STARTED[step.trigger], {"day": counting.day(step.at)})]


def _acknowledgement(steps: Sequence[_Step], counting: _Counting) -> Deadline | None:
    """Return the deadline of the acknowledgement, if the regime knows one.

    What was acknowledged before a request was closed stays acknowledged.
    """
    regime = counting.regime
    if regime.acknowledge_in is None:
        return None
    receipts = (n for n, step in enumerate(steps) if step.trigger in SHOWS_RECEIPT)
    received = next(receipts, len(steps))
    start = _last(steps[:received], STARTS)
    running = _Running(counting, _started(steps[start], counting))
    law = regime.hard_number and regime.acknowledge_evidence == "S"
    running.limit(steps[start].at, regime.acknowledge_in, law=law)
    for step in steps[start : received + 1]:
        if step.trigger is Trigger.ASK_CLARIFICATION:
            running.asked_at = step.at
        elif step.trigger in (*SHOWS_RECEIPT, *ENDS):
            running.met_at, running.asked_at = step.at, None
    return running.finish(Kind.ACKNOWLEDGE, steps[start].at)


def _wish(running: _Running, steps: Sequence[_Step], start: int, first: date) -> None:
    """Set the requester's date as it stood when the clock started."""
    counting, began = running.counting, steps[start].at
    wished, since = first, steps[0].at
    for step in steps[:start]:
        if step.trigger is Trigger.CLARIFY and isinstance(step.fact, Wish):
            renewed = step.fact.requested_by
            wished, since = (renewed, step.at) if renewed else (wished, since)
    running.wish(wished)
    if start and wished < counting.day(began):
        length = max((wished - counting.day(since)).days, 0)
        running.lines.append(Line(WISHED_LENGTH, {"number": length}))
        running.day = counting.day(began) + timedelta(days=length)


def _answer(
    steps: Sequence[_Step], counting: _Counting, requested_by: date | None
) -> Deadline | None:
    """Return the deadline of the answer; None while nothing sets a date.

    A query starts a new period. Sources: design of this service.
    """
    regime = counting.regime
    start = _last(steps, (*STARTS, Trigger.QUERY_RESPONSE))
    running = _Running(counting, _started(steps[start], counting))
    if regime.answer_rule is AnswerRule.REQUESTER_DATE:
        if requested_by is not None:
            _wish(running, steps, start, requested_by)
    elif regime.answer_in is not None:
        running.limit(steps[start].at, regime.answer_in, law=regime.binding_source)
    for step in steps[start + 1 :]:
        _read(running, step)
    return running.finish(Kind.ANSWER, steps[start].at)


def _read(running: _Running, step: _Step) -> None:
    """Let one step after the start move the answer."""
    regime = running.counting.regime
    match step.trigger:
        case Trigger.ASK_CLARIFICATION if regime.paused_by_clarification:
            running.asked_at = running.asked_at or step.at
        case Trigger.CLARIFY:
            running.resume(step.at)
            dated = regime.answer_rule is AnswerRule.REQUESTER_DATE
            if dated and isinstance(step.fact, Wish) and step.fact.requested_by:
                running.wish(step.fact.requested_by)
        case Trigger.DEFER:
            if not isinstance(step.fact, Postponement):
                raise TypeError("a deferral names its review date")
            ground = getattr(step.fact, "ground", None)
            running.defer(
                step.at,
                step.fact.review_date,
                for_a_court=ground == Ground.G_JUDICIAL_AUTH_PENDING
                and regime.code in OF_THE_DIRECTIVE,
            )
        case Trigger.RESPOND | Trigger.CLOSE | Trigger.WITHDRAW:
            running.met_at = running.met_at or step.at
        case _:
            pass


def schedule(
    history: Sequence[Happened],
    regime: Regime,
    calendar: Calendar,
    zone: ZoneInfo,
    *,
    requested_by: date | None = None,
    hours: OfficeHours = USUAL,
) -> tuple[Deadline, ...]:
    """Return what is or was due under `regime`, the acknowledgement first.

    Nothing is due before the request is sent.
    """
    steps = _in_order(history)
    if not steps:
        return ()
    counting = _Counting(regime, calendar, zone, hours)
    found = (
        _acknowledgement(steps, counting),
        _answer(steps, counting, requested_by),
    )
    return tuple(deadline for deadline in found if deadline is not None)


def days_late(deadline: Deadline, now: datetime) -> int:
    """Count the local days since the day it was due; never negative.

    While a clarification is open the clock stands where the question stopped it.
    """
    if deadline.met_at is not None:
        return 0
    today = _local_day(_moment(deadline, now), ZoneInfo(deadline.zone))
    return max((today - deadline.day).days, 0)


def lateness(deadline: Deadline, now: datetime) -> Lateness:
    """Say how the deadline stands; one that was met is never late."""
    if deadline.met_at is not None:
        return Lateness.NOT_DUE
    moment = _moment(deadline, now)
    if moment > deadline.due:
        long = days_late(deadline, now) > LONG_LATE_AFTER
        return Lateness.LONG_LATE if long else Lateness.LATE
    today = _local_day(moment, ZoneInfo(deadline.zone))
    return Lateness.DUE_TODAY if today == deadline.day else Lateness.NOT_DUE


def _moment(deadline: Deadline, now: datetime) -> datetime:
    # Whole seconds, or the last second of a day would already be late.
    stopped = min(now, deadline.paused_since) if deadline.paused_since else now
    return stopped.replace(microsecond=0)


DEFAULT_STEPS: Final = (
    (ReminderKind.BEFORE, -2),
    (ReminderKind.ON_DAY, 0),
    (ReminderKind.AFTER, 1),
    (ReminderKind.ESCALATE, 7),
    (ReminderKind.ESCALATE, 30),
)
"""Days from the day due. Hour limits are too short for the first."""

SHORT: Final = {Unit.HOURS: "h", Unit.CALENDAR_DAYS: "d", Unit.WORKING_DAYS: "d"}


def _morning(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, MORNING, zone).astimezone(UTC)


def _shift(origin: datetime, number: int, unit: Unit, zone: ZoneInfo) -> datetime:
    """Return the instant so many hours off, or nine o'clock so many days off."""
    if unit is Unit.HOURS:
        return origin + timedelta(hours=number)
    return _morning(_local_day(origin, zone) + timedelta(days=number), zone)


def _kind(deadline: Deadline, at: datetime) -> ReminderKind:
    local = partial(_local_day, zone=ZoneInfo(deadline.zone))
    there = at if deadline.hours else local(at)
    due = deadline.due if deadline.hours else deadline.day
    if there == due:
        return ReminderKind.ON_DAY
    return ReminderKind.BEFORE if there < due else ReminderKind.AFTER


def _by_default(deadline: Deadline) -> Iterator[Reminder]:
    zone = ZoneInfo(deadline.zone)
    for kind, days in DEFAULT_STEPS:
        if deadline.hours and kind is ReminderKind.BEFORE:
            continue
        if deadline.hours:
            at = deadline.due + timedelta(days=days)
        else:
            at = _morning(deadline.day + timedelta(days=days), zone)
        step = f"{deadline.kind}:due:{days:+d}d"
        yield Reminder(kind, at, deadline.kind, step)


def _repeated(step: ReminderStep, start: datetime, deadline: Deadline) -> Iterator[int]:
    """Count the multiples of a repeated step that fall before the deadline."""
    number = step.at
    zone = ZoneInfo(deadline.zone)
    while _shift(start, number, step.unit, zone) < deadline.due:
        yield number
        number += step.at


def _by_regime(
    deadline: Deadline, regime: Regime, clock_start: datetime
) -> Iterator[Reminder]:
    zone = ZoneInfo(deadline.zone)
    for step in regime.reminders:
        origin, numbers = clock_start, iter((step.at,))
        if step.origin is Origin.DUE:
            origin = deadline.due
        if step.origin is Origin.REPEAT_FROM_DEFER:
            if deadline.deferred_at is None:
                continue
            origin = deadline.deferred_at
            numbers = _repeated(step, origin, deadline)
        for number in numbers:
            at = _shift(origin, number, step.unit, zone)
            key = f"{deadline.kind}:{step.origin}:{number:+d}{SHORT[step.unit]}"
            yield Reminder(_kind(deadline, at), at, deadline.kind, key)


def _at_work(
    reminder: Reminder, deadline: Deadline, reader: Office, after: datetime
) -> Reminder:
    """Return a reminder in the opening hours of its reader.

    What comes before the end moves back to when the office was open last, what comes
    after it on to when it opens next; so does what would move back behind the start.
    It says what is so on the day on which it comes.
    """
    back, on = reader.open_before(reminder.at), reader.open_from(reminder.at)
    if reminder.kind not in (ReminderKind.BEFORE, ReminderKind.ON_DAY):
        return replace(reminder, at=on)
    ways = [at for at in (back, on) if at is not None and (at > after or at == on)]
    if reminder.kind is ReminderKind.ON_DAY:
        ways.sort(key=lambda at: _kind(deadline, at) is not ReminderKind.ON_DAY)
    return replace(reminder, at=ways[0], kind=_kind(deadline, ways[0]))


def _once_a_day(found: Sequence[Reminder], zone: ZoneInfo) -> Iterator[Reminder]:
    """Leave out what would say on one day a second time that the end is near."""
    days = set()
    for reminder in found:
        day = _local_day(reminder.at, zone)
        if reminder.kind is ReminderKind.BEFORE:
            if day in days:
                continue
            days.add(day)
        yield reminder


def reminders(
    deadline: Deadline,
    regime: Regime,
    clock_start: datetime,
    *,
    reader: Office | None = None,
) -> tuple[Reminder, ...]:
    """Return the reminders of a deadline in order, one for each instant.

    The regime's own steps are about the answer. What was done needs no reminder, nor
    does what waits for the other side. Nobody is called from the weekend: reminders
    keep to the hours of their `reader`, but for those of a limit in hours.
    """
    if deadline.met_at is not None or deadline.paused_since is not None:
        return ()
    if deadline.for_a_court:
        regime = JUDICIAL
    found = list(_by_default(deadline))
    if deadline.kind is Kind.ANSWER:
        found += _by_regime(deadline, regime, clock_start)
    keeps_hours = reader is not None and not deadline.hours
    if reader is not None and keeps_hours:
        found = [_at_work(one, deadline, reader, clock_start) for one in found]
    # Of two at the same instant the default stays: it may be the one that escalates.
    first = {reminder.at: reminder for reminder in reversed(found)}
    plan = [first[at] for at in sorted(first) if at >= clock_start]
    return tuple(_once_a_day(plan, ZoneInfo(deadline.zone)) if keeps_hours else plan)
