"""Promises about what may be passed on to a third State."""

import pytest

from workflows.errors import RestrictionHolds
from workflows.restrictions import carry_over, may_carry, require_onward
from workflows.vocabulary import HandlingCode

MAY_GO_ONWARD = {
    HandlingCode.H0: True,
    HandlingCode.H1: True,
    HandlingCode.H2: False,
    HandlingCode.H3: False,
}


def test_every_handling_code_is_decided():
    assert set(MAY_GO_ONWARD) == set(HandlingCode)


@pytest.mark.parametrize(("handling", "may"), MAY_GO_ONWARD.items())
def test_what_the_provider_allows_goes_onward_whole_and_the_rest_not_at_all(
    handling, may
):
    assert may_carry(handling) is may
    text = "Sold to a dealer in 1994."
    assert carry_over(handling, text) == (text if may else "")


@pytest.mark.parametrize("handling", [HandlingCode.H2, HandlingCode.H3])
def test_passing_on_what_is_restricted_is_refused_by_name(handling):
    with pytest.raises(RestrictionHolds, match=f"The holder is marked {handling}"):
        require_onward(handling, "The holder")


@pytest.mark.parametrize("handling", [HandlingCode.H0, HandlingCode.H1])
def test_passing_on_what_is_free_is_not_hindered(handling):
    require_onward(handling, "The holder")


def test_each_code_that_asks_for_consent_stays_with_the_requester():
    asks = {c for c in HandlingCode if "consent_before_onward_request" in c.enforce}
    assert asks <= {code for code, may in MAY_GO_ONWARD.items() if not may}
