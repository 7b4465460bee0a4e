"""The limits of information in words: codes, permissions, disclosures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from flask import url_for

from tracing.casework.onward import Carriable
from tracing.models import TraceRequest
from tracing.web import shown
from tracing.web.context import country, day, said
from tracing.words import _
from workflows import policies, restrictions
from workflows.errors import RestrictionHolds
from workflows.facts import Restriction
from workflows.policies import Actor
from workflows.restrictions import Announced, Asked
from workflows.states import BESIDE, Party, Trigger
from workflows.vocabulary import N_, DisclosureGround, InformationItem, Use

TOLD_BY_RULES: Final = (
    N_("Notify the provider first: give notice of the disclosure."),
    N_("It cannot be disclosed before the provider was notified."),
)
"""What the rules say of a disclosure, for the catalogues."""

OF_THE_PAGE: Final = (
    Trigger.ASK_PERMISSION,
    Trigger.ANNOUNCE_DISCLOSURE,
    Trigger.CANNOT_KEEP,
    Trigger.LIFT_CONFIDENTIALITY,
)
"""The steps with a button of their own; the rest belong to what they answer."""


def refused(error: RestrictionHolds) -> str:
    """Return a refusal with what to do about it."""
    return _(
        "“%(what)s” is marked %(code)s: ask the provider's permission first.",
        what=said(error.what),
        code=error.handling,
    )


def marked(restriction: Restriction) -> dict[str, str]:
    """Return a restriction: what it is on, the code, and both in words."""
    free = _(", ").join(said(use.label) for use in restriction.allows)
    return {
        "item": said(restriction.item.label),
        "code": restriction.handling.value,
        "meaning": said(restriction.handling.label),
        "text": restriction.text,
        "free": free,
    }


def of_answer(carried: Mapping[str, Any]) -> dict[str, Any]:
    """Return the codes of an answer: what each item has, and of which details."""
    given = restrictions.of_answer(carried)
    items = [restrictions.item_of(name) for name in carried["details"]]
    return {
        "rows": [marked(restriction) for restriction in given[1:]],
        "details": [_code(given, item) for item in items],
        "chain": _code(given, InformationItem.TRANSFERS),
        "persons": _code(given, InformationItem.PERSONS),
        "text": _code(given, InformationItem.TEXT),
        "files": marked(restrictions.on(InformationItem.FILES, given)),
        "free": marked(given[0])["free"],
    }


def _code(given: Sequence[Restriction], item: InformationItem) -> str:
    """Return the code of an item, where another holds than for everything."""
    own = restrictions.on(item, given)
    same = replace(own, item=InformationItem.WHOLE) == given[0]
    return "" if same else own.handling.value


def provided(found: TraceRequest) -> list[dict[str, Any]]:
    """Return what other States provided, each with its provider and its limits."""
    return [
        {
            "limits": marked(
                Restriction(r.item, r.handling, r.text, tuple(map(Use, r.allows)))
            ),
            "number": r.id,
            "provider": country(r.provider.country),
            "on": day(r.provided_at, r.provider.zone),
            "conditions": r.conditions,
            **shown.content(r.content),
        }
        for r in found.provided
    ]


def carriable(one: Carriable) -> dict[str, Any]:
    """Return one item that may go along, or what it waits for."""
    return {
        "key": one.key,
        "limits": marked(one.restriction),
        "provider": country(one.provider.country),
        "asks": one.asks,
        "permitted": _(", ").join(map(country, one.permitted_to())),
        "ask": url_for(
            "requests.step",
            reference=one.source.reference,
            step=Trigger.ASK_PERMISSION.value,
            use=Use.ONWARD.value,
            item=one.item.value,
        ),
        **shown.content(one.content),
    }


# ------------------------------------------------------------- what both sides agreed


def names(items: Iterable[InformationItem]) -> str:
    """Return items in words."""
    return _(", ").join(said(item.label) for item in items)


def beside(found: TraceRequest, actor: Actor, side: Party) -> tuple[Trigger, ...]:
    """Return the steps beside the state that this person can take now."""
    may = policies.possible(actor, found)
    return tuple(t for t in restrictions.offered(found, side) if t in may)


def agreed(
    found: TraceRequest, actor: Actor, side: Party | None, zone: str
) -> dict[str, Any]:
    """Return what was asked, permitted, announced and disclosed, and what is possible."""
    may = beside(found, actor, side) if side else ()
    asked = restrictions.permissions(found.events)
    announced = restrictions.disclosures(found.events)
    return {
        "confidential": found.confidential,
        "asked": [_asked(found, one, side, may, zone) for one in asked],
        "announced": [_announced(found, one, side, may, zone) for one in announced],
        "buttons": [
            {"trigger": t, "url": _step(found, t)} for t in OF_THE_PAGE if t in may
        ],
        "at_once": _step(found, Trigger.RECORD_DISCLOSURE)
        if Trigger.RECORD_DISCLOSURE in may
        else "",
    }


def _step(found: TraceRequest, trigger: Trigger, of: int | None = None) -> str:
    reference, step = found.reference, trigger.value
    return url_for("requests.step", reference=reference, step=step, of=of)


def _asked(
    found: TraceRequest,
    one: Asked,
    side: Party | None,
    may: tuple[Trigger, ...],
    zone: str,
) -> dict[str, Any]:
    mine = side is not None and one.by is side.other and one.answered is None
    answer = one.answered
    reason = answer.carried.get("reason", "") if answer else ""
    return {
        "words": asked_words(one),
        "purpose": one.purpose,
        "open": answer is None,
        "given": one.given,
        "on": day(answer.at, zone) if answer else "",
        "said": one.conditions or reason,
        "buttons": [
            {"trigger": t, "url": _step(found, t, of=one.position)}
            for t in (Trigger.GIVE_PERMISSION, Trigger.REFUSE_PERMISSION)
            if mine and t in may
        ],
    }


def asked_words(one: Asked) -> str:
    """Return what is asked: the use, the State, the items."""
    if one.to:
        return _(
            "%(use)s (%(state)s): %(items)s",
            use=said(one.use.label),
            state=country(one.to),
            items=names(one.items),
        )
    return _("%(use)s: %(items)s", use=said(one.use.label), items=names(one.items))


def _announced(
    found: TraceRequest,
    one: Announced,
    side: Party | None,
    may: tuple[Trigger, ...],
    zone: str,
) -> dict[str, Any]:
    carried = found.events[one.position - 1].carried
    own = one.by is side and one.done is None and Trigger.RECORD_DISCLOSURE in may
    return {
        "words": announced_words(one),
        "ground": said(DisclosureGround(carried["ground"]).label),
        "reason": carried["reason"],
        "on": day(one.at, zone),
        "done": bool(one.done),
        "record": _step(found, Trigger.RECORD_DISCLOSURE, of=one.position)
        if own
        else "",
    }


def announced_words(one: Announced) -> str:
    """Return what is to be disclosed, to whom and when."""
    return _(
        "%(items)s, to %(whom)s, planned for %(date)s",
        items=names(one.items),
        whom=f"\u2068{one.to}\u2069",
        date=day(one.planned),
    )


def about(found: TraceRequest, trigger: Trigger, side: Party, number: int) -> list[str]:
    """Return in words what a step answers, by its position in the history."""
    if trigger is Trigger.RECORD_DISCLOSURE:
        plans = restrictions.unrecorded(found, side)
        return [announced_words(plan) for plan in plans if plan.position == number]
    asked = [a for a in restrictions.open_for(found, side) if a.position == number]
    return [words for a in asked for words in (asked_words(a), a.purpose)]


def first_open(found: TraceRequest, trigger: Trigger, side: Party) -> int | None:
    """Return the position of what waits for this step the longest."""
    if trigger is Trigger.RECORD_DISCLOSURE:
        return None
    return next((a.position for a in restrictions.open_for(found, side)), None)


def is_beside(trigger: Trigger) -> bool:
    """Tell whether a step is one of confidentiality."""
    return trigger in BESIDE
