"""The bars for the built-in chat model: what is measured against them, and how that is told."""

from __future__ import annotations

from training.bars import BARS, bar_table, measured
from training.examinations import SUBJECTS
from training.judging import Verdict


def verdict(*, right: bool = True, tool: bool = True) -> Verdict:
    """What was right in an answer, all but what is said."""
    return Verdict(ended=True, form=True, switch=True, tool=tool, right=right)


def test_every_bar_is_about_a_subject_that_is_examined() -> None:
    """A bar about a subject that nobody asks would never be measured."""
    assert {bar.subject for bar in BARS if bar.subject is not None} <= set(SUBJECTS)


def test_a_bar_without_a_subject_is_about_all_answers() -> None:
    """The share of all is of all questions, not of all subjects."""
    results = {"a": [verdict()], "b": [verdict(), verdict(), Verdict(False, True, True, True, True)]}
    assert measured(BARS[0], results) == 75.0


def test_the_table_says_which_bars_are_missed() -> None:
    """One row for each bar, with what was measured."""
    results = {subject: [verdict()] * 10 for subject in SUBJECTS}
    results["one tool of three"] = [verdict(right=False)] * 3 + [verdict()] * 7
    rows = bar_table(results)
    assert len(rows) == len(BARS) + 2
    assert [row for row in rows if "missed" in row] == ["| arguments copied exactly | 80 | 70.0 | missed |"]
