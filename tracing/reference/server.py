"""The stand-in as a server: HTTPS with client certificates, a key, faults on demand."""

import contextlib
import hmac
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from tracing.reference import certificates
from tracing.reference.records import Records

FAULTS: Final = (
    *("slow", "drip", "hang", "error", "half", "cut", "other_case", "duplicates"),
    *("redirect", "huge", "incomplete", "not_json", "twice"),
)
SLOW: Final = 2.0
DRIP: Final = 0.05
HUGE: Final = 5 * 1024**3
LARGEST_QUESTION: Final = 100_000
PATIENCE: Final = 30.0
SOURCES: Final = {"/v1": "iarms", "/registry/v1": "registry"}


class Server(ThreadingHTTPServer):
    """Serves until it is told to end; `fault` is what it does wrong from now on."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, folder: Path, key: str, port: int = 0) -> None:
        """Make what it needs in the folder, and listen on this machine."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (folder / "server.pem").exists():
            certificates.make(folder)
        self.folder, self.key, self.fault = folder, key, ""
        self.delay = 0.0
        self.records = Records(folder / "records.sqlite")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.load_verify_locations(folder / "ca.pem")
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.use(folder)
        self.ending = threading.Event()
        super().__init__((certificates.HOST, port), Handler)

    @property
    def url(self) -> str:
        """Return where it is."""
        return f"https://{certificates.HOST}:{self.server_port}"

    def use(self, folder: Path) -> None:
        """Show the certificate of a folder from now on."""
        self.context.load_cert_chain(folder / "server.pem", folder / "server.key")

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the thread of the connection: a slow one holds nobody up."""
        request.settimeout(PATIENCE)
        with (
            contextlib.suppress(OSError),
            self.context.wrap_socket(request, server_side=True) as safe,
        ):
            Handler(safe, client_address, self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: the other side has gone, as it may."""

    def server_close(self) -> None:
        """Stop listening, and let go of the file."""
        self.ending.set()
        super().server_close()
        self.records.close()


class Handler(BaseHTTPRequestHandler):
    """Answers one question for each connection."""

    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: who asked stands in the database."""

    def do_GET(self) -> None:
        """Answer what only reads."""
        self._answer({})

    def do_POST(self) -> None:
        """Answer what says something."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_QUESTION:
            self._send(413, {"error": "too large"})
            return
        try:
            said = json.loads(self.rfile.read(length) or b"{}")
        except ValueError:
            self._send(400, {"error": "no JSON"})
            return
        self._answer(said if isinstance(said, dict) else {})

    def _answer(self, said: dict[str, Any]) -> None:
        given = self.headers.get("Authorization", "")
        if not hmac.compare_digest(given, f"Bearer {self.server.key}"):
            self._send(401, {"error": "the key"})
            return
        if self.path == "/faults":
            self._set_fault(str(said.get("fault", "")))
            return
        for prefix, source in SOURCES.items():
            if self.path.startswith(f"{prefix}/"):
                self._route(self.path.removeprefix(prefix), source, said)
                return
        self._send(404, {"error": "no such path"})

    def _set_fault(self, name: str) -> None:
        if name not in ("", *FAULTS):
            self._send(422, {"error": f"there are {', '.join(FAULTS)}"})
            return
        self.server.fault = name
        self._send(200, {"fault": name})

    def _route(self, path: str, source: str, said: dict[str, Any]) -> None:
        records = self.server.records
        key = said.get("query_id", "")
        if said:
            records.note(path, said)
        match path.strip("/").split("/"):
            case ["health"]:
                self._send(200, {"status": "ok"})
            case ["searches"]:
                found = records.search(source, said)
                self._send_found(
                    {
                        "query_id": key,
                        "complete": True,
                        "total": len(found),
                        "candidates": found,
                    }
                )
            case ["records"]:
                record = records.one(source, str(said.get("id", "")))
                if record is None:
                    self._send(404, {"error": "no such record"})
                    return
                self._send_found({"query_id": key, "record": record})
            case ["traces"] if source == "iarms":
                number = records.trace(
                    self.headers.get("Idempotency-Key", ""), said.get("item") or {}
                )
                self._send_found(records.traced(number) or {}, 201)
            case ["traces", number] if source == "iarms":
                trace = records.traced(number)
                self._send_found(trace or {}, 200 if trace else 404)
            case ["hits"] if source == "iarms":
                self._send(200, {"hits": records.hits(str(said.get("since", "")))})
            case _:
                self._send(404, {"error": "no such path"})

    # --------------------------------------------------------------- right and wrong

    def _send(self, status: int, said: dict[str, Any]) -> None:
        self._write(status, json.dumps(said, ensure_ascii=False).encode())

    def _write(self, status: int, body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def _send_found(self, said: dict[str, Any], status: int = 200) -> None:
        """Send an answer, the wrong way if that is wanted."""
        body = json.dumps(said, ensure_ascii=False).encode()
        self.server.ending.wait(self.server.delay)
        match self.server.fault:
            case "slow":
                self.server.ending.wait(SLOW)
                self._write(status, body)
            case "hang":
                self.server.ending.wait(PATIENCE)
            case "drip":
                self._drip(body)
            case "error":
                self._send(503, {"error": "on demand"})
            case "half":
                self._write(status, body[: len(body) // 2])
            case "cut":
                self._write(status, body[: len(body) // 2], len(body))
            case "not_json":
                self._write(status, b"<html>Welcome</html>")
            case "redirect":
                self.send_response(302)
                self.send_header("Location", "https://elsewhere.example/")
                self.send_header("Content-Length", "0")
                self.end_headers()
            case "huge":
                self._huge()
            case fault:
                self._send(status, _changed(said, fault))

    def _drip(self, body: bytes) -> None:
        """Send a byte now and then, beginning with the headers."""
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n"
        head += "Content-Type: application/json\r\n\r\n"
        for byte in head.encode() + body:
            self.wfile.write(bytes([byte]))
            if self.server.ending.wait(DRIP):
                return

    def _huge(self) -> None:
        """Send five gigabytes, as far as anybody takes them."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        part, sent = b'{"a": "' + b"x" * 65_529, 0
        while sent < HUGE and not self.server.ending.is_set():
            self.wfile.write(part)
            sent += len(part)


def _changed(said: dict[str, Any], fault: str) -> dict[str, Any]:
    """Return an answer with a fault in what it says."""
    found = said.get("candidates") or []
    match fault:
        case "other_case":
            return said | {"query_id": "another-case"}
        case "duplicates":
            return said | {"candidates": found * 2, "total": 2 * len(found)}
        case "twice":
            other = [row | {"summary": "Something else"} for row in found]
            return said | {"candidates": found + other, "total": 2 * len(found)}
        case "incomplete":
            return said | {"complete": False}
        case _:
            return said


@contextlib.contextmanager
def running(folder: Path, key: str, port: int = 0) -> Iterator[Server]:
    """Serve in a thread while the block lasts."""
    server = Server(folder, key, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


def wait_for(server: Server) -> None:
    """Serve until the process is interrupted."""
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()
