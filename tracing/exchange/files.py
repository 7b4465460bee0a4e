"""A file that comes in: which format it is, and what it says."""

from typing import Any

from tracing.exchange import niem
from tracing.exchange.document import Unfit, check
from tracing.schemas.strict_json import JsonRefused, load_object
from workflows.vocabulary import N_


def read(body: bytes, *, most_bytes: int = niem.MOST_BYTES) -> dict[str, Any]:
    """Return the document in a file, JSON or XML, or tell what is wrong with it."""
    begin = body[:100].removeprefix(b"\xef\xbb\xbf").lstrip()
    if begin.startswith(b"<"):
        return check(niem.read(body, most_bytes=most_bytes))
    if not begin.startswith(b"{"):
        raise Unfit([("", N_("Choose a file of JSON or XML that was exported"))])
    try:
        return check(load_object(body, most_bytes=most_bytes))
    except JsonRefused as error:
        raise Unfit([(error.path, error.words)]) from error
