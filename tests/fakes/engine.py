"""A scripted engine: it says what a test gave it, and remembers what it was asked and how it was left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta, FinishReason, ToolCallDelta, Usage
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import Call, Caller, Deltas, Generation
from glmgate.wire.tokenizer import TokenizerRequest

Read = tuple[Delta, ...] | Exception | asyncio.Event
"""One read: deltas, a failure, or something to wait for first."""

Script = Sequence[Read] | Callable[[Generation], Sequence[Read]]


@dataclass(slots=True)
class FakeEngine:
    """Answers the first stream with the first script, the second with the second; the last one is used on.

    `refusal` is raised when a stream is entered. `open` counts streams that are open now, `left` those that were closed
    before their script had come to its end.
    """

    scripts: Sequence[Script] = ()
    refusal: Exception | None = None
    vector: tuple[float, ...] = (0.6, 0.8)
    requests: list[Generation] = field(default_factory=list)
    embedded: list[EmbeddingsRequest] = field(default_factory=list)
    counted: list[TokenizerRequest] = field(default_factory=list)
    open: int = 0
    left: int = 0
    most_open: int = 0

    def stream(self, call: Call, request: Generation) -> AbstractAsyncContextManager[Deltas]:
        """Answer with the next script."""
        return self._stream(request)

    async def embed(self, call: Call, request: EmbeddingsRequest) -> Embeddings:
        """The same vector for each input."""
        self.embedded.append(request)
        return Embeddings(vectors=(self.vector,) * len(request.input), prompt_tokens=len(request.input))

    async def count(self, call: Call, request: TokenizerRequest) -> int:
        """One token for each message."""
        self.counted.append(request)
        return len(request.messages)

    @asynccontextmanager
    async def _stream(self, request: Generation) -> AsyncIterator[Deltas]:
        script = self.scripts[min(len(self.requests), len(self.scripts) - 1)]
        self.requests.append(request)
        if self.refusal is not None:
            raise self.refusal
        reads = _Reads(script(request) if callable(script) else script)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            yield reads
        finally:
            self.open -= 1
            self.left += not reads.over


class _Reads:
    def __init__(self, reads: Sequence[Read]) -> None:
        self._reads = iter(reads)
        self.over = False

    def __aiter__(self) -> _Reads:
        return self

    async def __anext__(self) -> tuple[Delta, ...]:
        await asyncio.sleep(0)
        for read in self._reads:
            if isinstance(read, Exception):
                raise read
            if isinstance(read, asyncio.Event):
                await read.wait()
                continue
            return read
        self.over = True
        raise StopAsyncIteration


def call(**changes: object) -> Call:
    """A call of nobody in particular."""
    base = Call(request_id="req-1", caller=Caller(key_id="key-1"), surface="openai")
    for name, value in changes.items():
        setattr(base, name, value)
    return base


def text(*pieces: str, reasoning: str | None = None, finish: FinishReason = "stop") -> list[Read]:
    """The reads of an answer in text: one token for each piece."""
    reads: list[Read] = [(Delta(reasoning=reasoning),)] if reasoning else []
    reads += [(Delta(content=piece, usage=Usage(5, number)),) for number, piece in enumerate(pieces, start=1)]
    return [*reads, (Delta(finish_reason=finish, usage=Usage(5, len(pieces) + 1)),)]


def calls(*named: tuple[str, str], finish: FinishReason = "tool_calls") -> list[Read]:
    """The reads of an answer that calls functions: name and arguments, in pieces of three characters."""
    reads: list[Read] = []
    for index, (name, arguments) in enumerate(named):
        reads.append((Delta(tool_calls=(ToolCallDelta(index=index, id=f"call_{index}", name=name),)),))
        reads += [
            (Delta(tool_calls=(ToolCallDelta(index=index, arguments=arguments[start : start + 3]),)),)
            for start in range(0, len(arguments), 3)
        ]
    return [*reads, (Delta(finish_reason=finish, usage=Usage(5, 7)),)]


def asks_json(request: Generation) -> bool:
    """True when `request` is constrained to a schema."""
    return isinstance(request, ChatRequest) and request.response_format is not None
