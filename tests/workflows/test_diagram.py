"""Promises about the pictures of the lifecycle."""

import re
from pathlib import Path

import pytest

from workflows.diagram import as_mermaid, as_table
from workflows.lifecycle import RULES
from workflows.states import State, Trigger

PAGE = Path(__file__).resolve().parents[2] / "docs" / "lifecycle.md"
WRITTEN = [
    ("lifecycle", f"```mermaid\n{as_mermaid()}\n```"),
    ("rules", f"```text\n{as_table()}\n```"),
]


@pytest.mark.parametrize(("mark", "text"), WRITTEN, ids=["lifecycle", "rules"])
def test_the_page_shows_what_the_table_says(mark, text):
    page = PAGE.read_text("utf-8")
    shown = re.search(rf"<!-- {mark} -->\n(.*)\n<!-- /{mark} -->", page, re.DOTALL)
    assert shown, f"docs/lifecycle.md has lost its {mark} markers"
    assert shown[1] == text, "paste the new text of workflows/diagram.py between them"


def test_the_table_has_a_line_for_each_row_under_one_heading():
    heading, *lines = as_table().splitlines()
    assert heading.split() == ["step", "from", "to", "by", "carries", "when"]
    assert [line.split()[0] for line in lines] == [row.trigger for row in RULES]


def test_the_table_names_what_decides_between_two_rows():
    clarify = [line for line in as_table().splitlines() if line.startswith("clarify")]
    assert [re.split(r"\s{2,}", line)[-1] for line in clarify] == [
        "had been searched",
        "otherwise",
    ]


def test_the_picture_shows_each_state_and_each_step():
    words = set(re.findall(r"\w+", as_mermaid()))
    assert set(State) | set(Trigger) <= words


def test_the_picture_draws_one_arrow_between_two_states():
    arrows = re.findall(r"^ {4}(\S+ --> \S+?):?(?= |$)", as_mermaid(), re.MULTILINE)
    assert len(arrows) == len(set(arrows)) > len(State)


def test_the_picture_says_on_what_an_arrow_depends():
    picture = as_mermaid()
    assert "acknowledged --> responded: respond (needs no search)" in picture
    assert "records_searched --> responded: respond\n" in picture
