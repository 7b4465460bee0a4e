"""What we ask of outside systems, and the ways they fail."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

ENHANCED: Final = re.compile(r"(?:5\d\d[ -]+)?#?(5\.\d{1,3}\.\d{1,3})(?!\d|\.\d)")
NO_MAILBOX: Final = re.compile(r"5\.1\.([0-6]|10)|5\.2\.1")
"""RFC 3463; 5.1.7 and 5.1.8 are about who writes."""

BARE: Final = re.compile(r"55[013]\b")
ABOUT_US: Final = re.compile(
    r"relay|spam|block|black|denied|policy|too large|size", re.IGNORECASE
)
"""What servers say under the same numbers of the message, or of who sends it."""


def is_no_mailbox(answer: str) -> bool:
    """Tell whether a server's answer to an address is that there is no such mailbox."""
    if enhanced := ENHANCED.match(answer):
        return NO_MAILBOX.fullmatch(enhanced[1]) is not None
    return BARE.match(answer) is not None and not ABOUT_US.search(answer)


class BadSetting(Exception):
    """An adapter cannot work as it is set up; the text says which setting and how."""


class DeliveryError(Exception):
    """A message was not accepted; `retry` says whether trying again can help.

    `no_mailbox` says that nobody can be reached at the address, whatever is sent.
    """

    def __init__(self, reason: str, *, retry: bool, no_mailbox: bool = False) -> None:
        """Keep the reason for the operator's page."""
        super().__init__(reason)
        self.reason = reason
        self.retry = retry
        self.no_mailbox = no_mailbox


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


class Inbox(Protocol):
    """A mailbox of ours, to which notices about our mail come back."""

    def fetch(self) -> Iterator[tuple[str, bytes]]:
        """Yield messages that are not done, each with its number.

        Raises ConnectionError when the server cannot be reached or does not let us in.
        """

    def done(self, number: str) -> None:
        """Mark a message as done, while it is being fetched."""


class StoreFull(Exception):
    """A file could not be kept; nothing of it is left."""


class FileStore(Protocol):
    """Where the content of files is kept, under names that nobody can guess."""

    def put(self, content: bytes) -> str:
        """Keep a file and return its name once it is safe; raises StoreFull."""

    def put_back(self, name: str, content: bytes) -> None:
        """Keep a file under the name it had, and no other; raises StoreFull."""

    def get(self, name: str) -> bytes:
        """Return a file; raises FileNotFoundError."""

    def has(self, name: str) -> bool:
        """Tell whether a file is there."""

    def remove(self, name: str) -> None:
        """Forget a file; one that is gone already is no error."""

    def kept(self) -> Iterator[tuple[str, datetime]]:
        """Yield every name, and since when it is kept."""


class ScannerUnavailable(Exception):
    """The scanner did not say what it thinks of a file."""


class NoVerdict(ScannerUnavailable):
    """The scanner is there and has no verdict on this file; on others it may."""


class Scanner(Protocol):
    """A program that knows harmful files."""

    def is_clean(self, content: bytes) -> bool:
        """Tell whether nothing harmful is found; raises ScannerUnavailable, or NoVerdict."""
