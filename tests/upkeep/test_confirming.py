"""An authority confirms its entry, is asked to, and shows that it reads its mail."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from tests import factories
from tests.visitors import shown, stranger
from tracing import worker
from tracing.directory import entries
from tracing.models import DirectoryLink, DirectoryWork, OutboxMessage
from tracing.upkeep import confirming
from workflows.policies import Role

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)


def keep_up(session, now) -> list[str]:
    """Sweep at an instant; return what was written since, by kind and address."""
    session.commit()
    before = set(known(session))
    confirming.keep_up(now)
    return sorted(row for row in known(session) if row not in before)


def known(session) -> list[tuple[str, str, int]]:

    rows = session.scalars(select(OutboxMessage)).all()
    return [(r.facts["news"], r.recipient, r.id) for r in rows if "news" in r.facts]


def plain(found) -> list[tuple[str, str]]:
    return [(news, address) for news, address, _id in found]


def test_an_entry_is_asked_for_in_steps_until_somebody_confirms(desk, session):
    asked = {day: plain(keep_up(session, START + day * DAY)) for day in range(160, 215)}
    said = {day: found for day, found in asked.items() if found}
    both = ["deputy@ke.example", "desk@ke.example"]
    mine = {
        day: [row for row in found if row[1].endswith("ke.example")]
        for day, found in said.items()
    }
    assert mine[166] == [("ask", "desk@ke.example")]
    assert mine[180] == [("again", address) for address in both]
    assert mine[194] == [("last", address) for address in both]
    everybody = ["chief@ke.example", *both]
    assert mine[208] == [("supervisors", address) for address in everybody]
    assert {day for day, found in mine.items() if found} == {166, 180, 194, 208}


def test_after_an_outage_one_mail_goes_to_each_address(desk, session):
    found = plain(keep_up(session, START + 300 * DAY))
    mine = [row for row in found if row[1].endswith("ke.example")]
    assert [news for news, _address in mine] == ["supervisors"] * 3
    assert keep_up(session, START + 301 * DAY) == []


def test_two_sweeps_at_once_or_again_change_nothing(desk, session):
    first = keep_up(session, START + 180 * DAY)
    assert first
    assert keep_up(session, START + 180 * DAY) == []


def test_the_worker_does_it_too(desk, session):
    assert worker.keep_up() > 0


def ask(desk, session):
    """Let the entry be asked for; return the link in the mail."""
    keep_up(session, START + 170 * DAY)
    (mail,) = [m for m in desk.mails("ask") if m.recipient == "desk@ke.example"]
    return desk.link_in(mail)


def made_now(session) -> None:
    now = datetime.now(UTC)
    for link in session.scalars(select(DirectoryLink)):
        link.expires_at = now + DAY
    session.commit()


def at_a_browser(app):
    """Somebody who has not signed in, with a page of ours open."""
    visitor = stranger(app)
    visitor.get("/sign-in")
    return visitor


def test_one_click_confirms_the_entry_and_looking_does_not(desk, session, app):
    where = ask(desk, session)
    made_now(session)
    visitor = at_a_browser(app)
    page = visitor.get(where)
    assert page.status_code == 200
    assert "Everything is correct" in page.text
    assert "desk@ke.example" in page.text
    desk.fresh()
    assert desk.entry.last_confirmed == START
    done = visitor.post(where, {"version": "1"})
    assert "confirmed for 180 days" in shown(done.text)
    desk.fresh()
    assert desk.entry.confirmed_by == "desk@ke.example"
    assert not entries.is_stale(desk.entry, datetime.now(UTC))
    assert visitor.post(where, {"version": "1"}).status_code == 404
    assert visitor.get(where).status_code == 404


def test_a_link_for_an_entry_that_changed_shows_it_again(desk, session, app):
    where = ask(desk, session)
    made_now(session)
    entries.revise(desk.entry, {"unit": "New"}, why="test", now=datetime.now(UTC))
    visitor = at_a_browser(app)
    again = visitor.post(where, {"version": "1"})
    assert again.status_code == 409
    assert "look at it once more" in shown(again.text)
    assert visitor.post(where, {"version": "2"}).status_code == 200


def test_an_old_link_is_good_for_nothing(desk, session, app):
    where = ask(desk, session)
    for link in session.scalars(select(DirectoryLink)):
        link.expires_at = datetime.now(UTC) - DAY
    session.commit()
    assert at_a_browser(app).get(where).status_code == 404
    assert at_a_browser(app).post(where, {"version": "1"}).status_code == 404


def test_a_link_stands_nowhere_in_the_database(desk, session):
    where = ask(desk, session)
    token = where.rpartition("/")[2]
    assert len(token) > 40
    for mail in desk.mails("ask"):
        assert token not in str(mail.facts)
    for link in session.scalars(select(DirectoryLink)):
        assert link.token_hash != token


def test_after_a_confirmation_the_steps_begin_anew(desk, session):
    keep_up(session, START + 170 * DAY)
    desk.entry.last_confirmed = START + 171 * DAY
    session.commit()
    found = keep_up(session, START + 190 * DAY)
    assert [row for row in plain(found) if row[1].endswith("ke.example")] == []
    owed = session.scalars(
        select(DirectoryWork.since)
        .where(DirectoryWork.authority_id == desk.entry.id)
        .where(DirectoryWork.done.is_(False))
    )
    assert set(owed) == {START + 171 * DAY}


def test_who_keeps_the_entry_confirms_it_on_its_page(desk):
    visitor = desk.visit(desk.one)
    assert "Everything is correct" in visitor.get(desk.page()).text
    assert visitor.post(desk.page("/confirm"), {"version": "1"}).status_code == 303
    desk.fresh()
    assert desk.entry.confirmed_by == desk.one.name


def test_nobody_confirms_the_entry_of_another_authority(desk):
    other = factories.person(desk.other.authority, Role.MAINTAINER)
    assert "Everything is correct" not in desk.visit(other).get(desk.page()).text
    answer = desk.visit(other).post(desk.page("/confirm"), {"version": "1"})
    assert answer.status_code == 403
    desk.fresh()
    assert desk.entry.last_confirmed == START


def test_a_test_message_is_read_by_a_person(desk, session, app):
    visitor = desk.visit(desk.other)
    assert visitor.post(desk.page("/test")).status_code == 303
    assert "nobody has said that it was read" in shown(visitor.get(desk.page()).text)
    mails = {mail.recipient: mail for mail in desk.mails("test")}
    assert set(mails) == {"desk@ke.example", "deputy@ke.example"}
    where = desk.link_in(mails["desk@ke.example"])
    reader = at_a_browser(app)
    assert "It was read" in reader.get(where).text
    assert reader.post(where).status_code == 200
    assert "sent and read" in shown(visitor.get(desk.page()).text)


def test_nobody_floods_a_contact_with_tests(desk):
    visitor = desk.visit(desk.other)
    visitor.post(desk.page("/test"))
    again = visitor.post(desk.page("/test"))
    assert again.status_code == 409
    assert "within the last day" in shown(again.text)
    assert len(desk.mails("test")) == 2


def test_an_address_that_is_read_again_is_used_again(desk, session, app):
    desk.entry.unreachable = ("desk@ke.example",)
    session.commit()
    assert desk.entry.mailbox == "deputy@ke.example"
    desk.visit(desk.other).post(desk.page("/test"))
    (mail,) = [m for m in desk.mails("test") if m.recipient == "desk@ke.example"]
    at_a_browser(app).post(desk.link_in(mail))
    desk.fresh()
    assert desk.entry.mailbox == "desk@ke.example"


def test_who_is_signed_in_elsewhere_follows_a_link_all_the_same(desk, session):
    where = ask(desk, session)
    made_now(session)
    visitor = desk.visit(desk.other)
    assert visitor.post(where, {"version": "1"}).status_code == 200
    assert visitor.get("/my-requests").status_code in (200, 404)
    desk.fresh()
    assert desk.entry.last_confirmed > START
