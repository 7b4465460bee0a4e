"""Promises about what a step must carry: what breaks its meaning cannot exist."""

from dataclasses import FrozenInstanceError, replace
from datetime import date

import pytest

from workflows.errors import FactMissing
from workflows.facts import (
    Answers,
    ChainEvent,
    Closure,
    Deferral,
    Question,
    Questions,
    Reason,
    RegisterSearched,
    Response,
    Search,
    Submission,
    Text,
)
from workflows.vocabulary import (
    LIMITING,
    NEGATIVE,
    ChainEventType,
    ClosureUse,
    Disposal,
    Ground,
    HandlingCode,
    LastLegalStatus,
    Outcome,
    SearchResult,
    TriState,
)

BLANK = ("", "   ", "\n\t")
REVIEW = date(2026, 6, 1)

# ---------------------------------------------------------------------- the response

# Each need of an outcome that has a place of its own, and the answer without it.
ABSENT = {
    "registers_searched": {"registers": ()},
    "chain_events": {"chain": ()},
    "last_legal_status": {"last_legal_status": None},
    "grounds": {"grounds": ()},
    "reason": {"reason": " "},
    "consultation": {"consultation": " "},
    "restrictions": {"handling": None},
}
# Named by the register itself: a register without years cannot exist.
WITH_THE_REGISTER = {"years_searched"}
NEEDS = [
    (outcome, needed)
    for outcome in Outcome
    for needed in outcome.needs
    if needed not in WITH_THE_REGISTER
]


def response(outcome: Outcome, **changes: object) -> Response:
    """Return a complete answer with this outcome, but for the changes."""
    complete = Response(
        outcome=outcome,
        handling=HandlingCode.H0,
        registers=(RegisterSearched("Central register", "1990-2026"),),
        chain=(ChainEvent(ChainEventType.MANUFACTURE, year=1994),),
        details=dict.fromkeys(outcome.needs, "given"),
        last_legal_status=next(iter(LastLegalStatus)),
        grounds=(Ground.G_NATIONAL_SECURITY,),
        reason="The holder is protected.",
        consultation="By telephone on 2 March.",
    )
    return replace(complete, **changes)


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_a_complete_answer(outcome):
    assert response(outcome).outcome is outcome


@pytest.mark.parametrize(("outcome", "needed"), NEEDS)
def test_an_answer_that_lacks_what_its_outcome_needs_is_told_what(outcome, needed):
    blank = {"details": dict.fromkeys(outcome.needs, "given") | {needed: "  "}}
    with pytest.raises(FactMissing, match=f"needs: {needed}"):
        response(outcome, **ABSENT.get(needed, blank))


@pytest.mark.parametrize(
    ("outcome", "needed"), [pair for pair in NEEDS if pair[1] not in ABSENT]
)
def test_a_detail_left_out_is_missed_like_a_blank_one(outcome, needed):
    details = dict.fromkeys(outcome.needs, "given")
    del details[needed]
    with pytest.raises(FactMissing, match=f"needs: {needed}"):
        response(outcome, details=details)


def test_two_outcomes_limit_an_answer_and_two_are_negative():
    assert {Outcome.RESTRICTED, Outcome.REFUSED} == LIMITING
    assert {Outcome.NO_RECORD, Outcome.RECORD_EXPIRED} == NEGATIVE


@pytest.mark.parametrize("outcome", sorted(LIMITING))
def test_a_limit_without_a_ground_is_not_accepted(outcome):
    with pytest.raises(FactMissing, match="grounds"):
        response(outcome, grounds=())


@pytest.mark.parametrize("reason", BLANK)
@pytest.mark.parametrize("outcome", sorted(LIMITING))
def test_a_limit_without_a_reason_is_not_accepted(outcome, reason):
    with pytest.raises(FactMissing, match="reason"):
        response(outcome, reason=reason)


def test_a_formal_fault_is_a_ground_to_refuse_and_not_to_restrict():
    formal = (Ground.G_NON_CONFORMING,)
    assert response(Outcome.REFUSED, grounds=formal).grounds == formal
    with pytest.raises(FactMissing, match=r"NON_CONFORMING does not allow .+ restrict"):
        response(Outcome.RESTRICTED, grounds=formal)


def test_one_ground_that_does_not_allow_it_spoils_the_others():
    grounds = (Ground.G_NATIONAL_SECURITY, Ground.G_NON_CONFORMING)
    with pytest.raises(FactMissing, match="G_NON_CONFORMING"):
        response(Outcome.RESTRICTED, grounds=grounds)


ONLY_DELAYS = {Ground.G_JUDICIAL_AUTH_PENDING}


@pytest.mark.parametrize("ground", sorted({*Ground} - ONLY_DELAYS))
def test_every_ground_but_one_that_only_delays_can_carry_a_refusal(ground):
    assert response(Outcome.REFUSED, grounds=(ground,)).grounds == (ground,)


def test_a_refusal_without_consultation_is_not_accepted():
    with pytest.raises(FactMissing, match="consultation"):
        response(Outcome.REFUSED, consultation="")


@pytest.mark.parametrize("outcome", sorted(NEGATIVE))
def test_a_negative_answer_says_where_it_was_looked_for(outcome):
    with pytest.raises(FactMissing, match="registers_searched"):
        response(outcome, registers=())


@pytest.mark.parametrize("blank", BLANK)
def test_a_register_without_its_name_or_years_is_no_register(blank):
    with pytest.raises(FactMissing, match="years"):
        RegisterSearched("Central register", blank)
    with pytest.raises(FactMissing, match="register"):
        RegisterSearched(blank, "1990-2026")


@pytest.mark.parametrize("blank", BLANK)
def test_other_restrictions_are_written_out(blank):
    with pytest.raises(FactMissing, match="Write the restriction"):
        response(Outcome.NO_RECORD, handling=HandlingCode.H3, restrictions=blank)
    written = response(
        Outcome.NO_RECORD, handling=HandlingCode.H3, restrictions="Not to the press."
    )
    assert written.restrictions == "Not to the press."


@pytest.mark.parametrize(
    "handling", [HandlingCode.H0, HandlingCode.H1, HandlingCode.H2]
)
def test_the_other_handling_codes_need_no_text(handling):
    assert response(Outcome.NO_RECORD, handling=handling).restrictions == ""


# ---------------------------------------------------------------------- the deferral

MAY_DELAY = {
    Ground.G_ONGOING_INVESTIGATION,
    Ground.G_CONFIDENTIALITY_LAW,
    Ground.G_NO_CONFIDENTIALITY_GUARANTEE,
    Ground.G_NATIONAL_SECURITY,
    Ground.G_OTHER,
    Ground.G_JUDICIAL_AUTH_PENDING,
}


@pytest.mark.parametrize("ground", sorted(MAY_DELAY))
def test_an_answer_may_wait_on_a_ground_that_allows_delay(ground):
    assert Deferral(ground, "The trial is open.", REVIEW).review_date == REVIEW


@pytest.mark.parametrize("ground", sorted({*Ground} - MAY_DELAY))
def test_an_answer_may_not_wait_on_another_ground(ground):
    with pytest.raises(FactMissing, match="allows a delay"):
        Deferral(ground, "The trial is open.", REVIEW)


@pytest.mark.parametrize("reason", BLANK)
def test_a_deferral_has_a_reason(reason):
    with pytest.raises(FactMissing, match="reason"):
        Deferral(Ground.G_ONGOING_INVESTIGATION, reason, REVIEW)


# ------------------------------------------------------------------------ the closure

CLOSED = Closure(
    used_in=ClosureUse.PROCEEDINGS,
    diversion_established=TriState.YES,
    diversion_place="Mombasa",
    diversion_date=date(2019, 4, 2),
    diversion_manner="Stolen from a depot.",
    last_legal_status=next(iter(LastLegalStatus)),
    disposal=next(iter(Disposal)),
)


@pytest.mark.parametrize("blank", BLANK)
@pytest.mark.parametrize("told", ["diversion_place", "diversion_manner"])
def test_an_established_diversion_says_where_and_how(told, blank):
    with pytest.raises(FactMissing, match="where and how"):
        replace(CLOSED, **{told: blank})


def test_the_date_of_a_diversion_may_be_unknown():
    assert replace(CLOSED, diversion_date=None).diversion_date is None


@pytest.mark.parametrize("established", [TriState.NO, TriState.UNKNOWN])
def test_without_a_diversion_nothing_is_said_of_it(established):
    closed = Closure(ClosureUse.NONE, established)
    assert closed.diversion_place == closed.diversion_manner == ""


# --------------------------------------------------------------- the request, questions


def test_a_request_is_sent_by_one_who_may():
    with pytest.raises(FactMissing, match="authorised"):
        Submission(confidentiality_guaranteed=True)


@pytest.mark.parametrize("reason", BLANK)
def test_without_confidentiality_the_reason_is_said(reason):
    with pytest.raises(FactMissing, match="kept confidential"):
        Submission(
            confidentiality_guaranteed=False,
            confidentiality_reason=reason,
            authorised=True,
        )


def test_confidentiality_that_cannot_be_had_does_not_stop_a_request():
    sent = Submission(
        confidentiality_guaranteed=False,
        confidentiality_reason="Files are open to the defence.",
        authorised=True,
    )
    assert sent.authorised


def test_clarification_is_asked_with_at_least_one_question():
    with pytest.raises(FactMissing, match="at least one"):
        Questions(())


@pytest.mark.parametrize("blank", BLANK)
def test_a_blank_question_among_others_is_not_accepted(blank):
    with pytest.raises(FactMissing, match="Write the question"):
        Questions((Question("Which side?", about="markings"), Question(blank)))


@pytest.mark.parametrize("answers", [(), ("On the left.", " ")])
def test_each_question_is_answered(answers):
    with pytest.raises(FactMissing, match="Answer each question"):
        Answers(answers)


@pytest.mark.parametrize("questions", [0, 1, 3])
def test_answers_match_the_questions_one_to_one(questions):
    with pytest.raises(FactMissing, match="Answer each question"):
        Answers(("On the left.", "In 1994.")).require_for(questions)


def test_as_many_answers_as_questions_are_enough():
    Answers(("On the left.", "In 1994.")).require_for(2)


@pytest.mark.parametrize("blank", BLANK)
@pytest.mark.parametrize("told", ["register", "years", "key"])
def test_a_search_says_where_how_far_back_and_for_what(told, blank):
    search = Search("Central register", "1990-2026", "KE 4417", SearchResult.FOUND)
    with pytest.raises(FactMissing):
        replace(search, **{told: blank})


@pytest.mark.parametrize("blank", BLANK)
@pytest.mark.parametrize("fact", [Reason, Text])
def test_a_reason_and_a_text_are_not_blank(fact, blank):
    with pytest.raises(FactMissing):
        fact(blank)


def test_a_fact_does_not_change():
    with pytest.raises(FrozenInstanceError):
        CLOSED.diversion_place = "Nairobi"
