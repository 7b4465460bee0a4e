"""`RULES` as people read it: a table in plain text, and a picture for Mermaid."""

from typing import Final

from workflows.lifecycle import RULES, Rule, rules_of
from workflows.states import FINAL, OPEN, SENT, State

_HEAD: Final = ("step", "from", "to", "by", "carries", "when")
_SETS: Final = {OPEN: "any open", FINAL: "any ended", SENT: "any sent"}


def as_table() -> str:
    """Return the lifecycle in columns, one line for each row of the table."""
    rows = [_HEAD, *map(_cells, RULES)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def as_mermaid() -> str:
    """Return the lifecycle as a state diagram; steps with the same ends share one."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for rule in RULES:
        for source in rule.sources:
            label = " ".join(filter(None, (rule.trigger, _bracketed(rule, source))))
            arrows.setdefault((source, rule.to or source), []).append(label)
    drawn = (
        f"{source} --> {to}: {', '.join(labels)}"
        for (source, to), labels in arrows.items()
    )
    ends = (f"{state} --> [*]" for state in FINAL)
    lines = ("stateDiagram-v2", f"[*] --> {State.DRAFT}", *drawn, *ends)
    return "\n    ".join(lines)


def _cells(rule: Rule) -> tuple[str, ...]:
    return (
        rule.trigger,
        _SETS.get(rule.sources, ", ".join(rule.sources)),
        rule.to or "same",
        rule.by or "either",
        rule.carries.__name__ if rule.carries else "nothing",
        _condition(rule, *rule.sources),
    )


def _bracketed(rule: Rule, source: State) -> str:
    condition = _condition(rule, source)
    return f"({condition})" if condition else ""


def _condition(rule: Rule, *sources: State) -> str:
    if rule.when is not None:
        return rule.when.__name__.replace("_", " ")
    others = (row for row in rules_of(rule.trigger) if row.when is not None)
    if any(source in row.sources for row in others for source in sources):
        return "otherwise"
    return ""
