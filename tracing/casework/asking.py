"""Whom a draft asks: what its marks propose, and the same find asked of several States.

The rules are in `workflows.routing`; here they meet the draft and the directory.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from tracing.casework import attachments, onward, queries, sections
from tracing.casework.apply import utcnow
from tracing.casework.requesting import (
    Drawn,
    enter_draft,
    new_draft,
    under_a_number,
    use_form_key,
)
from tracing.directory import countries, entries
from tracing.extensions import db
from tracing.journal.kinds import Kind as Entry
from tracing.models import Authority, TraceRequest
from workflows import routing
from workflows.errors import TransitionNotAllowed
from workflows.policies import Actor
from workflows.ranking import Traits
from workflows.routing import Advice, Clues, Fit, Mark, Proposed, Side
from workflows.states import Party, State
from workflows.vocabulary import (
    DirectoryFunction,
    Instrument,
    MarkType,
    RoutingBasis,
    Urgency,
)

CARRIED: Final = ("item", "markings", "persons", "basis", "domestic", "header")
ALIKE: Final = 5
"""Earlier requests about the same mark that are looked at."""

MOST_CONTACTS: Final = 4
"""Contacts of one State that are proposed; the list has all."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """A State to ask, and who is competent there with what fits both sides."""

    proposed: Proposed
    contacts: tuple[tuple[Authority, Fit], ...]


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What the marks of a draft propose."""

    states: tuple[Suggested, ...]
    advice: Advice


def suggestions(request: TraceRequest, actor: Actor, on: date) -> Suggestions:
    """Return whom the marks of a draft propose to ask, and why."""
    advice = routing.advise(clues_of(request, actor))
    known = entries.addressees(besides=request.requesting_id, on=on)
    asking = side_of(request.requesting)
    urgent = request.urgency is Urgency.URGENT
    found = []
    for proposed in advice.proposals:
        here = [one for one in known if one.country == proposed.state]
        here.sort(key=_competence)
        contacts = tuple(
            (one, routing.fit(asking, side_of(one), urgent=urgent))
            for one in here[:MOST_CONTACTS]
        )
        found.append(Suggested(proposed, contacts))
    return Suggestions(tuple(found), advice)


def _competence(authority: Authority) -> tuple[bool, bool, str]:
    """Return what puts the contact that traces firearms first."""
    for_tracing = {Instrument.ITI25, Instrument.FP13} & {*authority.instruments}
    return (
        DirectoryFunction.FIREARMS not in authority.functions,
        not for_tracing,
        authority.name,
    )


def side_of(authority: Authority) -> Side:
    """Return what an entry says of how its authority works with others."""
    channels = tuple(line.split(" ")[0] for line in authority.channels.splitlines())
    return Side(
        authority.languages,
        authority.instruments,
        channels,
        authority.interpol_route,
    )


def clues_of(request: TraceRequest, actor: Actor) -> Clues:
    """Return what a draft says of where its item comes from."""
    item = request.item
    marks = tuple(Mark(mark.type, mark.text) for mark in item.markings)
    transfers = [m.text for m in marks if m.type is MarkType.GOV_TRANSFER]
    return Clues(
        own=request.requesting.country,
        make=item.make or "",
        manufacture=item.country_of_manufacture or "",
        place=item.place_of_manufacture or "",
        imported=item.import_country or "",
        importer=item.importer_name or "",
        marks=marks,
        transferred=tuple(
            dict.fromkeys(c for text in transfers for c in countries.named_in(text))
        ),
        earlier=_earlier(request, actor),
    )


def _earlier(request: TraceRequest, actor: Actor) -> tuple[str, ...]:
    """Return the States that answers about the same firearm name."""
    named = []
    if request.parent is not None:
        named.append(onward.next_state(request.parent))
    serial = request.item.serial
    if serial is not None:
        item = request.item
        traits = Traits(item.make, item.model, item.calibre)
        alike = queries.marked_like(actor, serial.text, traits)[:ALIKE]
        for one in alike:
            if one.what != request.reference and not one.hit.distance:
                other = queries.by_reference(one.what, actor, people=False)
                if other.requesting_id == actor.authority_id:
                    named.append(onward.next_state(other))
    return tuple(dict.fromkeys(filter(None, named)))


# -------------------------------------------------------------- several from one filing


def also(
    reference: str,
    actor: Actor,
    *,
    authority_id: int,
    basis: RoutingBasis | None,
    form_key: str,
    now: datetime | None = None,
) -> TraceRequest:
    """Start a draft about the same find to another State, linked by the find."""
    at = now or utcnow()

    def begin(drawn: Drawn) -> TraceRequest:
        first = queries.by_reference(reference, actor)
        if first.state is not State.DRAFT or _side(first, actor) is None:
            raise TransitionNotAllowed(
                "Only a draft can be asked of another State as well; ask the next State"
                " from the answer."
            )
        to = entries.open_for_requests(
            authority_id, besides=first.requesting_id, on=at.date()
        )
        with db.session.no_autoflush:
            use_form_key(form_key, actor, reference=drawn[1], now=at)
            made = _same_again(first, actor, to, basis, drawn, at)
        attachments.copy_to(made, first, actor, now=at)
        enter_draft(Entry.DRAFTED, made, actor, same_find=first.reference)
        db.session.commit()
        return made

    return under_a_number(actor, at, begin)


def _side(request: TraceRequest, actor: Actor) -> Party | None:
    return Party.REQUESTING if request.requesting_id == actor.authority_id else None


def _same_again(
    first: TraceRequest,
    actor: Actor,
    to: Authority,
    basis: RoutingBasis | None,
    drawn: Drawn,
    at: datetime,
) -> TraceRequest:
    values = sections.read(first)
    made = new_draft(actor, now=at, recovery=first.recovery, drawn=drawn)
    for key in CARRIED:
        schema = sections.SCHEMAS[key]()
        sections.write(made, key, schema.load(values[key], partial=True))
    made.requested = to
    made.routing_basis = basis
    found = routing.fit(side_of(first.requesting), side_of(to))
    made.language = found.language or first.language
    return made
