"""A real mail server on this machine: it stores what it is sent, or refuses on demand."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True)
class Delivery:
    """One accepted message and the addresses it was handed over with."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        """Return the subject as a reader sees it."""
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        """Return the plain body."""
        body = self.message.get_body(("plain",))
        return str(body.get_content()) if body else ""


@dataclass
class Mailbox:
    """What arrived; set `refusal` to an answer such as "451 busy" to turn mail away."""

    host: str = "127.0.0.1"
    port: int = 0
    deliveries: list[Delivery] = field(default_factory=list)
    refusal: str | None = None
    refusal_of_recipients: str | None = None

    @property
    def subjects(self) -> list[str]:
        """Return the subjects in order of arrival."""
        return [delivery.subject for delivery in self.deliveries]

    def to(self, address: str) -> list[Delivery]:
        """Return what this address received."""
        return [found for found in self.deliveries if address in found.recipients]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Take the address, unless told to refuse it."""
        if self.refusal_of_recipients:
            return self.refusal_of_recipients
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Store the message, unless told to refuse it."""
        if self.refusal:
            return self.refusal
        parsed = message_from_bytes(cast("bytes", envelope.content), policy=policy.SMTP)
        self.deliveries.append(
            Delivery(
                envelope.mail_from or "",
                tuple(envelope.rcpt_tos),
                cast("EmailMessage", parsed),
            )
        )
        return "250 stored"


class AnyPort(Controller):
    """The library's controller, on a port that the machine chooses."""

    async def _create_server(self) -> asyncio.AbstractServer:
        server = cast("asyncio.Server", await super()._create_server())
        self.port = server.sockets[0].getsockname()[1]
        return server


@contextlib.contextmanager
def running_mailbox() -> Iterator[Mailbox]:
    """Run the server on loopback while the block lasts."""
    mailbox = Mailbox()
    controller = AnyPort(mailbox, hostname=mailbox.host, port=0, ready_timeout=10)
    controller.start()
    mailbox.port = controller.port
    try:
        yield mailbox
    finally:
        controller.stop()
