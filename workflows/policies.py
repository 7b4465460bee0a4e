"""Who may see and do what: predicates over (actor, request)."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from workflows.errors import NotPermitted, NotVisible
from workflows.facts import Deferral, Fact, Response
from workflows.lifecycle import available, rules_of
from workflows.states import Party, State, Trigger
from workflows.vocabulary import N_, Ground


class Role(StrEnum):
    """What a person does within one authority."""

    INVESTIGATOR = "investigator"
    OFFICER = "officer"
    SUPERVISOR = "supervisor"
    MAINTAINER = "maintainer"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"

    @property
    def label(self) -> str:
        """Return the role in words."""
        return ROLE_LABELS[self]


ROLE_LABELS: Final = {
    Role.INVESTIGATOR: N_("Investigator"),
    Role.OFFICER: N_("Officer"),
    Role.SUPERVISOR: N_("Supervisor"),
    Role.MAINTAINER: N_("Contact-point maintainer"),
    Role.AUDITOR: N_("Auditor"),
    Role.ADMINISTRATOR: N_("Administrator"),
    Role.OPERATOR: N_("Platform operator"),
}


class Parties(Protocol):
    """A request as the policies see it."""

    state: State
    requesting_id: int
    requested_id: int | None
    assigned_to_id: int | None
    confidential: bool


@dataclass(frozen=True, slots=True)
class Actor:
    """A person at work for one authority."""

    user_id: int
    name: str
    authority_id: int
    authority_name: str
    roles: frozenset[Role] = field(default_factory=frozenset)
    language: str = "en"

    def is_any(self, *roles: Role) -> bool:
        """Tell whether one of the roles is held."""
        return not self.roles.isdisjoint(roles)


CASE_ROLES: Final = frozenset(
    {Role.INVESTIGATOR, Role.OFFICER, Role.SUPERVISOR, Role.AUDITOR}
)
WITHIN_AN_AUTHORITY: Final = tuple(role for role in Role if role is not Role.OPERATOR)
"""Roles an administrator gives; the operator's comes from the command line alone."""

ASKERS: Final = frozenset({Role.INVESTIGATOR, Role.SUPERVISOR})
ANSWERERS: Final = frozenset({Role.OFFICER, Role.SUPERVISOR})
MAINTAINERS: Final = frozenset({Role.MAINTAINER, Role.SUPERVISOR, Role.ADMINISTRATOR})
RECORD_KEEPERS: Final = ANSWERERS
"""Who searches and writes the national records; investigators ask by a look-up."""

JOURNAL_READERS: Final = frozenset({Role.AUDITOR, Role.SUPERVISOR})


def sees_all(actor: Actor) -> bool:
    """Tell whether the actor sees what is in nobody's or another person's hands."""
    return actor.is_any(Role.SUPERVISOR)


def has_in_hand(actor: Actor, request: Parties) -> bool:
    """Tell whether the answering side lets the actor know of the request.

    That a request exists may have to stay confidential (UNTOC 18(20)): then only who
    answers it knows of it, and supervisors, who choose that person.
    """
    return (
        not request.confidential
        or sees_all(actor)
        or request.assigned_to_id == actor.user_id
    )


def party_of(actor: Actor, request: Parties) -> Party | None:
    """Return the side the actor is on; a draft has one side only."""
    if request.requesting_id == actor.authority_id:
        return Party.REQUESTING
    if request.requested_id != actor.authority_id or request.state is State.DRAFT:
        return None
    return Party.REQUESTED if has_in_hand(actor, request) else None


def may_see(actor: Actor, request: Parties) -> bool:
    """Tell whether the request exists for the actor."""
    return party_of(actor, request) is not None and not actor.roles.isdisjoint(
        CASE_ROLES
    )


def require_known(actor: Actor, request: Parties) -> None:
    """Refuse a request whose existence the authority keeps from the actor."""
    asked = request.requested_id == actor.authority_id
    if asked and not has_in_hand(actor, request):
        raise NotVisible("There is no such request.")


def may_file(actor: Actor) -> bool:
    """Tell whether the actor may file requests."""
    return not actor.roles.isdisjoint(ASKERS)


def may_answer(actor: Actor) -> bool:
    """Tell whether the actor works the queue of requests to answer."""
    return not actor.roles.isdisjoint(ANSWERERS)


def require_answering(actor: Actor, request: Parties) -> None:
    """Refuse who does not answer a request."""
    if party_of(actor, request) is not Party.REQUESTED or not may_answer(actor):
        raise NotPermitted(
            "Your role does not allow this; the role officer or supervisor does."
        )


def may_maintain(actor: Actor) -> bool:
    """Tell whether the actor keeps the directory's entry of the own authority."""
    return not actor.roles.isdisjoint(MAINTAINERS)


def may_hand_over(actor: Actor, request: Parties) -> bool:
    """Tell whether the actor may choose who answers a request."""
    return party_of(actor, request) is Party.REQUESTED and actor.is_any(Role.SUPERVISOR)


def may_read_journal(actor: Actor) -> bool:
    """Tell whether the actor may look into the journal of the own authority."""
    return not actor.roles.isdisjoint(JOURNAL_READERS)


def may_use_records(actor: Actor) -> bool:
    """Tell whether the actor searches and writes the records of the own authority."""
    return not actor.roles.isdisjoint(RECORD_KEEPERS)


def require_records(actor: Actor) -> None:
    """Refuse who does not work with the records."""
    if not may_use_records(actor):
        raise NotPermitted("The roles officer and supervisor do this.")


def may_import(actor: Actor) -> bool:
    """Tell whether the actor brings whole files of records, and takes them along."""
    return actor.is_any(Role.SUPERVISOR)


def require_import(actor: Actor) -> None:
    """Refuse who does not."""
    if not may_import(actor):
        raise NotPermitted("Supervisors do this.")


def may_keep(actor: Actor) -> bool:
    """Tell whether the actor decides what of the own authority is kept, and how long."""
    return actor.is_any(Role.SUPERVISOR, Role.ADMINISTRATOR)


def require_person_export(actor: Actor) -> None:
    """Refuse who may not hand out what the authority has of one person."""
    if not actor.is_any(Role.ADMINISTRATOR):
        raise NotPermitted("The role administrator does this.")


def require_keeping(actor: Actor) -> None:
    """Refuse who does not decide what is kept."""
    if not may_keep(actor):
        raise NotPermitted("The roles supervisor and administrator do this.")


def may_fire(actor: Actor, _trigger: Trigger, request: Parties) -> bool:
    """Tell whether the actor's role allows the step, whatever the state."""
    party = party_of(actor, request)
    if party is None:
        return False
    if party is Party.REQUESTING:
        return may_file(actor)
    return may_answer(actor)


def require(actor: Actor, trigger: Trigger, request: Parties) -> Party:
    """Return the actor's side, or refuse in words."""
    party = party_of(actor, request)
    if party is None or not may_see(actor, request):
        raise NotVisible("There is no such request.")
    if not may_fire(actor, trigger, request):
        role = "investigator" if party is Party.REQUESTING else "officer"
        raise NotPermitted(
            f"Your role does not allow this; the role {role} or supervisor does."
        )
    return party


def require_operator(actor: Actor) -> None:
    """Refuse who does not run the platform."""
    if not actor.is_any(Role.OPERATOR):
        raise NotPermitted("Only a platform operator does this.")


def may_combine(roles: frozenset[Role]) -> bool:
    """Tell whether one person may hold these roles: an operator opens no cases."""
    return Role.OPERATOR not in roles or len(roles) == 1


def require_grounds(actor: Actor, fact: Fact | None) -> None:
    """Refuse a ground that only a supervisor may rely on."""
    grounds: tuple[Ground, ...] = ()
    if isinstance(fact, Response):
        grounds = fact.grounds
    elif isinstance(fact, Deferral):
        grounds = (fact.ground,)
    reserved = any(ground.needs_supervisor for ground in grounds)
    if reserved and not actor.is_any(Role.SUPERVISOR):
        raise NotPermitted(
            "This ground needs a supervisor: the role supervisor may use it."
        )


def possible(actor: Actor, request: Parties) -> tuple[Trigger, ...]:
    """Return the steps this person can take now: what the buttons show."""
    party = party_of(actor, request)
    if party is None:
        return ()
    return tuple(
        trigger
        for trigger in available(request.state, party)
        if may_fire(actor, trigger, request)
    )


# ------------------------------------------------------------------ why, for a reader


@dataclass(frozen=True, slots=True)
class Right:
    """Something people do in general: whether these roles allow it, and which do."""

    what: str
    allowed: bool
    by: frozenset[Role]


def general_rights(actor: Actor) -> tuple[Right, ...]:
    """Return what the roles of a person allow, whatever the request."""
    administrators = frozenset({Role.ADMINISTRATOR})
    rows = (
        (N_("Read the requests of the authority"), CASE_ROLES),
        (N_("File requests and act for the requesting side"), ASKERS),
        (N_("Answer requests and act for the requested side"), ANSWERERS),
        (N_("Rely on a ground reserved for supervisors"), frozenset({Role.SUPERVISOR})),
        (N_("Read outgoing messages"), administrators | {Role.SUPERVISOR}),
        (N_("Keep the directory's entry of the authority"), MAINTAINERS),
        (N_("Manage the people of the authority"), administrators),
    )
    return tuple(
        Right(what, not actor.roles.isdisjoint(roles), roles) for what, roles in rows
    )


@dataclass(frozen=True, slots=True)
class Why:
    """One step of a request, and each condition on which it hangs."""

    trigger: Trigger
    roles: frozenset[Role]
    side_may: bool
    role_may: bool
    state_may: bool

    @property
    def allowed(self) -> bool:
        """Tell whether the person can take the step now."""
        return self.side_may and self.role_may and self.state_may


def explain(actor: Actor, request: Parties) -> tuple[Why, ...]:
    """Return why a person may or may not take each step of a request now."""
    party = party_of(actor, request)
    if party is None or not may_see(actor, request):
        raise NotVisible("There is no such request.")
    roles = ASKERS if party is Party.REQUESTING else ANSWERERS
    now = available(request.state, party)
    return tuple(
        Why(
            trigger,
            roles,
            side_may=any(rule.by in (None, party) for rule in rules_of(trigger)),
            role_may=may_fire(actor, trigger, request),
            state_may=trigger in now,
        )
        for trigger in Trigger
        if rules_of(trigger)
    )
