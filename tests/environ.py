"""What the environment of an installation holds in tests: its secrets, all drawn."""

import base64

from tracing.operations.checks import DRAWN

SECRETS = {f"TRACING_{name.upper()}": "a-secret-of-this-test-" * 2 for name in DRAWN}
SECRETS["TRACING_FIELD_KEYS"] = f"1:{base64.b64encode(bytes(range(32))).decode()}"
