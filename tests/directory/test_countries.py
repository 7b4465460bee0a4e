"""Names of States, as a reader of each language expects them."""

import pytest

from tracing.directory import countries

UN_LANGUAGES = ("ar", "en", "es", "fr", "ru", "zh")
TERRITORIES_OF_SEVERAL_ISLANDS = {"BQ", "SH"}


@pytest.mark.parametrize(
    ("code", "language", "name"),
    [
        ("KR", "en", "Republic of Korea"),
        ("KR", "fr", "République de Corée"),
        ("KR", "es", "República de Corea"),
        ("KR", "ar", "جمهورية كوريا"),
        ("KR", "ru", "Республика Корея"),
        ("KR", "zh", "大韩民国"),
        ("RU", "fr", "Fédération de Russie"),
        ("TZ", "en", "United Republic of Tanzania"),
        ("BO", "en", "Bolivia (Plurinational State of)"),
        ("KE", "en", "Kenya"),
    ],
)
def test_a_state_is_called_by_its_name(code, language, name):
    assert countries.name_of(code, language) == name


@pytest.mark.parametrize("language", UN_LANGUAGES)
def test_no_name_is_turned_round_behind_a_comma(language):
    turned = {
        code
        for code, name in countries.choices(language)
        if ", " in name or "، " in name
    }
    assert turned <= TERRITORIES_OF_SEVERAL_ISLANDS


@pytest.mark.parametrize("language", UN_LANGUAGES)
def test_every_language_names_every_state_and_the_unknown_one(language):
    assert len(countries.choices(language)) == len(countries.codes()) > 240
    assert countries.name_of("XX", language) not in ("XX", "")
    assert all(name.strip() for _code, name in countries.choices(language))


def test_accents_do_not_move_a_state_to_the_end_of_the_list():
    names = [name for _code, name in countries.choices("fr")]
    assert names.index("Égypte") < names.index("Espagne") < names.index("Zambie")


def test_the_unknown_state_is_not_offered_as_a_state():
    assert "XX" not in dict(countries.choices("en"))


def test_a_code_that_is_none_comes_back_as_it_is():
    assert countries.name_of("ZZ", "en") == "ZZ"


def test_a_language_without_a_catalogue_reads_english():
    assert countries.name_of("KR", "xx") == "Republic of Korea"


def test_a_language_may_name_its_country_too():
    assert countries.name_of("KE", "pt-BR") == countries.name_of("KE", "pt_BR")
    assert countries.name_of("KR", "zh_CN") == "大韩民国"
