"""A demonstration: invented authorities, people and requests, and nothing real.

Every request gets its history through the same path as in earnest, told another
time: so its state, events, due dates and messages agree.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, cycle
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import update

from tracing.accounts import people
from tracing.accounts.actors import actor_of
from tracing.casework import onward, sections
from tracing.casework.apply import apply
from tracing.casework.requesting import new_draft, open_questions
from tracing.cli.demo_records import add_records
from tracing.directory import countries
from tracing.directory.calendars import calendar_of
from tracing.extensions import db
from tracing.models import Account, Authority, DueWork, OutboxMessage, TraceRequest
from tracing.models.outbox import Delivery
from workflows.facts import (
    Answers,
    ChainEvent,
    Closure,
    Deferral,
    Fact,
    Question,
    Questions,
    Reason,
    RegisterSearched,
    Response,
    Restriction,
    Search,
    Submission,
    Text,
)
from workflows.policies import WITHIN_AN_AUTHORITY, Actor, Role
from workflows.states import Party, Trigger
from workflows.vocabulary import (
    NEGATIVE,
    SUCCESSIVE,
    ChainEventType,
    ClosureUse,
    Disposal,
    Ground,
    HandlingCode,
    InformationItem,
    LastLegalStatus,
    LegalBasis,
    Outcome,
    SearchResult,
    TriState,
)


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """Somebody invented who can sign in, with a password shown once."""

    name: str
    email: str
    password: str
    roles: tuple[Role, ...]
    authority: str


@dataclass(frozen=True, slots=True)
class Place:
    """One invented authority."""

    country: str
    zone: str
    languages: tuple[str, ...]
    hours: str

    @property
    def language(self) -> str:
        """Return the language its people read."""
        return self.languages[0]


PLACES: Final = (
    Place("BR", "America/Sao_Paulo", ("es", "en"), "09:00-18:00, Monday to Friday"),
    Place("FR", "Europe/Paris", ("fr", "en"), "09:00-17:00, Monday to Friday"),
    Place("IT", "Europe/Rome", ("en", "fr"), "08:30-16:30, Monday to Friday"),
    Place("EG", "Africa/Cairo", ("ar", "en"), "08:00-15:00, Sunday to Thursday"),
    Place("KE", "Africa/Nairobi", ("en",), "08:00-17:00, Monday to Friday"),
    Place("NP", "Asia/Kathmandu", ("en",), "10:00-17:00"),
    Place("CN", "Asia/Shanghai", ("zh", "en"), "09:00-17:00, Monday to Friday"),
    Place("NZ", "Pacific/Auckland", ("en",), "08:30-17:00, Monday to Friday"),
)

STORIES: Final = (
    # S submit, A acknowledge, Q ask, C clarify, R search, D defer, P answer, Y ask
    # about it, X close, W withdraw, O reopen, E enquire, M remind, N note.
    # (steps, how many, days without a step since: at least, at most)
    *(("", 16, 1, 30), ("S", 12, 0, 5), ("S", 6, 12, 40), ("SE", 4, 2, 20)),
    *(("SA", 9, 1, 20), ("SA", 5, 65, 85), ("SAD", 6, 1, 15), ("SAEN", 3, 1, 9)),
    *(("SQ", 7, 1, 10), ("SAQ", 7, 1, 20), ("SARQ", 5, 3, 30), ("SAQM", 2, 5, 20)),
    *(("SAR", 9, 0, 15), ("SAR", 5, 50, 70), ("SARR", 7, 1, 10), ("SAQCR", 4, 1, 5)),
    *(("SARD", 4, 1, 10), ("SARPYR", 3, 1, 8), ("SAREM", 3, 30, 60)),
    *(("SARP", 17, 0, 20), ("SAQCRP", 5, 1, 15), ("SADRP", 3, 1, 15)),
    *(("SAP", 4, 1, 12), ("SARPYRP", 2, 1, 5), ("SARPN", 2, 1, 9)),
    *(("SARPX", 24, 0, 50), ("SARRPX", 7, 1, 40), ("SQCRPX", 4, 1, 30)),
    *(("SARPYRPX", 3, 1, 20), ("SAPX", 3, 1, 40), ("SADRPX", 3, 1, 20)),
    *(("SW", 4, 1, 60), ("SAW", 4, 1, 50), ("SARW", 3, 1, 30), ("SQW", 3, 1, 40)),
    *(("SARPXO", 2, 1, 9), ("SWO", 2, 1, 9)),
)
ONWARD_STORIES: Final = ("SA", "", "SARP", "S", "SAR", "SARPX", "SQ", "SARP")

STEPS: Final[Mapping[str, tuple[Trigger, Party, int, int]]] = {
    # trigger, by, days after the step before: at least, at most
    "S": (Trigger.SUBMIT, Party.REQUESTING, 0, 2),
    "A": (Trigger.ACKNOWLEDGE, Party.REQUESTED, 0, 5),
    "Q": (Trigger.ASK_CLARIFICATION, Party.REQUESTED, 1, 4),
    "C": (Trigger.CLARIFY, Party.REQUESTING, 1, 8),
    "R": (Trigger.RECORD_SEARCH, Party.REQUESTED, 1, 7),
    "D": (Trigger.DEFER, Party.REQUESTED, 2, 6),
    "P": (Trigger.RESPOND, Party.REQUESTED, 1, 10),
    "Y": (Trigger.QUERY_RESPONSE, Party.REQUESTING, 1, 4),
    "X": (Trigger.CLOSE, Party.REQUESTING, 2, 9),
    "W": (Trigger.WITHDRAW, Party.REQUESTING, 3, 9),
    "O": (Trigger.REOPEN, Party.REQUESTING, 3, 8),
    "E": (Trigger.ENQUIRE, Party.REQUESTING, 5, 9),
    "M": (Trigger.REMIND, Party.REQUESTED, 4, 8),
    "N": (Trigger.NOTE, Party.REQUESTED, 1, 3),
}

MAKES: Final = ("Example Arms", "Sample Works", "Specimen Armoury", "Invented Forge")
FIREARMS: Final = (
    ("PISTOL", "Model A1", "9x19", "SEMI_AUTOMATIC"),
    ("RIFLE", "Model R 30", "7.62x39", "SEMI_AUTOMATIC"),
    ("REVOLVER", "Model V", ".38 Special", "REPEATING"),
    ("SHOTGUN", "Field 12", "12/70", "REPEATING"),
    ("SUBMACHINE_GUN", "S 9", "9x19", "AUTOMATIC"),
    ("PISTOL", "Compact", ".45 ACP", "SEMI_AUTOMATIC"),
    ("MACHINE_GUN", "Heavy 2", "7.62x51", "AUTOMATIC"),
    ("UNKNOWN", "unknown", "unknown", ""),
)
SERIALS: Final = (
    # status, what stands there (a number goes into the hole), how it was restored
    ("INTACT", "EX {}", ""),
    ("INTACT", "SW-{}-A", ""),
    ("INTACT", "ЖБ {}", ""),
    ("RESTORED_PARTIAL", "EX {}?7?", "CHEMICAL"),
    ("INTACT", "ن {}", ""),
    ("INTACT", "京字 {}", ""),
    ("OBLITERATED", "", ""),
    ("INTACT", "ΛΜ {}", ""),
    ("ALTERED", "A[5S]{}", ""),
    ("INTACT", "क {}", ""),
    ("RESTORED_FULL", "SP {}", "MAGNETIC"),
    ("NEVER_MARKED", "", ""),
    ("INTACT", "ДЛ {}?", ""),
    ("UNKNOWN", "", ""),
)
PARTS: Final = ("SLIDE", "BARREL", "RECEIVER", "BOLT", "FRAME")
PLACE_TYPES: Final = ("NATIONAL_TERRITORY", "LAND_BORDER", "PORT_VESSEL", "AIRPORT")
MODES: Final = ("SEIZED_CRIMINAL", "FOUND", "SEIZED_ADMIN", "SURRENDERED", "COLLECTED")
BASES: Final = (
    LegalBasis.ITI,
    LegalBasis.FIREARMS_PROTOCOL,
    LegalBasis.UNTOC_18,
    LegalBasis.ITI,
    LegalBasis.BILATERAL,
)
SEARCHED: Final = tuple(outcome for outcome in Outcome if outcome.needs_search)
UNSEARCHED: Final = tuple(outcome for outcome in Outcome if not outcome.needs_search)
OUTCOMES: Final = (
    *(Outcome.FULL, Outcome.EXPORTED, Outcome.NO_RECORD, Outcome.FULL_HOLDER_ONLY),
    *(Outcome.PARTIAL, Outcome.REPORTED_STOLEN, Outcome.EXPORTED, *SEARCHED),
)


def load_demo(now: datetime | None = None) -> list[DemoAccount]:
    """Fill the empty database, in one transaction; ask within an app context."""
    at = now or datetime.now(UTC)
    with db.session.no_autoflush:
        demo = Demonstration(at)
        accounts = demo.add_people()
        demo.tell()
        db.session.flush()
        add_records(demo.requests, at)
        _mark_the_past_done(at)
    db.session.commit()
    return accounts


def _mark_the_past_done(now: datetime) -> None:
    """Leave the worker nothing of the past: nobody is to be mailed about it."""
    db.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.created_at <= now)
        .values(
            delivery=Delivery.SENT,
            attempts=1,
            next_at=OutboxMessage.created_at,
            sent_at=OutboxMessage.created_at,
        )
    )
    db.session.execute(update(DueWork).where(DueWork.at <= now).values(done=True))


@dataclass(slots=True)
class Tale:
    """One request as it will be told."""

    number: int
    steps: str
    asking: Authority
    asked: Authority
    parent: TraceRequest | None = None
    request: TraceRequest | None = None
    outcome: Outcome | None = None


@dataclass(order=True, slots=True)
class Scene:
    """What happens at an instant; told in the order of time."""

    at: datetime
    number: int
    tell: Callable[[], None] = field(compare=False)


class Demonstration:
    """Authorities, people, and the tales about their requests."""

    def __init__(self, now: datetime) -> None:
        """Prepare; the same on each run but for the clock, numbers and passwords."""
        self.now = now
        self.chance = Random(1925)  # noqa: S311 - invented data, the same each time
        self.numbers = count(1)
        self.scenes: list[Scene] = []
        self.authorities: list[Authority] = []
        self.actors: dict[tuple[int, Role], Actor] = {}
        self.accounts: dict[int, Account] = {}
        self.last: dict[int, TraceRequest] = {}
        self.outcomes = cycle(OUTCOMES)
        self.unsearched = cycle(UNSEARCHED)
        self.onward_stories = iter(ONWARD_STORIES)
        self.requests: list[TraceRequest] = []

    def add_people(self) -> list[DemoAccount]:
        """Add the authorities, each with one person for each role."""
        found: list[DemoAccount] = []
        for place, letter in zip(PLACES, "ABCDEFGH", strict=True):
            authority = self._authority(place)
            for role in WITHIN_AN_AUTHORITY:
                person = DemoAccount(
                    f"{role.label} {letter}. Example",
                    f"{role.value}@{place.country.lower()}.tracing.example",
                    people.random_password(),
                    (role,),
                    authority.name,
                )
                account = people.add_person(
                    authority,
                    person.name,
                    person.email,
                    person.password,
                    person.roles,
                    place.language,
                )
                self.accounts[account.id] = account
                self.actors[authority.id, role] = actor_of(account)
                found.append(person)
        return found

    def _authority(self, place: Place) -> Authority:
        domain = f"{place.country.lower()}.tracing.example"
        authority = Authority(
            code=f"{place.country}-DEMO",
            country=place.country,
            name="Demonstration tracing desk of "
            + countries.name_of(place.country, "en"),
            unit="Invented for a demonstration",
            zone=place.zone,
            languages=place.languages,
            functions=("FIREARMS",),
            instruments=("ITI25", "FP13"),
            formats=("PORTAL", "EMAIL"),
            email=f"desk@{domain}",
            emails=(f"deputy@{domain}",),
            supervisor_email=f"supervisor@{domain}",
            address="1 Example Street, Demonstration Town",
            office_hours=place.hours,
            requirements="None: nothing sent here reaches a real authority.",
            urgent_procedure="Write URGENT first, then the reference.",
            interpol_route="URGENT_ONLY",
            marking_practice="Invented: country and year on the left of the frame.",
            source="Invented",
            last_confirmed=self.now - timedelta(days=20),
            fictional=True,
        )
        db.session.add(authority)
        db.session.flush()
        self.authorities.append(authority)
        return authority

    def tell(self) -> None:
        """Tell every tale, all of them in the order of time."""
        pairs = self._pairs()
        for steps, how_many, least, most in STORIES:
            for _ in range(how_many):
                asking, asked = next(pairs)
                self._plan(steps, asking, asked, self.chance.randint(least, most))
        while self.scenes:
            self.scenes.sort()
            self.scenes.pop(0).tell()

    def _pairs(self) -> Iterator[tuple[Authority, Authority]]:
        many = len(self.authorities)
        for turn in count():
            asking = turn % many
            asked = (asking + 1 + turn // many % (many - 1)) % many
            yield self.authorities[asking], self.authorities[asked]

    def _plan(
        self, steps: str, asking: Authority, asked: Authority, quiet: int
    ) -> None:
        gaps = [self.chance.randint(*STEPS[step][2:]) for step in steps]
        tale = Tale(next(self.numbers), steps, asking, asked)
        start = self.now - timedelta(days=min(sum(gaps) + quiet + 1, 99))
        self._set(tale, start, gaps)

    def _plan_onward(self, parent: Tale, after: datetime) -> None:
        """Follow an answer to the next State, a few times."""
        steps = next(self.onward_stories, None)
        if steps is None:
            return
        asked = self._others(parent)[0]
        tale = Tale(
            next(self.numbers), steps, parent.asking, asked, parent=parent.request
        )
        later = min(timedelta(days=1), (self.now - after) / 4)
        self._set(tale, after + later, [1] * len(steps))

    def _set(self, tale: Tale, start: datetime, gaps: list[int]) -> None:
        at = self._at_work(tale.asking, start, start)
        self._scene(tale, at, self._draft)
        for step, gap in zip(tale.steps, gaps, strict=True):
            trigger, party, _least, _most = STEPS[step]
            authority = tale.asking if party is Party.REQUESTING else tale.asked
            at = self._at_work(authority, at + timedelta(days=gap), at)
            self._scene(tale, at, self._step(trigger, party))

    def _scene(
        self, tale: Tale, at: datetime, what: Callable[[Tale, datetime], None]
    ) -> None:
        self.scenes.append(Scene(at, next(self.numbers), lambda: what(tale, at)))

    def _at_work(
        self, authority: Authority, wanted: datetime, after: datetime
    ) -> datetime:
        """Return an instant of office hours after another one, never in the future."""
        zone = ZoneInfo(authority.zone)
        day = wanted.astimezone(zone).date()
        calendar = calendar_of(authority.country, (day.year - 1, day.year + 1))
        day = calendar.next_working_day(day)
        minute = self.chance.randint(0, 7 * 60)
        at = datetime.combine(day, time(9), zone) + timedelta(minutes=minute)
        if at <= after:
            at = after + timedelta(minutes=20 + minute)
        if at >= self.now:
            at = after + (self.now - after) / 3
        return at.astimezone(UTC)

    def _draft(self, tale: Tale, at: datetime) -> None:
        actor = self.actors[tale.asking.id, Role.INVESTIGATOR]
        today = _day_at(tale.asking, at)
        same = self.last.get(tale.asking.id) if tale.number % 9 == 0 else None
        before = tale.parent or same
        request = new_draft(
            actor,
            now=at,
            recovery=before.recovery if before else None,
            parent=tale.parent,
        )
        tale.request = request
        self.requests.append(request)
        values = form_of(tale, today)
        if tale.parent is not None:
            known = sections.read(tale.parent)
            for key in onward.CARRIED:
                if key != "header":
                    values[key] = known[key]
            values["header"]["routing_basis"] = "PREVIOUS_REPLY"
        if before is not None:
            del values["find"]
        unfinished = not tale.steps and tale.number % 2
        if unfinished:
            values = {key: values[key] for key in ("markings", "item")}
        for key, given in values.items():
            loaded = sections.SCHEMAS[key](today=today).load(given)
            sections.write(request, key, loaded)
        if not unfinished:
            request.requested = tale.asked
            self.last[tale.asking.id] = request
        db.session.flush()

    def _step(self, trigger: Trigger, party: Party) -> Callable[[Tale, datetime], None]:
        def take(tale: Tale, at: datetime) -> None:
            request = tale.request
            assert request is not None
            asking = party is Party.REQUESTING
            home = tale.asking if asking else tale.asked
            role = Role.INVESTIGATOR if asking else Role.OFFICER
            actor = self.actors[home.id, role]
            fact = self._fact(tale, trigger, at)
            apply(request, trigger, actor=actor, fact=fact, now=at)
            if not asking and request.assigned_to is None:
                request.assigned_to = self.accounts[actor.user_id]
            if isinstance(fact, Response):
                request.outcome = fact.outcome
                if fact.outcome in SUCCESSIVE:
                    self._plan_onward(tale, at)

        return take

    def _fact(self, tale: Tale, trigger: Trigger, at: datetime) -> Fact | None:
        request = tale.request
        assert request is not None
        today = at.date()
        match trigger:
            case Trigger.SUBMIT:
                sections.require_complete(request, _day_at(tale.asking, at))
                return Submission(confidentiality_guaranteed=True, authorised=True)
            case Trigger.ASK_CLARIFICATION:
                return QUESTIONS[tale.number % len(QUESTIONS)]
            case Trigger.CLARIFY:
                asked = len(open_questions(request))
                return Answers(tuple(ANSWERS[n % len(ANSWERS)] for n in range(asked)))
            case Trigger.RECORD_SEARCH:
                tale.outcome = next(self.outcomes)
                last = "R" not in tale.steps[len(request.events) + 1 :]
                return _search(tale.number, tale.outcome if last else None)
            case Trigger.DEFER:
                return Deferral(
                    Ground.G_ONGOING_INVESTIGATION,
                    "A court has to allow the release first (invented).",
                    today + timedelta(days=30),
                )
            case Trigger.RESPOND:
                outcome, tale.outcome = tale.outcome or next(self.unsearched), None
                return response_of(outcome, tale, today, self._others(tale))
            case Trigger.CLOSE:
                return closure_of(tale, today)
            case Trigger.WITHDRAW:
                return Reason("The case was settled at home (invented).")
            case Trigger.REOPEN:
                return Reason("A laboratory has read two more characters (invented).")
            case Trigger.ENQUIRE:
                return Text("When can we expect your answer?")
            case Trigger.REMIND:
                return Text("We still wait for what we asked you.")
            case Trigger.QUERY_RESPONSE:
                return Text("Please tell us which years the paper records cover.")
            case Trigger.NOTE:
                return Text("Asked the archive by phone; it calls back on Monday.")
            case _:
                return None

    def _others(self, tale: Tale) -> list[Authority]:
        others = [a for a in self.authorities if a not in (tale.asking, tale.asked)]
        turn = tale.number % len(others)
        return others[turn:] + others[:turn]


def _day_at(authority: Authority, at: datetime) -> date:
    return at.astimezone(ZoneInfo(authority.zone)).date()


def form_of(tale: Tale, today: date) -> dict[str, dict[str, Any]]:
    """Return a complete form, as a person would have filled it in."""
    n = tale.number
    return {
        "markings": markings_of(n),
        "item": item_of(n, tale.asked.country),
        "find": find_of(n, tale.asking, today),
        "persons": {"persons": [person_of(n, tale.asking)] if n % 2 else []},
        "basis": basis_of(n, {tale.asking.country, tale.asked.country}),
        "domestic": {
            "domestic_searches": f"National register, {today}: no record (invented)."
        },
        "header": header_of(n, tale, today),
    }


def reported() -> Iterator[tuple[str, ...]]:
    """Yield invented records of some firearms, as if States had reported them.

    They are of requests of the demonstration, so that a search meets them.
    """
    kinds = ("stolen", "lost", "trafficked", "smuggled")
    for n in range(1, 300, 2):
        serial, item = str(markings_of(n).get("serial", "")), item_of(n, "XX")
        if item["kind"] == "FIREARM" and serial and not set(serial) & set("?["):
            owner = PLACES[(n // 2) % len(PLACES)].country
            named = (serial, item["make"], item["model"], item["calibre"])
            yield (f"D-{n}", kinds[n % len(kinds)], owner, *named)


def kind_of(n: int) -> str:
    """Return what is traced: mostly firearms, some parts and lots."""
    return {4: "PART", 9: "AMMUNITION_LOT"}.get(n % 10, "FIREARM")


def markings_of(n: int) -> dict[str, Any]:
    """Return invented marks in several scripts, some of them unreadable."""
    if kind_of(n) == "AMMUNITION_LOT":
        lot = {"type": "LOT", "text": f"LOT {n:03}-EX"}
        return {"serial_status": "NEVER_MARKED", "marks": [lot]}
    status, pattern, restored = SERIALS[n % len(SERIALS)]
    found: dict[str, Any] = {
        "serial_status": status,
        "marks": [{"type": "MANUFACTURER", "text": MAKES[n % len(MAKES)].upper()}],
    }
    if pattern:
        found["serial"] = pattern.format(10_000 + n * 37 % 90_000)
        found["serial_component"] = "frame"
    if restored:
        found["restoration_method"] = restored
        found["restoration_note"] = "Example Laboratory; the reading is likely."
    if n % 4 == 0:
        found["marks"].append({"type": "PROOF", "text": f"P{n % 7}"})
    return found


def item_of(n: int, made_in: str) -> dict[str, Any]:
    """Return an invented firearm, part or lot of ammunition."""
    kind = kind_of(n)
    firearm, model, calibre, action = FIREARMS[n % len(FIREARMS)]
    found: dict[str, Any] = {
        "kind": kind,
        "make": MAKES[n % len(MAKES)],
        "model": model,
        "calibre": calibre,
        "country_of_manufacture": "XX" if n % 11 == 0 else made_in,
    }
    if kind == "AMMUNITION_LOT":
        return found | {
            "headstamp": f"EX {n % 90 + 10}",
            "lot_number": f"{n:03}-EX",
            "quantity": 20 * (n % 40 + 1),
        }
    found["condition"] = ("INDUSTRIAL", "MODIFIED", "CONVERTED")[n % 3]
    if kind == "PART":
        return found | {"part": PARTS[n // 10 % len(PARTS)]}
    if action:
        found["firing_action"] = action
        found["year"] = 1975 + n % 45
    return found | {"firearm_type": firearm}


def find_of(n: int, asking: Authority, today: date) -> dict[str, Any]:
    """Return an invented seizure."""
    state = countries.name_of(asking.country, "en")
    found: dict[str, Any] = {
        "found_on": (today - timedelta(days=2 + n % 25)).isoformat(),
        "found_time": f"{n % 24:02}:{n * 7 % 60:02}",
        "place": f"Demonstration Town, district {n % 12 + 1}, {state}",
        "place_type": PLACE_TYPES[n % len(PLACE_TYPES)],
        "mode": MODES[n % len(MODES)],
        "legal_justification": ("ILLICIT_POSSESSION", "ILLICIT_TRAFFICKING")[n % 2],
        "circumstances": "Found during a check of vehicles. All of this is invented.",
        "seizure_number": f"DEMO/{today.year}/{n:04}",
    }
    if n % 3 == 0:
        found["linked_offences"] = ["DRUGS", "OTHER_TRAFFICKING"]
        found["transport_mode"] = "PERSONAL_VEHICLE"
    return found


def person_of(n: int, asking: Authority) -> dict[str, Any]:
    """Return a person who does not exist."""
    return {
        "role": "POSSESSOR",
        "family_name": "Example",
        "given_name": f"Person {n}",
        "sex": ("MALE", "FEMALE", "UNKNOWN")[n % 3],
        "nationality": asking.country,
        "is_registered_owner": ("NO", "UNKNOWN")[n % 2],
    }


def basis_of(n: int, states: set[str]) -> dict[str, Any]:
    """Return the law a request stands on; two States of the EU use their own."""
    basis = BASES[n % len(BASES)]
    if states == {"FR", "IT"}:
        basis = LegalBasis.EU_2023_977
    found: dict[str, Any] = {
        "legal_basis": basis.value,
        "illicit_limbs": [
            ("ILLICIT_LOCAL_LAW", "ILLICIT_UNAUTHORISED_TRANSFER")[n % 2]
        ],
        "illicit_reason": "Held without a licence (invented).",
        "offence": "Unlawful possession of firearms, article 1 of the Example Act.",
        "facts_summary": "A firearm was found and nobody could show a licence for it."
        " This case is invented and stands for no real event.",
        "purpose": "To establish how it left lawful possession.",
        "assistance_sought": "The last lawful holder, and how the item left lawful hands.",
        "confidentiality_guaranteed": True,
        "handling": ("H0", "H1", "H0", "H2")[n % 4],
    }
    if basis.needs_text:
        found["legal_basis_text"] = "Example Agreement on firearms (invented)"
    return found


def header_of(n: int, tale: Tale, today: date) -> dict[str, Any]:
    """Return whom is asked, how fast, and why."""
    urgent = n % 6 == 1
    found: dict[str, Any] = {
        "requested_id": tale.asked.id,
        "routing_basis": ("MAKER_COUNTRY", "IMPORT_MARK", "REGISTRY_HIT")[n % 3],
        "trace_goal": ("LAST_LEGAL_HOLDER", "POINT_OF_DIVERSION")[n % 2],
        "urgency": "URGENT" if urgent else "ROUTINE",
        "own_case_number": f"DEMO-{n:04}",
        "language": tale.asked.languages[-1],
    }
    if urgent:
        found["urgency_reason"] = "A hearing is set (invented)."
    if n % 13 == 1:
        found["requested_by"] = (today + timedelta(days=25)).isoformat()
        found["requested_by_reason"] = "The hearing is on this day (invented)."
    return found


QUESTIONS: Final = (
    Questions((Question("Which side of the frame bears the number?", "serial"),)),
    Questions(
        (
            Question("Is the third character a letter or a digit?", "serial"),
            Question("Please send the proof marks as they stand.", "marks"),
        )
    ),
    Questions((Question("Is the calibre marked or measured?", "calibre"),)),
)
ANSWERS: Final = (
    "The left side, below the slide; a digit as far as the laboratory can tell.",
    "There are two proof marks; both are now in the list of marks.",
)
REGISTERS: Final = (
    ("National register of firearms (invented)", "1994-2026"),
    ("Archive of dealers' books (invented)", "1970-1993"),
    ("Register of export licences (invented)", "2001-2026"),
)


def _search(n: int, outcome: Outcome | None) -> Search:
    """Return a search that leads to the outcome; None is one that leads on."""
    register, years = REGISTERS[n % len(REGISTERS)]
    if outcome is None:
        register, years = REGISTERS[(n + 1) % len(REGISTERS)]
        result = (SearchResult.UNAVAILABLE, SearchResult.NO_RECORD)[n % 2]
    elif outcome in NEGATIVE:
        result = SearchResult.NO_RECORD
    elif outcome is Outcome.CANNOT_IDENTIFY:
        result = SearchResult.POSSIBLE
    else:
        result = (SearchResult.FOUND, SearchResult.BY_HAND)[n % 7 == 0]
    return Search(register, years, "serial number and make", result)


def response_of(
    outcome: Outcome, tale: Tale, today: date, others: Sequence[Authority]
) -> Response:
    """Return an answer with all that its outcome asks for."""
    n = tale.number
    made = ChainEvent(
        ChainEventType.MANUFACTURE, year=1990 + n % 25, by=MAKES[n % len(MAKES)]
    )
    sold = ChainEvent(
        ChainEventType.SALE,
        on=date(2016, 1 + n % 12, 12),
        by="Sample Dealer",
        to="Person Example (invented)",
        licence=f"EX-{n:05}",
    )
    details = {
        name: DETAILS[name].format(
            n=n,
            state=others[0].country,
            desk=others[0].name,
            before=others[1].country,
            day=today - timedelta(days=400 + n),
        )
        for name in outcome.needs
        if name in DETAILS
    }
    ground: tuple[Ground, ...] = ()
    if outcome.limits_answer:
        ground = (Ground.G_CONFIDENTIALITY_LAW,)
    handling = HandlingCode.H0
    if outcome not in SUCCESSIVE:
        handling = (HandlingCode.H0, HandlingCode.H1, HandlingCode.H2)[n % 3]
    return Response(
        outcome,
        handling,
        registers=tuple(RegisterSearched(*one) for one in REGISTERS[: 1 + n % 3]),
        chain=(made, sold) if "chain_events" in outcome.needs else (),
        details=details,
        last_legal_status=(
            LastLegalStatus.STOLEN if "last_legal_status" in outcome.needs else None
        ),
        grounds=ground,
        reason="The law of the Example State protects this (invented)."
        if outcome.limits_answer or "reason" in outcome.needs
        else "",
        consultation="Consulted by phone; no other way was found (invented)."
        if "consultation" in outcome.needs
        else "",
        text="We remain at your disposal. This answer is invented.",
        items=(
            (Restriction(InformationItem.ACQUIRER, HandlingCode.H2),)
            if outcome is Outcome.EXPORTED
            else ()
        ),
    )


DETAILS: Final = {
    "last_legal_holder": "Person Example (invented)",
    "diversion_place": "Demonstration Town",
    "diversion_date": "{day}",
    "diversion_manner": "Theft from a dealer (invented)",
    "trail_end": "Sold to a dealer that has closed (invented)",
    "missing_records": "The books of the dealer were lost in a flood (invented)",
    "retention_rule": "Records are kept for twenty years (invented)",
    "mark_discrepancies": "The number has one digit more than this maker used",
    "information_needed": "A photograph of the left side",
    "right_authority": "{desk}",
    "onward_state": "{state}",
    "onward_contact": "{desk}",
    "export_date": "{day}",
    "export_licence": "EX-LICENCE-{n:04}",
    "consignee": "Sample Import (invented)",
    "consignment": "200 pieces",
    "serial_range": "EX 10000 to EX 10199",
    "transit_from": "{before}",
    "transit_to": "{state}",
    "transit_date": "{day}",
    "holding_force": "Example Guard (invented)",
    "report_date": "{day}",
    "report_number": "REPORT-{n:04}",
    "report_place": "Demonstration Town",
    "certificate_number": "CERTIFICATE-{n:04}",
    "certificate_date": "{day}",
    "other_reference": "the request of this month on the same item (invented)",
    "withheld_kinds": "The name of the holder",
}


def closure_of(tale: Tale, today: date) -> Closure:
    """Return what became of a trace."""
    n = tale.number
    uses = (ClosureUse.PROCEEDINGS, ClosureUse.INTELLIGENCE, ClosureUse.NONE)
    # Who acquired an exported item stays out of court: the provider was not asked.
    shown = (InformationItem.TRANSFERS,)
    if n % 3:
        return Closure(uses[n % 3], TriState.UNKNOWN, feedback="Thank you.")
    return Closure(
        uses[n % 3],
        TriState.YES,
        diversion_place="Demonstration Town",
        diversion_date=today - timedelta(days=300),
        diversion_manner="Theft from a dealer (invented)",
        last_legal_status=LastLegalStatus.STOLEN,
        disposal=Disposal.EVIDENCE_HOLD,
        used_items=shown,
        feedback="Your answer led to the dealer. Thank you.",
    )
