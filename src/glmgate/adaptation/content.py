"""Rule: contents. Text models read one string, so parts of text are joined and other parts refused."""

from __future__ import annotations

import msgspec

from glmgate.adaptation.change import Change
from glmgate.adaptation.profile import Profile
from glmgate.errors import MissingParameter, UnsupportedValue
from glmgate.wire.chat import ChatRequest, Message, Part
from glmgate.wire.engine import Note

_MAY_BE_SILENT = frozenset({"assistant", "tool"})
_BETWEEN_PARTS = "\n"  # parts are apart for the caller, so their words must not run into each other


def contents(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Every content becomes a string; null becomes the empty one where a message may say nothing (contract row C9)."""
    messages = [_as_text(message, place) for place, message in enumerate(request.messages)]
    if all(after is before for after, before in zip(messages, request.messages, strict=True)):
        return Change(request)
    joined = any(isinstance(message.content, list) and len(message.content) > 1 for message in request.messages)
    notes = (Note("messages.content", "joined"),) if joined else ()
    return Change(msgspec.structs.replace(request, messages=messages), notes=notes)


def last_words(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Several assistant messages at the end become one: the engine goes on from the last one, and refuses two."""
    said = list(request.messages)
    while (
        len(said) > 1
        and said[-1].role == said[-2].role == "assistant"
        and not (said[-1].tool_calls or said[-2].tool_calls)
    ):
        last, before = said.pop(), said.pop()
        said.append(msgspec.structs.replace(before, content=f"{before.content}{_BETWEEN_PARTS}{last.content}"))
    if len(said) == len(request.messages):
        return Change(request)
    return Change(
        msgspec.structs.replace(request, messages=said), notes=(Note("messages.role", "joined", exact=False),)
    )


def _as_text(message: Message, place: int) -> Message:
    content = message.content
    if isinstance(content, str):
        return message
    if content is None:
        if message.role not in _MAY_BE_SILENT:
            param = f"messages[{place}].content"
            raise MissingParameter(f"{param!r} is missing: a {message.role} message needs it.", param=param)
        return msgspec.structs.replace(message, content="")
    texts = [_text(part, f"messages[{place}].content[{index}]") for index, part in enumerate(content)]
    return msgspec.structs.replace(message, content=_BETWEEN_PARTS.join(texts))


def _text(part: Part, path: str) -> str:
    if part.type != "text":
        raise UnsupportedValue(
            f"{path!r} is a part of type {part.type[:32]!r}, but this model reads text only.", param=f"{path}.type"
        )
    if part.text is None:
        raise MissingParameter(f"'{path}.text' is missing.", param=f"{path}.text")
    return part.text
