"""The embedded engine: answers requests for one local model through its child process.

Queues, asks, makes the answer regular; how the child is kept alive is the supervisor's, what is sent is `body`'s.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from glmgate.engines import vectors
from glmgate.engines.embedded import body
from glmgate.engines.embedded.chunks import ChunkReader
from glmgate.engines.embedded.interfaces import Supervision
from glmgate.engines.embedded.refusals import broken, refusal
from glmgate.engines.embedded.resident import Running
from glmgate.engines.embedded.spec import LocalModel
from glmgate.errors import EngineFailed, UnsupportedValue
from glmgate.transport.errors import ConnectFailed, ConnectionBroken, TransportError
from glmgate.transport.interfaces import StreamedReply, Timeouts
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import Call, Deltas, Generation
from glmgate.wire.tokenizer import TokenizerRequest

_CONNECT_S: Final = 5.0
_MAX_ERROR_BYTES: Final = 1 << 20
_MAX_PROMPT_BYTES: Final = 64 << 20
_MAX_VECTORS_BYTES: Final = 256 << 20
# Texts that go to the child at once: enough to fill its slots, few enough that a caller who leaves stops soon.
_BATCH: Final = 16

T = TypeVar("T")


class _Prompt(msgspec.Struct, frozen=True):
    prompt: str


class _Tokens(msgspec.Struct, frozen=True):
    tokens: list[int]


@dataclass(frozen=True, slots=True)
class _Exchange:
    """An answer on its way, and the child that gives it."""

    running: Running
    reply: StreamedReply


class EmbeddedEngine:
    """One local model. Implements `wire.engine.Engine`.

    Without `starts` only a child that runs is asked; where none does, everything raises Unavailable.
    """

    def __init__(self, model: LocalModel, supervisor: Supervision, *, starts: bool = True) -> None:
        self._model = model
        self._supervisor = supervisor
        self._starts = starts
        silence_s = supervisor.settings.silence_s
        self._timeouts = Timeouts(connect_s=_CONNECT_S, first_s=silence_s, idle_s=silence_s, total_s=None)

    @asynccontextmanager
    async def stream(self, call: Call, request: Generation) -> AsyncIterator[Deltas]:  # noqa: ARG002 # the Protocol's
        """Answer with deltas. Refusals are raised on entry; leaving closes the child's connection."""
        reader = ChunkReader(top_logprobs=body.top_logprobs(request))
        async with self._supervisor.slot(self._model), AsyncExitStack() as stack:
            exchange = await self._asked(stack, body.path(request), body.generation(request))
            yield self._deltas(exchange, reader)

    async def embed(self, call: Call, request: EmbeddingsRequest) -> Embeddings:  # noqa: ARG002 # the Protocol's
        """Embed each input, a text or a list of the model's own token ids: its own dimensions."""
        texts = [request.input] if isinstance(request.input, str) else request.input
        found: list[tuple[float, ...]] = []
        tokens = 0
        async with self._supervisor.slot(self._model):
            for start in range(0, len(texts), _BATCH):
                batch = [text for text in texts[start : start + _BATCH] if not isinstance(text, int)]
                if len(batch) < len(texts[start : start + _BATCH]):
                    raise UnsupportedValue("One token id is no text. Send a list of them.", param="input")
                part = await self._vectors(batch)
                found.extend(part.vectors)
                tokens += part.prompt_tokens
        return Embeddings(tuple(found), tokens)

    async def count(self, call: Call, request: TokenizerRequest) -> int:  # noqa: ARG002 # the Protocol's
        """The prompt tokens of the messages and tools, as the child would read them."""
        text = await self.render(request)
        found = await self._whole("/tokenize", body.tokenize(text), _Tokens, _MAX_PROMPT_BYTES)
        return len(found.tokens)

    async def tokens(self, text: str) -> int:
        """The tokens of a text in which nothing is special."""
        found = await self._whole("/tokenize", body.tokenize(text, plain=True), _Tokens, _MAX_PROMPT_BYTES)
        return len(found.tokens)

    async def render(self, request: ChatRequest | TokenizerRequest) -> str:
        """The prompt that the model's template makes of the request."""
        made = await self._whole("/apply-template", body.prompt(request), _Prompt, _MAX_PROMPT_BYTES)
        return made.prompt

    async def _vectors(self, batch: list[str | list[int]]) -> Embeddings:
        answer = await self._body("/v1/embeddings", body.embeddings(batch), _MAX_VECTORS_BYTES)
        try:
            return vectors.read(answer, inputs=len(batch))
        except (msgspec.MsgspecError, ValueError) as exc:
            raise _unreadable() from exc

    async def _whole(self, path: str, data: bytes, into: type[T], max_bytes: int) -> T:
        """The child's whole answer."""
        answer = await self._body(path, data, max_bytes)
        try:
            return msgspec.json.decode(answer, type=into)
        except msgspec.MsgspecError as exc:
            raise _unreadable() from exc

    async def _body(self, path: str, data: bytes, max_bytes: int) -> bytes:
        async with AsyncExitStack() as stack:
            exchange = await self._asked(stack, path, data)
            try:
                return await exchange.reply.whole(max_bytes)
            except TransportError as exc:
                raise await self._failed(exchange.running, exc) from exc

    async def _deltas(self, exchange: _Exchange, reader: ChunkReader) -> AsyncIterator[tuple[Delta, ...]]:
        try:
            async for piece in exchange.reply.pieces():
                if deltas := reader.feed(piece):
                    yield deltas
        except TransportError as exc:
            raise await self._failed(exchange.running, exc) from exc
        if deltas := reader.close():
            yield deltas

    async def _asked(self, stack: AsyncExitStack, path: str, data: bytes) -> _Exchange:
        """The child's answer, good so far; child and connection are held until `stack` is left."""
        running = await stack.enter_async_context(self._supervisor.lease(self._model, start=self._starts))
        try:
            return await self._sent(stack, running, path, data)
        except ConnectFailed:
            # The child has just ended. Nothing was sent, so the next one may be asked.
            await self._supervisor.unreachable(self._model, running.pid)
        except TransportError as exc:
            raise await self._failed(running, exc) from exc
        running = await stack.enter_async_context(self._supervisor.lease(self._model, start=self._starts))
        try:
            return await self._sent(stack, running, path, data)
        except TransportError as exc:
            raise await self._failed(running, exc) from exc

    async def _sent(self, stack: AsyncExitStack, running: Running, path: str, data: bytes) -> _Exchange:
        outgoing = running.endpoint.outgoing(path, data, timeouts=self._timeouts)
        reply = await stack.enter_async_context(running.endpoint.transport.stream(outgoing))
        if reply.status != 200:
            raise refusal(reply.status, await reply.whole(_MAX_ERROR_BYTES))
        return _Exchange(running, reply)

    async def _failed(self, running: Running, exc: TransportError) -> EngineFailed:
        """What a failed connection means; told only when the supervisor knows of a child that has ended.

        The caller's next request would otherwise be sent to the dead child.
        """
        if isinstance(exc, ConnectFailed | ConnectionBroken):
            await self._supervisor.unreachable(self._model, running.pid)
        return broken(exc)


def _unreadable() -> EngineFailed:
    return EngineFailed("The model's engine answered with something that cannot be read.")
