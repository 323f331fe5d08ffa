"""Tests of the conversations in which something is said again."""

from __future__ import annotations

import random

from training.corpus.copying import DETAILS, echo, form, memory


def test_an_echo_was_said() -> None:
    """The answer stands in the question, letter by letter."""
    rng = random.Random(1)
    for _ in range(300):
        made = echo(rng, "train")
        assert made.messages[-2].content.endswith(made.messages[-1].content)


def test_a_look_up_finds_a_row_of_the_list() -> None:
    """The answer is the row whose key was asked for."""
    rng = random.Random(2)
    for _ in range(300):
        question, answer = form(rng, "train").messages
        assert answer.content in question.content
        key = answer.content.split(":")[0]
        assert question.content.rstrip("?.").endswith(key)


def test_what_is_asked_for_was_told() -> None:
    """The last answer repeats a detail of an earlier turn."""
    rng = random.Random(3)
    for _ in range(300):
        made = memory(rng, "train")
        answer = made.messages[-1].content
        detail = next(one for one in DETAILS if answer.startswith(one.answer.split("{}")[0]))
        before, after = detail.answer.split("{}")
        value = answer.removeprefix(before).removesuffix(after)
        assert any(value in message.content for message in made.messages[:-2])
