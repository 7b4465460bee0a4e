"""Requests are read in one place; where else a table of theirs is named, is listed.

What the first wall (`casework/queries.py`) does not stand before, SQLite has no second
one for: Core statements, bulk changes, SQL as text, rows taken by their number.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from tracing import models

ROOT = Path(__file__).resolve().parent.parent.parent / "tracing"
OPEN = {
    "Account",
    "AccountIdentity",
    "AccountKey",
    "AccountSession",
    "AccountToken",
    "Authority",
    "FailedAttempts",
    "Role",
}
"""They hold no case."""

OWN = {name for name in models.__all__ if hasattr(getattr(models, name), "__table__")}
OWN -= OPEN
STATEMENTS = {"select", "update", "delete", "insert", "exists"}
BY_NUMBER = {"get", "get_one"}
WHERE = {
    # the one place: every statement has its condition
    "casework/queries.py": None,
    # of one request, which was read through the one place
    "casework/apply.py": {"usual_days"},
    "casework/requesting.py": {"_is_taken", "use_form_key"},
    # `by_token` asks `visible_to`; the others are of one's own form or one request
    "casework/attachments.py": {
        *("_enter_refused", "_named", "_require_quota", "_same", "by_token"),
        *("clean_up", "of_form", "of_request", "remove", "scan_waiting", "settle"),
        "waiting_for_step",
    },
    # an operator, by leave of two
    "casework/glass.py": {"asked", "give", "opened"},
    # the journal: by chain, which is the reader's own
    "journal/checkpoints.py": {
        *("_grow", "checkpoint", "make_all", "newest", "of_days", "of_size"),
    },
    "journal/journal.py": {"_open", "erase", "<module>"},
    "journal/live.py": {"chains", "check_chain", "fault_of_tail"},
    "journal/looking.py": {"_carried", "_hashes", "page"},
    # by the authority of the person, in every statement
    "casework/keeping.py": {
        *("due_for_review", "_ended", "holds", "order", "orders", "_require_free"),
        *("_date_anew", "lift", "give"),
    },
    "casework/persons.py": {"_occurrences"},
    "casework/leaving.py": {"_permitted"},
    # the worker, for all
    "casework/erasing.py": {
        *("_due", "_forget_mail", "_is_kept", "_delete_around", "_take_files"),
        *("_delete", "_erase_entries", "carry_out", "_blank_recovery"),
        *("_forget_forms", "erase", "finish_all"),
    },
    # of the authority that asked, about one request that was read through the one place
    "casework/lookups.py": {"_why_not", "of_request", "one"},
    # the worker, for all; how a register does is of no case
    "lookups/gate.py": {"row_of", "rows"},
    "lookups/running.py": {
        *("_postpone", "claim", "claim_test", "keep", "waiting"),
    },
    # the worker sweeps for all, and shows nothing to anybody
    "accounts/unused.py": {"_begun", "_used", "switch_off"},
    "notifications/outbox.py": {
        *("_give_back", "_mark", "claim", "pending_counts", "retry_dead"),
    },
    "notifications/reminders.py": {"_owed", "_requests", "_write", "rows_of", "sweep"},
    # the command line, and what watches the service: figures and no names
    "casework/reconcile.py": {"_entered", "_requests", "differences"},
    "cli/demo.py": {"_mark_the_past_done"},
    "operations/dumps.py": {"dumped", "empty_again", "heads"},
    "operations/facts.py": {
        *("_journal", "_missing_files", "_offset", "_postgresql", "_sqlite"),
    },
    "operations/figures.py": {"gather", "unsigned_since"},
    "operations/metrics.py": {"page"},
    "operations/pause.py": {"drop_older"},
    "operations/restore.py": {"_go_on"},
}
"""Each function outside the models and migrations that names such a table."""


def named(node: ast.AST) -> set[str]:
    """The models of cases that are named anywhere in a piece of code."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} & OWN


def called(node: ast.Call) -> str:
    """The name of what is called."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def is_one(node: ast.AST) -> bool:
    """Whether a piece of code reads or changes a table of cases by itself."""
    if not isinstance(node, ast.Call):
        return False
    name = called(node)
    if name in STATEMENTS:
        return any(named(argument) for argument in node.args)
    if name in BY_NUMBER:
        return bool(node.args) and bool(named(node.args[0]))
    return name == "text"


def forms(file: Path) -> Iterator[str]:
    """The functions of a file that do so; what stands in none is the module's."""
    tree = ast.parse(file.read_text("utf-8"))
    inside = set()
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            inside.update(ast.walk(function))
            if any(map(is_one, ast.walk(function))):
                yield function.name
    if any(is_one(node) for node in ast.walk(tree) if node not in inside):
        yield "<module>"


def test_cases_are_read_where_their_condition_is_and_in_places_that_are_listed():
    found = {}
    for file in sorted(ROOT.rglob("*.py")):
        path = file.relative_to(ROOT).as_posix()
        if not path.startswith(("migrations/", "models/")) and (
            names := set(forms(file))
        ):
            found[path] = None if WHERE.get(path, names) is None else names
    assert found == WHERE


def test_a_form_that_slips_past_is_seen(tmp_path):
    for line in (
        "db.session.execute(select(TraceRequest.__table__))",
        "db.session.execute(text('SELECT 1'))",
        "db.session.execute(update(TraceRequest), [{'id': 2}])",
        "db.session.get(TraceRequest, 2)",
        "db.session.scalars(select(Person).where(Person.id == 2))",
        "db.session.execute(delete(Item))",
    ):
        file = tmp_path / "module.py"
        file.write_text(f"def page():\n    return {line}\n")
        assert list(forms(file)) == ["page"]
    file.write_text("def page():\n    return db.session.get(Account, 2)\n")
    assert list(forms(file)) == []
