"""The process ends at each named place in turn; what stands there after that is looked at."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any, Final

from flask import current_app
from sqlalchemy import func, select, update

from bench.faults import kill_import
from bench.faults.checker import Verdict, check
from bench.faults.kill_lookup_worker import KEY, KNOWN, set_up
from bench.faults.outcome import Outcome, Place
from bench.site import HOST, ROOT, environ_of, free_port
from tests import factories
from tests.factories import files
from tests.smtp import Mailbox, running_mailbox
from tracing import worker
from tracing.accounts.actors import actor_of
from tracing.casework import attachments, imports, lookups, queries
from tracing.config import Settings
from tracing.crash import POINTS, STATUS
from tracing.extensions import db
from tracing.journal import checkpoints
from tracing.journal.kinds import Kind
from tracing.lookups import registers
from tracing.models import (
    AccountSession,
    Attachment,
    DueWork,
    HitNotice,
    JournalChain,
    JournalCheckpoint,
    JournalEntry,
    Lookup,
    NoticeSource,
    OutboxMessage,
    RegistryItem,
    TraceRequest,
)
from tracing.reference.server import Server, running
from workflows.policies import Role
from workflows.states import Trigger
from workflows.vocabulary import LookupOutcome

NAME: Final = "crash_points"
HITS: Final = {"short": 1, "full": 5}
DOMAIN: Final = "tracing.example"

WORK_AT: Final[Mapping[str, str]] = {
    "draft.saved": "save",
    "submit.committed": "submit",
    "worker.woken": "submit",
    "step.committed": "acknowledge",
    "note.committed": "enquire",
    "journal.read": "look",
    "file.forgotten": "tidy",
    "file.removed": "tidy",
    "session.begun": "sign_in",
    "lookup.asked": "ask",
}
WORK_NEAR: Final[Mapping[str, str]] = {
    "draft": "draft",
    "step": "submit",
    "journal": "draft",
    "checkpoint": "sign",
    "file": "attach",
    "mail": "deliver",
    "reminder": "remind",
    "import": "bring",
    "lookup": "look_up",
    "notice": "hear",
}
"""Which piece of work comes by a place: by its name, else by its first word."""

AFTER: Final = frozenset(
    {
        *("draft.committed", "draft.saved", "submit.committed", "step.committed"),
        *("note.committed", "worker.woken", "journal.read", "checkpoint.committed"),
        *("file.committed", "file.removed", "mail.sent", "mail.marked"),
        *("reminder.committed", "lookup.asked", "lookup.kept", "notice.committed"),
        "import.committed",
    }
)
"""Places at which it has happened; at all others it must not have."""


@dataclass(frozen=True)
class Task:
    """A piece of work that is ready to be done, and how to see whether it was."""

    given: dict[str, Any]
    count: Callable[[], int]
    repeats: bool = False
    """Whether doing it again is a second thing: to look is one, each time."""


@dataclass
class Stage:
    """What a piece of work needs, made anew for each; within an app context."""

    mailbox: Mailbox
    server: Server
    of: factories.Sides = field(default_factory=factories.sides)
    widths: "count[int]" = field(default_factory=lambda: count(60))

    def draft(self) -> Task:
        """Start a draft that nobody has started."""
        mark, key = secrets.token_hex(12), secrets.token_urlsafe(24)
        given = {
            "person": self.of.investigator.id,
            "asked": self.of.asked.id,
            "key": key,
            "mark": mark,
        }
        return Task(given, lambda: _marked(mark))

    def save(self) -> Task:
        """Save a draft with another word in it."""
        made, mark = factories.draft(self.of), secrets.token_hex(12)
        given = {
            "person": self.of.investigator.id,
            "asked": self.of.asked.id,
            "reference": made.reference,
            "mark": mark,
        }
        return Task(given, lambda: _marked(mark))

    def submit(self) -> Task:
        """Send a draft; the worker has nothing left that would wake it."""
        huey = current_app.extensions[worker.QUEUE]
        huey.storage.initialize_schema()
        huey.flush()
        return self._step(factories.draft(self.of), Trigger.SUBMIT)

    def acknowledge(self) -> Task:
        """Confirm the receipt of one that was sent."""
        return self._step(factories.sent(self.of), Trigger.ACKNOWLEDGE)

    def enquire(self) -> Task:
        """Ask about one that was acknowledged."""
        return self._step(
            factories.after(self.of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE),
            Trigger.ENQUIRE,
        )

    def _step(self, request: TraceRequest, trigger: Trigger) -> Task:
        reference = request.reference
        given = {
            "person": self.of.actor(trigger).user_id,
            "reference": reference,
            "version": request.version,
        }

        def taken() -> int:
            actor = self.of.actor(Trigger.SUBMIT)
            found = queries.by_reference(reference, actor)
            db.session.refresh(found)
            return factories.triggers_of(found).count(trigger)

        return Task(given, taken)

    def look(self) -> Task:
        """Open a request."""
        reference = factories.sent(self.of).reference
        query = (
            select(func.count())
            .select_from(JournalEntry)
            .where(
                JournalEntry.about == reference,
                JournalEntry.kind == Kind.READ.value,
                JournalEntry.chain_id == self.of.asking.id,
            )
        )
        given = {"person": self.of.investigator.id, "reference": reference}
        return Task(given, lambda: db.session.scalar(query) or 0, repeats=True)

    def sign(self) -> Task:
        """Sign the heads of chains of which only one has grown."""
        factories.draft(self.of)
        checkpoints.make_all()
        factories.draft(self.of)
        chain = db.session.get_one(JournalChain, self.of.asking.id)
        db.session.refresh(chain)
        query = (
            select(func.count())
            .select_from(JournalCheckpoint)
            .where(
                JournalCheckpoint.chain_id == chain.id,
                JournalCheckpoint.size == chain.size,
            )
        )
        return Task({}, lambda: db.session.scalar(query) or 0)

    def attach(self) -> Task:
        """Send a photograph."""
        key = secrets.token_urlsafe(24)
        given = {
            "person": self.of.investigator.id,
            "key": key,
            "width": next(self.widths),
        }
        query = (
            select(func.count())
            .select_from(Attachment)
            .where(Attachment.form_key == key)
        )
        return Task(given, lambda: db.session.scalar(query) or 0)

    def tidy(self) -> Task:
        """Let go of a file that was taken back long ago."""
        actor, key = actor_of(self.of.investigator), secrets.token_urlsafe(24)
        photograph = files.png((next(self.widths), 40))
        given = attachments.Given("a.png", photograph)
        row = attachments.receive(actor, given, form_key=key)
        attachments.remove(row.token, actor, form_key=key)
        store = current_app.extensions[attachments.STORE]
        past = time.time() - 2 * attachments.AGE_OF_ORPHANS.total_seconds()
        # One content alone: at its removal all is done.
        if row.thumbnail:
            store.remove(row.thumbnail)
        paths = list(store.root.glob(f"*/*/{row.stored}"))
        for path in paths:
            os.utime(path, (past, past))
        assert paths
        return Task({}, lambda: int(not any(path.exists() for path in paths)))

    def sign_in(self) -> Task:
        """Sign in."""
        person = factories.person(self.of.asking, password=factories.PASSWORD)
        device = secrets.token_hex(12)
        query = (
            select(func.count())
            .select_from(AccountSession)
            .where(AccountSession.device == device)
        )
        given = {"email": person.email, "device": device}
        return Task(given, lambda: db.session.scalar(query) or 0)

    def deliver(self) -> Task:
        """Send the mail of a request that was just sent."""
        request = factories.sent(self.of)
        names = db.session.scalars(
            select(OutboxMessage.message_id).where(
                OutboxMessage.request_id == request.id
            )
        ).all()
        # One message alone is due: at its sending all is done.
        db.session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.message_id != names[0])
            .values(next_at=datetime.now(UTC) + timedelta(days=1))
        )

        def arrived() -> int:
            return len(
                {str(found.message["Message-ID"]) for found in self.mailbox.deliveries}
                & {names[0]}
            )

        return Task({}, arrived)

    def _acknowledged(self) -> str:
        steps = (Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
        return factories.after(self.of, *steps, markings_serial=KNOWN).reference

    def ask(self) -> Task:
        """Ask another register about a request."""
        reference, key = self._acknowledged(), secrets.token_urlsafe(24)
        given = {"person": self.of.officer.id, "reference": reference, "key": key}
        query = (
            select(func.count(Lookup.id))
            .join(Lookup.request)
            .where(TraceRequest.reference == reference)
        )
        return Task(given, lambda: db.session.scalar(query) or 0)

    def look_up(self) -> Task:
        """Put a question to a register that knows the answer."""
        officer = actor_of(self.of.officer)
        asked = ["register-0"]
        (row,) = lookups.ask(self._acknowledged(), officer, asked, purpose="To see")
        query = select(func.count(Lookup.id)).where(
            Lookup.key == row.key, Lookup.outcome == LookupOutcome.HIT
        )
        return Task({}, lambda: db.session.scalar(query) or 0)

    def hear(self) -> Task:
        """Hear of a search that has met a record."""
        self.server.records.search("iarms", {"item": {"serial": KNOWN}})
        known = self.server.records.hits("0")
        while more := self.server.records.hits(known[-1]["id"]):
            known += more
        db.session.execute(update(NoticeSource).values(next_at=None))
        query = select(func.count(HitNotice.id)).where(
            HitNotice.number == known[-1]["id"]
        )
        return Task({}, lambda: db.session.scalar(query) or 0)

    def remind(self) -> Task:
        """Remind of one request."""
        request = factories.sent(self.of)
        owed = select(func.min(DueWork.id)).where(DueWork.request_id == request.id)
        db.session.execute(
            update(DueWork)
            .where(DueWork.id == owed.scalar_subquery())
            .values(at=datetime.now(UTC) - timedelta(minutes=1))
        )
        query = (
            select(func.count())
            .select_from(OutboxMessage)
            .where(
                OutboxMessage.request_id == request.id,
                OutboxMessage.reminder_key.is_not(None),
            )
        )
        return Task({}, lambda: db.session.scalar(query) or 0)

    def bring(self) -> Task:
        """Import a file with one record."""
        mark = secrets.token_hex(12)
        keeper = actor_of(factories.person(self.of.asking, Role.SUPERVISOR))
        db.session.commit()
        text = f"No,Serial\n{mark},AB 1\n".encode()
        job = imports.choose(keeper, "a.csv", BytesIO(text), largest=10**6)
        told = '[key]\ncolumns = ["No"]\n[fields]\nserial = "Serial"\n'
        imports.set_mapping(job.token, keeper, told)
        imports.start(job.token, keeper)
        query = (
            select(func.count())
            .select_from(RegistryItem)
            .where(RegistryItem.source_key == mark)
        )
        return Task({}, lambda: db.session.scalar(query) or 0)


def _marked(mark: str) -> int:
    # Sealed: it is opened, not asked for.
    found = db.session.scalars(select(TraceRequest))
    return sum(request.domestic_searches == mark for request in found)


def work_at(point: str) -> str:
    """Return the work that comes by a place."""
    return WORK_AT.get(point) or WORK_NEAR[point.partition(".")[0]]


Do = Callable[[str, str, dict[str, Any]], int]
"""Does a piece of work, ending at a place or at none; returns the status."""


@contextmanager
def crew(settings: Settings, mailbox: Mailbox) -> Iterator[Do]:
    """Run the processes that do the work."""
    environ = environ_of(
        settings,
        free_port(),
        smtp_host=HOST,
        smtp_port=mailbox.port,
        smtp_security="none",
        mail_from=f"tracing@{DOMAIN}",
    )
    with Path(settings.instance, "crew.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.faults.crew"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environ,
            cwd=ROOT,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    said, heard = process.stdin, process.stdout

    def do(at: str, work: str, given: dict[str, Any]) -> int:
        said.write(json.dumps({"at": at, "work": work, "given": given}) + "\n")
        said.flush()
        return int(heard.readline() or "-1")

    try:
        yield do
    finally:
        said.close()
        heard.close()
        process.kill()
        process.wait()


def run(place: Place, scale: str) -> Outcome:
    """End at every place as often as the scale says."""
    settings, app = place.make(NAME)
    verdict, hits = Verdict(), 0
    instance = Path(settings.instance)
    with (
        running_mailbox() as mailbox,
        running(instance / "stand-in", KEY) as server,
        app.app_context(),
    ):
        stage = Stage(mailbox, server)
        db.session.commit()
        set_up(instance, server, 1, stage.of.asking.code)
        app.extensions[registers.REGISTERS] = registers.load(instance)
        with crew(settings, mailbox) as do:
            for _ in range(HITS[scale]):
                for point in POINTS:
                    hits += end_at(point, stage, do, verdict)
                verdict += check(app)
        arrived = [str(found.message["Message-ID"]) for found in mailbox.deliveries]
        repeated = len(arrived) - len(set(arrived))
    return Outcome(NAME, hits, verdict, {"repeated": repeated})


def end_at(point: str, stage: Stage, do: Do, verdict: Verdict) -> bool:
    """End a process at a place, look, and do the same again; tell whether it ended."""
    work = work_at(point)
    task: Task = getattr(stage, work)()
    db.session.commit()
    status = do(point, work, task.given)
    hit = status == STATUS
    if not hit:
        verdict.wrong.append(f"{point}: {work} ended with {status}")
    found, wanted = task.count(), int(point in AFTER)
    db.session.rollback()
    if found < wanted:
        verdict.lost.append(f"{point}: {work} was done, and is not there")
    if found > wanted:
        verdict.wrong.append(f"{point}: {work} was not done, and is there")
    _let_go()
    status = do("", work, task.given)
    if status:
        verdict.wrong.append(f"{point}: {work} done again ended with {status}")
        return hit
    verdict.acknowledged += 1
    wanted = found + 1 if task.repeats else 1
    found = task.count()
    db.session.rollback()
    if found < wanted:
        verdict.lost.append(f"{point}: {work} was done again, and is not there")
    if found > wanted:
        verdict.doubled.append(f"{point}: {work} is there {found} times")
    return hit


def _let_go() -> None:
    """Let the leases of the dead run out: nobody waits five minutes."""
    now = datetime.now(UTC)
    db.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.lease_owner.is_not(None))
        .values(next_at=now, lease_until=now)
        .execution_options(synchronize_session=False)
    )
    kill_import.let_go()
    db.session.execute(
        update(Lookup)
        .where(Lookup.lease_owner.is_not(None))
        .values(next_at=now, lease_until=now)
        .execution_options(synchronize_session=False)
    )
    db.session.execute(update(NoticeSource).values(next_at=None))
    db.session.commit()
