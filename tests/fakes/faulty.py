"""An engine that fails as often as a test says, and then answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import Call, Deltas, Generation
from glmgate.wire.tokenizer import TokenizerRequest
from tests.fakes.engine import FakeEngine, text


class FaultyEngine:
    """Raises `errors` one after the other, whatever it is asked, then answers with `word`. `asked` counts all."""

    def __init__(self, *errors: Exception, word: str = "Hi") -> None:
        self._errors: Sequence[Exception] = errors
        self._inner = FakeEngine([text(word)])
        self.asked = 0

    def stream(self, call: Call, request: Generation) -> AbstractAsyncContextManager[Deltas]:
        """A short text."""
        return self._stream(call, request)

    async def embed(self, call: Call, request: EmbeddingsRequest) -> Embeddings:
        """One vector for each input."""
        self._fail()
        return await self._inner.embed(call, request)

    async def count(self, call: Call, request: TokenizerRequest) -> int:
        """One token for each message."""
        self._fail()
        return await self._inner.count(call, request)

    @asynccontextmanager
    async def _stream(self, call: Call, request: Generation) -> AsyncIterator[Deltas]:
        self._fail()
        async with self._inner.stream(call, request) as deltas:
            yield deltas

    def _fail(self) -> None:
        self.asked += 1
        if self.asked <= len(self._errors):
            raise self._errors[self.asked - 1]
