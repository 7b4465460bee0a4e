"""The application for a WSGI server: `tracing.wsgi:app`, made when first asked for."""

from functools import cache

from flask import Flask

from tracing import create_app, logs, worker
from tracing.extensions import ask_registers, import_files, wake


@cache
def application() -> Flask:
    """Return the application of this process; what it writes wakes the worker."""
    app = create_app()
    logs.set_up(app.extensions["tracing.settings"].log_format)
    wake.call = worker.waker(app)
    ask_registers.call = worker.waker(app, worker.LOOK_UP)
    import_files.call = worker.waker(app, worker.IMPORT)
    return app


def __getattr__(name: str) -> Flask:
    if name == "app":
        return application()
    raise AttributeError(name)
