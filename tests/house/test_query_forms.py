"""Requests are read in one place; where else a table of theirs is named, is listed.

What the first wall (`casework/queries.py`) does not stand before, SQLite has hardly a
second one for: Core statements, bulk changes, SQL as text, what is joined or counted.
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
    "CalendarChange",
    "CalendarVersion",
    "FailedAttempts",
    # Shared by all: what things are called.
    "Alias",
    "Calibre",
    "Make",
    "Model",
    "Plant",
    "OfficeHoursVersion",
    "RegimeVersion",
    "AuthorityVersion",
    "Bounce",
    "DirectoryLink",
    "DirectoryWork",
    "MarkingPicture",
    "Proposal",
    "Role",
}
"""They hold no case."""

OWN = {name for name in models.__all__ if hasattr(getattr(models, name), "__table__")}
OWN -= OPEN
AS_TEXT = {"text", "exec_driver_sql"}
WHERE = {
    # the one place: every statement has its condition
    "casework/queries.py": None,
    # of one request, which was read through the one place
    "casework/apply.py": {"usual_days"},
    "casework/requesting.py": {"use_form_key"},
    # `by_token` asks `visible_to`; the others are of one's own form or one request
    "casework/attachments.py": {
        *("_enter_refused", "_named", "_require_quota", "_same", "by_token"),
        *("clean_up", "of_form", "of_request", "remove", "scan_waiting", "settle"),
        *("waiting_for_step", "_require_draft", "misplaced"),
        *("_enter_refused", "_named", "_number", "_of_either", "_of_form"),
        *("_require_quota", "_require_room", "_same", "by_token", "clean_up"),
        *("copy_to", "of_form", "of_request", "remove", "scan_waiting", "settle"),
        *("waiting_for_step", "<module>"),
    },
    # an operator, by leave of two
    "casework/glass.py": {"asked", "give", "opened"},
    # the journal: by chain, which is the reader's own
    "journal/checkpoints.py": {
        *("_grow", "checkpoint", "make_all", "newest", "of_days", "of_size"),
    },
    "journal/journal.py": {"_open", "erase", "<module>"},
    "journal/live.py": {
        *("_before", "_is_long", "chains", "check_chain", "fault_of_tail"),
    },
    "journal/looking.py": {"_carried", "_hashes", "page"},
    "journal/following.py": {"steps"},
    # by the account that called; of a token, by its hash or its authority
    "casework/calls.py": {
        *("_forget_old", "_row", "begin", "result", "sweep"),
    },
    "casework/webhooks.py": {
        *(
            "_alive",
            "_claim",
            "_has_token",
            "_mark",
            "_plan",
            "deliveries",
            "make",
            "one",
        ),
        *("own", "resend"),
    },
    "accounts/tokens.py": {"_note_use", "_tokens", "find", "revoke"},
    # by the authority of the person, in every statement
    "casework/keeping.py": {
        *("due_for_review", "_ended", "holds", "order", "orders", "_require_free"),
        *("_date_anew", "lift", "give", "set_years"),
    },
    "casework/persons.py": {"_occurrences"},
    "casework/leaving.py": {"_limits", "_permitted"},
    # the worker, for all
    "casework/erasing.py": {
        *(
            "_blank",
            "_decided",
            "due",
            "is_held",
            "oldest_undone",
            "_due",
            "_forget_mail",
            "_is_kept",
            "_delete_around",
            "_take_files",
        ),
        *("_delete", "_erase_entries", "carry_out", "_blank_recovery", "_of_lookups"),
        *("_forget_forms", "_blank", "_is_gone", "erase", "finish_all"),
    },
    "casework/resealing.py": {"_whose", "all_kept"},
    # of the authority that asked, about one request that was read through the one place
    "casework/lookups.py": {"_own", "_why_not", "of_request", "one"},
    # by the authority of the person, or the one for which a look-up works
    "casework/records.py": {
        *("_columns", "_of_others", "_own", "detail", "events_of", "one", "shared_of"),
    },
    "casework/registry.py": {"_copied", "_number_before", "_require_new", "publish"},
    # the worker, for all; what the owner reads, by its authority
    "casework/sightings.py": {
        *("_by_request", "_compare_one", "_keep", "_seen", "rows"),
        *("references", "see", "told", "unseen"),
    },
    "casework/reviews.py": {
        *(
            *("<module>", "_forget", "_reapply", "_due", "_erase", "_is_due"),
            *("carry_out", "due", "one"),
        ),
    },
    # by the authority of the person; the worker and the command line by what they hold
    "casework/imports.py": {
        *(
            "_held",
            "_known_mapping",
            "_prepare",
            "as_it_stands",
            "choose",
            "claim",
            "go_on_here",
        ),
        *("of_authority", "one", "tidy", "work"),
    },
    # every statement has the authority of the import
    "casework/import_writing.py": {"_change", "_said", "stage"},
    "casework/record_export.py": {"_items", "_some"},
    # of one's own look-ups, which were read there
    "casework/answers.py": {"verdicts_of"},
    "casework/domestic.py": {"answered"},
    # of one's own row; the worker, for all: who is told of is asked by its owner's leave
    "casework/introductions.py": {
        *("_back", "_may_be_told", "_to_owner", "answer", "ask", "carry"),
        *("of_request", "others", "rows"),
    },
    # the worker, for all; pages read by the authority of the person
    "casework/notices.py": {"_source", "_told", "of_authority"},
    # of one request, which was read through the one place
    "casework/explaining.py": {"moves_of"},
    # the worker, for all: what a new calendar moves
    "casework/moving.py": {
        *("<module>", "_batches", "_one_by_one", "_move"),
        *("_owe_anew", "_steps", "_untold", "_write_dates", "tell"),
    },
    # the worker, for all; how a register does is of no case
    "lookups/gate.py": {"broken", "row_of", "rows"},
    "lookups/running.py": {
        *("_postpone", "claim", "claim_test", "due", "keep", "waiting"),
        "with_notices_of_nobody",
    },
    # the worker sweeps for all, and shows nothing to anybody
    "accounts/unused.py": {"_begun", "_used", "_used_by_programs", "switch_off"},
    "notifications/outbox.py": {
        *("_give_back", "_mark", "claim", "pending_counts", "retry_dead"),
    },
    "notifications/reminders.py": {"_owed", "_requests", "_write", "rows_of", "sweep"},
    "upkeep/bounces.py": {"_keep", "from_server"},
    # the command line, and what watches the service: figures and no names
    "casework/reconcile.py": {
        "_entered",
        "_files",
        "_gone",
        "_requests",
        "differences",
    },
    "cli/demo.py": {"_mark_the_past_done"},
    "operations/dumps.py": {
        *("_is_alone", "_make_roles", "dumped", "empty_again", "heads"),
        *("_make_roles", "dumped", "empty_again", "heads", "requests"),
        "require_owner",
    },
    "operations/facts.py": {
        *("_journal", "_files", "_offset", "_postgresql", "_sqlite"),
    },
    "operations/figures.py": {"gather", "unsigned_since"},
    "operations/metrics.py": {"page"},
    "operations/pause.py": {"drop_older"},
    "operations/restore.py": {"_go_on"},
    # the settings of a connection; the second wall itself
    "extensions.py": {"_begin", "be_patient", "guard_sqlite"},
    "security/isolation.py": {
        *("_seen", "narrow", "show_token", "tell", "<module>"),
    },
}
"""Each function outside the models and migrations that names such a table.

Found wherever a model stands in an expression, for every form of reading begins there.
"""


def quiet(tree: ast.AST) -> set[int]:
    """What only names a model: an annotation, a new row, a question of kind."""
    found: set[int] = set()
    for node in ast.walk(tree):
        silent: list[ast.AST | None] = []
        if isinstance(node, ast.FunctionDef):
            every = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            silent = [node.returns, *(one.annotation for one in every)]
        elif isinstance(node, ast.AnnAssign):
            silent = [node.annotation]
        elif isinstance(node, ast.Call):
            found.add(id(node.func))
            silent = list(node.args) if called(node) in ("isinstance", "cast") else []
        for part in filter(None, silent):
            found.update(map(id, ast.walk(part)))
    return found


def aliases(tree: ast.AST) -> tuple[set[str], set[str]]:
    """Under which names a file has models of cases, and modules that hold them."""
    models_here, modules = set(), {"models"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for one in node.names:
                if node.module.startswith("tracing.models") and one.name in OWN:
                    models_here.add(one.asname or one.name)
                if (node.module, one.name) == ("tracing", "models"):
                    modules.add(one.asname or one.name)
        if isinstance(node, ast.Import):
            modules |= {one.asname for one in node.names if one.asname}
    return models_here, modules


def called(node: ast.Call) -> str:
    """The name of what is called."""
    return name_of(node.func)


def name_of(node: ast.AST) -> str:
    """The last word of a name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def uses(tree: ast.AST) -> Iterator[int]:
    """Where a model of cases stands in an expression, or SQL is text."""
    models_here, modules = aliases(tree)
    silent = quiet(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) in AS_TEXT:
            yield id(node)
        if id(node) in silent:
            continue
        if isinstance(node, ast.Name) and node.id in models_here:
            yield id(node)
        if (
            isinstance(node, ast.Attribute)
            and node.attr in OWN
            and name_of(node.value) in modules
        ):
            yield id(node)


def forms(file: Path) -> Iterator[str]:
    """The functions of a file that do so; what stands in none is the module's."""
    tree = ast.parse(file.read_text("utf-8"))
    found = set(uses(tree))
    inside: set[int] = set()
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            here = set(map(id, ast.walk(function)))
            inside |= here
            if here & found:
                yield function.name
    if found - inside:
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
    file = tmp_path / "module.py"
    begins = (
        "from tracing import models\n"
        "from tracing.models import Account, Item, Person, Person as Somebody\n"
        "from tracing.models.trace_request import TraceRequest\n"
    )
    for line in (
        "db.session.execute(select(TraceRequest.__table__))",
        "db.session.execute(text('SELECT 1'))",
        "connection.exec_driver_sql('SELECT 1')",
        "db.session.execute(update(TraceRequest), [{'id': 2}])",
        "db.session.get(TraceRequest, 2)",
        "db.session.query(Person).all()",
        "db.session.execute(Person.__table__.select())",
        "db.session.scalars(select(Person).where(Person.id == 2))",
        "db.session.scalars(select(Somebody))",
        "db.session.scalars(select(models.Person))",
        "db.session.execute(select(Account).join(Person))",
        "db.session.scalar(select(func.count()).select_from(Person))",
        "db.session.execute(delete(Item))",
        "shown(Person)",
    ):
        file.write_text(f"{begins}def page():\n    return {line}\n")
        assert list(forms(file)) == ["page"], line
    for line in (
        "return db.session.get(Account, 2)",
        "return Person(role=role)",
        "return isinstance(found, Person)",
        "found: Person = given",
    ):
        file.write_text(f"{begins}def page(one: Person) -> Item:\n    {line}\n")
        assert list(forms(file)) == [], line
