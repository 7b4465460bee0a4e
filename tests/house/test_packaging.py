"""The wheel: built from the sdist, installed in an empty venv, used from `/`."""

import configparser
import json
import os
import shutil
import site
import subprocess
import sys
from pathlib import Path

import pytest
from setuptools import find_packages

ROOT = Path(__file__).resolve().parents[2]
MAPPED = "tracing.templates"
# What the wheel leaves out on purpose: sources of the catalogues, and what Python made.
NOT_SHIPPED = {".po", ".pot", ".cfg", ".pyc"}
LEFT_AT_HOME = shutil.ignore_patterns(
    *(".git", ".venv*", "instance", "tests", "docs", "bench", "build", "dist"),
    *("*.egg-info", ".*_cache", "__pycache__", ".hypothesis"),
)

LOOK_AT_THE_INSTALLED = """
import json, pathlib, sys
import flask_migrate, tracing, workflows
from tracing import create_app
from tracing.config import Settings

instance = pathlib.Path(sys.argv[1])
url = f"sqlite:///{instance / 'tracing.sqlite'}"
app = create_app(Settings.for_tests(url, instance))
with app.app_context():
    flask_migrate.upgrade()
page = app.test_client().get("/sign-in", follow_redirects=True)
print("\\n" + json.dumps({
    "tracing": str(pathlib.Path(tracing.__file__).parent),
    "workflows": str(pathlib.Path(workflows.__file__).parent),
    "templates": app.jinja_env.list_templates(),
    "status": page.status_code,
    "page": page.get_data(as_text=True),
}))
"""


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a program to its end and return what it printed."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TRACING_")}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=kept | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def shipped(folder: Path) -> set[str]:
    """Return the files below a folder that a wheel should hold."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in NOT_SHIPPED
    }


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A copy of the checkout, with its catalogues compiled."""
    tree = tmp_path_factory.mktemp("release") / "tree"
    shutil.copytree(ROOT, tree, ignore=LEFT_AT_HOME)
    for catalogue in tree.glob("tracing/translations/*/LC_MESSAGES/*.po"):
        compiled = catalogue.with_suffix(".mo")
        run("pybabel", "compile", "-i", catalogue, "-o", compiled, cwd=tree, **path())
    return tree


def path() -> dict[str, str]:
    """Return a search path that starts with the programs of this environment."""
    return {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def venv(tree, tmp_path_factory) -> Path:
    """An environment with the wheel in it, and no sight of the checkout."""
    dist = tmp_path_factory.mktemp("dist")
    run(
        *(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, tree),
        cwd=tree,
    )
    venv = tmp_path_factory.mktemp("empty") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=dist)
    python = venv / "bin" / "python"
    (wheel,) = dist.glob("*.whl")
    run(
        *(sys.executable, "-m", "pip", "--quiet", "--python", python, "install"),
        *("--no-index", "--no-deps", wheel),
        cwd=dist,
    )
    # The libraries of this environment without a network. Python does not read .pth
    # files of a folder named in one, so our own editable install stays unseen.
    libraries = next(venv.glob("lib/python*/site-packages")) / "libraries.pth"
    libraries.write_text("\n".join(site.getsitepackages()))
    return venv


@pytest.fixture(scope="module")
def installed(venv, tmp_path_factory) -> dict:
    """What the installed application says of itself, seen from `/`."""
    instance = tmp_path_factory.mktemp("instance")
    script = instance / "look.py"
    script.write_text(LOOK_AT_THE_INSTALLED)
    said = run(venv / "bin" / "python", "-I", script, instance, cwd=Path("/"))
    return json.loads(said.splitlines()[-1])


def test_each_package_is_listed():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    listed = setup["options"]["packages"].split()
    found = find_packages(str(ROOT), include=["tracing*", "workflows*"])
    assert listed == sorted({*found, MAPPED})


@pytest.mark.slow
class TestWheel:
    def test_it_is_the_wheel_that_runs(self, installed, venv):
        assert Path(installed["tracing"]).is_relative_to(venv)
        assert Path(installed["workflows"]).is_relative_to(venv)

    @pytest.mark.parametrize("package", ["tracing", "workflows"])
    def test_it_holds_the_files_of_the_tree(self, package, installed, tree):
        in_wheel = {
            name
            for name in shipped(Path(installed[package]))
            if not name.startswith("templates/")
        }
        assert in_wheel == shipped(tree / package)

    def test_it_holds_the_templates(self, installed, tree):
        expected = shipped(tree / "templates")
        assert shipped(Path(installed["tracing"]) / "templates") == expected
        assert expected <= set(installed["templates"])

    def test_it_serves_the_sign_in_page(self, installed):
        assert installed["status"] == 200
        assert "<form" in installed["page"]

    def test_it_brings_the_command(self, venv, tmp_path):
        helped = run(
            *(venv / "bin" / "tracing", "--help"),
            cwd=Path("/"),
            TRACING_INSTANCE_PATH=str(tmp_path),
        )
        assert "Usage:" in helped
