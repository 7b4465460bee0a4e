"""Does single pieces of work, each in a process of its own that may end anywhere.

    python -m bench.faults.crew

Reads a line of JSON for each piece: `at`, the place where it ends (or nothing), the
name of the `work` and what is `given` for it; writes the status the process ended with.
"""

import contextlib
import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Flask
from sqlalchemy import select

from tests import factories
from tests.factories import files
from tests.visitors import stranger
from tracing import crash, create_app, worker
from tracing.accounts.actors import actor_of
from tracing.casework import (
    attachments,
    either,
    lookups,
    queries,
    reading,
    requested,
    requesting,
)
from tracing.casework.apply import utcnow
from tracing.casework.attachments import Given
from tracing.cli.serve import choose_channel
from tracing.directory.calendars import calendar_of
from tracing.extensions import db, wake
from tracing.faults import AlreadyDone, Stale
from tracing.journal import checkpoints
from tracing.models import Account, Authority
from tracing.security import isolation
from workflows.facts import Text
from workflows.policies import Actor
from workflows.states import Trigger

DONE_BEFORE: Final = (AlreadyDone, Stale)
"""What somebody is told whose form had arrived already."""


def _actor(person: int) -> Actor:
    actor = actor_of(db.session.get_one(Account, person))
    isolation.work_for(actor.authority_id, actor.user_id)
    return actor


def draft(_app: Flask, person: int, asked: int, key: str, mark: str) -> None:
    """Start a draft."""
    form = factories.complete_form(asked, domestic_domestic_searches=mark)
    requesting.draft(_actor(person), factories.loaded(form), form_key=key)


def save(_app: Flask, person: int, asked: int, reference: str, mark: str) -> None:
    """Save a draft."""
    form = factories.complete_form(asked, domestic_domestic_searches=mark)
    data = factories.loaded(form)
    requesting.save_draft(reference, _actor(person), data, version=1)


def submit(_app: Flask, person: int, reference: str, version: int) -> None:
    """Send a request."""
    actor = _actor(person)
    requesting.submit(reference, actor, authorised=True, version=version)


def acknowledge(_app: Flask, person: int, reference: str, version: int) -> None:
    """Confirm the receipt."""
    requested.acknowledge(reference, _actor(person), version=version)


def enquire(_app: Flask, person: int, reference: str, version: int) -> None:
    """Ask how it is going."""
    text = Text("How is it going?")
    actor = _actor(person)
    either.write(Trigger.ENQUIRE, reference, actor, text, version=version)


def look(app: Flask, person: int, reference: str) -> None:
    """Open a request."""
    # As a page that reads: on SQLite it keeps no writer waiting, not even itself.
    with app.test_request_context():
        actor = _actor(person)
        reading.opened(queries.by_reference(reference, actor), actor)


def ask(_app: Flask, person: int, reference: str, key: str) -> None:
    """Ask another register."""
    wanted = {"purpose": "To see what is lost", "form_key": key}
    lookups.ask(reference, _actor(person), ["by-hand"], **wanted)


def look_up(_app: Flask) -> None:
    """Put to other registers what was asked."""
    worker.look_up()


def hear(_app: Flask) -> None:
    """Read what registers tell of hits."""
    worker.read_notices()


def sign(_app: Flask) -> None:
    """Sign the heads of the journal."""
    checkpoints.make_all()


def attach(_app: Flask, person: int, key: str, width: int) -> None:
    """Send a photograph."""
    given = Given("a.png", files.png((width, 40)))
    attachments.receive(_actor(person), given, form_key=key)


def tidy(_app: Flask) -> None:
    """Let go of files that nobody keeps."""
    worker.tidy()


def bring(_app: Flask) -> None:
    """Import the files that wait."""
    worker.import_due()


def sign_in(app: Flask, email: str, device: str) -> None:
    """Sign in at the page."""
    visitor = stranger(app)
    headers = {"User-Agent": device}
    visitor.get("/sign-in", headers=headers)
    form = {"email": email, "password": factories.PASSWORD}
    answer = visitor.post("/sign-in", form, headers=headers)
    assert answer.status_code == 302, answer.text


def deliver(app: Flask) -> None:
    """Send what is due."""
    choose_channel(app)
    worker.drain()


def remind(_app: Flask) -> None:
    """Write the reminders that are owed."""
    worker.sweep()


WORKS: Final[Mapping[str, Callable[..., None]]] = {
    work.__name__: work
    for work in (
        *(draft, save, submit, acknowledge, enquire, look, sign, attach, tidy),
        *(sign_in, deliver, remind, bring, ask, look_up, hear),
    )
}


OF_THE_WORKER: Final = frozenset(
    {"sign", "tidy", "deliver", "remind", "bring", "look_up", "hear"}
)


def in_a_process(app: Flask, at: str, work: str, given: dict[str, Any]) -> int:
    """Do one piece of work in a new process; return the status it ended with."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        crash.arm(at)
        wake.call = worker.waker(app)
        with app.app_context(), contextlib.suppress(*DONE_BEFORE):
            WORKS[work](app, **given)
        status = 0
    except BaseException:  # noqa: BLE001 - this process ends here, whatever it was
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def main() -> int:
    """Work until the input ends."""
    logging.disable(logging.WARNING)
    site, works = create_app(), create_app(login="worker")
    # Loaded before the first piece of work, not in each.
    site.test_client().get("/sign-in")
    with site.app_context():
        year = utcnow().year
        for country in db.session.scalars(select(Authority.country)):
            calendar_of(country, (year - 1, year + 5))
        db.session.remove()
        # No connection is shared with the processes to come.
        db.engine.dispose()
    for line in sys.stdin:
        task = json.loads(line)
        app = works if task["work"] in OF_THE_WORKER else site
        print(in_a_process(app, task["at"], task["work"], task["given"]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
