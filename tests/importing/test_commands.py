"""`tracing registry`: from the command line, in the system's name."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from tests import factories
from tests.importing.test_jobs import GOOD, HEADING, MAPPING
from tests.journal.conftest import entries
from tracing.casework import imports
from tracing.cli import registry
from tracing.crash import STATUS
from tracing.extensions import db
from tracing.journal.journal import SYSTEM
from tracing.models import ImportJob, OutboxMessage, RegistryItem

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(session):
    """The code of an authority."""
    found = factories.authority()
    session.commit()
    return found


@pytest.fixture
def run(app, session):
    def running(*given, good=True):
        db.session.commit()
        done = app.test_cli_runner().invoke(registry.group, list(map(str, given)))
        db.session.rollback()
        db.session.expire_all()
        assert (done.exit_code == 0) is good, done.output
        return done.output

    return running


@pytest.fixture
def files(tmp_path):
    """A file and its mapping."""
    file, told = tmp_path / "a.csv", tmp_path / "m.toml"
    file.write_text(f"{HEADING}\n{GOOD}3,,Colt,=Pistol,,,,\n")
    told.write_text(MAPPING)
    return file, told


def test_a_first_mapping_is_written_and_a_file_is_rehearsed_and_imported(
    run, home, files
):
    file, told = files
    assert 'serial = "Serial"' in run("mapping", file)
    common = ("import", file, "--mapping", told, "--authority", home.code)
    output = run(*common, "--dry-run")
    assert "3 rows can be imported, 1 cannot; nothing was written." in output
    assert db.session.query(ImportJob).count() == 0
    assert "2 records added, 0 changed, 3 events and marks; 1 rows bad" in run(*common)
    assert "This is a formula" in Path(f"{file}.report.csv").read_text("utf-8-sig")
    assert "0 records added, 0 changed, 0 events" in run(*common)
    job = db.session.scalars(select(ImportJob)).first()
    steps = ["import_started", "records_imported", "import_ended"]
    for chain in (SYSTEM, home.id):
        own = [e for e in entries(chain) if e.said.get("object") == imports.about(job)]
        assert [e.kind for e in own] == steps
        assert all("actor" not in e.said for e in own)


def test_a_mapping_that_does_not_fit_ends_it_with_what_to_do(run, home, files):
    file, told = files
    told.write_text('[key]\ncolumns = ["No"]\n[fields]\nserial = "Serail"\n')
    common = ("import", file, "--mapping", told, "--authority", home.code)
    assert "Line 4: the file has no column “Serail”" in run(*common, good=False)
    assert "tracing registry mapping" in run(*common[:2], *common[4:], good=False)


def test_what_is_exported_is_imported_again_without_a_mapping(
    run, home, files, tmp_path
):
    file, told = files
    run("import", file, "--mapping", told, "--authority", home.code)
    for name in ("out.csv", "out.xlsx"):
        run("export", tmp_path / name, "--authority", home.code)
        again = run("import", tmp_path / name, "--authority", home.code)
        assert "3 rows taken: 0 records added, 0 changed, 0 events" in again
    mails = db.session.query(OutboxMessage).filter_by(authority_id=home.id).all()
    assert [mail.facts["news"] for mail in mails] == ["records_taken"] * 2


WORK = """
import sys
from pathlib import Path
from tracing import crash, create_app
from tracing.config import Settings
from tracing.casework import imports
imports.BATCH = 40
url, instance, *given, place = sys.argv[1:]
app = create_app(Settings.for_tests(url, Path(instance)), login="owner")
crash.arm(place)
from tracing.cli import registry
done = app.test_cli_runner().invoke(registry.group, given)
print(done.output)
sys.exit(done.exit_code)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "place", ["import.written", "import.entered", "import.committed"]
)
def test_one_that_is_killed_is_gone_on_with_and_is_whole(
    app, run, home, tmp_path, settings, place
):
    file, told = tmp_path / "a.csv", tmp_path / "m.toml"
    lines = (
        f"{n},S {n},Colt,{'?' if n % 10 == 0 else 'Pistol'},,,,\n" for n in range(100)
    )
    file.write_text(f"{HEADING}\n{''.join(lines)}")
    told.write_text(MAPPING)
    common = ("import", str(file), "--mapping", str(told), "--authority", home.code)
    db.session.commit()
    process = [sys.executable, "-c", WORK, settings.database_url, settings.instance]
    resume: tuple[str, ...] = ()
    for _kill in range(2):
        done = subprocess.run(
            [*process, *common, *resume, place],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == STATUS, done.stdout + done.stderr
        resume = ("--resume",)
    assert "90 records added" in run(*common, "--resume")
    assert db.session.query(RegistryItem).count() == 90
    job = db.session.scalars(select(ImportJob)).one()
    assert (job.taken, job.bad) == (90, 10)
    report = Path(f"{file}.report.csv").read_text("utf-8-sig").splitlines()
    assert len(report) == 11
