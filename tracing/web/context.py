"""What every page knows: language, who is signed in, the way around."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from flask import Flask, current_app, request, session, url_for
from flask_babel import get_locale
from markupsafe import Markup

from tracing.accounts import sessions
from tracing.accounts.actors import current_actor
from tracing.casework import notices
from tracing.directory import countries
from tracing.security import programs
from tracing.web.counts import counts_of
from tracing.words import _
from workflows.policies import (
    CASE_ROLES,
    Actor,
    Role,
    may_answer,
    may_file,
    may_import,
    may_keep,
    may_read_journal,
    may_use_records,
)

LANGUAGES: Final = {
    "ar": "العربية",
    "zh": "中文",
    "en": "English",
    "fr": "Français",
    "ru": "Русский",
    "es": "Español",
}


@dataclass(frozen=True, slots=True)
class Way:
    """One entry of the navigation."""

    url: str
    label: str
    count: int | None
    current: bool


@dataclass(frozen=True, slots=True)
class Language:
    """One language the pages can be read in."""

    code: str
    name: str
    dir: str
    url: str
    current: bool


def choose_language() -> str:
    """Return the language chosen here, else the account's, else the browser's."""
    if programs.is_called():
        return request.accept_languages.best_match(list(LANGUAGES)) or _own() or "en"
    chosen = session.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    if own := _own():
        return own
    return request.accept_languages.best_match(list(LANGUAGES)) or "en"


def _own() -> str | None:
    """Return the language of the account."""
    actor = current_actor()
    known = actor is not None and actor.language in LANGUAGES
    return actor.language if actor is not None and known else None


@lru_cache(maxsize=64)
def _address(root: str, folder: str, name: str) -> str:
    content = Path(folder, name).read_bytes()
    return f"{root}/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


def asset(name: str) -> str:
    """Return the address of a static file; it changes with its content."""
    return _address(request.script_root, current_app.static_folder or "", name)


def ways(actor: Actor) -> list[Way]:
    """Return where this person can go, with how much waits there."""
    here = request.endpoint or ""
    found = []

    def add(endpoint: str, label: str, count: int | None = None) -> None:
        current = here == endpoint or here.startswith(
            f"{endpoint.split('.', maxsplit=1)[0]}.x"
        )
        found.append(Way(url_for(endpoint), label, count, current))

    sees = not actor.roles.isdisjoint(CASE_ROLES)
    waiting = counts_of(actor, now=datetime.now(UTC)) if sees else {}
    if sees and (may_answer(actor) or actor.is_any(Role.AUDITOR)):
        add("queue.show", _("To answer"), waiting["queue", "urgent"])
    if may_file(actor):
        add("drafts.new", _("New request"))
    if sees:
        add("mine.show", _("My requests"), waiting["mine", "open"])
    if may_use_records(actor):
        add("records.index", _("Own records"))
    if sees and notices.tellers():
        add("registers.hits", _("Hits on our records"))
    add("contacts.index", _("Points of contact"))
    if may_import(actor):
        add("imports.index", _("Files of records"))
    add("regimes.show", _("Time limits"))
    add("calendars.show", _("Calendars"))
    if may_read_journal(actor):
        add("journal.show", _("Journal"))
    if actor.is_any(Role.ADMINISTRATOR, Role.SUPERVISOR):
        add("outgoing.show", _("Outgoing messages"))
    if may_keep(actor):
        add("keeping.index", _("Kept requests"))
    if actor.is_any(Role.ADMINISTRATOR):
        add("people.index", _("People"))
        add("tokens.index", _("Programs"))
    if actor.is_any(Role.ADMINISTRATOR, Role.OPERATOR):
        add("registers.index", _("Registers"))
    if actor.is_any(Role.OPERATOR):
        add("emergency.index", _("Emergency"))
    return found


def _nav(actor: Actor | None) -> list[Way]:
    """Return the ways of who may go them: whoever lacks a key learns no number."""
    return ways(actor) if actor and sessions.goes_anywhere() else []


def _languages() -> list[Language]:
    now = get_locale()
    # Where there is no page there is none to come back to, and nothing to repeat.
    here = "/"
    if request.endpoint not in (None, "static"):
        here = request.path
    return [
        Language(
            code,
            name,
            Locale.parse(code).text_direction,
            url_for("home.language", code=code, back=here),
            now is not None and now.language == code,
        )
        for code, name in LANGUAGES.items()
    ]


def day(value: date | datetime | None, zone: str = "UTC") -> str:
    """Return a day in words: 26 November 2026."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.astimezone(ZoneInfo(zone)).date()
    locale = get_locale() or Locale("en")
    pattern = "d MMMM y" if locale.language == "en" else "long"
    return format_date(value, pattern, locale=locale)


def weekday(value: date) -> str:
    """Return a day with its name: Thursday 26 November 2026."""
    name = format_date(value, "EEEE", locale=get_locale() or Locale("en"))
    return _("%(weekday)s %(day)s", weekday=name, day=day(value))


def moment(value: datetime | None, zone: str = "UTC") -> str:
    """Return an instant in words, with its zone."""
    if value is None:
        return ""
    local = value.astimezone(ZoneInfo(zone))
    words = format_datetime(local, "d MMMM y, HH:mm", locale=get_locale())
    return f"{words} ({zone})"


def country(code: str | None) -> str:
    """Return the name of a State in the reader's language."""
    locale = get_locale()
    return countries.name_of(code, locale.language if locale else "en") if code else ""


def tongue(code: str) -> str:
    """Return the name of a language in the reader's own."""
    reader = get_locale() or Locale("en")
    return str(reader.languages.get(code, code))


def said(text: str | None) -> str:
    """Translate a text that stands in a list or schema; empty stays empty."""
    return _(text) if text else ""


def lines(text: str) -> Markup:
    """Show the line breaks a person wrote."""
    return Markup("<br>").join(text.splitlines())


def init_app(app: Flask) -> None:
    """Give the templates their words and filters."""
    filters: dict[str, Callable[..., Any]] = {
        "day": day,
        "moment": moment,
        "weekday": weekday,
        "country": country,
        "tongue": tongue,
        "said": said,
        "lines": lines,
    }
    app.jinja_env.filters.update(filters)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True

    @app.context_processor
    def _common() -> dict[str, Any]:
        actor = current_actor()
        settings = app.extensions["tracing.settings"]
        banner = _("Demonstration: all data is fictional.")
        if not settings.second_factor_required:
            banner = _(
                "Demonstration: all data is fictional, and a password alone lets you in."
            )
        return {
            "actor": actor,
            "locale": get_locale(),
            "languages": _languages(),
            "nav": _nav(actor),
            "asset": asset,
            "theme": session.get("theme"),
            "banner": banner if settings.demonstration else None,
        }
