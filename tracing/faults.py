"""One table of errors: what is raised, and the status it becomes."""

from marshmallow import ValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError

from tracing.models.sealed import SealBroken
from workflows.errors import (
    FactMissing,
    NotPermitted,
    NotVisible,
    RestrictionHolds,
    TransitionNotAllowed,
)
from workflows.markings import MarkNotUnderstood


class Stale(Exception):
    """The page was older than the record."""


class Unavailable(Exception):
    """The store could not take it now; trying again can help."""


class FileRefused(Exception):
    """A file is not taken; the text is a message id that says what to do."""

    def __init__(self, words: str) -> None:
        """Keep the words."""
        super().__init__(words)
        self.words = words


class NotYetChecked(Exception):
    """The scanner has not seen the file yet, so nobody may have it."""


class FileChanged(Exception):
    """What lies in the store is not what was put there."""


class AlreadyDone(Exception):
    """The same form was sent before; `reference` is what it led to."""

    def __init__(self, reference: str) -> None:
        """Keep where the first one led."""
        super().__init__(reference)
        self.reference = reference


STATUS_OF: dict[type[Exception], int] = {
    ValidationError: 422,
    FactMissing: 422,
    MarkNotUnderstood: 422,
    TransitionNotAllowed: 409,
    RestrictionHolds: 409,
    StaleDataError: 409,
    Stale: 409,
    NotYetChecked: 409,
    SealBroken: 500,
    FileChanged: 500,
    FileRefused: 422,
    NotPermitted: 403,
    NotVisible: 404,
    OperationalError: 503,
    Unavailable: 503,
}
