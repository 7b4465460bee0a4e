"""A record of the national registry: the item, what happened to it, what is searched."""

from collections.abc import Iterator

from tracing.schemas.fields import (
    Block,
    Code,
    Country,
    Day,
    Given,
    Line,
    MarkText,
    Rows,
    Section,
    Tick,
    When,
    Whole,
    Year,
)
from workflows.vocabulary import (
    N_,
    ChainActor,
    DatePrecision,
    FirearmType,
    ItemKind,
    KeptFor,
    Part,
    RecordEventType,
    RecordStatus,
)

HAPPENS = tuple(kind for kind in RecordEventType if kind.happens)


class RecordSection(Section):
    """The item as it stands in the register."""

    title = N_("Item")
    intro = N_("Persons stand in what happened to the item, not here.")

    source = Line(
        100,
        label=N_("Register"),
        hint=N_("For example the licences of a district."),
        ask=N_("Name the register"),
    )
    source_key = Line(
        120,
        label=N_("Number of the record in that register"),
        hint=N_("Leave it empty if it has none."),
        width="w20",
        mark=True,
    )
    kind = Code(
        ItemKind,
        label=N_("Kind of item"),
        ask=N_("Choose the kind of item"),
        reveal={
            ItemKind.FIREARM: "firearm_type",
            ItemKind.PART: "part",
            ItemKind.AMMUNITION_LOT: "quantity",
        },
    )
    firearm_type = Code(
        FirearmType,
        label=N_("Type of firearm"),
        ask_when=N_("Choose the type of firearm"),
    )
    part = Code(
        Part,
        label=N_("Which part"),
        ask_when=N_("Choose which part it is"),
    )
    quantity = Whole(1, label=N_("Number of pieces"), width="w10")
    serial = MarkText(
        label=N_("Serial or lot number"),
        hint=N_(
            "As marked, with every letter and sign. "
            "Write ? for what cannot be read, [5S] for either of two, "
            "* for any number of characters. "
            "A sign that is stamped itself gets a backslash: \\*"
        ),
        ask=N_("Enter the serial or lot number"),
        width="w20",
    )
    make = Line(
        100,
        label=N_("Make"),
        hint=N_("The brand. Write “unknown” if nobody can tell."),
        ask=N_("Enter the make, or write “unknown”"),
    )
    plant_country = Country(
        label=N_("Country of the maker's plant"),
        hint=N_("One brand may be made in several countries."),
    )
    model = Line(100, label=N_("Model"))
    calibre = Line(40, label=N_("Calibre"), width="w10")
    year = Year(label=N_("Year of manufacture"))
    country_of_manufacture = Country(
        label=N_("Country of manufacture"),
        hint=N_("As the mark says, not as the brand suggests."),
        unknown=True,
    )
    import_mark = Line(100, label=N_("Import mark"), width="w20", mark=True)
    import_country = Country(label=N_("Country of import shown by the import mark"))
    import_year = Year(label=N_("Year of import shown by the import mark"))
    status = Code(
        RecordStatus,
        label=N_("Where the item is now"),
        ask=N_("Say where the item is now"),
    )
    keep = Code(
        KeptFor,
        label=N_("How long the record is kept at least"),
        hint=N_(
            "Records of manufacture 30 years, others 20, by the International"
            " Tracing Instrument; 10 by the Firearms Protocol."
        ),
        ask=N_("Choose how long the record is kept"),
    )

    def needed(self, given: Given) -> Iterator[str]:
        """Ask what each kind of item needs."""
        if given.get("kind") is ItemKind.FIREARM:
            yield "firearm_type"
        if given.get("kind") is ItemKind.PART:
            yield "part"


class PartySection(Section):
    """Somebody who was part of an event."""

    title = N_("Person or firm")
    always = ("role", "name")

    role = Code(ChainActor, label=N_("Part in it"), ask=N_("Say what part it had"))
    name = Line(200, label=N_("Name"), ask=N_("Enter the name"), autocomplete="off")
    number = Line(
        100,
        label=N_("Number of a licence or an identity document"),
        width="w20",
        autocomplete="off",
    )
    country = Country(label=N_("Country"))


class EventSection(Section):
    """What happened to the item."""

    title = N_("What happened")
    intro = N_(
        "What is written here is not changed later: a correction is added to it."
    )

    kind = Code(
        RecordEventType,
        HAPPENS,
        label=N_("What happened"),
        ask=N_("Choose what happened"),
        reveal={RecordEventType.REMARKING: "mark"},
    )
    happened_on = Day(
        When.PAST,
        label=N_("Date"),
        hint=N_("For example 2026-11-26; the first day of a month or a year."),
    )
    precision = Code(
        DatePrecision,
        label=N_("How exactly the date is known"),
        ask_when=N_("Say how exactly the date is known"),
    )
    mark = MarkText(
        label=N_("New number"),
        hint=N_("The old one stays with the record and is found as well."),
        ask_when=N_("Enter the number it was marked with"),
        width="w20",
    )
    licence = Line(
        100,
        label=N_("Number of the licence, authorisation or certificate"),
        width="w20",
    )
    licence_issued = Day(When.PAST, label=N_("Issued on"))
    licence_expires = Day(When.ANY, label=N_("Expires on"))
    country_from = Country(label=N_("Country it came from"))
    country_to = Country(label=N_("Country it went to"))
    transit = Line(
        300,
        label=N_("Countries of transit"),
        hint=N_("In the order of the journey."),
    )
    consignment = Line(100, label=N_("Number of the consignment"), width="w20")
    quantity = Whole(1, label=N_("Number of pieces in it"), width="w10")
    place = Line(300, label=N_("Place"))
    parties = Rows(PartySection, most=10, label=N_("Persons and firms"))
    source_record = Line(
        200,
        label=N_("Where it is written"),
        hint=N_("For example a ledger and its page. Name nobody here."),
    )
    remarks = Block(2000, label=N_("Remarks"), rows=3)

    def needed(self, given: Given) -> Iterator[str]:
        """Ask for the new number, and how sure a date is."""
        if given.get("kind") is RecordEventType.REMARKING:
            yield "mark"
        if "happened_on" in given:
            yield "precision"


class SearchSection(Section):
    """What is searched for in the records."""

    title = N_("Search")

    serial = MarkText(
        label=N_("Serial number"),
        hint=N_(
            "Write ? for what cannot be read, [5S] for either of two, "
            "* for any number of characters."
        ),
        ask=N_("Enter a serial number, or what can be read of it"),
        width="w20",
    )
    make = Line(100, label=N_("Make"))
    model = Line(100, label=N_("Model"))
    calibre = Line(40, label=N_("Calibre"), width="w10")
    country = Country(label=N_("Country of manufacture"))
    year = Year(label=N_("Year of manufacture"))
    others = Tick(label=N_("Search among what other authorities share as well"))


class WhySection(Section):
    """Why something is put right."""

    title = N_("Reason")

    why = Block(
        2000,
        label=N_("Why it is corrected"),
        ask=N_("Give the reason in a sentence."),
        rows=3,
    )
