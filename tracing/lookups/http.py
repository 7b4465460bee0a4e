"""The one way out by HTTP, for every adapter.

HTTPS to the hosts that are set, and no further: the address a name resolves to is
checked, and that address is connected to. One deadline is over it all, from the first
packet to the last byte; when it passes, the socket is closed from outside, so that
nobody holds us by sending a byte now and then.
"""

import contextlib
import ipaddress
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from tracing.lookups.port import NotAnswered
from tracing.schemas.strict_json import Json, JsonRefused, load_object
from workflows.vocabulary import LookupOutcome

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

CHUNK: Final = 16 * 1024
PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 5.0
BUSY: Final = frozenset({429, 502, 503, 504})
"""What a try again may cure."""

# `is_global` of the library lets some of these pass.
NEVER: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8"),
            *("169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24"),
            *("192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
            *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
            *("::/128", "::1/128", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48"),
            *("100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fc00::/7"),
            *("fe80::/10", "fec0::/10", "ff00::/8"),
        ),
    )
)
"""Networks of this machine, of this house, and of nobody."""


class AddressRefused(OSError):
    """A name resolves to where we do not go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """How a register is reached. Times are seconds; files stand in the instance folder.

    `networks`: private networks it may stand in, such as `10.1.0.0/16`.
    `fingerprint`: SHA-256 of its certificate, where that is to stay the same.
    """

    url: str
    hosts: tuple[str, ...] = ()
    ports: tuple[str, ...] = ("443",)
    networks: tuple[str, ...] = ()
    ca_file: str = ""
    client_certificate: str = ""
    client_key: str = ""
    fingerprint: str = ""
    api_key: str = ""
    connect_timeout: float = 3.0
    read_timeout: float = 5.0
    deadline: float = 15.0
    most_bytes: int = 1_000_000
    tries: int = 3

    def __post_init__(self) -> None:
        """Refuse what cannot be safe, before anything is sent."""
        parts = urlsplit(self.url)
        if parts.scheme != "https" or not parts.hostname or parts.username:
            raise ValueError("url: write https:// and a host")
        if parts.query or parts.fragment:
            raise ValueError("url: leave out what follows after ? and #")
        if parts.hostname not in (self.hosts or (parts.hostname,)):
            raise ValueError(f"url: {parts.hostname} is not among the hosts")
        if str(parts.port or 443) not in self.ports:
            raise ValueError(f"ports: add {parts.port}, or use 443")
        if bool(self.client_certificate) != bool(self.client_key):
            raise ValueError("give both client_certificate and client_key")
        digits = self.fingerprint.replace(":", "")
        if digits and (
            len(digits) != 64 or set(digits.lower()) - {*"0123456789abcdef"}
        ):
            raise ValueError("fingerprint: write the 64 hexadecimal digits of SHA-256")
        if not 0 < self.connect_timeout <= self.deadline <= 40:
            raise ValueError("deadline: more than connect_timeout, and at most 40")
        for network in self.networks:
            ipaddress.ip_network(network)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whole."""

    body: bytes
    said: Mapping[str, Json]


def is_allowed(address: Address, networks: tuple[str, ...] = ()) -> bool:
    """Tell whether an address is out in the world, or in a network that is named."""
    if any(address in ipaddress.ip_network(network) for network in networks):
        return True
    if address in NEVER_OF[address.version]:
        return False
    return not (address.is_multicast or address.is_reserved or address.is_loopback)


class _Networks:
    """Some networks of one version."""

    def __init__(self, version: int) -> None:
        self.networks = [one for one in NEVER if one.version == version]

    def __contains__(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


NEVER_OF: Final = {4: _Networks(4), 6: _Networks(6)}


def checked(host: str, port: int, networks: tuple[str, ...]) -> list[str]:
    """Return the addresses of a host; one that is refused refuses them all."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(row[4][0]) for row in found))
    for text in addresses:
        if not is_allowed(ipaddress.ip_address(text.partition("%")[0]), networks):
            raise AddressRefused(f"{host} resolves to an address that is not allowed")
    return addresses


# ---------------------------------------------------------------------- the deadline


class Deadline:
    """An end in time for one exchange: it closes the sockets that are held by it."""

    def __init__(self, seconds: float) -> None:
        """Begin to count."""
        self.end = time.monotonic() + seconds
        self._held: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._close)
        self._timer.daemon = True
        self._timer.start()

    @property
    def left(self) -> float:
        """Return the seconds that are left."""
        return max(self.end - time.monotonic(), 0.0)

    @property
    def passed(self) -> bool:
        """Tell whether it is over."""
        return self.left == 0.0

    def hold(self, one: socket.socket) -> None:
        """Close this connection, too; TLS takes the socket itself away from us."""
        with self._lock:
            if self.passed:
                one.close()
                raise TimeoutError("the deadline has passed")
            self._held.append(one.dup())

    def _close(self) -> None:
        with self._lock:
            for one in self._held:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def done(self) -> None:
        """Stop counting."""
        self._timer.cancel()
        with self._lock:
            for one in self._held:
                one.close()
            self._held.clear()


class _Connection(HTTPSConnection):
    """Connects to the address that was checked; the name stays that of the host."""

    def __init__(
        self, *args: Any, deadline: Deadline, networks: tuple[str, ...], **given: Any
    ) -> None:
        super().__init__(*args, **given)
        self.deadline, self.networks = deadline, networks

    def connect(self) -> None:
        """Connect, or leave nothing open."""
        try:
            super().connect()
        except BaseException:
            self.close()
            raise

    def _new_conn(self) -> socket.socket:
        fault: OSError = AddressRefused(f"{self.host} has no address")
        try:
            addresses = checked(self.host, self.port, self.networks)
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error
        for address in addresses:
            wait = max(min(float(self.timeout or 1), self.deadline.left), 0.01)
            try:
                found = socket.create_connection((address, self.port), wait)
            except OSError as error:
                fault = error
                continue
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.deadline.hold(found)
            return found
        if isinstance(fault, TimeoutError):
            raise fault
        raise NewConnectionError(self, str(fault)) from fault


class _Adapter(HTTPAdapter):
    """Makes such connections, for one exchange."""

    def __init__(self, deadline: Deadline, settings: HttpSettings) -> None:
        self.deadline, self.settings = deadline, settings
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **given: Any) -> None:
        if self.settings.fingerprint:
            given["assert_fingerprint"] = self.settings.fingerprint
        super().init_poolmanager(*args, **given)
        self.poolmanager.pool_classes_by_scheme = {"https": self._pool}

    def _pool(self, host: str, port: int, **given: Any) -> HTTPSConnectionPool:
        pool = HTTPSConnectionPool(host, port, **given)
        made: Any = partial(
            _Connection, deadline=self.deadline, networks=self.settings.networks
        )
        pool.ConnectionCls = made
        return pool


# ------------------------------------------------------------------------ the client


class Client:
    """Speaks JSON with one register."""

    def __init__(self, settings: HttpSettings, folder: Path) -> None:
        """Keep the settings; nothing is opened yet."""
        self.settings = settings
        self.folder = folder

    def ask(
        self,
        method: str,
        path: str,
        said: Mapping[str, object] | None = None,
        *,
        safe: bool,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one question and return the answer, or raise NotAnswered.

        `safe`: asking twice changes nothing there, so a failure is tried again as long
        as there is time.
        """
        body = None if said is None else json.dumps(said, ensure_ascii=False).encode()
        deadline = Deadline(self.settings.deadline)
        try:
            for left in range(self.settings.tries - 1 if safe else 0, -1, -1):
                try:
                    return self._once(method, path, body, headers or {}, deadline)
                except _Again as again:
                    pause = min(again.after or PAUSE, LONGEST_PAUSE)
                    if not left or pause >= deadline.left:
                        raise again.fault from again
                    time.sleep(pause)
            raise AssertionError("the last try returns or raises")
        finally:
            deadline.done()

    def _once(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        deadline: Deadline,
    ) -> Reply:
        with _faults(deadline), requests.Session() as session:
            session.trust_env = False
            session.mount("https://", _Adapter(deadline, self.settings))
            with session.request(
                method,
                self.settings.url.rstrip("/") + path,
                data=body,
                headers=self._headers(body) | dict(headers),
                timeout=(
                    min(self.settings.connect_timeout, deadline.left or 0.01),
                    min(self.settings.read_timeout, deadline.left or 0.01),
                ),
                allow_redirects=False,
                stream=True,
                verify=self._file(self.settings.ca_file) or True,
                cert=self._certificate(),
            ) as answer:
                _judge(answer)
                return self._read(answer)

    def _headers(self, body: bytes | None) -> dict[str, str]:
        found = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "tracing",
        }
        if body is not None:
            found["Content-Type"] = "application/json"
        if self.settings.api_key:
            found["Authorization"] = f"Bearer {self.settings.api_key}"
        return found

    def _file(self, name: str) -> str:
        return str(self.folder / name) if name else ""

    def _certificate(self) -> tuple[str, str] | None:
        if not self.settings.client_certificate:
            return None
        return (
            self._file(self.settings.client_certificate),
            self._file(self.settings.client_key),
        )

    def _read(self, answer: requests.Response) -> Reply:
        most = self.settings.most_bytes
        length = answer.headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > most:
            raise _not_understood("The answer is larger than we take.")
        body = bytearray()
        for part in answer.iter_content(CHUNK):
            body += part
            if len(body) > most:
                raise _not_understood("The answer is larger than we take.", body[:most])
        try:
            return Reply(bytes(body), load_object(bytes(body), most_bytes=most))
        except JsonRefused as error:
            why = f"The answer is no JSON that we take: {error.code}."
            raise _not_understood(why, body) from error


def deliver(
    settings: HttpSettings, folder: Path, body: bytes, headers: Mapping[str, str]
) -> int:
    """Send one message and return the status; what else is answered is not read.

    It raises OSError where nobody answers, or where we do not go.
    """
    deadline = Deadline(settings.deadline)
    try:
        with requests.Session() as session:
            session.trust_env = False
            session.mount("https://", _Adapter(deadline, settings))
            with session.post(
                settings.url,
                data=body,
                headers={"User-Agent": "tracing"} | dict(headers),
                timeout=(settings.connect_timeout, settings.read_timeout),
                allow_redirects=False,
                stream=True,
                verify=str(folder / settings.ca_file) if settings.ca_file else True,
            ) as answer:
                return answer.status_code
    finally:
        deadline.done()


class _Again(Exception):
    """It may help to try again; `fault` is what to say if not."""

    def __init__(self, fault: NotAnswered, after: float | None = None) -> None:
        super().__init__(str(fault))
        self.fault, self.after = fault, after


def _not_understood(why: str, raw: bytes | bytearray = b"") -> NotAnswered:
    return NotAnswered(LookupOutcome.NOT_UNDERSTOOD, why, raw=bytes(raw))


def _judge(answer: requests.Response) -> None:
    """Go on with a 200 or 201 in plain JSON; say of any other what it means."""
    code = answer.status_code
    if code in BUSY or code >= 500:
        fault = NotAnswered(LookupOutcome.UNAVAILABLE, f"It answered {code}.")
        if code not in BUSY:
            raise fault
        after = answer.headers.get("Retry-After", "")
        raise _Again(fault, float(after) if after.isdecimal() else None)
    if code in (401, 403):
        raise NotAnswered(LookupOutcome.NOT_PERMITTED, f"It refuses us: {code}.")
    if 300 <= code < 400:
        raise _not_understood("It leads elsewhere; we do not follow.")
    if code not in (200, 201):
        raise _not_understood(f"It answered {code}.")
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _not_understood("It answered something else than JSON.")
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _not_understood("It answered in an encoding that we did not ask for.")


@contextlib.contextmanager
def _faults(deadline: Deadline) -> Iterator[None]:
    """Say of each way to fail what it means; a time-out first, whatever it looks like."""
    try:
        yield
    except (NotAnswered, _Again) as fault:
        # What we made of half a header that our own hand cut off.
        if deadline.passed:
            raise _late() from fault
        raise
    except requests.Timeout as error:
        raise _late() from error
    except (requests.RequestException, OSError, ValueError) as error:
        if deadline.passed or _is_timeout(error):
            raise _late() from error
        if isinstance(error, requests.exceptions.ChunkedEncodingError):
            raise _not_understood("The answer broke off in the middle.") from error
        raise _unreachable(error) from error


def _late() -> NotAnswered:
    return NotAnswered(LookupOutcome.TIMED_OUT, "No answer came in time.")


def _is_timeout(error: BaseException | None) -> bool:
    """Tell whether a time-out is behind an error."""
    while error is not None:
        if isinstance(error, TimeoutError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _unreachable(error: Exception) -> Exception:
    text = str(error)
    if isinstance(error, requests.exceptions.SSLError):
        why = "Its certificate, or ours, is not accepted."
        if "ingerprint" in text:
            why = "Its certificate is not the one that is pinned."
        return NotAnswered(LookupOutcome.UNAVAILABLE, why)
    if "address that is not allowed" in text:
        why = "Its name leads to an address that is not allowed."
        return NotAnswered(LookupOutcome.UNAVAILABLE, why)
    fault = NotAnswered(LookupOutcome.UNAVAILABLE, "It cannot be reached.")
    return _Again(fault)
