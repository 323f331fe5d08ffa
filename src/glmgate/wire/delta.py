"""Deltas: the pieces that an answer is made of, whatever the engine that gave them.

How they are folded lives in `fold`, how they are written in `answers`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

FinishReason = Literal[
    "stop",
    "length",
    "tool_calls",
    "function_call",
    "sensitive",
    "network_error",
    "model_context_window_exceeded",
]
"""Why a choice ended, in Z.AI's words (contract 3.2), plus OpenAI's legacy `function_call`."""


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one answer. `prompt` holds `cached`, `completion` holds `reasoning`."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        """Prompt and completion together."""
        return self.prompt + self.completion

    def __add__(self, other: Usage) -> Usage:
        """The sum of two answers' tokens."""
        return Usage(
            self.prompt + other.prompt,
            self.completion + other.completion,
            self.cached + other.cached,
            self.reasoning + other.reasoning,
        )


class ToolCallDelta(msgspec.Struct, frozen=True, omit_defaults=True):
    """A piece of a call. `id` and `name` come once, on its first piece; `arguments` is a piece of JSON text.

    Of a custom tool (contract row C8) every piece is `custom`, and `arguments` is a piece of its input, any text.
    A tool that the service runs itself (contract 3.4) has `native` in their place: the piece as it came, with its
    `type`; each such piece has an index of its own (contract 0.4).
    """

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    custom: bool = False
    native: dict[str, Any] | None = None


class Delta(msgspec.Struct, frozen=True, omit_defaults=True):
    """One piece of one choice.

    `usage` is what the answer has cost up to here: cumulative, so the last one seen for a choice counts, whether the
    stream ended by itself or was left. `logprobs` is OpenAI's object for the tokens of this piece. `extra` are members
    that stand beside the choices (`web_search`, `content_filter`, contract 3.2); they never come alone.
    """

    choice: int = 0
    content: str | None = None
    reasoning: str | None = None
    tool_calls: tuple[ToolCallDelta, ...] = ()
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    logprobs: dict[str, Any] | None = None
    extra: dict[str, Any] | None = None

    @property
    def says_something(self) -> bool:
        """True when a client would see a difference: text, reasoning, a call or an end."""
        return bool(self.content or self.reasoning or self.tool_calls or self.finish_reason)

    @property
    def run_there(self) -> tuple[ToolCallDelta, ...]:
        """The pieces of tools that the service runs itself."""
        return tuple(piece for piece in self.tool_calls if piece.native is not None)
