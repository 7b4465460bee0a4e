"""Signing in and out: the password, the second factor, and showing it once more."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from babel.dates import format_timedelta
from flask import (
    Blueprint,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import get_locale
from werkzeug.exceptions import BadRequest, Forbidden, NotFound
from werkzeug.wrappers import Response as Answer

from tracing.accounts import (
    factors,
    invitations,
    oidc,
    sessions,
    signing,
    waits,
)
from tracing.accounts.letters import INVITATION, NEW_PASSWORD
from tracing.models import Account, AccountSession
from tracing.web.addresses import inside, wanted
from tracing.web.stepup import recent_factor
from tracing.words import _

bp = Blueprint("signing", __name__)
BLUEPRINTS = (bp,)

Page = str | Answer | tuple[str, int]


def wait_words(error: waits.WaitFirst) -> str:
    """Say how long to wait."""
    left = error.until - sessions.utc_now()
    lasts = format_timedelta(left, threshold=1, locale=get_locale())
    return _(
        "Too many attempts failed. Wait %(time)s, then try again.", time=str(lasts)
    )


def held_half() -> AccountSession:
    """Return the session that waits for its second factor."""
    held = sessions.current()
    if held is None or not held.half:
        raise Forbidden
    return held


def may_set_up(held: AccountSession) -> bool:
    """Tell whether factors may be added now: the first one, or after a recent one."""
    if held.half:
        return not factors.means_of(held.account).any
    return sessions.is_recent(held, 10, sessions.utc_now())


def next_for(held: AccountSession) -> str:
    """Return the page where a session that is not complete goes on."""
    means = factors.means_of(held.account)
    if not means.any:
        needs_keys = factors.keys_needed(held.account) > 0
        return "account.new_key" if needs_keys else "signing.set_up"
    return "signing.use_key" if means.keys else "signing.code"


# ----------------------------------------------------------------------- the password


@bp.get("/sign-in")
def sign_in() -> Page:
    """Show the form, or lead on who is signed in already."""
    if sessions.signed_in() is not None:
        return redirect(wanted(), 303)
    return _sign_in_page()


def _sign_in_page(problem: str = "", email: str = "", status: int = 200) -> Page:
    page = render_template(
        "accounts/sign_in.html",
        problem=problem,
        email=email,
        back=wanted(),
        other_way=oidc.name(),
    )
    return page, status


@bp.post("/sign-in")
def give_password() -> Page:
    """Check address and password; the answer does not say which part was wrong."""
    email = request.form.get("email", "")
    now = sessions.utc_now()
    try:
        entered = signing.give_password(email, request.form.get("password", ""), now)
    except waits.WaitFirst as error:
        return _sign_in_page(wait_words(error), email, 429)
    if entered is None:
        words = _("The e-mail address and the password do not match an account.")
        return _sign_in_page(words, email, 422)
    return lead_on(entered)


def lead_on(held: AccountSession, to: str | None = None) -> Answer:
    """Go to the second factor, or to the page that was asked for."""
    back = to or wanted()
    if held.half:
        return redirect(url_for(next_for(held), next=back), 302)
    return redirect(back, 302)


@bp.after_app_request
def remember(response: Answer) -> Answer:
    """Let the browser be known where somebody has just signed in."""
    account_id = sessions.entered()
    if account_id is not None and response.status_code < 400:
        response.set_cookie(
            signing.cookie_name(),
            signing.device_cookie(account_id),
            max_age=signing.DEVICE_LASTS,
            secure=sessions.settings().behind_https,
            httponly=True,
            samesite="Lax",
        )
    return response


@bp.post("/sign-out")
def sign_out() -> Answer:
    """End the session and leave nothing of it in the browser.

    The cookies are emptied one by one: that by which the browser is known stays, or
    whoever guesses at the account could make its owner wait here.
    """
    signing.leave()
    response = redirect(url_for("signing.sign_in"), 303)
    # Not "cookies": the mark of a known device stays, or strangers could keep its
    # owner waiting.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


# ------------------------------------------------------------------ the second factor


def _tried(
    show: Callable[[AccountSession, str, datetime], None],
    held: AccountSession,
    given: str,
) -> tuple[str, int]:
    """Try what was shown; return what to say when it is not accepted."""
    try:
        show(held, given[:20_000], sessions.utc_now())
    except waits.WaitFirst as error:
        return wait_words(error), 429
    except factors.NotConfirmed:
        return "wrong", 422
    return "", 200


WRONG_CODE = "wrong"


@bp.route("/second-factor/code", methods=["GET", "POST"])
def code() -> Page:
    """Ask for the code of the authenticator."""
    held = held_half()
    if not factors.means_of(held.account).any:
        return redirect(url_for(next_for(held), next=wanted()), 303)
    problem, status = "", 200
    if request.method == "POST":
        given = request.form.get("code", "")
        problem, status = _tried(signing.show_code, held, given)
        if not problem:
            return redirect(wanted(), 303)
        if problem == WRONG_CODE:
            problem = _("Enter the code that your authenticator shows now.")
    return (
        render_template(
            "accounts/second_factor.html",
            problem=problem,
            means=factors.means_of(held.account),
            back=wanted(),
        ),
        status,
    )


@bp.route("/second-factor/recovery", methods=["GET", "POST"])
def recovery() -> Page:
    """Ask for one of the recovery codes."""
    held = held_half()
    problem, status = "", 200
    if request.method == "POST":
        given = request.form.get("code", "")
        problem, status = _tried(signing.show_recovery_code, held, given)
        if not problem:
            left = factors.means_of(held.account).recovery
            flash(
                _("The recovery code is used up; %(number)s are left.", number=left),
                "warn",
            )
            return redirect(wanted(), 303)
        if problem == WRONG_CODE:
            problem = _("Enter one of your recovery codes that you have not used yet.")
    page = render_template(
        "accounts/recovery.html",
        problem=problem,
        means=factors.means_of(held.account),
        back=wanted(),
    )
    return page, status


@bp.route("/second-factor/key", methods=["GET", "POST"])
def use_key() -> Page:
    """Ask for one of the account's security keys."""
    held = held_half()
    if not factors.means_of(held.account).keys:
        return redirect(url_for(next_for(held), next=wanted()), 303)
    problem, status = "", 200
    if request.method == "POST":
        given = request.form.get("credential", "")
        try:
            signing.show_key(held, given[:20_000], sessions.utc_now())
            return redirect(wanted(), 303)
        except factors.NotConfirmed:
            problem, status = _("The key was not accepted. Try again."), 422
    page = render_template(
        "accounts/use_key.html",
        problem=problem,
        means=factors.means_of(held.account),
        back=wanted(),
    )
    return page, status


@bp.post("/second-factor/key/options")
def key_options() -> dict[str, Any]:
    """Give the browser what it needs to ask a key; good once."""
    held = sessions.current()
    if held is None:
        raise Forbidden
    return factors.options_to_use(held)


# ------------------------------------------------------------ setting a factor up


def _set_up_session() -> AccountSession | Answer:
    held = sessions.current()
    if held is None:
        raise Forbidden
    if may_set_up(held):
        return held
    if held.half:
        return redirect(url_for(next_for(held), next=wanted()), 303)
    return redirect(url_for("signing.confirm", next="/second-factor"), 303)


@bp.route("/second-factor", methods=["GET", "POST"])
def set_up() -> Page:
    """Set an authenticator up: show its key, which a code then confirms."""
    held = _set_up_session()
    if not isinstance(held, AccountSession):
        return held
    shown = factors.start_authenticator(held) if request.method == "POST" else None
    return _set_up_page(held, shown)


def _set_up_page(
    held: AccountSession,
    shown: dict[str, str] | None,
    problem: str = "",
    status: int = 200,
) -> Page:
    page = render_template(
        "accounts/second_factor_setup.html",
        shown=shown,
        problem=problem,
        first=held.half,
        back=wanted(),
    )
    return page, status


@bp.post("/second-factor/confirm")
def finish_set_up() -> Page:
    """Take the authenticator once it shows the right code."""
    held = _set_up_session()
    if not isinstance(held, AccountSession):
        return held
    now = sessions.utc_now()
    try:
        codes = factors.finish_authenticator(held, request.form.get("code", ""), now)
    except factors.NotConfirmed:
        words = _("Enter the code that your authenticator shows now.")
        try:
            return _set_up_page(held, factors.shown_authenticator(held), words, 422)
        except factors.NotConfirmed:
            return redirect(url_for("signing.set_up"), 303)
    if codes:
        return codes_page(codes)
    flash(_("The authenticator is set up."), "ok")
    return redirect(url_for("account.show"), 303)


def codes_page(codes: list[str]) -> Answer:
    """Show recovery codes, this once."""
    page = render_template("accounts/recovery_codes.html", codes=codes, back=wanted())
    return make_response(page)


# ----------------------------------------------------------------- showing it once more


@bp.route("/confirm", methods=["GET", "POST"])
def confirm() -> Page:
    """Ask someone who is signed in for a factor, before a delicate step."""
    held = sessions.signed_in()
    if held is None:
        raise Forbidden
    means = factors.means_of(held.account)
    problem, status = "", 200
    if request.method == "POST":
        problem, status = _confirmed(held, means)
        if not problem:
            return redirect(wanted(), 303)
    page = render_template(
        "accounts/confirm.html", problem=problem, means=means, back=wanted()
    )
    return page, status


def _confirmed(held: AccountSession, means: factors.Means) -> tuple[str, int]:
    form = request.form
    if "credential" in form and means.keys:
        problem, status = _tried(signing.show_key, held, form["credential"])
        words = _("The key was not accepted. Try again.")
    elif "code" in form and means.code:
        problem, status = _tried(signing.show_code, held, form["code"])
        words = _("Enter the code that your authenticator shows now.")
    elif "password" in form and not means.any:
        problem, status = _tried(signing.show_password, held, form["password"])
        words = _("This is not your password.")
    else:
        raise BadRequest
    return (words if problem == WRONG_CODE else problem), status


# ------------------------------------------------------------ links sent by mail


@bp.route("/forgotten", methods=["GET", "POST"])
def forgotten() -> Page:
    """Ask for a link by which to choose a new password; the same answer for all."""
    sent, problem, status = False, "", 200
    if request.method == "POST":
        try:
            invitations.ask_for_password(
                request.form.get("email", ""), sessions.utc_now()
            )
            sent = True
        except waits.WaitFirst as error:
            problem, status = wait_words(error), 429
    page = render_template("accounts/forgotten.html", sent=sent, problem=problem)
    return page, status


def _void() -> Page:
    return render_template("accounts/link_void.html"), 404


@bp.route("/invitation/<token>", methods=["GET", "POST"])
def invitation(token: str) -> Page:
    """Take an invitation up: choose a password."""
    now = sessions.utc_now()
    try:
        person = invitations.whose(INVITATION, token, now)
        problem = _chosen_fault(person)
        if request.method == "POST" and not problem:
            chosen = request.form.get("password", "")
            return lead_on(invitations.accept(token, chosen, now), "/")
    except invitations.LinkVoid:
        return _void()
    page = render_template(
        "accounts/choose_password.html", person=person, problem=problem, invited=True
    )
    return page, 422 if problem else 200


@bp.route("/new-password/<token>", methods=["GET", "POST"])
def new_password(token: str) -> Page:
    """Choose a new password; the second factor is asked for as ever."""
    now = sessions.utc_now()
    try:
        person = invitations.whose(NEW_PASSWORD, token, now)
        problem = _chosen_fault(person)
        if request.method == "POST" and not problem:
            invitations.set_password(token, request.form.get("password", ""), now)
            flash(_("The password is changed. Sign in with it."), "ok")
            return redirect(url_for(".sign_in"), 303)
    except invitations.LinkVoid:
        return _void()
    page = render_template(
        "accounts/choose_password.html", person=person, problem=problem, invited=False
    )
    return page, 422 if problem else 200


def _chosen_fault(person: Account) -> str:
    """Return what is wrong with the password that was sent, if one was."""
    if request.method != "POST":
        return ""
    fault = signing.fault_of_password(person, request.form.get("password", ""))
    return _(fault) if fault else ""


# ------------------------------------------------------------ by another service


@bp.get("/sign-in/elsewhere")
def elsewhere() -> Page:
    """Go to the service that knows who its people are."""
    if oidc.name() is None:
        raise NotFound
    try:
        return oidc.leave(wanted())
    except oidc.Refused:
        return _sign_in_page(_("The other service does not answer."), status=422)


@bp.post("/sign-in/link")
@recent_factor()
def link() -> Page:
    """Begin to say which of its people this account is.

    The way there is a link of the page that answers: where a form leads is bound to
    this site, redirects and all.
    """
    held = sessions.signed_in()
    name = oidc.name()
    if name is None or held is None:
        raise NotFound
    try:
        there = oidc.leave("/account", link=held.account_id)
    except oidc.Refused:
        flash(_("The other service does not answer."), "stop")
        return redirect(url_for("account.show"), 303)
    return render_template(
        "accounts/elsewhere.html", service=name, there=there.location
    )


@bp.get("/sign-in/back")
def back() -> Page:
    """Come back from it: the account it is linked with opens, no other."""
    if oidc.name() is None:
        raise NotFound
    try:
        account, to = oidc.returned(sessions.utc_now())
    except waits.WaitFirst as error:
        return _sign_in_page(wait_words(error), status=429)
    except oidc.Refused:
        words = _("The other service did not name an account that is known here.")
        return _sign_in_page(words, status=422)
    to = inside(to)
    if account is None:
        flash(_("You can now sign in by the other service."), "ok")
        return redirect(to, 303)
    return lead_on(signing.enter(account, sessions.utc_now()), to)
