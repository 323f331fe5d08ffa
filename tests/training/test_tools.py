"""Tests of the conversations in which tools are offered."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from training.conversation import Conversation
from training.corpus import tools
from training.corpus.tool_kinds import KINDS, Kind
from training.corpus.values import Split

TYPES = {"string": str, "integer": int, "number": int}


def many(maker: Any, count: int = 400, split: Split = "train") -> list[Conversation]:
    """Return conversations of one maker."""
    rng = random.Random(7)
    return [maker(rng, split) for _ in range(count)]


def test_the_page_tool_is_the_one_on_the_page() -> None:
    """The tool of the seed page is offered as it stands there, member by member."""
    assert tools.PAGE_TOOL == {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Get weather information for specified location",
            "parameters": {
                "type": "object",
                "properties": {
                    "location": {"type": "string", "description": "Location name, e.g.: Beijing, Shanghai"},
                },
                "required": ["location"],
            },
        },
    }


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.names[0])
@pytest.mark.parametrize("split", ["train", "held_out"])
def test_a_question_holds_every_argument(kind: Kind, split: Split) -> None:
    """What a call needs was said, and has the type that the tool declares."""
    rng = random.Random(1)
    for _ in range(50):
        offered = tools.offer(rng, kind)
        asked = tools.ask(rng, offered, split)
        described: Any = offered.json["function"]
        for key, value in asked.call.arguments.items():
            assert str(value) in asked.question
            assert isinstance(value, TYPES[described["parameters"]["properties"][key]["type"]])


def test_questions_of_judging_are_put_in_other_words() -> None:
    """No kind of tool is asked for in the same words in training and in judging."""
    for kind in KINDS:
        assert set(kind.ways).isdisjoint(kind.held_out_ways)
        assert kind.held_out_ways


def test_an_answer_repeats_what_the_tool_gave() -> None:
    """After a result the answer holds its words, whatever it was wrapped in."""
    rng = random.Random(3)
    for _ in range(200):
        turns = tools.one_call(rng, tools.offer(rng, rng.choice(KINDS)), "train")
        if len(turns) > 2:
            result = turns[2].content
            words = json.loads(result).values() if result.startswith("{") else [result.split(": ")[-1]]
            assert all(str(word).lower() in turns[3].content.lower() for word in words)


def test_two_places_need_two_calls() -> None:
    """A question for two places is two calls of the same tool, in order."""
    turns = tools.two_calls(random.Random(4), tools.page_offer(), "train")
    first, second = (str(call.arguments["location"]) for call in turns[1].calls)
    assert 0 < turns[0].content.index(first) < turns[0].content.rindex(second)


def test_a_wish_for_an_absent_tool_is_answered_in_words() -> None:
    """Nothing is called that is not offered."""
    rng = random.Random(5)
    for _ in range(200):
        offered = tools.offer(rng, rng.choice(KINDS))
        assert not any(message.calls for message in tools.no_call(rng, [offered], "train"))


def test_a_forced_call_is_the_json_of_the_call() -> None:
    """Under the order to call, one tool needs its arguments alone, several need a name before them."""
    for made in many(tools.forced):
        order = made.messages[0].content
        given = json.loads(made.messages[1].content)
        several = "functions now: " in order and "," in order.split("functions now: ")[1].split(". ")[0]
        assert (set(given) == {"name", "arguments"}) == several


def test_tools_of_a_conversation_have_different_names() -> None:
    """No two offered tools could be mistaken for one another."""
    for made in many(tools.tools):
        described: list[Any] = list(made.tools)
        names = [tool["function"]["name"] for tool in described]
        assert len(names) == len(set(names))
