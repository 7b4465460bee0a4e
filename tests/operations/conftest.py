"""What the tests of the operation share."""

from dataclasses import replace

import pytest

from tests.operations.healthy import SETTINGS


@pytest.fixture
def settings(settings):
    """Secrets as an installation has them."""
    named = ("secret_key", "password_salt", "totp_key", "journal_key")
    drawn = {name: getattr(SETTINGS, name) for name in named}
    return replace(settings, **drawn, second_factor_required=True)
