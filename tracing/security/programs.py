"""Where programs come in: below this address a token opens, and no cookie does."""

from typing import Final

from flask import has_request_context, request

ROOT: Final = "/api/v1"


def is_called() -> bool:
    """Tell whether this request is a program's."""
    return has_request_context() and (
        request.path == ROOT or request.path.startswith(f"{ROOT}/")
    )
