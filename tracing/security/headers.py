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
    "trusted-types 'none'",
)
POLICY: Final = "; ".join(RULES)

NOT_NEEDED: Final = (
    "accelerometer",
    "autoplay",
    "browsing-topics",
    "camera",
    "clipboard-read",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "idle-detection",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "otp-credentials",
    "payment",
    "picture-in-picture",
    "screen-wake-lock",
    "serial",
    "storage-access",
    "usb",
    "window-management",
    "xr-spatial-tracking",
)
OWN: Final = ("publickey-credentials-create", "publickey-credentials-get")
"""Security keys: for the pages of this site alone."""

SANDBOX: Final = "sandbox; default-src 'none'; frame-ancestors 'none'"
"""For what a person uploaded: nothing in it runs, loads or is framed."""

ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Permissions-Policy": ", ".join(
        [f"{what}=()" for what in NOT_NEEDED] + [f"{what}=(self)" for what in OWN]
    ),
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
