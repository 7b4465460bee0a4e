"""What the item is, apart from its marks."""

from collections.abc import Iterator

from marshmallow import validate

from tracing.schemas.fields import Code, Country, Given, Line, Section, Whole, Year
from workflows.vocabulary import (
    N_,
    Condition,
    FirearmType,
    FiringAction,
    ItemKind,
    Part,
)

CONDITIONED = (ItemKind.FIREARM, ItemKind.PART)


class ItemSection(Section):
    """Firearm, part or ammunition."""

    title = N_("Firearm")
    intro = N_("Describe the item as it is. “Unknown” is an answer, a blank is not.")

    kind = Code(
        ItemKind,
        label=N_("What is traced"),
        ask=N_("Say what is traced"),
        reveal={
            ItemKind.FIREARM: "firearm_type",
            ItemKind.PART: "part",
            ItemKind.AMMUNITION_LOT: "headstamp",
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
    headstamp = Line(
        100,
        label=N_("Headstamp"),
        hint=N_("What stands on the base of the cartridge case."),
        ask_when=N_("Enter the headstamp or the lot number"),
        width="w20",
        mark=True,
    )
    lot_number = Line(
        100,
        label=N_("Lot number"),
        width="w20",
        mark=True,
    )
    quantity = Whole(1, label=N_("Number of pieces"), width="w10")
    make = Line(
        100,
        label=N_("Make"),
        hint=N_("The maker as marked. Write “unknown” if nobody can tell."),
        ask=N_("Enter the make, or write “unknown”"),
        suggest="makes",
    )
    model = Line(
        100,
        label=N_("Model"),
        hint=N_("Write “unknown” if nobody can tell."),
        ask=N_("Enter the model, or write “unknown”"),
        suggest="models",
    )
    calibre = Line(
        40,
        check=validate.Regexp(
            # One class, repeated once: the time it takes grows with the text alone.
            r"(?:[^\W_]|[ .,/×+&()-])+\Z",
            error=N_("Write the calibre like 9x19 or .45 ACP"),
        ),
        label=N_("Calibre"),
        hint=N_("For example 9x19 or .45 ACP. Write “unknown” if nobody can tell."),
        ask=N_("Enter the calibre, or write “unknown”"),
        suggest="calibres",
        width="w10",
    )
    country_of_manufacture = Country(
        label=N_("Country of manufacture"),
        hint=N_("As the mark says, not as the brand suggests."),
        ask=N_("Choose the country of manufacture, or say that it is not known"),
        unknown=True,
    )
    place_of_manufacture = Line(200, label=N_("Place of manufacture"))
    year = Year(label=N_("Year of manufacture"))
    condition = Code(
        Condition,
        label=N_("Condition"),
        hint=N_("How the item came to be what it is."),
        ask_when=N_("Choose the condition of the item"),
    )
    firing_action = Code(FiringAction, label=N_("Action"))
    barrel_length_mm = Whole(
        1, 5000, label=N_("Length of the barrel in millimetres"), width="w10"
    )
    finish = Line(100, label=N_("Finish"))
    capacity = Whole(0, 10_000, label=N_("Capacity in rounds"), width="w10")
    importer_name = Line(200, label=N_("Importer named on the item"))
    import_country = Country(label=N_("Country of import shown by the import mark"))
    import_year = Year(label=N_("Year of import shown by the import mark"))

    def needed(self, given: Given) -> Iterator[str]:
        """Ask what each kind of item needs."""
        kind = given.get("kind")
        if kind is ItemKind.FIREARM:
            yield "firearm_type"
        if kind is ItemKind.PART:
            yield "part"
        if kind is ItemKind.AMMUNITION_LOT and not given.get("lot_number"):
            yield "headstamp"
        if kind in CONDITIONED:
            yield "condition"
