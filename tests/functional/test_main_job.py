"""The main job, from the find to the next State, at two browsers."""

import contextlib
import re

import pytest
from playwright.sync_api import expect

from tests import factories
from tests.databases import on_sqlite
from tests.functional.conftest import let_go
from tests.functional.navigators import Investigator, Officer
from tests.notifications.people import with_mail
from tracing import worker
from tracing.cli.serve import choose_channel

SERIAL = "АВ 04?7 К"
SECRETS = ("04?7", "АВ", "Exampleson", "Ewa", "Kibera", "Demonstration Town", "Kenya")
STATE_CODE = re.compile(r"\b(KE|BR|NP)\b")


@pytest.fixture
def settings(settings, mailbox):
    return with_mail(settings, smtp_port=mailbox.port)


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def people(request, browser, live_server, of):
    """The investigator and the officer, each with a browser of their own."""
    with contextlib.ExitStack() as stack:
        pages = [
            stack.enter_context(
                contextlib.closing(
                    browser.new_context(
                        base_url=live_server, java_script_enabled=request.param
                    )
                )
            ).new_page()
            for _ in range(2)
        ]
        yield (
            Investigator(pages[0], of.investigator.email),
            Officer(pages[1], of.officer.email),
        )


def exported() -> dict[str, str]:
    """What the officer writes: lawfully exported to Nepal."""
    return {
        "registers-0-register": "Register of makers",
        "registers-0-years": "1990-2026",
        "chain-0-type": "EXPORT",
        "chain-0-year": "2011",
        "chain-0-to": "Example Imports",
        "onward_state": "NP",
        "onward_contact": "Example Desk",
        "export_date": "2011-05-04",
        "export_licence": "EX-1",
        "consignee": "Example Imports",
        "consignment": "200 pieces",
        "serial_range": "100-299",
        "handling": "H0",
    }


def test_a_pistol_is_traced_to_the_next_state(app, of, people, mailbox):
    choose_channel(app)
    investigator, officer = people
    investigator.signs_in()
    officer.signs_in()

    reference = investigator.files(factories.complete_form(of.asked))
    assert investigator.reads_back() == [*"АВ␣04?7␣К"]
    investigator.is_told("Cyrillic")
    investigator.sends()

    officer.sees_in_queue(reference)
    assert SERIAL in officer.reads()
    officer.acknowledges()
    officer.asks("Which side of the frame bears it?")

    investigator.opens(reference)
    investigator.is_told("Which side of the frame bears it?")
    investigator.clarifies(reference, "The left one.")

    officer.opens(reference)
    officer.is_told("The left one.")
    officer.records_a_search("Register of makers", "1990-2026", "FOUND")
    officer.records_a_search("Register of exports", "2001-2026", "FOUND")
    officer.answers("EXPORTED", exported())

    investigator.opens(reference)
    officer.opens(reference)
    investigator.is_told("Nepal")
    investigator.is_told("Example Imports")
    assert investigator.history() == officer.history()
    assert len(investigator.history()) == 7
    assert investigator.due() == officer.due()

    onward = investigator.asks_the_next_state(reference)
    assert onward != reference
    investigator.is_told("Nepal")
    assert investigator.reads_back() == [*"АВ␣04?7␣К"]
    investigator.sends()
    investigator.is_told("Follows")
    investigator.closes(reference)
    officer.opens(reference)
    assert investigator.history() == officer.history()
    assert officer.history()[0] == "Closed"

    assert investigator.complaints == []
    assert officer.complaints == []
    the_mails_tell_nothing(app, of, mailbox, reference)


def the_mails_tell_nothing(app, of, mailbox, reference):
    """Deliver them to a real server, and read each of them."""
    worker.drain()
    let_go()
    number = reference[:5] + reference[8:]
    for_asking = mailbox.to(of.asking.email)
    for_asked = mailbox.to(of.asked.email)
    # Asking: acknowledged, question, answered. Asked: sent, clarified, closed.
    assert len(for_asking) == 3
    assert len(for_asked) == 3
    assert len({d.message["Message-ID"] for d in mailbox.deliveries}) == len(
        mailbox.deliveries
    )
    for delivery in mailbox.deliveries:
        whole = delivery.subject + "\n"
        for part in delivery.message.walk():
            if part.get_content_maintype() == "text":
                whole += str(part.get_content())
        for secret in (*SECRETS, reference, of.investigator.name, of.officer.name):
            assert secret not in whole
        assert not STATE_CODE.search(whole)
    assert all(number in d.subject for d in for_asking + for_asked)


def test_a_link_of_a_mail_leads_to_the_request(app, of, browser, live_server):
    request = factories.sent(of)
    number, reference = request.mail_number, request.reference
    let_go()
    with contextlib.closing(browser.new_context(base_url=live_server)) as context:
        officer = Officer(context.new_page(), of.officer.email)
        officer.page.goto(f"/go/{number}")
        officer.page.get_by_label("E-mail address").fill(officer.email)
        officer.page.get_by_label("Password").fill(factories.PASSWORD)
        officer.page.get_by_role("button", name="Sign in").click()
        expect(officer.page.get_by_role("heading", level=1)).to_have_text(reference)


@on_sqlite
def test_what_is_missing_is_said_at_the_top_and_at_its_field(of, people):
    investigator, _officer = people
    investigator.signs_in()
    form = factories.complete_form(of.asked, find_found_on="2126-01-01")
    investigator.page.goto("/trace-requests/new")
    investigator.fills_by_name(form)
    investigator.presses("Save and check")
    summary = investigator.page.get_by_role("alert")
    expect(summary).to_contain_text("There is a problem")
    summary.get_by_role("link").first.click()
    expect(investigator.page.locator('[name="find-found_on"]')).to_be_in_viewport()
    expect(investigator.page.locator('[name="item-make"]')).to_have_value(
        "Example Arms"
    )
    assert [c for c in investigator.complaints if "422" not in c] == []
