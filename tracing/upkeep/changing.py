"""A change of an entry: one person proposes it, another decides, the worker makes it.

No page can write what an entry says (docs/adr/0019). The mailboxes of the entry are
told when a change is proposed; when it is made, those before and those after are.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import func, or_, select
from sqlalchemy.exc import DataError, IntegrityError

from tracing.directory import columns, entries
from tracing.directory.columns import Fault
from tracing.extensions import db, wake
from tracing.faults import Stale
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Account, Authority, Proposal, Role
from tracing.schemas.fields import Told
from tracing.upkeep import letters
from tracing.upkeep.letters import Link, News
from workflows import policies
from workflows.errors import NotPermitted, NotVisible
from workflows.policies import Actor, may_maintain
from workflows.vocabulary import N_

log = logging.getLogger(__name__)

KEPT: Final = frozenset({"code", "last_confirmed", "confirmed_by", "fictional"})
"""What no proposal changes: the name of the row, and what a confirmation says."""

ORDERLESS: Final = frozenset({"functions", "instruments", "formats"})
"""Lists whose order says nothing."""

PROPOSABLE: Final = tuple(name for name in columns.CHECKS if name not in KEPT)
MOST_OPEN: Final = 50


class Decision(StrEnum):
    """What became of a proposal."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    OUTDATED = "outdated"


class Faulty(Exception):
    """What is proposed cannot be kept; each fault says what to do."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Keep what is wrong, field by field."""
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)


def _fault(field: str, words: str, value: str = "") -> Fault:
    return Fault(1, field, value, words, Told(words))


def propose(
    code: str,
    actor: Actor,
    cells: Mapping[str, str],
    *,
    why: str,
    version: int,
    now: datetime,
) -> Proposal:
    """Propose a change of an entry: of the fields whose text is another one now."""
    authority = entries.get(code)
    if authority is None:
        raise NotVisible("There is no such authority.")
    if version != authority.version:
        raise Stale("The entry changed since this page was opened.")
    changes = _changes(authority, cells)
    reason = " ".join(why.split())[:1000]
    if not reason:
        raise Faulty((_fault("why", N_("Say why, and how you know.")),))
    waiting = db.session.scalar(
        select(func.count())
        .select_from(Proposal)
        .where(Proposal.home_id == actor.authority_id, Proposal.decision.is_(None))
    )
    if (waiting or 0) >= MOST_OPEN:
        words = N_("Many proposals of your authority wait: have them decided first.")
        raise Faulty((_fault("why", words),))
    made = Proposal(
        authority_id=authority.id,
        version=authority.version,
        changes=changes,
        why=reason,
        home_id=actor.authority_id,
        proposed_by_id=actor.user_id,
        proposed_at=now,
    )
    db.session.add(made)
    told = (*authority.mailboxes[:2], authority.supervisor_email)
    letters.tell(authority, told, News.PROPOSED, now)
    journal.record(
        Kind.DIRECTORY_PROPOSED,
        actor,
        about=authority.code,
        parties=(authority.id, actor.authority_id),
        payload={"changes": changes, "why": reason},
    )
    db.session.commit()
    wake()
    return made


def _changes(authority: Authority, cells: Mapping[str, str]) -> dict[str, Any]:
    before = columns.cells_of(authority)
    given = {name: cells[name] for name in PROPOSABLE if name in cells}
    # What was wrong before is not what this person is asked to put right.
    touched = {
        name: cell for name, cell in given.items() if _differs(cell, before[name])
    }
    values, faults = columns.checked(touched, country=before["country"])
    after = before | {n: columns.text_of(n, value) for n, value in values.items()}
    begins, ends = after["valid_from"], after["valid_to"]
    if begins and ends and ends < begins:
        words = N_("The last day is before the first one.")
        faults.append(_fault("valid_to", words, ends))
    successor = values.get("successor")
    if successor and (successor == authority.code or entries.get(successor) is None):
        words = N_("Write the code of another authority of the directory.")
        faults.append(_fault("successor", words, successor))
    if faults:
        unique = {fault.column: fault for fault in reversed(faults)}
        raise Faulty(tuple(unique.values()))
    changes = {
        name: [before[name], columns.text_of(name, value)]
        for name, value in values.items()
        if _is_other(name, getattr(authority, name), value)
    }
    if not changes:
        words = N_("Nothing differs from the entry as it is: change a field.")
        raise Faulty((_fault("name", words),))
    return changes


def _is_other(name: str, before: Any, after: Any) -> bool:
    if name in ORDERLESS:
        return set(before) != set(after)
    return bool(before != after)


def _differs(cell: str, before: str) -> bool:
    return cell.replace("\r\n", "\n").strip() != before


def _decidable(actor: Actor) -> Any:
    """Return the condition of proposals that somebody may know of, as a decider."""
    if actor.is_any(policies.Role.OPERATOR):
        return Proposal.id.is_not(None)
    return Proposal.authority_id == actor.authority_id


def open_for(authority: Authority, actor: Actor) -> Sequence[Proposal]:
    """Return what waits for an entry, of what the actor may know."""
    return db.session.scalars(
        select(Proposal)
        .where(
            Proposal.authority_id == authority.id,
            Proposal.decision.is_(None),
            or_(_decidable(actor), Proposal.home_id == actor.authority_id),
        )
        .order_by(Proposal.id)
        .limit(MOST_OPEN)
    ).all()


def waiting_for(actor: Actor) -> Sequence[tuple[Proposal, Authority]]:
    """Return what waits for a decision, for who may decide it."""
    if not (may_maintain(actor) or actor.is_any(policies.Role.OPERATOR)):
        return ()
    rows = db.session.execute(
        select(Proposal, Authority)
        .join(Authority, Authority.id == Proposal.authority_id)
        .where(Proposal.decision.is_(None), _decidable(actor))
        .order_by(Proposal.id)
        .limit(MOST_OPEN)
    )
    return [(row[0], row[1]) for row in rows]


def why_not(proposal: Proposal, actor: Actor) -> str:
    """Return why somebody may not decide a proposal; nothing, if they may."""
    if proposal.proposed_by_id == actor.user_id:
        return N_("Another person decides: you proposed it.")
    if actor.is_any(policies.Role.OPERATOR):
        if _can_decide(proposal.authority_id, besides=proposal.proposed_by_id):
            return N_("The authority has people who decide: it is theirs to do.")
        return ""
    if proposal.authority_id != actor.authority_id or not may_maintain(actor):
        return N_("The authority's contact-point maintainers decide.")
    return ""


def _can_decide(authority_id: int, *, besides: int) -> bool:
    """Tell whether an authority has somebody who may decide."""
    found = db.session.scalar(
        select(Account.id)
        .join(Account.roles)
        .where(
            Account.authority_id == authority_id,
            Account.active.is_(True),
            Account.id != besides,
            Role.name.in_([role.value for role in policies.MAINTAINERS]),
        )
        .limit(1)
    )
    return found is not None


def waits(number: int, actor: Actor) -> Proposal:
    """Return a proposal that the actor may know of and nobody has decided."""
    proposal = db.session.scalar(
        select(Proposal)
        .where(Proposal.id == number, _decidable(actor), Proposal.decision.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if proposal is None:
        raise NotVisible("There is no such proposal.")
    return proposal


def decide(number: int, actor: Actor, *, accept: bool, now: datetime) -> Authority:
    """Accept or refuse a proposal, as the second person."""
    proposal = waits(number, actor)
    if words := why_not(proposal, actor):
        raise NotPermitted(words)
    authority = db.session.get_one(Authority, proposal.authority_id)
    decision = Decision.ACCEPTED if accept else Decision.REFUSED
    proposal.decision = decision.value
    proposal.decided_by_id = actor.user_id
    proposal.decided_at = now
    if not accept:
        letters.tell(authority, (authority.mailbox,), News.REFUSED, now)
    journal.record(
        Kind.DIRECTORY_DECIDED,
        actor,
        about=authority.code,
        parties=(proposal.authority_id, proposal.home_id),
        payload={"proposal": number, "decision": decision.value},
    )
    db.session.commit()
    wake()
    return authority


# ------------------------------------------------------------------------- the worker


def carry_out(now: datetime) -> int:
    """Make the changes that two persons agreed on; return how many.

    One that cannot be made keeps none of the others waiting.
    """
    made = 0
    while proposal := _accepted():
        number = proposal.id
        try:
            made += _done(proposal, now)
        except (DataError, IntegrityError, Faulty):
            db.session.rollback()
            log.exception("proposal %s cannot be made", number)
            proposal = db.session.get_one(Proposal, number, with_for_update=True)
            _outdated(proposal, now)
            db.session.commit()
    db.session.rollback()
    return made


def _done(proposal: Proposal, now: datetime) -> bool:
    authority = db.session.get_one(
        Authority, proposal.authority_id, populate_existing=True
    )
    fits = _still_fits(proposal, authority)
    if fits:
        proposal.done_at = now
        _make(proposal, authority, now)
    else:
        _outdated(proposal, now)
    db.session.commit()
    return fits


def _outdated(proposal: Proposal, now: datetime) -> None:
    proposal.done_at = now
    proposal.decision = Decision.OUTDATED.value


def _accepted() -> Proposal | None:
    return db.session.scalar(
        select(Proposal)
        .where(Proposal.decision == Decision.ACCEPTED.value, Proposal.done_at.is_(None))
        .order_by(Proposal.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )


def _still_fits(proposal: Proposal, authority: Authority) -> bool:
    now = columns.cells_of(authority)
    return all(now[name] == before for name, (before, _) in proposal.changes.items())


def _make(proposal: Proposal, authority: Authority, now: datetime) -> None:
    cells = {name: after for name, (_before, after) in proposal.changes.items()}
    values, faults = columns.checked(cells, country=authority.country)
    if faults:
        raise Faulty(faults)
    before = {*authority.mailboxes, authority.supervisor_email}
    why = f"proposal {proposal.id}"
    different = entries.revise(authority, values, why=why, now=now)
    after = (*authority.mailboxes, authority.supervisor_email)
    letters.tell(authority, (*sorted(before), *after), News.CHANGED, now)
    for address in authority.mailboxes:
        if address not in before:
            # Whether somebody reads the new one is better known at once.
            letters.write_with_link(authority, address, Link.TEST, News.TEST, now)
    journal.record(
        Kind.DIRECTORY_CHANGED,
        None,
        about=authority.code,
        parties=(authority.id, proposal.home_id),
        payload={
            "proposal": proposal.id,
            "changed": different,
            "version": authority.version,
        },
    )
