"""A daemon that speaks ClamAV's protocol on this machine and knows one virus."""

import contextlib
import socketserver
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.factories.files import EICAR


@dataclass
class Daemon:
    """Where it listens, what it was sent; `answer` makes it say something else."""

    address: str
    seen: list[bytes] = field(default_factory=list)
    answer: bytes | None = None
    too_large: bytes | None = None
    """What it does not read to its end."""


@contextlib.contextmanager
def running_clamd(socket_file: Path | None = None) -> Iterator[Daemon]:
    """Serve INSTREAM on a port, or on a socket file."""

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if self.rfile.read(10) != b"zINSTREAM\0":
                self.wfile.write(b"UNKNOWN COMMAND\0")
                return
            content = b""
            while length := struct.unpack("!L", self.rfile.read(4))[0]:
                content += self.rfile.read(length)
                if daemon.too_large and daemon.too_large.startswith(content):
                    self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                    return
            daemon.seen.append(content)
            found = EICAR in content
            said = b"Eicar-Test-Signature FOUND" if found else b"OK"
            self.wfile.write(daemon.answer or b"stream: " + said + b"\0")

    if socket_file is not None:
        server: socketserver.BaseServer = socketserver.ThreadingUnixStreamServer(
            str(socket_file), Talk
        )
        daemon = Daemon(f"unix:{socket_file}")
    else:
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk)
        daemon = Daemon(f"127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield daemon
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
