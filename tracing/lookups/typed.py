"""Settings of a register: a frozen dataclass says which there are, and of what kind."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, Final, TypeVar, get_type_hints

from tracing.ports import BadSetting

T = TypeVar("T")
WORDS: Final = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    tuple[str, ...]: "a list of texts",
}


def read(wanted: type[T], given: Mapping[str, Any], where: str) -> T:
    """Make the settings, or say which one is missing, unknown or of the wrong kind."""
    kinds = get_type_hints(wanted)
    rows = {row.name: row for row in fields(wanted)}  # type: ignore[arg-type]
    for name in given:
        if name not in rows:
            known = ", ".join(sorted(rows))
            raise BadSetting(f"{where}: there is no {name}; there are {known}")
    values = {n: _typed(v, kinds[n], f"{where}: {n}") for n, v in given.items()}
    for name, row in rows.items():
        optional = row.default is not MISSING or row.default_factory is not MISSING
        if name not in values and not optional:
            raise BadSetting(f"{where}: give {name}")
    try:
        return wanted(**values)
    except ValueError as error:
        raise BadSetting(f"{where}: {error}") from error


def _typed(value: Any, kind: Any, where: str) -> Any:
    if kind == tuple[str, ...]:
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return tuple(value)
    elif kind is float and type(value) in (int, float):
        return float(value)
    elif type(value) is kind:
        return value
    raise BadSetting(f"{where}: write {WORDS.get(kind, 'another value')}")
