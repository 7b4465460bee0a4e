"""Each kind of field: what it takes, what it refuses, and in what words."""

import time as clock
import unicodedata
from contextlib import suppress
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from tracing.schemas.fields import (
    COUNTRY_CODES,
    Block,
    Blocks,
    Choice,
    Clock,
    Code,
    Codes,
    Country,
    Day,
    Degrees,
    Line,
    MarkText,
    Rows,
    Section,
    Tick,
    Told,
    When,
    Whole,
    Year,
    without_blanks,
)
from workflows.vocabulary import DomesticSearchOverride, LinkedOffence, TransportMode

TODAY = date(2026, 11, 26)


class Row(Section):
    text = Line(10, label="Text", ask="Write the text")
    on = Day(When.PAST, label="On")


class Everything(Section):
    line = Line(20, label="Line", ask="Enter the line")
    block = Block(100, label="Block")
    mark = MarkText(label="Mark")
    country = Country(label="Country")
    maybe = Country(label="Country", unknown=True)
    code = Code(TransportMode, label="Code")
    few = Code(LinkedOffence, [LinkedOffence.DRUGS], label="Few")
    codes = Codes(TransportMode, label="Codes")
    choice = Choice({"en": "English", "fr": "French"}, label="Choice")
    whole = Whole(1, 5000, label="Whole")
    count = Whole(1, label="Count")
    degrees = Degrees(90, label="Degrees")
    past = Day(When.PAST, label="Past")
    later = Day(When.LATER, label="Later")
    soon = Day(When.WITHIN_A_YEAR, label="Soon")
    year = Year(label="Year")
    time = Clock(label="Time")
    tick = Tick(label="Tick")
    rows = Rows(Row, most=2, label="Rows")
    blocks = Blocks(20, label="Blocks", ask="Answer each question")


NAMES = tuple(Everything().fields)


def load(name: str, value: object) -> object:
    return Everything(today=TODAY).load({name: value}, partial=True)[name]


def refusal(name: str, value: object) -> object:
    with pytest.raises(ValidationError) as caught:
        load(name, value)
    return caught.value.messages_dict[name]


@pytest.mark.parametrize(
    ("name", "typed", "kept"),
    [
        ("line", "  Beretta ", "Beretta"),
        ("line", "AB\n", "AB"),
        ("line", "A\u200bB\u202e\ufeff", "AB"),
        ("line", "e\u0301", "é"),
        ("line", "=HYPERLINK(1)", "=HYPERLINK(1)"),
        ("block", "one\r\ntwo\tthree\rfour", "one\ntwo\tthree\nfour"),
        ("block", "found 🔫 near 𠀀", "found 🔫 near 𠀀"),
        ("block", "می\u200cخواهم\u202e", "می\u200cخواهم"),
        ("mark", "АB12345", "АB12345"),
        ("mark", "ＡＢ１２", "ＡＢ１２"),
        ("mark", "١٢٣", "١٢٣"),
        ("mark", "A?[5S]*7", "A?[5S]*7"),
        ("country", " ke ", "KE"),
        ("maybe", "XX", "XX"),
        ("code", "TRAIN", TransportMode.TRAIN),
        ("few", "DRUGS", LinkedOffence.DRUGS),
        ("codes", "TRAIN", [TransportMode.TRAIN]),
        ("codes", ["TRAIN", "TRAIN"], [TransportMode.TRAIN]),
        ("choice", "fr", "fr"),
        ("whole", "1998", 1998),
        ("whole", "١٩٩٨", 1998),
        ("whole", 5000, 5000),
        ("degrees", "-1,2921", -1.2921),
        ("degrees", 0, 0.0),
        ("past", "2026-11-26", TODAY),
        ("later", "2026-11-27", date(2026, 11, 27)),
        ("soon", "2027-11-26", date(2027, 11, 26)),
        ("year", "2027", 2027),
        ("time", "9:05", time(9, 5)),
        ("time", "23:59:59", time(23, 59)),
        ("tick", "on", True),
        ("tick", False, False),
        ("rows", [{"text": "a"}, {"text": " "}], [{"text": "a"}]),
        ("blocks", ["a", "b"], ["a", "b"]),
    ],
)
def test_a_field_keeps_what_is_meant(name, typed, kept):
    assert load(name, typed) == kept


NOT_STORED = "This text contains a character that cannot be stored (position {})"


@pytest.mark.parametrize(
    ("name", "typed", "words"),
    [
        ("line", "A" * 21, "Use at most 20 characters"),
        ("line", "AB\x0012", NOT_STORED.format(3)),
        ("line", "  AB\x0012", NOT_STORED.format(5)),
        ("line", "A\tB", NOT_STORED.format(2)),
        ("line", "A\nB", NOT_STORED.format(2)),
        ("line", "A\ud800", NOT_STORED.format(2)),
        ("block", "a\uffff", NOT_STORED.format(2)),
        ("block", "a\ufdd0", NOT_STORED.format(2)),
        ("block", "a\U0001fffe", NOT_STORED.format(2)),
        ("block", "a\x07", NOT_STORED.format(2)),
        (
            "line",
            "AZ" + "\u0351" * 5,
            "Remove some of the marks on the letter at position 2",
        ),
        ("line", 7, "Write this as text"),
        ("line", {"$ne": ""}, "Write this as text"),
        ("mark", "9" * 65, "Use at most 64 characters"),
        ("mark", "AB[5S", "Close the bracket at position 3"),
        ("mark", "A[5[S]", "Close the bracket at position 2"),
        ("mark", "A5S]", "Remove the bracket at position 4, or open it first"),
        ("mark", "A[]", "Write what it can be between the brackets at position 2"),
        (
            "mark",
            "A[5?]",
            "Write only what can be read between the brackets (position 4)",
        ),
        ("country", "XX", "Choose a country from the list"),
        ("country", "Kenya", "Choose a country from the list"),
        ("country", ["KE"], "Choose a country from the list"),
        ("code", "ZEPPELIN", "Choose one of the list"),
        ("code", {"$ne": ""}, "Choose one of the list"),
        ("few", "OTHER", "Choose one of the list"),
        ("codes", ["TRAIN", "ZEPPELIN"], "Choose one of the list"),
        ("codes", {"a": 1}, "Choose one of the list"),
        ("codes", 3, "Choose one of the list"),
        ("choice", "de", "Choose one of the list"),
        ("whole", "1998.5", "Enter a whole number"),
        ("whole", 1998.5, "Enter a whole number"),
        ("whole", 1998.0, "Enter a whole number"),
        ("whole", "1_000", "Enter a whole number"),
        ("whole", True, "Enter a whole number"),
        ("whole", "9" * 5000, "Enter a whole number"),
        ("whole", "0", "Enter a number from 1 to 5000"),
        ("count", "-1", "Enter a number of 1 or more"),
        ("count", 2**31, "Enter a smaller number"),
        ("degrees", "91", "Enter a number from -90 to 90"),
        ("degrees", "nan", "Enter degrees like -1.2921"),
        ("degrees", float("nan"), "Enter degrees like -1.2921"),
        ("degrees", float("inf"), "Enter degrees like -1.2921"),
        ("past", "2999-01-01", "Enter a date not in the future"),
        ("past", "26/11/2026", "Enter a date like 2026-11-26"),
        ("past", "20261126", "Enter a date like 2026-11-26"),
        ("past", "0000-01-01", "Enter a date that exists, like 2026-11-26"),
        ("past", "2026-02-30", "Enter a date that exists, like 2026-11-26"),
        ("past", 20261126, "Enter a date like 2026-11-26"),
        ("later", "2026-11-26", "Enter a date after today"),
        ("soon", "2020-01-01", "Enter a date after today"),
        ("soon", "2126-01-01", "Enter a date within one year from today"),
        ("year", "99999", "Enter a year from 1500 to 2027"),
        ("year", "1499", "Enter a year from 1500 to 2027"),
        ("time", "23:59:60", "Enter a time like 14:30"),
        ("time", "24:00", "Enter a time like 14:30"),
        ("tick", "perhaps", "Tick the box or leave it empty"),
        ("tick", {}, "Tick the box or leave it empty"),
        ("rows", [{"text": "a"}] * 3, "Give at most 2 of these"),
        ("rows", "a", "Give a list"),
        ("blocks", "a", "Give a list"),
    ],
)
def test_a_field_says_what_to_do(name, typed, words):
    assert refusal(name, typed) == [words]


def test_an_error_in_a_row_stands_at_its_place():
    rows = [{"text": "a"}, {"text": "b", "on": "2999-01-01"}]
    assert refusal("rows", rows) == {1: {"on": ["Enter a date not in the future"]}}


def test_a_missing_answer_is_asked_for_at_its_place():
    assert refusal("blocks", ["a", " ", None, "\u200d"]) == {
        1: ["Answer each question"],
        2: ["Answer each question"],
        3: ["Answer each question"],
    }


@pytest.mark.parametrize("blank", ["", "   ", "\u200b\ufeff", None])
def test_a_blank_is_a_missing_field(blank):
    assert Everything().load({"line": blank}, partial=True) == {}
    with pytest.raises(ValidationError) as caught:
        Everything().load({"line": blank, "blocks": ["a"]})
    assert caught.value.messages == {"line": ["Enter the line"]}


def test_blanks_are_left_out_of_rows_but_not_of_lists_of_texts():
    posted = {"rows": [{"text": ""}, {"text": "a", "on": ""}], "blocks": ["", "b"]}
    cleaned = {"rows": [{"text": "a"}], "blocks": ["", "b"]}
    assert without_blanks(posted) == cleaned
    assert without_blanks(cleaned) == cleaned


def test_an_unknown_field_is_refused_by_name():
    with pytest.raises(ValidationError) as caught:
        Everything().load({"sender": "XC"}, partial=True)
    assert caught.value.messages == {
        "sender": ["Leave this out: it is not part of the form"]
    }


def test_the_day_is_the_one_handed_in_and_reaches_the_rows():
    early = Everything(today=date(2020, 1, 1))
    with pytest.raises(ValidationError) as caught:
        early.load(
            {"past": "2020-01-02", "rows": [{"text": "a", "on": "2020-01-02"}]},
            partial=True,
        )
    assert set(caught.value.messages_dict) == {"past", "rows"}
    assert Everything(today=date(2020, 1, 2)).load({"past": "2020-01-02"}, partial=True)


def test_a_leap_day_has_a_year_after_it():
    section = Everything(today=date(2028, 2, 29))
    assert section.load({"soon": "2029-02-28"}, partial=True)


def test_a_message_remembers_its_holes():
    (words,) = refusal("line", "A" * 21)
    assert isinstance(words, Told)
    assert words.msgid == "Use at most %(number)s characters"
    assert words.holes == {"number": 20}


def test_codes_are_shown_by_value_whether_they_come_from_a_form_or_a_table():
    shown = Everything().dump(
        {"code": TransportMode.TRAIN, "codes": ("TRAIN", TransportMode.BUS_COACH)}
    )
    assert shown == {"code": "TRAIN", "codes": ["TRAIN", "BUS_COACH"]}


def test_only_what_may_be_offered_is_offered():
    offered = Everything().fields["few"].metadata["choices"]
    assert offered() == (("DRUGS", "Drugs"),)


def test_what_a_condition_asks_for_is_not_called_optional():
    assert Line(9, label="L", ask_when="Enter it").metadata["optional_label"] is False
    assert "optional_label" not in Line(9, label="L").metadata


def test_country_codes_are_two_letters_and_the_unknown_is_none_of_them():
    assert len(COUNTRY_CODES) == 249
    assert all(code.isalpha() and len(code) == 2 for code in COUNTRY_CODES)
    assert "XX" not in COUNTRY_CODES


@pytest.mark.parametrize("text", ["9" * 1_000_000, "a\u0315\u0300" * 300_000])
def test_a_very_long_text_is_refused_soon(text):
    start = clock.thread_time()
    assert refusal("line", text) == ["Use at most 20 characters"]
    assert clock.thread_time() - start < 1


ODD = "\u0301\u0351\x00\x07\n\t\u200d\u202e\ud800\uffff\u2028Aé漢٣5 "
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates().map(str)
    | st.text()
    | st.text(ODD)
    | st.text("[]?*5S"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(NAMES), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING), st.booleans())
def test_whatever_is_sent_is_loaded_or_refused(data, partial):
    with suppress(ValidationError):
        Everything(today=TODAY).load(data, partial=partial)


@given(ANYTHING)
def test_whatever_stands_for_a_form_is_loaded_or_refused(data):
    with suppress(ValidationError):
        Everything(today=TODAY).load(data, partial=True)


@given(st.text())
def test_what_is_kept_of_a_text_is_kept_again(text):
    try:
        kept = load("line", text)
    except (ValidationError, KeyError):
        return
    assert load("line", kept) == kept
    assert unicodedata.is_normalized("NFC", kept)


@given(st.dates())
def test_a_past_day_is_never_after_today(day):
    try:
        assert load("past", day.isoformat()) <= TODAY
    except ValidationError:
        assert day - TODAY > timedelta(0)


def test_the_words_of_a_list_are_its_members():
    for word in DomesticSearchOverride:
        assert Code(DomesticSearchOverride, label="L").deserialize(word.value) is word
