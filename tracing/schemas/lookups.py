"""What an officer fills in when other registers are searched."""

from typing import Final

from marshmallow import validate

from tracing.schemas.fields import Block, Code, Country, Line, MarkText, Section, Year
from workflows.vocabulary import N_, Standing

SHORTEST: Final = 3
DECIDED: Final = (Standing.CONFIRMED, Standing.REJECTED)


class SearchKeys(Section):
    """What is looked for: filled in from the request, and the officer's to change."""

    title = N_("What is searched for")

    serial = MarkText(
        label=N_("Serial number"),
        hint=N_(
            "Write ? for what cannot be read, [5S] for either of two, * for any number"
            " of characters."
        ),
        width="w20",
    )
    make = Line(100, label=N_("Make"), width="w20")
    model = Line(100, label=N_("Model"), width="w20")
    calibre = Line(40, label=N_("Calibre"), width="w10")
    country = Country(label=N_("Country of manufacture"), unknown=True)
    year = Year(label=N_("Year of manufacture"))
    purpose = Line(
        500,
        check=validate.Length(
            min=SHORTEST, error=N_("Say in a few words what it is searched for")
        ),
        label=N_("What for"),
        hint=N_("The register is told, and it stays with the answer."),
        ask=N_("Say in a few words what it is searched for"),
    )


class VerdictSection(Section):
    """Whether a candidate is the item, and why."""

    title = N_("Confirm or reject")

    candidate = Line(100, label=N_("Record"), ask=N_("Choose one of the candidates"))
    standing = Code(
        Standing,
        DECIDED,
        label=N_("Decision"),
        ask=N_("Say whether it is this item"),
    )
    reason = Block(2000, label=N_("Why"), ask=N_("Say in a few words why"), rows=2)


class MeetingSection(Section):
    """Why somebody wants to be introduced."""

    title = N_("Ask to be introduced")

    text = Block(
        1000,
        label=N_("What you want to say to the other authority"),
        ask=N_("Say in a sentence why you want to be introduced"),
        rows=3,
    )
