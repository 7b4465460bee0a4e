"""Five registers are asked at once: one is dead, one is slow, and nobody waits for them."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench import site
from bench.seeding import LARGE
from bench.site import Person
from tracing.config import Settings
from tracing.lookups.registers import FILE
from tracing.operations import figures
from tracing.reference.server import Server, running

KEY: Final = "key-of-the-bench"
FAULTS: Final = {"good": "", "slow": "slow", "dead": "hang"}
REGISTERS: Final = (
    *(("first", "good"), ("second", "good"), ("third", "good")),
    *(("slow", "slow"), ("dead", "dead")),
)
DEAD: Final = "No answer in time"
WAITS: Final = ("Not asked yet", "Asked, no answer yet")
ENOUGH: Final = 4
PATIENCE: Final = 40.0
SETTINGS: Final = """
[{name}]
adapter = "iarms"
label = "Register {name}"
years = "1990-2026"
authorities = ["*"]
highest_handling = "H3"
quota = 100000
breaker_after = 1000

[{name}.settings]
url = "{url}/v1"
ports = ["{port}"]
networks = ["127.0.0.0/8"]
api_key = "{key}"
ca_file = {ca}
client_certificate = {certificate}
client_key = {client_key}
"""


class NotAsMeant(Exception):
    """The page says of a register what is not so."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one officer saw. Seconds since the button was pressed."""

    page: float
    four: float
    dead: float


def _settings(servers: dict[str, Server]) -> str:
    text = ""
    for name, kind in REGISTERS:
        server = servers[kind]
        files = {
            "ca": "ca.pem",
            "certificate": "client.pem",
            "client_key": "client.key",
        }
        where = {k: json.dumps(str(server.folder / v)) for k, v in files.items()}
        text += SETTINGS.format(
            name=name, url=server.url, port=server.server_port, key=KEY, **where
        )
    return text


@contextmanager
def desk(settings: Settings) -> Iterator[Person]:
    """Serve site, worker and registers; return an officer who is signed in."""
    instance = Path(settings.instance)
    with ExitStack() as leaving:
        servers = {}
        for kind, fault in FAULTS.items():
            folder = instance / f"stand-in-{kind}"
            servers[kind] = leaving.enter_context(running(folder, KEY))
            servers[kind].fault = fault
        (instance / FILE).write_text(_settings(servers), "utf-8")
        leaving.callback((instance / FILE).unlink)
        served = leaving.enter_context(site.serving(settings))
        leaving.enter_context(_worker(settings))
        officer = Person(served.port)
        leaving.callback(officer.line.close)
        officer.sign_in(LARGE)
        try:
            yield officer
        except NotAsMeant as error:
            error.add_note((instance / "worker.log").read_text()[-4000:])
            raise


@contextmanager
def _worker(settings: Settings) -> Iterator[None]:
    instance = Path(settings.instance)
    environ = site.environ_of(settings, site.free_port())
    process = site.start_part("worker", environ, instance / "worker.log")
    try:
        give_up = time.monotonic() + PATIENCE
        while not figures.is_running(instance, now=datetime.now(UTC)):
            if process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError("the worker did not start")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin:
            process.stdin.close()


def ask(officer: Person, reference: str) -> Round:
    """Ask all five about one request, and watch the page."""
    page = f"/trace-requests/{reference}"
    names = [name for name, _ in REGISTERS]
    begun = time.perf_counter()
    given = {"register": names, "purpose": "To measure"}
    officer.ask("POST", f"{page}/look-ups", given, expect=303)
    shown = _results(officer.ask("GET", page)[0])
    at_once, four = time.perf_counter() - begun, 0.0
    if len(shown) != len(names):
        raise NotAsMeant(f"{len(shown)} registers are shown")
    while time.perf_counter() - begun < PATIENCE:
        ended = [one for one in shown.values() if one not in WAITS]
        if len(ended) >= ENOUGH and not four:
            four = time.perf_counter() - begun
        if len(ended) == len(names):
            if shown["dead"] != DEAD:
                raise NotAsMeant(f"the dead one is shown as “{shown['dead']}”")
            return Round(at_once, four, time.perf_counter() - begun)
        time.sleep(0.02)
        shown = _results(officer.ask("GET", page)[0])
    raise NotAsMeant(f"not all have ended: {shown}")


def _results(page: str) -> dict[str, str]:
    """Return what the page shows of each register, the newest look-up first."""
    found: dict[str, str] = {}
    rows = re.findall(
        r"<bdi>Register (\w+)</bdi>.*?data-l=\"Result\">(.*?)</td>", page, re.DOTALL
    )
    for name, cell in rows:
        words = " ".join(re.sub(r"<[^>]*>", " ", cell).split())
        found.setdefault(name, words)
    return found
