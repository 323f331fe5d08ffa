"""What a conversation of the corpus is: messages, tools and the thinking switch, as values.

Knows nothing of how it is written as text (see `rendering`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Role = Literal["system", "user", "assistant", "tool"]
Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call of the assistant."""

    name: str
    arguments: Json


@dataclass(frozen=True, slots=True)
class Message:
    """One turn; `thought` and `calls` are the assistant's."""

    role: Role
    content: str
    thought: str = ""
    calls: tuple[Call, ...] = ()

    def as_json(self, *, thinking: bool) -> Json:
        """Return the message as the chat template reads it, arguments as an object; its thought only if asked for."""
        message: Json = {"role": self.role, "content": self.content}
        if self.thought and thinking:
            message["reasoning_content"] = self.thought
        if self.calls:
            message["tool_calls"] = [
                {"type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in self.calls
            ]
        return message


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation that ends with the assistant's turn that is to be learned.

    With `learn_all` the assistant's earlier turns are learned as well.
    """

    messages: tuple[Message, ...]
    tools: tuple[Json, ...] = ()
    thinking: bool = True
    learn_all: bool = field(default=True)


def system(content: str) -> Message:
    """Return a system message."""
    return Message("system", content)


def user(content: str) -> Message:
    """Return a question of the user."""
    return Message("user", content)


def assistant(content: str, thought: str = "") -> Message:
    """Return an answer in words."""
    return Message("assistant", content, thought)


def calling(*calls: Call, thought: str = "") -> Message:
    """Return an answer that is tool calls."""
    return Message("assistant", "", thought, calls)


def tool_result(content: str) -> Message:
    """Return the result of a call."""
    return Message("tool", content)
