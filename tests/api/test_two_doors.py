"""What is done by a page and what is done by a program leave the same behind."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests import factories
from tests.api.drafts import draft_for
from tests.api.test_bad_inputs import is_a_problem
from tests.programs import program
from tests.visitors import hidden, signed_in
from tracing.casework import queries, sections
from tracing.extensions import db
from tracing.journal.kinds import READS
from tracing.models import JournalEntry, OutboxMessage
from workflows.states import Trigger

WALKS, LONGEST = 5, 7
WORDS = ("Ledger", "Регистр", "سجل", "登记册", "Registre d’armes")
ANSWERS = {Trigger.ACKNOWLEDGE.value, "ask_clarification", "record_search", "defer"}
ANSWERS |= {"respond", "give_permission", "refuse_permission", "cannot_keep"}


def fact(step, rng, asked):
    """What a step may carry, as JSON; nothing for steps that are not tried here."""
    word = rng.choice(WORDS)
    later = factories.today().replace(year=factories.today().year + 1)
    registers = [{"register": word, "years": "1990-2026"}]
    return {
        "submit": {"authorised": True},
        "acknowledge": {},
        "ask_clarification": {"questions": [{"text": f"{word}?"}, {"text": "Why?"}]},
        "clarify": {"answers": [word] * asked},
        "record_search": {
            **registers[0],
            "key": "EX-1234-7",
            "result": rng.choice(("NO_RECORD", "POSSIBLE", "FOUND")),
            "note": word,
        },
        "defer": {
            "ground": "G_ONGOING_INVESTIGATION",
            "reason": word,
            "review_date": later.isoformat(),
        },
        "respond": {"outcome": "NO_RECORD", "handling": "H0", "registers": registers},
        "query_response": {"text": word},
        "close": {"used_in": "INTELLIGENCE", "diversion_established": "UNKNOWN"},
        "withdraw": {"reason": word},
        "reopen": {"reason": word},
        "enquire": {"text": word},
        "remind": {"text": word},
        "note": {"text": word},
    }.get(step)


def as_form(said, prefix=""):
    """The same as a page posts it."""
    form = {}
    for name, value in said.items():
        here = f"{prefix}-{name}" if prefix else name
        if isinstance(value, list) and value and isinstance(value[0], dict):
            for number, row in enumerate(value):
                form |= as_form(row, f"{here}-{number}")
        elif isinstance(value, dict):
            form |= as_form(value, here)
        else:
            form[here] = str(value).lower() if isinstance(value, bool) else value
    return form


class ByPage:
    """Two people at their pages."""

    def __init__(self, app, of):
        self.of = of
        self.asking, self.asked = (
            signed_in(app, one) for one in (of.investigator, of.officer)
        )

    def file(self, said):
        key = hidden(self.asking.get("/trace-requests/new").text, "form_key")
        form = as_form(said) | {"form_key": key}
        made = self.asking.post("/trace-requests/new", form)
        assert made.status_code == 303, made.text
        return made.location.split("/")[2]

    def take(self, reference, step, said):
        who = self.asked if step in ANSWERS else self.asking
        where = f"/trace-requests/{reference}"
        version = queries.by_reference(
            reference, factories.actor_of(self.of.investigator)
        ).version
        address = f"{where}/submit" if step == "submit" else f"{where}/steps/{step}"
        done = who.post(address, as_form(said) | {"version": str(version)})
        assert done.status_code == 303, (step, done.status_code)


class ByProgram:
    """Two programs."""

    def __init__(self, app, of):
        self.of = of
        self.asking, self.asked = (
            program(app, one) for one in (of.investigator, of.officer)
        )

    def file(self, said):
        return self.asking.post("requests", said).json["reference"]

    def possible(self, reference):
        return {
            one["step"]
            for who in (self.asking, self.asked)
            for one in who.get(f"requests/{reference}/transitions").json.get(
                "items", ()
            )
        }

    def take(self, reference, step, said):
        who = self.asked if step in ANSWERS else self.asking
        where = f"requests/{reference}/transitions"
        etag = who.get(where).headers["ETag"]
        done = who.post(f"{where}/{step}", said, If_Match=etag)
        assert done.status_code == 200, done.text


def left(of, reference):
    """What is left behind: rows, events, mails, and entries of both chains."""
    db.session.rollback()
    db.session.expire_all()
    found = queries.by_reference(reference, factories.actor_of(of.investigator))
    content = sections.read(found)
    content["header"].pop("requested_id")
    events = [(e.trigger, e.before, e.after, e.by, e.carried) for e in found.events]
    homes = {of.asking.email: "asking", of.asked.email: "asked"}
    homes |= {of.investigator.email: "investigator", of.officer.email: "officer"}
    mails = Counter(
        (row.event, homes[row.recipient], row.language)
        for row in db.session.scalars(
            select(OutboxMessage).where(OutboxMessage.request_id == found.id)
        )
    )
    entries = [
        [
            (row.kind, row.actor_id is not None)
            for row in db.session.scalars(
                select(JournalEntry)
                .where(
                    JournalEntry.chain_id == home.id, JournalEntry.about == reference
                )
                .order_by(JournalEntry.seq)
            )
            if row.kind not in READS
        ]
        for home in (of.asking, of.asked)
    ]
    plain = (found.state, found.version, found.outcome, found.regime, found.awaiting)
    assigned = found.assigned_to_id == of.officer.id
    return content, events, mails, entries, plain, assigned, found.due.date()


@pytest.mark.parametrize("walk", range(WALKS))
def test_both_doors_leave_the_same_behind(app, session, walk):
    rng = random.Random(walk)
    doors = [kind(app, factories.sides()) for kind in (ByPage, ByProgram)]
    case = {"own_case_number": f"CASE-{rng.randrange(10**6)}"}
    changes = {
        "header": case,
        "item": {"make": rng.choice(WORDS)},
        # A box that is not ticked says no; a program says so itself.
        "basis": {"keep_request_confidential": False},
    }
    here, there = (door.file(draft_for(door.of.asked, **changes)) for door in doors)
    step, questions = "submit", 0
    for _ in range(LONGEST):
        said = fact(step, rng, questions)
        for door, reference in zip(doors, (here, there), strict=True):
            door.take(reference, step, said)
        if step == "ask_clarification":
            questions = len(said["questions"])
        page, by_program = (
            left(door.of, reference)
            for door, reference in zip(doors, (here, there), strict=True)
        )
        assert page == by_program, step
        can = sorted(doors[1].possible(there))
        step = rng.choice(
            [one for one in can if fact(one, rng, 1) is not None] or ["note"]
        )


def test_both_doors_say_alike_that_the_information_is_at_hand(app, session):
    doors, changes = [], {"basis": {"legal_basis": "EU_2023_977"}}
    changes["basis"]["keep_request_confidential"] = False
    changes["header"] = {"urgency": "URGENT", "urgency_reason": "A shooting today."}
    for kind in (ByPage, ByProgram):
        of = factories.sides(
            asking=factories.authority(country="AT", zone="Europe/Vienna"),
            asked=factories.authority(country="PT", zone="Europe/Lisbon"),
        )
        doors.append(kind(app, of))
    found = []
    for door in doors:
        reference = door.file(draft_for(door.of.asked, **changes))
        door.take(reference, "submit", {"authorised": True})
        door.take(reference, "acknowledge", {"access": "DIRECT"})
        found.append(left(door.of, reference))
    assert found[0] == found[1]
    assert "EU977_URGENT_DIRECT" in found[1][4]


def test_a_program_is_asked_how_it_is_reached_where_the_limit_depends_on_it(asked, of):
    made = factories.sent(of)
    href = f"requests/{made.reference}/transitions"
    answer = asked.get(href)
    step = next(o for o in answer.json["items"] if o["step"] == "acknowledge")
    assert step["fields"] == []
    etag = answer.headers["ETag"]
    said = asked.post(f"{href}/acknowledge", {"access": "DIRECT"}, If_Match=etag)
    assert said.status_code == 422
    made.regime = "EU977_URGENT_INDIRECT"
    db.session.commit()
    step = next(o for o in asked.get(href).json["items"] if o["step"] == "acknowledge")
    (field,) = step["fields"]
    assert (field["name"], field["values"]) == ("access", ["DIRECT", "INDIRECT"])
    assert field["required"] is False


def nobody(of, name):
    """The number of somebody who cannot be asked."""
    yesterday = factories.today() - timedelta(days=1)
    made = {
        "who takes none": {"accepts_requests": False},
        "who was dissolved": {"valid_to": yesterday},
    }
    if name in made:
        return factories.authority(country="NP", **made[name]).id
    return {"oneself": of.asking.id, "who does not exist": 999_999}[name]


@pytest.mark.parametrize(
    "name", ["oneself", "who does not exist", "who takes none", "who was dissolved"]
)
def test_who_cannot_be_asked_next_is_refused_at_both_doors(
    app, of, asking, everything, name
):
    request = factories.after(of, *factories.WAY_TO[Trigger.RESPOND])
    fact = factories.exported(factories.authority(country="NP"))
    request = factories.take(of, request, Trigger.RESPOND, fact)
    number, here = nobody(of, name), f"requests/{request.reference}/onward"
    db.session.commit()
    before = everything()
    answer = asking.post(here, {"authority": number})
    said = is_a_problem(answer, 422, "invalid")
    assert [fault["pointer"] for fault in said["errors"]] == ["/authority"]
    page = signed_in(app, of.investigator).post(
        f"/trace-{here}", {"authority": str(number)}
    )
    assert page.status_code == 422
    assert everything() == before
