"""What keeps an entry true: changes that two persons agree on, confirmations, tests."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from flask import (
    Blueprint,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.exceptions import Forbidden, NotFound
from werkzeug.wrappers import Response

from tracing.casework.session import give_up
from tracing.directory import columns, entries
from tracing.directory.columns import Fault
from tracing.faults import FileRefused, Stale
from tracing.models import Authority, Proposal
from tracing.security.headers import SANDBOX
from tracing.upkeep import changing, confirming, showing
from tracing.upkeep.confirming import TestedToday
from tracing.upkeep.letters import Link, LinkVoid
from tracing.web import forms
from tracing.web.contacts import (
    LABELS,
    LARGEST,
    actor,
    authority_of,
    entry_page,
    rows_of,
)
from tracing.web.context import said
from tracing.words import _
from workflows.policies import MAINTAINERS, Role, may_file, may_maintain
from workflows.vocabulary import (
    N_,
    AcceptedFormat,
    DirectoryFunction,
    Instrument,
    InterpolRoute,
)

upkeep = Blueprint("upkeep", __name__, url_prefix="/points-of-contact")
BLUEPRINTS = (upkeep,)
Page = str | Response | tuple[str, int]

CHECKED: Final = {
    "functions": DirectoryFunction,
    "instruments": Instrument,
    "formats": AcceptedFormat,
}
HINTS: Final = {
    "territory": N_(
        "Only for a part of the State with an authority of its own: GB-NIR."
    ),
    "zone": N_("From the IANA list, for example Africa/Nairobi."),
    "languages": N_("Codes with blanks between, the first one first: en fr."),
    "emails": N_("One after the other. Mail goes to the next where it comes back."),
    "phone": N_("With the code of the country: +254202222222."),
    "phones": N_("One on a line, with the code of the country."),
    "urgent_phone": N_("A line that somebody answers day and night."),
    "channels": N_("One on a line: the code of the channel, then the address there."),
    "valid_to": N_("The last day, when the authority is dissolved: 2026-03-31."),
    "successor": N_("Requests go there once this authority is dissolved."),
    "source": N_("Where this is from, for example a note verbale and its date."),
}
LEFT_TO_RIGHT: Final = frozenset(
    {"zone", "languages", "email", "emails", "supervisor_email", "phone", "phones"}
    | {"urgent_phone", "fax", "channels", "territory", "successor"}
    | {"valid_from", "valid_to", "country"}
)


def _now() -> datetime:
    return datetime.now(UTC)


def _version() -> int:
    text = request.form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


# ------------------------------------------------------------------------- proposing


def _cells() -> dict[str, str]:
    """Return what the form says, as text, field by field."""
    found = {}
    for name in changing.PROPOSABLE:
        if name in CHECKED:
            found[name] = " ".join(request.form.getlist(name))
        elif name in request.form:
            found[name] = request.form[name]
    return found


def words_of(fault: Fault) -> str:
    """Return what is wrong, and what was probably meant, in the reader's words."""
    words = fault.words
    text = _(words.msgid, **words.holes) if words is not None else fault.remedy
    if fault.nearest:
        text += " " + _("The nearest is %(nearest)s.", nearest=fault.nearest)
    return text


def _controls(cells: dict[str, str], faults: dict[str, str]) -> list[forms.Control]:
    return [
        _control(name, cells.get(name, ""), faults.get(name, ""))
        for name in changing.PROPOSABLE
    ]


def _control(name: str, cell: str, error: str) -> forms.Control:
    drawn = forms.Control(
        id=name,
        name=name,
        label=said(LABELS[name]),
        kind="text",
        hint=said(HINTS.get(name, "")),
        value=cell,
        error=error,
        attrs={"dir": "ltr" if name in LEFT_TO_RIGHT else "auto"},
    )
    if name in CHECKED:
        choices = tuple((c.value, said(c.label)) for c in CHECKED[name])
        value = tuple(cell.split())
        return replace(drawn, kind="checkboxes", choices=choices, value=value)
    if name == "interpol_route":
        routes = tuple((c.value, said(c.label)) for c in InterpolRoute)
        return replace(drawn, kind="select", choices=routes, attrs={})
    if name == "accepts_requests":
        answers = (("yes", _("Yes")), ("no", _("No")))
        return replace(drawn, kind="select", choices=answers, attrs={})
    if name in columns.BLOCKS or name == "phones":
        return replace(drawn, kind="textarea", attrs=drawn.attrs | {"rows": "3"})
    return drawn


def _form(
    found: Authority,
    cells: dict[str, str],
    faults: dict[str, str],
    conflict: str = "",
) -> str:
    controls = _controls(cells, faults)
    why = forms.Control(
        id="why",
        name="why",
        label=_("Why, and how you know"),
        kind="textarea",
        hint=_("For example a note verbale, or a call on a day."),
        value=request.form.get("why", ""),
        error=faults.get("why", ""),
        attrs={"rows": "3", "dir": "auto"},
    )
    return render_template(
        "contacts/change.html",
        found=found,
        controls=controls,
        why=why,
        summary=forms.summary(controls, [why]),
        version=found.version if conflict or not request.form else _version(),
        conflict=conflict,
    )


@upkeep.get("/<code>/change")
def change(code: str) -> Page:
    """Show the form by which a change is proposed."""
    found = authority_of(code)
    return _form(found, columns.cells_of(found), {})


@upkeep.post("/<code>/change")
def propose(code: str) -> Page:
    """Propose a change; another person decides it."""
    found = authority_of(code)
    cells = _cells()
    why = request.form.get("why", "")
    try:
        changing.propose(code, actor(), cells, why=why, version=_version(), now=_now())
    except changing.Faulty as error:
        give_up()
        faults = {fault.column: words_of(fault) for fault in error.faults}
        return _form(found, cells, faults), 422
    except Stale:
        give_up()
        words = _(
            "The entry changed since you opened it. What you typed stands below; send"
            " it again to propose it for the entry as it is now."
        )
        return _form(authority_of(code), cells, {}, words), 409
    flash(_("The change is proposed. Another person decides."), "ok")
    return redirect(url_for("contacts.show", code=found.code), 303)


# -------------------------------------------------------------------------- deciding


def _decider() -> None:
    if not actor().is_any(*MAINTAINERS, Role.OPERATOR):
        raise Forbidden


@upkeep.get("/proposals")
def proposals() -> str:
    """Show what waits for a decision, the old beside the new."""
    _decider()
    return _proposals()


def _proposals(problem: str = "") -> str:
    me = actor()
    return render_template(
        "contacts/proposals.html",
        problem=problem,
        waiting=[
            {
                "proposal": proposal,
                "authority": authority,
                "rows": _differences(proposal),
                "why_not": said(changing.why_not(proposal, me)),
            }
            for proposal, authority in changing.waiting_for(me)
        ],
    )


def _differences(proposal: Proposal) -> list[dict[str, Any]]:
    return [
        {
            "label": said(LABELS[name]),
            "before": before.splitlines(),
            "after": after.splitlines(),
        }
        for name, (before, after) in proposal.changes.items()
    ]


@upkeep.post("/proposals/<int:number>")
def decide(number: int) -> Page:
    """Accept or refuse what another person proposed."""
    _decider()
    if number >= LARGEST:
        raise NotFound
    changing.waits(number, actor())
    accept = request.form.get("decision") == "accept"
    if not accept and request.form.get("decision") != "refuse":
        return _proposals(_("Accept the change or refuse it.")), 422
    changing.decide(number, actor(), accept=accept, now=_now())
    if accept:
        flash(_("The change is accepted. It is made within a minute."), "ok")
    else:
        flash(_("The change is refused."), "ok")
    return redirect(url_for(".proposals"), 303)


# ------------------------------------------------------------------ confirming, testing


@upkeep.post("/<code>/confirm")
def confirm(code: str) -> Page:
    """Say that everything in the own entry is correct."""
    if not may_maintain(actor()):
        raise Forbidden
    found = authority_of(code)
    try:
        confirming.confirm(code, actor(), version=_version(), now=_now())
    except LinkVoid:
        words = _("The entry changed since you opened it: look at it once more.")
        return entry_page(found, words), 409
    flash(_("Thank you. The entry is confirmed for 180 days."), "ok")
    return redirect(url_for("contacts.show", code=found.code), 303)


@upkeep.post("/<code>/test")
def test(code: str) -> Page:
    """Send a test message, which somebody there confirms to have read."""
    if not (may_file(actor()) or may_maintain(actor())):
        raise Forbidden
    found = authority_of(code)
    try:
        confirming.ask_test(code, actor(), _now())
    except TestedToday:
        words = _(
            "A test message went out within the last day. Wait for it to be read, or"
            " send another one tomorrow."
        )
        return entry_page(found, words), 409
    flash(_("The test message is on its way."), "ok")
    return redirect(url_for("contacts.show", code=found.code), 303)


@upkeep.get("/link/<token>")
def link(token: str) -> Page:
    """Show what a link in a mail asks; looking at it does nothing."""
    try:
        found, authority = confirming.of_link(token, _now())
    except LinkVoid:
        return _void()
    return _asked(Link(found.kind), authority)


def _asked(kind: Link, authority: Authority, problem: str = "") -> str:
    now = _now()
    confirmed = authority.last_confirmed
    return render_template(
        "contacts/link.html",
        test=kind is Link.TEST,
        found=authority,
        rows=rows_of(authority),
        stale=entries.is_stale(authority, now),
        age=(now - confirmed).days if confirmed else None,
        problem=problem,
    )


def _void() -> Page:
    return render_template("contacts/link_void.html"), 404


@upkeep.post("/link/<token>")
def use(token: str) -> Page:
    """Confirm the entry, or that the test message was read."""
    try:
        kind, authority = confirming.use_link(token, version=_version(), now=_now())
    except LinkVoid:
        give_up()
        return _again(token)
    return render_template(
        "contacts/thanks.html", test=kind is Link.TEST, found=authority
    )


def _again(token: str) -> Page:
    """Show the entry once more where it changed meanwhile; else the link is void."""
    try:
        found, authority = confirming.of_link(token, _now())
    except LinkVoid:
        return _void()
    words = _("The entry changed since you opened it: look at it once more.")
    return _asked(Link(found.kind), authority, words), 409


# ------------------------------------------------------------------------ the pictures


@upkeep.post("/<code>/pictures")
def add_picture(code: str) -> Page:
    """Add a picture of how this State marks."""
    if not may_maintain(actor()):
        raise Forbidden
    found = authority_of(code)
    given = request.files.get("picture")
    content = given.read() if given is not None else b""
    title = request.form.get("title", "") or (given.filename if given else "") or ""
    try:
        showing.add(code, actor(), content, title=title, now=_now())
    except FileRefused as error:
        give_up()
        return entry_page(found, forms.translated(error.words)), 422
    flash(_("The picture is added."), "ok")
    return redirect(url_for("contacts.show", code=found.code), 303)


@upkeep.post("/<code>/pictures/<token>/remove")
def remove_picture(code: str, token: str) -> Page:
    """Take a picture out again."""
    if not may_maintain(actor()):
        raise Forbidden
    found = authority_of(code)
    showing.remove(code, actor(), token)
    flash(_("The picture is removed."), "ok")
    return redirect(url_for("contacts.show", code=found.code), 303)


@upkeep.get("/picture/<token>")
def picture(token: str) -> Response:
    """Hand out a picture, as we have drawn it."""
    found = showing.by_token(token)
    return _drawn(found.content, found.media_type)


@upkeep.get("/picture/<token>/small")
def small(token: str) -> Response:
    """Hand out the small one."""
    return _drawn(showing.by_token(token).small, "image/jpeg")


def _drawn(content: bytes, media_type: str) -> Response:
    answer = make_response(content)
    answer.mimetype = media_type
    answer.headers["Content-Disposition"] = "inline"
    answer.headers["Content-Security-Policy"] = SANDBOX
    return answer
