"""What was searched at home before another State is asked."""

from collections.abc import Iterator

from tracing.schemas.fields import Block, Code, Given, Section
from workflows.vocabulary import N_, DomesticSearchOverride


class DomesticSection(Section):
    """Searches at home."""

    title = N_("Searches at home")
    intro = N_("Search your own records first; the other authority will ask.")

    domestic_searches = Block(
        label=N_("National records searched"),
        hint=N_("Each register, the date, and what was found."),
        ask_when=N_("Enter the records you searched, or say why you searched none"),
        rows=4,
    )
    domestic_override = Code(
        DomesticSearchOverride,
        label=N_("Why no records were searched"),
        hint=N_("Only if you searched none."),
        reveal={
            reason: "domestic_override_text"
            for reason in DomesticSearchOverride
            if reason.needs_text
        },
    )
    domestic_override_text = Block(
        2000,
        label=N_("The reason in words"),
        ask_when=N_("Write why no records were searched"),
        rows=3,
    )

    def needed(self, given: Given) -> Iterator[str]:
        """Ask for the searches, or for the reason why there were none."""
        override = given.get("domestic_override")
        if override is None:
            yield "domestic_searches"
        elif override.needs_text:
            yield "domestic_override_text"
