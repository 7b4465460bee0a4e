"""Points of contact: the list, one entry as it is and was, and the whole to take away."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import (
    Blueprint,
    Response,
    current_app,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import get_locale
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as Answer

from tracing.accounts.actors import current_actor
from tracing.casework import queries
from tracing.directory import columns, countries, entries, exchange
from tracing.models import Authority, AuthorityVersion
from tracing.upkeep import changing, confirming, showing
from tracing.web.context import LANGUAGES, country, said, tongue
from tracing.words import _
from workflows.policies import Actor, Role, may_file, may_maintain
from workflows.upkeep import Signs, reachability
from workflows.vocabulary import (
    N_,
    AcceptedFormat,
    Channel,
    DirectoryFunction,
    Instrument,
    InterpolRoute,
)

contacts = Blueprint("contacts", __name__, url_prefix="/points-of-contact")
BLUEPRINTS = (contacts,)
PAGE = 50
LARGEST: Final = 2**31

LABELS: Final = {
    "code": N_("Code"),
    "country": N_("State"),
    "territory": N_("Territory"),
    "name": N_("Name"),
    "original_name": N_("Name in its own language"),
    "unit": N_("Unit"),
    "zone": N_("Time zone"),
    "languages": N_("Working languages"),
    "functions": N_("Functions"),
    "instruments": N_("Instruments"),
    "formats": N_("Accepted forms of a request"),
    "email": N_("E-mail"),
    "emails": N_("Further e-mail addresses, the deputy's first"),
    "supervisor_email": N_("E-mail of the supervisors"),
    "phone": N_("Telephone"),
    "phones": N_("Further telephone numbers, the deputy's first"),
    "urgent_phone": N_("Urgent, at any hour"),
    "fax": N_("Fax"),
    "channels": N_("Secure channels"),
    "address": N_("Address"),
    "office_hours": N_("Office hours"),
    "requirements": N_("Requirements in law and procedure"),
    "urgent_procedure": N_("What to do in urgent cases"),
    "interpol_route": N_("Requests through INTERPOL"),
    "marking_practice": N_("How this State marks what it makes and imports"),
    "source": N_("Source"),
    "last_confirmed": N_("Last checked"),
    "confirmed_by": N_("Checked by"),
    "valid_from": N_("In force from"),
    "valid_to": N_("In force until"),
    "successor": N_("Authority that took over (its code)"),
    "accepts_requests": N_("Takes trace requests"),
    "fictional": N_("Invented for a demonstration"),
}
"""What the pages call the fields of an entry."""


def state_asked() -> str:
    """Return the State a list is narrowed to."""
    return state_of(request.args.get("country", ""))


def state_of(text: str) -> str:
    """Return the code of a State; what is no code narrows nothing."""
    code = text.upper()
    return code if re.fullmatch("[A-Z]{2}", code) else ""


def reader() -> str:
    """Return the language of the page."""
    locale = get_locale()
    return str(locale.language) if locale else "en"


def actor() -> Actor:
    """Return who reads: nobody comes here without having signed in."""
    found = current_actor()
    assert found is not None
    return found


def authority_of(code: str) -> Authority:
    """Return the entry of a code, or say that there is none."""
    # What no code can hold is not asked of the database: one of ours refuses it.
    found = entries.get(code) if code.isprintable() and len(code) <= 20 else None
    if found is None:
        raise NotFound
    return found


@contacts.get("")
def index() -> str:
    """List the authorities, by State, instrument and language."""
    chosen = {
        "country": state_asked(),
        "instrument": request.args.get("instrument", "")[:20],
        "function": request.args.get("function", "")[:30],
        "language": request.args.get("language", "")[:5],
    }
    text = request.args.get("q", "")[:200]
    found = entries.find(
        text,
        country=chosen["country"],
        instrument=chosen["instrument"],
        function=chosen["function"],
        language=chosen["language"],
        in_language=reader(),
        after=request.args.get("after", "")[:20],
        limit=PAGE + 1,
    )
    now = datetime.now(UTC)
    shown = found[:PAGE]
    return render_template(
        "contacts/list.html",
        found=shown,
        later=found[PAGE - 1].code if len(found) > PAGE else None,
        countries=[
            (code, countries.name_of(code, reader()))
            for code in entries.countries(reader())
        ],
        instruments=[(i.value, i.label) for i in Instrument],
        functions=[(f.value, f.label) for f in DirectoryFunction],
        languages_list=_languages(),
        chosen=chosen,
        text=text,
        usual=queries.days_to_answer(actor(), [a.id for a in shown], now=now),
        old=entries.is_stale,
        ended=ended,
        waiting=len(changing.waiting_for(actor())),
        now=now,
    )


def _languages() -> list[tuple[str, str]]:
    """Return the languages that authorities work in, in the reader's words."""
    codes = entries.languages() | set(LANGUAGES)
    named = [(code, tongue(code)) for code in codes]
    return sorted(named, key=lambda choice: countries.folded(choice[1]))


def ended(authority: Authority, now: datetime) -> bool:
    """Tell whether an entry no longer holds."""
    return authority.valid_to is not None and authority.valid_to < now.date()


@contacts.get("/mine")
def mine() -> Answer:
    """Lead to the entry of the own authority."""
    held = entries.by_id(actor().authority_id)
    return redirect(url_for(".show", code=held.code), 303)


@contacts.get("/print")
def printed() -> str:
    """Show the whole directory on one page, to be printed."""
    now = datetime.now(UTC)
    found = entries.find(in_language=reader(), limit=2000)
    return render_template(
        "contacts/print.html",
        found=[(authority, rows_of(authority)) for authority in found],
        now=now,
        old=entries.is_stale,
        ended=ended,
    )


@contacts.get("/export/<form>")
def export(form: str) -> Response:
    """Hand out the directory as a file that can be imported again."""
    written = {"csv": exchange.to_csv, "json": exchange.to_json}.get(form)
    if written is None:
        raise NotFound
    kinds = {"csv": "text/csv", "json": "application/json"}
    return _file(written(entries.everything()), f"directory.{form}", kinds[form])


def _file(text: str, name: str, kind: str) -> Response:
    disposition = f"attachment; filename={name}"
    return Response(text, mimetype=kind, headers={"Content-Disposition": disposition})


@contacts.get("/<code>/card")
def card(code: str) -> Response:
    """Hand out an entry as a vCard."""
    found = authority_of(code)
    settings = current_app.extensions["tracing.settings"]
    address = settings.address.rstrip("/") + url_for(".show", code=found.code)
    text = exchange.to_vcard(found, reader(), address)
    return _file(text, f"{found.code}.vcf", "text/vcard")


@contacts.get("/<code>")
def show(code: str) -> str:
    """Show one authority: how to reach it, in what language, its time now."""
    return entry_page(authority_of(code))


def entry_page(found: Authority, problem: str = "") -> str:
    """Return the page of an entry."""
    now = datetime.now(UTC)
    me = actor()
    signs = confirming.signs_of(found)
    score, points = reachability(signs, now)
    own = found.id == me.authority_id
    return render_template(
        "contacts/show.html",
        found=found,
        problem=problem,
        local=now.astimezone(ZoneInfo(found.zone)),
        stale=entries.is_stale(found, now),
        age=(now - found.last_confirmed).days if found.last_confirmed else None,
        ended=ended(found, now),
        successor=entries.get(found.successor) if found.successor else None,
        rows=rows_of(found),
        score=score,
        points=points,
        signs=signs,
        test=_test_words(signs),
        came_back=entries.came_back(found),
        usual=queries.days_to_answer(me, [found.id], now=now).get(found.id),
        versions=entries.versions(found),
        pictures=showing.of_entry(found),
        proposals=changing.open_for(found, me),
        may_confirm=own and may_maintain(me),
        may_test=may_file(me) or may_maintain(me),
        may_decide=(own and may_maintain(me)) or me.is_any(Role.OPERATOR),
    )


def _test_words(signs: Signs) -> str:
    if signs.tested is None:
        return _("never tested")
    if signs.read is not None and signs.read >= signs.tested:
        return _("sent and read")
    return _("sent, nobody has said that it was read")


@contacts.get("/<code>/versions/<int:number>")
def version(code: str, number: int) -> str:
    """Show an entry as it was: what a request was sent to."""
    found = authority_of(code)
    if number == found.version:
        return _as_it_was(found, found)
    # What no column can hold is not asked of the database.
    before = entries.version(found, number) if number < LARGEST else None
    if before is None:
        raise NotFound
    values, _faults = columns.checked(before.entry)
    return _as_it_was(found, Authority(**values), before)


def _as_it_was(
    found: Authority, was: Authority, before: AuthorityVersion | None = None
) -> str:
    return render_template(
        "contacts/version.html", found=found, was=was, rows=rows_of(was), before=before
    )


# ---------------------------------------------------------------------- rows, in words

_ALWAYS: Final = frozenset({"phone", "urgent_phone", "office_hours", "interpol_route"})
"""Fields whose absence is worth telling."""

_LEFT_OUT: Final = frozenset(
    {"code", "country", "name", "last_confirmed", "confirmed_by", "fictional", "zone"}
    | {"accepts_requests", "successor"}
)
_LABELLED: Final = {
    "functions": DirectoryFunction,
    "instruments": Instrument,
    "formats": AcceptedFormat,
}
_LEFT_TO_RIGHT: Final = frozenset(
    {"email", "emails", "supervisor_email", "phone", "phones", "urgent_phone", "fax"}
    | {"channels"}
)


def rows_of(authority: Authority) -> list[dict[str, Any]]:
    """Return what an entry says, field by field, in the reader's words."""
    found = []
    for name, label in LABELS.items():
        value = getattr(authority, name)
        if name in _LEFT_OUT or (not value and name not in _ALWAYS):
            continue
        found.append(
            {
                "name": name,
                "label": said(label),
                "lines": in_words(name, value),
                "plain": name in _LEFT_TO_RIGHT,
            }
        )
    return found


def in_words(name: str, value: Any) -> Sequence[str]:
    """Return a field line by line."""
    if name in _LABELLED:
        return [said(_LABELLED[name](code).label) for code in value]
    if name == "languages":
        return [_(", ").join(map(tongue, value))]
    if name == "country":
        return [country(value)]
    if name == "interpol_route":
        return [said(InterpolRoute(value).label)] if value else []
    if name == "channels":
        return [_channel(line) for line in value.splitlines()]
    if isinstance(value, bool):
        return [_("Yes") if value else _("No")]
    if isinstance(value, tuple):
        return value
    return columns.cell_of(value).splitlines()


def _channel(line: str) -> str:
    code, _blank, where = line.partition(" ")
    return (
        f"{said(Channel(code).label)}: {where}" if where else said(Channel(code).label)
    )
