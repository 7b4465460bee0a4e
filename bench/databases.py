"""Databases for measuring: made for one run, gone with it.

A PostgreSQL as the tests have it, but durable as in service; and a SQLite file.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from flask_migrate import upgrade
from sqlalchemy import text

from tests.clusters import running_cluster
from tracing import create_app
from tracing.config import Settings
from tracing.extensions import db
from tracing.security.isolation import SITE, WORKER

Make = Callable[[str], Settings]
"""Makes an empty, migrated database of that name and the settings to use it."""


@contextlib.contextmanager
def databases(kind: str, *, logins: bool = False) -> Iterator[Make]:
    """Yield what makes databases of one kind; remove all of them afterwards.

    `logins`: site, worker and owner reach PostgreSQL each by its own, as in service.
    """
    folder = Path(tempfile.mkdtemp(prefix="tracing-bench-"))
    with contextlib.ExitStack() as leaving:
        leaving.callback(shutil.rmtree, folder, ignore_errors=True)
        if kind == "postgresql":
            cluster = leaving.enter_context(running_cluster(durable=True))

        def make(name: str) -> Settings:
            instance = folder / name
            instance.mkdir()
            url = f"sqlite:///{instance / 'tracing.sqlite'}"
            if kind == "postgresql":
                url = cluster.url(cluster.create(name=name))
            settings = Settings.for_tests(url, instance)
            app = create_app(settings)
            with app.app_context():
                upgrade()
                if kind == "postgresql" and logins:
                    settings = _with_logins(settings, name)
                db.engine.dispose()
            return settings

        yield make


def _with_logins(settings: Settings, name: str) -> Settings:
    """Return the settings with a login for the site and another for the worker."""
    found = {}
    for role in (SITE, WORKER):
        login = f"{name}_{role}"
        db.session.execute(text(f"CREATE ROLE {login} LOGIN IN ROLE {role}"))
        found[role] = settings.database_url.replace("postgres@", f"{login}@", 1)
    db.session.commit()
    return replace(
        settings,
        database_url=found[SITE],
        worker_database_url=found[WORKER],
        owner_database_url=settings.database_url,
    )
