"""The database session as the edges may touch it: to let go of it."""

from tracing.extensions import db


def give_up() -> None:
    """Undo what an unfinished command had begun."""
    db.session.rollback()
