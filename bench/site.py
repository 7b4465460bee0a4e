"""The site as it is served, in processes of its own, and people who use it."""

import contextlib
import http.client
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from bench.seeding import PASSWORD
from tracing.config import Settings

ROOT: Final = Path(__file__).resolve().parents[1]
HOST: Final = "127.0.0.1"
CLIENTS: Final = 4
SERVERS: Final = 2
TOKEN: Final = re.compile(r'name="csrf_token" value="([^"]+)"')


class Unexpected(Exception):
    """The site answered something else than what is to be measured."""

    def __init__(self, status: int, where: str, page: str) -> None:
        """Keep the status and the page."""
        super().__init__(f"{where}: {status}\n{page[:3000]}")
        self.status, self.page = status, page


@dataclass
class Person:
    """One person with one connection that stays open, and one session."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""
    patience: float = 60

    def __post_init__(self) -> None:
        """Connect."""
        self.connect()

    def connect(self) -> None:
        """Open a connection that stays, and let one of the processes take it."""
        self.line = http.client.HTTPConnection(HOST, self.port, timeout=self.patience)
        self.line.connect()
        self.line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ask("GET", "/healthz")

    def ask(
        self,
        method: str,
        path: str,
        form: Mapping[str, object] | None = None,
        *,
        expect: int = 200,
        keep: bool = False,
        body: str | bytes | None = None,
        kind: str = "",
    ) -> tuple[str, str]:
        """Ask for a page; return it and where it leads to."""
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        if kind:
            headers["Content-Type"] = kind
        if form is not None:
            body = urlencode({"csrf_token": self.token, **form}, doseq=True)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.line.request(method, path, body, headers)
        answer = self.line.getresponse()
        page = answer.read().decode()
        if answer.status != expect:
            raise Unexpected(answer.status, f"{method} {path}", page)
        if keep:
            for line in answer.msg.get_all("Set-Cookie") or ():
                name, _, value = line.partition(";")[0].partition("=")
                self.cookies[name] = value
            if found := TOKEN.search(page):
                self.token = found[1]
        return page, answer.headers.get("Location", "")

    def sign_in(self, code: str) -> None:
        """Sign in as the person of an authority, through the page."""
        self.ask("GET", "/sign-in", keep=True)
        form = {"email": f"{code.lower()}@bench.example", "password": PASSWORD}
        self.ask("POST", "/sign-in", form, expect=302, keep=True)
        self.ask("GET", "/", keep=True)


@dataclass(frozen=True)
class Site:
    """A running site."""

    port: int
    process: int

    def workers(self) -> list[int]:
        """Return the processes that answer requests."""
        found = Path(f"/proc/{self.process}/task/{self.process}/children").read_text()
        return [
            int(pid)
            for pid in found.split()
            if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]

    def megabytes(self) -> float:
        """Return the resident memory of the largest server process."""
        return max(
            int(line.split()[1]) / 1024
            for pid in self.workers()
            for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if line.startswith("VmRSS")
        )

    def people(self, code: str) -> list[Person]:
        """Return four people of one authority, signed in."""
        found = [Person(self.port) for _ in range(CLIENTS)]
        for person in found:
            person.sign_in(code)
        self.spread(found)
        return found

    def spread(self, people: list[Person]) -> None:
        """Connect anew until each process has as many of the connections as another.

        Whichever process is free takes a connection and keeps it: with all four at
        one, the other has nothing to do, and the figure would be one of chance.
        """
        held: Counter[int] = Counter()
        most = -(-len(people) // SERVERS)
        for person in people:
            for _ in range(200):
                owner = self._owner(person)
                if held[owner] < most:
                    break
                person.line.close()
                person.connect()
            held[owner] += 1

    def _owner(self, person: Person) -> int:
        """Return the process at the other end of a person's connection."""
        mine = f":{person.line.sock.getsockname()[1]:04X}"
        inode = next(
            cells[9]
            for cells in map(str.split, Path("/proc/net/tcp").read_text().splitlines())
            if cells[2].endswith(mine) and cells[1].endswith(f":{self.port:04X}")
        )
        wanted = f"socket:[{inode}]"
        for pid in self.workers():
            for link in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    if str(link.readlink()) == wanted:
                        return pid
        raise RuntimeError("the connection belongs to none of the processes")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        return int(free.getsockname()[1])


SECRET = (
    *("secret_key", "password_salt", "totp_key", "journal_key", "index_key"),
    "field_keys",
)


def environ_of(settings: Settings, port: int, **more: object) -> dict[str, str]:
    """Return what the parts of `tracing serve` find in their environment."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("TRACING_")}
    wanted = ("database_url", "worker_database_url", "owner_database_url", *SECRET)
    named = {name: getattr(settings, name) for name in wanted}
    given = {
        "instance_path": settings.instance,
        "host": HOST,
        "port": port,
        "workers": SERVERS,
        # People of the bench have a password alone: only a demonstration allows it.
        "demonstration": "true",
        "second_factor_required": "false",
    }
    found = named | given | more
    return environ | {f"TRACING_{name.upper()}": str(v) for name, v in found.items()}


def start_part(
    name: str, environ: Mapping[str, str], log: Path
) -> "subprocess.Popen[bytes]":
    """Start a part of the system as `tracing serve` does; it ends with this process."""
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "tracing.cli.part", name],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            env=dict(environ),
            cwd=ROOT,
            start_new_session=True,
        )


@contextlib.contextmanager
def serving(settings: Settings) -> Iterator[Site]:
    """Serve the database by `run_site`, as in service; end it whatever happens."""
    port = free_port()
    log = Path(settings.instance, "site.log")
    process = start_part("site", environ_of(settings, port), log)
    try:
        wait_for(port, process, log)
        yield Site(port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin:
            process.stdin.close()


def wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until the site answers."""
    give_up = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < give_up:
        with contextlib.suppress(OSError, http.client.HTTPException):
            line = http.client.HTTPConnection(HOST, port, timeout=5)
            line.request("GET", "/healthz")
            if line.getresponse().status == 200:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the site did not start:\n{log.read_text()[-4000:]}")


@dataclass(frozen=True, slots=True)
class Figures:
    """What one round gave."""

    p50: float
    """Milliseconds."""
    rate: float
    """A second."""


Work = Callable[[Person], None]


def measure(people: list[Person], work: Work, seconds: float) -> Figures:
    """Let everyone work at once for some seconds."""
    until = time.perf_counter() + seconds

    def go(person: Person) -> list[float]:
        took = []
        while (start := time.perf_counter()) < until:
            work(person)
            took.append(time.perf_counter() - start)
        return took

    begun = time.perf_counter()
    with ThreadPoolExecutor(len(people)) as pool:
        times = sorted(t for each in pool.map(go, people) for t in each)
    return Figures(
        times[len(times) // 2] * 1000, len(times) / (time.perf_counter() - begun)
    )


def flat(values: object, name: str) -> Iterator[tuple[str, str]]:
    """Yield the fields of a form as a browser names them."""
    match values:
        case dict():
            for key, value in values.items():
                yield from flat(value, f"{name}-{key}")
        case list() if values and isinstance(values[0], dict):
            for number, value in enumerate(values):
                yield from flat(value, f"{name}-{number}")
        case list():
            yield from ((name, str(value)) for value in values)
        case bool():
            yield name, "true" if values else ""
        case _:
            yield name, str(values)


def form_fields(values: dict[str, object]) -> dict[str, list[str]]:
    """Return what a browser posts for a form, by name."""
    found: dict[str, list[str]] = {}
    for key, value in values.items():
        for name, text in flat(value, key):
            found.setdefault(name, []).append(text)
    return found


def file_request(person: Person, form: Mapping[str, object]) -> str:
    """File a request: keep the draft, then send it; return where it stands."""
    values = {**form, "form_key": secrets.token_urlsafe(24), "action": "check"}
    _, where = person.ask("POST", "/trace-requests/new", values, expect=303)
    send = where.removesuffix("/check") + "/submit"
    values = {"authorised": "true", "version": "1"}
    _, where = person.ask("POST", send, values, expect=303)
    if "/check" in where:
        raise Unexpected(303, send, where)
    return where
