"""One reader of JSON: what it takes, all readers read alike; the rest it refuses."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracing.schemas.strict_json import LARGEST, JsonRefused, load_object, loads

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-LARGEST, LARGEST)
    | st.floats(-1e15, 1e15, allow_nan=False)
    | TEXT
)
ANY = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5)
    ),
    max_leaves=20,
)
WRONG = {
    # body, code, words, line, column
    "nothing": (b"", "bad_json", "empty", 1, 1),
    "blanks": (b" \n ", "bad_json", "empty", 2, 2),
    "another quote": (b"{recipient: 'XB'}", "bad_json", "quotes", 1, 2),
    "a second value": (b"{} {}", "bad_json", "after the end", 1, 4),
    "a NUL behind": (b"{}\0", "bad_json", "after the end", 1, 3),
    "a comma too many": (b"[1,]", "bad_json", "cannot be read", 1, 4),
    "a comma too few": (b'{"a":1 "b":2}', "bad_json", "due here", 1, 8),
    "no colon": (b'{"a" 1}', "bad_json", "due here", 1, 6),
    "a comment": (b"[1 // one\n]", "bad_json", "due here", 1, 4),
    "NaN": (b'{"year":\n NaN}', "bad_number", "none in JSON", 2, 2),
    "Infinity": (b"[-Infinity]", "bad_number", "none in JSON", 1, 2),
    "1e999": (b'{"year":1e999}', "bad_number", "smaller", 1, 9),
    "5000 figures": (b"[" + b"9" * 5000 + b"]", "bad_number", "smaller", 1, 2),
    "2**53 + 1": (b"[9007199254740993]", "bad_number", "smaller", 1, 2),
    "-2**63": (b"[-9223372036854775808]", "bad_number", "smaller", 1, 2),
    "a leading nought": (b"[007]", "bad_json", "cannot be read", 1, 2),
    "a plus": (b"[+1]", "bad_json", "cannot be read", 1, 2),
    "hexadecimal": (b"[0x1F]", "bad_json", "cannot be read", 1, 2),
    "an underscore": (b"[1_000]", "bad_json", "cannot be read", 1, 2),
    "Arabic figures": ("[١٢]".encode(), "bad_json", "cannot be read", 1, 2),
    "True": (b"[True]", "bad_json", "cannot be read", 1, 2),
    "the same name twice": (b'{"a":1,\n"a":2}', "duplicate_key", "once", 2, 1),
    "the same name, escaped": (b'{"a":1,"\\u0061":2}', "duplicate_key", "once", 1, 8),
    "half a surrogate": (b'["\\ud800"]', "bad_character", "half", 1, 2),
    "halves in the wrong order": (b'["\\udc00\\ud800"]', "bad_character", "half", 1, 2),
    "a bare line break": (b'["a\nb"]', "bad_json", "may not", 1, 4),
    "an unknown escape": (b'["\\x41"]', "bad_json", "may not", 1, 3),
    "an open text": (b'["abc', "bad_json", "may not", 1, 2),
    "an open list": (b"[1", "bad_json", "due here", 1, 3),
    "UTF-16": ('{"a":1}'.encode("utf-16"), "bad_encoding", "UTF-8", 1, 1),
    "UTF-32": ('{"a":1}'.encode("utf-32-le"), "bad_json", "", 1, 2),
    "a mark before": (b"\xef\xbb\xbf{}", "bad_encoding", "without a mark", 1, 1),
    "overlong UTF-8": (b'{"a":\n"\xc0\xaf"}', "bad_encoding", "UTF-8", 2, 2),
    "2000 deep": (b"[" * 2000 + b"]" * 2000, "too_deep", "at most 20", 1, 21),
    "100 000 deep": (b'{"a":' * 100_000, "too_deep", "at most 20", 1, 101),
    "201 names": (
        json.dumps({str(n): n for n in range(201)}).encode(),
        "too_many_keys",
        "at most 200",
        1,
        2182,
    ),
    "3 MB": (b'{"notes":"' + b"x" * 3_000_000 + b'"}', "too_large", "at most 2", 1, 1),
}


@pytest.mark.parametrize(
    ("body", "code", "words", "line", "column"), WRONG.values(), ids=WRONG
)
def test_what_is_wrong_is_said_with_its_place(body, code, words, line, column):
    started = time.thread_time()
    with pytest.raises(JsonRefused) as caught:
        loads(body)
    found = caught.value
    assert time.thread_time() - started < 1
    assert (found.code, found.line, found.column) == (code, line, column)
    assert words in found.words


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"weapon":{"marks":[1,{"year":NaN}]}}', "weapon.marks[1].year"),
        (b'{"a":{"b":1,"b":2}}', "a"),
        (b"[[1],[1,01]]", "[1][1]"),
        (b"nope", ""),
    ],
)
def test_the_place_inside_the_data_is_said(body, path):
    with pytest.raises(JsonRefused) as caught:
        loads(body)
    assert caught.value.path == path


@pytest.mark.parametrize("body", [b"null", b"[{}]", b'"a"', b"1"])
def test_only_an_object_is_a_request(body):
    with pytest.raises(JsonRefused, match="Send a JSON object") as caught:
        load_object(body)
    assert caught.value.code == "not_object"
    assert load_object(b' {"a": 1}\n') == {"a": 1}


@given(ANY)
def test_what_was_written_is_read_again(value):
    for ascii_only in (True, False):
        body = json.dumps(value, ensure_ascii=ascii_only, indent=1).encode()
        assert loads(body) == value
        assert [type(part) for part in flat(loads(body))] == [
            type(part) for part in flat(value)
        ]


def flat(value):
    match value:
        case dict():
            return [part for inner in value.values() for part in flat(inner)]
        case list():
            return [part for inner in value for part in flat(inner)]
    return [value]


@given(ANY, st.data())
def test_one_sign_changed_is_read_as_others_read_it_or_refused(value, data):
    text = json.dumps(value, ensure_ascii=False)
    at = data.draw(st.integers(0, len(text) - 1))
    sign = data.draw(st.sampled_from(list('{}[]",:0-eE.\\ \n\0aéN')) | st.just(""))
    body = (text[:at] + sign + text[at + 1 :]).encode("utf-8", "surrogatepass")
    try:
        found = loads(body)
    except JsonRefused as error:
        told = error
    else:
        assert found == json.loads(body)
        return
    assert min(told.line, told.column) >= 1
    assert told.words


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_and_nothing_else(body):
    try:
        found = loads(body)
    except JsonRefused:
        return
    assert found == json.loads(body.decode())


@given(TEXT, PLAIN, PLAIN)
def test_a_name_that_stands_twice_is_always_refused(name, one, two):
    pair = f"{json.dumps(name)}:"
    body = "{" + pair + json.dumps(one) + "," + pair + json.dumps(two) + "}"
    with pytest.raises(JsonRefused) as caught:
        loads(body.encode())
    assert caught.value.code == "duplicate_key"


def test_two_megabytes_take_less_than_a_second():
    rows = [{"serial": f"AB{n}", "year": n % 2000, "make": None} for n in range(45_000)]
    body = json.dumps(rows).encode()[:1_990_000]
    body = body[: body.rindex(b"},") + 1] + b"]"
    started = time.thread_time()
    loads(body)
    assert time.thread_time() - started < 2
