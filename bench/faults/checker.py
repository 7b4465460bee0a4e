"""What the database says, against what people were told."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Self

from flask import Flask, current_app
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from bench.faults.history import OK, REFUSED, Action, actions
from tracing.casework import attachments
from tracing.casework.apply import utcnow
from tracing.cli import main as command_line
from tracing.extensions import db
from tracing.models import (
    Attachment,
    FormKey,
    OutboxMessage,
    RequestEvent,
    TraceRequest,
)
from tracing.notifications.compose import EVENTS
from workflows.lifecycle import RULES
from workflows.states import State, Trigger

MARKED_IN = {
    Trigger.RECORD_SEARCH: "key",
    Trigger.RESPOND: "text",
    Trigger.CLOSE: "feedback",
}
"""Where a step carries the mark of the form that took it."""


@dataclass
class Verdict:
    """What was found: the counts, and in words whatever else is wrong."""

    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __iadd__(self, other: "Verdict") -> Self:
        """Take another one in."""
        self.acknowledged += other.acknowledged
        self.lost += other.lost
        self.doubled += other.doubled
        self.wrong += other.wrong
        return self

    @property
    def words(self) -> Iterator[str]:
        """Yield every finding."""
        yield from (f"lost: {text}" for text in self.lost)
        yield from (f"doubled: {text}" for text in self.doubled)
        yield from (f"wrong: {text}" for text in self.wrong)


def check(app: Flask, history: Path | None = None) -> Verdict:
    """Compare the database with a history, where there is one, and with itself."""
    verdict = Verdict()
    with app.app_context():
        requests = {found.reference: found for found in _requests()}
        if history is not None:
            _tried(verdict, list(actions(history)), requests)
        for found in requests.values():
            verdict.wrong += _faults(found)
        _messages(verdict, requests.values())
        _files(verdict)
        db.session.rollback()
        db.session.remove()
    verdict.wrong += verify(app)
    return verdict


def verify(app: Flask) -> list[str]:
    """Run `tracing journal verify`; return what it says unless all is whole."""
    done = app.test_cli_runner().invoke(command_line, ["journal", "verify"])
    return [] if done.exit_code == 0 else [f"journal verify: {done.output[-800:]}"]


def _requests() -> list[TraceRequest]:
    return list(
        db.session.scalars(
            select(TraceRequest)
            .options(selectinload(TraceRequest.events))
            .execution_options(populate_existing=True)
        )
    )


def _tried(
    verdict: Verdict, tried: list[Action], requests: dict[str, TraceRequest]
) -> None:
    """Look for the effect of everything that was tried."""
    marks = defaultdict(list)
    for request in requests.values():
        marks[request.domestic_searches].append(request.reference)
    keys = dict(db.session.execute(select(FormKey.key, FormKey.reference)).all())
    known = {action.said["mark"] for action in tried if action.kind == "draft"}
    for mark, references in marks.items():
        if mark not in known:
            verdict.doubled.append(f"{references}: nobody tried to file them")
    steps: Counter[tuple[str, str]] = Counter()
    for action in tried:
        if action.kind == "look":
            verdict.acknowledged += action.outcome == OK
            continue
        if action.kind == "draft":
            _judge(verdict, action, len(marks[action.said["mark"]]))
            if action.outcome == OK and (
                marks[action.said["mark"]] != [action.reference]
                or keys.get(action.said["key"]) != action.reference
            ):
                verdict.wrong.append(f"{action.reference} is kept under another name")
            continue
        request = requests.get(action.reference)
        events = _events_of(request, action) if request else []
        _judge(verdict, action, len(events))
        steps[action.reference, action.kind] += 1
    for request in requests.values():
        for event in request.events:
            if not steps[request.reference, event.trigger.value]:
                text = f"{request.reference}: nobody tried to {event.trigger.value}"
                verdict.doubled.append(text)


def _judge(verdict: Verdict, action: Action, found: int) -> None:
    text = f"{action.kind} {action.said}: {action.outcome}, {found} times there"
    verdict.acknowledged += action.outcome == OK
    if action.outcome == OK and found == 0:
        verdict.lost.append(text)
    if found > 1:
        verdict.doubled.append(text)
    if action.outcome == REFUSED and found:
        verdict.wrong.append(text)


def _events_of(request: TraceRequest, action: Action) -> list[RequestEvent]:
    """Return the steps that an action has taken."""
    trigger = Trigger(action.kind)
    name = MARKED_IN.get(trigger)
    return [
        event
        for event in request.events
        if event.trigger is trigger
        and (name is None or event.carried.get(name) == action.said["mark"])
    ]


def _faults(request: TraceRequest) -> Iterator[str]:
    """Yield what is wrong with a history: a gap, a step no rule allows."""
    state = State.DRAFT
    for place, event in enumerate(request.events, 1):
        allowed = any(
            rule.trigger is event.trigger
            and event.before in rule.sources
            and event.after is (rule.to or event.before)
            for rule in RULES
        )
        if event.position != place or event.before is not state or not allowed:
            yield f"{request.reference}: step {place} cannot follow"
        state = event.after
    if request.state is not state:
        yield f"{request.reference} is {request.state}, its history says {state}"


def _messages(verdict: Verdict, requests: Iterable[TraceRequest]) -> None:
    """Each step tells each address once."""
    written: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    for number, event, recipient in db.session.execute(
        select(
            OutboxMessage.request_id, OutboxMessage.event, OutboxMessage.recipient
        ).where(OutboxMessage.reminder_key.is_(None))
    ):
        written[number, event][recipient] += 1
    for request in requests:
        taken = Counter(
            EVENTS[event.trigger] for event in request.events if event.trigger in EVENTS
        )
        there = {event for number, event in written if number == request.id}
        for name in there | set(taken):
            found = written.get((request.id, name), Counter())
            if not found or max(found.values()) < taken[name]:
                verdict.lost.append(f"{request.reference}: nobody is told: {name}")
            if found and max(found.values()) > taken[name]:
                verdict.doubled.append(f"{request.reference}: told twice: {name}")


def _files(verdict: Verdict) -> None:
    """No row without its content; no content without a row once it is tidied up."""
    attachments.clean_up(now=utcnow() + timedelta(hours=2))
    kept = {name for name, _ in current_app.extensions[attachments.STORE].kept()}
    rows = db.session.scalars(select(Attachment).where(Attachment.stored.is_not(None)))
    named: set[str] = set()
    for row in rows:
        for name in filter(None, (row.stored, row.thumbnail)):
            named.add(name)
            if name not in kept:
                verdict.lost.append(f"file {row.id} of request {row.request_id}")
    if orphans := kept - named:
        verdict.wrong.append(f"{len(orphans)} files have no row")
