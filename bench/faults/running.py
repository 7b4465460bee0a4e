"""The site in processes of its own, to be killed and started again."""

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from bench.seeding import PASSWORD
from bench.site import Site, environ_of, free_port, start_part, wait_for
from tests import factories
from tracing.accounts import people
from tracing.config import Settings
from tracing.extensions import db
from workflows.policies import Role

YOUNG: Final = 6.0
"""Seconds: the server gives up where a process dies soon after it was replaced."""


@dataclass(frozen=True)
class World:
    """Who is there: people who ask, people who answer, and the form they fill in."""

    asking: tuple[str, ...]
    answering: tuple[str, ...]
    form: factories.Form


def populate(askers: int = 3, answerers: int = 3) -> World:
    """Make two authorities with their people, within an app context."""
    asking = factories.authority(code="ASKING", country="KE")
    asked = factories.authority(code="ASKED", country="BR", zone="America/Sao_Paulo")
    roles = (
        ("ask", askers, asking, Role.INVESTIGATOR),
        ("answer", answerers, asked, Role.OFFICER),
    )
    codes: dict[str, list[str]] = {}
    for word, number, home, role in roles:
        for n in range(number):
            code = f"{word}-{n}"
            people.add_person(
                home, f"Person {code}", f"{code}@bench.example", PASSWORD, [role]
            )
            codes.setdefault(word, []).append(code)
    db.session.commit()
    return World(
        tuple(codes.get("ask", ())),
        tuple(codes.get("answer", ())),
        factories.complete_form(asked),
    )


@dataclass
class Running:
    """A site that can be killed."""

    settings: Settings
    more: dict[str, object] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None
    killed_at: float = 0.0
    starts: int = 0

    @property
    def log(self) -> Path:
        """Return where the site writes what it says."""
        return Path(self.settings.instance, "site.log")

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.starts += 1
        environ = environ_of(self.settings, self.port, **self.more)
        self.process = start_part("site", environ, self.log)
        wait_for(self.port, self.process, self.log)

    def kill(self, chance: Random) -> str:
        """Kill one process of the site, or all of it; return which."""
        assert self.process is not None
        whole = chance.random() < 0.3 or time.monotonic() - self.killed_at < YOUNG
        workers = [] if whole else Site(self.port, self.process.pid).workers()
        if not workers:
            self.kill_all()
            return "site"
        self.killed_at = time.monotonic()
        os.kill(chance.choice(workers), signal.SIGKILL)
        return "process"

    def freeze(self) -> None:
        """Let none of its processes do anything more."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)

    def kill_all(self) -> None:
        """End all of it at once."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()
        self.process = None

    def keep_alive(self) -> None:
        """Start it again where it has ended, as `tracing serve` does."""
        if self.process is not None and self.process.poll() is not None:
            self.kill_all()
        if self.process is None:
            self.start()
            return
        wait_for(self.port, self.process, self.log)
