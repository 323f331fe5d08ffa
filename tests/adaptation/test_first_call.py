"""Only the first call of an answer is kept (contract row C5)."""

from __future__ import annotations

from glmgate.adaptation.first_call import FirstCall
from glmgate.wire.delta import Delta, ToolCallDelta, Usage
from tests.adaptation.requests import folded, through


def piece(index: int, arguments: str = "", *, name: str | None = None) -> ToolCallDelta:
    """A piece of a call."""
    return ToolCallDelta(index=index, id=f"c{index}" if name else None, name=name, arguments=arguments)


def test_the_second_call_ends_the_answer() -> None:
    """The stream is left where it begins, with the finish reason of an answer that calls."""
    undo = FirstCall()
    deltas = through(
        undo,
        [
            Delta(content="Let me see."),
            Delta(tool_calls=(piece(0, name="f"),)),
            Delta(tool_calls=(piece(0, '{"a":1}'),)),
            Delta(tool_calls=(piece(1, name="g"),)),
            Delta(tool_calls=(piece(1, "{}"),), usage=Usage(1, 2)),
            Delta(finish_reason="tool_calls"),
        ],
    )
    choice = folded(deltas)
    assert undo.done
    assert [(call.name, call.arguments) for call in choice.calls] == [("f", '{"a":1}')]
    assert (choice.content, choice.finish_reason) == ("Let me see.", "tool_calls")
    assert sum(delta.finish_reason is not None for delta in deltas) == 1


def test_a_whole_answer_is_cut_too() -> None:
    """Two calls in one delta become the first of them."""
    (delta,) = FirstCall().feed(
        Delta(tool_calls=(piece(0, "{}", name="f"), piece(1, "{}", name="g")), finish_reason="tool_calls")
    )
    assert [call.name for call in delta.tool_calls] == ["f"]


def test_an_answer_with_one_call_stays_as_it_is() -> None:
    """Nothing is changed, and nothing is left."""
    undo = FirstCall()
    deltas = [Delta(tool_calls=(piece(0, "{}", name="f"),)), Delta(finish_reason="tool_calls")]
    assert through(undo, deltas) == deltas
    assert not undo.done


def test_what_a_service_runs_by_itself_is_not_counted() -> None:
    """Pieces of its own tools are no calls that the caller would have to answer (contract 3.4)."""
    native = ToolCallDelta(index=9, native={"type": "web_search"})
    undo = FirstCall()
    deltas = through(undo, [Delta(tool_calls=(native,)), Delta(tool_calls=(piece(0, "{}", name="f"), native))])
    assert not undo.done
    assert deltas[1].tool_calls == (piece(0, "{}", name="f"), native)
