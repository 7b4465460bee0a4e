"""No setting and no value can begin a header of its own."""

from dataclasses import dataclass, replace
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import dispose
from tracing import create_app
from tracing.adapters.smtp import HOSTILE, PROBE, message_of, self_test
from tracing.config import Settings
from tracing.ports import BadSetting, DeliveryError

OURS = {
    *("Subject", "Date", "Message-ID", "Content-Language", "Auto-Submitted"),
    *("X-Auto-Response-Suppress", "In-Reply-To", "References", "From", "To"),
    *("MIME-Version", "Content-Type"),
}


@dataclass(frozen=True)
class Sender:
    mail_from: str
    smtp_host: str = ""
    smtp_port: int = 25
    smtp_user: str = ""
    smtp_password: str = ""
    smtp_security: str = "none"
    smtp_timeout: int = 1


@pytest.mark.parametrize(
    "mail_from",
    ["desk@example.org", "Tracing desk <desk@example.org>", "Бюро <desk@example.org>"],
)
def test_a_plain_sender_passes(mail_from):
    self_test(Sender(mail_from))


@pytest.mark.parametrize(
    "mail_from",
    [
        "",
        "nobody",
        "a@b.example, c@d.example",
        "A\nBcc: x@evil.example <a@b.example>",
        "A\r\nBcc: x <a@b.example>",
        "=?utf-8?q?A=0ABcc:_x=40evil.example?= <a@b.example>",
        "Desk <a@b.example(<x@evil.example>>",
    ],
)
def test_the_program_does_not_start_with_any_other_sender(mail_from, tmp_path):
    with pytest.raises(BadSetting, match="TRACING_MAIL_FROM"):
        self_test(Sender(mail_from))
    settings = Settings.for_tests(f"sqlite:///{tmp_path / 'x.sqlite'}", tmp_path)
    with pytest.raises(BadSetting):
        dispose(create_app(replace(settings, mail_from=mail_from)))


@pytest.mark.parametrize("value", HOSTILE)
def test_what_could_begin_a_header_is_refused_wherever_it_stands(value):
    for name in ("subject", "recipient", "thread", "language", "message_id"):
        with pytest.raises(DeliveryError):
            message_of(replace(PROBE, **{name: value}), "desk@example.org")


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_subject_and_no_name_adds_a_header(subject, name):
    try:
        message = message_of(
            replace(PROBE, subject=subject), f'"{name}" <desk@example.org>'
        )
        text = bytes(message)
    except (DeliveryError, UnicodeEncodeError):
        return
    parsed = message_from_bytes(text, policy=policy.SMTP)
    assert set(parsed.keys()) <= OURS
    assert all(len(parsed.get_all(key)) == 1 for key in parsed)
