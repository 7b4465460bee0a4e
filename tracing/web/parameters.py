"""What an address may carry behind its question mark: a row for each page.

A name that the page does not know, one that comes twice and a value that it does not
take are told, never passed over: whoever gets half of what was asked for takes it for
the whole.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Final

from flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from tracing.journal.kinds import Kind
from tracing.security import programs
from tracing.web.lists import MINE_VIEWS, QUEUE_VIEWS, SIZES
from tracing.words import _
from workflows.states import AWAITING_ANSWER, OPEN, State
from workflows.vocabulary import (
    N_,
    DirectoryFunction,
    InformationItem,
    Instrument,
    Outcome,
    Use,
)

Takes = Callable[[str], bool]
Row = Mapping[str, Takes]

UNKNOWN: Final = N_(
    "This page does not know a part of its address. Use the links and the fields of"
    " the page."
)
TWICE: Final = N_(
    "The address says the same thing twice. Use the links and the fields of the page,"
    " which say it once."
)
NOT_TAKEN: Final = N_(
    "A part of the address has a value that this page does not take. Choose one on"
    " the page."
)
REVERSED: Final = N_("The last day is before the first one. Change one of the two.")


class Unreadable(BadRequest):
    """The address asks for what its page does not know; the text says what to do."""

    def __init__(self, words: str) -> None:
        """Keep the words, to be translated."""
        super().__init__()
        self.words = words


def _one_of(values: Iterable[object]) -> Takes:
    known = frozenset(map(str, values))
    return known.__contains__


def _states(states: Iterable[State]) -> Takes:
    return _one_of(state.value for state in states)


def _like(pattern: str) -> Takes:
    return lambda text: re.fullmatch(pattern, text, re.ASCII) is not None


def _day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _day_of_calendars(text: str) -> bool:
    """Take a day of this century: further on nobody can count."""
    return _day(text) and text.startswith("20")


def _reference(text: str) -> bool:
    """Take what may be typed for one: the page finds it, or says there is none."""
    return len(text) <= LONGEST and text.isprintable()


def _reads(text: str) -> bool:
    """Take words to look for."""
    return len(text) <= 200 and text.isprintable()


def _anything(_text: str) -> bool:
    """Take what the page makes safe itself, and what another service may add."""
    return True


LONGEST: Final = 64
YES: Final = _one_of(("1",))
COUNTRY: Final = _like("[A-Za-z]{2}")
NUMBER: Final = _like("[0-9]{1,15}")
PLACE: Final = _like(r"[A-Za-z0-9_.-]{1,300}")
CODE: Final = _like("[A-Za-z0-9_-]{1,20}")
LANGUAGE: Final = _like("[a-z]{2}")

NOTHING: Final[Row] = {}
GOING_ON: Final[Row] = {"next": _anything}
COUNTED: Final[Row] = {"before": NUMBER}


def _list(views: Iterable[str], states: Iterable[State]) -> Row:
    return {
        "view": _one_of(views),
        "country": COUNTRY,
        "state": _states(states),
        "rows": _one_of(SIZES),
        "at": PLACE,
    }


TAKES: Final[Mapping[str, Row]] = {
    "queue.show": _list(QUEUE_VIEWS, AWAITING_ANSWER),
    "mine.show": _list(MINE_VIEWS, OPEN),
    "contacts.index": {
        "country": COUNTRY,
        "instrument": _one_of(instrument.value for instrument in Instrument),
        "function": _one_of(function.value for function in DirectoryFunction),
        "language": _like("[a-z_]{2,5}"),
        "q": _reads,
        "after": CODE,
    },
    "calendars.show": {
        "place": _like("[A-Za-z]{2}(-[A-Za-z0-9]{1,9})?"),
        "start": _day_of_calendars,
        "days": _like("[0-9]{1,3}"),
    },
    "regimes.show": {
        "code": _like("[A-Z0-9_]{1,40}( [0-9]{1,6})?"),
        "start": _day_of_calendars,
    },
    "drafts.edit": {"all": YES},
    "requests.step": {
        "of": NUMBER,
        "use": _one_of(use.value for use in Use),
        "item": _one_of(item.value for item in InformationItem),
        "outcome": _one_of(outcome.value for outcome in Outcome),
        "add": _like("[a-z0-9_-]{1,60}"),
    },
    "files.show": {"download": YES},
    "people.rights": {"reference": _reference},
    "journal.show": {
        "person": NUMBER,
        "kind": _one_of(kind.value for kind in Kind),
        "reference": _reference,
        "since": _day,
        "until": _day,
        **COUNTED,
    },
    "journal.of_request": {
        "view": _one_of(("seen",)),
        "person": _like("[0-9]{1,2}"),
        **COUNTED,
    },
    "journal.heads": COUNTED,
    "keeping.index": {"after": _like("[0-9]{4}-[0-9]{2}-[0-9]{2}[.][0-9]{1,15}")},
    "records.shared": {"after": NUMBER},
    "records.told": COUNTED,
    "record_reviews.index_": {"after": NUMBER},
    "home.language": {"back": _anything},
    "static": {"v": _like("[0-9a-f]{12}")},
    # The other service may add what the standard lets it add.
    "signing.back": {"*": _anything},
} | dict.fromkeys(
    (
        "signing.sign_in",
        "signing.give_password",
        "signing.code",
        "signing.recovery",
        "signing.use_key",
        "signing.set_up",
        "signing.finish_set_up",
        "signing.confirm",
        "signing.elsewhere",
        "account.new_key",
    ),
    GOING_ON,
)
"""What each page takes; a page that is not here takes nothing."""


def check() -> None:
    """Refuse an address that its page could not read in full."""
    if programs.is_called():
        return
    if request.endpoint is not None and request.query_string:
        row = TAKES.get(request.endpoint, NOTHING)
        if words := _fault(request.args, row):
            raise Unreadable(_(words))


def _fault(given: MultiDict[str, str], row: Row) -> str | None:
    for name, values in given.lists():
        takes = row.get(name, row.get("*"))
        if takes is None:
            return UNKNOWN
        if len(values) > 1:
            return TWICE
        # An empty field of a form says nothing.
        if values[0] and not takes(values[0]):
            return NOT_TAKEN
    since, until = given.get("since"), given.get("until")
    return REVERSED if since and until and until < since else None
