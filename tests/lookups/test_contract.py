"""What every adapter keeps to, ours and a State's own."""

import csv
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lookups.conftest import ASKER, KNOWN, UNKNOWN, asker, settings_for
from tracing.lookups import registers
from tracing.lookups.by_hand import ByHand, HandSettings
from tracing.lookups.drop_folder import DropFolder, FolderSettings
from tracing.lookups.json_service import Iarms, RegistryHttp
from tracing.lookups.own import OwnRecords, OwnSettings
from tracing.lookups.port import (
    Answer,
    Candidate,
    Capability,
    ExternalLookup,
    NotAnswered,
    NotYet,
)
from tracing.ports import BadSetting
from workflows.vocabulary import LookupOutcome

ROOT = Path(__file__).resolve().parents[2]
OUT = LookupOutcome
SERIAL = KNOWN.serial


@dataclass
class Stage:
    """An adapter that knows KNOWN and nothing else, and one whose register is gone."""

    lookup: ExternalLookup
    gone: ExternalLookup | None


class Book:
    """Records of an authority, as the registry hands them over."""

    def __init__(self, *serials):
        self.serials = serials

    def search(self, query, authority):
        return [Candidate(s) for s in self.serials if s == query.serial], True

    def detail(self, number, authority):
        return Candidate(number) if number in self.serials else None


def over_http(kind, prefix):
    def stage(request, folder):
        server = request.getfixturevalue("stand_in")
        here = settings_for(server, prefix)
        nowhere = settings_for(server, prefix, url="https://127.0.0.1:9", ports=("9",))
        return Stage(kind(here, server.folder), kind(nowhere, server.folder))

    return stage


def own(request, folder):
    return Stage(OwnRecords(OwnSettings(), folder, Book(SERIAL)), None)


def by_files(request, folder):
    """With somebody at the other end who answers what is asked."""
    for name in ("out", "in"):
        (folder / name).mkdir()
    ending = threading.Event()

    def other_side():
        while not ending.wait(0.01):
            for file in (folder / "out").glob("*.csv"):
                answer = folder / "in" / file.name
                if not answer.exists():
                    write_answer(answer, file)

    thread = threading.Thread(target=other_side, daemon=True)
    thread.start()
    request.addfinalizer(lambda: (ending.set(), thread.join(5)))
    settings = FolderSettings(out_folder="out", in_folder="in")
    gone = FolderSettings(out_folder="no", in_folder="no")
    return Stage(DropFolder(settings, folder), DropFolder(gone, folder))


def write_answer(answer, question):
    """Answer a question by file, as the agreement says."""
    with question.open(newline="", encoding="utf-8") as file:
        head, cells, _end = csv.reader(file)
    said = dict(zip(head, cells, strict=True))
    found = [[said["key"], "F-1", "stolen", "KE", "x"]] * (said["serial"] == SERIAL)
    begun = answer.with_suffix(".begun")
    with begun.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["key", "id", "kind", "owner", "summary"])
        writer.writerows(found)
        writer.writerow(["END", len(found), said["key"]])
    begun.replace(answer)


def by_hand(request, folder):
    return Stage(ByHand(HandSettings(), folder), None)


def of_a_state(request, folder):
    (folder / "ledger.txt").write_text(f"{SERIAL}\nEND\n")
    kind: Any = request.getfixturevalue("installed")
    return Stage(
        kind(kind.Settings(file="ledger.txt"), folder),
        kind(kind.Settings(file="no.txt"), folder),
    )


STAGES = {
    "iarms": over_http(Iarms, "/v1"),
    "registry-http": over_http(RegistryHttp, "/registry/v1"),
    "own-records": own,
    "drop-folder": by_files,
    "by-hand": by_hand,
    "state-ledger": of_a_state,
}


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The example package: built, installed into a folder, found by its entry point."""
    folder = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source")
    for file in (ROOT / "tests/lookups/example").glob("*.*"):
        (source / file.name).write_bytes(file.read_bytes())
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--quiet", "install", "--no-deps"),
            *("--no-index", "--no-build-isolation", "--target", str(folder)),
            str(source),
        ],
        check=True,
        capture_output=True,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        found = registers.adapters()["state-ledger"]
        yield registers.load_name(found)


@pytest.fixture(params=list(STAGES))
def stage(request, tmp_path):
    return STAGES[request.param](request, tmp_path)


def answered(lookup, query, key):
    """The answer, however long it takes; None where a person has to give it."""
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        try:
            return lookup.search(query, "to answer a trace request", asker(key))
        except NotYet as later:
            if later.after is None:
                return None
            time.sleep(0.02)
    raise AssertionError("no answer came")


class TestEveryAdapter:
    def test_declares_what_it_can_do(self, stage):
        assert stage.lookup.capabilities <= set(Capability)
        assert isinstance(stage.lookup.Settings, type)

    def test_finds_what_is_there(self, stage):
        found = answered(stage.lookup, KNOWN, "1" * 32)
        if found is None:
            assert Capability.BY_HAND in stage.lookup.capabilities
            return
        assert isinstance(found, Answer)
        assert found.outcome is OUT.HIT
        assert all(candidate.id for candidate in found.candidates)

    def test_says_that_there_is_no_record_of_what_is_not_there(self, stage):
        found = answered(stage.lookup, UNKNOWN, "2" * 32)
        if found is not None:
            assert (found.outcome, found.candidates) == (OUT.NO_HIT, ())

    def test_answers_the_same_under_the_same_key(self, stage):
        first, second = (answered(stage.lookup, KNOWN, "3" * 32) for _ in "ab")
        assert (first and first.candidates) == (second and second.candidates)

    def test_shows_a_candidate_in_full_or_says_that_it_does_not(self, stage):
        if Capability.DETAIL not in stage.lookup.capabilities:
            with pytest.raises(NotAnswered) as said:
                stage.lookup.detail("x", "x", ASKER)
            assert said.value.outcome is OUT.NOT_PERMITTED
            return
        (candidate,) = answered(stage.lookup, KNOWN, "4" * 32).candidates
        full = stage.lookup.detail(candidate.id, "x", ASKER)
        assert [one.id for one in full.candidates] == [candidate.id]
        with pytest.raises(NotAnswered):
            stage.lookup.detail("not-there", "x", ASKER)

    def test_takes_no_trace_that_it_does_not_offer_to_take(self, stage):
        if Capability.SUBMIT_TRACE not in stage.lookup.capabilities:
            for ask in (
                lambda: stage.lookup.submit_trace(KNOWN, "x", ASKER),
                lambda: stage.lookup.poll("x", ASKER),
                lambda: stage.lookup.notices(""),
            ):
                with pytest.raises(NotAnswered):
                    ask()

    def test_without_its_register_says_so_and_never_that_there_is_no_record(
        self, stage
    ):
        if stage.gone is None:
            assert stage.lookup.check() is None
            return
        for ask in (
            lambda: stage.gone.search(UNKNOWN, "x", ASKER),
            stage.gone.check,
        ):
            with pytest.raises(NotAnswered) as said:
                ask()
            assert said.value.outcome is OUT.UNAVAILABLE

    def test_can_be_tried(self, stage):
        assert stage.lookup.check() is None


class TestAnswersByFile:
    @pytest.fixture
    def folder(self, tmp_path):
        for name in ("out", "in"):
            (tmp_path / name).mkdir()
        return tmp_path

    def answer(self, folder, content, age=999.0):
        file = folder / "in" / f"{ASKER.key}.csv"
        file.write_bytes(content)
        old = time.time() - age
        os.utime(file, (old, old))
        settings = FolderSettings(out_folder="out", in_folder="in")
        return DropFolder(settings, folder).search(KNOWN, "x", ASKER)

    HEAD = b"key,id,kind,owner,summary\n"

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            HEAD,
            HEAD + b"END,1," + ASKER.key.encode() + b"\n",
            HEAD + b"END,0,another\n",
            HEAD + b"another,F-1,stolen,KE,x\nEND,1," + ASKER.key.encode() + b"\n",
            b"id,kind\nEND,0," + ASKER.key.encode() + b"\n",
            HEAD + b'"' + ASKER.key.encode() + b",F-1\nEND,1\n",
            "key;ид".encode("cp1251") + b"\nEND,0\n",
            b"\x00" * 50,
            b"x" * 1_000_001,
        ],
    )
    def test_that_are_not_as_agreed_are_not_understood(self, folder, content):
        with pytest.raises(NotAnswered) as said:
            self.answer(folder, content)
        assert said.value.outcome is OUT.NOT_UNDERSTOOD

    def test_that_are_still_being_written_are_waited_for(self, folder):
        with pytest.raises(NotYet):
            self.answer(folder, self.HEAD, age=1)

    def test_a_question_that_the_other_side_took_away_is_not_left_again(self, folder):
        settings = FolderSettings(out_folder="out", in_folder="in")
        lookup = DropFolder(settings, folder)
        for left in (1, 0):
            with pytest.raises(NotYet):
                lookup.search(KNOWN, "x", ASKER)
            files = list((folder / "out").iterdir())
            assert len(files) == left
            for file in files:
                file.unlink()

    def test_a_question_holds_no_formula(self, folder):
        settings = FolderSettings(out_folder="out", in_folder="in")
        evil = KNOWN.__class__("=cmd|' /C calc'!A0", make="@SUM(1)")
        with pytest.raises(NotYet):
            DropFolder(settings, folder).search(evil, "-1+1", ASKER)
        (file,) = (folder / "out").iterdir()
        with file.open(newline="", encoding="utf-8") as text:
            for row in csv.reader(text):
                assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)


class TestWhatIsSetUp:
    def load(self, folder, text):
        (folder / registers.FILE).write_text(text)
        return registers.load(folder)

    def test_a_package_of_a_states_own_is_found_and_used(self, installed, tmp_path):
        (tmp_path / "ledger.txt").write_text(f"{SERIAL}\nEND\n")
        found = self.load(
            tmp_path,
            '[ledger]\nadapter = "state-ledger"\nlabel = "Ledger"\n'
            'authorities = ["BR-1"]\nhighest_handling = "H2"\n'
            '[ledger.settings]\nfile = "ledger.txt"\n',
        )["ledger"]
        assert found.serves("BR-1")
        assert not found.serves("KE-1")
        assert found.asked.search(KNOWN, "x", ASKER).outcome is OUT.HIT

    def test_by_hand_there_is_always_a_way(self, tmp_path):
        assert set(registers.load(tmp_path)) == {"by-hand"}

    def test_own_records_are_a_register_when_there_are_any(self, tmp_path):
        found = registers.load(tmp_path, Book(SERIAL))
        assert set(found) == {"by-hand", "own-records"}

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("[a", "Expected"),
            ("[A]\n", "small letters"),
            ('[a]\nadapter = "iarms"\n', "give label"),
            ('[a]\nadaptor = "iarms"\n', "there is no adaptor"),
            ("GOOD\nquota = '9'\n", "write a whole number"),
            ("GOOD\nhighest_handling = 'H9'\n", "H9"),
            ("GOOD\ndeadline = 600\n", "at most 45"),
            ("GOOD\n[a.settings]\nurl = 'http://x.example'\n", "https"),
            ("GOOD\n", "give url"),
            (
                '[a]\nadapter = "x"\nlabel = "L"\nauthorities = ["*"]',
                "there are by-hand",
            ),
        ],
    )
    def test_a_wrong_setting_stops_and_says_where(self, tmp_path, text, words):
        good = '[a]\nadapter = "iarms"\nlabel = "L"\nauthorities = ["*"]'
        with pytest.raises(BadSetting, match=words):
            self.load(tmp_path, text.replace("GOOD", good))
