"""Where, when and how the item was found, and the way it had come."""

from collections.abc import Iterator

from tracing.schemas.fields import (
    Block,
    Clock,
    Code,
    Codes,
    Country,
    Day,
    Degrees,
    Given,
    Line,
    Section,
    When,
)
from workflows.vocabulary import (
    N_,
    AcquisitionMode,
    LegalJustification,
    LinkedOffence,
    SeizurePlace,
    TransportMode,
)

BOTH = N_("Enter latitude and longitude, or neither")


class FindSection(Section):
    """The find or seizure."""

    title = N_("Finding")
    intro = N_("Where, when and how the item came into your hands.")

    found_on = Day(
        When.PAST,
        label=N_("Date it was found"),
        hint=N_("For example 2026-11-26."),
        ask=N_("Enter the date it was found"),
    )
    found_time = Clock(
        label=N_("Time it was found"),
        hint=N_("Local time, for example 14:30."),
    )
    place = Line(
        300,
        label=N_("Place where it was found"),
        hint=N_("Town, district and address as far as known."),
        ask=N_("Enter where it was found"),
    )
    place_type = Code(
        SeizurePlace,
        label=N_("Kind of place"),
        ask=N_("Choose the kind of place"),
    )
    latitude = Degrees(
        90,
        label=N_("Latitude"),
        hint=N_("In degrees, for example -1.2921."),
        ask_when=BOTH,
        optional_label=True,
        width="w10",
    )
    longitude = Degrees(
        180,
        label=N_("Longitude"),
        hint=N_("In degrees, for example 36.8219."),
        ask_when=BOTH,
        optional_label=True,
        width="w10",
    )
    mode = Code(
        AcquisitionMode,
        label=N_("How you came by the item"),
        ask=N_("Say how you came by the item"),
    )
    legal_justification = Code(
        LegalJustification,
        label=N_("Legal justification of the seizure"),
        ask=N_("Choose the legal justification"),
    )
    linked_offences = Codes(
        LinkedOffence,
        [offence for offence in LinkedOffence if offence.offered],
        label=N_("Other offences suspected"),
        hint=N_("Choose all that apply."),
    )
    circumstances = Block(
        10_000,
        label=N_("Circumstances"),
        hint=N_("What happened, and what else was found."),
        ask=N_("Describe how it was found"),
        rows=6,
    )
    seizure_number = Line(100, label=N_("Number of the seizure"), width="w20")
    origin = Country(label=N_("Country of origin of the journey"))
    dispatch = Country(label=N_("Country of dispatch"))
    transit = Line(
        300,
        label=N_("Countries of transit"),
        hint=N_("In the order of the journey."),
    )
    destination = Country(label=N_("Country of destination"))
    transport_mode = Code(TransportMode, label=N_("Means of transport"))
    transport_registration = Line(
        100,
        label=N_("Registration of the vehicle, vessel or aircraft"),
        width="w20",
    )

    def needed(self, given: Given) -> Iterator[str]:
        """Ask for the other half of a position."""
        if "longitude" in given and "latitude" not in given:
            yield "latitude"
        if "latitude" in given and "longitude" not in given:
            yield "longitude"
