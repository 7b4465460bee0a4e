"""Mails about accounts: plain, in the reader's language, with nothing of a case."""

import pytest
from sqlalchemy import select

from tests import factories
from tracing.accounts import letters
from tracing.accounts.letters import News
from tracing.accounts.sessions import utc_now
from tracing.models import OutboxMessage
from tracing.notifications.compose import LANGUAGES
from tracing.notifications.render import render


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_piece_of_news_is_told_in_every_language(session, language):
    person = factories.person(None, language=language)
    for news in News:
        letters.tell(person, news, utc_now())
    session.commit()
    rows = session.scalars(select(OutboxMessage)).all()
    assert len(rows) == len(News)
    written = [render(row, "https://desk.example", "desk@desk.example") for row in rows]
    assert len({one.text for one in written}) == len(News)
    for one in written:
        assert "https://desk.example/account" in one.text
        assert one.subject
        assert "\n" not in one.subject
        assert one.recipient == person.email
        assert person.authority.name not in one.text + one.html + one.subject


def test_a_language_we_do_not_write_becomes_english(session):
    person = factories.person(None, language="sw")
    row = letters.write(person, letters.ACCOUNT, {"path": "/account"}, utc_now())
    assert row.language == "en"
