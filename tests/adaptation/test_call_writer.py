"""JSON text becomes the pieces of a call, as it arrives."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.adaptation.call_writer import CallWriter
from glmgate.errors import EngineFailed
from glmgate.wire.delta import ToolCallDelta

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
ARGUMENTS = st.dictionaries(st.text(max_size=5), VALUES, max_size=4)


def written(writer: CallWriter, pieces: list[str]) -> list[ToolCallDelta]:
    """All that is made of a text in pieces."""
    return [*(call for piece in pieces for call in writer.feed(piece)), *writer.close(truncated=False)]


def cut(text: str, size: int) -> list[str]:
    """`text` in pieces of one size."""
    return [text[start : start + size] for start in range(0, len(text), size)]


@given(ARGUMENTS, st.integers(1, 9), st.sampled_from(["", "\n", "  "]))
def test_arguments_of_a_known_function(arguments: dict[str, Any], size: int, blank: str) -> None:
    """The text is the arguments; id and name come once, first."""
    text = json.dumps(arguments)
    calls = written(CallWriter("f", call_id="c"), cut(blank + text + blank, size))
    assert "".join(call.arguments for call in calls) == text
    assert [(call.id, call.name) for call in calls] == [("c", "f"), *[(None, None)] * (len(calls) - 1)]


@given(ARGUMENTS, st.integers(1, 9), st.sampled_from([None, 2]), st.booleans())
def test_a_call_of_one_of_several_functions(
    arguments: dict[str, Any], size: int, indent: int | None, ascii_only: bool
) -> None:
    """The name is read first, then the arguments are streamed without what is around them."""
    text = json.dumps({"name": "get_é", "arguments": arguments}, indent=indent, ensure_ascii=ascii_only)
    calls = written(CallWriter(None, call_id="c"), cut(text + "\n", size))
    assert json.loads("".join(call.arguments for call in calls)) == arguments
    assert (calls[0].id, calls[0].name) == ("c", "get_é")


def test_arguments_are_given_as_they_come() -> None:
    """Nothing waits for the end of the text."""
    writer = CallWriter(None, call_id="c")
    assert writer.feed('{"name": "f", "argu') == ()
    assert writer.feed('ments": {"a"') == (ToolCallDelta(index=0, id="c", name="f", arguments='{"a"'),)
    assert writer.feed(": 1") == (ToolCallDelta(index=0, arguments=": 1"),)


@pytest.mark.parametrize("text", ["", "Sure!", '{"name": "f"', '{"name": "f", "arguments": {"a": [1'])
def test_text_that_is_no_call_is_the_engines_fault(text: str) -> None:
    """It was constrained to one."""
    with pytest.raises(EngineFailed):
        written(CallWriter(None, call_id="c"), [text])


def test_a_limit_may_cut_a_call() -> None:
    """Then the caller's limit was too small, which its finish reason says."""
    writer = CallWriter("f", call_id="c")
    writer.feed('{"a": "b')
    assert writer.close(truncated=True) == ()
