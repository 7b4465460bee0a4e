"""Logs: one line for each request, as text or JSON, with nothing that people typed.

No query string, address, name or reference goes in: a request is told by the template
of its route. Whatever else is logged passes a sieve for addresses and references, and an
exception is told by its kind and the lines of code it came through, for what it says may
be what somebody had typed.
"""

import json
import logging
import re
import secrets
import time
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final

from flask import Flask, Response, g, has_request_context, request

log = logging.getLogger("tracing.requests")

UNMATCHED: Final = "(none)"
"""The route of a request that leads nowhere: its path is the visitor's."""

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SIEVE: Final = (
    (re.compile(r"[^\s@<>()\"']+@[^\s@<>()\"']+"), "(address)"),
    (re.compile(r"\b\d{4}-[A-Z]{2}-[0-9A-Z]{5,}\b"), "(reference)"),
    (re.compile(r"(https?://[^\s?#\"']+)[?#][^\s\"']*"), r"\1"),
)
QUIET: Final = ("alembic", "huey", "transitions")
"""They tell of each look at the tables, each sweep twice, each thought of the lifecycle."""

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def sifted(text: str) -> str:
    """Return a text without addresses, references and query strings."""
    for pattern, instead in SIEVE:
        text = pattern.sub(instead, text)
    return text


def told(error: BaseException | None) -> str:
    """Return an exception by its kind and its way, not by what it says."""
    parts = []
    while error is not None:
        way = "".join(traceback.format_tb(error.__traceback__))
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        parts.append(f"{way}{kind}")
        error = error.__cause__ or error.__context__
    return "\nafter\n".join(parts)


class _Sifting(logging.Formatter):
    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return told(ei[1])


class Text(_Sifting):
    """Lines for people."""

    def __init__(self) -> None:
        """Choose what stands in a line."""
        super().__init__("%(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; what a request is told by follows its name."""
        facts: Mapping[str, object] = getattr(record, "facts", {})
        # Another handler may have kept what the exception says.
        record.exc_text = None
        line = sifted(super().format(record))
        record.exc_text = None
        return " ".join([line, *(f"{name}={value}" for name, value in facts.items())])


class Json(_Sifting):
    """One JSON object a line, for programs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created, UTC)
        said: dict[str, object] = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": sifted(record.getMessage()),
        }
        facts: Mapping[str, object] = getattr(record, "facts", {})
        said |= facts
        if "request_id" not in said and (number := request_id()):
            said["request_id"] = number
        if record.exc_info and record.exc_info[1] is not None:
            said["exception"] = sifted(told(record.exc_info[1]))
        return json.dumps(said, ensure_ascii=False)


def formatter(kind: str = "text") -> logging.Formatter:
    """Return the formatter of a setting."""
    return Json() if kind == "json" else Text()


def set_up(kind: str) -> None:
    """Let this process write its log to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(kind))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def of_server(kind: str) -> dict[str, Any]:
    """Return how the web server writes its own lines: like ours."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"ours": {"()": "tracing.logs.formatter", "kind": kind}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "ours"}
        },
        "loggers": {
            "_granian": {"handlers": ["console"], "level": "INFO", "propagate": False},
        },
    }


# --------------------------------------------------------------------------- requests


def request_id() -> str:
    """Return the number of the request of now; ours, whatever the visitor says."""
    return str(g.get("request_id", "")) if has_request_context() else ""


def route() -> str:
    """Return the template of the route, as it was written by us."""
    rule = request.url_rule
    return rule.rule if rule is not None else UNMATCHED


def method() -> str:
    """Return the method, where it is one of those there are."""
    return request.method if request.method in METHODS else "OTHER"


def elapsed() -> float:
    """Return the seconds since the request came in."""
    return time.perf_counter() - float(g.get("began", time.perf_counter()))


def init_app(app: Flask) -> None:
    """Number each request and write its line."""

    @app.before_request
    def _begin() -> None:
        g.began = time.perf_counter()
        g.request_id = secrets.token_hex(8)

    @app.after_request
    def _end(response: Response) -> Response:
        facts = {
            "method": method(),
            "route": route(),
            "status": response.status_code,
            "ms": round(elapsed() * 1000, 1),
            "request_id": request_id(),
        }
        log.info("request", extra={"facts": facts})
        return response
