"""The sections of a request: what is asked, on what condition, and in what words."""

from contextlib import suppress
from copy import deepcopy
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields

from tracing.schemas.fields import Section
from tracing.schemas.request import SECTIONS
from tracing.schemas.steps import STEP_OF
from workflows.vocabulary import (
    HandlingCode,
    LegalBasis,
    LinkedOffence,
    MarkType,
    SerialStatus,
)

TODAY = date(2026, 11, 26)
SECTION_OF = dict(SECTIONS)

FULL = {
    "markings": {
        "serial": "АB1?[5S]",
        "serial_status": "RESTORED_PARTIAL",
        "serial_component": "frame",
        "serial_place": "left",
        "restoration_method": "CHEMICAL",
        "restoration_note": "Laboratory, 2026-11-20",
        "marks": [
            {"type": "IMPORT", "text": "KENYA 2019", "place": "barrel"},
            {"type": "SERIAL", "text": "77", "status": "INTACT"},
        ],
    },
    "item": {
        "kind": "FIREARM",
        "firearm_type": "PISTOL",
        "make": "Beretta",
        "model": "unknown",
        "calibre": "9×19 mm",
        "country_of_manufacture": "XX",
        "year": "1998",
        "firing_action": "SEMI_AUTOMATIC",
        "barrel_length_mm": "125",
        "condition": "INDUSTRIAL",
        "import_country": "KE",
        "import_year": "2019",
    },
    "find": {
        "found_on": "2026-11-01",
        "found_time": "14:30",
        "place": "Nairobi",
        "place_type": "NATIONAL_TERRITORY",
        "latitude": "0",
        "longitude": "36.8219",
        "mode": "SEIZED_CRIMINAL",
        "legal_justification": "ILLICIT_POSSESSION",
        "linked_offences": ["DRUGS"],
        "circumstances": "Found in a car.",
        "origin": "IT",
        "transport_mode": "PERSONAL_VEHICLE",
    },
    "persons": {
        "persons": [
            {
                "role": "SUSPECT",
                "alias": "The Fox",
                "sex": "UNKNOWN",
                "born": "1990-01-01",
                "nationality": "KE",
                "is_registered_owner": "NO",
            }
        ]
    },
    "basis": {
        "legal_basis": "ITI",
        "illicit_limbs": ["ILLICIT_LOCAL_LAW"],
        "illicit_reason": "No licence.",
        "offence": "Unlawful possession, article 4.",
        "facts_summary": "A car was stopped.",
        "purpose": "Prosecution.",
        "assistance_sought": "Last legal holder.",
        "confidentiality_guaranteed": True,
        "keep_request_confidential": False,
        "handling": "H0",
    },
    "domestic": {"domestic_searches": "Central register, 2026-11-20: nothing."},
    "header": {
        "urgency": "URGENT",
        "urgency_reason": "Court date.",
        "requested_id": "7",
        "routing_basis": "IMPORT_MARK",
        "requested_by": "2026-12-24",
        "requested_by_reason": "Hearing.",
        "own_case_number": "K-1",
        "officer_phone": "+254 20 123 4567",
        "language": "en",
        "trace_goal": "LAST_LEGAL_HOLDER",
    },
}


def load(section, data, **options):
    return SECTION_OF[section](today=TODAY, **options).load(data)


def problems(section, without=(), **changed):
    """Return the messages for a full section with some answers changed."""
    data = deepcopy(FULL[section])
    for name in without:
        data.pop(name, None)
    try:
        load(section, data | changed)
    except ValidationError as error:
        return error.messages
    return {}


def leaves(messages):
    if isinstance(messages, dict):
        for part in messages.values():
            yield from leaves(part)
    elif isinstance(messages, list):
        for part in messages:
            yield from leaves(part)
    else:
        yield messages


def all_fields(schema: Schema, path: str = ""):
    for name, field in schema.fields.items():
        yield f"{path}{name}", field
        if isinstance(field, fields.Nested):
            yield from all_fields(field.schema, f"{path}{name}.")


EVERY_SECTION = [*SECTION_OF.values(), *STEP_OF.values()]
EVERY_FIELD = [
    pytest.param(field, id=f"{section.__name__}.{name}")
    for section in dict.fromkeys(EVERY_SECTION)
    for name, field in all_fields(section(today=TODAY))
]


@pytest.mark.parametrize("section", FULL)
def test_a_full_section_is_taken_whole(section):
    loaded = load(section, FULL[section])
    assert set(loaded) == set(FULL[section])


@pytest.mark.parametrize("section", FULL)
def test_a_draft_may_be_empty_or_hold_any_one_answer(section):
    draft = SECTION_OF[section](today=TODAY)
    assert draft.load({}, partial=True) == {}
    for name, value in FULL[section].items():
        assert set(draft.load({name: value}, partial=True)) == {name}


@pytest.mark.parametrize("section", FULL)
def test_what_is_shown_again_is_taken_again(section):
    schema = SECTION_OF[section](today=TODAY)
    loaded = schema.load(FULL[section])
    assert schema.load(schema.dump(loaded)) == loaded


def test_a_draft_is_not_spared_wrong_formats():
    with pytest.raises(ValidationError) as caught:
        SECTION_OF["item"](today=TODAY).load({"year": "3000"}, partial=True)
    assert set(caught.value.messages) == {"year"}


def test_a_draft_may_name_a_person_by_role_alone():
    draft = {"persons": [{"role": "VICTIM"}]}
    assert SECTION_OF["persons"](today=TODAY).load(draft, partial=True)


REQUIRED = {
    "markings": {
        "serial": "Enter the serial number, or say why it cannot be read",
        "serial_status": "Say whether the serial number can be read",
    },
    "item": {
        "kind": "Say what is traced",
        "make": "Enter the make, or write “unknown”",
        "model": "Enter the model, or write “unknown”",
        "calibre": "Enter the calibre, or write “unknown”",
        "country_of_manufacture": (
            "Choose the country of manufacture, or say that it is not known"
        ),
    },
    "find": {
        "found_on": "Enter the date it was found",
        "place": "Enter where it was found",
        "place_type": "Choose the kind of place",
        "mode": "Say how you came by the item",
        "legal_justification": "Choose the legal justification",
        "circumstances": "Describe how it was found",
    },
    "persons": {},
    "basis": {
        "legal_basis": "Choose the legal basis",
        "illicit_limbs": "Say why the item is illicit",
        "illicit_reason": "Write what makes the item illicit",
        "offence": "Name the offence under investigation",
        "facts_summary": "Summarise the facts of the case",
        "purpose": "State the purpose of the request",
        "assistance_sought": "Say what assistance you seek",
        "confidentiality_reason": "Say why the answer cannot be kept confidential",
        "handling": "Choose the handling code",
    },
    "domestic": {
        "domestic_searches": (
            "Enter the records you searched, or say why you searched none"
        )
    },
    "header": {
        "requested_id": "Choose the authority to ask",
        "routing_basis": "Say why you ask this State",
        "trace_goal": "Say how far the trace should reach",
        "urgency": "Say how urgent the request is",
        "own_case_number": "Enter your own case number",
        "language": "Choose the language of the request",
    },
}


@pytest.mark.parametrize("section", REQUIRED)
def test_an_empty_section_says_all_that_is_missing(section):
    empty = dict.fromkeys(SECTION_OF[section]().fields, "")
    wanted = {name: [words] for name, words in REQUIRED[section].items()}
    for blank in ({}, empty, dict.fromkeys(empty)):
        if not wanted:
            assert load(section, blank) == {}
            continue
        with pytest.raises(ValidationError) as caught:
            load(section, blank)
        assert caught.value.messages == wanted


CONDITIONAL = [
    ("markings", ["serial"], {"serial_status": "INTACT"}, "serial"),
    ("markings", ["serial"], {"serial": "   "}, "serial"),
    ("markings", ["restoration_method"], {}, "restoration_method"),
    (
        "markings",
        ["restoration_method"],
        {"serial_status": "RESTORED_FULL"},
        "restoration_method",
    ),
    ("item", ["firearm_type"], {}, "firearm_type"),
    ("item", ["condition"], {}, "condition"),
    ("item", [], {"kind": "PART"}, "part"),
    ("item", ["condition"], {"kind": "PART", "part": "BARREL"}, "condition"),
    ("item", [], {"kind": "AMMUNITION_LOT"}, "headstamp"),
    ("find", ["longitude"], {}, "longitude"),
    ("find", ["latitude"], {}, "latitude"),
    ("basis", [], {"legal_basis": "OTHER"}, "legal_basis_text"),
    ("basis", [], {"legal_basis": "BILATERAL"}, "legal_basis_text"),
    (
        "basis",
        [],
        {"confidentiality_guaranteed": False},
        "confidentiality_reason",
    ),
    ("basis", [], {"handling": "H3"}, "handling_text"),
    ("domestic", [], {"domestic_override": "OTHER"}, "domestic_override_text"),
    ("header", ["urgency_reason"], {}, "urgency_reason"),
    ("header", ["requested_by_reason"], {}, "requested_by_reason"),
]


@pytest.mark.parametrize(("section", "without", "changed", "field"), CONDITIONAL)
def test_an_answer_may_make_another_necessary(section, without, changed, field):
    asked = SECTION_OF[section]().fields[field].error_messages["required"]
    assert problems(section, without, **changed) == {field: [asked]}


@pytest.mark.parametrize(("section", "without", "changed", "field"), CONDITIONAL)
def test_a_draft_may_leave_it_open(section, without, changed, field):
    data = {k: v for k, v in FULL[section].items() if k not in without} | changed
    assert SECTION_OF[section](today=TODAY).load(data, partial=True)


@pytest.mark.parametrize(
    ("section", "without", "changed"),
    [
        ("markings", ["serial"], {"serial_status": "OBLITERATED"}),
        ("markings", ["serial"], {"serial_status": "NEVER_MARKED"}),
        ("markings", ["serial"], {"serial_status": "UNKNOWN"}),
        ("markings", ["restoration_method"], {"serial_status": "INTACT"}),
        (
            "item",
            ["firearm_type", "condition"],
            {"kind": "AMMUNITION_LOT", "lot_number": "7-82"},
        ),
        (
            "item",
            ["firearm_type", "condition"],
            {"kind": "AMMUNITION_LOT", "headstamp": "WCC 82"},
        ),
        ("item", ["firearm_type"], {"kind": "PART", "part": "BARREL"}),
        ("find", ["latitude", "longitude"], {}),
        ("find", ["found_time", "linked_offences"], {}),
        (
            "basis",
            [],
            {"confidentiality_guaranteed": False, "confidentiality_reason": "Law."},
        ),
        ("basis", [], {"legal_basis": "OTHER", "legal_basis_text": "Treaty"}),
        ("basis", [], {"handling": "H3", "handling_text": "Ask first."}),
        (
            "domestic",
            ["domestic_searches"],
            {"domestic_override": "NO_NATIONAL_REGISTRY"},
        ),
        (
            "domestic",
            ["domestic_searches"],
            {"domestic_override": "OTHER", "domestic_override_text": "Fire."},
        ),
        ("header", ["urgency_reason"], {"urgency": "ROUTINE"}),
        ("header", ["requested_by", "requested_by_reason", "officer_phone"], {}),
    ],
)
def test_what_no_answer_makes_necessary_may_be_missing(section, without, changed):
    assert problems(section, without, **changed) == {}


def test_a_wrong_answer_is_not_also_called_missing():
    assert problems("markings", serial="9" * 65) == {
        "serial": ["Use at most 64 characters"]
    }
    assert problems("find", latitude="north") == {
        "latitude": ["Enter degrees like -1.2921"]
    }
    assert problems("item", firearm_type="CANNON") == {
        "firearm_type": ["Choose one of the list"]
    }


@pytest.mark.parametrize(
    ("section", "field", "typed", "words"),
    [
        ("item", "calibre", "9x19!", "Write the calibre like 9x19 or .45 ACP"),
        ("item", "year", "99999", "Enter a year from 1500 to 2027"),
        ("item", "barrel_length_mm", "0", "Enter a number from 1 to 5000"),
        ("find", "found_on", "2026-11-27", "Enter a date not in the future"),
        ("find", "linked_offences", ["ILLICIT_OFFENCES"], "Choose one of the list"),
        ("find", "origin", "XX", "Choose a country from the list"),
        ("header", "requested_by", "2026-11-26", "Enter a date after today"),
        (
            "header",
            "requested_by",
            "2028-01-01",
            "Enter a date within one year from today",
        ),
        ("header", "requested_id", "Kenya", "Choose the authority to ask"),
        ("header", "language", "de", "Choose one of the list"),
        (
            "header",
            "officer_phone",
            "call me",
            "Enter a phone number like +254 20 123 4567",
        ),
        ("basis", "handling", "public", "Choose one of the list"),
    ],
)
def test_a_wrong_answer_is_told_what_to_do(section, field, typed, words):
    assert problems(section, **{field: typed}) == {field: [words]}


CALIBRES = """
9x19|.45 ACP|7.62×54R|.30-06|9 mm|12/70|.32 S&W|.38 +P|unknown|5,45x39|калибр 9
"""


@pytest.mark.parametrize("calibre", CALIBRES.strip().split("|"))
def test_calibres_are_written_in_many_ways(calibre):
    assert problems("item", calibre=calibre) == {}


def test_a_long_calibre_is_refused_at_once():
    assert problems("item", calibre="9" * 50_000 + "!")["calibre"]


@pytest.mark.parametrize(
    ("person", "words"),
    [
        ({"role": "OWNER", "sex": "MALE"}, "family_name"),
        ({"alias": "X", "sex": "MALE"}, "role"),
        ({"role": "OWNER", "alias": "X"}, "sex"),
        ({"role": "OWNER", "alias": "X", "sex": "MALE", "born": "2999-01-01"}, "born"),
    ],
)
def test_a_person_needs_a_role_a_sex_and_some_name(person, words):
    assert set(problems("persons", persons=[person])["persons"][0]) == {words}


def test_any_kind_of_name_is_enough():
    for name in ("family_name", "given_name", "alias"):
        person = {"role": "OWNER", "sex": "MALE", name: "A"}
        assert problems("persons", persons=[person]) == {}


def test_the_rows_have_a_limit():
    marks = [{"type": "PROOF", "text": "P"}] * 21
    assert problems("markings", marks=marks) == {"marks": ["Give at most 20 of these"]}


def test_a_mark_needs_its_kind_and_its_text():
    assert problems("markings", marks=[{"place": "slide"}]) == {
        "marks": {
            0: {
                "type": ["Choose the kind of mark"],
                "text": ["Write what the mark says"],
            }
        }
    }


def test_every_code_of_the_lists_is_taken():
    for status in SerialStatus:
        assert problems("markings", serial_status=status.value) == {}
    for kind in MarkType:
        assert problems("markings", marks=[{"type": kind.value, "text": "1"}]) == {}
    for basis in LegalBasis:
        found = problems("basis", legal_basis=basis.value, legal_basis_text="T")
        assert found == {}
    for code in HandlingCode:
        assert problems("basis", handling=code.value, handling_text="T") == {}


def test_the_offences_offered_are_those_with_a_meaning():
    inner = SECTION_OF["find"]().fields["linked_offences"].inner
    assert set(LinkedOffence) - set(inner.members) == {LinkedOffence.ILLICIT_OFFENCES}


def test_the_sections_stand_in_the_order_of_the_form():
    assert [key for key, _ in SECTIONS] == [
        "markings", "item", "find", "persons", "basis", "domestic", "header",
    ]  # fmt: skip


def test_no_field_stands_in_two_sections():
    names = [name for section in SECTION_OF.values() for name in section().fields]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("section", EVERY_SECTION)
def test_every_section_is_one(section):
    assert issubclass(section, Section)


@pytest.mark.parametrize("section", SECTION_OF.values())
def test_every_section_has_a_title_and_an_introduction(section):
    assert section.title
    assert section.intro


@pytest.mark.parametrize("field", EVERY_FIELD)
def test_every_field_has_a_label_and_short_words_of_its_own(field):
    assert field.metadata["label"]
    ours = [
        words
        for key, words in field.error_messages.items()
        if key in ("required", "null", "invalid", "type", "unknown", "too_large")
    ]
    assert all(0 < len(words) <= 120 for words in ours)
    assert not any(leaked(words) for words in ours)
    if field.required:
        assert field.error_messages["required"] != "Fill this in"


@pytest.mark.parametrize("field", EVERY_FIELD)
def test_a_revealed_field_exists(field):
    for target in field.metadata.get("reveal", {}).values():
        several = (target,) if isinstance(target, str) else target
        assert set(several) <= set(field.parent.fields)


def leaked(words):
    """Say whether marshmallow speaks for itself."""
    starts = (
        "Missing data", "Field may not", "Not a valid", "Must be", "Invalid",
        "Unknown field", "Shorter than", "Longer than", "Length must", "String does",
        "Number too", "Special numeric",
    )  # fmt: skip
    return words.startswith(starts)


BAD = [
    None, "", " ", "\x00", "x" * 20_000, 0, -1, 10**400, 1.5, float("nan"), True,
    [], [None], [[]], ["x"], [{}], [{"x": 1}], {}, {"x": 1}, b"x", "2999-01-01",
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=repr)
@pytest.mark.parametrize("section", dict.fromkeys(EVERY_SECTION))
def test_marshmallow_never_speaks_for_itself(section, bad):
    schema = section(today=TODAY)
    for data in (dict.fromkeys(schema.fields, bad), {"no_such": bad}, bad):
        with suppress_and_listen() as said:
            schema.load(data)
        assert not [words for words in said if leaked(words)]
        assert all(len(words) <= 120 for words in said)


class suppress_and_listen(suppress):  # noqa: N801
    """Hold back a refusal and keep its words."""

    def __init__(self):
        super().__init__(ValidationError)
        self.said = []

    def __enter__(self):
        return self.said

    def __exit__(self, kind, error, trace):
        if isinstance(error, ValidationError):
            self.said.extend(leaves(error.messages))
        return super().__exit__(kind, error, trace)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.text("\u0301\x00\u200d\ud800[]?*5S -"),
    st.sampled_from(["FIREARM", "PART", "RESTORED_FULL", "H3", "OTHER", "YES"]),
    st.lists(st.text() | st.none() | st.dictionaries(st.text(), st.text())),
)


@pytest.mark.parametrize("section", dict.fromkeys(EVERY_SECTION))
@given(data=st.data(), partial=st.booleans())
def test_any_text_is_loaded_or_refused(section, data, partial):
    schema = section(today=TODAY)
    names = st.sampled_from(list(schema.fields)) | st.text(max_size=3)
    posted = data.draw(st.dictionaries(names, VALUES, max_size=6))
    with suppress(ValidationError):
        schema.load(posted, partial=partial)
