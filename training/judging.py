"""Judges an answer of the engine against the turn that a conversation of the corpus ends with.

Decides only; asking is `evaluate`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from training.conversation import Call, Conversation, Json, Message
from training.vocabulary import SPECIAL_TOKENS

LONGEST_ANSWER = 400


@dataclass(frozen=True, slots=True)
class Answer:
    """What the engine gave: words, thought, calls, and why it ended."""

    content: str
    thought: str
    calls: tuple[Call, ...]
    ending: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer got right."""

    ended: bool
    form: bool
    switch: bool
    tool: bool
    right: bool


def _message(message: Message, number: int) -> Json:
    given = message.as_json(thinking=False)
    if message.calls:
        given["tool_calls"] = [
            {
                "id": f"call_{number}_{index}",
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)},
            }
            for index, call in enumerate(message.calls)
        ]
    if message.role == "tool":
        given["tool_call_id"] = f"call_{number - 1}_0"
    return given


def request(conversation: Conversation, *, temperature: float = 0.0, seed: int = 1) -> Json:
    """Return the body that asks the engine for the last turn of a conversation."""
    body: Json = {
        "messages": [_message(message, number) for number, message in enumerate(conversation.messages[:-1])],
        "temperature": temperature,
        "seed": seed,
        "max_tokens": LONGEST_ANSWER,
        "chat_template_kwargs": {"enable_thinking": conversation.thinking},
    }
    if conversation.tools:
        body["tools"] = list(conversation.tools)
    return body


def _arguments(text: str) -> Json:
    """Return the arguments of a call; those of a call that was cut short are no JSON and match nothing."""
    return json.loads(text) if _is_json(text) else {"": text}


def answer(completion: Mapping[str, object]) -> Answer:
    """Read the engine's completion."""
    choices = completion["choices"]
    assert isinstance(choices, list)
    message = choices[0]["message"]
    functions = [call["function"] for call in message.get("tool_calls") or []]
    calls = tuple(Call(function["name"], _arguments(function["arguments"])) for function in functions)
    return Answer(
        message.get("content") or "", message.get("reasoning_content") or "", calls, choices[0]["finish_reason"]
    )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def well_formed(given: Answer, expected: Message) -> bool:
    """Return whether nothing of the format shows in the words, and JSON is JSON where it was asked for."""
    text = given.content + given.thought
    if any(token in text for token in SPECIAL_TOKENS):
        return False
    if not given.content and not given.calls:
        return False
    return _is_json(given.content) if expected.content.startswith("{") else True


def _same(left: str, right: str) -> bool:
    if right.startswith("{") and _is_json(left):
        return bool(json.loads(left) == json.loads(right))
    return left.strip() == right.strip()


def judge(conversation: Conversation, given: Answer) -> Verdict:
    """Return what is right in the answer to a conversation without its last turn."""
    expected = conversation.messages[-1]
    tool = [call.name for call in given.calls] == [call.name for call in expected.calls]
    return Verdict(
        ended=given.ending in {"stop", "tool_calls"},
        form=well_formed(given, expected),
        switch=bool(given.thought) == conversation.thinking,
        tool=tool,
        right=given.calls == expected.calls and (bool(expected.calls) or _same(given.content, expected.content)),
    )
