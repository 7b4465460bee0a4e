"""A handling code on one item of information, and the uses it may leave free."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from tracing.schemas.fields import Block, Code, Codes, Given, Section
from workflows.vocabulary import N_, HandlingCode, InformationItem, Use

ITEMS: Final = tuple(i for i in InformationItem if i is not InformationItem.WHOLE)
USES: Final = (Use.ONWARD, Use.JUDICIAL, Use.EXPORT)
"""What a restriction in words may leave free: all else needs no permission anyway."""


class AllowedUses(Codes[Use]):
    """The uses that a restriction in words leaves free."""

    def __init__(self) -> None:
        super().__init__(
            Use,
            USES,
            label=N_("What your words allow without asking you"),
            hint=N_("Whatever you do not tick needs your permission."),
            optional_label=False,
        )


class RestrictionSchema(Section):
    """One item, and what may be done with it."""

    title = N_("Restriction")
    always = ("item", "handling")

    item = Code(
        InformationItem,
        ITEMS,
        label=N_("What"),
        ask=N_("Choose what the code is for"),
        kind="select",
    )
    handling = Code(
        HandlingCode,
        label=N_("Handling code"),
        ask=N_("Choose the handling code"),
        reveal={HandlingCode.H3: ("text", "allows")},
        kind="select",
    )
    text = Block(
        2000,
        label=N_("The restriction in words"),
        ask_when=N_("Write the restriction"),
        rows=2,
    )
    allows = AllowedUses()

    def needed(self, given: Given) -> Iterator[str]:
        """Ask for words where the code has none."""
        handling = given.get("handling")
        if handling is not None and handling.needs_text:
            yield "text"


def twice_named(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return what to do if two rows are about one item."""
    named = Counter(row.get("item") for row in rows)
    return N_("Give each item one code") if max(named.values(), default=0) > 1 else ""
