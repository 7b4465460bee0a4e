"""Databases for measuring: made for one run, gone with it.

A PostgreSQL as the tests have it, but durable as in service; and a SQLite file.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from flask_migrate import upgrade

from tests.clusters import running_cluster
from tracing import create_app
from tracing.config import Settings
from tracing.extensions import db

Make = Callable[[str], Settings]
"""Makes an empty, migrated database of that name and the settings to use it."""


@contextlib.contextmanager
def databases(kind: str) -> Iterator[Make]:
    """Yield what makes databases of one kind; remove all of them afterwards."""
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
                db.engine.dispose()
            return settings

        yield make
