"""What an answer cost that was left before its service told."""

from __future__ import annotations

from glmgate.routing.tally import Tally
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta, ToolCallDelta, Usage
from glmgate.wire.members import convert


def tally(*deltas: Delta) -> Tally:
    """A tally that saw these."""
    found = Tally(convert({"model": "m", "messages": [{"role": "user", "content": "Hello"}]}, ChatRequest))
    for delta in deltas:
        found.saw(delta)
    return found


def test_each_piece_is_about_a_token() -> None:
    """Of thoughts, text and calls; what says nothing costs nothing."""
    call = ToolCallDelta(index=0, id="1", name="f")
    missing = tally(Delta(reasoning="a"), Delta(content="b"), Delta(content=""), Delta(tool_calls=(call,))).missing()
    assert missing is not None
    assert missing.usage is not None
    assert (missing.usage.completion, missing.usage.reasoning) == (3, 1)
    assert 5 < missing.usage.prompt < 30


def test_what_was_told_is_not_estimated() -> None:
    """Not even where it is told in the middle: it is what the answer has cost up to there."""
    assert tally(Delta(content="a", usage=Usage(1, 1)), Delta(content="b")).missing() is None


def test_the_estimate_belongs_to_the_choice() -> None:
    """Several choices are counted apart."""
    missing = tally(Delta(choice=2, content="a")).missing()
    assert missing is not None
    assert missing.choice == 2
