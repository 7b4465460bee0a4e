"""People at the browser: each method is a verb of their work, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from tests import factories

LONG = 20_000


@dataclass
class Person:
    """Somebody with a browser of their own; `complaints` is what its console says."""

    page: Page
    email: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(LONG)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def signs_in(self, password: str = factories.PASSWORD) -> None:
        self.page.goto("/sign-in")
        self.page.get_by_label("E-mail address").fill(self.email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("heading", name="Today")).to_be_visible()

    def opens(self, reference: str) -> None:
        self.page.goto(f"/trace-requests/{reference}")
        expect(self.page.get_by_role("heading", level=1)).to_have_text(reference)

    def presses(self, words: str) -> None:
        """Press the one button or link of these words."""
        main = self.page.get_by_role("main")
        button = main.get_by_role("button", name=words, exact=True)
        link = main.get_by_role("link", name=words, exact=True)
        button.or_(link).locator("visible=true").last.click()

    def fills(self, answers: Mapping[str, str]) -> None:
        """Fill in fields by their labels: type, or choose."""
        for label, value in answers.items():
            self._fill(self.page.get_by_label(label).locator("visible=true"), value)

    def fills_by_name(self, form: Mapping[str, str | list[str]]) -> None:
        """Fill in fields by their names, as the form posts them."""
        for name, value in form.items():
            for one in value if isinstance(value, list) else [value]:
                self._fill_named(name, one)

    def _fill_named(self, name: str, value: str) -> None:
        found = self.page.locator(f'[name="{name}"]')
        if found.first.get_attribute("type") in ("radio", "checkbox"):
            self.page.locator(f'[name="{name}"][value="{value}"]').check()
        else:
            self._fill(found, value)

    @staticmethod
    def _fill(found: Locator, value: str) -> None:
        kind = found.evaluate("element => element.tagName")
        if kind == "SELECT":
            found.select_option(value)
        else:
            found.fill(value)

    def reads(self) -> str:
        """Return what stands on the page."""
        return self.page.get_by_role("main").inner_text()

    def history(self) -> list[str]:
        """Return the steps the page tells, newest first."""
        return self.page.locator(".tl .what").all_inner_texts()

    def due(self) -> str:
        """Return the answer's day as the status line tells it."""
        words = self.page.locator(".status").inner_text()
        return words.split("Answer due ")[1].split(" · ")[0].splitlines()[0].strip()

    def is_told(self, words: str) -> None:
        expect(self.page.get_by_role("main")).to_contain_text(words)


@dataclass
class Investigator(Person):
    """Files requests, clarifies, reads answers, goes on, closes."""

    def files(self, form: Mapping[str, Any]) -> str:
        """Fill in the whole form, save it, and return the reference of the draft."""
        self.page.goto("/trace-requests/new")
        self.fills_by_name(form)
        self.presses("Save and check")
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(
            "Check your request"
        )
        return self.page.url.split("/")[-2]

    def reads_back(self) -> list[str]:
        """Return the serial number character by character, as it is shown."""
        return self.page.locator(".glyphs b").all_inner_texts()

    def sends(self) -> None:
        self.page.get_by_label("I am authorised to make this request").check()
        self.presses("Send request")
        self.is_told("The request is sent.")

    def clarifies(self, reference: str, *answers: str) -> None:
        self.opens(reference)
        self.presses("Clarify")
        for number, answer in enumerate(answers, 1):
            self.page.locator(f"#answer-{number}").fill(answer)
        self.presses("Clarify")
        self.is_told("Clarified")

    def asks_the_next_state(self, reference: str) -> str:
        """Open the onward request and return its reference."""
        self.opens(reference)
        self.presses("Ask the next State")
        self.presses("Start the next request")
        self.is_told("The next request is a draft")
        return self.page.url.split("/")[-2]

    def closes(self, reference: str) -> None:
        self.opens(reference)
        self.presses("Close request")
        self.fills_by_name(
            {"used_in": "INTELLIGENCE", "diversion_established": "UNKNOWN"}
        )
        self.presses("Close request")
        self.is_told("Nothing more is due")


@dataclass
class Officer(Person):
    """Works the queue: acknowledges, asks, searches, answers."""

    def sees_in_queue(self, reference: str) -> None:
        self.page.goto("/queue")
        expect(self.page.get_by_role("rowheader", name=reference)).to_be_visible()
        self.page.get_by_role("link", name=reference).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(reference)

    def acknowledges(self) -> None:
        self.presses("Acknowledge")
        self.is_told("The receipt is confirmed.")

    def asks(self, question: str) -> None:
        self.presses("Ask for clarification")
        self.fills_by_name({"questions-0-text": question})
        self.presses("Ask for clarification")
        self.is_told("Clarification asked")

    def records_a_search(self, register: str, years: str, result: str) -> None:
        self.presses("Record a search")
        form = {"register": register, "years": years, "key": "serial", "result": result}
        self.fills_by_name(form)
        self.presses("Record a search")
        self.is_told("Records searched")

    def answers(self, outcome: str, form: Mapping[str, Any]) -> None:
        """Choose the outcome, then fill in what it asks for."""
        self.presses("Answer")
        self.page.locator("#choose-outcome").select_option(outcome)
        self.presses("Continue")
        self.fills_by_name(form)
        self.presses("Answer")
        self.is_told("Answered")
