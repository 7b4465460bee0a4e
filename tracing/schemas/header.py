"""Whom the request goes to, how fast, and how far the trace should reach."""

from collections.abc import Iterator

from marshmallow import validate

from tracing.schemas.fields import (
    Block,
    Choice,
    Code,
    Day,
    Given,
    Line,
    Section,
    When,
    Whole,
)
from workflows.vocabulary import N_, RoutingBasis, TraceGoal, Urgency

LANGUAGES = {
    "ar": N_("Arabic"),
    "zh": N_("Chinese"),
    "en": N_("English"),
    "fr": N_("French"),
    "ru": N_("Russian"),
    "es": N_("Spanish"),
}


class HeaderSection(Section):
    """Where to send."""

    title = N_("Where to send")
    intro = N_("The marks on the firearm show which State to ask.")

    requested_id = Whole(
        1,
        label=N_("Where to send"),
        ask=N_("Choose the authority to ask"),
        wrong=N_("Choose the authority to ask"),
        choices="authorities",
    )
    routing_basis = Code(
        RoutingBasis,
        label=N_("Why this State"),
        ask=N_("Say why you ask this State"),
    )
    trace_goal = Code(
        TraceGoal,
        label=N_("How far the trace should reach"),
        ask=N_("Say how far the trace should reach"),
    )
    urgency = Code(
        Urgency,
        label=N_("Urgency"),
        ask=N_("Say how urgent the request is"),
        reveal={Urgency.URGENT: "urgency_reason"},
    )
    urgency_reason = Block(
        2000,
        label=N_("Why the request is urgent"),
        hint=N_("For example a court date, or a danger to life."),
        ask_when=N_("Say why the request is urgent"),
        rows=3,
    )
    requested_by = Day(
        When.WITHIN_A_YEAR,
        label=N_("Date by which you need the answer"),
        hint=N_("Only if there is one. At most one year from today."),
    )
    requested_by_reason = Block(
        2000,
        label=N_("Why you need the answer by this date"),
        ask_when=N_("Say why you need the answer by this date"),
        rows=3,
    )
    own_case_number = Line(
        100,
        label=N_("Your own case number"),
        ask=N_("Enter your own case number"),
        width="w20",
    )
    officer_phone = Line(
        40,
        check=validate.Regexp(
            r"\+?[0-9٠-٩۰-۹ ()./-]{5,}([ ,]*(x|ext\.?) ?[0-9]{1,6})?\Z",
            error=N_("Enter a phone number like +254 20 123 4567"),
        ),
        label=N_("Phone number of the officer"),
        hint=N_("With the country code, for example +254 20 123 4567."),
        autocomplete="tel",
        width="w20",
        dir="ltr",
    )
    language = Choice(
        LANGUAGES,
        label=N_("Language of the request"),
        ask=N_("Choose the language of the request"),
    )

    def needed(self, given: Given) -> Iterator[str]:
        """Ask for the reason of any hurry."""
        if given.get("urgency") is Urgency.URGENT:
            yield "urgency_reason"
        if given.get("requested_by"):
            yield "requested_by_reason"
