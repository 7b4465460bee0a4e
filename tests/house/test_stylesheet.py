"""The stylesheet mirrors for right-to-left readers and keeps its contrast."""

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).parents[2] / "tracing" / "static" / "app.css").read_text("utf-8")
RULES = re.sub(r"/\*.*?\*/", "", CSS, flags=re.DOTALL)

PHYSICAL = re.compile(
    r"(?<![\w-])(left|right|top|bottom|width|height|(margin|padding|border)-"
    r"(left|right|top|bottom)[\w-]*)\s*:|(text-align|float|clear)\s*:\s*(left|right)"
)
TAGS = ("blue", "amber", "red", "green", "grey", "violet")

# Written on what; 4.5 to 1 by WCAG 2.2, 1.4.3.
TEXT = [
    *(
        (ink, ground)
        for ink in ("text", "muted", "link")
        for ground in ("bg", "surface")
    ),
    ("visited", "bg"),
    ("link-hover", "bg"),
    ("danger", "bg"),
    ("on-primary", "primary"),
    ("on-primary", "primary-hover"),
    ("on-danger", "danger"),
    ("on-danger", "danger-hover"),
    ("on-head", "head"),
    *((f"{tag}-ink", f"{tag}-bg") for tag in TAGS),
]
# Edges and rings; 3 to 1 by 1.4.11.
CONTROLS = [
    ("ctl", "bg"),
    ("ctl", "surface"),
    ("primary", "bg"),
    ("focus", "focus-ink"),
]


def tokens(start: str) -> dict[str, str]:
    block = RULES[RULES.index(start) :]
    body = block[block.index("{", block.index(start)) + 1 : block.index("}")]
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{3,6})\b", body))


LIGHT = tokens(":root {")
DARK = tokens(':root:not([data-theme="light"])')
THEMES = {"light": LIGHT, "dark": LIGHT | DARK}


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_computed_as_the_guidelines_say() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777", "#fff") == pytest.approx(4.48, abs=0.01)


def test_no_property_names_a_side_of_the_screen() -> None:
    queries = re.sub(r"@media[^{]*", "", RULES)
    assert [m.group() for m in PHYSICAL.finditer(queries)] == []


def test_nothing_older_browsers_cannot_lay_out() -> None:
    for word in (":has(", "light-dark(", "@import", "url(", "&"):
        assert word not in RULES


def test_the_dark_set_is_the_same_in_both_places() -> None:
    assert tokens(':root[data-theme="dark"]') == DARK
    assert set(DARK) == set(LIGHT)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_words_are_readable(theme: str, ink: str, ground: str) -> None:
    colours = THEMES[theme]
    assert contrast(colours[ink], colours[ground]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("edge", "ground"), CONTROLS)
def test_controls_are_seen(theme: str, edge: str, ground: str) -> None:
    colours = THEMES[theme]
    assert contrast(colours[edge], colours[ground]) >= 3


def test_every_colour_used_is_a_token() -> None:
    used = set(re.findall(r"var\(--([\w-]+)\)", RULES))
    declared = set(re.findall(r"--([\w-]+):", RULES))
    assert used <= declared
