"""Points of contact: the list and one entry."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request
from flask_babel import get_locale
from werkzeug.exceptions import NotFound

from tracing.directory import countries, entries
from tracing.web.context import LANGUAGES
from workflows.vocabulary import Instrument

contacts = Blueprint("contacts", __name__, url_prefix="/points-of-contact")
BLUEPRINTS = (contacts,)
PAGE = 50


def state_asked() -> str:
    """Return the State a list is narrowed to; what is no code narrows nothing."""
    code = request.args.get("country", "").upper()
    return code if re.fullmatch("[A-Z]{2}", code) else ""


@contacts.get("")
def index() -> str:
    """List the authorities, by State, instrument and language."""
    locale = get_locale()
    reader = locale.language if locale else "en"
    chosen = {
        "country": state_asked(),
        "instrument": request.args.get("instrument", "")[:20],
        "language": request.args.get("language", "")[:5],
    }
    found = entries.find(
        **chosen,
        in_language=reader,
        after=request.args.get("after", "")[:20],
        limit=PAGE + 1,
    )
    return render_template(
        "contacts/list.html",
        found=found[:PAGE],
        later=found[PAGE - 1].code if len(found) > PAGE else None,
        countries=[
            (code, countries.name_of(code, reader))
            for code in entries.countries(reader)
        ],
        instruments=[(i.value, i.label) for i in Instrument],
        languages_list=list(LANGUAGES.items()),
        chosen=chosen,
        old=entries.is_stale,
        now=datetime.now(UTC),
    )


@contacts.get("/<code>")
def show(code: str) -> str:
    """Show one authority: how to reach it, in what language, its time now."""
    # What no code can hold is not asked of the database: one of ours refuses it.
    found = entries.get(code) if code.isprintable() else None
    if found is None:
        raise NotFound
    now = datetime.now(UTC)
    return render_template(
        "contacts/show.html",
        found=found,
        local=now.astimezone(ZoneInfo(found.zone)),
        stale=entries.is_stale(found, now),
        instruments=[Instrument(code).label for code in found.instruments],
    )
