"""The outbox: nothing lost, nothing blocked, and a real server at the other end."""

import logging
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from tests.journal.conftest import entries
from tests.notifications.people import NOW, authority, message, with_mail
from tracing import worker
from tracing.adapters.smtp import SmtpChannel, message_of
from tracing.cli.mail import group
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Delivery, OutboxMessage
from tracing.notifications import outbox
from tracing.operations import pause
from tracing.ports import DeliveryError, Envelope


class FakeChannel:
    """Keeps what it is given; `failures` says what to raise for whom."""

    def __init__(self):
        self.sent = []
        self.failures = {}
        self.closed = 0

    def send(self, envelope):
        assert not db.session().in_transaction()
        if error := self.failures.get(envelope.recipient):
            raise error
        self.sent.append(envelope)

    def close(self):
        self.closed += 1


def envelope(**given):
    usual = {
        "message_id": "<1@tracing.example>",
        "recipient": "reader@people.example",
        "subject": "Request 2026-0041732K: acknowledged",
        "text": "Текст\n",
        "html": "<p>Текст</p>",
        "language": "ru",
        "thread": "<2026-0041732K@tracing.example>",
    }
    return Envelope(**(usual | given))


@pytest.fixture
def office(session):
    made = authority()
    session.add(made)
    session.commit()
    return made


@pytest.fixture
def put(session, office):
    def put(n=1, **given):
        rows = [message(office, **given) for _ in range(n)]
        session.add_all(rows)
        session.commit()
        for row in rows:
            session.refresh(row)
            session.expunge(row)
        return rows

    return put


@pytest.fixture
def fresh(session):
    """Read a message anew: a claim takes it out of the session."""

    def fresh(row):
        session.rollback()
        session.expire_all()
        return session.get(OutboxMessage, row.id)

    return fresh


@pytest.fixture
def channel():
    return FakeChannel()


@pytest.fixture
def drain(settings, channel):
    def drain(at=NOW, through=channel, **given):
        return outbox.deliver(through, with_mail(settings), lambda: at, **given)

    return drain


def test_what_is_due_goes_out_once(put, drain, channel, fresh):
    rows = put(45)
    put(1, next_at=NOW + timedelta(minutes=1))
    assert drain().sent == 45
    assert drain().sent == 0
    assert {e.message_id for e in channel.sent} == {row.message_id for row in rows}
    assert {fresh(row).delivery for row in rows} == {Delivery.SENT}
    assert fresh(rows[0]).sent_at == NOW
    assert channel.closed == 2


def test_two_workers_never_hold_the_same_message(put, session):
    put(3)
    first = outbox.claim(NOW, "one", n=2)
    second = outbox.claim(NOW, "two", n=2)
    assert len(first) == 2
    assert len(second) == 1
    assert not {m.id for m in first} & {m.id for m in second}


def test_what_a_dead_worker_held_comes_back_when_its_lease_ends(put, drain):
    put(2)
    outbox.claim(NOW, "killed", lease=300)
    assert drain(NOW + timedelta(seconds=299)).sent == 0
    assert drain(NOW + timedelta(seconds=301)).sent == 2


def test_a_worker_that_overslept_does_not_begin_what_is_no_longer_its_own(
    put, settings, channel
):
    put(3)
    times = iter([NOW, NOW, NOW, NOW + timedelta(seconds=400), *[NOW] * 20])
    outbox.deliver(channel, with_mail(settings), lambda: next(times))
    assert len(channel.sent) == 3
    assert len({e.message_id for e in channel.sent}) == 3


def test_a_message_that_was_not_taken_waits_longer_each_time(
    put, drain, channel, fresh
):
    (row,) = put()
    channel.failures[row.recipient] = DeliveryError("451 busy", retry=True)
    at, waited = NOW, []
    for _ in range(11):
        assert drain(at).postponed == 1
        later = fresh(row).next_at
        waited.append((later - at).total_seconds())
        at = later
    assert waited[:4] == [30, 60, 120, 240]
    assert waited[-1] == 6 * 3600
    assert waited == sorted(waited)
    assert drain(at).dead == 1
    assert (fresh(row).delivery, fresh(row).attempts) == (Delivery.DEAD, 12)


def test_a_refusal_for_good_is_dead_at_once_and_loud(
    put, drain, channel, fresh, caplog
):
    bad, good = put(2)
    channel.failures[bad.recipient] = DeliveryError("550 no such user", retry=False)
    tally = drain()
    assert (tally.sent, tally.dead) == (1, 1)
    assert fresh(bad).last_error == "550 no such user"
    errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
    assert errors == [f"message {bad.id} will not be sent, after attempt 1"]
    assert fresh(good).delivery is Delivery.SENT


def test_a_message_that_cannot_be_written_blocks_no_other(put, drain, fresh):
    (poison,) = put(1, event="nonsense")
    (poor,) = put(1, facts={})
    (other,) = put(1, language="xx")
    put(3)
    tally = drain()
    assert (tally.sent, tally.dead) == (3, 3)
    found = [fresh(row).delivery for row in (poison, poor, other)]
    assert found == [Delivery.DEAD] * 3


def test_a_server_that_is_away_uses_up_no_attempts(put, drain, channel, fresh, caplog):
    rows = put(50)
    for row in rows:
        channel.failures[row.recipient] = ConnectionError("refused")
    tally = drain()
    assert (tally.sent, tally.postponed, tally.dead) == (0, outbox.BATCH, 0)
    assert {fresh(row).attempts for row in rows} == {0}
    assert "does not serve us: refused" in caplog.text
    channel.failures.clear()
    assert drain(NOW + outbox.FIRST_PAUSE).sent == 50


def test_a_worker_told_to_stop_finishes_its_message_and_gives_back_the_rest(
    put, drain, channel
):
    put(5)
    assert drain(stop=lambda: len(channel.sent) >= 2).sent == 2
    assert outbox.pending_counts().queued == 3
    assert drain().sent == 3


def test_the_dead_can_be_queued_anew_by_their_own_authority(put, session, drain):
    rows = put(2, delivery=Delivery.DEAD, attempts=12)
    ids = [row.id for row in rows]
    assert outbox.retry_dead(ids, now=NOW, authority_id=rows[0].authority_id + 1) == 0
    assert outbox.retry_dead(ids, now=NOW, authority_id=rows[0].authority_id) == 2
    assert drain().sent == 2
    assert outbox.retry_dead(ids, now=NOW) == 0


def test_the_command_sends_again_what_no_server_took(app, put, session):
    failed = {"delivery": Delivery.DEAD, "attempts": 12}
    put(2, **failed, last_error="550 no such user")
    put(1, **failed)
    put(1, **failed, last_error=pause.OLD)
    session.commit()
    assert "3 messages" in app.test_cli_runner().invoke(group, ["retry"]).output
    session.expire_all()
    assert outbox.pending_counts().queued == 3
    assert outbox.pending_counts().dead == 1
    (entry,) = entries(journal.SYSTEM, Kind.MAIL_RETRIED)
    assert entry.payload == {"messages": 3}


def test_what_waits_and_what_died_is_counted(put, office):
    put(2)
    put(1, delivery=Delivery.DEAD)
    put(3, delivery=Delivery.SENT)
    pending = outbox.pending_counts()
    assert (pending.queued, pending.dead, pending.oldest) == (2, 1, NOW)
    assert outbox.pending_counts(office.id + 1) == outbox.Pending(0, 0, None)


# ------------------------------------------------------------------ a real server


@pytest.fixture
def smtp(settings, mailbox):
    made = SmtpChannel(with_mail(settings, smtp_port=mailbox.port))
    yield made
    made.close()


def test_mail_arrives_marked_as_automatic_and_in_its_thread(put, drain, smtp, mailbox):
    (row,) = put(1, language="ar")
    assert drain(through=smtp).sent == 1
    (arrived,) = mailbox.to(row.recipient)
    message = arrived.message
    assert arrived.sender == "tracing@tracing.example"
    assert message["Message-ID"] == row.message_id
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == "<trace-requests.tracing.example>"
    assert message["References"] == f"<{row.facts['number']}@tracing.example>"
    assert message["In-Reply-To"] == message["References"]
    assert message["Date"].datetime
    assert message.get_content_type() == "multipart/alternative"
    assert [p.get_content_type() for p in message.iter_parts()] == [
        "text/plain",
        "text/html",
    ]
    assert row.facts["number"] in arrived.subject
    assert row.facts["number"] in arrived.text


@pytest.mark.parametrize(
    ("answer", "delivery"),
    [
        ("451 busy", Delivery.QUEUED),
        ("421 closing", Delivery.QUEUED),
        ("550 no", Delivery.DEAD),
    ],
)
def test_what_the_server_says_decides(
    put, drain, smtp, mailbox, fresh, answer, delivery
):
    (row,) = put()
    mailbox.refusal = answer
    drain(through=smtp)
    found = fresh(row)
    assert (found.delivery, found.last_error, found.attempts) == (delivery, answer, 1)


def test_one_conversation_carries_many_messages_but_not_endlessly(
    put, drain, smtp, mailbox
):
    put(120)
    assert drain(through=smtp).sent == 120
    assert len(mailbox.deliveries) == 120


def test_a_server_that_went_away_between_two_messages_is_called_again(smtp, mailbox):
    smtp.send(envelope())
    smtp._smtp.sock.close()
    smtp.send(envelope())
    assert len(mailbox.deliveries) == 2


def test_no_server_is_not_the_fault_of_a_message(settings):
    away = SmtpChannel(with_mail(settings, smtp_port=9, smtp_timeout=1))
    with pytest.raises(ConnectionError, match="ConnectionRefusedError"):
        away.send(envelope())


def test_without_encryption_nothing_is_sent_where_it_was_asked_for(settings, mailbox):
    given = {"smtp_port": mailbox.port, "smtp_security": "starttls"}
    strict = SmtpChannel(with_mail(settings, **given))
    with pytest.raises(ConnectionError, match="STARTTLS"):
        strict.send(envelope())
    assert mailbox.deliveries == []


def test_an_unknown_kind_of_security_is_a_mistake_in_the_settings(settings):
    wrong = SmtpChannel(with_mail(settings, smtp_security="perhaps"))
    with pytest.raises(ConnectionError, match="write starttls, tls or none"):
        wrong.send(envelope())


@pytest.mark.parametrize(
    "given",
    [
        {"subject": "=?utf-8?q?R=0ABcc:_x=40evil?="},
        {"subject": "one\r\nBcc: x@evil.example"},
        {"subject": "one\u2028two"},
        {"thread": "<a@b>\nBcc: x@evil.example"},
        {"headers": {"List-Id": "a\r\n\r\nbody"}},
        {"headers": {"A\nB": "c"}},
        {"recipient": "a@b.example, c@d.example"},
        {"recipient": "a@b.example\r\nDATA"},
        {"recipient": "=?utf-8?q?a?=@b.example"},
        {"recipient": "Name <a@b.example>"},
        {"recipient": "ä@b.example"},
        {"recipient": ""},
    ],
)
def test_nothing_can_begin_a_header_of_its_own(given):
    with pytest.raises(DeliveryError) as refused:
        message_of(envelope(**given), "tracing@tracing.example")
    assert not refused.value.retry


def test_a_claim_reads_the_index(session, database_url):
    explain = "explain query plan"
    connection = session.connection()
    if database_url.startswith("postgresql"):
        # It would rather read an empty table as a whole.
        connection.exec_driver_sql("set enable_seqscan = off")
        explain = "explain"
    plan = connection.exec_driver_sql(
        f"{explain} select id from outbox_message where delivery = 'queued'"
        " and next_at <= '2027-01-01' order by next_at, id limit 20"
    )
    assert "ix_outbox_message_claim" in str(plan.all())


def test_a_message_keeps_its_row_when_it_is_sent(put, drain, session):
    put(1)
    drain()
    row = session.query(OutboxMessage).one()
    assert row.lease_owner is None
    assert row.lease_until is None


# --------------------------------------------------------------------- the worker


def test_without_a_mail_server_everything_stays_in_the_outbox(put, app, session):
    put(2)
    assert worker.drain() == outbox.Tally()
    assert outbox.pending_counts().queued == 2


def test_the_worker_sends_through_the_channel_that_was_chosen(
    put, app, session, settings, mailbox
):
    put(2, next_at=NOW.replace(year=2020))
    chosen = with_mail(settings, smtp_port=mailbox.port)
    app.extensions["tracing.settings"] = chosen
    app.extensions[worker.CHANNEL] = lambda: SmtpChannel(chosen)
    assert worker.drain().sent == 2
    assert len(mailbox.deliveries) == 2


def test_a_page_wakes_the_worker_once_and_never_fails(app, settings, caplog):
    queue = app.extensions[worker.QUEUE]
    file = Path(settings.instance) / worker.FILE
    assert not file.exists()
    hurry = worker.waker(app)
    hurry()
    hurry()
    assert queue.pending_count() == 1
    queue.storage.close()
    file.write_bytes(b"no database" * 500)
    hurry()
    assert "the sweep will" in caplog.text
    queue.storage.close()


def test_mail_takes_one_thread_however_often_the_worker_is_woken(app, monkeypatch):
    huey = app.extensions[worker.QUEUE]
    worker._open(huey)
    begun, go_on, drained = threading.Event(), threading.Event(), []

    def slow():
        drained.append(1)
        begun.set()
        go_on.wait(10)

    monkeypatch.setattr(worker, "drain", slow)
    monkeypatch.setattr(worker, "change_entries", lambda: 0)
    for _ in range(3):
        app.extensions[worker.DRAIN].call_local()
    tasks = [task for task in huey.pending() if task.name == "mail"]
    first = threading.Thread(target=huey.execute, args=(tasks[0],))
    first.start()
    begun.wait(10)
    for task in tasks[1:]:
        huey.execute(task)
    assert len(drained) == 1
    go_on.set()
    first.join(10)
    assert len(drained) == 2, "what was wished meanwhile is done"
