"""Mail that comes back marks the address and goes to the next one."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DataError

from tests import factories
from tests.imap import running_store
from tests.journal.conftest import entries as journalled
from tests.visitors import shown
from tracing import worker
from tracing.adapters.imap import ImapInbox
from tracing.adapters.smtp import PROBE, SmtpChannel
from tracing.journal.kinds import Kind
from tracing.models import Bounce, Delivery, OutboxMessage
from tracing.notifications import outbox
from tracing.ports import DeliveryError
from tracing.upkeep import bounces, letters
from tracing.upkeep.letters import News

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
NOTICE = """From: MAILER-DAEMON@mx.example
To: tracing@localhost.example
Subject: Undelivered mail
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=parts"

--=parts
Content-Type: text/plain

It could not be delivered.

--=parts
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.ke.example

Final-Recipient: rfc822; desk@ke.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {said}

--=parts
Content-Type: {quoted}

Message-ID: {of}
Subject: Request

Quoted

--=parts--
"""


def notice(
    of: str,
    action: str = "failed",
    status: str = "5.1.1",
    quoted: str = "message/rfc822",
    words: str = "550 5.1.1 No such user",
) -> bytes:
    """A notice as a mail server sends it (RFC 3464)."""
    said = NOTICE.format(of=of, action=action, status=status, quoted=quoted, said=words)
    return said.replace("\n", "\r\n").encode()


def test_a_server_may_quote_the_headers_alone():
    raw = notice("<1@x.example>", quoted="text/rfc822-headers")
    (found,) = bounces.read_notice(raw)
    assert found == bounces.Returned("<1@x.example>", "5.1.1 550 5.1.1 No such user")


@pytest.fixture
def sent(desk, session):
    """A request to the entry, and the message about it to its mailbox."""
    of = factories.sides(asked=desk.entry)
    made = factories.sent(of)
    session.commit()
    return session.scalars(
        select(OutboxMessage).where(
            OutboxMessage.request_id == made.id,
            OutboxMessage.recipient == "desk@ke.example",
        )
    ).one()


@pytest.fixture
def store():
    """A mailbox to which notices come."""
    with running_store() as found:
        yield found


def inbox_of(app, store, **given) -> ImapInbox:
    usual = {
        "imap_host": store.host,
        "imap_port": store.port,
        "imap_user": "tracing",
        "imap_password": "right",
        "imap_security": "none",
    }
    settings = app.extensions["tracing.settings"]
    return ImapInbox(replace(settings, **(usual | given)))


def again(session, sent) -> list[OutboxMessage]:
    session.commit()
    rows = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
    return [row for row in rows if row.event == sent.event and row.id > sent.id]


def test_a_notice_marks_the_address_and_the_next_one_gets_the_message(
    desk, session, app, sent, store
):
    number = store.put(notice(sent.message_id))
    assert bounces.collect(inbox_of(app, store), NOW) == 1
    assert store.seen == {number}
    desk.fresh()
    assert desk.entry.unreachable == ("desk@ke.example",)
    assert desk.entry.mailbox == "deputy@ke.example"
    (resent,) = again(session, sent)
    assert resent.recipient == "deputy@ke.example"
    assert (resent.request_id, resent.facts) == (sent.request_id, sent.facts)
    assert resent.message_id != sent.message_id
    told = [mail.recipient for mail in desk.mails("unreachable")]
    assert told == ["deputy@ke.example", "chief@ke.example"]
    assert Kind.CONTACT_UNREACHABLE in [e.kind for e in journalled(desk.entry.id)]
    page = shown(desk.visit(desk.other).get(desk.page()).text)
    assert "Mail came back from: desk@ke.example" in page
    assert "5.1.1 550 5.1.1 No such user" in page


def test_the_next_request_goes_to_the_deputy(desk, session, app, sent, store):
    store.put(notice(sent.message_id))
    bounces.collect(inbox_of(app, store), NOW)
    desk.fresh()
    made = factories.sent(factories.sides(asked=desk.entry))
    recipients = session.scalars(
        select(OutboxMessage.recipient).where(OutboxMessage.request_id == made.id)
    ).all()
    assert "deputy@ke.example" in recipients
    assert "desk@ke.example" not in recipients


def test_the_same_notice_twice_changes_nothing(desk, session, app, sent, store):
    for _ in range(2):
        store.put(notice(sent.message_id))
    assert bounces.collect(inbox_of(app, store), NOW) == 1
    assert len(again(session, sent)) == 1
    assert len(session.scalars(select(Bounce)).all()) == 1


@pytest.mark.parametrize(
    "raw",
    [
        notice("<nobody-knows@localhost.example>"),
        b"",
        b"\xff\xfe\x00",
        b"Content-Type: multipart/report; boundary=x\r\n\r\n--x",
        b"Content-Type: message/delivery-status\r\n\r\nAction: failed",
        b"From: a@b.example\r\nSubject: Out of office\r\n\r\nBack on Monday.",
        b"Content-Type: message/rfc822\r\n\r\n" * 2000,
        notice("\x00"),
        notice("<a\x00b@localhost.example>"),
        notice("<" + "a" * 300 + "@localhost.example>"),
    ],
)
def test_what_is_no_notice_about_mail_of_ours_is_left_alone(
    desk, session, app, sent, store, raw
):
    number = store.put(raw)
    assert bounces.collect(inbox_of(app, store), NOW) == 0
    assert store.seen == {number}
    desk.fresh()
    assert desk.entry.unreachable == ()


@pytest.mark.parametrize(
    ("action", "status"), [("delayed", "4.4.1"), ("delivered", "2.0.0")]
)
def test_what_is_only_late_marks_nothing(action, status):
    assert bounces.read_notice(notice("<1@x.example>", action, status)) == ()


@pytest.mark.parametrize(
    ("status", "words", "gone"),
    [
        ("5.1.1", "", True),
        ("5.2.1 (disabled)", "", True),
        ("5.0.0", "550 5.1.1 No such user", True),
        ("5.0.0", "550 User unknown", True),
        ("5.2.2", "552 5.2.2 Mailbox full", False),
        ("5.7.1", "550 5.7.1 Spam", False),
        ("5.0.0", "550 Relaying denied", False),
        ("5.0.0", "554 5.3.4 Too large", False),
    ],
)
def test_a_notice_counts_only_if_it_is_about_the_mailbox(status, words, gone):
    raw = notice("<1@x.example>", status=status, words=words)
    assert bool(bounces.read_notice(raw)) is gone


def test_what_a_notice_says_can_be_kept_by_every_database():
    raw = notice("<1@x.example>", words="550 5.1.1 No\x00such user")
    (found,) = bounces.read_notice(raw)
    assert found.why == "5.1.1 550 5.1.1 No such user"


def test_a_notice_that_cannot_be_kept_does_not_stop_the_next(
    desk, session, app, sent, store, monkeypatch
):
    first, second = (store.put(notice(sent.message_id)) for _ in range(2))
    kept = bounces._keep

    def refused_once(*given):
        monkeypatch.setattr(bounces, "_keep", kept)
        raise DataError("insert", {}, ValueError("refused"))

    monkeypatch.setattr(bounces, "_keep", refused_once)
    assert bounces.collect(inbox_of(app, store), NOW) == 1
    assert store.seen == {first, second}


def test_no_more_than_a_million_bytes_are_fetched(app, store):
    store.put(b"x" * 1_000_007)
    ((_number, raw),) = inbox_of(app, store).fetch()
    assert len(raw) == 1_000_000


def test_what_the_server_refuses_for_good_marks_the_address(
    desk, session, app, sent, mailbox
):
    settings = replace(
        app.extensions["tracing.settings"],
        smtp_host=mailbox.host,
        smtp_port=mailbox.port,
        smtp_security="none",
    )
    mailbox.refusal_of_recipients = "550 5.1.1 no such user"
    outbox.deliver(SmtpChannel(settings), settings)
    session.expire_all()
    assert session.get(OutboxMessage, sent.id).delivery is Delivery.DEAD
    session.commit()
    assert worker.returned() == 1
    desk.fresh()
    assert desk.entry.unreachable == ("desk@ke.example",)
    (resent,) = again(session, sent)
    assert resent.recipient == "deputy@ke.example"
    assert worker.returned() == 0


@pytest.mark.parametrize(
    ("of_recipients", "of_message"),
    [
        (None, "550 5.1.1 no such user"),
        (None, "552 5.3.4 message too large"),
        (None, "550 spam"),
        ("550 5.7.1 relaying denied", None),
        ("550 relaying denied", None),
        ("554 5.7.1 blocked", None),
        ("550 5.1.8 bad sender", None),
    ],
)
def test_what_the_server_says_of_us_or_the_message_marks_no_address(
    app, session, mailbox, of_recipients, of_message
):
    settings = replace(
        app.extensions["tracing.settings"],
        smtp_host=mailbox.host,
        smtp_port=mailbox.port,
        smtp_security="none",
    )
    mailbox.refusal_of_recipients, mailbox.refusal = of_recipients, of_message
    with (
        closing(SmtpChannel(settings)) as channel,
        pytest.raises(DeliveryError) as refused,
    ):
        channel.send(PROBE)
    assert not refused.value.no_mailbox


def test_supervisors_whose_mail_comes_back_are_told_of_by_the_mailbox(
    desk, session, app, store
):
    letters.tell(desk.entry, ("chief@ke.example",), News.LAST, NOW)
    session.commit()
    (mail,) = desk.mails("last")
    store.put(notice(mail.message_id))
    assert bounces.collect(inbox_of(app, store), NOW) == 1
    desk.fresh()
    assert desk.entry.unreachable == ("chief@ke.example",)
    assert [m.recipient for m in desk.mails("unreachable")] == ["desk@ke.example"]
    assert desk.mails("last") == [mail]


def test_where_every_address_is_gone_the_supervisors_are_told(
    desk, session, app, sent, store
):
    desk.entry.emails = ()
    session.commit()
    store.put(notice(sent.message_id))
    bounces.collect(inbox_of(app, store), NOW)
    assert [m.recipient for m in desk.mails("unreachable")] == ["chief@ke.example"]
    assert again(session, sent) == []
    page = shown(desk.visit(desk.other).get(desk.page()).text)
    assert "There is no other address: ring the authority." in page


def test_a_link_is_never_sent_to_another_mailbox(desk, session, app, store):
    desk.visit(desk.other).post(desk.page("/test"))
    (mail,) = [m for m in desk.mails("test") if m.recipient == "desk@ke.example"]
    store.put(notice(mail.message_id))
    assert bounces.collect(inbox_of(app, store), NOW + timedelta(days=1)) == 1
    assert len(desk.mails("test")) == 2


def test_a_mailbox_that_does_not_let_us_in_is_told_and_nothing_is_lost(
    desk, app, sent, store
):
    number = store.put(notice(sent.message_id))
    for said, given in (
        ("error", {"imap_password": "wrong"}),
        ("imap_folder", {"imap_folder": "Elsewhere"}),
        ("imap_security", {"imap_security": "x"}),
        ("refused", {"imap_port": 1}),
    ):
        with pytest.raises(ConnectionError, match=said):
            bounces.collect(inbox_of(app, store, **given), NOW)
    assert number not in store.seen
