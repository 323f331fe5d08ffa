"""A conversation: what was said, how the next request looks, and how it is written to a file and read again.

No I/O and no clock; a request is bytes, a file is text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from glmgate.cli.chat.answer import Answer
from glmgate.cli.chat.tools import TOOLS

Message = dict[str, Any]

_FORMAT: Final = "glmgate chat 1"
STOPPED: Final = " […]"
"""Ends an answer that was not let finish, in the conversation as on the screen."""


class NotSaved(Exception):
    """A text is no conversation that `/save` wrote."""


class _SavedMessage(msgspec.Struct, forbid_unknown_fields=False):
    role: Literal["user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None


class _Saved(msgspec.Struct):
    format: Literal["glmgate chat 1"]
    messages: list[_SavedMessage]
    model: str = ""
    system: str = ""


@dataclass(slots=True)
class Conversation:
    """What is said and set. `think`: None leaves it to the model. `images`: data URLs for the next question."""

    model: str
    system: str = ""
    think: bool | None = None
    tools: bool = False
    messages: list[Message] = field(default_factory=list)
    images: list[str] = field(default_factory=list)

    @property
    def has_images(self) -> bool:
        """True when the next request carries an image, new or from before."""
        return bool(self.images) or any(isinstance(message.get("content"), list) for message in self.messages)

    def ask(self, text: str) -> None:
        """Add a question, with the images that wait for one."""
        parts = [{"type": "image_url", "image_url": {"url": url}} for url in self.images]
        content: str | list[dict[str, Any]] = [*parts, {"type": "text", "text": text}] if parts else text
        self.messages.append({"role": "user", "content": content})
        self.images = []

    def take_back(self) -> None:
        """Forget the last question and all after it: it got no answer."""
        while self.messages and self.messages.pop()["role"] != "user":
            pass

    def answered(self, answer: Answer) -> None:
        """Add an answer, with its calls."""
        message: Message = {"role": "assistant", "content": answer.content}
        if answer.calls:
            message["tool_calls"] = [
                {
                    "id": call.id or f"call_{position}",
                    "type": "function",
                    "function": {"name": call.name or "", "arguments": "".join(call.arguments)},
                }
                for position, call in enumerate(answer.calls)
            ]
        self.messages.append(message)

    def stopped(self, answer: Answer) -> None:
        """Keep what there is of an answer, marked; a question that got nothing at all is taken back."""
        if answer.content.strip():
            self.messages.append({"role": "assistant", "content": answer.content + STOPPED})
        else:
            self.take_back()

    def called(self, results: Sequence[str]) -> None:
        """Add the results of the last answer's calls, in their order."""
        calls = self.messages[-1]["tool_calls"]
        self.messages += [
            {"role": "tool", "tool_call_id": call["id"], "content": result}
            for call, result in zip(calls, results, strict=True)
        ]

    def clear(self) -> None:
        """Forget what was said; what was set stays."""
        self.messages, self.images = [], []

    def request(self) -> bytes:
        """The body of the next request."""
        system = [{"role": "system", "content": self.system}] if self.system else []
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [*system, *self.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        # Sent only where it was asked for: not every service knows GLM's switch.
        if self.think is not None:
            body["thinking"] = {"type": "enabled" if self.think else "disabled"}
        if self.tools:
            body["tools"] = list(TOOLS)
        return msgspec.json.encode(body)

    def saved(self) -> str:
        """The text that `load` reads."""
        document = {"format": _FORMAT, "model": self.model, "system": self.system, "messages": self.messages}
        return json.dumps(document, ensure_ascii=False, indent=1) + "\n"

    def load(self, text: str | bytes) -> None:
        """Take over model, system text and messages of a saved conversation. NotSaved leaves all as it was."""
        try:
            checked = msgspec.json.decode(text, type=_Saved)
            messages = msgspec.json.decode(text)["messages"]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise NotSaved(str(exc)) from exc
        self.model, self.system = checked.model or self.model, checked.system
        self.messages, self.images = messages, []
