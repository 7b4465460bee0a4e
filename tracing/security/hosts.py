"""Which names the site answers to; a request for any other is refused.

What a request says its host is comes from whoever sends it. Nothing of ours builds an
address from it, and this keeps it so for caches and proxies between.
"""

import re
from typing import Final

from flask import Flask, Response, request
from werkzeug.sansio.utils import host_is_trusted

from tracing.config import Settings

HOST: Final = re.compile(
    r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?"
)
NOT_HERE: Final = (
    "This address is not served here."
    " Use the address that your administrator gave you.\n"
)
"""In no page of ours: without a host none of its links could be made."""


def init_app(app: Flask, settings: Settings) -> None:
    """Refuse other hosts before anything else looks at the request."""
    allowed = settings.hosts

    @app.before_request
    def _host() -> Response | None:
        asked = request.headers.get("Host", "")
        known = HOST.fullmatch(asked) is not None
        if known and (not allowed or host_is_trusted(asked.lower(), allowed)):
            return None
        return Response(NOT_HERE, 400, mimetype="text/plain")
