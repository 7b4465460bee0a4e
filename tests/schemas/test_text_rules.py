"""What a person types: whatever it is, what is kept can be stored, seen and compared."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from tracing.schemas.fields import Block, Line, MarkText, Whole
from tracing.schemas.request import SECTIONS

TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
UNSEEN = (
    "\u00ad\u034f\u115f\u180e\u200b\u200c\u200d\u2060\u3164\ufe0f\ufeff\uffa0\ufff9"
)
NEVER = ["\0", "\a", "\x1b", "\x7f", "\x85", "\ufffe", "\ufdd0", "\ud800", "\U000e0041"]
SHOWN_FORMATS = {"\u0600", "\u06dd", "\u070f", "\u08e2", "\U000110bd"}
"""Signs of some scripts that Unicode counts as formats, although they are seen."""

ODD = st.text(
    st.sampled_from(TURNING + UNSEEN + "Aé\u0301\u0323ﬁß 1٣\t\n") | st.characters()
)


def loaded(field, text):
    try:
        return field.deserialize(text)
    except ValidationError:
        return None


@pytest.mark.parametrize("field", [Line(100, label="L"), MarkText(100, label="M")])
class TestAnIdentifier:
    @given(text=ODD)
    def test_keeps_nothing_that_is_not_seen(self, field, text):
        kept = loaded(field, text)
        if kept is None:
            return
        kinds = {unicodedata.category(c): c for c in kept if c not in SHOWN_FORMATS}
        assert not {"Cc", "Cs", "Zl", "Zp"} & set(kinds)
        assert not set(kept) & set(TURNING + UNSEEN)
        assert unicodedata.is_normalized("NFC", kept)
        assert kept == kept.strip()
        assert loaded(field, kept) == kept

    @pytest.mark.parametrize("sign", [*TURNING, *UNSEEN])
    def test_is_the_same_with_and_without_what_is_not_seen(self, field, sign):
        assert field.deserialize(f"AB{sign}12") == "AB12"

    @pytest.mark.parametrize("sign", NEVER)
    def test_with_what_cannot_be_stored_is_refused_with_its_place(self, field, sign):
        with pytest.raises(ValidationError, match=r"position 3"):
            field.deserialize(f"AB{sign}12")


class TestAText:
    field = Block(100, label="B")

    @given(text=ODD)
    def test_keeps_no_control_and_turns_nothing_around(self, text):
        kept = loaded(self.field, text)
        if kept is None:
            return
        controls = {c for c in kept if unicodedata.category(c) in ("Cc", "Cs")}
        assert controls <= {"\n", "\t"}
        assert not set(kept) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069")
        assert unicodedata.is_normalized("NFC", kept)
        assert loaded(self.field, kept) == kept

    def test_keeps_the_joiners_that_some_scripts_need(self):
        persian = "می\u200cخواهم"
        assert self.field.deserialize(persian) == persian

    @pytest.mark.parametrize("sign", NEVER)
    def test_with_what_cannot_be_stored_is_refused_with_its_place(self, sign):
        with pytest.raises(ValidationError, match=r"position 3"):
            self.field.deserialize(f"AB{sign}12")


@given(st.text(max_size=30) | st.integers() | st.floats() | st.booleans() | st.none())
def test_a_number_is_whole_and_within_its_bounds_or_refused(value):
    kept = loaded(Whole(1, 5000, label="W"), value)
    assert kept is None or (type(kept) is int and 1 <= kept <= 5000)


def test_no_field_of_the_form_takes_a_number_or_text_without_end():
    from marshmallow import fields, validate

    def bounded(field) -> bool:
        if isinstance(field, fields.Nested):
            return all(map(bounded, field.schema.fields.values()))
        if isinstance(field, fields.List):
            return bounded(field.inner)
        if isinstance(field, fields.String | fields.Integer | fields.Float):
            kinds = (validate.Length, validate.Range, validate.OneOf)
            known = hasattr(field, "codes")
            return known or any(isinstance(v, kinds) for v in field.validators)
        return True

    endless = [
        f"{key}.{name}"
        for key, schema in SECTIONS
        for name, field in schema(today=None).fields.items()
        if not bounded(field)
    ]
    assert endless == []
