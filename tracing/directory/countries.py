"""Names of States and territories in words (ISO 3166-1), as the UN writes them."""

import gettext
import re
from functools import lru_cache
from typing import Final
from unicodedata import combining, normalize

NOT_KNOWN: Final = "XX"

# The catalogue puts the first noun in front ("Korea, Republic of"); these are the
# names of the UN's own list (M49), which keeps a bracket where it keeps one there.
_PUT_RIGHT: Final = {
    "en": {
        "BO": "Bolivia (Plurinational State of)",
        "CD": "Democratic Republic of the Congo",
        "FM": "Micronesia (Federated States of)",
        "IR": "Iran (Islamic Republic of)",
        "KP": "Democratic People's Republic of Korea",
        "KR": "Republic of Korea",
        "MD": "Republic of Moldova",
        "PS": "State of Palestine",
        "TW": "Taiwan Province of China",
        "TZ": "United Republic of Tanzania",
        "VA": "Holy See",
        "VE": "Venezuela (Bolivarian Republic of)",
        "VG": "British Virgin Islands",
        "VI": "United States Virgin Islands",
        "XX": "Not known",
    },
    "fr": {
        "AX": "Îles d’Åland",
        "BO": "Bolivie (État plurinational de)",
        "CC": "Îles des Cocos (Keeling)",
        "CX": "Île Christmas",
        "FK": "Îles Falkland (Malvinas)",
        "FM": "Micronésie (États fédérés de)",
        "IR": "Iran (République islamique d’)",
        "KP": "République populaire démocratique de Corée",
        "KR": "République de Corée",
        "LA": "République démocratique populaire lao",
        "MD": "République de Moldova",
        "PS": "État de Palestine",
        "RE": "Réunion",
        "RU": "Fédération de Russie",
        "SB": "Îles Salomon",
        "SY": "République arabe syrienne",
        "TW": "Province chinoise de Taïwan",
        "TZ": "République-Unie de Tanzanie",
        "VA": "Saint-Siège",
        "VE": "Venezuela (République bolivarienne du)",
        "VI": "Îles Vierges américaines",
        "XX": "Inconnu",
    },
    "es": {
        "BO": "Bolivia (Estado Plurinacional de)",
        "CD": "República Democrática del Congo",
        "FM": "Micronesia (Estados Federados de)",
        "IR": "Irán (República Islámica del)",
        "KM": "Comoras",
        "KP": "República Popular Democrática de Corea",
        "KR": "República de Corea",
        "MD": "República de Moldova",
        "PS": "Estado de Palestina",
        "TW": "Provincia china de Taiwán",
        "TZ": "República Unida de Tanzanía",
        "VA": "Santa Sede",
        "VE": "Venezuela (República Bolivariana de)",
        "VG": "Islas Vírgenes Británicas",
        "VI": "Islas Vírgenes de los Estados Unidos",
        "XX": "No se conoce",
    },
    "ar": {
        "CD": "جمهورية الكونغو الديمقراطية",
        "FM": "ولايات ميكرونيزيا الموحدة",
        "IR": "جمهورية إيران الإسلامية",
        "KP": "جمهورية كوريا الشعبية الديمقراطية",
        "KR": "جمهورية كوريا",
        "TW": "مقاطعة تايوان الصينية",
        "TZ": "جمهورية تنزانيا المتحدة",
        "VG": "جزر فرجن البريطانية",
        "VI": "جزر فرجن التابعة للولايات المتحدة",
        "XX": "غير معروف",
    },
    "ru": {"XX": "Неизвестно"},
    "zh": {"XX": "未知"},
}
_CATALOGUE_OF: Final = {"zh": "zh_CN", "pt": "pt_BR"}


def name_of(code: str, language: str) -> str:
    """Return the name of a State; a code that is none comes back as it is."""
    return _names(_base(language)).get(code, code)


@lru_cache(maxsize=16)
def choices(language: str) -> tuple[tuple[str, str], ...]:
    """Return each code with its name, by name; accents do not count."""
    names = _names(_base(language))
    found = ((code, name) for code, name in names.items() if code != NOT_KNOWN)
    return tuple(sorted(found, key=lambda choice: folded(choice[1])))


def codes() -> frozenset[str]:
    """Return the codes of ISO 3166-1 alpha-2."""
    return frozenset(_names("en")) - {NOT_KNOWN}


@lru_cache(maxsize=300)
def territories(country: str) -> frozenset[str]:
    """Return the codes of ISO 3166-2 of a State's parts."""
    import pycountry  # as below

    found = (one for one in pycountry.subdivisions if one.country_code == country)
    return frozenset(one.code for one in found)


def from_three(code: str) -> str:
    """Return the two letters for the three of ISO 3166-1, if there are such."""
    import pycountry  # as below

    found = pycountry.countries.get(alpha_3=code.upper())
    return found.alpha_2 if found else ""


def named_in(text: str) -> tuple[str, ...]:
    """Return the States that a mark names: in full, or by the three letters."""
    plain = f" {folded(text)} "
    found = [
        code
        for language in ("en", "fr", "es", "ru", "ar", "zh")
        for code, name in choices(language)
        if f" {folded(name)} " in plain
    ]
    found += filter(None, map(from_three, re.findall(r"\b[A-Z]{3}\b", text)))
    return tuple(dict.fromkeys(found))


def folded(text: str) -> str:
    """Return the text for comparing: no capitals, no accents."""
    plain = normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if not combining(letter))


def _base(language: str) -> str:
    return language.replace("-", "_").split("_")[0].lower()


@lru_cache(maxsize=16)
def _names(language: str) -> dict[str, str]:
    import pycountry  # a third of a second: only who shows a name waits for it

    catalogue = gettext.translation(
        "iso3166-1",
        pycountry.LOCALES_DIR,
        languages=[_CATALOGUE_OF.get(language, language)],
        fallback=True,
    )
    english = {row.alpha_2: row.name for row in pycountry.countries}
    names = {code: catalogue.gettext(name) for code, name in english.items()}
    untranslated = {
        code: name
        for code, name in _PUT_RIGHT["en"].items()
        if names.get(code) == english.get(code)
    }
    return names | untranslated | _PUT_RIGHT.get(language, {})
