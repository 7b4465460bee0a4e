"""The door of programs: a token opens it, in each call anew, and nothing else does."""

import re
from datetime import UTC, datetime
from typing import Final

from flask import Blueprint, Response, current_app, g, request

from tracing.accounts import tokens
from tracing.accounts.tokens import Program, Scope
from tracing.api.problems import Problem
from tracing.casework.session import give_up
from tracing.config import Settings
from tracing.security import rates
from tracing.security.rates import Rate
from workflows.policies import CASE_ROLES, Actor

BEARER: Final = re.compile(r"[Bb]earer ([A-Za-z0-9_-]{20,100})")


def now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


def settings() -> Settings:
    """Return the settings of the application."""
    found: Settings = current_app.extensions["tracing.settings"]
    return found


def program() -> Program:
    """Return who calls."""
    found: Program = g.program
    return found


def actor() -> Actor:
    """Return as whom the program works."""
    return program().actor


def case_actor() -> Actor:
    """Return the same, or refuse who opens no cases."""
    found = actor()
    if found.roles.isdisjoint(CASE_ROLES):
        raise Problem("not_permitted")
    return found


def require(scope: Scope) -> None:
    """Refuse a token that is not made for this."""
    if scope not in program().scopes:
        raise Problem("scope_missing")


def _open() -> None:
    given = BEARER.fullmatch(request.headers.get("Authorization", ""))
    found = None
    if given is not None:
        found = tokens.find(given[1], request.remote_addr or "", now())
    if found is None:
        raise Problem("token_missing")
    g.program, g.actor, g.client_token = found, found.actor, found.token_id
    # Whoever calls may send slowly: nobody waits for it at the database.
    give_up()
    _count(found)


def _count(found: Program) -> None:
    chosen, counter = settings(), rates.counter()
    home = found.actor.authority_id
    both = (
        counter.count(f"token {found.token_id}", chosen.api_calls_of_token),
        counter.count(f"authority {home}", chosen.api_calls_of_authority),
    )
    g.rate = min(both, key=lambda rate: rate.left)
    if g.rate.is_over:
        raise Problem("too_many", Retry_After=str(g.rate.seconds))


def _say(response: Response) -> Response:
    rate: Rate | None = g.get("rate")
    if rate is not None:
        response.headers["RateLimit-Limit"] = str(rate.limit)
        response.headers["RateLimit-Remaining"] = str(max(rate.left, 0))
        response.headers["RateLimit-Reset"] = str(rate.seconds)
    return response


def stand_before(blueprint: Blueprint) -> None:
    """Let nobody into a group of operations without a token."""
    blueprint.before_request(_open)
    blueprint.after_request(_say)
