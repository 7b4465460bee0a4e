"""A photograph's way through the browser: chosen, kept, sent, seen by the other side."""

import contextlib

import pytest

from tests import factories
from tests.factories import files
from tests.functional.conftest import let_go
from tests.functional.navigators import Investigator, Officer

LOADED = """() => [...document.querySelectorAll(".photos img")].map((i) => {
  i.loading = "eager";
  return i.decode().then(() => i.naturalWidth);
})"""


def photograph(text: str, name: str) -> dict[str, object]:
    return {"name": name, "mimeType": "image/jpeg", "buffer": files.jpeg(text)}


@pytest.mark.parametrize(
    ("database_url", "scripts"),
    [pytest.param("postgresql", True, marks=pytest.mark.postgresql), ("sqlite", False)],
    indirect=["database_url"],
)
def test_a_photograph_survives_a_mistake_and_reaches_the_other_side(
    browser, live_server, of, scripts
):
    form = factories.complete_form(of.asked, item_year="20000")
    let_go()
    with contextlib.ExitStack() as stack:
        context = browser.new_context(base_url=live_server, java_script_enabled=scripts)
        stack.enter_context(contextlib.closing(context))
        asker = Investigator(context.new_page(), of.investigator.email)
        asker.signs_in()
        asker.page.goto("/trace-requests/new")
        asker.fills_by_name(form)
        page = asker.page
        at_serial = page.locator("[name=markings-serial-photo]")
        at_serial.set_input_files([photograph("04?7", "serial.jpg")])
        asker.presses("Save and check")
        asker.is_told("There is a problem")
        assert page.locator(".photos img").count() == 1
        if scripts:
            page.get_by_role("button", name="Add another Other marks").click()
            assert page.locator("[name=markings-marks-1-photo]").count() == 1
            assert page.locator(".photos img").count() == 1
        page.locator("[name=item-year]").fill("1998")
        asker.presses("Save and check")
        asker.is_told("Serial number")
        alt = page.locator(".photos img").get_attribute("alt")
        assert alt == "Photograph: Serial number АВ 04?7 К"
        asker.sends()
        reference = page.url.rsplit("/", 1)[-1]
        other = browser.new_context(base_url=live_server)
        stack.enter_context(contextlib.closing(other))
        officer = Officer(other.new_page(), of.officer.email)
        officer.signs_in()
        officer.opens(reference)
        widths = officer.page.evaluate(f"() => Promise.all(({LOADED})())")
        assert widths == [240]
