"""Response headers: content policy, no framing, no storing of private pages."""

from typing import Final

from flask import Flask, Response, request

from tracing.config import Settings

RULES: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "object-src 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
)
POLICY: Final = "; ".join(RULES)

NOT_NEEDED: Final = (
    "camera",
    "display-capture",
    "geolocation",
    "microphone",
    "payment",
    "usb",
)
SANDBOX: Final = "sandbox; default-src 'none'; frame-ancestors 'none'"
"""For what a person uploaded: nothing in it runs, loads or is framed."""

ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Permissions-Policy": ", ".join(f"{what}=()" for what in NOT_NEEDED),
}
ERRORS: Final = 400


def init_app(app: Flask, settings: Settings) -> None:
    """Put the headers on every answer."""

    @app.after_request
    def _headers(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.update(ALWAYS)
        if settings.behind_https:
            response.headers["Strict-Transport-Security"] = (
                "max-age=31536000; includeSubDomains"
            )
        if request.endpoint != "static" or response.status_code >= ERRORS:
            response.headers["Cache-Control"] = "private, no-store"
        return response
