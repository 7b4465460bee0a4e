"""Reminders: rows that say when they are owed, and the sweep that turns them to mail.

The sweep costs what is due, not what is open: it reads the index of owed rows alone.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload, lazyload, load_only

from tracing import crash
from tracing.extensions import db
from tracing.models import (
    Account,
    Authority,
    Delivery,
    DueWork,
    OutboxMessage,
    Role,
    TraceRequest,
)
from tracing.notifications import compose
from tracing.notifications.compose import Recipient
from workflows import policies
from workflows.deadlines import (
    LAST_SECOND,
    STARTS,
    Deadline,
    Happened,
    Kind,
    Reminder,
    ReminderKind,
    reminders,
)
from workflows.office_hours import Office
from workflows.regimes import Regime
from workflows.states import State, Trigger

BATCH: Final = 500
LONGEST_KEY: Final = 200
RESTARTS: Final = (*STARTS, Trigger.QUERY_RESPONSE)


def plan_for(
    request: TraceRequest,
    deadlines: Iterable[Deadline],
    regime: Regime,
    *,
    first: bool = False,
    reader: Office | None = None,
) -> None:
    """Owe the reminders of these deadlines, and no others. The caller commits.

    With the first step of a request nothing is owed yet, and is not looked for.
    """
    plan = planned(request.events, deadlines, regime, reader)
    before = () if first else rows_of(request)
    db.session.add_all(due_work_for(request.id, plan, before, now=request.changed_at))


def planned(
    events: Iterable[Happened],
    deadlines: Iterable[Deadline],
    regime: Regime,
    reader: Office | None,
) -> list[tuple[Reminder, datetime]]:
    """Return the reminders of these deadlines, each with the value of its own."""
    begun = [event.at for event in events if event.trigger in RESTARTS]
    return [
        (reminder, deadline.due)
        for deadline in deadlines
        for reminder in reminders(deadline, regime, max(begun), reader=reader)
        if begun
    ]


def due_work_for(
    request_id: int,
    plan: Iterable[tuple[Reminder, datetime]],
    rows: Iterable[DueWork],
    *,
    now: datetime,
) -> list[DueWork]:
    """Return the rows to add for reminders, each with the value of its deadline.

    Rows that are done stay; others stay only while the plan has them. What a changed
    deadline puts into the past is not owed, unless it was owed before the change.
    """
    rows = list(rows)
    wanted = {(reminder.step, due): reminder for reminder, due in plan}
    owed = {row.step for row in rows if not row.done and row.at <= now}
    for row in rows:
        reminder = wanted.pop((row.step, row.deadline_value), None)
        if row.done:
            continue
        if reminder is None:
            db.session.delete(row)
        else:
            row.at, row.kind = reminder.at, reminder.kind.value
    return [
        DueWork(
            request_id=request_id,
            step=step,
            kind=reminder.kind.value,
            deadline=reminder.deadline.value,
            deadline_value=due,
            at=reminder.at,
        )
        for (step, due), reminder in wanted.items()
        if reminder.at > now or step in owed
    ]


def rows_of(request: TraceRequest) -> Sequence[DueWork]:
    """Return what is owed for a request, or was."""
    db.session.flush()
    return db.session.scalars(
        select(DueWork).where(DueWork.request_id == request.id)
    ).all()


def sweep(now: datetime, *, domain: str, batch: int = BATCH) -> int:
    """Turn what is owed into messages, a batch at a time; return how many."""
    written = 0
    while owed := _owed(now, batch):
        crash.at("reminder.claimed")
        messages = list(_messages(owed, now, domain))
        _write(messages)
        crash.at("reminder.written")
        db.session.execute(
            update(DueWork)
            .where(DueWork.id.in_([row.id for row in owed]))
            .values(done=True)
            .execution_options(synchronize_session=False)
        )
        crash.at("reminder.done")
        db.session.commit()
        crash.at("reminder.committed")
        db.session.expire_all()
        written += len(messages)
    db.session.rollback()
    return written


def _owed(now: datetime, batch: int) -> Sequence[DueWork]:
    """Lock a batch of owed rows, and the other owed rows of the same requests."""
    waiting = (
        select(DueWork)
        .where(DueWork.done.is_(False), DueWork.at <= now)
        .order_by(DueWork.at, DueWork.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    found = db.session.scalars(waiting.limit(batch)).all()
    if len(found) < batch:
        return found
    # Steps of one deadline become one mail: none may wait for the next batch.
    ids = {row.request_id for row in found}
    rest = waiting.where(DueWork.request_id.in_(ids))
    return list({row.id: row for row in (*found, *db.session.scalars(rest))}.values())


def _requests(ids: set[int]) -> Mapping[int, TraceRequest]:
    """Load what a reminder needs to know of its request, in one query."""
    found = db.session.scalars(
        select(TraceRequest)
        .where(TraceRequest.id.in_(ids))
        .options(
            load_only(
                TraceRequest.reference,
                TraceRequest.state,
                TraceRequest.open,
                TraceRequest.awaiting,
                TraceRequest.confidential,
            ),
            joinedload(TraceRequest.requested).load_only(
                Authority.email,
                Authority.emails,
                Authority.unreachable,
                Authority.supervisor_email,
                Authority.languages,
                Authority.zone,
            ),
            joinedload(TraceRequest.assigned_to).options(
                load_only(
                    Account.email, Account.language, Account.active, Account.machine
                ),
                lazyload(Account.authority),
                lazyload(Account.roles),
            ),
        )
        .execution_options(populate_existing=True)
    )
    return {request.id: request for request in found}


def _supervisors(authorities: set[int]) -> Mapping[int, list[Recipient]]:
    """Return the supervisors' accounts of each authority, in one query."""
    found: dict[int, list[Recipient]] = {}
    if not authorities:
        return found
    for authority_id, address, language in db.session.execute(
        select(Account.authority_id, Account.email, Account.language)
        .join(Account.roles)
        .where(
            Account.authority_id.in_(authorities),
            Account.active.is_(True),
            Account.machine.is_(False),
            Role.name == policies.Role.SUPERVISOR.value,
        )
        .order_by(Account.id)
    ):
        known = language if language in compose.LANGUAGES else "en"
        found.setdefault(authority_id, []).append(Recipient(address, known))
    return found


def _still_owed(row: DueWork, request: TraceRequest) -> bool:
    if not request.open or request.requested is None:
        return False
    if row.deadline == Kind.ACKNOWLEDGE:
        return request.state is State.SUBMITTED
    return request.awaiting


def _newest_of_each(
    owed: Sequence[DueWork], requests: Mapping[int, TraceRequest]
) -> list[DueWork]:
    """Keep one row for each deadline and audience: after an outage one mail is due."""
    newest: dict[tuple[object, ...], DueWork] = {}
    for row in sorted(owed, key=lambda row: row.at):
        if _still_owed(row, requests[row.request_id]):
            escalates = row.kind == ReminderKind.ESCALATE
            newest[row.request_id, row.deadline, row.deadline_value, escalates] = row
    return list(newest.values())


def _messages(
    owed: Sequence[DueWork], now: datetime, domain: str
) -> Iterator[dict[str, Any]]:
    requests = _requests({row.request_id for row in owed})
    rows = _newest_of_each(owed, requests)
    without_address = {
        request.requested.id
        for row in rows
        if (row.kind == ReminderKind.ESCALATE or requests[row.request_id].confidential)
        and (request := requests[row.request_id]).requested is not None
        and not request.requested.supervisor_email
    }
    supervisors = _supervisors(without_address)
    for row in rows:
        request = requests[row.request_id]
        authority = request.requested
        assert authority is not None
        facts = _facts(row, request, authority)
        for recipient in _recipients(row, request, authority, supervisors):
            for_all = request.confidential and recipient.address == authority.mailbox
            yield {
                "message_id": compose.new_message_id(domain),
                "request_id": request.id,
                "authority_id": authority.id,
                "event": compose.FOR_SUPERVISORS if for_all else "reminder",
                "recipient": recipient.address,
                "language": recipient.language,
                "facts": compose.SUPERVISORS_ONLY if for_all else facts,
                "reminder_key": _key(row, recipient),
                "created_at": now,
                "delivery": Delivery.QUEUED,
                "next_at": now,
                "attempts": 0,
            }


def _recipients(
    row: DueWork,
    request: TraceRequest,
    authority: Authority,
    supervisors: Mapping[int, list[Recipient]],
) -> tuple[Recipient, ...]:
    """Return who is reminded; when nobody supervises, the mailbox must do."""
    mailbox = compose.mailbox_of(authority)
    in_charge = tuple(compose.officer(request.assigned_to))
    if request.confidential and row.kind != ReminderKind.ESCALATE and in_charge:
        return compose.each_once(in_charge)
    if row.kind != ReminderKind.ESCALATE and not request.confidential:
        return compose.each_once((mailbox, *compose.officer(request.assigned_to)))
    if authority.supervisor_email:
        return (Recipient(authority.supervisor_email, mailbox.language),)
    return compose.each_once(supervisors.get(authority.id) or (mailbox,))


def _facts(row: DueWork, request: TraceRequest, authority: Authority) -> dict[str, Any]:
    due = row.deadline_value.astimezone(ZoneInfo(authority.zone))
    facts = compose.facts_of(request, due.date())
    if due.time().replace(microsecond=0) != LAST_SECOND:
        facts["at"] = row.deadline_value.astimezone(UTC).isoformat()
    return facts | {
        "deadline": row.deadline,
        "reminder": f"{row.deadline}:{row.kind}",
    }


def _key(row: DueWork, recipient: Recipient) -> str:
    """Return what makes a reminder the same one, however often it is computed."""
    rest = f"{row.request_id}|{row.step}|{row.deadline_value.isoformat()}"
    key = f"{recipient.address.lower()}|{rest}"
    if len(key) <= LONGEST_KEY:
        return key
    return f"{hashlib.sha256(recipient.address.lower().encode()).hexdigest()}|{rest}"


def _write(messages: list[dict[str, Any]]) -> None:
    if not messages:
        return
    # Both dialects have the clause; SQLAlchemy has no common word for it.
    postgres = db.engine.dialect.name == "postgresql"
    insert = (postgresql if postgres else sqlite).insert(OutboxMessage)
    db.session.execute(
        insert.on_conflict_do_nothing(index_elements=["reminder_key"]), messages
    )
