"""A mailbox on this machine that speaks IMAP: enough to be searched, read and marked."""

import contextlib
import re
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Store:
    """What lies in the mailbox, and what has been read of it."""

    host: str = "127.0.0.1"
    port: int = 0
    password: str = "right"
    messages: dict[int, bytes] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)

    def put(self, raw: bytes) -> int:
        """Lay a message in."""
        number = len(self.messages) + 1
        self.messages[number] = raw
        return number


class Conversation(socketserver.StreamRequestHandler):
    """One client (RFC 3501, as far as it is needed)."""

    def say(self, text: str) -> None:
        """Say a line."""
        self.wfile.write(f"{text}\r\n".encode())

    def handle(self) -> None:
        """Answer until it logs out."""
        self.say("* OK ready")
        while line := self.rfile.readline().decode().strip():
            tag, _blank, command = line.partition(" ")
            verb, _blank, rest = command.partition(" ")
            answer = getattr(self, f"do_{verb.lower()}", None)
            said = answer(rest) if answer else "BAD"
            self.say(f"{tag} {said or 'OK'} done")
            if verb.upper() == "LOGOUT":
                return

    @property
    def store(self) -> Store:
        """The mailbox."""
        return self.server.store  # type: ignore[attr-defined]

    def do_capability(self, _rest: str) -> None:
        """Say what is spoken."""
        self.say("* CAPABILITY IMAP4rev1")

    def do_login(self, rest: str) -> str:
        """Let in who knows the password."""
        return "OK" if self.store.password in rest else "NO"

    def do_select(self, rest: str) -> str:
        """Open the one folder there is."""
        self.say(f"* {len(self.store.messages)} EXISTS")
        return "OK" if "INBOX" in rest else "NO"

    def do_uid(self, rest: str) -> None:
        """Search, hand out, mark."""
        verb, _blank, what = rest.partition(" ")
        if verb == "SEARCH":
            unread = sorted(self.store.messages.keys() - self.store.seen)
            self.say("* SEARCH " + " ".join(map(str, unread)))
        number = int(found[0]) if (found := re.match(r"\d+", what)) else 0
        if verb == "FETCH":
            raw = self.store.messages[number]
            body = "BODY[]"
            if part := re.search(r"BODY\.PEEK\[\]<(\d+)\.(\d+)>", what):
                first, most = map(int, part.groups())
                raw, body = raw[first : first + most], f"BODY[]<{first}>"
            self.say(f"* {number} FETCH (UID {number} {body} {{{len(raw)}}}")
            self.wfile.write(raw + b")\r\n")
        if verb == "STORE":
            self.store.seen.add(number)

    def do_logout(self, _rest: str) -> None:
        """Part."""
        self.say("* BYE")


class Server(socketserver.ThreadingTCPServer):
    """The same for several clients."""

    daemon_threads = True
    allow_reuse_address = True


@contextlib.contextmanager
def running_store() -> Iterator[Store]:
    """Serve a mailbox while the block lasts."""
    with Server(("127.0.0.1", 0), Conversation) as server:
        store = Store(port=server.server_address[1])
        server.store = store  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield store
        finally:
            server.shutdown()
            thread.join()
