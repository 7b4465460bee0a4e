"""People of an authority, for its administrator: who they are, and what they may."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tracing.accounts import factors, managing, people, sessions
from tracing.accounts.actors import actor_of, current_actor
from tracing.casework import queries
from tracing.models import Account
from tracing.web.context import LANGUAGES
from tracing.web.status import asked, tag_of
from tracing.web.stepup import recent_factor
from tracing.words import _
from workflows import policies
from workflows.errors import NotVisible
from workflows.policies import ROLE_LABELS, WITHIN_AN_AUTHORITY, Actor, Role

bp = Blueprint("people", __name__, url_prefix="/people")
BLUEPRINTS = (bp,)

Page = str | Response | tuple[str, int]


def administrator() -> Actor:
    """Return who manages people here, or refuse."""
    return managing.require_administrator(current_actor())


def role_words() -> dict[Role, str]:
    """Return the roles an administrator gives, with their labels."""
    return {role: ROLE_LABELS[role] for role in WITHIN_AN_AUTHORITY}


def roles_given() -> tuple[Role, ...]:
    """Return the roles of the form; what is no role is left out."""
    known = {role.value: role for role in WITHIN_AN_AUTHORITY}
    return tuple(known[v] for v in request.form.getlist("roles") if v in known)


@bp.get("")
def index() -> str:
    """List the people of the authority."""
    actor = administrator()
    return render_template("people/list.html", people=people.of_authority(actor))


@bp.route("/invite", methods=["GET", "POST"])
@recent_factor()
def invite() -> Page:
    """Invite a person: a mail with a link that is good once, for 72 hours."""
    actor = administrator()
    problem, status = None, 200
    if request.method == "POST":
        language = request.form.get("language", "")
        try:
            made = managing.invite(
                actor,
                name=request.form.get("name", ""),
                email=request.form.get("email", ""),
                roles=roles_given(),
                language=language if language in LANGUAGES else "en",
                now=sessions.utc_now(),
            )
        except managing.Refused as error:
            problem, status = error, 422
        else:
            flash(_("The invitation is on its way."), "ok")
            return redirect(url_for(".show", number=made.id), 303)
    page = render_template(
        "people/invite.html",
        problem=problem,
        roles=role_words(),
        chosen=roles_given(),
        tongues=LANGUAGES,
    )
    return page, status


@bp.get("/<int:number>")
def show(number: int) -> str:
    """Show a person, and what can be done about the account."""
    return _show(people.by_number(number, administrator()))


def _show(account: Account, problem: str = "") -> str:
    now = sessions.utc_now()
    return render_template(
        "people/show.html",
        person=account,
        problem=problem,
        roles=role_words(),
        means=factors.means_of(account),
        held=sessions.of_account(account.id),
        reset_asked_by=managing.reset_asked_by(account, now),
        own=account.id == administrator().user_id,
    )


def _refused(number: int, error: managing.Refused) -> Page:
    account = people.by_number(number, administrator())
    return _show(account, _(error.words)), 422


@bp.post("/<int:number>/roles")
@recent_factor()
def roles(number: int) -> Page:
    """Change the roles; the person signs in again."""
    try:
        managing.change_roles(
            number, administrator(), roles_given(), sessions.utc_now()
        )
    except managing.Refused as error:
        return _refused(number, error)
    flash(_("The roles are changed. The person signs in again."), "ok")
    return redirect(url_for(".show", number=number), 303)


@bp.post("/<int:number>/disable")
@recent_factor()
def disable(number: int) -> Page:
    """Shut the account."""
    try:
        managing.disable(number, administrator())
    except managing.Refused as error:
        return _refused(number, error)
    flash(_("The account is disabled and its sessions are ended."), "ok")
    return redirect(url_for(".show", number=number), 303)


@bp.post("/<int:number>/enable")
@recent_factor()
def enable(number: int) -> Page:
    """Open the account again."""
    try:
        managing.enable(number, administrator())
    except managing.Refused as error:
        return _refused(number, error)
    flash(_("The account is enabled."), "ok")
    return redirect(url_for(".show", number=number), 303)


@bp.post("/<int:number>/end-sessions")
@recent_factor()
def end_sessions(number: int) -> Page:
    """End the person's sessions everywhere."""
    managing.end_sessions(number, administrator())
    flash(_("The sessions are ended."), "ok")
    return redirect(url_for(".show", number=number), 303)


@bp.post("/<int:number>/invite-again")
@recent_factor()
def invite_again(number: int) -> Page:
    """Send the invitation once more."""
    managing.invite_again(number, administrator(), sessions.utc_now())
    flash(_("The invitation is on its way."), "ok")
    return redirect(url_for(".show", number=number), 303)


@bp.post("/<int:number>/reset-second-factor")
@recent_factor()
def reset_factor(number: int) -> Page:
    """Reset a lost second factor: two administrators, each of whom saw the person."""
    try:
        done = managing.reset_factor(number, administrator(), sessions.utc_now())
    except managing.Refused as error:
        return _refused(number, error)
    if done:
        flash(_("The second factor is reset. The person sets up a new one."), "ok")
    else:
        flash(
            _("Another administrator must confirm the reset within 24 hours."), "warn"
        )
    return redirect(url_for(".show", number=number), 303)


@bp.get("/<int:number>/rights")
def rights(number: int) -> str:
    """Explain why a person may or may not do something to a request."""
    account = people.by_number(number, administrator())
    reference = " ".join(request.args.get("reference", "").split())[:40]
    actor = actor_of(account)
    found, side = None, None
    steps: tuple[policies.Why, ...] = ()
    if reference:
        try:
            found = queries.by_reference(reference, actor)
            policies.require_known(administrator(), found)
            side = policies.party_of(actor, found)
            steps = policies.explain(actor, found)
        except NotVisible:
            found = None
    return render_template(
        "people/rights.html",
        person=account,
        reference=reference,
        found=found,
        side=side,
        state=tag_of(found, side) if found and side else None,
        steps=steps,
        general=policies.general_rights(actor),
        step_words=asked,
    )
