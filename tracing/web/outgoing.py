"""Outgoing messages: what the service would send, or has sent, and how it went."""

from flask import Blueprint, current_app, render_template
from werkzeug.exceptions import Forbidden

from tracing.accounts import letters
from tracing.accounts.actors import current_actor
from tracing.casework import queries
from tracing.notifications import render
from workflows.policies import Role

outgoing = Blueprint("outgoing", __name__, url_prefix="/outgoing")
BLUEPRINTS = (outgoing,)


@outgoing.get("")
def show() -> str:
    """Show the newest messages that concern this authority, stuck ones first."""
    actor = current_actor()
    if actor is None or not actor.is_any(Role.ADMINISTRATOR, Role.SUPERVISOR):
        raise Forbidden
    settings = current_app.extensions["tracing.settings"]
    # Links that open an account are for the person alone; a demonstration has no
    # other place to read them.
    private = () if settings.demonstration else letters.PRIVATE
    found = queries.outgoing(actor, without=private)
    return render_template(
        "outgoing/list.html",
        messages=[
            (row, render.render(row, settings.address, settings.mail_from))
            for row in found
        ],
        addresses=queries.addresses_shown(actor, found),
        others=queries.other_sides(actor, found),
        sends=settings.sends_mail,
    )
