"""Whom the marks of a draft propose to ask, in the reader's words."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from tracing.casework import asking
from tracing.directory import entries
from tracing.models import Authority, TraceRequest
from tracing.web.context import country, said, tongue
from tracing.words import _
from workflows import routing
from workflows.policies import Actor
from workflows.routing import Because, Fit
from workflows.vocabulary import RoutingBasis


def read(text: str) -> tuple[int, RoutingBasis | None]:
    """Return the authority and the basis of a button; 0, which none has, if unclear."""
    number, _colon, basis = text.partition(":")
    right = number.isascii() and number.isdigit() and len(number) < 10
    known = basis in frozenset(RoutingBasis)
    return int(number) if right else 0, RoutingBasis(basis) if known else None


def chosen(text: str, actor: Actor, today: date) -> Mapping[str, str]:
    """Return what a button that takes a proposal over fills in."""
    number, basis = read(text)
    asked = entries.addressees(besides=actor.authority_id, on=today) if number else ()
    found = next((one for one in asked if one.id == number), None)
    if found is None:
        return {}
    home = entries.by_id(actor.authority_id)
    fit = routing.fit(asking.side_of(home), asking.side_of(found))
    filled = {"requested_id": str(found.id)}
    if basis is not None:
        filled["routing_basis"] = basis.value
    if fit.language:
        filled["language"] = fit.language
    return filled


def words(because: Because) -> str:
    """Return a reason or a trap as a sentence."""
    states = {name: _join(codes) for name, codes in because.states.items()}
    holes = {name: said(text) for name, text in because.holes.items()}
    return _(because.words, **states, **holes)


def _join(codes: tuple[str, ...]) -> str:
    return _(", ").join(map(country, codes))


def proposed(found: TraceRequest, actor: Actor, today: date) -> dict[str, Any]:
    """Return what the marks of a draft propose."""
    given = asking.suggestions(found, actor, today)
    states = [
        {
            "code": one.proposed.state,
            "state": country(one.proposed.state),
            "why": [words(because) for because in one.proposed.why],
            "contacts": [
                {
                    "value": f"{authority.id}:{one.proposed.basis.value}",
                    "name": authority.name,
                    "fits": _fits(authority, fit),
                }
                for authority, fit in one.contacts
            ],
        }
        for one in given.states
    ]
    return {
        "states": states,
        "codes": [one["code"] for one in states],
        "names": _(", ").join(str(one["state"]) for one in states),
        "traps": [words(trap) for trap in given.advice.traps],
    }


def _fits(authority: Authority, fit: Fit) -> str:
    """Return in which language, on which basis and by which way to ask."""
    if fit.language:
        language = _("Write in %(language)s.", language=tongue(fit.language))
    else:
        tongues = _(", ").join(map(tongue, authority.languages)) or _("Not given")
        language = _("It works in %(languages)s: add a translation.", languages=tongues)
    bases = "; ".join(said(basis.label) for basis in fit.bases)
    ways = "; ".join(said(way.label) for way in fit.channels)
    return " ".join(
        (
            language,
            _("Legal basis for both: %(bases)s.", bases=bases),
            _("Ways: %(ways)s.", ways=ways),
        )
    )
