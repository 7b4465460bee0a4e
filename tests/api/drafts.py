"""Drafts as programs send them."""

from copy import deepcopy
from datetime import timedelta

from tests import factories
from tracing.api.shapes import EXAMPLES


def draft_for(authority, **changes):
    """A draft that lacks nothing; a change names its section and its fields."""
    made = deepcopy(EXAMPLES["DraftSchema"])
    made["header"]["requested_id"] = authority.id
    found = factories.today() - timedelta(days=3)
    made["find"]["found_on"] = found.isoformat()
    for section, values in changes.items():
        made[section] |= values
    return made
