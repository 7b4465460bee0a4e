"""What the tests of the interface share."""

import pytest

from tests.programs import program
from tests.web.conftest import everything, of

__all__ = ["everything", "of"]


@pytest.fixture
def asking(app, of):
    """The program of who asks."""
    return program(app, of.investigator)


@pytest.fixture
def asked(app, of):
    """The program of who answers."""
    return program(app, of.officer)
