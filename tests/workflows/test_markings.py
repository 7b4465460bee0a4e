"""Promises about marks: read, put together again, and found whatever was misread."""

import csv
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.lookalikes import ALPHABET, CLASSES, alike, folded, kept, normalised
from workflows.markings import (
    LONGEST,
    MarkNotUnderstood,
    Sign,
    escaped,
    keys_of,
    literal,
    parse,
    read,
    spoken,
)
from workflows.matching import SENTENCES, Alignment, asked, climb, judge, neighbours
from workflows.ranking import Traits, compared, ranked
from workflows.vocabulary import Agreement, Rung, Standing, Why


def table(name):
    with (Path(__file__).parent / name).open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


KEYS = table("markings_keys.csv")
PAIRS = table("markings_pairs.csv")

CHARACTERS = "ABDGIOSZ0123456789 -./АВЖЗشب٣۴中é"
plain = st.text(CHARACTERS, max_size=12)
patterns = st.text(CHARACTERS + "?*[]\\", max_size=12)
folded_keys = st.text(ALPHABET, min_size=1, max_size=5)
few = st.text("AB12Ж?*", max_size=7)


def test_the_tables_of_examples_are_what_was_promised():
    assert len(KEYS) + len(PAIRS) >= 200
    assert all(row["source"] for row in KEYS + PAIRS)


# ------------------------------------------------------------------------- the text


@pytest.mark.parametrize(
    "row", KEYS, ids=lambda row: row["text"].encode("unicode_escape")
)
def test_a_mark_has_the_keys_of_the_table(row):
    keys = keys_of(row["text"])
    assert keys.normalised == row["normalised"]
    assert keys.folded == row["folded"]
    assert keys.reversed == row["folded"][::-1]


@pytest.mark.parametrize(
    ("text", "says", "position"),
    [
        ("AB[5S", "Close the bracket at position 3", 3),
        ("A[5[S]", "Close the bracket at position 2", 2),
        ("A5S]", "Remove the bracket at position 4, or open it first", 4),
        ("A[]", "Write what it can be between the brackets at position 2", 2),
        ("A[5?]", "Write only what can be read between the brackets (position 4)", 4),
        ("AB[0-9]", "a range is not understood (position 5)", 5),
        ("[0123456789ABC]", "Write ? for what can be almost anything", 14),
        ("A\\B", "Write \\\\ for a backslash", 2),
        ("AB\\", "Write \\\\ for a backslash", 3),
        ("A" * 65, "Use at most 64 characters", 65),
    ],
)
def test_a_fault_is_pointed_at_and_says_what_to_do(text, says, position):
    with pytest.raises(MarkNotUnderstood) as refused:
        parse(text)
    assert says in str(refused.value)
    assert refused.value.position == position
    assert str(read(text)) == text


@given(patterns)
def test_a_text_is_understood_and_put_together_again_or_refused_at_a_place(text):
    assert str(read(text)) == text
    try:
        parse(text)
    except MarkNotUnderstood as refused:
        place = refused.position
    else:
        place = 1
    assert 1 <= place <= LONGEST + 1


@given(st.text(max_size=64))
def test_any_text_can_be_written_so_that_it_means_itself(text):
    mark = literal(text)
    assert str(mark) == text
    written = escaped(text)
    if len(written) <= LONGEST:
        assert parse(written).normalised == mark.normalised
        assert all(
            p.sign in (Sign.KNOWN, Sign.BETWEEN) for p in parse(written).positions
        )


def test_what_is_read_back_tells_signs_from_characters():
    assert list(spoken("A\\*?[5S]")) == [
        *[("A", False), ("*", False), ("?", True)],
        *[("[", True), ("5", False), ("S", False), ("]", True)],
    ]


# ------------------------------------------------------------------------- the keys


@given(st.text(max_size=40))
def test_a_key_of_a_key_is_the_same(text):
    once = normalised(text)
    assert normalised(once) == once
    assert len(folded(once)) == len(once)
    assert folded(folded(once)) == folded(once)
    assert set(folded(once)) <= set(ALPHABET)


@given(st.text(max_size=20))
def test_what_is_kept_stays_in_its_order(text):
    assert normalised(text) == "".join(normalised(c) for c in literal_clusters(text))


def literal_clusters(text):
    return [position.written for position in literal(text).positions]


def test_no_character_is_of_two_classes_and_each_is_a_normalised_one():
    everything = "".join(CLASSES)
    assert len(set(everything)) == len(everything)
    assert all(kept(char) == char for char in everything)


# ----------------------------------------------------------------------- the ladder


@pytest.mark.parametrize(
    "row",
    PAIRS,
    ids=lambda row: f"{row['asked']}~{row['found']}".encode("unicode_escape"),
)
def test_two_marks_are_as_far_apart_as_the_table_says(row):
    hit = judge(parse(row["asked"]), row["found"])
    if not row["rung"]:
        assert hit is None
        return
    assert hit is not None
    assert hit.rung == row["rung"]
    assert hit.distance == int(row["distance"])
    assert [d.why.value for d in hit.differences] == row["why"].split()
    assert hit.standing is Standing.POSSIBLE


def test_a_difference_names_the_position_in_the_text_as_it_was_written():
    hit = judge(parse("AX-12 0"), "AX-13 O")
    sentences = [words % holes for words, holes in (d.words for d in hit.differences)]
    assert sentences == [
        "Position 5: 2 is 3 on the record",
        "Position 7: 0 read as O, they look alike",
    ]
    assert set(SENTENCES) == set(Why)


@given(few, few)
def test_the_distance_is_the_same_from_both_sides(one, other):
    there = Alignment(read(one), read(other))
    back = Alignment(read(other), read(one))
    assert there.distance == back.distance


def slow_distance(one, other):
    """Optimal string alignment, as it is written in the books."""
    rows = {(i, 0): i for i in range(len(one) + 1)}
    rows |= {(0, j): j for j in range(len(other) + 1)}
    for i, a in enumerate(one, 1):
        for j, b in enumerate(other, 1):
            rows[i, j] = min(
                rows[i - 1, j] + 1,
                rows[i, j - 1] + 1,
                rows[i - 1, j - 1] + (not alike(a, b)),
            )
            if i > 1 and j > 1 and alike(a, other[j - 2]) and alike(one[i - 2], b):
                rows[i, j] = min(rows[i, j], rows[i - 2, j - 2] + 1)
    return rows[len(one), len(other)]


@given(plain, plain)
def test_the_distance_of_plain_marks_is_that_of_the_books(one, other):
    expected = slow_distance(normalised(one), normalised(other))
    assert Alignment(literal(one), literal(other)).distance == expected
    if normalised(one) and normalised(other):
        hit = judge(parse(one), other)
        assert (hit.distance if hit else 2) == min(expected, 2)


def slow_match(pattern, text):
    """Say whether a text fits, trying every way."""
    if not pattern:
        return not text
    first, rest = pattern[0], pattern[1:]
    if first == "*":
        return any(slow_match(rest, text[n:]) for n in range(len(text) + 1))
    return (
        bool(text)
        and (first == "?" or alike(first, text[0]))
        and slow_match(rest, text[1:])
    )


@given(
    st.text("AB8Ж?*", min_size=1, max_size=7), st.text("AB8ЖШ", min_size=1, max_size=7)
)
def test_a_pattern_fits_what_an_independent_slow_matcher_says(pattern, text):
    if set(pattern).isdisjoint("?*"):
        pattern += "?"
    hit = judge(parse(pattern), text)
    assert (hit is not None) == slow_match(pattern, text)
    back = judge(parse(text), pattern)
    assert (back is not None) == slow_match(pattern, text)


# -------------------------------------------------------------- what an index is asked


def brought_by(mark, stored):
    """Say whether an index of folded keys brings a stored mark."""
    key = keys_of(stored).folded
    for ask in asked(mark):
        within = key.startswith(ask.starts) and key.endswith(ask.ends)
        if key in ask.keys or (not ask.keys and within):
            return True
    return False


def with_an_error(text, draw):
    at = draw.randrange(len(text))
    char = draw.choice("ACEFHJKMNPRTUVWXY0123456789ЖЩЯشب中語Ø")
    match draw.randrange(4):
        case 0:
            return text[:at] + char + text[at + 1 :]
        case 1:
            return text[:at] + char + text[at:]
        case 2:
            return text[:at] + text[at + 1 :]
        case _:
            return text[:at] + text[at : at + 2][::-1] + text[at + 2 :]


def test_every_planted_error_is_found_by_the_keys_and_by_the_judge():
    draw = random.Random(20261126)
    for length in (2, 3, 5, 8, 11, 24, 25, 40, 60):
        for _ in range(60):
            text = "".join(
                draw.choices("ABCDEFGHJKLMNOPQRSTUVWXYZ0123456789Ж", k=length)
            )
            stored = with_an_error(text, draw)
            mark = parse(text)
            assert brought_by(mark, stored), (text, stored)
            hit = judge(mark, stored)
            assert hit is not None
            assert hit.distance <= 1


@settings(max_examples=20)
@given(folded_keys)
def test_the_neighbours_of_a_key_are_what_is_one_error_away_and_nothing_else(key):
    assert all(slow_distance(near, key) <= 1 for near in neighbours(key))


@given(few, few)
def test_what_the_judge_calls_a_hit_is_brought_by_the_index(one, other):
    mark, stored = read(one), read(other)
    if not judge(mark, other) or any(ask.is_open for ask in asked(mark)):
        return
    if stored.is_certain or mark.is_certain:
        assert brought_by(mark, other)


@given(st.text("AB12Ж", min_size=1, max_size=5), st.text("AB12Ж", max_size=5))
def test_the_same_pattern_in_the_store_is_found(start, end):
    assert brought_by(parse(f"{start}?{end}"), f"{start}?{end}")
    assert brought_by(parse(f"{start}*{end}"), f"{start}*{end}")


def test_a_pattern_that_says_too_little_asks_for_more():
    def first(mark):
        return next(asked(parse(mark)), None)

    assert first("*1*").is_open
    assert first("A*").is_open
    assert not first("AB*").is_open
    assert first("AB?1234").keys
    assert first("*4567").ends == "4567"
    assert first("---") is None


def test_the_ladder_gives_each_thing_once_by_its_surest_mark():
    store = {"a": ["A8-1234", "AB1234"], "b": ["AB1243"], "c": ["XY9"], "d": ["AB*34"]}

    def rows(ask):
        for what, texts in store.items():
            for text in texts:
                key = keys_of(text).folded
                if key in ask.keys:
                    yield what, text

    found = climb(parse("ab1234"), rows)
    assert [(what, hit.rung) for what, hit in found] == [
        ("a", Rung.EXACT),
        ("b", Rung.ONE_ERROR),
        ("d", Rung.PATTERN),
    ]


def test_a_long_row_of_stars_is_judged_at_once():
    assert judge(parse("*A" * 32), "A" * 63 + "B") is None


# ------------------------------------------------------------------------ the ranking

ASKED = Traits("Glock", "17", "9x19", "AT", 1995)


def place(serial, *found):
    mark = parse(serial)
    rows = [(name, judge(mark, text), traits) for name, text, traits in found]
    return [(one.what, one.points) for one in ranked(ASKED, rows)]


def test_what_agrees_stands_before_what_is_not_given_and_that_before_what_differs():
    order = place(
        "AX123",
        ("differs", "AX123", Traits("Star", "B", "7.65", "ES", 1960)),
        ("not given", "AX123", Traits()),
        ("agrees", "AX123", Traits("GLOCK", "17", "9 x 19", "AT", 1995)),
        ("near", "AX124", Traits("Glock", "17", "9x19", "AT", 1995)),
    )
    assert order == [
        ("agrees", 136),
        ("near", 106),
        ("not given", 100),
        ("differs", 64),
    ]


def test_a_number_without_error_stands_before_its_look_alike_and_that_before_an_error():
    order = place(
        "AX120",
        ("error", "AX121", Traits()),
        ("look-alike", "AX12O", Traits()),
        ("other script", "AХ120", Traits()),
        ("same", "AX-120", Traits()),
    )
    assert [name for name, _ in order] == [
        "same",
        "other script",
        "look-alike",
        "error",
    ]


def test_what_is_equal_stays_in_the_order_given():
    rows = [(n, "AX1", Traits()) for n in "cab"]
    assert [name for name, _ in place("AX1", *rows)] == ["c", "a", "b"]


def test_each_field_says_whether_it_agrees_and_what_that_counts_for():
    found = Traits("Glock GmbH", "19", None, "XX", 1995)
    assert [(f.name, f.agreement, f.points) for f in compared(ASKED, found)] == [
        ("make", Agreement.PARTLY, 6),
        ("model", Agreement.DIFFERS, -8),
        ("calibre", Agreement.NOT_GIVEN, 0),
        ("country", Agreement.NOT_GIVEN, 0),
        ("year", Agreement.AGREES, 4),
    ]


def test_two_unreadable_characters_and_a_cyrillic_letter_still_find_the_record():
    order = place(
        "В??412Z",
        ("another", "BX9412Z", Traits("Star", None, None, "ES")),
        ("right", "B70412Z", Traits("Glock", "17", None, "AT")),
    )
    assert order[0][0] == "right"
    assert {rung.value for rung in Rung} == {"EXACT", "FOLDED", "ONE_ERROR", "PATTERN"}
