"""Promises about the scripts of marks: what looks alike is told apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.scripts import (
    kind_of_character,
    script_of,
    script_of_character,
    scripts_in,
)

MARKS = [
    ("KE 4417-B", "Latin"),
    ("АВ 1234", "Cyrillic"),
    ("ΑΒ 1234", "Greek"),
    ("أب ١٢٣", "Arabic"),
    ("אב 12", "Hebrew"),
    ("ԱԲ 12", "Armenian"),
    ("甲乙 12", "Han"),
    ("กข 12", "Thai"),
    ("4417-99 ?*", ""),
    ("", ""),
    ("AВ 12", "Latin and Cyrillic"),
    ("ВA 12", "Cyrillic and Latin"),
]


@pytest.mark.parametrize(("mark", "script"), MARKS)
def test_a_mark_is_told_by_its_letters(mark, script):
    assert script_of(mark) == script


def test_a_latin_and_a_cyrillic_letter_that_look_alike_are_two():
    assert script_of_character("A") == "Latin"
    assert script_of_character("А") == "Cyrillic"


CHARACTERS = [
    ("?", "not readable"),
    ("*", "some not readable"),
    (" ", "space"),
    ("\u00a0", "space"),
    ("7", "digit"),
    ("٧", "digit"),
    ("K", "letter"),
    ("Ж", "letter"),
    ("-", "symbol"),
    ("★", "symbol"),
    ("²", "symbol"),
]


@pytest.mark.parametrize(("character", "kind"), CHARACTERS)
def test_a_character_is_read_back_in_a_word(character, kind):
    assert kind_of_character(character) == kind


@given(st.text())
def test_each_script_is_named_once_and_only_for_letters(text):
    found = scripts_in(text)
    assert len(found) == len(set(found))
    assert bool(found) == any(character.isalpha() for character in text)


@given(st.characters())
def test_any_character_can_be_read_back(character):
    assert kind_of_character(character)
