"""The time limits of the texts, as rows: this module knows treaties, not arithmetic.

Few texts set a number. Where one does and we have read it, the number is law; all
other numbers are defaults of this service, and screens must say so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from workflows.vocabulary import N_, LegalBasis, Urgency


class Unit(StrEnum):
    """What a limit is counted in."""

    HOURS = "hours"
    CALENDAR_DAYS = "calendar_days"
    WORKING_DAYS = "working_days"


class Clock(StrEnum):
    """Which hours count: all, or those in which the office is open."""

    ELAPSED = "elapsed"
    OFFICE_HOURS = "office_hours"


class AnswerRule(StrEnum):
    """What the last day for the answer depends on."""

    PERIOD = "period"
    REQUESTER_DATE = "requester_date"
    OPEN = "open"
    CONFIGURED = "configured"
    NONE = "none"


class Origin(StrEnum):
    """What a reminder is counted from."""

    CLOCK_START = "clock_start"
    DUE = "due"
    REPEAT_FROM_DEFER = "repeat_from_defer"


@dataclass(frozen=True)
class ReminderStep:
    """One reminder, before (negative) or after its origin."""

    origin: Origin
    at: int
    unit: Unit


def steps(origin: Origin, unit: Unit, *at: int) -> tuple[ReminderStep, ...]:
    """Return one step for each number."""
    return tuple(ReminderStep(origin, number, unit) for number in at)


@dataclass(frozen=True, kw_only=True)
class Regime:
    """What one text, or this service in its place, says about time."""

    code: str
    label: str
    source: str
    evidence: tuple[str, ...]
    acknowledge_in: int | None = None
    acknowledge_evidence: str | None = None
    answer_in: int | None = None
    answer_evidence: str | None = None
    unit: Unit = Unit.CALENDAR_DAYS
    answer_rule: AnswerRule = AnswerRule.PERIOD
    paused_by_clarification: bool = False
    reminders: tuple[ReminderStep, ...] = ()
    hard_number: bool = False
    note: str = ""
    policy: bool = True
    version: int = 0
    """None of ours has one; an agreement counts from 1."""

    clock: Clock = Clock.ELAPSED
    delay_notice_in: int | None = None
    """So long before the end at the latest one says that it will be later."""

    ends_on_working_day: bool = False
    """A period of calendar days that ends on a day off runs to the next working day."""

    def __post_init__(self) -> None:
        for number in (self.acknowledge_in, self.answer_in):
            if number is not None and number < 1:
                raise ValueError("a limit is at least one hour or one day")
        if self.delay_notice_in is not None and self.delay_notice_in < 0:
            raise ValueError("a delay is announced before the end, not after it")
        counted = self.answer_rule in (AnswerRule.PERIOD, AnswerRule.CONFIGURED)
        if counted != (self.answer_in is not None):
            raise ValueError("a period needs a number, and only a period has one")

    @property
    def binding_source(self) -> bool:
        """Say whether the number is law that we have read; else it is our default."""
        return self.hard_number and self.answer_evidence == "S"


EU977_PAUSE: Final = (
    "art 6 is understood to suspend the limits from the request for clarification "
    "until the answer, not verified; default: not paused, one setting"
)

POLICIES: Final = (
    Regime(
        code="ITI_DEFAULT",
        label=N_("ITI default"),
        acknowledge_in=7,
        acknowledge_evidence="D",
        answer_in=60,
        answer_evidence="D",
        paused_by_clarification=True,
        reminders=steps(Origin.CLOCK_START, Unit.CALENDAR_DAYS, 7, 30, 60, 90),
        source=(
            "ITI 18-19: 'reasonable time', 'prompt, timely'; the text sets no number"
        ),
        evidence=("NV", "D"),
    ),
    Regime(
        code="FP_DEFAULT",
        label=N_("Firearms Protocol default"),
        acknowledge_in=7,
        acknowledge_evidence="D",
        answer_in=30,
        answer_evidence="D",
        paused_by_clarification=True,
        reminders=steps(Origin.CLOCK_START, Unit.CALENDAR_DAYS, 7, 30, 60),
        source=("FP 12(4): 'prompt', within available means; the text sets no number"),
        evidence=("S", "D"),
    ),
    Regime(
        code="UNTOC_REQUESTED",
        label=N_("Date proposed by the requester, with reasons"),
        acknowledge_in=3,
        acknowledge_evidence="D",
        answer_evidence="S",
        answer_rule=AnswerRule.REQUESTER_DATE,
        reminders=steps(Origin.DUE, Unit.CALENDAR_DAYS, 0),
        source="UNTOC 18(24)",
        evidence=("S", "D"),
        note="a date, not a period: clarify may carry a new date",
    ),
    Regime(
        code="EU977_URGENT_DIRECT",
        label=N_("EU, urgent, directly accessible"),
        answer_in=8,
        answer_evidence="S",
        unit=Unit.HOURS,
        reminders=steps(Origin.CLOCK_START, Unit.HOURS, 4, 7),
        source="Directive (EU) 2023/977 art 5(1)(a)",
        evidence=("S",),
        hard_number=True,
        delay_notice_in=0,
        note=EU977_PAUSE,
    ),
    Regime(
        code="EU977_URGENT_INDIRECT",
        label=N_("EU, urgent, indirectly accessible"),
        answer_in=3,
        answer_evidence="S",
        reminders=steps(Origin.DUE, Unit.HOURS, -24),
        source="Directive (EU) 2023/977 art 5(1)(b)",
        evidence=("S",),
        hard_number=True,
        delay_notice_in=0,
        note=EU977_PAUSE,
    ),
    Regime(
        code="EU977_NORMAL",
        label=N_("EU, all other requests"),
        answer_in=7,
        answer_evidence="S",
        reminders=steps(Origin.DUE, Unit.CALENDAR_DAYS, -2),
        source="Directive (EU) 2023/977 art 5(1)(c)",
        evidence=("S",),
        hard_number=True,
        delay_notice_in=0,
        note=EU977_PAUSE,
    ),
    Regime(
        code="EU977_JUDICIAL",
        label=N_("EU, judicial authorisation needed"),
        answer_evidence="S",
        answer_rule=AnswerRule.OPEN,
        reminders=steps(Origin.REPEAT_FROM_DEFER, Unit.CALENDAR_DAYS, 7),
        source="Directive (EU) 2023/977 art 5(2)",
        evidence=("S", "D"),
        note=(
            "replaces the limit of art 5(1) only as far as the authorisation "
            "needs; weekly update is this service's own; state expected delay, its"
            " length and reasons at once; keep the requester updated; supply as "
            "soon as authorised; counted from: the deferral"
        ),
    ),
    Regime(
        code="ATF_URGENT",
        label=N_("ATF National Tracing Center, urgent"),
        answer_in=24,
        answer_evidence="S",
        unit=Unit.HOURS,
        reminders=steps(Origin.CLOCK_START, Unit.HOURS, 24),
        source="ATF fact sheet May 2019 (service goal)",
        evidence=("S",),
    ),
    Regime(
        code="ATF_ROUTINE",
        label=N_("ATF National Tracing Center, routine"),
        answer_in=14,
        answer_evidence="D",
        reminders=steps(Origin.CLOCK_START, Unit.CALENDAR_DAYS, 14),
        source=(
            "ATF fact sheet May 2019: average 9 days (FY2018); "
            "14 days are a default of this service"
        ),
        evidence=("S", "D"),
        note="average of 9 days observed",
    ),
    Regime(
        code="CUSTOM",
        label=N_("Set by the administrator"),
        acknowledge_in=7,
        acknowledge_evidence="D",
        answer_in=60,
        answer_evidence="D",
        answer_rule=AnswerRule.CONFIGURED,
        source="bilateral or regional text",
        evidence=("D",),
        note=(
            "the agreement sets the limit; until an administrator enters it, 7 "
            "and 60 days are a default of this service"
        ),
    ),
)
"""What a request can be put under."""

REFERENCES: Final = (
    Regime(
        policy=False,
        code="ITI_TEXT",
        label=N_("ITI: what the text says"),
        answer_rule=AnswerRule.NONE,
        source="ITI 18-19",
        evidence=("NV",),
        note="receipt confirmed within a reasonable time; prompt, timely, reliable",
    ),
    Regime(
        policy=False,
        code="FP_12_4_TEXT",
        label=N_("Firearms Protocol: what the text says"),
        answer_rule=AnswerRule.NONE,
        source="FP 12(4)",
        evidence=("S",),
        note="prompt, within available means",
    ),
    Regime(
        policy=False,
        code="UNTOC_18_24_TEXT",
        label=N_("UNTOC: what the text says"),
        answer_rule=AnswerRule.NONE,
        source="UNTOC 18(24)",
        evidence=("S",),
        note=(
            "as soon as possible, taking account of deadlines suggested with "
            "reasons; answer reasonable progress enquiries"
        ),
    ),
    Regime(
        policy=False,
        code="CETS101_8_1",
        label=N_("Notification of a transfer to a resident of another Party"),
        answer_rule=AnswerRule.NONE,
        source="CETS 101 art 8(1)",
        evidence=("S",),
        note=(
            "as expeditiously as possible, before the transaction if possible; "
            "counted from: the transaction"
        ),
    ),
    Regime(
        policy=False,
        code="FD2006_960_URGENT",
        label=N_("Framework Decision 2006/960/JHA, urgent"),
        answer_in=8,
        answer_evidence="S2",
        unit=Unit.HOURS,
        source="FD 2006/960/JHA (repealed by Directive 2023/977)",
        evidence=("S2",),
        hard_number=True,
    ),
    Regime(
        policy=False,
        code="FD2006_960_LISTED",
        label=N_("Framework Decision 2006/960/JHA, listed offence, accessible"),
        answer_in=7,
        answer_evidence="S2",
        source="FD 2006/960/JHA (repealed by Directive 2023/977)",
        evidence=("S2",),
        hard_number=True,
    ),
    Regime(
        policy=False,
        code="FD2006_960_OTHER",
        label=N_("Framework Decision 2006/960/JHA, other"),
        answer_in=14,
        answer_evidence="S2",
        source="FD 2006/960/JHA (repealed by Directive 2023/977)",
        evidence=("S2",),
        hard_number=True,
    ),
    Regime(
        policy=False,
        code="DR2019_686_4_4",
        label=N_("Prior consent data on firearm transfers, via IMI"),
        answer_in=7,
        answer_evidence="S",
        source="Delegated Reg (EU) 2019/686 art 4(4)",
        evidence=("S",),
        hard_number=True,
        note="counted from: issue of the consent; not a trace",
    ),
    Regime(
        policy=False,
        code="R41_INFORM",
        label=N_(
            "Customs informs the competent authority of a doubt or "
            "a non-compliant shipment"
        ),
        answer_in=24,
        answer_evidence="S",
        unit=Unit.HOURS,
        source="Reg (EU) 2025/41 art 29(5), 30(1)",
        evidence=("S",),
        hard_number=True,
        note="counted from: the detection; applies from 2029-02-12; not a trace",
    ),
    Regime(
        policy=False,
        code="R41_REPLY",
        label=N_("Competent authority replies to customs; silence means release"),
        answer_in=10,
        answer_evidence="S",
        unit=Unit.WORKING_DAYS,
        source="Reg (EU) 2025/41 art 29(5)",
        evidence=("S",),
        hard_number=True,
        note=(
            "extendable to 30 working days with reasons; applies from 2029-02-12;"
            " not a trace"
        ),
    ),
    Regime(
        policy=False,
        code="R41_DECIDE",
        label=N_("Competent authority decides on a non-compliant shipment"),
        answer_in=10,
        answer_evidence="S",
        unit=Unit.WORKING_DAYS,
        source="Reg (EU) 2025/41 art 30(2)",
        evidence=("S",),
        hard_number=True,
        note=(
            "extendable to 30 working days with reasons; applies from 2029-02-12;"
            " not a trace"
        ),
    ),
    Regime(
        policy=False,
        code="R41_SHARE",
        label=N_(
            "Seizure data shared with own authority and all Member States via SIENA"
        ),
        answer_rule=AnswerRule.NONE,
        source="Reg (EU) 2025/41 art 30(5)",
        evidence=("S",),
        note=(
            "without delay; counted from: the seizure; applies from 2029-02-12; "
            "not a trace"
        ),
    ),
    Regime(
        policy=False,
        code="R41_PROOF_OF_RECEIPT",
        label=N_("Exporter proves receipt in the third country"),
        answer_in=45,
        answer_evidence="S",
        source="Reg (EU) 2025/41 art 26(1)",
        evidence=("S",),
        hard_number=True,
        note=(
            "counted from: exit from the customs territory; applies from "
            "2029-02-12; not a trace"
        ),
    ),
    Regime(
        policy=False,
        code="US_LICENSEE",
        label=N_("US licensee answers the tracing centre"),
        answer_in=24,
        answer_evidence="S",
        unit=Unit.HOURS,
        source="18 USC 923(g)(7); 27 CFR 478.25a",
        evidence=("S",),
        hard_number=True,
    ),
    Regime(
        policy=False,
        code="US_THEFT_LOSS",
        label=N_("US licensee reports theft or loss"),
        answer_in=48,
        answer_evidence="S2",
        unit=Unit.HOURS,
        source="ATF programmes",
        evidence=("S2",),
        hard_number=True,
        note="counted from: the discovery; not a trace",
    ),
    Regime(
        policy=False,
        code="CIFTA_TEXT",
        label=N_("CIFTA"),
        answer_rule=AnswerRule.NONE,
        source="CIFTA (31 of 34 OAS States)",
        evidence=("NV",),
        note="the limit is not known to this service",
    ),
    Regime(
        policy=False,
        code="ECOWAS_19_TEXT",
        label=N_("ECOWAS Convention article 19"),
        answer_rule=AnswerRule.NONE,
        source="ECOWAS Convention art 19",
        evidence=("NV",),
        note=("the limit is not known to this service; one month is sometimes quoted"),
    ),
    Regime(
        policy=False,
        code="NAIROBI_TEXT",
        label=N_("Nairobi Protocol best-practice guidelines 3.1"),
        answer_rule=AnswerRule.NONE,
        source="Nairobi guidelines ch. 3.1",
        evidence=("NV",),
        note="the limit is not known to this service",
    ),
    Regime(
        policy=False,
        code="SADC_TEXT",
        label=N_("SADC Protocol"),
        answer_rule=AnswerRule.NONE,
        source="SADC Protocol arts 9, 14, 16",
        evidence=("NV",),
        note="the limit is not known to this service",
    ),
    Regime(
        policy=False,
        code="KINSHASA_TEXT",
        label=N_("Kinshasa Convention"),
        answer_rule=AnswerRule.NONE,
        source="Kinshasa Convention",
        evidence=("NV",),
        note="the limit is not known to this service",
    ),
)
"""What the texts say, to read beside the policies; no request is put under these."""

REGIMES: Final[Mapping[str, Regime]] = {
    regime.code: regime for regime in (*POLICIES, *REFERENCES)
}


def by_code(code: str) -> Regime:
    """Return the regime of that code."""
    if code not in REGIMES:
        raise ValueError(f"no deadline regime is called {code!r}")
    return REGIMES[code]


EU_MEMBERS: Final = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]
)
"""Member States of the European Union since 1 February 2020."""


def both_in_union(states: Iterable[str]) -> bool:
    """Say whether Directive (EU) 2023/977 can bind all of these States."""
    return EU_MEMBERS.issuperset(states)


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """A regime that these States have agreed between any two of them."""

    regime: Regime
    states: frozenset[str]
    bases: frozenset[LegalBasis] = frozenset()
    """For requests on these; on any if there is none."""

    urgency: Urgency | None = None
    since: date = date.min

    def covers(
        self, legal_basis: LegalBasis, urgency: Urgency, states: Iterable[str], on: date
    ) -> bool:
        """Say whether a request of that day is under it."""
        return (
            self.states.issuperset(states)
            and (not self.bases or legal_basis in self.bases)
            and self.urgency in (None, urgency)
            and self.since <= on
        )

    @property
    def narrowness(self) -> tuple[int, bool, bool, date, int]:
        """Return what sorts first the one that was made for fewer cases."""
        return (
            -len(self.states),
            bool(self.bases),
            self.urgency is not None,
            self.since,
            self.regime.version,
        )


def choose(
    legal_basis: LegalBasis,
    urgency: Urgency,
    *,
    requested_by: bool,
    states: tuple[str, str] | None = None,
    direct: bool = False,
    agreements: Iterable[Agreement] = (),
    on: date = date.max,
) -> Regime:
    """Return the policy for a request; `requested_by`: the requester named a date.

    What two States have agreed comes before what binds many. Source: UNTOC 18(24),
    Directive (EU) 2023/977 art 5(1), and design of this service. Whether information is
    directly accessible is not known on arrival: until the requested authority says so
    (`direct`), the longer limit holds.
    """
    if states is not None:
        found = [a for a in agreements if a.covers(legal_basis, urgency, states, on)]
        if found:
            return max(found, key=lambda agreement: agreement.narrowness).regime
    if legal_basis is LegalBasis.ITI:
        return REGIMES["ITI_DEFAULT"]
    if legal_basis is LegalBasis.EU_2023_977 and (
        states is None or both_in_union(states)
    ):
        if urgency is not Urgency.URGENT:
            return REGIMES["EU977_NORMAL"]
        return REGIMES["EU977_URGENT_DIRECT" if direct else "EU977_URGENT_INDIRECT"]
    if legal_basis in (LegalBasis.FIREARMS_PROTOCOL, LegalBasis.UNTOC_18):
        return REGIMES["UNTOC_REQUESTED" if requested_by else "FP_DEFAULT"]
    return REGIMES["CUSTOM"]


JUDICIAL: Final = REGIMES["EU977_JUDICIAL"]
"""What takes the place of a limit while a court has to give leave (art 5(2))."""

OF_THE_DIRECTIVE: Final = frozenset(
    {"EU977_URGENT_DIRECT", "EU977_URGENT_INDIRECT", "EU977_NORMAL"}
)
