"""The mailbox to which notices come back, read by IMAP."""

import contextlib
import imaplib
import ssl
from collections.abc import Iterator
from typing import Final, Protocol

MOST: Final = 200
"""Messages that are read at a time."""

LARGEST: Final = 1_000_000
"""Bytes that are fetched of a message, whatever it holds."""

FAILURES: Final = (imaplib.IMAP4.error, OSError)


class MailStore(Protocol):
    """The settings this adapter reads."""

    @property
    def imap_host(self) -> str: ...
    @property
    def imap_port(self) -> int: ...
    @property
    def imap_user(self) -> str: ...
    @property
    def imap_password(self) -> str: ...
    @property
    def imap_security(self) -> str: ...
    @property
    def imap_folder(self) -> str: ...
    @property
    def imap_timeout(self) -> int: ...


class ImapInbox:
    """What has not been seen of one folder; each message is marked when it is done.

    A server that cannot be reached or does not let us in is a ConnectionError.
    """

    def __init__(self, store: MailStore) -> None:
        """Keep the settings; nothing is opened yet."""
        self._store = store
        self._imap: imaplib.IMAP4 | None = None

    def fetch(self) -> Iterator[tuple[str, bytes]]:
        """Yield messages that nobody has read, each with its number."""
        try:
            imap = self._open()
            _status, found = imap.uid("SEARCH", "UNSEEN")
            numbers = (found[0] or b"").split()[:MOST] if found else []
            for number in numbers:
                # PEEK: until it is done, it stays unread.
                wanted = f"(BODY.PEEK[]<0.{LARGEST}>)"
                _status, parts = imap.uid("FETCH", number.decode(), wanted)
                for part in parts:
                    if isinstance(part, tuple):
                        yield number.decode(), part[1]
        except FAILURES as error:
            raise ConnectionError(f"{type(error).__name__}: {error}") from error
        finally:
            self.close()

    def done(self, number: str) -> None:
        """Mark a message as read."""
        if self._imap is None:
            return
        try:
            self._imap.uid("STORE", number, "+FLAGS", r"(\Seen)")
        except FAILURES as error:
            raise ConnectionError(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """End the conversation."""
        imap, self._imap = self._imap, None
        if imap is not None:
            with contextlib.suppress(*FAILURES):
                imap.logout()

    def _open(self) -> imaplib.IMAP4:
        store = self._store
        where, timeout = (store.imap_host, store.imap_port), store.imap_timeout
        match store.imap_security:
            case "tls":
                context = ssl.create_default_context()
                imap: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                    *where, ssl_context=context, timeout=timeout
                )
            case "starttls" | "none":
                imap = imaplib.IMAP4(*where, timeout=timeout)
            case other:
                raise ConnectionError(
                    f"imap_security is {other}: write tls, starttls or none"
                )
        self._imap = imap
        if store.imap_security == "starttls":
            imap.starttls(ssl.create_default_context())
        imap.login(store.imap_user, store.imap_password)
        status, _said = imap.select(store.imap_folder)
        if status != "OK":
            raise ConnectionError(f"imap_folder {store.imap_folder} is not there")
        return imap
