"""For those who watch the service: ready or not, and figures. Neither names anybody."""

import hmac
import ipaddress
from datetime import UTC, datetime
from typing import Final

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import NotFound

from tracing.config import Settings
from tracing.operations import metrics, readiness

watch = Blueprint("watch", __name__)
BLUEPRINTS = (watch,)
RETRY_AFTER: Final = "15"
BY_A_PROXY: Final = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


@watch.get("/readyz")
def ready() -> Response:
    """Say whether the service can do its work, and if not, why."""
    found = readiness.reasons(now=datetime.now(UTC))
    if not found:
        return Response("ready\n", mimetype="text/plain")
    answer = Response("".join(f"{why}\n" for why in found), 503, mimetype="text/plain")
    answer.headers["Retry-After"] = RETRY_AFTER
    return answer


@watch.get("/metrics")
def figures() -> Response:
    """Give the figures to whoever knows the token; without one, to this machine."""
    settings: Settings = current_app.extensions["tracing.settings"]
    if settings.metrics_token:
        given = request.headers.get("Authorization", "")
        expected = f"Bearer {settings.metrics_token}"
        if not hmac.compare_digest(given.encode(), expected.encode()):
            answer = Response("Send the token of the figures.\n", 401)
            answer.headers["WWW-Authenticate"] = 'Bearer realm="metrics"'
            answer.mimetype = "text/plain"
            return answer
    elif settings.proxies or settings.behind_https or not _is_this_machine():
        # Behind a web server everybody comes from this machine.
        raise NotFound
    return metrics.page(now=datetime.now(UTC))


def _is_this_machine() -> bool:
    """Tell whether nobody stands between; what a proxy hands on comes from outside."""
    if any(name in request.headers for name in BY_A_PROXY):
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
