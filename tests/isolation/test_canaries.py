"""What one authority writes is met by nobody else: not in a page, a mail, or a log.

Every free field of two authorities and of a third holds a word of its own. Whatever
comes out is searched for the words of others.
"""

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from tests import factories
from tests.isolation import matrix
from tests.programs import program
from tests.visitors import signed_in, stranger
from tracing.casework import keeping
from tracing.extensions import db
from tracing.models import OutboxMessage
from tracing.notifications.render import render
from tracing.security.programs import ROOT
from workflows.facts import (
    Answers,
    Closure,
    Disclosure,
    DisclosurePlan,
    Permission,
    PermissionRequest,
    Question,
    Questions,
    RegisterSearched,
    Search,
    Text,
)
from workflows.policies import WITHIN_AN_AUTHORITY, Role
from workflows.states import Trigger
from workflows.vocabulary import (
    ClosureUse,
    DisclosureGround,
    HandlingCode,
    InformationItem,
    SearchResult,
    TriState,
    Use,
)

FIELDS = (
    *("item_make", "item_model", "item_calibre", "find_place", "find_circumstances"),
    *("basis_illicit_reason", "basis_offence", "basis_facts_summary", "basis_purpose"),
    *("basis_assistance_sought", "basis_restrictions_asked", "basis_handling_text"),
    *("domestic_domestic_searches", "header_own_case_number", "markings_serial"),
    *("persons_persons-0-family_name", "persons_persons-0-given_name"),
    *("persons_persons-0-alias", "persons_persons-0-id_number"),
)


def form_of(name):
    return {field: f"CANARY{name}{number}" for number, field in enumerate(FIELDS)}


def worked(of, name, other):
    """A request whose every text has the word of whoever wrote it."""
    request = factories.sent(of, **form_of(name))
    factories.take(of, request, Trigger.ACKNOWLEDGE)
    factories.take(
        *(of, request, Trigger.ASK_CLARIFICATION),
        Questions((Question(f"CANARY{other}QUESTION", "serial"),)),
    )
    note = Text(f"CANARY{name}NOTE")
    who = factories.actor_of(of.investigator)
    factories.take(of, request, Trigger.NOTE, note, actor=who)
    return request


def ended(of, name, other):
    """It answered within limits, permitted, disclosed, closed and held, in their words."""
    request = worked(of, name, other)
    for trigger, fact in (
        (Trigger.CLARIFY, Answers((f"CANARY{name}CLARIFIED",))),
        (
            Trigger.RECORD_SEARCH,
            Search(f"CANARY{other}SEARCH", "2001", "number", SearchResult.NO_RECORD),
        ),
        (
            Trigger.RESPOND,
            factories.answer(
                handling=HandlingCode.H2,
                registers=(RegisterSearched(f"CANARY{other}ANSWER", "1990-2026"),),
                text=f"CANARY{other}ANSWER",
                restrictions=f"CANARY{other}LIMITS",
            ),
        ),
        (
            Trigger.ASK_PERMISSION,
            PermissionRequest(
                Use.JUDICIAL, (InformationItem.WHOLE,), f"CANARY{name}PURPOSE"
            ),
        ),
    ):
        request = factories.take(of, request, trigger, fact)
    asked = request.events[-1].position
    request = factories.take(
        *(of, request, Trigger.GIVE_PERMISSION),
        Permission(asked, f"CANARY{other}CONDITION"),
    )
    plan = DisclosurePlan(
        DisclosureGround.COURT_ORDER,
        (InformationItem.WHOLE,),
        f"CANARY{name}COURT",
        factories.today(),
        f"CANARY{name}ORDER",
    )
    request = factories.take(of, request, Trigger.ANNOUNCE_DISCLOSURE, plan)
    told = Disclosure(
        f"CANARY{name}COURT", factories.today(), request.events[-1].position
    )
    request = factories.take(of, request, Trigger.RECORD_DISCLOSURE, told)
    closing = Closure(
        ClosureUse.INTELLIGENCE, TriState.UNKNOWN, feedback=f"CANARY{name}CLOSING"
    )
    request = factories.take(of, request, Trigger.CLOSE, closing)
    until, now = factories.today() + timedelta(days=30), datetime.now(UTC)
    for home, word in ((of.asking, name), (of.asked, other)):
        keeper = factories.actor_of(factories.person(home, Role.SUPERVISOR))
        why = f"CANARY{word}HOLD for a court of appeal."
        keeping.hold(keeper, request.reference, why, until, now)
    return request


@pytest.fixture
def desk(app, session, caplog):
    caplog.set_level(logging.DEBUG)
    of, far = factories.sides(), factories.sides()
    request = ended(of, "ALPHA", "BETA")
    draft = factories.draft(of, **form_of("HIDDEN"))
    theirs = worked(far, "GAMMA", "DELTA")
    db.session.commit()
    return app, of, far, request, draft, theirs


def everything_that_opens(app, visitor, *requests):
    """The text of every page, for every request: opened, and sent nothing."""
    values = {"code": "en", "filename": "app.css", "token": "x" * 32}
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint == "static":
            continue
        for request in requests if "<" in rule.rule else requests[:1]:
            if rule.rule.startswith(ROOT):
                continue
            for step in matrix.policy()["steps"] if "<step>" in rule.rule else ("",):
                address = rule.rule.replace("<reference>", request.reference)
                address = address.replace("<step>", step)
                address = address.replace("<number>", request.mail_number)
                address = address.replace("<int:number>", str(request.id))
                for name, value in values.items():
                    address = address.replace(f"<{name}>", value)
                yield address, visitor.get(address).text
    for address in ("/find", "/journal/export"):
        for request in requests:
            form = {"q": request.reference, "reference": request.reference}
            yield address, visitor.post(address, form, follow_redirects=True).text


def all_a_program_reads(app, account, *requests):
    """The text of every operation that reads, for every request, and of searches."""
    client = program(app, account)
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or not rule.rule.startswith(ROOT):
            continue
        for request in requests if "<reference>" in rule.rule else requests[:1]:
            address = rule.rule.replace("<reference>", request.reference)
            address = address.replace("<section>", "basis")
            address = address.replace("<code>", request.requesting.code)
            yield address, client.get(address).text
    for name in ("ALPHA", "HIDDEN", "GAMMA"):
        form = form_of(name)
        for body in (
            {"serial": form["markings_serial"]},
            {"name": form["persons_persons-0-family_name"]},
        ):
            yield "searches", client.post("searches", body).text


def met_by_a_program(app, account, words, *requests):
    """Where a program met one of the words."""
    return [
        f"{address}: {word}"
        for address, text in all_a_program_reads(app, account, *requests)
        for word in words
        if f"CANARY{word}" in text
    ]


def met(app, visitor, words, *requests):
    """Where one of the words was met."""
    return [
        f"{address}: {word}"
        for address, text in everything_that_opens(app, visitor, *requests)
        for word in words
        if f"CANARY{word}" in text
    ]


def test_a_third_authority_meets_none_of_them(desk):
    app, _of, far, request, draft, theirs = desk
    words = ("ALPHA", "BETA", "HIDDEN")
    for roles in (WITHIN_AN_AUTHORITY, (Role.OPERATOR,)):
        visitor = signed_in(app, factories.person(far.asking, *roles))
        assert met(app, visitor, words, request, draft, theirs) == []
    assert met(app, stranger(app), (*words, "GAMMA", "DELTA"), request, theirs) == []


def test_each_side_meets_its_own_and_what_it_was_sent(desk):
    app, of, _far, request, draft, theirs = desk
    asked = signed_in(app, factories.person(of.asked, *WITHIN_AN_AUTHORITY))
    unseen = ("HIDDEN", "ALPHANOTE", "GAMMA", "DELTA")
    assert met(app, asked, unseen, request, draft, theirs) == []
    found = met(app, asked, ("ALPHA", "BETA"), request)
    assert any("ALPHA" in one for one in found)
    assert any("BETA" in one for one in found)
    asking = signed_in(app, factories.person(of.asking, *WITHIN_AN_AUTHORITY))
    assert met(app, asking, ("GAMMA", "DELTA"), request, draft, theirs) == []
    found = met(app, asking, ("ALPHANOTE", "HIDDEN", "BETA"), request, draft)
    assert {one.partition("CANARY")[0] for one in found}


def test_no_program_meets_what_its_people_do_not(desk):
    app, of, far, *requests = desk
    third = factories.person(far.asking, *WITHIN_AN_AUTHORITY)
    unseen = ("ALPHA", "BETA", "HIDDEN")
    assert met_by_a_program(app, third, unseen, *requests) == []
    asked = factories.person(of.asked, *WITHIN_AN_AUTHORITY)
    unseen = ("HIDDEN", "ALPHANOTE", "GAMMA", "DELTA")
    assert met_by_a_program(app, asked, unseen, *requests) == []
    assert met_by_a_program(app, asked, ("ALPHA", "BETA"), requests[0])
    asking = factories.person(of.asking, *WITHIN_AN_AUTHORITY)
    assert met_by_a_program(app, asking, ("GAMMA", "DELTA"), *requests) == []
    assert met_by_a_program(app, asking, ("ALPHANOTE",), requests[0])


def exports(app, home, *names):
    """What an authority may take along: its journal, and all it has of people."""
    visitor = signed_in(app, factories.person(home, *WITHIN_AN_AUTHORITY))
    journal = visitor.post("/journal/export")
    assert journal.status_code == 200
    found = {"journal": journal.text}
    for name in names:
        form = {"name": name, "reason": "A subject asked what is kept of them."}
        answer = visitor.post("/kept/person", form)
        assert answer.status_code == 200
        # The name stands there because it was asked for.
        told = json.loads(answer.text)
        found[name] = json.dumps(told["occurrences"], ensure_ascii=False)
    return found


def test_no_export_holds_what_the_other_side_keeps_or_has_restricted(desk):
    app, of, far, *_requests = desk
    name = form_of("ALPHA")["persons_persons-0-family_name"]
    there = "ALPHACLOSING", "BETACONDITION", "BETAQUESTION", "ALPHACOURT"
    for home, kept in (
        (of.asking, ("BETAANSWER", "GAMMA", "DELTA")),
        (of.asked, ("ALPHANOTE", "HIDDEN", "GAMMA", "DELTA")),
        (far.asking, ("ALPHA", "BETA", "HIDDEN")),
    ):
        found = exports(app, home, name)
        met = [
            (where, word)
            for where, text in found.items()
            for word in kept
            if f"CANARY{word}" in text
        ]
        assert met == []
        if home is not far.asking:
            assert all(f"CANARY{word}" in found["journal"] for word in there)
    assert name in exports(app, of.asking, name)[name]


def test_no_mail_and_no_line_of_the_log_holds_any(desk, caplog):
    app, of, _far, request, _draft, _theirs = desk
    visitor = signed_in(app, factories.person(of.asking, *WITHIN_AN_AUTHORITY))
    assert met(app, visitor, ("ALPHA",), request)
    rows = db.session.scalars(select(OutboxMessage)).all()
    assert len(rows) >= 6
    for row in rows:
        mail = render(row, "https://tracing.example/", "Tracing <t@tracing.example>")
        assert "CANARY" not in mail.subject + mail.text
        assert "CANARY" not in repr(row.facts)
    assert "CANARY" not in caplog.text
