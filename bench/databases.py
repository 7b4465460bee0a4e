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

from tests.clusters import running_cluster
from tracing import create_app
from tracing.config import Settings
from tracing.extensions import db

Make = Callable[[str], Settings]
"""Makes an empty, migrated database of that name and the settings to use it."""


@contextlib.contextmanager
def databases(kind: str, *, logins: bool = False) -> Iterator[Make]:
    """Yield what makes databases of one kind; remove all of them afterwards.

    `logins`: site, worker and owner reach PostgreSQL each by its own, as in service;
    none of them is a superuser.
    """
    folder = Path(tempfile.mkdtemp(prefix="tracing-bench-"))
    with contextlib.ExitStack() as leaving:
        leaving.callback(shutil.rmtree, folder, ignore_errors=True)
        if kind == "postgresql":
            cluster = leaving.enter_context(running_cluster(durable=True))

        def make(name: str) -> Settings:
            instance = folder / name
            instance.mkdir()
            if kind == "postgresql" and logins:
                urls = cluster.desk(name, lambda url: _migrate(url, instance))
            elif kind == "postgresql":
                urls = {"database_url": cluster.url(cluster.create(name=name))}
                _migrate(urls["database_url"], instance)
            else:
                urls = {"database_url": f"sqlite:///{instance / 'tracing.sqlite'}"}
                _migrate(urls["database_url"], instance)
            url = urls["database_url"]
            return replace(Settings.for_tests(url, instance), **urls)

        yield make


def by_superuser(settings: Settings) -> Settings:
    """Return the settings whose owner is one: to fill tables, or pass by the walls."""
    url = settings.owner_database_url.replace("desk_owner@", "postgres@", 1)
    return replace(settings, owner_database_url=url)


def _migrate(url: str, instance: Path) -> None:
    app = create_app(Settings.for_tests(url, instance))
    with app.app_context():
        upgrade()
        db.engine.dispose()
