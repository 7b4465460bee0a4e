"""The officer's search at the browser: from the press to the answer that is filled in."""

import contextlib
import re
import threading

import pytest
from playwright.sync_api import expect

from tests import factories
from tests.databases import on_sqlite
from tests.functional.conftest import let_go
from tests.functional.navigators import Investigator, Officer
from tests.functional.test_looks import OVERFLOW, SIDEWAYS
from tests.lookups.shelves import Shelved, candidate, put_up
from tracing.lookups import running
from workflows.states import Trigger

FOUND = candidate("R-1", "AB 0417 K", record="stolen", report_number="R-9")
OTHER = candidate("R-2", "АВ 0471 К", make="Sample Works")


@pytest.fixture
def registers_(app, tmp_path):
    """A register with two records, one with none, one out of reach."""
    return put_up(
        app,
        tmp_path,
        full=(Shelved((OTHER, FOUND)), {"domestic": True}),
        empty=(Shelved(), {}),
        gone=(Shelved(gone=True), {}),
    )


def work(app):
    """Do once what the worker does, beside the browser."""

    def drain():
        with app.app_context():
            running.drain("worker-of-the-test")

    worker = threading.Thread(target=drain)
    worker.start()
    worker.join(30)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_an_officer_searches_compares_confirms_and_answers(
    app, of, browser, live_server, registers_, scripts
):
    steps = (Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    reference = factories.after(of, *steps).reference
    let_go()
    context = browser.new_context(base_url=live_server, java_script_enabled=scripts)
    with contextlib.closing(context):
        officer = Officer(context.new_page(), of.officer.email)
        officer.signs_in()
        officer.opens(reference)
        page = officer.page
        officer.presses("Search all registers")
        expect(page.locator("[name=serial]")).to_have_value("АВ 04?7 К")
        officer.presses("Search the ticked registers")
        officer.is_told("No answer yet: 3.")
        table = page.locator("table.states")
        before = table.bounding_box()
        work(app)
        if scripts:
            expect(table).to_contain_text("Register not available")
            expect(page.get_by_text("Answers have come.")).to_be_visible()
            assert table.bounding_box()["y"] == before["y"]
            assert page.locator("article.match").count() == 0
            page.get_by_role("link", name="Show them").click()
        else:
            page.reload()
        officer.is_told(
            "Answered in full: 2 of 3. With possible matches: 1. No record: 1."
        )
        officer.is_told("Nothing is known of what they have.")
        first = page.locator("article.match").first
        expect(first).to_contain_text("Stolen")
        expect(first).to_contain_text("in another script")
        signs = first.locator("td.sign > span:first-child").all_inner_texts()
        assert signs == [*"≈≈==≈=≈"]
        first.get_by_label("Why it is this item").fill("Proof mark and finish fit.")
        first.get_by_role("button", name="It is this item").click()
        officer.is_told("Confirmed by a person")
        officer.presses("Record these searches")
        officer.is_told("The searches are recorded.")
        officer.presses("Answer the request")
        page.locator("#choose-outcome").select_option("REPORTED_STOLEN")
        officer.presses("Continue")
        named = page.locator("[name^=registers-][name$=-register]")
        assert [n.input_value() for n in named.all()] == [
            "Register full",
            "Register empty",
        ]
        expect(page.locator("[name=report_number]")).to_have_value("R-9")
        assert officer.complaints == []


@on_sqlite
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_pages_of_a_search_fit_the_screen(
    app, of, browser, live_server, registers_, width, language
):
    steps = (Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    reference = factories.after(of, *steps).reference
    draft = factories.draft(of).reference
    let_go()
    size = {"width": width, "height": 800}
    with contextlib.ExitStack() as stack:

        def opened(who, email):
            context = browser.new_context(base_url=live_server, viewport=size)
            stack.enter_context(contextlib.closing(context))
            person = who(context.new_page(), email)
            person.signs_in()
            return person

        officer = opened(Officer, of.officer.email)
        asker = opened(Investigator, of.investigator.email)
        for person, address in (
            (officer, f"/trace-requests/{reference}"),
            (asker, f"/trace-requests/{draft}"),
        ):
            page = person.page
            page.goto(f"{address}/look-ups")
            page.get_by_role("button", name="Search the ticked registers").click()
            work(app)
            page.goto(f"/language/{language}")
            for way in ("/look-ups", "", "/check"):
                page.goto(address + way)
                wide = page.evaluate(SIDEWAYS)
                assert wide <= 0, (address + way, page.evaluate(OVERFLOW))
            page.goto(f"{address}/look-ups")
            islands = page.locator("table.pairs, .glyphs, .mark")
            assert islands.count() > 3
            assert {i.get_attribute("dir") for i in islands.all()} == {"ltr"}
            assert [c for c in person.complaints if not re.search("404", c)] == []
