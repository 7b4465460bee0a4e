"""What the tests of isolation share."""

from tests.web.conftest import everything, of

__all__ = ["everything", "of"]
