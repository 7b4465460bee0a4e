"""What contracts of import cannot show, read from the syntax tree."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

COMMANDS = (
    "tracing/casework/",
    "tracing/accounts/",
    "tracing/notifications/",
    "tracing/cli/",
    "tracing/directory/agreements.py",
    "tracing/directory/catalogue.py",
    "tracing/directory/exchange.py",
    "tracing/directory/importing.py",
    "tracing/directory/versions.py",
    "tracing/journal/checkpoints.py",
    "tracing/lookups/running.py",
    "tracing/operations/backup.py",
    "tracing/operations/dumps.py",
    "tracing/operations/pause.py",
    "tracing/operations/restore.py",
    "tracing/registry/importing.py",
    "tracing/upkeep/",
)
LIFECYCLE = "workflows/lifecycle.py"
LIBRARIES_OF_THE_RULES = {
    *("bisect", "collections", "dataclasses", "datetime", "enum", "functools"),
    *(
        "itertools",
        "math",
        "operator",
        "re",
        "transitions",
        "typing",
        "unicodedata",
        "workflows",
    ),
    "zoneinfo",
}
CLOCKS_AND_FILES = frozenset(("now", "today", "utcnow", "open"))


def sources(*packages: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield each file of the packages with its tree; migrations have rules of theirs."""
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith("tracing/migrations/"):
                yield name, ast.parse(path.read_text("utf-8"), name)


def commits(tree: ast.Module) -> Iterator[int]:
    """Yield the lines that call commit() on anything."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="commit")):
                yield node.lineno


def changes_of_state(tree: ast.Module) -> Iterator[int]:
    """Yield the lines that give `.state` of anything a value."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr="state", ctx=ast.Store()):
                yield node.lineno
            case ast.Call(
                func=ast.Name(id="setattr"), args=[_, ast.Constant("state"), *_]
            ):
                yield node.lineno


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the top-level name of each import, wherever it stands."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name.split(".")[0] for alias in names)
            case ast.ImportFrom(level=0, module=str(module)):
                yield module.split(".")[0]


def called(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the last name of each call."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.Call(func=ast.Name(id=name))
                | ast.Call(func=ast.Attribute(attr=name))
            ):
                yield node.lineno, name


def test_only_commands_commit():
    wrong = [
        f"{name}:{line}"
        for name, tree in sources("tracing", "workflows")
        if not name.startswith(COMMANDS)
        for line in commits(tree)
    ]
    assert not wrong, "one function, one transaction, and only in a command (rule 7)"


def test_state_changes_in_the_lifecycle_alone():
    wrong = [
        f"{name}:{line}"
        for name, tree in sources("tracing", "workflows")
        if name != LIFECYCLE
        for line in changes_of_state(tree)
    ]
    assert not wrong, "state changes through fire(), nowhere else (rule 4)"


def test_the_rules_import_from_a_short_list():
    wrong = {
        f"{name}: {library}"
        for name, tree in sources("workflows")
        for library in imported(tree)
        if library not in LIBRARIES_OF_THE_RULES
    }
    assert not wrong


def test_the_rules_are_told_the_time_and_read_no_file():
    wrong = [
        f"{name}:{line} {call}()"
        for name, tree in sources("workflows")
        for line, call in called(tree)
        if call in CLOCKS_AND_FILES
    ]
    assert not wrong, "rules take the clock as an argument (rule 5)"


@pytest.mark.parametrize(
    ("finder", "text"),
    [
        (commits, "db.session.commit()"),
        (changes_of_state, "request.state = State.CLOSED"),
        (changes_of_state, "setattr(request, 'state', State.CLOSED)"),
        (changes_of_state, "a, request.state = 1, State.CLOSED"),
        (imported, "def f():\n    import os.path"),
        (called, "datetime.now(UTC)"),
    ],
)
def test_a_planted_violation_is_found(finder, text):
    assert list(finder(ast.parse(text)))
