"""What is stamped on the item: the marks decide whom to ask."""

from collections.abc import Iterator

from tracing.schemas.fields import Block, Code, Given, Line, MarkText, Rows, Section
from workflows.vocabulary import N_, MarkType, RestorationMethod, SerialStatus

WITHOUT_SERIAL = (
    SerialStatus.OBLITERATED,
    SerialStatus.NEVER_MARKED,
    SerialStatus.UNKNOWN,
)


def _restored_by(field: str) -> dict[str, str]:
    return {status: field for status in SerialStatus if status.needs_restoration}


class MarkSchema(Section):
    """One more mark."""

    title = N_("Mark")
    always = ("type", "text")

    type = Code(MarkType, label=N_("Kind of mark"), ask=N_("Choose the kind of mark"))
    text = MarkText(
        label=N_("What it says"),
        hint=N_(
            "Copy it as it stands. Write ? for what cannot be read,"
            " * for any number of such characters."
        ),
        ask=N_("Write what the mark says"),
    )
    component = Line(100, label=N_("Part it is on"))
    place = Line(100, label=N_("Where on the part"))
    status = Code(
        SerialStatus, label=N_("State of the mark"), reveal=_restored_by("method")
    )
    method = Code(RestorationMethod, label=N_("How the mark was restored"))


class MarkingsSection(Section):
    """The serial number and the other marks."""

    title = N_("Markings")
    intro = N_("Copy every mark as it stands, in its own script.")

    serial_status = Code(
        SerialStatus,
        label=N_("Can the serial number be read?"),
        ask=N_("Say whether the serial number can be read"),
        reveal=_restored_by("restoration_method"),
    )
    serial = MarkText(
        label=N_("Serial number"),
        hint=N_(
            "As marked, with every letter and sign. "
            "Write ? for what cannot be read, [5S] for either of two, "
            "* for any number of characters. "
            "A sign that is stamped itself gets a backslash: \\*"
        ),
        ask_when=N_("Enter the serial number, or say why it cannot be read"),
        width="w20",
    )
    serial_component = Line(
        100,
        label=N_("Part that bears the serial number"),
        hint=N_("For example frame or receiver."),
    )
    serial_place = Line(100, label=N_("Where on the part"))
    restoration_method = Code(
        RestorationMethod,
        label=N_("How the serial number was restored"),
        ask_when=N_("Say how the serial number was restored"),
    )
    restoration_note = Block(
        2000,
        label=N_("Who restored it, when, and how sure the reading is"),
        rows=3,
    )
    marks = Rows(
        MarkSchema,
        most=20,
        label=N_("Other marks"),
        hint=N_("Maker, proof house, importer, forces, and serials on other parts."),
    )

    def needed(self, given: Given) -> Iterator[str]:
        """Ask for the serial number, or for the reason why there is none."""
        status = given.get("serial_status")
        if status not in WITHOUT_SERIAL:
            yield "serial"
        if status is not None and status.needs_restoration:
            yield "restoration_method"
