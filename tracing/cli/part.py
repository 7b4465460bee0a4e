"""One part of `tracing serve` in a process of its own: `site` or `worker`."""

import logging
import os
import sys
from pathlib import Path

from tracing import create_app
from tracing.cli.serve import end_with_parent, run_site, run_worker
from tracing.config import load


def main(name: str) -> None:
    """Run the part until it is told to end, or the parent is gone."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    # It would tell of each minute's sweep twice.
    logging.getLogger("huey").setLevel(logging.WARNING)
    # And of each thought of the machine: the history of a request is in its events.
    logging.getLogger("transitions").setLevel(logging.WARNING)
    end_with_parent()
    settings = load(Path(os.environ["TRACING_INSTANCE_PATH"]))
    if name == "worker":
        run_worker(create_app(settings.for_worker()))
    else:
        run_site(settings)


if __name__ == "__main__":
    main(sys.argv[1])
