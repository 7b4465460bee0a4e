"""The locked requirements: complete, and free of any machine's name."""

import configparser
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
HOST = re.compile(r"://|--(extra-)?index-url|--find-links|--trusted-host| @ ")


def direct(text: str) -> set[str]:
    """Return the requirements of a file without comments and spaces."""
    lines = (line.split("#")[0].replace(" ", "") for line in text.splitlines())
    return {line for line in lines if line and not line.startswith("-")}


def pinned(name: str) -> dict[str, str]:
    """Return the version of each distribution in a locked file."""
    text = (REQUIREMENTS / name).read_text("utf-8")
    return dict(re.findall(r"(?m)^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)", text))


@pytest.mark.parametrize(
    "path", sorted(REQUIREMENTS.iterdir()), ids=lambda path: path.name
)
def test_no_machine_is_named(path):
    assert not HOST.search(path.read_text("utf-8"))


@pytest.mark.parametrize("name", ["run.txt", "build.txt", "test.txt"])
def test_everything_is_pinned_with_hashes(name):
    text = (REQUIREMENTS / name).read_text("utf-8").replace("\\\n", "")
    entries = [line for line in text.splitlines() if line and line[0] not in "# "]
    assert entries
    assert [line for line in entries if "--hash=sha256:" not in line] == []


def test_setup_and_requirements_ask_for_the_same():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    asked = direct(setup["options"]["install_requires"])
    assert asked == direct((REQUIREMENTS / "run.in").read_text("utf-8"))


def test_what_is_asked_for_is_locked():
    names = {
        re.match(r"[\w.-]+", line)[0]
        for line in direct((REQUIREMENTS / "run.in").read_text("utf-8"))
    }
    assert names <= set(pinned("run.txt"))


def test_the_tests_run_on_the_versions_that_ship():
    test = pinned("test.txt")
    shipped = pinned("run.txt") | pinned("build.txt")
    assert {name: test.get(name) for name in shipped} == shipped
