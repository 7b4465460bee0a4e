"""The stand-in keeps to the agreement that is written down, and starts by one command."""

import json
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.lookups.conftest import ASKER, KNOWN, settings_for
from tracing.lookups import registers
from tracing.lookups.http import Client
from workflows.vocabulary import LookupOutcome

ROOT = Path(__file__).resolve().parents[2]
AGREED = json.loads((ROOT / "docs/protocols/look-ups.openapi.json").read_text("utf-8"))
SCHEMAS = AGREED["components"]["schemas"]


def asked_of(name):
    """What a question of this name says."""
    said = {"query_id": "a" * 32, "authority": "X", "officer": "X/1", "purpose": "x"}
    more = {"item": KNOWN.plain(), "id": "iarms-A-1", "since": ""}
    return {
        field: said.get(field, more.get(field)) for field in SCHEMAS[name]["required"]
    }


def test_every_path_of_the_agreement_is_answered_as_agreed(stand_in):
    client = Client(settings_for(stand_in), stand_in.folder)
    trace = stand_in.records.trace("agreed", KNOWN.plain())
    for path, methods in AGREED["paths"].items():
        for method, row in methods.items():
            body = row.get("requestBody", {}).get("content", {})
            name = body.get("application/json", {}).get("schema", {}).get("$ref", "")
            said = asked_of(name.rpartition("/")[2]) if name else None
            where = path.replace("{trace_id}", trace)
            headers = {"Idempotency-Key": "agreed"}
            reply = client.ask(method.upper(), where, said, safe=True, headers=headers)
            (good,) = (
                row["responses"][code]
                for code in ("200", "201")
                if code in row["responses"]
            )
            wanted = good["content"]["application/json"]["schema"]["$ref"]
            schema = SCHEMAS[wanted.rpartition("/")[2]]
            assert set(schema["required"]) <= set(reply.said), path
            assert set(reply.said) <= set(schema["properties"]), path


def test_it_starts_by_one_command_and_writes_what_the_desk_needs(tmp_path):
    program = "from tracing.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "stand-in", str(tmp_path), "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={k: v for k, v in os.environ.items() if not k.startswith("TRACING_")},
    )
    try:
        lines = [process.stdout.readline() for _ in range(3)]
        assert "nothing here is INTERPOL's" in lines[0]
        file = tmp_path / registers.FILE
        assert file.stat().st_mode & 0o077 == 0
        assert set(tomllib.loads(file.read_text())) == {"stand-in"}
        found = registers.load(tmp_path)["stand-in"]
        answer = found.asked.search(KNOWN, "a try", ASKER)
        assert answer.outcome is LookupOutcome.HIT
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        process.stdout.close()
