"""What States have agreed on time: entered by one side, in force by the other's yes.

Each version stays as it is; a request keeps the one it runs under.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from marshmallow import ValidationError
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from tracing.directory.countries import codes
from tracing.extensions import db
from tracing.faults import Stale
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Authority, RegimeVersion
from workflows import regimes
from workflows.errors import NotPermitted, TransitionNotAllowed
from workflows.policies import Actor, Role
from workflows.regimes import (
    Agreement,
    AnswerRule,
    Clock,
    Origin,
    Regime,
    ReminderStep,
    Unit,
)
from workflows.vocabulary import LegalBasis, Urgency

LARGEST: Final = 2**31 - 1
"""The largest number of a row."""

CODE: Final = re.compile(r"[A-Z0-9][A-Z0-9_]{2,39}")
LONGEST: Final = {Unit.HOURS: 24 * 60, Unit.CALENDAR_DAYS: 730, Unit.WORKING_DAYS: 500}


@dataclass(frozen=True, slots=True)
class Terms:
    """What one side enters of an agreement."""

    code: str
    label: str
    states: tuple[str, ...]
    since: date
    unit: Unit
    answer_in: int
    source: str
    why: str
    acknowledge_in: int | None = None
    delay_notice_in: int | None = None
    clock: Clock = Clock.ELAPSED
    paused: bool = True
    ends_on_working_day: bool = False
    binding: bool = False
    """The text itself sets the number, and whoever enters it has read it."""

    bases: tuple[LegalBasis, ...] = ()
    urgency: Urgency | None = None
    reminders: tuple[int, ...] = ()
    """So many units before the end."""


def content_of(given: Terms) -> dict[str, Any]:
    """Return what is stored of the terms."""
    return {
        "acknowledge_in": given.acknowledge_in,
        "answer_in": given.answer_in,
        "delay_notice_in": given.delay_notice_in,
        "unit": given.unit.value,
        "clock": given.clock.value,
        "paused": given.paused,
        "ends_on_working_day": given.ends_on_working_day,
        "binding": given.binding,
        "source": given.source,
        "reminders": list(given.reminders),
    }


def regime_from(
    code: str, number: int, label: str, content: Mapping[str, Any]
) -> Regime:
    """Return the regime that was stored, as the rules read it."""
    unit = Unit(content["unit"])
    evidence = "S" if content["binding"] else "D"
    return Regime(
        code=code,
        version=number,
        label=label,
        source=content["source"],
        evidence=(evidence,),
        acknowledge_in=content["acknowledge_in"],
        acknowledge_evidence=evidence,
        answer_in=content["answer_in"],
        answer_evidence=evidence,
        unit=unit,
        answer_rule=AnswerRule.CONFIGURED,
        paused_by_clarification=content["paused"],
        hard_number=content["binding"],
        clock=Clock(content["clock"]),
        delay_notice_in=content["delay_notice_in"],
        ends_on_working_day=content["ends_on_working_day"],
        reminders=tuple(
            ReminderStep(
                Origin.DUE,
                -before,
                Unit.HOURS if unit is Unit.HOURS else Unit.CALENDAR_DAYS,
            )
            for before in content["reminders"]
        ),
    )


def regime_of_row(row: RegimeVersion) -> Regime:
    """Return the regime of a version."""
    return regime_from(row.code, row.number, row.label, row.content)


def named(code: str, number: int) -> Regime:
    """Return a regime by its name: ours, or a version of an agreement."""
    if not number:
        return regimes.by_code(code)
    row = db.session.scalar(
        select(RegimeVersion).where(
            RegimeVersion.code == code, RegimeVersion.number == number
        )
    )
    if row is None:
        raise ValueError(f"no version {number} of {code!r} is known")
    return regime_of_row(row)


def in_force(states: tuple[str, str], on: date) -> list[Agreement]:
    """Return what these two States have agreed, in the newest versions of a day.

    A version counts until the next one begins; where that one ends, none counts.
    """
    rows = db.session.scalars(
        select(RegimeVersion)
        .where(RegimeVersion.confirmed_at.is_not(None), RegimeVersion.since <= on)
        .order_by(RegimeVersion.code, RegimeVersion.number.desc())
    )
    newest: dict[str, RegimeVersion] = {}
    for row in rows:
        if row.ended_at is None or row.ended_at.date() >= row.since:
            newest.setdefault(row.code, row)
    return [
        Agreement(
            regime=regime_of_row(row),
            states=frozenset(row.states),
            bases=frozenset(map(LegalBasis, row.bases)),
            urgency=Urgency(row.urgency) if row.urgency else None,
            since=row.since,
        )
        for row in newest.values()
        if row.ended_at is None and set(states) <= set(row.states)
    ]


def all_of() -> Sequence[RegimeVersion]:
    """Return every version, by code, the newest first."""
    return db.session.scalars(
        select(RegimeVersion).order_by(RegimeVersion.code, RegimeVersion.number.desc())
    ).all()


def _country(actor: Actor) -> str:
    return db.session.get_one(Authority, actor.authority_id).country


def _require(actor: Actor) -> None:
    if not actor.is_any(Role.ADMINISTRATOR):
        raise NotPermitted("The role administrator does this.")


def checked(given: Terms, country: str) -> None:
    """Refuse terms that nobody could count by, each with what to do."""
    wrong: dict[str, list[str]] = {}
    most = LONGEST[given.unit]
    if not CODE.fullmatch(given.code):
        wrong["code"] = ["Write 3 to 40 of A to Z, 0 to 9 and _, such as KE_BR_2026."]
    elif given.code in regimes.REGIMES:
        wrong["code"] = ["This name is one of the service's own; choose another one."]
    if not given.label.strip():
        wrong["label"] = ["Enter what the agreement is called."]
    unknown = [one for one in given.states if one not in codes()]
    if unknown:
        wrong["states"] = [
            f"Not known: {', '.join(unknown)}. Write two letters of ISO 3166-1 each."
        ]
    elif country not in given.states or len(set(given.states)) < 2:
        wrong["states"] = ["Name your own State and another one."]
    for name in ("answer_in", "acknowledge_in", "delay_notice_in"):
        number = getattr(given, name)
        least = 0 if name == "delay_notice_in" else 1
        if number is not None and not least <= number <= most:
            wrong[name] = [f"Enter a number from {least} to {most}."]
    if given.clock is Clock.OFFICE_HOURS and given.unit is not Unit.HOURS:
        wrong["clock"] = ["Office hours count for a limit in hours only."]
    if len(given.reminders) > 6 or not all(0 < n <= most for n in given.reminders):
        wrong["reminders"] = [f"Enter at most six numbers from 1 to {most}."]
    if not given.source.strip():
        wrong["source"] = ["Enter the article that says so."]
    if not given.why.strip():
        wrong["why"] = ["Enter why this is entered now."]
    if wrong:
        raise ValidationError(wrong)


def enter(actor: Actor, given: Terms, now: datetime) -> RegimeVersion:
    """Write down what was agreed; it counts once the other side has said yes."""
    _require(actor)
    checked(given, _country(actor))
    before = db.session.scalars(
        select(RegimeVersion).where(RegimeVersion.code == given.code)
    ).all()
    # A name belongs to the States it was first used for.
    if any(_country(actor) not in row.states for row in before):
        raise ValidationError({"code": ["This name is taken; choose another one."]})
    top = select(func.max(RegimeVersion.number)).where(RegimeVersion.code == given.code)
    row = RegimeVersion(
        code=given.code,
        number=(db.session.scalar(top) or 0) + 1,
        label=given.label.strip(),
        states=tuple(sorted(set(given.states))),
        bases=tuple(basis.value for basis in given.bases),
        urgency=given.urgency.value if given.urgency else "",
        since=given.since,
        content=content_of(given),
        authority_id=actor.authority_id,
        made_by=actor.name,
        made_at=now,
        why=given.why.strip(),
    )
    db.session.add(row)
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        raise Stale("The agreement changed since this page was opened.") from error
    said = {"states": list(row.states), "why": row.why, **row.content}
    about = f"{row.code} {row.number}"
    journal.record(Kind.AGREEMENT_ENTERED, actor, about=about, payload=said)
    db.session.commit()
    return row


def may_confirm(actor: Actor, row: RegimeVersion) -> bool:
    """Tell whether somebody can say yes for another State of the agreement."""
    author = db.session.get_one(Authority, row.authority_id).country
    own = _country(actor)
    waits = row.confirmed_at is None and row.ended_at is None
    is_other = own in row.states and own != author
    return waits and is_other and actor.is_any(Role.ADMINISTRATOR)


def may_end(actor: Actor, row: RegimeVersion) -> bool:
    """Tell whether somebody can end it for new requests: either side can."""
    sides = (row.authority_id, row.confirmed_for_id)
    is_party = actor.authority_id in sides
    return row.ended_at is None and is_party and actor.is_any(Role.ADMINISTRATOR)


def decide(actor: Actor, number: int, *, confirm: bool, now: datetime) -> None:
    """Say yes for the other side, or end it for requests that are sent from now on."""
    _require(actor)
    row = db.session.get(RegimeVersion, number) if number <= LARGEST else None
    if row is None:
        raise TransitionNotAllowed("There is no such agreement.")
    if confirm:
        if not may_confirm(actor, row):
            raise TransitionNotAllowed(
                "An administrator of the other State confirms it, once."
            )
        row.confirmed_for_id, row.confirmed_by = actor.authority_id, actor.name
        row.confirmed_at = now
    else:
        if not may_end(actor, row):
            raise TransitionNotAllowed("One of its two sides ends it, once.")
        row.ended_at = now
    kind = Kind.AGREEMENT_CONFIRMED if confirm else Kind.AGREEMENT_ENDED
    parties = (row.authority_id, row.confirmed_for_id)
    about = f"{row.code} {row.number}"
    journal.record(kind, actor, about=about, parties=parties)
    db.session.commit()
