"""Promises about the time limits of the texts."""

from dataclasses import replace

import pytest

from workflows.regimes import (
    POLICIES,
    REFERENCES,
    REGIMES,
    AnswerRule,
    Unit,
    by_code,
    choose,
)
from workflows.vocabulary import LegalBasis, Urgency

LIMITS = [
    ("ITI_DEFAULT", 7, 60, Unit.CALENDAR_DAYS),
    ("FP_DEFAULT", 7, 30, Unit.CALENDAR_DAYS),
    ("UNTOC_REQUESTED", 3, None, Unit.CALENDAR_DAYS),
    ("EU977_URGENT_DIRECT", None, 8, Unit.HOURS),
    ("EU977_URGENT_INDIRECT", None, 3, Unit.CALENDAR_DAYS),
    ("EU977_NORMAL", None, 7, Unit.CALENDAR_DAYS),
    ("EU977_JUDICIAL", None, None, Unit.CALENDAR_DAYS),
    ("ATF_URGENT", None, 24, Unit.HOURS),
    ("ATF_ROUTINE", None, 14, Unit.CALENDAR_DAYS),
    ("CUSTOM", 7, 60, Unit.CALENDAR_DAYS),
    ("R41_REPLY", None, 10, Unit.WORKING_DAYS),
]


@pytest.mark.parametrize(("code", "acknowledge", "answer", "unit"), LIMITS)
def test_the_limits_are_those_of_the_texts(code, acknowledge, answer, unit):
    regime = by_code(code)
    assert (regime.acknowledge_in, regime.answer_in) == (acknowledge, answer)
    assert regime.unit is unit


def test_all_thirty_rows_are_there_and_ten_can_be_chosen():
    assert len(REGIMES) == len(POLICIES) + len(REFERENCES) == 30
    assert len(POLICIES) == 10
    assert all(regime.policy for regime in POLICIES)
    assert not any(regime.policy for regime in REFERENCES)


def test_only_numbers_read_in_a_law_are_called_law():
    law = {regime.code for regime in POLICIES if regime.binding_source}
    assert law == {"EU977_URGENT_DIRECT", "EU977_URGENT_INDIRECT", "EU977_NORMAL"}
    assert not by_code("FD2006_960_URGENT").binding_source
    assert not by_code("ATF_URGENT").binding_source


@pytest.mark.parametrize("regime", REGIMES.values(), ids=list(REGIMES))
def test_every_number_has_its_evidence(regime):
    if regime.acknowledge_in is not None:
        assert regime.acknowledge_evidence == "D"
    if regime.answer_in is not None:
        assert regime.answer_evidence in {"S", "S2", "D"}
    assert regime.source
    assert regime.label


def test_a_clarification_stops_the_soft_periods_and_not_those_of_the_union():
    paused = {r.code for r in REGIMES.values() if r.paused_by_clarification}
    assert paused == {"ITI_DEFAULT", "FP_DEFAULT"}


BASES = [
    (LegalBasis.ITI, Urgency.ROUTINE, False, "ITI_DEFAULT"),
    (LegalBasis.ITI, Urgency.URGENT, True, "ITI_DEFAULT"),
    (LegalBasis.FIREARMS_PROTOCOL, Urgency.ROUTINE, False, "FP_DEFAULT"),
    (LegalBasis.FIREARMS_PROTOCOL, Urgency.ROUTINE, True, "UNTOC_REQUESTED"),
    (LegalBasis.UNTOC_18, Urgency.ROUTINE, True, "UNTOC_REQUESTED"),
    (LegalBasis.UNTOC_18, Urgency.ROUTINE, False, "FP_DEFAULT"),
    (LegalBasis.EU_2023_977, Urgency.URGENT, False, "EU977_URGENT_INDIRECT"),
    (LegalBasis.EU_2023_977, Urgency.ROUTINE, True, "EU977_NORMAL"),
    (LegalBasis.BILATERAL, Urgency.URGENT, True, "CUSTOM"),
    (LegalBasis.CIFTA, Urgency.ROUTINE, False, "CUSTOM"),
]


@pytest.mark.parametrize(("basis", "urgency", "dated", "code"), BASES)
def test_the_legal_basis_decides_the_regime(basis, urgency, dated, code):
    assert choose(basis, urgency, requested_by=dated).code == code


@pytest.mark.parametrize("urgency", Urgency)
@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize("basis", LegalBasis)
def test_every_request_gets_a_policy_that_sets_a_date(basis, urgency, dated):
    regime = choose(basis, urgency, requested_by=dated)
    assert regime.policy
    assert regime.answer_in or (
        dated and regime.answer_rule is AnswerRule.REQUESTER_DATE
    )


def test_an_unknown_regime_is_named_in_the_error():
    with pytest.raises(ValueError, match="'ITI_FAST'"):
        by_code("ITI_FAST")


def test_a_limit_is_at_least_one():
    with pytest.raises(ValueError, match="at least one"):
        replace(by_code("ITI_DEFAULT"), answer_in=0)


@pytest.mark.parametrize(
    ("rule", "number"),
    [(AnswerRule.PERIOD, None), (AnswerRule.OPEN, 5)],
    ids=["a period without a number", "a number without a period"],
)
def test_a_period_and_its_number_go_together(rule, number):
    with pytest.raises(ValueError, match="needs a number"):
        replace(by_code("ITI_DEFAULT"), answer_rule=rule, answer_in=number)
