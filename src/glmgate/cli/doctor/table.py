"""The doctor's report for people: a table for each credential, and what to do below it. Text in, text out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from glmgate.cli.doctor.findings import Advice, Examined, Finding, Level

MARKS: Final[dict[Level, str]] = {"ok": "ok", "note": "note", "bad": "WRONG", "skipped": "-"}


def report(examined: Sequence[tuple[Examined, Sequence[Advice]]]) -> str:
    """All tables."""
    return "\n\n".join("\n".join(_lines(each, advised)) for each, advised in examined)


def _lines(examined: Examined, advised: Sequence[Advice]) -> Iterator[str]:
    subject = examined.subject
    key = f"key given by {subject.reference}" if subject.reference else "no key"
    yield " · ".join(part for part in (subject.name, subject.place.base_url if subject.place else "", key) if part)
    yield from _table([("", "CHECK", "WHERE", "RESULT"), *map(_row, examined.findings)])
    yield "All is well." if examined.is_well else "Something is wrong."
    if advised:
        yield "What to do:" if not examined.is_well else "Good to know:"
        yield from (f"- {each.text}" for each in advised)


def _row(finding: Finding) -> tuple[str, ...]:
    return (MARKS[finding.level], finding.check, finding.where, finding.text)


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
