"""Every setting is on its page, with its default."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from tracing.config import SECRETS, Settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"
LINE = re.compile(r"^\| `TRACING_(\w+)` \| (.+) \| (?:`(.+)`|none) \|$", re.MULTILINE)
DOCUMENTED = {
    name.lower(): (meaning, default)
    for name, meaning, default in LINE.findall(PAGE.read_text("utf-8"))
}


def shown(value: object) -> str:
    """Return a default as one would write it into the environment."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_the_page_lists_the_settings_there_are():
    assert set(DOCUMENTED) == {field.name for field in fields(Settings)}


@pytest.mark.parametrize("field", fields(Settings), ids=lambda field: field.name)
def test_the_page_gives_the_default_that_is_used(field):
    meaning, default = DOCUMENTED[field.name]
    assert default == shown(field.default)
    assert meaning.endswith(".")


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_has_no_default(name):
    assert DOCUMENTED[name][1] == ""
