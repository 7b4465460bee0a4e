"""What the tests of the operation share."""

import base64
from dataclasses import replace

import pytest

from tests.operations.healthy import SETTINGS
from tracing.operations.checks import DRAWN


@pytest.fixture
def settings(settings):
    """Secrets as an installation has them."""
    drawn = {name: getattr(SETTINGS, name) for name in DRAWN}
    drawn["field_keys"] = f"1:{base64.b64encode(bytes(range(32))).decode()}"
    return replace(settings, **drawn, second_factor_required=True)
