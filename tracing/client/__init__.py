"""A small client of the interface, for programs in Python and for the command line.

    desk = Client("https://tracing.example", token)
    filed = desk.file(draft)
    sent = desk.take(filed, "submit", {"authorised": True})

It needs nothing of the rest of the product. Every call that acts has a key; where the
network fails, or the server says that it is busy, the same call is sent again with it.
"""

import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import requests

ROOT: Final = "/api/v1"
TRIES: Final = 4
AGAIN: Final = frozenset({429, 502, 503, 504})
LONGEST_WAIT: Final = 30.0


class Refused(Exception):
    """The interface has answered with a problem."""

    def __init__(self, status: int, said: Mapping[str, Any]) -> None:
        """Keep its code, its sentence, and the fields it is about."""
        self.status = status
        self.code = str(said.get("code", ""))
        self.errors: list[dict[str, str]] = list(said.get("errors", ()))
        super().__init__(f"{status} {self.code}: {said.get('title', '')}")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a request stands, and the version that was read."""

    reference: str
    state: str
    href: str
    etag: str
    outcome: str | None = None

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Standing":
        """Read an answer."""
        return cls(
            said["reference"],
            said["state"],
            said["href"],
            said["etag"],
            said.get("outcome"),
        )


@dataclass(frozen=True, slots=True)
class Happened:
    """One step in the life of a request of yours."""

    step: str
    reference: str
    after: str
    by: str
    href: str


class Client:
    """One token at one desk."""

    def __init__(
        self,
        site: str,
        token: str,
        *,
        timeout: tuple[float, float] = (3.05, 30),
        language: str = "en",
    ) -> None:
        """Remember where and who."""
        self.site, self.timeout = site.rstrip("/"), timeout
        self._session = requests.Session()
        self._session.headers.update(
            {"Authorization": f"Bearer {token}", "Accept-Language": language}
        )

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str = "",
        etag: str = "",
        content: bytes | None = None,
    ) -> requests.Response:
        """Call an operation; whatever acts is sent again under the same key."""
        headers = {}
        if method != "GET":
            headers["Idempotency-Key"] = key or secrets.token_urlsafe(24)
        if etag:
            headers["If-Match"] = etag
        if content is not None:
            headers["Content-Type"] = "application/octet-stream"
        where = path if path.startswith("/") else f"{ROOT}/{path}"
        for left in reversed(range(TRIES)):
            try:
                answer = self._session.request(
                    method,
                    self.site + where,
                    json=body,
                    data=content,
                    headers=headers,
                    timeout=self.timeout,
                    allow_redirects=False,
                )
            except (requests.ConnectionError, requests.Timeout):
                if not left:
                    raise
                time.sleep(2.0 ** (TRIES - left) / 4)
                continue
            if left and answer.status_code in AGAIN:
                time.sleep(_pause(answer))
                continue
            return _checked(answer)
        raise AssertionError  # the last try has returned or raised

    def get(self, path: str) -> dict[str, Any]:
        """Read."""
        found: dict[str, Any] = self.call("GET", path).json()
        return found

    def file(self, draft: Mapping[str, Any], *, key: str = "") -> Standing:
        """Start a draft from the sections of the form."""
        return Standing.of(self.call("POST", "requests", draft, key=key).json())

    def read(self, href: str) -> dict[str, Any]:
        """Read a request in full; the journal keeps that it was read."""
        return self.get(href)

    def standing(self, href: str) -> Standing:
        """Return where a request stands."""
        return Standing.of(self.get(href))

    def possible(self, of: Standing) -> dict[str, dict[str, Any]]:
        """Return the steps that are possible now, by their names."""
        items = self.get(f"{of.href}/transitions")["items"]
        return {one["step"]: one for one in items}

    def take(
        self,
        of: Standing,
        step: str,
        fact: Mapping[str, Any] | None = None,
        *,
        key: str = "",
    ) -> Standing:
        """Take a step from the version that was read."""
        path = f"{of.href}/transitions/{step}"
        body = {} if fact is None else dict(fact)
        answer = self.call("POST", path, body, key=key, etag=of.etag)
        return Standing.of(answer.json())

    def attach(self, of: Standing, name: str, content: bytes) -> str:
        """Add a file to a draft; return its token."""
        path = f"{of.href}/files?name={quote(name, safe='')}"
        answer = self.call("POST", path, content=content)
        return str(answer.json()["token"])

    def events(self, after: str = "", *, wait: int = 0) -> Iterator[Happened]:
        """Yield what happened after a cursor; `cursor` is where to go on."""
        self.cursor = after
        more = True
        while more:
            place = f"&after={self.cursor}" if self.cursor else ""
            page = self.get(f"events?wait={wait}{place}")
            for one in page["items"]:
                names = ("step", "reference", "after", "by", "href")
                yield Happened(*(one[name] for name in names))
            self.cursor, more = page["next"], page["more"]

    def search(self, **of: str) -> list[dict[str, Any]]:
        """Search by `serial` or `name`; neither stands in any address."""
        found: list[dict[str, Any]] = self.call("POST", "searches", of).json()["items"]
        return found


def _pause(answer: requests.Response) -> float:
    said = answer.headers.get("Retry-After", "")
    return min(float(said), LONGEST_WAIT) if said.isdigit() else 1.0


def _checked(answer: requests.Response) -> requests.Response:
    if answer.status_code < 400:
        return answer
    try:
        said = answer.json()
    except ValueError:
        said = {}
    raise Refused(answer.status_code, said if isinstance(said, dict) else {})
