"""Mail by SMTP: one connection for each drain, one recipient for each message."""

import re
import smtplib
import ssl
from dataclasses import replace
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP
from email.utils import formatdate, parseaddr
from functools import cache
from typing import Final, Protocol

from tracing.ports import BadSetting, DeliveryError, Envelope, is_no_mailbox

ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")
SENDER: Final = re.compile(
    rf'{ADDRESS.pattern}|([^<>(),:;@"\\]*|"[^"<>\\]*")\s*<{ADDRESS.pattern}>'
)
UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]|=\?")
"""What must not stand in a header. The library lets `=?utf-8?q?R=0ABcc:...?=` become
a header of its own (CVE-2024-6923), so it is not left to it."""

TOO_LARGE: Final = 552
NUL: Final = "\x00"
MESSAGES_PER_CONNECTION: Final = 50
"""Servers count, and end the conversation at a hundred or so."""


class MailServer(Protocol):
    """The settings this adapter reads."""

    @property
    def smtp_host(self) -> str: ...
    @property
    def smtp_port(self) -> int: ...
    @property
    def smtp_user(self) -> str: ...
    @property
    def smtp_password(self) -> str: ...
    @property
    def smtp_security(self) -> str: ...
    @property
    def smtp_timeout(self) -> int: ...
    @property
    def mail_from(self) -> str: ...


def clean(value: str) -> str:
    """Return a header's value, or refuse what could begin another header."""
    if UNSAFE.search(value):
        raise DeliveryError("a header holds a control character or =?", retry=False)
    return value


def address_of(text: str) -> str:
    """Return one plain address, or refuse anything else."""
    if not ADDRESS.fullmatch(clean(text)):
        raise DeliveryError("the address is not one plain address", retry=False)
    return text


def message_of(envelope: Envelope, mail_from: str) -> EmailMessage:
    """Return the message as it goes out: text and page, marked as automatic."""
    message = EmailMessage(policy=SMTP)
    name, sender = parseaddr(clean(mail_from))
    headers = {
        "Subject": envelope.subject,
        "Date": formatdate(),
        "Message-ID": envelope.message_id,
        "Content-Language": envelope.language,
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        **envelope.headers,
    }
    if envelope.thread:
        headers |= {"In-Reply-To": envelope.thread, "References": envelope.thread}
    for header, value in headers.items():
        message[clean(header)] = clean(value)
    message["From"] = Address(clean(name), addr_spec=address_of(sender))
    message["To"] = Address(addr_spec=address_of(envelope.recipient))
    message.set_content(envelope.text, charset="utf-8")
    message.add_alternative(envelope.html, subtype="html", charset="utf-8")
    return message


HOSTILE: Final = (
    "A\r\nBcc: x@evil.example",
    "A\nBcc: x@evil.example",
    "A\rBcc: x@evil.example",
    "=?utf-8?q?A=0ABcc:_x=40evil.example?=",
    "=?utf-8?b?QQ0KDQpib2R5?=",
    "A\u2028Bcc: x@evil.example",
    "A\x85Bcc: x@evil.example",
)
"""What must never become a header of its own, whatever the library does with it."""

PROBE: Final = Envelope(
    message_id="<probe@localhost.example>",
    recipient="somebody@localhost.example",
    subject="Probe",
    text="Probe",
    html="<p>Probe</p>",
    language="en",
    thread="<first@localhost.example>",
)
ONCE: Final = ("Subject", "From", "To", "Message-ID", "Date")


def self_test(server: MailServer) -> None:
    """Stop before the first mail if a value could begin a header of its own.

    Tried are the sender as it is set and, in every place of a message that is filled
    in, what is known to have fooled this library and others.
    """
    sender = server.mail_from
    if UNSAFE.search(sender) or not SENDER.fullmatch(sender):
        raise BadSetting(
            "TRACING_MAIL_FROM is not one plain address: write it as"
            " `Tracing desk <tracing@example.org>`"
        )
    _refuses_hostile()


@cache
def _refuses_hostile() -> None:
    for value in HOSTILE:
        for hostile in (
            replace(PROBE, subject=value),
            replace(PROBE, recipient=value),
            replace(PROBE, thread=value),
            replace(PROBE, language=value),
            replace(PROBE, message_id=value),
            replace(PROBE, headers={"X-Probe": value}),
            replace(PROBE, headers={value: "probe"}),
        ):
            _refuses(hostile)
    sent = BytesParser(policy=SMTP).parsebytes(
        bytes(message_of(PROBE, "Desk <desk@localhost.example>"))
    )
    if any(len(sent.get_all(name, ())) != 1 for name in ONCE) or sent["Bcc"]:
        raise RuntimeError("mail does not carry the headers that it was given")


def _refuses(hostile: Envelope) -> None:
    try:
        message_of(hostile, "desk@localhost.example")
    except DeliveryError:
        return
    raise RuntimeError("a mail header could begin another one: no mail may be sent")


class SmtpChannel:
    """A channel to one server; opened by the first message, kept until closed.

    A server that cannot be reached or does not let us in is a ConnectionError: no
    message is to blame. What it says about one message is a DeliveryError.
    """

    def __init__(self, server: MailServer) -> None:
        """Keep the settings; nothing is opened yet."""
        self._server = server
        self._smtp: smtplib.SMTP | None = None
        self._sent = 0

    def send(self, envelope: Envelope) -> None:
        """Hand over one message, or raise DeliveryError or ConnectionError."""
        message = message_of(envelope, self._server.mail_from)
        sender = parseaddr(self._server.mail_from)[1]
        smtp = self._connection()
        try:
            smtp.send_message(message, sender, [envelope.recipient])
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            raise _recipient_refused(code, said) from error
        except smtplib.SMTPSenderRefused as error:
            if error.smtp_code == TOO_LARGE:
                raise _refused(error.smtp_code, error.smtp_error) from error
            self.close()
            reason = f"sender refused: {_words(error.smtp_code, error.smtp_error)}"
            raise ConnectionError(reason) from error
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code, error.smtp_error) from error
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            reason = f"conversation broken off: {type(error).__name__}"
            raise DeliveryError(reason, retry=True) from error
        self._sent += 1

    def close(self) -> None:
        """End the conversation, politely where the server still listens."""
        smtp, self._smtp, self._sent = self._smtp, None, 0
        if smtp is None:
            return
        try:
            smtp.quit()
        except (smtplib.SMTPException, OSError):
            smtp.close()

    def _connection(self) -> smtplib.SMTP:
        """Return an open conversation: the one we have, if the server still answers."""
        if self._smtp is not None and self._sent < MESSAGES_PER_CONNECTION:
            try:
                if self._smtp.noop()[0] == 250:
                    return self._smtp
            except (smtplib.SMTPException, OSError):
                pass
        self.close()
        try:
            self._smtp = self._open()
        except (smtplib.SMTPException, OSError) as error:
            raise ConnectionError(f"{type(error).__name__}: {error}") from error
        return self._smtp

    def _open(self) -> smtplib.SMTP:
        server = self._server
        hello = parseaddr(server.mail_from)[1].rpartition("@")[2]
        where = (server.smtp_host, server.smtp_port, hello)
        match server.smtp_security:
            case "tls":
                context = ssl.create_default_context()
                smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                    *where, timeout=server.smtp_timeout, context=context
                )
            case "starttls" | "none":
                smtp = smtplib.SMTP(*where, timeout=server.smtp_timeout)
            case other:
                raise ConnectionError(
                    f"smtp_security is {other}: write starttls, tls or none"
                )
        try:
            if server.smtp_security == "starttls":
                smtp.starttls(context=ssl.create_default_context())
            if server.smtp_user:
                smtp.login(server.smtp_user, server.smtp_password)
        except BaseException:
            smtp.close()
            raise
        return smtp


def _words(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {' '.join(text.replace(NUL, ' ').split())}"[:300]


def _refused(code: int, said: bytes | str) -> DeliveryError:
    return DeliveryError(_words(code, said), retry=not 500 <= code < 600)


def _recipient_refused(code: int, said: bytes | str) -> DeliveryError:
    reason, final = _words(code, said), 500 <= code < 600
    no_mailbox = final and is_no_mailbox(reason)
    return DeliveryError(reason, retry=not final, no_mailbox=no_mailbox)
