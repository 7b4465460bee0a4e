"""The law the request stands on, the case, and what may be done with the answer."""

from collections.abc import Iterator

from tracing.schemas.fields import (
    Block,
    Code,
    Codes,
    Given,
    Line,
    Rows,
    Section,
    Tick,
)
from tracing.schemas.restrictions import RestrictionSchema, twice_named
from workflows.vocabulary import N_, HandlingCode, IllicitLimb, LegalBasis


class BasisSection(Section):
    """Case and purpose."""

    title = N_("Case and purpose")
    intro = N_("What the request is based on, and what the answer is for.")

    legal_basis = Code(
        LegalBasis,
        label=N_("Legal basis"),
        ask=N_("Choose the legal basis"),
        reveal={basis: "legal_basis_text" for basis in LegalBasis if basis.needs_text},
    )
    legal_basis_text = Line(
        300,
        label=N_("Name of the legal basis"),
        ask_when=N_("Name the legal basis"),
    )
    illicit_limbs = Codes(
        IllicitLimb,
        label=N_("Why the item is illicit"),
        hint=N_("Choose all that apply."),
        ask=N_("Say why the item is illicit"),
    )
    illicit_reason = Block(
        label=N_("What makes the item illicit"),
        hint=N_("The facts behind your choice, in one or two sentences."),
        ask=N_("Write what makes the item illicit"),
        rows=3,
    )
    offence = Block(
        2000,
        label=N_("Offence under investigation"),
        hint=N_("Name the offence and the article of your law."),
        ask=N_("Name the offence under investigation"),
        rows=3,
    )
    facts_summary = Block(
        10_000,
        label=N_("Summary of the facts"),
        ask=N_("Summarise the facts of the case"),
        rows=8,
    )
    purpose = Block(
        2000,
        label=N_("Purpose of the request"),
        hint=N_("What you will use the answer for."),
        ask=N_("State the purpose of the request"),
        rows=3,
    )
    assistance_sought = Block(
        label=N_("Assistance sought"),
        hint=N_("What you ask the other authority to find out."),
        ask=N_("Say what assistance you seek"),
        rows=3,
    )
    special_procedure = Block(
        2000,
        label=N_("Procedure you ask to be followed"),
        rows=3,
    )
    confidentiality_guaranteed = Tick(
        label=N_("We can keep the answer confidential"),
    )
    confidentiality_reason = Block(
        2000,
        label=N_("Why the answer cannot be kept confidential"),
        hint=N_("Only if you cannot keep it confidential."),
        ask_when=N_("Say why the answer cannot be kept confidential"),
        rows=3,
    )
    keep_request_confidential = Tick(
        label=N_("Keep the request itself confidential"),
        hint=N_(
            "In the other authority only who answers it, and the supervisors, will"
            " know that it exists (UNTOC art. 18(20)). If they cannot keep it so, they"
            " tell you."
        ),
    )
    restrictions_asked = Block(
        2000,
        label=N_("Restrictions you ask for"),
        hint=N_("What the other authority should not do with this request."),
        rows=3,
    )
    handling = Code(
        HandlingCode,
        label=N_("Handling code"),
        ask=N_("Choose the handling code"),
        reveal={HandlingCode.H3: "handling_text"},
    )
    handling_text = Block(
        2000,
        label=N_("The restriction in words"),
        ask_when=N_("Write the restriction"),
        rows=3,
    )
    item_restrictions = Rows(
        RestrictionSchema,
        most=5,
        label=N_("Code for one item"),
        hint=N_(
            "Only where one needs another code than the rest (Firearms Protocol art."
            " 12(5)). Of persons and acquirers the stricter code holds for both."
        ),
    )

    def needed(self, given: Given) -> Iterator[str]:
        """Ask for words where a code does not say it all."""
        basis, handling = given.get("legal_basis"), given.get("handling")
        if basis is not None and basis.needs_text:
            yield "legal_basis_text"
        if not given.get("confidentiality_guaranteed"):
            yield "confidentiality_reason"
        if handling is not None and handling.needs_text:
            yield "handling_text"

    def clashes(self, given: Given) -> Iterator[tuple[str, str]]:
        """Refuse two codes for one thing."""
        if words := twice_named(given.get("item_restrictions", ())):
            yield "item_restrictions", words
