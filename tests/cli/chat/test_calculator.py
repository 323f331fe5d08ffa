"""Tests of the calculator: right, bounded, and never an error but its own."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glmgate.cli.chat.calculator import CalculatorError, calculate

_TOKENS = st.sampled_from(
    [
        *"0123456789.+-*/%^()[]{},=<>!&|~@:;'\"\\ \n_x",
        *("**", "//", "9**9", "9" * 30, "1e308", "e", "pi", "sqrt(", "exp(", "min(", "max(", "log(", "floor(", "abs("),
        *("lambda:", "True", "None", "import", "__", "1j", "if", "for"),
    ]
)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2+2", "4"),
        ("2 * (3 + 4) ^ 2", "98"),
        ("2**10", "1024"),
        ("0.1 + 0.2", "0.3"),
        ("7 / 2", "3.5"),
        ("6 / 2", "3"),
        ("7 // 2", "3"),
        ("-7 % 3", "2"),
        ("12 × 12 ÷ 4 − 1", "35"),
        ("sqrt(2)", "1.41421356237"),
        ("max(1, 2, min(7, 9))", "7"),
        ("floor(pi)", "3"),
        ("2 ** 1000", str(2**1000)),
        ("2 ** -1", "0.5"),
    ],
)
def test_it_calculates(expression: str, value: str) -> None:
    """As people and models write it."""
    assert calculate(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        *("", "1/0", "0 ** -1", "2 +", "9**9**9", "2**4097", "1e308*10", "exp(1000)", "(-8) ** 0.5", "sqrt(-1)"),
        *("__import__('os')", "().__class__", "'a' * 9", "[1][0]", "True", "1 if 1 else 2", "abs()", "sqrt(1, 2)"),
        *("max(*[1, 2])", "log(x=2)", "lambda: 1", "1 << 99", "x", "1" * 401, "(" * 190 + "1", "-" * 390 + "1"),
        *("log(0)", "1j", "\x00"),
    ],
)
def test_what_it_cannot_do_is_its_own_error(expression: str) -> None:
    """Each with a message for the model."""
    with pytest.raises(CalculatorError, match=r"\.$"):
        calculate(expression)


@given(st.one_of(st.text(max_size=450), st.lists(_TOKENS, max_size=120).map("".join)))
@example("9**999*" * 50 + "9")
@example("max(" * 40 + "9**999" + ")" * 40)
@example("9**1290*" * 40 + "9**-1290")
def test_it_raises_nothing_else_and_soon(expression: str) -> None:
    """Any text: a number or CalculatorError, within a second on a busy machine (thread time is what counts)."""
    began = time.thread_time()
    try:
        value = calculate(expression)
    except CalculatorError:
        pass
    else:
        float(Fraction(value)) if len(value) < 300 else int(value)
    assert time.thread_time() - began < 1.0


@given(st.integers(-(10**30), 10**30), st.integers(-(10**30), 10**30))
def test_whole_numbers_are_exact(left: int, right: int) -> None:
    """No rounding by way of floats."""
    assert calculate(f"{left} + {right}") == str(left + right)
    assert calculate(f"{left} * {right}") == str(left * right)
