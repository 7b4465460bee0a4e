"""The examples of bad input in bad_inputs.json, each sent to the page that takes it.

Each is answered calmly and quickly, changes nothing unless it is taken, and is told
what to do. Cases that no page takes yet are skipped by name.
"""

from __future__ import annotations

import ast
import gc
import html
import io
import json
import re
import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from sqlalchemy import select

from tests import factories
from tests.factories import files
from tests.visitors import Visitor, hidden, shown, signed_in, stranger
from tests.web.test_files import WHOLE
from tracing.casework.references import reference_of
from tracing.extensions import db
from tracing.models import Account, Attachment, TraceRequest
from workflows.policies import Role
from workflows.states import Trigger

ALL = json.loads(Path(__file__).with_name("bad_inputs.json").read_text("utf-8"))
CASES = {case["id"]: case for case in ALL["cases"]}
ELSEWHERE: dict[str, str] = ALL["elsewhere"]
WAITS: dict[str, list[str]] = ALL["waits"]
ROOT = Path(__file__).resolve().parents[2]
HOW_MANY = 194
PATIENCE = 2.0
KEEPS_SOMETHING = ("send", "range", "upload", "sign_in")
"""What leaves a draft, good files or a count behind although it is refused."""

NEW = "/trace-requests/new"
NEVER = ("Traceback", "sqlalchemy", "psycopg", "sqlite3", "site-packages", ".py")
RANDOM = re.compile(r"[\w-]{40,}(\.[\w-]+)*")
"""Tokens and signatures: by chance they hold any short run of letters."""

BUILDERS = {
    "jpeg": files.jpeg,
    "svg": lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "jpeg_plus_zip": lambda: files.jpeg() + files.zipped(),
    "png_20000": lambda: files.png((20_000, 20_000), "1"),
    "png_10000": lambda: files.png((10_000, 10_000), "1"),
    "zip_bomb": lambda: files.zipped(b"\0" * 30_000_000),
    "pdf_js": lambda: files.pdf(catalog=b"/OpenAction << /S /JavaScript /JS (1) >>"),
    "zeros_25_mb": lambda: b"\0" * (26_214_400 + 1),
}


@cache
def contents(name: str) -> list[bytes]:
    """The files of one builder; some take long to make."""
    if name == "31_pictures":
        return [files.png((n, 5)) for n in range(1, 32)]
    return [BUILDERS[name]()]


def built(value: Any) -> Any:
    """A value of the examples: as it stands, repeated, or joined."""
    match value:
        case {"repeat": text, "times": times}:
            return text * times
        case {"concat": parts}:
            return "".join(map(built, parts))
    return value


@pytest.fixture
def settings(request, settings):
    case = request.getfixturevalue("case") if "case" in request.fixturenames else {}
    return replace(settings, allowed_hosts=case.get("hosts", ""))


@dataclass
class Room:
    """What stands ready: people, a request that is sent, a draft, another's file."""

    app: Any
    of: factories.Sides
    request: TraceRequest
    draft: TraceRequest
    known: str
    third: Account
    suspended: int
    auditor: Account
    admin: Account

    def visitor(self, name: str) -> Visitor:
        match name:
            case "asker":
                return signed_in(self.app, self.of.investigator)
            case "answerer":
                return signed_in(self.app, self.of.officer)
            case "stranger":
                return signed_in(self.app, self.third)
            case "auditor":
                return signed_in(self.app, self.auditor)
            case "admin":
                return signed_in(self.app, self.admin)
        return stranger(self.app)

    def filled(self, text: str) -> str:
        holes = {
            "reference": self.request.reference,
            "draft": self.draft.reference,
            "never": reference_of(2026, "KE", 9_999_999),
            "asked": self.of.asked.id,
            "known": self.known,
            "suspended": self.suspended,
            "version": self.request.version,
            "admin": self.admin.id,
            "asker": self.of.investigator.id,
        }
        for name, value in holes.items():
            text = text.replace(f"{{{name}}}", str(value))
        return text


@pytest.fixture
def case(request) -> dict[str, Any]:
    return CASES[request.param]


@pytest.fixture
def room(app, of, case) -> Room:
    steps = [Trigger(name) for name in case.get("after", ("submit", "acknowledge"))]
    request = factories.after(of, *steps)
    draft = factories.draft(of)
    known = factories.person(of.asked, Role.OFFICER, password="x" * 72).email
    third = factories.person(None, Role.OFFICER, Role.INVESTIGATOR)
    suspended = factories.authority(country="FR", accepts_requests=False)
    auditor = factories.person(of.asking, Role.AUDITOR)
    admin = factories.person(of.asking, Role.ADMINISTRATOR)
    db.session.commit()
    return Room(app, of, request, draft, known, third, suspended.id, auditor, admin)


class Doing:
    """One method for each `do` of the examples; each returns the answer."""

    def __init__(self, room: Room, case: dict[str, Any]) -> None:
        self.room, self.case = room, case
        self.visitor = room.visitor(case.get("actor", "asker"))

    def changed(self) -> dict[str, Any]:
        form = factories.complete_form(self.room.of.asked)
        for name, value in self.case.get("form", {}).items():
            form[name] = self.room.filled(built(value))
        if form["markings-serial_status"] == "INTACT":
            form.pop("markings-restoration_method")
        return form

    def do_file(self) -> Any:
        self.visitor.get(NEW)
        return self.visitor.post(NEW, self.changed())

    def do_send(self) -> Any:
        self.visitor.get(NEW)
        kept = self.visitor.post(NEW, self.changed())
        assert kept.status_code == 303
        address = kept.location.removesuffix("/edit")
        version = hidden(self.visitor.get(f"{address}/check").text, "version")
        form = {"authorised": "true", "version": version}
        return self.visitor.post(f"{address}/submit", form)

    def do_step(self) -> Any:
        reference = self.room.request.reference
        form = {k: self.room.filled(v) for k, v in self.case["form"].items()}
        address = f"/trace-requests/{reference}/steps/{self.case['step']}"
        return self.visitor.post(address, form)

    def address(self) -> str:
        query = self.room.filled(self.case.get("query", ""))
        path = self.room.filled(self.case["path"])
        return f"{path}?{query}" if query else path

    def headers(self) -> dict[str, str]:
        return {k: built(v) for k, v in self.case.get("headers", {}).items()}

    def do_open(self) -> Any:
        where = {"REMOTE_ADDR": self.case.get("from", "127.0.0.1")}
        return self.visitor.get(
            self.address(), headers=self.headers(), environ_overrides=where
        )

    def do_method(self) -> Any:
        self.visitor.get("/")
        form = {"csrf_token": self.visitor.token}
        return self.visitor.client.open(
            self.address(), method=self.case["method"], data=form
        )

    def do_options(self) -> Any:
        return self.visitor.client.options(self.address(), headers=self.headers())

    def do_post(self) -> Any:
        form: dict[str, Any] = dict(self.case["form"])
        if self.case.get("token"):
            other = self.room.visitor("answerer")
            other.get("/queue")
            form["csrf_token"] = other.token
        if builder := self.case.get("file"):
            form[WHOLE] = [(io.BytesIO(contents(builder)[0]), "a.jpg")]
        return self.visitor.post(self.address(), form)

    def do_sign_in(self) -> Any:
        visitor = self.room.visitor("nobody")
        visitor.get("/sign-in")
        email = self.room.filled(self.case["email"])
        form = {"email": email, "password": built(self.case["password"])}
        return visitor.post("/sign-in", form)

    def do_raw(self) -> Any:
        self.visitor.get(NEW)
        kind = "multipart/form-data"
        body = self.case.get("body", "").encode()
        if parts := self.case.get("parts"):
            kind += "; boundary=BB"
            one = '--BB\r\nContent-Disposition: form-data; name="k{}"\r\n\r\n1\r\n'
            body = "".join(map(one.format, range(parts))).encode() + b"--BB--\r\n"
        return self.visitor.client.post(self.case["path"], data=body, content_type=kind)

    def do_upload(self) -> Any:
        form = factories.complete_form(self.room.of.asked)
        form["form_key"] = hidden(self.visitor.get(NEW).text, "form_key")
        name = self.case["name"]
        parts = Parts(form, self.visitor.token)
        for content in contents(self.case["builder"]):
            parts.add(name, content)
        return self.visitor.client.post(NEW, data=parts.body(), content_type=parts.kind)

    def do_range(self) -> Any:
        filed_one = self.file_of(self.visitor)
        beyond = {"Range": "bytes=99999999-"}
        return self.visitor.get(f"/files/{filed_one}", headers=beyond)

    def do_foreign_file(self) -> Any:
        token = self.file_of(self.room.visitor("asker"))
        thief = self.room.visitor("stranger")
        form = factories.complete_form(self.room.of.asked) | {"files-file": token}
        form["form_key"] = hidden(thief.get(NEW).text, "form_key")
        answer = thief.post(NEW, form)
        assert thief.get(f"/files/{token}").status_code == 404
        return answer

    def file_of(self, visitor: Visitor) -> str:
        form = factories.complete_form(self.room.of.asked)
        form["form_key"] = hidden(visitor.get(NEW).text, "form_key")
        form[WHOLE] = [(io.BytesIO(files.png()), "a.png")]
        assert visitor.post(NEW, form).status_code == 303
        return str(db.session.scalars(select(Attachment.token)).one())


class Parts:
    """A form of parts as bytes: file names may hold what no library lets through."""

    kind = "multipart/form-data; boundary=BB"

    def __init__(self, form: dict[str, Any], token: str) -> None:
        self.out = io.BytesIO()
        for name, value in {**form, "csrf_token": token}.items():
            for one in value if isinstance(value, list) else [value]:
                self.head(f'name="{name}"')
                self.out.write(one.encode() + b"\r\n")

    def head(self, what: str) -> None:
        self.out.write(f"--BB\r\nContent-Disposition: form-data; {what}\r\n".encode())
        self.out.write(b"\r\n")

    def add(self, name: str, content: bytes) -> None:
        self.head(f'name="{WHOLE}"; filename="{name.replace(chr(92), chr(92) * 2)}"')
        self.out.write(content + b"\r\n")

    def body(self) -> bytes:
        return self.out.getvalue() + b"--BB--\r\n"


@pytest.mark.parametrize("case", CASES, ids=CASES, indirect=True)
def test_an_example_is_answered_as_it_should_be(room, case, everything):
    doing = Doing(room, case)
    contents(case.get("builder", "jpeg"))
    before = everything() if case["do"] not in KEEPS_SOMETHING else None
    # Of this thread alone: the machine, and the tests, may have other work.
    gc.disable()
    started = time.thread_time()
    answer = getattr(doing, f"do_{case['do']}")()
    took = time.thread_time() - started
    gc.enable()
    text = answer.text if answer.mimetype.startswith("text/") else ""
    wanted = case["status"] if isinstance(case["status"], list) else [case["status"]]
    assert answer.status_code in wanted, shown(text)[:1000]
    assert took < case.get("within", PATIENCE) * patience(case)
    if "says" in case:
        assert re.search(case["says"], shown(text)), shown(text)[:1500]
    if answer.status_code >= 400 and text:
        told_as_it_should_be(doing, case, text)
    everything_said = RANDOM.sub("", f"{text}\n{answer.headers}")
    for forbidden in (*NEVER, *case.get("never", ())):
        assert room.filled(forbidden).lower() not in everything_said.lower()
    for name, value in case.get("headers_hold", {}).items():
        assert value in answer.headers[name]
    if before is not None and answer.status_code >= 400:
        assert everything() == before
    kept_as_it_should_be(doing, case, answer)
    next_one = room.visitor("asker")
    host = {"Host": case["hosts"]} if "hosts" in case else {}
    assert next_one.client.get("/my-requests", headers=host).status_code < 400


def patience(case: dict[str, Any]) -> int:
    """Files are read in a process of their own, and thirty-one of them one by one."""
    return 10 if case.get("builder") == "31_pictures" else 1


def told_as_it_should_be(doing: Doing, case: dict[str, Any], text: str) -> None:
    """Look at the words: sentences that say what to do, and nothing of the input.

    A field shows again what was typed into it; what is said about it does not.
    """
    faults = re.findall(r'class="err"[^>]*>(.*?)</p>', text, re.DOTALL)
    told = [shown(fault) for fault in faults] or [shown(main_of(text))]
    given = [doing.room.filled(str(built(v))) for v in case.get("form", {}).values()]
    given += re.split("[&=]", unquote(case.get("query", "")))
    # What is short, such as a version, may stand in any page.
    given = [v for v in given if len(v) > 8 and v not in set(Role)]
    for words in told:
        assert len(words.split()) >= 3, words
        assert words[0].isupper(), words
        for value in given:
            assert value not in words


def main_of(text: str) -> str:
    """The page without its frame."""
    found = re.search(r"<main.*?</main>", text, re.DOTALL)
    return found[0] if found else text


def kept_as_it_should_be(doing: Doing, case: dict[str, Any], answer: Any) -> None:
    """Look at what was stored, where an example is taken."""
    db.session.rollback()
    for name in case.get("keeps", ()):
        page = html.unescape(doing.visitor.get(answer.location).text)
        assert built(case["form"][name]) in page
    if answer.status_code != 303 or case["do"] != "upload":
        return
    row = db.session.scalars(select(Attachment)).one()
    if "title" in case:
        assert row.title == case["title"]
    handed = doing.visitor.get(f"/files/{row.token}?download=1")
    assert handed.status_code == 200
    disposition = handed.headers["Content-Disposition"]
    reference = db.session.get_one(TraceRequest, row.request_id).reference
    if "disposition" in case:
        wanted = case["disposition"].replace("{reference}", reference)
        assert wanted in disposition
    if "no_header" in case:
        assert case["no_header"].split(":")[0] not in handed.headers
        assert "\n" not in disposition
    if "lacks" in case:
        assert case["lacks"].encode() + b"\x03\x04" not in handed.data


def test_each_example_is_taken_or_waits_and_none_is_forgotten():
    waiting = [name for names in WAITS.values() for name in names]
    known = [*CASES, *ELSEWHERE, *waiting]
    assert len(set(known)) == len(known) == HOW_MANY


def test_an_example_that_is_tried_elsewhere_is_tried_there():
    for address in ELSEWHERE.values():
        file, _, name = address.partition("::")
        tree = ast.parse((ROOT / file).read_text("utf-8"))
        named = (ast.FunctionDef, ast.ClassDef)
        assert name in {n.name for n in ast.walk(tree) if isinstance(n, named)}, address


@pytest.mark.parametrize("what", WAITS)
def test_an_example_that_no_page_takes_yet(what):
    pytest.skip(f"bad input that waits for {what}: {', '.join(WAITS[what])}")
