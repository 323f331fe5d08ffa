"""The child's stream, made regular: its JSON chunks in, deltas out. A state machine without I/O.

Whatever the child does, each choice gets ids and names of calls once, cumulative usage, and exactly one finish reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from glmgate.engines.call_ids import call_id
from glmgate.engines.embedded.refusals import ChildError, meaning
from glmgate.errors import EngineFailed
from glmgate.wire.delta import Delta, FinishReason, ToolCallDelta, Usage
from glmgate.wire.sse import DONE_DATA, EventTooLarge, SseReader

_FINISH: Final[dict[str, FinishReason]] = {"stop": "stop", "length": "length", "tool_calls": "tool_calls"}


class _Function(msgspec.Struct, frozen=True):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct, frozen=True):
    index: int = 0
    function: _Function = _Function()


class _Piece(msgspec.Struct, frozen=True):
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(msgspec.Struct, frozen=True):
    delta: _Piece | None = None
    text: str | None = None
    finish_reason: str | None = None
    logprobs: dict[str, Any] | None = None


class _Timings(msgspec.Struct, frozen=True):
    cache_n: int = 0
    prompt_n: int = 0
    predicted_n: int = 0


class _Details(msgspec.Struct, frozen=True):
    cached_tokens: int = 0


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _Details = _Details()


class _Chunk(msgspec.Struct, frozen=True):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    timings: _Timings | None = None
    error: ChildError | None = None


_CHUNK: Final = msgspec.json.Decoder(_Chunk)


class ChunkReader:
    """One answer's stream. `top_logprobs` is how many alternatives were asked for (the child gives at least one)."""

    def __init__(self, *, top_logprobs: int = 0, new_id: Callable[[], str] = call_id) -> None:
        self._events = SseReader()
        self._top_logprobs = top_logprobs
        self._new_id = new_id
        self._calls: set[int] = set()
        self._usage = Usage()
        self._finish: FinishReason | None = None
        self._ended = False

    def feed(self, data: bytes) -> tuple[Delta, ...]:
        """The deltas that these bytes complete. Raises what the child's error means; EngineFailed for nonsense."""
        try:
            events = self._events.feed(data)
            deltas = [delta for event in events for delta in self._event(event.data)]
        except (msgspec.MsgspecError, UnicodeDecodeError, EventTooLarge) as exc:
            raise EngineFailed("The model's engine sent something that cannot be read.") from exc
        return tuple(deltas)

    def close(self) -> tuple[Delta, ...]:
        """The stream has ended. Raises EngineFailed when the answer had not."""
        if not self._ended and self._finish is None:
            raise EngineFailed("The model's answer broke off before its end. Try again.")
        return self._last()

    def _event(self, data: bytes) -> tuple[Delta, ...]:
        if data == DONE_DATA:
            return self.close()
        chunk = _CHUNK.decode(data)
        if chunk.error is not None:
            raise meaning(chunk.error, 200)
        self._account(chunk)
        deltas = [delta for choice in chunk.choices if (delta := self._choice(choice)) is not None]
        # The finish reason waits for the usage, which comes with it (completions) or in the next chunk (chat).
        return (*deltas, *self._last()) if chunk.usage and self._finish else tuple(deltas)

    def _last(self) -> tuple[Delta, ...]:
        if self._ended:
            return ()
        self._ended = True
        return (Delta(finish_reason=self._finish, usage=self._usage),)

    def _account(self, chunk: _Chunk) -> None:
        """Count tokens. Timings come with every chunk, so that the count is right when a stream is left early."""
        reasoning = self._usage.reasoning
        if chunk.timings is not None:
            timings = chunk.timings
            if any(choice.delta and choice.delta.reasoning_content for choice in chunk.choices):
                reasoning = timings.predicted_n
            prompt = timings.cache_n + timings.prompt_n
            self._usage = Usage(prompt, timings.predicted_n, timings.cache_n, reasoning)
        if chunk.usage is not None:
            usage = chunk.usage
            cached = usage.prompt_tokens_details.cached_tokens
            self._usage = Usage(usage.prompt_tokens, usage.completion_tokens, cached, reasoning)

    def _choice(self, choice: _Choice) -> Delta | None:
        if choice.finish_reason is not None:
            self._finish = self._finished(choice.finish_reason)
        piece = choice.delta or _Piece(content=choice.text)
        calls = tuple(self._call(call) for call in piece.tool_calls or ())
        logprobs = self._logprobs(choice.logprobs)
        delta = Delta(
            content=piece.content or None,
            reasoning=piece.reasoning_content or None,
            tool_calls=calls,
            usage=self._usage,
            logprobs=logprobs,
        )
        return delta if delta.says_something or logprobs else None

    def _call(self, call: _Call) -> ToolCallDelta:
        function = call.function
        if call.index in self._calls:
            return ToolCallDelta(index=call.index, arguments=function.arguments or "")
        self._calls.add(call.index)
        return ToolCallDelta(
            index=call.index, id=self._new_id(), name=function.name or "", arguments=function.arguments or ""
        )

    def _finished(self, word: str) -> FinishReason:
        reason = _FINISH.get(word)
        if reason is None:
            raise EngineFailed("The model's answer ended for an unknown reason.")
        if reason == "length":
            return reason
        return "tool_calls" if self._calls else "stop"

    def _logprobs(self, logprobs: dict[str, Any] | None) -> dict[str, Any] | None:
        """OpenAI's object: without the child's token ids, with as many alternatives as were asked for."""
        entries = (logprobs or {}).get("content")
        if not entries:
            return None
        return {"content": [self._logprob(entry) for entry in entries]}

    def _logprob(self, entry: dict[str, Any]) -> dict[str, Any]:
        top = [_without_id(other) for other in entry.get("top_logprobs", ())[: self._top_logprobs]]
        return {**_without_id(entry), "top_logprobs": top}


def _without_id(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "id"}
