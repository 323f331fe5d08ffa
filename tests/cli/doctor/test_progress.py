"""Tests of the lines that follow an examination on a terminal."""

from __future__ import annotations

import pytest

from glmgate.cli.doctor.findings import Finding, Level
from glmgate.cli.doctor.progress import Lines


def finding(level: Level) -> Finding:
    """A finding of that level."""
    return Finding(check="answer", where="x", level=level, text="")


def test_a_line_ends_with_the_worst_that_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    """Each thing that is looked at has one; secrets are taken out."""
    lines = Lines(lambda text: text.replace("secret", "[key]"), shown=True)
    lines.begins("asking secret")
    lines.found(finding("ok"))
    lines.found(finding("bad"))
    lines.begins("going on")
    lines.found(finding("note"))
    lines.begins("nothing")
    lines.end()
    lines.end()
    said = capsys.readouterr()
    assert said.err == "  asking [key] … WRONG\n  going on … note\n  nothing … done\n"
    assert said.out == ""


def test_without_a_terminal_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    """Logs of jobs need no lines that go on."""
    lines = Lines(str, shown=False)
    lines.begins("asking")
    lines.found(finding("ok"))
    lines.end()
    assert capsys.readouterr().err == ""
