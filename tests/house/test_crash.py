"""The places at which a test ends the process; off in service."""

import ast
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.environ import SECRETS
from tracing import crash
from tracing.config import SettingsError, load
from tracing.crash import POINTS

ROOT = Path(__file__).resolve().parents[2]


def places(path: Path) -> list[str]:
    """Return the places named in a file, as they stand."""
    return [
        ast.literal_eval(node.args[0])
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "crash.at"
    ]


def test_every_place_stands_in_the_code_once_and_in_the_list():
    found = Counter(
        place for path in (ROOT / "tracing").rglob("*.py") for place in places(path)
    )
    assert found == Counter(POINTS)
    assert len(POINTS) >= 25


def test_nothing_happens_at_a_place_that_is_not_armed():
    for place in POINTS:
        crash.at(place)


def test_an_armed_place_ends_the_process_and_nothing_after_it_runs():
    work = (
        "import atexit; from tracing import crash;"
        " atexit.register(print, 'after');"
        " crash.at('mail.sent'); crash.at('step.event'); print('never')"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"from tracing import crash; crash.arm('step.event'); {work}",
        ],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (137, b"")


def test_a_place_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"there is no place step\.evnt"):
        crash.arm("step.evnt")


def test_only_a_demonstration_may_be_made_to_end_in_its_work(tmp_path):
    given = SECRETS | {
        "TRACING_CRASH_AT": "step.event",
        "TRACING_ALLOWED_HOSTS": "tracing.example.org",
    }
    with pytest.raises(SettingsError, match="CRASH_AT"):
        load(tmp_path, given)
    assert load(tmp_path, given | {"TRACING_DEMONSTRATION": "1"}).crash_at


def test_the_setting_ends_a_real_process(tmp_path):
    environ = {k: v for k, v in os.environ.items() if not k.startswith("TRACING_")}
    environ |= SECRETS | {
        "TRACING_INSTANCE_PATH": str(tmp_path),
        "TRACING_DEMONSTRATION": "true",
        "TRACING_CRASH_AT": "file.renamed",
    }
    keep = (
        "from tracing import create_app; from tracing.casework.attachments import STORE;"
        " create_app().extensions[STORE].put(b'content'); print('never')"
    )
    done = subprocess.run(
        [sys.executable, "-c", keep],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (137, b"")
