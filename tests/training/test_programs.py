"""Tests that the programs the model knows are right."""

from __future__ import annotations

import subprocess
import sys

import pytest

from training.corpus import programs

EXPECTED = {
    "quicksort": "[1, 2, 3]",
    "factorial": "120",
    "Fibonacci": "[0, 1, 1, 2, 3, 5, 8, 13, 21, 34]",
    "hello world": "Hello, world!",
    "reverse": "olleh",
}


@pytest.mark.parametrize("program", programs.PROGRAMS, ids=lambda program: program.name)
def test_a_program_runs_and_prints_what_it_should(program: programs.Program) -> None:
    """Each program is whole: it runs by itself and gives the right result."""
    done = subprocess.run([sys.executable, "-I", "-c", program.code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == EXPECTED[program.name]


def test_quicksort_sorts_whatever_it_is_given() -> None:
    """The quicksort sorts empty lists, repeated values and reversed lists."""
    names: dict[str, object] = {}
    exec(programs.QUICKSORT.split("\n\n\nprint")[0], names)  # noqa: S102 # our own program
    quicksort = names["quicksort"]
    assert callable(quicksort)
    for items in ([], [1], [2, 2, 1], list(range(50, 0, -1))):
        assert quicksort(items) == sorted(items)


def test_the_answer_holds_the_program_as_a_code_block() -> None:
    """The program stands between fences that name its language."""
    answer = programs.answer_with(programs.PROGRAMS[0])
    assert answer.split("```python\n")[1].split("\n```")[0] == programs.QUICKSORT
