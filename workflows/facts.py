"""What each step must carry; a fact that breaks its own meaning cannot exist."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from workflows.errors import FactMissing
from workflows.vocabulary import (
    Access,
    ChainEventType,
    ClosureUse,
    DisclosureGround,
    Disposal,
    DomesticSearchOverride,
    Ground,
    HandlingCode,
    InformationItem,
    LastLegalStatus,
    Outcome,
    SearchResult,
    TriState,
    Use,
)


def _require(given: object, message: str) -> None:
    if not given:
        raise FactMissing(message)


@dataclass(frozen=True, slots=True)
class Submission:
    """A complete request is sent (ITI 15-17, UNTOC 18(15))."""

    confidentiality_guaranteed: bool
    confidentiality_reason: str = ""
    authorised: bool = False

    def __post_init__(self) -> None:
        _require(self.authorised, "Confirm that you are authorised to send this.")
        _require(
            self.confidentiality_guaranteed or self.confidentiality_reason.strip(),
            "Say why the answer cannot be kept confidential.",
        )


@dataclass(frozen=True, slots=True)
class DomesticSearch:
    """What was searched at home before another State is asked, or why nothing was.

    The domestic trace comes first (ISACS 05.31); the other authority reads this.
    """

    searches: str = ""
    override: DomesticSearchOverride | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        _require(
            self.searches.strip() or self.override,
            "Search your own records first, or say why you searched none.",
        )
        if self.override is not None and self.override.needs_text:
            _require(self.reason.strip(), "Write why no records were searched.")


@dataclass(frozen=True, slots=True)
class Receipt:
    """How the information is reached, where the limit depends on it."""

    access: Access


@dataclass(frozen=True, slots=True)
class Question:
    """One question, and the field of the request it is about."""

    text: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Questions:
    """What the requested authority needs to know (ITI 21, UNTOC 18(16))."""

    questions: tuple[Question, ...]

    def __post_init__(self) -> None:
        _require(self.questions, "Ask at least one question.")
        for question in self.questions:
            _require(question.text.strip(), "Write the question.")


@dataclass(frozen=True, slots=True)
class Answers:
    """An answer per question; a requester's date may be renewed with it."""

    answers: tuple[str, ...]
    requested_by: date | None = None

    def __post_init__(self) -> None:
        _require(self.answers, "Answer each question.")
        for answer in self.answers:
            _require(answer.strip(), "Answer each question.")

    def require_for(self, questions: int) -> None:
        """Refuse answers that do not match the questions one to one."""
        _require(len(self.answers) == questions, "Answer each question.")


@dataclass(frozen=True, slots=True)
class Search:
    """One register was searched: what a negative answer is worth."""

    register: str
    years: str
    key: str
    result: SearchResult
    note: str = ""

    def __post_init__(self) -> None:
        _require(self.register.strip(), "Name the register.")
        _require(self.years.strip(), "Name the years the register covers.")
        _require(self.key.strip(), "Say what was looked for.")


@dataclass(frozen=True, slots=True)
class Deferral:
    """The answer waits, on a ground, until a review (ITI 22, UNTOC 18(25))."""

    ground: Ground
    reason: str
    review_date: date

    def __post_init__(self) -> None:
        _require(self.reason.strip(), "Give the reason for the delay.")
        _require("delay" in self.ground.allows, "Choose a ground that allows a delay.")


@dataclass(frozen=True, slots=True)
class RegisterSearched:
    """A register and the years of it that were searched."""

    register: str
    years: str

    def __post_init__(self) -> None:
        _require(self.register.strip(), "Name the register.")
        _require(self.years.strip(), "Name the years searched.")


@dataclass(frozen=True, slots=True)
class ChainEvent:
    """One link from the maker to the last legal holder (Protocol art. 7(b))."""

    type: ChainEventType
    on: date | None = None
    year: int | None = None
    by: str = ""
    to: str = ""
    licence: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Restriction:
    """What the provider of one item of information allows (FP 12(5), ITI 15).

    `allows` matters where the code alone does not say: under H3 all that it does not
    name needs the provider's permission.
    """

    item: InformationItem
    handling: HandlingCode
    text: str = ""
    allows: tuple[Use, ...] = ()

    def __post_init__(self) -> None:
        if self.handling.needs_text:
            _require(self.text.strip(), "Write the restriction.")


@dataclass(frozen=True, slots=True)
class Response:
    """The answer (ITI 18-23): outcome, where it was looked for, and its limits."""

    outcome: Outcome
    handling: HandlingCode
    registers: tuple[RegisterSearched, ...] = ()
    chain: tuple[ChainEvent, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)
    last_legal_status: LastLegalStatus | None = None
    grounds: tuple[Ground, ...] = ()
    reason: str = ""
    consultation: str = ""
    restrictions: str = ""
    text: str = ""
    allows: tuple[Use, ...] = ()
    items: tuple[Restriction, ...] = ()

    def __post_init__(self) -> None:
        for needed in self.outcome.needs:
            _require(self._has(needed), f"This outcome needs: {needed}.")
        if self.outcome.limits_answer:
            verb = "refuse" if self.outcome is Outcome.REFUSED else "restrict"
            for ground in self.grounds:
                _require(
                    verb in ground.allows,
                    f"The ground {ground.value} does not allow you to {verb}.",
                )
        if HandlingCode.H3 is self.handling:
            _require(self.restrictions.strip(), "Write the restriction.")
        named = [restriction.item for restriction in self.items]
        _require(
            InformationItem.WHOLE not in named and len(named) == len({*named}),
            "Give each item one handling code.",
        )

    def _has(self, needed: str) -> bool:
        match needed:
            case "registers_searched" | "years_searched":
                return bool(self.registers)
            case "chain_events":
                return bool(self.chain)
            case "grounds":
                return bool(self.grounds)
            case "restrictions":
                return isinstance(self.handling, HandlingCode)
            case "last_legal_status":
                return self.last_legal_status is not None
            case "reason":
                return bool(self.reason.strip())
            case "consultation":
                return bool(self.consultation.strip())
            case _:
                return bool(str(self.details.get(needed, "")).strip())


@dataclass(frozen=True, slots=True)
class Closure:
    """What became of the trace (SDG 16.4.2, ISACS step 5)."""

    used_in: ClosureUse
    diversion_established: TriState
    diversion_place: str = ""
    diversion_date: date | None = None
    diversion_manner: str = ""
    last_legal_status: LastLegalStatus | None = None
    disposal: Disposal | None = None
    feedback: str = ""
    used_items: tuple[InformationItem, ...] = ()

    def __post_init__(self) -> None:
        if self.diversion_established is TriState.YES:
            _require(
                self.diversion_place.strip() and self.diversion_manner.strip(),
                "Say where and how the firearm was diverted.",
            )


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a request is withdrawn or reopened."""

    reason: str

    def __post_init__(self) -> None:
        _require(self.reason.strip(), "Give the reason.")


@dataclass(frozen=True, slots=True)
class Text:
    """Words to the other side, or a note of one's own."""

    text: str

    def __post_init__(self) -> None:
        _require(self.text.strip(), "Write the text.")


@dataclass(frozen=True, slots=True)
class PermissionRequest:
    """What one side wants to do with the other's information (UNTOC 18(19))."""

    use: Use
    items: tuple[InformationItem, ...]
    purpose: str
    to: str = ""

    def __post_init__(self) -> None:
        _require(self.items, "Name the information.")
        _require(self.purpose.strip(), "Say what for.")
        _require(
            self.use is not Use.ONWARD or self.to, "Name the State to pass it on to."
        )


@dataclass(frozen=True, slots=True)
class Permission:
    """The provider's yes to what was asked at a position of the history."""

    asked: int
    conditions: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The provider's no to what was asked at a position of the history."""

    asked: int
    reason: str

    def __post_init__(self) -> None:
        _require(self.reason.strip(), "Give the reason.")


@dataclass(frozen=True, slots=True)
class DisclosurePlan:
    """Notice to the provider before information is disclosed (FP 12(5))."""

    ground: DisclosureGround
    items: tuple[InformationItem, ...]
    to: str
    planned: date
    reason: str

    def __post_init__(self) -> None:
        _require(self.items, "Name the information.")
        _require(self.to.strip(), "Say to whom it will be disclosed.")
        _require(self.reason.strip(), "Give the law or the order.")


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Information was disclosed, after the notice at a position of the history.

    Without one only where it speaks for an accused person (UNTOC 18(5)).
    """

    to: str
    on: date
    announced: int | None = None
    ground: DisclosureGround | None = None
    items: tuple[InformationItem, ...] = ()
    no_notice: str = ""

    def __post_init__(self) -> None:
        _require(self.to.strip(), "Say to whom it was disclosed.")
        if self.announced is None:
            _require(
                self.ground is not None and self.ground.may_come_first,
                "Notify the provider first: give notice of the disclosure.",
            )
            _require(self.items, "Name the information.")
            _require(self.no_notice.strip(), "Say why there was no time for notice.")


Fact = (
    Submission
    | Receipt
    | Questions
    | Answers
    | Search
    | Deferral
    | Response
    | Closure
    | Reason
    | Text
    | PermissionRequest
    | Permission
    | Refusal
    | DisclosurePlan
    | Disclosure
)
