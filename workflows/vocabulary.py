"""The closed lists of the trade, each word with its label and where it comes from.

A code is stored and sent; a label is shown, and translated on the way out. Evidence
says how sure we are of the source: S read in the text, S2 read in a text about it,
NV not verified, D a decision of this design.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self


def N_(text: str) -> str:  # noqa: N802 - the name gettext looks for
    """Mark a text for translation and return it unchanged."""
    return text


# The sources that stand behind more than two words: citation, evidence.
IAFQ_TYPE: Final = ("IAFQ, Arms seized by type", "S")
SALW: Final = ("SDG 16.4.2 metadata; ITI 4", "S2")
NVDRS: Final = ("HL7 fhir-vdor, NVDRS firearm type value set", "S")
EU_ACTION: Final = ("Reg 2025/41 Annex I", "S")
EU_PART_I: Final = ("Reg 2025/41 Annex I, part I", "S")
EU_PART_II: Final = ("Reg 2025/41 Annex I, part II", "S")
ITI_6: Final = ("ITI 6 as given by INTERPOL", "S2")
IAFQ_PLACE: Final = ("IAFQ by location", "S")
IAFQ_JUSTIFICATION: Final = ("IAFQ by legal justification of seizure", "S")
IAFQ_OFFENCE: Final = ("IAFQ by other suspected offences", "S")
IAFQ_PERSON: Final = ("IAFQ, Individuals arrested/suspected by type of offences", "S")
IAFQ_CONDITION: Final = ("IAFQ by condition", "S")
IAFQ_RESULT: Final = ("IAFQ tracing results", "S")
EU_PLACE: Final = ("Reg 2025/41 30(6)(h)", "S")
EU_TRANSPORT: Final = ("Reg 2025/41 30(6)(g)", "S")
CHAIN: Final = ("design of this service; FP 7", "D")
SDG: Final = ("SDG 16.4.2", "S")
OUTCOME: Final = ("design of this service", "D")
EUROPOL: Final = ("Statewatch 2018 note (Europol)", "S2")
TLP: Final = ("FIRST TLP 2.0", "S")
UNODC: Final = ("UNODC CNA", "S")
SHERLOC: Final = ("SHERLOC", "S")
DIRECTORY: Final = ("design of this service", "D")
FP_3B: Final = ("FP 3(b)", "S")
FP_3C: Final = ("FP 3(c)", "S")
HS: Final = ("HS 2012; CBSA T2021 ch. 93", "S")
CLOSURE: Final = ("design of this service", "D")
INTERPOL_ROUTE: Final = ("UNODC CNA; UNTOC 18(13)", "S")
SERVICE: Final = ("design of this service", "D")
RESTRICTION: Final = ("FP 12(5); ITI 15", "S NV")


class Code(StrEnum):
    """A word of a closed list."""

    label: str
    source: str
    evidence: tuple[str, ...]

    def __new__(cls, code: str, *_row: object) -> Self:
        """Make the member; the code is its value."""
        member = str.__new__(cls, code)
        member._value_ = code
        return member

    def __init__(
        self, _code: str, label: str = "", source: str = "", evidence: str = ""
    ) -> None:
        # Only the code is needed to look a word up, the rest to write its row.
        self.label = label
        self.source = source
        self.evidence = tuple(evidence.split())


# Below, a word is a row: code, label, source, evidence, what its list adds.
# fmt: off


class TraceGoal(Code):
    """How far the trace should reach."""

    FIRST_PURCHASER = ("FIRST_PURCHASER", N_("First retail purchaser"),
        "FP 3(f); ATF practice", "S")
    LAST_LEGAL_HOLDER = ("LAST_LEGAL_HOLDER", N_("Last legal holder"),
        "UNODA/ISACS; SDG 16.4.2", "S")
    POINT_OF_DIVERSION = ("POINT_OF_DIVERSION", N_("Point of diversion"),
        "SDG 16.4.2; ITI 5", "S NV")

    @property
    def establishes_diversion(self) -> bool:
        """Say whether reaching the goal shows where the weapon left the lawful way."""
        return self is TraceGoal.POINT_OF_DIVERSION


class Urgency(Code):
    """How urgent the requesting State says it is."""

    ROUTINE = ("ROUTINE", N_("Routine"), "ATF F 3312.1 1b", "S")
    URGENT = ("URGENT", N_("Urgent"), "ATF F 3312.1 1b", "S")

    @property
    def needs_justification(self) -> bool:
        """Say whether the officer must write why."""
        return self is Urgency.URGENT


class Access(Code):
    """How the requested authority reaches the information (Directive 2023/977 5(1))."""

    DIRECT = ("DIRECT", N_("Directly accessible"),
        "Directive (EU) 2023/977 5(1)(a)", "S")
    INDIRECT = ("INDIRECT", N_("Indirectly accessible"),
        "Directive (EU) 2023/977 5(1)(b)", "S")


class LimitUnit(Code):
    """What a limit of an agreement is counted in."""

    HOURS = ("hours", N_("Hours"), "design of this service", "D")
    CALENDAR_DAYS = ("calendar_days", N_("Calendar days"),
        "design of this service", "D")
    WORKING_DAYS = ("working_days", N_("Working days"), "design of this service", "D")


class HoursCounted(Code):
    """Which hours a limit in hours counts."""

    ELAPSED = ("elapsed", N_("Every hour, day and night"),
        "design of this service", "D")
    OFFICE_HOURS = ("office_hours", N_("Hours in which the office is open"),
        "design of this service", "D")


class CalendarChangeKind(Code):
    """What a change of a calendar says."""

    HOLIDAY = ("holiday", N_("Days that are free"), "design of this service", "D")
    WORKING = ("working", N_("Days that are worked"), "design of this service", "D")
    WEEKEND = ("weekend", N_("Another weekend"), "design of this service", "D")


class WeekDay(Code):
    """A day of the week, from 0 for Monday."""

    MONDAY = ("0", N_("Monday"), "ISO 8601", "S")
    TUESDAY = ("1", N_("Tuesday"), "ISO 8601", "S")
    WEDNESDAY = ("2", N_("Wednesday"), "ISO 8601", "S")
    THURSDAY = ("3", N_("Thursday"), "ISO 8601", "S")
    FRIDAY = ("4", N_("Friday"), "ISO 8601", "S")
    SATURDAY = ("5", N_("Saturday"), "ISO 8601", "S")
    SUNDAY = ("6", N_("Sunday"), "ISO 8601", "S")


class RoutingBasis(Code):
    """Why the question goes to this State."""

    MAKER_COUNTRY = ("MAKER_COUNTRY", N_("Country of manufacture shown by the mark"),
        "ISACS slides; att-assistance.org", "S")
    IMPORT_MARK = ("IMPORT_MARK",
        N_("Country of last legal import shown by the import mark"),
        "att-assistance.org", "S")
    REGISTRY_HIT = ("REGISTRY_HIT", N_("Hit in a registry or external system"),
        "INTERPOL iARMS", "S")
    PREVIOUS_REPLY = ("PREVIOUS_REPLY", N_("Named in an earlier response"),
        "SDG 16.4.2 (successive requests)", "S")


class DomesticSearchOverride(Code):
    """Why no search at home came before the request."""

    NO_NATIONAL_REGISTRY = ("NO_NATIONAL_REGISTRY", N_("No: no national registry exists"),
        "design of this service", "D")
    OTHER = ("OTHER", N_("No, for another reason"), "design of this service", "D")

    @property
    def needs_text(self) -> bool:
        """Say whether the reason must be written out."""
        return self is DomesticSearchOverride.OTHER


class LegalBasis(Code):
    """The text under which one State asks another."""

    binding: str
    default_regimes: tuple[str, ...]

    def __init__(
        self,
        code: str,
        label: str = "",
        source: str = "",
        evidence: str = "",
        binding: str = "",
        default_regimes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(code, label, source, evidence)
        self.binding = binding
        self.default_regimes = default_regimes

    ITI = ("ITI", N_("International Tracing Instrument (A/60/88 annex)"),
        "ITI 16", "NV", "political", ("ITI_DEFAULT",))
    FIREARMS_PROTOCOL = ("FIREARMS_PROTOCOL", N_("UN Firearms Protocol, article 12"),
        "FP 12", "S", "treaty", ("FP_DEFAULT",))
    UNTOC_18 = ("UNTOC_18",
        N_("UN Convention against Transnational Organized Crime, article 18"),
        "UNTOC 18", "S", "treaty", ("UNTOC_REQUESTED", "FP_DEFAULT"))
    CETS_101 = ("CETS_101", N_("European Convention on the Control of the Acquisition "
           "and Possession of Firearms by Individuals (1978)"),
        "CETS 101 art 2", "S", "treaty", ("CUSTOM",))
    EU_2023_977 = ("EU_2023_977", N_("Directive (EU) 2023/977 on information exchange "
           "between law enforcement authorities"),
        "D977 4-6", "S", "EU law",
        ("EU977_URGENT_DIRECT", "EU977_URGENT_INDIRECT", "EU977_NORMAL"))
    CIFTA = ("CIFTA", N_("Inter-American Convention (CIFTA)"), "OAS", "NV", "treaty",
        ("CUSTOM",))
    ECOWAS = ("ECOWAS", N_("ECOWAS Convention, article 19"), "ECOWAS", "NV", "treaty",
        ("CUSTOM",))
    NAIROBI = ("NAIROBI", N_("Nairobi Protocol"), "NBPG", "NV", "treaty", ("CUSTOM",))
    SADC = ("SADC", N_("SADC Protocol on firearms"), "SADC", "NV", "treaty",
        ("CUSTOM",))
    KINSHASA = ("KINSHASA", N_("Kinshasa Convention"), "design of this service", "NV", "treaty",
        ("CUSTOM",))
    BILATERAL = ("BILATERAL", N_("Bilateral agreement or memorandum (name it)"),
        "design of this service", "D", "as agreed", ("CUSTOM",))
    OTHER = ("OTHER", N_("Other legal basis (name it)"), "design of this service", "D",
        "as stated", ("CUSTOM",))

    @property
    def needs_text(self) -> bool:
        """Say whether the basis must be named in words."""
        return self in (LegalBasis.BILATERAL, LegalBasis.OTHER)


class IllicitLimb(Code):
    """What makes the weapon illicit under the Tracing Instrument."""

    ILLICIT_LOCAL_LAW = ("ILLICIT_LOCAL_LAW",
        N_("Unlawful under the law of the State where it was found"), *ITI_6)
    ILLICIT_UNSC_EMBARGO = ("ILLICIT_UNSC_EMBARGO",
        N_("Transferred in breach of a Security Council arms embargo"), *ITI_6)
    ILLICIT_UNMARKED = ("ILLICIT_UNMARKED", N_("Not marked as the Instrument requires"),
        *ITI_6)
    ILLICIT_UNLICENSED_MANUFACTURE = ("ILLICIT_UNLICENSED_MANUFACTURE",
        N_("Made or assembled without a licence of the State of manufacture"), *ITI_6)
    ILLICIT_UNAUTHORISED_TRANSFER = ("ILLICIT_UNAUTHORISED_TRANSFER",
        N_("Transferred without authorisation of a competent authority"), *ITI_6)


class IllicitManufacturingReason(Code):
    """What makes the manufacture illicit under the Protocol."""

    FROM_TRAFFICKED_PARTS = ("FROM_TRAFFICKED_PARTS",
        N_("From illicitly trafficked parts and components"), "FP 3(d)", "S")
    WITHOUT_LICENCE = ("WITHOUT_LICENCE", N_("Without licence or authorisation"),
        "FP 3(d)", "S")
    WITHOUT_MARKING = ("WITHOUT_MARKING", N_("Without marking"), "FP 3(d)", "S")


class IllicitTraffickingReason(Code):
    """What makes the movement illicit under the Protocol."""

    NOT_AUTHORISED = ("NOT_AUTHORISED",
        N_("Cross-border movement not authorised by a State concerned"), "FP 3(e)", "S")
    NOT_MARKED = ("NOT_MARKED", N_("Cross-border movement of unmarked firearms"),
        "FP 3(e)", "S")


class AcquisitionMode(Code):
    """How the authority came by the item."""

    SEIZED_CRIMINAL = ("SEIZED_CRIMINAL",
        N_("Seized over a suspected criminal offence"), *SDG)
    SEIZED_ADMIN = ("SEIZED_ADMIN", N_("Seized over an administrative offence"), *SDG)
    FOUND = ("FOUND", N_("Found, no apparent holder, no planned operation"), *SDG)
    SURRENDERED = ("SURRENDERED", N_("Surrendered willingly"), *SDG)
    COLLECTED = ("COLLECTED", N_("Collected in a programme (campaign, DDR)"),
        "CTOC/COP/2018/L.5/Rev.1 12; SDG 16.4.2", "S")
    CONFISCATED = ("CONFISCATED", N_("Confiscated by decision"),
        "CTOC/COP/2018/L.5/Rev.1 12", "S")
    STOCK_LOSS = ("STOCK_LOSS",
        N_("Discovered as a loss from official or dealer stock"), "design of this service", "D")


class ItemKind(Code):
    """What sort of item is traced."""

    FIREARM = ("FIREARM", N_("Firearm or light weapon"), "FP 3(a); ITI 4", "S NV")
    PART = ("PART", N_("Part or component"), *FP_3B)
    AMMUNITION_LOT = ("AMMUNITION_LOT", N_("Ammunition (lot)"), *FP_3C)


class FirearmType(Code):
    """The eight types counted by the UNODC questionnaire (IAFQ)."""

    PISTOL = ("PISTOL", N_("Pistol"), *IAFQ_TYPE)
    REVOLVER = ("REVOLVER", N_("Revolver"), *IAFQ_TYPE)
    RIFLE = ("RIFLE", N_("Rifle (including carbine)"), *IAFQ_TYPE)
    SHOTGUN = ("SHOTGUN", N_("Shotgun (including short carbine)"), *IAFQ_TYPE)
    SUBMACHINE_GUN = ("SUBMACHINE_GUN", N_("Submachine gun"), *IAFQ_TYPE)
    MACHINE_GUN = ("MACHINE_GUN", N_("Machine gun"), *IAFQ_TYPE)
    OTHER = ("OTHER", N_("Other weapon"), *IAFQ_TYPE)
    UNKNOWN = ("UNKNOWN", N_("Type unknown"), *IAFQ_TYPE)


class SalwType(Code):
    """Small arms and light weapons; `.iafq` is None where the officer chooses."""

    iafq: FirearmType | None

    def __init__(
        self,
        code: str,
        label: str = "",
        source: str = "",
        evidence: str = "",
        iafq: FirearmType | None = None,
    ) -> None:
        super().__init__(code, label, source, evidence)
        self.iafq = iafq

    SA_REVOLVER = ("SA_REVOLVER", N_("Revolver"), *SALW, FirearmType.REVOLVER)
    SA_PISTOL = ("SA_PISTOL", N_("Self-loading pistol"), *SALW, FirearmType.PISTOL)
    SA_RIFLE = ("SA_RIFLE", N_("Rifle"), *SALW, FirearmType.RIFLE)
    SA_CARBINE = ("SA_CARBINE", N_("Carbine"), *SALW, FirearmType.RIFLE)
    SA_SHOTGUN = ("SA_SHOTGUN", N_("Shotgun"), *SALW, FirearmType.SHOTGUN)
    SA_SMG = ("SA_SMG", N_("Sub-machine gun"), *SALW, FirearmType.SUBMACHINE_GUN)
    SA_ASSAULT_RIFLE = ("SA_ASSAULT_RIFLE", N_("Assault rifle"), *SALW, None)
    SA_LMG = ("SA_LMG", N_("Light machine gun"), *SALW, FirearmType.MACHINE_GUN)
    LW_HMG = ("LW_HMG", N_("Heavy machine gun"), *SALW, FirearmType.MACHINE_GUN)
    LW_GRENADE_LAUNCHER_UB = ("LW_GRENADE_LAUNCHER_UB",
        N_("Hand-held under-barrel grenade launcher"), *SALW, FirearmType.OTHER)
    LW_GRENADE_LAUNCHER_MOUNTED = ("LW_GRENADE_LAUNCHER_MOUNTED",
        N_("Mounted grenade launcher"), *SALW, FirearmType.OTHER)
    LW_AA_GUN = ("LW_AA_GUN", N_("Portable anti-aircraft gun"), *SALW,
        FirearmType.OTHER)
    LW_AT_GUN = ("LW_AT_GUN", N_("Portable anti-tank gun"), *SALW, FirearmType.OTHER)
    LW_RECOILLESS = ("LW_RECOILLESS", N_("Recoilless rifle"), *SALW, FirearmType.OTHER)
    LW_AT_MISSILE_LAUNCHER = ("LW_AT_MISSILE_LAUNCHER",
        N_("Portable launcher of anti-tank missile systems"), *SALW, FirearmType.OTHER)
    LW_ROCKET_LAUNCHER = ("LW_ROCKET_LAUNCHER",
        N_("Portable launcher of rocket systems"), *SALW, FirearmType.OTHER)
    LW_MANPADS_LAUNCHER = ("LW_MANPADS_LAUNCHER",
        N_("Portable launcher of anti-aircraft missile systems"), *SALW,
        FirearmType.OTHER)
    LW_MORTAR_LT100 = ("LW_MORTAR_LT100", N_("Mortar below 100 mm"), *SALW,
        FirearmType.OTHER)


class NvdrsType(Code):
    """Firearm types of the US violent death reporting system."""

    iafq: FirearmType | None

    def __init__(
        self,
        code: str,
        label: str = "",
        source: str = "",
        evidence: str = "",
        iafq: FirearmType | None = None,
    ) -> None:
        super().__init__(code, label, source, evidence)
        self.iafq = iafq

    SUBMACHINE_GUN = ("FirearmType1", N_("Submachine gun"), *NVDRS,
        FirearmType.SUBMACHINE_GUN)
    HANDGUN = ("FirearmType2", N_("Handgun, type unknown"), *NVDRS, FirearmType.UNKNOWN)
    PISTOL_BOLT_ACTION = ("FirearmType3", N_("Pistol, bolt-action"), *NVDRS,
        FirearmType.PISTOL)
    PISTOL_DERRINGER = ("FirearmType4", N_("Pistol, derringer"), *NVDRS,
        FirearmType.PISTOL)
    PISTOL_SINGLE_SHOT = ("FirearmType5", N_("Pistol, single-shot"), *NVDRS,
        FirearmType.PISTOL)
    PISTOL_SEMI_AUTOMATIC = ("FirearmType6", N_("Pistol, semi-automatic"), *NVDRS,
        FirearmType.PISTOL)
    REVOLVER = ("FirearmType7", N_("Revolver"), *NVDRS, FirearmType.REVOLVER)
    RIFLE = ("FirearmType8", N_("Rifle, type unknown"), *NVDRS, FirearmType.RIFLE)
    RIFLE_AUTOMATIC = ("FirearmType9", N_("Rifle, automatic"), *NVDRS,
        FirearmType.UNKNOWN)
    RIFLE_BOLT_ACTION = ("FirearmType10", N_("Rifle, bolt-action"), *NVDRS,
        FirearmType.RIFLE)
    RIFLE_LEVER_ACTION = ("FirearmType11", N_("Rifle, lever-action"), *NVDRS,
        FirearmType.RIFLE)
    RIFLE_PUMP_ACTION = ("FirearmType12", N_("Rifle, pump-action"), *NVDRS,
        FirearmType.RIFLE)
    RIFLE_SEMI_AUTOMATIC = ("FirearmType13", N_("Rifle, semi-automatic"), *NVDRS,
        FirearmType.RIFLE)
    RIFLE_SINGLE_SHOT = ("FirearmType14", N_("Rifle, single-shot"), *NVDRS,
        FirearmType.RIFLE)
    RIFLE_SHOTGUN = ("FirearmType15", N_("Rifle-shotgun combination"), *NVDRS,
        FirearmType.OTHER)
    SHOTGUN = ("FirearmType16", N_("Shotgun, type unknown"), *NVDRS,
        FirearmType.SHOTGUN)
    SHOTGUN_AUTOMATIC = ("FirearmType17", N_("Shotgun, automatic"), *NVDRS,
        FirearmType.SHOTGUN)
    SHOTGUN_BOLT_ACTION = ("FirearmType18", N_("Shotgun, bolt-action"), *NVDRS,
        FirearmType.SHOTGUN)
    SHOTGUN_DOUBLE_BARREL = ("FirearmType19",
        N_("Shotgun, double barrel (over/under, side by side)"), *NVDRS,
        FirearmType.SHOTGUN)
    SHOTGUN_PUMP_ACTION = ("FirearmType20", N_("Shotgun, pump-action"), *NVDRS,
        FirearmType.SHOTGUN)
    SHOTGUN_SEMI_AUTOMATIC = ("FirearmType21", N_("Shotgun, semi-automatic"), *NVDRS,
        FirearmType.SHOTGUN)
    SHOTGUN_SINGLE_SHOT = ("FirearmType22", N_("Shotgun, single-shot"), *NVDRS,
        FirearmType.SHOTGUN)
    LONG_GUN = ("FirearmType23", N_("Long gun, type unknown"), *NVDRS,
        FirearmType.UNKNOWN)
    OTHER = ("FirearmType66", N_("Other (e.g. handmade)"), *NVDRS, FirearmType.OTHER)
    UNKNOWN = ("261665006", N_("Unknown"), *NVDRS, FirearmType.UNKNOWN)


class FiringAction(Code):
    """How a shot follows the one before."""

    AUTOMATIC = ("AUTOMATIC", N_("Automatic: more than one round per pull"), *EU_ACTION)
    SEMI_AUTOMATIC = ("SEMI_AUTOMATIC",
        N_("Semi-automatic: one round per pull, reloads itself"), *EU_ACTION)
    REPEATING = ("REPEATING", N_("Repeating: manual action from magazine or cylinder"),
        *EU_ACTION)
    SINGLE_SHOT = ("SINGLE_SHOT", N_("Single-shot: no magazine"), *EU_ACTION)


class FirearmLength(Code):
    """Short or long, by the measures of EU law."""

    SHORT = ("SHORT", N_("Short: barrel <= 30 cm or overall <= 60 cm"), *EU_ACTION)
    LONG = ("LONG", N_("Long: any other"), *EU_ACTION)


class EuCategory(Code):
    """The lines of Annex I to Regulation (EU) 2025/41."""

    A1 = ("A1", N_("Explosive military missiles and launchers"), *EU_PART_I)
    A2 = ("A2", N_("Automatic firearms"), *EU_PART_I)
    A3 = ("A3", N_("Firearms disguised as other objects"), *EU_PART_I)
    A4 = ("A4", N_("Ammunition with penetrating, explosive or incendiary projectiles"),
        *EU_PART_I)
    A5 = ("A5", N_("Handgun ammunition with expanding projectiles (exceptions apply)"),
        *EU_PART_I)
    A6 = ("A6", N_("Automatic firearms converted to semi-automatic"), *EU_PART_I)
    A7A = ("A7a",
        N_("Centre-fire semi-automatic, short, more than 21 rounds, loader over 20"),
        *EU_PART_I)
    A7B = ("A7b",
        N_("Centre-fire semi-automatic, long, more than 11 rounds, loader over 10"),
        *EU_PART_I)
    A8 = ("A8", N_("Semi-automatic long, reducible below 60 cm"), *EU_PART_I)
    A9 = ("A9", N_("Category A converted to blank, irritant, salute or acoustic use"),
        *EU_PART_I)
    B1 = ("B1", N_("Repeating short"), *EU_PART_I)
    B2 = ("B2", N_("Single-shot short, centre-fire"), *EU_PART_I)
    B3 = ("B3", N_("Single-shot short, rimfire, under 28 cm"), *EU_PART_I)
    B4 = ("B4", N_("Semi-automatic long: rimfire over 3 rounds; "
           "centre-fire over 3 and under 12"),
        *EU_PART_I)
    B5 = ("B5", N_("Semi-automatic short other than A7a"), *EU_PART_I)
    B6 = ("B6",
        N_("Semi-automatic long, up to 3 rounds, loader detachable or convertible"),
        *EU_PART_I)
    B7 = ("B7", N_("Repeating or semi-automatic long, smooth-bore, barrel up to 60 cm"),
        *EU_PART_I)
    B8 = ("B8", N_("Category B converted to blank, irritant, salute or acoustic use"),
        *EU_PART_I)
    B9 = ("B9", N_("Civilian semi-automatic resembling an automatic, other than A6-A8"),
        *EU_PART_I)
    C1 = ("C1", N_("Repeating long other than B7"), *EU_PART_I)
    C2 = ("C2", N_("Single-shot long, rifled"), *EU_PART_I)
    C3 = ("C3", N_("Semi-automatic long other than A or B"), *EU_PART_I)
    C4 = ("C4", N_("Single-shot short, rimfire, 28 cm or more"), *EU_PART_I)
    C5 = ("C5", N_("Category C converted to blank, irritant, salute or acoustic use"),
        *EU_PART_I)
    C6 = ("C6", N_("Deactivated under Reg 2015/2403"), *EU_PART_I)
    C7 = ("C7",
        N_("Single-shot long, smooth-bore, marketed on or after 14 September 2018"),
        *EU_PART_I)
    II_1 = ("II.1", N_("Collections and collectors' pieces of historical interest"),
        *EU_PART_II)
    II_2 = ("II.2", N_("Ammunition and its components"), *EU_PART_II)
    II_3 = ("II.3", N_("Essential components, even semi-finished"), *EU_PART_II)
    III_1 = ("III.1", N_("Non-convertible alarm and signal weapons"),
        "Reg 2025/41 Annex I, part III", "S")
    IV_1 = ("IV.1", N_("Sound moderators"), "Reg 2025/41 Annex I, part IV", "S")


class SerialStatus(Code):
    """What the examiner can say of the serial number."""

    INTACT = ("INTACT", N_("Fully readable"), "design of this service", "D")
    ALTERED = ("ALTERED", N_("Changed or over-stamped"),
        "design of this service; FP 5(1)(c)", "D S")
    OBLITERATED = ("OBLITERATED", N_("Removed, not restored"),
        "design of this service; FP 5(1)(c)", "D S")
    RESTORED_FULL = ("RESTORED_FULL", N_("Restored completely by a laboratory"),
        "design of this service", "D")
    RESTORED_PARTIAL = ("RESTORED_PARTIAL",
        N_("Restored in part, some positions unknown"), "design of this service", "D")
    NEVER_MARKED = ("NEVER_MARKED",
        N_("Never marked (craft, printed, older than marking laws)"),
        "design of this service", "D")
    UNKNOWN = ("UNKNOWN", N_("Not examined"), "design of this service", "D")

    @property
    def needs_restoration(self) -> bool:
        """Say whether method, examiner, date and confidence must be stated."""
        return self in (SerialStatus.RESTORED_FULL, SerialStatus.RESTORED_PARTIAL)


class RestorationMethod(Code):
    """How a serial number was made readable again."""

    CHEMICAL = ("CHEMICAL", N_("Chemical"), "design of this service", "D")
    MAGNETIC = ("MAGNETIC", N_("Magnetic"), "design of this service", "D")
    VISUAL = ("VISUAL", N_("Visual"), "design of this service", "D")


class MarkType(Code):
    """The kinds of marks found on an item."""

    MANUFACTURER = ("MANUFACTURER", N_("Name or trademark of the manufacturer"),
        "FP 8(1)(a)", "S")
    COUNTRY_OF_MANUFACTURE = ("COUNTRY_OF_MANUFACTURE",
        N_("Country or place of manufacture"), "FP 8(1)(a)", "S")
    SERIAL = ("SERIAL", N_("Serial number"), "FP 8(1)(a)", "S")
    YEAR = ("YEAR", N_("Year of manufacture"), "Reg 2025/41 30(6)(a)", "S")
    MODEL = ("MODEL", N_("Model"), "ITI 8(a)", "S2")
    CALIBRE = ("CALIBRE", N_("Calibre"), "ITI 8(a)", "S2")
    GEOMETRIC = ("GEOMETRIC", N_("Geometric symbols with code"), "FP 8(1)(a)", "S")
    IMPORT = ("IMPORT", N_("Import mark: country and, where possible, year"),
        "FP 8(1)(b)", "S")
    IMPORTER_NAME = ("IMPORTER_NAME", N_("Importer"), "ATF F 3312.1 5h", "S")
    DEALER = ("DEALER", N_("Dealer or importer mark"), "XPolizei", "S")
    GOV_TRANSFER = ("GOV_TRANSFER",
        N_("Transfer from government stock to civilian use"), "FP 8(1)(c)", "S")
    PROOF = ("PROOF", N_("Proof or approval mark"), "XPolizei", "S")
    DEACTIVATION = ("DEACTIVATION", N_("Deactivation mark or certificate"),
        "FP 9(c)", "S")
    FORCES = ("FORCES", N_("Mark of armed or security forces"),
        "ADF (ECOWAS example)", "S")
    UNIT = ("UNIT", N_("Unit mark"), "ADF (ECOWAS example)", "S")
    ASSEMBLY = ("ASSEMBLY", N_("Assembly number"), "ISACS slides", "S")
    PATENT = ("PATENT", N_("Patent number"), "ISACS slides", "S")
    INSPECTOR = ("INSPECTOR", N_("Inspector mark"), "design of this service", "D")
    LOT = ("LOT", N_("Ammunition lot"), "Small Arms Survey Issue Brief 3", "S2")
    QR = ("QR", N_("QR code"), "COM(2021) 647", "S2")
    RFID = ("RFID", N_("RFID tag"), "COM(2021) 647", "S2")
    COVERT = ("COVERT", N_("Covert mark (e.g. laser serial on firing pin)"),
        "UNIDIR/SAS 2003", "S")

    @property
    def often_mistaken_for_serial(self) -> bool:
        """Say whether officers often copy this mark as the serial number."""
        return self in (MarkType.ASSEMBLY, MarkType.PATENT, MarkType.INSPECTOR)


class Condition(Code):
    """How the item came to be what it is; `.parent` is the broader word."""

    parent: str

    def __init__(
        self,
        code: str,
        label: str = "",
        source: str = "",
        evidence: str = "",
        parent: str = "",
    ) -> None:
        super().__init__(code, label, source, evidence)
        self.parent = parent

    INDUSTRIAL = ("INDUSTRIAL", N_("Industrially manufactured"), *IAFQ_CONDITION)
    CONVERTED = ("CONVERTED", N_("Converted"), *IAFQ_CONDITION)
    REACTIVATED = ("REACTIVATED", N_("Reactivated"),
        "IAFQ by condition; Reg 2025/41 30(6)(c)", "S")
    MODIFIED = ("MODIFIED", N_("Modified"), *IAFQ_CONDITION)
    ASSEMBLED = ("ASSEMBLED", N_("Assembled"), *IAFQ_CONDITION)
    ILLICIT_OTHER = ("ILLICIT_OTHER", N_("Otherwise illicitly manufactured"),
        *IAFQ_CONDITION)
    CRAFT_HANDMADE = ("CRAFT_HANDMADE", N_("Hand-made or home-made"),
        "Reg 2025/41 30(6)(c)", "S", "ILLICIT_OTHER")
    ADDITIVE = ("ADDITIVE", N_("Made by additive manufacturing"),
        "Reg 2025/41 30(6)(c)", "S", "ILLICIT_OTHER")
    ALARM_SIGNAL_CONVERSION = ("ALARM_SIGNAL_CONVERSION",
        N_("Converted alarm or signal weapon"), "Reg 2025/41 30(6)(c)", "S",
        "CONVERTED")
    SEMI_FINISHED_KIT = ("SEMI_FINISHED_KIT", N_("From a semi-finished kit"),
        "design of this service; Reg 2025/41 Annex I II(3)", "D", "ASSEMBLED")


class Part(Code):
    """Parts and components; the essential ones can be traced alone."""

    BARREL = ("BARREL", N_("Barrel"), *FP_3B)
    FRAME = ("FRAME", N_("Frame"), *FP_3B)
    RECEIVER = ("RECEIVER", N_("Receiver"), *FP_3B)
    SLIDE = ("SLIDE", N_("Slide"), *FP_3B)
    CYLINDER = ("CYLINDER", N_("Cylinder"), *FP_3B)
    BOLT = ("BOLT", N_("Bolt"), *FP_3B)
    BREECH_BLOCK = ("BREECH_BLOCK", N_("Breech block"), *FP_3B)
    SOUND_MODERATOR = ("SOUND_MODERATOR", N_("Sound moderator"),
        "FP 3(b); Reg 2025/41 Annex I IV", "S")
    SEMI_FINISHED_COMPONENT = ("SEMI_FINISHED_COMPONENT",
        N_("Semi-finished essential component"), "Reg 2025/41 Annex I II(3)", "S")
    MAGAZINE = ("MAGAZINE", N_("Magazine"), "design of this service", "D")
    STOCK = ("STOCK", N_("Stock"), "design of this service", "D")
    TRIGGER_GROUP = ("TRIGGER_GROUP", N_("Trigger group"), "design of this service", "D")
    CONVERSION_DEVICE = ("CONVERSION_DEVICE", N_("Conversion device"),
        "design of this service", "D")

    @property
    def essential(self) -> bool:
        """Say whether the Protocol or EU law counts the part as essential."""
        return self not in (
            Part.MAGAZINE,
            Part.STOCK,
            Part.TRIGGER_GROUP,
            Part.CONVERSION_DEVICE,
        )


class AmmunitionComponent(Code):
    """What ammunition consists of."""

    COMPLETE_ROUND = ("COMPLETE_ROUND", N_("Complete round"), *FP_3C)
    CASE = ("CASE", N_("Cartridge case"), *FP_3C)
    PRIMER = ("PRIMER", N_("Primer"), *FP_3C)
    POWDER = ("POWDER", N_("Propellant powder"), *FP_3C)
    PROJECTILE = ("PROJECTILE", N_("Bullet or projectile"), *FP_3C)


class SeizurePlace(Code):
    """Where the item was seized, as the questionnaire counts it."""

    NATIONAL_TERRITORY = ("NATIONAL_TERRITORY", N_("National territory"), *IAFQ_PLACE)
    LAND_BORDER = ("LAND_BORDER", N_("Land border"), *IAFQ_PLACE)
    AIRPORT = ("AIRPORT", N_("Aircraft or airport"), *IAFQ_PLACE)
    PORT_VESSEL = ("PORT_VESSEL", N_("Vessel or harbour"), *IAFQ_PLACE)
    OTHER = ("OTHER", N_("Other"), *IAFQ_PLACE)
    UNKNOWN = ("UNKNOWN", N_("Unknown"), *IAFQ_PLACE)


class SeizurePlaceEu(Code):
    """Where the item was seized, as EU customs law puts it."""

    place: SeizurePlace | None

    def __init__(
        self,
        code: str,
        label: str = "",
        source: str = "",
        evidence: str = "",
        place: SeizurePlace | None = None,
    ) -> None:
        super().__init__(code, label, source, evidence)
        self.place = place

    INLAND = ("INLAND", N_("Inland"), *EU_PLACE, SeizurePlace.NATIONAL_TERRITORY)
    BORDER_CROSSING_POINT = ("BORDER_CROSSING_POINT", N_("Border crossing point"),
        *EU_PLACE)
    LAND_BORDER = ("LAND_BORDER", N_("Land border"), *EU_PLACE,
        SeizurePlace.LAND_BORDER)
    AIRPORT = ("AIRPORT", N_("Airport"), *EU_PLACE, SeizurePlace.AIRPORT)
    MARITIME_PORT = ("MARITIME_PORT", N_("Maritime port"), *EU_PLACE,
        SeizurePlace.PORT_VESSEL)


class TransportMode(Code):
    """How the item travelled."""

    CONTAINER = ("CONTAINER", N_("Container"), *EU_TRANSPORT)
    LORRY_VAN = ("LORRY_VAN", N_("Lorry or van"), *EU_TRANSPORT)
    PERSONAL_VEHICLE = ("PERSONAL_VEHICLE", N_("Personal vehicle"), *EU_TRANSPORT)
    BUS_COACH = ("BUS_COACH", N_("Bus or coach"), *EU_TRANSPORT)
    TRAIN = ("TRAIN", N_("Train"), *EU_TRANSPORT)
    COMMERCIAL_AVIATION = ("COMMERCIAL_AVIATION", N_("Commercial aviation"),
        *EU_TRANSPORT)
    GENERAL_AVIATION = ("GENERAL_AVIATION", N_("General aviation"), *EU_TRANSPORT)
    POSTAL_PARCEL = ("POSTAL_PARCEL", N_("Postal freight and parcels"), *EU_TRANSPORT)


class LegalJustification(Code):
    """The legal justification of the seizure."""

    ILLICIT_POSSESSION = ("ILLICIT_POSSESSION", N_("Illicit possession"),
        *IAFQ_JUSTIFICATION)
    ILLICIT_TRAFFICKING = ("ILLICIT_TRAFFICKING", N_("Illicit trafficking"),
        *IAFQ_JUSTIFICATION)
    ILLICIT_USE = ("ILLICIT_USE", N_("Illicit use"), *IAFQ_JUSTIFICATION)
    ILLICIT_MANUFACTURE = ("ILLICIT_MANUFACTURE", N_("Illicit manufacture"),
        *IAFQ_JUSTIFICATION)
    ALTERED_MARKINGS = ("ALTERED_MARKINGS", N_("Altered markings"), *IAFQ_JUSTIFICATION)
    OTHER = ("OTHER", N_("Other"), *IAFQ_JUSTIFICATION)
    UNKNOWN = ("UNKNOWN", N_("Unknown"), *IAFQ_JUSTIFICATION)


class LinkedOffence(Code):
    """Other offences suspected in the case."""

    DRUGS = ("DRUGS", N_("Drugs"), *IAFQ_OFFENCE)
    OTHER_ARMS = ("OTHER_ARMS", N_("Other arms offences"), *IAFQ_OFFENCE)
    VIOLENT_CRIME = ("VIOLENT_CRIME", N_("Violent crime"), *IAFQ_OFFENCE)
    OTHER_TRAFFICKING = ("OTHER_TRAFFICKING", N_("Other trafficking"), *IAFQ_OFFENCE)
    TERRORISM = ("TERRORISM", N_("Terrorism"), *IAFQ_OFFENCE)
    OTHER_ORGANISED = ("OTHER_ORGANISED", N_("Other forms of organized crime"),
        *IAFQ_OFFENCE)
    OTHER = ("OTHER", N_("Other"), *IAFQ_OFFENCE)
    ILLICIT_OFFENCES = ("ILLICIT_OFFENCES",
        N_("Label of unclear meaning in the published file"), *IAFQ_OFFENCE)

    @property
    def offered(self) -> bool:
        """Say whether forms offer the word; one is in the file and means nothing."""
        return self is not LinkedOffence.ILLICIT_OFFENCES


class PersonOffence(Code):
    """What an arrested person is suspected of, as the questionnaire counts."""

    ONLY_TRAFFICKING = ("ONLY_TRAFFICKING", N_("Only for illicit trafficking in arms"),
        *IAFQ_PERSON)
    WITH_POSSESSION_USE = ("WITH_POSSESSION_USE",
        N_("Illicit trafficking and illicit possession or use of arms"), *IAFQ_PERSON)
    WITH_DRUGS = ("WITH_DRUGS", N_("Illicit trafficking of arms and drug trafficking"),
        *IAFQ_PERSON)
    WITH_OTHER_TRAFFICKING = ("WITH_OTHER_TRAFFICKING",
        N_("Illicit trafficking of arms and other types of trafficking"), *IAFQ_PERSON)
    WITH_VIOLENT_CRIME = ("WITH_VIOLENT_CRIME",
        N_("Illicit trafficking of arms and violent crime"), *IAFQ_PERSON)
    WITH_TERRORISM = ("WITH_TERRORISM", N_("Illicit trafficking of arms and terrorism"),
        *IAFQ_PERSON)
    WITH_OTHER_ARMS = ("WITH_OTHER_ARMS",
        N_("Illicit trafficking and other arms offences"), *IAFQ_PERSON)
    WITH_OTHER = ("WITH_OTHER", N_("Illicit trafficking of arms and other offences"),
        *IAFQ_PERSON)


class Sex(Code):
    """Sex as the questionnaire counts it, and one word it lacks."""

    MALE = ("MALE", N_("Male"), "IAFQ Sex", "S")
    FEMALE = ("FEMALE", N_("Female"), "IAFQ Sex", "S")
    OTHER = ("OTHER", N_("Other"), "design of this service", "D")
    UNKNOWN = ("UNKNOWN", N_("Unknown"), "IAFQ Sex", "S")


class ChainActor(Code):
    """Who handled the item on its lawful way."""

    MANUFACTURER = ("MANUFACTURER", N_("Manufacturer"), "FP 12(1)", "S")
    PROOF_HOUSE = ("PROOF_HOUSE", N_("Proof house"), "UNIDIR/SAS 2003", "S")
    IMPORTER = ("IMPORTER", N_("Importer"), "FP 12(1)", "S")
    EXPORTER = ("EXPORTER", N_("Exporter"), "FP 12(1)", "S")
    WHOLESALER = ("WHOLESALER", N_("Wholesaler"), "Directive 2021/555", "S2")
    DEALER = ("DEALER", N_("Dealer"), "FP 12(1)", "S")
    BROKER = ("BROKER", N_("Broker"), "FP 15", "S")
    CARRIER = ("CARRIER", N_("Carrier"), "FP 12(1)", "S")
    STATE_AGENCY = ("STATE_AGENCY", N_("State agency or forces"), "FP 8(1)(c)", "S")
    PRIVATE_OWNER = ("PRIVATE_OWNER", N_("Private owner"), "Directive 2021/555", "S2")
    FORWARDER = ("FORWARDER", N_("Freight forwarder"), "design of this service", "D")


class ChainEventType(Code):
    """What happened to the item on its lawful way."""

    MANUFACTURE = ("MANUFACTURE", N_("Manufacture"), *CHAIN)
    SALE = ("SALE", N_("Sale"), *CHAIN)
    IMPORT = ("IMPORT", N_("Import"), *CHAIN)
    EXPORT = ("EXPORT", N_("Export"), *CHAIN)
    TRANSIT = ("TRANSIT", N_("Transit"), *CHAIN)
    REGISTRATION = ("REGISTRATION", N_("Registration"), *CHAIN)
    THEFT_REPORT = ("THEFT_REPORT", N_("Theft report"), *CHAIN)
    LOSS_REPORT = ("LOSS_REPORT", N_("Loss report"), *CHAIN)
    DEACTIVATION = ("DEACTIVATION", N_("Deactivation"), *CHAIN)
    DESTRUCTION = ("DESTRUCTION", N_("Destruction"), *CHAIN)


class LastLegalStatus(Code):
    """The last lawful status on record."""

    DEACTIVATED = ("DEACTIVATED", N_("Deactivated"), *SDG)
    STOLEN = ("STOLEN", N_("Stolen"), *SDG)
    LOST = ("LOST", N_("Lost"), *SDG)
    SEIZED = ("SEIZED", N_("Seized"), *SDG)
    FOUND = ("FOUND", N_("Found"), *SDG)
    SURRENDERED = ("SURRENDERED", N_("Surrendered"), *SDG)
    SENT_FOR_DESTRUCTION = ("SENT_FOR_DESTRUCTION", N_("Sent for destruction"), *SDG)
    CONFISCATED = ("CONFISCATED", N_("Confiscated"), *SDG)
    IN_TRANSIT = ("IN_TRANSIT", N_("In transit"), *SDG)
    HELD_LEGALLY = ("HELD_LEGALLY", N_("Held legally"), "design of this service", "D")


class Disposal(Code):
    """What became of the item; `.needs` names what must be stated."""

    needs: tuple[str, ...]

    def __init__(
        self,
        code: str,
        label: str = "",
        source: str = "",
        evidence: str = "",
        needs: tuple[str, ...] = (),
    ) -> None:
        super().__init__(code, label, source, evidence)
        self.needs = needs

    DESTROYED = ("DESTROYED", N_("Destroyed"), "FP 6(2)", "S",
        ("method", "authority", "date"))
    DEACTIVATED = ("DEACTIVATED", N_("Deactivated"), "FP 6(2), 9", "S",
        ("certificate_number", "authority", "date"))
    RETAINED_OFFICIAL_USE = ("RETAINED_OFFICIAL_USE", N_("Kept for official use"),
        "FP 6(2)", "S", ("authority", "date", "new_mark"))
    RETURNED = ("RETURNED", N_("Returned to the lawful owner"), "design of this service", "D",
        ("authority", "date"))
    SOLD_MARKED = ("SOLD_MARKED", N_("Sold after marking"), "FP 6(2)", "S",
        ("authority", "date", "new_mark"))
    EVIDENCE_HOLD = ("EVIDENCE_HOLD", N_("Held as evidence"), "design of this service", "D",
        ("authority", "date"))


class IafqCategory(Code):
    """The tracing results of the questionnaire; totals are not leaves."""

    UI_NAT_LEGIT = ("UI_NAT_LEGIT",
        N_("Uniquely identifiable - from legitimate owner in national registry"),
        *IAFQ_RESULT)
    UI_NAT_ILLEGIT = ("UI_NAT_ILLEGIT",
        N_("Uniquely identifiable - from illegitimate owner in national registry"),
        *IAFQ_RESULT)
    UI_FOREIGN_ILLEGIT = ("UI_FOREIGN_ILLEGIT",
        N_("Uniquely identifiable - from illegitimate owner in foreign registry"),
        *IAFQ_RESULT)
    UI_OTHER_MEANS = ("UI_OTHER_MEANS",
        N_("Uniquely identifiable - point of diversion otherwise identified"),
        *IAFQ_RESULT)
    UI_TRIED_NO_POD = ("UI_TRIED_NO_POD",
        N_("Uniquely identifiable - tracing attempted, "
           "no point of diversion identified"),
        *IAFQ_RESULT)
    UI_PENDING = ("UI_PENDING", N_("Uniquely identifiable - tracing procedure pending"),
        *IAFQ_RESULT)
    UI_NOT_STARTED = ("UI_NOT_STARTED",
        N_("Uniquely identifiable - no tracing procedure initiated"), *IAFQ_RESULT)
    UI_TOTAL = ("UI_TOTAL",
        N_("Uniquely identifiable - total uniquely identifiable through marking"),
        *IAFQ_RESULT)
    NUI_ERASED = ("NUI_ERASED",
        N_("Not uniquely identifiable - Erased or altered marking"), *IAFQ_RESULT)
    NUI_ILLICIT_MFR = ("NUI_ILLICIT_MFR",
        N_("Not uniquely identifiable - Illicitly manufactured"), *IAFQ_RESULT)
    NUI_NO_INFO = ("NUI_NO_INFO",
        N_("Not uniquely identifiable - No further information available"),
        *IAFQ_RESULT)
    NUI_TOTAL = ("NUI_TOTAL", N_("Total not uniquely identifiable through marking"),
        *IAFQ_RESULT)
    UNKNOWN_MARKING = ("UNKNOWN_MARKING", N_("Unknown status regarding marking"),
        *IAFQ_RESULT)

    @property
    def is_total(self) -> bool:
        """Say whether the row adds up others."""
        return self in (IafqCategory.UI_TOTAL, IafqCategory.NUI_TOTAL)


class NextAction(Code):
    """What the requesting officer can do next."""

    USE = ("USE", N_("Use the result in the case"), *OUTCOME)
    FEEDBACK = ("FEEDBACK", N_("Send feedback to the requested State"), *OUTCOME)
    CLOSE = ("CLOSE", N_("Close with the closure record"), *OUTCOME)
    CLOSE_FILE = ("CLOSE_FILE", N_("Close the file"), *OUTCOME)
    INVESTIGATE_HOLDER = ("INVESTIGATE_HOLDER", N_("Investigate the last legal holder"),
        *OUTCOME)
    FOLLOW_UP_QUESTION = ("FOLLOW_UP_QUESTION", N_("Ask a follow-up question"),
        *OUTCOME)
    SUCCESSIVE_REQUEST = ("SUCCESSIVE_REQUEST",
        N_("Make a successive request to the next State"), *OUTCOME)
    CHECK_IDENTIFICATION = ("CHECK_IDENTIFICATION",
        N_("Check the identification again"), *OUTCOME)
    TRY_IMPORT_MARK_STATE = ("TRY_IMPORT_MARK_STATE",
        N_("Ask the State of the import mark"), *OUTCOME)
    RE_EXAMINE = ("RE_EXAMINE", N_("Have the weapon examined again"), *OUTCOME)
    REOPEN_OR_NEW_REQUEST = ("REOPEN_OR_NEW_REQUEST",
        N_("Reopen or file a new request"), *OUTCOME)
    REDIRECT = ("REDIRECT", N_("Redirect to the right State"), *OUTCOME)
    TRANSFER = ("TRANSFER",
        N_("Transfer to the right authority, keep a note of the clock"), *OUTCOME)
    DIPLOMATIC_OR_MILITARY_CHANNEL = ("DIPLOMATIC_OR_MILITARY_CHANNEL",
        N_("Use the diplomatic or military channel"), *OUTCOME)
    RAISE_INDICATOR = ("RAISE_INDICATOR", N_("Raise risk indicator R09"), *OUTCOME)
    DIVERSION_ACTION = ("DIVERSION_ACTION", N_("Start action on the diversion"),
        *OUTCOME)
    LINK = ("LINK", N_("Link to the other request"), *OUTCOME)
    QUERY_RESPONSE = ("QUERY_RESPONSE", N_("Ask for reasons or clarification"),
        *OUTCOME)
    MUTUAL_LEGAL_ASSISTANCE = ("MUTUAL_LEGAL_ASSISTANCE",
        N_("Consider mutual legal assistance"), *OUTCOME)
    REMIND = ("REMIND", N_("Send a reminder"), *OUTCOME)
    REMIND_ON_REVIEW_DATE = ("REMIND_ON_REVIEW_DATE", N_("Remind on the review date"),
        *OUTCOME)
    ESCALATE_NPC = ("ESCALATE_NPC", N_("Escalate to the national point of contact"),
        *OUTCOME)
    ESCALATE_INTERPOL = ("ESCALATE_INTERPOL", N_("Escalate through INTERPOL"), *OUTCOME)
    ESCALATE_DIPLOMATIC = ("ESCALATE_DIPLOMATIC",
        N_("Escalate through the diplomatic channel"), *OUTCOME)
    WITHDRAW = ("WITHDRAW", N_("Withdraw with that reason"), *OUTCOME)


BY_REGISTRY: Final = (
    IafqCategory.UI_NAT_LEGIT,
    IafqCategory.UI_NAT_ILLEGIT,
    IafqCategory.UI_FOREIGN_ILLEGIT,
)
SEARCHED: Final = ("registers_searched", "years_searched")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an outcome asks of the answer, and what it leads to."""

    next_actions: tuple[NextAction, ...] = ()
    iafq: tuple[IafqCategory, ...] = ()
    iafq_rule: str = ""
    needs: tuple[str, ...] = ()
    needs_search: bool = True
    limits_answer: bool = False


PLAIN: Final = Answer()


class Outcome(Code):
    """What the requested State answers."""

    needs_search: bool
    needs: tuple[str, ...]
    limits_answer: bool
    needs_ground: bool
    next_actions: tuple[NextAction, ...]
    iafq: tuple[IafqCategory, ...]
    iafq_rule: str

    def __init__(
        self,
        code: str,
        label: str = "",
        source: str = "",
        evidence: str = "",
        answer: Answer = PLAIN,
    ) -> None:
        super().__init__(code, label, source, evidence)
        searched = SEARCHED if answer.needs_search else ()
        self.needs_search = answer.needs_search
        # Every answer says how it may be used, be it only that it may be used freely.
        self.needs = (*searched, *answer.needs, "restrictions")
        self.limits_answer = answer.limits_answer
        self.needs_ground = answer.limits_answer
        self.next_actions = answer.next_actions
        self.iafq = answer.iafq
        self.iafq_rule = answer.iafq_rule

    FULL = ("FULL",
        N_("Chain known to the last legal holder and the point of diversion"), *OUTCOME,
        Answer(needs=("chain_events", "last_legal_holder", "last_legal_status",
                   "diversion_place", "diversion_date", "diversion_manner"),
               next_actions=(NextAction.USE, NextAction.FEEDBACK, NextAction.CLOSE),
               iafq=BY_REGISTRY, iafq_rule="by registry and possessor, design of this service"))
    FULL_HOLDER_ONLY = ("FULL_HOLDER_ONLY",
        N_("Last legal holder known, diversion not clear"), *OUTCOME,
        Answer(needs=("chain_events", "last_legal_holder"),
               next_actions=(NextAction.INVESTIGATE_HOLDER, NextAction.CLOSE),
               iafq=(IafqCategory.UI_NAT_LEGIT, IafqCategory.UI_TRIED_NO_POD),
               iafq_rule="officer decides"))
    PARTIAL = ("PARTIAL", N_("Part of the chain known"), *OUTCOME,
        Answer(needs=("chain_events", "trail_end", "missing_records"),
               next_actions=(NextAction.FOLLOW_UP_QUESTION,
                   NextAction.SUCCESSIVE_REQUEST),
               iafq=(IafqCategory.UI_TRIED_NO_POD, IafqCategory.UI_PENDING),
               iafq_rule="UI_PENDING while another request of the chain is open"))
    NO_RECORD = ("NO_RECORD", N_("Weapon identified, nothing found"), *OUTCOME,
        Answer(next_actions=(NextAction.CHECK_IDENTIFICATION,
                   NextAction.TRY_IMPORT_MARK_STATE),
               iafq=(IafqCategory.UI_TRIED_NO_POD,),
               iafq_rule="unless another request of the chain is open"))
    RECORD_EXPIRED = ("RECORD_EXPIRED", N_("Records destroyed, expired or too old"),
        *OUTCOME,
        Answer(needs=("retention_rule",),
               next_actions=(NextAction.CHECK_IDENTIFICATION,
                   NextAction.TRY_IMPORT_MARK_STATE),
               iafq=(IafqCategory.UI_TRIED_NO_POD,),
               iafq_rule="unless another request of the chain is open"))
    CANNOT_IDENTIFY = ("CANNOT_IDENTIFY", N_("Data contradictory or insufficient"),
        *OUTCOME,
        Answer(needs=("mark_discrepancies", "information_needed"),
               next_actions=(NextAction.RE_EXAMINE, NextAction.REOPEN_OR_NEW_REQUEST),
               iafq=(IafqCategory.UI_PENDING,), iafq_rule="stays pending"))
    NOT_OUR_MANUFACTURE = ("NOT_OUR_MANUFACTURE",
        N_("Marks show a copy or another plant"), *OUTCOME,
        Answer(needs=("reason",),
               next_actions=(NextAction.REDIRECT, NextAction.SUCCESSIVE_REQUEST),
               iafq=(IafqCategory.UI_PENDING,), iafq_rule="pending"))
    WRONG_ADDRESSEE = ("WRONG_ADDRESSEE", N_("Another authority or State is competent"),
        *OUTCOME,
        Answer(needs=("right_authority",),
               next_actions=(NextAction.TRANSFER, NextAction.SUCCESSIVE_REQUEST),
               iafq=(IafqCategory.UI_PENDING,), iafq_rule="pending",
               needs_search=False))
    EXPORTED = ("EXPORTED", N_("Lawfully exported to another State"), *OUTCOME,
        Answer(needs=("chain_events", "onward_state", "onward_contact", "export_date",
                   "export_licence", "consignee", "consignment", "serial_range"),
               next_actions=(NextAction.SUCCESSIVE_REQUEST,),
               iafq=(IafqCategory.UI_PENDING,),
               iafq_rule="pending until the onward request ends"))
    TRANSIT_ONLY = ("TRANSIT_ONLY", N_("Only passed in transit"), *OUTCOME,
        Answer(needs=("transit_from", "transit_to", "transit_date"),
               next_actions=(NextAction.REDIRECT, NextAction.SUCCESSIVE_REQUEST),
               iafq=(IafqCategory.UI_PENDING,), iafq_rule="pending"))
    STATE_STOCK = ("STATE_STOCK", N_("Went to own or foreign forces"), *OUTCOME,
        Answer(needs=("holding_force",),
               next_actions=(NextAction.DIPLOMATIC_OR_MILITARY_CHANNEL,), iafq=(),
               iafq_rule="officer decides"))
    REPORTED_STOLEN = ("REPORTED_STOLEN", N_("Reported stolen"), *OUTCOME,
        Answer(needs=("report_date", "report_number", "report_place"),
               next_actions=(NextAction.USE, NextAction.FEEDBACK, NextAction.CLOSE),
               iafq=(IafqCategory.UI_NAT_ILLEGIT, IafqCategory.UI_FOREIGN_ILLEGIT),
               iafq_rule="diversion point = the report; by registry"))
    REPORTED_LOST = ("REPORTED_LOST", N_("Reported lost"), *OUTCOME,
        Answer(needs=("report_date", "report_number", "report_place"),
               next_actions=(NextAction.USE, NextAction.FEEDBACK, NextAction.CLOSE),
               iafq=(IafqCategory.UI_NAT_ILLEGIT, IafqCategory.UI_FOREIGN_ILLEGIT),
               iafq_rule="diversion point = the report; by registry"))
    DESTROYED_ON_RECORD = ("DESTROYED_ON_RECORD",
        N_("Destroyed according to the record"), *OUTCOME,
        Answer(needs=("certificate_number", "certificate_date"),
               next_actions=(NextAction.RAISE_INDICATOR, NextAction.DIVERSION_ACTION),
               iafq=BY_REGISTRY,
               iafq_rule="diversion at that event; by registry and possessor"))
    DEACTIVATED_ON_RECORD = ("DEACTIVATED_ON_RECORD",
        N_("Deactivated according to the record"), *OUTCOME,
        Answer(needs=("certificate_number", "certificate_date"),
               next_actions=(NextAction.RAISE_INDICATOR, NextAction.DIVERSION_ACTION),
               iafq=BY_REGISTRY,
               iafq_rule="diversion at that event; by registry and possessor"))
    DUPLICATE = ("DUPLICATE", N_("Already asked"), *OUTCOME,
        Answer(needs=("other_reference",), next_actions=(NextAction.LINK,), iafq=(),
               iafq_rule="that of the other request", needs_search=False))
    RESTRICTED = ("RESTRICTED", N_("Content limited"),
        "ITI 22-23; UNTOC 18(23)", "NV S",
        Answer(needs=("withheld_kinds", "grounds", "reason"),
               next_actions=(NextAction.QUERY_RESPONSE,),
               iafq=(IafqCategory.UI_NAT_LEGIT, IafqCategory.UI_NAT_ILLEGIT,
                   IafqCategory.UI_FOREIGN_ILLEGIT, IafqCategory.UI_TRIED_NO_POD,
                   IafqCategory.UI_PENDING), iafq_rule="by what was given",
               limits_answer=True))
    REFUSED = ("REFUSED", N_("No information given"),
        "ITI 22-23; UNTOC 18(21), 18(23), 18(26)", "NV S",
        Answer(needs=("consultation", "grounds", "reason"),
               next_actions=(NextAction.QUERY_RESPONSE,
                   NextAction.MUTUAL_LEGAL_ASSISTANCE),
               iafq=(IafqCategory.UI_TRIED_NO_POD,),
               iafq_rule="unless another request of the chain is open",
               needs_search=False, limits_answer=True))


NO_SEARCH_NEEDED: Final = frozenset(o for o in Outcome if not o.needs_search)
LIMITING: Final = frozenset(o for o in Outcome if o.limits_answer)
NEGATIVE: Final = frozenset({Outcome.NO_RECORD, Outcome.RECORD_EXPIRED})
SUCCESSIVE: Final = frozenset(
    o for o in Outcome if NextAction.SUCCESSIVE_REQUEST in o.next_actions
)


@dataclass(frozen=True)
class LegalParent:
    """The provision a ground comes from."""

    instrument: str
    provision: str
    evidence: str


ANY_LIMIT: Final = ("delay", "restrict", "refuse")
NO_DELAY: Final = ("restrict", "refuse")


class Ground(Code):
    """Why an answer is delayed, limited or refused."""

    parents: tuple[LegalParent, ...]
    allows: tuple[str, ...]

    def __init__(
        self,
        code: str,
        label: str = "",
        source: str = "",
        evidence: str = "",
        parents: tuple[LegalParent, ...] = (),
        allows: tuple[str, ...] = (),
    ) -> None:
        super().__init__(code, label, source, evidence)
        self.parents = parents
        self.allows = allows

    G_ONGOING_INVESTIGATION = ("G_ONGOING_INVESTIGATION",
        N_("Would compromise an ongoing criminal investigation or proceedings"),
        "ITI 22; UNTOC 18(25); Directive (EU) 2023/977 6(1)(f)(ii)", "NV S S2",
        (LegalParent("ITI", "22", "NV"), LegalParent("UNTOC", "18(25)", "S"),
         LegalParent("Directive (EU) 2023/977", "6(1)(f)(ii)", "S2")), ANY_LIMIT)
    G_CONFIDENTIALITY_LAW = ("G_CONFIDENTIALITY_LAW",
        N_("Law protecting confidential information"), "ITI 22", "NV",
        (LegalParent("ITI", "22", "NV"),), ANY_LIMIT)
    G_NO_CONFIDENTIALITY_GUARANTEE = ("G_NO_CONFIDENTIALITY_GUARANTEE",
        N_("Requester cannot guarantee confidentiality"), "ITI 22; FP 12(5)", "NV S",
        (LegalParent("ITI", "22", "NV"), LegalParent("FP", "12(5)", "S")), ANY_LIMIT)
    G_NATIONAL_SECURITY = ("G_NATIONAL_SECURITY",
        N_("National security or essential interests"),
        "ITI 22; UNTOC 18(21)(b); Directive (EU) 2023/977 6(1)(f)(i)", "NV S S2",
        (LegalParent("ITI", "22", "NV"), LegalParent("UNTOC", "18(21)(b)", "S"),
         LegalParent("Directive (EU) 2023/977", "6(1)(f)(i)", "S2")), ANY_LIMIT)
    G_PERSON_SAFETY = ("G_PERSON_SAFETY", N_("Safety of a person"),
        "Directive (EU) 2023/977 6(1)(f)(ii)", "S2",
        (LegalParent("Directive (EU) 2023/977", "6(1)(f)(ii)", "S2"),), NO_DELAY)
    G_LEGAL_PERSON_INTERESTS = ("G_LEGAL_PERSON_INTERESTS",
        N_("Undue harm to protected interests of a legal person"),
        "Directive (EU) 2023/977 6(1)(f)(iii)", "S2",
        (LegalParent("Directive (EU) 2023/977", "6(1)(f)(iii)", "S2"),), NO_DELAY)
    G_NOT_AVAILABLE = ("G_NOT_AVAILABLE",
        N_("Information not available to the contact point or its authorities"),
        "Directive (EU) 2023/977 6(1)(a)", "S2",
        (LegalParent("Directive (EU) 2023/977", "6(1)(a)", "S2"),), NO_DELAY)
    G_NON_CONFORMING = ("G_NON_CONFORMING",
        N_("Request does not meet formal requirements"),
        "UNTOC 18(21)(a); Directive (EU) 2023/977 6(1)(b)", "S S2",
        (LegalParent("UNTOC", "18(21)(a)", "S"),
         LegalParent("Directive (EU) 2023/977", "6(1)(b)", "S2")), ("refuse",))
    G_JUDICIAL_AUTH_REFUSED = ("G_JUDICIAL_AUTH_REFUSED", N_("Court refused leave"),
        "Directive (EU) 2023/977 6(1)(c)", "S2",
        (LegalParent("Directive (EU) 2023/977", "6(1)(c)", "S2"),), NO_DELAY)
    G_JUDICIAL_AUTH_PENDING = ("G_JUDICIAL_AUTH_PENDING",
        N_("A court has to give leave first"), "Directive (EU) 2023/977 5(2)", "S",
        (LegalParent("Directive (EU) 2023/977", "5(2)", "S"),), ("delay",))
    G_DATA_CATEGORY = ("G_DATA_CATEGORY",
        N_("Personal data outside permitted categories"),
        "Directive (EU) 2023/977 6(1)(d)", "S2",
        (LegalParent("Directive (EU) 2023/977", "6(1)(d)", "S2"),), NO_DELAY)
    G_INACCURATE = ("G_INACCURATE",
        N_("Data found inaccurate, incomplete or out of date"),
        "Directive (EU) 2023/977 6(1)(e)", "S2",
        (LegalParent("Directive (EU) 2023/977", "6(1)(e)", "S2"),), NO_DELAY)
    G_MINOR_OFFENCE = ("G_MINOR_OFFENCE",
        N_("Offence carrying at most one year in the requested State"),
        "Directive (EU) 2023/977 6(1)(g)(i); FD 2006/960/JHA same idea", "S2",
        (LegalParent("Directive (EU) 2023/977", "6(1)(g)(i)", "S2"),
         LegalParent("FD 2006/960/JHA", "same idea", "S2")), NO_DELAY)
    G_DUAL_CRIMINALITY = ("G_DUAL_CRIMINALITY",
        N_("Not an offence in the requested State"),
        "UNTOC 18(9); Directive (EU) 2023/977 6(1)(g)(ii)", "S NV",
        (LegalParent("UNTOC", "18(9)", "S"),
         LegalParent("Directive (EU) 2023/977", "6(1)(g)(ii)", "NV")), NO_DELAY)
    G_THIRD_PARTY_CONSENT = ("G_THIRD_PARTY_CONSENT",
        N_("Information of another State that has not consented to its release"),
        "Directive (EU) 2023/977 6(1)(h); FP 12(5) as the duty behind it", "NV S",
        (LegalParent("Directive (EU) 2023/977", "6(1)(h)", "NV"),
         LegalParent("FP", "12(5) as the duty behind it", "S")), NO_DELAY)
    G_DOMESTIC_PROHIBITION = ("G_DOMESTIC_PROHIBITION",
        N_("Own authorities could not do it for a similar offence"),
        "UNTOC 18(21)(c)", "S", (LegalParent("UNTOC", "18(21)(c)", "S"),), NO_DELAY)
    G_LEGAL_SYSTEM = ("G_LEGAL_SYSTEM",
        N_("Contrary to the law on mutual legal assistance"), "UNTOC 18(21)(d)", "S",
        (LegalParent("UNTOC", "18(21)(d)", "S"),), NO_DELAY)
    G_STATE_TRANSACTION = ("G_STATE_TRANSACTION",
        N_("State-to-State transaction outside the Protocol"), "FP 4(2)", "S",
        (LegalParent("FP", "4(2)", "S"),), NO_DELAY)
    G_OTHER = ("G_OTHER", N_("Other ground (text and supervisor approval)"),
        "design of this service", "D", (), ANY_LIMIT)

    @property
    def needs_text(self) -> bool:
        """Say whether the ground must be written out."""
        return self is Ground.G_OTHER

    @property
    def needs_supervisor(self) -> bool:
        """Say whether a supervisor must approve."""
        return self is Ground.G_OTHER


class HandlingCode(Code):
    """What the receiver may do with the information."""

    enforce: tuple[str, ...]

    def __init__(
        self,
        code: str,
        label: str = "",
        source: str = "",
        evidence: str = "",
        enforce: tuple[str, ...] = (),
    ) -> None:
        super().__init__(code, label, source, evidence)
        self.enforce = enforce

    H0 = ("H0", N_("Only to prevent and combat crime under the applicable law"),
        *EUROPOL)
    H1 = ("H1", N_("Not in judicial proceedings without the provider's permission"),
        *EUROPOL, ("consent_before_judicial_use",))
    H2 = ("H2", N_("Not to be disseminated without the provider's permission"),
        *EUROPOL, ("consent_before_export", "consent_before_onward_request"))
    H3 = ("H3", N_("Other restrictions (text required)"), *EUROPOL,
        ("show_text_before_use",))

    @property
    def needs_text(self) -> bool:
        """Say whether the restriction must be written out."""
        return self is HandlingCode.H3


class InformationItem(Code):
    """What a handling code can be put on, in an answer and in a request."""

    WHOLE = ("WHOLE", N_("Everything"), *RESTRICTION)
    PERSONS = ("PERSONS", N_("Persons named"), *RESTRICTION)
    ACQUIRER = ("ACQUIRER", N_("Last legal holder or acquirer"), *RESTRICTION)
    TRANSFERS = ("TRANSFERS", N_("Chain of transfers and the next State"),
        *RESTRICTION)
    FILES = ("FILES", N_("Documents and photographs"), *RESTRICTION)
    TEXT = ("TEXT", N_("Other text"), *RESTRICTION)


class Use(Code):
    """What somebody wants to do with information of another State."""

    READ = ("READ", N_("Read it in the own authority"), *RESTRICTION)
    ONWARD = ("ONWARD", N_("Pass it on to another State"), "FP 12(5); UNTOC 18(19)",
        "S")
    EXPORT = ("EXPORT", N_("Take it out of this service"), *RESTRICTION)
    PRINT = ("PRINT", N_("Print it"), *RESTRICTION)
    JUDICIAL = ("JUDICIAL", N_("Use it in judicial proceedings"), "UNTOC 18(19)", "S")


class DisclosureGround(Code):
    """Why information cannot be kept confidential."""

    LAW = ("LAW", N_("Our law requires it"), "FP 12(5)", "S")
    COURT_ORDER = ("COURT_ORDER", N_("A court orders it"), "FP 12(5)", "S")
    EXCULPATORY = ("EXCULPATORY", N_("It speaks for an accused person"),
        "UNTOC 18(5); UNTOC 18(19)", "S")

    @property
    def may_come_first(self) -> bool:
        """Say whether in an exceptional case the notice may follow without delay."""
        return self is DisclosureGround.EXCULPATORY


class SourceEvaluation(Code):
    """How far the source can be relied on."""

    A = ("A", N_("Reliable in all instances"), *EUROPOL)
    B = ("B", N_("Reliable in most instances"), *EUROPOL)
    C = ("C", N_("Mostly unreliable"), *EUROPOL)
    X = ("X", N_("Cannot be assessed"), *EUROPOL)


class InformationEvaluation(Code):
    """How far the information itself can be relied on."""

    NOT_IN_DOUBT = ("1", N_("Not in doubt"), *EUROPOL)
    KNOWN_TO_SOURCE = ("2", N_("Known to the source, not to the officer"), *EUROPOL)
    CORROBORATED = ("3", N_("Corroborated though not personally known to the source"),
        *EUROPOL)
    UNCORROBORATED = ("4", N_("Not personally known and uncorroborated"), *EUROPOL)


class TlpLabel(Code):
    """Traffic light labels, shown and never enforced."""

    RED = ("TLP:RED", N_("TLP:RED"), *TLP)
    AMBER_STRICT = ("TLP:AMBER+STRICT", N_("TLP:AMBER+STRICT"), *TLP)
    AMBER = ("TLP:AMBER", N_("TLP:AMBER"), *TLP)
    GREEN = ("TLP:GREEN", N_("TLP:GREEN"), *TLP)
    CLEAR = ("TLP:CLEAR", N_("TLP:CLEAR"), *TLP)


class DirectoryFunction(Code):
    """What a central authority is competent for."""

    MLA = ("MLA", N_("Mutual legal assistance"), *UNODC)
    EXTRADITION = ("EXTRADITION", N_("Extradition"), *UNODC)
    PREVENTION = ("PREVENTION", N_("Prevention measures"), *UNODC)
    SENTENCED_PERSONS = ("SENTENCED_PERSONS", N_("Transfer of sentenced persons"),
        *UNODC)
    DRUGS_SEA = ("DRUGS_SEA", N_("Illicit drug traffic by sea"), *UNODC)
    MIGRANTS_SEA = ("MIGRANTS_SEA", N_("Smuggling of migrants by sea"), *UNODC)
    FIREARMS = ("FIREARMS", N_("Illicit manufacturing of and trafficking in firearms"),
        *UNODC)
    CULTURAL_PROPERTY = ("CULTURAL_PROPERTY", N_("Cultural property"), *UNODC)
    ASSET_RECOVERY = ("ASSET_RECOVERY", N_("Asset recovery"), *SHERLOC)
    CORRUPTION_PREVENTION = ("CORRUPTION_PREVENTION", N_("Prevention of corruption"),
        *SHERLOC)
    CORRUPTION_CIVIL = ("CORRUPTION_CIVIL",
        N_("Civil and administrative cooperation on corruption"), *SHERLOC)
    TERRORISM = ("TERRORISM", N_("Terrorism"), *SHERLOC)


class Instrument(Code):
    """The text that asks States to name a contact."""

    FP13 = ("FP13", N_("Firearms Protocol article 13 point of contact"),
        "FP 13(2)", "S")
    ITI25 = ("ITI25", N_("ITI national point of contact"), "ITI 25", "NV")
    POA = ("POA", N_("Programme of Action national point of contact"), "POAR", "S2")
    UNTOC18 = ("UNTOC18", N_("UNTOC article 18 central authority"), "UNTOC 18(13)", "S")
    INTERPOL_NCB = ("INTERPOL_NCB", N_("INTERPOL National Central Bureau"),
        "INTERPOL", "S2")
    EU_SPOC = ("EU_SPOC", N_("EU Single Point of Contact"), "D977 14", "S")
    ATF_ETRACE = ("ATF_ETRACE", N_("ATF eTrace user agency"), "ATF", "S")
    BILATERAL = ("BILATERAL", N_("Bilateral contact"), *DIRECTORY)


class Channel(Code):
    """The way a message travels."""

    OWN_INSTANCE = ("OWN_INSTANCE", N_("This system (instance to instance)"),
        *DIRECTORY)
    I247 = ("I247", N_("INTERPOL I-24/7"), "INTERPOL", "S2")
    IARMS = ("IARMS", N_("INTERPOL iARMS"), "CTOC/COP/2018/L.5/Rev.1 13", "S")
    SIENA = ("SIENA", N_("Europol SIENA"), "Reg 2025/41 30(5)", "S")
    ETRACE = ("ETRACE", N_("ATF eTrace"), "ATF", "S")
    DIPLOMATIC = ("DIPLOMATIC", N_("Diplomatic channel"), "UNTOC 18(13)", "S")
    EMAIL = ("EMAIL", N_("E-mail (no sensitive content)"), "design of this service", "D")
    POST = ("POST", N_("Letter"), "design of this service", "D")
    ORAL = ("ORAL", N_("Oral, urgent: written confirmation due forthwith"),
        "UNTOC 18(14)", "S")


class AcceptedFormat(Code):
    """The form in which an authority takes requests."""

    PAPER = ("PAPER", N_("Paper"), *DIRECTORY)
    EMAIL = ("EMAIL", N_("E-mail"), *DIRECTORY)
    PORTAL = ("PORTAL", N_("Portal"), *DIRECTORY)
    NIEM_XML = ("NIEM_XML", N_("NIEM XML"), *DIRECTORY)
    JSON = ("JSON", N_("JSON"), *DIRECTORY)


class InterpolRoute(Code):
    """Whether an authority takes requests through INTERPOL."""

    YES = ("YES", N_("Yes"), *INTERPOL_ROUTE)
    NO = ("NO", N_("No"), *INTERPOL_ROUTE)
    URGENT_ONLY = ("URGENT_ONLY", N_("In urgent cases only"), *INTERPOL_ROUTE)


class ClosureUse(Code):
    """What the result was used for."""

    PROCEEDINGS = ("PROCEEDINGS", N_("Proceedings"), *CLOSURE)
    INTELLIGENCE = ("INTELLIGENCE", N_("Intelligence"), *CLOSURE)
    FINANCIAL_INVESTIGATION = ("FINANCIAL_INVESTIGATION", N_("Financial investigation"),
        *CLOSURE)
    NONE = ("NONE", N_("None"), *CLOSURE)


class RetentionClass(Code):
    """How long a record is kept, by what it is about."""

    ITEM_HISTORY = ("item_history", N_("History of the weapon"),
        "ITI 12; FP 7; D555 4; Reg 2025/41 31", "S S2")
    CASE_FILE = ("case_file", N_("Case file"), "design of this service", "D")
    PERSON_DATA = ("person_data", N_("Personal data in a request"),
        "design of this service", "D")
    AUDIT_LOG = ("audit_log", N_("Audit log"), "design of this service", "D")


class HsHeading(Code):
    """Customs headings of the Harmonized System."""

    HS_9301 = ("9301", N_("Military weapons, other than handguns and heading 9307"),
        *HS)
    HS_9302 = ("9302", N_("Revolvers and pistols"), *HS)
    HS_9303 = ("9303", N_("Other firearms and explosive-charge devices"), *HS)
    HS_9304 = ("9304", N_("Other arms: spring, air, gas, truncheons"), *HS)
    HS_9305 = ("9305", N_("Parts and accessories of 9301-9304"), *HS)
    HS_9305_10 = ("9305 10", N_("Parts of revolvers or pistols"), *HS)
    HS_9305_20 = ("9305 20", N_("Parts of shotguns or rifles of 9303"), *HS)
    HS_9305_91 = ("9305 91", N_("Parts of military weapons"), *HS)
    HS_9305_99 = ("9305 99", N_("Other parts"), *HS)
    HS_9306 = ("9306", N_("Bombs, missiles, cartridges and other ammunition and parts"),
        *HS)
    HS_9307 = ("9307", N_("Swords, bayonets and the like"), *HS)


class CaseMark(Code):
    """What is said of a case without being its state; two are computed."""

    DEFERRED = ("DEFERRED", N_("Answer postponed"), "ITI 22; UNTOC 18(25)", "NV S")
    UNANSWERED = ("UNANSWERED", N_("No response after the last reminder"),
        "design of this service", "D")
    LATE = ("LATE", N_("Deadline passed without acknowledgement or response"),
        "design of this service", "D")
    WITHDRAWN = ("WITHDRAWN", N_("Requester no longer needs the answer"),
        "UNTOC 18(24)", "S")


class SearchResult(Code):
    """What the search of one register gave."""

    FOUND = ("FOUND", N_("Found"), *SERVICE)
    POSSIBLE = ("POSSIBLE", N_("Possible match, to be checked"), *SERVICE)
    NO_RECORD = ("NO_RECORD", N_("No record"), *SERVICE)
    NOT_PERMITTED = ("NOT_PERMITTED", N_("Search not permitted"), *SERVICE)
    UNAVAILABLE = ("UNAVAILABLE", N_("Register not available"), *SERVICE)
    TIMED_OUT = ("TIMED_OUT", N_("No answer in time"), *SERVICE)
    BY_HAND = ("BY_HAND", N_("Searched by hand"), *SERVICE)
    PARTIAL = ("PARTIAL", N_("Only a part was answered"), *SERVICE)
    NOT_UNDERSTOOD = ("NOT_UNDERSTOOD", N_("The answer could not be understood"),
        *SERVICE)

    @property
    def is_searched(self) -> bool:
        """Say whether the register was searched, at least in part."""
        return self not in (
            *(SearchResult.NOT_PERMITTED, SearchResult.UNAVAILABLE),
            *(SearchResult.TIMED_OUT, SearchResult.NOT_UNDERSTOOD),
        )


class LookupOutcome(Code):
    """What became of asking another register; only `NO_HIT` says that it has none."""

    HIT = ("HIT", N_("Possible match, to be checked"), *SERVICE)
    NO_HIT = ("NO_HIT", N_("No record"), *SERVICE)
    PARTIAL = ("PARTIAL", N_("Only a part was answered"), *SERVICE)
    NOT_PERMITTED = ("NOT_PERMITTED", N_("Search not permitted"), *SERVICE)
    UNAVAILABLE = ("UNAVAILABLE", N_("Register not available"), *SERVICE)
    TIMED_OUT = ("TIMED_OUT", N_("No answer in time"), *SERVICE)
    NOT_UNDERSTOOD = ("NOT_UNDERSTOOD", N_("The answer could not be understood"),
        *SERVICE)

    @property
    def is_whole(self) -> bool:
        """Say whether the whole answer has come: only then it says something."""
        return self in (LookupOutcome.HIT, LookupOutcome.NO_HIT)

    @property
    def is_answer(self) -> bool:
        """Say whether the register has answered, at least in part."""
        return self in (LookupOutcome.HIT, LookupOutcome.NO_HIT, LookupOutcome.PARTIAL)

    @property
    def result(self) -> SearchResult:
        """Return what an officer records of it; a hit is possible until confirmed."""
        if self is LookupOutcome.HIT:
            return SearchResult.POSSIBLE
        if self is LookupOutcome.NO_HIT:
            return SearchResult.NO_RECORD
        return SearchResult(self.value)


class Rung(Code):
    """How a search came to a mark, the surest first."""

    EXACT = ("EXACT", N_("Same number"), *SERVICE)
    FOLDED = ("FOLDED", N_("Same number, if characters that look alike are one"),
        *SERVICE)
    ONE_ERROR = ("ONE_ERROR", N_("One character apart"), *SERVICE)
    PATTERN = ("PATTERN", N_("Fits what can be read"), *SERVICE)


class Why(Code):
    """What is between two marks at one position."""

    LOOK_ALIKE = ("LOOK_ALIKE", N_("Characters that look alike"), *SERVICE)
    OTHER_SCRIPT = ("OTHER_SCRIPT", N_("The same character of another script"),
        *SERVICE)
    SUBSTITUTED = ("SUBSTITUTED", N_("Another character"), *SERVICE)
    MISSING = ("MISSING", N_("A character less on the record"), *SERVICE)
    ADDED = ("ADDED", N_("A character more on the record"), *SERVICE)
    SWAPPED = ("SWAPPED", N_("Two neighbours changed places"), *SERVICE)
    EITHER = ("EITHER", N_("One of the characters it can be"), *SERVICE)
    UNKNOWN = ("UNKNOWN", N_("A character that could not be read"), *SERVICE)
    RUN = ("RUN", N_("Any number of characters"), *SERVICE)


class Agreement(Code):
    """What two descriptions say of each other in one field."""

    AGREES = ("AGREES", N_("Agrees"), *SERVICE)
    PARTLY = ("PARTLY", N_("Agrees in part"), *SERVICE)
    DIFFERS = ("DIFFERS", N_("Differs"), *SERVICE)
    NOT_GIVEN = ("NOT_GIVEN", N_("Not given on both sides"), *SERVICE)


class Standing(Code):
    """What a person has said of a hit; before that it is possible, and no more."""

    POSSIBLE = ("POSSIBLE", N_("Possible, not yet confirmed"), *SERVICE)
    CONFIRMED = ("CONFIRMED", N_("Confirmed by a person"), *SERVICE)
    REJECTED = ("REJECTED", N_("Rejected by a person"), *SERVICE)


class RecordStatus(Code):
    """Where the item of a national record is now, as far as its register knows."""

    REGISTERED = ("REGISTERED", N_("Registered, held lawfully"), *SERVICE)
    IN_STOCK = ("IN_STOCK", N_("In the stock of a maker, a dealer or the State"),
        *SERVICE)
    IN_TRANSIT = ("IN_TRANSIT", N_("In transit"), *SDG)
    EXPORTED = ("EXPORTED", N_("Exported"), "FP 7(b)", "S")
    STOLEN = ("STOLEN", N_("Stolen"), "INTERPOL iARMS, modules", "S")
    LOST = ("LOST", N_("Lost"), "INTERPOL iARMS, modules", "S")
    TRAFFICKED = ("TRAFFICKED", N_("Trafficked"), "INTERPOL iARMS, modules", "S")
    SMUGGLED = ("SMUGGLED", N_("Smuggled"), "INTERPOL iARMS, modules", "S")
    FOUND = ("FOUND", N_("Found"), *SDG)
    SURRENDERED = ("SURRENDERED", N_("Surrendered"), *SDG)
    SEIZED = ("SEIZED", N_("Seized"), *SDG)
    CONFISCATED = ("CONFISCATED", N_("Confiscated"), *SDG)
    DEACTIVATED = ("DEACTIVATED", N_("Deactivated"), *SDG)
    DESTROYED = ("DESTROYED", N_("Destroyed"), "FP 6(2)", "S")
    UNKNOWN = ("UNKNOWN", N_("Not known"), *SERVICE)

    @property
    def is_wanted(self) -> bool:
        """Say whether others may be told that the item is looked for."""
        return self in WANTED

    @property
    def has_ended(self) -> bool:
        """Say whether there is no firearm any more whose way goes on."""
        return self in (RecordStatus.DEACTIVATED, RecordStatus.DESTROYED)


WANTED: Final = frozenset(
    {
        *(RecordStatus.STOLEN, RecordStatus.LOST),
        *(RecordStatus.TRAFFICKED, RecordStatus.SMUGGLED),
    }
)
"""What an authority may share with all others."""


class RecordEventType(Code):
    """What happened to the item of a record; `.status` is where it is after it."""

    status: RecordStatus | None

    def __init__(
        self,
        code: str,
        label: str = "",
        source: str = "",
        evidence: str = "",
        status: RecordStatus | None = None,
    ) -> None:
        super().__init__(code, label, source, evidence)
        self.status = status

    @property
    def happens(self) -> bool:
        """Say whether it happened to the item, and not to its record alone."""
        return self is not RecordEventType.CORRECTION

    MANUFACTURE = ("MANUFACTURE", N_("Manufacture"), "FP 8(1)(a)", "S",
        RecordStatus.IN_STOCK)
    IMPORT = ("IMPORT", N_("Import"), "FP 7(b)", "S", RecordStatus.IN_STOCK)
    EXPORT = ("EXPORT", N_("Export"), "FP 7(b)", "S", RecordStatus.EXPORTED)
    TRANSIT = ("TRANSIT", N_("Transit"), "FP 7(b)", "S", RecordStatus.IN_TRANSIT)
    SALE = ("SALE", N_("Sale"), *SERVICE)
    REGISTRATION = ("REGISTRATION", N_("Registration"), *SERVICE,
        RecordStatus.REGISTERED)
    STATE_TRANSFER = ("STATE_TRANSFER", N_("Transfer from State stocks"), "FP 8(1)(c)",
        "S")
    REMARKING = ("REMARKING", N_("Marked anew"), "CTOC/COP/2018/L.5/Rev.1 15", "S")
    THEFT_REPORT = ("THEFT_REPORT", N_("Theft report"), *SERVICE, RecordStatus.STOLEN)
    LOSS_REPORT = ("LOSS_REPORT", N_("Loss report"), *SERVICE, RecordStatus.LOST)
    TRAFFICKING_REPORT = ("TRAFFICKING_REPORT", N_("Report that it was trafficked"),
        *SERVICE, RecordStatus.TRAFFICKED)
    SMUGGLING_REPORT = ("SMUGGLING_REPORT", N_("Report that it was smuggled"), *SERVICE,
        RecordStatus.SMUGGLED)
    RECOVERY = ("RECOVERY", N_("Found again"), *SERVICE, RecordStatus.FOUND)
    SEIZURE = ("SEIZURE", N_("Seizure"), "FP 6", "S", RecordStatus.SEIZED)
    DEACTIVATION = ("DEACTIVATION", N_("Deactivation"), "FP 9", "S",
        RecordStatus.DEACTIVATED)
    DESTRUCTION = ("DESTRUCTION", N_("Destruction"), "FP 6(2)", "S",
        RecordStatus.DESTROYED)
    CORRECTION = ("CORRECTION", N_("Correction of the record"), *SERVICE)


class DatePrecision(Code):
    """How exactly a day of a record is known."""

    DAY = ("DAY", N_("On this day"), *SERVICE)
    MONTH = ("MONTH", N_("In this month"), *SERVICE)
    YEAR = ("YEAR", N_("In this year"), *SERVICE)
    ABOUT = ("ABOUT", N_("About this day"), *SERVICE)


class KeptFor(Code):
    """How many years a record is kept at least; then somebody decides."""

    TEN = ("10", N_("10 years"), "FP 7; ATT 12(4)", "S")
    TWENTY = ("20", N_("20 years"), "ITI 12; Reg 2025/41 31", "S2 S")
    THIRTY = ("30", N_("30 years"), "ITI 12; Directive 2021/555 art 4", "S2")

    @property
    def years(self) -> int:
        """Return the number."""
        return int(self.value)


class PersonRole(Code):
    """What a person has to do with the item."""

    POSSESSOR = ("POSSESSOR", N_("Possessor"), *SERVICE)
    ASSOCIATE = ("ASSOCIATE", N_("Associate"), *SERVICE)
    OWNER = ("OWNER", N_("Owner"), *SERVICE)
    SUSPECT = ("SUSPECT", N_("Suspect"), *SERVICE)
    VICTIM = ("VICTIM", N_("Victim"), *SERVICE)
    WITNESS = ("WITNESS", N_("Witness"), *SERVICE)
    OTHER = ("OTHER", N_("Other"), *SERVICE)


class TriState(Code):
    """Yes, no, and the honest third answer."""

    YES = ("YES", N_("Yes"), *SERVICE)
    NO = ("NO", N_("No"), *SERVICE)
    UNKNOWN = ("UNKNOWN", N_("Not known"), *SERVICE)
