"""Lists that a schema can only name: States, authorities, languages."""

from datetime import UTC, datetime

from flask_babel import get_locale

from tracing.accounts.actors import current_actor
from tracing.directory import countries, entries, names
from tracing.web.context import LANGUAGES, country
from tracing.web.forms import LISTS, SUGGESTED, Choice


def _countries() -> list[Choice]:
    locale = get_locale()
    return list(countries.choices(locale.language if locale else "en"))


def _authorities() -> list[Choice]:
    actor = current_actor()
    mine = actor.authority_id if actor else 0
    found = [
        (str(a.id), f"{country(a.country)} – {a.name}")
        for a in entries.addressees(besides=mine, on=datetime.now(UTC).date())
    ]
    return sorted(found, key=lambda choice: choice[1].casefold())


def init_choices() -> None:
    """Tell the forms where the named lists come from."""
    LISTS["countries"] = _countries
    LISTS["authorities"] = _authorities
    LISTS["languages"] = lambda: list(LANGUAGES.items())
    SUGGESTED["makes"] = lambda _given: names.suggested_makes()
    SUGGESTED["models"] = lambda given: names.suggested_models(given.get("make") or "")
    SUGGESTED["calibres"] = lambda _given: names.suggested_calibres()
