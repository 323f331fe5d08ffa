"""Calls as a whole: which are good, and how they are written."""

from __future__ import annotations

import pytest

from glmgate.adaptation.calls import problem_of_calls, whole_calls
from glmgate.wire.delta import ToolCallDelta
from glmgate.wire.fold import CallFold


def folded(*pieces: ToolCallDelta) -> dict[int, CallFold]:
    """The calls that pieces make."""
    calls: dict[int, CallFold] = {}
    for piece in pieces:
        calls.setdefault(piece.index, CallFold()).feed(piece)
    return calls


@pytest.mark.parametrize("arguments", ["{}", '{"a": 1}', "", "  "])
def test_good_calls_have_no_problem(arguments: str) -> None:
    """Also without any arguments, as some models call."""
    assert problem_of_calls(folded(ToolCallDelta(0, "c", "f", arguments)), ("f", "g")) is None


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("h", "{}", "there is not"),
        (None, "{}", "there is not"),
        ("f", "[1]", "arguments of f"),
        ("f", "city: Oslo", "arguments of f"),
        ("f", '{"a": ', "arguments of f"),
        ("f", "[" * 5000, "arguments of f"),
    ],
)
def test_bad_calls_have_one(name: str | None, arguments: str, words: str) -> None:
    """Said without any text of the answer."""
    assert words in (problem_of_calls(folded(ToolCallDelta(0, "c", name, arguments)), ("f",)) or "")


def test_calls_are_counted_from_nothing() -> None:
    """Each in one piece with an id, whatever indexes the pieces had."""
    calls = folded(ToolCallDelta(3, "c", "f", '{"a"'), ToolCallDelta(7, None, "g"), ToolCallDelta(3, arguments=": 1}"))
    assert whole_calls(calls) == (ToolCallDelta(0, "c", "f", '{"a": 1}'), ToolCallDelta(1, "call_1", "g", "{}"))
