"""The doctor: judges the facts by every check, and says it in lines or as JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tracing.operations.checks import CHECKS, Level
from tracing.operations.facts import Facts


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check came to."""

    name: str
    level: Level
    text: str = ""

    def __str__(self) -> str:
        """Return the line for people."""
        return f"{self.level.name:<7}  {self.name}: {self.text or 'as it should be'}"


def judge(facts: Facts, *, starting: bool = False) -> list[Finding]:
    """Return what every check says; at a start, those that can be kept before it.

    A demonstration is let off what it cannot keep, and is told so.
    """
    found = []
    for check in CHECKS:
        if starting and check.running:
            continue
        verdict = check.judge(facts)
        if verdict is None:
            found.append(Finding(check.name, Level.OK))
            continue
        level, text = verdict.level, verdict.text
        if level is Level.ERROR and check.lenient and facts.settings.demonstration:
            level, text = Level.WARNING, f"only as a demonstration: {text}"
        found.append(Finding(check.name, level, text))
    return found


def worst(findings: Sequence[Finding]) -> Level:
    """Return the exit status."""
    return max((finding.level for finding in findings), default=Level.OK)


def lines(findings: Sequence[Finding], *, everything: bool = False) -> Iterator[str]:
    """Yield what is wrong, the worst first, and how much there was to look at."""
    for finding in sorted(findings, key=lambda f: -f.level):
        if finding.level is not Level.OK or everything:
            yield str(finding)
    errors = sum(finding.level is Level.ERROR for finding in findings)
    warnings = sum(finding.level is Level.WARNING for finding in findings)
    yield f"{len(findings)} checks: {errors} errors, {warnings} warnings"


def as_json(findings: Sequence[Finding]) -> str:
    """Return the same for a program."""
    said: dict[str, Any] = {
        "status": worst(findings).name.lower(),
        "checks": [
            {"name": f.name, "level": f.level.name.lower(), "text": f.text}
            for f in findings
        ],
    }
    return json.dumps(said, indent=1)
