"""Tokens of the authority's programs, for its administrator."""

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tracing.accounts import people, sessions, tokens
from tracing.accounts.managing import Refused
from tracing.accounts.tokens import Scope, Wish
from tracing.casework.session import give_up
from tracing.web.people import administrator, role_words, roles_given
from tracing.web.stepup import recent_factor
from tracing.words import _
from workflows.policies import Role

bp = Blueprint("tokens", __name__, url_prefix="/programs")
BLUEPRINTS = (bp,)

Page = str | Response | tuple[str, int]


@dataclass(frozen=True, slots=True)
class Made:
    """A token that was just made, to be shown this once."""

    number: int
    token: str


def _page(problem: Refused | None = None, made: Made | None = None) -> str:
    actor = administrator()
    now = sessions.utc_now()
    roles = {r: words for r, words in role_words().items() if r in _FOR_PROGRAMS}
    return render_template(
        "tokens/list.html",
        tokens=tokens.of_authority(actor),
        people=[one for one in people.of_authority(actor) if one.active],
        scopes=[(scope, scope.label) for scope in Scope],
        roles=roles,
        chosen=request.form.getlist("scopes"),
        given=request.form,
        problem=problem,
        made=made,
        now=now,
    )


_FOR_PROGRAMS = tuple(r for r in Role if r not in (Role.ADMINISTRATOR, Role.OPERATOR))


@bp.get("")
def index() -> str:
    """List the tokens, with what makes a new one."""
    return _page()


@bp.post("/account")
@recent_factor()
def add_program() -> Page:
    """Add an account for a program."""
    actor = administrator()
    try:
        tokens.add_program(
            actor, name=request.form.get("name", ""), roles=roles_given()
        )
    except Refused as error:
        give_up()
        return _page(error), 422
    flash(_("The account of the program is added. Make a token for it."), "ok")
    return redirect(url_for(".index"), 303)


@bp.post("")
@recent_factor()
def make() -> Page:
    """Make a token; the answer is the only place where it is ever shown."""
    actor, form = administrator(), request.form
    known = {scope.value: scope for scope in Scope}
    wish = Wish(
        label=form.get("label", ""),
        scopes=tuple(known[s] for s in form.getlist("scopes") if s in known),
        days=_number(form.get("days", "")),
        networks=form.get("networks", "")[:500],
    )
    try:
        number = _number(form.get("account", ""))
        row, token = tokens.make(actor, number, wish, sessions.utc_now())
    except Refused as error:
        give_up()
        return _page(error), 422
    return _page(made=Made(row.id, token))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


@bp.post("/<int:number>/revoke")
@recent_factor()
def revoke(number: int) -> Response:
    """End a token."""
    tokens.revoke(administrator(), number, sessions.utc_now())
    flash(_("The token is revoked. It opens nothing any more."), "ok")
    return redirect(url_for(".index"), 303)
