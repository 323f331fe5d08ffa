"""An answer while it arrives: what services write in their chunks, read leniently, and folded into a whole.

No I/O: bytes come in, pieces go out. Unlike `wire.chat` this reads services that are not ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from glmgate.wire.delta import ToolCallDelta
from glmgate.wire.fold import CallFold
from glmgate.wire.sse import DONE_DATA, EventTooLarge, SseReader


class AnswerUnreadable(Exception):
    """What came is no answer of a chat service."""


class AnswerFailed(Exception):
    """The service told of an error in the middle of its answer; `error` is what it said."""

    def __init__(self, error: Any) -> None:  # noqa: ANN401 -- whatever JSON it sent
        super().__init__("the service broke off its answer")
        self.error = error


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class _Call(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None  # newer vLLM and some gateways
    tool_calls: list[_Call] | None = None


class _Choice(msgspec.Struct):
    index: int | None = None
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    completion_tokens: int | None = None


class _Chunk(msgspec.Struct):
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None


@dataclass(frozen=True, slots=True)
class Piece:
    """What one event adds to what is shown."""

    content: str = ""
    reasoning: str = ""


@dataclass(slots=True)
class Answer:
    """One answer of a model; `feed` it the bytes of its stream.

    `finish_reason` is None while it has not ended properly. `tokens` is what the service counted, else None.
    """

    model: str | None = None
    finish_reason: str | None = None
    tokens: int | None = None
    done: bool = False
    _content: list[str] = field(default_factory=list)
    _reasoning: list[str] = field(default_factory=list)
    _calls: dict[int, CallFold] = field(default_factory=dict)
    _reader: SseReader = field(default_factory=SseReader)

    @property
    def content(self) -> str:
        """The text so far."""
        return "".join(self._content)

    @property
    def reasoning(self) -> str:
        """The thinking so far."""
        return "".join(self._reasoning)

    @property
    def calls(self) -> tuple[CallFold, ...]:
        """The tool calls so far, in their order."""
        return tuple(self._calls[index] for index in sorted(self._calls))

    def feed(self, data: bytes) -> list[Piece]:
        """Take what one read brought. Raises AnswerFailed and AnswerUnreadable."""
        try:
            events = self._reader.feed(data)
        except EventTooLarge as exc:
            raise AnswerUnreadable(str(exc)) from exc
        pieces = []
        for event in events:
            if event.data.strip() == DONE_DATA:
                self.done = True
            else:
                pieces.append(self.whole(event.data))
        return pieces

    def whole(self, data: bytes) -> Piece:
        """Take one JSON object: a chunk, or the plain answer of a service that does not stream."""
        try:
            chunk = msgspec.json.decode(data, type=_Chunk)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise AnswerUnreadable(f"no chat completion: {exc}") from exc
        if chunk.error is not None:
            raise AnswerFailed(chunk.error)
        self.model = chunk.model or self.model
        if chunk.usage is not None and chunk.usage.completion_tokens is not None:
            self.tokens = chunk.usage.completion_tokens
        first = [choice for choice in chunk.choices or () if not choice.index]
        return self._take(first[0]) if first else Piece()

    def _take(self, choice: _Choice) -> Piece:
        self.finish_reason = choice.finish_reason or self.finish_reason
        delta = choice.delta or choice.message or _Delta()
        piece = Piece(delta.content or "", delta.reasoning_content or delta.reasoning or "")
        self._content.append(piece.content)
        self._reasoning.append(piece.reasoning)
        for position, call in enumerate(delta.tool_calls or ()):
            index = position if call.index is None else call.index
            self._calls.setdefault(index, CallFold()).feed(_call_piece(index, call))
        return piece


def _call_piece(index: int, call: _Call) -> ToolCallDelta:
    function = call.function or _Function()
    arguments = function.arguments
    if isinstance(arguments, dict):  # against the contract, but seen at services that do not stream calls
        arguments = msgspec.json.encode(arguments).decode()
    return ToolCallDelta(index, call.id, function.name, arguments or "")
