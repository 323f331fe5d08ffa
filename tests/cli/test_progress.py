"""Tests of how a pull is shown: on a terminal, and in a file."""

from __future__ import annotations

import pytest

from glmgate.cli.progress import Progress, duration, size
from tests.fakes.clock import FakeClock


def test_in_a_file_each_tenth_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    """However many pieces came."""
    progress = Progress(line=False)
    for done in range(1001):
        progress.at(done, 1000)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert (lines[0], lines[-1]) == ("0 %, 0 bytes of 1 kB", "100 %, 1 kB of 1 kB")


def test_on_a_terminal_one_line_changes(capsys: pytest.CaptureFixture[str]) -> None:
    """With speed and the time that is left; what is said in between gets a line of its own."""
    clock = FakeClock()
    progress = Progress(line=True, clock=clock)
    progress.at(0, 10_000_000)
    clock.advance(2)
    progress.at(2_000_000, 10_000_000)
    progress.at(2_000_001, 10_000_000)  # too soon to be shown
    progress.says("the hub broke off")
    clock.advance(1)
    progress.at(10_000_000, 10_000_000)
    progress.end()
    said = capsys.readouterr().err
    assert said.count("\r") == 3
    assert "20 %  2 MB of 10 MB, 1 MB/s, 8 s left\nthe hub broke off\n" in said
    assert said.endswith("100 %  10 MB of 10 MB, 3 MB/s\n")


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (931_000_000, "931 MB"), (18_500_000_000, "18.50 GB")]
)
def test_sizes_are_told_as_hubs_tell_them(count: int, text: str) -> None:
    """In thousands."""
    assert size(count) == text


@pytest.mark.parametrize(("seconds", "text"), [(5.4, "5 s"), (125, "2 min"), (3 * 3600 + 120, "3 h 2 min")])
def test_times_are_told_for_people(seconds: float, text: str) -> None:
    """In the largest unit that matters."""
    assert duration(seconds) == text
