"""How a model is told what its answer must be: by words in the last message, or by a turn after its last answer.

What the words are is a profile's matter.
"""

from __future__ import annotations

import msgspec

from glmgate.wire.chat import Message, Part


def asked(messages: list[Message], text: str) -> list[Message]:
    """By the user. In the result of a tool, which is data, a model need not obey."""
    if messages[-1].role == "tool":
        return [*messages, Message(role="user", content=text)]
    return nudged(messages, text)


def nudged(messages: list[Message], text: str) -> list[Message]:
    """Into the last message, because some templates refuse two turns of one role, or a late one of the system."""
    last = messages[-1]
    if last.role == "assistant":
        return [*messages, Message(role="user", content=text)]
    return [*messages[:-1], _longer(last, text)]


def told(messages: list[Message], text: str) -> list[Message]:
    """Into the system's message at the beginning, or into a new one there (contract row R1)."""
    if messages[0].role in ("system", "developer"):
        return [_longer(messages[0], text), *messages[1:]]
    return [Message(role="system", content=text), *messages]


def corrected(messages: list[Message], answer: str, text: str) -> list[Message]:
    """After the answer that was no good; a blank one is not shown to the model, because templates refuse such turns."""
    if not answer.strip():
        return asked(messages, text)
    return [*messages, Message(role="assistant", content=answer), Message(role="user", content=text)]


def _longer(message: Message, text: str) -> Message:
    content = message.content
    if isinstance(content, list):
        return msgspec.structs.replace(message, content=[*content, Part(type="text", text=text)])
    return msgspec.structs.replace(message, content=f"{content}\n\n{text}" if content else text)
