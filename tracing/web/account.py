"""One's own account: sessions, second factors, password."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from tracing.accounts import factors, oidc, sessions, signing
from tracing.models import AccountSession
from tracing.web.addresses import wanted
from tracing.web.signing import codes_page, may_set_up
from tracing.web.stepup import recent_factor
from tracing.words import _

account = Blueprint("account", __name__, url_prefix="/account")
BLUEPRINTS = (account,)

Page = str | Response | tuple[str, int]


def held() -> AccountSession:
    """Return the session of the person who is signed in."""
    found = sessions.signed_in()
    if found is None:
        raise Forbidden
    return found


def device_words(agent: str) -> str:
    """Return the browser and the system that a header names, briefly."""
    names = ("Edg", "OPR", "Firefox", "Chrome", "Safari")
    systems = ("Windows", "Android", "iPhone", "iPad", "Mac OS", "Linux")
    browser = next((name for name in names if name in agent), "")
    browser = {"Edg": "Edge", "OPR": "Opera"}.get(browser, browser)
    system = next((name for name in systems if name in agent), "")
    found = " · ".join(part for part in (browser, system) if part)
    return found or _("Unknown browser")


@account.get("")
def show() -> str:
    """Show where one is signed in, and by what."""
    here = held()
    person = here.account
    return render_template(
        "accounts/account.html",
        person=person,
        here=here,
        held=sessions.of_account(person.id),
        device_words=device_words,
        means=factors.means_of(person),
        keys=factors.keys_of(person.id),
        keys_needed=factors.keys_needed(person),
        other_service=oidc.name(),
        identities=oidc.identities_of(person.id) if oidc.name() else [],
    )


@account.post("/sessions/<int:number>/end")
def end_session(number: int) -> Response:
    """End one of one's own sessions."""
    here = held()
    if number == here.id:
        return redirect(url_for("account.show"), 303)
    if signing.end_one(here, number):
        flash(_("The session is ended."), "ok")
    else:
        flash(_("The session had ended already."), "ok")
    return redirect(url_for("account.show"), 303)


@account.post("/sessions/end-others")
def end_others() -> Response:
    """End all of one's other sessions."""
    here = held()
    signing.end_others(here)
    flash(_("All other sessions are ended."), "ok")
    return redirect(url_for("account.show"), 303)


# ------------------------------------------------------------------ second factors


def _keys_session() -> AccountSession | Response:
    found = sessions.current()
    if found is None:
        raise Forbidden
    if may_set_up(found) or found.lacks_keys:
        return found
    if found.half:
        return redirect(url_for("signing.code", next=wanted()), 303)
    return redirect(url_for("signing.confirm", next="/account/keys/new"), 303)


@account.route("/keys/new", methods=["GET", "POST"])
def new_key() -> Page:
    """Add a security key: the browser makes it, the server keeps its public half."""
    found = _keys_session()
    if not isinstance(found, AccountSession):
        return found
    problem, status = "", 200
    if request.method == "POST":
        name = "".join(filter(str.isprintable, request.form.get("name", ""))).strip()
        name = name or _("Security key")
        credential = request.form.get("credential", "")[:20_000]
        try:
            codes = factors.add_key(found, name, credential, sessions.utc_now())
        except factors.CanBeCopied:
            words = _("This key can be copied. Use one that stays in one device.")
            problem, status = words, 422
        except factors.NotConfirmed:
            problem, status = _("The key was not accepted. Try again."), 422
        else:
            flash(_("The security key is added."), "ok")
            if codes:
                return codes_page(codes)
            return redirect(_after_key(found), 303)
    person = found.account
    page = render_template(
        "accounts/new_key.html",
        problem=problem,
        number=len(factors.keys_of(person.id)),
        needed=factors.keys_needed(person),
        first=found.half,
        back=wanted(),
    )
    return page, status


def _after_key(found: AccountSession) -> str:
    if found.lacks_keys:
        return url_for("account.new_key", next=wanted())
    back = wanted()
    return url_for("account.show") if back == "/" else back


@account.post("/keys/options")
def key_options() -> dict[str, Any]:
    """Give the browser what it needs to make a key; good once."""
    found = _keys_session()
    if not isinstance(found, AccountSession):
        raise Forbidden
    return factors.options_to_add(found)


@account.post("/keys/<int:number>/remove")
@recent_factor()
def remove_key(number: int) -> Response:
    """Remove a security key."""
    try:
        factors.remove_key(held().account, number, sessions.utc_now())
    except factors.StillNeeded:
        flash(_("Add another key first: your role needs this one."), "stop")
    else:
        flash(_("The security key is removed."), "ok")
    return redirect(url_for("account.show"), 303)


@account.post("/authenticator/remove")
@recent_factor()
def remove_authenticator() -> Response:
    """Remove the authenticator."""
    try:
        factors.remove_authenticator(held().account, sessions.utc_now())
    except factors.StillNeeded:
        flash(_("Add a security key first: a second factor is needed."), "stop")
    else:
        flash(_("The authenticator is removed."), "ok")
    return redirect(url_for("account.show"), 303)


@account.post("/recovery-codes")
@recent_factor()
def recovery_codes() -> Response:
    """Make new recovery codes and show them, this once."""
    return codes_page(factors.renew_recovery_codes(held().account, sessions.utc_now()))


@account.post("/identities/<int:number>/remove")
@recent_factor()
def unlink(number: int) -> Response:
    """No longer sign in by the other service."""
    oidc.unlink(held().account, number, sessions.utc_now())
    flash(_("The link is removed."), "ok")
    return redirect(url_for("account.show"), 303)


# ------------------------------------------------------------------------ password


@account.route("/password", methods=["GET", "POST"])
@recent_factor()
def password() -> Page:
    """Change the password; the other sessions end."""
    here = held()
    problem, status = "", 200
    if request.method == "POST":
        chosen = request.form.get("password", "")
        fault = signing.fault_of_password(here.account, chosen)
        if fault is None:
            signing.change_password(here, chosen, sessions.utc_now())
            flash(_("The password is changed. Other sessions are ended."), "ok")
            return redirect(url_for("account.show"), 303)
        problem, status = _(fault), 422
    return render_template("accounts/password.html", problem=problem), status
