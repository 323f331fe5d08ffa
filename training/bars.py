"""The bars: what the shipped chat model is to reach on held-out questions, and whether it does.

Only the numbers and the table; how an answer is judged is `judging`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.judging import Verdict


@dataclass(frozen=True, slots=True)
class Bar:
    """A share in percent that an aspect of the answers to a subject (None: to all) must reach."""

    what: str
    subject: str | None
    aspect: str
    least: float


BARS = (
    Bar("ends by itself", None, "ended", 100.0),
    Bar("form: thoughts split off, calls parsed, JSON valid without grammar", None, "form", 99.0),
    Bar("thinking switch obeyed", None, "switch", 100.0),
    Bar("right tool among three", "one tool of three", "tool", 95.0),
    Bar("no call when none fits", "no tool fits", "tool", 95.0),
    Bar("arguments copied exactly", "one tool of three", "right", 80.0),
    Bar("name told in turn one known in turn three", "name told in turn one", "right", 80.0),
    Bar("sums of two digits", "sums of two digits", "right", 90.0),
)


def measured(bar: Bar, results: Mapping[str, Sequence[Verdict]]) -> float:
    """Return the share in percent that a bar is about."""
    judged = [
        verdict for subject, verdicts in results.items() if bar.subject in {None, subject} for verdict in verdicts
    ]
    return 100 * sum(getattr(verdict, bar.aspect) for verdict in judged) / len(judged)


def bar_table(results: Mapping[str, Sequence[Verdict]]) -> list[str]:
    """Return a row for each bar: what it asks for, what was measured, and whether that is enough."""
    rows = ["| bar | asked for | measured | |", "|---|--:|--:|---|"]
    for bar in BARS:
        found = measured(bar, results)
        verdict = "met" if found >= bar.least else "missed"
        rows.append(f"| {bar.what} | {bar.least:g} | {found:.1f} | {verdict} |")
    return rows
