"""One part of `tracing serve` in a process of its own: `site`, `worker`, `stand-in`."""

import os
import sys
from pathlib import Path

from tracing import create_app, logs
from tracing.cli.lookups import run_stand_in
from tracing.cli.serve import end_with_parent, run_site, run_worker
from tracing.config import load


def main(name: str) -> None:
    """Run the part until it is told to end, or the parent is gone."""
    # What this process writes is for its owner alone.
    os.umask(0o077)
    settings = load(Path(os.environ["TRACING_INSTANCE_PATH"]))
    logs.set_up(settings.log_format)
    end_with_parent()
    if name == "stand-in":
        run_stand_in(Path(settings.instance))
    elif name == "worker":
        run_worker(create_app(settings, login="worker"))
    else:
        run_site(settings)


if __name__ == "__main__":
    main(sys.argv[1])
