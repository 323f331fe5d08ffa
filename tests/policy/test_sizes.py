"""How large a request is, before anybody has counted its tokens."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from glmgate.policy.sizes import Size, measured
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.members import convert


def chat(*messages: dict[str, Any], **members: Any) -> ChatRequest:
    """A chat request."""
    return convert({"model": "m", "messages": list(messages), **members}, ChatRequest)


def user(content: object) -> dict[str, Any]:
    """A user's message."""
    return {"role": "user", "content": content}


def test_a_chat_is_about_as_large_as_its_json() -> None:
    """Texts, thoughts, calls, tools and the form of the answer; within a third of what is sent."""
    messages = [
        user("What is the weather in Paris? " * 5),
        {
            "role": "assistant",
            "content": "I look.",
            "reasoning_content": "Hm. " * 20,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "Sunny"},
    ]
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
    size = measured(chat(*messages, tools=tools)).prompt_bytes
    sent = len(msgspec.json.encode({"messages": messages, "tools": tools}))
    assert sent * 2 / 3 < size < sent * 4 / 3


def test_bytes_are_counted_and_not_letters() -> None:
    """Chinese has fewer letters for its tokens than English has."""
    assert measured(chat(user("汉字"))).prompt_bytes - measured(chat(user(""))).prompt_bytes == 6


def test_an_image_is_worth_the_same_whatever_its_base64() -> None:
    """A megabyte of base64 is no million tokens; parts of kinds that we do not know are bounded too."""

    def with_part(part: dict[str, Any]) -> int:
        return measured(chat(user([{"type": "text", "text": "See:"}, part]))).prompt_bytes

    small = with_part({"type": "image_url", "image_url": {"url": "https://x"}})
    assert with_part({"type": "image_url", "image_url": {"url": "A" * 1_000_000}}) == small
    assert with_part({"type": "input_audio", "input_audio": {"data": "A" * 1_000_000}}) <= small


@pytest.mark.parametrize(
    ("members", "most", "answers"),
    [
        ({}, None, 1),
        ({"max_tokens": 50}, 50, 1),
        ({"max_tokens": 50, "max_completion_tokens": 20}, 20, 1),
        ({"max_tokens": -1}, 0, 1),
        ({"n": 3}, None, 3),
        ({"n": 0}, None, 1),
    ],
)
def test_what_may_come_is_what_is_allowed(members: dict[str, Any], most: int | None, answers: int) -> None:
    """For each of the answers."""
    size = measured(chat(user("x"), **members))
    assert (size.max_tokens, size.answers) == (most, answers)


def test_forms_and_functions_are_read_too() -> None:
    """They go into the prompt."""
    plain = measured(chat(user("x"))).prompt_bytes
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "title": "t" * 100}}}
    assert measured(chat(user("x"), response_format=form)).prompt_bytes > plain + 100
    assert measured(chat(user("x"), functions=[{"name": "f", "description": "d" * 100}])).prompt_bytes > plain + 100
    called = {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {"x": "y" * 50}}}, {}]}
    assert measured(chat(user("x"), called)).prompt_bytes > plain + 50


def test_text_completions_have_prompts_and_as_many_answers() -> None:
    """Several prompts are several answers; ids are tokens already."""
    one = CompletionRequest(model="m", prompt="abcd", max_tokens=5)
    assert measured(one) == Size(36, 5, 1)
    assert measured(CompletionRequest(model="m", prompt=["abcd", "efgh"], n=2)) == Size(36, None, 4)
    assert measured(CompletionRequest(model="m", prompt="abcd", best_of=3)).answers == 3
    assert measured(CompletionRequest(model="m", prompt=[1, 2, 3])).prompt_bytes == 32 + 12
    assert measured(CompletionRequest(model="m")) == Size(32, None, 1)


@pytest.mark.parametrize(("given", "size"), [("abc", 3), (["abc", "d"], 4), ([1, 2], 8), ([[1, 2, 3]], 12)])
def test_embeddings_have_no_answer_in_tokens(given: Any, size: int) -> None:
    """Only what is read counts."""
    assert measured(EmbeddingsRequest(model="m", input=given)) == Size(size, 0, 1)
