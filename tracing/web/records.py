"""The national records: searched, shown with their history, added to, shared."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import format_date
from marshmallow import ValidationError
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from tracing.accounts.actors import current_actor
from tracing.casework import records, registry, reviews, sightings
from tracing.casework.records import Entry
from tracing.casework.session import give_up
from tracing.models import Authority, RegistryEvent, RegistryItem
from tracing.schemas.fields import Section
from tracing.schemas.registry import (
    EventSection,
    RecordSection,
    SearchSection,
    WhySection,
)
from tracing.web import forms
from tracing.web.context import country, day, moment, said
from tracing.web.once import form_key, version_of_form
from tracing.web.status import Tag
from tracing.web.stepup import recent_factor
from tracing.words import _
from workflows.errors import FactMissing, NotVisible
from workflows.matching import Hit
from workflows.policies import Actor, Role, may_keep, may_use_records
from workflows.ranking import Possible
from workflows.vocabulary import (
    N_,
    Agreement,
    ChainActor,
    DatePrecision,
    RecordStatus,
    Rung,
)

records_ = Blueprint("records", __name__, url_prefix="/records")
decisions = Blueprint("record_reviews", __name__, url_prefix="/records/reviews")
BLUEPRINTS = (records_, decisions)

SHOWN: Final = 50
"""Of what a search finds; whoever sees more of them has to say more of the item."""

TONES: Final = {
    **dict.fromkeys((s for s in RecordStatus if s.is_wanted), ("red", "triangle")),
    **dict.fromkeys((s for s in RecordStatus if s.has_ended), ("grey", "tick")),
}
RUNGS: Final = {Rung.EXACT: "green", Rung.FOLDED: "blue"}
FACTS: Final = (
    ("source", N_("Register")),
    ("source_key", N_("Number of the record in that register")),
    ("kind", N_("Kind of item")),
    ("firearm_type", N_("Type of firearm")),
    ("part", N_("Which part")),
    ("quantity", N_("Number of pieces")),
    ("make", N_("Make")),
    ("plant_country", N_("Country of the maker's plant")),
    ("model", N_("Model")),
    ("calibre", N_("Calibre")),
    ("year", N_("Year of manufacture")),
    ("country_of_manufacture", N_("Country of manufacture")),
    ("import_mark", N_("Import mark")),
    ("import_country", N_("Country of import shown by the import mark")),
    ("import_year", N_("Year of import shown by the import mark")),
    ("keep", N_("How long the record is kept at least")),
    ("review_on", N_("Decided about from")),
)
LABELS: Final = dict(FACTS) | {
    "serial": N_("Serial or lot number"),
    "status": N_("Where the item is now"),
}
TOLD: Final = (
    ("mark", N_("New number")),
    ("licence", N_("Number of the licence, authorisation or certificate")),
    ("licence_issued", N_("Issued on")),
    ("licence_expires", N_("Expires on")),
    ("country_from", N_("Country it came from")),
    ("country_to", N_("Country it went to")),
    ("transit", N_("Countries of transit")),
    ("consignment", N_("Number of the consignment")),
    ("quantity", N_("Number of pieces in it")),
    ("place", N_("Place")),
    ("source_record", N_("Where it is written")),
    ("remarks", N_("Remarks")),
)
COUNTRIES: Final = frozenset(
    {
        *("plant_country", "country_of_manufacture", "import_country"),
        *("country_from", "country_to"),
    }
)
NAMED: Final = {"country": "country_of_manufacture"}
MOST_WORDS: Final = 4
MONTHS: Final = {DatePrecision.MONTH: "MMMM y", DatePrecision.YEAR: "y"}


@lru_cache(maxsize=32)
def _schema(section: type[Section], today: date) -> Section:
    return section(today=today)


def _read(section: type[Section]) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Return what was typed, what it means, and what is wrong with it."""
    schema = _schema(section, datetime.now(UTC).date())
    raw = forms.posted(schema, request.form)
    try:
        return raw, schema.load(raw), {}
    except ValidationError as error:
        return raw, {}, error.messages


def _drawn(
    section: type[Section], raw: dict[str, Any], errors: Any = None
) -> list[forms.Control]:
    schema = _schema(section, datetime.now(UTC).date())
    return forms.controls(schema, raw, errors or {}, adding=request.form.get("add"))


def _actor() -> Actor:
    actor = current_actor()
    if actor is None or not may_use_records(actor):
        raise Forbidden
    return actor


# --------------------------------------------------------------------------- searching


def tag_of(status: RecordStatus) -> Tag:
    """Return where an item is, as lists show it."""
    tone, icon = TONES.get(status, ("grey", "arrow"))
    return Tag(tone, icon, said(status.label))


def _search_page(
    raw: dict[str, Any], errors: Any = None, searched: registry.Searched | None = None
) -> str:
    drawn = _drawn(SearchSection, raw, errors)
    return render_template(
        "records/search.html",
        controls=drawn,
        summary=forms.summary(drawn),
        answers=_answers(searched),
        told=sightings.unseen(_actor()),
        decides=may_keep(_actor()),
    )


def _answers(searched: registry.Searched | None) -> list[dict[str, Any]]:
    """Return what was found in each store, and whether that is all there is."""
    if searched is None:
        return []
    parts = [(_("Own records"), searched.own, False)]
    if searched.others is not None:
        parts.append((_("Shared by other authorities"), searched.others, True))
    return [
        {
            "title": title,
            "whole": found.whole,
            "count": len(found.possible),
            "most": SHOWN,
            "foreign": foreign,
            "rows": [_possible(one, searched.owners) for one in found.possible[:SHOWN]],
        }
        for title, found, foreign in parts
    ]


def _possible(
    found: Possible[records.Line], owners: Mapping[int, Authority]
) -> dict[str, Any]:
    line, hit = found.what, found.hit
    owner = owners.get(line.authority_id)
    differ = [
        said(LABELS[NAMED.get(field.name, field.name)])
        for field in found.fields
        if field.agreement is Agreement.DIFFERS
    ]
    return {
        "line": line,
        "tag": tag_of(line.status),
        "match": Tag(RUNGS.get(hit.rung, "amber"), "", said(hit.rung.label)),
        "why": [_(words, **holes) for words, holes in _sentences(hit)],
        "differ": differ,
        "owner": f"{owner.name} ({country(owner.country)})" if owner else "",
    }


def _sentences(hit: Hit) -> list[tuple[str, Mapping[str, object]]]:
    return [difference.words for difference in hit.differences[:MOST_WORDS]]


@records_.get("")
def index() -> str:
    """Show the form of the search."""
    _actor()
    return _search_page({})


@records_.post("")
def search() -> tuple[str, int] | str:
    """Search; what was looked for stays out of the address."""
    actor = _actor()
    raw, given, errors = _read(SearchSection)
    if errors:
        return _search_page(raw, errors), 422
    others = given.pop("others", False)
    return _search_page(raw, None, registry.search(actor, given, others=others))


@records_.get("/shared")
def shared() -> str:
    """Show what the authority shares."""
    rows, more = records.shared_of(_actor(), after=_number("after"))
    return render_template("records/shared.html", rows=rows, more=more, tag_of=tag_of)


def _number(name: str) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


# -------------------------------------------------------------------------- one record


@records_.get("/<int:number>")
def show(number: int) -> str:
    """Show a record and its history."""
    actor = _actor()
    registry.opened(records.one(number, actor), actor)
    item = records.one(number, actor)
    entries = records.history(records.events_of(item.id, actor.authority_id))
    return render_template(
        "records/show.html",
        item=item,
        standing=tag_of(item.status),
        facts=_facts(item, FACTS),
        entries=[_line(entry) for entry in reversed(entries)],
    )


def _facts(row: Any, names: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    found = ((said(label), _words(name, getattr(row, name))) for name, label in names)
    return [(label, words) for label, words in found if words]


def _words(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in COUNTRIES:
        return country(value)
    if hasattr(value, "label"):
        return said(value.label)
    return day(value) if isinstance(value, date) else str(value)


def _line(entry: Entry) -> dict[str, Any]:
    event = entry.event
    return {
        "id": event.id,
        "label": said(event.kind.label),
        "when": when(event),
        "iso": event.happened_on.isoformat() if event.happened_on else None,
        "stands": entry.stands,
        "facts": _facts(event, TOLD),
        "parties": [_party(party) for party in event.parties or ()],
        "changes": [
            (said(LABELS.get(name, name)), str(value or "—"))
            for name, value in (event.changes or {}).items()
        ],
        "recorded": _recorded(event),
        "happens": event.kind.happens,
        "before": [
            {
                "label": said(old.kind.label),
                "when": when(old),
                "facts": _facts(old, TOLD),
                "parties": [_party(party) for party in old.parties or ()],
                "recorded": _recorded(old),
            }
            for old in entry.before
        ],
    }


def when(event: RegistryEvent) -> str:
    """Return the day of an event as exactly as it is known."""
    if event.happened_on is None:
        return _("Day not known")
    if event.precision in MONTHS:
        return str(format_date(event.happened_on, MONTHS[event.precision]))
    if event.precision is DatePrecision.ABOUT:
        return _("About %(date)s", date=day(event.happened_on))
    return day(event.happened_on)


def _party(party: dict[str, Any]) -> tuple[str, str]:
    rest = (party.get("name"), party.get("number"), country(party.get("country")))
    role = said(ChainActor(party["role"]).label) if party.get("role") else _("Party")
    return role, ", ".join(text for text in rest if text)


def _recorded(event: RegistryEvent) -> str:
    at = moment(event.recorded_at)
    if event.recorded_by is None:
        return _("Written by an import, %(at)s", at=at)
    return _("Written by %(name)s, %(at)s", name=event.recorded_by.name, at=at)


# ------------------------------------------------------------------------------- forms


def _form(
    title: str,
    parts: list[list[forms.Control]],
    *,
    item: RegistryItem | None = None,
    status: int = 200,
    intro: str = "",
    strike: int = 0,
) -> tuple[str, int]:
    version = None
    if item is not None:
        # What was posted stays as old as it was.
        version = item.version if request.method == "GET" else version_of_form()
    page = render_template(
        "records/form.html",
        heading=title,
        intro=intro,
        parts=parts,
        summary=forms.summary(*parts),
        item=item,
        strike=strike,
        form_key=form_key(),
        version=version,
    )
    return page, status


def _to(number: int, words: str) -> Response:
    flash(words, "ok")
    return redirect(url_for("records.show", number=number), 303)


Page = Response | tuple[str, int]


@records_.get("/new")
def new() -> Page:
    """Show the form of a new record."""
    _actor()
    return _form(_("New record"), [_drawn(RecordSection, {})])


@records_.post("/new")
def create() -> Page:
    """Add a record."""
    actor = _actor()
    raw, given, errors = _read(RecordSection)
    if errors:
        parts = [_drawn(RecordSection, raw, errors)]
        return _form(_("New record"), parts, status=422)
    try:
        item = registry.record(actor, given, form_key=form_key())
    except registry.AlreadyThere as there:
        return _to(there.number, _("The record is there already."))
    return _to(item.id, _("The record is added. Say what happened to the item."))


def _of_item(item: RegistryItem) -> dict[str, Any]:
    found = {name: getattr(item, name) for name in registry.FIELDS}
    return found | {"serial": item.text, "source_key": item.source_key}


@records_.get("/<int:number>/correct")
def correction(number: int) -> Page:
    """Show the form that corrects a record."""
    item = records.one(number, _actor())
    parts = [_drawn(RecordSection, _of_item(item)), _drawn(WhySection, {})]
    return _form(_("Correct the record"), parts, item=item)


@records_.post("/<int:number>/correct")
def correct(number: int) -> Page:
    """Correct a record."""
    actor = _actor()
    item = records.one(number, actor)
    version = version_of_form()

    def do(given: dict[str, Any], why: str) -> None:
        registry.correct(actor, number, given, why=why, version=version)

    return _with_reason(_("Correct the record"), item, RecordSection, do)


@records_.get("/<int:number>/events/new")
def event(number: int) -> Page:
    """Show the form of something that happened."""
    item = records.one(number, _actor())
    return _form(
        _("What happened"),
        [_drawn(EventSection, {})],
        item=item,
        intro=said(EventSection.intro),
    )


@records_.post("/<int:number>/events/new")
def report(number: int) -> Page:
    """Add what happened."""
    actor = _actor()
    item = records.one(number, actor)
    raw, given, errors = _read(EventSection)
    again = forms.rearranging(request.form)
    if errors or again:
        drawn = _drawn(EventSection, raw, {} if again else errors)
        status = 200 if again else 422
        return _form(_("What happened"), [drawn], item=item, status=status)
    registry.report(actor, number, given, version=version_of_form())
    return _to(number, _("It is written down."))


def _of_event(number: int, event_id: int, actor: Actor) -> RegistryEvent:
    entries = records.history(records.events_of(number, actor.authority_id))
    for entry in entries:
        if entry.event.id == event_id and entry.event.kind.happens:
            return entry.event
    raise NotVisible("There is no such event.")


@records_.get("/<int:number>/events/<int:event>/correct")
def event_correction(number: int, event: int) -> Page:
    """Show the form that puts another event in the place of one."""
    actor = _actor()
    item = records.one(number, actor)
    registry.opened(item, actor)
    item = records.one(number, actor)
    old = _of_event(number, event, actor)
    told = {name: getattr(old, name) for name in registry.TOLD}
    parts = [
        _drawn(EventSection, told | {"parties": old.parties or []}),
        _drawn(WhySection, {}),
    ]
    return _form(_("Correct what happened"), parts, item=item, strike=event)


@records_.post("/<int:number>/events/<int:event>/correct")
def correct_event(number: int, event: int) -> Page:
    """Put another event in the place of one, or say that it did not happen."""
    actor = _actor()
    item = records.one(number, actor)
    struck, version = request.form.get("action") == "strike", version_of_form()

    def do(given: dict[str, Any], why: str) -> None:
        told = None if struck else given
        registry.replace(actor, number, event, told, why=why, version=version)

    title = _("Correct what happened")
    return _with_reason(title, item, EventSection, do, strike=event, struck=struck)


def _with_reason(
    title: str,
    item: RegistryItem,
    section: type[Section],
    do: Callable[[dict[str, Any], str], object],
    *,
    strike: int = 0,
    struck: bool = False,
) -> Page:
    """Do what a form with a reason asks for, or show it again with what is wrong."""
    number = item.id
    raw, given, errors = _read(section)
    raw_why, why, no_why = _read(WhySection)
    again = forms.rearranging(request.form)
    wrong = {} if struck else errors
    if not (wrong or no_why or again):
        try:
            do(given, why["why"])
        except FactMissing as missing:
            give_up()
            item = records.one(number, _actor())
            no_why = {"why": [_(str(missing))]}
        else:
            return _to(number, _("It is corrected; what stood there is kept."))
    if again:
        wrong = no_why = {}
    parts = [_drawn(section, raw, wrong), _drawn(WhySection, raw_why, no_why)]
    return _form(title, parts, item=item, status=200 if again else 422, strike=strike)


@records_.post("/<int:number>/share")
def share(number: int) -> Response:
    """Let others meet a record, or no longer."""
    wanted = request.form.get("shared") == "true"
    registry.share(_actor(), number, shared=wanted, version=version_of_form())
    if wanted:
        words = _("Other authorities meet this record when they look for it.")
    else:
        words = _("The record is not shared any more.")
    return _to(number, words)


# ------------------------------------------------------------------------ what was met


@records_.get("/sightings")
def told() -> str:
    """Show who looks for what the authority shares."""
    actor = _actor()
    rows, more = sightings.told(actor, before=_number("before") or None)
    return render_template(
        "records/sightings.html",
        rows=rows,
        more=more,
        references=sightings.references(actor, rows),
    )


@records_.post("/sightings/<int:number>/seen")
def seen(number: int) -> Response:
    """Say that one has looked at it."""
    sightings.see(_actor(), number)
    return redirect(url_for("records.told"), 303)


# ----------------------------------------------------------------- whose time is over


def _decider() -> Actor:
    actor = current_actor()
    if actor is None or not actor.is_any(Role.SUPERVISOR, Role.ADMINISTRATOR):
        raise Forbidden
    return actor


def _decisions(problem: str = "", at: int = 0) -> str:
    actor = _decider()
    rows, more = reviews.due(actor, after=_number("after"))
    return render_template(
        "records/reviews.html",
        rows=rows,
        more=more,
        problem=problem,
        at=at,
        opens=may_use_records(actor),
    )


@decisions.get("")
def index_() -> str:
    """Show the records whose time is over."""
    return _decisions()


@decisions.post("/<int:number>/keep")
def keep(number: int) -> Page:
    """Keep a record longer."""
    text = request.form.get("years", "").strip()
    years = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    return _decided(
        number,
        lambda actor: reviews.keep(actor, number, years),
        _("The record is kept. It will be asked again then."),
    )


@decisions.post("/<int:number>/erase")
@recent_factor()
def ask(number: int) -> Page:
    """Ask to erase a record."""
    reason = request.form.get("reason", "")
    return _decided(
        number,
        lambda actor: reviews.ask(actor, number, reason),
        _("Another person must erase it."),
    )


@decisions.post("/<int:number>/give")
@recent_factor()
def give(number: int) -> Page:
    """Decide to erase what another person has asked to erase."""
    return _decided(
        number,
        lambda actor: reviews.give(actor, number),
        _("The record is erased within a minute."),
    )


def _decided(number: int, do: Callable[[Actor], None], words: str) -> Page:
    actor = _decider()
    try:
        do(actor)
    except FactMissing as missing:
        give_up()
        return _decisions(_(str(missing)), number), 422
    flash(words, "ok")
    return redirect(url_for("record_reviews.index_"), 303)
