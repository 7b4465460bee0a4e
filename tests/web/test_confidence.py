"""Pages of confidentiality: what each side reads, presses, and must not meet."""

import re

import pytest

from tests import factories
from tests.factories import CONFIDENTIAL, ITEM, WAY_TO
from tests.visitors import bare, hidden, shown, signed_in
from tracing.casework.references import reference_of
from workflows.facts import PermissionRequest
from workflows.policies import Role
from workflows.states import Trigger
from workflows.vocabulary import HandlingCode, Use


@pytest.fixture
def third(session):
    return factories.authority(country="NP", zone="Asia/Kathmandu")


@pytest.fixture
def asker(app, of):
    return signed_in(app, of.investigator)


@pytest.fixture
def giver(app, of):
    return signed_in(app, of.officer)


@pytest.fixture
def answered(of, third):
    """A request answered with a next State, whose acquirer is under H2."""
    made = factories.after(of, *WAY_TO[Trigger.RESPOND])
    fact = factories.exported(
        third, items=(factories.limited("ACQUIRER", "H2", "Ask the prosecutor."),)
    )
    return factories.take(of, made, Trigger.RESPOND, fact)


def address(request, *rest):
    return "/".join(("/trace-requests", request.reference, *rest))


def post(visitor, request, step, form):
    page = visitor.get(address(request, "steps", step)).text
    sent = form | {"version": hidden(page, "version")}
    return visitor.post(address(request, "steps", step), sent)


def test_an_answer_is_given_with_a_code_for_one_item(of, giver, asker):
    request = factories.after(of, *WAY_TO[Trigger.RESPOND])
    form = {
        "outcome": "NO_RECORD",
        "handling": "H0",
        "registers-0-register": "Makers",
        "registers-0-years": "1990-2026",
        "text": "Nothing here.",
        "items-0-item": "TEXT",
        "items-0-handling": "H3",
    }
    page = giver.get(address(request, "steps", "respond?outcome=NO_RECORD")).text
    form |= {"version": hidden(page, "version"), "form_key": hidden(page, "form_key")}
    refused = giver.post(address(request, "steps", "respond"), form)
    assert refused.status_code == 422
    assert "Write the restriction" in shown(refused.text)
    form |= {"items-0-text": "Not to the press.", "items-0-allows": ["JUDICIAL"]}
    assert giver.post(address(request, "steps", "respond"), form).status_code == 303
    read = shown(asker.get(address(request)).text)
    assert "Other text : H3 : Other restrictions (text required)" in read
    assert "Not to the press." in read
    assert "Without asking: Use it in judicial proceedings." in read


def test_the_way_from_a_restriction_to_the_next_state(
    of, answered, third, asker, giver
):
    page = asker.get(address(answered, "onward")).text
    assert "It stays here until the provider permits it" in shown(page)
    assert f'value="{answered.reference}-ACQUIRER"' not in page
    form = {
        "authority": str(third.id),
        "choice": "1",
        "carry": [f"{answered.reference}-ACQUIRER", f"{answered.reference}-TRANSFERS"],
        "form_key": "k1",
    }
    refused = asker.post(address(answered, "onward"), form)
    assert refused.status_code == 409
    assert "marked H2: ask the provider's permission first" in shown(refused.text)
    asked = {"use": "ONWARD", "to": "NP", "items": ["ACQUIRER"], "purpose": "To trace"}
    assert post(asker, answered, "ask_permission", asked).status_code == 303
    theirs = giver.get(address(answered)).text
    assert "Waits for the provider" in shown(theirs)
    (way,) = re.findall(r'href="([^"]+give_permission\?of=\d+)"', theirs)
    page = giver.get(way).text
    assert "Pass it on to another State (Nepal)" in shown(page)
    form_of_permission = {
        "asked": hidden(page, "asked"),
        "version": hidden(page, "version"),
        "conditions": "Not to the press.",
    }
    to = address(answered, "steps", "give_permission")
    assert giver.post(to, form_of_permission).status_code == 303
    assert "Permission given" in shown(asker.get(address(answered)).text)
    page = shown(asker.get(address(answered, "onward")).text)
    assert "Permission given for: Nepal." in page
    led = asker.post(address(answered, "onward"), form)
    assert led.status_code == 303
    draft = shown(asker.get(led.location).text)
    assert "Provided by Brazil on" in draft
    assert "Ask the prosecutor." in draft
    assert "Condition of the permission: Not to the press." in draft
    assert "Example Imports" in draft


def test_what_travels_can_be_left_out_of_the_draft(of, answered, third, asker):
    form = {"authority": str(third.id), "form_key": "k2"}
    led = asker.post(address(answered, "onward"), form)
    page = asker.get(led.location).text
    (way, *_) = re.findall(r'action="([^"]+/leave-out)"', page)
    items = page.count("/leave-out")
    gone = asker.post(way, {"version": hidden(page, "version")})
    assert gone.status_code == 303
    assert asker.get(gone.location).text.count("/leave-out") == items - 1


def test_closing_says_what_was_used_and_what_waits_for_a_permission(of, asker):
    request = factories.after(of, *WAY_TO[Trigger.RESPOND])
    fact = factories.answer(handling=HandlingCode.H1)
    factories.take(of, request, Trigger.RESPOND, fact)
    form = {"used_in": "PROCEEDINGS", "diversion_established": "NO"}
    refused = post(asker, request, "close", form)
    assert refused.status_code == 409
    assert "marked H1: ask the provider's permission first" in shown(refused.text)


def test_a_disclosure_is_recorded_after_its_notice(of, answered, asker, giver):
    direct = asker.get(address(answered, "steps", "record_disclosure")).text
    assert "The provider has had no notice" in shown(direct)
    day = factories.today().isoformat()
    early = {"to": "A court", "on": day, "ground": "COURT_ORDER", "no_notice": "Haste"}
    refused = post(asker, answered, "record_disclosure", early | {"items": ["WHOLE"]})
    assert refused.status_code == 422
    assert "Notify the provider first" in shown(refused.text)
    forged = {"announced": "4", "to": "A court", "on": day}
    refused = post(asker, answered, "record_disclosure", forged)
    assert refused.status_code == 409
    assert "Notify the provider first" in shown(refused.text)
    notice = {
        "ground": "COURT_ORDER",
        "reason": "Order 7 of the High Court.",
        "items": ["WHOLE"],
        "to": "The High Court",
        "planned": day,
    }
    assert post(asker, answered, "announce_disclosure", notice).status_code == 303
    read = shown(giver.get(address(answered)).text)
    assert "Order 7 of the High Court." in read
    assert "Notice given" in read
    (way,) = re.findall(
        r'href="([^"]+record_disclosure\?of=\d+)"', asker.get(address(answered)).text
    )
    page = asker.get(way).text
    assert "The High Court" in shown(page)
    done = {
        "announced": hidden(page, "announced"),
        "version": hidden(page, "version"),
        "to": "The High Court",
        "on": day,
    }
    recorded = asker.post(address(answered, "steps", "record_disclosure"), done)
    assert recorded.status_code == 303
    assert "Disclosed" in shown(giver.get(address(answered)).text)


@pytest.mark.parametrize(
    "step", ["give_permission", "refuse_permission", "lift_confidentiality"]
)
def test_a_step_about_nothing_is_not_possible(of, answered, asker, giver, step):
    for visitor in (asker, giver):
        assert visitor.get(address(answered, "steps", step)).status_code == 409


# ------------------------------------------------------------ a request kept unknown


@pytest.fixture
def kept(of):
    return factories.sent(of, **CONFIDENTIAL)


def test_colleagues_meet_the_bytes_of_a_request_that_never_was(app, of, kept):
    never = reference_of(2026, "KE", 9_999_998)
    for role in (Role.OFFICER, Role.AUDITOR, Role.INVESTIGATOR):
        visitor = signed_in(app, factories.person(of.asked, role))
        for way in ("", "/journal", "/steps/acknowledge", "/onward"):
            found, other = (
                visitor.get(f"/trace-requests/{reference}{way}")
                for reference in (kept.reference, never)
            )
            assert found.status_code == other.status_code == 404
            assert bare(found.text, kept.reference) == bare(other.text, never)
        assert visitor.get(f"/go/{kept.mail_number}").status_code == 404
        assert visitor.post("/find", {"reference": kept.reference}).status_code == 404
        for page in ("/", "/queue", "/queue?view=unassigned"):
            assert kept.reference not in visitor.get(page).text


def test_a_supervisor_hands_it_to_an_officer(app, of, kept, giver):
    supervisor = signed_in(app, factories.person(of.asked, Role.SUPERVISOR))
    page = supervisor.get(address(kept)).text
    assert "That this request exists is confidential" in shown(page)
    version = {"version": hidden(page, "version")}
    to = address(kept, "hand-over")
    for wrong in ("", "x", str(of.investigator.id)):
        assert supervisor.post(to, version | {"person": wrong}).status_code == 422
    assert giver.post(to, version | {"person": "1"}).status_code == 404
    chosen = version | {"person": str(of.officer.id)}
    assert supervisor.post(to, chosen).status_code == 303
    assert giver.get(address(kept)).status_code == 200
    assert kept.reference in giver.get("/queue").text


def test_the_journal_keeps_it_from_auditors_and_shows_it_to_supervisors(app, of, kept):
    usual = factories.sent(of)
    reads = {}
    for role in (Role.AUDITOR, Role.SUPERVISOR):
        visitor = signed_in(app, factories.person(of.asked, role))
        page = visitor.get("/journal").text
        assert usual.reference in page
        found = visitor.get(f"/journal?reference={kept.reference}").text
        said = found.replace(f'value="{kept.reference}"', "")
        reads[role] = (kept.reference in page, kept.reference in said)
        export = visitor.post("/journal/export").status_code
        assert export == (403 if role is Role.AUDITOR else 200)
    assert reads == {Role.AUDITOR: (False, False), Role.SUPERVISOR: (True, True)}


def test_an_administrator_learns_nothing_through_the_rights_of_others(app, of, kept):
    supervisor = factories.person(of.asked, Role.SUPERVISOR)
    visitor = signed_in(app, factories.person(of.asked, Role.ADMINISTRATOR))
    usual = factories.sent(of)
    for request, known in ((usual, True), (kept, False)):
        way = f"/people/{supervisor.id}/rights?reference={request.reference}"
        page = shown(visitor.get(way).text)
        assert ("the authority is the requested side" in page) is known
        assert ("there is no such request" in page) is not known


def test_the_two_sides_lift_it_together(app, of, kept, asker):
    supervisor = signed_in(app, factories.person(of.asked, Role.SUPERVISOR))
    reason = {"reason": "Our register is public."}
    assert post(supervisor, kept, "cannot_keep", reason).status_code == 303
    assert "Our register is public." in shown(asker.get(address(kept)).text)
    lifted = post(asker, kept, "lift_confidentiality", {"reason": "Go on."})
    assert lifted.status_code == 303
    officer = signed_in(app, of.officer)
    assert officer.get(address(kept)).status_code == 200


def test_the_side_that_answers_asks_permission_for_what_the_request_holds(
    of, asker, giver
):
    request = factories.after(of, *WAY_TO[Trigger.ENQUIRE])
    fact = PermissionRequest(Use.JUDICIAL, (ITEM.PERSONS,), "A trial of ours.")
    officer = factories.actor_of(of.officer)
    factories.take(of, request, Trigger.ASK_PERMISSION, fact, actor=officer)
    assert "Refuse permission" in shown(asker.get(address(request)).text)
    assert "Refuse permission" not in shown(giver.get(address(request)).text)
