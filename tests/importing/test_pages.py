"""The pages of imports: a file is looked at, started, followed by reload, taken along."""

import io
import re
import zipfile

import pytest

from tests import factories
from tests.importing.test_jobs import GOOD, HEADING, MAPPING
from tests.visitors import shown, signed_in
from tracing.casework import imports
from tracing.extensions import db
from tracing.journal.kinds import Kind
from tracing.models import JournalEntry, RegistryItem
from workflows.policies import Role

HOME = "/records/imports"


@pytest.fixture
def keeper(session):
    """A supervisor."""
    found = factories.person(factories.authority(), Role.SUPERVISOR)
    session.commit()
    return found


def sent(visitor, text, name="north.csv"):
    visitor.get(HOME)
    content = text if isinstance(text, bytes) else text.encode()
    return visitor.post(HOME, {"file": (io.BytesIO(content), name)})


def zipped(name):
    """An archive of one file, as text of Latin-1."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, "x")
    return made.getvalue().decode("latin-1")


def test_a_file_is_looked_at_started_and_followed_to_its_report(app, session, keeper):
    visitor = signed_in(app, keeper)
    page = sent(visitor, f"{HEADING}\n{GOOD}3,=A1,Colt,Pistol,,,,\n").location
    first = visitor.get(page).text
    assert "Not ready to start" in shown(first)
    assert "columns = [&#34;No&#34;]" in first or "columns = []" in first
    assert visitor.post(f"{page}/start", {"mapping": "[fields"}).status_code == 422
    assert visitor.post(f"{page}/mapping", {"mapping": MAPPING}).status_code == 303
    ready = shown(visitor.get(page).text)
    assert "Of the first 4 rows, 1 are bad" in ready
    assert "AB 1234" in ready
    assert "This is a formula" in ready
    assert visitor.post(f"{page}/start").location == page
    waiting = visitor.get(page).text
    assert "Waits for its turn" in waiting
    assert "<progress" in waiting
    assert "progress.js" in waiting
    state = visitor.get(f"{page}/state").json
    assert (state["share"], state["over"]) == (0, False)
    assert state["phase"]["words"] == "Waits for its turn"
    imports.drain("worker")
    state = visitor.get(f"{page}/state").json
    assert (state["share"], state["over"]) == (100, True)
    assert state["counts"] == [3, 2, 0, 3, 1, 0]
    assert "progress.js" not in visitor.get(page).text
    done = shown(visitor.get(page).text)
    assert "Records added 2" in done
    assert "Bad rows 1" in done
    report = visitor.get(f"{page}/report")
    assert report.mimetype == "text/csv"
    assert '"5","Serial","\'=A1"' in report.text
    assert visitor.post(f"{page}/cancel").status_code == 409
    assert "north.csv" in shown(visitor.get(HOME).text)


def test_an_import_is_cancelled_and_what_it_brought_stays(
    app, session, keeper, monkeypatch
):
    monkeypatch.setattr(imports, "BATCH", 2)
    visitor = signed_in(app, keeper)
    page = sent(visitor, f"{HEADING}\n{GOOD}").location
    visitor.post(f"{page}/start", {"mapping": MAPPING})
    number = imports.claim("worker")
    imports.work(number, imports.Turn("worker", seconds=0))
    assert visitor.post(f"{page}/cancel").status_code == 303
    assert imports.drain("worker") == 0
    assert "Cancelled" in shown(visitor.get(page).text)
    assert session.query(RegistryItem).count() == 1


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("", "a.csv", "There is nothing in this file"),
        ("a,a\n1,2\n", "a.csv", "Two columns are called"),
        ("PK\x03\x04 no zip", "a.xlsx", "This workbook is damaged"),
        ("%PDF-1.7", "a.csv", "no table that can be read"),
        (zipped("../../evil"), "a.csv", "This workbook is damaged"),
    ],
)
def test_what_cannot_be_imported_is_refused_with_what_to_do(
    app, session, keeper, text, name, words
):
    answer = sent(signed_in(app, keeper), text.encode("latin-1"), name)
    assert answer.status_code == 422
    assert words in shown(answer.text)


def test_bytes_that_are_no_text_are_never_begun(app, session, keeper):
    visitor = signed_in(app, keeper)
    page = sent(visitor, b"\x80\x04\x95\x0c\x8c\x02os\x94.").location
    answer = visitor.post(f"{page}/start", {"mapping": MAPPING})
    assert answer.status_code == 422
    assert "encoding" in shown(answer.text)


def test_a_mapping_with_signs_of_control_is_refused_in_words(app, session, keeper):
    visitor = signed_in(app, keeper)
    page = sent(visitor, f"{HEADING}\n{GOOD}").location
    for way in ("mapping", "start"):
        answer = visitor.post(f"{page}/{way}", {"mapping": f"{MAPPING}#\0"})
        assert answer.status_code == 422


def test_an_import_of_others_is_not_there(app, session, keeper):
    page = sent(signed_in(app, keeper), f"{HEADING}\n{GOOD}").location
    other = signed_in(app, factories.person(factories.authority(), Role.SUPERVISOR))
    made_up = f"{HOME}/{'x' * 32}"
    for way in ("", "/report"):
        assert other.get(page + way).status_code == 404
    for way in ("/mapping", "/start", "/cancel"):
        here, never = other.post(page + way), other.post(made_up + way)
        assert (here.status_code, never.status_code) == (404, 404)


def test_records_are_taken_along_and_the_journal_has_it(app, session, keeper):
    visitor = signed_in(app, keeper)
    page = sent(visitor, f"{HEADING}\n{GOOD}").location
    visitor.post(f"{page}/start", {"mapping": MAPPING})
    imports.drain("worker")
    visitor.get(HOME)
    answer = visitor.post("/records/export", {"form": "csv"})
    assert answer.mimetype == "text/csv"
    assert len(re.findall("AB 1234", answer.text)) == 2
    book = visitor.post("/records/export", {"form": "xlsx"})
    assert book.data.startswith(b"PK")
    db.session.rollback()
    kinds = [entry.kind for entry in session.query(JournalEntry)]
    assert kinds.count(Kind.RECORDS_EXPORTED) == 2
    late = signed_in(app, keeper, minutes_ago=20)
    late.get(HOME)
    form = {"form": "csv", "back": HOME}
    assert late.post("/records/export", form).location == f"/confirm?next={HOME}"
