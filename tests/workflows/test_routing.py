"""Whom the marks propose, why, and what would lead to the wrong State."""

import pytest

from workflows.routing import Clues, Mark, Side, advise, brand_of, fit, misses
from workflows.vocabulary import Channel, LegalBasis, MarkType, RoutingBasis

MAKER, IMPORT = RoutingBasis.MAKER_COUNTRY, RoutingBasis.IMPORT_MARK
COUNTRY = MarkType.COUNTRY_OF_MANUFACTURE


def mark(text: str, kind: MarkType = COUNTRY) -> tuple[Mark, ...]:
    return (Mark(kind, text),)


CASES = {
    "nothing is known": ({}, []),
    "the mark says where it was made": ({"manufacture": "BR"}, [("BR", MAKER)]),
    "nobody can tell where": ({"manufacture": "XX"}, []),
    "the import mark comes before the maker": (
        {"manufacture": "BR", "imported": "US"},
        [("US", IMPORT), ("BR", MAKER)],
    ),
    "a transfer mark comes before an import mark": (
        {"manufacture": "BE", "imported": "US", "transferred": ("ML",)},
        [("ML", IMPORT), ("US", IMPORT), ("BE", MAKER)],
    ),
    "an earlier answer comes first": (
        {"manufacture": "BR", "imported": "US", "earlier": ("PY",)},
        [("PY", RoutingBasis.PREVIOUS_REPLY), ("US", IMPORT), ("BR", MAKER)],
    ),
    "a hit comes before the marks": (
        {"manufacture": "BR", "hits": ("AR",)},
        [("AR", RoutingBasis.REGISTRY_HIT), ("BR", MAKER)],
    ),
    "a State is proposed once, for its best reason": (
        {"manufacture": "US", "imported": "US"},
        [("US", IMPORT)],
    ),
    "nobody is proposed to ask itself": (
        {"manufacture": "KE", "imported": "US"},
        [("US", IMPORT)],
    ),
    "a split brand, and no mark: each State that makes it": (
        {"make": "Glock", "manufacture": "XX"},
        [("AT", MAKER), ("US", MAKER)],
    ),
    "a split brand, and the place on it: that State first": (
        {"make": "GLOCK", "marks": mark("SMYRNA, GA.")},
        [("US", MAKER), ("AT", MAKER)],
    ),
    "a split brand, and the mark says which": (
        {"make": "Glock", "manufacture": "AT", "marks": mark("MADE IN AUSTRIA")},
        [("AT", MAKER)],
    ),
    "a State that is no more": (
        {"make": "Zastava", "marks": mark("MADE IN YUGOSLAVIA")},
        [("RS", MAKER)],
    ),
    "a State that is no more, and two hold its records": (
        {"marks": mark("Made in Czechoslovakia")},
        [("CZ", MAKER), ("SK", MAKER)],
    ),
    "a State that is no more, in its own script": (
        {"marks": mark("СДЕЛАНО В СССР")},
        [("RU", MAKER)],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_marks_propose_whom_to_ask(case):
    clues, wanted = CASES[case]
    advice = advise(Clues("KE", **clues))
    assert [(one.state, one.basis) for one in advice.proposals] == wanted
    assert all(one.why for one in advice.proposals)


TRAPS = {
    "the brand is made in two States and no mark says which": (
        {"make": "Glock", "manufacture": "XX"},
        "asking the wrong one",
    ),
    "the brand is made in two States and the country is a guess": (
        {"make": "Glock", "manufacture": "AT"},
        "no mark of the country or place",
    ),
    "the place belongs to the other plant": (
        {"make": "Glock", "manufacture": "AT", "marks": mark("SMYRNA, GA.")},
        "check which the mark says",
    ),
    "no plant of the make is there": (
        {"make": "Beretta", "manufacture": "TR"},
        "copy, or made under licence",
    ),
    "a mark names the own State": (
        {"manufacture": "BR", "imported": "KE"},
        "own records first",
    ),
    "an importer without a State": (
        {"manufacture": "BR", "importer": "Example Imports"},
        "importer is named",
    ),
    "a proof mark is taken for the maker": (
        {"marks": mark("BNP", MarkType.PROOF)},
        "proof mark",
    ),
    "a State that is no more": ({"marks": mark("JUGOSLAVIJA")}, "records are with"),
    "imported into the State that made it": (
        {"manufacture": "BR", "imported": "BR"},
        "names the State that made it",
    ),
}


@pytest.mark.parametrize("case", TRAPS)
def test_what_leads_to_the_wrong_addressee_is_said(case):
    clues, said = TRAPS[case]
    assert any(said in trap.words for trap in advise(Clues("KE", **clues)).traps)


def test_a_right_mark_of_a_split_brand_is_no_trap():
    clues = Clues(
        "KE",
        make="Glock",
        manufacture="AT",
        imported="US",
        marks=mark("MADE IN AUSTRIA"),
    )
    assert advise(clues).traps == ()


def test_the_former_state_of_a_mark_is_named_in_words():
    (trap,) = advise(Clues("KE", marks=mark("DDR"))).traps
    assert trap.holes["former"] == "the German Democratic Republic"


def test_a_state_to_which_no_mark_leads_is_told():
    advice = advise(Clues("KE", manufacture="BR"))
    assert misses(advice, "FR")
    assert not misses(advice, "BR")
    assert not misses(advise(Clues("KE")), "FR")


@pytest.mark.parametrize(
    ("make", "brand"),
    [
        ("GLOCK GmbH", "glock"),
        ("H&K", "heckler & koch"),
        ("Sig-Sauer", "sig sauer"),
        ("Springfield", "springfield armory"),
        ("Example Arms", ""),
        ("", ""),
        ("Czarna", ""),
    ],
)
def test_a_make_is_known_by_its_brand(make, brand):
    assert brand_of(make) == brand


EAST = Side(("fr", "ar"), ("ITI25", "FP13"), ("SIENA",), "YES")


@pytest.mark.parametrize(
    ("asking", "language"),
    [(("en", "fr"), "fr"), (("en",), "fr"), (("ar", "fr"), "fr")],
)
def test_the_language_is_one_that_the_other_side_reads(asking, language):
    assert fit(Side(asking, ()), EAST).language == language


def test_no_language_is_proposed_in_which_no_request_is_written():
    assert fit(Side(("en",), ()), Side(("pt",), ())).language == ""


def test_the_legal_basis_is_one_that_both_have_a_contact_for():
    both = Side(("en",), ("FP13", "EU_SPOC"))
    assert fit(both, both).bases == (
        LegalBasis.EU_2023_977,
        LegalBasis.FIREARMS_PROTOCOL,
        LegalBasis.ITI,
    )
    assert fit(both, Side(("en",), ("ITI25",))).bases == (LegalBasis.ITI,)


@pytest.mark.parametrize(
    ("route", "urgent", "by_interpol"),
    [
        ("YES", False, True),
        ("URGENT_ONLY", True, True),
        ("URGENT_ONLY", False, False),
        ("NO", True, False),
        ("", True, False),
    ],
)
def test_interpol_carries_it_where_the_other_side_lets_it(route, urgent, by_interpol):
    asked = Side(("en",), (), ("SIENA", "ETRACE"), route)
    found = fit(Side(("en",), (), ("ETRACE",)), asked, urgent=urgent).channels
    assert found[:2] == (Channel.OWN_INSTANCE, Channel.ETRACE)
    assert (Channel.I247 in found) is by_interpol
