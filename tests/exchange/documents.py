"""Documents made up field by field, out of the very schemas of the form."""

from __future__ import annotations

import unicodedata
from datetime import date, time
from typing import Any

from hypothesis import strategies as st
from marshmallow import ValidationError

from tests import factories
from tracing.exchange.document import ELSEWHERE, FORMAT, REQUEST, pruned
from tracing.schemas import fields
from tracing.schemas.request import SECTIONS

TODAY = factories.today()
LETTERS = st.characters(
    codec="utf-8",
    exclude_categories=("C", "M", "Z"),
)
FITTING = {"calibre": ["9x19", ".45 ACP"], "officer_phone": ["+254 20 123 4567"]}
AWKWARD = st.sampled_from(
    ["<a>&amp;</a>", "]]>", "'=1+1", "a  b", "é", "ـا١", "🔫", "{}", "A\\*B", "-1"]
)


def texts(most: int, *, block: bool = False) -> st.SearchStrategy[str]:
    """Text as the form would keep it: normal, trimmed, not empty."""
    more = st.sampled_from([" ", "\n", "\t"] if block else [" "])
    found = st.text(st.one_of(LETTERS, more), min_size=1, max_size=min(most, 12))
    kept = st.one_of(AWKWARD, found).map(
        lambda text: unicodedata.normalize("NFC", text).strip()[:most]
    )
    return kept.filter(bool)


def value(name: str, field: Any) -> st.SearchStrategy[Any]:
    """A value of a field, as its schema dumps it."""
    match field:
        case fields.Rows():
            return st.lists(row(field.schema), min_size=1, max_size=3)
        case fields.Codes():
            words = [word.value for word in field.inner.members]
            return st.lists(st.sampled_from(words), min_size=1, unique=True)
        case fields.Code():
            return st.sampled_from([word.value for word in field.members])
        case fields.Country():
            return st.sampled_from(sorted(field.codes))
        case fields.Choice():
            return st.sampled_from(["en", "ar"])
        case fields.MarkText():
            return st.text("AB01-АВ/. ?", min_size=1, max_size=12).map(str.strip)
        case fields.Text():
            if name in FITTING:
                return st.sampled_from(FITTING[name])
            return texts(field.longest.max, block=isinstance(field, fields.Block))
        case fields.Year():
            return st.integers(1500, TODAY.year)
        case fields.Whole():
            return st.integers(1, 5000)
        case fields.Degrees():
            return st.floats(-90, 90, allow_nan=False)
        case fields.Tick():
            return st.booleans()
        case fields.Day():
            past = st.dates(date(1900, 1, 1), TODAY).map(date.isoformat)
            return past if field.when is fields.When.PAST else st.nothing()
        case fields.Clock():
            return st.times().map(lambda at: time.isoformat(at, "minutes"))
        case _:
            raise AssertionError(f"no strategy for {type(field).__name__}")


def row(schema: Any) -> st.SearchStrategy[dict[str, Any]]:
    """One section or row: what a draft must say, and some of the rest."""
    made = {
        name: value(name, field)
        for name, field in schema.fields.items()
        if name not in ELSEWHERE
    }
    made = {name: found for name, found in made.items() if not found.is_empty}
    needed = {name: made.pop(name) for name in schema.always}
    return st.fixed_dictionaries(needed, optional=made)


def fits(sections: dict[str, Any]) -> bool:
    """Whether a draft of it could be saved."""
    try:
        for key, schema_class in SECTIONS:
            schema_class(today=TODAY).load(sections.get(key, {}), partial=True)
    except ValidationError:
        return False
    return True


SECTIONS_OF_A_DRAFT = (
    st.fixed_dictionaries(
        {}, optional={key: row(made(today=TODAY)) for key, made in SECTIONS}
    )
    .map(pruned)
    .filter(fits)
)


def document(sections: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A document with these sections."""
    said = {
        "format": FORMAT,
        "kind": REQUEST,
        "exported": "2026-11-23T10:00:00Z",
        "issuer": "desk.example",
        "exporter": "KE-1",
        "request": {
            "reference": "2026-KE-0000001A",
            "state": "draft",
            "requesting": {"code": "KE-1", "country": "KE"},
            "sections": sections,
        },
    }
    return pruned(said | more)
