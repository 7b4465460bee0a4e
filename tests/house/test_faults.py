"""The short version of `make faults`: killed, cut off, all at once, nothing is lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tracing.crash import POINTS

ROOT = Path(__file__).resolve().parents[2]
NO_DISK = "no power was cut"
SQLITE = (
    *("kill_worker", "power_cut_sqlite", "parallel_transitions"),
    "kill_lookup_worker",
)
POSTGRESQL = ("kill_server", "kill_import", "crash_points", "reminders")
"""Each fault once: `make faults` has all of them on both."""

INJECTED = {
    "kill_server": 3,
    "kill_worker": 3,
    "kill_lookup_worker": 2,
    "kill_import": 3,
    "power_cut_sqlite": 2,
    "crash_points": len(POINTS),
    "parallel_transitions": 8 * 3,
    "reminders": 2 * 3,
}

pytestmark = pytest.mark.slow


def run(*names: str, database: str) -> tuple[int, dict[str, dict[str, object]], str]:
    """Run `make faults` without make; return its status, its lines and its words."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("TRACING_")}
    chosen = {"ONLY": ",".join(names), "DATABASE": database, "SCALE": "short"}
    done = subprocess.run(
        [sys.executable, "-m", "bench.faults"],
        cwd=ROOT,
        env=environ | chosen,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {line["name"]: line for line in lines}, done.stderr


@pytest.mark.parametrize(
    ("database", "names"),
    [
        ("sqlite", SQLITE),
        pytest.param("postgresql", POSTGRESQL, marks=pytest.mark.postgresql),
    ],
)
def test_nothing_that_was_acknowledged_is_lost_and_nothing_is_done_twice(
    database, names
):
    status, lines, words = run(*names, database=database)
    cannot_cut = NO_DISK in words
    assert set(lines) == set(names), words
    for name, line in lines.items():
        assert (line["lost"], line["doubled"]) == (0, 0), words
        if name == "power_cut_sqlite" and cannot_cut:
            continue
        assert line["injected"] == INJECTED[name], words
        assert line["acknowledged"] > 0, words
    if cannot_cut:
        pytest.skip(next(text for text in words.splitlines() if NO_DISK in text))
    assert status == 0, words


def test_a_name_that_is_not_there_is_refused_in_words():
    status, lines, words = run("kill_everything", database="sqlite")
    assert (status, lines) == (2, {})
    assert "no such name: kill_everything; there are kill_server" in words
