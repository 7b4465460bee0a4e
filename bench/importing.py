"""Files of records into the register, by the command line as an operator would."""

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Final

from flask import Flask
from sqlalchemy import select

from bench.seeding import TINY
from bench.site import ROOT, environ_of, free_port
from tracing.config import Settings
from tracing.extensions import db
from tracing.models import ImportJob

ROWS: Final = {"small": 50_000, "full": 1_000_000}
MAPPING: Final = """
[key]
columns = ["Record"]
source = "Measured"
[fields]
serial = "Serial"
firearm_type = "Type"
make = "Make"
model = "Model"
calibre = "Calibre"
year = "Year"
country_of_manufacture = "Made in"
status = "Status"
"""
HEADING: Final = "Record,Serial,Type,Make,Model,Calibre,Year,Made in,Status"


def write(path: Path, rows: int) -> None:
    """Write a file of invented records, the same each time."""
    of = random.Random(20261128)
    with path.open("w", encoding="utf-8") as out:
        out.write(f"{HEADING}\n")
        for number in range(rows):
            serial = f"{of.choice('ABCDEFGHKLMNPRSTVXYZ')}{of.choice('ABEHKMX')}"
            out.write(
                f"R{number:08d},{serial}{of.randrange(10**7):07d},"
                f"{of.choice(('PISTOL', 'Revolver', 'Rifle', 'SHOTGUN'))},"
                f"{of.choice(('Colt', 'Beretta', 'FN Herstal', 'Zastava', 'Norinco'))},"
                f"M{of.randrange(200)},{of.choice(('9 mm', '.45 ACP', '7.62x39'))},"
                f"{of.randrange(1950, 2026)},{of.choice(('DE', 'US', 'IT', 'BE'))},"
                "REGISTERED\n"
            )


def bring(settings: Settings, app: Flask, rows: int) -> dict[str, tuple[float, float]]:
    """Import a file twice; return rows a second and megabytes of each time."""
    folder = Path(settings.instance)
    file, told = folder / "measured.csv", folder / "mapping.toml"
    write(file, rows)
    told.write_text(MAPPING)
    found = {}
    for case in ("new", "again"):
        log = (folder / "import.log").open("ab")
        with (
            log,
            subprocess.Popen(
                [
                    *(sys.executable, "-c", "from tracing.cli import main; main()"),
                    *("registry", "import", str(file), "--mapping", str(told)),
                    *("--authority", TINY),
                ],
                env=environ_of(settings, free_port()),
                cwd=ROOT,
                stdout=log,
                stderr=log,
            ) as process,
        ):
            _pid, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError((folder / "import.log").read_text()[-2000:])
        with app.app_context():
            job = db.session.scalars(
                select(ImportJob).order_by(ImportJob.id.desc()).limit(1)
            ).one()
            assert job.started_at is not None
            assert job.ended_at is not None
            assert job.taken == rows
            took = (job.ended_at - job.started_at).total_seconds()
            db.session.remove()
        found[case] = (rows / took, used.ru_maxrss / 1024)
    file.unlink()
    return found
