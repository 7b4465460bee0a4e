"""One form of bytes for one value: JSON after RFC 8785, without fractions."""

import json
from collections.abc import Mapping
from datetime import date, time
from enum import StrEnum
from typing import Final

LARGEST: Final = 2**53 - 1
"""Beyond it other readers of JSON lose digits."""


def plain(value: object) -> object:
    """Return a value in the few kinds of JSON; a fraction becomes its digits."""
    match value:
        case None | bool():
            return value
        case StrEnum():
            return value.value
        case str():
            value.encode()  # half a surrogate has no bytes in UTF-8
            return value
        case int():
            if abs(value) > LARGEST:
                raise ValueError("a number of the journal has at most 53 bits")
            return value
        case float():
            return repr(value)
        case date() | time():
            return value.isoformat()
        case Mapping():
            found = {str(key): plain(inner) for key, inner in value.items()}
            return dict(sorted(found.items(), key=_by_utf16))
        case list() | tuple() | set() | frozenset():
            parts = sorted(value) if isinstance(value, set | frozenset) else value
            return [plain(inner) for inner in parts]
        case _:
            raise ValueError(f"the journal cannot keep a {type(value).__name__}")


def _by_utf16(pair: tuple[str, object]) -> bytes:
    return pair[0].encode("utf-16-be")


def canonical(value: object) -> str:
    """Return the one text of a value."""
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))
