"""An entry is found by the name of its State in any language and script."""

import pytest

from tests import factories
from tracing.directory import entries

NAMES = {
    "CI": ("Côte d'Ivoire", "COTE D IVOIRE", "ساحل العاج", "科特迪瓦", "Кот-д'Ивуар"),
    "EG": ("Egypt", "égypte", "Egipto", "مصر", "埃及", "ЕГИПЕТ"),
    "CN": ("China", "Chine", "الصين", "中国", "Китай"),
    "DE": (
        "Germany",
        "allemagne",
        "alemania",
        "ألمانيا",
        "المانيا",
        "德国",
        "германия",
    ),
    "SA": ("Saudi", "السعوديه", "Саудовская", "沙特"),
    "KZ": ("Kazakhstan", "Қазақстан бюросы", "казахстан"),
}


@pytest.fixture
def directory(session):
    """An entry for each of these States."""
    for code in NAMES:
        original = "Қазақстан бюросы" if code == "KZ" else ""
        factories.authority(
            code=f"{code}-1",
            country=code,
            name=f"Desk of {code}",
            original_name=original,
            functions=("FIREARMS",) if code == "EG" else ("MLA",),
        )
    session.commit()
    return session


@pytest.mark.parametrize("code", NAMES)
def test_a_state_is_found_under_every_name(directory, code):
    for name in NAMES[code]:
        found = entries.find(name)
        assert [one.code for one in found] == [f"{code}-1"], name


def test_every_word_has_to_be_there(directory):
    assert [one.code for one in entries.find("desk egypte")] == ["EG-1"]
    assert entries.find("desk nowhere") == []


def test_signs_alone_look_for_nothing(directory):
    assert len(entries.find("--- ' ؟")) == len(NAMES)


def test_a_function_narrows_the_list(directory):
    assert [one.code for one in entries.find(function="FIREARMS")] == ["EG-1"]
