"""The second door: every group of operations, behind its token."""

from typing import Final

from flask import Flask
from flask_smorest import Blueprint

from tracing.api import (
    bulk,
    directory,
    documents,
    door,
    feed,
    files,
    journal,
    lookups,
    operations,
    people,
    problems,
    requests,
    searches,
    webhooks,
)
from tracing.security.programs import ROOT

NOWHERE = Blueprint("api", __name__)
operations.nowhere(NOWHERE)
GROUPS: Final = (
    bulk.api,
    *(requests.api, files.api, lookups.api, searches.api, feed.api),
    webhooks.api,
    *(directory.api, journal.api, people.api),
)
ALL: Final = (*GROUPS, NOWHERE)
for one in ALL:
    door.stand_before(one)
    problems.stand_before(one)


def init_app(app: Flask) -> None:
    """Register the operations; none takes a form of a page."""
    for group in ALL:
        app.register_blueprint(group, url_prefix=ROOT)
    documents.init_app(app, GROUPS)
