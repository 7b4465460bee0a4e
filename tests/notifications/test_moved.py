"""What is written when a calendar moves dates: no case, no State."""

import pytest

from tests.notifications.people import message
from tracing.models import Authority
from tracing.notifications.compose import LANGUAGES
from tracing.notifications.render import render

URL = "https://tracing.example/"
FROM = "Tracing <tracing@tracing.example>"


@pytest.fixture(params=["sqlite"])
def database_url(tmp_path):
    """No database is read here: one kind is enough, and an empty one."""
    return f"sqlite:///{tmp_path / 'empty.sqlite'}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_request_is_named_by_its_number_alone(session, language):
    facts = {"number": "2026-0041732K", "path": "/go/2026-0041732K"}
    row = message(
        Authority(id=1),
        event="moved",
        language=language,
        facts=facts | {"due": "2026-12-07"},
    )
    envelope = render(row, URL, FROM)
    assert "2026-0041732K" in envelope.subject
    assert "KE" not in envelope.subject + envelope.text
    assert "https://tracing.example/go/2026-0041732K" in envelope.text


def test_many_requests_make_one_letter_that_names_none(session):
    facts = {"path": "/queue", "count": 312}
    row = message(Authority(id=1), event="moved_many", facts=facts)
    envelope = render(row, URL, FROM)
    assert "The dates of 312 requests have moved" in envelope.text
    assert "https://tracing.example/queue" in envelope.text
    assert "<html" in envelope.html
