"""Addresses of this site that a visitor brings along."""

from urllib.parse import urlsplit

from flask import request


def inside(address: str, otherwise: str = "/") -> str:
    """Return an address if it is one of this site's pages, else another."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return otherwise
    ours = not parts.netloc and not parts.scheme and parts.path.startswith("/")
    if not ours or parts.path.startswith(("//", "/\\")) or "\\" in address:
        return otherwise
    if any(sign < " " for sign in address):
        return otherwise
    return parts.path + (f"?{parts.query}" if parts.query else "")


def wanted() -> str:
    """Return where the visitor was going before the door."""
    return inside(request.args.get("next", "/"))
