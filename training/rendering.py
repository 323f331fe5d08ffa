"""Writes a conversation as the text that the model reads, in pieces that are learned and pieces that are not.

The chat template beside this file is the single description of the format; here it is only run and cut up.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2

from training.conversation import Conversation, Json
from training.vocabulary import ASSISTANT, OBSERVATION, USER

TEMPLATE_PATH = Path(__file__).with_name("chat_template.jinja")

# The roles that can follow an assistant's turn: each is also the token that ends it.
_TURN = re.compile(
    re.escape(ASSISTANT) + r"(.*?)(" + re.escape(USER) + "|" + re.escape(OBSERVATION) + r"|\Z)", re.DOTALL
)
_THOUGHT = re.compile(r"\n<think>.*?</think>", re.DOTALL)
_NO_THOUGHT = "\n<think></think>"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text, and whether the model learns to write it."""

    text: str
    learned: bool


def _tojson(value: object, *, ensure_ascii: bool = True) -> str:
    # Jinja's own filter escapes HTML; the engine's does not, and neither does Hugging Face's.
    return json.dumps(value, ensure_ascii=ensure_ascii)


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=False)  # noqa: S701 # a prompt, not a page
    environment.filters["tojson"] = _tojson
    return environment.from_string(TEMPLATE_PATH.read_text(encoding="utf-8"))


def render(messages: list[Json], tools: list[Json], *, thinking: bool, prompt: bool) -> str:
    """Return the text of messages as the engine makes it; with `prompt` it ends where the model goes on."""
    return _template().render(
        messages=messages, tools=tools or None, enable_thinking=thinking, add_generation_prompt=prompt
    )


def pieces(conversation: Conversation) -> list[Piece]:
    """Return the text of a conversation, with the assistant's words and the token that ends each turn as learned."""
    messages = [message.as_json(thinking=conversation.thinking) for message in conversation.messages]
    text = render(messages, list(conversation.tools), thinking=conversation.thinking, prompt=False)
    text += OBSERVATION if conversation.messages[-1].calls else USER
    turns = list(_TURN.finditer(text))
    found: list[Piece] = []
    at = 0
    for turn in turns if conversation.learn_all else turns[-1:]:
        start = turn.start(1) + _given_length(turn.group(1), thinking=conversation.thinking)
        found.append(Piece(text[at:start], learned=False))
        found.append(Piece(text[start : turn.end(2)], learned=True))
        at = turn.end(2)
    found.append(Piece(text[at:], learned=False))
    return [piece for piece in found if piece.text]


def _given_length(turn: str, *, thinking: bool) -> int:
    """Return how much of a turn the template writes: its thought, where that is empty or left out."""
    thought = _THOUGHT.match(turn)
    if thought is None or (thinking and thought.group() != _NO_THOUGHT):
        return 0
    return thought.end()
