"""Rules: contents. Text models read one string, so parts of text are joined; other parts pass where they are read.

How a part is written for a service lives in `images`.
"""

from __future__ import annotations

from typing import Final

import msgspec

from glmgate.adaptation.change import Change
from glmgate.adaptation.images import fitted_part
from glmgate.adaptation.profile import Profile
from glmgate.adaptation.unknown import reports
from glmgate.errors import MissingParameter, UnsupportedValue
from glmgate.wire.chat import ChatRequest, Message, Part
from glmgate.wire.engine import Note

_MAY_BE_SILENT: Final = frozenset({"assistant", "tool"})
_BETWEEN_PARTS: Final = "\n"  # parts are apart for the caller, so their words must not run into each other
_JOINED: Final = Note("messages.content", "joined")


def contents(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Contents become strings; null becomes the empty one where a message may say nothing (contract row C9).

    Where parts of other kinds are read, those of the user stay parts, each in the form that the service takes (contract
    rows I1, I2). All others are joined as long as they are text: templates lose lists in them (peers 2.2).
    """
    # Looked at before anything is built: most contents are strings.
    if all(isinstance(message.content, str) for message in request.messages):
        return Change(request)
    notes: dict[Note, None] = {}
    messages = [
        message if isinstance(message.content, str) else _fitted(message, place, profile, notes)
        for place, message in enumerate(request.messages)
    ]
    return Change(msgspec.structs.replace(request, messages=messages), notes=tuple(notes))


def last_words(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Several assistant messages at the end become one: the engine goes on from the last one, and refuses two."""
    if profile.turns.end == "any":
        return Change(request)
    said = list(request.messages)
    while (
        len(said) > 1
        and said[-1].role == said[-2].role == "assistant"
        and isinstance(said[-1].content, str)
        and isinstance(said[-2].content, str)
        and not (said[-1].tool_calls or said[-2].tool_calls)
    ):
        last, before = said.pop(), said.pop()
        said.append(msgspec.structs.replace(before, content=f"{before.content}{_BETWEEN_PARTS}{last.content}"))
    if len(said) == len(request.messages):
        return Change(request)
    return Change(
        msgspec.structs.replace(request, messages=said), notes=(Note("messages.role", "joined", exact=False),)
    )


def _fitted(message: Message, place: int, profile: Profile, notes: dict[Note, None]) -> Message:
    content = message.content
    path = f"messages[{place}].content"
    if content is None:
        if message.role not in _MAY_BE_SILENT:
            raise MissingParameter(f"{path!r} is missing: a {message.role} message needs it.", param=path)
        return msgspec.structs.replace(message, content="")
    assert not isinstance(content, str)
    if len(profile.images.parts) > 1 and (message.role == "user" or any(part.type != "text" for part in content)):
        parts = [fitted_part(part, f"{path}[{index}]", profile, notes) for index, part in enumerate(content)]
        return msgspec.structs.replace(message, content=parts)
    return msgspec.structs.replace(message, content=_joined(content, path, profile, notes))


def _joined(content: list[Part], path: str, profile: Profile, notes: dict[Note, None]) -> str:
    texts = [_text(part, f"{path}[{index}]") for index, part in enumerate(content)]
    if len(texts) > 1:
        notes[_JOINED] = None
    for part in content:
        notes.update(dict.fromkeys(reports(part.unknown, "messages.content", profile)))
    return _BETWEEN_PARTS.join(texts)


def _text(part: Part, path: str) -> str:
    if part.type != "text":
        raise UnsupportedValue(
            f"{path!r} is a part of type {part.type[:32]!r}, but this model reads text only.", param=f"{path}.type"
        )
    if part.text is None:
        raise MissingParameter(f"'{path}.text' is missing.", param=f"{path}.text")
    return part.text
