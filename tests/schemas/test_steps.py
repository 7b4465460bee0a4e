"""Every step: the fact it becomes, and what is asked for before it can."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from tracing.schemas.steps import (
    DETAILS,
    STEP_OF,
    AnswersStep,
    ClosureStep,
    DeferralStep,
    DisclosurePlanStep,
    DisclosureStep,
    PermissionRequestStep,
    QuestionsStep,
    ReasonStep,
    ResponseStep,
    SearchStep,
    SubmissionStep,
    TextStep,
    needed_by,
)
from workflows.facts import (
    Answers,
    ChainEvent,
    Closure,
    Deferral,
    Disclosure,
    DisclosurePlan,
    Permission,
    PermissionRequest,
    Question,
    Questions,
    Reason,
    Refusal,
    RegisterSearched,
    Response,
    Search,
    Submission,
    Text,
)
from workflows.lifecycle import RULES
from workflows.states import Trigger
from workflows.vocabulary import (
    ChainEventType,
    ClosureUse,
    DisclosureGround,
    Ground,
    HandlingCode,
    InformationItem,
    LastLegalStatus,
    Outcome,
    SearchResult,
    TriState,
    Use,
)

TODAY = date(2026, 11, 26)

ANSWER = {
    "registers": [{"register": "Import licences", "years": "1998–2026"}],
    "chain": [
        {"type": "MANUFACTURE", "year": "1998", "by": "Beretta"},
        {"type": "EXPORT", "on": "1999-03-01", "to": "KE", "licence": "L1"},
    ],
    "last_legal_holder": "A dealer",
    "last_legal_status": "STOLEN",
    "diversion_place": "Nairobi",
    "diversion_date": "2020-01-01",
    "diversion_manner": "Theft",
    "trail_end": "At the dealer",
    "missing_records": "Before 1998",
    "retention_rule": "20 years",
    "mark_discrepancies": "Proof mark",
    "information_needed": "Photographs",
    "right_authority": "Uganda Police",
    "onward_state": "KE",
    "onward_contact": "National contact point",
    "export_date": "1999-03-01",
    "export_licence": "L1",
    "consignee": "A dealer",
    "consignment": "100 pistols",
    "serial_range": "A1-A100",
    "transit_from": "IT",
    "transit_to": "KE",
    "transit_date": "1999-03-02",
    "holding_force": "Army",
    "report_date": "2020-01-02",
    "report_number": "R1",
    "report_place": "Nairobi",
    "certificate_number": "C1",
    "certificate_date": "2020-01-03",
    "other_reference": "2026-KE-000001",
    "withheld_kinds": "Names",
    "grounds": ["G_OTHER"],
    "reason": "Because",
    "consultation": "By telephone",
    "handling": "H0",
}


def load(step, data):
    return step(today=TODAY).load(data)


def problems(step, data):
    with pytest.raises(ValidationError) as caught:
        load(step, data)
    return caught.value.messages


def answer_for(outcome):
    shown = needed_by(outcome)
    return {"outcome": outcome.value} | {k: ANSWER[k] for k in shown if k in ANSWER}


def test_every_step_that_carries_a_fact_has_its_schema():
    carrying = {rule.trigger.value for rule in RULES if rule.carries}
    assert set(STEP_OF) == carrying
    assert {*Trigger} - {*STEP_OF} == {Trigger.ACKNOWLEDGE}


FACTS = {
    "submit": (
        {"authorised": True, "confidentiality_guaranteed": True},
        Submission(confidentiality_guaranteed=True, authorised=True),
    ),
    "ask_clarification": (
        {"questions": [{"text": "Which side?", "about": "serial"}, {"text": ""}]},
        Questions((Question("Which side?", "serial"),)),
    ),
    "clarify": (
        {"answers": ["Left", "None"], "requested_by": "2026-12-01"},
        Answers(("Left", "None"), date(2026, 12, 1)),
    ),
    "record_search": (
        {"register": "R", "years": "1998", "key": "A1", "result": "NO_RECORD"},
        Search("R", "1998", "A1", SearchResult.NO_RECORD),
    ),
    "defer": (
        {
            "ground": "G_ONGOING_INVESTIGATION",
            "reason": "Trial",
            "review_date": "2027-01-10",
        },
        Deferral(Ground.G_ONGOING_INVESTIGATION, "Trial", date(2027, 1, 10)),
    ),
    "respond": (
        {
            "outcome": "NO_RECORD",
            "handling": "H3",
            "restrictions": "Ask first",
            "registers": ANSWER["registers"],
            "text": "Sorry",
        },
        Response(
            Outcome.NO_RECORD,
            HandlingCode.H3,
            registers=(RegisterSearched("Import licences", "1998–2026"),),
            restrictions="Ask first",
            text="Sorry",
        ),
    ),
    "query_response": ({"text": "Why?"}, Text("Why?")),
    "close": (
        {
            "used_in": "PROCEEDINGS",
            "diversion_established": "YES",
            "diversion_place": "Nairobi",
            "diversion_manner": "Theft",
            "diversion_date": "2020-01-01",
            "last_legal_status": "STOLEN",
        },
        Closure(
            ClosureUse.PROCEEDINGS,
            TriState.YES,
            "Nairobi",
            date(2020, 1, 1),
            "Theft",
            LastLegalStatus.STOLEN,
        ),
    ),
    "withdraw": ({"reason": "Solved"}, Reason("Solved")),
    "reopen": ({"reason": "New mark"}, Reason("New mark")),
    "enquire": ({"text": "How far?"}, Text("How far?")),
    "remind": ({"text": "Due"}, Text("Due")),
    "note": ({"text": "Call"}, Text("Call")),
    "ask_permission": (
        {"use": "ONWARD", "to": "NP", "items": ["TRANSFERS"], "purpose": "A trace"},
        PermissionRequest(Use.ONWARD, (InformationItem.TRANSFERS,), "A trace", "NP"),
    ),
    "give_permission": (
        {"asked": "7", "conditions": "In camera"},
        Permission(7, "In camera"),
    ),
    "refuse_permission": ({"asked": "7", "reason": "Danger"}, Refusal(7, "Danger")),
    "announce_disclosure": (
        {
            "ground": "COURT_ORDER",
            "reason": "Order 7",
            "items": ["PERSONS"],
            "to": "A court",
            "planned": "2026-11-26",
        },
        DisclosurePlan(
            DisclosureGround.COURT_ORDER,
            (InformationItem.PERSONS,),
            "A court",
            date(2026, 11, 26),
            "Order 7",
        ),
    ),
    "record_disclosure": (
        {"announced": "8", "to": "A court", "on": "2026-11-25"},
        Disclosure("A court", date(2026, 11, 25), 8),
    ),
    "cannot_keep": ({"reason": "It is public"}, Reason("It is public")),
    "lift_confidentiality": ({"reason": "Arrested"}, Reason("Arrested")),
}


@pytest.mark.parametrize("trigger", STEP_OF)
def test_a_step_becomes_its_fact(trigger):
    data, fact = FACTS[trigger]
    assert load(STEP_OF[trigger], data) == fact


@pytest.mark.parametrize("trigger", STEP_OF)
def test_a_draft_of_a_step_stays_data(trigger):
    data, _ = FACTS[trigger]
    assert isinstance(STEP_OF[trigger](today=TODAY).load(data, partial=True), dict)


@pytest.mark.parametrize(
    ("step", "data", "asked"),
    [
        (
            SubmissionStep,
            {"confidentiality_guaranteed": True},
            {"authorised": ["Confirm that you are authorised to send this"]},
        ),
        (
            SubmissionStep,
            {"authorised": False, "confidentiality_guaranteed": True},
            {"authorised": ["Confirm that you are authorised to send this"]},
        ),
        (
            SubmissionStep,
            {"authorised": True, "confidentiality_reason": "  "},
            {
                "confidentiality_reason": [
                    "Say why the answer cannot be kept confidential"
                ]
            },
        ),
        (QuestionsStep, {}, {"questions": ["Ask at least one question"]}),
        (
            QuestionsStep,
            {"questions": [{"text": " "}]},
            {"questions": ["Ask at least one question"]},
        ),
        (
            QuestionsStep,
            {"questions": [{"about": "make"}]},
            {"questions": {0: {"text": ["Write the question"]}}},
        ),
        (AnswersStep, {"answers": []}, {"answers": ["Answer each question"]}),
        (
            AnswersStep,
            {"answers": ["Left", ""]},
            {"answers": {1: ["Answer each question"]}},
        ),
        (
            AnswersStep,
            {"answers": ["Left"], "requested_by": "2026-11-26"},
            {"requested_by": ["Enter a date after today"]},
        ),
        (
            SearchStep,
            {},
            {
                "register": ["Name the register"],
                "years": ["Name the years the register covers"],
                "key": ["Say what was looked for"],
                "result": ["Say what the search gave"],
            },
        ),
        (
            DeferralStep,
            {},
            {
                "ground": ["Choose the ground of the delay"],
                "reason": ["Give the reason for the delay"],
                "review_date": ["Enter the date on which you will look at it again"],
            },
        ),
        (
            DeferralStep,
            {"ground": "G_MINOR_OFFENCE", "reason": "R", "review_date": "2027-01-01"},
            {"ground": ["Choose a ground that allows a delay"]},
        ),
        (
            DeferralStep,
            {"ground": "G_OTHER", "reason": "R", "review_date": "2026-11-26"},
            {"review_date": ["Enter a date after today"]},
        ),
        (
            ClosureStep,
            {"diversion_established": "YES"},
            {
                "used_in": ["Say what the answer was used for"],
                "diversion_place": ["Enter where the firearm was diverted"],
                "diversion_manner": ["Say how the firearm was diverted"],
            },
        ),
        (
            ClosureStep,
            {"used_in": "NONE"},
            {
                "diversion_established": [
                    "Say whether the point of diversion was established"
                ]
            },
        ),
        (
            PermissionRequestStep,
            {"use": "ONWARD"},
            {
                "to": ["Choose the State to pass it on to"],
                "items": ["Name the information"],
                "purpose": ["Say what for"],
            },
        ),
        (
            DisclosurePlanStep,
            FACTS["announce_disclosure"][0] | {"planned": "2026-11-25"},
            {"planned": ["Enter a date not in the past"]},
        ),
        (
            DisclosureStep,
            {"to": "A court", "on": "2026-11-26"},
            {
                "ground": ["Say why it could not be kept confidential"],
                "items": ["Name the information"],
                "no_notice": ["Say why there was no time for notice"],
            },
        ),
        (
            DisclosureStep,
            {
                "to": "A court",
                "on": "2026-11-26",
                "ground": "COURT_ORDER",
                "items": ["WHOLE"],
                "no_notice": "In a hurry",
            },
            {"ground": ["Notify the provider first: give notice"]},
        ),
        (
            ResponseStep,
            answer_for(Outcome.NO_RECORD)
            | {"items": [{"item": "TEXT", "handling": "H3"}]},
            {"items": {0: {"text": ["Write the restriction"]}}},
        ),
        (
            ResponseStep,
            answer_for(Outcome.NO_RECORD)
            | {"items": 2 * [{"item": "TEXT", "handling": "H2"}]},
            {"items": ["Give each item one code"]},
        ),
        (ReasonStep, {"reason": "\u200b"}, {"reason": ["Give the reason"]}),
        (TextStep, {}, {"text": ["Write the text"]}),
        (
            ResponseStep,
            {},
            {
                "outcome": ["Choose the outcome"],
                "handling": ["Choose the handling code"],
            },
        ),
    ],
)
def test_a_step_asks_for_what_its_fact_insists_on(step, data, asked):
    assert problems(step, data) == asked


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_can_be_answered(outcome):
    response = load(ResponseStep, answer_for(outcome))
    assert response.outcome is outcome
    assert set(response.details) == DETAILS & {*outcome.needs}
    assert all(isinstance(value, str) for value in response.details.values())


@pytest.mark.parametrize("outcome", Outcome)
def test_each_thing_an_outcome_needs_is_asked_for_at_its_field(outcome):
    asked = problems(ResponseStep, {"outcome": outcome.value})
    fields = ResponseStep().fields
    assert set(asked) <= {*needed_by(outcome)}
    assert asked == {name: [fields[name].error_messages["required"]] for name in asked}
    for name in asked:
        data = answer_for(outcome)
        del data[name]
        assert set(problems(ResponseStep, data)) == {name}


@pytest.mark.parametrize("outcome", Outcome)
def test_what_the_outcome_does_not_ask_for_is_not_sent(outcome):
    everything = ANSWER | {"outcome": outcome.value, "text": "T"}
    assert load(ResponseStep, everything) == load(
        ResponseStep, answer_for(outcome) | {"text": "T"}
    )


def test_a_refusal_sends_no_chain_that_was_filled_in_before():
    refused = load(ResponseStep, ANSWER | {"outcome": "REFUSED"})
    assert (refused.chain, refused.registers) == ((), ())
    assert refused.details == {}


def test_details_are_text_and_dates_are_iso():
    details = load(ResponseStep, answer_for(Outcome.EXPORTED)).details
    assert details["export_date"] == "1999-03-01"
    assert details["onward_state"] == "KE"


def test_the_chain_keeps_its_order_and_its_types():
    chain = load(ResponseStep, answer_for(Outcome.FULL)).chain
    assert chain == (
        ChainEvent(ChainEventType.MANUFACTURE, year=1998, by="Beretta"),
        ChainEvent(ChainEventType.EXPORT, on=date(1999, 3, 1), to="KE", licence="L1"),
    )


def test_a_restriction_in_words_needs_the_words():
    data = answer_for(Outcome.NO_RECORD) | {"handling": "H3"}
    assert problems(ResponseStep, data) == {"restrictions": ["Write the restriction"]}


def test_a_ground_that_only_delays_is_not_offered_with_an_answer():
    data = answer_for(Outcome.REFUSED) | {"grounds": ["G_JUDICIAL_AUTH_PENDING"]}
    assert problems(ResponseStep, data) == {"grounds": ["Choose one of the list"]}


@pytest.mark.parametrize("outcome", [Outcome.RESTRICTED, Outcome.REFUSED])
@pytest.mark.parametrize("ground", sorted({*Ground} - {Ground.G_JUDICIAL_AUTH_PENDING}))
def test_a_ground_must_carry_what_is_done_on_it(outcome, ground):
    verb = "refuse" if outcome is Outcome.REFUSED else "restrict"
    data = answer_for(outcome) | {"grounds": [ground.value]}
    if verb in ground.allows:
        assert load(ResponseStep, data).grounds == (ground,)
    else:
        assert problems(ResponseStep, data) == {
            "grounds": [f"Choose only grounds that allow you to {verb}"]
        }


def test_every_need_of_every_outcome_has_a_field():
    fields = {*ResponseStep().fields}
    assert fields >= DETAILS
    for outcome in Outcome:
        assert fields >= {*needed_by(outcome)}


def test_the_fields_of_an_outcome_stand_in_the_order_of_the_form():
    order = [*ResponseStep().fields]
    for outcome in Outcome:
        shown = needed_by(outcome)
        assert [*shown] == sorted(shown, key=order.index)
        assert "handling" in shown


TEXTS = st.sampled_from(["", " ", "\u200b", "\ufeff ", "\n", "a", None]) | st.text()


@given(
    st.sampled_from(Outcome),
    st.sampled_from(HandlingCode),
    st.lists(st.sampled_from(Ground), max_size=2),
    st.dictionaries(st.sampled_from(sorted(ANSWER.keys() - {"handling"})), TEXTS),
)
def test_no_fact_refuses_what_the_schema_let_through(outcome, handling, grounds, odd):
    data = ANSWER | {"outcome": outcome.value, "handling": handling.value}
    data |= {"grounds": [ground.value for ground in grounds]} | odd
    try:
        assert isinstance(load(ResponseStep, data), Response)
    except ValidationError as error:
        assert {*error.messages} <= {*data, "restrictions"}  # noqa: PT017


@given(st.sampled_from(sorted(FACTS)), st.data())
def test_blanks_anywhere_in_a_step_are_asked_for(trigger, data):
    full, fact = FACTS[trigger]
    posted = full | data.draw(st.dictionaries(st.sampled_from(sorted(full)), TEXTS))
    try:
        assert isinstance(load(STEP_OF[trigger], posted), type(fact))
    except ValidationError as error:
        assert {*error.messages} <= {*STEP_OF[trigger]().fields}  # noqa: PT017
