"""What is looked at before it goes on, when the second call is made, and what both cost together."""

from __future__ import annotations

import pytest

from glmgate.adaptation.formed import Formed
from glmgate.adaptation.second_call import SecondCall
from glmgate.wire.delta import Delta, ToolCallDelta, Usage
from tests.adaptation.requests import PROFILE, WEATHER, fitted_chat, folded


def piece() -> SecondCall:
    """The simplest one: text has to have a form."""
    return Formed(("get_weather",), {"type": "object"}, PROFILE)


CALL = Delta(tool_calls=(ToolCallDelta(index=0, id="c", name="get_weather", arguments="{}"),))
REQUEST = fitted_chat(tools=[WEATHER], max_tokens=100, thinking={"type": "enabled"})


def test_reasoning_goes_on_at_once() -> None:
    """Nobody waits for thoughts."""
    undo = piece()
    thought = Delta(reasoning="Hm", logprobs={"content": [{"token": "Hm"}]})
    assert undo.feed(thought) == (thought,)
    assert not undo.done


def test_a_call_goes_on_as_it_is() -> None:
    """The model did what was asked for; blank text before it is dropped."""
    undo = piece()
    assert undo.feed(Delta(content="\n")) == ()
    assert undo.feed(CALL) == (CALL,)
    assert undo.feed(Delta(finish_reason="tool_calls")) == (Delta(finish_reason="tool_calls"),)
    assert undo.follow_up(REQUEST) is None


def test_an_answer_with_a_call_ends_as_one() -> None:
    """Whatever the engine says at its end."""
    undo = piece()
    undo.feed(CALL)
    assert undo.feed(Delta(finish_reason="stop"))[0].finish_reason == "tool_calls"


def test_text_is_held_and_the_stream_left() -> None:
    """The text is not seen, and no more of it is waited for."""
    undo = piece()
    text = Delta(content="Sure, ", usage=Usage(10, 1), logprobs={"content": [{"token": "Sure, "}]})
    assert undo.feed(text) == (Delta(usage=Usage(10, 1)),)
    assert undo.done
    assert undo.feed(Delta(content="here")) == ()
    assert undo.feed(Delta(finish_reason="stop")) == ()
    assert undo.follow_up(REQUEST) is not None
    assert not undo.done


@pytest.mark.parametrize("last", [Delta(finish_reason="stop"), Delta(finish_reason="tool_calls")])
def test_an_end_without_a_call_is_not_the_end(last: Delta) -> None:
    """The second call follows."""
    undo = piece()
    assert undo.feed(last) == ()
    assert undo.follow_up(REQUEST) is not None


def test_a_call_of_something_else_counts_as_text() -> None:
    """A name that was not offered is no call."""
    undo = piece()
    assert undo.feed(Delta(tool_calls=(ToolCallDelta(index=0, id="c", name="rm"),))) == ()
    assert undo.done


def test_a_limit_reached_while_thinking_is_the_end() -> None:
    """The caller's limit is never raised."""
    undo = piece()
    undo.feed(Delta(reasoning="Hm"))
    assert undo.feed(Delta(finish_reason="length")) == (Delta(finish_reason="length"),)
    assert undo.follow_up(REQUEST) is None


def test_the_second_call_is_constrained_and_does_not_think() -> None:
    """Its tools stay in the prompt, so that what is cached of it holds; none may be called."""
    undo = piece()
    undo.feed(Delta(content="Sure", usage=Usage(10, 30)))
    second = undo.follow_up(REQUEST)
    assert second is not None
    assert (second.tools, second.tool_choice) == (REQUEST.tools, "none")
    assert second.response_format is not None
    assert second.chat_template_kwargs == {"enable_thinking": False}
    assert second.max_tokens == 70


def test_the_tokens_of_both_are_summed() -> None:
    """And there is no third call."""
    undo = piece()
    undo.feed(Delta(content="Sure", usage=Usage(10, 3, cached=1, reasoning=2)))
    undo.follow_up(REQUEST)
    deltas = [*undo.feed(Delta(content='{"a":1}', usage=Usage(12, 4))), *undo.feed(Delta(finish_reason="stop"))]
    choice = folded(deltas)
    assert (choice.content, choice.finish_reason) == ('{"a":1}', "stop")
    assert deltas[0].usage == Usage(22, 7, cached=1, reasoning=2)
    assert undo.follow_up(REQUEST) is None
