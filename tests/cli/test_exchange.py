"""Export, import and check from the command line; the check needs no installation."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from tests import factories
from tracing.cli.exchange import exchange_key, export_request, import_request, verify
from tracing.exchange import signing
from tracing.extensions import db
from tracing.models import OutboxMessage

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def of(session):
    """Two authorities and their people."""
    return factories.sides()


@pytest.fixture
def run(app):
    """Run a command; return its exit status and what it said."""
    runner = app.test_cli_runner()

    def running(command, *arguments):
        db.session.commit()
        done = runner.invoke(command, list(map(str, arguments)))
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return done.exit_code, done.output

    return running


@pytest.fixture
def exported(run, of, tmp_path):
    """A request as a file, and the set of keys."""
    made = factories.sent(of)
    file, keys = tmp_path / "request.json", tmp_path / "keys.json"
    given = (made.reference, file, "--for", of.investigator.email)
    code, said = run(export_request, *given)
    assert code == 0, said
    keys.write_text(run(exchange_key)[1])
    return file, keys


def test_a_file_is_for_its_owner_alone_and_the_authority_is_told(exported, of):
    file, _keys = exported
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    rows = db.session.scalars(select(OutboxMessage)).all()
    assert [row for row in rows if row.facts.get("news") == "request_taken"]


def test_the_ending_chooses_the_format_and_another_is_refused(run, of, tmp_path):
    made = factories.sent(of)
    person = ("--for", of.officer.email)
    for ending in ("xml", "csv"):
        file = tmp_path / f"request.{ending}"
        assert run(export_request, made.reference, file, *person)[0] == 0
        assert file.read_bytes()
    code, said = run(export_request, made.reference, tmp_path / "a.pdf", *person)
    assert code == 1
    assert ".json, .xml, .csv" in said
    stranger = ("--for", factories.person().email)
    code, said = run(export_request, made.reference, tmp_path / "a.xml", *stranger)
    assert (code, "no such request" in said) == (1, True)


def test_a_file_is_checked_off_line_with_the_public_keys_alone(exported, tmp_path):
    file, keys = exported
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TRACING_")}

    def check(what, *given):
        words = "from tracing.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", words, "verify", str(what), *map(str, given)],
            cwd=tmp_path,
            env=kept
            | {"PYTHONPATH": str(ROOT), "TRACING_INSTANCE_PATH": "/nowhere/at/all"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    code, said = check(file, "--key", keys)
    assert code == 0, said
    assert "unchanged since" in said
    changed = json.loads(file.read_text())
    changed["exporter"] = "XX-1"
    file.write_text(json.dumps(changed))
    assert check(file, "--key", keys)[0] == 2


def test_each_standing_has_its_exit_status(run, exported, tmp_path):
    file, keys = exported
    assert run(verify, file)[0] == 0
    strange = json.loads(keys.read_text())
    strange["keys"] = []
    keys.write_text(json.dumps(strange))
    assert run(verify, file, "--key", keys)[0] == 1
    said = json.loads(file.read_text())
    del said["signature"]
    file.write_text(json.dumps(said))
    assert run(verify, file)[0] == 1
    for events, status in ((None, 1), ([{}], 1), ([None], 3), ({}, 3), ([[]], 3)):
        file.write_text(json.dumps(said | {"events": events}))
        assert run(verify, file)[0] == status
    file.write_text("{}")
    assert run(verify, file)[0] == 3
    keys.write_text("no keys")
    assert run(verify, file, "--key", keys)[0] == 3


def test_a_draft_is_made_of_a_file(run, exported, of):
    file, _keys = exported
    code, said = run(import_request, file, "--as", of.investigator.email)
    assert (code, "a draft. Signed by this installation" in said) == (0, True)
    plain = {k: v for k, v in json.loads(file.read_text()).items() if k != "signature"}
    file.write_text(json.dumps(plain))
    code, said = run(import_request, file, "--as", of.investigator.email)
    assert (code, "--unvouched" in said) == (1, True)
    given = ("--as", of.investigator.email, "--unvouched")
    assert run(import_request, file, *given)[0] == 0
    code, said = run(import_request, file, "--as", of.officer.email, "--unvouched")
    assert (code, "role investigator" in said) == (1, True)


def test_the_set_of_keys_is_the_one_that_is_published(run, app, session):
    own = signing.published(app.extensions["tracing.settings"])
    assert json.loads(run(exchange_key)[1]) == own
