"""What we ask of outside systems, and the two ways they fail."""

from dataclasses import dataclass, field
from typing import Protocol


class DeliveryError(Exception):
    """A message was not accepted; `retry` says whether trying again can help."""

    def __init__(self, reason: str, *, retry: bool) -> None:
        """Keep the reason for the operator's page."""
        super().__init__(reason)
        self.reason = reason
        self.retry = retry


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message, ready to go; `message_id` is the same on every try."""

    message_id: str
    recipient: str
    subject: str
    text: str
    html: str
    language: str
    thread: str = ""
    headers: dict[str, str] = field(default_factory=dict)


class Channel(Protocol):
    """A way messages leave: SMTP in production."""

    def send(self, envelope: Envelope) -> None:
        """Hand over one message.

        Raises DeliveryError about this message, and ConnectionError when the server
        cannot be reached or does not serve us, which says nothing of the message.
        """

    def close(self) -> None:
        """End the conversation with the server."""
