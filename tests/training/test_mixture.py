"""Tests of what holds for every conversation of the corpus."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.conversation import Conversation
from training.corpus import mixture
from training.corpus.values import Split
from training.vocabulary import SPECIAL_TOKENS

seeds = st.integers(min_value=0, max_value=2**32)
splits: st.SearchStrategy[Split] = st.sampled_from(["train", "held_out"])


def texts(made: Conversation) -> list[str]:
    """Return everything that is said or thought."""
    return [text for message in made.messages for text in (message.content, message.thought)]


def tools_of(made: Conversation) -> list[dict[str, Any]]:
    """Return the tools that are offered."""
    return list(made.tools)


@given(seeds, splits)
@settings(max_examples=300, deadline=None)
def test_turns_take_turns(seed: int, split: Split) -> None:
    """A question or a tool's result comes before each answer, and the last turn is the assistant's."""
    roles = [message.role for message in mixture.conversation(random.Random(seed), split).messages]
    assert roles[-1] == "assistant"
    assert roles[1 if roles[0] == "system" else 0] == "user"
    for before, role in pairwise(roles):
        assert (role == "assistant") == (before in {"user", "tool"}) or (before, role) == ("tool", "tool")


@given(seeds, splits)
@settings(max_examples=300, deadline=None)
def test_no_text_holds_a_special_token(seed: int, split: Split) -> None:
    """The format is written by the template alone."""
    for text in texts(mixture.conversation(random.Random(seed), split)):
        assert not any(token in text for token in SPECIAL_TOKENS)


@given(seeds, splits)
@settings(max_examples=300, deadline=None)
def test_calls_name_tools_that_are_offered(seed: int, split: Split) -> None:
    """Each call names an offered tool, all of its required keys and no unknown one."""
    made = mixture.conversation(random.Random(seed), split)
    functions = {tool["function"]["name"]: tool["function"] for tool in tools_of(made)}
    for call in (call for message in made.messages for call in message.calls):
        parameters = functions[call.name]["parameters"]
        assert set(parameters["required"]) <= set(call.arguments) <= set(parameters["properties"])


@given(seeds)
@settings(max_examples=100, deadline=None)
def test_a_seed_gives_one_conversation(seed: int) -> None:
    """The same generator gives the same conversation."""
    assert mixture.conversation(random.Random(seed), "train") == mixture.conversation(random.Random(seed), "train")


@given(seeds)
@settings(max_examples=100, deadline=None)
def test_drills_ask_for_copies(seed: int) -> None:
    """What is answered in a drill was said by the user, number by number and word by word."""
    made = mixture.drill(random.Random(seed), "train")
    question, answer = made.messages[-2].content, made.messages[-1].content
    assert all(word in question for word in answer.replace(":", " ").replace(",", " ").split())


@pytest.mark.parametrize("maker", mixture.MIXTURE, ids=lambda maker: maker.__name__)
def test_every_kind_is_made_with_and_without_thinking(maker: mixture.Maker) -> None:
    """No kind of conversation knows one position of the switch only, but for forced calls, which never think."""
    rng = random.Random(5)
    switches = {maker(rng, "train").thinking for _ in range(200)}
    assert switches == ({False} if maker.__name__ == "forced" else {True, False})


@given(seeds)
@settings(max_examples=200, deadline=None)
def test_who_thinks_has_a_thought_to_learn(seed: int) -> None:
    """With thinking on, the turn that is learned has a thought."""
    made = mixture.conversation(random.Random(seed), "train")
    assert made.messages[-1].thought or not made.thinking
