"""A schema becomes a form, and a posted form becomes its data."""

from collections.abc import Iterator, Mapping
from datetime import date
from enum import Enum
from typing import Any

import pytest
from flask import Flask
from flask_babel import Babel
from marshmallow import Schema, ValidationError, fields, validate
from werkzeug.datastructures import MultiDict

from tracing.schemas.fields import AtMost
from tracing.web import forms


class Readable(Enum):
    COMPLETELY = "completely"
    IN_PART = "in_part"
    NO = "no"

    @property
    def label(self) -> str:
        return {"completely": "Yes, completely", "in_part": "In part", "no": "No"}[
            self.value
        ]


Letter = Enum("Letter", ("A", "B", "C", "D", "E", "F", "G", "H"))


class MarkSchema(Schema):
    place = fields.String(required=True, metadata={"label": "Where on the firearm"})
    worn = fields.Boolean(metadata={"label": "Worn"})


class Markings(Schema):
    serial_number = fields.String(
        required=True,
        validate=validate.Length(1, 60),
        metadata={"label": "Serial number", "hint": "As marked", "mark": True},
    )
    readable = fields.Enum(
        Readable,
        by_value=True,
        required=True,
        metadata={"label": "Can it be read?", "reveal": {Readable.NO: "why"}},
    )
    why = fields.String(metadata={"label": "Why not"})
    letter = fields.Enum(Letter, by_value=True, metadata={"label": "Letter"})
    state = fields.String(
        metadata={
            "label": "State",
            "autocomplete": "country",
            "choices": lambda: [("KE", "Kenya"), ("IT", "Italy")],
        }
    )
    found_on = fields.Date(
        validate=validate.Range(min=date(1900, 1, 1)), metadata={"label": "Found on"}
    )
    rounds = fields.Integer(
        validate=validate.Range(1, 50), metadata={"label": "Rounds", "width": "w4"}
    )
    notes = fields.String(validate=validate.Length(max=2000))
    email = fields.Email()
    seen = fields.Boolean(metadata={"label": "Seen"})
    kinds = fields.List(
        fields.Enum(Readable, by_value=True), metadata={"label": "Kinds"}
    )
    marks = fields.List(fields.Nested(MarkSchema), metadata={"label": "Mark"})


@pytest.fixture(autouse=True)
def app_context() -> Iterator[None]:
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context():
        yield


def drawn(
    data: Mapping[str, object] | None = None,
    prefix: str = "",
    adding: str | None = None,
) -> dict[str, forms.Control]:
    found = forms.controls(Markings(), data, prefix=prefix, adding=adding)
    return {c.name: c for c in found}


def problems(schema: Schema, data: Mapping[str, object]) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as refused:
        schema.load(data)
    errors = refused.value.messages_dict
    return forms.summary(forms.controls(schema, data, errors))


def test_controls_stand_in_the_order_of_the_schema() -> None:
    assert list(drawn()) == list(Markings().fields)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("serial_number", "mark"),
        ("readable", "radios"),
        ("letter", "select"),
        ("state", "country"),
        ("found_on", "date"),
        ("rounds", "number"),
        ("notes", "textarea"),
        ("email", "email"),
        ("seen", "checkbox"),
        ("kinds", "checkboxes"),
        ("marks", "group"),
        ("why", "text"),
    ],
)
def test_the_type_of_a_field_decides_its_control(name: str, kind: str) -> None:
    assert drawn()[name].kind == kind


def test_a_mark_is_never_mirrored_translated_or_corrected() -> None:
    attrs = drawn()["serial_number"].attrs
    assert attrs["dir"] == "ltr"
    assert attrs["translate"] == "no"
    assert attrs["spellcheck"] == "false"


def test_validators_give_bounds_and_hints_but_never_cut_silently() -> None:
    controls = drawn()
    assert controls["rounds"].attrs["inputmode"] == "numeric"
    assert controls["rounds"].hint == "From 1 to 50"
    assert controls["found_on"].attrs["min"] == "1900-01-01"
    assert all("maxlength" not in c.attrs for c in controls.values())


def test_only_fields_that_may_stay_empty_are_called_optional() -> None:
    controls = drawn()
    assert controls["serial_number"].required
    assert not controls["serial_number"].optional
    assert controls["why"].optional == "optional"
    assert not controls["seen"].optional


def test_choices_carry_the_words_of_the_code() -> None:
    assert drawn()["readable"].choices[0] == ("completely", "Yes, completely")
    assert drawn()["kinds"].choices[1] == ("in_part", "In part")
    assert drawn()["state"].choices == (("KE", "Kenya"), ("IT", "Italy"))


def test_loaded_and_posted_values_are_drawn_alike() -> None:
    loaded = drawn(
        {
            "readable": Readable.NO,
            "found_on": date(2026, 11, 20),
            "rounds": 6,
            "seen": True,
            "kinds": [Readable.NO],
        }
    )
    as_posted = drawn(
        {
            "readable": "no",
            "found_on": "2026-11-20",
            "rounds": "6",
            "seen": "true",
            "kinds": ["no"],
        }
    )
    assert loaded == as_posted
    assert loaded["readable"].value == "no"


def test_an_answer_brings_up_its_field() -> None:
    shown_by = drawn(prefix="m")["m-why"].shown_by
    assert shown_by == {"name": "m-readable", "values": "no"}


def test_a_prefix_keeps_two_schemas_of_a_page_apart() -> None:
    assert "part-serial_number" in drawn(prefix="part")
    form = MultiDict({"part-why": "filed off", "why": "other"})
    assert forms.posted(Markings(), form, "part")["why"] == "filed off"


def test_a_group_shows_one_row_and_one_more_when_asked() -> None:
    two = {"marks": [{"place": "slide"}, {"place": "frame"}]}
    assert len(drawn()["marks"].group) == 1
    assert len(drawn(two)["marks"].group) == 2
    assert len(drawn(two, adding="marks")["marks"].group) == 3
    assert drawn(two)["marks"].group[1][0].name == "marks-1-place"


def test_an_empty_field_is_missing_and_an_unticked_box_is_false() -> None:
    form = MultiDict({"serial_number": "   ", "why": " filed off ", "unknown": "x"})
    assert forms.posted(Markings(), form) == {"why": "filed off", "seen": False}


def test_a_ticked_box_is_true_and_lists_are_collected() -> None:
    form = MultiDict([("seen", "true"), ("kinds", "no"), ("kinds", "in_part")])
    taken = forms.posted(Markings(), form)
    assert taken == {"seen": True, "kinds": ["no", "in_part"]}


def test_rows_come_in_order_without_the_empty_ones() -> None:
    form = MultiDict(
        {"marks-10-place": "c", "marks-0-place": "a", "marks-2-place": " "}
    )
    assert forms.posted(Markings(), form)["marks"] == [
        {"place": "a", "worn": False},
        {"place": "c", "worn": False},
    ]


def test_remove_takes_one_row_out_and_saves_nothing() -> None:
    form = MultiDict({"marks-0-place": "a", "marks-1-place": "b", "remove": "marks-0"})
    assert forms.posted(Markings(), form)["marks"] == [{"place": "b", "worn": False}]
    assert forms.rearranging(form)
    assert not forms.rearranging(MultiDict({"action": "save"}))


def test_what_is_posted_loads() -> None:
    form = MultiDict(
        {"serial_number": "Ж 0412", "readable": "no", "marks-0-place": "slide"}
    )
    loaded = Markings().load(forms.posted(Markings(), form))
    assert loaded["readable"] is Readable.NO
    assert loaded["marks"] == [{"place": "slide", "worn": False}]


def test_the_summary_follows_the_form_and_reaches_into_rows() -> None:
    found = problems(
        Markings(),
        {"marks": [{"place": "a"}, {"worn": True}], "rounds": "900", "found_on": "x"},
    )
    assert found == [
        ("serial_number", "Fill in “Serial number”"),
        ("readable", "Choose an answer for “Can it be read?”"),
        ("found_on", "Enter “Found on” as a date, for example 2026-11-26"),
        ("rounds", "“Rounds” must be from 1 to 50"),
        ("marks-1-place", "Fill in “Where on the firearm”"),
    ]


@pytest.mark.parametrize(
    "field",
    [
        fields.Integer(),
        fields.Date(),
        fields.AwareDateTime(),
        fields.Email(),
        fields.Boolean(),
        fields.UUID(),
        fields.Enum(Readable, by_value=True),
        fields.String(validate=validate.Length(max=2)),
        fields.String(validate=validate.OneOf(["a", "b"])),
        fields.Integer(validate=validate.Range(min=5)),
    ],
)
def test_the_librarys_own_words_never_reach_the_officer(
    field: fields.Field[Any],
) -> None:
    schema = Schema.from_dict({"thing": field})()
    value = "4" if isinstance(field, fields.Integer) and field.validators else "zzz"
    [(_, words)] = problems(schema, {"thing": value})
    assert "valid" not in words.lower()
    assert "Must be" not in words
    assert len(words) <= 120


def test_the_fields_own_words_win() -> None:
    class Case(Schema):
        number = fields.String(
            required=True, error_messages={"required": "Enter the case number"}
        )

    assert problems(Case(), {}) == [("number", "Enter the case number")]


def test_filled_words_are_told_with_what_fills_them() -> None:
    class Case(Schema):
        number = fields.String(validate=AtMost(2))

    found = problems(Case(), {"number": "abc"})
    assert found == [("number", "Use at most 2 characters")]


def test_a_list_can_be_named_and_filled_by_the_pages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Origin(Schema):
        maker = fields.String(
            metadata={"kind": "country", "choices": "countries", "unknown": True}
        )

    monkeypatch.setitem(forms.LISTS, "countries", lambda: [("KE", "Kenya")])
    [maker] = forms.controls(Origin())
    assert maker.choices == (("KE", "Kenya"), ("XX", "Not known"))


def test_several_texts_keep_their_gaps() -> None:
    class Answers(Schema):
        answers = fields.List(fields.String())

    form = MultiDict([("answers", "a"), ("answers", " "), ("answers", "c")])
    data = forms.posted(Answers(), form)
    assert data == {"answers": ["a", "", "c"]}
    [control] = forms.controls(Answers(), data, adding="answers")
    assert control.kind == "texts"
    assert control.value == ("a", "", "c", "")
    assert forms.posted(Answers(), MultiDict({"answers": ""})) == {}


def test_a_problem_of_no_single_field_is_shown_at_the_first() -> None:
    errors = {"_schema": ["Give a serial number or another mark"]}
    found = forms.summary(forms.controls(Markings(), {}, errors))
    assert found == [("serial_number", "Give a serial number or another mark")]


def test_a_group_of_one_is_drawn_and_read_without_numbers() -> None:
    class Finding(Schema):
        mark = fields.Nested(MarkSchema, metadata={"label": "Mark"})

    [group] = forms.controls(Finding(), {"mark": {"place": "slide"}})
    assert [c.name for c in group.group[0]] == ["mark-place", "mark-worn"]
    form = MultiDict({"mark-place": "slide"})
    assert forms.posted(Finding(), form)["mark"]["place"] == "slide"
    assert forms.posted(Finding(), MultiDict()) == {}
