"""The fold of deltas."""

from __future__ import annotations

from glmgate.wire.delta import Delta, ToolCallDelta, Usage
from glmgate.wire.fold import CompletedCall, Fold


def fold(*deltas: Delta) -> Fold:
    """A fold that was fed with the deltas."""
    folded = Fold()
    for delta in deltas:
        folded.feed(delta)
    return folded


def test_texts_are_joined_per_choice() -> None:
    """Choices come in the order of their index, however their pieces arrived."""
    completion = fold(Delta(choice=1, content="b"), Delta(content="a"), Delta(choice=1, content="c")).result()
    assert [choice.content for choice in completion.choices] == ["a", "bc"]


def test_the_last_usage_of_a_choice_counts_and_choices_are_summed() -> None:
    """Usage on a delta is cumulative, so counting every piece would bill it many times."""
    folded = fold(
        Delta(usage=Usage(3, 1)), Delta(usage=Usage(3, 2)), Delta(choice=1, usage=Usage(3, 5)), Delta(content="x")
    )
    assert folded.usage == Usage(6, 7)


def test_calls_are_joined_by_index() -> None:
    """The first id and name stay; arguments are joined in their order."""
    completion = fold(
        Delta(tool_calls=(ToolCallDelta(0, "a", "f", '{"x"'), ToolCallDelta(1, "b", "g", "{}"))),
        Delta(tool_calls=(ToolCallDelta(0, arguments=":1}"),)),
    ).result()
    assert completion.choices[0].calls == (CompletedCall("a", "f", '{"x":1}'), CompletedCall("b", "g", "{}"))


def test_logprobs_are_joined() -> None:
    """Each piece carries its own tokens' logprobs."""
    completion = fold(Delta(logprobs={"content": [1]}), Delta(logprobs={"content": [2], "refusal": None})).result()
    assert completion.choices[0].logprobs == {"content": [1, 2], "refusal": []}


def test_without_thoughts_reasoning_is_none() -> None:
    """A model that did not think has no reasoning, rather than an empty one."""
    assert fold(Delta(content="a")).result().choices[0].reasoning is None
