"""The embedded engine: answers requests for one local model through its child process.

Queues, asks, makes the answer regular; how the child is kept alive is the supervisor's, what is sent is `body`'s.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final, TypeVar

import msgspec

from glmgate.engines.embedded import body
from glmgate.engines.embedded.chunks import ChunkReader
from glmgate.engines.embedded.refusals import broken, refusal
from glmgate.engines.embedded.resident import Running
from glmgate.engines.embedded.spec import LocalModel
from glmgate.engines.embedded.supervisor import Supervisor
from glmgate.errors import EngineFailed, UnsupportedValue
from glmgate.transport.errors import TransportError
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


class _Vector(msgspec.Struct, frozen=True):
    index: int
    embedding: tuple[float, ...]


class _VectorsUsage(msgspec.Struct, frozen=True):
    prompt_tokens: int


class _Vectors(msgspec.Struct, frozen=True):
    data: list[_Vector]
    usage: _VectorsUsage


class EmbeddedEngine:
    """One local model. Implements `wire.engine.Engine`."""

    def __init__(self, model: LocalModel, supervisor: Supervisor) -> None:
        self._model = model
        self._supervisor = supervisor
        settings = supervisor.settings
        self._timeouts = Timeouts(
            connect_s=_CONNECT_S, first_s=settings.first_token_s, idle_s=settings.next_token_s, total_s=None
        )

    @asynccontextmanager
    async def stream(self, call: Call, request: Generation) -> AsyncIterator[Deltas]:  # noqa: ARG002 # the Protocol's
        """Answer with deltas; errors before the first are raised on entry. Leaving closes the child's connection."""
        async with self._slot() as running:
            outgoing = running.endpoint.outgoing(body.path(request), body.generation(request), timeouts=self._timeouts)
            with _mapped():
                async with running.endpoint.transport.stream(outgoing) as reply:
                    if reply.status != 200:
                        raise refusal(reply.status, await reply.whole(_MAX_ERROR_BYTES))
                    yield _deltas(reply, ChunkReader(top_logprobs=body.top_logprobs(request)))

    async def embed(self, call: Call, request: EmbeddingsRequest) -> Embeddings:  # noqa: ARG002 # the Protocol's
        """Embed each input, as the model does: its own dimensions."""
        texts = [request.input] if isinstance(request.input, str) else list(request.input)
        if not all(isinstance(text, str) for text in texts):
            raise UnsupportedValue("Token ids cannot be embedded here. Send texts.", param="input")
        vectors: list[tuple[float, ...]] = []
        tokens = 0
        async with self._slot() as running:
            for start in range(0, len(texts), _BATCH):
                batch = [str(text) for text in texts[start : start + _BATCH]]
                part = await self._post(running, "/v1/embeddings", body.embeddings(batch), _Vectors, _MAX_VECTORS_BYTES)
                vectors.extend(item.embedding for item in sorted(part.data, key=lambda item: item.index))
                tokens += part.usage.prompt_tokens
        return Embeddings(tuple(vectors), tokens)

    async def count(self, call: Call, request: TokenizerRequest) -> int:  # noqa: ARG002 # the Protocol's
        """The prompt tokens of the messages and tools, as the child would read them."""
        async with self._supervisor.lease(self._model) as running:
            text = await self._render(running, request)
            found = await self._post(running, "/tokenize", body.tokenize(text), _Tokens, _MAX_PROMPT_BYTES)
        return len(found.tokens)

    async def render(self, request: ChatRequest | TokenizerRequest) -> str:
        """The prompt that the model's template makes of the request."""
        async with self._supervisor.lease(self._model) as running:
            return await self._render(running, request)

    async def _render(self, running: Running, request: ChatRequest | TokenizerRequest) -> str:
        made = await self._post(running, "/apply-template", body.prompt(request), _Prompt, _MAX_PROMPT_BYTES)
        return made.prompt

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[Running]:
        async with self._supervisor.slots(self._model).hold(), self._supervisor.lease(self._model) as running:
            yield running

    async def _post(self, running: Running, path: str, data: bytes, into: type[T], max_bytes: int) -> T:
        outgoing = running.endpoint.outgoing(path, data, timeouts=self._timeouts)
        with _mapped():
            reply = await running.endpoint.transport.post(outgoing, max_bytes=max_bytes)
        if reply.status != 200:
            raise refusal(reply.status, reply.body)
        try:
            return msgspec.json.decode(reply.body, type=into)
        except msgspec.MsgspecError as exc:
            raise EngineFailed("The model's engine answered with something that cannot be read.") from exc


async def _deltas(reply: StreamedReply, reader: ChunkReader) -> AsyncIterator[tuple[Delta, ...]]:
    with _mapped():
        async for piece in reply.pieces():
            if deltas := reader.feed(piece):
                yield deltas
    if deltas := reader.close():
        yield deltas


@contextmanager
def _mapped() -> Iterator[None]:
    """The transport's errors as ours."""
    try:
        yield
    except TransportError as exc:
        raise broken(exc) from exc
