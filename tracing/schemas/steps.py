"""What each step of a request asks for, and the fact it becomes.

The schemas ask for all that the facts insist on, so that a person reads at the field
what is missing; a fact that still refuses is a fault of this module.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields as parts
from datetime import date
from functools import cache
from typing import Final

from marshmallow import post_load, types

from tracing.schemas.fields import (
    Block,
    Blocks,
    Code,
    Codes,
    Country,
    Day,
    Given,
    Line,
    Rows,
    Section,
    Tick,
    When,
    Whole,
    Year,
)
from tracing.schemas.restrictions import (
    ITEMS,
    USES,
    AllowedUses,
    RestrictionSchema,
    twice_named,
)
from workflows.facts import (
    Answers,
    ChainEvent,
    Closure,
    Deferral,
    Disclosure,
    DisclosurePlan,
    Fact,
    Permission,
    PermissionRequest,
    Question,
    Questions,
    Reason,
    Refusal,
    RegisterSearched,
    Response,
    Restriction,
    Search,
    Submission,
    Text,
)
from workflows.vocabulary import (
    N_,
    ChainEventType,
    ClosureUse,
    DisclosureGround,
    Disposal,
    Ground,
    HandlingCode,
    InformationItem,
    LastLegalStatus,
    Outcome,
    SearchResult,
    TriState,
    Use,
)

DELAYING: Final = tuple(ground for ground in Ground if "delay" in ground.allows)
LIMITING: Final = tuple(
    ground for ground in Ground if {"restrict", "refuse"} & {*ground.allows}
)


class Step(Section):
    """A section that becomes the fact of a step."""

    def fact(self, given: Given) -> Fact:
        """Make the fact."""
        raise NotImplementedError

    @post_load
    def _to_fact(
        self,
        given: Given,
        *,
        partial: bool | types.StrSequenceOrSet | None,
        **_: object,
    ) -> Given | Fact:
        return given if partial else self.fact(given)


class SubmissionStep(Step):
    """Send the request."""

    title = N_("Send request")

    authorised = Tick(
        label=N_("I am authorised to send this request"),
        ask=N_("Confirm that you are authorised to send this"),
    )
    confidentiality_guaranteed = Tick(label=N_("We can keep the answer confidential"))
    confidentiality_reason = Block(
        2000,
        label=N_("Why the answer cannot be kept confidential"),
        ask_when=N_("Say why the answer cannot be kept confidential"),
    )

    def needed(self, given: Given) -> Iterator[str]:
        """Ask why the answer cannot be kept confidential."""
        if not given.get("confidentiality_guaranteed"):
            yield "confidentiality_reason"

    def clashes(self, given: Given) -> Iterator[tuple[str, str]]:
        """Ask for the declaration: an empty box declares nothing."""
        if given.get("authorised") is False:
            yield "authorised", N_("Confirm that you are authorised to send this")

    def fact(self, given: Given) -> Submission:
        """Make the submission."""
        return Submission(
            confidentiality_guaranteed=given.get("confidentiality_guaranteed", False),
            confidentiality_reason=given.get("confidentiality_reason", ""),
            authorised=given["authorised"],
        )


class QuestionSchema(Section):
    """One question."""

    title = N_("Question")

    text = Block(2000, label=N_("Your question"), ask=N_("Write the question"), rows=3)
    about = Line(60, label=N_("What it is about"))


class QuestionsStep(Step):
    """Ask for clarification."""

    title = N_("Ask for clarification")

    questions = Rows(
        QuestionSchema, label=N_("Questions"), ask=N_("Ask at least one question")
    )

    def fact(self, given: Given) -> Questions:
        """Make the questions."""
        return Questions(tuple(Question(**row) for row in given["questions"]))


class AnswersStep(Step):
    """Clarify."""

    title = N_("Clarify")

    answers = Blocks(label=N_("Your answers"), ask=N_("Answer each question"))
    requested_by = Day(
        When.WITHIN_A_YEAR,
        label=N_("New date by which you need the answer"),
        hint=N_("Only if the date has changed."),
    )

    def fact(self, given: Given) -> Answers:
        """Make the answers."""
        return Answers(tuple(given["answers"]), given.get("requested_by"))


class SearchStep(Step):
    """Record the search of one register."""

    title = N_("Record a search")

    register = Line(
        200,
        label=N_("Register searched"),
        hint=N_("For example import licences, or returns of dealers."),
        ask=N_("Name the register"),
    )
    years = Line(
        100,
        label=N_("Years the register covers"),
        hint=N_("For example 1998–2026."),
        ask=N_("Name the years the register covers"),
        width="w20",
    )
    key = Line(
        200,
        label=N_("What you looked for"),
        hint=N_("For example the serial number as marked, and without its letters."),
        ask=N_("Say what was looked for"),
    )
    result = Code(SearchResult, label=N_("Result"), ask=N_("Say what the search gave"))
    note = Block(2000, label=N_("Note"), rows=3)

    def fact(self, given: Given) -> Search:
        """Make the search."""
        return Search(**given)


class DeferralStep(Step):
    """Defer the answer."""

    title = N_("Defer the answer")

    ground = Code(
        Ground,
        DELAYING,
        label=N_("Ground"),
        ask=N_("Choose the ground of the delay"),
        wrong=N_("Choose a ground that allows a delay"),
        kind="radios",
    )
    reason = Block(
        2000, label=N_("Reason"), ask=N_("Give the reason for the delay"), rows=3
    )
    review_date = Day(
        When.LATER,
        label=N_("Date on which you will look at it again"),
        ask=N_("Enter the date on which you will look at it again"),
    )

    def fact(self, given: Given) -> Deferral:
        """Make the deferral."""
        return Deferral(**given)


class RegisterSchema(Section):
    """One register and its years."""

    title = N_("Register")

    register = Line(200, label=N_("Register searched"), ask=N_("Name the register"))
    years = Line(
        100,
        label=N_("Years searched"),
        hint=N_("For example 1998–2026."),
        ask=N_("Name the years searched"),
        width="w20",
    )


class ChainEventSchema(Section):
    """One event on the lawful way of the item."""

    title = N_("Event")

    type = Code(
        ChainEventType, label=N_("What happened"), ask=N_("Choose what happened")
    )
    on = Day(When.PAST, label=N_("Date"))
    year = Year(label=N_("Year, if the date is not known"))
    by = Line(200, label=N_("By whom"))
    to = Line(200, label=N_("To whom"))
    licence = Line(100, label=N_("Number of the licence"), width="w20")
    source = Line(200, label=N_("Record it stands in"))


class ResponseStep(Step):
    """Answer; the outcome decides what is asked."""

    title = N_("Answer")

    outcome = Code(Outcome, label=N_("Outcome"), ask=N_("Choose the outcome"))
    registers = Rows(
        RegisterSchema,
        most=50,
        label=N_("Registers searched"),
        ask_when=N_("Name at least one register and the years searched"),
    )
    chain = Rows(
        ChainEventSchema,
        most=50,
        label=N_("Events from the maker onward"),
        ask_when=N_("Enter at least one event of the chain"),
    )
    last_legal_holder = Line(
        300,
        label=N_("Last legal holder"),
        ask_when=N_("Enter the last legal holder"),
    )
    last_legal_status = Code(
        LastLegalStatus,
        label=N_("Last legal status"),
        ask_when=N_("Choose the last legal status"),
    )
    diversion_place = Line(
        300,
        label=N_("Place of the diversion"),
        ask_when=N_("Enter where the firearm was diverted"),
    )
    diversion_date = Day(
        When.PAST,
        label=N_("Date of the diversion"),
        ask_when=N_("Enter when the firearm was diverted"),
    )
    diversion_manner = Block(
        2000,
        label=N_("Manner of the diversion"),
        ask_when=N_("Say how the firearm was diverted"),
        rows=3,
    )
    trail_end = Block(
        2000,
        label=N_("Where the trail ends"),
        ask_when=N_("Say where the trail ends"),
        rows=3,
    )
    missing_records = Block(
        2000,
        label=N_("Records that are not available, and why"),
        ask_when=N_("Say which records are not available, and why"),
        rows=3,
    )
    retention_rule = Block(
        2000,
        label=N_("Rule on how long records are kept"),
        ask_when=N_("State the rule on how long records are kept"),
        rows=3,
    )
    mark_discrepancies = Block(
        2000,
        label=N_("Marks that do not fit"),
        ask_when=N_("Say which marks do not fit"),
        rows=3,
    )
    information_needed = Block(
        2000,
        label=N_("What you need to identify the item"),
        ask_when=N_("Say what you need to identify the item"),
        rows=3,
    )
    right_authority = Line(
        300,
        label=N_("The right authority or State"),
        ask_when=N_("Name the right authority or State"),
    )
    onward_state = Country(
        label=N_("State it was exported to"),
        ask_when=N_("Choose the State it was exported to"),
    )
    onward_contact = Line(
        300,
        label=N_("Whom to ask there"),
        ask_when=N_("Say whom to ask there"),
    )
    export_date = Day(
        When.PAST,
        label=N_("Date of the export"),
        ask_when=N_("Enter the date of the export"),
    )
    export_licence = Line(
        100,
        label=N_("Number of the export licence"),
        ask_when=N_("Enter the number of the export licence"),
        width="w20",
    )
    consignee = Line(300, label=N_("Consignee"), ask_when=N_("Name the consignee"))
    consignment = Block(
        2000,
        label=N_("Consignment"),
        hint=N_("How many items, and which other ones."),
        ask_when=N_("Describe the consignment"),
        rows=3,
    )
    serial_range = Line(
        200,
        label=N_("Serial numbers of the consignment"),
        ask_when=N_("Enter the serial numbers of the consignment"),
        mark=True,
    )
    transit_from = Country(
        label=N_("State it came from"), ask_when=N_("Choose the State it came from")
    )
    transit_to = Country(
        label=N_("State it went to"), ask_when=N_("Choose the State it went to")
    )
    transit_date = Day(
        When.PAST,
        label=N_("Date of the transit"),
        ask_when=N_("Enter the date of the transit"),
    )
    holding_force = Line(
        300,
        label=N_("Force, unit or agency"),
        ask_when=N_("Name the force, unit or agency"),
    )
    report_date = Day(
        When.PAST,
        label=N_("Date of the report"),
        ask_when=N_("Enter the date of the report"),
    )
    report_number = Line(
        100,
        label=N_("Number of the report"),
        ask_when=N_("Enter the number of the report"),
        width="w20",
    )
    report_place = Line(
        300,
        label=N_("Place of the theft or loss"),
        ask_when=N_("Enter the place of the theft or loss"),
    )
    certificate_number = Line(
        100,
        label=N_("Number of the certificate"),
        ask_when=N_("Enter the number of the certificate"),
        width="w20",
    )
    certificate_date = Day(
        When.PAST,
        label=N_("Date of the certificate"),
        ask_when=N_("Enter the date of the certificate"),
    )
    other_reference = Line(
        100,
        label=N_("Reference of the other request"),
        ask_when=N_("Enter the reference of the other request"),
        width="w20",
    )
    withheld_kinds = Block(
        2000,
        label=N_("What kind of content was left out"),
        ask_when=N_("Say what kind of content was left out"),
        rows=3,
    )
    grounds = Codes(
        Ground,
        LIMITING,
        label=N_("Grounds"),
        ask_when=N_("Choose at least one ground"),
    )
    reason = Block(
        label=N_("Reason"),
        ask_when=N_("Give the reason"),
        rows=4,
    )
    consultation = Block(
        label=N_("How you consulted the other authority"),
        ask_when=N_("Say how you consulted the other authority before you refuse"),
        rows=3,
    )
    handling = Code(
        HandlingCode,
        label=N_("Handling code"),
        ask=N_("Choose the handling code"),
        hint=N_("What the other authority may do with the answer (ITI 15)."),
        reveal={HandlingCode.H3: ("restrictions", "allows")},
    )
    restrictions = Block(
        2000,
        label=N_("The restriction in words"),
        ask_when=N_("Write the restriction"),
        rows=3,
    )
    allows = AllowedUses()
    items = Rows(
        RestrictionSchema,
        most=len(ITEMS),
        label=N_("Code for one item"),
        hint=N_(
            "Only where one needs another code than the rest (Firearms Protocol art."
            " 12(5)). Of persons and acquirers the stricter code holds for both."
        ),
    )
    text = Block(10_000, label=N_("What else you want to say"), rows=6)

    def needed(self, given: Given) -> Iterator[str]:
        """Ask for what the outcome and the handling code need."""
        if outcome := given.get("outcome"):
            yield from (field_of(need) for need in outcome.needs)
        if given.get("handling") is HandlingCode.H3:
            yield "restrictions"

    def clashes(self, given: Given) -> Iterator[tuple[str, str]]:
        """Refuse a ground that does not carry what is done on it."""
        verb = VERBS.get(given.get("outcome", ""))
        if verb and any(verb not in g.allows for g in given.get("grounds", ())):
            yield "grounds", MISFITS[verb]
        if words := twice_named(given.get("items", ())):
            yield "items", words

    def fact(self, given: Given) -> Response:
        """Make the answer, without what its outcome does not ask for."""
        outcome = given["outcome"]
        kept = {name: given[name] for name in needed_by(outcome) if name in given}
        details = {name: _plain(kept[name]) for name in kept if name in DETAILS}
        own = {name: kept[name] for name in kept if name not in DETAILS}
        own["registers"] = tuple(
            RegisterSearched(**row) for row in own.get("registers", ())
        )
        own["chain"] = tuple(ChainEvent(**row) for row in own.get("chain", ()))
        own["grounds"] = tuple(own.get("grounds", ()))
        own["allows"] = tuple(own.get("allows", ()))
        own["items"] = tuple(
            Restriction(**row | {"allows": tuple(row.get("allows", ()))})
            for row in own.get("items", ())
        )
        return Response(outcome=outcome, details=details, **own)


class ClosureStep(Step):
    """Close the request."""

    title = N_("Close request")

    used_in = Code(
        ClosureUse,
        label=N_("What the answer was used for"),
        ask=N_("Say what the answer was used for"),
        reveal={ClosureUse.PROCEEDINGS: "used_items"},
    )
    used_items = Codes(
        InformationItem,
        ITEMS,
        label=N_("What of the answer was used in proceedings"),
        hint=N_("Leave it empty if all of it was."),
    )
    diversion_established = Code(
        TriState,
        label=N_("Was the point of diversion established?"),
        ask=N_("Say whether the point of diversion was established"),
        reveal={TriState.YES: "diversion_place"},
    )
    diversion_place = Line(
        300,
        label=N_("Place of the diversion"),
        ask_when=N_("Enter where the firearm was diverted"),
    )
    diversion_date = Day(When.PAST, label=N_("Date of the diversion"))
    diversion_manner = Block(
        2000,
        label=N_("Manner of the diversion"),
        ask_when=N_("Say how the firearm was diverted"),
        rows=3,
    )
    last_legal_status = Code(LastLegalStatus, label=N_("Last legal status"))
    disposal = Code(Disposal, label=N_("What became of the item"))
    feedback = Block(
        label=N_("Feedback to the authority that answered"),
        rows=4,
    )

    def needed(self, given: Given) -> Iterator[str]:
        """Ask where and how the firearm was diverted."""
        if given.get("diversion_established") is TriState.YES:
            yield from ("diversion_place", "diversion_manner")

    def fact(self, given: Given) -> Closure:
        """Make the closure."""
        used = tuple(given.get("used_items", ()))
        return Closure(**{**given, "used_items": used})


class ReasonStep(Step):
    """Give a reason."""

    reason = Block(2000, label=N_("Reason"), ask=N_("Give the reason"), rows=4)

    def fact(self, given: Given) -> Reason:
        """Make the reason."""
        return Reason(**given)


class TextStep(Step):
    """Write to the other side, or to oneself."""

    text = Block(label=N_("Text"), ask=N_("Write the text"), rows=6)

    def fact(self, given: Given) -> Text:
        """Make the text."""
        return Text(**given)


ITEMS_NAMED: Final = N_("Name the information")


class PermissionRequestStep(Step):
    """Ask the provider for a permission."""

    title = N_("Ask for permission")

    use = Code(
        Use,
        USES,
        label=N_("What you want to do"),
        ask=N_("Say what you want to do"),
        reveal={Use.ONWARD: "to"},
    )
    to = Country(
        label=N_("State to pass it on to"),
        ask_when=N_("Choose the State to pass it on to"),
    )
    items = Codes(
        InformationItem,
        label=N_("Which information"),
        ask=ITEMS_NAMED,
    )
    purpose = Block(
        2000,
        label=N_("What for"),
        hint=N_("For example the proceedings, and when they begin."),
        ask=N_("Say what for"),
        rows=4,
    )

    def needed(self, given: Given) -> Iterator[str]:
        """Ask for the State that would get it."""
        if given.get("use") is Use.ONWARD:
            yield "to"

    def fact(self, given: Given) -> PermissionRequest:
        """Make the question; a State is named only where there is one to be."""
        return PermissionRequest(
            given["use"],
            tuple(given["items"]),
            given["purpose"],
            given.get("to", "") if given["use"] is Use.ONWARD else "",
        )


class PermissionStep(Step):
    """Give permission."""

    title = N_("Give permission")

    asked = Whole(
        1, label=N_("What is asked"), ask=N_("Choose what you answer"), kind="hidden"
    )
    conditions = Block(
        2000,
        label=N_("Conditions"),
        hint=N_("They stay with the information wherever it goes."),
        rows=4,
    )

    def fact(self, given: Given) -> Permission:
        """Make the permission."""
        return Permission(**given)


class RefusalStep(Step):
    """Refuse permission."""

    title = N_("Refuse permission")

    asked = Whole(
        1, label=N_("What is asked"), ask=N_("Choose what you answer"), kind="hidden"
    )
    reason = Block(2000, label=N_("Reason"), ask=N_("Give the reason"), rows=4)

    def fact(self, given: Given) -> Refusal:
        """Make the refusal."""
        return Refusal(**given)


class DisclosurePlanStep(Step):
    """Give notice of a disclosure."""

    title = N_("Give notice of a disclosure")

    ground = Code(
        DisclosureGround,
        label=N_("Why it cannot be kept confidential"),
        ask=N_("Say why it cannot be kept confidential"),
    )
    reason = Block(
        2000,
        label=N_("The law or the order"),
        hint=N_("Name the article, or the court and its order."),
        ask=N_("Give the law or the order"),
        rows=3,
    )
    items = Codes(InformationItem, label=N_("Which information"), ask=ITEMS_NAMED)
    to = Line(
        300,
        label=N_("To whom it will be disclosed"),
        ask=N_("Say to whom it will be disclosed"),
    )
    planned = Day(
        When.FROM_TODAY,
        label=N_("Planned date"),
        ask=N_("Enter the planned date"),
    )

    def fact(self, given: Given) -> DisclosurePlan:
        """Make the notice."""
        return DisclosurePlan(**{**given, "items": tuple(given["items"])})


class DisclosureStep(Step):
    """Record a disclosure, after its notice or, at the limit, without one."""

    title = N_("Record a disclosure")

    announced = Whole(1, label=N_("Notice given"), kind="hidden")
    ground = Code(
        DisclosureGround,
        label=N_("Why it could not be kept confidential"),
        ask_when=N_("Say why it could not be kept confidential"),
    )
    items = Codes(InformationItem, label=N_("Which information"), ask_when=ITEMS_NAMED)
    to = Line(
        300,
        label=N_("To whom it was disclosed"),
        ask=N_("Say to whom it was disclosed"),
    )
    on = Day(
        When.PAST, label=N_("Date"), ask=N_("Enter the date on which it was disclosed")
    )
    no_notice = Block(
        2000,
        label=N_("Why there was no time for notice"),
        ask_when=N_("Say why there was no time for notice"),
        rows=3,
    )

    def needed(self, given: Given) -> Iterator[str]:
        """Ask for all that a notice would have said."""
        if "announced" not in given:
            yield from ("ground", "items", "no_notice")

    def clashes(self, given: Given) -> Iterator[tuple[str, str]]:
        """Send back whoever has not told the provider (Firearms Protocol 12(5))."""
        ground = given.get("ground")
        late = ground is not None and not ground.may_come_first
        if "announced" not in given and late:
            yield "ground", N_("Notify the provider first: give notice")

    def fact(self, given: Given) -> Disclosure:
        """Make the record; what a notice has said is not said again."""
        told = given if "announced" not in given else {}
        return Disclosure(
            given["to"],
            given["on"],
            given.get("announced"),
            told.get("ground"),
            tuple(told.get("items", ())),
            told.get("no_notice", ""),
        )


STEP_OF: Final[Mapping[str, type[Section]]] = {
    "submit": SubmissionStep,
    "ask_clarification": QuestionsStep,
    "clarify": AnswersStep,
    "record_search": SearchStep,
    "defer": DeferralStep,
    "respond": ResponseStep,
    "query_response": TextStep,
    "close": ClosureStep,
    "withdraw": ReasonStep,
    "reopen": ReasonStep,
    "enquire": TextStep,
    "remind": TextStep,
    "note": TextStep,
    "ask_permission": PermissionRequestStep,
    "give_permission": PermissionStep,
    "refuse_permission": RefusalStep,
    "announce_disclosure": DisclosurePlanStep,
    "record_disclosure": DisclosureStep,
    "cannot_keep": ReasonStep,
    "lift_confidentiality": ReasonStep,
}
"""By the step's name; to acknowledge carries nothing."""

FIELD_OF: Final = {
    "registers_searched": "registers",
    "years_searched": "registers",
    "chain_events": "chain",
    "restrictions": "handling",
}
"""Where a need of an outcome is met by a field of another name."""

ALSO: Final[Mapping[Outcome, tuple[str, ...]]] = {
    Outcome.FULL_HOLDER_ONLY: ("last_legal_status",),
    Outcome.PARTIAL: ("last_legal_status",),
    Outcome.RESTRICTED: ("chain", "last_legal_status", "consultation"),
}
"""What may be said with an outcome that does not need it."""

DETAILS: Final = frozenset(
    need for outcome in Outcome for need in outcome.needs if need not in FIELD_OF
) - {part.name for part in parts(Response)}

VERBS: Final = {Outcome.REFUSED: "refuse", Outcome.RESTRICTED: "restrict"}
MISFITS: Final = {
    "refuse": N_("Choose only grounds that allow you to refuse"),
    "restrict": N_("Choose only grounds that allow you to restrict"),
}


def field_of(need: str) -> str:
    """Return the field of the answer that meets a need."""
    return FIELD_OF.get(need, need)


@cache
def needed_by(outcome: Outcome) -> tuple[str, ...]:
    """Return the fields to show for an outcome, in the order of the form."""
    shown = {
        *map(field_of, outcome.needs),
        *ALSO.get(outcome, ()),
        *("handling", "restrictions", "allows", "items", "text"),
    }
    return tuple(name for name in ResponseStep().fields if name in shown)


def _plain(value: date | str) -> str:
    return value.isoformat() if isinstance(value, date) else value
