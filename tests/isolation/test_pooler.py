"""Behind pgbouncer in transaction mode nobody is taken for who came before."""

import contextlib
import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import make_url

from tests import factories
from tests.clusters import die_with_parent, stop
from tests.conftest import dispose
from tests.isolation.test_walls import at_site
from tests.visitors import shown
from tracing import create_app

ROUNDS = 8
"""More than the driver waits for until it prepares a statement."""

SETTINGS = """
[databases]
{name} = host={folder}
[pgbouncer]
pool_mode = transaction
default_pool_size = 3
listen_addr =
listen_port = {port}
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/pooler.users
"""
PORT = 6432


@contextlib.contextmanager
def running_pooler(cluster, name, login):
    """Run pgbouncer before a database: three connections to the server for all.

    A page that is entered in the journal holds two for a moment.
    """
    program = shutil.which("pgbouncer", path=os.defpath + ":/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is missing: apt-get install pgbouncer")
    file = cluster.folder / "pooler.ini"
    (cluster.folder / "pooler.users").write_text(f'"{login}" ""\n')
    file.write_text(SETTINGS.format(name=name, folder=cluster.folder, port=PORT))
    process = subprocess.Popen(
        [program, str(file)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=die_with_parent(),  # noqa: PLW1509 - one call, no lock
        **cluster._identity(),
    )
    url = f"{cluster.url(name, login)}&port={PORT}"
    try:
        yield wait_for(process, url)
    finally:
        stop(process)


def plain(url):
    return url.replace("postgresql+psycopg:", "postgresql:", 1)


def wait_for(process, url):
    give_up = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < give_up:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(plain(url)).close()
            return url
        time.sleep(0.025)
    raise RuntimeError("pgbouncer did not start")


@pytest.fixture
def pooled(request, app, session, settings):
    """The address of the site's login through the pooler."""
    if settings.database_url.startswith("sqlite"):
        pytest.skip("about the connections of PostgreSQL")
    cluster = request.getfixturevalue("migrated_cluster")
    cluster.add_login("desk_site", "IN ROLE tracing_app")
    name = make_url(settings.database_url).database
    with running_pooler(cluster, name, "desk_site") as url:
        yield url


def test_those_who_share_connections_see_their_own(app, session, settings, of, pooled):
    other = factories.sides()
    cases = [
        (account, request.reference, foreign.reference)
        for request, foreign in [(factories.sent(of), factories.sent(other))]
        for account, request, foreign in (
            (of.officer, request, foreign),
            (other.officer, foreign, request),
        )
    ]
    session.commit()
    given = {"database_url": pooled, "database_pooler": True}
    site = create_app(replace(settings, **given))
    everybody = [(at_site(site, app, one), *rest) for one, *rest in cases]

    def look(one):
        visitor, mine, foreign = one
        answers = []
        for _ in range(ROUNDS):
            page = visitor.get(f"/trace-requests/{mine}")
            answers.append((page.status_code, mine in shown(page.text)))
            answers.append(visitor.get(f"/trace-requests/{foreign}").status_code)
            page = shown(visitor.get("/queue").text)
            answers.append((mine in page, foreign in page))
        return answers

    try:
        with ThreadPoolExecutor(len(everybody)) as pool:
            for answers in pool.map(look, everybody):
                assert answers == [(200, True), 404, (True, False)] * ROUNDS
    finally:
        dispose(site)
    # Whoever comes next to the same process of the server is nobody yet.
    with psycopg.connect(plain(pooled), autocommit=True) as after:
        told = "SELECT current_setting('app.authority', true)"
        assert after.execute(told).fetchone() in {("",), (None,)}
        count = "SELECT count(*) FROM trace_request"
        assert after.execute(count).fetchone() == (0,)
