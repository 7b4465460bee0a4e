"""Promises of the closed lists."""

import inspect

import pytest

from workflows import vocabulary
from workflows.regimes import REGIMES
from workflows.vocabulary import (
    LIMITING,
    NEGATIVE,
    NO_SEARCH_NEEDED,
    SUCCESSIVE,
    Channel,
    Code,
    Condition,
    Disposal,
    DomesticSearchOverride,
    EuCategory,
    FirearmType,
    Ground,
    HandlingCode,
    HsHeading,
    IafqCategory,
    InformationEvaluation,
    LegalBasis,
    LinkedOffence,
    MarkType,
    NvdrsType,
    Outcome,
    Part,
    SalwType,
    SeizurePlaceEu,
    SerialStatus,
    TlpLabel,
    TraceGoal,
    Urgency,
)

LISTS = [
    member
    for _, member in inspect.getmembers(vocabulary, inspect.isclass)
    if issubclass(member, Code) and member is not Code
]
TAGS = {"S", "S2", "NV", "D"}


@pytest.mark.parametrize("words", LISTS)
def test_every_word_has_a_label_a_source_and_evidence(words):
    for word in words:
        assert word.label
        assert word.label[0].isupper() or word.label[0].isdigit()
        assert word.source
        assert word.evidence
        assert set(word.evidence) <= TAGS


@pytest.mark.parametrize("words", LISTS)
def test_a_word_is_found_by_its_code_and_reads_as_it(words):
    for word in words:
        assert words(word.value) is word
        assert str(word) == word.value
        assert type(word.value) is str


@pytest.mark.parametrize("words", LISTS)
def test_no_two_words_of_a_list_share_a_code(words):
    assert len(words.__members__) == len(list(words))


@pytest.mark.parametrize(
    ("word", "code"),
    [
        (TlpLabel.AMBER_STRICT, "TLP:AMBER+STRICT"),
        (HsHeading.HS_9305_91, "9305 91"),
        (NvdrsType.RIFLE_BOLT_ACTION, "FirearmType10"),
        (NvdrsType.UNKNOWN, "261665006"),
        (EuCategory.A7A, "A7a"),
        (EuCategory.II_1, "II.1"),
        (InformationEvaluation.CORROBORATED, "3"),
    ],
)
def test_a_code_that_is_no_name_is_kept_as_it_is(word, code):
    assert word == code


def test_an_unknown_code_is_not_a_word():
    with pytest.raises(ValueError, match="PIGEON"):
        Channel("PIGEON")


def test_the_questionnaire_counts_eight_firearm_types():
    assert len(FirearmType) == 8


@pytest.mark.parametrize("outcome", Outcome)
def test_an_outcome_that_limits_the_answer_needs_a_ground_and_a_reason(outcome):
    assert outcome.needs_ground == outcome.limits_answer == (outcome in LIMITING)
    if outcome.limits_answer:
        assert {"grounds", "reason"} <= set(outcome.needs)


@pytest.mark.parametrize("outcome", Outcome)
def test_an_outcome_of_a_search_says_where_was_searched(outcome):
    searched = {"registers_searched", "years_searched"} <= set(outcome.needs)
    assert searched == outcome.needs_search == (outcome not in NO_SEARCH_NEEDED)


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_leads_somewhere_and_states_its_restrictions(outcome):
    assert outcome.next_actions
    assert "restrictions" in outcome.needs
    assert outcome.iafq or outcome.iafq_rule
    assert not any(category.is_total for category in outcome.iafq)


def test_the_named_sets_of_outcomes():
    assert {Outcome.RESTRICTED, Outcome.REFUSED} == LIMITING
    assert {Outcome.NO_RECORD, Outcome.RECORD_EXPIRED} == NEGATIVE
    assert {
        Outcome.WRONG_ADDRESSEE,
        Outcome.DUPLICATE,
        Outcome.REFUSED,
    } == NO_SEARCH_NEEDED
    assert {
        Outcome.PARTIAL,
        Outcome.NOT_OUR_MANUFACTURE,
        Outcome.WRONG_ADDRESSEE,
        Outcome.EXPORTED,
        Outcome.TRANSIT_ONLY,
    } == SUCCESSIVE


@pytest.mark.parametrize("ground", Ground)
def test_every_ground_but_the_free_one_names_the_provision_it_comes_from(ground):
    assert bool(ground.parents) == (ground is not Ground.G_OTHER)
    assert ground.needs_text == ground.needs_supervisor == (not ground.parents)
    assert "refuse" in ground.allows or ground.allows == ("delay",)
    for parent in ground.parents:
        assert parent.instrument
        assert parent.provision
        assert parent.evidence in TAGS


@pytest.mark.parametrize("basis", LegalBasis)
def test_every_legal_basis_has_a_regime(basis):
    assert basis.binding
    assert basis.default_regimes
    assert all(REGIMES[code].policy for code in basis.default_regimes)


def test_only_words_that_say_too_little_need_text():
    needing = {
        word
        for words in (LegalBasis, DomesticSearchOverride, HandlingCode)
        for word in words
        if word.needs_text
    }
    assert needing == {
        LegalBasis.BILATERAL,
        LegalBasis.OTHER,
        DomesticSearchOverride.OTHER,
        HandlingCode.H3,
    }


def test_urgency_is_justified_and_routine_is_not():
    assert Urgency.URGENT.needs_justification
    assert not Urgency.ROUTINE.needs_justification


def test_only_the_point_of_diversion_establishes_diversion():
    assert [goal for goal in TraceGoal if goal.establishes_diversion] == [
        TraceGoal.POINT_OF_DIVERSION
    ]


def test_an_assault_rifle_is_counted_as_the_officer_says():
    assert SalwType.SA_ASSAULT_RIFLE.iafq is None
    assert SalwType.SA_CARBINE.iafq is FirearmType.RIFLE
    assert all(kind.iafq is not None for kind in NvdrsType)


def test_narrower_words_point_to_the_broader_ones():
    assert Condition.ADDITIVE.parent == Condition.ILLICIT_OTHER
    assert all(not c.parent or Condition(c.parent) for c in Condition)
    assert SeizurePlaceEu.BORDER_CROSSING_POINT.place is None
    assert SeizurePlaceEu.INLAND.place == "NATIONAL_TERRITORY"


def test_traits_of_single_words():
    assert MarkType.PATENT.often_mistaken_for_serial
    assert not MarkType.SERIAL.often_mistaken_for_serial
    assert Part.RECEIVER.essential
    assert not Part.MAGAZINE.essential
    assert SerialStatus.RESTORED_PARTIAL.needs_restoration
    assert not SerialStatus.INTACT.needs_restoration
    assert not LinkedOffence.ILLICIT_OFFENCES.offered
    assert LinkedOffence.DRUGS.offered
    assert "certificate_number" in Disposal.DEACTIVATED.needs
    assert HandlingCode.H1.enforce == ("consent_before_judicial_use",)
    assert IafqCategory.UI_TOTAL.is_total
