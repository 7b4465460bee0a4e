"""Promises about another State's information: each use of each code, cell by cell."""

import itertools
from datetime import UTC, date, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from workflows import restrictions
from workflows.errors import FactMissing, RestrictionHolds, TransitionNotAllowed
from workflows.facts import (
    Closure,
    Disclosure,
    DisclosurePlan,
    Permission,
    PermissionRequest,
    Refusal,
    Response,
    Restriction,
)
from workflows.restrictions import TABLE, Fate, check, fate, offered, on
from workflows.states import Party, Trigger
from workflows.vocabulary import (
    ClosureUse,
    DisclosureGround,
    HandlingCode,
    InformationItem,
    Outcome,
    TriState,
    Use,
)

# What the law and the providers expect: code, then read, onward, export, print, judicial.
DECIDED = {
    "H0": "free free free free free",
    "H1": "shown shown shown shown asks",
    "H2": "shown asks asks shown asks",
    "H3": "shown asks asks shown asks",
}
USES = ("READ", "ONWARD", "EXPORT", "PRINT", "JUDICIAL")
CELLS = [
    (code, use, found)
    for code, row in DECIDED.items()
    for use, found in zip(USES, row.split(), strict=True)
]
NAIROBI = ZoneInfo("Africa/Nairobi")
ITEM = InformationItem
ASKER, GIVER = Party.REQUESTING, Party.REQUESTED


def marked(code, item=ITEM.TRANSFERS, text="", allows=()):
    """Return a restriction; under H3 with the words it needs."""
    return Restriction(
        item, HandlingCode(code), text or "Not to the press." * (code == "H3"), allows
    )


@pytest.mark.parametrize(("code", "use", "found"), CELLS)
def test_every_use_of_every_code_is_decided(code, use, found):
    assert fate(marked(code), Use(use)) is Fate(found)


def test_the_table_has_no_gap_and_no_more():
    assert set(TABLE) == set(HandlingCode) == set(map(HandlingCode, DECIDED))
    assert all(set(row) == set(Use) == set(map(Use, USES)) for row in TABLE.values())


@pytest.mark.parametrize("code", HandlingCode)
def test_what_a_code_is_said_to_enforce_is_in_the_table(code):
    uses = {
        "consent_before_judicial_use": Use.JUDICIAL,
        "consent_before_export": Use.EXPORT,
        "consent_before_onward_request": Use.ONWARD,
    }
    for promised in set(code.enforce) & set(uses):
        assert TABLE[code][uses[promised]] is Fate.ASKS


def test_words_that_come_with_a_free_item_are_shown():
    assert fate(marked("H0", text="Handle with care."), Use.ONWARD) is Fate.SHOWN


@pytest.mark.parametrize("use", Use)
def test_the_provider_can_free_uses_from_its_own_words_alone(use):
    free = tuple(Use)
    assert fate(marked("H3", allows=free), use) is Fate.SHOWN
    for code in ("H1", "H2"):
        assert fate(marked(code, allows=free), use) is fate(marked(code), use)


def test_words_are_owed_where_the_code_has_none():
    with pytest.raises(FactMissing, match="Write the restriction"):
        Restriction(ITEM.FILES, HandlingCode.H3)


def test_a_code_on_an_item_goes_before_the_code_on_everything():
    given = (marked("H2", ITEM.WHOLE), marked("H0", ITEM.PERSONS))
    assert on(ITEM.PERSONS, given).handling is HandlingCode.H0
    assert on(ITEM.TEXT, given) == marked("H2", ITEM.TEXT)


@pytest.mark.parametrize("code", ["H1", "H2", "H3"])
@pytest.mark.parametrize("one", [ITEM.PERSONS, ITEM.ACQUIRER])
def test_a_name_does_not_slip_out_under_another_heading(one, code):
    (other,) = {ITEM.PERSONS, ITEM.ACQUIRER} - {one}
    for given in ((marked(code, one),), (marked("H0", other), marked(code, one))):
        found = on(other, (marked("H0", ITEM.WHOLE), *given))
        assert (found.item, found.handling) == (other, HandlingCode(code))


@pytest.mark.parametrize(
    "items",
    [(marked("H1", ITEM.WHOLE),), (marked("H1"), marked("H2"))],
    ids=["everything", "twice"],
)
def test_an_item_of_an_answer_has_one_code(items):
    with pytest.raises(FactMissing, match="one handling code"):
        Response(
            Outcome.WRONG_ADDRESSEE,
            HandlingCode.H0,
            details={"right_authority": "The police"},
            items=items,
        )


# --------------------------------------------------------------------- the history


class History:
    """A request and what happened to it, as the rules read it."""

    def __init__(self, *, confidential=False):
        self.confidential = confidential
        self.events = []

    def add(self, trigger, by, at=None, **carried):
        """Add a step; return its position."""
        position = len(self.events) + 1
        self.events.append(
            SimpleNamespace(
                position=position,
                trigger=trigger,
                by=by,
                at=at or datetime(2026, 3, 2, 9, tzinfo=UTC),
                carried=carried,
            )
        )
        return position

    def answer(self, handling="H0", items=()):
        """Answer with a chain, names, a holder and a text."""
        return self.add(
            Trigger.RESPOND,
            GIVER,
            outcome="EXPORTED",
            handling=handling,
            restrictions="Words." if handling == "H3" else "",
            chain=[{"type": "EXPORT", "by": "A Maker", "to": "A Dealer", "year": 1994}],
            details={"onward_state": "NP", "last_legal_holder": "A Holder"},
            text="With regards.",
            items=[
                {"item": i, "handling": h, "text": "", "allows": []} for i, h in items
            ],
        )

    def ask(self, use, *items, to="", by=ASKER):
        """Ask for a permission."""
        return self.add(
            Trigger.ASK_PERMISSION,
            by,
            use=use,
            items=list(items),
            to=to,
            purpose="A trial.",
        )

    def give(self, asked, by=GIVER):
        """Say yes."""
        self.add(Trigger.GIVE_PERMISSION, by, asked=asked, conditions="In camera.")

    def announce(self, *items, by=ASKER):
        """Give notice of a disclosure."""
        return self.add(
            Trigger.ANNOUNCE_DISCLOSURE,
            by,
            items=list(items),
            to="A court",
            planned="2026-03-09",
        )


def may(history, item, use, to="", since=1):
    """Return the permission that covers a use."""
    return restrictions.permission(
        history.events, ITEM(item), Use(use), by=ASKER, to=to, since=since
    )


def test_what_an_answer_says_falls_into_its_items():
    history = History()
    history.answer()
    found = restrictions.contents(history.events[0].carried)
    assert found[ITEM.ACQUIRER] == {"details": {"last_legal_holder": "A Holder"}}
    assert found[ITEM.PERSONS] == {"names": ["A Maker", "A Dealer"]}
    assert found[ITEM.TEXT] == {"text": "With regards."}
    assert found[ITEM.TRANSFERS]["details"] == {"onward_state": "NP"}
    # Who it was stands with the persons alone.
    assert "A Dealer" not in str(found[ITEM.TRANSFERS])


def test_an_older_answer_that_knows_no_items_is_read_by_its_code():
    carried = {"handling": "H3", "restrictions": "Only for us."}
    (whole,) = restrictions.of_answer(carried)
    assert fate(whole, Use.ONWARD) is Fate.ASKS


def test_a_permission_covers_its_item_its_use_and_its_state():
    history = History()
    history.answer("H2")
    history.give(history.ask("ONWARD", "TRANSFERS", to="NP"))
    assert may(history, "TRANSFERS", "ONWARD", "NP").conditions == "In camera."
    assert may(history, "TRANSFERS", "ONWARD", "IT") is None
    assert may(history, "PERSONS", "ONWARD", "NP") is None
    assert may(history, "TRANSFERS", "JUDICIAL") is None


def test_a_permission_for_everything_covers_each_item():
    history = History()
    history.answer("H1")
    history.give(history.ask("JUDICIAL", "WHOLE"))
    assert all(may(history, item, "JUDICIAL") for item in ITEM)


def test_asking_is_not_having_and_a_refusal_is_none():
    history = History()
    history.answer("H2")
    asked = history.ask("JUDICIAL", "WHOLE")
    assert may(history, "TEXT", "JUDICIAL") is None
    history.add(Trigger.REFUSE_PERMISSION, GIVER, asked=asked, reason="No.")
    assert may(history, "TEXT", "JUDICIAL") is None


def test_a_permission_does_not_cover_an_answer_that_came_after_it():
    history = History()
    history.answer("H2")
    history.give(history.ask("JUDICIAL", "WHOLE"))
    again = history.answer("H2")
    assert may(history, "TEXT", "JUDICIAL", since=again) is None


def test_the_refusal_of_a_use_says_to_ask_the_provider():
    with pytest.raises(RestrictionHolds, match="marked H2: ask the provider's perm"):
        restrictions.require_use(marked("H2"), Use.ONWARD, None)
    restrictions.require_use(marked("H1"), Use.ONWARD, None)


# -------------------------------------------------------------- steps beside the state


def test_only_the_side_that_was_asked_answers_and_only_once():
    history = History()
    history.answer("H2")
    asked = history.ask("JUDICIAL", "WHOLE")
    for fact in (Permission(asked), Refusal(asked, "No.")):
        trigger = (
            Trigger.GIVE_PERMISSION
            if isinstance(fact, Permission)
            else Trigger.REFUSE_PERMISSION
        )
        check(history, trigger, fact, by=GIVER, zone=NAIROBI)
        with pytest.raises(TransitionNotAllowed):
            check(history, trigger, fact, by=ASKER, zone=NAIROBI)
    with pytest.raises(TransitionNotAllowed, match="not asked for"):
        check(history, Trigger.GIVE_PERMISSION, Permission(99), by=GIVER, zone=NAIROBI)
    history.give(asked)
    with pytest.raises(TransitionNotAllowed):
        check(
            history, Trigger.GIVE_PERMISSION, Permission(asked), by=GIVER, zone=NAIROBI
        )


def test_who_has_nothing_of_the_other_side_has_nothing_to_ask():
    assert offered(History(), ASKER) == ()
    assert Trigger.ASK_PERMISSION in offered(History(), GIVER)


@pytest.mark.parametrize("confidential", [True, False])
def test_confidentiality_is_lifted_where_it_was_asked_for(confidential):
    history = History(confidential=confidential)
    history.answer()
    assert (Trigger.LIFT_CONFIDENTIALITY in offered(history, ASKER)) is confidential
    assert Trigger.LIFT_CONFIDENTIALITY not in offered(history, GIVER)


def test_the_side_that_answers_can_say_that_it_cannot_keep_it():
    history = History()
    assert Trigger.CANNOT_KEEP in offered(history, GIVER)
    assert Trigger.CANNOT_KEEP not in offered(history, ASKER)


# ------------------------------------------------------------ notice before disclosure


def disclose(history, announced, on=date(2026, 3, 9), by=ASKER):
    """Try to record a disclosure."""
    fact = Disclosure("A court", on, announced)
    check(history, Trigger.RECORD_DISCLOSURE, fact, by=by, zone=NAIROBI)


def test_nothing_is_disclosed_before_the_notice():
    history = History()
    history.answer("H1")
    with pytest.raises(FactMissing, match="Notify the provider first"):
        disclose(history, 1)
    with pytest.raises(FactMissing, match="Notify the provider first"):
        Disclosure("A court", date(2026, 3, 9))
    disclose(history, history.announce("WHOLE"))


def test_a_notice_is_its_own_sides_and_good_for_one_disclosure():
    history = History()
    history.answer("H1")
    announced = history.announce("WHOLE")
    with pytest.raises(FactMissing, match="Notify the provider first"):
        disclose(history, announced, by=GIVER)
    history.add(
        Trigger.RECORD_DISCLOSURE, ASKER, announced=announced, items=[], to="A court"
    )
    with pytest.raises(FactMissing, match="Notify the provider first"):
        disclose(history, announced)


@pytest.mark.parametrize(
    ("day", "allowed"), [(1, False), (2, True), (3, True)], ids=str
)
def test_a_disclosure_does_not_lie_before_its_notice(day, allowed):
    history = History()
    history.answer("H1")
    announced = history.announce("WHOLE")
    if allowed:
        disclose(history, announced, date(2026, 3, day))
        return
    with pytest.raises(FactMissing, match="before the provider was notified"):
        disclose(history, announced, date(2026, 3, day))


def test_what_speaks_for_an_accused_may_be_told_first_with_the_reason():
    history = History()
    history.answer("H1")
    told = {"items": (ITEM.PERSONS,), "no_notice": "The hearing was that day."}
    fact = Disclosure(
        "A court", date(2026, 3, 1), ground=DisclosureGround.EXCULPATORY, **told
    )
    check(history, Trigger.RECORD_DISCLOSURE, fact, by=ASKER, zone=NAIROBI)
    for ground in set(DisclosureGround) - {DisclosureGround.EXCULPATORY}:
        with pytest.raises(FactMissing, match="Notify the provider first"):
            Disclosure("A court", date(2026, 3, 1), ground=ground, **told)
    with pytest.raises(FactMissing, match="no time for notice"):
        Disclosure(
            "A court",
            date(2026, 3, 1),
            ground=DisclosureGround.EXCULPATORY,
            items=(ITEM.PERSONS,),
        )


@pytest.mark.parametrize(
    "missing", ["items", "to", "reason"], ids=["what", "to whom", "on what law"]
)
def test_a_notice_says_what_to_whom_and_on_what_law(missing):
    given = {
        "ground": DisclosureGround.LAW,
        "items": (ITEM.WHOLE,),
        "to": "A court",
        "planned": date(2026, 3, 9),
        "reason": "Article 5.",
    }
    DisclosurePlan(**given)
    with pytest.raises(FactMissing):
        DisclosurePlan(**given | {missing: given[missing][:0]})


def test_passing_on_is_asked_for_one_state():
    with pytest.raises(FactMissing, match="Name the State"):
        PermissionRequest(Use.ONWARD, (ITEM.WHOLE,), "A trace.")
    PermissionRequest(Use.JUDICIAL, (ITEM.WHOLE,), "A trial.")


# ----------------------------------------------------------------- use in proceedings


def close(history, *used):
    """Try to close with the answer used in proceedings."""
    fact = Closure(ClosureUse.PROCEEDINGS, TriState.NO, used_items=used)
    check(history, Trigger.CLOSE, fact, by=ASKER, zone=NAIROBI)


@pytest.mark.parametrize("code", ["H1", "H2", "H3"])
def test_use_in_proceedings_waits_for_the_permission(code):
    history = History()
    history.answer(code)
    with pytest.raises(RestrictionHolds, match=f"marked {code}"):
        close(history)
    history.give(history.ask("JUDICIAL", "WHOLE"))
    close(history)


def test_of_several_items_only_those_used_are_asked_about():
    history = History()
    history.answer(items=[("PERSONS", "H1")])
    with pytest.raises(RestrictionHolds, match="Persons named"):
        close(history)
    close(history, ITEM.TRANSFERS)


def test_files_under_a_code_of_their_own_are_used_only_with_the_permission():
    history = History()
    history.answer("H0", items=[("FILES", "H2")])
    with pytest.raises(RestrictionHolds, match="Documents and photographs"):
        close(history)
    close(history, ITEM.TRANSFERS)
    history.give(history.ask("JUDICIAL", "FILES"))
    close(history)


def test_what_a_court_had_to_be_told_may_stand_in_the_closure():
    history = History()
    history.answer("H1")
    announced = history.announce("WHOLE")
    history.add(
        Trigger.RECORD_DISCLOSURE, ASKER, announced=announced, items=[], to="A court"
    )
    close(history)


@pytest.mark.parametrize(
    "used_in", [use for use in ClosureUse if use is not ClosureUse.PROCEEDINGS]
)
def test_other_uses_of_an_answer_under_h1_need_nothing(used_in):
    history = History()
    history.answer("H1")
    fact = Closure(used_in, TriState.NO)
    check(history, Trigger.CLOSE, fact, by=ASKER, zone=NAIROBI)


def test_each_use_that_can_be_withheld_can_be_asked_for():
    asks = {
        use for code, use in itertools.product(TABLE, Use) if TABLE[code][use] == "asks"
    }
    assert asks == set(restrictions.PERMITTED)
