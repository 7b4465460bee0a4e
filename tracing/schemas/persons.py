"""The persons of the case, as far as the law lets them be named."""

from collections.abc import Iterator

from tracing.schemas.fields import (
    Code,
    Country,
    Day,
    Given,
    Line,
    Rows,
    Section,
    When,
)
from workflows.vocabulary import N_, PersonRole, Sex, TriState


class PersonSchema(Section):
    """One person."""

    title = N_("Person")
    always = ("role",)

    role = Code(
        PersonRole,
        label=N_("Who this person is"),
        ask=N_("Say who this person is"),
    )
    family_name = Line(
        200,
        label=N_("Family name"),
        ask_when=N_("Enter a family name, a given name or an alias"),
        autocomplete="off",
    )
    given_name = Line(200, label=N_("Given name"), autocomplete="off")
    alias = Line(200, label=N_("Alias"), autocomplete="off")
    born = Day(When.PAST, label=N_("Date of birth"))
    sex = Code(Sex, label=N_("Sex"), ask=N_("Choose the sex, or “unknown”"))
    nationality = Country(label=N_("Nationality"))
    id_number = Line(
        100,
        label=N_("Number of an identity document"),
        width="w20",
        dir="ltr",
        autocomplete="off",
    )
    is_registered_owner = Code(
        TriState, label=N_("Is this person the registered owner?")
    )

    def needed(self, given: Given) -> Iterator[str]:
        """Ask for a name of some kind."""
        if not (given.get("given_name") or given.get("alias")):
            yield "family_name"


class PersonsSection(Section):
    """The persons named."""

    title = N_("People")
    intro = N_("Name only those whom the other authority must know to answer.")

    persons = Rows(PersonSchema, most=20, label=N_("People"))
