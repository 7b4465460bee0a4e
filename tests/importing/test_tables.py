"""Files as registers keep them: any encoding, any delimiter, damaged, and far too large."""

import contextlib
import csv
import io
import resource
import zipfile

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from tracing.importing import cells, days, encodings, tables, workbook, writing
from tracing.importing.faults import Refused
from tracing.importing.tables import Broken

LATIN = "Müller Größe für Überprüfung der Büchse, Änderung gültig, Straße, Schützen"
POLISH = "Łódź Gdańsk właściciel zgłosił kradzież źródło następne świadectwo"
RUSSIAN = "Ижевский механический завод, владелец сообщил о краже оружия"
GREEK = "Ελληνική αστυνομία, ο ιδιοκτήτης δήλωσε κλοπή του όπλου"
TURKISH = "İstanbul tabanca çalınmış sahibi bildirmiş şüpheli güvenlik"
HEBREW = "משטרת ישראל אקדח בעל הרישיון דיווח על גניבה של הנשק"
ARABIC = "الشرطة الوطنية مسدس صاحب الرخصة أبلغ عن سرقة السلاح"
BALTIC = "savininkas pranešė apie vagystę, ginklų fondas, žinių šaltinis"
CHINESE = "国家登记处手枪所有人报告武器被盗制造商中国北方工业公司"
TRADITIONAL = "國家登記處手槍所有人報告武器被盜製造商臺灣兵工廠"
JAPANESE = "拳銃の所有者は盗難を届け出た。製造番号は削られていました"
KOREAN = "권총 소유자가 도난을 신고했습니다 제조번호가 지워져 있었다"
ENCODINGS = (
    ("utf-8", RUSSIAN),
    ("utf-8-sig", CHINESE),
    ("utf-16", GREEK),
    ("utf-16-le", LATIN),
    ("utf-16-be", LATIN),
    ("cp1250", POLISH),
    ("cp1251", RUSSIAN),
    ("cp1252", LATIN),
    ("cp1253", GREEK),
    ("cp1254", TURKISH),
    ("cp1255", HEBREW),
    ("cp1256", ARABIC),
    ("cp1257", BALTIC),
    ("iso8859-2", POLISH),
    ("iso8859-5", RUSSIAN),
    ("iso8859-7", GREEK),
    ("iso8859-9", TURKISH),
    ("koi8-r", RUSSIAN),
    ("cp866", RUSSIAN),
    ("gb18030", CHINESE),
    ("big5", TRADITIONAL),
    ("shift_jis", JAPANESE),
    ("euc_kr", KOREAN),
)


def rows_of(path, encoding, **given):
    with path.open("rb") as file:
        return list(tables.table(file, encoding, **given))


@pytest.mark.parametrize(("encoding", "words"), ENCODINGS)
def test_a_file_is_read_as_it_says_and_guessed_right_or_asked_about(
    tmp_path, encoding, words
):
    path = tmp_path / "a.csv"
    lines = [f"{words};AB-{n}" for n in range(30)]
    path.write_bytes("\r\n".join(["Words;Serial", *lines]).encode(encoding))
    said = rows_of(path, encodings.named(encoding))
    assert said == [(n + 2, [words, f"AB-{n}"]) for n in range(30)]
    found = tables.survey(path)
    seen = None
    with contextlib.suppress(Refused):
        seen = encodings.seen(found.head, found.sample, is_utf8=found.is_utf8)
    assert seen is None or rows_of(path, seen) == said


def test_utf_8_is_only_what_is_utf_8_to_the_last_byte(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n" + "é,1\n".encode() * 300_000 + "é,2\n".encode("cp1252"))
    assert not tables.survey(path).is_utf8
    with pytest.raises(
        Refused, match="From byte 1500004 on, this file is not in utf-8"
    ):
        rows_of(path, "utf-8")


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_that_cuts_all_rows_alike(tmp_path, sign):
    path = tmp_path / "a.csv"
    path.write_text(f'No{sign}What\n1{sign}"a{sign}b, c; d"\n2{sign}"e\nf"\n')
    assert rows_of(path, "utf-8") == [
        (2, ["1", f"a{sign}b, c; d"]),
        (3, ["2", "e\nf"]),
    ]


def test_a_quote_that_is_never_closed_costs_its_line_alone(tmp_path):
    path = tmp_path / "a.csv"
    many = "".join(f"{n},good {n}\n" for n in range(20_000))
    path.write_text(f'No,What\n1,"open\n{many}x,"a"b\n3,good\n')
    found = rows_of(path, "utf-8")
    assert [row for row, what in found if isinstance(what, Broken)] == [2, 20_003]
    assert sum(isinstance(what, list) for _row, what in found) == 20_001


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "There is nothing in this file"),
        ("a,b,a\n1,2,3\n", "Two columns are called “a”"),
        ("a,,b\n1,2,3\n", "Column 2 has values and no name"),
        ("%PDF-1.7", "no table that can be read"),
        (
            "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 xls",
            "has a password, or is of the old kind",
        ),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(tmp_path, text, words):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(Refused, match=words):
        tables.survey(path) and rows_of(path, "utf-8")


@given(
    st.lists(st.lists(st.text('ab",\n\r;é ', max_size=6), min_size=2, max_size=2)),
    st.sampled_from(["utf-8", "utf-16-le", "cp1252"]),
    st.integers(0, 30),
)
def test_a_file_is_gone_on_with_from_any_row(tmp_path_factory, lines, encoding, after):
    path = tmp_path_factory.mktemp("place") / "a.csv"
    out = io.StringIO()
    csv.writer(out).writerows([["x", "y"], *lines])
    path.write_bytes(out.getvalue().encode(encoding))
    with pytest.MonkeyPatch.context() as patch, path.open("rb") as file:
        patch.setattr(tables, "PIECE", 16)
        table = tables.table(file, encoding, delimiter=",")
        everything, place = [], table.place
        for number, row in table:
            everything.append((number, row))
            if len(everything) == after:
                place = table.place
        done = after if after <= len(everything) else 0
        rest = tables.table(file, encoding, delimiter=",", place=place)
        assert list(rest) == everything[done:]


FIVE = [
    ("DD.MM.YYYY", "05.03.2019"),
    ("DD/MM/YYYY", "05/03/2019"),
    ("MM/DD/YYYY", "03/05/2019"),
    ("YYYYMMDD", "20190305"),
    ("YYYY-MM-DD", "2019-3-5"),
]


@pytest.mark.parametrize(("form", "written"), FIVE)
def test_a_day_is_read_by_the_format_that_is_said(form, written):
    assert days.reader([form])(written) == "2019-03-05"


def test_a_day_without_a_format_is_read_where_it_has_one_meaning():
    read = days.reader(())
    assert read("2019-03-05 00:00:00") == read("20190305") == read("5.3.2019")
    assert read("31/12/2019") == read("12/31/2019") == "2019-12-31"
    assert read("04/04/2019") == "2019-04-04"
    for written, words in (
        ("03/05/2019", "can be two days"),
        ("31/31/2019", "Write this date"),
        ("2019-02-29", "Write this date"),
        ("yesterday", "Write this date"),
    ):
        with pytest.raises(Refused, match=words):
            read(written)


@given(st.text("=+-@'\t aé＝", max_size=5))
def test_what_is_neutral_comes_back_and_no_spreadsheet_computes_it(text):
    assert cells.meant(cells.neutral(text)) == text
    assert not cells.neutral(text).startswith(("=", "+", "-", "@", "\t", "＝"))


# ------------------------------------------------------------------------- workbooks


def book(path, fill, name="data"):
    made = xlsxwriter.Workbook(str(path), {"constant_memory": False})
    fill(made.add_worksheet(name), made)
    made.close()
    return path


def test_a_sheet_says_what_each_cell_is(tmp_path):
    def fill(sheet, made):
        sheet.write_row(0, 0, ["Text", "Number", "Day", "Sum", "Yes", "Fault"])
        day = made.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_row(1, 0, ["ÄB-1", 1234])
        sheet.write_number(1, 2, 43529, day)
        sheet.write_formula(1, 3, "=1+1", None, 2)
        sheet.write_boolean(1, 4, True)
        sheet.write_formula(1, 5, "=1/0", None, "#DIV/0!")
        sheet.write_string(3, 0, "=no formula")
        sheet.write_number(3, 1, 12.5)

    read = workbook.Workbook(book(tmp_path / "a.xlsx", fill))
    assert list(read.rows()) == [
        ["Text", "Number", "Day", "Sum", "Yes", "Fault"],
        [
            *("ÄB-1", "\x01#1234", "\x01d2019-03-05", "\x01=2"),
            *("yes", "\x01=#DIV/0!"),
        ],
        [],
        ["=no formula", "\x01#12.5"],
    ]
    read.close()


def test_of_several_sheets_one_has_to_be_named(tmp_path):
    made = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    made.add_worksheet("One")
    made.add_worksheet("Two").write_string(0, 0, "x")
    made.close()
    read = workbook.Workbook(tmp_path / "a.xlsx")
    with pytest.raises(Refused, match="several sheets"):
        list(read.rows())
    with pytest.raises(Refused, match="no sheet “Three”"):
        list(read.rows("Three"))
    assert list(read.rows("Two")) == [["x"]]
    read.close()


def bomb(path, parts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, size in parts:
            with made.open(name, "w", force_zip64=True) as out:
                for _ in range(size // 1_000_000):
                    out.write(bytes(1_000_000))
    return path


@pytest.mark.parametrize(
    "parts",
    [
        [("xl/worksheets/sheet1.xml", 60_000_000)],
        [(f"xl/media/{n}", 0) for n in range(2001)],
    ],
)
def test_a_bomb_is_refused_before_anything_is_unpacked(tmp_path, parts, monkeypatch):
    path = bomb(tmp_path / "a.xlsx", parts)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("unpacked"))
    with pytest.raises(Refused, match="unpacks to far more"):
        workbook.Workbook(path)


def test_a_workbook_that_declares_entities_or_is_damaged_is_refused(tmp_path):
    path = book(tmp_path / "a.xlsx", lambda sheet, _: sheet.write_string(0, 0, "x"))
    parts = {}
    with zipfile.ZipFile(path) as made:
        parts = {name: made.read(name) for name in made.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    declared = b'<!DOCTYPE a [<!ENTITY b "boom">]>'
    for name, content in (
        (sheet, parts[sheet].replace(b"<worksheet", declared + b"<worksheet", 1)),
        (sheet, parts[sheet][:200]),
        ("xl/workbook.xml", b"<workbook"),
        (
            "xl/styles.xml",
            parts["xl/styles.xml"].replace(b'numFmtId="', b'numFmtId="x'),
        ),
        (sheet, parts[sheet].replace(b'<c r="A1"', b'<c s="x" r="A1"')),
    ):
        with zipfile.ZipFile(path, "w") as made:
            for each, own in parts.items():
                made.writestr(each, content if each == name else own)
        with (
            pytest.raises(Refused, match="damaged"),
            contextlib.closing(workbook.Workbook(path)) as read,
        ):
            list(read.rows())


def test_a_large_sheet_is_read_in_little_memory(tmp_path):
    def fill(sheet, _made):
        for n in range(30_000):
            sheet.write_row(n, 0, [f"R{n}", f"unique text {n}", f"another one {n}", n])

    path = book(tmp_path / "a.xlsx", fill)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert workbook.spool(path, tmp_path / "rows.csv") == 30_000
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 20_000, f"{grown} kB"
    last = rows_of(tmp_path / "rows.csv", "utf-8")[-1]
    assert last == (
        30_000,
        ["R29999", "unique text 29999", "another one 29999", "\x01#29999"],
    )


def test_a_file_of_any_size_is_read_in_little_memory(tmp_path):
    path = tmp_path / "a.csv"
    with path.open("wb") as out:
        out.write(b"No,What\n")
        line = b"".join(b"%d,%s\n" % (n, b"x" * 40) for n in range(10_000))
        for _ in range(80):
            out.write(line)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = tables.survey(path)
    with path.open("rb") as file:
        count = sum(1 for _ in tables.table(file, "utf-8"))
    assert (count, found.is_utf8) == (800_000, True)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_what_is_written_as_a_workbook_is_read_back_as_text(tmp_path):
    rows = [["0012", "=1+1", "-5"], ["", "'=x", "https://a.example"]]
    writing.as_workbook(tmp_path / "a.xlsx", ["A", "B", "C"], rows)
    read = workbook.Workbook(tmp_path / "a.xlsx")
    got = [[cells.meant(cell) for cell in row] for row in read.rows()]
    assert got == [["A", "B", "C"], *rows]
    read.close()
