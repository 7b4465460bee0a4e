"""The catalogues say what the code says, in every language that claims to."""

import gettext
import re
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_keywords, parse_mapping_cfg
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
TRANSLATIONS = ROOT / "tracing" / "translations"
LANGUAGES = ("ar", "es", "fr", "ru", "zh")
FINISHED = ("ar", "fr")
# The rest may wait for its translator; an officer must always be able to read these.
FIRST = ("templates/base.html", "templates/emails/")
HOLE = re.compile(r"%\(\w+\)[a-z]|%%")
ADDRESS = re.compile(
    r"https?://|[\w.]+@[\w.]+|(?<![\w.])/\w+/|^\d{4}-\d\d-\d\d", re.MULTILINE
)

Id = tuple[str | None, str | tuple[str, ...]]


def _catalogue(path: Path, language: str | None = None) -> Catalog:
    with path.open("rb") as stream:
        return read_po(stream, locale=language)


def _path(language: str) -> Path:
    return TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def catalogue(language: str) -> Catalog:
    return _catalogue(_path(language), language)


def _forms(text: object) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, list | tuple) else (str(text or ""),)


def _id(message: Message) -> Id:
    ids = _forms(message.id)
    return message.context, ids if len(ids) > 1 else ids[0]


def _words(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def _translated(message: Message) -> bool:
    return any(_forms(message.string))


def _keywords() -> dict[str, object]:
    """Read the keywords from the Makefile, so that there is one list of them."""
    rule = (ROOT / "Makefile").read_text("utf-8").partition("\ntranslations:")[2]
    more = re.findall(r"-k (\S+)", rule.partition("\n\n")[0])
    assert more
    return {**DEFAULT_KEYWORDS, **parse_keywords(more)}


def _in_the_code() -> set[Id]:
    with (TRANSLATIONS / "babel.cfg").open(encoding="utf-8") as stream:
        methods, options = parse_mapping_cfg(stream)
    template = Catalog()
    for top in ("tracing", "workflows", "templates"):
        for _, line, text, _, context in extract_from_dir(
            ROOT / top, methods, options, keywords=_keywords()
        ):
            template.add(text, lineno=line, context=context)
    return {_id(message) for message in _words(template)}


def test_the_template_is_up_to_date() -> None:
    """`make translations` gathers the words again."""
    kept = {_id(m) for m in _words(_catalogue(TRANSLATIONS / "messages.pot"))}

    assert kept == _in_the_code()


def test_every_catalogue_has_the_words_of_the_template(catalogue: Catalog) -> None:
    template = _catalogue(TRANSLATIONS / "messages.pot")

    assert {_id(m) for m in _words(catalogue)} == {_id(m) for m in _words(template)}


def test_translations_keep_the_holes(catalogue: Catalog) -> None:
    """A form for one number may leave the number out, no form may add a hole."""
    wrong = []
    for message in filter(_translated, _words(catalogue)):
        ids, forms = _forms(message.id), _forms(message.string)
        holes = sorted(HOLE.findall(ids[-1]))
        if len(ids) == 1:
            right = sorted(HOLE.findall(forms[0])) == holes
        else:
            right = sorted(HOLE.findall(forms[-1])) == holes and all(
                set(HOLE.findall(form)) <= set(holes) for form in forms
            )
        if not right:
            wrong.append((message.id, message.string))

    assert not wrong


def test_babel_finds_nothing_wrong(catalogue: Catalog) -> None:
    assert [(m.id, faults) for m, faults in catalogue.check()] == []


def test_a_translated_plural_has_all_its_forms(catalogue: Catalog) -> None:
    incomplete = [
        message.id
        for message in filter(_translated, _words(catalogue))
        if isinstance(message.id, list | tuple)
        and (
            len(_forms(message.string)) != catalogue.num_plurals
            or not all(_forms(message.string))
        )
    ]

    assert not incomplete


def test_nothing_is_guessed(catalogue: Catalog) -> None:
    assert not [message.id for message in _words(catalogue) if message.fuzzy]


def test_no_dates_names_or_places_in_the_header(language: str) -> None:
    head = _path(language).read_text("utf-8").partition("\n\n")[0]

    assert not ADDRESS.search(head)
    assert "Date:" not in head
    assert "Translator:" not in head


def _plural_form(expression: str, number: int) -> int:
    """Evaluate the C expression of a Plural-Forms header as `gettext` does."""
    return int(gettext.c2py(expression)(number))


@pytest.mark.parametrize("number", [0, 1, 2, 3, 10, 11, 18, 99, 100, 102, 103, 111])
def test_arabic_counts_as_arabic_does(number: int) -> None:
    """Babel's own header swaps `many` and `other` (python-babel/babel#816)."""
    order = ("zero", "one", "two", "few", "many", "other")
    header = _catalogue(_path("ar"), "ar").plural_expr

    word = Locale("ar").plural_form(number)

    assert order[_plural_form(header, number)] == word


@pytest.mark.parametrize("language", FINISHED)
def test_letters_and_the_frame_are_translated(language: str) -> None:
    missing = [
        message.id
        for message in _words(_catalogue(_path(language), language))
        if any(path.startswith(FIRST) for path, _ in message.locations)
        and not all(_forms(message.string))
    ]

    assert not missing
