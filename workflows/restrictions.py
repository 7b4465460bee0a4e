"""What a provider's handling code forbids (Firearms Protocol 12(5), ITI 15)."""

from typing import Final

from workflows.errors import RestrictionHolds
from workflows.vocabulary import HandlingCode

NOT_ONWARD: Final = frozenset({HandlingCode.H2, HandlingCode.H3})
"""Without the provider's consent this stays with the requester."""


def may_carry(handling: HandlingCode) -> bool:
    """Tell whether information so marked may go into an onward request."""
    return handling not in NOT_ONWARD


def carry_over(handling: HandlingCode, text: str) -> str:
    """Return the text if it may go onward, and nothing if it may not."""
    return text if may_carry(handling) else ""


def require_onward(handling: HandlingCode, what: str) -> None:
    """Refuse to pass on what the provider has restricted."""
    if not may_carry(handling):
        raise RestrictionHolds(
            f"{what} is marked {handling.value}: the provider has not consented"
            " to its being passed on"
        )
