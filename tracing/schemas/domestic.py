"""What was searched at home before another State is asked."""

from collections.abc import Iterator

from tracing.schemas.fields import Block, Code, Given, Section
from workflows.vocabulary import N_, DomesticSearchOverride


class DomesticSection(Section):
    """Searches at home."""

    title = N_("Searches at home")
    intro = N_("Search your own records first; the other authority will ask.")

    domestic_override = Code(
        DomesticSearchOverride,
        label=N_("Searched at home"),
        empty=N_("Yes, as written below"),
        hint=N_("The other authority reads what you searched, or why you did not."),
        optional_label=False,
        kind="select",
        reveal={
            "": "domestic_searches",
            **{
                reason: "domestic_override_text"
                for reason in DomesticSearchOverride
                if reason.needs_text
            },
        },
    )
    domestic_searches = Block(
        label=N_("National records searched"),
        hint=N_(
            "Each register, its years, the date, and what was found. Registers of your"
            " own that you search here are written in when you send the request."
        ),
        ask_when=N_("Enter the records you searched, or say why you searched none"),
        rows=4,
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
