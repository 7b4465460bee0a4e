"""ClamAV: a file goes to its daemon over a socket, and its verdict comes back."""

import contextlib
import socket
import struct
from collections.abc import Iterator
from typing import Final

from tracing.ports import NoVerdict, ScannerUnavailable

CHUNK: Final = 64 * 1024
LONGEST_ANSWER: Final = 1024
UNIX: Final = "unix:"


class Clamd:
    """One daemon, at `unix:/path/to/socket` or `host:port`; a talk for each file."""

    def __init__(self, address: str, timeout: float) -> None:
        """Keep the address; nothing is opened yet."""
        self.address = address
        self.timeout = timeout

    def is_clean(self, content: bytes) -> bool:
        """Tell whether the scanner finds nothing; raise where it does not say."""
        try:
            with self._connected() as daemon:
                # What is too large for it is answered in the middle, and cut off.
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    _send(daemon, content)
                answer = _read(daemon)
        except (OSError, ValueError) as error:
            raise ScannerUnavailable(f"{type(error).__name__}: {error}") from error
        if answer == "stream: OK":
            return True
        if answer.startswith("stream: ") and answer.endswith(" FOUND"):
            return False
        raise NoVerdict(f"the answer was {answer[:80]!r}")

    @contextlib.contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        if self.address.startswith(UNIX):
            daemon = socket.socket(socket.AF_UNIX)
            daemon.settimeout(self.timeout)
            with daemon:
                daemon.connect(self.address.removeprefix(UNIX))
                yield daemon
            return
        host, _, port = self.address.rpartition(":")
        with socket.create_connection((host, int(port)), self.timeout) as daemon:
            yield daemon


def _send(daemon: socket.socket, content: bytes) -> None:
    daemon.sendall(b"zINSTREAM\0")
    for start in range(0, len(content), CHUNK):
        part = content[start : start + CHUNK]
        daemon.sendall(struct.pack("!L", len(part)) + part)
    daemon.sendall(struct.pack("!L", 0))


def _read(daemon: socket.socket) -> str:
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < LONGEST_ANSWER:
        part = b""
        with contextlib.suppress(ConnectionResetError):
            part = daemon.recv(LONGEST_ANSWER)
        if not part:
            break
        answer += part
    return answer.rstrip(b"\0").decode("utf-8", "replace").strip()
