"""Every page fits every screen, in both directions of writing, and complains of nothing."""

import contextlib

import pytest

from tests import factories
from tests.functional.conftest import let_go
from tests.functional.navigators import Officer
from workflows.states import Trigger

OVERFLOW = """() => {
  const wide = document.documentElement.clientWidth;
  return [...document.querySelectorAll("body *")]
    .filter((e) => !e.closest(".scroll, .vh, .skip, svg"))
    .filter((e) => getComputedStyle(e).visibility !== "hidden")
    .map((e) => [e, e.getBoundingClientRect()])
    .filter(([, box]) => box.width && (box.right > wide + 1 || box.left < -1))
    .map(([e, box]) => `${e.tagName}.${e.className} ${box.left}..${box.right}`)
    .slice(0, 5);
}"""
SIDEWAYS = (
    "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
)


@pytest.fixture
def addresses(of):
    """One page of each kind, as full as pages get."""
    third = factories.authority(country="NP", name="W" * 60)
    sent = factories.after(of, *factories.WAY_TO[Trigger.RESPOND])
    factories.take(of, sent, Trigger.RESPOND, factories.exported(third))
    for _ in range(3):
        factories.sent(of, markings_serial="WWWW 0417 ЖЖЖЖ 9999 " * 3)
    draft = factories.draft(of)
    searched = factories.after(of, *factories.WAY_TO[Trigger.RESPOND])
    mine = {
        "home": "/",
        "mine": "/my-requests",
        "request": f"/trace-requests/{sent.reference}",
        "new": "/trace-requests/new",
        "check": f"/trace-requests/{draft.reference}/check",
        "edit": f"/trace-requests/{draft.reference}/edit?all=1",
        "onward": f"/trace-requests/{sent.reference}/onward",
        "contacts": "/points-of-contact",
        "contact": f"/points-of-contact/{third.code}",
        "outgoing": "/outgoing",
        "dates": f"/trace-requests/{sent.reference}/dates",
        "foreseen": f"/trace-requests/{draft.reference}/dates",
        "calendars": "/calendars",
        "limits": "/time-limits?code=EU977_NORMAL",
        "nowhere": "/nope",
    }
    theirs = {
        "queue": "/queue",
        "answer": f"/trace-requests/{searched.reference}/steps/respond?outcome=EXPORTED",
        "ask": f"/trace-requests/{searched.reference}/steps/ask_clarification",
    }
    let_go()
    return {of.investigator.email: mine, of.officer.email: theirs}


@pytest.mark.parametrize(
    ("database_url", "width"),
    # What a page looks like does not hang on the database: each serves one width.
    [pytest.param("postgresql", 320, marks=pytest.mark.postgresql), ("sqlite", 1280)],
    indirect=["database_url"],
)
@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("ar", "rtl")])
def test_a_page_fits_the_screen(
    browser, live_server, addresses, width, language, direction
):
    wrong, complaints = {}, []
    for email, pages in addresses.items():
        context = browser.new_context(
            base_url=live_server, viewport={"width": width, "height": 800}
        )
        with contextlib.closing(context):
            reader = Officer(context.new_page(), email)
            reader.signs_in()
            reader.page.goto(f"/language/{language}")
            for name, address in pages.items():
                reader.page.goto(address)
                root = reader.page.locator("html")
                assert root.get_attribute("lang") == language
                assert root.get_attribute("dir") == direction
                if reader.page.evaluate(SIDEWAYS) > 0:
                    wrong[name] = reader.page.evaluate(OVERFLOW)
            complaints += [c for c in reader.complaints if "404" not in c]
    assert wrong == {}
    assert complaints == []
