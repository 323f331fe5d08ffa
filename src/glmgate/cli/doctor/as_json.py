"""The doctor's report for programs. Members may be added; those that are there keep their meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from glmgate.cli.doctor.findings import Advice, Examined, Finding
from glmgate.engines.upstream.probes import ANSWER_TOKENS


def report(examined: Sequence[tuple[Examined, Sequence[Advice]]], *, used: int, most: int) -> dict[str, Any]:
    """Everything that was found. `used` of at most `most` requests that cost something were sent."""
    return {
        "well": all(each.is_well for each, _ in examined),
        "requests": {"used": used, "most": most, "tokens_each": ANSWER_TOKENS},
        "subjects": [_subject(each, advised) for each, advised in examined],
    }


def _subject(examined: Examined, advised: Sequence[Advice]) -> dict[str, Any]:
    subject = examined.subject
    return {
        "name": subject.name,
        "key": subject.reference or None,
        "base_url": subject.place.base_url if subject.place else None,
        "well": examined.is_well,
        "works_on": [tried.place.base_url for tried in examined.tried if tried.works],
        "profile": examined.profile,
        "models": list(examined.listing.models) if examined.listing else [],
        "findings": [_finding(finding) for finding in examined.findings],
        "advice": [{"name": each.name, "text": each.text} for each in advised],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "where": finding.where,
        "level": finding.level,
        "text": finding.text,
        "figures": dict(finding.figures),
    }
