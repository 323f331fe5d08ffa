"""How an examination is followed: on a terminal a line for each question, elsewhere nothing.

Written to standard error, so that standard output holds the report alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import click

from glmgate.cli.doctor.findings import Finding, Level
from glmgate.cli.doctor.table import MARKS

_WORST: Final[tuple[Level, ...]] = ("bad", "note", "ok", "skipped")


class Lines:
    """A line for each thing that is looked at, with the worst that was found at its end."""

    def __init__(self, clean: Callable[[str], str], *, shown: bool) -> None:
        self._clean = clean
        self._shown = shown
        self._open = False
        self._levels: list[Level] = []

    def begins(self, what: str) -> None:
        """Something is looked at now."""
        self.end()
        self._open = True
        if self._shown:
            click.echo(self._clean(f"  {what} … "), nl=False, err=True)

    def found(self, finding: Finding) -> None:
        """Something was found."""
        self._levels.append(finding.level)

    def end(self) -> None:
        """End the line that is open."""
        if self._open and self._shown:
            worst = next((level for level in _WORST if level in self._levels), None)
            click.echo(MARKS[worst] if worst else "done", err=True)
        self._open = False
        self._levels = []
