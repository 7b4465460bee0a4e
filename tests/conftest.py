"""Fixtures for all tests.

Nothing of the application, and no library beside pytest, is imported at the top:
tests/workflows runs where only pytest and transitions are installed.
"""

from __future__ import annotations

import contextlib
import contextvars
import gc
import importlib.util
import ipaddress
import os
import shutil
import socket
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient
    from playwright.sync_api import Browser, Page
    from sqlalchemy.orm import Session

    from tests.clusters import Cluster
    from tests.smtp import Mailbox

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = "migrated"


def pytest_configure() -> None:
    """Make invented examples the same on every run of the continuous integration."""
    # Applications come and go by the thousand: to look through them seldom saves a
    # sixth of the time.
    gc.set_threshold(50_000, 10, 10)
    if importlib.util.find_spec("hypothesis"):
        from hypothesis import settings

        settings.register_profile("ci", deadline=None, derandomize=True)
        settings.register_profile("here", deadline=None)
        settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make test-fast` leaves out."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "page" in fixtures or "browser" in fixtures:
            item.add_marker(pytest.mark.browser)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what did not run, and why."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(
        str(report.longrepr[2] if isinstance(report.longrepr, tuple) else "")
        for report in skipped
    )
    if not reasons:
        return
    terminalreporter.section("DID NOT RUN", sep="!", red=True, bold=True)
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count} x {reason.removeprefix('Skipped: ')}", red=True)


# ---------------------------------------------------------------- the world outside


def is_this_machine(address: Any) -> bool:
    """Tell a socket file or a loopback address from all others."""
    if not isinstance(address, tuple):
        return True
    host = address[0]
    if host in {"localhost", ""}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def _no_world_outside() -> Iterator[None]:
    """Close every socket but those to this machine."""

    def guarded(method: Any) -> Any:
        def connect(self: socket.socket, address: Any) -> Any:
            if not is_this_machine(address):
                self.close()
                pytest.fail(f"a test tried to reach {address}")
            return method(self, address)

        return connect

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_settings_of_this_machine() -> Iterator[None]:
    """Keep TRACING_* of the developer's shell out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("TRACING_")]:
            patch.delenv(name)
        yield


# ------------------------------------------------------------------------ databases


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL server for this worker of the tests, with no database in it."""
    from tests.clusters import running_cluster

    with running_cluster() as cluster:
        yield cluster


def migrate(url: str, instance: Path) -> None:
    """Bring a database to the newest migration."""
    from flask_migrate import upgrade

    from tracing import create_app
    from tracing.config import Settings

    app = create_app(Settings.for_tests(url, instance))
    with app.app_context():
        upgrade()
    dispose(app)


def dispose(app: Flask) -> None:
    """Close the connections of an application."""
    from tracing.extensions import db

    with app.app_context():
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose(close=str(engine.url) not in POOLS)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    folder = tmp_path_factory.mktemp("sqlite")
    migrate(f"sqlite:///{folder / 'migrated.sqlite'}", folder)
    return folder / "migrated.sqlite"


@pytest.fixture(scope="session")
def migrated_cluster(
    postgres: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Cluster:
    """The server with a migrated database to copy."""
    postgres.create(name=TEMPLATE)
    migrate(postgres.url(TEMPLATE), tmp_path_factory.mktemp("postgresql"))
    return postgres


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated, empty database of its own; the test runs once on each kind."""
    if request.param == "sqlite":
        file = tmp_path / "tracing.sqlite"
        shutil.copy(request.getfixturevalue("migrated_file"), file)
        yield f"sqlite:///{file}"
        return
    cluster: Cluster = request.getfixturevalue("migrated_cluster")
    name = cluster.lend(TEMPLATE)
    try:
        yield cluster.url(name)
    finally:
        cluster.take_back(name)


# ------------------------------------------------------------------ the application


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Any:
    """The settings of `app`; a test module may override this fixture to change them."""
    from tracing.config import Settings

    instance = tmp_path / "instance"
    instance.mkdir()
    return Settings.for_tests(database_url, instance)


def serve_as_the_pages_do(app: Flask) -> None:
    """Let each request reach PostgreSQL as the role of the pages, behind its wall.

    What a test itself prepares and looks up, it does as the owner.
    """
    from flask import has_request_context
    from sqlalchemy import event

    from tracing.extensions import db
    from tracing.security.isolation import SITE

    with app.app_context():
        engine = db.engine
    if engine.dialect.name != "postgresql":
        return

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        if has_request_context():
            connection.exec_driver_sql(f"SET LOCAL ROLE {SITE}")


@pytest.fixture(scope="session")
def compiled() -> Any:
    """What was made of the templates: once for all applications of these tests."""
    from jinja2 import BytecodeCache

    known: dict[str, bytes] = {}

    class InMemory(BytecodeCache):
        def load_bytecode(self, bucket: Any) -> None:
            if bucket.key in known:
                bucket.bytecode_from_string(known[bucket.key])

        def dump_bytecode(self, bucket: Any) -> None:
            known[bucket.key] = bucket.bytecode_to_string()

    return InMemory()


@pytest.fixture(autouse=True, scope="session")
def _routes_are_compiled_once() -> Iterator[None]:
    """Compile how an address is written once for all applications of these tests."""
    if not importlib.util.find_spec("werkzeug"):
        yield
        return
    from werkzeug.routing import Rule

    compile_one, known = Rule._compile_builder, {}

    def remembered(self: Any, append_unknown: bool = True) -> Any:
        key = (self.rule, repr(self.defaults), append_unknown)
        if key not in known:
            known[key] = compile_one(self, append_unknown)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", remembered)
        yield


POOLS: dict[str, Any] = {}
"""Of each PostgreSQL database its connections: to open one takes longer than a test."""

DIALECTS: dict[str, Any] = {}
STATEMENTS: dict[str, Any] = {}
"""What was made of the statements: once for all databases of these tests."""


def keep_connections(app: Flask) -> None:
    """Go on with the connections and statements that the tests before have used."""
    from sqlalchemy.util import LRUCache

    from tracing.extensions import db

    with app.app_context():
        engine = db.engine
    kind = engine.dialect.name
    if kind == "postgresql":
        engine.pool = POOLS.setdefault(str(engine.url), engine.pool)
    if kind not in DIALECTS:
        with engine.connect():  # the dialect learns what it talks to
            DIALECTS[kind] = engine.dialect
        STATEMENTS[kind] = LRUCache(1500)
    engine.dialect = DIALECTS[kind]
    engine.update_execution_options(compiled_cache=STATEMENTS[kind])


@pytest.fixture
def app(settings: Any, compiled: Any) -> Iterator[Flask]:
    """The application on a database of its own; no context is open."""
    from tracing import create_app

    app = create_app(settings)
    app.jinja_env.bytecode_cache = compiled
    keep_connections(app)
    serve_as_the_pages_do(app)
    try:
        yield app
    finally:
        dispose(app)


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """The session of the application, inside its context, for commands and queries."""
    from tracing.extensions import db

    with app.app_context():
        yield db.session
        db.session.rollback()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without a screen; ask `client_of(app)` for a second person."""
    return client_of(app)


def client_of(app: Flask) -> FlaskClient:
    """Return a client whose requests share nothing with the test but the database."""
    from flask import has_app_context
    from flask.testing import FlaskClient

    from tracing.extensions import db

    class Client(FlaskClient):
        def open(self, *args: Any, **kwargs: Any) -> Any:
            # What the test has prepared is there for the page, as it would be for
            # real; and SQLite's one writer is not left waiting for the test.
            if has_app_context():
                db.session.commit()
            # An open context would be reused by the request, with its session and
            # the person who is signed in.
            return contextvars.Context().run(super().open, *args, **kwargs)

    app.test_client_class = Client
    return app.test_client()


# ------------------------------------------------------------- mail and the browser


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A mail server on this machine: `host`, `port`, `deliveries`, `refusal`."""
    from tests.smtp import running_mailbox

    with running_mailbox() as mailbox:
        yield mailbox


@pytest.fixture
def live_server(app: Flask) -> Iterator[str]:
    """The address of the application on a real port."""
    from tests.browser import serving

    with serving(app) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, one for each worker of the tests; loudly skipped where missing."""
    from tests.browser import running_browser

    with running_browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, live_server: str) -> Iterator[Page]:
    """An empty tab of a fresh profile, whose relative addresses are `live_server`'s."""
    with contextlib.closing(browser.new_context(base_url=live_server)) as context:
        yield context.new_page()
