"""Every route × method × actor × state, held to what `policy.toml` says."""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import update

from tests import factories
from tests.factories import files
from tests.programs import Program, program
from tests.visitors import Visitor, bare, signed_in, stranger
from tracing.casework import attachments, erasing, keeping
from tracing.casework.references import reference_of
from tracing.extensions import db
from tracing.models import (
    Account,
    AccountSession,
    Authority,
    BreakGlass,
    ClientToken,
    Erasure,
    FileKind,
    LegalHold,
    Lookup,
    RegistryEvent,
    RegistryHit,
    RegistryItem,
    RegistryReview,
    Task,
    TraceRequest,
    Webhook,
)
from tracing.security.programs import ROOT
from workflows import policies
from workflows.policies import Role
from workflows.states import State, Trigger
from workflows.vocabulary import (
    HandlingCode,
    ItemKind,
    KeptFor,
    RecordEventType,
    RecordStatus,
    Rung,
)

POLICY = Path(__file__).with_name("policy.toml")
CONFIDENTIAL = "confidential"
"""A request whose existence only those know who have it in hand (UNTOC 18(20))."""

PURGED = "purged"
"""A closed request that was erased: its course is shown, its file is gone."""

STATES: dict[str, tuple[Trigger, ...]] = {
    State.DRAFT: (),
    State.SUBMITTED: (Trigger.SUBMIT,),
    State.ACKNOWLEDGED: (Trigger.SUBMIT, Trigger.ACKNOWLEDGE),
    State.CLARIFICATION_REQUESTED: (Trigger.SUBMIT, Trigger.ASK_CLARIFICATION),
    State.RECORDS_SEARCHED: (
        Trigger.SUBMIT,
        Trigger.ACKNOWLEDGE,
        Trigger.RECORD_SEARCH,
    ),
    State.RESPONDED: (
        Trigger.SUBMIT,
        Trigger.ACKNOWLEDGE,
        Trigger.RECORD_SEARCH,
        Trigger.RESPOND,
    ),
    State.CLOSED: (
        Trigger.SUBMIT,
        Trigger.ACKNOWLEDGE,
        Trigger.RECORD_SEARCH,
        Trigger.RESPOND,
        Trigger.CLOSE,
    ),
    CONFIDENTIAL: (Trigger.SUBMIT,),
    PURGED: (
        Trigger.SUBMIT,
        Trigger.ACKNOWLEDGE,
        Trigger.RECORD_SEARCH,
        Trigger.RESPOND,
        Trigger.CLOSE,
    ),
    State.WITHDRAWN: (Trigger.SUBMIT, Trigger.WITHDRAW),
}
NO_STATE = State.WITHDRAWN
"""With this one the pages are tried that name no request."""

SIGN_IN = "sign_in"
REFUSED = "refused"
HIDDEN = "hidden"
OPEN = "open"
NOT_NOW = "not now"
"""The page says how things stand, and nothing happens."""

NOT_OWN = "not own"
"""A number of somebody else's: nothing happens to it."""

PASSED = "passed"
"""A page on the way in, for somebody who is in: nothing is told, nothing asked."""

OF_A_STATE = ("request", "draft", "file", "lookup")
OF_OTHERS = (
    *("hold", "erasure", "glass", "record", "sighting", "record_review"),
    *("client_token", "webhook"),
)
"""What is named by its number, and here always somebody else's."""

NEVER = reference_of(2026, "KE", 9_999_991)


@cache
def policy() -> dict[str, Any]:
    """The document."""
    return tomllib.loads(POLICY.read_text("utf-8"))


@dataclass(frozen=True)
class Actor:
    """One of the twelve: what kind of visitor, of which authority, with which roles."""

    name: str
    side: str = ""
    roles: frozenset[Role] = frozenset()
    half: bool = False

    @property
    def is_in(self) -> bool:
        """Whether a sign-in is complete."""
        return bool(self.roles) and not self.half


def _of(name: str, side: str, *roles: Role, half: bool = False) -> Actor:
    return Actor(name, side, frozenset(roles), half)


CASES = (Role.INVESTIGATOR, Role.OFFICER, Role.SUPERVISOR)
ACTORS = (
    Actor("anonymous"),
    Actor("expired"),
    _of("half signed in", "requesting", Role.SUPERVISOR, half=True),
    _of("asking investigator", "requesting", Role.INVESTIGATOR),
    _of("asking supervisor", "requesting", Role.SUPERVISOR),
    _of("asking auditor", "requesting", Role.AUDITOR),
    _of("asking administrator", "requesting", Role.ADMINISTRATOR),
    _of("asked officer", "requested", Role.OFFICER),
    _of("asked supervisor", "requested", Role.SUPERVISOR),
    _of("stranger with every case role", "", *CASES, Role.AUDITOR),
    _of("foreign administrator", "", Role.ADMINISTRATOR, Role.MAINTAINER),
    _of("operator", "", Role.OPERATOR),
)


@dataclass
class Room:
    """What stands ready: twelve visitors, and one request in a state."""

    app: Flask
    of: factories.Sides
    visitors: dict[str, Visitor]
    programs: dict[str, Program]
    accounts: dict[str, Account]
    ours: int
    held: int
    """A session of somebody none of them is."""
    theirs: dict[tuple[str, bool], int]
    """What is another's, and whether for the side that asks, or for all others."""
    request: TraceRequest | None = None
    reference: str = ""
    mail_number: str = ""
    token: str = ""
    look_up: str = ""
    state: str = State.DRAFT
    wrong: list[str] = field(default_factory=list)
    cells: int = 0


def room(app: Flask) -> Room:
    """Return a room with everybody in it."""
    of = factories.sides()
    third = factories.authority(country="NP", zone="Asia/Kathmandu")
    places = {"requesting": of.asking, "requested": of.asked, "": third}
    visitors, accounts = {}, {}
    for actor in ACTORS:
        if not actor.roles:
            visitors[actor.name] = stranger(app)
            continue
        account = factories.person(places[actor.side], *actor.roles)
        accounts[actor.name] = account
        visitors[actor.name] = signed_in(app, account, half=actor.half)
    visitors["expired"] = _expired(app, of)
    for name, visitor in visitors.items():
        visitor.get("/points-of-contact" if name in accounts else "/sign-in")
        if not visitor.token:
            visitor.get("/sign-in")
    ours = factories.person(of.asking, Role.OFFICER).id
    somebody = factories.person(of.asked, Role.OFFICER)
    signed_in(app, somebody)
    held = db.session.query(AccountSession).filter_by(account_id=somebody.id).one().id
    db.session.commit()
    programs = {
        actor.name: program(app, accounts[actor.name])
        if actor.is_in
        else Program(stranger(app).client)
        for actor in ACTORS
    }
    programs["expired"] = _expired_program(app, of)
    theirs = theirs_in(of)
    return Room(app, of, visitors, programs, accounts, ours, held, theirs)


def theirs_in(of: factories.Sides) -> dict[tuple[str, bool], int]:
    """Make holds, orders to erase and leave in an emergency; return their numbers.

    The holds are on one request, by its two sides: each is foreign to the other.
    """
    now, until = datetime.now(UTC), factories.today() + timedelta(days=30)
    shared, erased = (factories.after(of, *STATES[State.CLOSED]) for _ in range(2))
    elsewhere = factories.after(factories.sides(), *STATES[State.CLOSED])

    def keeper(home: Authority) -> policies.Actor:
        return factories.actor_of(factories.person(home, Role.SUPERVISOR))

    for home in (of.asking, of.asked):
        why = "The court of appeal asks for it."
        keeping.hold(keeper(home), shared.reference, why, until, now)
    for found in (erased, elsewhere):
        keeping.order(keeper(found.requesting), found.reference, now)
    one, two = (factories.person(None, Role.OPERATOR) for _ in range(2))
    leave = BreakGlass(
        reference=shared.reference,
        request_id=shared.id,
        reason="The court of appeal asks for it.",
        asked_by=one,
        asked_at=now,
        given_by=two,
        given_at=now,
        until=now + timedelta(hours=9),
    )
    db.session.add(leave)
    db.session.commit()

    def of_home(model: Any, home: Authority) -> int:
        return int(db.session.query(model).filter_by(authority_id=home.id).one().id)

    return recorded_in(of) | {
        ("hold", True): of_home(LegalHold, of.asked),
        ("hold", False): of_home(LegalHold, of.asking),
        ("erasure", True): of_home(Erasure, elsewhere.requesting),
        ("erasure", False): of_home(Erasure, of.asking),
        ("glass", True): leave.id,
        ("glass", False): leave.id,
        ("client_token", True): _token_of(elsewhere.requesting),
        ("client_token", False): _token_of(of.asking),
        ("webhook", True): _webhook_of(elsewhere.requesting),
        ("webhook", False): _webhook_of(of.asking),
    }


def recorded_in(of: factories.Sides) -> dict[tuple[str, bool], int]:
    """Make a record of either side, with who looks for it, to be decided about."""
    now, found = datetime.now(UTC), {}
    for home, asks in ((of.asked, True), (of.asking, False)):
        item = RegistryItem(
            authority_id=home.id,
            source="Ledger",
            source_key="1",
            kind=ItemKind.FIREARM,
            text="MATRIX 1",
            status=RecordStatus.STOLEN,
            keep=KeptFor.TEN,
            review_on=now.date(),
            recorded_at=now,
            changed_at=now,
        )
        db.session.add(item)
        db.session.flush()
        event = RegistryEvent(
            authority_id=home.id,
            item_id=item.id,
            kind=RecordEventType.THEFT_REPORT,
            recorded_at=now,
        )
        hit = RegistryHit(
            authority_id=home.id,
            item=item,
            rung=Rung.EXACT,
            pair=str(home.id),
            found_at=now,
        )
        review = RegistryReview(
            authority_id=home.id, item=item, due_on=now.date(), listed_at=now
        )
        db.session.add_all((event, hit, review))
        db.session.commit()
        found["record", asks] = item.id
        found["sighting", asks] = hit.id
        found["record_review", asks] = review.id
    return found


def _webhook_of(home: Authority) -> int:
    """Make a webhook of somebody of an authority; return its number."""
    account = factories.person(home, Role.INVESTIGATOR)
    row = Webhook(
        authority_id=home.id,
        account_id=account.id,
        url="https://cases.example/trace",
        made_at=datetime.now(UTC),
        position=0,
    )
    row.secret = "secret"
    db.session.add(row)
    db.session.commit()
    return row.id


def _token_of(home: Authority) -> int:
    """Make a token of an authority; return its number."""
    account = factories.person(home, Role.INVESTIGATOR)
    now = datetime.now(UTC)
    row = ClientToken(
        authority_id=home.id,
        account_id=account.id,
        label="One",
        token_hash=secrets.token_hex(32),
        scopes=("directory",),
        made_by_id=account.id,
        made_at=now,
        expires_at=now + timedelta(days=1),
    )
    db.session.add(row)
    db.session.commit()
    return row.id


def _expired(app: Flask, of: factories.Sides) -> Visitor:
    account = factories.person(of.asking, Role.SUPERVISOR)
    visitor = signed_in(app, account)
    held = db.session.query(AccountSession).filter_by(account_id=account.id).one()
    held.seen_at = datetime.now(UTC) - timedelta(days=2)
    db.session.commit()
    return visitor


def _expired_program(app: Flask, of: factories.Sides) -> Program:
    account = factories.person(of.asking, Role.SUPERVISOR)
    return program(app, account, expires_at=datetime.now(UTC) - timedelta(seconds=1))


def enter(room: Room, state: str) -> None:
    """Put a fresh request of that state in the room, with a photograph."""
    steps = STATES[state]
    secret = factories.CONFIDENTIAL if state == CONFIDENTIAL else {}
    made = (
        factories.after(room.of, *steps, **secret)
        if steps
        else factories.draft(room.of)
    )
    room.request, room.reference, room.state = made, made.reference, state
    room.mail_number = made.mail_number
    room.token = photographed(room.of, made)
    room.look_up = looked_up(room, made)
    db.session.commit()
    if state == PURGED:
        erasing.erase(made.reference, datetime.now(UTC))
        erasing.finish_all()
    _stay(datetime.now(UTC))


def _stay(now: datetime) -> None:
    """Let nobody's session run out while a slow machine goes through the cells."""
    lasting = AccountSession.seen_at > now - timedelta(days=1)
    visits = update(AccountSession).where(lasting)
    factors = AccountSession.factor_at.is_not(None)
    db.session.execute(visits.values(seen_at=now))
    db.session.execute(visits.where(factors).values(factor_at=now))
    # A use is written once a minute: none falls due between two looks at the tables.
    used = now + timedelta(hours=1)
    db.session.execute(update(ClientToken).values(used_at=used))
    db.session.commit()


def looked_up(room: Room, request: TraceRequest) -> str:
    """Put a search by hand of the answering side to a request that was sent."""
    now = datetime.now(UTC)
    row = Lookup(
        key=secrets.token_hex(16),
        request=request,
        authority_id=room.of.asked.id,
        authority_code=room.of.asked.code,
        register="by-hand",
        label="Ledger",
        years="1990-2026",
        task=Task.SEARCH,
        handling=HandlingCode.H0,
        asked_by_id=room.of.officer.id,
        asked_at=now,
        give_up_at=now + timedelta(days=1),
    )
    row.purpose, row.query = "matrix", {"serial": "A1"}
    db.session.add(row)
    return row.key


def photographed(of: factories.Sides, request: TraceRequest) -> str:
    """Put a photograph to the request; return the token of its address."""
    actor = factories.actor_of(of.investigator)
    given = attachments.Given(FileKind.PHOTOGRAPH, files.png((20, 20)))
    kept = attachments.receive(actor, given, form_key="matrix")
    kept.request_id = request.id
    return kept.token


# ------------------------------------------------------------------------- the cells


@dataclass(frozen=True)
class Cell:
    """One try: an address, a method, and what is expected for each actor."""

    endpoint: str
    method: str
    rule: str
    step: str = ""

    @property
    def by_program(self) -> bool:
        """Whether it is tried with a token."""
        return self.rule.startswith(ROOT)

    @property
    def row(self) -> dict[str, Any]:
        """What the policy says of the route."""
        found: dict[str, Any] = policy()["routes"][self.endpoint]
        return found


def cells(app: Flask, state: str) -> Iterator[Cell]:
    """Yield every route and method, the steps of a request one by one.

    The form of a step is opened in one of the states, and sent in each of them.
    """
    place = list(STATES).index(state)
    for rule in sorted(app.url_map.iter_rules(), key=lambda one: one.rule):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            steps = tuple(policy()["steps"]) if "<step>" in rule.rule else ("",)
            if method == "GET" and len(steps) > 1:
                steps = steps[place :: len(STATES)]
            if rule.endpoint == "api.nothing" and method != "GET":
                continue
            for step in steps:
                yield Cell(rule.endpoint, method, rule.rule, step)


def roles_of(who: str | list[str]) -> frozenset[Role]:
    """Return the roles of a name or a list."""
    if who == "signed_in":
        return frozenset(Role)
    names = policy()[who] if isinstance(who, str) else who
    return frozenset(Role(name) for name in names)


def expected(cell: Cell, actor: Actor, state: str) -> str:
    """Return what the policy says of one cell."""
    row = cell.row
    who, about = row["who"], row.get("about", "")
    if about == "off":
        return HIDDEN if who == "everyone" or actor.is_in else SIGN_IN
    if who == "everyone":
        return HIDDEN if about == "token" else OPEN
    if who == "password":
        return PASSED if actor.is_in else OPEN if actor.roles else SIGN_IN
    if not actor.is_in:
        return SIGN_IN
    if about in OF_A_STATE:
        if not actor.roles & roles_of("case"):
            return HIDDEN if row.get("first") == "seen" else REFUSED
        # What somebody may never file is refused before anything is looked up.
        if about == "draft" and not actor.roles & roles_of("filing"):
            return REFUSED
        if not _sees(actor, state) or (about == "file" and state == PURGED):
            return HIDDEN
        if about == "lookup" and actor.side != "requested":
            return HIDDEN
    if not actor.roles & roles_of(who):
        return REFUSED
    if about in ("person", "checkpoint", *OF_OTHERS):
        return OPEN if actor.side == "requesting" and about == "person" else HIDDEN
    if about == "own":
        return NOT_OWN
    if about == "nothing":
        return HIDDEN
    if about == "draft" and (state != State.DRAFT or actor.side != "requesting"):
        return NOT_NOW
    if row.get("working") and actor.roles <= {Role.AUDITOR}:
        return REFUSED
    if row.get("acts"):
        return _acts(cell, actor)
    return OPEN


def _sees(actor: Actor, state: str) -> bool:
    if actor.side == "requesting":
        return True
    if state == CONFIDENTIAL and Role.SUPERVISOR not in actor.roles:
        return False
    return actor.side == "requested" and state != State.DRAFT


def _acts(cell: Cell, actor: Actor) -> str:
    if not actor.roles & roles_of(cell.row.get("needs", list(Role))):
        return REFUSED
    working = "filing" if actor.side == "requesting" else "answering"
    if not actor.roles & roles_of(working):
        return REFUSED
    if not cell.step:
        return OPEN if cell.row["only"] in ("either", actor.side) else REFUSED
    side = policy()["steps"][cell.step]
    return OPEN if side in ("either", actor.side) else NOT_NOW


# -------------------------------------------------------------------------- the tries

numbers = count(1)
WORDS = {
    "name": "by-hand",
    "code": "BR-NONE",
    "filename": "app.css",
    "form": "csv",
    "anything": "nowhere",
    "section": "header",
    "key": "0" * 32,
    "number": "1",
    "event": "1",
    "token": "x" * 32,
}


def address(room: Room, cell: Cell, actor: Actor, *, made_up: bool = False) -> str:
    """Return the address of one try; `made_up` names what never existed."""
    about = cell.row.get("about", "")
    found = cell.rule.replace("<step>", cell.step)
    reference = NEVER if made_up else room.reference
    found = found.replace("<reference>", reference)
    if cell.endpoint == "home.language":
        return found.replace("<code>", "en")
    if cell.endpoint in ("contacts.show", "api_directory.authorities_show"):
        return found.replace("<code>", room.of.asked.code)
    if about == "request":
        number = "2026-9999991P" if made_up else room.mail_number
        found = found.replace("<number>", number)
    if about == "file":
        found = found.replace("<token>", "A" * 32 if made_up else room.token)
    if about == "lookup":
        found = found.replace("<token>", "f" * 32 if made_up else room.look_up)
    if about == "person":
        one = 9_999_991 if made_up else room.ours
        found = found.replace("<int:number>", str(one))
    if about == "own":
        found = found.replace("<int:number>", str(room.held))
    if about in OF_OTHERS:
        theirs = room.theirs[about, actor.side == "requesting"]
        found = found.replace("<int:number>", str(9_999_991 if made_up else theirs))
    if about == "checkpoint":
        found = found.replace("<number>", "9999991" if made_up else "1")
    for name, word in WORDS.items():
        for form in (f"<{name}>", f"<int:{name}>", f"<path:{name}>"):
            found = found.replace(form, word)
    return found


def send(visitor: Visitor | Program, method: str, where: str) -> Any:
    """Send one try: a form that is too old to do anything, a body that says nothing."""
    if isinstance(visitor, Program):
        key = f"matrix-{next(numbers)}"
        body = None if method == "GET" else {}
        return visitor.call(method, where, body, Idempotency_Key=key, If_Match='"old"')
    if method == "GET":
        return visitor.get(where)
    return visitor.post(where, {"version": "0", "form_key": f"matrix-{next(numbers)}"})


def verdict(answer: Any) -> str:
    """Return what an answer amounts to."""
    if answer.status_code == 401:
        return SIGN_IN
    to = answer.headers.get("Location", "")
    if answer.status_code in (302, 303) and to.startswith("/sign-in?next="):
        return SIGN_IN
    return {403: REFUSED, 404: HIDDEN}.get(answer.status_code, OPEN)


def fits(answer: Any, wanted: str) -> bool:
    """Tell whether an answer is one that the policy foresees."""
    if wanted == NOT_NOW:
        return answer.status_code in (303, 409) and verdict(answer) == OPEN
    if wanted == NOT_OWN:
        return answer.status_code in (303, 404) and verdict(answer) != SIGN_IN
    if wanted == PASSED:
        return verdict(answer) in (OPEN, REFUSED)
    return verdict(answer) == wanted


def tell(room: Room, cell: Cell, actor: Actor, what: str) -> None:
    """Keep what went otherwise than the policy says."""
    step = f" {cell.step}" if cell.step else ""
    room.wrong.append(
        f"{cell.method} {cell.endpoint}{step}, {room.state}, {actor.name}: {what}"
    )


def try_one(room: Room, cell: Cell, actor: Actor) -> None:
    """Try one cell; what is hidden answers as what never was, to the letter."""
    by_program = cell.by_program
    visitor = (room.programs if by_program else room.visitors)[actor.name]
    if cell.row.get("about") in OF_OTHERS:
        # What an earlier try left to be told.
        visitor.get("/account")
    wanted = expected(cell, actor, room.state)
    answer = send(visitor, cell.method, address(room, cell, actor))
    room.cells += 1
    if answer.status_code >= 500 and cell.row.get("about") != "health":
        tell(room, cell, actor, f"{answer.status_code}")
    elif not fits(answer, wanted):
        tell(room, cell, actor, f"{answer.status_code}, not {wanted}")
    elif wanted == HIDDEN:
        never = address(room, cell, actor, made_up=True)
        other = send(visitor, cell.method, never)
        here = bare(answer.text, address(room, cell, actor))
        same = here == bare(other.text, never)
        if not same or answer.status_code != other.status_code:
            tell(room, cell, actor, "differs from what never was")


def run(room: Room, state: str, everything: Any) -> None:
    """Try all cells of a state: first those that are kept out, which change nothing."""
    enter(room, state)
    tries = [
        (cell, actor, expected(cell, actor, state) == OPEN)
        for cell in cells(room.app, state)
        for actor in ACTORS
        # What names no request is the same in every state.
        if state == NO_STATE or cell.row.get("about") in OF_A_STATE
    ]
    before = everything()
    for cell, actor, is_open in tries:
        if not is_open:
            try_one(room, cell, actor)
    if everything() != before:
        room.wrong.append(f"{state}: somebody who was kept out changed something")
    # Signing out and the like last: the visitors are needed until then.
    for cell, actor, is_open in sorted(tries, key=lambda one: _ends(one[0])):
        if is_open:
            try_one(room, cell, actor)


ENDING = ("signing.sign_out", "account.end_others", "home.language")


def _ends(cell: Cell) -> bool:
    return cell.endpoint in ENDING
