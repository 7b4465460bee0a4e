"""What makes, models and calibres are called: the table, its keys, in and out of it."""

import csv
import io
import re
from collections import Counter

import pytest
from sqlalchemy import func, select

from tests import factories
from tests.journal.conftest import entries
from tests.visitors import shown, signed_in
from tracing.casework import queries
from tracing.cli import reference
from tracing.directory import catalogue, names
from tracing.extensions import db
from tracing.journal.journal import SYSTEM
from tracing.journal.kinds import Kind
from tracing.models import Alias, Make, Plant
from workflows.ranking import Traits
from workflows.vocabulary import Agreement

PARA = "9x19 mm Parabellum"
HEAD = "kind,make,name,country,place,code,aliases\n"

MAKES = [
    *(("Colt", "Colt"), ("Colt's Mfg. Co.", "Colt"), ("COLT'S MFG CO INC", "Colt")),
    *(("Colt’s", "Colt"), ("Кольт", "Colt"), ("كولت", "Colt"), ("Cоlt", "Colt")),
    *(("Glock GmbH", "Glock"), ("Glock Ges.m.b.H.", "Glock"), ("ГЛОК", "Glock")),
    *(("غلوك", "Glock"), ("GL0CK", "Glock"), ("格洛克", "Glock")),
    *(("S & W", "Smith & Wesson"), ("Smith and Wesson", "Smith & Wesson")),
    *(("H&K", "Heckler & Koch"), ("HECKLER+KOCH", "Heckler & Koch")),
    *(("Sturm, Ruger & Co., Inc.", "Ruger"), ("Ruger", "Ruger")),
    *(("Ceska Zbrojovka", "CZ"), ("Česká zbrojovka", "CZ"), ("ČZ", "CZ")),
    *(("Izhmash", "Kalashnikov"), ("Ижмаш", "Kalashnikov")),
    *(("Fabrica d'Armi P. Beretta", None), ("P. Beretta S.p.A.", "Beretta")),
    *(("Unheard Of", None), ("", None), ("x" * 200, None)),
]
CALIBRES = [
    *((text, PARA) for text in ("9 mm Luger", "9x19 Parabellum", "9mm Para", "9×19")),
    *((text, PARA) for text in ("9 MM LUGER", "9х19", "9mm parabellum", "9X19MM")),
    *((text, PARA) for text in ("9 мм Люгер", "9 ملم بارابيلوم", "9x19 mm", "٩x١٩")),
    *((text, "9x18 mm Makarov") for text in ("9x18", "9 mm Makarov", "9х18 ПМ")),
    *((text, "9x17 mm Browning") for text in (".380 ACP", "380 auto", "9mm Kurz")),
    *((text, "7.62x39 mm") for text in ("7.62x39", "7,62х39", "7.62 × 39 mm")),
    *((text, "7.62x51 mm NATO") for text in (".308 Win.", "308 Winchester")),
    *((text, "7.62x54 mm R") for text in ("7.62x54R", "7,62х54R")),
    *((text, "5.56x45 mm NATO") for text in (".223 Rem.", "5.56 mm NATO", "5,56x45")),
    *((text, "12 gauge") for text in ("12/70", "Cal. 12", "12 ga", "عيار 12")),
    *((text, ".45 ACP") for text in ("45 ACP", ".45 Auto", "calibre .45 ACP")),
    *((text, ".22 Long Rifle") for text in (".22LR", "22 l.r.", ".22 lfB")),
    *((".38 Special", ".38 Special"), (".38 S&W", ".38 S&W")),
    *(("9x23", "9x23 mm Largo"), ("6x6", None), ("unknown", None)),
]
MODELS = [
    *(("17", "Glock", "17"), ("G17", "Glock", "17"), ("Glock 17", "Glock", "17")),
    *(("1911A1", "Colt", "M1911"), ("Mod. 10", "Smith & Wesson", "Model 10")),
    *(("92 FS", "Beretta", "92FS"), ("АКМ", "Kalashnikov", "AKM")),
    *(("АК-47", None, "AK-47"), ("Makarov", None, "PM"), ("K98k", "Mauser", "98")),
    *(("1911", None, None), ("G17", None, None), ("Model 99", "Colt", None)),
]


@pytest.fixture
def shipped(session):
    """The table as a new installation has it."""
    catalogue.ship()


def test_what_is_shipped_is_one_table_without_a_fault(shipped):
    counted = {
        model: db.session.scalar(select(func.count()).select_from(model))
        for model in (Make, Plant, Alias)
    }
    assert counted[Make] >= 60
    assert (
        db.session.scalar(select(func.count(Plant.code)).where(Plant.code != "")) == 2
    )
    catalogue.ship()
    assert counted == {
        model: db.session.scalar(select(func.count()).select_from(model))
        for model in counted
    }
    # Every name leads to its own thing, by what it looks like too.
    for column in (Alias.make_id, Alias.calibre_id):
        rows = db.session.execute(
            select(Alias.folded, func.count(column.distinct()))
            .where(column.is_not(None))
            .group_by(Alias.folded)
        )
        assert [folded for folded, count in rows if count > 1] == []


def test_each_way_to_write_it_means_the_same(shipped):
    written = [text for text, _ in MAKES]
    found = names.makes_of(written)
    assert [found.get(text) for text in written] == [name for _, name in MAKES]
    written = [text for text, _ in CALIBRES]
    found = names.calibres_of(written)
    assert [(t, found.get(t)) for t in written] == CALIBRES
    found = names.models_of((model, make, make) for model, make, _ in MODELS)
    assert [(model, make, found.get((model, make))) for model, make, _ in MODELS] == (
        MODELS
    )


def test_what_nobody_can_tell_agrees_with_nothing(shipped):
    (found,) = names.canonical([Traits("unknown", "неизвестна", "未知", "KE", 1990)])
    assert found == Traits(None, None, None, "KE", 1990)
    assert names.canonical([]) == []


def test_a_country_is_never_taken_from_the_brand(shipped):
    (found,) = names.canonical([Traits("Glock GmbH", "Glock 17", "9 Para")])
    assert found == Traits("Glock", "17", PARA, None, None)
    assert names.brand_of("GLOCK").countries == ("AT", "US")


def test_the_ranking_compares_what_is_meant(session, shipped):
    of = factories.sides()
    given = {"markings_serial": "AX1234", "item_calibre": "9 mm Luger"}
    made = {"item_make": "Colt's Mfg. Co.", "item_model": "1911A1"}
    right = factories.sent(of, **given, **made).reference
    other = factories.sent(of, markings_serial="AX1234", item_make="Colt").reference
    asked = Traits("COLT", "Government", "9x19 Parabellum")
    actor = factories.actor_of(of.investigator)
    found = queries.marked_like(actor, "AX1234", asked)
    assert [one.what for one in found] == [right, other]
    agreed = {f.name for f in found[0].fields if f.agreement is Agreement.AGREES}
    assert agreed == {"make", "model", "calibre"}


class TestWhoFillsIn:
    def test_is_offered_names_and_may_write_others(self, app, shipped):
        of = factories.sides()
        db.session.commit()
        investigator = signed_in(app, of.investigator)
        page = investigator.get("/trace-requests/new").text
        assert 'list="item-make-list"' in page
        offered = page.partition('<datalist id="item-make-list">')[2]
        assert '<option value="Glock">' in offered.partition("</datalist>")[0]
        assert f'<option value="{PARA}">' in page

    def test_is_offered_the_models_of_the_make(self, shipped):
        assert names.suggested_models("Кольт") == sorted(
            {*names.suggested_models("Colt"), "M1911"}
        )
        assert len(names.suggested_models("")) > 100

    @pytest.mark.parametrize(
        ("make", "country", "words"),
        [
            ("Glock", "AT", "Glock is made in Austria, United States"),
            ("FÉG", "KE", "knows FÉG from Hungary alone"),
            ("Baretta", "IT", "If you mean Beretta"),
        ],
    )
    def test_is_told_on_the_check_page(self, app, shipped, make, country, words):
        of = factories.sides()
        given = {"item_make": make, "item_country_of_manufacture": country}
        draft = factories.draft(of, **given)
        db.session.commit()
        investigator = signed_in(app, of.investigator)
        page = investigator.get(f"/trace-requests/{draft.reference}/check").text
        assert words in shown(page)

    def test_is_not_told_what_nobody_knows(self, shipped):
        assert names.brand_of("unknown") == names.brand_of(None) == names.Brand("")
        assert names.brand_of("Gl").nearest == ""


class TestImport:
    def test_adds_and_never_takes_away(self, shipped):
        text = HEAD + (
            "make,,Example Arms,,,,Ex. Arms | ЭКЗ\n"
            "plant,ЭКЗ,,KE,Nairobi,,\n"
            "model,Example Arms,A1,,,,Alpha One\n"
            "calibre,,9.9x99 mm Example,,,,9.9 Ex\n"
            "make,,Glock,,,,Glockenspiel\n"
        )
        report = catalogue.import_names(text)
        assert report.faults == ()
        counted = Counter(make=1, alias=5, plant=1, model=1, calibre=1)
        assert report.added == counted
        found = names.canonical([Traits("Ex Arms", "alpha one", "9,9 ex")])
        assert found == [Traits("Example Arms", "A1", "9.9x99 mm Example")]
        assert names.makes_of(["Glockenspiel"]) == {"Glockenspiel": "Glock"}
        assert catalogue.import_names(text).added == {}
        (entry,) = entries(SYSTEM, Kind.NAMES_CHANGED)
        assert entry.payload["added"]["make"] == 1

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("kind\nmake\n", "line 1, name: This column is missing"),
            ("kind,name,colour\n", "line 1, colour: No such column; the columns are"),
            (HEAD + "brand,,X,,,,\n", "line 2, kind: 'brand' Write one of make, plant"),
            (HEAD + "make,,,,,,\n", "line 2, name: Every make needs this"),
            (HEAD + "model,Nobody,X,,,,\n", "'Nobody' There is no such make: put"),
            (HEAD + "plant,Glock,,ZZ,,,\n", "line 2, country: 'ZZ' Write the two"),
            (HEAD + "make,,New,,,,Colt\n", "'Colt' Colt is called so already"),
            (HEAD + "make,,X\x07,,,,\n", "line 2, name: Take out the control"),
            (
                HEAD + f"make,,{'x' * 101},,,,\n",
                "line 2, name: 'xxx.*Shorten it to 100",
            ),
            (HEAD + "make,,...,,,,\n", "'...' Write a letter or a figure"),
            (HEAD + "make,X\n", "line 2: This line has 2 cells and the first line 7"),
            (HEAD + 'make,,"X,,,,\n', "This is not CSV"),
        ],
    )
    def test_says_of_every_bad_row_what_to_do_and_adds_nothing(
        self, shipped, text, words
    ):
        before = db.session.scalar(select(func.count(Make.id)))
        good = "make,,Quite Good,,,,\n" if text.startswith(HEAD) else ""
        report = catalogue.import_names(text + good)
        assert any(re.search(words, str(fault)) for fault in report.faults)
        assert db.session.scalar(select(func.count(Make.id))) == before

    def test_goes_out_as_it_came_in(self, app, shipped, tmp_path):
        file = tmp_path / "names.csv"
        run = app.test_cli_runner().invoke
        assert run(reference.group, ["export", str(file)]).exit_code == 0
        done = run(reference.group, ["import", str(file)])
        assert "nothing, all of it was there" in done.output, done.output
        on_screen = list(
            csv.reader(io.StringIO(run(reference.group, ["export"]).output))
        )
        assert on_screen[0] == list(catalogue.COLUMNS)
        written = io.StringIO(file.read_text("utf-8"), newline="")
        assert on_screen == list(csv.reader(written))

    def test_on_the_command_line_says_what_is_wrong(self, app, shipped, tmp_path):
        file = tmp_path / "names.csv"
        file.write_text(HEAD + "brand,,X,,,,\n", "utf-8")
        done = app.test_cli_runner().invoke(reference.group, ["import", str(file)])
        assert done.exit_code == 1
        assert "1 to put right; nothing was imported" in done.output
        file.write_bytes(b"\xff")
        done = app.test_cli_runner().invoke(reference.group, ["import", str(file)])
        assert "save it as UTF-8" in done.output
