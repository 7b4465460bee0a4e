"""References: what a person mistypes does not become another person's request."""

import string

from hypothesis import given
from hypothesis import strategies as st

from tracing.casework.references import (
    ALPHABET,
    NUMBERS,
    check_character,
    draw,
    is_reference,
    reference_of,
)

years = st.integers(2000, 2099)
numbers = st.integers(0, NUMBERS - 1)
countries = st.sampled_from(["KE", "BR", "FR", "NP"])
references = st.builds(reference_of, years, countries, numbers)
CHECKED = (0, 1, 2, 3, *range(8, 16))
"""The places of year, number and check character; the State is not among them."""


@given(references)
def test_what_is_made_is_recognised_in_either_case(reference):
    assert is_reference(reference)
    assert is_reference(reference.lower())


@given(references, st.sampled_from(CHECKED), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(reference, place, typed):
    wrong = reference[:place] + typed + reference[place + 1 :]
    assert is_reference(wrong) is (wrong == reference)


def test_two_neighbours_that_change_places_are_noticed_199_times_in_200():
    # ISO 7064 MOD 37,36 notices every single error and nearly every swap.
    swapped, unnoticed = 0, 0
    for number in range(0, NUMBERS, 9973):
        body = f"2026{number:07d}"
        whole = body + check_character(body)
        for place in range(len(body) - 1):
            left, right = whole[place : place + 2]
            if left == right:
                continue
            other = whole[:place] + right + left + whole[place + 2 :]
            swapped += 1
            unnoticed += check_character(other[:-1]) == other[-1]
    assert swapped > 5000
    assert unnoticed / swapped < 1 / 180


@given(st.text(max_size=30))
def test_any_other_text_is_no_reference_and_no_error(text):
    assert is_reference(text) in (True, False)


@given(st.text(alphabet=string.printable + "٣३０Ⅷ²", min_size=16, max_size=16))
def test_figures_of_other_scripts_are_not_taken_for_figures(text):
    if is_reference(text):
        assert text.isascii()


def test_the_check_covers_year_and_number_as_a_mail_names_them():
    assert reference_of(2026, "KE", 7)[8:] == reference_of(2026, "BR", 7)[8:]
    assert reference_of(2025, "KE", 7)[-1] != reference_of(2026, "KE", 7)[-1]


def test_numbers_are_drawn_and_not_counted():
    drawn = {draw() for _ in range(50)}
    assert len(drawn) > 45
    assert all(0 <= number < NUMBERS for number in drawn)
