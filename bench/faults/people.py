"""People at the pages of the real site: they file, acknowledge, search and answer.

Each keeps what it tries and what it is told. When the line breaks it waits for the
site and, most times, sends the same form again.
"""

import http.client
import re
import secrets
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from bench.faults.history import OK, REFUSED, UNKNOWN, History
from bench.site import Person, Unexpected
from tests.factories import files
from workflows.states import Trigger

BROKEN: Final = (OSError, http.client.HTTPException)
BUSY: Final = frozenset({429, 503, 507})
"""What a site may answer when it cannot: try later."""

CONFLICT: Final = 409
PATIENCE: Final = 60.0
AGAIN: Final = 0.8
"""How many of those who saw the line break send the same form again."""

TWICE: Final = 0.08
"""How many press the button twice."""

WITH_PHOTOGRAPH: Final = 0.1
VERSION: Final = re.compile(r'name="version" value="(\d+)"')
FINDS: Final = "domestic-domestic_searches"
"""The field of the form that carries the mark by which a request is found again."""

SERIAL: Final = "markings-serial-photo"


class Stopped(Exception):
    """The work is over."""


@dataclass
class Case:
    """A request on its way from one person to the next."""

    reference: str
    version: int


@dataclass
class Board:
    """Where people find what is theirs to do next."""

    history: History
    form: Mapping[str, object]
    stop: threading.Event = field(default_factory=threading.Event)
    waiting: dict[Trigger, deque[Case]] = field(
        default_factory=lambda: defaultdict(deque)
    )

    def put(self, trigger: Trigger, case: Case) -> None:
        """Leave a request for whoever takes this step."""
        self.waiting[trigger].append(case)

    def take(self, trigger: Trigger) -> Case | None:
        """Return a request that waits for the step."""
        try:
            return self.waiting[trigger].popleft()
        except IndexError:
            return None


NEXT: Final = {
    Trigger.SUBMIT: Trigger.ACKNOWLEDGE,
    Trigger.ACKNOWLEDGE: Trigger.RECORD_SEARCH,
    Trigger.RECORD_SEARCH: Trigger.RESPOND,
    Trigger.RESPOND: Trigger.CLOSE,
}


def form_of(trigger: Trigger, mark: str) -> dict[str, str]:
    """Return what is filled in for a step; the mark finds it again."""
    match trigger:
        case Trigger.RECORD_SEARCH:
            return {
                "register": "Register of makers",
                "years": "1990-2026",
                "key": mark,
                "result": "NO_RECORD",
            }
        case Trigger.RESPOND:
            return {
                "outcome": "NO_RECORD",
                "registers-0-register": "Register of makers",
                "registers-0-years": "1990-2026",
                "handling": "H0",
                "text": mark,
            }
        case Trigger.CLOSE:
            return {
                "used_in": "INTELLIGENCE",
                "diversion_established": "UNKNOWN",
                "feedback": mark,
            }
    return {}


def parts(form: Mapping[str, object], photograph: bytes) -> tuple[bytes, str]:
    """Return a form with a photograph as a browser sends it, and its type."""
    border = secrets.token_hex(16)
    lines: list[bytes] = []
    for name, value in form.items():
        for one in value if isinstance(value, list) else [value]:
            lines += [
                f"--{border}".encode(),
                f'Content-Disposition: form-data; name="{name}"'.encode(),
                b"",
                str(one).encode(),
            ]
    lines += [
        f"--{border}".encode(),
        f'Content-Disposition: form-data; name="{SERIAL}"; filename="a.png"'.encode(),
        b"Content-Type: image/png",
        b"",
        photograph,
        f"--{border}--".encode(),
        b"",
    ]
    return b"\r\n".join(lines), f"multipart/form-data; boundary={border}"


class Worker(threading.Thread):
    """One person who works until told to stop."""

    turns: tuple[Trigger, ...] = ()

    def __init__(self, code: str, port: int, board: Board, seed: int) -> None:
        """Be the person of that code."""
        super().__init__(name=f"{code}-{seed}", daemon=True)
        self.code, self.port, self.board = code, port, board
        self.chance = Random(seed)
        self.person: Person | None = None

    @property
    def history(self) -> History:
        """Return where it is kept."""
        return self.board.history

    def run(self) -> None:
        """Work until told to stop; say what nobody should see."""
        while not self.board.stop.is_set():
            try:
                self.work()
            except Stopped:
                return
            except BROKEN:
                continue
            except Unexpected as error:
                if error.status not in BUSY:
                    self.history.surprise(f"{self.name}: {error}"[:1500])
                self.pause(0.1)
            except Exception as error:  # noqa: BLE001 - a thread must not end unheard
                self.history.surprise(f"{self.name}: {error!r}")
                self.pause(0.5)

    def work(self) -> None:
        """Do what waits."""
        raise NotImplementedError

    def pause(self, seconds: float) -> None:
        """Wait, unless it is over."""
        if self.board.stop.wait(seconds):
            raise Stopped

    # ------------------------------------------------------------------ the line

    def here(self) -> Person:
        """Return the person with an open line, signed in; wait for the site."""
        until = time.monotonic() + PATIENCE
        while not self.board.stop.is_set():
            try:
                if self.person is None:
                    person = Person(self.port, patience=20)
                    person.sign_in(self.code)
                    self.person = person
                elif self.person.line.sock is None:
                    self.person.connect()
            except (*BROKEN, Unexpected) as error:
                if isinstance(error, Unexpected) and error.status not in BUSY:
                    raise
                if time.monotonic() > until:
                    self.history.surprise(f"{self.name}: no answer for {PATIENCE} s")
                    raise Stopped from error
                self.hang_up()
                self.pause(0.1)
            else:
                return self.person
        raise Stopped

    def hang_up(self) -> None:
        """Close the line; http.client opens no other by itself then."""
        if self.person is not None:
            self.person.line.close()
            self.person.line.sock = None

    def post(self, path: str, form: Mapping[str, object], photograph: bytes) -> str:
        """Post a form once; return where it leads."""
        person = self.here()
        try:
            if photograph:
                whole = {"csrf_token": person.token, **form}
                body, kind = parts(whole, photograph)
                where = person.ask("POST", path, body=body, kind=kind, expect=303)[1]
            else:
                where = person.ask("POST", path, form, expect=303)[1]
        except BROKEN:
            self.hang_up()
            raise
        if where.startswith("/sign-in"):
            raise Unexpected(403, path, f"{self.code} is signed out")
        return where

    def page(self, path: str) -> str:
        """Read a page."""
        person = self.here()
        try:
            return person.ask("GET", path)[0]
        except BROKEN:
            self.hang_up()
            raise

    def form(
        self,
        kind: str,
        path: str,
        form: Mapping[str, object],
        said: Mapping[str, object],
        *,
        photograph: bytes = b"",
        sure: Callable[[str], dict[str, str]] = lambda _where: {},
    ) -> str | None:
        """Post a form and keep what came of it; return where it leads, if anywhere.

        After a broken line the same form is sent again. That it is told of a conflict
        then means that the first had arrived.
        """
        number = self.history.invoke(kind, **said)
        broken = False
        while True:
            try:
                where = self.post(path, form, photograph)
            except BROKEN:
                broken = True
            except Unexpected as error:
                if error.status == CONFLICT:
                    self.history.told(number, OK if broken else REFUSED)
                    return path if broken else None
                if error.status not in BUSY:
                    self.history.told(number, UNKNOWN)
                    raise
                # Whether it was too late or too early to be refused nobody says.
                broken = True
                self.pause(0.1)
            else:
                self.history.told(number, OK, **sure(where))
                if self.chance.random() < TWICE:
                    self.press_again(path, form, photograph)
                return where
            if self.chance.random() > AGAIN:
                self.history.told(number, UNKNOWN)
                return None

    def press_again(
        self, path: str, form: Mapping[str, object], photograph: bytes
    ) -> None:
        """Send the same form once more: it must change nothing."""
        try:
            self.post(path, form, photograph)
        except BROKEN:
            pass
        except Unexpected as error:
            if error.status != CONFLICT and error.status not in BUSY:
                raise

    def step(self, trigger: Trigger, case: Case) -> None:
        """Take one step and hand the request on."""
        mark = secrets.token_hex(12)
        where = self.form(
            trigger.value,
            f"/trace-requests/{case.reference}/steps/{trigger.value}",
            {
                "version": case.version,
                "form_key": secrets.token_urlsafe(24),
                "action": "send",
                **form_of(trigger, mark),
            },
            {"reference": case.reference, "mark": mark},
        )
        if where and trigger in NEXT:
            self.board.put(NEXT[trigger], Case(case.reference, case.version + 1))


class Investigator(Worker):
    """Files requests, looks them up, and closes what was answered."""

    def work(self) -> None:
        """File one request and send it; close one that is answered."""
        mark, key = secrets.token_hex(12), secrets.token_urlsafe(24)
        form = {**self.board.form, FINDS: mark, "form_key": key, "action": "check"}
        photograph = b""
        if self.chance.random() < WITH_PHOTOGRAPH:
            photograph = files.png((60 + self.chance.randrange(200), 40))
        where = self.form(
            "draft",
            "/trace-requests/new",
            form,
            {"mark": mark, "key": key, "photograph": bool(photograph)},
            photograph=photograph,
            sure=lambda where: {"reference": where.split("/")[2]},
        )
        if not where:
            return
        reference = where.split("/")[2]
        sent = self.form(
            Trigger.SUBMIT.value,
            f"/trace-requests/{reference}/submit",
            {"authorised": "true", "version": "1"},
            {"reference": reference},
        )
        if sent and "/check" not in sent:
            self.board.put(Trigger.ACKNOWLEDGE, Case(reference, 2))
            self.look_up(reference)
        if case := self.board.take(Trigger.CLOSE):
            self.step(Trigger.CLOSE, case)

    def look_up(self, reference: str) -> None:
        """Find what was sent."""
        number = self.history.invoke("look", reference=reference, by=self.code)
        if reference not in self.page(f"/trace-requests/{reference}"):
            self.history.surprise(f"{reference} was sent and is not found")
        self.history.told(number, OK)


class Officer(Worker):
    """Acknowledges what arrives, searches and answers."""

    def work(self) -> None:
        """Take one step of one request that waits."""
        steps = [Trigger.ACKNOWLEDGE, Trigger.RECORD_SEARCH, Trigger.RESPOND]
        self.chance.shuffle(steps)
        for trigger in steps:
            if case := self.board.take(trigger):
                if trigger is Trigger.ACKNOWLEDGE:
                    page = self.page(f"/trace-requests/{case.reference}")
                    if found := VERSION.search(page):
                        case.version = int(found[1])
                self.step(trigger, case)
                return
        self.page("/queue")
        self.pause(0.02)
